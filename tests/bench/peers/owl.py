"""HermiT through owlready2: a class for what is true and one for what is false of each criterion, and axioms that lead into them."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from engines import hermit

from dermograph.terms import PREFIXES, expand
from peers.peer import Answer, joined
from peers.people import People
from peers.rules import Atom, Found, Rules

_OWL, _RDF, _RDFS, _XSD = (PREFIXES[p] for p in ("owl", "rdf", "rdfs", "xsd"))
TRUE, FALSE = "urn:true:", "urn:false:"
VALUE = "urn:value:"
"""Class of a value, instead of the value itself, for which HermiT would look at all individuals with each class."""


@dataclass
class Hermit:
    """The facts of all patients as individuals; HermiT finds their classes.

    OWL knows no silence, so what is false of the atomic criteria, and what is presumed false, is told to it.
    """

    rules: Rules
    most: int = 3
    name: str = "HermiT (owlready2), given the facts and what is false"

    def missing(self) -> str | None:
        if find_spec("owlready2") is None:
            return "no owlready2: pip install 'dermograph[prove]'"
        return None if hermit.java() else "no Java: apt-get install default-jre-headless"

    def version(self) -> str:
        return f"owlready2 {version('owlready2')}"

    def answer(self, people: People) -> Answer:
        import owlready2

        owlready2.JAVA_EXE = str(hermit.java())
        ontology = _Axioms(self.rules).text() + people.facts.read_text(encoding="utf-8") + "".join(self._told(people))
        world = owlready2.World()
        loaded = world.get_ontology("urn:ontology").load(fileobj=io.BytesIO(ontology.encode()), format="ntriples")
        start = time.perf_counter()
        with loaded:
            owlready2.sync_reasoner_hermit(world, debug=0)
        found = self._found(world, people.names)
        return joined(self.rules, people.count, found, time.perf_counter() - start)

    def _told(self, people: People) -> Iterator[str]:
        expected, _ = people.expected
        for place, patient in enumerate(people.names):
            yield f"<{patient}> <{_RDF}type> <{_OWL}NamedIndividual> .\n"
            for name in self.rules.criteria:
                told = name in self.rules.atoms or "presumedFalseWhen" in self.rules.tree["criteria"][name]
                if told and expected.false[name] >> place & 1:
                    yield f"<{patient}> <{_RDF}type> <{FALSE}{name}> .\n"

    def _found(self, world: Any, names: list[str]) -> Found:
        found = Found(dict.fromkeys(self.rules.criteria, 0), dict.fromkeys(self.rules.criteria, 0), dict.fromkeys(self.rules.atoms, 0))
        rails = {TRUE: found.true | found.hints, FALSE: found.false}
        for place, patient in enumerate(names):
            for cls in world[patient].INDIRECT_is_a:
                for prefix, rail in rails.items():
                    iri = getattr(cls, "iri", "")
                    if iri.startswith(prefix):
                        rail[iri.removeprefix(prefix)] |= 1 << place
        return Found(rails[TRUE], found.false, rails[TRUE])


@dataclass
class _Axioms:
    """The rules as N-Triples; classes of facts are listed out, so that no hierarchy is walked."""

    rules: Rules
    lines: list[str] = field(default_factory=list)
    nodes: int = 0

    def text(self) -> str:
        """All axioms."""
        self._declared()
        for name, atom in self.rules.atoms.items():
            for part in self._asked(atom):
                self._implies(part, f"<{TRUE}{name}>")
        for name in self.rules.criteria:
            criterion = self.rules.tree["criteria"][name]
            if "members" in criterion:
                for rail, others, joins in ((TRUE, FALSE, "and"), (FALSE, TRUE, "or")):
                    members = [f"<{rail if positive else others}{member}>" for member, positive in criterion["members"]]
                    for part in [self._all(members)] if criterion["op"] == joins else members:
                        self._implies(part, f"<{rail}{name}>")
        return "".join(self.lines)

    def _say(self, subject: str, predicate: str, value: str) -> None:
        self.lines.append(f"{subject} <{predicate}> {value} .\n")

    def _declared(self) -> None:
        self._say("<urn:ontology>", f"{_RDF}type", f"<{_OWL}Ontology>")
        for name in (*self.rules.criteria, *self.rules.atoms):
            for rail in (TRUE, FALSE):
                self._say(f"<{rail}{name}>", f"{_RDF}type", f"<{_OWL}Class>")
        for fact in self.rules.tree["facts"]:
            number = self.rules.tree["facts"][fact]["unit"] is not None
            self._say(f"<{expand(fact)}>", f"{_RDF}type", f"<{_OWL}{'DatatypeProperty' if number else 'ObjectProperty'}>")
        for cls in (*self.rules.tree["within"], "pt:Patient"):
            self._say(f"<{expand(cls)}>", f"{_RDF}type", f"<{_OWL}Class>")
        for value in {atom.value for atom in self.rules.atoms.values() if atom.value}:
            self._say(f"<{VALUE}{value}>", f"{_RDF}type", f"<{_OWL}Class>")
            self._say(f"<{expand(value)}>", f"{_RDF}type", f"<{_OWL}NamedIndividual>")
            self._say(f"<{expand(value)}>", f"{_RDF}type", f"<{VALUE}{value}>")

    def _node(self, kind: str = "Class") -> str:
        self.nodes += 1
        node = f"_:b{self.nodes}"
        self._say(node, f"{_RDF}type", f"<{kind if ':' in kind else _OWL + kind}>")
        return node

    def _implies(self, part: str, whole: str) -> None:
        self._say(part, f"{_RDFS}subClassOf", whole)

    def _all(self, members: list[str]) -> str:
        if len(members) == 1:
            return members[0]
        node = self._node()
        self._say(node, f"{_OWL}intersectionOf", self._list(members))
        return node

    def _list(self, members: list[str]) -> str:
        rest = f"<{_RDF}nil>"
        for member in reversed(members):
            self.nodes += 1
            head = f"_:b{self.nodes}"
            self._say(head, f"{_RDF}first", member)
            self._say(head, f"{_RDF}rest", rest)
            rest = head
        return rest

    def _some(self, fact: str, filler: str) -> str:
        node = self._node("Restriction")
        self._say(node, f"{_OWL}onProperty", f"<{expand(fact)}>")
        self._say(node, f"{_OWL}someValuesFrom", filler)
        return node

    def _asked(self, atom: Atom) -> Iterator[str]:
        """Class expressions that make an atomic criterion true."""
        if atom.value is not None:
            yield self._some(atom.fact, f"<{VALUE}{atom.value}>")
        elif atom.bounds is not None:
            facets = []
            for facet, end in zip(("minInclusive", "maxExclusive"), atom.bounds, strict=True):
                if end is not None:
                    self.nodes += 1
                    facets.append(f"_:b{self.nodes}")
                    self._say(facets[-1], f"{_XSD}{facet}", f'"{end}"^^<{_XSD}decimal>')
            range_ = self._node(f"{_RDFS}Datatype")
            self._say(range_, f"{_OWL}onDatatype", f"<{_XSD}decimal>")
            self._say(range_, f"{_OWL}withRestrictions", self._list(facets))
            yield self._some(atom.fact, range_)
        for fact, classes in atom.met.items():
            yield from (self._some(fact, f"<{expand(cls)}>") for cls in sorted(classes))
