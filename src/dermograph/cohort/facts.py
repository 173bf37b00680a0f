"""One row for each patient: age, measured values that still count, and the words of all that is on record.

Each function is the relational twin of a query of ``queries/facts/``; ``tests/test_cohort.py`` holds the two to the same
answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.layout import Layout, Words
from dermograph.cohort.recorded import NEGATIVE, POSITIVE, Recorded, day_number, day_of, local, number, table
from dermograph.cohort.references import ACTIVE, column

_FAR = 9_999_999
_FOUND, _PASSED, _DID = "fact:foundProblemIn", "fact:passed", "fact:underwent"
ON_RECORD, PEOPLE = "on_record", "people"
"""The stage with all that was gathered of each patient, and the one with the facts."""
Value = Any


class Facts:
    """The stages that turn the tables into one row for each patient.

    :param layout: bits of the criteria.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout, self.tree = layout, layout.tree
        self.measures, self.assessed = layout.measures, layout.assessed
        self.recorded = Recorded(layout)
        self.references = self.recorded.references
        self.defined, self.shared = self.references.defined, self.recorded.shared

    @cached_property
    def stages(self) -> dict[str, ir.Table]:
        """Every stage by its name, each built on those before it."""
        return dict(self._stages())

    def _stages(self) -> Iterator[tuple[str, ir.Table]]:
        yield "day_of", self.recorded.day_of()
        joined = table("patients")
        for gathering in self.recorded.gatherings:
            yield gathering.source, gathering.rows
            stage = gathering.stage()
            yield gathering.name_of_stage, stage
            other = ibis.table(stage.schema(), name=gathering.name_of_stage)
            joined = joined.join(other, "patient", how="left").select(*joined.columns, *(c for c in other.columns if c != "patient"))
        yield ON_RECORD, joined
        yield PEOPLE, self.people(joined.schema())

    def people(self, on_record: ir.Schema) -> ir.Table:
        """The last stage, which looks at one patient at a time."""
        rows = ibis.table(on_record, name=ON_RECORD)
        today, as_of, born = day_number(rows["asOf"]), rows["asOf"], rows["birthDate"]
        months = (as_of.year() - born.year()) * 12 + as_of.month() - born.month() - ibis.ifelse(as_of.day() < born.day(), 1, 0)
        by_years = (rows["ageYears"] * 12).floor().cast("int64")
        age = ibis.coalesce(months.cast("int64"), by_years)
        found: dict[str, Value] = {"ageMonths": age, "sex": rows["sex"], "severity": rows["severity"].fill_null(0), "site": rows["site"].fill_null(0)}
        valid, limits = self.layout.one("dg:validFor"), self.layout.one("dg:limitBelowAge")
        for cls, fact in self.measures.items():
            value, day = rows[local(fact)], rows[day_of(fact)]
            if cls in valid:
                fresh = (day == 0) | (today - day <= int(valid[cls]))
                if cls in limits:
                    fresh = fresh | (age >= int(limits[cls])).fill_null(False)
                value = ibis.ifelse(fresh, value, None)
            found[local(fact)] = value
        found |= self._words(rows, {cls: found[local(fact)] for cls, fact in self.measures.items()})
        problems = [ibis.ifelse(rows[f"latest{place}"] % 10 == POSITIVE, 1 << place, 0) for place in range(len(self.assessed))]
        contradicted = list(self._contradictions(rows, {cls: found[local(fact)] for cls, fact in self.measures.items()}))
        contradicts = reduce(or_, contradicted).fill_null(False) if contradicted else ibis.literal(False)
        return rows.select("patient", "asOf", found=reduce(or_, problems), contradicts=contradicts, **found)

    def _contradictions(self, rows: ir.Table, measured: dict[str, Value]) -> Iterator[Value]:
        """Whether a condition is said to be there or not, against the measurement that defines it."""
        for place, (cls, observable) in enumerate(self.defined.items()):
            value, threshold = measured[observable], number(self.layout.one("dg:definedBelow")[cls])
            day = rows[day_of(self.measures[observable])]
            yield (value >= threshold) & (rows[f"since{place}"] <= ibis.ifelse(day == 0, _FAR, day))
            yield (value < threshold) & ((rows["denied"] & (1 << place)) != 0)

    def _words(self, rows: ir.Table, measured: dict[str, Value]) -> dict[str, Value]:
        """Words of a patient, of everything that is on record."""
        found: dict[str, list[Value]] = {}

        def add(kind: str, said: Words, when: Value) -> None:
            for word, bits in said.items():
                found.setdefault(column(word, kind), []).append(ibis.ifelse(when, bits, 0))

        for word in (*self.layout.words("c"), *self.layout.words("h"), *self.layout.words("k")):
            for kind in ("true", "open", "free", "hint"):
                if column(word, kind) in rows.columns:
                    found.setdefault(column(word, kind), []).append(rows[column(word, kind)].fill_null(0))
        for word in self.layout.words("c"):
            found[column(word, "free")].append(rows[column(word, "absent")].fill_null(0))
        parts = self.references.parts
        for whole, of in self.layout.says["dg:madeUpOf"].items():
            all_ = sum(1 << parts.index(part) for part in of)
            add("free", self.layout.free(whole), (rows["parts"] & all_) == all_)
        for place, cls in enumerate(self.assessed):
            self._assessed(rows, place, cls, add)
        for cls, observable in self.defined.items():
            value, threshold = measured[observable], number(self.layout.one("dg:definedBelow")[cls])
            self._present(cls, value < threshold, add)
            add("free", self.layout.free(cls), value >= threshold)
        return {name: reduce(or_, parts_) for name, parts_ in found.items()}

    def _assessed(self, rows: ir.Table, place: int, cls: str, add: Any) -> None:
        layout, latest = self.layout, rows[f"latest{place}"]
        passed = latest % 10 < POSITIVE
        if cls in self.shared:
            family = layout.one("dg:family")
            kin = [rows[f"spoilt{other}"].fill_null(0) for other, name in enumerate(self.assessed) if family[name] == family[cls]]
            passed = passed & (latest >= ibis.greatest(*kin))
        found = latest % 10 == POSITIVE
        add("true", layout.met(_DID, cls), latest.notnull())
        add("true", layout.met(_PASSED, cls), passed)
        add("true", layout.met(_FOUND, cls), found)
        for screened in layout.says["dg:screensFor"].get(cls, ()):
            self._present(screened, found, add)
            add("free", layout.free(screened), passed & (latest % 10 == NEGATIVE))

    def _present(self, cls: str, when: Value, add: Any) -> None:
        """What follows from a condition that was found."""
        for kind, said in self.references.of_condition(cls, ACTIVE).items():
            add(kind, said, when)
