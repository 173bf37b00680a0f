"""Pages of the patient cases: what each shows, the outcome that is expected, and the patient graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from dermograph.workbench.site.blocks import Block, Code, Page, Section, Table, joined, linked, paragraph
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words


def path(name: str) -> str:
    """Path of the page of a case."""
    return f"cases/{name}.html"


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The list of cases and a page for each; nothing without cases."""
    if not material.entries:
        return
    rows = [[linked(path(e.name), e.sentence), ", ".join(map(str, e.expected.get("sources", ())))] for e in material.entries]
    lead = "Patients whose outcome was taken from the documents, and against whom every change is run."
    table = Table("All cases", ["what it shows", "taken from"], rows)
    yield Page("cases.html", "Patient cases", "list", lead, [Section("all", f"All {len(rows):,}", [table])])
    for entry in material.entries:
        blocks = _expected(words, entry.expected)
        text = (entry.folder / "patient.ttl").read_text(encoding="utf-8")
        sections = [Section("expected", "What is expected", blocks), Section("graph", "The patient graph", [Code(text, "Turtle")])]
        yield Page(path(entry.name), entry.name.replace("-", " "), "case", entry.sentence, sections, (("Patient cases", "cases.html"),))


def _expected(words: Words, expected: dict[str, Any]) -> list[Block]:
    found: list[Block] = []
    if sources := expected.get("sources"):
        found.append(paragraph(Markup("Taken from {}.").format(joined(words.link(f"ad:{s}", str(s)) for s in sources))))
    rows = []
    for therapy, want in (expected.get("therapies") or {}).items():
        reasons = [*want.get("because", ()), *want.get("because_includes", ())]
        rest = {k: v for k, v in want.items() if k not in {"status", "rank", "because", "because_includes"}}
        said = [f"{k}: {v if isinstance(v, str) else json.dumps(v, default=str)}" for k, v in rest.items()]
        rows.append([words.link(therapy), str(want.get("status", "")), str(want.get("rank", "")), ", ".join(reasons), "; ".join(said)])
    if rows:
        found.append(Table("Expected verdicts", ["therapy", "status", "rank", "because of", "and"], rows))
    rest = {k: v for k, v in expected.items() if k not in {"sentence", "sources", "therapies"}}
    if rest:
        others: list[list[str | Markup]] = [[k, json.dumps(v, default=str)] for k, v in rest.items()]
        found.append(Table("Also expected", ["what", "value"], others))
    return found
