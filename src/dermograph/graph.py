"""Reading the guideline graph: triples by subject and predicate, under compact names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from dermograph.errors import KnowledgeError
from dermograph.terms import compact

Value = str | Decimal | bool

_NUMBERS = {"decimal", "integer", "double", "float", "int"}
_NAME = re.compile(r"[a-z]+:[\w-]+|https?://\S+")
_DEEPEST = 100
"""Blank nodes that may hang from one another."""


class Graph:
    """Triples of the ontology, indexed both ways; nodes are compact IRIs or blank node labels.

    :param triples: all triples of the ontology.
    """

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._out: dict[str, dict[str, list[Value]]] = defaultdict(lambda: defaultdict(list))
        self._in: dict[tuple[str, Value], list[str]] = defaultdict(list)
        for t in triples:
            subject, predicate, value = str(node_name(t.subject)), compact(t.predicate.value), node_name(t.object)
            self._out[subject][predicate].append(value)
            self._in[predicate, value].append(subject)
        for predicates in self._out.values():
            for values in predicates.values():
                values.sort(key=str)
        for subjects in self._in.values():
            subjects.sort()

    def values(self, node: str, predicate: str) -> list[Value]:
        """All values of a property of a node, sorted."""
        return list(self._out[node][predicate]) if node in self._out and predicate in self._out[node] else []

    def pairs(self, node: str) -> Iterator[tuple[str, Value]]:
        """All predicates and values of a node."""
        for predicate, values in self._out[node].items() if node in self._out else ():
            for value in values:
                yield predicate, value

    def nodes(self, node: str, predicate: str) -> list[str]:
        """All values of a property that are nodes."""
        return [str(v) for v in self.values(node, predicate)]

    def value(self, node: str, predicate: str) -> Value | None:
        """The one value of a property of a node, or None."""
        values = self.values(node, predicate)
        if len(values) > 1:
            raise KnowledgeError(f"{node} has {len(values)} values of {predicate}, and one is allowed", f"keep one {predicate}", node, predicate)
        return values[0] if values else None

    def text(self, node: str, predicate: str) -> str | None:
        """The one value of a property as text, or None."""
        value = self.value(node, predicate)
        return None if value is None else str(value)

    def number(self, node: str, predicate: str) -> Decimal | None:
        """The one value of a property as a number, or None."""
        value = self.value(node, predicate)
        return None if value is None else Decimal(str(value))

    def flag(self, node: str, predicate: str) -> bool:
        """Whether a property of a node is true."""
        return self.value(node, predicate) is True

    def subjects(self, predicate: str, value: Value) -> list[str]:
        """All nodes with that value of a property, sorted."""
        return list(self._in.get((predicate, value), ()))

    def instances(self, kind: str) -> list[str]:
        """All nodes typed by the class itself, sorted."""
        return self.subjects("rdf:type", kind)

    def having(self, predicate: str) -> list[str]:
        """All nodes with some value of a property, sorted."""
        return sorted(node for node, predicates in self._out.items() if predicate in predicates)

    def described(self) -> list[str]:
        """All nodes of which something is said, sorted."""
        return sorted(self._out)

    def named(self) -> list[str]:
        """All subjects that have a name, sorted."""
        return [node for node in self.described() if not node.startswith("_:")]

    def predicates(self, node: str) -> list[str]:
        """All properties that a node has, sorted."""
        return sorted(self._out[node]) if node in self._out else []

    def items(self, head: str) -> list[str]:
        """Members of an RDF list."""
        found: list[str] = []
        while head != "rdf:nil":
            found += self.nodes(head, "rdf:first")[:1]
            rest = self.nodes(head, "rdf:rest")
            if not rest:
                raise KnowledgeError(f"the list at {head} has no end", "close the list in the Turtle", head)
            head = rest[0]
        return found

    def names(self) -> set[str]:
        """All nodes with a name that are a subject, a predicate or a value."""
        found = {node for node in self._out if not node.startswith("_:")}
        for predicates in self._out.values():
            found.update(predicates)
            found.update(v for values in predicates.values() for v in values if isinstance(v, str) and _NAME.fullmatch(v))
        return found

    def referrers(self, node: str) -> list[str]:
        """All nodes, blank ones too, that a node is a value of, sorted."""
        return sorted(self._referrers.get(node, ()))

    def owner(self, node: str) -> str:
        """The named node that a blank node hangs from; a node with a name is its own."""
        return self.seat(node)[0]

    def seat(self, node: str, predicate: str = "") -> tuple[str, str]:
        """The named node that a blank node hangs from, and the property over which; a node with a name, and what is given."""
        for _ in range(_DEEPEST):
            if not node.startswith("_:"):
                break
            inner, node = node, next(iter(self.referrers(node)), "")
            predicate = next((p for p, value in self.pairs(node) if value == inner), predicate)
        return node, predicate

    @cached_property
    def _referrers(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for (_, value), subjects in self._in.items():
            if isinstance(value, str):
                found[value].update(subjects)
        return found

    def label(self, node: str) -> str:
        """Preferred label of a node, or its name."""
        labels = self.values(node, "skos:prefLabel")
        return str(labels[0]) if labels else node


def read(paths: Iterable[Path]) -> Iterator[ox.Triple]:
    """Triples of Turtle files, with blank nodes kept apart from file to file."""
    for number, path in enumerate(paths):
        try:
            for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
                yield apart(quad, str(number))
        except SyntaxError as error:
            from dermograph.workbench import turtle

            raise KnowledgeError(*turtle.fault(path.read_text(encoding="utf-8", errors="replace"), str(path), error).told) from error


def apart(quad: ox.Quad, mark: str) -> ox.Triple:
    """A triple whose blank nodes carry a mark of their file."""
    return ox.Triple(_marked(quad.subject, mark), quad.predicate, _marked(quad.object, mark))  # type: ignore[arg-type]


def _marked(term: object, mark: str) -> object:
    return ox.BlankNode(f"m{mark}x{term.value}") if isinstance(term, ox.BlankNode) else term


def node_name(term: object) -> Value:
    """A term under its compact name: a node as text, a number as a decimal, a truth value as bool, else its text."""
    match term:
        case ox.NamedNode():
            return compact(term.value)
        case ox.BlankNode():
            return "_:" + term.value
        case ox.Literal():
            kind = term.datatype.value.rpartition("#")[2]
            if kind == "boolean":
                return term.value in {"true", "1"}
            try:
                return Decimal(term.value) if kind in _NUMBERS else term.value
            except InvalidOperation:
                return term.value
    raise TypeError(f"{term!r} is no term of a triple")
