"""What one recorded thing of each class sets, as small tables that the rows of a population are held against.

What is clinical here, classes, days and thresholds, comes from the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

from dermograph.cohort.layout import Layout, Words

ACTIVE, ONCE, MAYBE = 1, 2, 3
"""State of a record of a condition on the day asked about: active, over, or suspected."""
STATES = 4
"""Codes of a class that is recorded in a state: so many times its number, and the state."""
OUTCOMES = 20
"""Codes of a course: so many times the number of its therapy, twice the precedence of its outcome, one more where it was too brief."""
_FAR = 9_999_999


class Reference(NamedTuple):
    """A small table.

    :param columns: their types, in order; the first is the key.
    """

    name: str
    columns: dict[str, str]
    rows: list[tuple[Any, ...]]

    def table(self) -> ir.Table:
        """The table, not yet bound to any database."""
        return ibis.table(self.columns, name=self.name)


def column(word: str, kind: str) -> str:
    """Name of a word of a patient: ``c0_true`` holds what is true, ``c0_open`` what is suspected, and so on."""
    return f"{word}_{kind}"


class References:
    """The small tables of a knowledge.

    :param layout: bits of the criteria.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout, self.tree = layout, layout.tree
        self.defined = layout.one("dg:definedByObservable")
        self.parts = sorted({part for parts in layout.says["dg:madeUpOf"].values() for part in parts})
        self.conditions, self.therapies = list(layout.classes("dg:Condition")), list(layout.classes("dg:Therapy"))

    def all(self) -> Iterator[Reference]:
        """Every table, those that tell the kind of a record first."""
        yield self.kind_of_condition()
        yield self.kind_of_therapy()
        yield self.kind_of_observable()
        yield self.kind_of_assessment()
        yield self.said_of_condition()
        yield self.said_of_cause()
        yield self.said_of_absence()
        yield self.said_of_course()

    def kind_of_condition(self) -> Reference:
        """Of each condition: its number, whether it lasts, whether it is a disease of a guideline, and which measured ones it is a kind of."""
        lasting, diseases = set(self.layout.says["dg:lasting"]), self.layout.says["dg:guidelineDisease"]
        rows = []
        for number, cls in enumerate(self.conditions):
            above = self.tree["within"][cls]
            defined = sum(1 << place for place, one in enumerate(self.defined) if one in above)
            rows.append((cls, number, not lasting.isdisjoint(above), any(d in above for d in diseases), defined))
        return Reference(
            "kind_of_condition", {"condition": "string", "number": "int64", "lasting": "boolean", "disease": "boolean", "defined": "int64"}, rows
        )

    def kind_of_therapy(self) -> Reference:
        """Of each therapy: its number, and the shortest course that counts; none that is longer where none is stated."""
        days, sessions = self.layout.one("dg:leastDays"), self.layout.one("dg:leastSessions")
        rows = [(cls, n, int(days.get(cls, -1)), int(sessions.get(cls, _FAR))) for n, cls in enumerate(self.therapies)]
        return Reference("kind_of_therapy", {"therapy": "string", "number": "int64", "leastDays": "int64", "leastSessions": "int64"}, rows)

    def kind_of_observable(self) -> Reference:
        """Number of each observable on which something turns."""
        rows = [(cls, number) for number, cls in enumerate(self.layout.measures)]
        return Reference("kind_of_observable", {"observable": "string", "number": "int64"}, rows)

    def kind_of_assessment(self) -> Reference:
        """Number of each assessment on which something turns, and for how many days it speaks."""
        valid = self.layout.one("dg:validFor")
        rows = [(cls, number, int(valid.get(cls, _FAR))) for number, cls in enumerate(self.layout.assessed)]
        return Reference("kind_of_assessment", {"assessment": "string", "number": "int64", "validFor": "int64"}, rows)

    def said_of_condition(self) -> Reference:
        """What a condition in a state sets."""
        numbered = [(number, cls, state) for number, cls in enumerate(self.conditions) for state in (ACTIVE, ONCE, MAYBE)]
        states = {number * STATES + state: self.of_condition(cls, state) for number, cls, state in numbered}
        return self._said("said_of_condition", "c", ("true", "open", "free", "hint"), states)

    def of_condition(self, cls: str, state: int) -> dict[str, Words]:
        """What a condition in a state makes true, leaves open, rules out, and hints at."""
        layout, maybe, had = self.layout, "fact:mayHaveCondition", self.layout.met("fact:everHad", cls)
        if state == ONCE:
            return {"true": had}
        if state == MAYBE:
            return {"true": layout.met(maybe, cls), "open": layout.suspected(maybe, cls)}
        return {"true": _joined(layout.met("fact:hasCondition", cls), had), "free": layout.ruled_out(cls), "hint": layout.hinted(cls)}

    def said_of_cause(self) -> Reference:
        """What a condition that names a therapy as its cause sets, sure or suspected."""
        layout, maybe, states = self.layout, "fact:mayBeHypersensitiveTo", dict[int, dict[str, Words]]()
        for number, cls in enumerate(self.therapies):
            states[number * STATES + ACTIVE] = {"true": layout.met("fact:isHypersensitiveTo", cls)}
            states[number * STATES + MAYBE] = {"true": layout.met(maybe, cls), "open": layout.suspected(maybe, cls)}
        return self._said("said_of_cause", "h", ("true", "open"), states)

    def said_of_absence(self) -> Reference:
        """What the absence of a condition sets: besides its words the parts of others, and the measured conditions that it denies."""
        words = self.layout.words("c")
        rows = []
        for number, cls in enumerate(self.conditions):
            free = self.layout.free(cls)
            covered = sum(1 << place for place, part in enumerate(self.parts) if self.layout.within(part, cls))
            denied = sum(1 << place for place, defined in enumerate(self.defined) if self.layout.within(defined, cls))
            rows.append((number, covered, denied, *(free.get(w, 0) for w in words)))
        return Reference("said_of_absence", dict.fromkeys(["code", "parts", "denied", *(column(w, "absent") for w in words)], "int64"), rows)

    def said_of_course(self) -> Reference:
        """What a course of a therapy with an outcome sets, long enough or too brief."""
        precedence, full, brief = (self.layout.one(f"dg:{p}") for p in ("precedence", "yields", "yieldsIfBrief"))
        states = {}
        for number, cls in enumerate(self.therapies):
            for outcome, place in precedence.items():
                for short, fact in enumerate((full.get(outcome), brief.get(outcome))):
                    if fact and outcome.startswith("pt:"):
                        states[number * OUTCOMES + int(place) * 2 + short] = {"true": self.layout.met(fact, cls)}
        return self._said("said_of_course", "k", ("true",), states)

    def _said(self, name: str, letter: str, kinds: tuple[str, ...], states: dict[int, dict[str, Words]]) -> Reference:
        """A table of the words that each code sets, without those that set none."""
        words = self.layout.words(letter)
        rows = [(code, *(said.get(kind, {}).get(word, 0) for kind in kinds for word in words)) for code, said in states.items()]
        return Reference(name, dict.fromkeys(["code", *(column(w, k) for k in kinds for w in words)], "int64"), [row for row in rows if any(row[1:])])


def _joined(*words: Words) -> Words:
    found: Words = {}
    for one in words:
        for word, bits in one.items():
            found[word] = found.get(word, 0) | bits
    return found
