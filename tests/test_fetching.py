"""No query makes Dermograph fetch anything, however it asks for it; whoever listens hears nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyoxigraph as ox
import pytest
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dermograph.errors import InputError
from dermograph.questions import ask


class Listener(BaseHTTPRequestHandler):
    """Answers whatever is asked, and keeps that it was."""

    heard: list[str]

    def do_POST(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.end_headers()
        self.wfile.write(b'{"head": {"vars": []}, "results": {"bindings": [{}]}}')

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[str, list[str]]]:
    """Address of a listener, and what it hears."""
    heard: list[str] = []
    with HTTPServer(("127.0.0.1", 0), type("Hearing", (Listener,), {"heard": heard})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


STORE = ox.Store()
STORE.add(ox.Quad(ox.NamedNode("urn:a"), ox.NamedNode("urn:p"), ox.Literal("a service"), ox.NamedNode("urn:g")))
HIDDEN = [
    "SELECT * { SERVICE <URL> {?x ?y ?z} }",
    "SELECT * { service silent <URL> {?x ?y ?z} }",
    "SELECT * { SERVICESILENT<URL> {?x ?y ?z} }",
    "PREFIX : <URL> SELECT * { SERVICE:s {?x ?y ?z} }",
    "SELECT * { OPTIONAL {?s ?p 1SERVICE<URL> {?x ?y ?z}} }",
    "SELECT * { OPTIONAL {?s ?p trueSERVICE<URL> {?x ?y ?z}} }",
    "SELECT * { BIND(<URL> AS ?u) OPTIONAL {?s ?p 1SERVICE?u {?x ?y ?z}} }",
    r"PREFIX e: <urn:e> SELECT * { OPTIONAL {?s e:a\#b ?o} SERVICE <URL> {?x ?y ?z} }",
    r"PREFIX e: <urn:e> SELECT * { OPTIONAL {?s e:a\'b ?o} SERVICE <URL> {?x ?y ?z} FILTER('\'' != 'x') }",
    "SELECT * { # a comment\r SERVICE <URL> {?x ?y ?z} }",
    r"""SELECT * { ?s <urn:p> '\'' SERVICE <URL> {?x ?y ?z} FILTER("'" = "'") }""",
    'SELECT * { ?s <urn:p> "" SERVICE <URL> {?x ?y ?z} FILTER("""" """ = "") }',
    r"SELECT * { \u0053ERVICE <URL> {?x ?y ?z} }",
]


@pytest.mark.parametrize("query", HIDDEN)
def test_a_hidden_service_is_refused(listening: tuple[str, list[str]], query: str) -> None:
    url, heard = listening
    with pytest.raises(InputError):
        ask(STORE, query.replace("URL", f"{url}/s"), "test")
    assert heard == []


QUIET = {
    'ASK { ?s ?p ?o FILTER(CONTAINS(?o, "service")) } # a service': True,
    "ASK { BIND('''a\n'service' ''' AS ?o) FILTER(STRLEN(?o) = 12) }": True,
    "ASK { ?service <urn:p> ?o }": True,
    "ASK { ?s <urn:service> ?o }": False,
    "ASK { ?s a ad:service }": False,
    "PREFIX sd: <http://www.w3.org/ns/sparql-service-description#> ASK { ?s a sd:Service }": False,
}


@pytest.mark.parametrize(("query", "answer"), QUIET.items())
def test_the_word_may_stand_where_it_is_no_keyword(query: str, answer: bool) -> None:
    assert bool(ask(STORE, query, "test")) == answer


WORDS = [
    "'",
    '"',
    '"""',
    "'''",
    "\\",
    "\\'",
    "#",
    "<",
    ">",
    "\n",
    "\r",
    "{",
    "}",
    "1",
    "true",
    ":",
    "?x ",
    "a:b\\#",
    "<urn:a>",
    "OPTIONAL {",
    "FILTER(",
]
JUNK = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(WORDS)), max_size=5)


@given(query=st.sampled_from(TARGETS["query"].seeds()), junk=JUNK, place=st.floats(0, 1), spaced=st.booleans())
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_a_service_anywhere_in_a_spoilt_query_is_not_asked(
    listening: tuple[str, list[str]], query: bytes, junk: list[tuple[float, str]], place: float, spaced: bool
) -> None:
    url, heard = listening
    text = query.decode()
    for at, word in [*junk, (place, (" SERVICE <URL> {} " if spaced else "SERVICE<URL>{}").replace("URL", url))]:
        start = int(at * len(text))
        text = text[:start] + word + text[start:]
    with suppress(InputError):
        ask(STORE, text, "test")
    assert heard == []
