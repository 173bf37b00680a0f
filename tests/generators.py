"""Random patients within the words of the contract, valid by the shapes; every class name comes from the ontology.

The same code draws from a seeded :class:`random.Random` and, as a strategy, from hypothesis.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from random import Random

from hypothesis import strategies as st

from dermograph import Knowledge, content
from dermograph.graph import Graph, read
from dermograph.terms import PREFIXES

PROLOGUE = "".join(f"@prefix {p}: <{PREFIXES[p]}> .\n" for p in ("ad", "dg", "pt", "xsd"))
OTHER_UNITS = {"kg": ("g", Decimal(1000)), "g/dL": ("g/L", Decimal(10))}
CAUSED = "pt:causedBy"
OVER = ("pt:Resolved", "pt:Suspected")


class Words:
    """What a patient graph may say, read off the ontology."""

    def __init__(self) -> None:
        self.knowledge = Knowledge.load()
        self.tree = self.knowledge.tree
        self.graph = Graph(read(content.modules(content.folder("ontology"))))
        within = self.tree["within"]
        self.therapies, self.conditions, self.observables, self.assessments = (
            sorted(c for c in within if kind in within[c] and c != kind) for kind in ("dg:Therapy", "dg:Condition", "dg:Observable", "dg:Assessment")
        )
        self.severities, self.sites, self.outcomes, self.results, self.statuses, self.sexes = (
            self.graph.instances(kind) for kind in ("ad:Severity", "ad:BodySite", "pt:Outcome", "pt:AssessmentResult", "pt:ConditionStatus", "pt:Sex")
        )
        (self.disease,) = self.graph.having("dg:guidelineDisease")
        atoms = [c for c in self.tree["criteria"].values() if "fact" in c]
        asked = {c["class"] for c in atoms if "class" in c}
        self.asked = {kind: [c for c in names if c in asked] for kind, names in (("conditions", self.conditions), ("therapies", self.therapies))}
        self.screens = {a: self.graph.nodes(a, "dg:screensFor") for a in self.assessments if self.graph.nodes(a, "dg:screensFor")}
        self.bounds: dict[str, list[Decimal]] = {}
        for criterion in atoms:
            if "range" in criterion:
                inside = [Decimal(b) for b in criterion["range"].values() if abs(Decimal(b)) < 10**6]
                self.bounds.setdefault(criterion["fact"], []).extend(inside)
        self.fact_of = {p["measures"]: f for f, p in self.tree["facts"].items() if p["measures"]}
        self.defined = {c: o for c in self.conditions if (o := self.tree["conditions"].get(c, {}).get("measured"))}

    def plausible(self, observable: str) -> tuple[Decimal, Decimal]:
        """Return the least and the greatest value that a record of an observable may hold."""
        low, high = (self.graph.number(observable, f"dg:plausible{end}") for end in ("Low", "High"))
        return low if low is not None else Decimal(0), high if high is not None else Decimal(100)

    def within(self, inner: str, outer: str) -> bool:
        """Whether a class lies within another."""
        return outer in self.tree["within"][inner]

    def related(self, one: str, other: str) -> bool:
        """Whether one of two classes lies within the other."""
        return self.within(one, other) or self.within(other, one)


@cache
def words() -> Words:
    """Return the words, read once."""
    return Words()


@dataclass(frozen=True)
class Entry:
    """One node that hangs off a patient."""

    property: str
    cls: str
    values: tuple[tuple[str, str], ...] = ()

    def value(self, predicate: str) -> str | None:
        """Return the value of a property, or None."""
        return next((v for p, v in self.values if p == predicate), None)


@dataclass(frozen=True)
class Patient:
    """A patient graph, kept as entries so that a test may add to it, shuffle it and rename its blank nodes."""

    name: str
    as_of: dt.date
    traits: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]

    def lines(self, labels: Iterable[str] = ()) -> list[str]:
        """Return one statement a line; blank nodes take the labels given, as far as they reach."""
        given = iter(labels)
        me = f"<{self.name}>"
        found = [f"{me} a pt:Patient ."] + [f"{me} {p} {v} ." for p, v in self.traits]
        for number, entry in enumerate(self.entries):
            node = f"_:{next(given, f'n{number}')}"
            found += [f"{me} {entry.property} {node} .", f"{node} a {entry.cls} ."]
            for predicate, value in entry.values:
                if predicate == CAUSED:
                    found += [f"{node} {predicate} {node}cause .", f"{node}cause a {value} ."]
                else:
                    found.append(f"{node} {predicate} {value} .")
        return found

    def turtle(self) -> str:
        """Return the graph as Turtle."""
        return PROLOGUE + "\n".join(self.lines()) + "\n"

    def named(self, name: str) -> Patient:
        """Return the same patient under another name."""
        return replace(self, name=name)

    def plus(self, *added: Entry | tuple[str, str]) -> Patient:
        """Return the patient with more on record."""
        entries = tuple(a for a in added if isinstance(a, Entry))
        traits = tuple(a for a in added if isinstance(a, tuple))
        return replace(self, traits=self.traits + traits, entries=self.entries + entries)

    def trait(self, predicate: str) -> list[str]:
        """Return the values of a property of the patient."""
        return [v for p, v in self.traits if p == predicate]

    def of(self, predicate: str) -> list[Entry]:
        """Return the entries of a property."""
        return [e for e in self.entries if e.property == predicate]


def date(day: dt.date) -> str:
    """Write a date as Turtle."""
    return f'"{day.isoformat()}"^^xsd:date'


def random_patient(random: Random, name: str = "urn:example:random") -> Patient:
    """Draw a patient; half of them far enough on the way that therapies open."""
    w = words()
    as_of = dt.date(2024, 1, 1) + dt.timedelta(days=random.randint(0, 1000))
    ready = random.random() < 0.5
    traits = [("pt:asOf", date(as_of))]
    born = as_of - dt.timedelta(days=365 * 100)
    if random.random() < 0.9:
        months = _age(random, w)
        if random.random() < 0.8:
            born = as_of - dt.timedelta(days=int(months * Decimal("30.4375")) + random.randint(-1, 31) + 1)
            born = min(born, as_of)
            traits.append(("pt:birthDate", date(born)))
        else:
            traits.append(("pt:ageYears", f"{months / 12:.2f}"))
    if random.random() < 0.85:
        traits.append(("pt:sex", random.choice(w.sexes)))
    days = _Days(random, as_of, born, w)
    observations = _observations(random, w, days, ready)
    conditions, absent = _conditions(random, w, days, {e.cls for e in observations})
    traits += [("pt:absent", cls) for cls in absent]
    entries = [*observations, *conditions, *_courses(random, w, days), *_assessments(random, w, days, ready)]
    return Patient(name, as_of, tuple(traits), tuple(entries))


def patients() -> st.SearchStrategy[Patient]:
    """Random patients for hypothesis."""
    return st.randoms(use_true_random=False).map(random_patient)


class _Days:
    """Days around the one asked about, none before birth."""

    def __init__(self, random: Random, as_of: dt.date, born: dt.date, w: Words) -> None:
        self.random, self.as_of, self.born = random, as_of, born
        self.limits = sorted({int(Decimal(v)) for v in w.tree["validity"].values()})

    def before(self, latest: int = 1500) -> dt.date:
        ago = self.random.choice(self.limits) + self.random.choice((0, 1)) if self.random.random() < 0.3 else self.random.randint(0, latest)
        return max(self.as_of - dt.timedelta(days=ago), self.born)

    def any(self) -> dt.date:
        if self.random.random() < 0.05:
            return self.as_of + dt.timedelta(days=self.random.randint(1, 60))
        return self.before(400)

    def pair(self) -> tuple[dt.date, dt.date]:
        one = self.before()
        return one, one + dt.timedelta(days=self.random.choice((0, 10, 14, 27, 28, 29, 42, 84, 111, 112, 113, 200, 400)))


def _age(random: Random, w: Words) -> Decimal:
    bounds = w.bounds["fact:ageMonths"]
    if random.random() < 0.4:
        return max(Decimal(0), random.choice(bounds) + random.choice((-1, 0, 1)))
    return Decimal(random.randint(0, 216) if random.random() < 0.5 else random.randint(216, 1100))


def observation(random: Random, cls: str, day: dt.date | None) -> Entry:
    """Draw a measurement of a class on a day, often near a value that a criterion asks about."""
    w = words()
    low, high = w.plausible(cls)
    bounds = w.bounds.get(w.fact_of.get(cls, ""), [])
    if bounds and random.random() < 0.6:
        value = random.choice(bounds) + random.choice((Decimal("-0.1"), Decimal(0), Decimal("0.1")))
    else:
        value = low + (min(high, Decimal(300)) - low) * random.randint(0, 1000) / 1000
    value = min(max(value, low), high).quantize(Decimal("0.01"))
    unit = w.tree["units"][cls]
    if unit in OTHER_UNITS and random.random() < 0.15:
        unit, factor = OTHER_UNITS[unit]
        value *= factor
    values = (("pt:value", str(value)), ("pt:unit", f'"{unit}"'))
    return Entry("pt:observation", cls, values if day is None else (*values, ("pt:date", date(day))))


def _observations(random: Random, w: Words, days: _Days, ready: bool) -> list[Entry]:
    found = []
    for cls in w.observables:
        if random.random() < (0.6 if ready else 0.3):
            dates = {days.any() for _ in range(random.choice((1, 1, 1, 2, 3)))}
            found += [observation(random, cls, None if random.random() < 0.05 and day == min(dates) else day) for day in sorted(dates)]
    return found


def _conditions(random: Random, w: Words, days: _Days, measured: set[str]) -> tuple[list[Entry], list[str]]:
    free = [c for c in w.conditions if not any(w.related(c, d) for d, o in w.defined.items() if o in measured)]
    found = []
    for _ in range(random.choice((0, 1, 1, 1, 1, 1, 2))):
        found.append(_condition(random, w, days, w.disease))
    asked = [c for c in w.asked["conditions"] if c in free]
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        found.append(_condition(random, w, days, random.choice(asked if random.random() < 0.7 else free)))
    present = [e.cls for e in found if e.value("pt:status") not in OVER]
    candidates = [c for c in free if not any(w.within(p, c) for p in present)]
    return found, sorted(set(random.sample(candidates, random.choice((0, 0, 1, 3, 8)))))


def _condition(random: Random, w: Words, days: _Days, cls: str) -> Entry:
    values: list[tuple[str, str]] = []
    main = cls == w.disease
    if random.random() < 0.25:
        values.append(("pt:status", random.choice(w.statuses)))
    if random.random() < (0.8 if main else 0.1):
        values.append(("pt:severity", random.choice(w.severities)))
    for site in random.sample(w.sites, random.choice((0, 1, 2)) if main else 0):
        values.append(("pt:site", site))
    onset, abatement = days.pair()
    if random.random() < 0.3:
        values.append(("pt:onset", date(onset)))
    if random.random() < (0.03 if main else 0.2):
        values.append(("pt:abatement", date(abatement)))
    if w.within(cls, "ad:Hypersensitivity") and random.random() < 0.8:
        values.append((CAUSED, random.choice(w.asked["therapies"])))
    return Entry("pt:condition", cls, tuple(values))


def _courses(random: Random, w: Words, days: _Days) -> list[Entry]:
    found = []
    for _ in range(random.choice((0, 1, 2, 4, 8))):
        rows = w.knowledge.therapies
        cls = random.choice((rows, w.asked["therapies"], w.therapies)[random.randint(0, 2)])
        start, end = days.pair()
        values = [("pt:start", date(start))] if random.random() < 0.7 else []
        outcome = random.choice(w.outcomes) if random.random() < 0.85 else None
        if random.random() < 0.7 and not (outcome == "pt:Ongoing" and end <= days.as_of):
            values.append(("pt:end", date(end)))
        if outcome:
            values.append(("pt:outcome", outcome))
        if random.random() < 0.1:
            values.append(("pt:sessions", str(random.randint(0, 60))))
        found.append(Entry("pt:course", cls, tuple(values)))
    return found


def _assessments(random: Random, w: Words, days: _Days, ready: bool) -> list[Entry]:
    found = []
    for cls in w.assessments:
        if random.random() < (0.85 if ready else 0.15):
            for _ in range(random.choice((1, 1, 1, 2))):
                result = "pt:Negative" if ready and random.random() < 0.8 else random.choice(w.results)
                found.append(Entry("pt:assessment", cls, (("pt:result", result), ("pt:date", date(days.any())))))
    return found
