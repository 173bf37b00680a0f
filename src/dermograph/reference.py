"""Patient graphs against the shapes by pySHACL: slow, and what the fast route is held to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph import content, index, record
from dermograph.errors import Finding
from dermograph.graph import Graph, read
from dermograph.record import Record
from dermograph.terms import compact, expand

Tree = dict[str, Any]


def reference(tree: Tree, records: Sequence[Record], ontology: Path) -> list[Finding]:
    """Breaches of the patient shapes as pySHACL finds them, patient by patient.

    :param tree: the index tree of the ontology.
    :param ontology: folder of the ontology that the tree was made from.
    """
    import rdflib
    from pyshacl import validate

    known = list(index.triples(Graph(read(content.modules(ontology))), tree))
    shapes = rdflib.Graph()
    for path in (ontology / "prefixes.ttl", ontology / "shapes" / "patient.ttl"):
        shapes.parse(path, format="turtle")
    found: list[Finding] = []
    for one in records:
        given = [*known, *record.prepared(one, tree["units"])]
        _, report, _ = validate(_rdflib(given), shacl_graph=shapes, max_validation_depth=50)
        found += sorted(_findings(report, shapes, one), key=lambda f: (f.shape, f.message))
    return found


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
