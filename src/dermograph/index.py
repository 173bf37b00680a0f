"""The guideline graph, worked out once: what all but the queries ask of it, as a plain tree.

What the queries ask of it is in :mod:`dermograph.index_triples`. The tree holds only strings, numbers, lists and dicts,
so that it can be kept on disk as JSON. Numbers are kept as text and read as :class:`decimal.Decimal` where they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dermograph import pathway
from dermograph.derive import subclasses
from dermograph.errors import KnowledgeError
from dermograph.graph import Graph
from dermograph.rows import authority, barrier, cited, positions, row
from dermograph.terms import local_name

Tree = dict[str, Any]

KINDS = ("dg:Therapy", "dg:Condition", "dg:Observable", "dg:Assessment")
CRITERIA = ("dg:AtomicCriterion", "dg:CompositeCriterion")
CODED = ("dg:Status", "dg:Continuation", "dg:Route", "dg:Direction")
"""Classes whose members stand in answers by a notation."""
FACETS = {
    "xsd:minInclusive": "from",
    "xsd:minExclusive": "above",
    "xsd:maxInclusive": "upTo",
    "xsd:maxExclusive": "below",
}
UNBOUNDED = {"from": "-999999999", "above": "-999999999", "upTo": "999999999", "below": "999999999"}


def build(graph: Graph) -> Tree:
    """Work the tree out of the guideline graph."""
    within = {kind: subclasses(graph, kind) for kind in KINDS}
    therapies = within["dg:Therapy"]
    rows = sorted({t for r in graph.instances("dg:Recommendation") for t in graph.nodes(r, "dg:therapy")})
    criteria = dict(_criteria(graph))
    recommendations = {r: _recommendation(graph, r) for r in graph.instances("dg:Recommendation")}
    shown = {t: row(graph, therapies, t) for t in rows}
    conditions = {c: _condition(graph, within["dg:Condition"][c]) for c in sorted(within["dg:Condition"])}
    for criterion in criteria.values():
        gate = conditions.get(criterion.get("class", ""), {}).get("gate")
        if gate:
            criterion["gate"] = gate
    return {
        "within": {cls: sorted(above) for kind in KINDS for cls, above in sorted(within[kind].items())},
        "criteria": (ordered := {name: criteria[name] for name in _in_order(criteria)}),
        "uses": _uses(ordered),
        "brief": {c["class"]: name for name, c in ordered.items() if c.get("fact") == "fact:triedTooBriefly"},
        "facts": {f: _fact_property(graph, f) for f in graph.instances("dg:FactProperty")},
        "weight": next((f for f in graph.instances("dg:FactProperty") if graph.text(f, "dg:canonicalUnit") == "kg"), None),
        "conditions": conditions,
        "kinds": {k: _kind(graph, k) for k in graph.instances("dg:ReasonKind")},
        "guidelines": {g: _guideline(graph, g) for g in graph.instances("dg:Guideline")},
        "steps": {s: _step(graph, s) for s in graph.instances("dg:PathwayStep")},
        "recommendations": recommendations,
        "rows": shown,
        "assumable": _assumable(criteria, recommendations, shown),
        "actions": [_action(graph, a) for a in graph.instances("dg:ProposedAction")],
        "disagreements": [_disagreement(graph, therapies, rows, d) for d in graph.instances("dg:Disagreement")],
        "units": {o: graph.text(o, "dg:canonicalUnit") for o in within["dg:Observable"] if graph.text(o, "dg:canonicalUnit")},
        "validity": {c: str(v) for c in _classes(within) if (v := graph.number(c, "dg:validFor")) is not None},
        "sources": {r: _reference(graph, r) for r in graph.instances("dg:Reference")},
        "statements": {s.partition(":")[2]: graph.text(s, "skos:definition") for s in graph.instances("dg:Statement")},
        "sections": {s.partition(":")[2]: [graph.text(s, "dg:document"), graph.text(s, "dg:section")] for s in graph.instances("dg:Statement")},
        "codes": {kind: _codes(graph, kind) for kind in CODED},
        "labels": {n: graph.label(n) for n in _labelled(graph, within)},
    }


def _classes(within: dict[str, dict[str, set[str]]]) -> Iterable[str]:
    return sorted(cls for kind in KINDS for cls in within[kind])


# --- criteria


def _criteria(graph: Graph) -> Iterator[tuple[str, Tree]]:
    for kind in CRITERIA:
        for name in graph.instances(kind):
            yield name, _criterion(graph, name)


def _criterion(graph: Graph, name: str) -> Tree:
    found: Tree = {"label": graph.label(name), "statements": [local_name(s) for s in graph.nodes(name, "dg:statement")]}
    definition = graph.text(name, "owl:equivalentClass")
    if definition is None:
        raise KnowledgeError(f"the criterion {name} has no definition", "give it one owl:equivalentClass", name)
    for key in ("presumedFalseWhen", "unsuitabilityOf"):
        if other := graph.text(name, f"dg:{key}"):
            found[key] = other
    for op, key in (("and", "owl:intersectionOf"), ("or", "owl:unionOf")):
        head = graph.text(definition, key)
        if head:
            return found | {"op": op, "members": [_member(graph, name, m) for m in graph.items(head)]}
    inner = graph.text(definition, "owl:complementOf")
    if inner:
        return found | {"op": "and", "members": [[inner, False]]}
    fact, some, value = (graph.text(definition, p) for p in ("owl:onProperty", "owl:someValuesFrom", "owl:hasValue"))
    if not fact or not (some or value):
        raise KnowledgeError(f"the criterion {name} is outside the fragment of OWL that a criterion may use", "see dg:Criterion", name)
    found |= {"op": "atom", "fact": fact}
    if value:
        return found | {"value": value}
    assert some
    facets = graph.text(some, "owl:withRestrictions")
    if not facets:
        return found | {"class": some}
    bounds = dict(UNBOUNDED)
    for facet in graph.items(facets):
        for predicate, key in FACETS.items():
            bound = graph.text(facet, predicate)
            if bound is not None:
                bounds[key] = bound
    return found | {"range": bounds}


def _member(graph: Graph, owner: str, node: str) -> list[Any]:
    inner = graph.text(node, "owl:complementOf") if node.startswith("_:") else None
    if node.startswith("_:") and not inner:
        raise KnowledgeError(f"the criterion {owner} joins something without a name", "name the inner criterion and join the name", owner)
    return [inner, False] if inner else [node, True]


def _in_order(criteria: dict[str, Tree]) -> list[str]:
    """Names of criteria, each after the ones it is made of."""
    done: dict[str, bool] = {}
    order: list[str] = []

    def visit(name: str, above: str) -> None:
        if name not in criteria:
            raise KnowledgeError(f"{above} asks for the criterion {name}, which nothing defines", "define it or mend the name", above)
        if done.get(name):
            return
        if name in done:
            raise KnowledgeError(f"the criterion {name} is defined by itself", "break the circle", name)
        done[name] = False
        criterion = criteria[name]
        for inner in [m for m, _ in criterion.get("members", [])]:
            visit(inner, name)
        for other in ("presumedFalseWhen", "gate"):
            if other in criterion:
                visit(criterion[other], name)
        done[name] = True
        order.append(name)

    for name in sorted(criteria):
        visit(name, name)
    return order


def _uses(criteria: Tree) -> dict[str, list[tuple[int, str]]]:
    """For each criterion the composite ones that rest on it, near or far, each with its place in the order."""
    found: dict[str, dict[int, str]] = {name: {} for name in criteria}
    rests: dict[str, set[str]] = {}
    for place, (name, criterion) in enumerate(criteria.items()):
        inner = {m for m, _ in criterion.get("members", [])} | {criterion[k] for k in ("presumedFalseWhen",) if k in criterion}
        rests[name] = inner.union(*(rests[m] for m in inner))
        for below in rests[name] if "members" in criterion else ():
            found[below][place] = name
    return {name: list(users.items()) for name, users in found.items()}


def _fact_property(graph: Graph, name: str) -> Tree:
    return {
        "label": graph.label(name),
        "silence": graph.text(name, "dg:whenUnrecorded"),
        "spreadsDown": graph.flag(name, "dg:spreadsDown"),
        "suspectedBy": next(iter(graph.subjects("dg:suspects", name)), None),
        "recordedAs": graph.text(name, "dg:recordedAs"),
        "measures": graph.text(name, "dg:measures"),
        "unit": graph.text(name, "dg:canonicalUnit"),
        "resolution": graph.text(name, "dg:resolution"),
    }


def _condition(graph: Graph, above: set[str]) -> Tree:
    screened = [c for c in sorted(above) if graph.flag(c, "dg:mustBeScreened")]
    tests = [a for c in sorted(above) for a in graph.subjects("dg:screensFor", c)]
    kinds = [k for c in sorted(above) for k in graph.nodes(c, "dg:deferredAs")]
    gates = [graph.text(c, "dg:screenedIn") for c in screened]
    return {
        "screened": bool(screened),
        "gate": gates[0] if gates else None,
        "test": tests[0] if tests else None,
        "resolvable": any(graph.flag(c, "dg:resolvable") for c in above),
        "deferredAs": kinds[0] if kinds else "dg:ReasonScreening",
        "measured": graph.text(min(above, key=lambda c: (not graph.text(c, "dg:definedByObservable"), c)), "dg:definedByObservable"),
    }


def _kind(graph: Graph, name: str) -> Tree:
    return {
        "notation": graph.text(name, "dg:notation"),
        "label": graph.label(name),
        "status": graph.text(graph.text(name, "dg:givesStatus") or "", "dg:notation"),
        "fromTherapy": graph.flag(name, "dg:fromTherapy"),
        "whileOngoing": graph.text(graph.text(name, "dg:whileOngoing") or "", "dg:notation"),
    }


# --- guidelines


def _guideline(graph: Graph, name: str) -> Tree:
    return {
        "label": graph.label(name),
        "version": graph.text(name, "dg:edition"),
        "statements": [local_name(s) for s in graph.nodes(name, "dg:statement")],
        "population": graph.text(name, "dg:population"),
        "order": pathway.order(_edges(graph, name)),
    }


def _edges(graph: Graph, guideline: str) -> dict[str, list[str]]:
    steps = [s for s in graph.instances("dg:PathwayStep") if guideline in graph.nodes(s, "dg:guideline")]
    return {s: graph.nodes(s, "dg:nextStep") for s in steps}


def _step(graph: Graph, name: str) -> Tree:
    return {
        "label": graph.label(name),
        "guideline": graph.text(name, "dg:guideline"),
        "entry": graph.text(name, "dg:entry"),
        "exit": graph.text(name, "dg:exit"),
        "next": graph.nodes(name, "dg:nextStep"),
        "optional": graph.flag(name, "dg:optionalStep"),
    } | cited(graph, name)


def _recommendation(graph: Graph, name: str) -> Tree:
    step = graph.text(name, "dg:step")
    entries = graph.nodes(name, "dg:entry") or (graph.nodes(step, "dg:entry") if step else [])
    direction = graph.text(name, "dg:direction") or ""
    barriers = [
        barrier(graph, kind, criterion, False, name)
        for kind, criteria in (
            ("dg:ReasonOutsidePopulation", graph.nodes(name, "dg:population")),
            ("dg:ReasonOutsideIndication", graph.nodes(name, "dg:indication")),
            ("dg:ReasonEarlierStep", entries),
        )
        for criterion in criteria
    ] + [
        barrier(graph, "dg:ReasonPrerequisite", criterion, False, prerequisite)
        for prerequisite in graph.nodes(name, "dg:prerequisite")
        for criterion in graph.nodes(prerequisite, "dg:criterion")
    ]
    if direction == "dg:Against":
        barriers.append(barrier(graph, "dg:ReasonRecommendedAgainst", None, True, name))
    if direction == "dg:NotRecommended":
        barriers.append(barrier(graph, "dg:ReasonNotRecommended", None, True, name))
    return {
        "label": graph.label(name),
        "therapy": graph.text(name, "dg:therapy"),
        "guideline": graph.text(name, "dg:guideline"),
        "direction": graph.text(direction, "dg:notation") or graph.text(direction, "skos:notation"),
        "strength": graph.text(name, "dg:strength"),
        "scale": graph.text(name, "dg:strengthScale"),
        "certainty": graph.text(name, "dg:certainty"),
        "population": graph.text(name, "dg:population"),
        "step": step,
        "order": graph.text(name, "dg:order"),
        "later": graph.text(name, "dg:later"),
        "laterOrder": graph.text(name, "dg:laterOrder"),
        "ordersWith": graph.text(name, "dg:ordersWith"),
        "adjunct": graph.flag(name, "dg:adjunct"),
        "unranked": graph.flag(name, "dg:unranked"),
        "barriers": barriers,
    } | cited(graph, name)


def _action(graph: Graph, name: str) -> Tree:
    return {
        "label": graph.label(name),
        "action": graph.text(name, "dg:action"),
        "criterion": graph.text(name, "dg:criterion"),
    } | cited(graph, name)


def _disagreement(graph: Graph, therapies: dict[str, set[str]], rows: list[str], name: str) -> Tree:
    spoken = graph.nodes(name, "dg:therapy")
    return {
        "label": graph.label(name),
        "therapy": spoken[0] if spoken else None,
        "rows": [row for row in rows if set(spoken) & therapies[row]],
        "criterion": graph.text(name, "dg:criterion"),
        "between": [
            {
                "source": authority(graph, side) or _document(graph, side) or "source",
                "says": graph.text(side, "dg:says"),
                "statements": [local_name(s) for s in graph.nodes(side, "dg:statement")],
                "sources": graph.nodes(side, "dg:source"),
            }
            for side in positions(graph, name)
        ],
    }


def _codes(graph: Graph, kind: str) -> dict[str, list[str]]:
    """Name, label and definition of each member of a class, by the notation that it has in answers."""
    found: dict[str, list[str]] = {}
    for name in graph.instances(kind):
        notation = graph.text(name, "dg:notation") or graph.text(name, "skos:notation") or local_name(name)
        found.setdefault(notation, [name, graph.label(name), graph.text(name, "skos:definition") or ""])
    return found


def _document(graph: Graph, node: str) -> str | None:
    documents = [d for s in graph.nodes(node, "dg:statement") for d in graph.nodes(s, "dg:document")]
    return documents[0] if documents else None


def _assumable(criteria: Tree, recommendations: Tree, rows: Tree) -> dict[str, list[str]]:
    """Condition classes on which a verdict, rank, dose or relative contraindication turns, with the criteria that ask."""
    asking = [b["criterion"] for node in (*recommendations.values(), *rows.values()) for b in node["barriers"]]
    asking += [r["later"] for r in recommendations.values()]
    asking += [r["population"] for row in rows.values() for r in row["regimens"]]
    asking += [c["criterion"] for row in rows.values() for c in row["cautions"] if c["kind"] == "relative-contraindication"]
    found: dict[str, set[str]] = {}
    queue = sorted({name for name in asking if name})
    seen = set(queue)
    while queue:
        name = queue.pop()
        criterion = criteria[name]
        if criterion.get("fact") in {"fact:hasCondition", "fact:everHad"}:
            found.setdefault(criterion["class"], set()).add(name)
        inner = {m for m, _ in criterion.get("members", ())} - seen
        seen |= inner
        queue += inner
    return {cls: sorted(found[cls]) for cls in sorted(found)}


def _reference(graph: Graph, name: str) -> Tree:
    return {"label": graph.label(name), "at": graph.text(name, "dcterms:identifier"), "kind": graph.text(name, "dg:readAt")}


def _labelled(graph: Graph, within: dict[str, dict[str, set[str]]]) -> list[str]:
    others = ("ad:Severity", "ad:BodySite", "pt:Sex", "pt:Outcome", "pt:AssessmentResult", "pt:ConditionStatus", "dg:FactProperty")
    properties = [p for p in graph.having("skos:prefLabel") if p.startswith("pt:")]
    return sorted({*_classes(within), *properties, *(i for kind in others for i in graph.instances(kind))})
