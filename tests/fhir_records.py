"""Patient graphs as lines that a person can write: ``course ad:Dupilumab start=2026-08-01``."""

from __future__ import annotations

from collections import defaultdict

import pyoxigraph as ox

from dermograph.record import Record
from dermograph.terms import compact, local_name

_FIRST = ("birthDate", "ageYears", "sex", "absent", "status", "severity", "site", "onset", "start", "end", "abatement", "outcome", "causedBy")
_ORDER = (*_FIRST, "sessions", "result", "value", "unit", "date")
_LINKS = ("pt:condition", "pt:course", "pt:observation", "pt:assessment")


def lines(record: Record) -> list[str]:
    """A line for the patient and one for each record, sorted."""
    said: dict[object, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    nodes = []
    for t in record.triples:
        predicate = compact(t.predicate.value)
        assert isinstance(t.object, ox.NamedNode | ox.Literal)
        said[t.subject][predicate].append(compact(t.object.value))
        if predicate in _LINKS:
            nodes.append((local_name(predicate), t.object))
    found = ["patient" + _said(said[record.patient], said)]
    found += [f"{link} {' '.join(said[node]['rdf:type'])}{_said(said[node], said)}" for link, node in nodes]
    return sorted(found)


def _said(properties: dict[str, list[str]], said: dict[object, dict[str, list[str]]]) -> str:
    told = []
    for name in _ORDER:
        for value in sorted(properties.get(f"pt:{name}", [])):
            told.append(f" {name}={said[ox.NamedNode(value)]['rdf:type'][0] if name == 'causedBy' else value}")
    return "".join(told)
