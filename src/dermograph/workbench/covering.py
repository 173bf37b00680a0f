"""What the patient cases show of the guideline, and what of it no case has shown yet.

A duty is one thing that a case should show: a criterion true, false or unknown; a value just below, at or just above a
threshold; a recommendation in a status; a label fact that applies; a regimen that is offered; a statement that an
answer cites. Just below and just above mean within one step of ``dg:resolution`` of the fact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from dermograph import content
from dermograph.amounts import plain
from dermograph.assessment import Assessment
from dermograph.case import Case
from dermograph.casebook import Entry
from dermograph.errors import InputError, InvalidInput
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.regimens import fitting
from dermograph.terms import local_name
from dermograph.verdicts import grounds_of, status_of
from dermograph.workbench import possibilities

Tree = dict[str, Any]
Step = Callable[[int], None]

KINDS = ("criterion", "threshold", "recommendation", "label fact", "regimen", "statement")
TRUTHS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing that a case should show.

    :param kind: one of :data:`KINDS`.
    :param node: compact IRI of the node, or the identifier of a statement.
    :param aspect: what of the node: a truth, a side of a threshold, a status, a therapy.
    :param cases: how many cases show it.
    :param shown: name of the first case that does, empty where none does.
    :param excused: why no case can, empty where one can.
    """

    kind: str
    node: str
    aspect: str
    label: str
    cases: int = 0
    shown: str = ""
    excused: str = ""

    @property
    def open(self) -> bool:
        """Whether the duty is neither shown nor excused."""
        return not self.cases and not self.excused


