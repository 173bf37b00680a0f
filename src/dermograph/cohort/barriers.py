"""From the columns of the criteria to what stands in the way of each recommendation and therapy, and what leaves it open.

Barriers that would give the same are asked together.
"""

from __future__ import annotations

from functools import cached_property, reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.layout import SIZE, Layout
from dermograph.cohort.references import column
from dermograph.cohort.truths import Truths

Tree = dict[str, Any]
Value = Any
_ALL = (1 << SIZE) - 1


class Barriers:
    """What the barriers of recommendations and therapies say of a patient.

    :param layout: bits of the criteria.
    :param truths: the stages before.
    """

    def __init__(self, layout: Layout, truths: Truths) -> None:
        self.layout, self.truths, self.tree = layout, truths, layout.tree

    @cached_property
    def nodes(self) -> dict[str, list[list[Tree]]]:
        """Barriers of each recommendation and therapy, those that give the same put together."""
        found: dict[str, list[list[Tree]]] = {}
        for name, node in (*self.tree["recommendations"].items(), *self.tree["rows"].items()):
            groups: dict[tuple[str, bool, bool], list[Tree]] = {}
            for barrier in node["barriers"]:
                groups.setdefault((barrier["kind"], bool(barrier.get("startOnly")), "screened" in barrier), []).append(barrier)
            found[name] = list(groups.values())
        return found

    def columns(self, rows: ir.Table) -> dict[str, Value]:
        """For each group of barriers: whether one stands in the way, the words of what is open, and what is special about it."""
        found: dict[str, Value] = {}
        for name, groups in self.nodes.items():
            for number, alike in enumerate(groups):
                found[f"{name} {number} blocks"] = self._blocks(rows, alike)
                found |= {f"{name} {number} open {word}": bits for word, bits in self._opens(rows, alike).items()}
                ask = {"dg:ReasonPrerequisite": self._problem, "dg:ReasonEarlierStep": self._too_brief}.get(alike[0]["kind"])
                told = [(b, when) for b in alike if ask and (when := ask(rows, b["criterion"], False)) is not None]
                if told:
                    found[f"{name} {number} told"] = ibis.or_(*[self._blocks(rows, [b]) & when for b, when in told])
        for name, node in self.tree["recommendations"].items():
            found[f"{name} stops"] = self._stops(rows, node["barriers"])
        return found

    def _blocks(self, rows: ir.Table, barriers: list[Tree]) -> Value:
        """Whether one of some barriers stands in the way; never NULL. Those that ask for a class are asked by their bits."""
        masks: dict[str, int] = {}
        found: list[Value] = []
        for barrier in barriers:
            name, criterion = barrier["criterion"], self.layout.criteria.get(barrier["criterion"], {})
            if name is None:
                return ibis.literal(True)
            if barrier["blocksWhen"] and "class" in criterion:
                word, bit = self.layout.place[name]
                masks[word] = masks.get(word, 0) | bit
            else:
                found.append(rows[name].fill_null(False) if barrier["blocksWhen"] else ~rows[name].fill_null(True))
        found += [(rows[column(word, "true")] & mask) != 0 for word, mask in masks.items()]
        return ibis.or_(*found)

    def _opens(self, rows: ir.Table, barriers: list[Tree]) -> dict[str, Value]:
        """Words of what leaves barriers open, without what nobody has to ask about."""
        masks: dict[str, int] = {}
        found: dict[str, list[Value]] = {}
        for barrier in barriers:
            name = barrier["criterion"]
            if name is None:
                continue
            if self.truths.in_words(name):
                word, bit = self.layout.place[name]
                masks[word] = masks.get(word, 0) | bit
                continue
            for word in self.truths.openings_of(name):
                found.setdefault(word, []).append(self.truths.open(rows, name, word))
        for word, mask in masks.items():
            found.setdefault(word, []).append(rows[column(word, "unknown")] & mask)
        asked = barriers[0].get("screened")
        joined = {word: reduce(or_, bits) for word, bits in found.items()}
        return {word: self._dutiful(rows, bits, word, asked) for word, bits in joined.items()}

    def _dutiful(self, rows: ir.Table, bits: Value, word: str, asked: list[str] | None) -> Value:
        """Bits without those of conditions that must be screened for, that nobody asks about here, and at which nothing hints."""
        if asked is None or word[0] != "c":
            return bits
        conditions = self.tree["conditions"]
        idle = sum(
            bit
            for atom, (place, bit) in self.layout.place.items()
            if place == word and conditions.get(self.layout.criteria[atom]["class"], {}).get("screened") and atom not in asked
        )
        hinted = rows[column(word, "open")] | rows[column(word, "hint")]
        return bits & (hinted | (_ALL ^ idle)) if idle else bits

    def words_of(self, alike: list[Tree]) -> list[str]:
        """Words in which barriers may be open."""
        return sorted({word for b in alike if b["criterion"] for word in self.truths.openings_of(b["criterion"])})

    def _stops(self, rows: ir.Table, barriers: list[Tree]) -> Value:
        """First barrier of a recommendation that a patient does not pass, counted from 1, negative where it is open; 0 where all are passed."""
        cases = []
        for place, barrier in enumerate(barriers, start=1):
            cases.append((self._blocks(rows, [barrier]), place))
            if barrier["criterion"]:
                cases.append((rows[barrier["criterion"]].isnull(), -place))
        return ibis.cases(*cases, else_=0).cast("int8") if cases else ibis.literal(0, type="int8")

    def _too_brief(self, rows: ir.Table, name: str, truth: bool) -> Value | None:
        """Whether a criterion is what it is because of a trial that was too short and that no verdict of its own tells."""
        criterion = self.layout.criteria[name]
        if "members" not in criterion:
            brief = self.tree["brief"].get(criterion.get("class"))
            if truth or criterion["fact"] != "fact:failed" or brief is None or criterion["class"] in self.tree["rows"]:
                return None
            return ~rows[name].fill_null(True) & rows[brief].fill_null(False)
        return self._within(rows, name, truth, self._too_brief)

    def _problem(self, rows: ir.Table, name: str, truth: bool) -> Value | None:
        """Whether a criterion is what it is because something was found, not because nobody looked."""
        criterion = self.layout.criteria[name]
        if "members" in criterion:
            return self._within(rows, name, truth, self._problem)
        if truth:
            return rows[name].fill_null(False)
        if criterion["fact"] != "fact:passed":
            return None
        found = self.layout.found_in(criterion["class"])
        return ~rows[name].fill_null(True) & ((rows["found"] & found) != 0)

    def _within(self, rows: ir.Table, name: str, truth: bool, ask: Any) -> Value | None:
        members = [ask(rows, m, truth if positive else not truth) for m, positive in self.layout.criteria[name]["members"]]
        told = [m for m in members if m is not None]
        if not told:
            return None
        holds = rows[name].fill_null(False) if truth else ~rows[name].fill_null(True)
        return holds & reduce(or_, told)
