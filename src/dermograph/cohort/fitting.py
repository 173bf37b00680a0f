"""From the columns of the criteria to the regimens that fit, therapy by therapy: the relational twin of :mod:`dermograph.regimens`."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.missing import Missing
from dermograph.cohort.truths import Truths

Tree = dict[str, Any]
Value = Any


class Fitting:
    """The regimens that fit a patient.

    :param truths: the stages before.
    :param missing: bits of what may be missing.
    """

    def __init__(self, truths: Truths, missing: Missing) -> None:
        self.truths, self.missing, self.tree = truths, missing, missing.tree

    @property
    def weight(self) -> str:
        """Column of the weight; empty where the guideline has none."""
        return (self.tree["weight"] or "").partition(":")[2]

    def columns(self, rows: ir.Table) -> dict[str, Value]:
        """For each therapy: regimens to offer, whether none fits yet, and what is lacking for one."""
        return {name: value for therapy, row in self.tree["rows"].items() for name, value in self._fitting(rows, therapy, row).items()}

    def _fitting(self, rows: ir.Table, therapy: str, row: Tree) -> dict[str, Value]:
        """Regimens that fit, as bits of their place, and what leaves all of them open."""
        offered = [(place, r) for place, r in enumerate(row["regimens"]) if not r["exampleOnly"] and r["verified"]]
        weight = rows[self.weight] if self.weight else ibis.null("float64")
        fits, weightless, open_ = [], [], []
        missing: list[tuple[str, Value]] = []
        for place, regimen in offered:
            name = regimen["population"]
            holds = rows[name].fill_null(False) if name else ibis.literal(True)
            if regimen["perKilogram"]:
                fits.append((place, holds & weight.notnull()))
                weightless.append(holds & weight.isnull())
            else:
                fits.append((place, holds))
            if name:
                open_.append(rows[name].isnull())
                for word in self.truths.openings_of(name):
                    missing.append((word, self.truths.open(rows, name, word)))
        mask = reduce(or_, (ibis.ifelse(when, 1 << place, 0) for place, when in fits)) if fits else ibis.literal(0)
        none = mask == 0
        lacking = self.missing.bits(missing)
        if weightless:
            item = 1 << self.missing.items.index(self.tree["facts"][self.tree["weight"]]["recordedAs"])
            lacking = lacking | ibis.ifelse(ibis.or_(*weightless), item, 0)
        return {
            f"{therapy} fits": self._chosen(row, fits),
            f"{therapy} unfit": none & ibis.or_(*open_ + weightless),
            f"{therapy} lacking": ibis.ifelse(none, lacking, 0),
        }

    def _chosen(self, row: Tree, fits: list[tuple[int, Value]]) -> Value:
        """Bits of the regimens to offer: of those that fit, those of the first source that has any."""
        by_source: dict[int, list[tuple[int, Value]]] = {}
        for place, when in fits:
            by_source.setdefault(int(row["regimens"][place]["authorityOrder"]), []).append((place, when))
        chosen: Value = ibis.literal(0)
        for source in sorted(by_source, reverse=True):
            mask = reduce(or_, (ibis.ifelse(when, 1 << place, 0) for place, when in by_source[source]))
            chosen = ibis.ifelse(mask != 0, mask, chosen)
        return chosen
