"""Pages of prose: each Markdown file of the folder ``docs``, with links to other files of it and to IRIs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from dermograph.errors import InputError
from dermograph.workbench.site.blocks import ROOT, Page, Prose, Section, anchor, linked
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words


def pages(material: Material, words: Words, folder: Path | None) -> Iterator[Page]:
    """A page for each Markdown file, ``index.md`` being the list of them.

    A link may go to a file of the folder (``add-a-drug.md``), to an IRI by its compact form (``dg:Criterion``), to a
    page of the site (``site:logic.html``), or out into the world (``https://…``).

    :raises InputError: a link goes elsewhere.
    """
    files = sorted(folder.glob("*.md")) if folder else []
    parsed = {file: _parse(file) for file in files}
    for file, tokens in parsed.items():
        title = _title(tokens) or file.stem
        sections = list(_sections(material, file, tokens, {f.name for f in files}))
        if file.stem == "index":
            others = [linked(_path(f), _title(t) or f.stem) for f, t in parsed.items() if f.stem != "index"]
            items = Markup("").join(Markup("<li>{}</li>").format(link) for link in others)
            sections += [Section("tutorials", "Tutorials", [Prose(Markup("<ul>{}</ul>").format(items))])] if others else []
            yield Page(_path(file), title, "guide", "", sections)
        else:
            yield Page(_path(file), title, "tutorial", "", sections, (("Guide", "guide.html"),) if (file.parent / "index.md") in parsed else ())


def _path(file: Path) -> str:
    return "guide.html" if file.stem == "index" else f"guide/{file.stem}.html"


def _parse(file: Path) -> list[Token]:
    return MarkdownIt("commonmark", {"html": False}).enable("table").parse(file.read_text(encoding="utf-8"))


def _title(tokens: list[Token]) -> str:
    for before, token in itertools.pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h1":
            return token.content
    return ""


def _sections(material: Material, file: Path, tokens: list[Token], names: set[str]) -> Iterator[Section]:
    """The file cut at its headings of the second rank."""
    for token in tokens:
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("href", _target(material, file, str(inner.attrGet("href")), names))
    title, body = "", list[Token]()
    rest = iter(tokens)
    for token in rest:
        if token.type == "heading_open" and token.tag in {"h1", "h2"}:
            if body:
                yield _section(title, body)
                body = []
            title = next(rest).content if token.tag == "h2" else ("", next(rest))[0]
            next(rest)
        else:
            body.append(token)
    if body:
        yield _section(title, body)


def _section(title: str, tokens: list[Token]) -> Section:
    made = MarkdownIt("commonmark").enable("table")
    html = made.renderer.render(tokens, made.options, {})
    html = re.sub(r"<pre>", '<pre tabindex="0">', html)
    html = html.replace("<table>", '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>').replace("</table>", "</table></div>")
    return Section(anchor(title) if title else "", title, [Prose(Markup(html))])


def _target(material: Material, file: Path, href: str, names: set[str]) -> str:
    path, hash_, fragment = href.partition("#")
    if href.startswith(("https://", "http://", "#")):
        return href
    if path in names:
        return f"{ROOT}{_path(file.with_name(path))}{hash_}{fragment}"
    if path in material.addresses:
        return ROOT + material.addresses[path]
    if path.startswith("site:"):
        return ROOT + href.removeprefix("site:")
    raise InputError(
        f"{file}: the link to {href!r} goes to no file of the folder and to no IRI", "link a .md beside it, dg:Name, site:page.html or https://"
    )
