"""What the queries on patients ask of the guideline graph, as triples: the part of the index that the store holds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from dermograph.amounts import plain
from dermograph.graph import Graph
from dermograph.record import LEAST
from dermograph.terms import expand

Tree = dict[str, Any]

_COPIED = [
    "dg:measures",
    "dg:limitBelowAge",
    "dg:screensFor",
    "dg:definedByObservable",
    "dg:definedBelow",
    "dg:rulesOut",
    "dg:spreadsDown",
    "dg:precedence",
    "dg:guidelineDisease",
    "dg:plausibleLow",
    "dg:plausibleHigh",
    "dg:validFor",
    "dg:madeUpOf",
    "dg:yields",
    "dg:yieldsIfBrief",
    "dg:suspects",
    "dg:lasting",
    "dg:namesCause",
    "dg:domainIncludes",
    "dg:rangeIncludes",
    "dg:single",
    "dg:valuesOf",
]
_COPIED_TEXTS = ["dg:canonicalUnit", "dg:choices", "skos:example"]


def triples(graph: Graph, tree: Tree) -> Iterator[ox.Triple]:
    """Triples of the index; some may come twice.

    :param tree: the index tree of the same graph.
    """
    for cls, above in tree["within"].items():
        for ancestor in above:
            yield _triple(cls, "dg:within", ancestor)
    for name, criterion in tree["criteria"].items():
        if "fact" not in criterion:
            continue
        if "class" in criterion:
            yield _triple(name, "dg:asksFact", criterion["fact"])
            yield _triple(name, "dg:asksClass", criterion["class"])
        if "value" in criterion:
            yield _triple(name, "dg:asksValueOf", criterion["fact"])
            yield _triple(name, "dg:asksValue", criterion["value"])
        if "range" in criterion:
            yield _triple(name, "dg:asksRangeOf", criterion["fact"])
            bounds = {facet: Decimal(bound) for facet, bound in criterion["range"].items()}
            yield _literal(name, "dg:asksFrom", plain(max(bounds["from"], bounds["above"] + LEAST)))
            yield _literal(name, "dg:asksBelow", plain(min(bounds["below"], bounds["upTo"] + LEAST)))
    for predicate in _COPIED:
        for subject, value in _pairs(graph, predicate):
            if isinstance(value, bool):
                yield ox.Triple(ox.NamedNode(expand(subject)), ox.NamedNode(expand(predicate)), ox.Literal(value))
            elif str(value)[:1].isalpha():
                yield _triple(subject, predicate, str(value))
            else:
                yield _literal(subject, predicate, str(value))
    for predicate in _COPIED_TEXTS:
        for subject, value in _pairs(graph, predicate):
            yield ox.Triple(ox.NamedNode(expand(subject)), ox.NamedNode(expand(predicate)), ox.Literal(str(value)))
    for kind in graph.having("dg:valuesOf"):
        for individual in graph.instances(kind):
            yield _triple(individual, "rdf:type", kind)
    for cls, above in tree["within"].items():
        if "dg:Assessment" in above and cls != "dg:Assessment":
            top = next(a for a in above if "dg:Assessment" in graph.nodes(a, "rdfs:subClassOf"))
            yield _triple(cls, "dg:family", top)
    for whole in graph.having("dg:madeUpOf"):
        yield _literal(whole, "dg:partCount", str(len(graph.values(whole, "dg:madeUpOf"))))
    for trial in graph.instances("dg:AdequateTrial"):
        for therapy in graph.nodes(trial, "dg:therapy"):
            for cls, above in tree["within"].items():
                if therapy in above:
                    for least in graph.nodes(trial, "dg:least"):
                        days = graph.text(least, "dg:unit") == "d"
                        yield _literal(cls, "dg:leastDays" if days else "dg:leastSessions", graph.text(least, "dg:value") or "")


def _pairs(graph: Graph, predicate: str) -> Iterator[tuple[str, Any]]:
    for subject in graph.having(predicate):
        for value in graph.values(subject, predicate):
            yield subject, value


def _triple(subject: str, predicate: str, value: str) -> ox.Triple:
    return ox.Triple(ox.NamedNode(expand(subject)), ox.NamedNode(expand(predicate)), ox.NamedNode(expand(value)))


def _literal(subject: str, predicate: str, value: str) -> ox.Triple:
    kind = "xsd:decimal" if "." in value else "xsd:integer"
    return ox.Triple(ox.NamedNode(expand(subject)), ox.NamedNode(expand(predicate)), ox.Literal(value, datatype=ox.NamedNode(expand(kind))))
