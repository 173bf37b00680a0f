"""Expressions of ELM, the compiled form of CQL, as the JSON that the CQL engine reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

Elm = dict[str, Any]
_TYPES = "{urn:hl7-org:elm-types:r1}"
_FHIR = "{http://hl7.org/fhir}"
NULL: Elm = {"type": "Null"}


def literal(value: bool | int | float | str) -> Elm:
    """A value written out."""
    kind = {bool: "Boolean", int: "Integer", float: "Decimal", str: "String"}[type(value)]
    return {"type": "Literal", "valueType": _TYPES + kind, "value": str(value).lower() if kind == "Boolean" else str(value)}


def ref(name: str) -> Elm:
    """What an expression of the library gives; it is worked out once for each patient."""
    return {"type": "ExpressionRef", "name": name}


def let(name: str) -> Elm:
    """What a let clause of the query around gives."""
    return {"type": "QueryLetRef", "name": name}


def alias(name: str) -> Elm:
    """What an alias of the query around stands for."""
    return {"type": "AliasRef", "name": name}


def of(scope: str, path: str) -> Elm:
    """A property of an alias."""
    return {"type": "Property", "scope": scope, "path": path}


def path(source: Elm, path: str) -> Elm:
    """A property of what an expression gives."""
    return {"type": "Property", "source": source, "path": path}


def first(source: Elm) -> Elm:
    """The first of a list."""
    return {"type": "First", "source": source}


def operator(name: str, *operands: Elm) -> Elm:
    """An operator of two or more operands, such as ``And``."""
    return {"type": name, "operand": list(operands)}


def unary(name: str, operand: Elm) -> Elm:
    """An operator of one operand, such as ``Not``."""
    return {"type": name, "operand": operand}


def joined(name: str, operands: Iterable[Elm]) -> Elm:
    """An operator of two operands over any number of them."""
    return reduce(lambda one, other: operator(name, one, other), operands)


def both(*operands: Elm) -> Elm:
    """Whether all hold."""
    return joined("And", operands)


def either(*operands: Elm) -> Elm:
    """Whether any holds."""
    return joined("Or", operands)


def negated(operand: Elm) -> Elm:
    """Whether it does not hold."""
    return unary("Not", operand)


def equal(one: Elm, other: Elm | str) -> Elm:
    """Whether two are equal."""
    return operator("Equal", one, literal(other) if isinstance(other, str) else other)


def absent(operand: Elm) -> Elm:
    """Whether it is null."""
    return unary("IsNull", operand)


def otherwise(operand: Elm, default: Elm) -> Elm:
    """The operand, or another where it is null."""
    return operator("Coalesce", operand, default)


def when(condition: Elm, then: Elm, other: Elm) -> Elm:
    """One or the other."""
    return {"type": "If", "condition": condition, "then": then, "else": other}


def cases(*rows: tuple[Elm, Elm], other: Elm) -> Elm:
    """The first of which the condition holds."""
    return {"type": "Case", "caseItem": [{"when": w, "then": t} for w, t in rows], "else": other}


def selected(of: Elm, rows: Iterable[tuple[str, Elm]], other: Elm) -> Elm:
    """What stands beside a word; the other where the word is none of them."""
    items = [{"when": literal(w), "then": t} for w, t in rows]
    return {"type": "Case", "comparand": of, "caseItem": items, "else": other} if items else other


def words(values: Sequence[str]) -> Elm:
    """A list of words."""
    return {"type": "List", "element": [literal(v) for v in values]}


def flat(*lists: Elm) -> Elm:
    """Lists one after another."""
    return {"type": "Flatten", "operand": {"type": "List", "element": list(lists)}}


def retrieve(resource: str) -> Elm:
    """All resources of a type."""
    return {"type": "Retrieve", "dataType": _FHIR + resource}


def tuple_(**elements: Elm) -> Elm:
    """Named values."""
    return {"type": "Tuple", "element": [{"name": name, "value": value} for name, value in elements.items()]}


def query(source: Elm, name: str, *, lets: dict[str, Elm] | None = None, where: Elm | None = None, give: Elm | None = None) -> Elm:
    """A query over one source, duplicates kept.

    :param name: the alias of the source.
    :param give: what is given of each; without it, each itself.
    """
    found: Elm = {"type": "Query", "source": [{"alias": name, "expression": source}], "relationship": []}
    found["let"] = [{"identifier": name, "expression": value} for name, value in (lets or {}).items()]
    if where is not None:
        found["where"] = where
    found["return"] = {"distinct": False, "expression": give or alias(name)}
    return found


def any_in(classes: Elm, value_set: str) -> Elm:
    """Whether any of some codes is in a value set."""
    return {"type": "AnyInValueSet", "codes": classes, "valueset": {"name": value_set}}


def in_set(cls: Elm, value_set: str) -> Elm:
    """Whether a code is in a value set."""
    return {"type": "InValueSet", "code": cls, "valueset": {"name": value_set}}


def date(value: dt.date) -> Elm:
    """A date written out."""
    return {"type": "Date", "year": literal(value.year), "month": literal(value.month), "day": literal(value.day)}


def days(first: Elm, last: Elm) -> Elm:
    """Days from one date to another."""
    return operator("DifferenceBetween", first, last) | {"precision": "Day"}


def day(moment: Elm) -> Elm:
    """The date of a moment."""
    return unary("DateFrom", moment)


def component(of: Elm, precision: str) -> Elm:
    """A part of a date, such as its month."""
    return unary("DateTimeComponentFrom", of) | {"precision": precision}


def library(name: str, definitions: dict[str, Elm], value_sets: Iterable[str]) -> Elm:
    """A library whose expressions are asked of one patient after another."""
    return {
        "library": {
            "identifier": {"id": name, "version": "1"},
            "schemaIdentifier": {"id": "urn:hl7-org:elm", "version": "r1"},
            "usings": {"def": [{"localIdentifier": "FHIR", "uri": "http://hl7.org/fhir", "version": "4.0.1"}]},
            "valueSets": {"def": [{"name": name, "id": name, "version": "1"} for name in value_sets]},
            "statements": {"def": [{"name": n, "context": "Patient", "expression": e} for n, e in definitions.items()]},
        }
    }
