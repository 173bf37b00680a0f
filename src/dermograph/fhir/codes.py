"""The words of the ontology as FHIR R4 terminology: https://hl7.org/fhir/R4/terminology-module.html.

Each namespace is a CodeSystem, each kind of class a ValueSet, and the mappings are a ConceptMap for each system that they
lead to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from dermograph.fhir.coding import Json, canonical, some, system
from dermograph.fhir.definitions import Definitions
from dermograph.fhir.terminology import ALIASES, Strength, Terminology
from dermograph.index import KINDS
from dermograph.terms import local_name

_EQUIVALENCE = {
    Strength.EXACT: "equivalent",
    Strength.NARROW: "narrower",
    Strength.CLOSE: "inexact",
    Strength.BROAD: "wider",
    Strength.RELATED: "relatedto",
}
_TITLES = {"ad": "Clinical words of Dermograph", "pt": "Words of a patient graph of Dermograph", "dg": "Words of a verdict of Dermograph"}
_PARENT = {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}


def resources(made: Definitions, terminology: Terminology) -> Iterator[Json]:
    """Code systems, value sets and concept maps."""
    words: dict[str, list[str]] = {prefix: [n for n in sorted(made.tree["labels"]) if n.startswith(f"{prefix}:")] for prefix in ("ad", "pt")}
    verdicts = {kind: [name for name, _, _ in codes.values()] for kind, codes in made.tree["codes"].items()}
    words["dg"] = sorted(name for names in verdicts.values() for name in names)
    for prefix, names in words.items():
        yield _system(made, prefix, names)
    for kind in KINDS:
        yield _values(made, kind, [n for n, above in made.tree["within"].items() if kind in above and n != kind])
    for kind, names in verdicts.items():
        yield _values(made, kind, names)
    yield from _maps(made, terminology)


def _system(made: Definitions, prefix: str, names: list[str]) -> Json:
    """A namespace as a code system; of the core only what stands in answers."""
    here = set(names)
    labels = {name: label for codes in made.tree["codes"].values() for name, label, _ in codes.values()}
    concepts = [
        some(
            code=local_name(name),
            display=labels.get(name) or made.coder.label(name),
            definition=made.meaning(name),
            property=[{"code": "parent", "valueCode": local_name(p)} for p in made.graph.nodes(name, "rdfs:subClassOf") if p in here],
        )
        for name in names
    ]
    title = _TITLES[prefix]
    number = local_name(system(prefix))
    whole = made.header("CodeSystem", number, title, caseSensitive=True, content="fragment" if prefix == "dg" else "complete", copyright=made.license)
    classed = any("property" in concept for concept in concepts)
    more = some(hierarchyMeaning="is-a" if classed else None, property=[_PARENT] if classed else None, count=len(concepts), concept=concepts)
    return whole | {"url": system(prefix), "name": number.capitalize()} | more


def _values(made: Definitions, kind: str, names: Iterable[str]) -> Json:
    """All words of a kind."""
    by: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        by[name.partition(":")[0]].append(local_name(name))
    include = [{"system": system(prefix), "concept": [{"code": code} for code in codes]} for prefix, codes in sorted(by.items())]
    label = made.graph.label(kind)
    return made.header("ValueSet", local_name(kind), label, description=made.meaning(kind), copyright=made.license, compose={"include": include})


def _maps(made: Definitions, terminology: Terminology) -> Iterator[Json]:
    """The mappings to each code system that FHIR knows."""
    found: dict[str, dict[str, dict[str, list[Json]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for (target, code), matches in sorted(terminology.meanings.items()):
        if target not in ALIASES.values():
            continue
        for match in matches:
            equivalence = _EQUIVALENCE[match.strength]
            said = f"skos:{match.strength.name.lower()}Match"
            found[target][match.name.partition(":")[0]][match.name].append({"code": code, "equivalence": equivalence, "comment": said})
    for target, groups in found.items():
        number = target.rpartition("/")[2].replace(".", "-")
        label = f"Mappings of Dermograph to {target}"
        group = [
            {
                "source": system(prefix),
                "target": target,
                "element": [{"code": local_name(name), "target": targets} for name, targets in sorted(elements.items())],
            }
            for prefix, elements in sorted(groups.items())
        ]
        name = "".join(part.capitalize() for part in number.split("-"))
        yield made.header("ConceptMap", number, label, copyright=made.license, group=group) | {
            "name": f"To{name}",
            "url": canonical("ConceptMap", number),
        }
