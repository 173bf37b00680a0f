"""The service answers as the command line does, in every media type, and refuses everything else with a problem document."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from structlog.testing import CapturingLogger

from dermograph import Knowledge
from dermograph.fhir import answers
from dermograph.fhir.coding import Coder
from dermograph.service import Settings, get_app

CASES = Path(__file__).parent / "cases"
MIA = (CASES / "adolescent-of-12-and-29-kg-starts-dupilumab" / "patient.ttl").read_text(encoding="utf-8")
TURTLE = {"Content-Type": "text/turtle"}
COUNT = "SELECT (COUNT(*) AS ?n) WHERE {?s ?p ?o}"
LOG = CapturingLogger()
HEAVY = "SELECT (COUNT(*) AS ?n) WHERE {?a ?b ?c . ?d ?e ?f . ?g ?h ?i}"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    settings = Settings(workers=1, seconds=2, body=200_000, answer=100_000, hosts=("testserver",))
    with TestClient(get_app(settings, LOG), raise_server_exceptions=False) as client:
        yield client


def test_answers_are_those_of_the_library(client: TestClient, knowledge: Knowledge) -> None:
    told = client.post("/api/assess", content=MIA, headers=TURTLE)
    assert (told.status_code, told.json()) == (200, knowledge.assess(MIA).to_json())


def test_answers_come_as_fhir(client: TestClient, knowledge: Knowledge) -> None:
    told = client.post("/api/assess", content=MIA, headers=TURTLE | {"Accept": "application/fhir+json"})
    assert told.headers["content-type"] == "application/fhir+json"
    assert told.json() == json.loads(json.dumps(answers.bundle(Coder(knowledge), [knowledge.assess(MIA)])))


def test_several_patients_are_a_list_in_their_order(client: TestClient) -> None:
    other = MIA.replace("urn:example:adolescent", "urn:example:second")
    told = client.post("/api/assess", content=f"{MIA}\n{other}", headers=TURTLE).json()
    assert [one["patient"].split(":")[2][:6] for one in told] == ["adoles", "second"]


def test_of_several_patients_the_good_ones_are_not_lost(client: TestClient) -> None:
    bad = "@prefix pt: <https://w3id.org/dermograph/patient#> . <urn:bad> a pt:Patient ; pt:sex pt:Both ."
    told = client.post("/api/assess", content=f"{MIA}\n{bad}", headers=TURTLE)
    assert told.status_code == 422
    assert [len(told.json()[key]) for key in ("answers", "refused")] == [1, 1]
    assert told.json()["refused"][0]["findings"][0]["patient"] == "urn:bad"


PEOPLE = [{"resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1990-05-04"} for name in "pq"]
LINES = "\n".join([json.dumps(PEOPLE[0]), "{", json.dumps(PEOPLE[1])])


def test_a_bad_line_leaves_the_patients_of_the_others(client: TestClient) -> None:
    told = client.post("/api/assess", content=LINES, headers={"Content-Type": "application/fhir+ndjson"})
    assert told.status_code == 422
    assert [one["patient"].rpartition("/")[2] for one in told.json()["answers"]] == ["p", "q"]
    assert [one["detail"][:20] for one in told.json()["refused"]] == ["the request: line 2:"]


@pytest.mark.parametrize("path", ["assess", "read", "validate"])
@pytest.mark.parametrize("address", ["http://x:notaport/Patient/p", "http://%", "http://x/%zz", "https://@:@:/"])
def test_an_address_that_names_no_node_does_no_harm(client: TestClient, path: str, address: str) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": address, "resource": PEOPLE[0]}]}
    assert client.post(f"/api/{path}", json=bundle).status_code == 200


REFUSED: dict[str, tuple[str, Any, dict[str, str], int]] = {
    "no media type": ("/api/assess", MIA, {}, 415),
    "a media type of nothing": ("/api/assess", MIA, {"Content-Type": "text/plain"}, 415),
    "a body that is packed and does not tell": (
        "/api/assess",
        gzip.compress(json.dumps(PEOPLE[0]).encode()),
        {"Content-Type": "application/json"},
        400,
    ),
    "lines that are packed": ("/api/read", gzip.compress(LINES.encode()), {"Content-Type": "application/fhir+ndjson"}, 400),
    "a packed body": ("/api/assess", b"\x1f\x8b", TURTLE | {"Content-Encoding": "gzip"}, 415),
    "a large body": ("/api/assess", "#" * 200_001, TURTLE, 413),
    "no answer that is accepted": ("/api/assess", MIA, TURTLE | {"Accept": "image/png"}, 406),
    "a malformed header": ("/api/assess", MIA, TURTLE | {"Accept": "nonsense"}, 400),
    "no Turtle": ("/api/assess", "<urn:a> a", TURTLE, 400),
    "no patient": ("/api/assess", "", TURTLE, 400),
    "deep Turtle": ("/api/assess", "[" * 5000, TURTLE, 400),
    "a remote context": ("/api/assess", '{"@context": "http://127.0.0.1:9/c"}', {"Content-Type": "application/ld+json"}, 400),
    "an XML entity": ("/api/assess", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', {"Content-Type": "application/rdf+xml"}, 400),
    "no FHIR": ("/api/assess", "[]", {"Content-Type": "application/fhir+json"}, 400),
    "deep JSON": ("/api/assess", "[" * 100_000, {"Content-Type": "application/json"}, 400),
    "no date": ("/api/assess?asOf=yesterday", MIA, TURTLE, 422),
    "a number for a date": ("/api/assess?asOf=86400", MIA, TURTLE, 422),
    "a moment for a date": ("/api/assess?asOf=2026-11-01T00:00:00Z", MIA, TURTLE, 422),
    "no therapy": ("/api/explain?therapy=water", MIA, TURTLE, 400),
    "no guideline": ("/api/pathway?guideline=none", MIA, TURTLE, 400),
    "no such place": ("/api/nothing", "", {}, 404),
    "an update": ("/sparql", {"update": "CLEAR ALL"}, {}, 403),
}


@pytest.mark.parametrize(("path", "body", "headers", "status"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_answered_is_a_problem_document(client: TestClient, path: str, body: Any, headers: dict[str, str], status: int) -> None:
    told = client.post(path, **{"data" if isinstance(body, dict) else "content": body}, headers=headers)
    assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json")
    assert told.json()["status"] == status
    assert told.json()["detail"]
    assert client.get("/health").json()["status"] == "up"


SPARQL: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "rows as JSON": ({"query": COUNT}, {}, "application/sparql-results+json"),
    "rows as CSV": ({"query": COUNT}, {"Accept": "text/csv"}, "text/csv; charset=utf-8"),
    "the better of two": ({"query": COUNT}, {"Accept": "text/csv;q=0.5, application/sparql-results+xml"}, "application/sparql-results+xml"),
    "triples": ({"query": "CONSTRUCT {?s a ?o} WHERE {?s a ?o} LIMIT 3"}, {}, "text/turtle; charset=utf-8"),
    "a graph by name": ({"query": COUNT, "named-graph-uri": "urn:dermograph:guideline"}, {}, "application/sparql-results+json"),
    "a description": ({}, {"Accept": "text/turtle"}, "text/turtle; charset=utf-8"),
}


@pytest.mark.parametrize(("asked", "headers", "kind"), SPARQL.values(), ids=list(SPARQL))
def test_the_endpoint_answers_in_the_form_that_is_accepted(client: TestClient, asked: dict[str, Any], headers: dict[str, str], kind: str) -> None:
    told = client.get("/sparql", params=asked, headers=headers)
    assert (told.status_code, told.headers["content-type"]) == (200, kind)


UNANSWERED: dict[str, tuple[list[tuple[str, Any]], int]] = {
    "two queries": ([("query", COUNT), ("query", COUNT)], 400),
    "no query": ([("quest", COUNT)], 400),
    "no SPARQL": ([("query", "SELECT")], 400),
    "an update as a query": ([("query", "CLEAR ALL")], 400),
    "a service": ([("query", "SELECT * {SERVICE <http://127.0.0.1:9/> {?s ?p ?o}}")], 400),
    "a graph that is not there": ([("query", COUNT), ("default-graph-uri", "http://127.0.0.1:9/data")], 400),
    "a graph that is no IRI": ([("query", COUNT), ("named-graph-uri", "urn:dermograph:guideline"), ("default-graph-uri", "<>")], 400),
    "a large answer": ([("query", "SELECT * {?s ?p ?o}")], 422),
    "a slow answer": ([("query", HEAVY)], 422),
}


@pytest.mark.parametrize(("asked", "status"), UNANSWERED.values(), ids=list(UNANSWERED))
def test_the_endpoint_refuses_what_it_does_not_do(client: TestClient, asked: list[tuple[str, Any]], status: int) -> None:
    told = client.get("/sparql", params=asked)
    assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json")
    assert client.get("/sparql", params={"query": COUNT}).status_code == 200


def test_a_day_at_the_end_of_the_calendar_is_a_day(client: TestClient) -> None:
    taken = """@prefix ad: <https://w3id.org/dermograph/ad#> . @prefix pt: <https://w3id.org/dermograph/patient#> .
        @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . <urn:late> a pt:Patient ; pt:birthDate "9990-01-01"^^xsd:date ;
        pt:course [ a ad:Dupilumab ; pt:start "9999-12-30"^^xsd:date ] ."""
    told = client.post("/api/assess?asOf=9999-12-31", content=taken, headers=TURTLE)
    assert told.status_code == 200, told.text
    assert next(t for t in told.json()["therapies"] if t["therapy"].endswith("Dupilumab"))["status"] == "ongoing"


def test_refusals_of_the_framework_are_problem_documents_too() -> None:
    settings = Settings(workers=1, hosts=("testserver",), origins=("https://a.example",))
    asked = {"Origin": "https://b.example", "Access-Control-Request-Method": "GET"}
    with TestClient(get_app(settings, LOG)) as client:
        refused = [
            (client.get("/health", headers={"Host": "attacker.example"}), 400),
            (client.options("/sparql", headers=asked), 400),
            (client.delete("/sparql"), 405),
        ]
        assert "X-Request-ID" in client.get("/health", headers={"Origin": "https://a.example"}).headers["access-control-expose-headers"]
    assert [(told.status_code, told.headers["content-type"]) for told, _ in refused] == [(s, "application/problem+json") for _, s in refused]
    assert refused[-1][0].headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/sparql?query=ASK%20%7B%7D"])
def test_head_gives_the_headers_of_get(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


def test_a_bug_is_told_by_its_place_and_not_by_what_was_sent() -> None:
    app = get_app(Settings(workers=1, hosts=("testserver",)), LOG)

    @app.get("/fails")
    async def fails() -> None:
        await app.state.service.patients.run(json.loads, "[secret")

    LOG.calls.clear()
    with TestClient(app) as client:
        told = client.get("/fails")
    assert (told.status_code, told.headers["content-type"]) == (500, "application/problem+json")
    line = LOG.calls[0].kwargs
    assert line["error"] == "JSONDecodeError"
    assert line["at"][-1].startswith("json/decoder.py:")
    assert "secret" not in f"{line}{told.text}"


def test_nothing_of_a_patient_is_logged(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    LOG.calls.clear()
    client.post("/api/assess?asOf=2026-11-02", content=MIA, headers=TURTLE)
    client.post("/api/assess?asOf=2026-11-02", content=f"{MIA} <urn:secret>", headers=TURTLE)
    lines = [call.kwargs for call in LOG.calls]
    assert [(line["route"], line["status"]) for line in lines] == [("/api/assess", 200), ("/api/assess", 400)]
    assert not any(word in f"{lines}{capfd.readouterr()}" for word in ("adolescent", "secret", "2026-11-02"))
