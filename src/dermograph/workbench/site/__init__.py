"""A static site of the whole graph: pages are nouns, the templates give them their looks, and nothing is fetched.

Every page opens from disk. The search asks an index that is a script, since a page that was opened from disk may not
fetch files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from markupsafe import escape

from dermograph.errors import UsageError
from dermograph.workbench.site import cases as case_pages
from dermograph.workbench.site import commands as command_pages
from dermograph.workbench.site import criteria, guidelines, home, logic, modules, queries, sources, terms, therapies, tutorials
from dermograph.workbench.site.blocks import Page
from dermograph.workbench.site.frame import Frame
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

MANIFEST = "dermograph-site.txt"
"""Names the files of a site, so that the next build clears them away and nothing else."""


def build(
    ontology: Path,
    out: Path,
    *,
    cases: Path | None = None,
    expected: Path | None = None,
    prose: Path | None = None,
    commands: Sequence[command_pages.Command] = (),
    places: Sequence[tuple[str, str]] = (),
    watch: Callable[[Iterator[Page], int], Iterator[Page]] = lambda pages, total: pages,
) -> int:
    """Write the site and give the number of its pages.

    :param out: folder to write to: new, empty, or an earlier site.
    :param cases: folder of patient cases.
    :param expected: folder of the rows expected of the questions.
    :param prose: folder of Markdown files.
    :param places: titles and paths of what the site is served beside, itself among them.
    :param watch: handed the pages as they are made and about how many there will be; gives them on.
    :raises UsageError: the folder holds something else.
    """
    _clear(out)
    material = Material(ontology, cases)
    frame = Frame(material, bool(material.entries), prose is not None and (prose / "index.md").is_file(), bool(commands), places)
    index: list[list[str]] = []
    written: list[str] = []
    total = len(material.addresses.hosts()) + len(material.entries) + 150
    for page in watch(_pages(material, expected, prose, commands), total):
        _write(out, page.path, frame.render(page), written)
        index += _entries(page)
    for asset in sorted(files(__package__).joinpath("assets").iterdir(), key=lambda a: a.name):
        _write(out, asset.name, asset.read_text(encoding="utf-8"), written)
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in index)
    _write(out, "search-index.js", f"window.dermographIndex = [\n{rows}\n];\n", written)
    (out / MANIFEST).write_text("".join(f"{name}\n" for name in sorted(written)), encoding="utf-8")
    return sum(name.endswith(".html") for name in written)


def _pages(material: Material, expected: Path | None, prose: Path | None, commands: Sequence[command_pages.Command]) -> Iterator[Page]:
    words = Words(material)
    told: set[str] = set()
    for pages in (
        home.pages(material, words),
        guidelines.pages(material, words),
        therapies.pages(material, words),
        criteria.pages(material, words),
        sources.pages(material, words),
        queries.pages(material, words, expected),
        case_pages.pages(material, words),
        logic.pages(material, words),
        modules.pages(material, words),
        tutorials.pages(material, words, prose),
        command_pages.pages(commands) if commands else iter(()),
    ):
        for page in pages:
            if "#" not in page.path:
                told.add(page.path)
                yield terms.with_guests(material, words, page)
    for page in terms.pages(material, words, told):
        yield terms.with_guests(material, words, page)


def _entries(page: Page) -> Iterator[list[str]]:
    """Rows of the search index: path, label, kind and text."""
    yield [page.path, page.title, page.kind, str(escape(page.lead).striptags()), page.iri]
    for node, label, text in page.anchors:
        yield [f"{page.path}#{node.partition(':')[2]}", label, "property", text, node]


def _write(out: Path, name: str, text: str, written: list[str]) -> None:
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    written.append(name)


def _clear(out: Path) -> None:
    if out.is_file():
        raise UsageError(f"{out} is a file", "name a folder")
    manifest = out / MANIFEST
    if manifest.is_file():
        for name in manifest.read_text(encoding="utf-8").split("\n"):
            if name and ".." not in Path(name).parts and not Path(name).is_absolute():
                (out / name).unlink(missing_ok=True)
    elif out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} holds files that are no site of ours", "name a new folder, or empty this one")
