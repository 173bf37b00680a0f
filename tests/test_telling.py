"""What is told of an answer holds in the graph: explanations, criteria written out, and the schema of answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped,unused-ignore]
import pyoxigraph as ox
import pytest

from dermograph import Knowledge, Record, sentences, stages
from dermograph.explanation import Node, explain
from dermograph.inputs import batches
from dermograph.schema import schema
from dermograph.workbench.site import spans

ROOT = Path(__file__).parents[1]
CASES = sorted((ROOT / "tests" / "cases").glob("*/patient.ttl"))


def records(knowledge: Knowledge, step: int) -> Iterator[Record]:
    """Patients of every so-many-th case."""
    for path in islice(CASES, 0, None, step):
        yield from knowledge.read(path)


@pytest.fixture(scope="module")
def explanations(knowledge: Knowledge) -> list[tuple[Any, dict[str, Any], Node]]:
    """For several patients and every therapy: the case, the verdict as JSON and the explanation."""
    found = []
    for one in records(knowledge, 24):
        case, answer = knowledge.case(one), knowledge.assess(one)
        for row in answer.to_json()["therapies"]:
            found.append((case, row, explain(case, answer, row["therapy"])))
    return found


def test_every_source_of_an_explanation_exists(knowledge: Knowledge, explanations: list[tuple[Any, dict[str, Any], Node]]) -> None:
    known = knowledge.tree["statements"].keys() | knowledge.tree["sources"].keys()
    assert {s for _, _, node in explanations for line in node.walk() for s in line.sources} <= known


def test_every_truth_that_is_told_is_the_one_derived(knowledge: Knowledge, explanations: list[tuple[Any, dict[str, Any], Node]]) -> None:
    words = {True: "holds", False: "does not hold", None: "not known"}
    for case, _, node in explanations:
        for line in node.walk():
            if line.truth and line.about in knowledge.tree["criteria"]:
                holds = case.holds(line.about)
                if line.text.startswith("not: "):
                    holds = None if holds is None else not holds
                assert line.truth == words[holds], line.text


def test_what_blocks_gives_the_status(explanations: list[tuple[Any, dict[str, Any], Node]]) -> None:
    for _, row, node in explanations:
        deciding = [c for c in node.children if c.text.startswith("recommendation: ") or c.text == "whatever is recommended"]
        bearings = {line.bearing for c in deciding for line in c.children}
        if row["status"] == "eligible":
            assert bearings <= {"clear", None}, node.text
        elif row["status"] in {"excluded", "deferred"}:
            assert bearings & {"blocks", "open"}, node.text


def test_every_clinical_word_is_a_label_of_the_graph(knowledge: Knowledge, explanations: list[tuple[Any, dict[str, Any], Node]]) -> None:
    criteria = knowledge.tree["criteria"]
    for _, _, node in explanations:
        for line in node.walk():
            if line.truth:
                assert criteria[line.about]["label"] in line.text


def test_a_full_explanation_holds_the_short_one(knowledge: Knowledge) -> None:
    for one in records(knowledge, 90):
        case, answer = knowledge.case(one), knowledge.assess(one)
        for therapy in knowledge.therapies:
            short, full = (explain(case, answer, therapy, full=f) for f in (False, True))
            said = {(n.text, n.truth) for n in full.walk()}
            assert {(n.text, n.truth) for n in short.walk()} - said <= {("as told above", None)}
            json.dumps(full.to_json())


def test_sparql_of_a_criterion_gives_the_truths_of_the_reasoner(knowledge: Knowledge) -> None:
    for batch in batches(records(knowledge, 4)):
        truths, known = knowledge.truths(batch)
        store = ox.Store()
        store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in [*known, *index_triples(knowledge)])
        for name in knowledge.tree["criteria"]:
            solutions = store.query(sentences.sparql(knowledge.tree, name))
            assert isinstance(solutions, ox.QuerySolutions)
            found = {(row["patient"].value, row["holds"].value) for row in solutions}
            expected = {
                (patient, str(truth).lower()) for place, patient in enumerate(truths.patients) if (truth := truths.of(name, place)) is not None
            }
            assert found == expected, name


def test_bands_of_a_dose_follow_denied_members(knowledge: Knowledge) -> None:
    """A criterion may deny a member: younger than 12 is not from 12; what is left of age and weight is told so."""
    bands, whole = spans.bands(knowledge.tree, "ad:From6YearsUnder12YearsWeighingFrom15Under60")
    told = {fact: spans.words(band, knowledge.tree["facts"][fact]["unit"] or "mo").replace("\u00a0", " ") for fact, band in bands.items()}
    assert whole and told == {"fact:ageMonths": "from 6 years to under 12 years", "fact:bodyWeight": "from 15 kg to under 60 kg"}


def index_triples(knowledge: Knowledge) -> Iterator[ox.Triple]:
    """What queries on patients ask of the guideline graph."""
    from dermograph.content import modules
    from dermograph.graph import Graph, read
    from dermograph.index_triples import triples

    return triples(Graph(read(modules(ROOT / "ontology"))), knowledge.tree)


def test_every_criterion_is_written_out(knowledge: Knowledge) -> None:
    for name in knowledge.tree["criteria"]:
        assert f"[{name}" in sentences.text(knowledge.tree, name)
        assert f"Class: {name}\n" in sentences.manchester(knowledge.tree, name)


def test_stages_hold_what_is_known_of_each_criterion(knowledge: Knowledge) -> None:
    (one,) = knowledge.read(ROOT / "tests" / "cli" / "mia.ttl")
    found = stages.triples(knowledge, [one])
    truths, _ = knowledge.truths([one])
    types = [t for t in found["criteria"] if t.subject == one.patient]
    assert len(types) == sum(truths.of(name, 0) is not None for name in truths.true)
    assert not set(found["record"]) & set(found["facts"])


def test_answers_keep_to_the_schema(knowledge: Knowledge) -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    for definition in made["$defs"].values():
        definition["additionalProperties"] = False
    validator = jsonschema.Draft202012Validator(made)
    answers = [answer.to_json() for batch in batches(records(knowledge, 12)) for answer in knowledge.assess_all(batch)]  # type: ignore[union-attr]
    validator.validate(answers[0])
    validator.validate(answers)
    assert not validator.is_valid(answers[0] | {"asOf": None})
    assert not validator.is_valid({k: v for k, v in answers[0].items() if k != "therapies"})
