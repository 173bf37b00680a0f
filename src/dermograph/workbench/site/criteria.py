"""Pages of criteria: the sentence, Manchester syntax, SPARQL, what rests on it, and the cases that meet it or fail it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from dermograph import sentences
from dermograph.workbench.site.blocks import Block, Code, Facts, Fold, Page, Prose, Section, Table, joined, linked, listed, paragraph
from dermograph.workbench.site.cases import path
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

SHOWN = 25
"""Cases that a page names of each truth; the rest are counted."""


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The list of criteria and a page for each."""
    yield _list(material, words)
    for name in material.tree["criteria"]:
        yield _page(material, words, name)


def _list(material: Material, words: Words) -> Page:
    graph, criteria = material.graph, material.tree["criteria"]
    groups: dict[str, list[str]] = {"composite": [], "atomic": [], "derived": []}
    for name in sorted(criteria, key=lambda c: (criteria[c]["label"].lower(), c)):
        derived = "dg:DerivedCriterion" in graph.nodes(name, "rdf:type")
        groups["derived" if derived else "composite" if "members" in criteria[name] else "atomic"].append(name)
    told = {
        "composite": ("Composite criteria", "Criteria joined by and, or, not."),
        "atomic": ("Atomic criteria", "One question to one fact."),
        "derived": ("Derived criteria", "Written from the label facts of each therapy: what the patient took, how it went, and whether it suits."),
    }
    sections = []
    for key, names in groups.items():
        rows = [[words.link(n), words.name(n), str(len(material.rests[n]) or "")] for n in names]
        table = Table(told[key][0], ["the patient", "name", "recommendations that ask"], rows)
        sections.append(Section(key, told[key][0], [paragraph(told[key][1]), table]))
    lead = Markup("Named classes of patients, each true, false or unknown of a patient. How the three combine: {}.")
    return Page("criteria.html", "Criteria", "list", lead.format(linked("logic.html", "logic and verdicts")), sections)


def _page(material: Material, words: Words, name: str) -> Page:
    tree, graph = material.tree, material.graph
    criterion = tree["criteria"][name]
    reading: list[Block] = [Code(sentences.text(tree, name), "sentence", wrapped=True)]
    if "fact" in criterion:
        silence = tree["facts"][criterion["fact"]]["silence"]
        pairs: list[tuple[str | Markup, str | Markup]] = [("asks the fact", words.link(criterion["fact"]))]
        pairs.append(("when nothing is recorded", joined([words.link(silence), graph.text(silence, "skos:definition") or ""], ": ")))
        reading.append(Facts(pairs))
    else:
        members = [joined(["" if positive else "not: ", words.link(m)], "") for m, positive in criterion["members"]]
        how = "all of" if criterion["op"] == "and" else "at least one of"
        reading.append(Facts([(how, listed(members))]))
    uses = [[words.link(r), words.links(graph.nodes(r, "dg:guideline")), words.cited(r)] for r in material.rests[name]]
    resting: Sequence[Table] = (
        [Table("Recommendations that ask for it, near or far", ["recommendation", "guideline", "sources"], uses)] if uses else ()
    )
    sections = [
        Section("sentence", "In words", reading),
        Section("manchester", "In Manchester syntax", [Code(sentences.manchester(tree, name), "Manchester syntax")]),
        Section("sparql", "In SPARQL", [Fold("Show the query", [Code(sentences.sparql(tree, name), "SPARQL")])]),
        Section("recommendations", "Recommendations that rest on it", resting),
        Section("patients", "Patients in the cases", _patients(material, name)),
        words.used(name),
        words.described(name),
    ]
    lead = graph.text(name, "skos:definition") or ""
    kind = material.kind(name)
    return Page(material.addresses[name], criterion["label"], kind, lead, sections, (("Criteria", "criteria.html"),), name)


def _patients(material: Material, name: str) -> list[Block]:
    if name not in material.met:
        return []
    met = material.met[name]
    found: list[Block] = []
    for title, names in (("meet it", met.true), ("fail it", met.false), ("leave it unknown", met.unknown)):
        rest = f"and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        links: list[str | Markup] = [linked(path(n), n.replace("-", " ")) for n in names[:SHOWN]]
        shown = listed([*links, rest] if rest else links)
        heading = f"{len(names):,} {'patient' if len(names) == 1 else 'patients'} {title}"
        found.append(Fold(heading, [Prose(shown)]) if names else paragraph(f"No patients {title}."))
    return found
