"""FHIR Bulk Data gives a population the verdicts that its patients have one by one, whatever is wrong in it and whenever it is killed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dermograph import Knowledge
from dermograph.cohort import descriptor
from dermograph.cohort.bulk import Bulk
from dermograph.cohort.run import Cohort
from dermograph.cohort.sources import source_of
from dermograph.cohort.summary import Totals
from dermograph.fhir import reading

CASES = sorted((Path(__file__).parent / "fhir").glob("*/bundle.json"))
DAY = dt.date(2026, 11, 1)
Lines = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load()


def renamed(value: Any, names: dict[str, str]) -> Any:
    """JSON with other names of resources, so that bundles can lie together."""
    if isinstance(value, dict):
        return {key: renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def bulk() -> Lines:
    """Resources of all cases by kind, each patient with an id of its own."""
    found: Lines = defaultdict(list)
    for number, path in enumerate(CASES):
        names: dict[str, str] = {}
        resources = []
        for place, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))["entry"]):
            resource = entry["resource"]
            kind, old = resource["resourceType"], resource.get("id", "")
            new = f"c{number}-{old or place}"
            names |= {f"{kind}/{old}": f"{kind}/{new}", entry.get("fullUrl", "-"): f"{kind}/{new}"}
            resources.append(resource | {"id": new})
        for resource in resources:
            found[resource["resourceType"]].append(renamed(resource, names))
    return found


def written(where: Path, lines: Lines) -> Path:
    where.mkdir(parents=True)
    for kind, resources in lines.items():
        half = len(resources) // 2 + 1
        for part, some in enumerate((resources[:half], resources[half:])):
            (where / f"{kind}.{part}.ndjson").write_text("".join(json.dumps(r) + "\n" for r in some), encoding="utf-8")
    return where


def run(knowledge: Knowledge, given: Path, out: Path, **more: Any) -> Totals:
    return Cohort(knowledge, Bulk(given, knowledge, DAY, **more), out, threads=1).run()


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*.parquet"))}


def silent(what: str, done: int, of: int) -> None:
    pass


def test_a_population_has_the_verdicts_of_its_patients(knowledge: Knowledge, bulk: Lines, tmp_path: Path) -> None:
    given = written(tmp_path / "given", bulk)
    assert isinstance(source_of(given, DAY, knowledge), Bulk)
    totals = run(knowledge, given, tmp_path / "out")
    everyone = [json.loads(line, parse_float=Decimal) for path in sorted(given.iterdir()) for line in path.read_text(encoding="utf-8").splitlines()]
    alone = reading.from_values(everyone, "together", knowledge.terminology, DAY).all()
    assert totals == Totals(len(alone), len(alone), 0)
    rows = pq.read_table(tmp_path / "out" / "verdicts").to_pylist()
    told = {(row["patient"], row["therapy"]): row["status"] for row in rows}
    assert told == {(a.patient, t.therapy): t.status for a in knowledge.assess_all(alone) for t in a.therapies}  # type: ignore[union-attr]
    by = {
        (r["resource"], r["code"], r["reason"].partition(":")[0]): r["records"]
        for r in pq.read_table(tmp_path / "out" / "ignored.parquet").to_pylist()
    }
    assert by["AllergyIntolerance", "424213003", "not understood, and it could matter"] == 1
    assert by["Encounter", "", "not read, since no guideline asks for it"] == 1


def drug(name: str) -> dict[str, Any]:
    return {"coding": [{"system": "https://w3id.org/dermograph/ad", "code": name}]}


PRODUCTS: dict[str, list[dict[str, Any]]] = {
    "without an id": [{"identifier": [{"system": "s", "value": "v"}], "code": drug("Cyclosporine")}],
    "twice in different words": [{"id": "m", "code": drug("Cyclosporine")}, {"id": "m", "code": drug("Methotrexate")}],
}
POINTERS = {"an identifier": {"identifier": {"system": "s", "value": "v"}}, "a condition": {"reference": "Medication?identifier=s%7Cv"}}


@pytest.mark.parametrize("pointer", POINTERS.values(), ids=list(POINTERS))
def test_a_product_without_an_id_is_found_by_its_identifier(pointer: dict[str, Any], knowledge: Knowledge, tmp_path: Path) -> None:
    ordered = {"resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order", "subject": {"reference": "Patient/p"}}
    lines = {
        "Patient": [{"resourceType": "Patient", "id": "p", "birthDate": "1990-05-04"}],
        "Medication": [{"resourceType": "Medication"} | one for one in PRODUCTS["without an id"]],
        "MedicationRequest": [ordered | {"medicationReference": pointer}],
    }
    run(knowledge, written(tmp_path / "given", lines), tmp_path / "out")
    told = {row["therapy"]: row["status"] for row in pq.read_table(tmp_path / "out" / "verdicts").to_pylist()}
    assert told["ad:Cyclosporine"] == "ongoing"


def test_a_product_that_is_there_twice_refuses_whoever_refers_to_it(knowledge: Knowledge, tmp_path: Path) -> None:
    lines = {
        "Patient": [{"resourceType": "Patient", "id": name, "birthDate": "1990-05-04"} for name in ("p", "q")],
        "Medication": [{"resourceType": "Medication"} | one for one in PRODUCTS["twice in different words"]],
        "MedicationStatement": [
            {"resourceType": "MedicationStatement", "id": "r", "status": "active"}
            | {"subject": {"reference": "Patient/p"}, "medicationReference": {"reference": "Medication/m"}}
        ],
    }
    assert run(knowledge, written(tmp_path / "given", lines), tmp_path / "out") == Totals(2, 1, 1)
    reasons = {row["patient"]: row["reason"] for row in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()}
    assert "Medication/m is there twice" in reasons["urn:dermograph:fhir:Patient/p"]


def test_neither_processes_nor_a_kill_change_a_byte_of_the_tables(knowledge: Knowledge, bulk: Lines, tmp_path: Path) -> None:
    given, whole, killed = written(tmp_path / "given", bulk), tmp_path / "whole", tmp_path / "killed"
    Bulk(given, knowledge, DAY, size=10_000, jobs=2).tables(whole, silent)
    source = Bulk(given, knowledge, DAY, size=10_000, jobs=1)
    (killed / "buckets").mkdir(parents=True)
    (killed / "buckets" / "00000.ndjson").write_bytes(b"half a li")
    source.tables(killed, silent)
    marks = sorted(killed.glob("read-*"))
    assert len(marks) > 2
    for mark in marks[1:]:
        mark.unlink()
    shutil.rmtree(killed / "tables" / "ignored")
    (killed / "tables" / "patients" / "part-00001.parquet").unlink()
    (killed / "tables" / "patients-part-00001.aside").write_bytes(b"half")
    source.tables(killed, silent)
    assert files(killed) == files(whole)
    assert {path.name for path in (whole / "tables").iterdir()} == {
        *(f"{name}{more}" for name in descriptor.names() for more in ("", "-lines")),
        "ignored",
    }


def test_what_is_wrong_refuses_its_patient_and_totals_add_up(knowledge: Knowledge, tmp_path: Path) -> None:
    people = [{"resourceType": "Patient", "id": f"p{n}", "gender": "male", "birthDate": "1990-01-01"} for n in range(6)]
    people[1]["birthDate"] = "never"
    weight = {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}}
    given = written(tmp_path / "given", {"Patient": [*people, people[0], people[2] | {"gender": "female"}]})
    observations = [weight | {"id": f"o{n}", "subject": {"reference": f"Patient/p{n}"}, "effectiveDateTime": "2026-10-01"} for n in (0, 3, 9)]
    observations[1]["valueQuantity"] = {"value": "heavy"}
    text = "".join(json.dumps(o) + "\n" for o in observations)
    text += '{"resourceType":"Observation","subject":{"reference":"Patient/p4"},\n[1]\n\n{"resourceType":"Group","id":"g"}\n'
    (given / "Observation.ndjson").write_text(text, encoding="utf-8")
    totals = run(knowledge, given, tmp_path / "out")
    assert totals == Totals(6, 2, 4)
    rejects = {
        (row["table"], row["row"], (row["patient"] or "").rpartition("/")[2])
        for row in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()
    }
    assert rejects == {
        ("Patient.0.ndjson", 2, "p1"),
        ("Patient.0.ndjson", 3, "p2"),
        ("Observation.ndjson", 2, "p3"),
        ("Observation.ndjson", 4, "p4"),
        ("Observation.ndjson", 5, ""),
    }
    ignored = {(row["resource"], row["reason"]) for row in pq.read_table(tmp_path / "out" / "ignored.parquet").to_pylist()}
    assert ("Observation", "its patient is not in the input") in ignored


def test_what_is_wrong_is_told_by_its_line(knowledge: Knowledge, tmp_path: Path) -> None:
    """Elements of the wrong type, a value that breaks a rule, and two that contradict each other, each among others of the patient."""
    people = [{"resourceType": "Patient", "id": f"p{n}", "gender": "male", "birthDate": "1990-01-01"} for n in range(4)]
    weight = {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}}
    values: list[tuple[str, int, Any]] = [("o1", 0, 70), ("o11", 1, 70), ("o1-1", 1, "heavy"), ("a", 2, 70), ("b-b", 2, 7000), ("o2", 3, 70)]
    lines = [
        weight
        | {"id": name, "subject": {"reference": f"Patient/p{n}"}, "effectiveDateTime": f"2026-10-0{day}"}
        | {"valueQuantity": {"value": value, "code": "kg", "system": "http://unitsofmeasure.org"}}
        for day, (name, n, value) in enumerate(values, start=1)
    ]
    given = written(tmp_path / "given", {"Patient": people})
    (given / "Observation.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for size in (10_000_000, 100):
        out = tmp_path / f"out{size}"
        assert run(knowledge, given, out, size=size) == Totals(4, 2, 2)
        rejects = {(row["table"], row["row"]): row for row in pq.read_table(out / "rejects.parquet").to_pylist()}
        assert set(rejects) == {("Observation.ndjson", 3), ("Observation.ndjson", 5)}
        assert rejects["Observation.ndjson", 3]["reason"].startswith("Observation/o1-1.")
        assert rejects["Observation.ndjson", 5]["reason"].startswith("a measured value is plausible; ")
