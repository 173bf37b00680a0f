"""Where each patient stands in each pathway, as bits of its steps.

The relational twin of :func:`dermograph.plan.place`: the same walk over the same index, for all patients at once.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.plan import reachable

Tree = dict[str, Any]
Value = Any


class Places:
    """The columns of the pathways, three for each guideline.

    ``<guideline> applies`` is the truth of its population; ``<guideline> at`` and ``<guideline> next`` have a bit for each
    step, by its place in the order of the guideline.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [f"{guideline} {what}" for guideline in self.tree["guidelines"] for what in ("applies", "at", "next")]

    def columns(self, rows: ir.Table) -> dict[str, Value]:
        """The columns, from those of the criteria."""
        found: dict[str, Value] = {}
        for name, guideline in self.tree["guidelines"].items():
            applies = rows[guideline["population"]] if guideline["population"] else ibis.literal(True)
            walk = _Walk(self.tree, name, rows)
            found[f"{name} applies"] = applies
            for what, steps in (("at", walk.at), ("next", walk.following())):
                found[f"{name} {what}"] = ibis.ifelse(applies.fill_null(True), walk.word(steps), 0)
        return found


class _Walk:
    """The steps of one pathway, each with the condition under which the walk comes upon it.

    :param at: whether a patient stands there.
    """

    def __init__(self, tree: Tree, guideline: str, rows: ir.Table) -> None:
        self.order: list[str] = tree["guidelines"][guideline]["order"]
        self.steps = {step: tree["steps"][step] for step in self.order}
        self.left = {s: rows[t["exit"]].fill_null(False) for s, t in self.steps.items() if t["exit"]}
        self.entered = {s: rows[t["entry"]].fill_null(False) if t["entry"] else ibis.literal(True) for s, t in self.steps.items()}
        self.barred = {s: ~rows[t["entry"]].fill_null(True) for s, t in self.steps.items() if t["entry"]}
        self.at = self._at()

    def word(self, when: dict[str, Value]) -> Value:
        """Bits of steps that hold."""
        bits = (ibis.ifelse(when[step], 1 << place, 0) for place, step in enumerate(self.order) if step in when)
        return reduce(or_, bits, ibis.literal(0, type="int64"))

    def _at(self) -> dict[str, Value]:
        open_ = {s: self.entered[s] & ~self.left[s] if s in self.left else self.entered[s] for s in self.order}
        for first in self.order[:1]:
            open_[first] = open_[first] | ~ibis.or_(*self.entered.values())
        found = {}
        for step in self.order:
            before = [open_[s] for s in self.order if not self.steps[s]["optional"] and step in reachable(s, self.steps)]
            found[step] = open_[step] & ~ibis.or_(*before) if before else open_[step]
        return found

    def following(self) -> dict[str, Value]:
        """Whether each step comes next: it follows one where the patient stands, or one that follows and was already left."""
        found: dict[str, list[Value]] = {}
        for start, here in self.at.items():
            queue = [(step, here) for step in self.steps[start]["next"]]
            skipped: dict[str, list[Value]] = {}
            while queue:
                step, when = queue.pop(0)
                if step in self.left:
                    over, when = when & self.left[step], when & ~self.left[step]
                    queue += [(s, over) for s in self.steps[step]["next"]]
                    for s in self.steps[step]["next"]:
                        skipped.setdefault(s, []).append(over)
                if step in self.barred and step in skipped:
                    when = when & ~(ibis.or_(*skipped[step]) & self.barred[step])
                found.setdefault(step, []).append(when & ~self.at[step])
        return {step: ibis.or_(*values) for step, values in found.items()}
