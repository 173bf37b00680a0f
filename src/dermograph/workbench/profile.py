"""Whether an ontology keeps to OWL 2 DL, and to the fragment of it that criteria are written in.

The structural rules are those of https://www.w3.org/TR/owl2-syntax/#Ontologies, as far as the constructs in use can
break them; constructs that no part of the workbench reads are refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import pyoxigraph as ox

from dermograph.derive import subclasses
from dermograph.errors import KnowledgeError
from dermograph.graph import node_name
from dermograph.terms import OWN, compact
from dermograph.workbench.problems import Problem
from dermograph.workbench.theory import Theory

KINDS = ("owl:AnnotationProperty", "owl:DatatypeProperty", "owl:ObjectProperty")
_CLASS = ("rdfs:subClassOf", "owl:equivalentClass", "owl:complementOf", "owl:disjointWith", "owl:onClass")
_LISTS = ("owl:intersectionOf", "owl:unionOf")
_UNREAD = {"owl:hasKey", "owl:hasSelf", "owl:propertyChainAxiom", "owl:TransitiveProperty", "owl:inverseOf", "owl:onClass", "owl:allValuesFrom"}
_BUILT_IN = ("owl:", "rdf:", "rdfs:", "xsd:")
_NUMBERS = {"decimal", "integer"}
_DATATYPES = _NUMBERS | {"double", "float", "string", "langString", "boolean", "nonNegativeInteger", "positiveInteger", "anyURI", "dateTime"}
"""Of the datatype map of OWL 2 those that may stand in content."""

_CRITERIA = ("dg:AtomicCriterion", "dg:CompositeCriterion")
_CRITERION = ("dg:population", "dg:indication", "dg:entry", "dg:exit", "dg:criterion", "dg:later", "dg:screenedIn", "dg:presumedFalseWhen")
_INSTANCE = {
    "dg:step": "dg:PathwayStep",
    "dg:nextStep": "dg:PathwayStep",
    "dg:guideline": "dg:Guideline",
    "dg:prerequisite": "dg:Prerequisite",
    "dg:alternativeTo": "dg:Regimen",
    "dg:exceptionTo": "dg:Recommendation",
}
_DUTIES = {
    "dg:Recommendation": ("dg:therapy", "dg:guideline", "dg:direction", "dg:population"),
    "dg:Regimen": ("dg:therapy", "dg:population"),
    "dg:PathwayStep": ("dg:guideline", "dg:entry"),
    "dg:Guideline": ("dg:population",),
}
"""What the proof takes for granted; the shapes tell it of more nodes and in more words."""

Breach = tuple[str, str, str, str]


def problems(theory: Theory) -> list[Problem]:
    """What lies outside, in the order of files and lines."""
    breaches = [*_declarations(theory), *_properties(theory), *_datatypes(theory), *_unread(theory), *_references(theory)] or [*_fragment(theory)]
    found = {Problem(*theory.places.of(node), rule, node, message, mend) for rule, node, message, mend in breaches}
    return sorted(found)


def _owner(theory: Theory, node: str) -> str:
    """The named node that a blank node belongs to."""
    seen: set[str] = set()
    while node.startswith("_:") and node not in seen:
        seen.add(node)
        node = theory.holders.get(node, node)
    return node


def _declarations(theory: Theory) -> Iterator[Breach]:
    """Classes that are used and not declared, and names declared as two things that exclude each other."""
    graph = theory.graph
    classes = set(graph.instances("owl:Class"))
    used: list[tuple[Any, str]] = [(v, s) for p in _CLASS for s in graph.having(p) for v in graph.values(s, p)]
    used += [(v, s) for p in _LISTS for s in graph.having(p) for head in graph.nodes(s, p) for v in graph.items(head)]
    used += [(v, s) for s in graph.having("owl:someValuesFrom") for v in graph.values(s, "owl:someValuesFrom")]
    for value, subject in used:
        name = str(value)
        if not name.startswith(("_:", *_BUILT_IN)) and name not in classes:
            message = f"it speaks of the class {name}, which nothing declares"
            yield "class-undeclared", _owner(theory, subject), message, f"correct the name, or declare {name} as an owl:Class"
    for name in sorted(set().union(*(graph.instances(k) for k in KINDS))):
        kinds = [k for k in (*KINDS, "owl:Class") if k in graph.nodes(name, "rdf:type")]
        if len(kinds) > 1:
            yield "punning", name, f"it is declared as {' and '.join(kinds)}, which OWL 2 DL keeps apart", "keep one of them"


def _properties(theory: Theory) -> Iterator[Breach]:
    """Properties that are used and not declared, or with a value of the wrong sort."""
    graph = theory.graph
    kinds = {name: kind for kind in KINDS for name in graph.instances(kind)}
    for t in theory.triples:
        name = compact(t.predicate.value)
        if name.startswith(_BUILT_IN):
            continue
        subject = _owner(theory, str(node_name(t.subject)))
        kind, literal = kinds.get(name), isinstance(t.object, ox.Literal)
        if kind is None and name.partition(":")[0] in OWN:
            yield "property-undeclared", subject, f"it uses the property {name}, which nothing declares", "correct the name, or declare the property"
        elif kind == "owl:ObjectProperty" and literal:
            yield "value-sort", subject, f"{name} leads to a node, and here it has the value {t.object}", "write the node's name"
        elif kind == "owl:DatatypeProperty" and not literal:
            yield "value-sort", subject, f"{name} has a plain value, and here it leads to {t.object}", "write the value itself"
    for restriction in graph.having("owl:onProperty"):
        for name in graph.nodes(restriction, "owl:onProperty"):
            owner = _owner(theory, restriction)
            if name not in kinds or kinds[name] == "owl:AnnotationProperty":
                yield "property-undeclared", owner, f"it restricts {name}, which is no declared fact", "correct the name of the fact"
                continue
            ranged = any(graph.nodes(v, "owl:onDatatype") for v in graph.nodes(restriction, "owl:someValuesFrom"))
            if ranged != (kinds[name] == "owl:DatatypeProperty"):
                said = "a range of numbers" if ranged else "a class or a node"
                yield "value-sort", owner, f"it asks {name}, an {kinds[name]}, for {said}", "ask a fact of the right sort"


def _datatypes(theory: Theory) -> Iterator[Breach]:
    """Datatypes outside the datatype map, and bounds that are no numbers."""
    graph = theory.graph
    for node in graph.having("owl:onDatatype"):
        for name in graph.nodes(node, "owl:onDatatype"):
            if name.removeprefix("xsd:") not in _NUMBERS:
                yield "datatype", _owner(theory, node), f"it bounds {name}, and facts are exact numbers", "write owl:onDatatype xsd:decimal"
    kinds = set(graph.instances("owl:DatatypeProperty"))
    for t in theory.triples:
        if not isinstance(t.object, ox.Literal):
            continue
        name, kind = compact(t.predicate.value), t.object.datatype.value.rpartition("#")[2]
        if name.startswith("xsd:m") and kind not in _NUMBERS:
            message = f"the bound {t.object.value!r} is no exact number"
            yield "datatype", _owner(theory, str(node_name(t.subject))), message, "write it with a point and without quotation marks, as in 12.5"
        elif name in kinds and kind not in _DATATYPES:
            message = f"{name} has a value of {compact(t.object.datatype.value)}, which OWL 2 does not know"
            yield "datatype", _owner(theory, str(node_name(t.subject))), message, "use a datatype of the OWL 2 datatype map"


def _unread(theory: Theory) -> Iterator[Breach]:
    """Constructs that stand outside the fragment in use."""
    for t in theory.triples:
        for term in (t.predicate, t.object):
            name = compact(term.value) if isinstance(term, ox.NamedNode) else ""
            if name in _UNREAD:
                node = _owner(theory, str(node_name(t.subject)))
                yield "construct-unread", node, f"it uses {name}, which no engine here reads", "say it with some, value, and, or, not"


def _references(theory: Theory) -> Iterator[Breach]:
    """Names that lead to no node of the sort that is asked for, and nodes without what a proof needs."""
    graph = theory.graph
    therapies, criteria = set(subclasses(graph, "dg:Therapy")), {c for kind in _CRITERIA for c in graph.instances(kind)}
    sorts: list[tuple[str, str, Collection[str]]] = [("dg:therapy", "therapy", therapies)]
    sorts += [(p, "criterion", criteria) for p in _CRITERION]
    sorts += [(p, graph.label(kind), graph.instances(kind)) for p, kind in _INSTANCE.items()]
    for predicate, sort, known in sorts:
        for subject in graph.having(predicate):
            for name in sorted(set(graph.nodes(subject, predicate)) - set(known)):
                message = f"its {predicate} leads to {name}, which is no {sort}"
                yield "reference-broken", _owner(theory, subject), message, "correct the name, or declare the node and type it"
    for kind, duties in _DUTIES.items():
        for node in graph.instances(kind):
            for predicate in duties:
                if len(graph.values(node, predicate)) != 1:
                    message = f"it has {len(graph.values(node, predicate)) or 'no'} values of {predicate}, and needs one"
                    yield "duty-unmet", node, message, f"keep or add exactly one {predicate}"


def _fragment(theory: Theory) -> Iterator[Breach]:
    """The first criterion that breaks the model, a circle of definitions included."""
    try:
        _ = theory.tree
    except KnowledgeError as error:
        named = re.search(r"\b(?:ad|dg|pt|fact):[\w-]+", error.message)
        yield "criterion-outside-fragment", named[0] if named else "", error.message, error.hint
