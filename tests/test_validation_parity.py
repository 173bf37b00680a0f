"""The fast route of validation and pySHACL say the same of the same patient graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyoxigraph as ox
import pytest
from generators import random_patient
from rdflib.plugins.sparql import processor
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery

from dermograph import Finding, Knowledge, Record, content
from dermograph.reference import reference

TWINS = sorted((Path(__file__).parent / "shapes" / "patient").glob("*/*valid.ttl"))
SEEDS = range(15)
Told = set[tuple[str, str, str]]


def told(findings: Iterable[Finding]) -> Told:
    return {(f.patient, f.shape, f.severity) for f in findings}


def renamed(record: Record, iri: str) -> Record:
    """The record with the patient under another name."""
    node = ox.NamedNode(iri)

    def said(t: ox.Triple) -> ox.Triple:
        subject, value = (node if term == record.patient else term for term in (t.subject, t.object))
        assert not isinstance(subject, ox.Literal)
        return ox.Triple(subject, t.predicate, value)

    return replace(record, patient=node, triples=tuple(map(said, record.triples)))


@pytest.fixture(scope="module")
def records(knowledge: Knowledge) -> dict[str, list[Record]]:
    """Every record of the twins and of random patients, under names of their own."""
    found = {f"{path.parent.name}-{path.stem}": knowledge.read(path) for path in TWINS}
    found |= {f"random-{seed}": knowledge.read(random_patient(Random(seed)).turtle()) for seed in SEEDS}
    return {name: [renamed(r, f"urn:example:{name}:{place}") for place, r in enumerate(given)] for name, given in found.items()}


@pytest.fixture(scope="module")
def parsed_once() -> Iterator[None]:
    """Let rdflib parse each query once; pySHACL hands it the same texts for every patient."""
    kept: dict[object, Any] = {}

    def once(text: str, base: str | None = None, namespaces: Mapping[str, Any] | None = None) -> Any:
        key = (text, base, tuple(sorted((namespaces or {}).items())))
        if key not in kept:
            kept[key] = translateQuery(parseQuery(text), base, namespaces)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processor, "parseQuery", lambda text: text)
        patch.setattr(processor, "translateQuery", once)
        yield


@pytest.fixture(scope="module")
def by_pyshacl(knowledge: Knowledge, records: dict[str, list[Record]], parsed_once: None) -> Told:
    """What pySHACL says of them all, asked at once so that the ontology is read once."""
    return told(reference(knowledge, [r for given in records.values() for r in given], content.folder("ontology")))


@pytest.mark.parametrize("name", [*(f"{p.parent.name}-{p.stem}" for p in TWINS), *(f"random-{seed}" for seed in SEEDS)])
def test_both_routes_say_the_same(name: str, knowledge: Knowledge, records: dict[str, list[Record]], by_pyshacl: Told) -> None:
    given = records[name]
    assert given
    names = {r.name for r in given}
    assert told(knowledge.validate(given)) == {breach for breach in by_pyshacl if breach[0] in names}


def test_every_shape_spoke(by_pyshacl: Told, knowledge: Knowledge) -> None:
    assert len({shape for _, shape, _ in by_pyshacl}) == len({p.parent.name.partition("-")[0] for p in TWINS})
