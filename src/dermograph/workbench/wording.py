"""Nodes and values of the guideline graph in plain words, and their structure without the names of blank nodes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dermograph import sentences
from dermograph.amounts import Amount, plain
from dermograph.graph import Graph, Value
from dermograph.terms import local_name

Tree = dict[str, Any]

_BOUNDS = {"from": "at least", "above": "above", "upTo": "at most", "below": "below"}
_SETS = ("owl:intersectionOf", "owl:unionOf", "owl:oneOf", "owl:members")
_MONTHS = 24
"""From this age on, in months, an age is told in years where it is a whole number of them."""


def structure(graph: Graph, value: Value) -> Any:
    """A value that equals another one of the same meaning: blank nodes spelled out, joined members in any order."""
    if isinstance(value, Decimal):
        return plain(value)
    if not isinstance(value, str) or not value.startswith("_:"):
        return value
    if graph.values(value, "rdf:rest"):
        return tuple(structure(graph, item) for item in graph.items(value))
    found = []
    for predicate in graph.predicates(value):
        values: list[Any] = [structure(graph, v) for v in graph.values(value, predicate)]
        if predicate in _SETS:
            values = [tuple(sorted(v, key=repr)) if isinstance(v, tuple) else v for v in values]
        found.append((predicate, tuple(sorted(values, key=repr))))
    return tuple(found)


def words(graph: Graph, tree: Tree, value: Value) -> str:
    """A value of a property in plain words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if not value.startswith("_:"):
        return name(graph, tree, value)
    quantity = {k: v for k in ("value", "low", "high", "unit") if (v := graph.text(value, f"dg:{k}")) is not None}
    if "unit" in quantity and len(quantity) > 1:
        amount = Amount.of(quantity)
        assert amount
        return amount.words()
    if graph.values(value, "rdf:rest"):
        return ", ".join(words(graph, tree, item) for item in graph.items(value))
    parts = [words(graph, tree, v) for p in graph.predicates(value) if p != "rdf:type" for v in graph.values(value, p)]
    return "; ".join(parts)


def name(graph: Graph, tree: Tree, node: str) -> str:
    """A node by its label; a criterion as what it says of the patient, a statement by its number."""
    if node in tree["criteria"]:
        return f"the patient {tree['criteria'][node]['label']}"
    if "dg:Statement" in graph.nodes(node, "rdf:type"):
        return local_name(node)
    return graph.text(node, "dcterms:title") or graph.label(node)


def meaning(tree: Tree, criterion: str) -> str:
    """What the definition of a criterion says in plain words, from its structure and not from its label.

    Criteria that it joins stand by their labels.
    """
    defined = tree["criteria"][criterion]
    if "members" in defined:
        members = [f"{'' if positive else 'not: '}{tree['criteria'][m]['label']}" for m, positive in defined["members"]]
        if len(members) == 1:
            return members[0]
        return f"{'all' if defined['op'] == 'and' else 'at least one'} of ({'; '.join(members)})"
    fact = tree["facts"].get(defined["fact"], {})
    said = fact.get("label", defined["fact"])
    if "range" in defined:
        unit = fact.get("unit") or "1"
        ends = [f"{_BOUNDS[kind]} {_amount(Decimal(bound), unit)}" for kind, bound in sentences.bounds(defined)]
        return f"{said} {' and '.join(ends)}"
    asked = defined.get("class") or defined.get("value")
    return f"{said}: {tree['labels'].get(asked, asked)}"


def _amount(value: Decimal, unit: str) -> str:
    if unit == "mo" and value >= _MONTHS and value % 12 == 0:
        return Amount("a", value / 12).words()
    return Amount(unit, value).words()
