"""The endpoint passes the query cases of the protocol's own test suite, and clients of other makes understand it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import rdflib
from fastapi.testclient import TestClient
from SPARQLWrapper import JSON, TURTLE, SPARQLWrapper
from structlog.testing import CapturingLogger

from dermograph.service import Settings, get_app

HERE = Path(__file__).parent
CASES = """
PREFIX mf: <http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#>
PREFIX ht: <http://www.w3.org/2011/http#>
PREFIX cnt: <http://www.w3.org/2011/content#>
SELECT ?case ?path ?method ?text ?coding ?type ?boolean ?format (GROUP_CONCAT(?status) AS ?statuses) WHERE {
  ?case mf:name ?name ; mf:action/ht:requests/<http://www.w3.org/1999/02/22-rdf-syntax-ns#first> ?asked .
  ?asked ht:absolutePath ?path ; ht:methodName ?method ; ht:resp ?told .
  ?told mf:expectedStatus ?status
  OPTIONAL { ?asked ht:body ?body . ?body cnt:chars ?text ; cnt:characterEncoding ?coding }
  OPTIONAL { ?asked ht:headers/<http://www.w3.org/1999/02/22-rdf-syntax-ns#first> ?header . ?header ht:fieldValue ?type }
  OPTIONAL { ?told mf:expectedBoolean ?boolean }
  OPTIONAL { ?told mf:expectedFormat ?format }
  FILTER(!STRSTARTS(STR(?name), "update ") && !STRSTARTS(STR(?name), "test for service-defined BASE"))
} GROUP BY ?case ?path ?method ?text ?coding ?type ?boolean ?format ORDER BY ?case
"""
FORMATS = {
    "boolean": {"application/sparql-results+json", "application/sparql-results+xml"},
    "tabular": {"application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values"},
    "RDF": {"text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"},
}


def _cases() -> dict[str, dict[str, Any]]:
    rows: Any = rdflib.Graph().parse(HERE / "protocol" / "manifest.ttl").query(CASES)
    return {str(row["case"]).partition("#")[2]: {str(k): v.toPython() for k, v in row.asdict().items()} for row in rows}


ALL = _cases()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    settings = Settings(graphs=(HERE / "protocol" / "data.trig",), workers=1, hosts=("testserver",))
    with TestClient(get_app(settings, CapturingLogger())) as client:
        yield client


def test_the_suite_is_there() -> None:
    assert len(ALL) == 27


@pytest.mark.parametrize("case", ALL.values(), ids=list(ALL))
def test_the_protocol_is_kept(client: TestClient, case: dict[str, Any]) -> None:
    body = case["text"].encode(case["coding"]) if "text" in case else b""
    headers = {"Content-Type": case["type"]} if "type" in case else {}
    told = client.request(case["method"], case["path"].replace("/sparql/", "/sparql", 1), content=body, headers=headers)
    assert any(f"StatusCode{told.status_code // 100}xx" in status for status in case["statuses"].split())
    kind = told.headers["content-type"].partition(";")[0]
    if "format" in case:
        assert kind in FORMATS[case["format"]]
    if "boolean" in case:
        assert told.json()["boolean"] is case["boolean"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that runs by itself."""
    command = [sys.executable, "-m", "dermograph", "serve", "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        yield running.stderr.readline().split()[0] + "sparql"
        running.terminate()
        running.communicate(timeout=20)
        assert running.returncode == -signal.SIGTERM


def _opened(url: str) -> tuple[int, str, bytes]:
    try:
        with urlopen(url, timeout=30) as told:
            return told.status, told.headers["content-type"], told.read()
    except HTTPError as error:
        return error.code, error.headers["content-type"], error.read()


def test_a_query_in_flight_is_answered_before_the_service_stops() -> None:
    command = [sys.executable, "-m", "dermograph", "serve", "--port", "0", "--workers", "1", "--seconds", "2"]
    heavy = "SELECT (COUNT(*) AS ?n) WHERE {?a ?b ?c . ?d ?e ?f . ?g ?h ?i}"
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running, ThreadPoolExecutor() as pool:
        assert running.stderr is not None
        base = running.stderr.readline().split()[0]
        asked = pool.submit(_opened, f"{base}sparql?{urlencode({'query': heavy})}")
        while b"dermograph_requests_active 2.0" not in _opened(f"{base}metrics")[2]:
            pass
        running.terminate()
        told = asked.result()
        _, log = running.communicate(timeout=20)
    assert told[:2] == (422, "application/problem+json")
    assert running.returncode == -signal.SIGTERM
    assert {json.loads(line)["event"] for line in log.splitlines()} == {"request"}


DUPILUMAB = "<https://w3id.org/dermograph/ad#Dupilumab>"
LABEL = f"SELECT ?label WHERE {{{DUPILUMAB} <http://www.w3.org/2004/02/skos/core#prefLabel> ?label FILTER(LANG(?label) = 'en')}}"


def test_sparqlwrapper_understands_the_endpoint(url: str) -> None:
    asked = SPARQLWrapper(url)
    asked.setQuery(LABEL)
    asked.setReturnFormat(JSON)
    rows: Any = asked.queryAndConvert()
    assert [row["label"]["value"] for row in rows["results"]["bindings"]] == ["dupilumab"]
    asked.setMethod("POST")
    asked.setQuery(f"DESCRIBE {DUPILUMAB}")
    asked.setReturnFormat(TURTLE)
    text: Any = asked.queryAndConvert()
    assert b"dupilumab" in text


@pytest.mark.skipif(shutil.which("npm") is None, reason="Comunica runs on Node.js, which is not here")
def test_comunica_understands_the_endpoint(url: str, tmp_path: Path) -> None:
    shutil.copy(HERE / "clients" / "package.json", tmp_path)
    subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], cwd=tmp_path, check=True, timeout=300)
    command = [str(tmp_path / "node_modules" / ".bin" / "comunica-sparql"), f"sparql@{url}", LABEL, "-t", "application/sparql-results+json"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    assert [row["label"]["value"] for row in json.loads(told.stdout)["results"]["bindings"]] == ["dupilumab"]
