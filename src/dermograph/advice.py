"""A verdict put into words: its reasons, what to bear in mind, what to test, when to judge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from dermograph.amounts import Amount
from dermograph.assessment import Item, Missing, Reason, Reassess, Recommendation, Strength
from dermograph.case import Case
from dermograph.regimens import without_dose
from dermograph.verdicts import Ground, Judged, gives

Tree = dict[str, Any]


def reasons(case: Case, judged: Judged) -> tuple[Reason, ...]:
    """Grounds of a status as reasons with their facts and sources."""
    tree = case.tree
    found: dict[Reason, None] = {}
    if judged.status == "ongoing":
        row = tree["rows"][judged.therapy]
        cited, sources = _cited(tree, judged.winners)
        label = tree["criteria"][row["ongoing"]]["label"]
        found[Reason("reassessment", row["ongoing"], label, case.used(row["ongoing"], True), cited, sources)] = None
    if judged.status in {"eligible", "undetermined"}:
        for name in judged.winners:
            rec = tree["recommendations"][name]
            facts = dict.fromkeys(
                f for b in rec["barriers"] if b["criterion"] and case.holds(b["criterion"]) for f in case.used(b["criterion"], True)
            )
            asked = [b["criterion"] for b in rec["barriers"] if b["criterion"]]
            rests_on = dict.fromkeys(rec["statements"] + [s for c in asked for s in tree["criteria"][c]["statements"]])
            found[Reason("indicated-by", rec["population"], rec["label"], tuple(facts), tuple(rests_on), tuple(rec["sources"]))] = None
    for g in judged.grounds:
        if gives(case, g) == "undetermined":
            continue
        kind = tree["kinds"][g.gives]["notation"]
        barrier, criterion = g.barrier, g.atom or g.barrier["criterion"]
        facts = {} if criterion is None or g.atom else dict.fromkeys(case.used(criterion, barrier["blocksWhen"]))
        defined = tree["criteria"][barrier["criterion"]]["statements"] if barrier["criterion"] else []
        own = barrier["statements"] or defined or barrier["sources"]
        said = tuple(dict.fromkeys([*barrier["statements"], *defined])), tuple(barrier["sources"])
        statements, sources = said if own else _cited(tree, judged.winners)
        found[Reason(kind, criterion, _label(case, g), tuple(facts), statements, sources)] = None
    return tuple(found)


def _label(case: Case, ground: Ground) -> str:
    criteria, barrier = case.tree["criteria"], ground.barrier
    if ground.atom:
        return f"not known whether the patient {criteria[ground.atom]['label']}"
    if barrier["criterion"] is None:
        label: str = barrier["label"]
        return label
    phrase = criteria[barrier["criterion"]]["label"]
    if barrier["blocksWhen"]:
        return f"the patient {phrase}" if barrier["label"] in phrase else f"the patient {phrase}: {barrier['label']}"
    return f"not met: the patient {phrase}"


def _cited(tree: Tree, recommendations: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Statements that recommendations cite, or, where the documents say nothing of them, their references."""
    statements, sources = (tuple(dict.fromkeys(s for r in recommendations for s in tree["recommendations"][r][k])) for k in ("statements", "sources"))
    return statements, () if statements else sources


def missing(case: Case, judged: Iterable[Judged]) -> dict[str, Missing]:
    """Facts that are not on record, each with every therapy that it decides."""
    decides: dict[str, list[str]] = {}
    for j in judged:
        for fact in j.missing:
            decides.setdefault(fact, []).append(j.therapy)
    return {f: Missing(f, case.tree["labels"].get(f, f), tuple(therapies)) for f, therapies in decides.items()}


def recommendations(tree: Tree, therapy: str) -> tuple[Recommendation, ...]:
    """What the guidelines say of a therapy, whoever the patient is; put together once."""
    row = tree["rows"][therapy]
    kept: tuple[Recommendation, ...] | None = row.get("told")
    if kept is None:
        kept = row["told"] = _recommendations(tree, therapy)
    return kept


