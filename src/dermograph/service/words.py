"""The words that a form for a patient is made of: classes, properties and values, all from the guideline graph."""

from __future__ import annotations

from typing import Any

from dermograph.fhir.report import Level
from dermograph.render import GROUPS
from dermograph.terms import OWN, PREFIXES
from dermograph.workbench.site.material import Material

Word = dict[str, Any]


def words(material: Material) -> dict[str, Any]:
    """What a client needs to show a patient as a form, and to write it as RDF.

    ``kinds`` holds, for each property of a patient that leads to a record, the classes of such records in the order of
    their hierarchy, each with its ``depth`` and canonical unit, and the properties of a record.
    """
    graph = material.graph
    links = [p for p in graph.subjects("dg:domainIncludes", "pt:Patient") if graph.nodes(p, "dg:rangeIncludes")]
    kinds = {p: kind for p in links if (kind := graph.nodes(p, "dg:rangeIncludes")[0]) in material.within}
    return {
        "prefixes": {prefix: PREFIXES[prefix] for prefix in (*OWN, "rdf", "xsd")},
        "statuses": [{"id": status, "title": title} for status, (title, _) in GROUPS.items()],
        "patient": [_property(material, p) for p in graph.subjects("dg:domainIncludes", "pt:Patient") if p not in kinds],
        "kinds": {p: _kind(material, p, kind) for p, kind in kinds.items()},
        "disease": graph.having("dg:guidelineDisease"),
        "therapies": [{"id": t, "label": row["label"]} for t, row in material.tree["rows"].items()],
        "guidelines": {g: told["label"] for g, told in material.tree["guidelines"].items()},
        "steps": {s: told["label"] for s, told in material.tree["steps"].items()},
        "statements": material.tree["statements"],
        "sources": {s: told["label"] for s, told in material.tree["sources"].items()},
        "reasons": _reasons(material),
        "levels": {level.name: level.value for level in Level},
        "labels": material.tree["labels"],
    }


def _reasons(material: Material) -> dict[str, str]:
    """Kinds of reason in words, by the word of the public contract; two kinds may share one."""
    found: dict[str, list[str]] = {}
    for kind, told in material.tree["kinds"].items():
        found.setdefault(told["notation"], []).append(material.graph.label(kind))
    return {notation: " or ".join(labels) for notation, labels in found.items()}


def _kind(material: Material, link: str, kind: str) -> Word:
    graph = material.graph
    properties = [_property(material, p) for p in graph.subjects("dg:domainIncludes", kind)]
    return {
        "id": link,
        "label": graph.label(link),
        "definition": graph.text(link, "skos:definition"),
        "classes": _classes(material, kind, 0, set()),
        "properties": properties,
    }


def _classes(material: Material, above: str, depth: int, seen: set[str]) -> list[Word]:
    graph = material.graph
    found = []
    for name in sorted(graph.subjects("rdfs:subClassOf", above), key=lambda n: graph.label(n).lower()):
        if name not in seen and not name.startswith("_:"):
            seen.add(name)
            unit = graph.text(name, "dg:canonicalUnit")
            word = {"id": name, "label": graph.label(name), "definition": graph.text(name, "skos:definition") or "", "depth": depth}
            found.append(word | ({"unit": unit} if unit else {}))
            found += _classes(material, name, depth + 1, seen)
    return found


def _property(material: Material, name: str) -> Word:
    """A property with its choices, or the datatype of its values; with neither, its values are records of a class."""
    graph = material.graph
    word: Word = {"id": name, "label": graph.label(name), "definition": graph.text(name, "skos:definition"), "single": graph.flag(name, "dg:single")}
    chosen = [i for kind in graph.subjects("dg:valuesOf", name) for i in graph.instances(kind)]
    if chosen:
        return word | {"values": [{"id": i, "label": graph.label(i), "definition": graph.text(i, "skos:definition")} for i in chosen]}
    ranges = graph.nodes(name, "dg:rangeIncludes")
    number = {"required": True} if ranges == ["xsd:decimal"] and word["single"] else {}  # a record of a number says nothing without it
    return word | ({"type": ranges[0]} if ranges else {}) | number
