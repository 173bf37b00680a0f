"""Patient graphs as rows of the tables of a population."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from dermograph.cohort.recorded import INPUTS
from dermograph.record import Record, prepared
from dermograph.terms import compact

Rows = dict[str, list[dict[str, Any]]]
_LISTS = {"pt:condition": ("conditions", "condition"), "pt:course": ("courses", "therapy"), "pt:assessment": ("assessments", "assessment")}


def rows(records: Iterable[Record], units: dict[str, str]) -> Rows:
    """Rows of the input tables for patients whose graphs are valid.

    :param units: canonical unit by class of observable.
    """
    found: Rows = {name: [] for name in INPUTS}
    for one in records:
        _add(found, one, units)
    return found


def _add(found: Rows, one: Record, units: dict[str, str]) -> None:
    said: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for t in prepared(one, units):
        said[t.subject][compact(t.predicate.value)].append(t.object)
    mine = said[one.patient]
    who = {"patient": one.name}
    found["patients"].append(who | _values(mine, {"asOf", "birthDate", "ageYears", "sex"}, INPUTS["patients"]))
    for absent in mine["pt:absent"]:
        found["absences"].append(who | {"condition": compact(absent.value)})
    for link, (table, key) in _LISTS.items():
        wanted = set(INPUTS[table]) - {"patient", key, "causedBy", "site"}
        for node in mine[link]:
            row = who | _values(said[node], wanted, INPUTS[table])
            if table == "conditions":
                causes = [compact(c.value) for by in said[node]["pt:causedBy"] for c in said[by]["rdf:type"]]
                row |= {"causedBy": causes[0] if causes else None, "site": " ".join(compact(s.value) for s in said[node]["pt:site"]) or None}
            for cls in said[node]["rdf:type"]:
                found[table].append(row | {key: compact(cls.value)})
    for node in mine["pt:observation"]:
        for cls in said[node]["rdf:type"]:
            for value in said[node]["dg:canonicalValue"]:
                row = who | {"observable": compact(cls.value), "value": Decimal(value.value)}
                found["observations"].append(row | _values(said[node], {"date"}, INPUTS["observations"]))


def _values(said: dict[str, list[Any]], names: set[str], types: dict[str, str]) -> dict[str, Any]:
    """First value of properties, in the types of the columns."""
    found: dict[str, Any] = {}
    for name in names:
        values = said.get(f"pt:{name}")
        found[name] = _value(values[0], types[name]) if values else None
    return found


def _value(term: ox.NamedNode | ox.BlankNode | ox.Literal, kind: str) -> Any:
    text = term.value
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind == "int64":
        return int(Decimal(text))
    if kind.startswith("decimal"):
        return Decimal(text)
    return compact(text)
