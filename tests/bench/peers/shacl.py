"""pySHACL: a shape for each question that a criterion asks of the facts, which a patient breaks where the answer is yes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version

from dermograph.terms import PREFIXES, expand
from peers.peer import Answer, joined
from peers.people import People
from peers.rules import Atom, Marks, Rules

SHAPE = "urn:shape:"


@dataclass
class PyShacl:
    """The facts of all patients validated once; classes are listed out, and a shape is broken by the few, so that results are few."""

    rules: Rules
    most: int = 20
    name: str = "pySHACL, given the facts"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return version("pyshacl")

    @cached_property
    def shapes(self) -> dict[str, tuple[str, str, str]]:
        """Each shape by its name, with the mark and the criterion that it finds."""
        found: dict[str, tuple[str, str, str]] = {}
        for name, atom in self.rules.atoms.items():
            for mark, body in _asked(atom):
                found[f"{SHAPE}{len(found)}"] = (mark, name, body)
        for fact in sorted({atom.fact for atom in self.rules.atoms.values() if atom.measured}):
            found[f"{SHAPE}{len(found)}"] = ("known", fact, f"sh:path {fact} ; sh:maxCount 0")
        return found

    def answer(self, people: People) -> Answer:
        import pyshacl
        import rdflib

        prefixes = "".join(f"@prefix {p}: <{i}> .\n" for p, i in PREFIXES.items())
        body = "".join(f"<{name}> a sh:PropertyShape ; sh:targetClass pt:Patient ; {body} .\n" for name, (_, _, body) in self.shapes.items())
        shapes = rdflib.Graph().parse(data=prefixes + body, format="turtle")
        facts = people.facts
        start = time.perf_counter()
        data = rdflib.Graph().parse(facts, format="nt")
        _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none", advanced=False)
        assert isinstance(report, rdflib.Graph)
        marks = self._marks(report, people.names)
        return joined(self.rules, people.count, marks, time.perf_counter() - start)

    def _marks(self, report: object, names: list[str]) -> Marks:
        from rdflib import SH, Graph

        assert isinstance(report, Graph)
        places, marks = {name: place for place, name in enumerate(names)}, Marks()
        for result, shape in report.subject_objects(SH.sourceShape):
            mark, name, _ = self.shapes[str(shape)]
            rail = getattr(marks, mark)
            rail[name] = rail.get(name, 0) | 1 << places[str(report.value(result, SH.focusNode))]
        return marks


def _asked(atom: Atom) -> Iterator[tuple[str, str]]:
    """Marks of an atomic criterion, each with the body of a shape that is broken where it holds."""
    if atom.value is not None:
        yield "met", f"sh:path {atom.fact} ; sh:not [ sh:in ( {atom.value} ) ]"
    elif atom.bounds is not None:
        first, last = atom.bounds
        ends = [f"sh:{facet} {end}" for facet, end in (("minInclusive", first), ("maxExclusive", last)) if end is not None]
        yield "met", f"sh:path {atom.fact} ; sh:not [ {' ; '.join(ends)} ]"
    for mark in ("met", "opened", "denied"):
        for fact, classes in getattr(atom, mark).items():
            path = fact if fact == "fact:isFreeOf" else f"( {fact} rdf:type )"
            yield mark, f"sh:path {path} ; sh:not [ sh:in ( {_listed(classes)} ) ]"


def _listed(classes: Iterable[str]) -> str:
    return " ".join(f"<{expand(cls)}>" for cls in sorted(classes))
