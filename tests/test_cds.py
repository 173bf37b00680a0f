"""CDS Hooks: the cards are those that the cases ask for, what is missing is said, and what is malformed or not trusted is refused."""

from __future__ import annotations

import copy
import json
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jwt
import pytest
import schemathesis
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from structlog.testing import CapturingLogger

from dermograph.errors import InputError
from dermograph.service import Settings, get_app
from dermograph.service.cds import words
from dermograph.service.cds.services import OFFERS, PREFETCH
from dermograph.service.cds.trust import Full, Refused, Trust

ROOT = Path(__file__).parent
DATA = ROOT / "cds"
BOOK = yaml.safe_load((DATA / "cases.yaml").read_text(encoding="utf-8"))
CASES = BOOK["cases"]
AD, PT = "https://w3id.org/dermograph/ad", "https://w3id.org/dermograph/patient"
OF_PATIENT = {"Negative", "Positive", "Done", "InadequateResponse"}
CONCEPTS = {"code", "severity", "medicationCodeableConcept", "valueCodeableConcept", "statusReason"}
DAY = {"asOf": "2026-11-01"}
LOG = CapturingLogger()
BASE = "https://cds.example"
KEYS = {f"{curve.name}": ec.generate_private_key(curve) for curve in (ec.SECP384R1(), ec.SECP256R1())}
RSA = rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(get_app(Settings(workers=1, hosts=("testserver",), base=BASE), LOG), raise_server_exceptions=False) as client:
        yield client


# --- calls


def concept(word: Any) -> Any:
    if isinstance(word, dict):
        return word
    system, _, code = word.rpartition("|")
    return {"coding": [{"system": system or (PT if code in OF_PATIENT else AD), "code": code}]}


def expanded(resource: dict[str, Any], number: int) -> dict[str, Any]:
    """A resource as FHIR has it, of one that the cases write in short."""
    made: dict[str, Any] = {"id": f"r{number}", "subject": {"reference": "Patient/p"}} | copy.deepcopy(resource)
    for key in CONCEPTS & made.keys():
        made[key] = [concept(one) for one in made[key]] if isinstance(made[key], list) else concept(made[key])
    if isinstance(status := made.get("clinicalStatus"), str):
        made["clinicalStatus"] = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": status}]}
    if made["resourceType"] == "Patient":
        made |= {"id": "p"}
        del made["subject"]
    return made


