"""From the columns of the criteria to each therapy's status, with what it rests on as bit masks.

The relational twin of :mod:`dermograph.verdicts` and :mod:`dermograph.plan`: the same rule from the same index, for all patients
at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.barriers import Barriers
from dermograph.cohort.fitting import Fitting
from dermograph.cohort.layout import Layout
from dermograph.cohort.missing import Missing
from dermograph.cohort.places import Places
from dermograph.cohort.reasons import OUTSIDE, Reasons
from dermograph.cohort.truths import Truths
from dermograph.verdicts import PRECEDENCE

Tree = dict[str, Any]
Value = Any
INDICATED = "indicated-by"
_LAST = Decimal(10**6)


class Verdicts:
    """The stages from criteria to verdicts.

    :param layout: bits of the criteria.
    :param truths: the stages before.
    """

    def __init__(self, layout: Layout, truths: Truths) -> None:
        self.tree = layout.tree
        self.missing = Missing(layout, truths)
        self.barriers = Barriers(layout, truths)
        self.reasons = Reasons(self.barriers, self.missing)
        self.fitting = Fitting(truths, self.missing)
        self.places = Places(self.tree)
        self.orders: list[Decimal] = sorted(self._orders())

    def _orders(self) -> set[Decimal]:
        recs = self.tree["recommendations"].values()
        return {_LAST} | {Decimal(r[key]) for r in recs for key in ("order", "laterOrder") if r[key] is not None}

    def stages(self, before: str, schema: dict[str, Any], also: Sequence[str] = ()) -> Iterator[tuple[str, ir.Table]]:
        """What each recommendation gives, then each therapy, then the ranks.

        :param also: columns of earlier stages that are wanted beside the verdicts.
        """
        steps = {
            "groups": self._groups,
            "barriers": self.reasons.columns,
            "considered": self._considered,
            "statuses": self._statuses,
            "orders": self._ordered,
            "taken": self._taken,
            "ranks": self._ranks,
        }
        for name, columns in steps.items():
            rows = ibis.table(schema, name=before)
            stage = rows.mutate(**columns(rows))
            before, schema = name, dict(stage.schema().items())
            yield name, stage
        rows = ibis.table(schema, name=before)
        stops = [f"{rec} stops" for rec in self.tree["recommendations"]]
        weight = [self.fitting.weight] if self.fitting.weight else []
        beside = ["ageMonths", "sex", *weight, *also, *stops, *self.places.names]
        yield "verdicts", rows.select("patient", "asOf", "contradicts", *beside, **self._answers(rows))

    def _groups(self, rows: ir.Table) -> dict[str, Value]:
        """What is asked of the criteria: by barriers, by regimens and by the steps of the pathways."""
        return self.barriers.columns(rows) | self.fitting.columns(rows) | self.places.columns(rows)

    def _considered(self, rows: ir.Table) -> dict[str, Value]:
        """Recommendations that speak of the patient, at best of the disease too; all of them where none does."""
        found: dict[str, Value] = {}
        for therapy, row in self.tree["rows"].items():
            considered: dict[str, Value] = {r: ibis.literal(True) for r in row["recommendations"]}
            for kind in OUTSIDE:
                inside = {r: c & ~(rows[f"{r} {kind}"] | rows[f"{therapy} {kind}"]) for r, c in considered.items()}
                some = ibis.or_(*inside.values())
                considered = {r: inside[r] | (c & ~some) for r, c in considered.items()}
            for r, c in considered.items():
                found[f"{therapy} by {r}"] = c
                found[f"{therapy} as {r}"] = self._status_of(rows, therapy, r)
                found[f"{therapy} weight {r}"] = self._weight_of(rows, therapy, r)
        return found

    def _status_of(self, rows: ir.Table, therapy: str, rec: str) -> Value:
        """Place in the precedence of the status that a recommendation gives."""
        undetermined = rows[f"{rec} undetermined"] | rows[f"{therapy} undetermined"] | rows[f"{therapy} unfit"]
        return ibis.cases(
            (rows[f"{rec} excluded"] | rows[f"{therapy} excluded"], PRECEDENCE.index("excluded")),
            (rows[f"{rec} deferred"] | rows[f"{therapy} deferred"], PRECEDENCE.index("deferred")),
            (undetermined, PRECEDENCE.index("undetermined")),
            else_=PRECEDENCE.index("eligible"),
        )

    def _weight_of(self, rows: ir.Table, therapy: str, rec: str) -> Value:
        """Place of what a recommendation means for a therapy that is taken: stop, review or yes."""
        stop = rows[f"{rec} stop"] | rows[f"{therapy} stop"]
        review = rows[f"{rec} review"] | rows[f"{therapy} review"]
        return ibis.cases((stop, 0), (review, 1), else_=2)

    def _statuses(self, rows: ir.Table) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for therapy, row in self.tree["rows"].items():
            recs = row["recommendations"]
            ongoing = rows[row["ongoing"]].fill_null(False)
            of_considered = [ibis.ifelse(rows[f"{therapy} by {r}"], rows[f"{therapy} as {r}"], 0) for r in recs]
            best = of_considered[0] if len(recs) == 1 else ibis.greatest(*of_considered)
            status = ibis.ifelse(rows[f"{therapy} forced"], PRECEDENCE.index("excluded"), best)
            heaviest_parts = [ibis.ifelse(rows[f"{therapy} by {r}"], rows[f"{therapy} weight {r}"], 0) for r in recs]
            weight = heaviest_parts[0] if len(recs) == 1 else ibis.greatest(*heaviest_parts)
            status = ibis.ifelse(ongoing, 0, status)
            found[f"{therapy} status"] = status
            agree = [rows[f"{therapy} by {r}"] & (rows[f"{therapy} as {r}"] == status) for r in recs]
            some = ibis.or_(*agree)
            for r, agrees in zip(recs, agree, strict=True):
                wins = agrees | (rows[f"{therapy} by {r}"] & ~some)
                heavy = rows[f"{therapy} by {r}"] & (rows[f"{therapy} weight {r}"] == weight)
                found[f"{therapy} wins {r}"] = ibis.ifelse(ongoing, heavy, wins)
        return found

    def _ordered(self, rows: ir.Table) -> dict[str, Value]:
        """Because and missing of each therapy, and its place in the order of those that are eligible."""
        found: dict[str, Value] = {}
        indicated = 1 << self.reasons.kinds.index(INDICATED)
        taken = 1 << self.reasons.kinds.index("reassessment")
        for therapy, row in self.tree["rows"].items():
            status, recs = rows[f"{therapy} status"], row["recommendations"]

            def joined(key: str, therapy: str = therapy, recs: list[str] = recs) -> Value:
                own = rows[f"{therapy} {key}"]
                return reduce(or_, (ibis.ifelse(rows[f"{therapy} wins {r}"], rows[f"{r} {key}"] | own, 0) for r in recs))

            found[f"{therapy} because"] = ibis.cases(
                (status == 0, joined("because ongoing") | taken),
                (status == 1, joined("because excluded")),
                (status == 2, joined("because deferred")),
                else_=indicated,
            )
            lacking = joined("missing")
            found[f"{therapy} missing now"] = ibis.cases(
                (status == 0, joined("missing ongoing")), (status.isin([2, 3]), lacking | rows[f"{therapy} lacking"]), else_=0
            )
            found[f"{therapy} order"] = self._order(rows, therapy, recs)
        return found

    def _plain(self, rows: ir.Table, rec: Tree) -> Value:
        if rec["adjunct"] or rec["order"] is None:
            return self.orders.index(_LAST)
        order = self.orders.index(Decimal(rec["order"]))
        if not rec["later"]:
            return order
        return ibis.ifelse(rows[rec["later"]].fill_null(False), self.orders.index(Decimal(rec["laterOrder"])), order)

    def _order(self, rows: ir.Table, therapy: str, names: list[str]) -> Value:
        """Place of an eligible therapy among all orders; NULL where it stands outside the ranking."""
        recommendations, last = self.tree["recommendations"], len(self.orders)
        eligible = rows[f"{therapy} status"] == PRECEDENCE.index("eligible")
        parts, outside = [], []
        for name in names:
            rec, wins = recommendations[name], rows[f"{therapy} wins {name}"]
            order = self._plain(rows, rec)
            if rec["ordersWith"]:
                lent = [
                    ibis.ifelse(
                        (rows[f"{t} status"] == PRECEDENCE.index("eligible")) & rows[f"{t} wins {r}"], self._plain(rows, recommendations[r]), last
                    )
                    for t, row in self.tree["rows"].items()
                    for r in row["recommendations"]
                    if recommendations[r]["step"] == rec["ordersWith"] and not recommendations[r]["ordersWith"] and not recommendations[r]["unranked"]
                ]
                least = _least(lent) if lent else ibis.literal(last)
                order = ibis.ifelse(least < last, least, order)
            parts.append(ibis.ifelse(wins, order, last))
            if rec["unranked"]:
                outside.append(wins)
        return ibis.ifelse(eligible & ~ibis.or_(*outside), _least(parts), None)

    def _taken(self, rows: ir.Table) -> dict[str, Value]:
        """For each order, whether some therapy is eligible at it."""
        at = [[rows[f"{t} order"] == place for t in self.tree["rows"]] for place in range(len(self.orders))]
        return {f"taken {place}": ibis.or_(*here).fill_null(False) for place, here in enumerate(at)}

    def _ranks(self, rows: ir.Table) -> dict[str, Value]:
        """For each order, the rank of what is eligible at it: one more than the orders before it that are taken."""
        before = [rows[f"taken {place}"].cast("int8") for place in range(len(self.orders) - 1)]
        return {f"rank {place}": sum(before[:place], ibis.literal(1)) for place in range(len(self.orders))}

    def _answers(self, rows: ir.Table) -> dict[str, Value]:
        """What is told of each therapy: status, rank, reasons, what is missing and which regimens are offered."""
        found: dict[str, Value] = {}
        for therapy in self.tree["rows"]:
            status, order = rows[f"{therapy} status"], rows[f"{therapy} order"]
            ranks = ((order == place, rows[f"rank {place}"]) for place in range(len(self.orders)))
            found[f"{therapy} status"] = status.cast("int8")
            found[f"{therapy} rank"] = ibis.cases(*ranks, else_=None).cast("int8")
            found[f"{therapy} because"] = rows[f"{therapy} because"].cast("int32")
            found[f"{therapy} missing"] = rows[f"{therapy} missing now"].cast("int64")
            excluded = status == PRECEDENCE.index("excluded")
            found[f"{therapy} regimens"] = ibis.ifelse(excluded, 0, rows[f"{therapy} fits"]).cast("int32")
        return found


def _least(values: list[Value]) -> Value:
    return values[0] if len(values) == 1 else ibis.least(*values)
