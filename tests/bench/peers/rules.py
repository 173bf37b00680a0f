"""The rules that every peer gets, read out of the index of the guideline: what each atomic criterion asks of the facts.

All encodings are made from this, and all answers are joined here: the same words of bits, the same Kleene logic and the
same rule of statuses for every peer that does not work them out itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from dermograph import Knowledge
from dermograph.criteria import Truths, compose, presume
from dermograph.record import LEAST
from dermograph.terms import compact
from dermograph.verdicts import PRECEDENCE

Tree = dict[str, Any]
Rail = dict[str, int]
"""Patients by criterion, a bit for each."""
Classes = dict[str, frozenset[str]]
"""Recorded classes that count, by fact property."""
_HAS, _MAY, _FREE = "fact:hasCondition", "fact:mayHaveCondition", "fact:isFreeOf"
_ABOUT_CONDITIONS = (_HAS, "fact:everHad")
OUTSIDE = ("dg:ReasonOutsidePopulation", "dg:ReasonOutsideIndication")
HINT = "urn:hint:"
"""How the name of a hint begins, which is asked beside the criteria: does anything make a condition of a class likely?"""


@dataclass(frozen=True)
class Atom:
    """What an atomic criterion asks of the facts; the first row that holds gives its truth.

    :param met: facts of these classes make it true.
    :param opened: these leave it unknown.
    :param denied: these make it false.
    :param value: the value of ``fact`` that makes it true, where it asks for one.
    :param bounds: ends of the range of ``fact``, the first included, the last not; None where it has no end.
    :param unsaid: what it is otherwise: F, U, or a criterion where that is false and U else.
    """

    fact: str
    met: Classes = field(default_factory=dict)
    opened: Classes = field(default_factory=dict)
    denied: Classes = field(default_factory=dict)
    value: str | None = None
    bounds: tuple[Decimal | None, Decimal | None] | None = None
    unsaid: str = "F"

    @property
    def measured(self) -> bool:
        """Whether it asks for a number or a value."""
        return self.bounds is not None or self.value is not None


@dataclass
class Marks:
    """What a peer finds of the facts, for each atomic criterion and each fact that is measured.

    :param known: patients of whom a fact has a value.
    """

    met: Rail = field(default_factory=dict)
    opened: Rail = field(default_factory=dict)
    denied: Rail = field(default_factory=dict)
    known: Rail = field(default_factory=dict)


@dataclass
class Found:
    """What is known of patients: truths on two rails, and hints."""

    true: Rail
    false: Rail
    hints: Rail


class Rules:
    """What the statuses of therapies rest on.

    :param knowledge: the guideline.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge, self.tree = knowledge, knowledge.tree
        self._says: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for t in knowledge.index:
            self._says[compact(t.predicate.value)][compact(str(getattr(t.subject, "value", "")))].append(compact(getattr(t.object, "value", "")))

    def says(self, predicate: str) -> Mapping[str, list[str]]:
        """Values of a property in the index, by subject."""
        return self._says[predicate]

    def one(self, predicate: str) -> dict[str, str]:
        """The one value of each subject of a property."""
        return {subject: values[0] for subject, values in self._says[predicate].items()}

    def top(self, kind: str) -> list[str]:
        """All classes of a kind, such as ``dg:Therapy``."""
        return [cls for cls, above in self.tree["within"].items() if kind in above]

    def within(self, narrow: str, broad: str) -> bool:
        """Whether a class is another or a kind of it."""
        return broad in self.tree["within"].get(narrow, ())

    # --- what is asked

    @cached_property
    def criteria(self) -> list[str]:
        """The criteria that statuses rest on, each after those that it rests on itself."""
        queue = [b["criterion"] for node in (*self.tree["recommendations"].values(), *self.tree["rows"].values()) for b in node["barriers"]]
        for row in self.tree["rows"].values():
            queue += [row["ongoing"], *(r["population"] for r in offered(row))]
        needed: set[str] = set()
        while queue:
            name = queue.pop()
            if name and name not in needed:
                needed.add(name)
                criterion = self.tree["criteria"][name]
                queue += [m for m, _ in criterion.get("members", ())] + [criterion[k] for k in ("presumedFalseWhen", "gate") if k in criterion]
        return [name for name in self.tree["criteria"] if name in needed]

    @cached_property
    def atoms(self) -> dict[str, Atom]:
        """The atomic ones of the criteria, and a hint for each class that must be screened for."""
        found = {name: self._atom(self.tree["criteria"][name]) for name in self.criteria if "members" not in self.tree["criteria"][name]}
        return found | {HINT + cls.partition(":")[2]: self._hint(cls) for cls in self.screened}

    @cached_property
    def screened(self) -> list[str]:
        """Classes that must be screened for and that some criterion asks for."""
        asked = {self.tree["criteria"][name].get("class") for name in self.criteria}
        return sorted(c for c, condition in self.tree["conditions"].items() if condition["screened"] and c in asked)

    def _among(self, kind: str, counts: Any) -> frozenset[str]:
        return frozenset(cls for cls in self.top(kind) if counts(cls))

    def _atom(self, criterion: Tree) -> Atom:
        fact = criterion["fact"]
        unknown = self.tree["facts"][fact]["silence"] == "dg:SilenceIsUnknown"
        if "range" in criterion:
            ends = {end: Decimal(bound) for end, bound in criterion["range"].items()}
            first, last = max(ends["from"], ends["above"] + LEAST), min(ends["below"], ends["upTo"] + LEAST)
            far = Decimal(999999999)
            return Atom(fact, bounds=(None if first < 1 - far else first, None if last >= far else last), unsaid="U")
        if "value" in criterion:
            return Atom(fact, value=criterion["value"], unsaid="U" if unknown else "F")
        asked, told = criterion["class"], self.tree["facts"][fact]
        kind = self._kind(asked)
        met = self._among(kind, lambda c: self.within(c, asked) or (told["spreadsDown"] and self.within(asked, c)))
        opened = {told["suspectedBy"]: self._related(kind, asked)} if told["suspectedBy"] else {}
        if told["silence"] != "dg:SilenceIsAssumedFalse":
            return Atom(fact, {fact: met}, opened)
        denied = {_FREE: self._among(kind, lambda c: self.within(asked, c))}
        if fact == _HAS:
            out = self._among(kind, lambda c: any(self.within(asked, o) for o in self.says("dg:rulesOut").get(c, ())))
            denied |= {_HAS: out} if out else {}
        unsaid = criterion.get("gate", "U") if self.tree["conditions"][asked]["screened"] else "F"
        return Atom(fact, {fact: met}, opened, denied, unsaid=unsaid)

    def _kind(self, cls: str) -> str:
        above = self.tree["within"][cls]
        return next(kind for kind in ("dg:Therapy", "dg:Condition", "dg:Assessment") if kind in above)

    def _related(self, kind: str, asked: str) -> frozenset[str]:
        return self._among(kind, lambda c: self.within(c, asked) or self.within(asked, c))

    def _hint(self, asked: str) -> Atom:
        return Atom(_HAS, {_MAY: self._related("dg:Condition", asked), _HAS: self._among("dg:Condition", lambda c: self.within(asked, c))})

    # --- what follows

    def may_be_open(self, name: str) -> bool:
        """Whether an atomic criterion can be unknown at all."""
        atom = self.atoms[name]
        return atom.unsaid != "F" or bool(atom.opened)

    def open_status(self, criterion: Tree, blocks_when: bool) -> str:
        """Status that an unknown atomic criterion gives, by whether its barrier blocks when true."""
        deferred = self.tree["conditions"].get(criterion.get("class"), {}).get("deferredAs", "dg:ReasonScreening")
        measured = self.tree["facts"][criterion["fact"]]["silence"] == "dg:SilenceIsUnknown"
        kind = "dg:ReasonMissing" if measured else deferred if blocks_when else "dg:ReasonScreening"
        status: str = self.tree["kinds"][kind]["status"]
        return status

    def found(self, marks: Marks, patients: int) -> Found:
        """Truths of all criteria from what a peer finds of the facts."""
        everyone = (1 << patients) - 1
        truths = Truths(self.tree, [""] * patients, {}, {})
        for name in self.criteria:
            if "members" in self.tree["criteria"][name]:
                compose(truths, name, everyone)
                continue
            atom = self.atoms[name]
            yes = marks.met.get(name, 0)
            if atom.measured and atom.unsaid == "U":
                no = marks.known.get(atom.fact, 0) & ~yes
            else:
                rest = everyone & ~yes & ~marks.opened.get(name, 0)
                no = rest & marks.denied.get(name, 0)
                no |= rest if atom.unsaid == "F" else 0 if atom.unsaid == "U" else rest & truths.false[atom.unsaid]
            truths.true[name], truths.false[name] = yes, no
            if "presumedFalseWhen" in self.tree["criteria"][name]:
                presume(truths, name, everyone)
        return Found(truths.true, truths.false, {n: marks.met.get(n, 0) for n in self.atoms if n.startswith(HINT)})

    def statuses(self, found: Found, patients: int) -> dict[str, Rail]:
        """Patients of each status, by therapy."""
        return _Statuses(self, found, (1 << patients) - 1).all()


