"""Ranks, the place in the pathway, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dermograph.assessment import GuidelineUse, Place
from dermograph.case import Case
from dermograph.verdicts import Judged

Tree = dict[str, Any]
_LAST = Decimal(10**6)


def ranks(case: Case, judged: Sequence[Judged]) -> dict[str, int | None]:
    """Rank of each eligible therapy: dense, 1 the best, equal where the guideline does not order.

    Adjuncts share the last rank; what stands outside the ranking has none.
    """
    recommendations = case.tree["recommendations"]
    eligible = {j.therapy: [recommendations[r] for r in j.winners] for j in judged if j.status == "eligible"}

    def plain(rec: Tree) -> Decimal:
        if rec["adjunct"] or rec["order"] is None:
            return _LAST
        return Decimal(rec["laterOrder"] if rec["later"] and case.holds(rec["later"]) else rec["order"])

    def order(rec: Tree) -> Decimal:
        if not rec["ordersWith"]:
            return plain(rec)
        lenders = [
            plain(r) for recs in eligible.values() for r in recs if r["step"] == rec["ordersWith"] and not r["ordersWith"] and not r["unranked"]
        ]
        return min(lenders, default=plain(rec))

    ordered = {t: min(order(r) for r in recs) for t, recs in eligible.items() if not any(r["unranked"] for r in recs)}
    places = {o: place for place, o in enumerate(sorted(set(ordered.values())), start=1)}
    return {j.therapy: places[ordered[j.therapy]] if j.therapy in ordered else None for j in judged}


def guidelines(case: Case) -> tuple[GuidelineUse, ...]:
    """Whether each guideline speaks of the patient."""
    return tuple(GuidelineUse(g, t["version"], case.holds(t["population"]), tuple(t["statements"])) for g, t in case.tree["guidelines"].items())


def place(case: Case) -> tuple[Place, ...]:
    """Where the patient stands in each pathway, and which steps come next.

    The patient stands at every step that is open, that is, entered and not yet left, unless an earlier open step that
    may not be passed over leads to it; where nothing is open yet, at the first. Next are the steps that follow, those already left skipped.
    """
    return tuple(_place(case, guideline) for guideline in case.tree["guidelines"])


def _place(case: Case, guideline: str) -> Place:
    steps = {s: t for s, t in case.tree["steps"].items() if t["guideline"] == guideline}
    if case.holds(case.tree["guidelines"][guideline]["population"]) is False:
        return Place(guideline, (), ())
    order = case.tree["guidelines"][guideline]["order"]

    def left(step: str) -> bool:
        return bool(steps[step]["exit"]) and case.holds(steps[step]["exit"]) is True

    entered = [s for s in order if case.holds(steps[s]["entry"]) is True]
    open_ = [s for s in entered if not left(s)] if entered else order[:1]
    behind: set[str] = set()
    for step in open_:
        if not steps[step]["optional"]:
            behind |= reachable(step, steps)
    at = [s for s in open_ if s not in behind]
    following: dict[str, None] = {}
    for step in at:
        queue = list(steps[step]["next"])
        skipped: set[str] = set()
        while queue:
            nxt = queue.pop(0)
            if left(nxt):
                queue += steps[nxt]["next"]
                skipped |= set(steps[nxt]["next"])
            elif nxt not in at and not (nxt in skipped and case.holds(steps[nxt]["entry"]) is False):
                following[nxt] = None
    return Place(guideline, tuple(at), tuple(s for s in order if s in following))


def reachable(step: str, steps: dict[str, Tree]) -> set[str]:
    """Steps that a step leads to, near or far."""
    found: set[str] = set()
    queue = list(steps[step]["next"])
    while queue:
        nxt = queue.pop()
        if nxt not in found:
            found.add(nxt)
            queue += steps[nxt]["next"]
    return found


def assumptions(case: Case) -> tuple[str, ...]:
    """Condition classes that were taken as absent and that would otherwise bar, reorder, dose or caution a therapy."""
    tree, truths = case.tree, case.truths
    return tuple(c for c, names in tree["assumable"].items() if any(truths.assumed.get(n, 0) >> case.place & 1 for n in names))
