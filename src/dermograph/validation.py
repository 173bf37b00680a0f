"""Patient graphs against the shapes: a fast route for every day, and pySHACL as the reference.

Every patient shape is one SPARQL query that reports breaches. The fast route runs the very same queries over all
patients of the store at once; pySHACL runs them patient by patient. A test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph.errors import Finding, KnowledgeError
from dermograph.graph import node_name
from dermograph.record import WORKED_OUT, Record, printable
from dermograph.store import Store
from dermograph.terms import OWN, PREFIXES, compact, expand, nearest

Tree = dict[str, Any]
_SLOT = re.compile(r"\{[?$](\w+)\}")
_PROPERTY = re.compile(r"\bpt:[a-z]\w*")


def shapes(ontology: Path, stem: str) -> list[Tree]:
    """Shapes that are queries, with their messages, in the order of their names.

    :param stem: ``patient`` for those of a patient graph as given, ``facts`` for those of one with its facts.
    """
    path = ontology / "shapes" / f"{stem}.ttl"
    store = ox.Store()
    try:
        store.load(path=str(path), format=ox.RdfFormat.TURTLE)
    except (OSError, SyntaxError) as error:
        raise KnowledgeError(f"{path}: {error}", "mend the Turtle at that line") from error
    query = """
        SELECT ?shape ?name ?severity ?message ?select WHERE {
            ?shape a sh:NodeShape ; sh:name ?name ; sh:severity ?severity ; sh:sparql ?rule .
            ?rule sh:message ?message ; sh:select ?select .
        } ORDER BY ?shape"""
    found = []
    rows = store.query(_prefixed(query))
    assert isinstance(rows, ox.QuerySolutions)
    for row in rows:
        shape, name, severity, message, select = (row[i].value for i in range(5))
        found.append(
            {
                "shape": compact(shape),
                "name": name,
                "severity": severity.rpartition("#")[2],
                "message": message,
                "path": (_PROPERTY.search(message) or [""])[0],
                "select": _prefixed(select),
                "needs": sorted(_needs(_prefixed(select))),
            }
        )
    return found


def _needs(select: str) -> set[str]:
    """Properties of a patient graph or of facts without which a query finds nothing."""
    from rdflib import URIRef
    from rdflib.plugins.sparql.algebra import translateQuery
    from rdflib.plugins.sparql.parser import parseQuery

    worked_out = {p.value for p in WORKED_OUT}

    def needed(part: Any) -> set[str]:
        match part.name:
            case "BGP":
                return {str(p) for _, p, _ in part.triples if isinstance(p, URIRef)}
            case "Join":
                return needed(part.p1) | needed(part.p2)
            case "Union":
                return needed(part.p1) & needed(part.p2)
            case "LeftJoin":
                return needed(part.p1)
            case "Filter" | "Extend" | "Project" | "Distinct" | "OrderBy" | "AggregateJoin" | "Group" | "SelectQuery":
                return needed(part.p)
        return set()

    return {p for p in needed(translateQuery(parseQuery(select)).algebra) if p.startswith((PREFIXES["pt"], PREFIXES["fact"])) or p in worked_out}


def _prefixed(query: str) -> str:
    """Put before a query the declarations of the prefixes that it uses."""
    return "".join(f"PREFIX {p}: <{iri}>\n" for p, iri in PREFIXES.items() if f"{p}:" in query) + query


def fast(store: Store, rules: Iterable[Tree], records: Sequence[Record], triples: Iterable[ox.Triple], words: Iterable[str] = ()) -> list[Finding]:
    """Breaches of the patient shapes by every patient in the store.

    :param triples: what the store holds of the patients; a rule that needs a property of a patient graph that none of
        them has is not asked.
    :param words: names that a patient graph may use, from which the nearest to an unknown one is suggested.
    """
    names = {r.patient.value: r.name for r in records}
    said = {t.predicate.value for t in triples}
    types: dict[str, str] | None = None
    found = []
    for shape in rules:
        if not said.issuperset(shape["needs"]):
            continue
        variables, rows = store.rows(shape["select"])
        for row in rows:
            if types is None:
                types = _types(records)
            values = dict(zip(variables, row, strict=True))
            patient = names.get(values.get("this") or "", "")
            if patient:
                shown = {k: _shown(v, types) for k, v in values.items() if v is not None}
                message = _SLOT.sub(lambda slot: shown.get(slot[1], slot[0]), shape["message"])  # noqa: B023
                message += _nearest(values.values(), words)
                place = compact(values.get("property") or values.get("path") or shape["path"])
                focus = values.get("node") or values["this"] or ""
                found.append(Finding(shape["name"], shown.get("node", patient), message, shape["severity"], patient, focus, place))
    order = {r.name: place for place, r in enumerate(records)}
    return sorted(dict.fromkeys(found), key=lambda f: (order[f.patient], f.shape, f.message))


def _types(records: Iterable[Record]) -> dict[str, str]:
    rdf_type = expand("rdf:type")
    return {
        str(node_name(t.subject)).removeprefix("_:"): str(node_name(t.object)) for r in records for t in r.triples if t.predicate.value == rdf_type
    }


def _shown(value: str, types: dict[str, str]) -> str:
    short = compact(value)
    if short == value and "/" not in value and ":" not in value and value in types:
        return f"[ a {types[value]} ]"
    return printable(short)


def _nearest(values: Iterable[str | None], words: Iterable[str]) -> str:
    known = set(words)
    for value in values:
        short = compact(value or "")
        prefix, colon, _ = short.partition(":")
        if known and colon and prefix in OWN and short not in known:
            for near in nearest(short, known):
                return f" The nearest known name is {near}."
    return ""
