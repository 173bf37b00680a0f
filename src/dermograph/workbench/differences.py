"""The clinical difference of two versions of an ontology: what an author changed, not which triples.

Every named node is compared with its namesake, property by property, with blank nodes spelled out; a criterion is
compared by what it means. What no rule knows by name is told all the same, as a change of that kind of node.
"""

from __future__ import annotations

import dataclasses
import difflib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dermograph.graph import Graph, Value
from dermograph.terms import local_name
from dermograph.workbench import tightening
from dermograph.workbench.aspects import CHANGES, MAY, SEVERITIES, WORDING, Severity, aspect, excludes, noun, weight
from dermograph.workbench.positions import Positions, positions
from dermograph.workbench.sides import Side
from dermograph.workbench.tightening import Direction, Pair, Structure
from dermograph.workbench.wording import meaning, name, structure, words

Tree = dict[str, Any]

_ASKS = ("dg:population", "dg:indication", "dg:entry", "dg:exit", "dg:criterion", "dg:later", "dg:screenedIn", "dg:presumedFalseWhen")
_GIST = (
    *("dg:strength", "dg:direction", "dg:population", "dg:criterion", "dg:force", "dg:interactionEffect", "dg:loading", "dg:dose"),
    *("dg:perKilogram", "dg:every", "dg:maximum", "dg:entry", "dg:scheduleText", "dg:after"),
)


