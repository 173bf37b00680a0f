"""What a patient graph may say, as N-Triples writes it, with the column that each value fills."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyoxigraph as ox

from dermograph.cohort import descriptor
from dermograph.cohort.tables import KEYS
from dermograph.cohort.writing import LINKS
from dermograph.record import DIGITS
from dermograph.terms import PREFIXES, compact, expand

TYPE, PATIENT, ABSENT, CAUSE = "rdf:type", "pt:Patient", "pt:absent", "pt:causedBy"


def token(name: str) -> str:
    """A name as N-Triples writes it."""
    return f"<{expand(name)}>"


ASIDE = (*(f"<{PREFIXES[p]}" for p in ("dcterms", "prov")), *map(token, ("rdfs:label", "rdfs:comment", "skos:prefLabel")))
"""How properties begin, as N-Triples writes them, that may be said of every node, and on which no rule turns."""
RECORDS = {f"pt:{link}": table for table, link in LINKS.items()}
"""Table of the records that a property of a patient points at."""
OF_PATIENTS = (ABSENT, *RECORDS, *(f"pt:{c}" for c in list(descriptor.columns("patients"))[1:]))
"""Properties that only a patient has."""
_SCHEMA = {"string": pa.dictionary(pa.int32(), pa.string()), "date": pa.date32(), "integer": pa.int64(), "number": pa.decimal128(24, 12)}
SCHEMAS = {
    name: pa.schema([(c, _SCHEMA["string" if c in {"patient", KEYS.get(name)} else kind]) for c, kind in descriptor.columns(name).items()])
    for name in descriptor.names()
}
"""Columns of the tables as they are written."""
_XSD = r"\^\^<http://www\.w3\.org/2001/XMLSchema#"
_WHOLE = "integer|long|int|short"
_DATE = re.compile(rf'"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"{_XSD}date>')
_NUMBER = re.compile(rf'"([+-]?)0*(?:([0-9]{{1,{DIGITS}}})(?:"{_XSD}(?:{_WHOLE})|(?:\.([0-9]*))?"{_XSD}decimal))>')
_COUNT = re.compile(rf'"\+?0*([0-9]{{1,{DIGITS}}})"{_XSD}(?:{_WHOLE})>')
_TEXT = re.compile(r'"([^"\\]*)"')
_KEPT = 65_536
"""Values of which it is remembered how they read."""


@lru_cache(_KEPT)
def _date(term: str) -> dt.date | None:
    found = _DATE.fullmatch(term)
    try:
        return dt.date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


@lru_cache(_KEPT)
def _number(term: str) -> Decimal | None:
    found = _NUMBER.fullmatch(term)
    return Decimal(f"{found[1]}{found[2]}.{(found[3] or '')[:DIGITS]}") if found else None


@lru_cache(_KEPT)
def _count(term: str) -> int | None:
    found = _COUNT.fullmatch(term)
    return int(found[1]) if found else None


@lru_cache(_KEPT)
def _text(term: str) -> str | None:
    found = _TEXT.fullmatch(term)
    return found[1] if found else None


_READ: dict[str, Callable[[str], Any]] = {"date": _date, "integer": _count, "number": _number, "string": _text}


@dataclass(frozen=True)
class Words:
    """The words of a knowledge.

    :param kinds: compact name of each class of a table, by its IRI as N-Triples writes it; ``patients`` has none.
    :param values: likewise the values of a property that are listed.
    :param single: properties that are said once.
    """

    kinds: dict[str, dict[str, str]]
    values: dict[str, dict[str, str]]
    single: frozenset[str]

    @classmethod
    def of(cls, index: Iterable[ox.Triple], tree: dict[str, Any]) -> Words:
        """The words that a knowledge declares.

        :param index: triples of its index.
        :param tree: its index tree.
        """
        said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for t in index:
            said[compact(t.predicate.value)][compact(getattr(t.subject, "value", ""))].append(compact(getattr(t.object, "value", "")))
        within = tree["within"]
        kinds = {}
        for link, table in RECORDS.items():
            (kind,) = said["dg:rangeIncludes"][link]
            kinds[table] = {token(c): c for c, above in within.items() if kind in above and c != kind}
        kinds["absences"] = kinds["conditions"]
        values: dict[str, dict[str, str]] = {}
        for kind, links in said["dg:valuesOf"].items():
            for link in links:
                values[link] = {token(i): i for i, types in said["rdf:type"].items() if kind in types}
        return cls(kinds, values, frozenset(said["dg:single"]))

    def read(self, table: str, column: str) -> Callable[[str], Any]:
        """How a term becomes a value of a column; None where it is not plainly one."""
        if (link := f"pt:{column}") in self.values:
            return self.values[link].get
        return _READ[descriptor.columns(table)[column]]


def said_of(table: str) -> list[str]:
    """Columns of a table that a node says by a property of the same name."""
    return [c for c in descriptor.columns(table) if c not in {"patient", KEYS.get(table), CAUSE.removeprefix("pt:")}]
