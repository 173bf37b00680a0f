"""Pages of every other IRI: classes, properties, recommendations, label facts, evidence; and the list of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from markupsafe import Markup

from dermograph.terms import OWN, PREFIXES, local_name
from dermograph.workbench.site.blocks import Block, Facts, Fold, Page, Prose, Section, Table, joined, listed, paragraph
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.therapies import RECOMMENDATION, recommendation
from dermograph.workbench.site.words import Words


def pages(material: Material, words: Words, told: set[str]) -> Iterator[Page]:
    """The list of all IRIs, and a page for each that no other noun told."""
    yield _list(material, words)
    for node in material.addresses.hosts():
        if material.addresses[node] not in told:
            yield _page(material, words, node)


def _list(material: Material, words: Words) -> Page:
    by: dict[str, dict[str, list[str]]] = {prefix: {} for prefix in OWN}
    for node in sorted(material.graph.described()):
        if node in material.addresses:
            by[node.partition(":")[0]].setdefault(material.kind(node), []).append(node)
    sections = []
    for prefix, kinds in by.items():
        blocks: list[Block] = [paragraph(Markup('<code class="iri">{}</code>').format(PREFIXES[prefix]))]
        for kind, nodes in sorted(kinds.items()):
            names = joined(words.link(n, local_name(n)) for n in nodes)
            blocks.append(Fold(f"{kind} ({len(nodes):,})", [Prose(Markup("<p>{}</p>").format(names))]))
        sections.append(Section(prefix, f"{prefix}:", blocks))
    lead = f"All {sum(len(n) for k in by.values() for n in k.values()):,} IRIs of our namespaces, each with its page."
    return Page("terms.html", "All IRIs", "list", lead, sections)


def _page(material: Material, words: Words, node: str) -> Page:
    graph = material.graph
    sections: list[Section] = []
    if material.within and "dg:Recommendation" in graph.nodes(node, "rdf:type"):
        sections.append(_recommendation(material, words, node))
    instances = graph.instances(node)
    narrower = [n for n in graph.subjects("rdfs:subClassOf", node) if n in material.addresses]
    if narrower:
        rows = [[words.link(n), graph.text(n, "skos:definition") or ""] for n in narrower]
        sections.append(Section("narrower", "Its kinds", [Table("Classes that it is broader than", ["class", "definition"], rows)]))
    if instances:
        found = Prose(Markup("<p>{}</p>").format(words.links(instances)))
        sections.append(Section("instances", "Its nodes", [found if len(instances) <= 30 else Fold(f"{len(instances):,} nodes", [found])]))
    sections += [words.used(node), Section("having", "Nodes that have it", _having(words, node)), words.described(node)]
    said = graph.text(node, "skos:definition") or graph.text(node, "dg:says")
    of = graph.nodes(node, "dg:therapy")
    lead = joined(filter(None, [f"{said.rstrip('.')}." if said else "", Markup("Of {}.").format(words.links(of)) if of else ""]), " ")
    return Page(material.addresses[node], graph.label(node), material.kind(node), lead, sections, _above(material, node), node)


def with_guests(material: Material, words: Words, page: Page) -> Page:
    """A page with the nodes that stand on it because their names differ from its own by case alone."""
    graph = material.graph
    guests = material.addresses.guests.get(page.iri, [])
    sections, anchors = list(page.sections), []
    for guest in guests:
        definition = graph.text(guest, "skos:definition") or ""
        used = [*words.used(guest).blocks, *_having(words, guest)]
        facts: list[Block] = [paragraph(definition), *words.described(guest).blocks, *([Fold("Used by", used)] if used else [])]
        sections.append(Section(local_name(guest), f"{graph.label(guest)} ({guest})", facts))
        anchors.append((guest, graph.label(guest), definition))
    return replace(page, sections=sections, anchors=anchors)


def _having(words: Words, node: str) -> list[Block]:
    """The nodes that have a property."""
    nodes = [n for n in words.graph.having(node) if n in words.material.addresses]
    found = Prose(Markup("<p>{}</p>").format(words.links(nodes)))
    return [Fold(f"{len(nodes):,} nodes have it", [found])] if nodes else []


def _above(material: Material, node: str) -> tuple[tuple[str, str], ...]:
    kinds = [k for k in material.kinds(node) if k in material.addresses] or material.graph.nodes(node, "rdfs:subClassOf")
    known = [(material.graph.label(k), material.addresses[k]) for k in kinds if k in material.addresses]
    return (("All IRIs", "terms.html"), *known[:1])


def _recommendation(material: Material, words: Words, node: str) -> Section:
    pairs: list[tuple[str | Markup, str | Markup]] = [
        (head, cell) for head, cell in zip(RECOMMENDATION, recommendation(words, node), strict=True) if head != "recommendation" and cell
    ]
    quoted = [(s, material.graph.text(s, "skos:definition") or "") for s in material.graph.nodes(node, "dg:statement")]
    said = listed(joined([words.link(s, local_name(s)), text], ": ") for s, text in quoted)
    return Section("recommendation", "What it says", [Facts([*pairs, ("the document", said)] if quoted else pairs)])
