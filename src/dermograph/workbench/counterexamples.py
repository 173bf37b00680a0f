"""A patient who shows a fault: found by arithmetic on the bounds of the criteria, and written as a patient graph."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from dermograph.amounts import plain
from dermograph.index import UNBOUNDED
from dermograph.terms import PREFIXES
from dermograph.workbench.theory import Literal, Question, Theory

Tree = dict[str, Any]

AS_OF = dt.date(2026, 11, 1)
"""The day that counterexamples are asked about; the first of a month, so that months of age are exact."""

_BY_CONDITION = ("fact:hasCondition", "fact:everHad")


@dataclass(frozen=True)
class Wanted:
    """What a patient has to be.

    :param numbers: for each numeric fact the values that are left.
    :param choices: for each fact that always has a value the individuals that are left.
    :param present: facts and classes that have to be on record.
    :param missing: facts and classes that may not.
    """

    numbers: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    present: tuple[tuple[str, str], ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


class Inventor:
    """Invents patients for questions that a reasoner has answered with yes."""

    def __init__(self, theory: Theory) -> None:
        self.theory, self.tree, self.graph = theory, theory.tree, theory.graph

    def patients(self, question: Question, weighed: bool = False) -> Iterator[tuple[str, str]]:
        """Patients of whom a question should hold: each as Turtle and in words, the simplest first.

        :param weighed: put the weight that doses go by on record whether or not the question turns on it.
        """
        weight = self.tree["weight"] if weighed else None
        start = Wanted({weight: self.candidates[weight]} if weight else {})
        for wanted in self._solve(sorted(question, key=self._weight), start):
            settled = self._settled(wanted)
            if settled is not None:
                yield self._turtle(settled), self._words(settled)

    # --- solving

    def _weight(self, literal: Literal) -> int:
        """Number of ways in which a criterion can come to its truth: what leaves no choice goes first."""
        name, sign = literal
        criterion = self.tree["criteria"].get(name, {})
        if "members" not in criterion:
            return 1
        ways = [self._weight((m, positive is sign)) for m, positive in criterion["members"]]
        return max(ways) if (criterion["op"] == "and") is sign else sum(ways)

    def _solve(self, goals: list[Literal], wanted: Wanted) -> Iterator[Wanted]:
        if not goals:
            yield wanted
            return
        (name, sign), *rest = goals
        criterion = self.tree["criteria"][name]
        if "members" not in criterion:
            grown = self._with(wanted, criterion, sign)
            if grown is not None:
                yield from self._solve(rest, grown)
            return
        parts = [(m, positive is sign) for m, positive in criterion["members"]]
        if (criterion["op"] == "and") is sign:
            yield from self._solve(sorted(parts + rest, key=self._weight), wanted)
        else:
            for part in sorted(parts, key=self._weight):
                yield from self._solve(sorted([part, *rest], key=self._weight), wanted)

    def _with(self, wanted: Wanted, criterion: Tree, sign: bool) -> Wanted | None:
        """What is wanted with one atomic criterion more; None where that cannot be."""
        fact = criterion["fact"]
        if "range" in criterion:
            left = tuple(v for v in wanted.numbers.get(fact, self.candidates[fact]) if _inside(v, criterion["range"]) is sign)
            return Wanted(wanted.numbers | {fact: left}, wanted.choices, wanted.present, wanted.missing) if left else None
        if fact in self.theory.unknowable:
            every = tuple(self.theory.values(self.tree["facts"][fact]["recordedAs"]))
            options = tuple(v for v in wanted.choices.get(fact, every) if (v == criterion["value"]) is sign)
            return Wanted(wanted.numbers, wanted.choices | {fact: options}, wanted.present, wanted.missing) if options else None
        pair = (fact, criterion.get("class") or criterion["value"])
        present = dict.fromkeys((*wanted.present, pair)) if sign else wanted.present
        missing = wanted.missing if sign else dict.fromkeys((*wanted.missing, pair))
        if any(self._implies(p, m) for p in present for m in missing):
            return None
        return Wanted(wanted.numbers, wanted.choices, tuple(present), tuple(missing))

    def _implies(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Whether a record that has one fact has the other."""
        (fact, cls), (asked, broad) = one, other
        within = self.tree["within"]
        if fact != asked and not (fact == _BY_CONDITION[0] and asked == _BY_CONDITION[1]):
            return False
        down = self.tree["facts"][fact]["spreadsDown"] and cls in within.get(broad, ())
        return cls == broad or broad in within.get(cls, ()) or down

    @cached_property
    def candidates(self) -> dict[str, tuple[Decimal, ...]]:
        """For each numeric fact every bound that a criterion has, and values on either side, within what is plausible."""
        bounds: dict[str, set[Decimal]] = {f: set() for f, values in self.theory.unknowable.items() if "oneOf" not in values}
        for criterion in self.tree["criteria"].values():
            stated = (Decimal(bound) for key, bound in criterion.get("range", {}).items() if bound != UNBOUNDED[key])
            bounds.get(criterion.get("fact", ""), set()).update(stated)
        for condition in self.graph.having("dg:definedBelow"):
            if fact := self._measuring(condition):
                bounds[fact].add(self.graph.number(condition, "dg:definedBelow") or Decimal(0))
        found = {}
        for fact, stated_bounds in bounds.items():
            low, high = self.theory.bounds(fact)
            step = Decimal(1) if self.theory.whole_numbers(fact) else Decimal("0.1")
            inner = sorted(stated_bounds)
            values = {v for b in inner for v in (b - step, b, b + step)}
            values |= {((a + b) / 2).quantize(step) for a, b in pairwise(sorted({*inner, *(e for e in (low, high) if e is not None)}))}
            plausible = {v for v in values | {low, high} if v is not None and (low is None or v >= low) and (high is None or v <= high)}
            found[fact] = tuple(sorted(plausible))
        return found

    def _measuring(self, condition: str) -> str | None:
        observable = self.graph.text(condition, "dg:definedByObservable")
        return next((f for f, t in self.tree["facts"].items() if observable and t["measures"] == observable), None)

    def _settled(self, wanted: Wanted) -> Wanted | None:
        """One value for each fact, in keeping with the conditions that a measurement defines."""
        numbers = dict(wanted.numbers)
        for condition in self.graph.having("dg:definedBelow"):
            fact, below = self._measuring(condition), self.graph.number(condition, "dg:definedBelow")
            if fact not in numbers or below is None:
                continue
            under = any(f == _BY_CONDITION[0] and condition in self.tree["within"].get(c, ()) for f, c in wanted.present)
            over = any(f in _BY_CONDITION and c in self.tree["within"].get(condition, ()) for f, c in wanted.missing)
            if under or over:
                numbers[fact] = tuple(v for v in numbers[fact] if (v < below) is under)
        age = next((f for f in self.candidates if self.tree["facts"][f]["recordedAs"] == "pt:birthDate"), None)
        if age:
            numbers.setdefault(age, self.candidates[age])
        if not all(numbers.values()):
            return None
        return Wanted({f: (self._nicest(f, v),) for f, v in numbers.items()}, wanted.choices, wanted.present, wanted.missing)

    def _nicest(self, fact: str, values: tuple[Decimal, ...]) -> Decimal:
        """A value from the middle, not at the ends of what is plausible and a whole number where that can be."""
        first, *_, last = self.candidates[fact]
        beyond = {first, last, *self.candidates[fact][-2:-1]}
        inner = [v for v in values if v not in beyond] or list(values)
        whole = [v for v in inner if v == v.to_integral_value()] or inner
        return whole[len(whole) // 2]

    # --- writing

    def _turtle(self, wanted: Wanted) -> str:
        day = f'"{AS_OF}"^^xsd:date'
        said = [f"pt:asOf {day}"]
        disease: list[str] = []
        for fact, (value,) in sorted(wanted.numbers.items()):
            told = self.tree["facts"][fact]
            if told["measures"]:
                unit = self.tree["units"][told["measures"]]
                said.append(f'pt:observation [ a {told["measures"]} ; pt:value {_exact(value)} ; pt:unit "{unit}" ; pt:date {day} ]')
            else:
                months = AS_OF.year * 12 + AS_OF.month - 1 - int(value)
                said.append(f'pt:birthDate "{dt.date(months // 12, months % 12 + 1, 1)}"^^xsd:date')
        for fact, options in sorted(wanted.choices.items()):
            word = self.tree["facts"][fact]["recordedAs"]
            (said if "pt:Patient" in self.graph.nodes(word, "dg:domainIncludes") else disease).append(f"{word} {options[0]}")
        main = next(iter(self.graph.having("dg:guidelineDisease")), "")
        for fact, cls in wanted.present:
            if cls == main or self.tree["facts"][fact]["recordedAs"] == "pt:site":
                disease.append(f"pt:site {cls}" if cls != main else "")
            elif not any(other != (fact, cls) and self._implies(other, (fact, cls)) for other in wanted.present):
                said.append(self._record(fact, cls, day))
        if disease:
            said.append(f"pt:condition [ {' ; '.join([f'a {main}', *filter(None, dict.fromkeys(disease))])} ]")
        for fact, cls in wanted.missing:
            if fact in _BY_CONDITION and self.tree["conditions"][cls]["screened"]:
                said.append(f"pt:absent {cls}")
        prefixes = "".join(f"@prefix {p}: <{PREFIXES[p]}> .\n" for p in sorted({"ad", "pt", "xsd"}))
        return f"{prefixes}\n<urn:example:counterexample> a pt:Patient ;\n    " + " ;\n    ".join(dict.fromkeys(said)) + " .\n"

    def _record(self, fact: str, cls: str, day: str) -> str:
        """Property and node that put a fact of a class on record."""
        word = self.tree["facts"][fact]["recordedAs"]
        gives = self.graph.subjects("dg:yields", fact) + self.graph.subjects("dg:yieldsIfBrief", fact)
        brief = f"pt:start {day} ; pt:end {day}" if self.graph.subjects("dg:yieldsIfBrief", fact) else f"pt:end {day}"
        if word == "pt:course":
            when = f"pt:start {day}" if fact == self._going_on else brief
            return f"pt:course [ a {cls} ; pt:outcome {gives[0]} ; {when} ]"
        if word == "pt:assessment":
            return f"pt:assessment [ a {cls} ; {f'pt:result {gives[0]} ; ' if gives else ''}pt:date {day} ]"
        if word == "pt:absent":
            return f"pt:absent {cls}"
        return f"pt:condition [ a {cls} ]"

    @cached_property
    def _going_on(self) -> str:
        (template,) = [t for t in self.graph.instances("dg:OutcomeTemplate") if self.graph.text(t, "dg:reasonKind") == "dg:ReasonReassessment"]
        return self.graph.text(template, "dg:factProperty") or ""

    def _words(self, wanted: Wanted) -> str:
        labels, facts = self.tree["labels"], self.tree["facts"]
        numbers = [f"{facts[f]['label']} {plain(v)} {facts[f]['unit']}" for f, (v,) in sorted(wanted.numbers.items())]
        chosen = [f"{facts[f]['label']} {labels.get(v[0], v[0])}" for f, v in sorted(wanted.choices.items())]
        return ", ".join(numbers + chosen + [f"{facts[f]['label']} {labels.get(c, c)}" for f, c in wanted.present])


def _inside(value: Decimal, bounds: dict[str, str]) -> bool:
    return Decimal(bounds["from"]) <= value <= Decimal(bounds["upTo"]) and Decimal(bounds["above"]) < value < Decimal(bounds["below"])


def _exact(value: Decimal) -> str:
    text = f"{value:f}"
    return text if "." in text else f"{text}.0"