def resources(name: str, more: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in [*BOOK["patients"][name], *(r for key in more for r in BOOK["more"][key])]:
        if isinstance(one, str):
            bundle = json.loads((ROOT / "fhir" / one / "bundle.json").read_text(encoding="utf-8"))
            found += [entry["resource"] | {"subject": {"reference": "Patient/p"}} for entry in bundle["entry"]]
        else:
            found.append(one)
    return [expanded(one, number) for number, one in enumerate(found)]


def prefetch(given: list[dict[str, Any]]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for key, query in PREFETCH.items():
        found = [one for one in given if one["resourceType"] == query.partition("?")[0].partition("/")[0]]
        sent[key] = found[0] if key == "patient" else bundle(*found, type="searchset", total=len(found)) if found else None
    assert sum(len(v["entry"]) if v and "entry" in v else v is not None for v in sent.values()) == len(given)
    return sent


def bundle(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", **more, "entry": [{"resource": one} for one in given]}


def call(hook: str = "patient-view", patient: str = "girl", more: tuple[str, ...] | list[str] = (), **context: Any) -> dict[str, Any]:
    told = {"userId": "Practitioner/1", "patientId": "p", **context}
    return {"hook": hook, "hookInstance": str(uuid.UUID(int=7)), "context": told, "prefetch": prefetch(resources(patient, list(more)))}


def of_case(case: dict[str, Any]) -> dict[str, Any]:
    told = [one if isinstance(one, dict) else {"drug": one} for one in case.get("orders", ())]
    drugs = [{"resourceType": "MedicationRequest", **({"medicationCodeableConcept": one["drug"]} if one["drug"] else {}), **one} for one in told]
    acts = [{"resourceType": "ServiceRequest", "code": word} for word in case.get("services", ())]
    drafts = [
        expanded({k: v for k, v in one.items() if k != "drug"} | {"id": f"order-{n}", "status": "draft", "intent": "order"}, n)
        for n, one in enumerate([*drugs, *acts])
    ]
    context = {"draftOrders": bundle(*drafts)} if case["hook"] != "patient-view" else {}
    return call(case["hook"], case["patient"], case.get("more", ()), **context, **{k: case[k] for k in ("selections",) if k in case})


def post(client: TestClient, body: dict[str, Any], **more: Any) -> Any:
    return client.post(f"/cds-services/guidelines-{body['hook']}", json=body, params=DAY, **more)


@pytest.mark.parametrize("case", CASES, ids=[case["sentence"] for case in CASES])
def test_the_cards_are_those_of_the_case(client: TestClient, case: dict[str, Any]) -> None:
    told = post(client, of_case(case))
    assert told.status_code == 200, told.text
    cards = told.json()["cards"]
    seen = yaml.safe_dump(cards, allow_unicode=True)
    assert [(c["source"]["topic"]["code"], c["indicator"]) for c in cards] == [(c["topic"], c["indicator"]) for c in case["cards"]], seen
    for card, wanted in zip(cards, case["cards"], strict=True):
        assert wanted.get("summary", "") in card["summary"], seen
        assert wanted.get("detail", "") in card["detail"], seen
        assert "lacks" not in wanted or wanted["lacks"] not in card["detail"], seen
        suggestions = card.get("suggestions", [])
        actions = [action for one in suggestions for action in one["actions"]]
        codes = {f"{c['system']}|{c['code']}" for a in actions for c in a.get("resource", {}).get("code", {}).get("coding", ())}
        assert wanted.get("suggestions") in (None, [one["label"] for one in suggestions]), seen
        assert wanted.get("deletes") in (None, [a["resourceId"] for a in actions if a["type"] == "delete"]), seen
        assert set(wanted.get("codes", ())) <= codes, seen
        holds_to_version_2(card)


def holds_to_version_2(card: dict[str, Any]) -> None:
    """What the text of CDS Hooks 2.0 asks of a card."""
    assert uuid.UUID(card["uuid"])
    assert len(card["summary"]) < 140
    assert ("suggestions" in card) == ("selectionBehavior" in card)
    assert all(reason["display"] for reason in card.get("overrideReasons", ()))
    assert all(link["type"] == "absolute" and link["url"].startswith(BASE) for link in card["links"])
    for action in (action for one in card.get("suggestions", ()) for action in one["actions"]):
        assert action["description"]
        assert ("resource" in action, "resourceId" in action) == (action["type"] == "create", action["type"] == "delete")
        if action["type"] == "create":
            get_fhir_model_class(action["resource"]["resourceType"]).model_validate(action["resource"])


FLUCONAZOLE = {"resourceType": "Medication", "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "J02AC01"}]}}
ADDRESS = "urn:uuid:0d6b1b0e-7c4c-4a9a-8f59-0d9f6a7f3f0a"
SIGNED = next(case for case in CASES if case.get("orders") == ["http://www.whocc.no/atc|J02AC01"] and "takes abrocitinib" in case["more"])


def referring(pointer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A call whose order refers to its product."""
    body = of_case(SIGNED)
    (entry,) = body["context"]["draftOrders"]["entry"]
    del entry["resource"]["medicationCodeableConcept"]
    entry["resource"] |= {"medicationReference": pointer, **more}
    return body


def critical(client: TestClient, body: dict[str, Any]) -> None:
    told = post(client, body)
    assert told.status_code == 200, told.text
    assert [(c["indicator"], c["summary"][:35]) for c in told.json()["cards"]] == [("critical", "fluconazole: beside abrocitinib: the"[:35])]
    assert "Dermograph-Not-Understood" not in told.headers


@pytest.mark.parametrize("reference", [ADDRESS, ADDRESS.replace("0a", "0A"), ADDRESS[:9] + ADDRESS[9:].upper()])
def test_a_product_among_the_orders_is_found_by_its_address(client: TestClient, reference: str) -> None:
    body = referring({"reference": reference})
    body["context"]["draftOrders"]["entry"].append({"fullUrl": ADDRESS, "resource": FLUCONAZOLE})
    critical(client, body)


@pytest.mark.parametrize(
    ("pointer", "entry"),
    [
        ({"reference": ADDRESS}, {"fullUrl": ADDRESS, "resource": FLUCONAZOLE}),
        ({"reference": "Medication/m"}, {"fullUrl": "https://ehr.example/Medication/m", "resource": FLUCONAZOLE | {"id": "m"}}),
        ({"reference": "https://ehr.example/Medication/m"}, {"fullUrl": "https://ehr.example/Medication/m", "resource": FLUCONAZOLE | {"id": "m"}}),
        ({"identifier": {"value": "7"}}, {"fullUrl": ADDRESS, "resource": FLUCONAZOLE | {"identifier": [{"value": "7"}]}}),
    ],
)
def test_a_product_that_came_with_a_search_is_found(client: TestClient, pointer: dict[str, Any], entry: dict[str, Any]) -> None:
    body = referring(pointer)
    body["prefetch"]["requests"] = bundle(type="searchset", total=0) | {"entry": [entry | {"search": {"mode": "include"}}]}
    critical(client, body)


def test_a_product_that_came_twice_is_that_of_the_order(client: TestClient) -> None:
    body = referring({"reference": "Medication/m"})
    other = FLUCONAZOLE | {"id": "m", "meta": {"versionId": "3"}}
    body["prefetch"]["requests"] = bundle(type="searchset", total=0) | {
        "entry": [{"fullUrl": "https://ehr.example/Medication/m", "resource": other, "search": {"mode": "include"}}]
    }
    body["context"]["draftOrders"]["entry"].append({"resource": FLUCONAZOLE | {"id": "m"}})
    critical(client, body)


def test_a_substance_among_the_orders_is_found(client: TestClient) -> None:
    body = referring({"reference": ADDRESS})
    made = {"resourceType": "Medication", "ingredient": [{"itemReference": {"reference": "Substance/s"}}]}
    entries = [{"fullUrl": ADDRESS, "resource": made}, {"resource": FLUCONAZOLE | {"resourceType": "Substance", "id": "s"}}]
    body["context"]["draftOrders"]["entry"] += entries
    critical(client, body)


def test_what_was_sent_may_name_the_patient_by_an_address(client: TestClient) -> None:
    body = of_case(SIGNED)
    address = ADDRESS[:-1] + "b"
    body["prefetch"]["patient"] = bundle(type="searchset") | {"entry": [{"fullUrl": address, "resource": body["prefetch"]["patient"]}]}
    for entry in body["prefetch"]["statements"]["entry"]:
        entry["resource"]["subject"] = {"reference": address}
    critical(client, body)


def test_only_an_order_takes_the_place_of_one_on_record(client: TestClient) -> None:
    """Neither a record among the orders nor an address that an order shares with a record makes it untold."""
    body = of_case(SIGNED)
    kept, signed = body["prefetch"]["statements"]["entry"][0], body["context"]["draftOrders"]["entry"]
    kept["fullUrl"] = signed[0]["fullUrl"] = ADDRESS
    signed.append({"resource": kept["resource"] | {"status": "entered-in-error"}})
    critical(client, body)


def test_an_order_that_is_kept_under_its_address_is_not_taken(client: TestClient) -> None:
    body = of_case(next(case for case in CASES if case.get("more") == ["an order of cyclosporine that is kept already"]))
    expected = post(client, body).json()["cards"]
    signed, kept = body["context"]["draftOrders"]["entry"][0], body["prefetch"]["requests"]["entry"][0]
    signed["fullUrl"] = kept["fullUrl"] = ADDRESS
    del signed["resource"]["id"]
    assert [card["summary"] for card in post(client, body).json()["cards"]] == [card["summary"] for card in expected]


def test_the_same_call_gives_the_same_cards_and_another_gives_them_other_names(client: TestClient) -> None:
    body = call()
    first, second, other = (post(client, b).json()["cards"] for b in (body, body, body | {"hookInstance": str(uuid.UUID(int=8))}))
    assert first == second
    assert {c["uuid"] for c in first}.isdisjoint(c["uuid"] for c in other)


def test_the_services_ask_for_every_kind_that_is_read(client: TestClient) -> None:
    from dermograph.fhir.reading import KINDS

    found = client.get("/cds-services").json()["services"]
    assert [(one["id"], one["hook"]) for one in found] == [(o.id, o.hook) for o in OFFERS.values()]
    for one in found:
        assert {query.partition("?")[0].partition("/")[0] for query in one["prefetch"].values()} == set(KINDS)
        assert all("{{context.patientId}}" in query for query in one["prefetch"].values())


# --- what others have written


def example(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["patient-view-request", "order-sign-request-prefetch", "order-sign-request-noprefetch"])
def test_an_example_that_does_not_send_what_is_asked_for_is_told_what_is_missing(client: TestClient, name: str) -> None:
    told = post(client, example(name))
    assert (told.status_code, told.headers["content-type"]) == (412, "application/problem+json")
    assert told.json()["missing"] == sorted(PREFETCH)


def test_the_patient_of_an_example_has_no_card(client: TestClient) -> None:
    body = example("patient-view-request")
    body["prefetch"] = dict.fromkeys(PREFETCH) | {"patient": body["prefetch"]["patientToGreet"]}
    assert post(client, body).json() == {"cards": []}


def test_the_orders_of_examples_are_read_and_said_to_be_unknown(client: TestClient) -> None:
    orders = call("order-select", **example("order-select-context-r4")["context"])
    orders["prefetch"]["patient"]["id"] = orders["context"]["patientId"]
    for value in orders["prefetch"].values():
        for entry in (value or {}).get("entry", ()):
            entry["resource"]["subject"] = {"reference": f"Patient/{orders['context']['patientId']}"}
    (card,) = post(client, orders).json()["cards"]
    assert (card["indicator"], card["summary"][:15]) == ("info", "Not understood,")
    opioid = example("order-sign-request-prefetch")
    opioid["prefetch"] = dict.fromkeys(PREFETCH) | {"patient": opioid["prefetch"]["item1"]}
    (card,) = post(client, opioid).json()["cards"]
    assert (card["indicator"], card["summary"][:15]) == ("info", "Not understood,")


def test_feedback_is_counted_and_not_kept(client: TestClient) -> None:
    for name in ("feedback-accepted", "feedback-overridden-with-reason", "feedback-overridden-with-reason"):
        assert client.post("/cds-services/guidelines-order-sign/feedback", json=example(name)).status_code == 200
    lines = client.get("/metrics").text.splitlines()
    assert {'dermograph_feedback_total{outcome="accepted"} 1.0', 'dermograph_feedback_total{outcome="overridden"} 2.0'} <= set(lines)


def published(name: str) -> dict[str, Any]:
    """A definition of the published description, with what version 2.0 adds."""
    found = yaml.safe_load((DATA / "cds-hooks.yaml").read_text(encoding="utf-8"))["definitions"]
    found["Card"]["properties"]["selectionBehavior"]["enum"].append("any")
    return {"definitions": found, "$ref": f"#/definitions/{name.replace(' ', '%20')}"}


def test_answers_are_as_the_published_description_has_them(client: TestClient) -> None:
    jsonschema.validate(client.get("/cds-services").json(), published("CDS Service Information"))
    for case in CASES:
        if case["cards"]:
            body = of_case(case)
            jsonschema.validate(body, published("CDS Request"))
            jsonschema.validate(post(client, body).json(), published("CDS Response"))


# --- what is missing, malformed or of somebody else

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
NEXT = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": "https://ehr.example/?page=2"}]}
WANTING: dict[str, tuple[str, Any]] = {
    "no patient": ("patient", None),
    "a search that failed": ("allergies", OUTCOME),
    "a search that failed in part": ("allergies", bundle(OUTCOME, type="searchset")),
    "the first of several pages": ("observations", NEXT),
    "fewer than were found": ("observations", bundle(type="searchset", total=3)),
}


@pytest.mark.parametrize(("key", "value"), WANTING.values(), ids=list(WANTING))
def test_what_was_not_sent_whole_is_missing(client: TestClient, key: str, value: Any) -> None:
    body = call()
    body["prefetch"][key] = value
    told = post(client, body)
    assert (told.status_code, told.json()["missing"]) == (412, [key])


@pytest.mark.parametrize("key", PREFETCH)
def test_every_key_is_needed(client: TestClient, key: str) -> None:
    body = call()
    del body["prefetch"][key]
    told = post(client, body)
    assert (told.status_code, told.json()["missing"]) == (412, [key])


ALLERGY = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/other"}, "code": concept("Dupilumab")}
MALFORMED: dict[str, dict[str, Any]] = {
    "another hook": {"hook": "order-sign"},
    "no hook": {"hook": None},
    "no UUID": {"hookInstance": "7"},
    "no context": {"context": None},
    "a context of nothing": {"context": {}},
    "a number as patient": {"context": {"userId": "Practitioner/1", "patientId": 7}},
    "a path as patient": {"context": {"userId": "Practitioner/1", "patientId": "../p"}},
    "a token without a server": {"fhirAuthorization": {"access_token": "t", "token_type": "Bearer", "expires_in": 1, "scope": "", "subject": "s"}},
    "prefetch that is a list": {"prefetch": []},
    "a number as a resource": {"prefetch": dict.fromkeys(PREFETCH, 7)},
    "a resource of no type": {"prefetch": dict.fromkeys(PREFETCH) | {"patient": {"id": "p"}}},
    "another patient": {"prefetch": dict.fromkeys(PREFETCH) | {"patient": {"resourceType": "Patient", "id": "other"}}},
    "a record of somebody else": {"prefetch": dict.fromkeys(PREFETCH) | {"patient": {"resourceType": "Patient"}, "allergies": ALLERGY}},
    "a bundle in a bundle": {"prefetch": dict.fromkeys(PREFETCH) | {"patient": {"resourceType": "Patient"}, "conditions": bundle(bundle())}},
    "entries that are none": {"prefetch": dict.fromkeys(PREFETCH) | {"patient": {"resourceType": "Bundle", "entry": 7}}},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_call_is_refused(client: TestClient, change: dict[str, Any]) -> None:
    told = client.post("/cds-services/guidelines-patient-view", json=call() | change, params=DAY)
    assert (told.status_code, told.headers["content-type"]) == (400, "application/problem+json"), told.text
    assert told.json()["mend"]


ORDER = {"resourceType": "MedicationRequest", "id": "o", "status": "draft", "intent": "order", "medicationCodeableConcept": concept("Dupilumab")}
DISORDERLY: dict[str, dict[str, Any]] = {
    "no orders": {},
    "orders that are no bundle": {"draftOrders": ORDER},
    "an entry without a resource": {"draftOrders": {"resourceType": "Bundle", "entry": [{}]}},
    "a resource without a type": {"draftOrders": bundle({"id": "o"})},
    "a choice that is no order": {"draftOrders": bundle(ORDER), "selections": ["MedicationRequest/other"]},
    "an order for somebody else": {"draftOrders": bundle(ORDER | {"subject": {"reference": "Patient/other"}})},
    "a code that is none of ours": {"draftOrders": bundle(ORDER | {"medicationCodeableConcept": concept("Dupilumap")})},
    "a medication that is a number": {"draftOrders": bundle(ORDER | {"medicationCodeableConcept": 7})},
}


@pytest.mark.parametrize("context", DISORDERLY.values(), ids=list(DISORDERLY))
def test_malformed_orders_are_refused(client: TestClient, context: dict[str, Any]) -> None:
    told = post(client, call("order-select", **({"selections": ["o"]} | context)))
    assert (told.status_code, told.headers["content-type"]) == (400, "application/problem+json"), told.text


FEEDBACK = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-01T00:00:00Z"}
REFUSED: dict[str, tuple[str, Any, dict[str, str], int]] = {
    "no such service": ("none", "{}", {}, 404),
    "no service to tell": ("none/feedback", "{}", {}, 404),
    "another media type": ("guidelines-patient-view", "{}", {"Content-Type": "text/plain"}, 415),
    "no JSON": ("guidelines-patient-view", "{", {}, 400),
    "a list": ("guidelines-patient-view", "[]", {}, 400),
    "deep JSON": ("guidelines-patient-view", "[" * 100_000, {}, 400),
    "a name twice": ("guidelines-patient-view", '{"hook": 1, "hook": 2}', {}, 400),
    "feedback of nothing": ("guidelines-patient-view/feedback", "{}", {}, 400),
    "accepted without a suggestion": ("guidelines-patient-view/feedback", json.dumps({"feedback": [FEEDBACK | {"outcome": "accepted"}]}), {}, 400),
    "an outcome that is none": ("guidelines-patient-view/feedback", json.dumps({"feedback": [FEEDBACK | {"outcome": "ignored"}]}), {}, 400),
    "a moment without an offset": (
        "guidelines-patient-view/feedback",
        json.dumps({"feedback": [FEEDBACK | {"outcomeTimestamp": "2026-11-01"}]}),
        {},
        400,
    ),
}


@pytest.mark.parametrize(("path", "body", "headers", "status"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_call_is_a_problem_document(client: TestClient, path: str, body: str, headers: dict[str, str], status: int) -> None:
    told = client.post(f"/cds-services/{path}", content=body, headers={"Content-Type": "application/json"} | headers)
    assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json")
    assert told.json()["detail"]


def test_nothing_of_a_call_is_logged(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    LOG.calls.clear()
    post(client, call())
    post(client, call() | {"hookInstance": "secret"})
    lines = [one.kwargs for one in LOG.calls]
    assert [(line["route"], line["status"]) for line in lines] == [("/cds-services/{id}", 200), ("/cds-services/{id}", 400)]
    assert not any(word in f"{lines}{capfd.readouterr()}" for word in ("secret", "Patient/p", "Dupilumab", "2018-03-14", "2026-11-01"))


def test_no_name_is_markup() -> None:
    hostile = "<img src=x onerror=alert(1)> [a](javascript:b) **c**\u202e\n# d"
    told = words.md(hostile)
    assert "<" not in told
    assert "\n" not in told
    assert "](" not in told.replace("\\]", "")
    tree = {"sources": {"ad:R": {"label": "a](b) <i>", "at": "https://a.example/b) [c](javascript:d"}}}
    assert words.cited(tree, (), ["ad:R"]) == " ([a\\](b) &lt;i&gt;](https://a.example/b%29%20%5Bc%5D%28javascript:d))"


# --- generated calls


def described(client: TestClient) -> Any:
    """The routes of CDS Hooks in our own description."""
    return client.get("/openapi.json").json()


def as_published(_: TestClient) -> Any:
    return yaml.safe_load((DATA / "cds-hooks.yaml").read_text(encoding="utf-8"))


CHECKS: dict[Any, list[Any]] = {
    described: [not_a_server_error, status_code_conformance, response_schema_conformance],
    as_published: [not_a_server_error, response_schema_conformance],
}


@pytest.mark.parametrize("description", CHECKS, ids=["ours", "the published"])
def test_generated_calls_are_answered_as_described(client: TestClient, description: Any) -> None:
    schema = schemathesis.openapi.from_dict(description(client)).include(path_regex="^/cds-services")
    seen: set[int] = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)

        @given(case=found.ok().as_strategy())
        @settings(max_examples=25, suppress_health_check=list(HealthCheck), database=None)
        def answered(case: schemathesis.Case[Any]) -> None:
            if "id" in case.path_parameters:
                case.path_parameters["id"] = next(iter(OFFERS))
            asked = case.as_transport_kwargs(base_url="http://testserver")
            told = client.request(**{key: asked[key] for key in ("method", "url", "headers", "params", "json") if asked.get(key) is not None})
            seen.add(told.status_code)
            case.validate_response(told, checks=CHECKS[description])

        answered()
    assert seen > {200}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value, as what holds it and its key."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(inner)


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 1e308, "", "2026-13-45", "\u0000<b>", "Bundle", "Patient/p", [], [[]], {}, {"resourceType": "Bundle"}, [None], {"": {}}]
)


@given(case=st.sampled_from(CASES), place=st.integers(0, 10_000), junk=JUNK)
@settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))
def test_a_call_in_which_something_is_broken_is_answered_or_refused(client: TestClient, case: dict[str, Any], place: int, junk: Any) -> None:
    body = of_case(case)
    inner = [found for found in places(body) if found != (body, "hook")]
    holder, key = inner[place % len(inner)]
    holder[key] = junk
    told = post(client, body)
    assert told.status_code in {200, 400, 412, 422}, told.text
    assert told.status_code == 200 or told.json()["detail"]


# --- trust


def public(key: Any, kid: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keys = [public(KEYS["secp384r1"], "ec"), public(RSA, "rsa")]
    path = tmp_path_factory.mktemp("trust") / "clients.json"
    rows = [{"iss": "https://ehr.example", "jku": "https://ehr.example/keys", "jwks": {"keys": keys}}]
    path.write_text(json.dumps({"clients": rows}), encoding="utf-8")
    return path


def token(key: Any = None, alg: str = "ES384", head: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    told = {"iss": "https://ehr.example", "aud": f"{BASE}/cds-services", "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())} | claims
    made = {"kid": "rsa" if alg[:2] in ("RS", "PS") else "ec"} | (head or {})
    return jwt.encode(
        {k: v for k, v in told.items() if v is not None},
        KEYS["secp384r1"] if key is None else key,
        alg,
        {k: v for k, v in made.items() if v is not None},
    )


@pytest.fixture(scope="module")
def guarded(clients: Path) -> Iterator[TestClient]:
    with TestClient(get_app(Settings(workers=1, hosts=("testserver",), base=BASE, trusted=clients), CapturingLogger())) as client:
        yield client


GOOD: dict[str, dict[str, Any]] = {
    "ES384": {},
    "RS384": {"key": RSA, "alg": "RS384"},
    "PS256": {"key": RSA, "alg": "PS256"},
    "several audiences": {"aud": ["https://other.example", f"{BASE}/cds-services"]},
    "a jku that is known": {"head": {"jku": "https://ehr.example/keys"}},
}


@pytest.mark.parametrize("made", GOOD.values(), ids=list(GOOD))
def test_a_good_token_is_taken_once(guarded: TestClient, made: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {token(**made)}"}
    assert guarded.get("/cds-services", headers=headers).status_code == 200
    again = guarded.get("/cds-services", headers=headers)
    assert (again.status_code, again.json()["detail"]) == (401, "the token was used before")


BAD: dict[str, Any] = {
    "no token": None,
    "another scheme": "Basic YTpi",
    "no JWT": "Bearer nonsense",
    "a nested head": "Bearer " + "W1tb" * 1500 + ".e30.e30",
    "nothing signed": {"key": "", "alg": "none"},
    "a shared secret": {"key": "s" * 64, "alg": "HS512"},
    "a key of somebody else": {"key": ec.generate_private_key(ec.SECP384R1())},
    "another curve": {"key": KEYS["secp256r1"], "alg": "ES256"},
    "an unknown key": {"head": {"kid": "other"}},
    "no kid": {"head": {"kid": None}},
    "another type": {"head": {"typ": "at+jwt"}},
    "an unknown jku": {"head": {"jku": "https://attacker.example/keys"}},
    "an unknown issuer": {"iss": "https://attacker.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": f"{BASE}/cds-services/guidelines-order-sign"},
    "expired": {"iat": 1, "exp": 2},
    "not yet issued": {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 3700},
    "good for a year": {"exp": int(time.time()) + 31_536_000},
    "without an end": {"exp": None},
    "an end without end": {"exp": float("inf")},
    "without a name": {"jti": None},
}


@pytest.mark.parametrize("made", BAD.values(), ids=list(BAD))
def test_a_bad_token_is_refused(guarded: TestClient, made: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = f"Bearer {token(**made)}" if isinstance(made, dict) else made
    told = guarded.get("/cds-services", headers={"Authorization": header} if header else {})
    assert (told.status_code, told.headers["content-type"], told.headers["www-authenticate"]) == (401, "application/problem+json", "Bearer")


def test_every_route_of_cds_hooks_is_guarded_and_no_other(guarded: TestClient) -> None:
    paths = [f"/cds-services/{offer}{end}" for offer in OFFERS for end in ("", "/feedback")]
    assert {guarded.post(path, json={}).status_code for path in paths} == {401}
    assert guarded.get("/health").status_code == 200
    headers = {"Authorization": f"Bearer {token(aud=f'{BASE}{paths[0]}')}"}
    assert guarded.post(paths[0], json=call(), params=DAY, headers=headers).status_code == 200


def test_tokens_that_are_over_are_forgotten(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dermograph.service.cds.trust.REMEMBERED", 3)
    trust = Trust.load(clients)
    for _ in range(3):
        trust.check(token(), f"{BASE}/cds-services")
    with pytest.raises(Full):
        trust.check(token(), f"{BASE}/cds-services")
    trust.check(token(), f"{BASE}/cds-services", now=time.time() + 400)
    assert len(trust.taken) == 1
    with pytest.raises(Refused):
        trust.check("a" * 10_000, f"{BASE}/cds-services")


PRIVATE = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEYS["secp384r1"])) | {"kid": "1"}
UNTRUSTED: dict[str, Any] = {
    "no clients": {},
    "a client without an iss": {"clients": [{"jwks": {"keys": [public(RSA, "1")]}}]},
    "a client with an address of keys only": {"clients": [{"iss": "i", "jku": "https://ehr.example/keys"}]},
    "a key without a name": {"clients": [{"iss": "i", "jwks": {"keys": [{k: v for k, v in public(RSA, "1").items() if k != "kid"}]}}]},
    "a private key": {"clients": [{"iss": "i", "jwks": {"keys": [PRIVATE]}}]},
    "a shared secret": {"clients": [{"iss": "i", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}}]},
    "a key that is none": {"clients": [{"iss": "i", "jwks": {"keys": [{"kty": "EC", "crv": "P-384", "kid": "1", "x": "a", "y": "b"}]}}]},
    "two keys of one name": {"clients": [{"iss": "i", "jwks": {"keys": [public(RSA, "1")] * 2}}]},
    "a client twice": {"clients": [{"iss": "i", "jwks": {"keys": [public(RSA, "1")]}}] * 2},
}


@pytest.mark.parametrize("given", UNTRUSTED.values(), ids=list(UNTRUSTED))
def test_a_file_of_clients_that_cannot_be_trusted_is_refused(tmp_path: Path, given: Any) -> None:
    path = tmp_path / "clients.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    with pytest.raises(InputError, match=r"clients\.json"):
        Trust.load(path)
