"""A plain program, written from sections 5 and 6 of the kit's page alone, finds the truth of every criterion from the facts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rdflib import OWL, RDF, XSD, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from engines.plain_facts import DG, FACT, Pair

Truth = bool | None
FACETS = {XSD.minInclusive: "__ge__", XSD.minExclusive: "__gt__", XSD.maxInclusive: "__le__", XSD.maxExclusive: "__lt__"}


class Criteria:
    """The criteria of a guideline graph, read from their OWL definitions."""

    def __init__(self, guideline: Graph) -> None:
        self.graph = guideline
        kinds = (DG.AtomicCriterion, DG.CompositeCriterion)
        self.names = {c for kind in kinds for c in guideline.subjects(RDF.type, kind)}
        self.within: dict[Node, set[Node]] = {}
        for cls, above in guideline.subject_objects(DG.within):
            self.within.setdefault(cls, set()).add(above)
        self.definitions = {name: self._definition(guideline.value(name, OWL.equivalentClass)) for name in self.names}
        self.suspicions = {f: list(guideline.subjects(DG.suspects, f)) for f in guideline.subjects(RDF.type, DG.FactProperty)}
        self.screened = {c for c, above in self.within.items() if any(self._flag(a, DG.mustBeScreened) for a in above)}

    def truths(self, facts: Iterable[Pair]) -> dict[str, Truth]:
        """Truth of each criterion by its IRI, for the facts of one patient."""
        told: dict[Node, list[str]] = {}
        for fact, value in facts:
            told.setdefault(URIRef(fact), []).append(value)
        known: dict[Node, Truth] = {}
        return {str(name): self._truth(name, told, known) for name in self.names}

    def _definition(self, node: Any) -> tuple[Any, ...]:
        graph = self.graph
        for op in (OWL.intersectionOf, OWL.unionOf):
            if (head := graph.value(node, op)) is not None:
                inner = ((graph.value(m, OWL.complementOf), m) for m in Collection(graph, head))
                return op, [(m, True) if c is None else (c, False) for c, m in inner]
        if (one := graph.value(node, OWL.complementOf)) is not None:
            return OWL.intersectionOf, [(one, False)]
        fact, value, some = (graph.value(node, p) for p in (OWL.onProperty, OWL.hasValue, OWL.someValuesFrom))
        if value is not None:
            return "value", fact, str(value)
        if some is not None and (head := graph.value(some, OWL.withRestrictions)) is not None:
            facets = [(FACETS[p], Decimal(str(b))) for r in Collection(graph, head) for p, b in graph.predicate_objects(r) if p in FACETS]  # type: ignore[index]
            return "range", fact, facets
        return "class", fact, some

    def _flag(self, node: Node, predicate: Node) -> bool:
        return (node, predicate, Literal(True)) in self.graph

    def _truth(self, name: Node, told: dict[Node, list[str]], known: dict[Node, Truth]) -> Truth:
        if name not in known:
            kind, *rest = self.definitions[name]
            if kind in {OWL.intersectionOf, OWL.unionOf}:
                truth = self._joined(kind, rest[0], told, known)
            else:
                truth = self._atom(kind, rest[0], rest[1], told, known)
            when = self.graph.value(name, DG.presumedFalseWhen)
            if truth is None and when is not None and self._truth(when, told, known):
                truth = False
            known[name] = truth
        return known[name]

    def _joined(self, op: Node, members: list[tuple[Node, bool]], told: dict[Node, list[str]], known: dict[Node, Truth]) -> Truth:
        worked = [(self._truth(member, told, known), positive) for member, positive in members]
        truths = [truth if positive or truth is None else not truth for truth, positive in worked]
        strong = op == OWL.unionOf
        return strong if strong in truths else None if None in truths else not strong

    def _atom(self, kind: str, fact: Node, asked: Any, told: dict[Node, list[str]], known: dict[Node, Truth]) -> Truth:
        values = told.get(fact, [])
        if any(self._matches(kind, fact, asked, value) for value in values):
            return True
        silence = self.graph.value(fact, DG.whenUnrecorded)
        if silence == DG.SilenceIsUnknown:
            return False if values else None
        if kind == "class" and any(self._related(asked, URIRef(v)) for s in self.suspicions[fact] for v in told.get(s, [])):
            return None
        if silence == DG.SilenceIsFalse or self._free(fact, asked, told):
            return False
        if asked not in self.screened:
            return False
        gates = [g for c in self.within[asked] if self._flag(c, DG.mustBeScreened) for g in self.graph.objects(c, DG.screenedIn)]
        return False if any(self._truth(g, told, known) is False for g in gates) else None

    def _matches(self, kind: str, fact: Node, asked: Any, value: str) -> bool:
        if kind == "range":
            return all(getattr(Decimal(value), test)(bound) for test, bound in asked)
        if kind == "value":
            return value == str(asked)
        cls = URIRef(value)
        return asked in self.within.get(cls, ()) or (self._flag(fact, DG.spreadsDown) and cls in self.within[asked])

    def _related(self, one: Node, other: Node) -> bool:
        return one in self.within.get(other, ()) or other in self.within.get(one, ())

    def _free(self, fact: Node, asked: Node, told: dict[Node, list[str]]) -> bool:
        out = {URIRef(v) for v in told.get(FACT.isFreeOf, [])}
        if fact == FACT.hasCondition:
            out |= {URIRef(str(o)) for v in told.get(FACT.hasCondition, []) for o in self.graph.objects(URIRef(v), DG.rulesOut)}
        return bool(self.within[asked] & out)