@dataclass(frozen=True)
class Difference:
    """One thing that is clinically different.

    :param kind: kebab-case name of the kind of difference, such as ``criterion-tightened`` or ``dose-changed``.
    :param node: compact IRI of the node that changed.
    :param label: the node in words.
    :param aspect: the property that changed, in words; empty where the node came or went.
    :param before: what it said, in plain words; empty where there was nothing.
    :param after: what it says now.
    :param direction: where a criterion changed or was exchanged for another, whether fewer or more patients meet it.
    :param known_by: what tells the direction: ``structure``, ``reasoner`` or ``cases``; empty where nothing does.
    :param therapies: compact IRIs of the therapies whose answer rests on the node.
    :param affects: labels of the nodes that ask for a criterion, near or far.
    :param statements: statements that the node cites, and ``sources`` the references.
    :param derived: it follows from other differences, through the derive command.
    :param file: file that describes the node, the new one where it is in both, and ``line`` the line in it.
    """

    kind: str
    severity: Severity
    node: str
    label: str
    aspect: str = ""
    before: str = ""
    after: str = ""
    direction: Direction | None = None
    known_by: str = ""
    therapies: tuple[str, ...] = ()
    affects: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    derived: bool = False
    file: str = ""
    line: int = 0

    def to_json(self) -> Tree:
        """The difference in plain JSON."""
        found = {("knownBy" if k == "known_by" else k): v for k, v in dataclasses.asdict(self).items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


@dataclass
class _Reach:
    """Who rests on a criterion, in one version."""

    side: Side
    asking: dict[str, set[str]] = field(default_factory=dict)
    deciding: set[str] = field(default_factory=set)
    rows: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph, tree = self.side.graph, self.side.tree
        self._below: dict[str, set[str]] = {}
        for predicate in _ASKS:
            for node in graph.having(predicate):
                for asked in graph.nodes(node, predicate):
                    for criterion in self.below(asked):
                        self.asking.setdefault(criterion, set()).add(node)
        roots = {s[k] for s in tree["steps"].values() for k in ("entry", "exit") if s[k]}
        roots |= {g["population"] for g in tree["guidelines"].values() if g["population"]}
        for therapy, row in tree["rows"].items():
            recs = [tree["recommendations"][r] for r in row["recommendations"]]
            own = {b["criterion"] for node in (row, *recs) for b in node["barriers"]} | {r["later"] for r in recs}
            own |= {r["population"] for r in row["regimens"]} | {row["ongoing"]}
            roots |= own
            told = {item["criterion"] for key in ("cautions", "gaps", "screening", "baseline", "monitoring") for item in row[key]}
            for asked in (own | told) - {None}:
                for criterion in self.below(asked):
                    self.rows.setdefault(criterion, set()).add(therapy)
        for root in roots - {None}:
            self.deciding |= self.below(root)

    def below(self, criterion: str) -> set[str]:
        """A criterion and all it is made of."""
        if criterion not in self._below:
            defined = self.side.tree["criteria"].get(criterion, {})
            inner = {m for m, _ in defined.get("members", ())} | {defined[k] for k in ("presumedFalseWhen", "gate") if k in defined}
            self._below[criterion] = {criterion}.union(*(self.below(m) for m in inner))
        return self._below[criterion]


Told = Callable[[Pair], Direction | None]


def compare(old: Side, new: Side, by_cases: Told | None = None, reasoner: bool = True) -> list[Difference]:
    """Everything that is clinically different, the heaviest first.

    :param by_cases: tells the direction of a changed criterion from patients, where neither structure nor HermiT can.
    :param reasoner: ask HermiT where owlready2 and Java are there.
    """
    found = list(_Comparison(old, new).differences())
    found = _with_directions(found, old, new, by_cases, reasoner)
    return sorted(found, key=lambda d: (SEVERITIES.index(d.severity), d.derived, d.kind, d.node, d.aspect, d.before))


class _Comparison:
    def __init__(self, old: Side, new: Side) -> None:
        self.old, self.new = old, new
        self._reaches = (_Reach(old), _Reach(new))
        self.structure = Structure(old.tree, new.tree)
        self._places: dict[Path, Positions] = {}

    def differences(self) -> Iterator[Difference]:
        before, after = set(self.old.graph.named()), set(self.new.graph.named())
        for node in sorted(before | after):
            if node in before and node in after:
                yield from self._changed(node)
            else:
                yield self._whole(node, node in after)
        yield from self._moved_steps()

    # --- nodes that came or went

    def _whole(self, node: str, came: bool) -> Difference:
        side = self.new if came else self.old
        called = noun(side.graph, side.tree["within"], node)
        severity: Severity = weight(side.graph, called, node)
        said = _gist(side, node, called)
        kind = f"{called}-{'added' if came else 'removed'}"
        return self._made(kind, severity, node, side, before="" if came else said, after=said if came else "")

    # --- nodes that are in both

    def _changed(self, node: str) -> Iterator[Difference]:
        graphs = (self.old.graph, self.new.graph)
        called = noun(graphs[1], self.new.tree["within"], node)
        heavy = any(excludes(g, node) for g in graphs)
        predicates = sorted(set(graphs[0].predicates(node)) | set(graphs[1].predicates(node)))
        for predicate in predicates:
            before, after = (_values(g, node, predicate) for g in graphs)
            if before.keys() == after.keys():
                continue
            if predicate == "owl:equivalentClass" and called == "criterion":
                yield self._criterion(node)
                continue
            if predicate == "rdf:type" and called == "criterion":
                continue
            kind, severity = aspect(called, predicate, heavy)
            gone = [v for k, v in before.items() if k not in after]
            come = [v for k, v in after.items() if k not in before]
            if called == "step" and predicate == "dg:nextStep":
                yield from self._edges(node, gone, come)
                continue
            if called == "criterion" and severity != WORDING:
                severity = self._weight_of(node)
            row = self._made(kind, severity, node, self.new, before=self._said(self.old, gone), after=self._said(self.new, come))
            row = dataclasses.replace(row, aspect=self.new.graph.label(predicate))
            yield self._exchanged(row, predicate, gone, come)

    def _criterion(self, node: str) -> Difference:
        direction = self.structure.direction(node, node)
        row = self._made("criterion-changed", self._weight_of(node), node, self.new, meaning(self.old.tree, node), meaning(self.new.tree, node))
        return _directed(row, direction, "structure")

    def _exchanged(self, row: Difference, predicate: str, gone: list[Value], come: list[Value]) -> Difference:
        """A row where one criterion took the place of another, with the direction of that."""
        if predicate not in _ASKS or len(gone) != 1 or len(come) != 1:
            return row
        direction = self.structure.direction(str(gone[0]), str(come[0]))
        return dataclasses.replace(row, direction=direction, known_by="structure" if direction else "")

    def _edges(self, node: str, gone: list[Value], come: list[Value]) -> Iterator[Difference]:
        for kind, side, values in (("edge-removed", self.old, gone), ("edge-added", self.new, come)):
            for value in values:
                said = f"{side.graph.label(node)} leads to {side.graph.label(str(value))}"
                was, now = (said, "") if kind == "edge-removed" else ("", said)
                yield self._made(kind, CHANGES, node, self.new, was, now)

    def _moved_steps(self) -> Iterator[Difference]:
        for guideline in sorted(set(self.old.tree["guidelines"]) & set(self.new.tree["guidelines"])):
            orders = [side.tree["guidelines"][guideline]["order"] for side in (self.old, self.new)]
            before, after = ([s for s in order if s in other] for order, other in (orders, reversed(orders)))
            kept = {s for m in difflib.SequenceMatcher(None, before, after, False).get_matching_blocks() for s in before[m.a : m.a + m.size]}
            for step in [s for s in after if s not in kept]:
                places = [_place(side, order, step) for side, order in ((self.old, before), (self.new, after))]
                yield self._made("step-moved", CHANGES, step, self.new, places[0], places[1])

    # --- words

    def _said(self, side: Side, values: Iterable[Value]) -> str:
        return "; ".join(words(side.graph, side.tree, v) for v in values)

    def _weight_of(self, criterion: str) -> Severity:
        return CHANGES if any(criterion in r.deciding for r in self._reaches) else MAY

    def _made(self, kind: str, severity: Severity, node: str, side: Side, before: str = "", after: str = "") -> Difference:
        graph = side.graph
        asking = set().union(*(r.asking.get(node, set()) for r in self._reaches)) - {node}
        affects = [n for n in asking if n not in side.tree["criteria"]]
        statements = [local_name(s) for s in graph.nodes(node, "dg:statement")]
        sources = graph.nodes(node, "dg:source")
        if not statements and not sources:
            statements = sorted({local_name(s) for n in affects for s in graph.nodes(n, "dg:statement")})
            sources = sorted({s for n in affects for s in graph.nodes(n, "dg:source")})
        file, line = self._place(side, node)
        return Difference(
            kind=kind,
            severity=severity,
            node=node,
            label=name(graph, side.tree, node),
            before=before,
            after=after,
            therapies=tuple(sorted(self._therapies(node))),
            affects=tuple(sorted({graph.label(n) for n in affects})),
            statements=tuple(statements),
            sources=tuple(sources),
            derived="dg:DerivedCriterion" in graph.nodes(node, "rdf:type"),
            file=file,
            line=line,
        )

    def _place(self, side: Side, node: str) -> tuple[str, int]:
        if side.folder not in self._places:
            self._places[side.folder] = positions(side.folder)
        return self._places[side.folder].of(node)

    def _therapies(self, node: str) -> set[str]:
        """Therapies that a node speaks of or that rest on it."""
        found: set[str] = set()
        for side, reach in zip((self.old, self.new), self._reaches, strict=True):
            graph = side.graph
            found |= reach.rows.get(node, set()) | set(graph.nodes(node, "dg:therapy"))
            for predicate in ("dg:prerequisite", "dg:step"):
                found |= {t for r in graph.subjects(predicate, node) for t in graph.nodes(r, "dg:therapy")}
            if "dg:Therapy" in side.tree["within"].get(node, ()):
                found.add(node)
        return found


def _values(graph: Graph, node: str, predicate: str) -> dict[Any, Value]:
    """Values of a property by their structure."""
    return {structure(graph, v): v for v in graph.values(node, predicate)}


def _place(side: Side, order: list[str], step: str) -> str:
    at = order.index(step)
    return f"after {side.graph.label(order[at - 1])}" if at else "first"


def _gist(side: Side, node: str, called: str) -> str:
    """The chief things that a node says, in words."""
    if called == "criterion":
        return meaning(side.tree, node)
    if called in ("statement", "reference", "reading", "class", "vocabulary", "module"):
        return side.graph.text(node, "skos:definition") or side.graph.text(node, "dcterms:title") or side.graph.label(node)
    parts = []
    for predicate in _GIST:
        values = [words(side.graph, side.tree, v) for v in side.graph.values(node, predicate)]
        if values:
            parts.append(f"{side.graph.label(predicate)} {', '.join(values)}")
    return "; ".join(parts) or side.graph.label(node)


# --- directions


def _directed(row: Difference, direction: Direction | None, known_by: str) -> Difference:
    """A row with a direction that became known."""
    if direction is None:
        return row
    kind = row.kind
    severity = row.severity
    if kind == "criterion-changed" and direction == "same":
        kind, severity = "criterion-rewritten", WORDING
    elif kind == "criterion-changed" and direction in ("tightened", "loosened"):
        kind = f"criterion-{direction}"
    return dataclasses.replace(row, kind=kind, severity=severity, direction=direction, known_by=known_by)


def _with_directions(found: list[Difference], old: Side, new: Side, by_cases: Told | None, reasoner: bool) -> list[Difference]:
    """Rows of criteria with the directions that structure could not tell."""
    open_: dict[Pair, None] = {(d.node, d.node): None for d in found if d.kind == "criterion-changed" and not d.direction}
    told: dict[Pair, tuple[Direction, str]] = {}
    if open_ and reasoner and tightening.reasoner_here():
        with tempfile.TemporaryDirectory(prefix="dermograph-") as room:
            told = {pair: (way, "reasoner") for pair, way in tightening.by_reasoner(old, new, list(open_), Path(room)).items()}
    for pair in open_:
        way = by_cases(pair) if by_cases and pair not in told else None
        if way:
            told[pair] = (way, "cases")
    return [_directed(d, *told[d.node, d.node]) if d.kind == "criterion-changed" and (d.node, d.node) in told else d for d in found]
