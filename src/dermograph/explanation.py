"""Why a therapy has its status: a tree from the status down to the patient's own records.

Every clinical word of a line is a label, a statement or a recorded value; what stands in this module only joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from dermograph.amounts import plain
from dermograph.assessment import Assessment, FactUsed, Item, TherapyVerdict
from dermograph.case import Case
from dermograph.errors import UsageError
from dermograph.terms import expand, local_name, nearest
from dermograph.verdicts import grounds_of, judge

Tree = dict[str, Any]
Truth = Literal["holds", "does not hold", "not known"]
Bearing = Literal["blocks", "open", "clear"]

_TRUTHS: dict[bool | None, Truth] = {True: "holds", False: "does not hold", None: "not known"}
_HEADINGS = {
    "dg:ReasonOutsidePopulation": "population",
    "dg:ReasonOutsideIndication": "indication",
    "dg:ReasonEarlierStep": "place in the pathway",
    "dg:ReasonPrerequisite": "prerequisite",
    "dg:ReasonContraindication": "contraindication",
    "dg:ReasonInteraction": "interaction",
}
"""What a barrier is called while it may still be clear; of other kinds the label of the kind is used."""
_SHARED = {"fact:hasCondition": "fact:mayHaveCondition", "fact:isHypersensitiveTo": "fact:mayBeHypersensitiveTo"}


@dataclass(frozen=True, slots=True)
class Node:
    """One line of an explanation and what it rests on.

    :param text: the line.
    :param truth: whether the criterion of the line holds; None for a line that is no criterion.
    :param sources: statements such as ``P-001``, and compact IRIs of references.
    :param children: what the line rests on.
    :param about: compact IRI of the criterion or recommendation that the line is about.
    :param bearing: of a barrier, whether it blocks the therapy, is open or is clear.
    """

    text: str
    truth: Truth | None = None
    sources: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()
    about: str | None = None
    bearing: Bearing | None = None

    def walk(self) -> Iterator[Node]:
        """The node and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()

    def to_json(self) -> dict[str, Any]:
        """The tree in plain JSON; what is empty is left out."""
        found: dict[str, Any] = {"text": self.text}
        for key in ("truth", "bearing", "about"):
            if getattr(self, key) is not None:
                found[key] = getattr(self, key)
        if self.sources:
            found["sources"] = list(self.sources)
        if self.children:
            found["children"] = [child.to_json() for child in self.children]
        return found


def find_therapy(tree: Tree, name: str) -> str:
    """Compact IRI of a therapy that answers list, by IRI, compact IRI, local name or label in any case.

    :raises UsageError: no such therapy; the hint names the nearest.
    """
    return _find(tree["rows"], name, "therapy that an answer lists")


def find_criterion(tree: Tree, name: str) -> str:
    """Compact IRI of a criterion, by IRI, compact IRI, local name or label in any case.

    :raises UsageError: no such criterion; the hint names the nearest.
    """
    return _find(tree["criteria"], name, "criterion")


def find_guideline(tree: Tree, name: str) -> str:
    """Compact IRI of a guideline, by IRI, compact IRI, local name or label in any case.

    :raises UsageError: no such guideline; the hint names the nearest.
    """
    return _find(tree["guidelines"], name, "guideline")


def _find(nodes: dict[str, Tree], name: str, kind: str) -> str:
    known: dict[str, str] = {}
    for iri, node in nodes.items():
        for word in (iri, expand(iri), local_name(iri), str(node["label"])):
            known.setdefault(word.casefold(), iri)
    found = known.get(name.strip().casefold())
    if found is None:
        near = dict.fromkeys(known[w] for w in nearest(name.strip().casefold(), known, 6))
        hint = (
            f"the nearest is {' or '.join(list(near)[:3])}" if near else f"dermograph query words-of-a-patient-graph lists names; one is {min(nodes)}"
        )
        raise UsageError(f"{name!r} is no {kind}", hint)
    return found


def explain(case: Case, answer: Assessment, therapy: str, *, full: bool = False) -> Node:
    """Explain the status of one therapy.

    :param case: the patient, from :meth:`Knowledge.case`.
    :param answer: the same patient's answer.
    :param therapy: compact IRI of a therapy that the answer lists.
    :param full: tell every part of every criterion, those that decide nothing too.
    """
    verdict = answer.therapy(therapy)
    row, teller = case.tree["rows"][therapy], _Teller(case, full)
    title = f"{verdict.label}: {verdict.status}"
    if verdict.rank is not None:
        title += f", rank {verdict.rank}"
    if verdict.continue_ is not None:
        title += f", continue: {verdict.continue_}"
    decisive = tuple(s for reason in verdict.because for s in (*reason.statements, *reason.sources))
    children = [Node("reasons", children=tuple(_reasons(case, verdict)))]
    if verdict.status == "ongoing":
        children.append(Node("taken now", children=(teller.criterion(row["ongoing"]),)))
    winners = judge(case, therapy).winners
    children += [teller.recommendation(name, True) for name in winners]
    children += [teller.recommendation(name, False) for name in row["recommendations"] if name not in winners]
    children.append(Node("whatever is recommended", children=tuple(map(teller.barrier, row["barriers"]))))
    children += _consequences(case, answer, verdict)
    return Node(title, None, tuple(dict.fromkeys(decisive)), tuple(c for c in children if c.children or c.sources), therapy)


