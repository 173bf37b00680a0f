"""What a change of a node or of one of its properties is called, and how heavily it weighs.

An outcome is a patient's status, rank or dose. A property that no table names may change it.
"""

from __future__ import annotations

from typing import Literal

from dermograph.graph import Graph

Severity = Literal["changes outcome", "may change outcome", "wording only"]
SEVERITIES: tuple[Severity, ...] = ("changes outcome", "may change outcome", "wording only")
CHANGES, MAY, WORDING = SEVERITIES

_TESTS: dict[str, tuple[str, Severity]] = {
    "dg:Screening": ("screening", CHANGES),
    "dg:BaselineTest": ("baseline", MAY),
    "dg:MonitoringTest": ("monitoring", MAY),
}
NODES: dict[str, tuple[str, Severity]] = {
    "dg:AtomicCriterion": ("criterion", MAY),
    "dg:CompositeCriterion": ("criterion", MAY),
    "dg:Recommendation": ("recommendation", CHANGES),
    "dg:PathwayStep": ("step", CHANGES),
    "dg:Prerequisite": ("prerequisite", CHANGES),
    "dg:Guideline": ("guideline", CHANGES),
    "dg:Regimen": ("regimen", CHANGES),
    "dg:Contraindication": ("contraindication", MAY),
    "dg:Interaction": ("interaction", MAY),
    "dg:Deferral": ("deferral", CHANGES),
    **_TESTS,
    "dg:Precaution": ("caution", MAY),
    "dg:BoxedWarning": ("boxed-warning", MAY),
    "dg:AdverseEffect": ("adverse-effect", MAY),
    "dg:CourseLimit": ("course-limit", MAY),
    "dg:MeantGap": ("meant-gap", MAY),
    "dg:ResponseTime": ("response-time", MAY),
    "dg:AdequateTrial": ("adequate-trial", CHANGES),
    "dg:Indication": ("label-indication", MAY),
    "dg:ProposedAction": ("action", MAY),
    "dg:Disagreement": ("disagreement", MAY),
    "dg:Statement": ("statement", WORDING),
    "dg:Reference": ("reference", WORDING),
    "dg:Ruling": ("reading", WORDING),
    "dg:Ambiguity": ("reading", WORDING),
    "dg:Source": ("source", WORDING),
    "dg:Evidence": ("evidence", WORDING),
    "owl:Ontology": ("module", WORDING),
}
"""For each class of node, what it is called and how its coming or going weighs; the first that fits counts."""

