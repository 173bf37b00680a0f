"""Cards: https://cds-hooks.hl7.org/2.0/#cds-service-response.

One card tells one thing. ``critical`` is kept for what harms whatever the disease, a contraindication or an interaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dermograph import render
from dermograph.assessment import Assessment, Item, Reason, TherapyVerdict
from dermograph.fhir.report import Line
from dermograph.fhir.terminology import ALIASES, Strength, Terminology
from dermograph.service.cds import doses, models
from dermograph.service.cds.orders import Draft
from dermograph.service.cds.words import cited, listed, md, reason, regimens, short
from dermograph.terms import PREFIXES

Tree = dict[str, Any]
Indicator = Literal["info", "warning", "critical"]
OWN = "https://w3id.org/dermograph/CodeSystem/"
TOPICS = {"eligible": "Open to the patient", "taken": "Taken now", "record": "To be recorded", "order": "An order"}
"""What a card may be about."""
REASONS = {
    "weighed": "Weighed, and the benefit prevails",
    "other-disease": "It is given for another disease",
    "record-out-of-date": "The record does not tell how things are",
    "arranged": "It is arranged already",
    "wish": "The patient wishes otherwise",
}
"""Why a card may be put aside."""
MOST = 5
"""Most suggestions of a card."""
_WEIGHTY = {"relative-contraindication", "no-regimen", "interaction"}
_ORDERABLE = ("dg:Assessment", "dg:Observable")
_UNKNOWN = {"no mapping": "its code is not known here"}
"""Words for a clinician, where those of the report are others."""
_CONTINUE = ("yes", "review", "stop")


@dataclass(frozen=True)
class Table:
    """What cards are made with.

    :param call: unique name of the call; cards of one call that tell the same have the same name.
    :param patient: id of the patient.
    :param base: address of this service, where it is known.
    :param missed: records that were not understood and could matter.
    """

    tree: Tree
    codes: Terminology
    call: str
    patient: str
    base: str
    missed: int

    def card(
        self, topic: str, about: str, indicator: Indicator, summary: str, detail: Sequence[str], guidelines: Iterable[str], **more: Any
    ) -> models.Card:
        """A card.

        :param about: what tells it from other cards of its topic.
        :param detail: parts in Markdown.
        :param guidelines: who says so.
        """
        names = list(dict.fromkeys(guidelines)) or list(self.tree["guidelines"])
        labels = [self.tree["guidelines"][name]["label"] for name in names]
        notes = [f"Records that were sent and not understood, though they could matter: {self.missed}."] if self.missed else []
        page = f"{self.base}/guidelines/" if self.base else None
        reasons = [models.Coding(system=OWN + "override-reasons", code=c, display=d) for c, d in REASONS.items()]
        return models.Card(
            uuid=self.unique(topic, about),
            summary=short(summary),
            detail="\n\n".join([*filter(None, detail), *notes, render.DISCLAIMER]),
            indicator=indicator,
            source=models.Source(
                label="; ".join(labels), url=page, topic=models.Coding(system=OWN + "cds-topics", code=topic, display=TOPICS[topic])
            ),
            overrideReasons=None if indicator == "info" else reasons,
            links=[models.Link(label=label, url=page) for label in labels] if page else None,
            **more,
        )

    def unique(self, *parts: str) -> str:
        """A name that the same call gives the same thing."""
        return str(uuid.uuid5(uuid.UUID(self.call), "\n".join(parts)))

    def tests(self, names: Iterable[str]) -> dict[str, Any]:
        """Suggestions to order what can be ordered of some facts."""
        wanted = [n for n in dict.fromkeys(names) if any(kind in self.tree["within"].get(n, ()) for kind in _ORDERABLE)][:MOST]
        if not wanted:
            return {}
        return {"suggestions": [self._test(name) for name in wanted], "selectionBehavior": "any"}

    def _test(self, name: str) -> models.Suggestion:
        label = self.tree["labels"].get(name, name)
        prefix, _, local = name.partition(":")
        known = sorted(
            key
            for key, found in self.codes.meanings.items()
            if key[0] in ALIASES.values() and any(m.name == name and m.strength is Strength.EXACT for m in found)
        )
        codes = [*known, (PREFIXES[prefix].rstrip("#"), local)]
        resource = {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "order",
            "code": {"coding": [{"system": system, "code": code} for system, code in codes], "text": label},
            "subject": {"reference": f"Patient/{self.patient}"},
        }
        action = models.Action(type="create", description=f"Order {label}", resource=resource)
        return models.Suggestion(label=f"Order {label}", uuid=self.unique("test", name), actions=[action])

    def removal(self, draft: Draft, label: str) -> dict[str, Any]:
        """The suggestion to take an order back."""
        if draft.reference is None:
            return {}
        action = models.Action(type="delete", description=f"Take back the order of {label}", resourceId=draft.reference)
        one = models.Suggestion(label=f"Take back the order of {label}", uuid=self.unique("delete", draft.reference), actions=[action])
        return {"suggestions": [one], "selectionBehavior": "at-most-one"}


# --- a patient's record is opened


def of_patient(table: Table, answer: Assessment, concerned: bool) -> Iterator[models.Card]:
    """What is taken and should be looked at, what is open to the patient, and what to record next.

    :param concerned: whether the patient has, or may have, what the guidelines are about; without it, nothing is told.
    """
    if not concerned:
        return
    speaking = [g.id for g in answer.guidelines if g.applies is not False]
    for verdict in answer.therapies:
        if verdict.status == "ongoing" and verdict.continue_ != "yes":
            yield _taken(table, answer, verdict)
    if speaking:
        if any(v.status == "eligible" for v in answer.therapies):
            yield _eligible(table, answer, speaking)
        if answer.actions or any(v.status == "undetermined" for v in answer.therapies):
            yield _record(table, answer, speaking)


def _taken(table: Table, answer: Assessment, verdict: TherapyVerdict) -> models.Card:
    grounds = [r for r in verdict.because if r.kind != _notation(table.tree, "dg:ReasonReassessment")]
    weighty = weighed(verdict)
    stop = verdict.continue_ == "stop"
    why = grounds[0].label if grounds else weighty[0].label if weighty else ""
    late = verdict.reassess and verdict.reassess.on and verdict.reassess.on <= answer.as_of
    if late and not why:
        why = f"its effect was due to be judged on {verdict.reassess.on}"  # type: ignore[union-attr]
    detail = [
        listed([*(reason(table.tree, r) for r in grounds), *(item(table.tree, c) for c in weighty)]),
        f"Its effect was due to be judged on {verdict.reassess.on}." if late and verdict.reassess else "",
        _wanted(verdict),
    ]
    what = "something speaks for stopping it" if stop else "look at it again"
    summary = f"{verdict.label} is taken now: {what}" + (f": {why}" if why else "")
    indicator: Indicator = "critical" if stop and hard(table.tree, verdict.because) else "warning"
    return table.card(
        "taken", verdict.therapy, indicator, summary, detail, guidelines(answer, verdict), **table.tests(m.fact for m in verdict.missing)
    )


def _eligible(table: Table, answer: Assessment, speaking: Sequence[str]) -> models.Card:
    found = sorted((v for v in answer.therapies if v.status == "eligible"), key=lambda v: (v.rank is None, v.rank or 0, v.label))
    first = [v.label for v in found if v.rank == found[0].rank]
    lines = []
    for v in found:
        told = "; ".join([*regimens(v), *(f"weigh: {item(table.tree, c)}" for c in weighed(v))])
        cites = cited(table.tree, dict.fromkeys(s for r in v.because for s in r.statements), ())
        lines.append(f"{f'{v.rank}. ' if v.rank else ''}**{md(v.label)}**{cites}{f': {told}' if told else ''}")
    places = [line for line in list(render.heading(table.tree, answer))[1:] if not line.endswith("does not speak of this patient")]
    summary = f"Open to the patient now, best first: {', '.join(first)}" + (f" and {more} more" if (more := len(found) - len(first)) else "")
    return table.card("eligible", "", "info", summary, [listed(map(md, places)), listed(lines)], speaking)


def _record(table: Table, answer: Assessment, speaking: Sequence[str]) -> models.Card:
    open_ = [v for v in answer.therapies if v.status == "undetermined"]
    acts = {a.action: a.label for a in answer.actions}
    facts = {m.fact: m.label for v in open_ for m in v.missing}
    lines = [f"{md(line)}" for line in render.next_actions(table.tree, answer)]
    lines += [md(label) for fact, label in facts.items() if fact not in acts]
    names = [table.tree["labels"].get(name, label) for name, label in (acts | facts).items()]
    detail = [
        "To be done or recorded next, first what opens most:" if acts else "To be recorded:",
        listed(lines),
        f"Not known before it is: {md(', '.join(v.label for v in open_))}." if open_ else "",
    ]
    return table.card("record", "", "info", f"To be recorded or done next: {'; '.join(names)}", detail, speaking, **table.tests([*acts, *facts]))


# --- orders


@dataclass(frozen=True)
class Judged:
    """An order and what it is judged by.

    :param classes: what was ordered.
    :param before: the patient without the order, and with the others.
    :param after: the patient with all orders.
    :param concerned: whether the patient has, or may have, what the guidelines are about, and the order is not for something else.
    :param others: whether others are ordered beside it.
    :param final: whether the order is about to be signed.
    """

    draft: Draft
    classes: Sequence[str]
    before: Assessment
    after: Assessment
    concerned: bool
    others: bool
    final: bool


def of_order(table: Table, judged: Judged) -> models.Card | None:
    """What is to be said of an order: the drug itself, and what it does to others that are taken or ordered; None where it stands up."""
    words = table.codes.words
    own = [v for v in judged.before.therapies if any(words.is_a(c, v.therapy) for c in judged.classes)]
    verdicts = [told for v in own if (told := _verdict(table, judged, v))]
    verdicts += [told for v in own if _is_one_drug(table, judged, v) and (told := _dose(judged, v))]
    effects = [told for v in judged.before.therapies if v not in own and (told := _effect(table, judged, v))]
    found = sorted([*verdicts, *effects], key=lambda told: ("critical", "warning", "info").index(told.indicator))
    if not found:
        return None
    worst = found[0]
    label = own[0].label if own else " and ".join(words.label(c) for c in judged.classes)
    names = guidelines(judged.before, *(told.verdict for told in found))
    about = judged.draft.reference or judged.draft.name
    act = table.removal(judged.draft, label) if worst.remove else table.tests(n for told in found for n in told.tests)
    beside = "The other orders of this session are counted as taken." if judged.others else ""
    detail = [*(part for told in found for part in told.detail), beside]
    return table.card("order", about, worst.indicator, f"{label}: {worst.summary}", detail, names, **act)


def of_doubt(table: Table, draft: Draft, doubts: Sequence[str], final: bool) -> models.Card:
    """What must be told of an order before it can be judged."""
    about = draft.reference or draft.name
    summary = f"An order cannot be judged: {doubts[0]}"
    return table.card("order", about, "warning" if final else "info", summary, ["An order cannot be judged:", listed(map(md, doubts))], ())


def of_unknown(table: Table, found: Sequence[tuple[Draft, Line]], nameless: int, final: bool) -> models.Card:
    """That drugs were not understood, one card for all of them: what is not known is said, and nothing is guessed of it.

    :param found: orders, each with what is told of it.
    :param nameless: drugs on record that nothing names.
    """
    told, unnamed = [], nameless > 0
    for draft, line in found:
        coding = line.coding
        label = coding.display or coding.code or draft.reference or "an order without an id"
        code = f" ({coding.system} {coding.code})" if coding.code else ""
        told.append(f"{md(label + code)}: {md(_UNKNOWN.get(line.why, line.why))}")
        unnamed = unnamed or not (coding.display or coding.code)
    names = "; ".join(dict.fromkeys(line.coding.display or line.coding.code or draft.reference or "?" for draft, line in found))
    detail = [
        "Not understood, so nothing was checked, neither whether it is for this patient nor whether it goes with what is taken:" if found else "",
        listed(told),
        f"Drugs on record that nothing names, since what they refer to was not sent: {nameless}. Whether an order goes with them was not checked."
        if nameless
        else "",
    ]
    head = (
        f"Not understood, and nothing was checked: {names}" if found else "What is ordered was not checked beside drugs on record that nothing names"
    )
    about = "\n".join(["unknown", *(draft.name for draft, _ in found)])
    return table.card("order", about, "warning" if final and unnamed else "info", head, detail, ())


@dataclass(frozen=True)
class _Said:
    verdict: TherapyVerdict
    indicator: Indicator
    summary: str
    detail: Sequence[str]
    tests: Sequence[str] = ()
    remove: bool = False


def _verdict(table: Table, judged: Judged, v: TherapyVerdict) -> _Said | None:
    """What is said of the drug that was ordered."""
    tree, grounds = table.tree, v.because
    dangers = [r for r in grounds if hard(tree, [r])]
    if not judged.concerned:
        grounds = tuple(dangers)
    weighty = [item(tree, c) for c in weighed(v)]
    reasons = [reason(tree, r) for r in grounds if r.kind != _notation(tree, "dg:ReasonReassessment")]
    if v.status == "excluded":
        if not grounds:
            return None
        first = (dangers or list(grounds))[0]
        head = f"**{md(v.label)}** is not for this patient:"
        return _Said(v, "critical" if dangers else "warning", f"not for this patient: {first.label}", [head, listed(reasons)], remove=True)
    if v.status == "ongoing":
        if v.continue_ == "yes" or not (reasons or weighty):
            return None
        head = (
            f"**{md(v.label)}** is taken already, and {'something speaks for stopping it' if v.continue_ == 'stop' else 'should be looked at again'}:"
        )
        summary = head.replace("*", "").partition(" is taken")[2]
        said = [head, listed([*reasons, *weighty]), _wanted(v)]
        stop = v.continue_ == "stop"
        return _Said(v, "critical" if stop and dangers else "warning", f"taken{summary.rstrip(':')}", said, [m.fact for m in v.missing], remove=stop)
    wanting = [m.label for m in v.missing]
    needed = [c.record for w in v.would_change[:1] for c in w.if_ if c.record]
    tests = [*needed, *(m.fact for m in v.missing)]
    if v.status == "deferred":
        way = "; ".join(c.label for w in v.would_change[:1] for c in w.if_)
        said = [f"Something comes before **{md(v.label)}**:", listed(reasons), f"What would open it: {md(way)}." if way else "", _wanted(v)]
        return _Said(v, "warning", f"something comes first: {way or grounds[0].label}", [*said, _weighed(weighty)], tests)
    if v.status == "undetermined":
        said = [f"Whether **{md(v.label)}** is for this patient is not known.", _wanted(v), _weighed(weighty)]
        return _Said(v, "warning" if judged.final else "info", f"cannot be judged before this is on record: {', '.join(wanting)}", said, tests)
    if not weighty:
        return None
    return _Said(
        v, "warning", f"open to this patient; weigh: {weighed(v)[0].label}", [f"**{md(v.label)}** is open to this patient.", _weighed(weighty)]
    )


def _is_one_drug(table: Table, judged: Judged, v: TherapyVerdict) -> bool:
    """Whether doses that are stated are those of what was ordered, and not of another drug or for another disease."""
    return judged.concerned and v.therapy in judged.classes and v.therapy in table.codes.single


def _dose(judged: Judged, v: TherapyVerdict) -> _Said | None:
    """What is said of a dose that is more than any source states."""
    too_much = doses.excessive(doses.dosages(judged.draft.resource), v.regimens) if v.status != "excluded" else []
    if not too_much:
        return None
    ordered = "; ".join(too_much)
    detail = [f"More **{md(v.label)}** is ordered than any source states for this patient: {md(ordered)}. Stated:", listed(regimens(v))]
    return _Said(v, "warning", f"more is ordered than any source states: {ordered}", detail)


def _effect(table: Table, judged: Judged, before: TherapyVerdict) -> _Said | None:
    """What an order does to a therapy that is taken, or ordered beside it."""
    after = judged.after.therapy(before.therapy)
    if before.status != "ongoing" or after.status != "ongoing":
        return None
    reasons = [r for r in after.because if r not in before.because]
    cautions = [c for c in weighed(after) if c not in before.cautions]
    worse = _CONTINUE.index(after.continue_ or "yes") > _CONTINUE.index(before.continue_ or "yes")
    if not (worse or hard(table.tree, reasons) or cautions):
        return None
    tree = table.tree
    danger = hard(tree, reasons)
    label = [*(r.label for r in [*danger, *reasons]), *(c.label for c in cautions), "look at it again"][0]
    lines = [*(reason(tree, r) for r in reasons), *(item(tree, c) for c in cautions)]
    detail = [f"Beside **{md(after.label)}**, which is taken now or ordered too:", listed(lines)]
    return _Said(after, "critical" if danger else "warning", f"beside {after.label}: {label}", detail, remove=bool(danger))


# --- parts


def guidelines(answer: Assessment, *verdicts: TherapyVerdict) -> list[str]:
    """Guidelines that speak of some therapies, those that speak of this patient where there are any."""
    speaking = {g.id for g in answer.guidelines if g.applies is not False}
    named = list(dict.fromkeys(r.guideline for v in verdicts for r in v.recommendations))
    return [name for name in named if name in speaking] or named


def hard(tree: Tree, reasons: Iterable[Reason]) -> list[Reason]:
    """Reasons that come from the therapy itself and speak for stopping it, whatever the disease."""
    kinds = {kind["notation"] for kind in tree["kinds"].values() if kind["fromTherapy"] and kind["whileOngoing"] == "stop"}
    return [r for r in reasons if r.kind in kinds]


def weighed(verdict: TherapyVerdict) -> list[Item]:
    """Cautions that hold for this patient and speak against a therapy that is otherwise open."""
    return [c for c in verdict.cautions if c.kind in _WEIGHTY and not c.label.startswith("not known")]


def item(tree: Tree, one: Item) -> str:
    """A caution in Markdown with its sources."""
    return md(one.label) + cited(tree, one.statements, one.sources)


def _weighed(lines: Sequence[str]) -> str:
    return f"To be weighed:\n\n{listed(lines)}" if lines else ""


def _wanted(verdict: TherapyVerdict) -> str:
    return f"Not on record: {md(', '.join(m.label for m in verdict.missing))}." if verdict.missing else ""


def _notation(tree: Tree, kind: str) -> str:
    notation: str = tree["kinds"][kind]["notation"]
    return notation
