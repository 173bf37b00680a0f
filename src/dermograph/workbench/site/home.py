"""The first page: what this is, what is in it, and where to start."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dermograph.render import DISCLAIMER
from dermograph.workbench.site.blocks import Page, Section, Table, linked, paragraph
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

ONTOLOGY = "https://w3id.org/dermograph"


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The first page."""
    graph = material.graph
    guidelines = []
    for name in material.tree["guidelines"]:
        count = [r for r in material.tree["recommendations"].values() if r["guideline"] == name]
        guidelines.append([words.link(name), graph.text(name, "skos:definition") or "", str(len(count))])
    counts: list[tuple[str, str, int, str]] = [
        ("therapies.html", "Therapies", len(material.tree["rows"]), "indications, doses, contraindications, monitoring, and where sources differ"),
        ("criteria.html", "Criteria", len(material.tree["criteria"]), "named classes of patients, in words, in OWL and in SPARQL"),
        ("statements.html", "Statements", len(graph.instances("dg:Statement")), "what the documents say, in our own words"),
        ("references.html", "References", len(graph.instances("dg:Reference")), "where label facts were read"),
        ("readings.html", "Readings", len(graph.instances("dg:Ruling") + graph.instances("dg:Ambiguity")), "how open matters were decided"),
    ]
    rows = [[linked(path, title), f"{number:,}", text] for path, title, number, text in counts]
    warning = Markup('<strong class="notice">{}</strong>').format(DISCLAIMER)
    yield Page(
        "index.html",
        graph.text(ONTOLOGY, "dcterms:title") or "Home",
        "home",
        graph.text(ONTOLOGY, "dcterms:description") or "",
        [
            Section("notice", "", [paragraph(warning)]),
            Section("guidelines", "Guidelines", [Table("Guidelines", ["guideline", "what it is about", "recommendations"], guidelines)]),
            Section("contents", "What is here", [Table("Contents", ["part", "number", "what it tells"], rows)]),
            Section(
                "reading",
                "How to read it",
                [
                    paragraph(
                        Markup("Every IRI has a page, under its prefix and its local name, such as {}.").format(
                            linked(material.addresses["dg:Criterion"], Markup("<code>dg/Criterion.html</code>"))
                        ),
                        Markup("What is not known stays unknown: {} shows how truths combine and how a status is made.").format(
                            linked("logic.html", "logic and verdicts")
                        ),
                    )
                ],
            ),
        ],
    )
