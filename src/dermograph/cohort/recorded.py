"""The rows of the tables as they count on the day that is asked about, and what is gathered of them for each patient.

Each function is the relational twin of a query of ``queries/facts/``; ``tests/test_cohort.py`` holds the two to the same
answers.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort import descriptor
from dermograph.cohort.gathering import Gathered, Gathering
from dermograph.cohort.layout import Layout
from dermograph.cohort.references import ACTIVE, MAYBE, ONCE, OUTCOMES, STATES, Reference, References

NUMBER = "decimal(24, 12)"
"""Type of a measured value in its canonical unit."""
_TYPES = {"string": "string", "date": "date", "number": NUMBER, "integer": "int64"}
INPUTS = {name: {c: _TYPES[kind] for c, kind in descriptor.columns(name).items() if c != "unit"} for name in descriptor.names()}
"""Tables of a population and their columns as the program reads them: checked, and measured values in canonical units."""
_FAR = 9_999_999
_EPOCH = 2_440_588
"""Julian day number of the first day of 1970."""
_ACTIVE, _RESOLVED, _SUSPECTED, _ONGOING = "pt:Active", "pt:Resolved", "pt:Suspected", "pt:Ongoing"
NEGATIVE, POSITIVE = 1, 2
"""Last digit of the standing of an assessment: of those of one day, the one that found something counts, then the one that found nothing."""
_UNNAMED = 5
"""Precedence of an outcome that was not recorded."""
Value = Any
"""An expression of Ibis; its types do not follow what is built from names at run time."""


def table(name: str) -> ir.Table:
    """An input table, not yet bound to any database."""
    return ibis.table(INPUTS[name], name=name)


class Recorded:
    """What is on record, table by table.

    :param layout: bits of the criteria.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout, self.references = layout, References(layout)
        family = layout.one("dg:family")
        families = Counter(family[cls] for cls in layout.assessed)
        self.shared = [cls for cls in layout.assessed if families[family[cls]] > 1]

    def day_of(self) -> ir.Table:
        """The day that is asked about, of each patient."""
        patients = table("patients")
        return patients.select("patient", today=day_number(patients.asOf))

    @cached_property
    def gatherings(self) -> list[Gathering]:
        """All that is gathered, a table or two for each kind of record."""
        return [self._conditions(), self._causes(), self._absences(), self._courses(), self._observations(), self._assessments()]

    def _of(self, name: str, kind: Reference | None = None) -> ir.Table:
        """Rows of a table with ``today``, the day that is asked about, and what is known of their class beside them."""
        rows = table(name).join(ibis.table({"patient": "string", "today": "int64"}, name="day_of"), "patient", how="inner")
        if kind is None:
            return rows
        (key, *_) = kind.columns
        return rows.join(kind.table(), key, how="inner")

    def _stated(self) -> ir.Table:
        """Conditions that had begun, with the state that they are in; a suspicion that was given up is in none."""
        rows = self._of("conditions", self.references.kind_of_condition())
        today, start, end = rows["today"], day_number(rows["onset"]).fill_null(0), day_number(rows["abatement"]).fill_null(_FAR)
        recorded = rows["status"].fill_null(_ACTIVE)
        over, suspected = end <= today, recorded == _SUSPECTED
        past = (recorded == _RESOLVED) | over
        state = ibis.cases((suspected & over, 0), (suspected, MAYBE), (past & ~rows["lasting"], ONCE), else_=ACTIVE)
        return rows.mutate(state=state, begun=start, disease=rows["disease"] & ~past).filter(start <= today)

    def _conditions(self) -> Gathering:
        rows, said = self._stated(), self.references.said_of_condition()
        rows = rows.select(
            "patient",
            "begun",
            code=rows["number"] * STATES + rows["state"],
            severity=self._of_values("fact:severity", rows["severity"], rows["disease"]),
            site=self._of_values("fact:affectedSite", rows["site"], rows["disease"]),
            defines=ibis.ifelse(rows["state"] == ACTIVE, rows["defined"], 0),
        )
        found = {name: Gathered("or", name) for name in (*list(said.columns)[1:], "severity", "site")}
        for place in range(len(self.references.defined)):
            rows = rows.mutate(**{f"defines{place}": (rows["defines"] & (1 << place)).cast("int64")})
            found[f"since{place}"] = Gathered("min", "begun", (f"defines{place}", 1 << place))
        return Gathering("conditions", rows, found, said=said)

    def _causes(self) -> Gathering:
        stated, kinds = self._stated(), self.references.kind_of_therapy().table()
        causes = kinds.select(causedBy=kinds["therapy"], cause=kinds["number"])
        rows = stated.join(causes, "causedBy", how="inner")
        said = self.references.said_of_cause()
        return Gathering("causes", rows.select("patient", code=rows["cause"] * STATES + rows["state"]), _all(said), said=said)

    def values(self, fact: str) -> list[str]:
        """Values that criteria ask of a fact, in the order of their bits."""
        return sorted({c["value"] for c in self.layout.criteria.values() if c.get("fact") == fact and "value" in c})

    def _of_values(self, fact: str, recorded: Value, counts: Value) -> Value:
        """A bit for each value that is recorded, after one for any value at all."""
        padded = ibis.literal(" ") + recorded + " "
        bits: Value = ibis.literal(1, type="int64")
        for place, value in enumerate(self.values(fact), start=1):
            bits = bits | ibis.ifelse(padded.contains(f" {value} "), 1 << place, 0)
        return ibis.ifelse(counts & recorded.notnull(), bits, 0)

    def _absences(self) -> Gathering:
        said, kinds = self.references.said_of_absence(), self.references.kind_of_condition().table()
        rows = table("absences").join(kinds, "condition", how="inner")
        return Gathering("absences", rows.select("patient", code=rows["number"]), _all(said), said=said)

    def _courses(self) -> Gathering:
        """Of several courses of one therapy the latest decides; of two that are equally late, the worse."""
        said, yields = self.references.said_of_course(), self.layout.one("dg:yields")
        rows = self._of("courses", self.references.kind_of_therapy())
        today, start, end, recorded = rows["today"], day_number(rows["start"]), day_number(rows["end"]), rows["outcome"]
        open_ = end.fill_null(0) > today
        named = recorded.fill_null(_ONGOING)
        begun = start.fill_null(ibis.ifelse(open_ & (named != _ONGOING), _FAR, 0)) <= today
        refused = [o for o in self.layout.one("dg:precedence") if yields.get(o) in {"fact:declined", "fact:cannotObtain"}]
        counts = begun & (~open_ | ~named.isin(refused))
        outcome = ibis.ifelse(open_, _ONGOING, recorded.fill_null(ibis.ifelse(end.notnull(), _RESOLVED, _ONGOING)))
        ranks = {o: int(p) for o, p in self.layout.one("dg:precedence").items() if o.startswith("pt:")}
        precedence = ibis.cases(*((outcome == o, p) for o, p in ranks.items()), else_=_UNNAMED)
        length = ibis.coalesce(end - start, -1)
        sessions = ibis.ifelse(rows["leastSessions"] < _FAR, rows["sessions"].fill_null(-1), -1)
        adequate = (rows["leastDays"] < 0) | (length >= rows["leastDays"]) | (sessions >= rows["leastSessions"])
        short = [o for o in ranks if o in self.layout.says["dg:yieldsIfBrief"]]
        brief = outcome.isin(short) & ((length >= 0) | (sessions >= 0)) & ~adequate
        code = rows["number"] * OUTCOMES + precedence * 2 + brief.cast("int64")
        standing = ibis.coalesce(end, start, 0) * 10 + 9 - precedence
        rows = rows.filter(counts).select("patient", "number", standing=standing, code=code)
        return Gathering("courses", rows, _all(said), ("number", "standing"), said)

    def _observations(self) -> Gathering:
        rows = self._of("observations", self.references.kind_of_observable())
        day = day_number(rows["date"]).fill_null(0)
        rows = rows.filter(day <= rows["today"]).select("patient", "number", "value", day=day)
        found = {}
        for number, fact in enumerate(self.layout.measures.values()):
            found[local(fact)] = Gathered("one", "value", ("number", number))
            found[day_of(fact)] = Gathered("max", "day", ("number", number))
        return Gathering("observations", rows, found, ("number", "day"))

    def _assessments(self) -> Gathering:
        rows = self._of("assessments", self.references.kind_of_assessment())
        today, day = rows["today"], day_number(rows["date"]).fill_null(0)
        counts = (day <= today) & ((day == 0) | (today - day <= rows["validFor"]))
        result = ibis.cases((rows["result"] == "pt:Positive", POSITIVE), (rows["result"] == "pt:Negative", NEGATIVE), else_=0)
        spoils = ibis.ifelse(result == POSITIVE, rows["number"], -1)
        rows = rows.filter(counts).select("patient", "number", spoils=spoils, standing=day * 10 + result)
        found = {}
        for number, cls in enumerate(self.layout.assessed):
            found[f"latest{number}"] = Gathered("max", "standing", ("number", number))
            if cls in self.shared:
                found[f"spoilt{number}"] = Gathered("max", "standing", ("spoils", number))
        return Gathering("assessments", rows, found)


def _all(said: Reference) -> dict[str, Gathered]:
    return {name: Gathered("or", name) for name in list(said.columns)[1:]}


def day_number(date: Value) -> Value:
    """Julian day number, the same count as in ``queries/facts/10-days.rq``; every day on record is past day 0, which stands for none."""
    return date.epoch_days() + _EPOCH


def number(text: str) -> Value:
    """A bound of a measured value, in a type that every database compares it by exactly."""
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else ibis.literal(value, type=NUMBER)


def local(fact: str) -> str:
    """Name of the column of a fact."""
    return fact.partition(":")[2]


def day_of(fact: str) -> str:
    """Name of the column of the day of a measured fact."""
    return f"{local(fact)}Day"
