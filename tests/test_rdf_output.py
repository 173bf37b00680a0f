"""Verdicts as RDF: well-formed by their shapes, in declared words, the same each time, and saying what the JSON says."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from pyshacl import validate
from rdflib import Graph

from dermograph import Knowledge
from dermograph.graph import read
from dermograph.rdf_output import triples, turtle
from dermograph.terms import OWN, PREFIXES, compact, expand

ROOT = Path(__file__).parent.parent
CASES = sorted((ROOT / "tests" / "cases").glob("*/patient.ttl"))
SPREAD = CASES[:: max(1, len(CASES) // 12)]
SHAPED = CASES[3 :: max(1, len(CASES) // 5)]


@pytest.fixture(scope="module")
def shapes() -> Graph:
    graph = Graph()
    for path in ("prefixes.ttl", "shapes/verdict.ttl"):
        graph.parse(ROOT / "ontology" / path)
    return graph


def store_of(*documents: str) -> ox.Store:
    store = ox.Store()
    for document in documents:
        store.load(document.encode(), format=ox.RdfFormat.TURTLE)
    return store


def rows(store: ox.Store, query: str) -> list[tuple[str, ...]]:
    found = store.query("".join(f"PREFIX {p}: <{iri}>\n" for p, iri in PREFIXES.items()) + query)
    assert isinstance(found, ox.QuerySolutions)
    width = range(len(found.variables))
    return [tuple(compact(v.value) if (v := row[i]) is not None and not isinstance(v, ox.Triple) else "" for i in width) for row in found]


@pytest.mark.parametrize("path", SHAPED, ids=lambda p: p.parent.name)
def test_verdicts_pass_their_shapes(path: Path, knowledge: Knowledge, shapes: Graph) -> None:
    data = Graph().parse(data=turtle([knowledge.assess(path)]), format="turtle")
    conforms, _, text = validate(data, shacl_graph=shapes, max_validation_depth=50)
    assert conforms, text


def test_a_verdict_without_reasons_fails_the_shapes(knowledge: Knowledge, shapes: Graph) -> None:
    data = Graph().parse(data=turtle([knowledge.assess(CASES[0])]), format="turtle")
    for subject, value in list(data.subject_objects(next(p for p in data.predicates() if str(p).endswith("#hasReason")))):
        data.remove((subject, None, value))
    assert not validate(data, shacl_graph=shapes, max_validation_depth=50)[0]


def test_every_word_is_declared(knowledge: Knowledge) -> None:
    declared = {t.subject.value for t in read(sorted((ROOT / "ontology").rglob("*.ttl"))) if isinstance(t.subject, ox.NamedNode)}
    borrowed = {expand("rdf:type"), expand("skos:prefLabel")}
    spoken = set()
    for path in SPREAD:
        for t in triples(knowledge.assess(path)):
            spoken |= {x.value for x in (t.subject, t.predicate, t.object) if isinstance(x, ox.NamedNode)}
    vocabularies = (*(PREFIXES[p] for p in OWN), PREFIXES["prov"], PREFIXES["skos"], PREFIXES["rdf"])
    unknown = {iri for iri in spoken - declared - borrowed if iri.startswith(vocabularies)}
    assert sorted(unknown) == []


@pytest.mark.parametrize("path", SPREAD, ids=lambda p: p.parent.name)
def test_verdicts_say_what_the_json_says(path: Path, knowledge: Knowledge) -> None:
    answer = knowledge.assess(path)
    store = store_of(turtle([answer]))
    verdicts = {(v.therapy, v.status, "" if v.rank is None else str(v.rank)) for v in answer.therapies}
    asked = "SELECT ?t ?s ?r WHERE { ?v a dg:Verdict ; dg:ofTherapy ?t ; dg:hasStatus ?s OPTIONAL { ?v dg:rank ?r } }"
    assert {(t, s.partition(":")[2].lower(), r) for t, s, r in rows(store, asked)} == verdicts
    reasons = sorted((v.therapy, r.label, r.criterion or "") for v in answer.therapies for r in v.because)
    asked = "SELECT ?t ?l ?c WHERE { ?v dg:ofTherapy ?t ; dg:hasReason ?r . ?r skos:prefLabel ?l OPTIONAL { ?r dg:usesCriterion ?c } }"
    assert sorted(rows(store, asked)) == reasons
    counted = {
        "dg:hasRegimen": sum(len(v.regimens) for v in answer.therapies),
        "dg:hasCaution": sum(len(v.cautions) for v in answer.therapies),
        "dg:hasChangeSet": sum(len(v.would_change) for v in answer.therapies),
        "dg:missing": sum(len(v.missing) for v in answer.therapies),
        "dg:assumesAbsent": len(answer.assumptions),
        "dg:hasConflict": len(answer.conflicts),
        "dg:hasNextAction": len(answer.actions),
    }
    for predicate, count in counted.items():
        assert len(rows(store, f"SELECT ?a ?b WHERE {{ ?a {predicate} ?b }}")) == count, predicate


def test_every_verdict_is_traced_to_its_statements_and_facts(knowledge: Knowledge) -> None:
    answer = knowledge.assess(CASES[0])
    store = store_of(turtle([answer]))
    asked = "SELECT ?t ?o WHERE { ?v dg:ofTherapy ?t ; prov:wasDerivedFrom ?o . FILTER NOT EXISTS { ?o a dg:UsedFact } }"
    found = set(rows(store, asked))
    for verdict in answer.therapies:
        for reason in verdict.because:
            assert {(verdict.therapy, f"ad:{s}") for s in reason.statements} <= found
    facts = {f.fact for v in answer.therapies for r in v.because for f in r.facts}
    assert {f for (f,) in rows(store, "SELECT ?f WHERE { ?v a dg:Verdict ; prov:wasDerivedFrom ?o . ?o dg:ofFact ?f }")} == facts
    assert len(rows(store, "SELECT DISTINCT ?run WHERE { ?v prov:wasGeneratedBy ?run . ?run a dg:Assessing ; prov:used ?g }")) == 1


def test_the_same_input_gives_the_same_text(knowledge: Knowledge) -> None:
    text = CASES[0].read_text(encoding="utf-8")
    nameless = text.replace(f"<urn:example:{CASES[0].parent.name}>", "[]")
    assert nameless != text
    for document in (text, nameless):
        assert turtle([knowledge.assess(document)]) == turtle([knowledge.assess(document)])


def test_several_answers_stay_apart(knowledge: Knowledge) -> None:
    answers = [knowledge.assess(path) for path in CASES[:3]]
    together = store_of(turtle(answers))
    alone = [store_of(turtle([answer])) for answer in answers]
    assert len(together) == sum(map(len, alone))
    assert len(rows(together, "SELECT ?v WHERE { ?v a dg:Verdict }")) == sum(len(a.therapies) for a in answers)
