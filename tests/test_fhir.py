"""FHIR is read as it means, what is not understood is told, and no input of any kind breaks the reader."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml
from fhir_records import lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import Ran

from dermograph import Knowledge, casebook, record
from dermograph.errors import InputError, InvalidInput
from dermograph.fhir import parsing, reading
from dermograph.fhir.reading import Reading
from dermograph.fhir.report import Level
from dermograph.fhir.terminology import Match, Strength

ROOT = Path(__file__).parent
DATA = ROOT / "fhir"
CASES = sorted(path.parent for path in DATA.glob("*/expected.yaml"))
PUBLIC = sorted((DATA / "public").glob("*.json.gz"))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load()


def read(knowledge: Knowledge, data: bytes, as_of: str = "2026-11-01", suffix: str = ".json") -> Reading:
    return reading.read(data, "input", knowledge.terminology, suffix=suffix, as_of=dt.date.fromisoformat(as_of))


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources], **more}).encode()


PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1990-05-04"}


# --- cases


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_bundle_is_read_as_it_means(knowledge: Knowledge, folder: Path) -> None:
    expected = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    found = read(knowledge, (folder / "bundle.json").read_bytes(), str(expected["as_of"]))
    assert found.refused == []
    patients = {one.name: lines(one) for one in found.records}
    wanted = expected.get("patients") or {next(iter(patients)): expected["graph"]}
    assert patients == {name: sorted(map(str, rows)) for name, rows in wanted.items()}, yaml.safe_dump(patients)
    told = [(f"{line.resource} {line.level.name}", f"{line.why} {line.coding.code}") for line in found.report.lines if line.level is not Level.taken]
    missed = [(who, why) for who, why in told if not who.endswith("reserved")]
    for row in expected.get("missed", ()):
        who, level, why = [*row.split(" ", 2), ""][:3]
        assert any(who_level == f"{who} {level}" and why in said for who_level, said in missed), (row, missed)
    if "missed" in expected:
        assert len(missed) == len(expected["missed"]), missed
    for row in expected.get("reserved", ()):
        who, why = row.split(" ", 1)
        assert any(who_level == f"{who} reserved" and why in said for who_level, said in told), (row, told)
    if "same_verdicts_as" in expected:
        (twin,) = record.read_path(ROOT / expected["same_verdicts_as"])
        ours, theirs = (knowledge.assess(one).to_json() for one in (found.records[0], twin))
        assert [(t["therapy"], t["status"], t["rank"], t["regimens"]) for t in ours["therapies"]] == [
            (t["therapy"], t["status"], t["rank"], t["regimens"]) for t in theirs["therapies"]
        ]
    if "verdicts" in expected:
        assert casebook.wrong(expected["verdicts"], knowledge.assess(found.records[0]).to_json()) == []
    assert not [a for a in knowledge.assess_all(found.records) if isinstance(a, InvalidInput)]


def test_what_is_said_of_a_product_holds_for_its_substance(knowledge: Knowledge) -> None:
    """A product code is narrower than a class that a code of the substance is exactly, and narrower than a group otherwise."""
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    made_up = {(rxnorm, "1"): (Match("ad:Dupilumab", Strength.NARROW),), (rxnorm, "2"): (Match("ad:JAKInhibitor", Strength.NARROW),)}
    codes = dataclasses.replace(knowledge.terminology, meanings=knowledge.terminology.meanings | made_up)
    statement = {"resourceType": "MedicationStatement", "status": "stopped", "subject": {"reference": "Patient/p"}}
    reason = {"statusReason": [{"coding": [{"system": "http://snomed.info/sct", "code": "395009001"}]}]}
    drugs = [statement | reason | {"id": code, "medicationCodeableConcept": {"coding": [{"system": rxnorm, "code": code}]}} for code in "12"]
    (one,) = reading.from_values([PATIENT, *drugs], "input", codes, dt.date(2026, 11, 1)).all()
    assert lines(one) == ["course ad:Dupilumab outcome=pt:NotTolerated", "patient birthDate=1990-05-04 sex=pt:Female"]


# --- bundles from other hands


@pytest.fixture(scope="module", params=PUBLIC, ids=lambda path: path.name.partition(".")[0])
def public(request: pytest.FixtureRequest, knowledge: Knowledge) -> Reading:
    return read(knowledge, request.param.read_bytes(), "2021-06-01")


def test_there_are_bundles_from_other_hands() -> None:
    assert len(PUBLIC) == 3


def test_only_those_with_the_disease_are_in_the_population(public: Reading, knowledge: Knowledge, request: pytest.FixtureRequest) -> None:
    (one,) = public.records
    answer = knowledge.assess(one)
    has = any(line.startswith("condition ad:AtopicDermatitis") for line in lines(one))
    name = request.node.callspec.id
    assert has is name.startswith("ad_")
    if not has:
        assert all(g.applies is False for g in answer.guidelines)


def test_every_record_is_told_of(public: Reading) -> None:
    told = {line.resource for line in public.report.lines}
    assert told == {entry.name for entry in public.document.entries}


def test_every_code_that_is_not_understood_is_named(public: Reading) -> None:
    for line in public.report.lines:
        if line.level is Level.unknown:
            assert line.why
            assert line.coding.code or line.coding.display
            assert line.coding.code in public.report.text()


def test_a_drug_by_its_product_is_understood_or_told(knowledge: Knowledge) -> None:
    found = read(knowledge, (DATA / "public" / "ad_smart_Christin_Stiedemann.json.gz").read_bytes(), "2021-06-01")
    for code in ("855332", "197604", "897718"):
        (line,) = (line for line in found.report.lines if line.coding.code == code)
        assert line.recorded or line.level is Level.unknown


def test_text_is_a_unit_only_where_it_is_ucum(knowledge: Knowledge) -> None:
    found = read(knowledge, (DATA / "public" / "no-ad_nimbus-ccda_Reginia455_Spinka232.json.gz").read_bytes(), "2021-06-01")
    assert any(line.startswith("observation ad:BodyWeight value=") and "unit=kg" in line for line in lines(found.records[0]))


# --- hostile and careless input

DEEP = 100_000
NESTED = b'{"resourceType":"Patient","contained":' + b"[" * DEEP + b"]" * DEEP + b"}"
OBSERVATION = {"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"}}
WEIGHT = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}


def weighed(**quantity: Any) -> bytes:
    return bundle(
        PATIENT, OBSERVATION | {"code": WEIGHT, "effectiveDateTime": "2026-10-20", "valueQuantity": {"unit": "kg", "code": "kg"} | quantity}
    )


TABLE: list[tuple[str, str, bytes, str]] = [
    ("empty", ".json", b"", "line 1"),
    ("no JSON", ".json", b"hello", "line 1, column 1"),
    ("cut off", ".json", bundle(PATIENT)[:-5], "line 1"),
    ("an array", ".json", b"[]", "no JSON object with a resourceType"),
    ("JSON-LD", ".json", b'{"@context":"https://example.org"}', "JSON-LD ends in .jsonld"),
    ("a name twice", ".json", b'{"resourceType":"Patient","id":"a","id":"b"}', "an object has 'id' twice"),
    ("not a number", ".json", b'{"resourceType":"Patient","x":NaN}', "NaN is no number"),
    ("infinity", ".json", b'{"resourceType":"Patient","x":-Infinity}', "-Infinity is no number"),
    ("a number without end", ".json", b'{"resourceType":"Patient","x":' + b"9" * 5000 + b"}", "a number has 5,000 characters"),
    ("nested without end", ".json", NESTED, "nest too deep"),
    ("UTF-16", ".json", bundle(PATIENT).decode().encode("utf-16"), "UTF-16"),
    ("not UTF-8", ".json", b'{"resourceType":"Patient","id":"\xff"}', "is not UTF-8"),
    ("no patient", ".json", bundle(OBSERVATION), "no resource is a Patient"),
    ("no type", ".json", bundle({"id": "x"}), "resourceType"),
    ("a type of another kind", ".json", bundle({"resourceType": 3}), "a string is wanted"),
    ("a type that is none", ".json", bundle({"resourceType": "../x"}), "the type of a resource"),
    ("a bundle in a bundle", ".json", bundle({"resourceType": "Bundle"}), "a bundle in a bundle"),
    ("a history", ".json", bundle(PATIENT, type="history"), "a history tells of one resource many times"),
    ("rules of its own", ".json", bundle(PATIENT, implicitRules="http://a.example/r"), "follows the rules http://a.example/r"),
    ("a patient twice", ".json", bundle(PATIENT, PATIENT | {"gender": "male"}), "there twice, in different words"),
    ("entries that are none", ".json", b'{"resourceType":"Bundle","entry":[1]}', "an array of objects"),
    ("entry that is no array", ".json", b'{"resourceType":"Bundle","entry":{}}', "an array is wanted"),
    ("a gender of another type", ".json", bundle(PATIENT | {"gender": ["female"]}), "Patient/p.gender is ['female'], and a string is wanted"),
    ("a birth date that is none", ".json", bundle(PATIENT | {"birthDate": "1990-02-30"}), "Patient/p.birthDate"),
    ("a birth date to come", ".json", bundle(PATIENT | {"birthDate": "2030"}), "Patient/p.birthDate"),
    ("a year nought", ".json", bundle(PATIENT | {"birthDate": "0000"}), "Patient/p.birthDate"),
    ("a date in other digits", ".json", bundle(PATIENT | {"birthDate": "١٩٩٠-٠١-٠١"}), "Patient/p.birthDate"),
    ("a code of another type", ".json", bundle(PATIENT, OBSERVATION | {"code": {"coding": [{"code": 7}]}}), "Observation/o.code.coding[0].code is 7"),
    ("a value of another type", ".json", weighed(value="24"), "valueQuantity.value is '24', and a number is wanted"),
    ("a value that is true", ".json", weighed(value=True), "a number is wanted"),
    (
        "a misspelt word of ours",
        ".json",
        bundle(PATIENT, OBSERVATION | {"code": {"coding": [{"system": "https://w3id.org/dermograph/ad", "code": "BodyWieght"}]}}),
        "BodyWeight",
    ),
    ("a reference that is none", ".json", bundle(PATIENT, OBSERVATION | {"subject": "Patient/p"}), "Observation/o.subject"),
    ("a line that is cut off", ".ndjson", json.dumps(PATIENT).encode() + b'\n{"resourceType":', "line 2"),
    ("damaged gzip", ".json", gzip.compress(bundle(PATIENT))[:-9], "cannot be unzipped"),
    ("a gzip bomb", ".json", gzip.compress(b" " * (record.LIMIT + 1)), "bytes that are read at once"),
    ("a small gzip bomb", ".json", gzip.compress(bundle(PATIENT) + b" " * 8_000_000), "bytes that are read at once of a packed file of"),
    ("entries of nothing", ".json", b'{"resourceType":"Bundle","entry":[' + b"{}," * 300_000 + b"{}]}", "600,004 values in 900,038 bytes"),
    ("lists of nothing", ".json", b'{"resourceType":"Patient","x":[' + b"[]," * 300_000 + b"[]]}", "which no FHIR has"),
]


@pytest.mark.parametrize(("suffix", "data", "said"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_bad_input_is_a_clear_error(knowledge: Knowledge, suffix: str, data: bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(knowledge, data, suffix=suffix).all()
    assert said in str(caught.value)
    assert caught.value.message.startswith("input:")
    assert caught.value.hint
    assert len(str(caught.value)) < 1000
    assert str(caught.value).replace("\n", "").isprintable()


ADDRESSES = ["http://x:notaport/Patient/p", "http://%", "http://x/%zz", "https://@:@:/", "http://x:80", "ftp://x/Patient/p", "urn:uuid:%", "x" * 5000]
HARMLESS: list[tuple[str, bytes]] = [
    ("a hostile address", bundle(PATIENT).replace(b'"resource"', b'"fullUrl": "https://w3id.org/dermograph/ad#Dupilumab", "resource"')),
    ("an address with a quote", bundle(PATIENT).replace(b'"resource"', b'"fullUrl": "http://x/> . <a> <b> <c", "resource"')),
    ("a hostile id", bundle(PATIENT | {"id": '"> . <urn:x> <urn:y> "\n\u202e\ud800'})),
    *((f"the address {one[:30]}", bundle(PATIENT).replace(b'"resource"', b'"fullUrl": "%s", "resource"' % one.encode())) for one in ADDRESSES),
    ("a tiny number", weighed(value=1e-300)),
    ("nothing at all", bundle({"resourceType": "Patient"})),
    ("an empty code", bundle(PATIENT, OBSERVATION | {"code": {}})),
    ("a circle", bundle(PATIENT, OBSERVATION | {"code": WEIGHT, "hasMember": [{"reference": "Observation/o"}]})),
    (
        "a medication that is itself",
        bundle(
            PATIENT,
            {
                "resourceType": "MedicationRequest",
                "id": "m",
                "status": "active",
                "intent": "order",
                "subject": {"reference": "Patient/p"},
                "medicationReference": {"reference": "MedicationRequest/m"},
            },
        ),
    ),
    ("a patient in itself", bundle(PATIENT, OBSERVATION | {"code": WEIGHT, "subject": {"reference": "#p"}, "contained": [PATIENT]})),
    ("a unit without end", weighed(value=3, unit="k" * 10_000, code="k" * 10_000)),
    ("a unit that asks for the world", weighed(value=3, unit="kg" + "*9" * 5000, code="kg^999999")),
]


@pytest.mark.parametrize("data", [row[1] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_hostile_input_does_no_harm(knowledge: Knowledge, data: bytes) -> None:
    (one,) = read(knowledge, data).all()
    assert re.fullmatch(r"urn:dermograph:fhir:Patient/[A-Za-z0-9.%~_-]+", one.name)
    assert len(one.triples) < 10
    list(knowledge.assess_all([one]))


def test_a_value_too_large_to_be_one_is_told(knowledge: Knowledge) -> None:
    found = read(knowledge, weighed(value=10**30))
    assert any("too large" in line.why for line in found.report.lines)


def test_a_bad_patient_leaves_the_others(knowledge: Knowledge) -> None:
    other = PATIENT | {"id": "q"}
    found = read(knowledge, bundle(PATIENT | {"birthDate": 7}, other))
    assert [one.name for one in found.records] == ["urn:dermograph:fhir:Patient/q"]
    assert [type(error) for error in found.refused] == [InputError]


def named(found: Reading) -> tuple[list[str], list[str]]:
    """Patients that were read, and why others were not."""
    return [one.name.rpartition("/")[2] for one in found.records], [error.message for error in found.refused]


DAYS = ("1990-05-04", "1991-06-05")
ALLERGY = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}, "code": {"text": "Dupilumab"}}


def test_a_reference_to_one_of_two_refuses_both_and_nobody_else(knowledge: Knowledge) -> None:
    """Whoever of the two has the allergy, an answer without it may be wrong."""
    people = [{"fullUrl": f"https://{host}.example/Patient/p", "resource": PATIENT} for host in "ab"]
    entries = [*people, {"resource": PATIENT | {"id": "q"}}, {"resource": ALLERGY}]
    found = read(knowledge, json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode())
    names, why = named(found)
    assert names == ["q"]
    assert len(why) == 2
    assert all("AllergyIntolerance/a refers to Patient/p, and 2 resources may be meant" in said for said in why)
    assert [line.level for line in found.report.lines if line.resource == "AllergyIntolerance/a"] == [Level.unknown]


def test_two_patients_with_one_id_and_addresses_that_name_no_node_are_two(knowledge: Knowledge) -> None:
    people = [{"fullUrl": f"ftp://{host}.example/Patient/p", "resource": PATIENT | {"birthDate": day}} for host, day in zip("ab", DAYS, strict=True)]
    weights = [{"resource": json.loads(weighed(value=n))["entry"][1]["resource"] | {"id": f"o{n}"}} for n in (61, 62)]
    for entry, host in zip(weights, "ab", strict=True):
        entry["resource"]["subject"] = {"reference": f"ftp://{host}.example/Patient/p"}
    found = reading.from_values([{"resourceType": "Bundle", "entry": [*people, *weights]}], "input", knowledge.terminology, dt.date(2026, 11, 1))
    assert [lines(one) for one in found.all()] == [
        [f"observation ad:BodyWeight value={n} unit=kg date=2026-10-20", f"patient birthDate={day} sex=pt:Female"]
        for n, day in zip((61, 62), DAYS, strict=True)
    ]


def test_an_address_that_is_none_draws_no_reference_to_it(knowledge: Knowledge) -> None:
    entries = [{"resource": PATIENT}, {"fullUrl": "Patient/p", "resource": {"resourceType": "Medication"}}]
    entries.append({"resource": json.loads(weighed(value=61))["entry"][1]["resource"]})
    (one,) = reading.from_values([{"resourceType": "Bundle", "entry": entries}], "input", knowledge.terminology).all()
    assert "observation ad:BodyWeight value=61 unit=kg date=2026-10-20" in lines(one)


def test_a_product_that_is_there_twice_in_the_same_words_is_no_doubt(knowledge: Knowledge) -> None:
    product = {"resourceType": "Medication", "id": "m", "code": {"text": "Dupilumab"}}
    taken = {"resourceType": "MedicationStatement", "id": "s", "status": "active", "subject": {"reference": "Patient/p"}}
    entries = [{"fullUrl": f"https://{host}.example/Medication/m", "resource": product} for host in "ab"]
    entries += [{"resource": PATIENT}, {"resource": taken | {"medicationReference": {"reference": "Medication/m"}}}]
    (one,) = reading.from_values([{"resourceType": "Bundle", "entry": entries}], "input", knowledge.terminology).all()
    assert "course ad:Dupilumab" in lines(one)


def test_a_record_that_is_there_twice_in_different_words_refuses_its_patient_only(knowledge: Knowledge) -> None:
    found = read(knowledge, bundle(PATIENT, PATIENT | {"id": "q"}, ALLERGY, ALLERGY | {"code": {"text": "Upadacitinib"}}))
    names, why = named(found)
    assert names == ["q"]
    assert why == ["input: urn:dermograph:fhir:AllergyIntolerance/a is there twice, in different words"]


def test_a_broken_entry_of_a_bundle_refuses_the_one_whose_it_must_be(knowledge: Knowledge) -> None:
    names, (why,) = named(read(knowledge, bundle(PATIENT, OBSERVATION | {"subject": "Patient/p"})))
    assert names == []
    assert "Observation/o.subject" in why


def test_a_broken_entry_that_may_be_of_several_is_told_and_leaves_them(knowledge: Knowledge) -> None:
    found = read(knowledge, bundle(PATIENT, PATIENT | {"id": "q"}, OBSERVATION | {"subject": "Patient/p"}, {"resourceType": 3}))
    names, why = named(found)
    assert names == ["p", "q"]
    assert len(why) == 2
    assert [line.level for line in found.report.lines if line.resource == "Observation/o"] == [Level.unknown]


def joined(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


CUT = json.dumps(ALLERGY)[:-8].encode()
LINES: dict[str, tuple[bytes, list[str], list[str]]] = {
    "a patient that is cut off": (joined(PATIENT, b'{"resourceType":"Patient","id":"b', PATIENT | {"id": "c"}), ["p", "c"], ["input: line 2:"]),
    "a patient that is cut off beside one": (joined(PATIENT, b'{"resourceType":"Patient","id":"b'), ["p"], ["input: line 2:"]),
    "a record whose patient can be made out": (joined(PATIENT, PATIENT | {"id": "c"}, CUT), ["c"], ["input: line 3:"]),
    "a record whose patient cannot be made out": (joined(PATIENT, PATIENT | {"id": "c"}, CUT[:40]), ["p", "c"], ["input: line 3:"]),
    "a record of somebody who is not there": (joined(PATIENT, CUT.replace(b"Patient/p", b"Patient/z")), ["p"], ["input: line 2:"]),
    "a record beside one patient": (joined(PATIENT, CUT[:40]), [], ["input: line 2:"]),
    "a bundle beside another": (joined(json.loads(bundle(PATIENT)), b'{"resourceType":"Bund'), ["p"], ["input: line 2:"]),
    "an entry of a bundle beside another": (
        joined(json.loads(bundle(PATIENT)), json.loads(bundle(PATIENT | {"id": "c"}, {"resourceType": 3}))),
        ["p"],
        ["input: line 2: Bundle.entry[1].resource"],
    ),
    "no resource": (joined(PATIENT, b"[]", PATIENT | {"id": "c"}), ["p", "c"], ["input: line 2: no FHIR"]),
    "a birth date that is none": (joined(PATIENT, PATIENT | {"id": "c", "birthDate": "x"}), ["p"], ["input: line 2: Patient/c.birthDate"]),
    "a history": (joined(PATIENT, {"resourceType": "Bundle", "type": "history"}, PATIENT | {"id": "c"}), ["p", "c"], ["input: line 2: a history"]),
}


@pytest.mark.parametrize(("data", "good", "bad"), LINES.values(), ids=list(LINES))
def test_a_bad_line_leaves_the_others(knowledge: Knowledge, data: bytes, good: list[str], bad: list[str]) -> None:
    names, why = named(read(knowledge, data, suffix=".ndjson"))
    assert names == good
    assert len(why) == len(bad)
    assert all(said.startswith(start) for said, start in zip(why, bad, strict=True)), why


def test_of_two_values_of_one_moment_none_is_chosen(knowledge: Knowledge) -> None:
    twice = [
        OBSERVATION | {"id": f"o{n}", "code": WEIGHT, "effectiveDateTime": "2026-10-20", "valueQuantity": {"value": n, "code": "kg"}}
        for n in (60, 61)
    ]
    with pytest.raises(InvalidInput, match="two different values"):
        knowledge.assess(read(knowledge, bundle(PATIENT, *twice)).all()[0])


# --- fuzz

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _changed(value[path[0]], path[1:], new)
    return copy


WHOLE = [json.loads((folder / "bundle.json").read_text(encoding="utf-8")) for folder in CASES]
HOSTILE = "\ud800\x1b[31m\u202e\n"
WORDS = sorted(
    {HOSTILE} | {path[-1] for one in WHOLE for path in _places(one) if path and isinstance(path[-1], str)} | {"2026", "entered-in-error", "#x", "1"}
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_bundle_that_is_changed_anywhere_is_read_or_refused(knowledge: Knowledge, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(WHOLE))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(_places(value), key=str)))
        value = _changed(value, path, data.draw(_JSON | st.sampled_from(WORDS)))
    try:
        found = reading.from_values([value], "input", knowledge.terminology, dt.date(2026, 11, 1))
        list(knowledge.assess_all(found.records))
        found.report.text().encode(errors="strict")
    except InputError as error:
        assert str(error).replace("\n", "").isprintable()


_PIECES = [
    "http://",
    "https://",
    "urn:uuid:",
    "URN:UUID:",
    "ftp:",
    "x",
    ":80",
    "@",
    "/",
    "Patient",
    "Observation",
    "p",
    "q",
    "%",
    "%zz",
    "~1",
    "entry~2",
]
_ADDRESSES = st.lists(st.sampled_from([*_PIECES, "#", "?", "[::1]", "/_history/1", "\ud800", "0A0B", "0a0b", "-cause", "|"]), max_size=5).map("".join)
_KEPT = st.sampled_from(["Patient/p", "Patient/q", "#1"])


@st.composite
def _entries(draw: st.DrawFn) -> dict[str, Any]:
    """An entry of a bundle: a patient, a test with what it found, or an allergy, under any id and address."""
    common = {"id": draw(st.sampled_from(["p", "q", "1", "entry-2", "entry~2", "a/b", ""])), "subject": {"reference": draw(_ADDRESSES | _KEPT)}}
    inner = {"resourceType": "Observation", "id": draw(st.sampled_from(["1", "2", "~1"])), "status": "final", "effectiveDateTime": "2026-10-20"}
    of_ours = {
        "coding": [{"system": "https://w3id.org/dermograph/ad", "code": code} for code in ("CompleteBloodCount", "ComprehensiveMetabolicPanel")]
    }
    resource: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"resourceType": "Patient", "birthDate": "1990-05-04"},
                {"resourceType": "Patient", "birthDate": "1991-05-04"},
                ALLERGY | {"patient": common["subject"]},
                inner
                | {
                    "resourceType": "DiagnosticReport",
                    "code": of_ours,
                    "contained": [inner | {"code": WEIGHT, "valueQuantity": {"value": 60, "code": "kg"}}],
                    "result": [{"reference": "#1"}, {"reference": "#1"}],
                },
            ]
        )
    )
    return {"fullUrl": draw(_ADDRESSES), "resource": resource | common}


@settings(max_examples=200, deadline=None)
@given(entries=st.lists(_entries(), max_size=6))
def test_whatever_ids_addresses_and_references_say_each_record_is_one(knowledge: Knowledge, entries: list[dict[str, Any]]) -> None:
    value = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, *entries]}
    found = reading.from_values([value], "input", knowledge.terminology, dt.date(2026, 11, 1))
    assert len(found.records) + len(found.refused) >= len(found.entries)
    for one in found.records:
        kinds = [t.subject for t in one.triples if t.predicate.value.endswith("#type")]
        assert len(kinds) == len(set(kinds))
        written = ox.serialize(list(one.triples), format=ox.RdfFormat.N_TRIPLES)
        assert len(list(ox.parse(input=written, format=ox.RdfFormat.N_TRIPLES))) == len(one.triples)


def _every(value: Any, key: str, new: str, renamed: bool) -> Any:
    """A value in which every text under a key is another, or every such key."""
    if isinstance(value, list):
        return [_every(one, key, new, renamed) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {k: new if k == key and isinstance(inner, str) and not renamed else _every(inner, key, new, renamed) for k, inner in value.items()}
    return {f"{k}{new}" if k == key and renamed else k: inner for k, inner in changed.items()}


@pytest.mark.parametrize("value", WHOLE, ids=[folder.name for folder in CASES])
def test_nothing_of_a_document_steers_a_terminal(knowledge: Knowledge, value: Any) -> None:
    """Whatever text stands anywhere, what is told of it is printable and can be encoded."""
    keys = sorted({path[-1] for path in _places(value) if path and isinstance(path[-1], str)})
    for key, renamed in ((key, renamed) for key in keys for renamed in (False, True)):
        try:
            found = reading.from_values([_every(value, key, HOSTILE, renamed)], "input", knowledge.terminology, dt.date(2026, 11, 1))
            rows = found.report.to_json()
            told = [
                *found.report.text().split("\n"),
                *map(str, found.refused),
                *(text for row in rows for text in row.values() if isinstance(text, str)),
            ]
        except InputError as error:
            told = [str(error)]
        assert all(line.replace("\n", "").isprintable() for line in told), (key, renamed)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")))
def test_bytes_of_any_kind_are_parsed_or_refused(data: bytes) -> None:
    try:
        parsing.value(parsing.unpacked(data, "input"), "input")
    except InputError as error:
        assert error.hint


HUGE = ["1e99999999", "-1e99999999", "1e-99999999", "9" * 99, "0." + "3" * 90]
NUMBERS = [
    (folder.name, path)
    for folder, whole in zip(CASES, WHOLE, strict=True)
    for path in _places(whole)
    if path and path[-1] in {"value", "valueInteger", "valuePositiveInt", "sequence"} and isinstance(_at(whole, path), int | float)
]


@pytest.mark.parametrize("name", sorted({name for name, _ in NUMBERS}))
@pytest.mark.parametrize("number", HUGE, ids=lambda number: number[:12])
def test_no_number_takes_for_ever(knowledge: Knowledge, name: str, number: str) -> None:
    """Nor does any get into the graph with more digits than count."""
    value = WHOLE[[folder.name for folder in CASES].index(name)]
    for _, path in (row for row in NUMBERS if row[0] == name):
        value = _changed(value, path, "NUMBER")
    data = json.dumps(value).replace('"NUMBER"', number).encode()
    found = read(knowledge, data)
    list(knowledge.assess_all(found.records))
    assert all(len(line) < 400 for one in found.records for line in lines(one))
    assert all(len(line.why) < 400 for line in found.report.lines)


# --- command line

MIA = DATA / "severe-refractory-eczema-of-a-girl-of-8-as-the-profile-has-it" / "bundle.json"
AS_OF = ("--as-of", "2026-11-01")


def test_assess_answers_for_a_bundle() -> None:
    ran = Ran("assess", str(MIA), *AS_OF, "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert {t["therapy"]: t["status"] for t in ran.json()["therapies"]}["ad:Dupilumab"] == "eligible"


def test_assess_tells_that_something_was_not_understood(tmp_path: Path) -> None:
    public = str(DATA / "public" / "no-ad_smart_Christian_Balistreri.json.gz")
    ran = Ran("assess", public, *AS_OF, "--format", "jsonl")
    assert ran.code == 0
    assert re.search(r"\d+ records were understood; \d+ were not and could matter; --report tells which", ran.err)
    assert "Encounter" in Ran("assess", public, *AS_OF, "--format", "jsonl", "--report").err


def test_standard_input_may_be_a_bundle_or_lines() -> None:
    for syntax, data in (
        ("json", MIA.read_bytes()),
        (
            "ndjson",
            b"\n".join(json.dumps(e["resource"]).encode() for e in json.loads(MIA.read_bytes())["entry"][1:2]) + b"\n" + json.dumps(PATIENT).encode(),
        ),
    ):
        ran = Ran("assess", "-", "--syntax", syntax, *AS_OF, "--format", "json", stdin=data)
        assert ran.code == 0, ran.err


def test_explain_and_pathway_take_a_bundle() -> None:
    assert "dupilumab: eligible, rank 1" in Ran("explain", str(MIA), "dupilumab", *AS_OF).out
    assert "DupilumabStep" in Ran("pathway", str(MIA), *AS_OF).out


def test_a_folder_of_bundles_and_of_bulk_data_is_read(tmp_path: Path) -> None:
    (tmp_path / "mia.json").write_bytes(MIA.read_bytes())
    (tmp_path / "Patient.ndjson").write_text(json.dumps(PATIENT) + "\n" + json.dumps(PATIENT | {"id": "q"}) + "\n")
    (tmp_path / "Observation.ndjson").write_text(json.dumps(OBSERVATION | {"code": WEIGHT}) + "\n")
    ran = Ran("assess", str(tmp_path), *AS_OF, "--format", "jsonl")
    assert [json.loads(line)["patient"].rpartition("/")[2] for line in ran.out.splitlines()] == [
        "urn:uuid:5f1f2f7e-0a0e-4f4e-9b43-6f6d8a3c2b10",
        "p",
        "q",
    ]


def test_a_bad_file_of_a_folder_leaves_the_others(tmp_path: Path) -> None:
    for name, number in (("a", "p"), ("c", "q")):
        (tmp_path / f"{name}.json").write_bytes(bundle(PATIENT | {"id": number}))
    (tmp_path / "b.json").write_bytes(bundle(PATIENT)[:-5])
    (tmp_path / "d.ndjson").write_bytes(joined(PATIENT | {"id": "r"}, b"{", PATIENT | {"id": "s"}))
    (tmp_path / "e.ndjson").write_bytes(joined(OBSERVATION | {"subject": {"reference": "Patient/s"}, "code": 7}))
    ran = Ran("assess", str(tmp_path), *AS_OF, "--format", "jsonl")
    assert ran.code == 3
    assert [json.loads(line)["patient"].rpartition("/")[2] for line in ran.out.splitlines()] == ["p", "q", "r"]
    for said in ("b.json: line 1", "d.ndjson: line 2", "e.ndjson: line 1: Observation/o.code"):
        assert f"{tmp_path}/{said}" in ran.err
    assert ran.err.count("mend:") == 3
    assert Ran("explain", str(tmp_path), "dupilumab").code == 3


def test_a_file_of_bulk_data_that_cannot_be_read_refuses_all_of_it(tmp_path: Path) -> None:
    """It may hold the allergies of everybody."""
    (tmp_path / "a.json").write_bytes(bundle(PATIENT))
    (tmp_path / "AllergyIntolerance.ndjson.gz").write_bytes(gzip.compress(joined(ALLERGY))[:-9])
    (tmp_path / "Patient.ndjson").write_bytes(joined(PATIENT | {"id": "q"}))
    ran = Ran("assess", str(tmp_path), *AS_OF, "--format", "jsonl")
    assert ran.code == 3
    assert [json.loads(line)["patient"].rpartition("/")[2] for line in ran.out.splitlines()] == ["p"]
    assert "AllergyIntolerance.ndjson.gz: it cannot be unzipped" in ran.err


def test_a_graph_in_a_folder_of_fhir_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(bundle(PATIENT))
    (tmp_path / "b.ttl").write_bytes((ROOT / "readme" / "mia.ttl").read_bytes())
    (tmp_path / "notes.txt").write_text("none")
    ran = Ran("assess", str(tmp_path), *AS_OF, "--format", "jsonl")
    assert (ran.code, len(ran.out.splitlines())) == (3, 1)
    assert "b.ttl" in ran.err
    assert "notes" not in ran.err


def test_validate_holds_a_bundle_to_fhir(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(bundle(PATIENT | {"maritalStatus": "M", "color": "red"}))
    ran = Ran("validate", str(bad), *AS_OF, "--format", "json", "--report")
    assert ran.code == 0
    row, told = ran.json()
    warnings = [f["message"] for f in row["findings"] if f["shape"] == "FHIR R4"]
    assert any("maritalStatus" in message for message in warnings)
    assert any("color" in message for message in warnings)
    assert [line["result"] for line in told["report"]] == ["taken", "taken"]
    assert Ran("validate", str(MIA), *AS_OF, "--format", "json").json()[0]["findings"] == []


def test_python_users_read_bundles_too(knowledge: Knowledge) -> None:
    day = dt.date(2026, 11, 1)
    assert knowledge.assess(MIA, as_of=day).therapy("ad:Dupilumab").status == "eligible"
    (one,) = knowledge.read(MIA.read_bytes(), as_of=day, suffix=".json")
    assert knowledge.assess(one).therapy("ad:Dupilumab").status == "eligible"
