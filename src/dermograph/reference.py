"""Patient graphs against the shapes by pySHACL: slow, and what the fast route is held to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph import content, index_triples, record
from dermograph.errors import Finding
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.record import Record
from dermograph.terms import compact, expand


def reference(knowledge: Knowledge, records: Sequence[Record], ontology: Path) -> list[Finding]:
    """Breaches of the shapes as pySHACL finds them, patient by patient.

    A graph is held to the shapes of a patient graph as given, and, where none of them stops the patient, with its
    facts to those of facts.

    :param ontology: folder of the ontology that the knowledge was loaded from.
    """
    known = list(index_triples.triples(Graph(read(content.modules(ontology))), knowledge.tree))
    shapes = {stem: _shapes(ontology, stem) for stem in ("patient", "facts")}
    found: list[Finding] = []
    for one in records:
        breaches = _breaches(known, record.prepared(one, knowledge.tree["units"]), shapes["patient"], one)
        if not any(f.severity == "Violation" for f in breaches):
            breaches += _breaches(known, knowledge.truths([one])[1], shapes["facts"], one)
        found += breaches
    return found


def _shapes(ontology: Path, stem: str) -> Any:
    import rdflib

    shapes = rdflib.Graph()
    for path in (ontology / "prefixes.ttl", ontology / "shapes" / f"{stem}.ttl"):
        shapes.parse(path, format="turtle")
    return shapes


def _breaches(known: list[ox.Triple], given: Iterable[ox.Triple], shapes: Any, one: Record) -> list[Finding]:
    from pyshacl import validate

    _, report, _ = validate(_rdflib([*known, *given]), shacl_graph=shapes, max_validation_depth=50)
    return sorted(_findings(report, shapes, one), key=lambda f: (f.shape, f.message))


def _rdflib(triples: Iterable[ox.Triple]) -> Any:
    import rdflib

    graph = rdflib.Graph()
    data = ox.serialize(dict.fromkeys(triples), format=ox.RdfFormat.N_TRIPLES)
    graph.parse(data=data, format="nt")
    return graph


def _findings(report: Any, shapes: Any, one: Record) -> set[Finding]:
    from rdflib import SH, URIRef

    found = set()
    for result in report.subjects(URIRef(expand("rdf:type")), SH.ValidationResult):
        shape = report.value(result, SH.sourceShape)
        name = shapes.value(shape, SH.name) or compact(str(shape))
        severity = str(report.value(result, SH.resultSeverity)).rpartition("#")[2]
        focus, message = report.value(result, SH.focusNode), report.value(result, SH.resultMessage)
        found.add(Finding(str(name), compact(str(focus)), str(message), severity, one.name))
    return found
