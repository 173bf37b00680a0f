"""What labels say of a therapy, worked out for one row of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dermograph.derive import blocking_facts, of_every, of_outcome, said_of, tracked_therapies
from dermograph.graph import Graph
from dermograph.terms import local_name

Tree = dict[str, Any]

_CAUTIONS = {
    "dg:Contraindication": "contraindication",
    "dg:Interaction": "interaction",
    "dg:Precaution": "precaution",
    "dg:BoxedWarning": "boxed-warning",
    "dg:AdverseEffect": "adverse-effect",
    "dg:CourseLimit": "course-limit",
}
_TESTS = {"dg:Screening": "screening", "dg:BaselineTest": "baseline", "dg:MonitoringTest": "monitoring"}


def cited(graph: Graph, node: str) -> Tree:
    """Statements and references that a node cites."""
    return {"statements": [local_name(s) for s in graph.nodes(node, "dg:statement")], "sources": graph.nodes(node, "dg:source")}


def positions(graph: Graph, disagreement: str) -> list[str]:
    """Sides of a disagreement by what they say and cite, in an order that the names of blank nodes do not change."""
    return sorted(graph.nodes(disagreement, "dg:position"), key=lambda side: (graph.text(side, "dg:says") or "", str(cited(graph, side))))


def barrier(graph: Graph, kind: str, criterion: str | None, blocks_when: bool, node: str) -> Tree:
    """What stands in the way of a therapy when its criterion blocks."""
    return {"kind": kind, "criterion": criterion, "blocksWhen": blocks_when, "node": node, "label": graph.label(node)} | cited(graph, node)


def authority(graph: Graph, node: str) -> str | None:
    """Label of the regulator or body that a label fact comes from."""
    name = graph.text(node, "dg:authority")
    return graph.label(name) if name else None


def row(graph: Graph, within: dict[str, set[str]], therapy: str) -> Tree:
    """Everything that is said of a therapy, whatever the guideline."""
    above = within[therapy]

    def of(kind: str) -> list[str]:
        return said_of(graph, kind, above)

    return {
        "label": graph.label(therapy),
        "recommendations": said_of(graph, "dg:Recommendation", [therapy]),
        "barriers": _therapy_barriers(graph, within, therapy),
        "ongoing": _taken(graph, therapy),
        "regimens": [_regimen(graph, n) for n in of("dg:Regimen")],
        "cautions": [_item(graph, n, name) for kind, name in _CAUTIONS.items() for n in of(kind) if not _excludes(graph, n)]
        + list(_mirrored(graph, within, therapy)),
        "gaps": [_item(graph, n, "no-regimen") for n in of("dg:MeantGap")],
        **{name: [_item(graph, n, name) for n in of(kind)] for kind, name in _TESTS.items()},
        "response": [_response(graph, n) for n in of("dg:ResponseTime")],
        "trialDays": next((d for n in of("dg:AdequateTrial") if (d := _days(graph, n))), None),
        "indications": [_item(graph, n, "indication") for n in of("dg:Indication")],
    }


def _mirrored(graph: Graph, within: dict[str, set[str]], therapy: str) -> Iterator[Tree]:
    """Cautions of a pair that is not to be combined, told from the side of the therapy that is not the label's own."""

    def others(node: str) -> set[str]:
        taken = [graph.text(c, "owl:equivalentClass") or "" for c in graph.nodes(node, "dg:criterion")]
        return {t for d in taken for t in graph.nodes(d, "owl:someValuesFrom")}

    told = {o for n in said_of(graph, "dg:Interaction", within[therapy]) for o in others(n)}
    taking = (d for t in within[therapy] for d in graph.subjects("owl:someValuesFrom", t))
    named = {n for d in taking for c in graph.subjects("owl:equivalentClass", d) for n in graph.subjects("dg:criterion", c)}
    for node in sorted(n for n in named if "dg:Interaction" in graph.nodes(n, "rdf:type")):
        if graph.value(node, "dg:interactionEffect") == "dg:Switch":
            for other in graph.nodes(node, "dg:therapy"):
                if not within[other] & (told | {therapy}):
                    told.add(other)
                    label = f"stop {graph.label(other)} first; do not combine"
                    yield _item(graph, node, "interaction") | {"label": label, "criterion": _taken(graph, other), "subject": other}


def _taken(graph: Graph, therapy: str) -> str:
    """Name of the criterion that a therapy is taken now."""
    (template,) = [t for t in graph.instances("dg:OutcomeTemplate") if graph.text(t, "dg:reasonKind") == "dg:ReasonReassessment"]
    return of_outcome(graph, template, therapy)