def _recommendations(tree: Tree, therapy: str) -> tuple[Recommendation, ...]:
    return tuple(
        Recommendation(
            name,
            rec["guideline"],
            rec["direction"],
            Strength(rec["strength"], rec["scale"]),
            rec["certainty"],
            tuple(rec["statements"]),
        )
        for name in tree["rows"][therapy]["recommendations"]
        for rec in [tree["recommendations"][name]]
    )


def cautions(case: Case, judged: Judged) -> tuple[Item, ...]:
    """What to bear in mind: cautions that hold, those that cannot be told, and notes that always go with the therapy."""
    dose = without_dose(case, judged.therapy, judged.fitting) if judged.status != "excluded" else ()
    found: dict[Item, None] = dict.fromkeys(dose)
    truth = case.truth
    for tree in case.tree["rows"][judged.therapy]["cautions"]:
        holds = tree["criterion"] is None or truth[tree["criterion"]]
        if holds:
            found[_item(case, tree)] = None
        elif holds is None and tree["kind"] == "relative-contraindication":
            item = _item(case, tree)
            found[replace(item, label=f"not known: {item.label}")] = None
        elif holds is None and any(case.suspects(case.tree["criteria"][a].get("class")) for a in case.atoms(tree["criterion"], None)):
            item = _item(case, tree)
            found[replace(item, label=f"suspected: {item.label}")] = None
    return tuple(found)


def items(case: Case, trees: Iterable[Tree]) -> tuple[Item, ...]:
    """Tests that go with a therapy for this patient."""
    return tuple(dict.fromkeys(_item(case, t) for t in trees if case.holds(t["criterion"]) is not False))


def duties(case: Case, trees: Iterable[Tree]) -> tuple[Item, ...]:
    """Screening tests of a therapy, told apart by whether they are still open."""
    found = []
    for t in trees:
        gate = case.tree["criteria"][t["criterion"]].get("gate")
        if gate and case.holds(gate) is False:
            continue
        found.append(_duty(t, "open" if case.holds(t["criterion"]) is None else "known"))
    return tuple(found)


def _duty(tree: Tree, kind: str) -> Item:
    """A screening test as it stands in the index, put together once for each kind."""
    kept: Item | None = tree.get(kind)
    if kept is None:
        kept = tree[kind] = replace(_note(tree), kind=kind, label=tree["label"], schedule=None)
    return kept


def _item(case: Case, tree: Tree) -> Item:
    note = _note(tree)
    if note.subject is None and tree["criterion"]:
        return replace(note, subject=_subject(case, tree["criterion"]))
    return note


def _note(tree: Tree) -> Item:
    """A caution or test as it stands in the index, put together once."""
    kept: Item | None = tree.get("item")
    if kept is None:
        label = tree["label"]
        if tree["scheduleText"]:
            label += f": {tree['scheduleText']}"
        if tree["authority"]:
            label += f" ({tree['authority']})"
        if not tree["verified"]:
            label += " (not seen in a source)"
        kept = Item(tree["kind"], label, tree["subject"], Amount.of(tree["schedule"]), tuple(tree["statements"]), tuple(tree["sources"]))
        tree["item"] = kept
    return kept


def _subject(case: Case, criterion: str) -> str | None:
    """What a caution is about: the class recorded, else the class or measurement that its criterion asks for."""
    classes = [f.fact for f in case.used(criterion, True) if f.fact in case.tree["within"]]
    if classes:
        return classes[0]
    for atom in case.atoms(criterion, True) or [criterion]:
        definition = case.tree["criteria"][atom]
        if "class" in definition:
            return str(definition["class"])
        if "fact" in definition:
            measured = case.tree["facts"][definition["fact"]]
            return str(measured["measures"] or measured["recordedAs"])
    return None


