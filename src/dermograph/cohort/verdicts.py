"""From the columns of the criteria to each therapy's status, with what it rests on as bit masks.

The relational twin of :mod:`dermograph.verdicts`, :mod:`dermograph.plan` and :mod:`dermograph.regimens`: the same rule of
``dg:ReasonKind`` from the same index, for all patients at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property, reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from dermograph.cohort.layout import SIZE, Layout
from dermograph.cohort.places import Places
from dermograph.cohort.references import column
from dermograph.cohort.truths import Truths
from dermograph.verdicts import PRECEDENCE

Tree = dict[str, Any]
Value = Any
INDICATED = "indicated-by"
_LAST = Decimal(10**6)
_ALL = (1 << SIZE) - 1
_OUTSIDE = ("dg:ReasonOutsidePopulation", "dg:ReasonOutsideIndication")


class _Given:
    """What the barriers of a recommendation or a therapy give, gathered.

    :param kinds: the kinds of reasons of the index.
    """

    def __init__(self, kinds: Tree) -> None:
        self.kinds = kinds
        self.by_status: dict[str, list[Value]] = {"excluded": [], "deferred": [], "undetermined": []}
        self.reasons: dict[str, list[tuple[str, Value]]] = {"excluded": [], "deferred": []}
        self.missing: list[tuple[str, Value]] = []
        self.missing_while_taken: list[tuple[str, Value]] = []
        self.weights: dict[str, list[Value]] = {"stop": [], "review": []}
        self.while_taken: list[tuple[str, Value]] = []

    def blocked(self, kind: str, when: Value) -> None:
        """Note that a kind of reason holds."""
        status = self.kinds[kind]["status"]
        self.by_status[status].append(when)
        self.reasons[status].append((kind, when))

    def taken(self, weight: str, kind: str, when: Value) -> None:
        """Note what a reason means for a therapy that is taken now."""
        if weight != "yes":
            self.weights[weight].append(when)
            self.while_taken.append((kind, when))

    def open(self, kind: str, given: str, start_only: bool, word: str, bits: Value) -> None:
        """Note what is open of barriers of a kind, and the kind of reason that this gives."""
        status, some = self.kinds[given]["status"], bits != 0
        weight = self.kinds[kind]["whileOngoing"]
        if weight == "stop" and start_only:
            weight = "review"
        elif weight != "yes":
            weight = self.kinds[given]["whileOngoing"]
        self.by_status[status].append(some)
        if status == "undetermined":
            self.missing.append((word, bits))
            if weight != "yes":
                self.weights[weight].append(some)
                self.missing_while_taken.append((word, bits))
        else:
            self.reasons[status].append((given, some))
            self.taken(weight, given, some)


class Verdicts:
    """The stages from criteria to verdicts.

    :param layout: bits of the criteria.
    :param truths: the stages before.
    """

    def __init__(self, layout: Layout, truths: Truths) -> None:
        self.layout, self.truths, self.tree = layout, truths, layout.tree
        self.kinds: list[str] = sorted({k["notation"] for k in self.tree["kinds"].values()})
        self.orders: list[Decimal] = sorted(self._orders())
        self.places = Places(self.tree)

    @cached_property
    def items(self) -> list[str]:
        """What may be missing: facts to record, by the place of their bit."""
        doses = {a for row in self.tree["rows"].values() for r in row["regimens"] if r["population"] for a in self._atoms(r["population"])}
        atoms = (a for a in self.layout.place if self.truths.may_be_open(a) and (self._measured(a) or a in doses))
        found = {self.item(name) for name in atoms}
        if self.tree["weight"]:
            found.add(self.tree["facts"][self.tree["weight"]]["recordedAs"])
        return sorted(found)

    def item(self, atom: str) -> str:
        """What has to be recorded to settle an atomic criterion."""
        criterion = self.layout.criteria[atom]
        if criterion.get("class") in self.tree["conditions"]:
            return str(criterion["class"])
        return str(self.tree["facts"][criterion["fact"]]["recordedAs"])

    def _orders(self) -> set[Decimal]:
        recs = self.tree["recommendations"].values()
        return {_LAST} | {Decimal(r[key]) for r in recs for key in ("order", "laterOrder") if r[key] is not None}

    # --- stages

    def stages(self, before: str, schema: dict[str, Any], also: Sequence[str] = ()) -> Iterator[tuple[str, ir.Table]]:
        """What each recommendation gives, then each therapy, then the ranks.

        :param also: columns of earlier stages that are wanted beside the verdicts.
        """
        steps = {
            "groups": self._groups,
            "barriers": self._barriers,
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
        weight = [self.weight] if self.weight else []
        beside = ["ageMonths", "sex", *weight, *also, *stops, *self.places.names]
        yield "verdicts", rows.select("patient", "asOf", "contradicts", *beside, **self._answers(rows))

    @property
    def weight(self) -> str:
        """Column of the weight; empty where the guideline has none."""
        return (self.tree["weight"] or "").partition(":")[2]

    # --- what barriers give

    def _blocks(self, rows: ir.Table, barriers: list[Tree]) -> Value:
        """Whether one of some barriers stands in the way; never NULL. Those that ask for a class are asked by their bits."""
        masks: dict[str, int] = {}
        found: list[Value] = []
        for barrier in barriers:
            name, criterion = barrier["criterion"], self.layout.criteria.get(barrier["criterion"], {})
            if name is None:
                return ibis.literal(True)
            if barrier["blocksWhen"] and "class" in criterion:
                word, bit = self.layout.place[name]
                masks[word] = masks.get(word, 0) | bit
            else:
                found.append(rows[name].fill_null(False) if barrier["blocksWhen"] else ~rows[name].fill_null(True))
        found += [(rows[column(word, "true")] & mask) != 0 for word, mask in masks.items()]
        return _any(found)

    def _opens(self, rows: ir.Table, barriers: list[Tree]) -> dict[str, Value]:
        """Words of what leaves barriers open, without what nobody has to ask about."""
        masks: dict[str, int] = {}
        found: dict[str, list[Value]] = {}
        for barrier in barriers:
            name = barrier["criterion"]
            if name is None:
                continue
            if self.truths.in_words(name):
                word, bit = self.layout.place[name]
                masks[word] = masks.get(word, 0) | bit
                continue
            for word in self.truths.openings_of(name):
                found.setdefault(word, []).append(self.truths.open(rows, name, word))
        for word, mask in masks.items():
            found.setdefault(word, []).append(rows[column(word, "unknown")] & mask)
        asked = barriers[0].get("screened")
        joined = {word: reduce(or_, bits) for word, bits in found.items()}
        return {word: self._dutiful(rows, bits, word, asked) for word, bits in joined.items()}

    def _dutiful(self, rows: ir.Table, bits: Value, word: str, asked: list[str] | None) -> Value:
        """Bits without those of conditions that must be screened for, that nobody asks about here, and at which nothing hints."""
        if asked is None or word[0] != "c":
            return bits
        conditions = self.tree["conditions"]
        idle = sum(
            bit
            for atom, (place, bit) in self.layout.place.items()
            if place == word and conditions.get(self.layout.criteria[atom]["class"], {}).get("screened") and atom not in asked
        )
        hinted = rows[column(word, "open")] | rows[column(word, "hint")]
        return bits & (hinted | (_ALL ^ idle)) if idle else bits

    def _atoms(self, name: str) -> set[str]:
        members = self.layout.criteria[name].get("members")
        return {name} if members is None else set().union(*(self._atoms(m) for m, _ in members))

    def _open_kinds(self, barriers: list[Tree], word: str) -> dict[str, int]:
        """Kinds of reasons that open parts of barriers give, with the bits of the parts."""
        found: dict[str, int] = {}
        for barrier in barriers:
            for atom in self._atoms(barrier["criterion"]) if barrier["criterion"] else ():
                place, bit = self.layout.place.get(atom, ("", 0))
                if place == word and self.truths.may_be_open(atom):
                    kind = self._open_kind(atom, barrier)
                    found[kind] = found.get(kind, 0) | bit
        return found

    def _open_kind(self, atom: str, barrier: Tree) -> str:
        criterion = self.layout.criteria[atom]
        if self._measured(atom):
            return "dg:ReasonMissing"
        if not barrier["blocksWhen"]:
            return "dg:ReasonScreening"
        return str(self.tree["conditions"].get(criterion.get("class"), {}).get("deferredAs", "dg:ReasonScreening"))

    # --- what recommendations and therapies give

    @cached_property
    def _nodes(self) -> dict[str, list[list[Tree]]]:
        """Barriers of each recommendation and therapy, those that give the same put together."""
        found: dict[str, list[list[Tree]]] = {}
        for name, node in (*self.tree["recommendations"].items(), *self.tree["rows"].items()):
            groups: dict[tuple[str, bool, bool], list[Tree]] = {}
            for barrier in node["barriers"]:
                groups.setdefault((barrier["kind"], bool(barrier.get("startOnly")), "screened" in barrier), []).append(barrier)
            found[name] = list(groups.values())
        return found

    def _groups(self, rows: ir.Table) -> dict[str, Value]:
        """For each group of barriers: whether one stands in the way, the words of what is open, and what is special about it."""
        found: dict[str, Value] = {}
        for name, groups in self._nodes.items():
            for number, alike in enumerate(groups):
                found[f"{name} {number} blocks"] = self._blocks(rows, alike)
                found |= {f"{name} {number} open {word}": bits for word, bits in self._opens(rows, alike).items()}
                ask = {"dg:ReasonPrerequisite": self._problem, "dg:ReasonEarlierStep": self._too_brief}.get(alike[0]["kind"])
                told = [(b, when) for b in alike if ask and (when := ask(rows, b["criterion"], False)) is not None]
                if told:
                    found[f"{name} {number} told"] = _any([self._blocks(rows, [b]) & when for b, when in told])
        for name, node in self.tree["recommendations"].items():
            found[f"{name} stops"] = self._stops(rows, node["barriers"])
        for therapy, row in self.tree["rows"].items():
            found |= self._fitting(rows, therapy, row)
        return found | self.places.columns(rows)

    def _barriers(self, rows: ir.Table) -> dict[str, Value]:
        """For each recommendation and therapy: statuses and reasons that follow, what is missing, and what that means while taken."""
        found: dict[str, Value] = {}
        for name in self._nodes:
            found |= self._given(rows, name)
        return found

    def _given(self, rows: ir.Table, name: str) -> dict[str, Value]:
        given = _Given(self.tree["kinds"])
        outside: dict[str, Value] = {kind: ibis.literal(False) for kind in _OUTSIDE}
        forced: list[Value] = []
        for number, alike in enumerate(self._nodes[name]):
            kind, start_only, blocked = alike[0]["kind"], bool(alike[0].get("startOnly")), rows[f"{name} {number} blocks"]
            told = rows[f"{name} {number} told"] if f"{name} {number} told" in rows.columns else None
            if self.tree["kinds"][kind]["fromTherapy"]:
                forced.append(blocked)
            if kind in outside:
                outside[kind] = blocked
            given.blocked(kind, blocked)
            meaning = self.tree["kinds"][kind]["whileOngoing"]
            given.taken("review" if meaning == "stop" and start_only else meaning, kind, blocked)
            if told is not None and kind == "dg:ReasonPrerequisite":
                given.taken("review", kind, told)
            if told is not None and kind == "dg:ReasonEarlierStep":
                given.blocked("dg:ReasonTrialTooShort", told)
            for word in self._words_of(alike):
                for open_kind, mask in self._open_kinds(alike, word).items():
                    given.open(kind, open_kind, start_only, word, rows[f"{name} {number} open {word}"] & mask)
        found = {f"{name} {status}": _any(values) for status, values in given.by_status.items()}
        found |= {f"{name} because {status}": self._mask(values) for status, values in given.reasons.items()}
        found[f"{name} missing"] = self._missing(given.missing)
        found[f"{name} missing ongoing"] = self._missing(given.missing_while_taken)
        found |= {f"{name} {weight}": _any(values) for weight, values in given.weights.items()}
        found[f"{name} because ongoing"] = self._mask(given.while_taken)
        found[f"{name} forced"] = _any(forced)
        return found | {f"{name} {kind}": blocked for kind, blocked in outside.items()}

    def _words_of(self, alike: list[Tree]) -> list[str]:
        return sorted({word for b in alike if b["criterion"] for word in self.truths.openings_of(b["criterion"])})

    def _stops(self, rows: ir.Table, barriers: list[Tree]) -> Value:
        """First barrier of a recommendation that a patient does not pass, counted from 1, negative where it is open; 0 where all are passed."""
        cases = []
        for place, barrier in enumerate(barriers, start=1):
            cases.append((self._blocks(rows, [barrier]), place))
            if barrier["criterion"]:
                cases.append((rows[barrier["criterion"]].isnull(), -place))
        return ibis.cases(*cases, else_=0).cast("int8") if cases else ibis.literal(0, type="int8")

    def _mask(self, reasons: Iterable[tuple[str, Value]]) -> Value:
        """Bits of the kinds of reasons that hold."""
        by_kind: dict[str, list[Value]] = {}
        for kind, when in reasons:
            by_kind.setdefault(self.tree["kinds"][kind]["notation"], []).append(when)
        bits = [ibis.ifelse(_any(values), 1 << self.kinds.index(kind), 0) for kind, values in by_kind.items()]
        return reduce(or_, bits) if bits else ibis.literal(0)

    def _missing(self, parts: list[tuple[str, Value]]) -> Value:
        """Bits of what has to be recorded, from the words of what is open."""
        by_word: dict[str, list[Value]] = {}
        for word, bits in parts:
            by_word.setdefault(word, []).append(bits)
        found = []
        for word, bits_of in by_word.items():
            joined = reduce(or_, bits_of)
            for item, mask in self._masks_of_items.get(word, {}).items():
                found.append(ibis.ifelse((joined & mask) != 0, 1 << self.items.index(item), 0))
        return reduce(or_, found) if found else ibis.literal(0)

    @cached_property
    def _masks_of_items(self) -> dict[str, dict[str, int]]:
        """For each word, the bits of the atomic criteria that wait for each thing to record."""
        found: dict[str, dict[str, int]] = {}
        for atom, (word, bit) in self.layout.place.items():
            if self.truths.may_be_open(atom) and self.item(atom) in self.items:
                masks, item = found.setdefault(word, {}), self.item(atom)
                masks[item] = masks.get(item, 0) | bit
        return found

    def _measured(self, atom: str) -> bool:
        return bool(self.tree["facts"][self.layout.criteria[atom]["fact"]]["silence"] == "dg:SilenceIsUnknown")

    def _too_brief(self, rows: ir.Table, name: str, truth: bool) -> Value | None:
        """Whether a criterion is what it is because of a trial that was too short and that no verdict of its own tells."""
        criterion = self.layout.criteria[name]
        if "members" not in criterion:
            brief = self.tree["brief"].get(criterion.get("class"))
            if truth or criterion["fact"] != "fact:failed" or brief is None or criterion["class"] in self.tree["rows"]:
                return None
            return ~rows[name].fill_null(True) & rows[brief].fill_null(False)
        return self._within(rows, name, truth, self._too_brief)

    def _problem(self, rows: ir.Table, name: str, truth: bool) -> Value | None:
        """Whether a criterion is what it is because something was found, not because nobody looked."""
        criterion = self.layout.criteria[name]
        if "members" in criterion:
            return self._within(rows, name, truth, self._problem)
        if truth:
            return rows[name].fill_null(False)
        if criterion["fact"] != "fact:passed":
            return None
        found = self.layout.found_in(criterion["class"])
        return ~rows[name].fill_null(True) & ((rows["found"] & found) != 0)

    def _within(self, rows: ir.Table, name: str, truth: bool, ask: Any) -> Value | None:
        members = [ask(rows, m, truth if positive else not truth) for m, positive in self.layout.criteria[name]["members"]]
        told = [m for m in members if m is not None]
        if not told:
            return None
        holds = rows[name].fill_null(False) if truth else ~rows[name].fill_null(True)
        return holds & reduce(or_, told)

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
        lacking = self._missing(missing)
        if weightless:
            item = 1 << self.items.index(self.tree["facts"][self.tree["weight"]]["recordedAs"])
            lacking = lacking | ibis.ifelse(_any(weightless), item, 0)
        return {
            f"{therapy} fits": self._chosen(row, fits),
            f"{therapy} unfit": none & _any(open_ + weightless),
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

    # --- statuses

    def _considered(self, rows: ir.Table) -> dict[str, Value]:
        """Recommendations that speak of the patient, at best of the disease too; all of them where none does."""
        found: dict[str, Value] = {}
        for therapy, row in self.tree["rows"].items():
            considered: dict[str, Value] = {r: ibis.literal(True) for r in row["recommendations"]}
            for kind in _OUTSIDE:
                inside = {r: c & ~(rows[f"{r} {kind}"] | rows[f"{therapy} {kind}"]) for r, c in considered.items()}
                some = _any(list(inside.values()))
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
            some = _any(agree)
            for r, agrees in zip(recs, agree, strict=True):
                wins = agrees | (rows[f"{therapy} by {r}"] & ~some)
                heavy = rows[f"{therapy} by {r}"] & (rows[f"{therapy} weight {r}"] == weight)
                found[f"{therapy} wins {r}"] = ibis.ifelse(ongoing, heavy, wins)
        return found

    def _ordered(self, rows: ir.Table) -> dict[str, Value]:
        """Because and missing of each therapy, and its place in the order of those that are eligible."""
        found: dict[str, Value] = {}
        indicated = 1 << self.kinds.index(INDICATED)
        taken = 1 << self.kinds.index("reassessment")
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
        return ibis.ifelse(eligible & ~_any(outside), _least(parts), None)

    def _taken(self, rows: ir.Table) -> dict[str, Value]:
        """For each order, whether some therapy is eligible at it."""
        at = [[rows[f"{t} order"] == place for t in self.tree["rows"]] for place in range(len(self.orders))]
        return {f"taken {place}": _any(here).fill_null(False) for place, here in enumerate(at)}

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


def _any(values: list[Value]) -> Value:
    return reduce(or_, values) if values else ibis.literal(False)


def _least(values: list[Value]) -> Value:
    return values[0] if len(values) == 1 else ibis.least(*values)
