"""A plain program, written from section 7 of the kit's page alone, finds the verdicts of the cases from their records.

From ``tests/``: ``python -m engines.plain KIT > RESULTS.csv``. It finds facts, truths, and then status, rank and kinds of
reason by ``rules.json``; whether to go on with a therapy is left out.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rdflib import Graph

from engines.plain_facts import FACT, Pair, facts
from engines.plain_truths import Criteria

Tree = dict[str, Any]
AD = "https://w3id.org/dermograph/ad#"
ORDER = ["ongoing", "excluded", "deferred", "undetermined", "eligible"]
WORDS = ["stop", "review", "yes"]
LAST = 10**6


@dataclass(frozen=True)
class Ground:
    kind: str
    """Kind of the barrier."""
    settled: str
    """Kind that counts: that of the barrier, or that of the open ground."""
    open: bool
    barrier: int
    """Identity of the barrier."""


class Engine:
    """One patient's verdicts."""

    def __init__(self, rules: Tree, truth: dict[str, bool | None], facts: dict[str, list[str]]) -> None:
        self.rules, self.truth, self.facts = rules, truth, facts
        self.barriers: dict[int, Tree] = {}

    def verdicts(self) -> Iterator[tuple[str, str, str, str]]:
        """Therapy, status, rank and kinds of reason."""
        found = {t: self.verdict(t) for t in self.rules["therapies"]}
        ranks = self.ranks({t: deciding for t, (status, deciding, _) in found.items() if status == "eligible"})
        for therapy, (status, _, kinds) in found.items():
            yield therapy, status, ranks.get(therapy, ""), " ".join(sorted({self.rules["kinds"][k]["notation"] for k in kinds}))

    def verdict(self, therapy: str) -> tuple[str, list[str], set[str]]:
        row = self.rules["therapies"][therapy]
        own = self.grounds(row["barriers"])
        grounds = {r: self.grounds(self.rules["recommendations"][r]["barriers"]) + own for r in row["recommendations"]}
        counting = list(grounds)
        for kind in ("dg:ReasonOutsidePopulation", "dg:ReasonOutsideIndication"):
            inside = [r for r in counting if not any(g.kind == kind and not g.open for g in grounds[r])]
            counting = inside or counting
        if self.truth[row["ongoing"]]:
            return self.ongoing(counting, grounds)
        waits = self.waits(row["regimens"])
        statuses = {r: min([self.status(g) for g in grounds[r]] + waits, key=ORDER.index, default="eligible") for r in counting}
        status = max(statuses.values(), key=ORDER.index)
        if any(not g.open and self.rules["kinds"][g.kind]["fromTherapy"] for g in own):
            status = "excluded"
        deciding = [r for r in counting if statuses[r] == status] or counting
        if status in {"eligible", "undetermined"}:
            return status, deciding, {"dg:ReasonIndicatedBy"}
        return status, deciding, {g.settled for r in deciding for g in grounds[r] if self.status(g) == status}

    def ongoing(self, counting: list[str], grounds: dict[str, list[Ground]]) -> tuple[str, list[str], set[str]]:
        words = {r: min((self.word(g) for g in grounds[r]), key=WORDS.index, default="yes") for r in counting}
        best = max(words.values(), key=WORDS.index)
        deciding = [r for r in counting if words[r] == best]
        told = [g for r in deciding for g in grounds[r] if self.word(g) != "yes" and self.status(g) != "undetermined"]
        return "ongoing", deciding, {"dg:ReasonReassessment"} | {g.settled for g in told}

    def grounds(self, barriers: list[Tree]) -> list[Ground]:
        found = []
        for barrier in barriers:
            self.barriers[id(barrier)] = barrier
            kind, criterion, blocks = barrier["kind"], barrier["criterion"], barrier["blocksWhen"]
            truth = None if criterion is None else self.truth[criterion]
            if criterion is None or truth is blocks:
                found.append(Ground(kind, kind, False, id(barrier)))
                if kind == "dg:ReasonEarlierStep":
                    brief = any(self.brief(atom) for atom in self.atoms(criterion, False))
                    found += [Ground("dg:ReasonTrialTooShort", "dg:ReasonTrialTooShort", False, id(barrier))] * brief
            elif truth is None:
                found += [
                    Ground(kind, self.open_kind(atom, blocks), True, id(barrier))
                    for atom in self.atoms(criterion, None)
                    if not self.nobody(barrier, atom)
                ]
        return found

    def atoms(self, criterion: str, truth: bool | None) -> set[str]:
        if self.truth[criterion] is not truth:
            return set()
        members = self.rules["criteria"][criterion].get("members")
        if members is None:
            return {criterion}
        return {atom for m, positive in members for atom in self.atoms(m, truth if positive or truth is None else not truth)}

    def brief(self, atom: str) -> bool:
        asked = self.rules["criteria"][atom]
        name = f"{asked.get('class')}TriedTooBriefly"
        return asked["fact"] == "fact:failed" and asked["class"] not in self.rules["therapies"] and bool(self.truth.get(name))

    def nobody(self, barrier: Tree, atom: str) -> bool:
        cls = self.rules["criteria"][atom].get("class", "")
        screened = self.rules["conditions"].get(cls, {}).get("screened")
        return "screened" in barrier and bool(screened) and atom not in barrier["screened"] and not self.suspected(cls)

    def suspected(self, cls: str) -> bool:
        within = self.rules["within"]
        above = within.get(cls, ())
        likely = any(cls in within.get(c, ()) or c in above for c in self.facts.get("mayHaveCondition", ()))
        return likely or any(c in above for c in self.facts.get("hasCondition", ()))

    def open_kind(self, atom: str, blocks: bool) -> str:
        asked = self.rules["criteria"][atom]
        if self.rules["facts"][asked["fact"]]["silence"] == "dg:SilenceIsUnknown":
            return "dg:ReasonMissing"
        deferred: str = self.rules["conditions"].get(asked.get("class"), {}).get("deferredAs", "dg:ReasonScreening")
        return deferred if blocks else "dg:ReasonScreening"

    def status(self, ground: Ground) -> str:
        status: str = self.rules["kinds"][ground.settled]["status"]
        return status

    def word(self, ground: Ground) -> str:
        kinds, barrier = self.rules["kinds"], self.barriers[ground.barrier]
        if ground.kind == "dg:ReasonPrerequisite" and not ground.open and any(map(self.problem, self.atoms(barrier["criterion"], False))):
            return "review"
        word: str = kinds[ground.kind]["whileOngoing"]
        if word == "stop" and barrier.get("startOnly"):
            return "review"
        settled: str = kinds[ground.settled]["whileOngoing"]
        return settled if ground.open and word != "yes" else word

    def problem(self, atom: str) -> bool:
        asked = self.rules["criteria"][atom]
        found = self.facts.get("foundProblemIn", ())
        passed = asked["fact"] == "fact:passed" and any(asked["class"] in self.rules["within"].get(c, ()) for c in found)
        return bool(self.truth[atom]) or passed

    def waits(self, regimens: list[Tree]) -> list[str]:
        weighed = self.rules["weight"].partition(":")[2] in self.facts
        truths = [(None if r["perKilogram"] and not weighed and truth else truth) for r, truth in ((r, self.population(r)) for r in regimens)]
        return ["undetermined"] if None in truths and True not in truths else []

    def population(self, regimen: Tree) -> bool | None:
        return True if regimen["population"] is None else self.truth[regimen["population"]]

    def ranks(self, eligible: dict[str, list[str]]) -> dict[str, str]:
        recs = self.rules["recommendations"]

        def plain(rec: Tree) -> float:
            if rec["adjunct"] or rec["order"] is None:
                return LAST
            return float(rec["laterOrder"] if rec["later"] and self.truth[rec["later"]] else rec["order"])

        def order(rec: Tree) -> float:
            others = (recs[r] for deciding in eligible.values() for r in deciding)
            lenders = [plain(r) for r in others if rec["ordersWith"] and r["step"] == rec["ordersWith"] and not r["ordersWith"] and not r["unranked"]]
            return min(lenders, default=plain(rec))

        orders = {t: min(order(recs[r]) for r in ds) for t, ds in eligible.items() if not any(recs[r]["unranked"] for r in ds)}
        places = sorted(set(orders.values()))
        return {t: str(places.index(o) + 1) for t, o in orders.items()}