def expired(case: Case) -> tuple[Item, ...]:
    """Records that are too old to count, as cautions."""
    today = dt.date.fromisoformat(case.record.as_of)
    mine = case.facts[case.me]
    used = {str(v) for p, v in mine if p in {"dg:evidence", "fact:underwent"}}
    spoken = {case.of(node, "rdf:type") for node in used}
    found = []
    for node in (str(v) for p, v in mine if p in {"pt:observation", "pt:assessment"}):
        cls, date = case.of(node, "rdf:type"), case.of(node, "pt:date")
        days = case.tree["validity"].get(cls)
        if node in used or cls in spoken or not days or not date:
            continue
        age = (today - dt.date.fromisoformat(str(date))).days
        if age > int(Decimal(days)):
            value = case.of(node, "pt:value")
            what = f"{case.tree['labels'].get(cls, cls)} of {date}" + (f", {value} {case.of(node, 'pt:unit')}," if value is not None else "")
            label = f"{what} is {age} days old and no longer counts"
            found.append(Item("expired-record", label, cls))
    return tuple(sorted(dict.fromkeys(found), key=lambda item: item.label))


def reassess(case: Case, therapy: str) -> Reassess | None:
    """When the effect of a therapy is judged, with the day for a course that goes on."""
    row = case.tree["rows"][therapy]
    responses = [r for r in row["response"] if r["after"] and r["verified"] and case.holds(r["criterion"]) is not False]
    if not responses:
        return None
    first = min(responses, key=lambda r: (not r["statements"], int(r["order"]), Amount.of(r["after"]).top() or 0, r["label"]))  # type: ignore[union-attr]
    after = Amount.of(first["after"])
    assert after is not None
    starts = _starts(case, therapy)
    on = _later(dt.date.fromisoformat(max(starts)), after, row["trialDays"]) if starts else None
    return Reassess(after, on.isoformat() if on else None, tuple(first["statements"]), tuple(first["sources"]))


def _starts(case: Case, therapy: str) -> list[str]:
    return [
        str(start)
        for p, v in case.facts[case.me]
        if p == "fact:takes" and therapy in case.tree["within"].get(case.of(str(v), "rdf:type"), ())
        if (start := case.of(str(v), "pt:start")) is not None
    ]


def _limits(case: Case, therapy: str) -> Iterator[dt.date]:
    """Days on which a course that goes on comes to the end that a source sets it."""
    for tree in case.tree["rows"][therapy]["cautions"]:
        length = Amount.of(tree["schedule"])
        if tree["kind"] == "course-limit" and length and tree["verified"] and case.holds(tree["criterion"]):
            for start in _starts(case, therapy):
                day = _later(dt.date.fromisoformat(start), length, None)
                if day is not None:
                    yield day


def continuation(case: Case, judged: Judged) -> str | None:
    """Whether a therapy that is taken now should go on: ``yes``, ``review`` or ``stop``."""
    if judged.status != "ongoing":
        return None
    if judged.continuation != "yes":
        return judged.continuation
    due = reassess(case, judged.therapy)
    weighed = any(
        case.holds(t["criterion"]) and (t["kind"] == "relative-contraindication" or t["effect"] in {"dg:Switch", "dg:Adjust"})
        for t in case.tree["rows"][judged.therapy]["cautions"]
        if t["criterion"]
    )
    late = due is not None and due.on is not None and due.on <= case.record.as_of
    late = late or any(day.isoformat() < case.record.as_of for day in _limits(case, judged.therapy))
    return "review" if late or weighed or judged.fitting.none else "yes"


def _later(start: dt.date, after: Amount, trial_days: str | None) -> dt.date | None:
    """Day on which the time after a start is over; where it is not counted in time, the day an adequate trial is. None beyond the calendar."""
    try:
        return _counted(start, after, trial_days)
    except (OverflowError, ValueError):
        return None


def _counted(start: dt.date, after: Amount, trial_days: str | None) -> dt.date | None:
    top = after.top()
    if top is None:
        return None
    if after.unit not in {"d", "wk", "mo"}:
        return start + dt.timedelta(days=int(trial_days)) if trial_days else None
    days = {"d": 1, "wk": 7}.get(after.unit)
    if days:
        return start + dt.timedelta(days=float(top * days))
    if after.unit == "mo":
        months = start.year * 12 + start.month - 1 + int(top)
        year, month = divmod(months, 12)
        last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
        return dt.date(year, month + 1, min(start.day, last))
    return None