def tell_criterion(case: Case, name: str) -> Node:
    """Explain the truth of one criterion, every part of it."""
    return _Teller(case, True).criterion(name)


def lines(node: Node, depth: int = 0) -> Iterator[str]:
    """An explanation as indented plain lines."""
    yield "  " * depth + node.text + (f": {node.truth}" if node.truth else "")
    for child in node.children:
        yield from lines(child, depth + 1)


class _Teller:
    """Teller of criteria and barriers for one patient."""

    def __init__(self, case: Case, full: bool) -> None:
        self.case, self.full = case, full
        self.criteria, self.labels = case.tree["criteria"], case.tree["labels"]
        self.told: set[str] = set()

    def recommendation(self, name: str, decides: bool) -> Node:
        """A recommendation with everything that it asks; of one that does not decide, what is clear is left out."""
        rec = self.case.tree["recommendations"][name]
        guideline = self.case.tree["guidelines"][rec["guideline"]]["label"]
        text = f"{rec['label']} ({guideline}; direction {rec['direction']}; strength {rec['strength']})"
        shown = [b for b in rec["barriers"] if decides or self.full or self._bearing(b) != "clear"]
        heading = "recommendation" if decides else "recommendation that does not decide"
        return Node(f"{heading}: {text}", None, _cited(rec), tuple(map(self.barrier, shown)), name)

    def _bearing(self, barrier: Tree) -> Bearing:
        found = list(grounds_of(self.case, [barrier]))
        return "clear" if not found else "open" if all(g.atom for g in found) else "blocks"

    def barrier(self, barrier: Tree) -> Node:
        """Something that may stand in the way, and whether it does."""
        kind, name, bearing = barrier["kind"], barrier["criterion"], self._bearing(barrier)
        label = self.case.tree["kinds"][kind]["label"]
        if name is None:
            return Node(f"{label}: {barrier['label']}", None, _cited(barrier), (), barrier["node"], bearing)
        heading = label if bearing == "blocks" else _HEADINGS.get(kind, "no barrier" if bearing == "clear" else label)
        inner = self.criterion(name)
        text = f"{heading}: the patient {inner.text}"
        if barrier["blocksWhen"] and barrier["node"] != name:
            text += f" ({barrier['label']})"
        children = inner.children
        if inner.truth == "not known" and bearing == "clear":
            children += (Node("it is not known and does not count: no test for it is asked here"),)
        return Node(text, inner.truth, _cited(barrier), children, name, bearing)

    def criterion(self, name: str) -> Node:
        """A criterion with its truth, down to what is on record."""
        definition, holds = self.criteria[name], self.case.holds(name)
        if "members" not in definition:
            recorded = tuple(Node(t) for t in self._recorded(name))
            silent = holds is False and not self.case.used(name, False)
            return Node(definition["label"], _TRUTHS[holds], (), recorded + (self._presumed(name) if silent else ()), name)
        if name in self.told and not self.full:
            return Node(definition["label"], _TRUTHS[holds], (), (Node("as told above"),), name)
        self.told.add(name)
        children = [self._member(member, positive) for member, positive in self._deciding(name)]
        silent = holds is False and any(c.truth == "not known" for c in children)
        return Node(definition["label"], _TRUTHS[holds], (), (*children, *(self._presumed(name) if silent else ())), name)

    def _presumed(self, name: str) -> tuple[Node, ...]:
        """Why a criterion that the record leaves unknown counts as false."""
        when = self.criteria[name].get("presumedFalseWhen")
        if not when or not self.case.holds(when):
            return ()
        return (Node("what is not known counts as not so, because the patient", children=(self.criterion(when),)),)

    def _deciding(self, name: str) -> list[tuple[str, bool]]:
        """Members of a composite criterion that make it what it is; where none does, those that are not known."""
        signed = {(m, positive): self._signed(m, positive) for m, positive in self.criteria[name]["members"]}
        if self.full:
            return list(signed)
        holds = self.case.holds(name)
        return [key for key, truth in signed.items() if truth is holds] or [key for key, truth in signed.items() if truth is None]

    def _signed(self, name: str, positive: bool) -> bool | None:
        holds = self.case.holds(name)
        return holds if positive or holds is None else not holds

    def _member(self, name: str, positive: bool) -> Node:
        inner = self.criterion(name)
        if positive:
            return inner
        return Node(f"not: {inner.text}", _TRUTHS[self._signed(name, False)], (), inner.children, name)

    def _recorded(self, name: str) -> Iterator[str]:
        """What is on record about an atomic criterion, or why nothing is needed or enough."""
        case, definition, holds = self.case, self.criteria[name], self.case.holds(name)
        fact = case.tree["facts"][definition["fact"]]
        used = [] if holds is None else list(dict.fromkeys(case.used(name, holds)))
        if used:
            yield from (f"recorded: {fact_words(case, f)}" for f in used)
            return
        cls = definition.get("class")
        suspected = list(self._suspected(definition))
        if holds is None and suspected:
            yield from (f"suspected on record: {s}" for s in suspected)
        elif holds is None and cls in case.tree["conditions"]:
            test = case.tree["conditions"][cls]["test"]
            yield f"neither present nor absent on record: {self._label(cls)}" + (f"; {self._label(test)} would settle it" if test else "")
        elif holds is None:
            yield f"not on record: {self._label(fact['recordedAs'])}"
        elif case.truths.assumed.get(name, 0) >> case.place & 1:
            yield f"nothing on record of {self._label(cls)}: taken as absent"
        elif holds is False and "gate" in definition and case.holds(definition["gate"]) is False:
            yield f"nothing on record, and asked only of a patient who {self.criteria[definition['gate']]['label']}"
        elif self.full and "presumedFalseWhen" not in definition:
            yield "nothing of the kind on record"

    def _suspected(self, definition: Tree) -> Iterator[str]:
        case, asked = self.case, definition.get("class")
        predicate = _SHARED.get(definition["fact"])
        for node in (str(v) for p, v in case.facts[case.me] if p == predicate):
            for cls in (str(v) for p, v in case.facts[node] if p == "rdf:type"):
                if asked in case.tree["within"].get(cls, ()) or cls in case.tree["within"].get(asked, ()):
                    yield self._label(cls)

    def _label(self, name: str) -> str:
        return str(self.labels.get(name, name))


