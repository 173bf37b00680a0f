"""Patient graphs as rows of the tables of a population."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Container, Iterable
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from dermograph.cohort import descriptor
from dermograph.record import Record
from dermograph.terms import compact

Rows = dict[str, list[dict[str, Any]]]
_LISTS = {
    "pt:condition": ("conditions", "condition"),
    "pt:course": ("courses", "therapy"),
    "pt:observation": ("observations", "observable"),
    "pt:assessment": ("assessments", "assessment"),
}
_UNSAID = {"result": "pt:Done"}
"""What a record that does not say it is taken to say, as the queries have it."""


def rows(records: Iterable[Record], classes: Container[str], named: bool = False) -> Rows:
    """Rows of the tables for patients whose graphs are valid.

    :param classes: classes that a record may be of; other types of a record say nothing.
    :param named: whether ``node`` tells the name of the node that each row is made of.
    :raises ValueError: a value has no place in a table, such as a date in the year 0.
    """
    found: Rows = {name: [] for name in descriptor.names()}
    for one in records:
        _add(found, one, classes, named)
    return found


def _add(found: Rows, one: Record, classes: Container[str], named: bool) -> None:
    said: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for t in one.triples:
        said[t.subject][compact(t.predicate.value)].append(t.object)
    mine = said[one.patient]
    who = {"patient": one.name}
    own = {"node": one.patient.value} if named else {}
    found["patients"].append(who | own | _values(mine, "patients", {"patient"}))
    for absent in mine["pt:absent"]:
        found["absences"].append(who | own | {"condition": compact(absent.value)})
    for link, (table, key) in _LISTS.items():
        for node in mine[link]:
            row = who | ({"node": node.value} if named else {}) | _values(said[node], table, {"patient", key, "causedBy", "site"})
            causes: list[str | None] = [None]
            if table == "conditions":
                causes = [c for by in said[node]["pt:causedBy"] for c in _classes(said[by], classes)] or causes
                row |= {"site": " ".join(compact(s.value) for s in said[node]["pt:site"]) or None}
            for cls in _classes(said[node], classes):
                for cause in causes:
                    found[table].append(row | {key: cls} | ({"causedBy": cause} if table == "conditions" else {}))


def _classes(said: dict[str, list[Any]], classes: Container[str]) -> list[str]:
    return [c for t in said["rdf:type"] if (c := compact(t.value)) in classes]


def _values(said: dict[str, list[Any]], table: str, beside: set[str]) -> dict[str, Any]:
    """First value of properties, in the types of the columns."""
    found: dict[str, Any] = {}
    for name, kind in descriptor.columns(table).items():
        if name not in beside:
            values = said.get(f"pt:{name}")
            found[name] = _value(values[0], kind) if values else _UNSAID.get(name)
    return found


def _value(term: ox.NamedNode | ox.BlankNode | ox.Literal, kind: str) -> Any:
    text = term.value
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind == "integer":
        return int(Decimal(text))
    if kind == "number":
        return Decimal(text)
    return compact(text)
