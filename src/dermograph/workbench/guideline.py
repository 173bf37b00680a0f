"""Duties of a guideline's content: sources, statements, criteria, reasons, places in the pathway, units."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator

from dermograph import units
from dermograph.coverage import carriers
from dermograph.derive import of_outcome, subclasses, tracked_therapies
from dermograph.graph import Graph, Value
from dermograph.index import CRITERIA
from dermograph.workbench.draft import Draft
from dermograph.workbench.problems import Problem

SOURCED = ("dg:Recommendation", "dg:PathwayStep", "dg:Prerequisite", "dg:LabelFact", "dg:Evidence")
READINGS = ("dg:Ruling", "dg:Ambiguity")
_REASONS = ("dg:Contraindication", "dg:Interaction", "dg:Deferral")
_FACETS = ("xsd:minInclusive", "xsd:minExclusive", "xsd:maxInclusive", "xsd:maxExclusive")
_UNITS = ("dg:unit", "dg:canonicalUnit")


def below(graph: Graph, top: str) -> Iterator[str]:
    """Instances of a class and of all classes below it."""
    for kind in subclasses(graph, top):
        yield from graph.instances(kind)


def sources(draft: Draft) -> Iterator[Problem]:
    """Clinical nodes without a source, and absolute contraindications that were not verified."""
    graph = draft.graph
    for node in sorted({n for kind in SOURCED for n in below(graph, kind)}):
        cited = graph.nodes(node, "dg:statement") + graph.nodes(node, "dg:source")
        if not cited and False not in graph.values(node, "dg:verified"):
            mend = "add dg:statement or dg:source, or mark a label fact dg:verified false"
            yield draft.problem("source", node, "this clinical node has no source", mend)
        elif "dg:Absolute" in graph.nodes(node, "dg:force") and False in graph.values(node, "dg:verified"):
            message, mend = "this contraindication is absolute and was not verified", "find its source, or make it dg:Cautionary"
            yield draft.problem("source", node, message, mend, "dg:verified")


def statements(draft: Draft) -> Iterator[Problem]:
    """Statements that no node carries, and readings that shaped nothing."""
    graph = draft.graph
    for node in graph.instances("dg:Statement"):
        if not carriers(graph, node):
            mend = f"cite it with dg:statement {node} at the node that says it"
            yield draft.problem("statement-uncarried", node, "no node carries this statement", mend)
    for node in sorted(n for kind in READINGS for n in graph.instances(kind)):
        if not graph.subjects("dg:shapedBy", node):
            mend = f"name it with dg:shapedBy {node} at the node that it shaped, or take it out"
            yield draft.problem("reading-unused", node, "this reading shaped nothing", mend)


def reasons(draft: Draft) -> Iterator[Problem]:
    """Different contraindications of one therapy that tell the same reason."""
    graph = draft.graph
    for kind in _REASONS:
        told: dict[tuple[str, str], list[str]] = defaultdict(list)
        for node in graph.instances(kind):
            for therapy in graph.nodes(node, "dg:therapy"):
                told[therapy, graph.label(node)].append(node)
        for (therapy, label), nodes in sorted(told.items()):
            for node in nodes[1:]:
                message = f"it gives the same reason as {nodes[0]} of {therapy}: {label!r}"
                yield draft.problem("same-reason", node, message, "word each so that a reader tells them apart, or join them", "skos:prefLabel")


# --- criteria


def unused(draft: Draft) -> Iterator[Problem]:
    """Criteria that nothing rests on, or that are kept as such and used; derived ones and those of outcome templates are used by name."""
    graph = draft.graph
    tracked = tracked_therapies(graph, subclasses(graph, "dg:Therapy"))
    by_name = {of_outcome(graph, template, therapy) for template in graph.instances("dg:OutcomeTemplate") for therapy in tracked}
    for node in _criteria(graph):
        kept, users = graph.values(node, "dg:keptFor"), graph.referrers(node)
        free = node in by_name or "dg:DerivedCriterion" in graph.nodes(node, "rdf:type") or kept
        if kept and users:
            message = f"dg:keptFor says what it is there for though nothing used it, and {min(map(graph.owner, users))} does"
            yield draft.problem("kept-criterion", node, message, "take dg:keptFor out", "dg:keptFor")
        elif not free and not users:
            mend = "use it, take it out, or say in dg:keptFor what it is there for"
            yield draft.problem("unused-criterion", node, "no fact, step or criterion uses this criterion", mend)


def twice(draft: Draft) -> Iterator[Problem]:
    """Criteria that mean the same under two names."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in _criteria(draft.graph):
        found[meaning(draft.graph, node)].append(node)
    for same in found.values():
        for node in same[1:]:
            message = f"it means the same as {same[0]}"
            yield draft.problem("criterion-twice", node, message, f"use {same[0]} and take this one out", "owl:equivalentClass")