def fact_words(case: Case, fact: FactUsed) -> str:
    """A recorded fact in words: what, value with unit, and day."""
    labels = case.tree["labels"]
    text = str(labels.get(fact.fact, fact.fact))
    if fact.value is not None:
        value = plain(fact.value) if isinstance(fact.value, Decimal) else str(labels.get(fact.value, fact.value))
        unit = {None: "", "1": "", "a": " years"}.get(fact.unit, f" {fact.unit}")
        text += f" {value}{'' if unit.startswith(' {') else f' ×{unit}' if unit[1:2].isdigit() else unit}"
    months = case.number("fact:ageMonths") if fact.fact == "pt:birthDate" else None
    if months is not None:
        years, rest = divmod(int(months), 12)
        text += f" ({years} years{f' {rest} months' if rest else ''} old on {case.record.as_of})"
    return f"{text}, {fact.date}" if fact.date else text


def _reasons(case: Case, verdict: TherapyVerdict) -> Iterator[Node]:
    for reason in verdict.because:
        facts = tuple(Node(f"recorded: {fact_words(case, f)}") for f in reason.facts)
        yield Node(f"{reason.kind}: {reason.label}", None, reason.statements + reason.sources, facts, reason.criterion)


def _consequences(case: Case, answer: Assessment, verdict: TherapyVerdict) -> Iterator[Node]:
    """What follows from a verdict, each group under its heading."""
    labels = case.tree["labels"]
    yield Node("missing", children=tuple(Node(f"record {m.label}", about=m.fact) for m in verdict.missing))
    changes = (" and ".join(c.label for c in w.if_) + f": {w.to}" for w in verdict.would_change)
    yield Node("what would change it, if", children=tuple(Node(text) for text in changes))
    doses = []
    for r in verdict.regimens:
        more = [("duration", r.duration.words() if r.duration else None)]
        more += [(key, getattr(r, key)) for key in ("phase", "titration", "taper", "regulator")]
        more = [(key, value) for key, value in more if value and value not in r.text]
        doses.append(Node(r.text, None, r.statements + r.sources, tuple(Node(f"{key}: {value}") for key, value in more)))
    yield Node("how it is given", children=tuple(doses))
    for heading, items in (
        ("cautions", verdict.cautions),
        ("screening", verdict.screening),
        ("tests before it starts", verdict.baseline),
        ("tests while it goes on", verdict.monitoring),
    ):
        yield Node(heading, children=tuple(_items(items)))
    if verdict.reassess and (verdict.reassess.after or verdict.reassess.on):
        after = f"after {verdict.reassess.after.words()}" if verdict.reassess.after else ""
        text = " ".join(filter(None, [after, f"on {verdict.reassess.on}" if verdict.reassess.on else ""]))
        yield Node("judge the effect", children=(Node(text, None, verdict.reassess.statements + verdict.reassess.sources),))
    for conflict in answer.conflicts:
        if conflict.therapy == verdict.therapy:
            guidelines = case.tree["guidelines"]
            sides = (
                Node(f"{guidelines.get(s.source, {}).get('label', labels.get(s.source, s.source))}: {s.says}", None, s.statements + s.sources)
                for s in conflict.between
            )
            yield Node(f"sources differ: {conflict.label}", children=tuple(sides))


def _items(items: Iterable[Item]) -> Iterator[Node]:
    for item in items:
        when = f" ({item.schedule.interval()})" if item.schedule and item.kind == "monitoring" and item.schedule.words() not in item.label else ""
        yield Node(f"{item.kind}: {item.label}{when}", None, item.statements + item.sources, (), item.subject)


def _cited(tree: Tree) -> tuple[str, ...]:
    return (*tree["statements"], *tree["sources"])
