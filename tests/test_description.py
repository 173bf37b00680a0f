"""Every route answers generated requests, good and broken, as the service's own OpenAPI document says; those of CDS Hooks: test_cds.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from structlog.testing import CapturingLogger
from test_fuzz import SPOILT, spoilt

from dermograph.service import Settings, get_app

CHECKS: list[Any] = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BODIES = {
    "text/turtle": "graph.ttl",
    "application/n-triples": "graph.nt",
    "application/n-quads": "graph.nq",
    "application/trig": "graph.trig",
    "application/ld+json": "graph.jsonld",
    "application/rdf+xml": "graph.rdf",
    "application/fhir+json": "fhir",
    "application/json": "fhir",
    "application/sparql-query": "query",
}
"""What bodies of a media type are made from."""
GOOD = {
    "therapy": "dupilumab",
    "guideline": "SevereRefractoryADInChildren",
    "query": "ASK {}",
    "/api/questions": "adequate-trials",
    "/api/examples": "girl-of-8-with-severe-disease",
}
"""Values of parameters that no generator would hit upon; those of names by their routes."""


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(get_app(Settings(workers=1, seconds=5, hosts=("testserver",)), CapturingLogger()), raise_server_exceptions=False) as client:
        yield client


@st.composite
def bodies(draw: st.DrawFn, kinds: list[str]) -> tuple[dict[str, str], bytes]:
    """A body of a kind, spoilt or not, said to be of that kind or another."""
    kind = draw(st.sampled_from([k for k in kinds if k in BODIES]))
    said = draw(st.sampled_from([kind] * 8 + kinds + ["text/plain", "application/x-www-form-urlencoded", "nonsense"]))
    body = draw(st.sampled_from(TARGETS[BODIES[kind]].seeds()))
    return {"Content-Type": said}, spoilt(body, draw(st.one_of(st.just([]), SPOILT)))


def answered_as_described(client: TestClient, operation: Any) -> set[int]:
    """Statuses of the answers to generated requests of a route."""
    kinds = [body.media_type for body in operation.body]
    seen: set[int] = set()

    @given(case=operation.as_strategy(), sent=bodies(kinds) if kinds else st.just(({}, b"")), good=st.booleans())
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def answered(case: schemathesis.Case[Any], sent: tuple[dict[str, str], bytes], good: bool) -> None:
        headers, content = sent
        for asked in (case.path_parameters, case.query) if good else ():
            asked.update({key: GOOD.get(key, GOOD.get(operation.path.rpartition("/")[0], value)) for key, value in asked.items()})
        told = client.request(case.method, case.formatted_path, params=dict(case.query), headers=headers, content=content)
        seen.add(told.status_code)
        case.validate_response(told, checks=CHECKS)

    answered()
    return seen


def test_generated_requests_are_answered_as_described(client: TestClient) -> None:
    seen: dict[str, set[int]] = {}
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    for found in schema.exclude(path_regex="^/cds-services").get_all_operations():
        assert isinstance(found, Ok)
        seen[found.ok().label] = answered_as_described(client, found.ok())
    assert {label for label, statuses in seen.items() if 200 not in statuses} == set()
    assert client.get("/health").json()["status"] == "up"
