"""The stages between a patient graph and an answer as RDF: the record, the facts, and the truth of the criteria."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyoxigraph as ox

from dermograph.record import Record, prepared
from dermograph.terms import OWN, PREFIXES, expand

if TYPE_CHECKING:
    from dermograph.criteria import Truths
    from dermograph.knowledge import Knowledge

_TYPE, _CLASS, _COMPLEMENT = (ox.NamedNode(expand(n)) for n in ("rdf:type", "owl:Class", "owl:complementOf"))


def triples(knowledge: Knowledge, records: Sequence[Record]) -> dict[str, list[ox.Triple]]:
    """Triples of each stage, ``record``, ``facts`` and ``criteria``, that the stages before it do not hold.

    A patient of whom a criterion is known true is typed by its class, one of whom it is known false by the complement;
    of a criterion that is not known nothing is said. The record holds the canonical values of its observations.

    :param records: patients, none of them twice.
    """
    given = [t for r in records for t in prepared(r, knowledge.tree["units"])]
    if not records:
        return {"record": [], "facts": [], "criteria": []}
    truths, known = knowledge.truths(records)
    before = set(given)
    facts = [t for t in dict.fromkeys(known) if t not in before]
    judged = [t for place, one in enumerate(records) for t in criteria(truths, place, one.patient)]
    return {"record": list(dict.fromkeys(given)), "facts": facts, "criteria": judged}


def criteria(truths: Truths, place: int, patient: ox.NamedNode | ox.BlankNode) -> Iterator[ox.Triple]:
    """What is known of the criteria for the patient at a place, as types of the patient."""
    for number, name in enumerate(sorted(truths.true)):
        truth = truths.of(name, place)
        if truth:
            yield ox.Triple(patient, _TYPE, ox.NamedNode(expand(name)))
        elif truth is False:
            outside = ox.BlankNode(f"not{number}")
            yield ox.Triple(patient, _TYPE, outside)
            yield ox.Triple(outside, _TYPE, _CLASS)
            yield ox.Triple(outside, _COMPLEMENT, ox.NamedNode(expand(name)))


def trig(found: Iterable[ox.Triple], stage: str) -> str:
    """Triples as TriG in the graph ``urn:dermograph:STAGE``."""
    graph = ox.NamedNode(f"urn:dermograph:{stage}")
    quads = (ox.Quad(t.subject, t.predicate, t.object, graph) for t in dict.fromkeys(found))
    prefixes = {p: PREFIXES[p] for p in (*OWN, "owl", "xsd")}
    return (ox.serialize(quads, format=ox.RdfFormat.TRIG, prefixes=prefixes) or b"").decode()
