"""Pages of what is cited: statements of the documents, references, rulings and ambiguities."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup

from dermograph.terms import local_name
from dermograph.workbench.site.blocks import Facts, Page, Section, Table, anchor, joined, linked, listed
from dermograph.workbench.site.guidelines import section_anchor
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

Pair = tuple[str | Markup, str | Markup]


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The three lists and a page for each statement, reference and reading."""
    graph = material.graph
    yield _statements(material, words)
    for name in graph.instances("dg:Statement"):
        yield _statement(material, words, name)
    references = graph.instances("dg:Reference")
    rows = [
        [words.link(r), graph.text(r, "dg:readAt") or "", graph.text(r, "skos:scopeNote") or "", str(len(_citing(material, r)))] for r in references
    ]
    table = Table("References", ["page", "kind of page", "note", "facts read there"], rows)
    lead = "Pages outside the documents at which label facts were read."
    yield Page("references.html", "References", "list", lead, [Section("all", f"All {len(rows):,}", [table])])
    for name in references:
        yield _reference(material, words, name)
    yield _readings(material, words)
    for kind in ("dg:Ruling", "dg:Ambiguity"):
        for name in graph.instances(kind):
            yield _reading(material, words, name)


def _statements(material: Material, words: Words) -> Page:
    graph = material.graph
    sections = []
    for guideline in material.tree["guidelines"]:
        own = [s for s in graph.instances("dg:Statement") if guideline in graph.nodes(s, "dg:document")]
        rows = [[words.link(s), graph.text(s, "skos:definition") or "", graph.text(s, "dg:section") or ""] for s in own]
        sections.append(Section(anchor(local_name(guideline)), graph.label(guideline), [Table("Statements", ["id", "text", "section"], rows)]))
    lead = "Every clinically meaningful statement of the documents, in our own words."
    return Page("statements.html", "Statements", "list", lead, sections)


def _citing(material: Material, node: str) -> list[str]:
    by = material.inbound.get(node, {})
    return sorted({n for p in ("dg:statement", "dg:source") for n in by.get(p, []) if n != node})


def _carriers(material: Material, words: Words, nodes: list[str], caption: str) -> list[Table]:
    rows = []
    for kind, group in groupby(sorted(nodes, key=lambda n: (material.kind(n), n)), material.kind):
        for node in group:
            text = material.graph.text(node, "skos:definition") or ""
            rows.append([kind, words.link(node), words.links(material.graph.nodes(node, "dg:therapy")), text])
    return [Table(caption, ["kind", "node", "therapy", "definition"], rows)] if rows else []


def _statement(material: Material, words: Words, name: str) -> Page:
    graph = material.graph
    (document,) = graph.nodes(name, "dg:document") or [""]
    section = graph.text(name, "dg:section") or ""
    place = f"{material.addresses[document]}#{section_anchor(section)}" if document in material.addresses else ""
    pairs: list[Pair] = [
        ("document", words.link(document) if document else ""),
        ("section", linked(place, section.replace(" > ", " › ")) if place and section else section),
        ("kind", (graph.text(name, "dg:statementKind") or "").replace("-", " ")),
        ("changes what is derived", "yes" if graph.flag(name, "dg:executable") else "no"),
        ("strength", graph.text(name, "dg:strength") or ""),
        ("certainty", graph.text(name, "dg:certainty") or ""),
        ("entries of the document's reference list", joined(words.value(v) for v in graph.values(name, "dg:citation"))),
        ("says again", joined(words.link(s, local_name(s)) for s in graph.nodes(name, "dg:restates"))),
        ("raises", words.links(graph.nodes(name, "dg:raises"))),
    ]
    sections = [
        Section("place", "In the document", [Facts([(k, v) for k, v in pairs if v])]),
        Section("carried-by", "Carried by", _carriers(material, words, _citing(material, name), "Nodes that carry it")),
        words.used(name),
        words.described(name),
    ]
    lead = graph.text(name, "skos:definition") or ""
    return Page(material.addresses[name], local_name(name), "statement", lead, sections, (("Statements", "statements.html"),), name)


def _reference(material: Material, words: Words, name: str) -> Page:
    graph = material.graph
    pairs: list[Pair] = [
        ("address", words.value(graph.text(name, "dcterms:identifier") or "")),
        ("kind of page", graph.text(name, "dg:readAt") or ""),
        ("note", graph.text(name, "skos:scopeNote") or ""),
    ]
    sections = [
        Section("page", "The page", [Facts([(k, v) for k, v in pairs if v])]),
        Section("read-there", "Read there", _carriers(material, words, _citing(material, name), "Facts that cite it")),
        words.used(name),
        words.described(name),
    ]
    lead = f"A page of the kind: {graph.text(name, 'dg:readAt') or 'unknown'}."
    return Page(material.addresses[name], graph.label(name), "reference", lead, sections, (("References", "references.html"),), name)


def _readings(material: Material, words: Words) -> Page:
    graph = material.graph
    sections = []
    for kind in ("dg:Ruling", "dg:Ambiguity"):
        rows = []
        for name in sorted(graph.instances(kind), key=_number):
            shaped = material.inbound.get(name, {}).get("dg:shapedBy", [])
            text = [graph.text(name, "skos:scopeNote") or "", graph.text(name, "skos:definition") or ""]
            rows.append([words.link(name), listed(filter(None, text)), str(len(shaped) or "")])
        title = f"{graph.label(kind)}s".replace("ys", "ies").capitalize()
        sections.append(Section(anchor(title), title, [Table(title, ["name", "reading", "nodes it shaped"], rows)]))
    return Page("readings.html", "Readings", "list", graph.text("dg:Reading", "skos:definition") or "", sections)


def _number(name: str) -> tuple[int, str]:
    digits = "".join(c for c in name if c.isdigit())
    return int(digits or 0), name


def _reading(material: Material, words: Words, name: str) -> Page:
    graph = material.graph
    kind = material.kind(name)
    pairs: list[Pair] = [
        ("what was open", graph.text(name, "skos:scopeNote") or ""),
        ("kind", (graph.text(name, "dg:statementKind") or "").replace("-", " ")),
    ]
    raised = material.inbound.get(name, {}).get("dg:raises", [])
    pairs.append(("raised by", listed(joined([words.link(s, local_name(s)), graph.text(s, "skos:definition") or ""], ": ") for s in raised)))
    shaped = material.inbound.get(name, {}).get("dg:shapedBy", [])
    sections = [
        Section("reading", "The matter", [Facts(told)] if (told := [(k, v) for k, v in pairs if v]) else []),
        Section("shaped", "What it shaped", _carriers(material, words, shaped, "Nodes that it shaped")),
        words.used(name),
        words.described(name),
    ]
    lead = graph.text(name, "skos:definition") or ""
    return Page(material.addresses[name], graph.label(name), kind, lead, sections, (("Readings", "readings.html"),), name)
