"""Criteria as columns: TRUE, FALSE, or NULL where it is not known, which is Kleene's logic already.

Beside the truth of a criterion stand the words that tell which atomic criteria leave it open, so that what is missing can
be told of a whole population as of one patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import and_, or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.facts import Facts
from dermograph.cohort.layout import Layout
from dermograph.cohort.recorded import number
from dermograph.cohort.references import column
from dermograph.index import UNBOUNDED

Value = Any


class Truths:
    """The stages that give every criterion its column.

    :param layout: bits of the criteria.
    :param facts: the stages before.
    """

    def __init__(self, layout: Layout, facts: Facts) -> None:
        self.layout, self.facts, self.tree = layout, facts, layout.tree
        self.criteria = layout.criteria
        self.depth = self._depths()
        self._openings: dict[str, list[str]] = {}
        for name, criterion in self.criteria.items():
            if "members" in criterion:
                self._openings[name] = sorted({word for member, _ in criterion["members"] for word in self.openings_of(member)})

    def _depths(self) -> dict[str, int]:
        """Stage of each criterion: 0 for those that rest on no other."""
        found: dict[str, int] = {}
        for name, criterion in self.criteria.items():
            rests_on = [m for m, _ in criterion.get("members", ())] + [criterion[k] for k in ("presumedFalseWhen", "gate") if k in criterion]
            found[name] = max((found[m] + 1 for m in rests_on), default=0)
        return found

    def openings_of(self, name: str) -> list[str]:
        """Words that may tell what leaves a criterion open."""
        if "members" in self.criteria[name]:
            return self._openings[name]
        return [self.layout.place[name][0]] if self.may_be_open(name) else []

    def may_be_open(self, name: str) -> bool:
        """Whether an atomic criterion can be unknown at all."""
        fact = self.tree["facts"][self.criteria[name]["fact"]]
        return fact["silence"] != "dg:SilenceIsFalse" or fact["suspectedBy"] is not None

    def stages(self, people: ir.Schema) -> Iterator[tuple[str, ir.Table]]:
        """Each stage adds the criteria that rest on those of the stages before."""
        before, schema = "people", dict(people)
        for depth in range(max(self.depth.values()) + 1):
            rows = ibis.table(schema, name=before)
            found: dict[str, Value] = {}
            for name in (n for n, d in self.depth.items() if d == depth):
                found |= self._columns(rows, name)
            stage = rows.mutate(**found)
            before, schema = f"truths_{depth}", dict(stage.schema().items())
            yield before, stage
        rows = ibis.table(schema, name=before)
        yield "unknown", rows.mutate(**self._unknown(rows))

    def in_words(self, name: str) -> bool:
        """Whether it can be read from the words of what is unknown that an atomic criterion is."""
        criterion = self.criteria[name]
        return "class" in criterion and "presumedFalseWhen" not in criterion and self.may_be_open(name)

    def _unknown(self, rows: ir.Table) -> dict[str, Value]:
        """Words of the criteria on classes that are not known."""
        found: dict[str, Value] = {}
        for word in (*self.layout.words("c"), *self.layout.words("h")):
            open_ = rows[column(word, "open")]
            gates: dict[str, int] = {}
            for name, (place, bit) in self.layout.place.items():
                criterion = self.criteria[name]
                if place == word and self.tree["conditions"].get(criterion.get("class"), {}).get("screened"):
                    gate = criterion.get("gate", "")
                    gates[gate] = gates.get(gate, 0) | bit
            for gate, bits in gates.items():
                asked = ibis.ifelse(rows[gate].fill_null(True), bits, 0) if gate else ibis.literal(bits, type="int64")
                open_ = open_ | (asked & ~rows[column(word, "free")])
            found[column(word, "unknown")] = open_ & ~rows[column(word, "true")]
        return found

    def _columns(self, rows: ir.Table, name: str) -> dict[str, Value]:
        criterion = self.criteria[name]
        composite = "members" in criterion
        truth = self._composite(rows, criterion) if composite else self._atomic(rows, name, criterion)
        if when := criterion.get("presumedFalseWhen"):
            truth = ibis.ifelse(truth.isnull() & rows[when].fill_null(False), False, truth)
        found = {name: truth}
        if composite:
            for word in self._openings[name]:
                bits = [rows_open for m, _ in criterion["members"] if (rows_open := self.open(rows, m, word)) is not None]
                found[opening(name, word)] = ibis.ifelse(truth.isnull(), reduce(or_, bits), 0)
        return found

    def open(self, rows: ir.Table, name: str, word: str) -> Value | None:
        """Bits of a word for the atomic criteria that leave a criterion of an earlier stage open."""
        if "members" in self.criteria[name]:
            return rows[opening(name, word)] if word in self._openings[name] else None
        place, bit = self.layout.place.get(name, ("", 0))
        return ibis.ifelse(rows[name].isnull(), bit, 0) if place == word and self.may_be_open(name) else None

    def _composite(self, rows: ir.Table, criterion: dict[str, Any]) -> Value:
        members = [rows[m] if positive else ~rows[m] for m, positive in criterion["members"]]
        return reduce(and_ if criterion["op"] == "and" else or_, members)

    def _atomic(self, rows: ir.Table, name: str, criterion: dict[str, Any]) -> Value:
        fact = criterion["fact"]
        if "range" in criterion:
            return self._range(rows[fact.partition(":")[2]], criterion["range"])
        if "value" in criterion:
            return self._value(rows, fact, criterion["value"])
        silence = self.tree["facts"][fact]["silence"]
        true = self._bit(rows, name, "true")
        if silence == "dg:SilenceIsFalse":
            return ibis.ifelse(true, True, ibis.ifelse(self._bit(rows, name, "open"), None, False)) if self.may_be_open(name) else true
        unsaid: Value = False
        if self.tree["conditions"][criterion["class"]]["screened"]:
            unsaid = ibis.ifelse(~rows[criterion["gate"]], False, None) if "gate" in criterion else ibis.null("boolean")
        return ibis.cases((true, True), (self._bit(rows, name, "open"), None), (self._bit(rows, name, "free"), False), else_=unsaid)

    def _bit(self, rows: ir.Table, name: str, kind: str) -> Value:
        word, bit = self.layout.place[name]
        return (rows[column(word, kind)] & bit) != 0

    def _range(self, value: Value, bounds: dict[str, str]) -> Value:
        tests = {"from": value.__ge__, "above": value.__gt__, "upTo": value.__le__, "below": value.__lt__}
        asked = [test(number(bounds[facet])) for facet, test in tests.items() if bounds[facet] != UNBOUNDED[facet]]
        return reduce(and_, asked)

    def _value(self, rows: ir.Table, fact: str, asked: str) -> Value:
        recorded = rows[self.tree["facts"][fact]["recordedAs"].partition(":")[2]]
        if recorded.type().is_string():
            return recorded == asked
        bits = recorded
        here = (bits & (2 << self.facts.recorded.values(fact).index(asked))) != 0
        return here if self.tree["facts"][fact]["silence"] == "dg:SilenceIsFalse" else ibis.ifelse(bits == 0, None, here)


def opening(name: str, word: str) -> str:
    """Name of the column that tells which atomic criteria of a word leave a criterion open."""
    return f"{name} open {word}"
