"""What a cell of a typed column may hold, one definition for every reader and engine: what a patient graph may say there.

A date is a day of the calendar from the year 1 to 9999 as ``2026-11-01``, an integer is an ``xsd:integer``, a number an
``xsd:decimal``. Databases take more for these: ``infinity``, ``epoch``, ``2026/1/5``, ``0x10``, ``1_000``, or 24 for 24.5.
"""

from __future__ import annotations

TYPES = {"string": "VARCHAR", "date": "DATE", "integer": "BIGINT", "number": "DECIMAL(24, 12)"}
"""Types of DuckDB, by those of the descriptor."""
INTEGER = "[+-]?[0-9]+"
NUMBER = r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)"
"""Texts of an integer and of a number, as regular expressions that every engine reads alike."""
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_PARTED = ("FLOAT", "DOUBLE", "DECIMAL")
_TEXT = ("VARCHAR", '"NULL"')
_GIVEN = {
    "date": ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", *_TEXT),
    "integer": (*_WHOLE, *_PARTED, *_TEXT),
    "number": (*_WHOLE, *_PARTED, *_TEXT),
}


def may_be(kind: str, given: str) -> bool:
    """Whether a column may be of a type of DuckDB.

    >>> may_be("date", "TIMESTAMP WITH TIME ZONE"), may_be("number", "DECIMAL(9,2)")
    (False, True)
    """
    return kind == "string" or given.partition("(")[0] in _GIVEN[kind]


def read(name: str, kind: str, given: str) -> str:
    """The value of a cell, NULL where there is none in its type, as SQL of DuckDB.

    :param name: the column as SQL writes it.
    :param kind: date, integer or number.
    :param given: type of DuckDB in which it is given.
    """
    value = f"TRY_CAST({name} AS {TYPES[kind]})"
    if given == TYPES["date"]:
        return f"CASE WHEN {in_calendar(name)} THEN {name} END"
    if kind == "date":
        same = f"CAST({value} AS VARCHAR) = TRIM({name})" if given == "VARCHAR" else f"{value} = {name}"
        return f"CASE WHEN {same} AND {in_calendar(value)} THEN {value} END"
    if given == "VARCHAR":
        return f"CASE WHEN regexp_full_match(TRIM({name}), '{INTEGER if kind == 'integer' else NUMBER}') THEN {value} END"
    return f"CASE WHEN {value} = {name} THEN {value} END" if kind == "integer" else value


def said(name: str, given: str) -> str:
    """Whether a cell says anything, as SQL of DuckDB."""
    return f"{name} IS NOT NULL" if given != "VARCHAR" else f"NULLIF(TRIM({name}), '') IS NOT NULL"


def in_calendar(day: str) -> str:
    """Whether a day is one that is told with a year of four digits, as SQL of any engine."""
    return f"{day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