def truths(kit: Path) -> Iterator[tuple[str, set[Pair], dict[str, bool | None]]]:
    """Case, facts and truth of each criterion, for all cases."""
    guideline = Graph().parse(kit / "guideline.ttl")
    criteria = Criteria(guideline)
    for folder in sorted((kit / "cases").iterdir()):
        found = facts(guideline, folder / "patient.ttl")
        yield folder.name, found, criteria.truths(found)


def verdicts(kit: Path, case: str, found: set[Pair], known: dict[str, bool | None]) -> Iterator[tuple[str, ...]]:
    """Case, therapy, status, rank and kinds of reason."""
    told: dict[str, list[str]] = {}
    for fact, value in found:
        told.setdefault(fact.removeprefix(str(FACT)), []).append(value.replace(AD, "ad:"))
    for verdict in Engine(rules(kit), {name.replace(AD, "ad:"): truth for name, truth in known.items()}, told).verdicts():
        yield case, *verdict


@cache
def rules(kit: Path) -> Tree:
    """The rules of a kit."""
    found: Tree = json.loads((kit / "rules.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    rows = (row for case, found, known in truths(Path(sys.argv[1])) for row in verdicts(Path(sys.argv[1]), case, found, known))
    csv.writer(sys.stdout, lineterminator="\n").writerows([("case", "therapy", "status", "rank", "because"), *rows])
