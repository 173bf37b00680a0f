"""Every shape rejects its smallest wrong graph and accepts the near twin beside it."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import DCTERMS, OWL, PROV, RDF, RDFS, SH, SKOS, Graph, Namespace, URIRef
from rdflib.term import Node

from dermograph.terms import expand

ROOT = Path(__file__).parent.parent
ONTOLOGY = ROOT / "ontology"
TWINS = ROOT / "tests" / "shapes"
DG = Namespace("https://w3id.org/dermograph/core#")
STEMS = sorted(path.stem for path in (ONTOLOGY / "shapes").glob("*.ttl"))
CASES = sorted(path.parent.relative_to(TWINS) for path in TWINS.glob("*/*/invalid.ttl"))


def parsed(paths: Iterable[Path]) -> Graph:
    """Return the triples of all the files in one graph."""
    graph = Graph()
    for path in paths:
        graph.parse(path, format="turtle")
    return graph


@cache
def shapes_of(stem: str) -> Graph:
    """Return one shapes file with the prefixes that its queries use."""
    return parsed([ONTOLOGY / "prefixes.ttl", ONTOLOGY / "shapes" / f"{stem}.ttl"])


@cache
def known() -> Graph:
    """Return the ontology that a patient graph is read with, and its closure dg:within."""
    graph = parsed(path for name in ("core", "dermatitis") for path in sorted((ONTOLOGY / name).glob("*.ttl")))
    classes = {term for term in graph.subjects(RDF.type, OWL.Class) if isinstance(term, URIRef)}
    within = [(term, above) for term in classes for above in graph.transitive_objects(term, RDFS.subClassOf) if above]
    for term, above in within:
        graph.add((term, DG.within, above))
    return graph


def named_shapes(stem: str) -> set[Node]:
    """Return the shapes of a file that have a name of their own."""
    return set(shapes_of(stem).subjects(SH.name))


def shape_of(case: Path) -> URIRef:
    """Return the shape that a folder of twins, named SHAPE or SHAPE-VARIANT, belongs to."""
    return next(URIRef(str(shape)) for shape in named_shapes(case.parts[0]) if str(shape).endswith(f"#{case.name.partition('-')[0]}"))


def messages(case: Path, twin: str) -> list[str]:
    """Return what the shape of a folder says of one of its twins."""
    stem, shape, record = case.parts[0], shape_of(case), parsed([TWINS / case / f"{twin}.ttl"])
    data = known() if stem in {"patient", "facts"} else Graph()
    data += record
    try:
        _, report, _ = validate(data, shacl_graph=shapes_of(stem), use_shapes=[shape], max_validation_depth=50)
    finally:
        data -= record
    assert isinstance(report, Graph)
    results = set(report.subjects(SH.sourceShape, shape))
    return [str(message) for result in results for message in report.objects(result, SH.resultMessage)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_shape_tells_twins_apart(case: Path) -> None:
    expected = (TWINS / case / "message.txt").read_text(encoding="utf-8").strip()
    rejected, accepted = messages(case, "invalid"), messages(case, "valid")
    assert any(expected in message for message in rejected), rejected
    assert accepted == []


@pytest.mark.parametrize("stem", STEMS)
def test_every_shape_has_twins(stem: str) -> None:
    shapes = {str(shape).rpartition("#")[2] for shape in named_shapes(stem)}
    files = ("invalid.ttl", "valid.ttl", "message.txt")
    folders = {path.name.partition("-")[0] for path in (TWINS / stem).iterdir() if all((path / file).is_file() for file in files)}
    assert shapes == folders


@pytest.mark.parametrize("stem", STEMS)
def test_every_shape_has_name_message_and_severity(stem: str) -> None:
    graph = shapes_of(stem)
    heads = set(graph.subjects(SH.targetClass)) | set(graph.subjects(SH.targetObjectsOf))
    assert heads == named_shapes(stem)
    for shape in heads:
        assert graph.value(shape, SH.severity), shape
        assert [*graph.objects(shape, SH.message), *graph.objects(shape, SH.sparql / SH.message)], shape


@pytest.mark.parametrize("stem", STEMS)
def test_every_standard_term_exists(stem: str) -> None:
    graph = shapes_of(stem)
    terms = {str(term) for triple in graph for term in triple if isinstance(term, URIRef)}
    names = {name for query in graph.objects(None, SH.select) for name in re.findall(r"\b[a-z]+:\w+", str(query))}
    terms |= {expand(name) for name in names}
    for vocabulary in (SH, OWL, RDF, RDFS, SKOS, PROV, DCTERMS):
        used = {URIRef(term) for term in terms if term.startswith(str(vocabulary)) and term != str(vocabulary)}
        assert {term for term in used if term not in vocabulary} == set()
