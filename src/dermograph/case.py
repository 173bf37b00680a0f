"""One patient as the later stages see it: truths, record and facts under compact names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyoxigraph as ox

from dermograph.assessment import FactUsed
from dermograph.criteria import Truths
from dermograph.graph import node_name
from dermograph.record import Record

Tree = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A patient with truths and facts.

    :param place: the patient's place in the truths.
    :param facts: derived triples that hang off this patient, compacted.
    :param supposed: truth of each criterion in a supposed world, instead of the patient's.
    """

    tree: Tree
    truths: Truths
    place: int
    record: Record
    facts: dict[str, list[tuple[str, Any]]] = field(repr=False)
    supposed: dict[str, bool | None] | None = field(default=None, repr=False)

    @cached_property
    def truth(self) -> dict[str, bool | None]:
        """Truth of each criterion for this patient, None where it is not known."""
        return self.truths.one(self.place) if self.supposed is None else self.supposed

    @cached_property
    def too_brief(self) -> dict[str, str]:
        """Criteria that the patient tried a therapy for less than an adequate trial, those that hold, by class of therapy."""
        return {cls: name for cls, name in self.tree["brief"].items() if self.truth[name]}

    @cached_property
    def _resting(self) -> dict[str, tuple[str, ...]]:
        return {}

    @cached_property
    def _facts_used(self) -> dict[str, tuple[FactUsed, ...]]:
        return {}

    def holds(self, criterion: str | None) -> bool | None:
        """Truth of a criterion for this patient; no criterion holds always."""
        return True if criterion is None else self.truth[criterion]

    def atoms(self, criterion: str, truth: bool | None) -> tuple[str, ...]:
        """Atomic criteria that make a criterion what it is, true, false or unknown, in a fixed order; none where it is not that."""
        if self.truth[criterion] is not truth:
            return ()
        kept = self._resting.get(criterion)
        if kept is None:
            members = self.tree["criteria"][criterion].get("members")
            if members is None:
                kept = (criterion,)
            else:
                opposite = None if truth is None else not truth
                atoms: set[str] = set()
                for member, positive in members:
                    atoms.update(self.atoms(member, truth if positive else opposite))
                kept = tuple(sorted(atoms))
            self._resting[criterion] = kept
        return kept

    def number(self, fact: str) -> Decimal | None:
        """Value of a measured fact."""
        return next((Decimal(str(v)) for p, v in self.facts[self.me] if p == fact), None)

    @property
    def me(self) -> str:
        """The patient's node among the facts."""
        return self.record.name

    def of(self, node: str, predicate: str) -> Any:
        """First value of a property of a node of the record or the facts."""
        return next((v for p, v in self.facts[node] if p == predicate), None)

    def suspects(self, cls: str | None) -> bool:
        """Whether a condition of a class, a broader or a narrower one is suspected."""
        return cls is not None and any(
            cls in self.tree["within"].get(kind, ()) or kind in self.tree["within"].get(cls, ())
            for p, v in self.facts[self.me]
            if p == "fact:mayHaveCondition"
            for q, kind in self.facts[str(v)]
            if q == "rdf:type"
        )

    def may_have(self, cls: str) -> bool:
        """Whether something on record makes a condition of a class likely: it is suspected, or a broader one is present."""
        return self.suspects(cls) or any(
            kind in self.tree["within"].get(cls, ())
            for p, v in self.facts[self.me]
            if p == "fact:hasCondition"
            for q, kind in self.facts[str(v)]
            if q == "rdf:type"
        )

    def found_in(self, assessment: str) -> bool:
        """Whether the latest assessment of a class found a problem."""
        nodes = [str(v) for p, v in self.facts[self.me] if p == "fact:foundProblemIn"]
        return any(assessment in self.tree["within"].get(self.of(node, "rdf:type"), ()) for node in nodes)

    def used(self, criterion: str, truth: bool) -> tuple[FactUsed, ...]:
        """Recorded facts that make a known criterion what it is."""
        if self.truth[criterion] is not truth:
            return ()
        kept = self._facts_used.get(criterion)
        if kept is None:
            found: dict[FactUsed, None] = {}
            for atom in self.atoms(criterion, truth):
                facts = list(self._evidence(self.tree["criteria"][atom]))
                found.update(dict.fromkeys(sorted(facts, key=str) if len(facts) > 1 else facts))
            kept = self._facts_used[criterion] = tuple(found)
        return kept

    def _evidence(self, atom: Tree) -> Iterator[FactUsed]:
        fact, within = atom["fact"], self.tree["within"]
        spread = self.tree["facts"][fact]["spreadsDown"]
        mine = self.facts[self.me]
        if fact == "fact:ageMonths":
            recorded = self.of(self.me, "pt:birthDate")
            months = self.number(fact)
            if recorded is not None:
                yield FactUsed("pt:birthDate", str(recorded), None, None)
            elif months is not None:
                yield FactUsed("pt:ageYears", self.of(self.me, "pt:ageYears"), "a", None)
        elif "range" in atom:
            for node in (str(v) for p, v in mine if p == "dg:evidence"):
                if self.of(node, "dg:evidenceOf") == fact:
                    unit = self.tree["facts"][fact]["unit"]
                    yield FactUsed(self.tree["facts"][fact]["measures"], self.number(fact), unit, self.of(node, "pt:date"))
        elif "value" in atom:
            for value in (v for p, v in mine if p == fact):
                yield FactUsed(self.tree["facts"][fact]["recordedAs"], str(value))
        else:
            asked = atom["class"]
            predicates = {fact} | ({"fact:isFreeOf"} if fact == "fact:hasCondition" else set())
            for predicate, node in mine:
                if predicate not in predicates:
                    continue
                if predicate == "fact:isFreeOf":
                    if node in within.get(asked, ()):
                        yield FactUsed(str(node), "pt:Negative")
                    continue
                for cls in (str(v) for p, v in self.facts[str(node)] if p == "rdf:type"):
                    if asked in within.get(cls, ()) or (spread and cls in within.get(asked, ())):
                        yield self._recorded(str(node), cls)

    def _recorded(self, node: str, cls: str) -> FactUsed:
        value = next((v for p in ("pt:outcome", "pt:result", "pt:status") if (v := self.of(node, p)) is not None), None)
        date = next((v for p in ("pt:date", "pt:end", "pt:start", "pt:onset") if (v := self.of(node, p)) is not None), None)
        return FactUsed(cls, None if value is None else str(value), None, None if date is None else str(date))


def gather(triples: Iterable[ox.Triple]) -> dict[str, list[tuple[str, Any]]]:
    """Triples of records and facts by compact name of their subject."""
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for t in triples:
        found[str(node_name(t.subject))].append((str(node_name(t.predicate)), node_name(t.object)))
    for values in found.values():
        values.sort(key=lambda pair: (pair[0], str(pair[1])))
    return found
