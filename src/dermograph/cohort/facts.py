"""From the tables of a population to one row for each patient: measured values, and the words of what is on record.

Each function is the relational twin of a query of ``queries/facts/``; ``tests/test_cohort.py`` holds the two to the same
answers. What is clinical in them, classes, days and thresholds, comes from the index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort import descriptor
from dermograph.cohort.layout import Layout, Words

NUMBER = "decimal(24, 12)"
"""Type of a measured value in its canonical unit."""
_TYPES = {"string": "string", "date": "date", "number": NUMBER, "integer": "int64"}
INPUTS = {name: {c: _TYPES[kind] for c, kind in descriptor.columns(name).items() if c != "unit"} for name in descriptor.names()}
"""Tables of a population and their columns as the program reads them: checked, and measured values in canonical units."""
_FAR = 9_999_999
_EPOCH = 2_440_588
"""Julian day number of the first day of 1970."""
_FOUND, _PASSED, _DID = "fact:foundProblemIn", "fact:passed", "fact:underwent"
_ACTIVE, _RESOLVED, _SUSPECTED = "pt:Active", "pt:Resolved", "pt:Suspected"
_ONGOING = "pt:Ongoing"
_UNNAMED = 5
"""Precedence of an outcome that was not recorded."""

_OF_CONDITION = ("active", "had", "open", "out", "hint", "suspicion")
_OF_CAUSE = ("active", "open", "suspicion")
Value = Any
"""An expression of Ibis; its types do not follow what is built from names at run time."""


def table(name: str) -> ir.Table:
    """An input table, not yet bound to any database."""
    return ibis.table(INPUTS[name], name=name)


def column(word: str, kind: str) -> str:
    """Name of a word of a patient: ``c0_true`` holds what is true, ``c0_open`` what is suspected, and so on."""
    return f"{word}_{kind}"


class Facts:
    """The stages that turn the tables into one row for each patient.

    :param layout: bits of the criteria.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.tree = layout.tree
        self.measures = layout.measures
        self.assessed = layout.assessed
        self.defined = layout.one("dg:definedByObservable")
        families = Counter(layout.one("dg:family")[cls] for cls in self.assessed)
        self.shared = [cls for cls in self.assessed if families[layout.one("dg:family")[cls]] > 1]

    # --- what one recorded thing sets

    def references(self) -> Iterator[tuple[str, list[str], list[tuple[Any, ...]]]]:
        """Small tables: what a record of each class sets, with the columns and the rows."""
        yield self._conditions_reference()
        yield self._causes_reference()
        yield self._absences_reference()
        yield self._courses_reference()
        yield self._therapies_reference()

    def _conditions_reference(self) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        words = self.layout.words("c")
        lasting = set(self.layout.says["dg:lasting"])
        diseases = self.layout.says["dg:guidelineDisease"]
        rows = []
        for cls in self.layout.classes("dg:Condition"):
            above = self.tree["within"][cls]
            row: list[Any] = [cls, not lasting.isdisjoint(above), any(d in above for d in diseases)]
            row.append(sum(1 << place for place, defined in enumerate(self.defined) if defined in above))
            for said in self._of_condition(cls):
                row += [said.get(word, 0) for word in words]
            rows.append(tuple(row))
        return "said_of_condition", ["condition", "lasting", "disease", "defined", *(column(w, k) for k in _OF_CONDITION for w in words)], rows

    def _of_condition(self, cls: str) -> list[Words]:
        """What a condition sets, in the order of :data:`_OF_CONDITION`.

        That is: active, there at some time, suspected; what an active one rules out and hints at; what is true of a suspicion.
        """
        layout, maybe = self.layout, "fact:mayHaveCondition"
        had = layout.met("fact:everHad", cls)
        active = _joined(layout.met("fact:hasCondition", cls), had)
        return [active, had, layout.suspected(maybe, cls), layout.ruled_out(cls), layout.hinted(cls), layout.met(maybe, cls)]

    def _causes_reference(self) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        words = self.layout.words("h")
        rows = []
        for cls in self.layout.classes("dg:Therapy"):
            met = self.layout.met("fact:isHypersensitiveTo", cls)
            open_ = self.layout.suspected("fact:mayBeHypersensitiveTo", cls)
            suspicion = self.layout.met("fact:mayBeHypersensitiveTo", cls)
            rows.append((cls, *(said.get(w, 0) for said in (met, open_, suspicion) for w in words)))
        return "said_of_cause", ["causedBy", *(column(w, k) for k in _OF_CAUSE for w in words)], rows

    def _absences_reference(self) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        words = self.layout.words("c")
        parts = {part: place for place, part in enumerate(self._parts())}
        rows = []
        for cls in self.layout.classes("dg:Condition"):
            free = self.layout.free(cls)
            covered = sum(1 << place for part, place in parts.items() if self.layout.within(part, cls))
            denied = sum(1 << place for place, defined in enumerate(self.defined) if self.layout.within(defined, cls))
            rows.append((cls, covered, denied, *(free.get(w, 0) for w in words)))
        return "said_of_absence", ["condition", "parts", "denied", *(column(w, "free") for w in words)], rows

    def _parts(self) -> list[str]:
        return sorted({part for parts in self.layout.says["dg:madeUpOf"].values() for part in parts})

    def _courses_reference(self) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        words = self.layout.words("k")
        precedence, full, brief = (self.layout.one(f"dg:{p}") for p in ("precedence", "yields", "yieldsIfBrief"))
        rows = []
        for cls in self.layout.classes("dg:Therapy"):
            for outcome, place in precedence.items():
                for short in (False, True):
                    fact = brief.get(outcome) if short else full.get(outcome)
                    met = self.layout.met(fact, cls) if fact and outcome.startswith("pt:") else {}
                    if met:
                        rows.append((cls, int(place) * 2 + short, *(met.get(w, 0) for w in words)))
        return "said_of_course", ["therapy", "code", *(column(w, "true") for w in words)], rows

    def _therapies_reference(self) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        days, sessions = self.layout.one("dg:leastDays"), self.layout.one("dg:leastSessions")
        return "least_course", ["therapy", "leastDays", "leastSessions"], [(t, int(d), int(sessions.get(t, _FAR))) for t, d in days.items()]

    # --- stages

    def stages(self) -> Iterator[tuple[str, ir.Table]]:
        """Every stage with its name, each built on those before it."""
        patients = table("patients")
        yield "day_of", patients.select("patient", today=_day_number(patients.asOf))
        beside = {
            "of_conditions": self._conditions(),
            "of_absences": self._absences(),
            "of_courses": self._courses(),
            "of_observations": self._observations(),
            "of_assessments": self._assessments(),
        }
        yield from beside.items()
        on_record = self._on_record(patients, beside)
        yield "on_record", on_record
        yield "people", self._people(ibis.table(on_record.schema(), name="on_record"))

    def _dated(self, name: str) -> ir.Table:
        """An input table with ``today``, the day that is asked about, beside each row."""
        return _beside(table(name), ibis.table({"patient": "string", "today": "int64"}, name="day_of"), "patient", "inner")

    def _conditions(self) -> ir.Table:
        words, hypers = self.layout.words("c"), self.layout.words("h")
        said = self._said(
            "said_of_condition",
            {"condition": "string", "lasting": "boolean", "disease": "boolean", "defined": "int64"},
            words,
            _OF_CONDITION,
        )
        causes = self._said("said_of_cause", {"causedBy": "string"}, hypers, _OF_CAUSE)
        rows = self._dated("conditions")
        rows = _beside(_beside(rows, said, "condition"), causes.rename({f"cause_{c}": c for c in causes.columns if c != "causedBy"}), "causedBy")
        today = rows["today"]
        start, end = _day_number(rows["onset"]).fill_null(0), _day_number(rows["abatement"]).fill_null(_FAR)
        over = end <= today
        recorded = rows["status"].fill_null(_ACTIVE)
        now = ibis.ifelse((recorded == _ACTIVE) & over, _RESOLVED, recorded)
        status = ibis.ifelse((now == _RESOLVED) & rows["lasting"].fill_null(False), _ACTIVE, now)
        begun = start <= today
        active = begun & (status == _ACTIVE)
        had = begun & (status != _SUSPECTED)
        open_ = begun & (status == _SUSPECTED) & ~over
        disease = begun & rows["disease"].fill_null(False) & (recorded != _RESOLVED) & ~over
        found = {}
        for word in words:
            true = _either(had, rows[column(word, "had")]) | _either(active, rows[column(word, "active")])
            found[column(word, "true")] = (true | _either(open_, rows[column(word, "suspicion")])).bit_or()
            found[column(word, "open")] = _either(open_, rows[column(word, "open")]).bit_or()
            found[column(word, "free")] = _either(active, rows[column(word, "out")]).bit_or()
            found[column(word, "hint")] = _either(active, rows[column(word, "hint")]).bit_or()
        for word in hypers:
            said = {kind: rows[f"cause_{column(word, kind)}"].fill_null(0) for kind in _OF_CAUSE}
            found[column(word, "true")] = (_either(active, said["active"]) | _either(open_, said["suspicion"])).bit_or()
            found[column(word, "open")] = _either(open_, said["open"]).bit_or()
        for place in range(len(self.defined)):
            found[f"since{place}"] = ibis.ifelse(active & ((rows["defined"] & (1 << place)) != 0), start, None).min()
        found["severity"] = self._of_values("fact:severity", rows["severity"], disease)
        found["site"] = self._of_values("fact:affectedSite", rows["site"], disease)
        return rows.group_by("patient").aggregate(**found)

    def values(self, fact: str) -> list[str]:
        """Values that criteria ask of a fact, in the order of their bits."""
        return sorted({c["value"] for c in self.layout.criteria.values() if c.get("fact") == fact and "value" in c})

    def _of_values(self, fact: str, recorded: Value, counts: Value) -> Value:
        """A bit for each value that is recorded, after one for any value at all."""
        padded = ibis.literal(" ") + recorded + " "
        bits = ibis.ifelse(recorded.notnull(), 1, 0)
        for place, value in enumerate(self.values(fact), start=1):
            bits = bits | ibis.ifelse(padded.contains(f" {value} "), 1 << place, 0)
        return _either(counts, bits).bit_or()

    def _absences(self) -> ir.Table:
        words = self.layout.words("c")
        said = self._said("said_of_absence", {"condition": "string", "parts": "int64", "denied": "int64"}, words, ("free",))
        rows = _beside(table("absences"), said, "condition")
        found = {column(word, "free"): rows[column(word, "free")].bit_or() for word in words}
        return rows.group_by("patient").aggregate(parts=rows["parts"].bit_or(), denied=rows["denied"].bit_or(), **found)

    def _courses(self) -> ir.Table:
        words = self.layout.words("k")
        rows = self._dated("courses")
        rows = _beside(rows, ibis.table({"therapy": "string", "leastDays": "int64", "leastSessions": "int64"}, name="least_course"), "therapy")
        today = rows["today"]
        start, end, recorded = _day_number(rows["start"]), _day_number(rows["end"]), rows["outcome"]
        open_ = end.fill_null(0) > today
        said = recorded.fill_null(_ONGOING)
        begun = start.fill_null(ibis.ifelse(open_ & (said != _ONGOING), _FAR, 0)) <= today
        refused = [o for o in self.layout.one("dg:precedence") if self.layout.one("dg:yields").get(o) in {"fact:declined", "fact:cannotObtain"}]
        counts = begun & (~open_ | ~said.isin(refused))
        outcome = ibis.ifelse(open_, _ONGOING, recorded.fill_null(ibis.ifelse(end.notnull(), _RESOLVED, _ONGOING)))
        ranks = {o: int(p) for o, p in self.layout.one("dg:precedence").items() if o.startswith("pt:")}
        precedence = ibis.cases(*((outcome == o, p) for o, p in ranks.items()), else_=_UNNAMED)
        length = ibis.coalesce(end - start, -1)
        sessions = ibis.ifelse(rows["leastSessions"] < _FAR, rows["sessions"].fill_null(-1), -1)
        adequate = (length >= rows["leastDays"]) | (sessions >= rows["leastSessions"])
        short = [o for o in ranks if o in self.layout.says["dg:yieldsIfBrief"]]
        brief = outcome.isin(short) & ((length >= 0) | (sessions >= 0)) & ~adequate.fill_null(True)
        standing = ibis.coalesce(end, start, 0) * 10 + 9 - precedence
        rows = rows.select("patient", "therapy", standing=standing, brief=brief, counts=counts)
        latest = (
            rows.filter(rows.counts)
            .group_by(["patient", "therapy"])
            .aggregate(latest=rows.standing.max(), full=rows.standing.max(where=~rows.brief), brief=rows.standing.max(where=rows.brief))
        )
        code = (9 - latest.latest % 10) * 2
        reference = self._said("said_of_course", {"therapy": "string", "code": "int64"}, words, ("true",))
        full, brief_ = (
            latest.filter(latest[kind] == latest.latest).select("patient", "therapy", code=code + add) for kind, add in (("full", 0), ("brief", 1))
        )
        said_ = _beside(full.union(brief_), reference, ["therapy", "code"], "inner")
        return said_.group_by("patient").aggregate(**{column(w, "true"): said_[column(w, "true")].bit_or() for w in words})

    def _observations(self) -> ir.Table:
        rows = self._dated("observations")
        today = rows["today"]
        day = _day_number(rows["date"]).fill_null(0)
        rows = rows.select("patient", "observable", "value", day=day, counts=day <= today)
        found = {}
        for cls, fact in self.measures.items():
            this = rows.counts & (rows.observable == cls)
            found[_local(fact)] = rows.value.argmax(rows.day, where=this)
            found[_day(fact)] = rows.day.max(where=this)
        return rows.group_by("patient").aggregate(**found)

    def _assessments(self) -> ir.Table:
        rows = self._dated("assessments")
        today = rows["today"]
        day = _day_number(rows["date"]).fill_null(0)
        valid = self.layout.one("dg:validFor")
        days = ibis.cases(*((rows["assessment"] == c, int(d)) for c, d in valid.items() if c in self.assessed), else_=_FAR)
        counts = (day <= today) & ((day == 0) | (today - day <= days))
        positive = rows["result"] == "pt:Positive"
        rows = rows.select("patient", "assessment", "result", counts=counts, positive=positive, standing=day * 10 + positive.cast("int64"))
        found = {}
        for place, cls in enumerate(self.assessed):
            this = rows.counts & (rows.assessment == cls)
            found[f"latest{place}"] = rows.standing.max(where=this)
            if cls in self.shared:
                found[f"spoilt{place}"] = rows.standing.max(where=this & rows.positive)
            if cls in self.layout.says["dg:screensFor"]:
                found[f"negative{place}"] = rows.standing.max(where=this & (rows.result == "pt:Negative"))
        return rows.group_by("patient").aggregate(**found)

    def _on_record(self, patients: ir.Table, beside: dict[str, ir.Table]) -> ir.Table:
        """Everything on record of a patient beside the patient."""
        joined = patients
        for name, stage in beside.items():
            other = ibis.table(stage.schema(), name=name)
            joined = _beside(joined, other.rename({f"{name}_{c}": c for c in other.columns if c in joined.columns and c != "patient"}), "patient")
        return joined

    def _people(self, rows: ir.Table) -> ir.Table:
        today, as_of, born = _day_number(rows["asOf"]), rows["asOf"], rows["birthDate"]
        months = (as_of.year() - born.year()) * 12 + as_of.month() - born.month() - ibis.ifelse(as_of.day() < born.day(), 1, 0)
        by_years = (rows["ageYears"] * 12).floor().cast("int64")
        age = ibis.coalesce(months.cast("int64"), by_years)
        found: dict[str, Value] = {"ageMonths": age, "sex": rows["sex"], "severity": rows["severity"].fill_null(0), "site": rows["site"].fill_null(0)}
        valid, limits = self.layout.one("dg:validFor"), self.layout.one("dg:limitBelowAge")
        for cls, fact in self.measures.items():
            value, day = rows[_local(fact)], rows[_day(fact)]
            if cls in valid:
                fresh = (day == 0) | (today - day <= int(valid[cls]))
                if cls in limits:
                    fresh = fresh | (age >= int(limits[cls])).fill_null(False)
                value = ibis.ifelse(fresh, value, None)
            found[_local(fact)] = value
        found |= self._words(rows, {cls: found[_local(fact)] for cls, fact in self.measures.items()})
        problems = [ibis.ifelse(rows[f"latest{place}"] % 10 == 1, 1 << place, 0) for place in range(len(self.assessed))]
        contradicted = list(self._contradictions(rows, {cls: found[_local(fact)] for cls, fact in self.measures.items()}))
        contradicts = reduce(or_, contradicted).fill_null(False) if contradicted else ibis.literal(False)
        return rows.select("patient", "asOf", found=reduce(or_, problems), contradicts=contradicts, **found)

    def _contradictions(self, rows: ir.Table, measured: dict[str, Value]) -> Iterator[Value]:
        """Whether a condition is said to be there or not, against the measurement that defines it."""
        for place, (cls, observable) in enumerate(self.defined.items()):
            value, threshold = measured[observable], Decimal(self.layout.one("dg:definedBelow")[cls])
            day = rows[_day(self.measures[observable])]
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
                for name in (column(word, kind), f"of_absences_{column(word, kind)}"):
                    if name in rows.columns:
                        found.setdefault(column(word, kind), []).append(rows[name].fill_null(0))
        parts = self._parts()
        for whole, of in self.layout.says["dg:madeUpOf"].items():
            all_ = sum(1 << parts.index(part) for part in of)
            add("free", self.layout.free(whole), (rows["parts"] & all_) == all_)
        for place, cls in enumerate(self.assessed):
            self._assessed(rows, place, cls, add)
        for cls, observable in self.defined.items():
            value, threshold = measured[observable], Decimal(self.layout.one("dg:definedBelow")[cls])
            self._present(cls, value < threshold, add)
            add("free", self.layout.free(cls), value >= threshold)
        return {name: reduce(or_, parts_) for name, parts_ in found.items()}

    def _assessed(self, rows: ir.Table, place: int, cls: str, add: Any) -> None:
        layout, latest = self.layout, rows[f"latest{place}"]
        passed = latest % 10 == 0
        if cls in self.shared:
            family = layout.one("dg:family")
            kin = [rows[f"spoilt{other}"].fill_null(0) for other, name in enumerate(self.assessed) if family[name] == family[cls]]
            passed = passed & (latest >= ibis.greatest(*kin))
        found = latest % 10 == 1
        add("true", layout.met(_DID, cls), latest.notnull())
        add("true", layout.met(_PASSED, cls), passed)
        add("true", layout.met(_FOUND, cls), found)
        for screened in layout.says["dg:screensFor"].get(cls, ()):
            self._present(screened, found, add)
            add("free", layout.free(screened), passed & (rows[f"negative{place}"] == latest))

    def _present(self, cls: str, when: Value, add: Any) -> None:
        """What follows from a condition that was found."""
        active, _, _, out, hint, _ = self._of_condition(cls)
        for kind, said in (("true", active), ("free", out), ("hint", hint)):
            add(kind, said, when)

    def _said(self, name: str, keys: dict[str, str], words: Sequence[str], kinds: Iterable[str]) -> ir.Table:
        """A reference table, not yet bound."""
        return ibis.table(keys | {column(w, k): "int64" for k in kinds for w in words}, name=name)


def _joined(*words: Words) -> Words:
    found: Words = {}
    for one in words:
        for word, bits in one.items():
            found[word] = found.get(word, 0) | bits
    return found


def _beside(rows: ir.Table, others: ir.Table, on: str | list[str], how: Any = "left") -> ir.Table:
    """Rows with the columns of another table beside them."""
    joined = rows.join(others, on, how=how)
    return joined.select(*rows.columns, *(c for c in others.columns if c not in rows.columns))


def _day_number(date: Value) -> Value:
    """Julian day number, the same count as in ``queries/facts/10-days.rq``; every day on record is past day 0, which stands for none."""
    return date.epoch_days() + _EPOCH


def _either(when: Value, bits: Value) -> Value:
    return ibis.ifelse(when, bits, 0)


def _local(fact: str) -> str:
    return fact.partition(":")[2]


def _day(fact: str) -> str:
    return f"{_local(fact)}Day"
