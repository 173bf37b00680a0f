"""What reads bytes from elsewhere, each with seeds to begin from; whatever comes, it answers or raises an error that is meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph import Knowledge, content, questions, record
from dermograph.errors import DermographError
from dermograph.fhir import reading
from dermograph.service.cds import tasks as cds

TESTS = Path(__file__).parents[1]
DAY = dt.date(2026, 11, 1)
PATIENT = TESTS / "readme" / "mia.ttl"
SYNTAXES = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}


@dataclass(frozen=True)
class Target:
    """Something that reads bytes."""

    run: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]

    def held(self, data: bytes) -> None:
        """Read bytes; any error but one that is meant is a fault."""
        try:
            self.run(data)
        except DermographError as error:
            assert str(error)


@cache
def knowledge() -> Knowledge:
    return Knowledge.load()


@cache
def _store() -> ox.Store:
    return questions.guideline_store(content.folder("ontology"))


def _graph(suffix: str) -> Target:
    def seeds() -> list[bytes]:
        triples = list(ox.parse(input=PATIENT.read_bytes(), format=ox.RdfFormat.TURTLE))
        found = ox.serialize([ox.Triple(t.subject, t.predicate, t.object) for t in triples], format=SYNTAXES[suffix])
        return [PATIENT.read_bytes()] if suffix == ".ttl" else [found or b""]

    def run(data: bytes) -> object:
        records = record.read(data, "fuzz", suffix=suffix, as_of=DAY)
        return list(knowledge().assess_all(records[:3]))

    return Target(run, seeds)


def _fhir(data: bytes) -> object:
    found = reading.read(data, "fuzz", knowledge().terminology, as_of=DAY)
    return list(knowledge().assess_all(found.records[:3]))


def _bundles() -> list[bytes]:
    return [path.read_bytes() for path in sorted((TESTS / "fhir").rglob("*.json"), key=lambda p: p.stat().st_size)[:4]]


def _query(data: bytes) -> object:
    text = data.decode("utf-8", errors="replace")
    if "SERVICE" in text.upper() or "{" not in text:
        return None
    answer: Any = questions.ask(_store(), f"{text} LIMIT 1" if "LIMIT" not in text.upper() else text, "fuzz")
    return answer is None


def _queries() -> list[bytes]:
    return [path.read_bytes() for path in sorted((content.folder("queries") / "ask").glob("*.rq"))[:6]]


def _call(data: bytes) -> object:
    reply = cds.call(None, "guidelines-patient-view", data, DAY, "")
    assert reply.status in (200, 400, 412, 422), reply
    return reply


def _calls() -> list[bytes]:
    return [path.read_bytes() for path in sorted((TESTS / "cds").rglob("*request*.json"))]


TARGETS = {
    **{f"graph{suffix}": _graph(suffix) for suffix in SYNTAXES},
    "fhir": Target(_fhir, _bundles),
    "query": Target(_query, _queries),
    "cds": Target(_call, _calls),
}
