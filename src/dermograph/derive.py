"""Criteria that follow from label facts: a therapy's outcomes and its unsuitability, written as OWL like any other.

They are kept as a module of the ontology, ``derived/therapy-criteria.ttl``, so that Protégé and OWL reasoners see
them; ``dermograph derive`` writes it, and a test fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from dermograph.content import modules
from dermograph.graph import Graph, read
from dermograph.terms import local_name

MODULE = Path("derived") / "therapy-criteria.ttl"
_TURTLE = """\
{name} a owl:Class , dg:DerivedCriterion , dg:{kind}Criterion ;
    skos:prefLabel "{label}"@en ;
    skos:definition "Patients of whom holds: {label}."@en ;{extra}
    owl:equivalentClass [ a owl:{type} ; {body} ] .
"""


def subclasses(graph: Graph, top: str) -> dict[str, set[str]]:
    """Each class below ``top`` with all classes it is within, itself included."""
    within: dict[str, set[str]] = {top: {top}}
    queue = [top]
    while queue:
        parent = queue.pop()
        for child in graph.subjects("rdfs:subClassOf", parent):
            known = within.setdefault(child, {child})
            if not within[parent] <= known:
                known |= within[parent]
                queue.append(child)
    return within


def said_of(graph: Graph, kind: str, therapies: Iterable[str]) -> list[str]:
    """Nodes of a kind that say something of one of some therapies, sorted."""
    return sorted({n for t in therapies for n in graph.subjects("dg:therapy", t) if kind in graph.nodes(n, "rdf:type")})


def blocking_facts(graph: Graph, within: dict[str, set[str]], therapy: str) -> list[tuple[str, str]]:
    """Label facts that exclude a therapy: pairs of node and criterion.

    Absolute contraindications and interactions that exclude, stated of the therapy or of a class it is within;
    a fact that was not seen in a source never excludes.
    """
    found = []
    for kind, prop, value in (
        ("dg:Contraindication", "dg:force", "dg:Absolute"),
        ("dg:Interaction", "dg:interactionEffect", "dg:Exclude"),
    ):
        for node in said_of(graph, kind, within[therapy]):
            if graph.value(node, prop) == value and graph.value(node, "dg:verified") is not False:
                found += [(node, criterion) for criterion in graph.nodes(node, "dg:criterion")]
    return found


def tracked_therapies(graph: Graph, within: dict[str, set[str]]) -> list[str]:
    """Therapies whose outcomes are criteria: those recommended or mentioned, their members, and those marked."""
    rows = {t for r in graph.instances("dg:Recommendation") for t in graph.nodes(r, "dg:therapy")}
    members = {t for row in rows for t in graph.subjects("rdfs:subClassOf", row) if t in within}
    marked = {t for t in within if graph.flag(t, "dg:tracked")}
    return sorted(rows | members | marked)


def of_outcome(graph: Graph, template: str, therapy: str) -> str:
    """Name of the criterion that an outcome template gives of a therapy."""
    name = local_name(therapy)
    prefix, suffix = graph.text(template, "dg:namePrefix") or "", graph.text(template, "dg:suffix") or ""
    return f"{therapy.removesuffix(name)}{prefix}{name}{suffix}"


def of_every(therapy: str, suffix: str) -> str:
    """Name of the criterion that every member of a class of therapies has an outcome."""
    name = local_name(therapy)
    return f"{therapy.removesuffix(name)}Every{name}{suffix}"


def definitions(graph: Graph) -> Iterator[str]:
    """Turtle of every derived criterion, in a fixed order."""
    within = subclasses(graph, "dg:Therapy")
    templates = graph.instances("dg:OutcomeTemplate")
    tracked = tracked_therapies(graph, within)
    for therapy in tracked:
        label = graph.label(therapy)
        members = [t for t in tracked if therapy in graph.nodes(t, "rdfs:subClassOf")]
        opening = []
        for template in templates:
            phrase = graph.text(template, "dg:phrase") or ""
            name = of_outcome(graph, template, therapy)
            if graph.values(name, "owl:equivalentClass"):
                continue
            body = f"owl:onProperty {graph.text(template, 'dg:factProperty')} ; owl:someValuesFrom {therapy}"
            yield _block(name, "Atomic", phrase.replace("{therapy}", label), "Restriction", body)
            if graph.flag(template, "dg:opensNextStep"):
                opening.append(name)
            if members and (suffix := graph.text(template, "dg:suffix")):
                every = phrase.replace("{therapy}", f"every one of the {label}")
                body = f"owl:intersectionOf ( {' '.join(m + suffix for m in members)} )"
                yield _block(of_every(therapy, suffix), "Composite", every, "Class", body)
        facts = {criterion for _, criterion in blocking_facts(graph, within, therapy)}
        body = f"owl:unionOf ( {' '.join(sorted(facts | set(opening)))} )"
        extra = f"\n    dg:unsuitabilityOf {therapy} ; dg:shapedBy ad:R4 , ad:AMB-30 ;"
        yield _block(therapy + "Unsuitable", "Composite", f"cannot rely on {label}", "Class", body, extra)


def _block(name: str, kind: str, label: str, type_: str, body: str, extra: str = "") -> str:
    return _TURTLE.format(name=name, kind=kind, label=label, type=type_, body=body, extra=extra)


def turtle(ontology: Path) -> str:
    """Text of the derived module for an ontology folder, before formatting."""
    sources: Iterable[Path] = [path for path in modules(ontology) if path != ontology / MODULE]
    graph = Graph(read(sources))
    header = (
        "@prefix ad: <https://w3id.org/dermograph/ad#> .\n@prefix dcterms: <http://purl.org/dc/terms/> .\n"
        "@prefix dg: <https://w3id.org/dermograph/core#> .\n@prefix fact: <https://w3id.org/dermograph/fact#> .\n"
        "@prefix owl: <http://www.w3.org/2002/07/owl#> .\n@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n\n"
        "<https://w3id.org/dermograph/derived/therapy-criteria> a owl:Ontology ;\n"
        '    dcterms:title "Dermograph: criteria that follow from label facts"@en ;\n'
        '    dcterms:description "Written by the derive command from the outcome templates and label facts; '
        'nobody edits it."@en ;\n'
        "    dcterms:license <https://creativecommons.org/licenses/by/4.0/> .\n\n"
    )
    return header + "\n".join(definitions(graph))
