"""Oxigraph and rdflib's own SPARQL engine: asked by the compiled queries, or by Dermograph's own from the record on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from dermograph import Knowledge
from dermograph.case import Case, gather
from dermograph.knowledge import Engine, chunks
from peers.peer import Answer, Peer, joined
from peers.people import People
from peers.queries import Queries
from peers.rules import HINT, Found, Rules

Answers = Iterator[tuple[str, str]]
"""Rows of each query, by its name."""


@dataclass
class InProcess:
    """The records, from which the engine derives facts and truths by the queries of ``queries/``."""

    rules: Rules
    engine: Engine
    package: str
    most: int
    name: str

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return version(self.package)

    @cached_property
    def _knowledge(self) -> Knowledge:
        return Knowledge.load(engine=self.engine)

    def answer(self, people: People) -> Answer:
        knowledge, found, place = self._knowledge, Found({}, {}, {}), 0
        graph = people.graph
        start = time.perf_counter()
        for chunk in chunks(knowledge.read(graph)):
            truths, known = knowledge.truths(chunk)
            for rail, part in ((found.true, truths.true), (found.false, truths.false)):
                for name in self.rules.criteria:
                    rail[name] = rail.get(name, 0) | part[name] << place
            gathered = gather(known)
            for number, one in enumerate(chunk):
                case = Case(self.rules.tree, truths, number, one, gathered)
                for cls in self.rules.screened:
                    hint = HINT + cls.partition(":")[2]
                    found.hints[hint] = found.hints.get(hint, 0) | case.may_have(cls) << place + number
            place += len(chunk)
        return joined(self.rules, people.count, found, time.perf_counter() - start)


@dataclass
class Compiled:
    """The facts, asked by the compiled queries, all patients in one store."""

    rules: Rules
    engine: Engine
    package: str
    most: int
    name: str

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return version(self.package)

    @cached_property
    def _queries(self) -> Queries:
        return Queries(self.rules)

    def answer(self, people: People) -> Answer:
        queries, facts = self._queries, people.facts
        store = _oxigraph(queries) if self.engine == "oxigraph" else _rdflib(queries)
        start = time.perf_counter()
        answers = store(facts)
        return joined(self.rules, people.count, queries.marks(answers, people.names), time.perf_counter() - start)


def _oxigraph(queries: Queries) -> Callable[[Path], Answers]:
    import pyoxigraph as ox

    store = ox.Store()
    store.load("".join(queries.index).encode(), format=ox.RdfFormat.N_TRIPLES)

    def answers(facts: Path) -> Answers:
        store.load(path=facts, format=ox.RdfFormat.N_TRIPLES)
        for name, query in queries.queries.items():
            solutions = store.query(query)
            assert isinstance(solutions, ox.QuerySolutions)
            yield name, (solutions.serialize(format=ox.QueryResultsFormat.CSV) or b"").decode().partition("\n")[2]

    return answers


def _rdflib(queries: Queries) -> Callable[[Path], Answers]:
    import rdflib
    from rdflib.plugins.sparql import prepareQuery

    graph = rdflib.Graph().parse(data="".join(queries.index), format="nt")
    prepared = {name: prepareQuery(query) for name, query in queries.queries.items()}

    def answers(facts: Path) -> Answers:
        graph.parse(facts, format="nt")
        for name, query in prepared.items():
            yield name, "\n".join(f"{number},{patient}" for number, patient in graph.query(query))  # type: ignore[misc]

    return answers


def compiled(rules: Rules, engine: Engine) -> Compiled:
    """One of the engines, asked by the compiled queries."""
    if engine == "oxigraph":
        return Compiled(rules, engine, "pyoxigraph", 10_000, "Oxigraph in memory, given the facts")
    return Compiled(rules, engine, "rdflib", 1_000, "rdflib, given the facts")


def peers(rules: Rules) -> list[Peer]:
    """Both engines, both ways."""
    return [
        compiled(rules, "oxigraph"),
        InProcess(rules, "oxigraph", "pyoxigraph", 1_000, "Oxigraph in memory, from the record"),
        compiled(rules, "rdflib"),
        InProcess(rules, "rdflib", "rdflib", 20, "rdflib, from the record"),
    ]