_WORDS: dict[str, tuple[str, Severity]] = {
    "skos:prefLabel": ("label-changed", WORDING),
    "skos:altLabel": ("label-changed", WORDING),
    "skos:definition": ("definition-changed", WORDING),
    "skos:scopeNote": ("definition-changed", WORDING),
    "skos:example": ("definition-changed", WORDING),
    "skos:notation": ("label-changed", WORDING),
    "dg:statement": ("statements-changed", WORDING),
    "dg:source": ("sources-changed", WORDING),
    "dg:shapedBy": ("readings-changed", WORDING),
}
_PROPERTIES: dict[str, dict[str, tuple[str, Severity]]] = {
    "recommendation": {
        "dg:strength": ("recommendation-regraded", MAY),
        "dg:strengthScale": ("recommendation-regraded", MAY),
        "dg:certainty": ("recommendation-regraded", MAY),
        "dg:direction": ("recommendation-regraded", CHANGES),
        "dg:population": ("population-changed", CHANGES),
        "dg:indication": ("indication-changed", CHANGES),
        "dg:entry": ("entry-changed", CHANGES),
        "dg:prerequisite": ("prerequisites-changed", CHANGES),
        "dg:later": ("order-moved", CHANGES),
        **dict.fromkeys(("dg:order", "dg:laterOrder", "dg:ordersWith", "dg:adjunct", "dg:unranked"), ("order-moved", CHANGES)),
        **dict.fromkeys(("dg:step", "dg:guideline", "dg:therapy"), ("recommendation-moved", CHANGES)),
    },
    "regimen": {
        **dict.fromkeys(("dg:dose", "dg:perKilogram", "dg:loading", "dg:divided"), ("dose-changed", CHANGES)),
        **dict.fromkeys(("dg:every", "dg:frequency"), ("interval-changed", CHANGES)),
        "dg:maximum": ("maximum-changed", CHANGES),
        "dg:population": ("band-changed", CHANGES),
        "dg:route": ("route-changed", CHANGES),
        "dg:duration": ("duration-changed", CHANGES),
        **dict.fromkeys(("dg:order", "dg:exampleOnly", "dg:verified", "dg:authority", "dg:therapy"), ("regimen-offer-changed", CHANGES)),
    },
    "contraindication": {"dg:force": ("force-changed", MAY), "dg:criterion": ("contraindication-criterion-changed", MAY)},
    "interaction": {"dg:interactionEffect": ("force-changed", MAY), "dg:criterion": ("interaction-criterion-changed", MAY)},
    "screening": {"dg:criterion": ("screening-changed", CHANGES), "dg:test": ("screening-changed", CHANGES)},
    "prerequisite": {"dg:criterion": ("prerequisite-criterion-changed", CHANGES)},
    "deferral": {"dg:criterion": ("deferral-criterion-changed", CHANGES), "dg:reasonKind": ("deferral-changed", CHANGES)},
    "adequate-trial": {"dg:least": ("adequate-trial-changed", CHANGES)},
    "guideline": {
        "dg:population": ("population-changed", CHANGES),
        **dict.fromkeys(("dg:edition", "owl:versionInfo", "owl:versionIRI", "dcterms:source"), ("edition-changed", WORDING)),
    },
    "step": {
        "dg:entry": ("step-entry-changed", CHANGES),
        "dg:exit": ("step-exit-changed", CHANGES),
        "dg:nextStep": ("edges-changed", MAY),
        "dg:optionalStep": ("step-changed", CHANGES),
    },
    "class": {"rdfs:subClassOf": ("class-moved", CHANGES)},
}
_HEAVY = {"contraindication", "interaction"}
_EXCLUDING = {("dg:force", "dg:Absolute"), ("dg:interactionEffect", "dg:Exclude"), ("dg:interactionEffect", "dg:Switch")}


def noun(graph: Graph, within: dict[str, list[str]], node: str) -> str:
    """What a node is called."""
    types = graph.nodes(node, "rdf:type")
    for kind, (called, _) in NODES.items():
        if kind in types:
            return called
    if node in within:
        return "class"
    own = [t for t in types if t.startswith("dg:")]
    above = [a for t in own for a in graph.nodes(t, "rdfs:subClassOf")]
    for kind in above:
        if kind in NODES:
            return NODES[kind][0]
    return "note" if own and not node.startswith(("dg:", "fact:", "pt:")) else "vocabulary"


def weight(graph: Graph, called: str, node: str) -> Severity:
    """How the coming or going of a node weighs."""
    if called in _HEAVY:
        return CHANGES if excludes(graph, node) else MAY
    if called == "regimen" and graph.value(node, "dg:verified") is False:
        return MAY
    return next((severity for other, severity in NODES.values() if other == called), WORDING if called == "note" else MAY)


def excludes(graph: Graph, node: str) -> bool:
    """Whether a label fact can keep a therapy from a patient."""
    heavy = any(graph.value(node, predicate) == value for predicate, value in _EXCLUDING)
    return heavy and graph.value(node, "dg:verified") is not False


def aspect(called: str, predicate: str, heavy: bool) -> tuple[str, Severity]:
    """Kind of a change of a property, and how it weighs.

    :param heavy: whether the node can keep a therapy from a patient, before or after.
    """
    if predicate in _WORDS:
        return _WORDS[predicate]
    found = _PROPERTIES.get(called, {}).get(predicate)
    if found is None:
        severity = WORDING if weight_of(called) == WORDING else MAY
        found = (f"{called}-changed", severity)
    return (found[0], CHANGES) if called in _HEAVY and heavy else found


def weight_of(called: str) -> Severity:
    """How nodes of a name weigh at the least."""
    return next((severity for other, severity in NODES.values() if other == called), WORDING if called == "note" else MAY)
