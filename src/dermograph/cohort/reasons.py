"""From barriers to what each recommendation and therapy gives: statuses, reasons, what is missing, and what that means while it is taken.

The rule is that of ``dg:ReasonKind``, read from the index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.barriers import Barriers
from dermograph.cohort.missing import Missing

Tree = dict[str, Any]
Value = Any
OUTSIDE = ("dg:ReasonOutsidePopulation", "dg:ReasonOutsideIndication")
"""Reasons for which a recommendation is passed over where another speaks of the patient."""


class Given:
    """What the barriers of a recommendation or a therapy give, gathered.

    :param kinds: the kinds of reasons of the index.
    """

    def __init__(self, kinds: Tree) -> None:
        self.kinds = kinds
        self.by_status: dict[str, list[Value]] = {"excluded": [], "deferred": [], "undetermined": []}
        self.reasons: dict[str, list[tuple[str, Value]]] = {"excluded": [], "deferred": []}
        self.missing: list[tuple[str, Value]] = []
        self.missing_while_taken: list[tuple[str, Value]] = []
        self.weights: dict[str, list[Value]] = {"stop": [], "review": []}
        self.while_taken: list[tuple[str, Value]] = []

    def blocked(self, kind: str, when: Value) -> None:
        """Note that a kind of reason holds."""
        status = self.kinds[kind]["status"]
        self.by_status[status].append(when)
        self.reasons[status].append((kind, when))

    def taken(self, weight: str, kind: str, when: Value) -> None:
        """Note what a reason means for a therapy that is taken now."""
        if weight != "yes":
            self.weights[weight].append(when)
            self.while_taken.append((kind, when))

    def open(self, kind: str, given: str, start_only: bool, word: str, bits: Value) -> None:
        """Note what is open of barriers of a kind, and the kind of reason that this gives."""
        status, some = self.kinds[given]["status"], bits != 0
        weight = self.kinds[kind]["whileOngoing"]
        if weight == "stop" and start_only:
            weight = "review"
        elif weight != "yes":
            weight = self.kinds[given]["whileOngoing"]
        self.by_status[status].append(some)
        if status == "undetermined":
            self.missing.append((word, bits))
            if weight != "yes":
                self.weights[weight].append(some)
                self.missing_while_taken.append((word, bits))
        else:
            self.reasons[status].append((given, some))
            self.taken(weight, given, some)


class Reasons:
    """What barriers give.

    :param barriers: the stage before.
    :param missing: bits of what may be missing.
    """

    def __init__(self, barriers: Barriers, missing: Missing) -> None:
        self.nodes, self.barriers, self.missing = barriers.nodes, barriers, missing
        self.layout, self.truths, self.tree = barriers.layout, barriers.truths, barriers.tree
        self.kinds: list[str] = sorted({k["notation"] for k in self.tree["kinds"].values()})
        """Reasons, by the place of their bit."""

    def columns(self, rows: ir.Table) -> dict[str, Value]:
        """For each recommendation and therapy: statuses and reasons that follow, what is missing, and what that means while taken."""
        found: dict[str, Value] = {}
        for name in self.nodes:
            found |= self._given(rows, name)
        return found

    def _given(self, rows: ir.Table, name: str) -> dict[str, Value]:
        given = Given(self.tree["kinds"])
        outside: dict[str, Value] = {kind: ibis.literal(False) for kind in OUTSIDE}
        forced: list[Value] = []
        for number, alike in enumerate(self.nodes[name]):
            kind, start_only, blocked = alike[0]["kind"], bool(alike[0].get("startOnly")), rows[f"{name} {number} blocks"]
            told = rows[f"{name} {number} told"] if f"{name} {number} told" in rows.columns else None
            if self.tree["kinds"][kind]["fromTherapy"]:
                forced.append(blocked)
            if kind in outside:
                outside[kind] = blocked
            given.blocked(kind, blocked)
            meaning = self.tree["kinds"][kind]["whileOngoing"]
            given.taken("review" if meaning == "stop" and start_only else meaning, kind, blocked)
            if told is not None and kind == "dg:ReasonPrerequisite":
                given.taken("review", kind, told)
            if told is not None and kind == "dg:ReasonEarlierStep":
                given.blocked("dg:ReasonTrialTooShort", told)
            for word in self.barriers.words_of(alike):
                for open_kind, mask in self._open_kinds(alike, word).items():
                    given.open(kind, open_kind, start_only, word, rows[f"{name} {number} open {word}"] & mask)
        found = {f"{name} {status}": ibis.or_(*values) for status, values in given.by_status.items()}
        found |= {f"{name} because {status}": self._mask(values) for status, values in given.reasons.items()}
        found[f"{name} missing"] = self.missing.bits(given.missing)
        found[f"{name} missing ongoing"] = self.missing.bits(given.missing_while_taken)
        found |= {f"{name} {weight}": ibis.or_(*values) for weight, values in given.weights.items()}
        found[f"{name} because ongoing"] = self._mask(given.while_taken)
        found[f"{name} forced"] = ibis.or_(*forced)
        return found | {f"{name} {kind}": blocked for kind, blocked in outside.items()}

    def _mask(self, reasons: Iterable[tuple[str, Value]]) -> Value:
        """Bits of the kinds of reasons that hold."""
        by_kind: dict[str, list[Value]] = {}
        for kind, when in reasons:
            by_kind.setdefault(self.tree["kinds"][kind]["notation"], []).append(when)
        bits = [ibis.ifelse(ibis.or_(*values), 1 << self.kinds.index(kind), 0) for kind, values in by_kind.items()]
        return reduce(or_, bits) if bits else ibis.literal(0)

    def _open_kinds(self, barriers: list[Tree], word: str) -> dict[str, int]:
        """Kinds of reasons that open parts of barriers give, with the bits of the parts."""
        found: dict[str, int] = {}
        for barrier in barriers:
            for atom in self.missing.atoms(barrier["criterion"]) if barrier["criterion"] else ():
                place, bit = self.layout.place.get(atom, ("", 0))
                if place == word and self.truths.may_be_open(atom):
                    kind = self._open_kind(atom, barrier)
                    found[kind] = found.get(kind, 0) | bit
        return found

    def _open_kind(self, atom: str, barrier: Tree) -> str:
        criterion = self.layout.criteria[atom]
        if self.missing.measured(atom):
            return "dg:ReasonMissing"
        if not barrier["blocksWhen"]:
            return "dg:ReasonScreening"
        return str(self.tree["conditions"].get(criterion.get("class"), {}).get("deferredAs", "dg:ReasonScreening"))
