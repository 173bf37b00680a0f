"""The ontology as a theory that a reasoner reads: its axioms, and what every patient record is held to beyond them.

A question is a conjunction of named criteria, each as it is or denied: can a patient be such? Each question has a key,
a digest of all that its answer can depend on, so that an answer may be kept until one of its own definitions changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph import content, index
from dermograph.graph import Graph, node_name, read
from dermograph.terms import PREFIXES, compact, expand
from dermograph.workbench.positions import Positions, positions

Tree = dict[str, Any]
Literal = tuple[str, bool]
Question = tuple[Literal, ...]

FORMAT = 1
"""Raised whenever what stands behind a question changes, so that no old answer is taken."""

_LANGUAGE = tuple(PREFIXES[p] for p in ("owl", "rdf", "rdfs", "xsd"))
_OWL, _RDF, _RDFS, _XSD = _LANGUAGE
_TYPE = _RDF + "type"
_HEADER = {_OWL + "imports", _OWL + "versionIRI", _OWL + "versionInfo"}
_DECLARED = {f"{_OWL}{k}" for k in ("Class", "ObjectProperty", "DatatypeProperty", "AnnotationProperty", "NamedIndividual")}


_PROLOGUE = "".join(f"@prefix {p}: <{iri}> .\n" for p, iri in PREFIXES.items())
FACETS = {facet: predicate for predicate, facet in index.FACETS.items()}


class Theory:
    """An ontology, read once, in the forms that proofs need.

    :param ontology: folder of Turtle modules.
    :raises KnowledgeError: a module cannot be parsed, or a criterion breaks the model.
    """

    def __init__(self, ontology: Path) -> None:
        self.ontology = ontology
        self.triples: list[ox.Triple] = list(read(content.modules(ontology)))
        self.graph = Graph(self.triples)

    @cached_property
    def places(self) -> Positions:
        """Where each node is described."""
        return positions(self.ontology)

    @cached_property
    def tree(self) -> Tree:
        """The index tree of the ontology."""
        return index.build(self.graph)

    @cached_property
    def holders(self) -> dict[str, str]:
        """For each blank node a node that points at it."""
        names = {t.object: t.subject for t in self.triples if isinstance(t.object, ox.BlankNode)}
        return {str(node_name(inner)): str(node_name(outer)) for inner, outer in names.items()}

    @cached_property
    def whole(self) -> str:
        """Everything that can contradict itself, individuals included, as N-Triples.

        What a name means that no other axiom speaks of contradicts nothing, since definitions never go in a circle: such
        criteria are left out, which spares the reasoner to ask of each individual whether it meets one of hundreds.
        """
        headers = {t.subject for t in self.triples if t.object == ox.NamedNode(_OWL + "Ontology")}
        idle = self._defined - self._meanings(self.closure(self._spoken_of))
        return _text(
            t
            for t in self.triples
            if t.subject not in headers
            and t.predicate.value not in _HEADER
            and not (t.subject in idle and (isinstance(t.subject, ox.BlankNode) or t.predicate.value == _OWL + "equivalentClass"))
        )

    @cached_property
    def _spoken_of(self) -> set[str]:
        """Criteria of which an axiom says more than what they mean: something is one, or they are within or apart from a class."""
        criteria = self.tree["criteria"]
        found = set()
        for t in self.triples:
            predicate = t.predicate.value
            if not predicate.startswith(_LANGUAGE) or predicate in {_OWL + "equivalentClass", _RDF + "first"}:
                continue
            subject, value = (compact(str(getattr(term, "value", ""))) for term in (t.subject, t.object))
            found |= {value} if value in criteria and t.subject not in self._defined else set()
            found |= {subject} if subject in criteria and predicate in {_RDFS + "subClassOf", _OWL + "disjointWith"} else set()
        return found

    @cached_property
    def axioms(self) -> list[ox.Triple]:
        """Classes and properties with their axioms, and the individuals that these name."""
        named = {t.object for t in self.triples if t.predicate.value == _OWL + "hasValue"}
        heads = [t.object for t in self.triples if t.predicate.value == _OWL + "oneOf"]
        named |= {ox.NamedNode(expand(i)) for h in heads for i in self.graph.items(f"_:{h.value}")}  # type: ignore[union-attr]
        found = []
        for t in self.triples:
            predicate, value = t.predicate.value, getattr(t.object, "value", "")
            kind = predicate != _TYPE or (value.startswith(_LANGUAGE) and value not in {_OWL + "NamedIndividual", _OWL + "Ontology"})
            if predicate.startswith(_LANGUAGE) and predicate not in _HEADER and (kind or t.subject in named):
                found.append(t)
        return found

    # --- what a record is held to

    @cached_property
    def unknowable(self) -> dict[str, str]:
        """Facts that a patient always has though a record may be silent on them, each with the range of its values."""
        found = {}
        for fact, told in self.tree["facts"].items():
            if told["silence"] == "dg:SilenceIsUnknown":
                numeric = "owl:DatatypeProperty" in self.graph.nodes(fact, "rdf:type")
                found[fact] = self._numbers(fact, told["measures"]) if numeric else self._values(told["recordedAs"])
        return found

    def bounds(self, fact: str) -> tuple[Decimal | None, Decimal | None]:
        """Least and greatest plausible value of a numeric fact."""
        of = self.tree["facts"][fact]["measures"] or fact
        return self.graph.number(of, "dg:plausibleLow"), self.graph.number(of, "dg:plausibleHigh")

    def whole_numbers(self, fact: str) -> bool:
        """Whether the values of a numeric fact are whole numbers."""
        return "xsd:integer" in self.graph.nodes(fact, "rdfs:range")

    def values(self, word: str) -> list[str]:
        """Individuals that a property of a patient graph may have as value."""
        return [i for kind in self.graph.subjects("dg:valuesOf", word) for i in self.graph.instances(kind)]

    def _numbers(self, fact: str, measures: str | None) -> str:
        facets = [
            f'[ xsd:{facet} "{bound}"^^xsd:decimal ]'
            for facet, bound in zip(("minInclusive", "maxInclusive"), self.bounds(fact), strict=True)
            if bound is not None
        ]
        return f"[ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( {' '.join(facets)} ) ]" if facets else "xsd:decimal"

    def _values(self, word: str) -> str:
        return f"[ a owl:Class ; owl:oneOf ( {' '.join(self.values(word))} ) ]"

    @cached_property
    def background(self) -> str:
        """Turtle of what the shapes hold every record to: plausible ranges, values that exclude each other, definitions by measurement."""
        lines = [f"{fact} rdfs:range {values} ." for fact, values in self.unknowable.items()]
        for word in self.graph.having("dg:rangeIncludes") + self.graph.having("dg:single"):
            facts = [f for f, t in self.tree["facts"].items() if t["recordedAs"] == word and f in self.unknowable]
            if self.graph.flag(word, "dg:single") and "pt:Patient" in self.graph.nodes(word, "dg:domainIncludes"):
                lines += [f"{fact} a owl:FunctionalProperty ." for fact in facts]
        for kind in self.graph.having("dg:valuesOf"):
            members = self.graph.instances(kind)
            if len(members) > 1:
                lines += [f"{m} a owl:NamedIndividual ." for m in members]
                lines.append(f"[] a owl:AllDifferent ; owl:distinctMembers ( {' '.join(members)} ) .")
        lines += [line for condition in self.graph.having("dg:definedBelow") for line in self._measured(condition)]
        return "\n".join(dict.fromkeys(lines))

    def _measured(self, condition: str) -> Iterator[str]:
        observable, below = self.graph.text(condition, "dg:definedByObservable"), self.graph.number(condition, "dg:definedBelow")
        for fact in [f for f, t in self.tree["facts"].items() if t["measures"] == observable]:
            under = f'[ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:maxExclusive "{below}"^^xsd:decimal ] ) ]'
            low = f"a owl:Restriction ; owl:onProperty {fact} ; owl:someValuesFrom {under} ; rdfs:subClassOf"
            yield f"[ {low} [ a owl:Restriction ; owl:onProperty fact:hasCondition ; owl:someValuesFrom {condition} ] ] ."

    # --- questions

    @cached_property
    def frame(self) -> str:
        """Axioms without what the criteria mean, and the background, as N-Triples."""
        return _text(t for t in self.axioms if t.subject not in self._defined) + _turtle(_PROLOGUE + self.background)

    def asked(self, questions: Sequence[Question]) -> tuple[str, list[str]]:
        """N-Triples with a class for each question, and the IRIs of these classes.

        Of each criterion that is asked, affirmed and denied, what follows is stated as a class of its own: then a
        reasoner need not ask of each individual whether it is one of the hundreds of criteria that nobody spoke of.
        """
        criteria = self.tree["criteria"]
        lines = []
        for name in self.closure(n for question in questions for n, _ in question):
            op = criteria[name]["op"]
            for sign in (True, False):
                if op == "atom":
                    means = self._atom(name, sign)
                else:
                    parts = [_side(m, positive is sign) for m, positive in criteria[name]["members"]]
                    means = _joined("intersectionOf" if (op == "and") is sign else "unionOf", parts)
                lines.append(f"{_side(name, sign)} a owl:Class ; rdfs:subClassOf {means} .")
        names = [f"urn:q:{number}" for number in range(len(questions))]
        for name, question in zip(names, questions, strict=True):
            parts = [_side(n, sign) if n in criteria else n if sign else f"[ a owl:Class ; owl:complementOf {n} ]" for n, sign in question]
            parts += [f"[ a owl:Restriction ; owl:onProperty {f} ; owl:someValuesFrom {self.unknowable[f]} ]" for f in self._facts(question)]
            lines.append(f"<{name}> a owl:Class ; rdfs:subClassOf {_joined('intersectionOf', parts)} .")
        return self.frame + _turtle(_PROLOGUE + "\n".join(lines)), names

    def _atom(self, name: str, sign: bool) -> str:
        criterion = self.tree["criteria"][name]
        if "value" in criterion:
            said = f"owl:hasValue {criterion['value']}"
        elif "class" in criterion:
            said = f"owl:someValuesFrom {criterion['class']}"
        else:
            bounds = [(k, v) for k, v in criterion["range"].items() if v != index.UNBOUNDED[k]]
            facets = " ".join(f'[ {FACETS[k]} "{Decimal(v):f}"^^xsd:decimal ]' for k, v in bounds)
            said = f"owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( {facets} ) ]"
        restriction = f"[ a owl:Restriction ; owl:onProperty {criterion['fact']} ; {said} ]"
        return restriction if sign else f"[ a owl:Class ; owl:complementOf {restriction} ]"

    def _facts(self, question: Question) -> list[str]:
        """Facts with a value in every record, as far as a question turns on them."""
        criteria = self.tree["criteria"]
        return sorted({f for c in self.closure(name for name, _ in question) if (f := criteria[c].get("fact")) in self.unknowable})

    def closure(self, names: Iterable[str]) -> list[str]:
        """Criteria with those that they are made of."""
        criteria = self.tree["criteria"]
        found: dict[str, None] = {}
        queue = [n for n in names if n in criteria]
        while queue:
            name = queue.pop()
            if name not in found:
                found[name] = None
                queue += [m for m, _ in criteria[name].get("members", ())]
        return sorted(found)

    def key(self, question: Question) -> str:
        """Digest of all that the answer to a question depends on."""
        return _digest([FORMAT, self._loose, sorted(question), sorted(map(self._meaning, self._stems(question)))])

    def _stems(self, question: Question) -> set[str]:
        return {name for name, _ in question} | set(self.closure(name for name, _ in question))

    def _meaning(self, name: str) -> str:
        within, criterion = self.tree["within"], self.tree["criteria"].get(name)
        if criterion is None:
            return json.dumps([name, within.get(name), self._apart(name)])
        said = {k: criterion[k] for k in ("op", "members", "fact", "class", "value", "range") if k in criterion}
        cls = criterion.get("class", "")
        return json.dumps([name, said, within.get(cls), self._apart(cls), self.unknowable.get(criterion.get("fact", ""))], sort_keys=True)

    def _apart(self, cls: str) -> list[str]:
        """Classes that a class, or one it is within, is disjoint with."""
        above = {cls, *self.tree["within"].get(cls, ())}
        return sorted({other for one, other in self._disjoint if one in above})

    @cached_property
    def _disjoint(self) -> list[tuple[str, str]]:
        pairs = [(one, other) for one in self.graph.having("owl:disjointWith") for other in self.graph.nodes(one, "owl:disjointWith")]
        return pairs + [(other, one) for one, other in pairs]

    @cached_property
    def _defined(self) -> set[object]:
        """Criteria, and the blank nodes that spell out what they mean."""
        return self._meanings(self.tree["criteria"])

    @cached_property
    def _out(self) -> dict[object, list[object]]:
        found: dict[object, list[object]] = {}
        for t in self.axioms:
            found.setdefault(t.subject, []).append(t.object)
        return found

    def _meanings(self, names: Iterable[str]) -> set[object]:
        """Criteria, and the blank nodes that spell out what they mean."""
        found: set[object] = {ox.NamedNode(expand(c)) for c in names}
        queue = [value for c in found for value in self._out.get(c, ())]
        while queue:
            node = queue.pop()
            if isinstance(node, ox.BlankNode) and node not in found:
                found.add(node)
                queue += self._out.get(node, ())
        return found

    @cached_property
    def _loose(self) -> str:
        """Digest of the axioms that belong to no one criterion and no class hierarchy, such as what excludes each other."""
        kept = [t for t in self.axioms if t.subject not in self._defined]
        kept = [t for t in kept if not (t.predicate.value == _TYPE and t.object.value in _DECLARED)]  # type: ignore[union-attr]
        told = {_RDFS + "subClassOf", _OWL + "disjointWith"}
        kept = [t for t in kept if t.predicate.value not in told or isinstance(t.object, ox.BlankNode)]
        rows = sorted(str((_plain(t.subject), t.predicate.value, _plain(t.object))) for t in kept)
        return _digest([rows, [line for line in self.background.splitlines() if " rdfs:range " not in line]])

    @cached_property
    def digest(self) -> str:
        """Digest of the whole terminology."""
        return _digest([FORMAT, self._loose, sorted(map(self._meaning, self.tree["criteria"])), self.tree["within"], self._disjoint, self.background])

    @cached_property
    def whole_digest(self) -> str:
        """Digest of every module."""
        return _digest([FORMAT, content.digest(self.ontology)])


def _side(criterion: str, sign: bool) -> str:
    """Class of those of whom a criterion holds, or does not hold."""
    return f"<urn:{'yes' if sign else 'no'}:{criterion}>"


def _joined(operation: str, parts: list[str]) -> str:
    return f"[ a owl:Class ; owl:{operation} ( {' '.join(parts * 2 if len(parts) == 1 else parts)} ) ]"


def _plain(term: object) -> str:
    return "_" if isinstance(term, ox.BlankNode) else compact(str(getattr(term, "value", term)))


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()


def _text(triples: Iterable[ox.Triple]) -> str:
    return "".join(f"{t} .\n" for t in triples)


def _turtle(text: str) -> str:
    return _text(q.triple for q in ox.parse(input=text, format=ox.RdfFormat.TURTLE))