class _Statuses:
    """The rule of statuses of ``dermograph.verdicts`` for all patients at once."""

    def __init__(self, rules: Rules, found: Found, everyone: int) -> None:
        self.rules, self.tree, self.found, self.everyone = rules, rules.tree, found, everyone
        self._reached: dict[tuple[str, str, bool, tuple[str, ...] | None], int] = {}

    def all(self) -> dict[str, Rail]:
        return {therapy: self._therapy(row) for therapy, row in self.tree["rows"].items()}

    def _therapy(self, row: Tree) -> Rail:
        own = self._given(row["barriers"])
        forced = self._any(self._blocks(b) for b in row["barriers"] if self.tree["kinds"][b["kind"]]["fromTherapy"])
        nodes = {r: self.tree["recommendations"][r]["barriers"] for r in row["recommendations"]}
        considered = dict.fromkeys(nodes, self.everyone)
        for kind in OUTSIDE:
            inside = {r: considered[r] & ~self._any(self._blocks(b) for b in barriers if b["kind"] == kind) for r, barriers in nodes.items()}
            some = self._any(inside.values())
            considered = {r: inside[r] | (considered[r] & ~some) for r in nodes}
        waits = self._waits(row)
        left, found = self.everyone, dict.fromkeys(PRECEDENCE, 0)

        def take(status: str, those: int) -> None:
            nonlocal left
            found[status] |= left & those
            left &= ~those

        take("ongoing", self.found.true[row["ongoing"]])
        take("excluded", forced)
        of: dict[str, int] = defaultdict(int)
        for r, barriers in nodes.items():
            given, rest = self._given(barriers), considered[r]
            for status in PRECEDENCE[1:-1]:
                here = rest & (own[status] | given[status] | (waits if status == "undetermined" else 0))
                of[status] |= here
                rest &= ~here
            of["eligible"] |= rest
        for status in reversed(PRECEDENCE[1:]):
            take(status, of[status])
        return found

    def _any(self, rails: Iterable[int]) -> int:
        found = 0
        for rail in rails:
            found |= rail
        return found

    def _blocks(self, barrier: Tree) -> int:
        if barrier["criterion"] is None:
            return self.everyone
        return (self.found.true if barrier["blocksWhen"] else self.found.false)[barrier["criterion"]]

    def _given(self, barriers: Iterable[Tree]) -> Rail:
        """Patients to whom barriers give each status, by blocking or by being open."""
        found = dict.fromkeys(PRECEDENCE, 0)
        for barrier in barriers:
            found[self.tree["kinds"][barrier["kind"]]["status"]] |= self._blocks(barrier)
            if barrier["criterion"]:
                screened = tuple(barrier["screened"]) if "screened" in barrier else None
                for status in ("deferred", "undetermined", "excluded"):
                    found[status] |= self._open(barrier["criterion"], status, barrier["blocksWhen"], screened)
        return found

    def _open(self, name: str, status: str, blocks_when: bool, screened: tuple[str, ...] | None) -> int:
        """Patients of whom a criterion is unknown because of an atomic one that gives a status."""
        key = name, status, blocks_when, screened
        if key not in self._reached:
            open_ = self.everyone & ~self.found.true[name] & ~self.found.false[name]
            criterion = self.tree["criteria"][name]
            if "members" in criterion:
                open_ &= self._any(self._open(m, status, blocks_when, screened) for m, _ in criterion["members"]) if open_ else 0
            elif self.rules.open_status(criterion, blocks_when) != status:
                open_ = 0
            elif screened is not None and criterion.get("class") in self.rules.screened and name not in screened:
                open_ &= self.found.hints[HINT + criterion["class"].partition(":")[2]]
            self._reached[key] = open_
        return self._reached[key]

    def _waits(self, row: Tree) -> int:
        """Patients of whom no regimen fits, and of whom one may."""
        true, false = self.found.true, self.found.false
        weighed = next((true[n] | false[n] for n, atom in self.rules.atoms.items() if atom.fact == self.tree["weight"]), 0)
        fits = may_fit = 0
        for regimen in offered(row):
            name = regimen["population"]
            holds, fails = (true[name], false[name]) if name else (self.everyone, 0)
            fit = holds & weighed if regimen["perKilogram"] else holds
            fits, may_fit = fits | fit, may_fit | (self.everyone & ~fails & ~fit)
        return may_fit & ~fits


def offered(row: Tree) -> Iterator[Tree]:
    """Regimens of a therapy that may be offered."""
    return (r for r in row["regimens"] if not r["exampleOnly"] and r["verified"])