@dataclass(frozen=True)
class Cover:
    """All duties, and how many cases were asked."""

    duties: tuple[Duty, ...]
    cases: int

    @property
    def open(self) -> list[Duty]:
        """Duties that no case shows and nothing excuses."""
        return [d for d in self.duties if d.open]

    @property
    def needless(self) -> list[Duty]:
        """Duties that are excused though a case shows them."""
        return [d for d in self.duties if d.excused and d.cases]

    def counts(self) -> list[tuple[str, int, int, int]]:
        """For each kind: how many duties are shown, excused, and there in all."""
        return [
            (kind, sum(1 for d in own if d.cases), sum(1 for d in own if d.excused and not d.cases), len(own))
            for kind in KINDS
            for own in [[d for d in self.duties if d.kind == kind]]
        ]

    @property
    def share(self) -> Decimal:
        """Share of the duties that are not excused and that a case shows, in percent, rounded down to a tenth."""
        due = [d for d in self.duties if d.cases or not d.excused]
        shown = sum(1 for d in due if d.cases)
        return Decimal(shown * 1000 // len(due) if due else 1000) / 10

    def to_json(self) -> dict[str, Any]:
        """The cover in plain JSON."""
        counts = [{"kind": k, "shown": s, "excused": e, "of": n} for k, s, e, n in self.counts()]
        duties = [
            {"kind": d.kind, "node": d.node, "aspect": d.aspect, "label": d.label, "cases": d.cases, "shown": d.shown, "excused": d.excused}
            for d in self.duties
        ]
        return {"percent": float(self.share), "cases": self.cases, "counts": counts, "duties": duties}


def cover(ontology: Path, entries: Sequence[Entry], step: Step = lambda done: None) -> Cover:
    """Compare what the cases show with what the model asks for.

    :param step: called with the number of cases done since.
    :raises InputError: a case is no valid patient graph.
    """
    knowledge = Knowledge.load(ontology)
    graph = Graph(read(content.modules(ontology)))
    check(knowledge, entries)
    seen: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for entry, case in zip(entries, knowledge.cases(e.record for e in entries), strict=True):
        for shown in dict.fromkeys(_shown(knowledge, case)):
            seen[shown].append(entry.name)
        step(1)
    excuses = _excuses(graph, knowledge.tree)
    duties = []
    for kind, node, aspect, label in _duties(graph, knowledge.tree):
        names = seen.get((kind, node, aspect), [])
        duties.append(Duty(kind, node, aspect, label, len(names), names[0] if names else "", excuses.get(node, {}).get(aspect, "")))
    return Cover(tuple(duties), len(entries))


def check(knowledge: Knowledge, entries: Sequence[Entry]) -> None:
    """Refuse cases that are no valid patient graphs.

    :raises InputError: names the first one and what is wrong with it.
    """
    by_name = {e.record.name: e for e in entries}
    for finding in knowledge.validate([e.record for e in entries]):
        if finding.severity == "Violation":
            raise InvalidInput(str(by_name[finding.patient].folder / "patient.ttl"), [finding])


def _excuses(graph: Graph, tree: Tree) -> dict[str, dict[str, str]]:
    """Reasons by node, a statement by its identifier, and by aspect."""
    found = {}
    for node in graph.having("dg:excusedFromCover"):
        name = local_name(node) if local_name(node) in tree["statements"] else node
        found[name] = dict(_excuse(node, str(text)) for text in graph.values(node, "dg:excusedFromCover"))
    return found


def _excuse(node: str, text: str) -> tuple[str, str]:
    aspect, colon, reason = text.partition(": ")
    if not colon:
        raise InputError(f"{node}: dg:excusedFromCover {text!r} names no aspect", 'write the aspect, a colon and the reason, as in "false: …"')
    return aspect, reason


def _duties(graph: Graph, tree: Tree) -> Iterator[tuple[str, str, str, str]]:
    able = possibilities.truths(graph, tree)
    for name, truths in able.items():
        for truth, word in TRUTHS.items():
            if truth in truths:
                yield "criterion", name, word, tree["criteria"][name]["label"]
    for fact, bound, _ in possibilities.bounds(tree):
        for side in ("just below", "at", "just above"):
            yield "threshold", fact, f"{side} {plain(bound)}", f"{tree['facts'][fact]['label']} {side} {plain(bound)} {tree['facts'][fact]['unit']}"
    for name, recommendation in tree["recommendations"].items():
        for status in possibilities.statuses(tree, able, name):
            yield "recommendation", name, status, recommendation["label"]
    for therapy, row in tree["rows"].items():
        for told in _label_facts(row):
            if told["criterion"] is None or told["blocksWhen"] in able[told["criterion"]]:
                yield "label fact", told["node"], therapy, told["label"]
        for regimen in row["regimens"]:
            if regimen["verified"] and not regimen["exampleOnly"]:
                yield "regimen", regimen["id"], therapy, regimen["label"]
    for statement in sorted(_citable(tree)):
        yield "statement", statement, "cited", tree["statements"].get(statement, "")


def _label_facts(row: Tree) -> list[Tree]:
    """Barriers, cautions and meant gaps of a therapy, each with node, label and criterion, once each."""
    facts = [*row["barriers"], *({"node": c["id"], "blocksWhen": True} | c for c in [*row["cautions"], *row["gaps"]])]
    found: dict[str, Tree] = {}
    for fact in facts:
        found.setdefault(fact["node"], fact)
    return list(found.values())


def _citable(tree: Tree) -> set[str]:
    """Statements that an answer can cite."""
    rows, recommendations = tree["rows"].values(), tree["recommendations"].values()
    nodes = [*recommendations, *tree["guidelines"].values(), *tree["actions"], *(b for r in recommendations for b in r["barriers"])]
    nodes += [p for d in tree["disagreements"] for p in d["between"]]
    for key in ("barriers", "regimens", "gaps", "cautions", "screening", "baseline", "monitoring", "response"):
        nodes += [n for row in rows for n in row[key] if key != "regimens" or (n["verified"] and not n["exampleOnly"])]
    asked = {b["criterion"] for r in [*rows, *recommendations] for b in r["barriers"] if b["criterion"]}
    nodes += [tree["criteria"][c] for c in asked]
    return {s for node in nodes for s in node["statements"]}


def _shown(knowledge: Knowledge, case: Case) -> Iterator[tuple[str, str, str]]:
    tree = case.tree
    for name in tree["criteria"]:
        yield "criterion", name, TRUTHS[case.truth[name]]
    for fact, bound, step in possibilities.bounds(tree):
        value = case.number(fact)
        if value is not None and abs(value - bound) <= step:
            yield "threshold", fact, f"{'at' if value == bound else 'just below' if value < bound else 'just above'} {plain(bound)}"
    for therapy, row in tree["rows"].items():
        fit = fitting(case, row)
        own = list(grounds_of(case, row["barriers"]))
        for name in row["recommendations"]:
            grounds = [*grounds_of(case, tree["recommendations"][name]["barriers"]), *own]
            yield "recommendation", name, "ongoing" if case.holds(row["ongoing"]) else status_of(case, grounds, fit)
        for told in _label_facts(row):
            if case.holds(told["criterion"]) is told["blocksWhen"]:
                yield "label fact", told["node"], therapy
        for regimen in fit.fits:
            yield "regimen", regimen["id"], therapy
    for statement in _cited(knowledge.answer(case)):
        yield "statement", statement, "cited"


def _cited(answer: Assessment) -> Iterator[str]:
    """Statements that an answer rests on; what the guidelines say of every patient alike is left out."""
    told: list[Any] = [*answer.guidelines, *answer.actions, *(side for c in answer.conflicts for side in c.between)]
    for verdict in answer.therapies:
        for items in (verdict.because, verdict.cautions, verdict.screening, verdict.baseline, verdict.monitoring, verdict.regimens):
            told += items
        told += [verdict.reassess] if verdict.reassess else []
    yield from _statements(told)


def _statements(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        yield from node.statements
