"""From criteria to each therapy's status, as CQL: the rule of ``dermograph.verdicts``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dermograph.verdicts import PRECEDENCE
from peers.elm import Elm, absent, both, cases, either, equal, literal, negated, ref, unary
from peers.rules import HINT, OUTSIDE, Rules, offered

Tree = dict[str, Any]
NEVER = literal(False)


class CqlStatuses:
    """Definitions of statuses, over those of the criteria and the hints.

    :param rules: the guideline.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules, self.tree = rules, rules.tree
        self.definitions: dict[str, Elm] = {}
        for name, node in (*self.tree["recommendations"].items(), *self.tree["rows"].items()):
            for status in PRECEDENCE[1:-1]:
                self._define(f"{name} {status}", self._gives(node["barriers"], status))
        self.statuses = {therapy: self._therapy(therapy, row) for therapy, row in self.tree["rows"].items()}

    def _define(self, name: str, expression: Elm) -> Elm:
        self.definitions[name] = expression
        return ref(name)

    def _therapy(self, therapy: str, row: Tree) -> Elm:
        recs = row["recommendations"]
        considered = {r: literal(True) for r in recs}
        for kind in OUTSIDE if len(recs) > 1 else ():
            inside = {}
            for r in recs:
                out = [self._blocks(b) for b in self.tree["recommendations"][r]["barriers"] if b["kind"] == kind]
                inside[r] = self._define(f"{therapy} {r} inside {kind}", both(considered[r], negated(_any(out))))
            none = self._define(f"{therapy} outside {kind}", negated(_any(inside.values())))
            considered = {r: self._define(f"{therapy} {r} counts {kind}", either(inside[r], both(considered[r], none))) for r in recs}
        waits = self._define(f"{therapy} waits", self._waits(row))
        of = {r: self._define(f"{therapy} {r} status", self._of(therapy, r, waits)) for r in recs}
        forced = _any(self._blocks(b) for b in row["barriers"] if self.tree["kinds"][b["kind"]]["fromTherapy"])
        best = [(_any(both(considered[r], equal(of[r], status)) for r in recs), literal(status)) for status in reversed(PRECEDENCE[2:])]
        rows = [(unary("IsTrue", ref(row["ongoing"])), literal("ongoing")), (forced, literal("excluded")), *best]
        return self._define(f"{therapy} status", cases(*rows, other=literal("excluded")))

    def _of(self, therapy: str, rec: str, waits: Elm) -> Elm:
        """Status by one recommendation."""
        rows = []
        for status in PRECEDENCE[1:-1]:
            given = [ref(f"{rec} {status}"), ref(f"{therapy} {status}"), *([waits] if status == "undetermined" else [])]
            rows.append((_any(given), literal(status)))
        return cases(*rows, other=literal("eligible"))

    def _blocks(self, barrier: Tree) -> Elm:
        if barrier["criterion"] is None:
            return literal(True)
        return unary("IsTrue" if barrier["blocksWhen"] else "IsFalse", ref(barrier["criterion"]))

    def _gives(self, barriers: Iterable[Tree], status: str) -> Elm:
        """Whether barriers give a status, by blocking or by being open."""
        found = []
        for barrier in barriers:
            if self.tree["kinds"][barrier["kind"]]["status"] == status:
                found.append(self._blocks(barrier))
            if barrier["criterion"]:
                found.append(self._open(barrier["criterion"], status, barrier["blocksWhen"], barrier.get("screened")))
        return _any(one for one in found if one is not NEVER)

    def _open(self, name: str, status: str, blocks_when: bool, screened: list[str] | None) -> Elm:
        """Whether a criterion is unknown because of an atomic one that gives a status."""
        key = f"{name} open {status} {blocks_when} {screened}"
        if key in self.definitions:
            return ref(key)
        criterion = self.tree["criteria"][name]
        if "members" in criterion:
            inner = [o for m, _ in criterion["members"] if (o := self._open(m, status, blocks_when, screened)) is not NEVER]
            return self._define(key, both(absent(ref(name)), _any(inner))) if inner else NEVER
        if not self.rules.may_be_open(name) or self.rules.open_status(criterion, blocks_when) != status:
            return NEVER
        if screened is not None and criterion.get("class") in self.rules.screened and name not in screened:
            return both(absent(ref(name)), ref(HINT + criterion["class"].partition(":")[2]))
        return absent(ref(name))

    def _waits(self, row: Tree) -> Elm:
        """Whether no regimen fits, and one may."""
        unweighed = absent(ref(self.tree["weight"])) if self.tree["weight"] else NEVER
        fits, may_fit = [], []
        for regimen in offered(row):
            holds = unary("IsTrue", ref(regimen["population"])) if regimen["population"] else literal(True)
            if regimen["perKilogram"]:
                fits.append(both(holds, negated(unweighed)))
                may_fit.append(both(holds, unweighed))
            else:
                fits.append(holds)
            if regimen["population"]:
                may_fit.append(absent(ref(regimen["population"])))
        return both(_any(may_fit), negated(_any(fits)))


def _any(operands: Iterable[Elm]) -> Elm:
    found = list(operands)
    return either(*found) if found else NEVER
