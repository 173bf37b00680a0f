"""The shapes of vocabulary and guideline by pySHACL, all at first and then only of nodes that a change may touch.

A node is touched by a change when it, or a node that it leads to over any path, says something else than before, or when
the change makes or unmakes it a target. Whether it breaks a shape cannot have changed otherwise, since a shape sees
no more of a graph than what its node leads to, and what leads to it over an inverse path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from dermograph.derive import subclasses
from dermograph.graph import Graph
from dermograph.terms import compact, expand, local_name
from dermograph.workbench.draft import Draft, Module
from dermograph.workbench.problems import Level, Problem

if TYPE_CHECKING:
    import rdflib

FILES = ("prefixes.ttl", "shapes/vocabulary.ttl", "shapes/guideline.ttl")
_LEVELS: dict[str, Level] = {"Violation": "error", "Warning": "warning", "Info": "note"}
_TARGETS: dict[str, Callable[[Graph, str], Iterable[str]]] = {
    "sh:targetClass": lambda graph, target: [n for cls in subclasses(graph, target) for n in graph.instances(cls)],
    "sh:targetNode": lambda graph, target: [target],
    "sh:targetObjectsOf": lambda graph, target: [v for n in graph.having(target) for v in graph.nodes(n, target)],
    "sh:targetSubjectsOf": lambda graph, target: graph.having(target),
}
"""The nodes that a shape is asked of, by the predicate that says so."""
Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Breach:
    """A breach of a shape, before it is placed."""

    node: str
    predicate: str
    shape: str
    message: str
    level: Level


class Shapes:
    """The shapes with what they found in the last draft."""

    def __init__(self) -> None:
        self._draft: Draft | None = None
        self._data: Any = None
        self._shapes: Any = None
        self._targets: set[str] = set()
        self._inverse: set[str] = set()
        self._given: list[bytes] = []
        self._breaches: list[Breach] = []

    def problems(self, draft: Draft, tick: Tick = lambda done, total: None) -> list[Problem]:
        """Breaches in a draft that can be parsed and is safe to reason with.

        :param tick: called with the number of shapes that were asked, and of all.
        """
        given = [draft.files[file].data for file in FILES if file in draft.files]
        before = self._draft if self._given == given else None
        if before is None:
            self._load(draft)
            self._breaches = self._ask(draft, None, tick)
        else:
            touched = self._touched(before, draft)
            self._renew(before, draft)
            kept = [b for b in self._breaches if b.node not in touched]
            self._breaches = kept + (self._ask(draft, touched, tick) if touched else [])
        self._draft, self._given = draft, given
        return [_problem(draft, breach) for breach in self._breaches]

    def _load(self, draft: Draft) -> None:
        import rdflib

        self._data = rdflib.Graph()
        self._shapes = rdflib.Graph()
        for module in draft.modules:
            self._add(module)
        for file in FILES:
            if file in draft.files:
                self._shapes.parse(data=draft.files[file].data, format="turtle")
        self._targets = {compact(str(o)) for o in self._shapes.objects(None, _iri("sh:targetObjectsOf"))}
        self._inverse = {compact(str(o)) for o in self._shapes.objects(None, _iri("sh:inversePath"))}

    def _renew(self, before: Draft, draft: Draft) -> None:
        old, new = ({m.file: m for m in d.modules} for d in (before, draft))
        for file in old.keys() | new.keys():
            if old.get(file) is not new.get(file):
                for triple in old[file].triples if file in old else ():
                    self._data.remove(_rdflib(triple))
                if file in new:
                    self._add(new[file])

    def _add(self, module: Module) -> None:
        for triple in module.triples:
            self._data.add(_rdflib(triple))

    def _touched(self, before: Draft, draft: Draft) -> set[str]:
        """Named nodes of which a shape may say something else than before."""
        changed = set()
        old, new = ({m.file: m for m in d.modules} for d in (before, draft))
        for file in old.keys() | new.keys():
            if old.get(file) is not new.get(file):
                one, other = (_sayings(d.graph, m[file]) if file in m else {} for d, m in ((before, old), (draft, new)))
                changed |= {node for node in one.keys() | other.keys() if one.get(node) != other.get(node)}
        touched, queue = set(changed), list(changed)
        while queue:
            referrers = {draft.graph.owner(r) for inner in _tree(draft.graph, queue.pop()) for r in draft.graph.referrers(inner)}
            queue += referrers - touched
            touched |= referrers
        for node in changed:
            touched |= self._aimed(before.graph, node) ^ self._aimed(draft.graph, node)
        return touched

    def _aimed(self, graph: Graph, node: str) -> set[str]:
        """What a node makes a target, or is seen from over an inverse path."""
        return {graph.owner(v) for inner in _tree(graph, node) for p in self._targets | self._inverse for v in graph.nodes(inner, p)} - {node}

    def _ask(self, draft: Draft, touched: set[str] | None, tick: Tick) -> list[Breach]:
        """Breaches of all nodes, or of those touched and what hangs from them."""
        from pyshacl import validate

        groups: dict[frozenset[tuple[str, str]], list[str]] = {}
        for shape in sorted({str(s) for p in _TARGETS for s in self._shapes.subjects(_iri(p))}):
            targets = frozenset((p, str(o)) for p in _TARGETS for o in self._shapes.objects(_iri(shape), _iri(p)))
            groups.setdefault(targets, []).append(shape)
        if touched is not None:
            groups = {targets: shapes for targets, shapes in groups.items() if self._focus(draft, targets, touched)}
        found: list[Breach] = []
        for done, (targets, shapes) in enumerate(groups.items()):
            tick(done, len(groups))
            asked = self._shapes if touched is None else self._aimed_at(shapes, self._focus(draft, targets, touched))
            _, report, _ = validate(self._data, shacl_graph=asked, use_shapes=shapes, inplace=True, max_validation_depth=50)
            found += _breaches(draft, report, shapes)
        tick(len(groups), len(groups))
        return found

    def _focus(self, draft: Draft, targets: Iterable[tuple[str, str]], touched: set[str]) -> set[str]:
        """Nodes that targets give, of those touched and what hangs from them."""
        nodes = {node for predicate, target in targets for node in _TARGETS[predicate](draft.graph, compact(target))}
        return {node for node in nodes if draft.graph.owner(node) in touched}

    def _aimed_at(self, shapes: Iterable[str], focus: Iterable[str]) -> rdflib.Graph:
        """The shapes, some of them asked of certain nodes instead of their own targets."""
        import rdflib

        aimed: rdflib.Graph = rdflib.Graph() + self._shapes
        for shape in shapes:
            for predicate in _TARGETS:
                aimed.remove((_iri(shape), _iri(predicate), None))
            for node in focus:
                blank = node.startswith("_:")
                aimed.add((_iri(shape), _iri("sh:targetNode"), rdflib.BNode(node.removeprefix("_:")) if blank else _iri(node)))
        return aimed


def _breaches(draft: Draft, report: rdflib.Graph, shapes: Iterable[str]) -> Iterator[Breach]:
    for shape in shapes:
        for result in set(report.subjects(_iri("sh:sourceShape"), _iri(shape))):
            focus, path, message = (report.value(result, _iri(f"sh:{name}")) for name in ("focusNode", "resultPath", "resultMessage"))
            severity = local_name(str(report.value(result, _iri("sh:resultSeverity"))))
            owner, predicate = draft.graph.seat(_name(focus), compact(str(path)) if path is not None else "")
            yield Breach(owner, predicate, local_name(shape), str(message), _LEVELS.get(severity, "error"))


def _problem(draft: Draft, breach: Breach) -> Problem:
    rule = "shape-" + re.sub(r"(?<!^)(?=[A-Z])", "-", breach.shape.removesuffix("Shape")).lower()
    message, _, mend = breach.message.partition(": ")
    file, line = draft.places.of(breach.node, breach.predicate)
    return Problem(file, line, rule, breach.node, message, mend.rstrip(".") or "see the shape", breach.level)


def _sayings(graph: Graph, module: Module) -> dict[str, frozenset[str]]:
    """What a module says of each named node, blank nodes spelled out."""
    return {node: _said(graph, node, 0) for node in {n for n, predicate, _ in module.described if n and not predicate}}


def _said(graph: Graph, node: str, depth: int) -> frozenset[str]:
    found = set()
    for predicate, value in graph.pairs(node):
        blank = isinstance(value, str) and value.startswith("_:") and depth < 20
        found.add(f"{predicate} {sorted(_said(graph, str(value), depth + 1)) if blank else repr(value)}")
    return frozenset(found)


def _tree(graph: Graph, node: str) -> list[str]:
    """A node and the blank nodes that hang from it."""
    found, queue = [node], [node]
    while queue:
        new = [v for _, v in graph.pairs(queue.pop()) if isinstance(v, str) and v.startswith("_:") and v not in found]
        found += new
        queue += new
    return found


def _name(node: Any) -> str:
    import rdflib

    return f"_:{node}" if isinstance(node, rdflib.BNode) else compact(str(node))


def _rdflib(triple: ox.Triple) -> tuple[Any, Any, Any]:
    return _term(triple.subject), _term(triple.predicate), _term(triple.object)


def _term(term: Any) -> Any:
    import rdflib

    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value))


def _iri(name: str) -> Any:
    import rdflib

    return rdflib.URIRef(expand(name))
