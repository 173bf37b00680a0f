"""The ontology is whole: imported, formatted, closed, sourced, fresh, and known only to itself."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from dermograph import derive
from dermograph.content import modules
from dermograph.errors import KnowledgeError
from dermograph.formatting import canonical
from dermograph.graph import Graph, read
from dermograph.index import KINDS
from dermograph.terms import local_name
from dermograph.workbench.guideline import SOURCED, below

PROJECT = Path(__file__).parents[1]
ONTOLOGY = PROJECT / "ontology"


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The guideline graph, shapes left out."""
    return Graph(read(modules(ONTOLOGY)))


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def expect_none(found: Iterable[object]) -> None:
    """Fail with everything that was found, one to a line."""
    rows = sorted(map(str, found))
    if rows:
        pytest.fail("\n".join(rows), pytrace=False)


# --- files


def test_bad_turtle_is_refused_by_file_and_line() -> None:
    with pytest.raises(KnowledgeError, match=r"^bad\.ttl:2: "):
        canonical("<urn:a> <urn:b> <urn:c> .\n<urn:a> <urn:b> .", "bad.ttl")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "<urn:b> <urn:p> 1 . <urn:a> a <urn:C> ; <urn:p> 10 , 9 .",
            "<urn:a> <urn:p> 9 , 10 ; a <urn:C> . <urn:b> <urn:p> 1 .",
        ),
        (
            "<urn:a> <urn:p> _:x , _:y . _:y <urn:q> 2 . _:x <urn:q> 1 .",
            "<urn:a> <urn:p> [ <urn:q> 2 ] , [ <urn:q> 1 ] .",
        ),
        (
            "_:x <urn:p> _:y . _:y <urn:p> _:x ; <urn:q> ( _:x ) .",
            "_:b <urn:p> _:a . _:a <urn:q> ( _:b ) ; <urn:p> _:b .",
        ),
    ],
)
def test_equal_graphs_have_equal_bytes(one: str, other: str) -> None:
    assert canonical(one, "one") == canonical(other, "other") == canonical(canonical(one, "one"), "again")


# --- vocabulary


@pytest.fixture(scope="module")
def clinical_name(graph: Graph) -> re.Pattern[str]:
    """Whole names and labels of therapies, conditions, observables, assessments and criteria."""
    terms = set(below(graph, "dg:Criterion")).union(*(derive.subclasses(graph, top) for top in KINDS))
    words = {word for term in terms - set(KINDS) for word in (local_name(term), graph.label(term)) if len(word) >= 5}
    return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, sorted(words)))})(?![a-z])", re.IGNORECASE)


SOURCE = [*(PROJECT / "src").rglob("*.py"), *(p for ending in ("js", "html") for p in (PROJECT / "src/dermograph/service/web").glob(f"*.{ending}"))]


@pytest.mark.parametrize("path", sorted(SOURCE), ids=relative)
def test_the_source_knows_no_clinical_name(path: Path, clinical_name: re.Pattern[str]) -> None:
    rows = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    expect_none(f"{relative(path)}:{n}: {word}" for n, row in rows for word in clinical_name.findall(row))


# --- knowledge


@pytest.mark.parametrize(("kind", "count"), [("dg:Statement", 318), ("dg:Ruling", 22), ("dg:Ambiguity", 70)])
def test_sources_are_complete(graph: Graph, kind: str, count: int) -> None:
    assert len(graph.instances(kind)) == count


@pytest.mark.parametrize("kind", SOURCED)
def test_there_is_something_of_every_kind_that_needs_a_source(graph: Graph, kind: str) -> None:
    assert list(below(graph, kind))


# --- words of a patient graph


def test_examples_of_records_are_true(graph: Graph) -> None:
    links = [link for link in graph.having("skos:example") if link.startswith("pt:")]
    assert len(links) == 4
    for link in links:
        (kind,) = graph.nodes(link, "dg:rangeIncludes")
        cls, *said = re.findall(r"\b(?:ad|pt):\w+", graph.text(link, "skos:example") or "")
        assert kind in derive.subclasses(graph, kind)[cls], link
        properties = [name for name in said if name in graph.instances("owl:AnnotationProperty")]
        assert properties
        expect_none(f"{link}: {p}" for p in properties if kind not in graph.nodes(p, "dg:domainIncludes"))


def test_choices_name_the_values(graph: Graph) -> None:
    for cls in graph.having("dg:valuesOf"):
        individuals, choices = set(graph.instances(cls)), set(re.findall(r"\b(?:ad|pt):\w+", graph.text(cls, "dg:choices") or ""))
        assert choices == individuals or (cls in choices and choices - {cls} <= individuals), cls
