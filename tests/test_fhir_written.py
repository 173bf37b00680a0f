"""Answers and guidelines as FHIR: valid by HL7's own schema, true to the answer, the same each time, and nothing rounded."""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir.resources.R4B import get_fhir_model_class
from jsonschema import Draft6Validator
from pydantic import ValidationError
from test_cli import THREE, Ran

from dermograph import Knowledge
from dermograph.errors import UsageError
from dermograph.fhir import answers, package
from dermograph.fhir.coding import BASE, Coder, Json
from dermograph.fhir.definitions import Definitions
from dermograph.terms import local_name

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "fhir" / "written"
EXPECTED = yaml.safe_load((DATA / "answers.yaml").read_text(encoding="utf-8"))
CASES = sorted((ROOT / "tests" / "cases").glob("*/patient.ttl"))
SPREAD = CASES[:: len(CASES) // 20]
ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
CANONICAL = re.compile(rf"{BASE}/[A-Z][A-Za-z]+/{ID.pattern}(\|[0-9.+]+)?")
NAME = re.compile(r"[A-Z][A-Za-z0-9_]{0,254}")
TRUTH = re.compile(r"true|false|\{\}|%[A-Za-z_]\w*(\.not\(\))?")
OWN = tuple(f"https://w3id.org/dermograph/{name}" for name in ("ad", "core", "patient"))


@pytest.fixture(scope="module")
def coder(knowledge: Knowledge) -> Coder:
    return Coder(knowledge)


@pytest.fixture(scope="module")
def definitions(knowledge: Knowledge) -> list[Json]:
    assert knowledge.ontology
    return package.contents(knowledge, knowledge.ontology)


@pytest.fixture(scope="module")
def schema() -> dict[str, Draft6Validator]:
    whole = json.loads(gzip.decompress((DATA / "r4.schema.json.gz").read_bytes()))["definitions"]
    return {kind: Draft6Validator({"$ref": f"#/definitions/{kind}", "definitions": whole}) for kind in whole}


def written(knowledge: Knowledge, coder: Coder, *paths: Path) -> Json:
    return answers.bundle(coder, [a for path in paths for one in knowledge.read(path) if (a := knowledge.assess(one))])


def resources(bundle: Json, *kinds: str) -> list[Json]:
    return [e["resource"] for e in bundle["entry"] if not kinds or e["resource"]["resourceType"] in kinds]


def walk(value: Any) -> Iterator[Json]:
    """Every object in a value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def actions(found: Json) -> Iterator[Json]:
    """Every action of a plan or group."""
    for action in found.get("action", ()):
        yield action
        yield from actions(action)


# --- valid


def faults(schema: dict[str, Draft6Validator], one: Json) -> list[str]:
    """What is wrong with a resource by the schema of R4, by the models of R4B, and by what neither of them asks."""
    found = [f"{list(e.absolute_path)}: {e.message}" for e in schema[one["resourceType"]].iter_errors(one)]
    try:
        get_fhir_model_class(one["resourceType"]).model_validate(one)
    except ValidationError as error:
        found += [f"{e['loc']}: {e['msg']}" for e in error.errors(include_url=False)]
    found += [f"id {one['id']}"] * (not ID.fullmatch(one["id"]))
    if "url" in one:
        found += [f"url {one['url']}"] * (not CANONICAL.fullmatch(one["url"]) and one["url"] not in OWN)
        found += [f"name {one['name']}"] * (not NAME.fullmatch(one["name"]))
    named = [a["id"] for a in actions(one) if "id" in a]
    found += [f"action {name} twice" for name in {n for n in named if named.count(n) > 1}]
    for action in actions(one):
        found += [f"no action {r['actionId']}" for r in action.get("relatedAction", ()) if r["actionId"] not in named]
        if one["resourceType"] == "RequestGroup" and ("resource" in action) == ("action" in action):
            found.append(f"rqg-1: {action.get('title')}")
    for part in walk(one):
        found += [f"empty {key}" for key, value in part.items() if value in ("", [], {}, None)]
        found += [f"expression {said}" for said in [part.get("expression")] if "language" in part and not TRUTH.fullmatch(str(said))]
    return found


@pytest.mark.parametrize("path", SPREAD, ids=lambda p: p.parent.name)
def test_an_answer_is_valid_and_whole(path: Path, knowledge: Knowledge, coder: Coder, schema: dict[str, Draft6Validator]) -> None:
    bundle = written(knowledge, coder, path)
    assert {e["fullUrl"]: e["resource"]["id"] for e in bundle["entry"]} == {f"urn:uuid:{r['id']}": r["id"] for r in resources(bundle)}
    assert [f for one in resources(bundle) for f in faults(schema, one)] == []
    get_fhir_model_class("Bundle").model_validate(bundle)
    kinds = {e["fullUrl"]: e["resource"]["resourceType"] for e in bundle["entry"]}
    pointed = [part for part in walk(bundle) if str(part.get("reference", "")).startswith("urn:uuid:")]
    assert pointed
    assert [p for p in pointed if kinds.get(p["reference"]) != p["type"]] == []


def test_the_definitions_are_valid_and_whole(definitions: list[Json], schema: dict[str, Draft6Validator]) -> None:
    assert [(one["id"], f) for one in definitions for f in faults(schema, one)] == []
    assert len({(one["resourceType"], one["id"]) for one in definitions}) == len({one["url"] for one in definitions}) == len(definitions)
    cited = [one["id"] for one in definitions if one["resourceType"] in {"PlanDefinition", "ActivityDefinition"} and not one.get("relatedArtifact")]
    assert cited == []


def test_an_invalid_resource_is_found(schema: dict[str, Draft6Validator], knowledge: Knowledge, coder: Coder) -> None:
    bundle = written(knowledge, coder, SPREAD[0])
    (group,) = resources(bundle, "RequestGroup")
    changes: list[Json] = [{"status": "maybe"}, {"id": "a b"}, {"note": []}, {"action": [{"title": "nothing"}]}, {"color": "red"}]
    for change in changes:
        assert faults(schema, group | change), change


def test_every_code_and_address_of_ours_is_defined(knowledge: Knowledge, coder: Coder, definitions: list[Json]) -> None:
    codes = {(one["url"], c["code"]): c["display"] for one in definitions if one["resourceType"] == "CodeSystem" for c in one["concept"]}
    addresses = {one["url"] for one in definitions} | {f"{one['url']}|{one['version']}" for one in definitions}
    said = [written(knowledge, coder, path) for path in SPREAD] + definitions
    coded = {(p["system"], p["code"]): p["display"] for p in walk(said) if p.get("system") in OWN and "display" in p}
    assert {key: display for key, display in coded.items() if codes.get(key) != display} == {}
    assert {u for p in walk(said) for u in map(str, p.values()) if CANONICAL.fullmatch(u) and "/sid/" not in u} <= addresses
    valued = {
        (i["system"], c["code"]) for one in definitions if one["resourceType"] == "ValueSet" for i in one["compose"]["include"] for c in i["concept"]
    }
    mapped = {(g["source"], e["code"]) for one in definitions if one["resourceType"] == "ConceptMap" for g in one["group"] for e in g["element"]}
    assert valued | mapped <= codes.keys()


# --- true


def doses(request: Json) -> list[str]:
    def amount(part: Json) -> str:
        for kind in ("doseQuantity", "rateQuantity"):
            if kind in part:
                return f"{part[kind]['value']} {part[kind]['code']}"
        ends = part.get("doseRange") or part["rateRange"]
        return f"{ends['low']['value']} to {ends['high']['value']} {ends['low']['code']}"

    found = []
    for dosage in request.get("dosageInstruction", ()):
        repeat = dosage.get("timing", {}).get("repeat", {})
        times = (
            f"{repeat['count']} time"
            if "count" in repeat
            else f"{repeat['frequency']} per {repeat['period']} {repeat['periodUnit']}"
            if repeat
            else ""
        )
        found.append(f"{dosage['text']} | {', '.join(map(amount, dosage.get('doseAndRate', ())))} | {times}".replace("|  |", "| |").rstrip())
    return found


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: Path(case["patient"]).parent.name)
def test_an_answer_says_what_was_written_by_hand(case: Json, knowledge: Knowledge, coder: Coder) -> None:
    bundle = written(knowledge, coder, ROOT / case["patient"])
    by = {e["fullUrl"]: e["resource"] for e in bundle["entry"]}
    responses = resources(bundle, "GuidanceResponse")
    assert {local_name(r["moduleCanonical"].partition("|")[0]): r["status"] for r in responses} == case["guidelines"]
    needed = [d for r in responses for d in r.get("dataRequirement", ())]
    asked = {f"{d['type']} {d['mustSupport'][0]}" + (f" {d['codeFilter'][0]['code'][-1]['code']}" if "codeFilter" in d else "") for d in needed}
    assert asked == set(case["requires"])
    for one in resources(bundle, "GuidanceResponse", "RequestGroup", "MedicationRequest", "ServiceRequest"):
        who = one["subject"]
        assert (who.get("reference") or f"{who['identifier']['system']}|{who['identifier']['value']}") == case["subject"]
        assert one.get("authoredOn", one.get("occurrenceDateTime")) == knowledge.assess(ROOT / case["patient"]).as_of
    (group,) = resources(bundle, "RequestGroup")
    told = {a["id"]: a for a in actions(group) if "id" in a}
    for name, wanted in case["actions"].items():
        action = told[name]
        ways = [way["resource"] for way in action.get("action", [action])]
        (condition,) = action["condition"]
        found = {
            "codes": [c["code"] for concept in action["code"] for c in concept["coding"]],
            "prefix": action.get("prefix"),
            "condition": f"{condition['kind']} {condition['expression']['expression']}",
            "resource": " ".join(way["type"] for way in ways),
            "selection": action.get("selectionBehavior"),
            "doses": [dose for way in ways for dose in doses(by.get(way["reference"], {}))],
            "after": [r["actionId"] for r in action.get("relatedAction", ()) if r["relationship"] == "after"],
            "before": [
                a["id"] for a in told.values() for r in a.get("relatedAction", ()) if (r["actionId"], r["relationship"]) == (name, "before-start")
            ],
            "strengths": [e["valueCodeableConcept"]["text"].partition(" (")[0] for p in walk(action) for e in p.get("extension", ())],
        }
        assert {key: value for key, value in found.items() if value and (key != "strengths" or key in wanted)} == wanted


@pytest.mark.parametrize("path", SPREAD, ids=lambda p: p.parent.name)
def test_nothing_of_an_answer_is_lost_or_rounded(path: Path, knowledge: Knowledge, coder: Coder) -> None:
    answer = knowledge.assess(path)
    bundle = written(knowledge, coder, path)
    (group,) = resources(bundle, "RequestGroup")
    told = {a["id"]: a for a in actions(group) if "id" in a}
    truths = {"eligible": "true", "excluded": "false", "deferred": "false", "undetermined": "{}"}
    for verdict in answer.therapies:
        action = told[local_name(verdict.therapy)]
        assert action["code"][0]["text"] == verdict.status
        assert action.get("prefix") == (str(verdict.rank) if verdict.rank else None)
        (condition,) = action["condition"]
        if verdict.status in truths:
            assert (condition["kind"], condition["expression"]["expression"]) == ("applicability", truths[verdict.status])
        proposed = action.get("action") or [action]
        assert all((a["resource"]["type"] == "ActivityDefinition") == (verdict.status != "eligible") for a in proposed)
        documents = action["documentation"]
        shown = {d["display"] for d in documents}
        assert all(any(d.startswith(r.label) for d in shown) for r in verdict.because)
        items = (*verdict.cautions, *verdict.screening, *verdict.baseline, *verdict.monitoring)
        assert all(any(d.startswith(i.label) for d in shown) for i in items)
        sources = {d["label"] for d in documents if d["type"] == "citation"}
        assert {s for r in verdict.because for s in (*r.statements, *map(local_name, r.sources))} <= sources
        assert all(m.label in action["description"] for m in verdict.missing)
    assert {a["id"] for a in group["action"][0]["action"]} == {local_name(a.action) for a in answer.actions} or not answer.actions


def test_an_answer_read_back_beside_the_record_changes_nothing(knowledge: Knowledge, coder: Coder) -> None:
    """Proposals are no courses and what is to be done is not done."""
    path = ROOT / "tests" / "fhir" / "severe-refractory-eczema-of-a-girl-of-8-as-the-profile-has-it" / "bundle.json"
    record, bundle = json.loads(path.read_bytes()), written(knowledge, coder, path)
    both = json.dumps(record | {"entry": record["entry"] + bundle["entry"]}).encode()
    (one,) = knowledge.read(path)
    (again,) = knowledge.read(both, as_of=dt.date.fromisoformat(one.as_of), suffix=".json")
    assert resources(bundle, "MedicationRequest")
    assert again.digest() == one.digest()


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        ("urn:dermograph:fhir:Patient/p.1-2", "Patient/p.1-2"),
        ("https://example.org/fhir/Patient/7", "https://example.org/fhir/Patient/7"),
        ("urn:uuid:5f1f2f7e-0a0e-4f4e-9b43-6f6d8a3c2b10", "urn:uuid:5f1f2f7e-0a0e-4f4e-9b43-6f6d8a3c2b10"),
        ("urn:dermograph:fhir:Patient/entry~1", "urn:dermograph:fhir:Patient/entry~1 by its name"),
        ("urn:dermograph:fhir:Patient/entry-1", "Patient/entry-1"),
        ("urn:dermograph:fhir:Patient/a%20b", "urn:dermograph:fhir:Patient/a%20b by its name"),
        ("https://example.org/people#mia", "https://example.org/people#mia by its name"),
        ("ad:mia", "https://w3id.org/dermograph/ad#mia by its name"),
        ("_:0123", "urn:dermograph:patient:d1 by its name"),
    ],
)
def test_the_subject_is_the_patient(patient: str, expected: str) -> None:
    found = answers.subject(patient, "d1")
    assert (found.get("reference") or f"{found['identifier']['value']} by its name") == expected


def test_a_dose_is_in_numbers_only_where_numbers_say_all(definitions: list[Json]) -> None:
    given = {one["id"]: one for one in definitions if one["resourceType"] == "ActivityDefinition"}
    rates = {name: [d["doseAndRate"] for d in given[name]["dosage"] if "doseAndRate" in d] for name in given if "dosage" in given[name]}
    assert rates["CyclosporineAdultRegimen"][0][0]["rateRange"]["high"]["code"] == "mg/kg/d"
    assert [q[0]["doseQuantity"]["value"] for q in rates["DupilumabFrom6YearsUnder18YearsMiddleRegimen"]] == [400, 200]
    in_words = (
        "AbrocitinibEuropeanHeavyAdolescentRegimen",
        "LebrikizumabRegimen",
        "ValaciclovirRegimen",
        "UpadacitinibRegimen",
        "FolicAcidAdultRegimen",
    )
    assert [name for name in in_words if rates[name]] == []
    assert [c["code"] for c in given["DupilumabAdultRegimen"]["dosage"][0]["route"]["coding"]] == ["Subcutaneous", "34206005"]
    assert all(d["text"] for one in given.values() for d in one.get("dosage", ()))


def test_guidelines_carry_their_pathway_grades_and_directions(definitions: list[Json], knowledge: Knowledge) -> None:
    plans = {one["id"]: {a["id"]: a for a in actions(one) if "id" in a} for one in definitions if one["resourceType"] == "PlanDefinition"}
    for name, said in knowledge.tree["recommendations"].items():
        action = plans[local_name(said["guideline"])][local_name(name)]
        (grade,) = [e for p in walk(action) for e in p.get("extension", ())]
        assert grade["url"].endswith("cqf-strengthOfRecommendation")
        assert grade["valueCodeableConcept"]["text"] == f"{said['strength']} ({said['scale']})"
        assert action["code"][0]["text"].replace(" ", "-") == said["direction"]
        kind = {"for": "PlanDefinition", "against": "ActivityDefinition"}.get(said["direction"])
        assert action.get("definitionCanonical", "").startswith(f"{BASE}/{kind}") is bool(kind)
        assert {c["expression"]["reference"] for c in action["condition"]} == {coder_iri(b) for b in said["barriers"] if b["criterion"]}
    for name, said in knowledge.tree["steps"].items():
        action = plans[local_name(said["guideline"])][local_name(name)]
        assert [r["actionId"] for r in action.get("relatedAction", ())] == list(map(local_name, said["next"]))
    refused = {one["id"] for one in definitions if one.get("doNotPerform")}
    assert refused == {local_name(n) for n, said in knowledge.tree["recommendations"].items() if said["direction"] == "against"}


def coder_iri(barrier: Json) -> str:
    return f"https://w3id.org/dermograph/ad#{local_name(barrier['criterion'])}"


def test_certainty_is_told_where_a_document_prints_it(knowledge: Knowledge) -> None:
    assert knowledge.ontology
    rated = copy.copy(knowledge)
    rated.tree = copy.deepcopy(knowledge.tree)
    rated.tree["recommendations"]["ad:DupilumabForAdults"]["certainty"] = "high"
    plan = Definitions(rated, knowledge.ontology).guideline("ad:SystemicTherapyAfterTopicalFailure")
    quality = [e["valueCodeableConcept"]["text"] for p in walk(plan) for e in p.get("extension", ()) if e["url"].endswith("cqf-qualityOfEvidence")]
    assert quality == ["high"]


# --- the same each time


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    def told(seed: str) -> list[bytes]:
        env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": seed}
        out = tmp_path / seed
        for args in (["fhir", str(out)], ["assess", str(SPREAD[3]), "--format", "fhir"]):
            run = subprocess.run([sys.executable, "-m", "dermograph", *args], capture_output=True, check=True, env=env)
        return [run.stdout, *(path.read_bytes() for path in sorted(out.iterdir()))]

    assert told("1") == told("2")


def test_several_patients_are_one_bundle_and_a_bad_one_is_told() -> None:
    ran = Ran("assess", THREE, "--format", "fhir")
    assert ran.code == 3
    bundle = ran.json()
    assert len({e["fullUrl"] for e in bundle["entry"]}) == len(bundle["entry"])
    assert {kind: len(resources(bundle, kind)) for kind in ("Device", "RequestGroup", "GuidanceResponse")} == {
        "Device": 1,
        "RequestGroup": 2,
        "GuidanceResponse": 4,
    }


def test_a_package_replaces_an_earlier_one_and_nothing_else(tmp_path: Path, knowledge: Knowledge, definitions: list[Json]) -> None:
    out = tmp_path / "package"
    ran = Ran("fhir", str(out))
    assert (ran.code, ran.out) == (0, f"{out}: {len(definitions)} resources of FHIR R4\n")
    listed = json.loads((out / ".index.json").read_text(encoding="utf-8"))["files"]
    assert {p.name for p in out.iterdir()} == {f["filename"] for f in listed} | {".index.json", "package.json"}
    assert Ran("fhir", str(out)).code == 0
    (out / "mine.txt").write_text("kept", encoding="utf-8")
    assert knowledge.ontology
    with pytest.raises(UsageError, match=r"mine\.txt"):
        package.write(out, knowledge, knowledge.ontology)
    assert (out / "mine.txt").read_text(encoding="utf-8") == "kept"
    assert (out / "package.json").is_file()
