"""The closed vocabulary: names of our namespaces that nothing declares, and names that no standard has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from dermograph import terms
from dermograph.terms import OWN, compact, local_name
from dermograph.workbench.draft import Draft, Module
from dermograph.workbench.problems import Problem

if TYPE_CHECKING:
    from rdflib.namespace import DefinedNamespace

BUILT_IN = ("owl:", "rdf:", "rdfs:", "xsd:")
_KINDS = ("owl:AnnotationProperty", "owl:DatatypeProperty", "owl:ObjectProperty")


@cache
def standards() -> dict[str, type[DefinedNamespace]]:
    """The standard vocabularies, by prefix; each knows its terms."""
    from rdflib import DCTERMS, OWL, PROV, RDF, RDFS, SH, SKOS, XSD

    return {"dcterms": DCTERMS, "owl": OWL, "prov": PROV, "rdf": RDF, "rdfs": RDFS, "sh": SH, "skos": SKOS, "xsd": XSD}


def strangers(names: Collection[str], declared: Collection[str]) -> dict[str, str]:
    """Names that are used and are not declared, or that a standard vocabulary does not have, each with its rule."""
    found = {}
    for name in names:
        prefix, _, local = name.partition(":")
        if not local:
            continue
        if prefix in OWN and name not in declared:
            found[name] = "undeclared-name"
        elif prefix in standards() and local not in standards()[prefix]:
            found[name] = "unknown-term"
    return found


def unknown(modules: Iterable[Module], declared: Collection[str]) -> Iterator[Problem]:
    """Names in files that nothing declares or no standard has, at each line."""
    for module in modules:
        rules = strangers({name for name, _ in module.mentions}, declared)
        for name, line in module.mentions if rules else ():
            if name in rules:
                yield Problem(module.file, line, rules[name], module.subject(line), *wrong(name, rules[name], declared))


def wrong(name: str, rule: str, declared: Collection[str]) -> tuple[str, str]:
    """What is wrong with a name, and the mend."""
    if rule == "unknown-term":
        prefix = name.partition(":")[0]
        near = nearest(name, [f"{prefix}:{local_name(str(term))}" for term in dir(standards()[prefix])])
        return f"{name} does not exist{near and f'; the nearest name is {near}'}", f"write {near or 'a term that exists'}"
    near = nearest(name, declared)
    return (
        f"{name} is used and nothing declares it{near and f'; the nearest name is {near}'}",
        f"write {near}, or declare {name} with its type" if near else f"declare {name} with its type, or take it out",
    )


def nearest(name: str, known: Collection[str]) -> str:
    """The name most like another, empty where none is like it; one that differs by its prefix alone comes first."""
    local = name.partition(":")[2]
    elsewhere = sorted(k for k in known if local_name(k) == local and k != name)
    return next(iter(elsewhere or terms.nearest(name, known)), "")


def kinds(draft: Draft) -> Iterator[Problem]:
    """Predicates that are not declared as one kind of property."""
    graph = draft.graph
    predicates = {compact(t.predicate.value) for module in draft.modules for t in module.triples}
    for name in sorted(p for p in predicates if not p.startswith(BUILT_IN)):
        found = sorted(set(graph.nodes(name, "rdf:type")) & set(_KINDS))
        if len(found) != 1:
            said = " and ".join(found) or "no kind of property"
            node = name if draft.places.of(name)[1] else next(iter(graph.having(name)), name)
            mend = "declare it as one of owl:AnnotationProperty, owl:DatatypeProperty and owl:ObjectProperty"
            yield draft.problem("property-kind", node, f"{name} is used as a property and is declared as {said}", mend, name)
