"""Patient graphs as rows of the tables of a population, in the units that they were recorded in."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from dermograph.cohort import descriptor
from dermograph.record import Record
from dermograph.terms import compact

Rows = dict[str, list[dict[str, Any]]]
Said = dict[Any, dict[str, list[Any]]]
_LINKS = {
    "pt:condition": ("conditions", "condition"),
    "pt:course": ("courses", "therapy"),
    "pt:observation": ("observations", "observable"),
    "pt:assessment": ("assessments", "assessment"),
}


def rows(records: Iterable[Record]) -> Rows:
    """Rows of each table for patients, a row for each class of a record."""
    found: Rows = {name: [] for name in descriptor.names()}
    for one in records:
        said: Said = defaultdict(lambda: defaultdict(list))
        for t in one.triples:
            said[t.subject][compact(t.predicate.value)].append(t.object)
        mine = said[one.patient]
        found["patients"].append({"patient": one.name} | _cells(mine, "patients"))
        found["absences"] += ({"patient": one.name, "condition": compact(absent.value)} for absent in mine["pt:absent"])
        for link, (table, key) in _LINKS.items():
            for node in mine[link]:
                row = {"patient": one.name} | _cells(said[node], table)
                if table == "conditions":
                    causes = [compact(c.value) for by in said[node]["pt:causedBy"] for c in said[by]["rdf:type"]]
                    row |= {"causedBy": causes[0] if causes else None, "site": " ".join(compact(s.value) for s in said[node]["pt:site"]) or None}
                found[table] += (row | {key: compact(cls.value)} for cls in said[node]["rdf:type"])
    return found


def _cells(said: dict[str, list[Any]], table: str) -> dict[str, Any]:
    """First value of each property that a table has a column for, in the type of the column."""
    kinds = descriptor.columns(table).items()
    return {name: _cell(said[f"pt:{name}"][0], kind) if said.get(f"pt:{name}") else None for name, kind in kinds if name != "patient"}


def _cell(term: ox.NamedNode | ox.Literal, kind: str) -> Any:
    if kind == "date":
        return dt.date.fromisoformat(term.value)
    if kind == "integer":
        return int(Decimal(term.value))
    if kind == "number":
        return Decimal(term.value)
    return compact(term.value)