def _days(graph: Graph, trial: str) -> str | None:
    return next((graph.text(q, "dg:value") for q in graph.nodes(trial, "dg:least") if graph.text(q, "dg:unit") == "d"), None)


def _excludes(graph: Graph, node: str) -> bool:
    heavy = graph.value(node, "dg:force") == "dg:Absolute" or graph.value(node, "dg:interactionEffect") == "dg:Exclude"
    return heavy and graph.value(node, "dg:verified") is not False


def _therapy_barriers(graph: Graph, within: dict[str, set[str]], therapy: str) -> list[Tree]:
    found = []
    duties = said_of(graph, "dg:Screening", within[therapy])
    screened = sorted({c for s in duties for c in graph.nodes(s, "dg:criterion")})
    for node, criterion in blocking_facts(graph, within, therapy):
        kind = "dg:ReasonInteraction" if "dg:Interaction" in graph.nodes(node, "rdf:type") else "dg:ReasonContraindication"
        found.append(barrier(graph, kind, criterion, True, node) | {"screened": screened, "startOnly": graph.flag(node, "dg:startOnly")})
    for node in said_of(graph, "dg:Deferral", within[therapy]):
        kind = graph.text(node, "dg:reasonKind") or ""
        found += [barrier(graph, kind, criterion, True, node) for criterion in graph.nodes(node, "dg:criterion")]
    below = set(graph.subjects("rdfs:subClassOf", therapy))
    members = below and below & set(tracked_therapies(graph, within))
    cited = {b["criterion"] for b in found}
    for template in graph.instances("dg:OutcomeTemplate"):
        kind, suffix = graph.text(template, "dg:reasonKind") or "", graph.text(template, "dg:suffix")
        whole = of_every(therapy, suffix) if members and suffix else of_outcome(graph, template, therapy)
        if kind != "dg:ReasonReassessment" and whole not in cited:
            found.append(barrier(graph, kind, whole, True, whole))
    return found


def _quantity(graph: Graph, node: str | None) -> Tree | None:
    if node is None:
        return None
    return {k: v for k in ("value", "low", "high", "unit") if (v := graph.text(node, f"dg:{k}")) is not None}


def _regimen(graph: Graph, name: str) -> Tree:
    authority = graph.text(name, "dg:authority")
    route = graph.text(name, "dg:route")
    found: Tree = {
        "id": name,
        "label": graph.label(name),
        "population": graph.text(name, "dg:population"),
        "route": graph.text(route, "dg:notation") if route else None,
        "routeLabel": graph.label(route) if route else None,
        "authority": graph.label(authority) if authority else None,
        "authorityOrder": graph.text(authority, "dg:order") if authority else "0",
        "exampleOnly": graph.flag(name, "dg:exampleOnly"),
        "verified": graph.value(name, "dg:verified") is not False,
    }
    for key in ("loading", "dose", "perKilogram", "every", "maximum", "duration", "frequency"):
        found[key] = _quantity(graph, graph.text(name, f"dg:{key}"))
    for key in ("order", "divided", "titration", "taper", "phase", "withoutDose", "condition"):
        found[key] = graph.text(name, f"dg:{key}")
    return found | cited(graph, name)


def _item(graph: Graph, name: str, kind: str) -> Tree:
    force = graph.text(name, "dg:force")
    criterion = graph.text(name, "dg:criterion")
    tests = graph.nodes(name, "dg:test") + graph.nodes(name, "dg:about")
    return {
        "id": name,
        "kind": ("relative-contraindication" if force == "dg:Relative" else "caution") if kind == "contraindication" else kind,
        "label": graph.label(name),
        "criterion": criterion,
        "subject": tests[0] if tests else None,
        "schedule": _quantity(graph, graph.text(name, "dg:schedule")) or _quantity(graph, graph.text(name, "dg:duration")),
        "scheduleText": graph.text(name, "dg:scheduleText"),
        "authority": authority(graph, name),
        "verified": graph.value(name, "dg:verified") is not False,
        "effect": graph.text(name, "dg:interactionEffect"),
    } | cited(graph, name)


def _response(graph: Graph, name: str) -> Tree:
    return {
        "after": _quantity(graph, graph.text(name, "dg:after")),
        "label": graph.label(name),
        "criterion": graph.text(name, "dg:criterion"),
        "order": graph.text(graph.text(name, "dg:authority") or "", "dg:order") or "0",
        "verified": graph.value(name, "dg:verified") is not False,
    } | cited(graph, name)