def meaning(graph: Graph, node: Value) -> str:
    """What a class expression says, named criteria spelled out and the order of members ignored."""
    name = str(node)
    for definition in graph.nodes(name, "owl:equivalentClass"):
        return meaning(graph, definition)
    for joint in ("owl:intersectionOf", "owl:unionOf"):
        for head in graph.nodes(name, joint):
            inner = sorted({meaning(graph, member) for member in graph.items(head)})
            return inner[0] if len(inner) == 1 else f"{joint}({' '.join(inner)})"
    for other in graph.nodes(name, "owl:complementOf"):
        return f"not({meaning(graph, other)})"
    for head in graph.nodes(name, "owl:withRestrictions"):
        return " ".join(f"{f} {v.normalize():f}" for f in _FACETS for i in graph.items(head) if (v := graph.number(i, f)) is not None)
    asked = [(p, value) for p in ("owl:someValuesFrom", "owl:hasValue") for value in graph.values(name, p)]
    return f"{graph.text(name, 'owl:onProperty')} {asked[0][0]} {meaning(graph, asked[0][1])}" if asked else name


def _criteria(graph: Graph) -> list[str]:
    return sorted({name for kind in CRITERIA for name in graph.instances(kind)})


# --- pathway


def unreachable(draft: Draft) -> Iterator[Problem]:
    """Recommendations that no patient can reach, as far as the structure tells."""
    graph = draft.graph
    for guideline in graph.instances("dg:Guideline"):
        steps = [s for s in graph.subjects("dg:guideline", guideline) if s in graph.instances("dg:PathwayStep")]
        starts = sorted(set(steps) - {f for s in steps for f in graph.nodes(s, "dg:nextStep")}, key=lambda s: (-_following(graph, s), s))
        for step in starts[1:]:
            message, mend = f"no step leads to this one, and the pathway begins with {starts[0]}", "lead to it by dg:nextStep of the step before it"
            yield draft.problem("unreachable-step", step, message, mend)
        if steps and not starts:
            message, mend = "the pathway has no first step, since its steps run in a circle", "take out one dg:nextStep"
            yield draft.problem("unreachable-step", steps[0], message, mend, "dg:nextStep")
        for node in graph.instances("dg:Recommendation"):
            if guideline in graph.nodes(node, "dg:guideline"):
                yield from _blocked(draft, node, guideline, steps)


def _following(graph: Graph, step: str) -> int:
    """How many steps may follow a step."""
    seen, queue = {step}, [step]
    while queue:
        new = set(graph.nodes(queue.pop(), "dg:nextStep")) - seen
        seen |= new
        queue += new
    return len(seen)


def _blocked(draft: Draft, node: str, guideline: str, steps: list[str]) -> Iterator[Problem]:
    graph = draft.graph
    asked = list(graph.nodes(guideline, "dg:population"))
    for predicate in ("dg:population", "dg:indication", "dg:entry"):
        asked += graph.nodes(node, predicate)
    for step in graph.nodes(node, "dg:step"):
        if step not in steps:
            message = f"its step {step} is no step of {guideline}"
            yield draft.problem("unreachable-recommendation", node, message, "name a step of its own guideline", "dg:step")
        if not graph.nodes(node, "dg:entry"):
            asked += graph.nodes(step, "dg:entry")
    for prerequisite in graph.nodes(node, "dg:prerequisite"):
        asked += graph.nodes(prerequisite, "dg:criterion")
    wanted: dict[tuple[str, bool], str] = {}
    for criterion in asked:
        for literal in _conjuncts(graph, criterion, True):
            wanted.setdefault(literal, criterion)
    for (inner, positive), criterion in sorted(wanted.items()):
        if positive and (inner, False) in wanted:
            other = wanted[inner, False]
            message = f"no patient can reach it: {criterion} asks for {inner}, and {other} for its opposite"
            yield draft.problem("unreachable-recommendation", node, message, "mend its population, indication, entry or prerequisites")


def _conjuncts(graph: Graph, criterion: str, positive: bool) -> Iterator[tuple[str, bool]]:
    """What a criterion asks for at the least: named criteria, each to hold or not to hold."""
    yield criterion, positive
    for definition in graph.nodes(criterion, "owl:equivalentClass"):
        for joint in ("owl:intersectionOf",) if positive else ("owl:unionOf",):
            for head in graph.nodes(definition, joint):
                for member in graph.items(head):
                    inner = graph.nodes(member, "owl:complementOf")
                    yield from _conjuncts(graph, inner[0] if inner else member, positive != bool(inner))
        for inner_name in graph.nodes(definition, "owl:complementOf"):
            yield from _conjuncts(graph, inner_name, not positive)


# --- units


def unknown_units(draft: Draft) -> Iterator[Problem]:
    """Units that are not UCUM."""
    graph = draft.graph
    written = {u for p in _UNITS for n in graph.having(p) for u in graph.nodes(n, p)}
    for predicate in _UNITS:
        for node in graph.having(predicate):
            for unit in graph.nodes(node, predicate):
                if not units.known(unit):
                    near = difflib.get_close_matches(unit, sorted(w for w in written if units.known(w)), n=1)
                    mend = f'write "{near[0]}"' if near else 'write a UCUM code such as "mg/kg/d"'
                    yield draft.problem("unit", node, f'"{unit}" is no UCUM unit', mend, predicate, f'"{unit}"')


RULES = (sources, statements, reasons, unused, twice, unreachable, unknown_units)
