"""Each query of the facts and criteria stages gives what its cases say, alike in both engines.

A case is a folder: ``given.ttl`` holds a record with what earlier stages make of it; ``then.ttl`` holds the triples that
the query derives, no more and no fewer; ``then.csv`` holds rows that it gives and, after ``!``, rows that it does not.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pyoxigraph as ox
import pytest

from dermograph import Knowledge
from dermograph.content import query, stage
from dermograph.knowledge import Engine
from dermograph.store import Store
from dermograph.terms import compact

ROOT = Path(__file__).parent / "queries"
CASES = sorted(path.parent for path in ROOT.glob("*/*/*/given.ttl"))
QUERIES = sorted(path.relative_to(ROOT.parents[1] / "queries").with_suffix("") for s in ("facts", "criteria") for path in (ROOT.parents[1] / "queries" / s).glob("*.rq"))
LEAST = 3
"""Cases that a query has at least."""


@pytest.fixture(scope="module", params=get_args(Engine))
def store(request: pytest.FixtureRequest) -> Store:
    return Knowledge.load(engine=request.param)._store


def triples(path: Path) -> list[ox.Triple]:
    return [ox.Triple(q.subject, q.predicate, q.object) for q in ox.parse(path=path, format=ox.RdfFormat.TURTLE)]


def canonical(found: list[ox.Triple]) -> set[str]:
    """Triples as text, blank nodes named by their place in the graph."""
    graph = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in found)
    graph.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in graph}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.relative_to(ROOT).as_posix())
def test_case(case: Path, store: Store) -> None:
    text = query(case.parent.relative_to(ROOT).as_posix())
    store.clear()
    store.add(triples(case / "given.ttl"))
    if (case / "then.ttl").exists():
        wanted, found = canonical(triples(case / "then.ttl")), canonical(store.construct(text))
        missing, excess = wanted - found, found - wanted
    else:
        names, rows = store.rows(text)
        lines = (case / "then.csv").read_text(encoding="utf-8").splitlines()
        assert lines[0] == ",".join(names)
        got = {",".join(compact(value or "") for value in row) for row in rows}
        missing = {line for line in lines[1:] if not line.startswith("!")} - got
        excess = {line[1:] for line in lines[1:] if line.startswith("!")} & got
    told = [f"not derived: {line}" for line in sorted(missing)] + [f"derived, and should not be: {line}" for line in sorted(excess)]
    assert not told, "\n".join([f"{case}: mend the query, or what the case says where the contract says otherwise", *told])


@pytest.mark.parametrize("name", QUERIES, ids=str)
def test_query_has_cases(name: Path) -> None:
    cases = [c for c in CASES if c.parent == ROOT / name]
    assert len(cases) >= LEAST, f"{ROOT / name} holds {len(cases)} cases: add folders with given.ttl and then.ttl or then.csv"


def test_every_case_has_one_expectation() -> None:
    stray = [str(c) for c in CASES if [(c / "then.ttl").exists(), (c / "then.csv").exists()].count(True) != 1 or c.parent.relative_to(ROOT) not in QUERIES]
    assert not stray, "these need one of then.ttl and then.csv, in the folder of a query: " + ", ".join(stray)


def test_every_criterion_that_a_case_names_exists(knowledge: Knowledge) -> None:
    named = {(c, row[0].removeprefix("!")) for c in CASES if (c / "then.csv").exists() for row in list(csv.reader((c / "then.csv").open(encoding="utf-8")))[1:]}
    unknown = sorted(f"{c}: {name}" for c, name in named if name not in knowledge.tree["criteria"])
    assert not unknown, "\n".join(unknown)
