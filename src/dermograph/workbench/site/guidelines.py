"""Pages of guidelines: the pathway drawn, the recommendations, and the document's statements in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup, escape

from dermograph import drawing
from dermograph.terms import local_name
from dermograph.workbench.site import modules
from dermograph.workbench.site.blocks import Block, Facts, Figure, Page, Prose, Section, Table, anchor, linked
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.therapies import RECOMMENDATION, recommendation
from dermograph.workbench.site.words import Words


def pages(material: Material, words: Words) -> Iterator[Page]:
    """A page for each guideline."""
    for name in material.tree["guidelines"]:
        yield _page(material, words, name)


def section_anchor(section: str) -> str:
    """Anchor of a section of the document on its guideline's page."""
    return f"section-{anchor(section)}"


def statements(material: Material, guideline: str) -> list[str]:
    """Statements of a guideline's document, in its order."""
    return [s for s in material.graph.instances("dg:Statement") if guideline in material.graph.nodes(s, "dg:document")]


def _page(material: Material, words: Words, name: str) -> Page:
    graph = material.graph
    told: list[tuple[str | Markup, str | Markup]] = [
        ("for", words.links(graph.nodes(name, "dg:population"))),
        ("edition", graph.text(name, "dg:edition") or ""),
        ("statements", str(len(statements(material, name)))),
        ("shaped by", words.links(graph.nodes(name, "dg:shapedBy"))),
    ]
    svg = drawing.svg(drawing.pathways(material.tree, [name]), titled=False)
    picture = Figure(Markup(svg), f"Pathway of {graph.label(name)}")
    recommendations = [r for r in graph.instances("dg:Recommendation") if name in graph.nodes(r, "dg:guideline")]
    recommendations.sort(key=lambda r: (graph.number(r, "dg:order") is None, graph.number(r, "dg:order") or 0, r))
    rows = [recommendation(words, r)[:2] + recommendation(words, r)[3:] for r in recommendations]
    sections = [
        Section("at-a-glance", "At a glance", [Facts([(k, v) for k, v in told if v])]),
        Section("pathway", "Pathway", [picture, _steps(material, words, name)]),
        Section("recommendations", "Recommendations", [Table("In the order of preference", RECOMMENDATION[:2] + RECOMMENDATION[3:], rows)]),
        Section("prerequisites", "What must be settled first", _nodes(words, name, "dg:Prerequisite")),
        Section("actions", "What else it asks to be done", _nodes(words, name, "dg:ProposedAction")),
        Section("document", "The document, in its order", [_document(material, words, name)]),
        Section("files", "Files that carry it", [_files(material, words, name)]),
        words.used(name),
        words.described(name),
    ]
    return Page(material.addresses[name], graph.label(name), "guideline", graph.text(name, "skos:definition") or "", sections, iri=name)


def _steps(material: Material, words: Words, name: str) -> Table:
    graph = material.graph
    rows = []
    for step in material.tree["guidelines"][name]["order"]:
        optional = "may be passed over" if graph.flag(step, "dg:optionalStep") else ""
        links = [words.links(graph.nodes(step, p)) for p in ("dg:entry", "dg:exit", "dg:nextStep")]
        rows.append([words.link(step), *links, optional, words.cited(step)])
    return Table("Steps", ["step", "opens when the patient", "is left when the patient", "leads to", "note", "sources"], rows)


def _nodes(words: Words, guideline: str, kind: str) -> list[Block]:
    graph = words.graph
    nodes = [n for n in graph.instances(kind) if guideline in graph.nodes(n, "dg:guideline")]
    rows = [[words.link(n), words.links(graph.nodes(n, "dg:action")), words.links(graph.nodes(n, "dg:criterion")), words.cited(n)] for n in nodes]
    return [Table(graph.label(kind).capitalize(), ["what", "settled by", "when the patient", "sources"], rows)] if rows else []


def _document(material: Material, words: Words, name: str) -> Prose:
    """Statements under the headings of the document, each with the nodes that carry it."""
    graph = material.graph
    parts: list[Markup] = []
    seen: Counter[str] = Counter()
    for section, group in groupby(statements(material, name), lambda s: graph.text(s, "dg:section") or ""):
        seen[section] += 1
        ident = section_anchor(section) + (f"-{seen[section]}" if seen[section] > 1 else "")
        above, _, last = section.rpartition(" > ")
        trail = Markup('<span class="trail">{} › </span>').format(above.replace(" > ", " › ")) if above else ""
        parts.append(Markup('<h3 id="{}">{}{}</h3><ul class="statements">').format(ident, trail, last))
        for statement in group:
            carriers = [n for n in material.inbound.get(statement, {}).get("dg:statement", []) if n != statement]
            carried = Markup('<span class="carried">carried by {}</span>').format(words.links(carriers)) if carriers else ""
            link = words.link(statement, local_name(statement))
            parts.append(Markup('<li id="{}">{} {} {}</li>').format(local_name(statement), link, graph.text(statement, "skos:definition"), carried))
        parts.append(Markup("</ul>"))
    return Prose(Markup("").join(parts))


def _files(material: Material, words: Words, name: str) -> Table:
    graph = material.graph
    files: Counter[str] = Counter()
    for node in [*graph.subjects("dg:guideline", name), *statements(material, name)]:
        files.update({file for file, _ in material.places.subjects.get(node, [])})
    rows = []
    for file in sorted(files):
        module = modules.module_of(material, file)
        if module:
            described = graph.text(module, "dcterms:description") or ""
            rows.append(
                [linked(modules.path(module), Markup("<code>{}</code>").format(file)), graph.text(module, "dcterms:title") or "", escape(described)]
            )
    return Table("Files of the ontology", ["file", "title", "what is in it"], rows)
