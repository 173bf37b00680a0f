"""Pages of queries: what each finds or derives, its text, the rows that are expected of it and those that the graph gives."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
from markupsafe import Markup

from dermograph import content, questions
from dermograph.workbench.site.blocks import Block, Code, Facts, Page, Section, Table, linked, paragraph
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

_HEADER = re.compile(r"^#\+ (\w+): (.+)$", re.MULTILINE)


def path(stage: str, name: str) -> str:
    """Path of the page of a query."""
    return f"queries/{stage}-{name}.html"


def pages(material: Material, words: Words, expected: Path | None) -> Iterator[Page]:
    """The list of queries and a page for each.

    :param expected: folder of the rows that are expected of the questions, a CSV file for each.
    """
    root = content.folder("queries")
    files = sorted(root.rglob("*.rq"), key=lambda f: (f.parent.name != "ask", f.as_posix()))
    rows: dict[str, list[list[str | Markup]]] = {}
    for file in files:
        header = dict(_HEADER.findall(file.read_text(encoding="utf-8")))
        rows.setdefault(file.parent.name, []).append([linked(path(file.parent.name, file.stem), file.stem), header.get("summary", "")])
    titles = {stage: "Questions for users" if stage == "ask" else f"Queries of the stage {stage}" for stage in rows}
    sections = [Section(stage, titles[stage], [Table(titles[stage], ["query", "what it finds or derives"], own)]) for stage, own in rows.items()]
    yield Page("queries.html", "Queries", "list", "Everything that is derived or asked, one question to a file.", sections)
    store = questions.guideline_store(material.ontology)
    for file in files:
        yield _page(words, store, file, expected)


def _page(words: Words, store: ox.Store, file: Path, expected: Path | None) -> Page:
    text = file.read_text(encoding="utf-8")
    header = dict(_HEADER.findall(text))
    stage = file.parent.name
    pairs: list[tuple[str | Markup, str | Markup]] = [(key, value) for key, value in header.items() if key != "summary"]
    sections = [Section("header", "At a glance", [Facts(pairs)]), Section("query", "The query", [Code(text, "SPARQL")])]
    if stage == "ask":
        sections.append(Section("answer", "The answer", _answer(words, store, file, expected)))
    lead = f"{header.get('summary', '')}."
    return Page(path(stage, file.stem), file.stem.replace("-", " "), "query", lead, sections, (("Queries", "queries.html"),))


def _answer(words: Words, store: ox.Store, file: Path, expected: Path | None) -> list[Block]:
    answer = questions.ask(store, file.read_text(encoding="utf-8"), file.name)
    if not isinstance(answer, ox.QuerySolutions):
        return [paragraph("It gives triples.")]
    heads = [v.value for v in answer.variables]
    rows = list(questions.rows(answer))
    blocks: list[Block] = [paragraph(Markup("{} rows. Ask it yourself: <code>dermograph query {}</code>").format(f"{len(rows):,}", file.stem))]
    wanted = expected / f"{file.stem}.csv" if expected else None
    if wanted and wanted.is_file():
        with wanted.open(encoding="utf-8", newline="") as lines:
            same = list(csv.reader(lines)) == [heads, *rows]
        blocks.append(paragraph("The rows are those that are expected." if same else "The rows are not those that are expected:"))
        if not same:
            blocks.append(Code(wanted.read_text(encoding="utf-8"), "expected rows"))
    cells = [[words.name(cell) if cell in words.material.addresses else cell for cell in row] for row in rows]
    return [*blocks, Table("What the graph gives", heads, cells, wide=True)]
