"""Competency questions give the rows that are expected of them, alike in both engines; every query has its header.

``python tests/test_questions.py`` writes ``queries/README.md`` anew.
"""

import csv
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.query import ResultRow

from dermograph.content import modules
from dermograph.derive import subclasses
from dermograph.graph import Graph, read
from dermograph.terms import compact, expand
from dermograph.workbench.queries import header

ROOT = Path(__file__).parents[1]
QUERIES = ROOT / "queries"
EXPECTED = ROOT / "tests" / "questions"
INDEX = QUERIES / "README.md"
RENEW = "renew it with: PYTHONPATH=src python tests/test_questions.py"
NAMES = sorted({path.stem for path in (QUERIES / "ask").glob("*.rq")} | {path.stem for path in EXPECTED.glob("*.csv")})
PATHS = sorted(path.relative_to(QUERIES) for path in QUERIES.rglob("*.rq"))
HIERARCHIES = ("dg:Therapy", "dg:Condition", "dg:Observable", "dg:Assessment")

Table = list[list[str]]


def text(path: Path) -> str:
    """Return the text of a query, by its path under ``queries/``."""
    return (QUERIES / path).read_text(encoding="utf-8")


def expected(name: str) -> Table:
    """Return the rows that a question is expected to give, its variables first."""
    with (EXPECTED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def closure(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield each class with every class that it is within, itself included."""
    for top in HIERARCHIES:
        for cls, above in subclasses(graph, top).items():
            for ancestor in above:
                yield expand(cls), expand(ancestor)


@cache
def oxigraph() -> ox.Store:
    """Return the guideline graph with its closure, in Oxigraph."""
    triples = list(read(modules(ROOT / "ontology")))
    within = ox.NamedNode(expand("dg:within"))
    triples += [ox.Triple(ox.NamedNode(a), within, ox.NamedNode(b)) for a, b in closure(Graph(triples))]
    store = ox.Store()
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    return store


@cache
def rdflib_graph() -> rdflib.Graph:
    """Return the guideline graph with its closure, in rdflib."""
    graph = rdflib.Graph()
    for path in modules(ROOT / "ontology"):
        graph.parse(path, format="turtle")
    within = rdflib.URIRef(expand("dg:within"))
    for a, b in closure(Graph(read(modules(ROOT / "ontology")))):
        graph.add((rdflib.URIRef(a), within, rdflib.URIRef(b)))
    return graph


def cell(value: object) -> str:
    """Return a term as compact IRI or plain literal, numbers in their shortest form."""
    match value:
        case None:
            return ""
        case ox.NamedNode():
            return compact(value.value)
        case ox.Literal():
            return plain(value.value, value.datatype.value)
        case rdflib.URIRef():
            return compact(str(value))
        case rdflib.Literal():
            return plain(str(value), str(value.datatype))
    raise AssertionError(f"a question gives names and literals only, not {value!r}")


def plain(value: str, datatype: str) -> str:
    """Return a literal's text, a number in its shortest form."""
    return f"{Decimal(value).normalize():f}" if datatype.endswith(("#decimal", "#integer")) else value


def oxigraph_answer(name: str) -> Table:
    """Return what Oxigraph answers to a question."""
    solutions = oxigraph().query(text(Path("ask") / f"{name}.rq"))
    assert isinstance(solutions, ox.QuerySolutions)
    return [[v.value for v in solutions.variables], *([cell(value) for value in row] for row in solutions)]


def rdflib_answer(name: str) -> Table:
    """Return what rdflib answers to a question."""
    result = rdflib_graph().query(text(Path("ask") / f"{name}.rq"))
    rows = [[cell(value) for value in row] for row in result if isinstance(row, ResultRow)]
    return [[str(v) for v in result.vars or ()], *rows]


def index() -> str:
    """Return the text of ``queries/README.md``, made from the headers of the queries."""
    lines = [
        "# Queries",
        "",
        "One question per file, in the folder of its stage; the questions in `ask` are for users:",
        "`dermograph query NAME` answers them, and `tests/questions/NAME.csv` holds the rows expected.",
        "This table is made from the `#+` lines that each file opens with.",
        "",
        "| query | what it finds or derives | returns |",
        "| --- | --- | --- |",
    ]
    for path in PATHS:
        fields = {key: value.replace("|", "\\|") for key, value in header(text(path)).items()}
        lines.append(f"| [{path.with_suffix('')}]({path}) | {fields['summary']} | {fields['returns']} |")
    return "\n".join(lines) + "\n"


def test_there_are_questions_enough() -> None:
    assert len(NAMES) >= 34


@pytest.mark.parametrize("name", NAMES)
def test_question_has_query_and_rows(name: str) -> None:
    assert (QUERIES / "ask" / f"{name}.rq").is_file()
    assert len(expected(name)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_oxigraph_gives_the_rows_expected(name: str) -> None:
    assert oxigraph_answer(name) == expected(name), f"read tests/questions/{name}.csv against the documents"


@pytest.mark.parametrize("name", NAMES)
def test_rdflib_gives_the_rows_expected(name: str) -> None:
    assert rdflib_answer(name) == expected(name), f"read tests/questions/{name}.csv against the documents"


@pytest.mark.parametrize("name", NAMES)
def test_order_by_settles_the_order(name: str) -> None:
    query = text(Path("ask") / f"{name}.rq")
    rows = oxigraph_answer(name)[1:]
    assert "ORDER BY" in query and len({tuple(row) for row in rows}) == len(rows)


def test_index_is_fresh() -> None:
    assert INDEX.is_file() and INDEX.read_text(encoding="utf-8") == index(), f"{INDEX} is stale; {RENEW}"


if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8")
