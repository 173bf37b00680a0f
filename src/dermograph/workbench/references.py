"""What makes it unsafe to reason with an ontology.

That is a name that nothing declares, a reference to what is of another kind, and a criterion that rests on itself. Each
would drop a fact without a word, so that the ontology is refused before anybody is assessed with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from dermograph.derive import MODULE, definitions, subclasses
from dermograph.errors import TOLD, KnowledgeError
from dermograph.graph import Graph
from dermograph.index import CRITERIA, KINDS
from dermograph.terms import OWN, compact
from dermograph.workbench import vocabulary
from dermograph.workbench.draft import Draft, Module, below
from dermograph.workbench.problems import Problem

_AMOUNTS = ("dose", "loading", "maximum", "minimumAge", "minimumWeight", "perKilogram")
_TIMES = ("after", "duration", "every", "frequency", "least", "schedule")
_CRITERIA = ("criterion", "entry", "exit", "indication", "later", "population", "presumedFalseWhen", "screenedIn")
_THERAPIES = ("therapy", "unsuitabilityOf")
_CONDITIONS = ("madeUpOf", "rulesOut", "screensFor")
_OWN = tuple(f"{prefix}:" for prefix in OWN)
POINTS_AT: dict[str, tuple[str, ...]] = {
    **{f"dg:{name}": ("dg:Quantity",) for name in (*_AMOUNTS, *_TIMES)},
    **{f"dg:{name}": ("dg:Criterion",) for name in _CRITERIA},
    **{f"dg:{name}": ("dg:Therapy",) for name in _THERAPIES},
    **{f"dg:{name}": ("dg:Condition",) for name in _CONDITIONS},
    "dg:action": ("dg:Assessment",),
    "dg:authority": ("dg:Authority",),
    "dg:deferredAs": ("dg:ReasonKind",),
    "dg:definedByObservable": ("dg:Observable",),
    "dg:direction": ("dg:Direction",),
    "dg:document": ("dg:Guideline",),
    "dg:factProperty": ("dg:FactProperty",),
    "dg:force": ("dg:Force",),
    "dg:guideline": ("dg:Guideline",),
    "dg:interactionEffect": ("dg:InteractionEffect",),
    "dg:measures": ("dg:Observable",),
    "dg:nextStep": ("dg:PathwayStep",),
    "dg:ordersWith": ("dg:PathwayStep",),
    "dg:position": ("dg:Position",),
    "dg:prerequisite": ("dg:Prerequisite",),
    "dg:reasonKind": ("dg:ReasonKind",),
    "dg:route": ("dg:Route",),
    "dg:shapedBy": ("dg:Ambiguity", "dg:Ruling"),
    "dg:source": ("dg:Reference",),
    "dg:statement": ("dg:Statement",),
    "dg:step": ("dg:PathwayStep",),
    "dg:suspects": ("dg:FactProperty",),
    "dg:test": ("dg:Assessment", "dg:Observable"),
    "dg:whenUnrecorded": ("dg:WhenUnrecorded",),
    "dg:yields": ("dg:FactProperty",),
    "dg:yieldsIfBrief": ("dg:FactProperty",),
    "owl:onProperty": ("dg:FactProperty",),
}
"""What the value of a property has to be: a class below it for therapies, conditions, observables and assessments, an
instance of it for all else."""


def refuse(ontology: Path, graph: Graph | None = None, derived: str | None = None) -> None:
    """Refuse an ontology that is unsafe to reason with.

    :param graph: the guideline graph of the folder, where it was read already.
    :param derived: what the derived module is taken to say, instead of what it says.
    :raises KnowledgeError: a finding for each thing to mend, at its file and line.
    """
    draft = Draft(ontology, derived=derived)
    graph = graph or draft.graph
    slips = [p for module in draft.modules for p in module.slips]
    strangers = vocabulary.strangers(graph.names(), set(graph.having("rdf:type")))
    if slips or strangers or any(True for _ in astray(graph)) or any(True for _ in circles(graph)):
        unread = [module.parsed for module in draft.modules if isinstance(module.parsed, Problem)]
        told = below(unread or slips or unsafe(draft, draft.modules), ontology)
        if len(told) == 1:
            raise KnowledgeError(*told[0].told)
        rest = [f"{ontology}: and {len(told) - TOLD:,} more findings"] if len(told) > TOLD else []
        raise KnowledgeError("\n".join([*map(str, told[:TOLD]), *rest]), f"mend each; dermograph check {ontology} tells whether all is well")


def located(ontology: Path, error: KnowledgeError) -> KnowledgeError:
    """The error with file and line of its node put before it."""
    if not error.node:
        return error
    try:
        found = Draft(ontology).problem("model", error.node, error.message, error.hint, error.predicate)
    except OSError:
        return error
    return KnowledgeError(*below([found], ontology)[0].told) if found.file else error


def unsafe(draft: Draft, modules: Iterable[Module]) -> list[Problem]:
    """Findings that make reasoning unsafe, in the order of files and lines: first names, then what they refer to.

    :param modules: the files whose names are looked at.
    """
    graph = draft.graph
    declared = set(graph.having("rdf:type"))
    derivable, used = derived_names(graph) - declared, graph.names()
    found = list(vocabulary.unknown(modules, set(draft.whole.having("rdf:type")) | derivable))
    for name in sorted(derivable & used):
        message = f"{name} follows from label facts and is not in {MODULE.as_posix()}, which is stale"
        found.append(Problem(MODULE.as_posix(), 1, "stale-derived", name, message, f"run: dermograph derive --ontology {draft.ontology}"))
    if found:
        return sorted(set(found))
    for node, predicate, value, message, mend in astray(graph):
        if value in declared or not value.startswith(_OWN):
            found.append(draft.problem("wrong-reference", node, message, mend, predicate, value))
    for circle in circles(graph):
        around = " → ".join([*circle, circle[0]])
        message, mend = f"the criterion rests on itself: {around}", f"define one of {', '.join(sorted(set(circle)))} without the others"
        found.append(draft.problem("criterion-circle", circle[0], message, mend, "owl:equivalentClass", circle[1 % len(circle)]))
    return sorted(set(found))


def derived_names(graph: Graph) -> set[str]:
    """Names that the derived module declares when it is written from a guideline graph."""
    try:
        return {text.split(" ", 1)[0] for text in definitions(graph)}
    except KnowledgeError:
        return set()


def astray(graph: Graph) -> Iterator[tuple[str, str, str, str, str]]:
    """References to what is of another kind: node, predicate, value, what is wrong, the mend."""
    of = _Kinds(graph)
    for predicate, kinds in POINTS_AT.items():
        for node in graph.having(predicate):
            for value in graph.nodes(node, predicate):
                if not any(of.fits(value, kind) for kind in kinds):
                    yield node, predicate, value, *of.wrong(predicate, value, kinds)
    for name in of.criteria:
        for definition in graph.nodes(name, "owl:equivalentClass"):
            for member in members(graph, definition):
                if not member.startswith("_:") and not of.fits(member, "dg:Criterion"):
                    yield name, "owl:equivalentClass", member, *of.wrong("the definition", member, ("dg:Criterion",))
            for predicate, value, kind in _filled(graph, definition):
                if not of.fits(value, kind):
                    yield name, "owl:equivalentClass", value, *of.wrong(predicate, value, (kind,))


def members(graph: Graph, definition: str) -> list[str]:
    """Criteria that a definition joins, those behind a complement included."""
    found = [m for joint in ("owl:intersectionOf", "owl:unionOf") for head in graph.nodes(definition, joint) for m in graph.items(head)]
    found += graph.nodes(definition, "owl:complementOf")
    return [inner for m in found for inner in (graph.nodes(m, "owl:complementOf") if m.startswith("_:") else [m])]


def _filled(graph: Graph, definition: str) -> Iterator[tuple[str, str, str]]:
    """What an atomic definition asks for, and the kind that its fact property has for values."""
    for fact in graph.nodes(definition, "owl:onProperty"):
        for word in graph.nodes(fact, "dg:recordedAs"):
            for kind in graph.nodes(word, "dg:rangeIncludes"):
                if kind in KINDS:
                    yield from (("owl:someValuesFrom", v, kind) for v in graph.nodes(definition, "owl:someValuesFrom"))
            for kind in graph.subjects("dg:valuesOf", word):
                yield from (("owl:hasValue", v, kind) for v in graph.nodes(definition, "owl:hasValue"))


def circles(graph: Graph) -> Iterator[list[str]]:
    """Circles of criteria that rest on one another, each once."""
    names = sorted({name for kind in CRITERIA for name in graph.instances(kind)})
    done: set[str] = set()
    for name in names:
        path: list[str] = []
        stack = [(name, False)]
        while stack:
            one, left = stack.pop()
            if left:
                path.pop()
                done.add(one)
            elif one in path:
                yield path[path.index(one) :]
            elif one not in done:
                path.append(one)
                stack.append((one, True))
                stack += [(inner, False) for inner in rests_on(graph, one)]


def rests_on(graph: Graph, criterion: str) -> list[str]:
    """Criteria that one is made of or presumed by."""
    inner = [m for definition in graph.nodes(criterion, "owl:equivalentClass") for m in members(graph, definition)]
    return inner + graph.nodes(criterion, "dg:presumedFalseWhen")


class _Kinds:
    """Of which kind the nodes of a graph are."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.within = {kind: set(subclasses(graph, kind)) - {kind} for kind in KINDS}
        self.criteria = sorted({name for kind in CRITERIA for name in graph.instances(kind)})
        self.instances: dict[str, set[str]] = {}

    def all(self, kind: str) -> set[str]:
        """All that is of a kind."""
        if kind in self.within:
            return self.within[kind]
        if kind not in self.instances:
            self.instances[kind] = {node for cls in subclasses(self.graph, kind) for node in self.graph.instances(cls)}
        return self.instances[kind]

    def fits(self, value: str, kind: str) -> bool:
        """Whether a value is of a kind."""
        return value in self.all(kind)

    def wrong(self, predicate: str, value: str, kinds: tuple[str, ...]) -> tuple[str, str]:
        """What is wrong with a reference, and the mend."""
        duty = " or ".join(f"a class below {k}" if k in KINDS else f"one of {k}" for k in kinds)
        near = vocabulary.nearest(value, [name for kind in kinds for name in self.all(kind) if not name.startswith("_:")])
        shown = "a blank node" if value.startswith("_:") else value
        message = f"{predicate} points at {shown}, which is {self.told(value)}, and wants {duty}"
        mend = f"write {near}" if near else f"point at {duty}"
        return message + (f"; the nearest name is {near}" if near else ""), mend

    def told(self, value: str) -> str:
        """What a value is, in words."""
        for kind, classes in self.within.items():
            if value in classes:
                return f"a class below {kind}"
        types = [t for t in self.graph.nodes(value, "rdf:type") if t != "owl:NamedIndividual"]
        own = [t for t in types if not t.startswith("owl:")] or types
        return f"of type {', '.join(map(compact, own))}" if own else "of no type"
