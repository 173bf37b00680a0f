"""Each query of the facts and criteria stages gives what its cases say, alike in both engines.

A case is a folder: ``given.ttl`` holds a record with what earlier stages make of it; ``then.ttl`` holds the triples that
the query derives, no more and no fewer; ``then.csv`` holds rows that it gives and, after ``!``, rows that it does not.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import get_args

import pyoxigraph as ox
import pytest

from dermograph import Knowledge
from dermograph.content import folder, query
from dermograph.knowledge import Engine
from dermograph.store import Store
from dermograph.terms import compact, expand

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple

ROOT = Path(__file__).parent / "queries"
CASES = sorted(ROOT.glob("*/*/*/"))
QUERIES = sorted(f"{stage}/{path.stem}" for stage in ("facts", "criteria") for path in (folder("queries") / stage).glob("*.rq"))
LEAST = 3
NUMERIC = (expand("xsd:decimal"), expand("xsd:integer"))


def asked(case: Path) -> str:
    """Name of the query that a case is of."""
    return case.parent.relative_to(ROOT).as_posix()


def triples(path: Path) -> list[ox.Triple]:
    return [ox.Triple(q.subject, q.predicate, q.object) for q in ox.parse(path=path, format=ox.RdfFormat.TURTLE)]


def plain(term: Term) -> Term:
    """A number in one form: rdflib makes decimals of some integers."""
    if not isinstance(term, ox.Literal) or term.datatype.value not in NUMERIC:
        return term
    return ox.Literal(f"{Decimal(term.value).normalize():f}", datatype=ox.NamedNode(NUMERIC[0]))


def canonical(found: list[ox.Triple]) -> set[str]:
    """Triples as text, blank nodes named by their place in the graph."""
    graph = ox.Dataset(ox.Quad(t.subject, t.predicate, plain(t.object)) for t in found)
    graph.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in graph}


def rows(case: Path) -> tuple[str, set[str], set[str]]:
    """Variables of a table, rows that must be there, and rows that must not."""
    names, *lines = (case / "then.csv").read_text(encoding="utf-8").splitlines()
    return names, {line for line in lines if line[0] != "!"}, {line[1:] for line in lines if line[0] == "!"}


@pytest.fixture(scope="module", params=get_args(Engine))
def store(request: pytest.FixtureRequest) -> Store:
    return Knowledge.load(engine=request.param)._store


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.relative_to(ROOT).as_posix())
def test_case(case: Path, store: Store) -> None:
    store.clear()
    store.add(triples(case / "given.ttl"))
    if (case / "then.ttl").exists():
        wanted, found = canonical(triples(case / "then.ttl")), canonical(store.construct(query(asked(case))))
        missing, excess = wanted - found, found - wanted
    else:
        variables, answers = store.rows(query(asked(case)))
        given = {",".join(compact(value or "") for value in answer) for answer in answers}
        names, present, absent = rows(case)
        assert names == ",".join(variables)
        missing, excess = present - given, absent & given
    told = [f"not given: {line}" for line in sorted(missing)] + [f"given, and must not be: {line}" for line in sorted(excess)]
    assert not told, "\n".join([f"{case}: by the contract, mend queries/{asked(case)}.rq or the case", *told])


@pytest.mark.parametrize("name", QUERIES)
def test_query_has_cases(name: str) -> None:
    count = sum(asked(case) == name for case in CASES)
    assert count >= LEAST, f"{ROOT / name} holds {count} cases, and {LEAST} are wanted: add folders with given.ttl and then.ttl or then.csv"


def test_every_case_is_of_a_query_and_has_one_expectation() -> None:
    wrong = [str(c) for c in CASES if asked(c) not in QUERIES or (c / "then.ttl").exists() is (c / "then.csv").exists()]
    assert not wrong, "each of these wants the name of a query above it, and one of then.ttl and then.csv in it: " + ", ".join(wrong)


def test_every_criterion_of_a_case_exists(knowledge: Knowledge) -> None:
    tables = {case: rows(case) for case in CASES if (case / "then.csv").exists()}
    named = {(case, row.split(",")[0]) for case, (_, present, absent) in tables.items() for row in present | absent}
    unknown = sorted(f"{case}: {name}" for case, name in named if name not in knowledge.tree["criteria"])
    assert not unknown, "\n".join(unknown)
