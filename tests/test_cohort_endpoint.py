"""A population in a triple store gives the answers that its files give, and no answer of the store is taken for more than it is."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from peers import virtuoso
from stores import Asked, Endpoint, Reply, Spoil, endpoint
from test_cohort import by_sql, differing, digest, made_up
from test_cohort_rdf import PT, TWINS, UNUSUAL, Reading, comparable, people, tables

from dermograph import InputError, Knowledge, cli
from dermograph.cohort import endpoint as source
from dermograph.cohort.endpoint import Service
from dermograph.cohort.graphs import Rows
from dermograph.cohort.run import Cohort
from dermograph.cohort.summary import Totals
from dermograph.cohort.tables import Tables
from dermograph.terms import expand

COUNT = 40
"""Patients that are made up."""
TYPE = ox.NamedNode(expand("rdf:type"))
AFTER = 'FILTER(STR(?patient) > "'


def asking(server: Endpoint, knowledge: Knowledge, graphs: tuple[str, ...] = (), **options: Any) -> source.Endpoint:
    service = {name: options.pop(name) for name in ("seconds", "largest") if name in options}
    return source.Endpoint(Service(server.url, graphs, pause=0.001, **service), knowledge, **({"page": 15, "most": 6} | options))


def read(server: Endpoint, knowledge: Knowledge, work: Path, **options: Any) -> tuple[Rows, list[dict[str, Any]]]:
    """Tables, and what was refused."""
    made = asking(server, knowledge, **options).tables(work, lambda what, done, of: None)
    return unordered(tables(made.folder)), pq.read_table(made.folder / "rejected").to_pylist()


def unordered(found: Rows) -> Rows:
    """Tables with the sites of a condition in one order, since a store has none."""
    for row in found["conditions"]:
        row["site"] = " ".join(sorted(row["site"].split())) if row["site"] else None
    return comparable(found)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return people(tmp_path_factory.mktemp("given"), "nt", COUNT)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return unordered(tables(made_up(tmp_path_factory.mktemp("made"), COUNT)))


@pytest.fixture
def server(given: Path) -> Iterator[Endpoint]:
    store = ox.Store()
    store.bulk_load(path=given, format=ox.RdfFormat.N_TRIPLES)
    with endpoint(store) as running:
        yield running


# --- a real store


def test_virtuoso(knowledge: Knowledge, tmp_path: Path) -> None:
    """It gives no more than 300 rows, so that every other answer is cut off."""
    if reason := virtuoso.missing():
        pytest.skip(reason)
    file = people(tmp_path / "people", "nt", 300)
    room = tmp_path / "room"
    room.mkdir()
    with virtuoso.server(room, file.parent, buffers=20_000, rows=300) as (port, http):
        virtuoso.told(port, f"DB.DBA.TTLP(file_to_string_output('{file}'), '', 'urn:people', 512)")
        url = f"http://127.0.0.1:{http}/sparql"
        assert cli.main(["cohort", "--endpoint", url, "--graph", "urn:people", "--explain", "--out", str(tmp_path / "out")]) == 0
        with pytest.raises(InputError, match="no node is a pt:Patient in urn:nothing"):
            source.Endpoint(Service(url, ("urn:nothing",)), knowledge).tables(tmp_path / "none", lambda what, done, of: None)
    assert Cohort(knowledge, Tables(made_up(tmp_path / "made", 300)), tmp_path / "same", explain=True).run() == Totals(300, 300, 0)
    assert not differing(by_sql(tmp_path / "same"), by_sql(tmp_path / "out"))


# --- the same tables


def test_pages_give_the_tables_and_the_same_bytes_again(knowledge: Knowledge, server: Endpoint, made: Rows, tmp_path: Path) -> None:
    assert read(server, knowledge, tmp_path / "one") == (made, [])
    assert sum(asked.kind == "names" for asked in server.asked) == 4
    server.asked.append(server.asked[0])  # other labels and another order
    read(server, knowledge, tmp_path / "two")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_what_is_unusual_or_wrong_is_read_as_from_a_file(knowledge: Knowledge, tmp_path: Path) -> None:
    lines = [f"{q.triple} .".replace("_:labelled", "<urn:example:labelled>") for q in ox.parse(path=UNUSUAL)]
    for place, path in enumerate(TWINS):
        quads = list(ox.parse(path=path))
        own = {str(q.subject) for q in quads if str(q.object) == f"<{PT}Patient>"}
        text = "\n".join(f"{q.triple} ." for q in quads)
        for patient in own:
            text = re.sub(rf"(?<!\S){re.escape(patient)}(?=\s)", f"<urn:example:twin{place}>", text)
        lines += re.sub(r"(?<!\S)_:(\w+)", rf"_:n{place}x\1", text).splitlines()
    (tmp_path / "all.nt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = ox.Store()
    store.load(path=tmp_path / "all.nt", format=ox.RdfFormat.N_TRIPLES)
    wanted = Reading(tmp_path / "all.nt", knowledge, tmp_path / "file")
    with endpoint(store) as server:
        found, rejected = read(server, knowledge, tmp_path / "work", page=40)
    assert found == unordered(wanted.tables)
    assert len(rejected) > len(TWINS) // 3 and refusals(rejected) == refusals(wanted.rejected)


def refusals(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Who is refused and why, blank nodes without their label."""
    return sorted((row["patient"], re.sub(r"_:\w+|\bn\d+x\w+|\[\]", "_:", row["reason"])) for row in rows if row["patient"])


def test_graphs_are_put_together_and_others_left_out(knowledge: Knowledge, given: Path, tmp_path: Path) -> None:
    store = ox.Store()
    for place, quad in enumerate(ox.parse(path=given)):
        store.add(ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(f"urn:graph:{place % 2}")))
    store.add(ox.Quad(ox.NamedNode("urn:other"), TYPE, ox.NamedNode(expand("pt:Patient")), ox.NamedNode("urn:graph:2")))
    with endpoint(store) as server:
        found, _ = read(server, knowledge, tmp_path / "both", graphs=("urn:graph:0", "urn:graph:1"))
        assert len(found["patients"]) == COUNT
        with pytest.raises(InputError, match="no patient: no node is a pt:Patient"):
            read(server, knowledge, tmp_path / "none")


def test_an_ontology_in_the_same_graph_says_nothing_of_a_patient(knowledge: Knowledge, server: Endpoint, made: Rows, tmp_path: Path) -> None:
    server.store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in knowledge.index)
    assert read(server, knowledge, tmp_path) == (made, [])


def test_who_cannot_be_asked_for_is_told(knowledge: Knowledge, server: Endpoint, made: Rows, tmp_path: Path) -> None:
    """Blank patients, one whose name is no IRI in truth, one with a value that is none, and what is nobody's."""
    first, second = sorted(row["patient"] for row in made["patients"])[:2]
    server.store.load(
        f"_:a a <{PT}Patient> . _:b a <{PT}Patient> . <urn:lost> <{PT}date> 1 . [] <{PT}course> <urn:lost2> .".encode(), format=ox.RdfFormat.TURTLE
    )
    wicked = "urn:x> } DROP ALL #"

    def spoil(asked: Asked, reply: Reply) -> Reply:
        assert wicked not in asked.query
        rows = [row | ({"name": {"type": "literal", "value": wicked}} if row.get("name", {}).get("value") == first else {}) for row in reply.rows]
        for row in rows:
            if row.get("patient", {}).get("value") == second and row["property"]["value"] == f"{PT}sex":
                row["value"] = {"type": "uri", "value": "no iri"}
        return reply.of(rows)

    server.spoil = spoil
    found, rejected = read(server, knowledge, tmp_path / "work")
    told = {row["patient"] or row["value"]: row["reason"] for row in rejected}
    assert told.keys() == {wicked, second, "_:[1]", "_:[2]", "urn:lost", "1 nodes more"}
    assert "the name is no IRI" in told[wicked] and "'no iri' is no term of RDF" in told[second] and "is a blank node" in told["_:[2]"]
    assert {row["patient"] for row in found["patients"]} == {row["patient"] for row in made["patients"]} - {first} | {wicked, "_:[1]", "_:[2]"}
    totals = Cohort(knowledge, asking(server, knowledge), tmp_path / "out").run()
    assert totals == Totals(COUNT + 2, COUNT - 2, 4)


# --- stores that misbehave


def once(change: Callable[[Reply], Reply]) -> Spoil:
    """Every other answer is spoilt."""
    return lambda asked, reply: change(reply) if asked.number % 2 else reply


def always(kind: str, change: Callable[[Reply], Reply]) -> Spoil:
    return lambda asked, reply: change(reply) if asked.kind == kind else reply


def cut(rows: int, **more: Any) -> Callable[[Reply], Reply]:
    return lambda reply: reply.of(reply.rows[:rows], **more) if len(reply.rows) > rows else reply


MENDED: dict[str, Spoil] = {
    "busy": once(lambda reply: Reply(b"later", 503, {"Content-Type": "text/plain"})),
    "a gateway in between": once(lambda reply: Reply(b"<html>", 502, {"Content-Type": "text/html"})),
    "a short body": once(lambda reply: replace(reply, body=reply.body[:-9], announced=len(reply.body))),
    "half of the JSON": once(lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2])),
    "cut in silence": always("said", cut(150)),
    "cut and told": always("said", cut(150, headers={"X-SPARQL-MaxRows": "150"})),
    "cut for want of time": always("said", cut(150, status=206)),
    "names cut": always("names", cut(7, headers={"X-SPARQL-MaxRows": "7"})),
}


@pytest.mark.parametrize("spoil", MENDED.values(), ids=list(MENDED))
def test_a_passing_fault_changes_nothing(spoil: Spoil, knowledge: Knowledge, server: Endpoint, made: Rows, tmp_path: Path) -> None:
    server.spoil = spoil
    assert read(server, knowledge, tmp_path) == (made, [])


def test_fewer_are_asked_for_where_an_answer_is_too_large(knowledge: Knowledge, server: Endpoint, made: Rows, tmp_path: Path) -> None:
    assert read(server, knowledge, tmp_path, largest=60_000, most=40) == (made, [])


def forgetting(reply: Reply) -> Reply:
    return reply.of([])


def html(reply: Reply) -> Reply:
    return Reply(b"<p>hello", headers={"Content-Type": "text/html"})


def sent_on(reply: Reply) -> Reply:
    return Reply(b"", 307, {"Location": "http://elsewhere.example/sparql?key=secret"})


def of_another(reply: Reply) -> Reply:
    return reply.of([row | {"patient": {"type": "uri", "value": "urn:x"}} for row in reply.rows])


def the_same(reply: Reply) -> Reply:
    return reply.of([{"name": {"type": "literal", "value": f"urn:example:synthetic-000000{place}"}} for place in range(1, 6)])


def slow(reply: Reply) -> Reply:
    time.sleep(0.3)
    return reply


LASTING: dict[str, tuple[Spoil, str, dict[str, Any]]] = {
    "busy": (always("names", lambda reply: Reply(b"come back later\nplease", 503, {})), "it answers 503 come back later$", {}),
    "no right": (always("count", lambda reply: Reply(b"who are you", 401, {})), "it answers 401 who are you$", {}),
    "a page": (always("names", html), "it answers with text/html, not with results of SPARQL", {}),
    "another host": (always("names", sent_on), "it sends on to http://elsewhere.example/sparql$", {}),
    "broken JSON": (always("said", lambda reply: replace(reply, body=b"[")), "the answer is no JSON", {}),
    "deep JSON": (always("said", lambda reply: replace(reply, body=b"[" * 100_000)), "the answer is no JSON", {}),
    "other JSON": (always("said", lambda reply: replace(reply, body=b'{"boolean": true}')), "the answer is no table of solutions", {}),
    "odd JSON": (always("said", lambda reply: reply.of([{"patient": {"type": "uri"}}])), "the answer is no table of solutions", {}),
    "a short body": (always("said", lambda reply: replace(reply, announced=len(reply.body) + 7)), "the answer ends 7 bytes early", {}),
    "a huge answer": (
        always("said", lambda reply: reply),
        "larger than 3,000 bytes; asked of urn:.*0001 alone",
        {"largest": 3000},
    ),
    "no time": (always("said", slow), "timed out; asked of urn:example:synthetic-0000001 alone", {"seconds": 0.1}),
    "rows that are missing": (always("said", cut(3)), "the answer has 3 rows, and .* were counted; asked of", {}),
    "a cut that is told": (always("said", cut(3, headers={"X-SPARQL-MaxRows": "3"})), "X-SPARQL-MaxRows 3; asked of", {}),
    "names that are any": (always("names", cut(3, headers={"X-SQL-State": "S1TAT"})), "names of patients are not whole: X-SQL-State S1TAT", {}),
    "a count of a part": (always("count", lambda reply: reply.of(reply.rows, status=206)), "not everything was counted: status 206", {}),
    "a count of words": (always("count", lambda reply: reply.of([])), "the answer to a count is no number", {}),
    "others": (always("said", of_another), "an answer lacks 'urn:x'", {}),
    "no more names": (lambda asked, reply: forgetting(reply) if AFTER in asked.query else reply, "it names 15 patients, and counts 40", {}),
    "always the same names": (always("names", the_same), "it names more than the 40 patients that it counted", {}),
}


@pytest.mark.parametrize(("spoil", "told", "options"), LASTING.values(), ids=list(LASTING))
def test_a_lasting_fault_is_told(spoil: Spoil, told: str, options: dict[str, Any], knowledge: Knowledge, server: Endpoint, tmp_path: Path) -> None:
    server.spoil = spoil
    with pytest.raises(InputError) as error:
        read(server, knowledge, tmp_path / "work", **options)
    assert re.search(told, error.value.message) and error.value.message.startswith(server.url) and error.value.hint


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (f"INSERT DATA {{ <urn:example:zz> a <{PT}Patient> }}", "more than the 40 patients that it counted"),
        (f"INSERT DATA {{ <urn:a> a <{PT}Patient> }}", "it held 40 patients at first, and 41 at the end"),
        (f"DELETE WHERE {{ <urn:example:synthetic-0000040> a <{PT}Patient> }}", "it names 39 patients, and counts 40"),
        (f"DELETE WHERE {{ <urn:example:synthetic-0000020> a <{PT}Patient> }}", "synthetic-0000020 was a patient, and is none now"),
    ],
    ids=["one more behind", "one more before", "one less", "one less of those named"],
)
def test_a_store_that_changes_is_told(change: str, told: str, knowledge: Knowledge, server: Endpoint, tmp_path: Path) -> None:
    def spoil(asked: Asked, reply: Reply) -> Reply:
        if asked.kind == "names" and AFTER in asked.query:
            server.store.update(change)
        return reply

    server.spoil = spoil
    with pytest.raises(InputError, match=told):
        read(server, knowledge, tmp_path / "work")


def test_a_run_that_failed_goes_on_where_it_was(knowledge: Knowledge, server: Endpoint, tmp_path: Path) -> None:
    whole = Cohort(knowledge, asking(server, knowledge), tmp_path / "whole")
    assert whole.run() == Totals(COUNT, COUNT, 0)
    server.spoil = lambda asked, reply: Reply(b"broken", 500, {}) if asked.kind == "said" and "synthetic-0000030" in asked.query else reply
    with pytest.raises(InputError, match="it answers 500 broken"):
        Cohort(knowledge, asking(server, knowledge), tmp_path / "out").run()
    server.spoil = lambda asked, reply: reply
    server.asked.clear()
    Cohort(knowledge, asking(server, knowledge), tmp_path / "out").run()
    assert not any("synthetic-0000010>" in asked.query for asked in server.asked) and digest(tmp_path / "whole") == digest(tmp_path / "out")


def test_what_can_not_be_asked_of_nodes_that_are_nobodys_is_told(knowledge: Knowledge, server: Endpoint, made: Rows, tmp_path: Path) -> None:
    server.spoil = lambda asked, reply: Reply(b"too hard", 500, {}) if "NOT EXISTS" in asked.query else reply
    found, (row,) = read(server, knowledge, tmp_path)
    assert found == made and "it could not be asked what hangs off no patient" in row["reason"] and row["patient"] is None


def test_a_store_that_is_not_there_is_told(knowledge: Knowledge) -> None:
    with pytest.raises(InputError, match=r"^http://localhost:1/sparql: \[Errno"):
        source.Endpoint(Service("http://localhost:1/sparql?key=secret", pause=0.001), knowledge).key()


# --- the command line


def test_a_password_is_taken_from_the_file_for_it(server: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right = "Basic " + base64.b64encode(b"me:secret").decode()
    refused = Reply(b"", 401, {"WWW-Authenticate": 'Basic realm="SPARQL"'})
    server.spoil = lambda asked, reply: reply if asked.headers.get("Authorization") == right else refused
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cli.main(["cohort", "--endpoint", server.url, "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["--endpoint", "http://me:secret@localhost/sparql"], 3, "http://localhost/sparql: the URL names a user"),
        (["--endpoint", "localhost:8890/sparql"], 3, "is no URL of a SPARQL endpoint"),
        (["--endpoint", "file:///etc/passwd"], 3, "is no URL of a SPARQL endpoint"),
        (["--endpoint", "http://localhost:1/sparql", "--graph", "a> b"], 3, "'a> b' is no IRI of a graph"),
        (["--omop", "duckdb://x", "--graph", "urn:g"], 2, "--graph is of an endpoint"),
        (["--omop", "duckdb://x", "--endpoint", "http://localhost/"], 2, "one of INPUT, --omop and --endpoint is needed"),
    ],
)
def test_a_wrong_command_line_is_told(args: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", *args, "--out", str(tmp_path / "out")]) == code
    said = capsys.readouterr().err
    assert told in said and "secret" not in said
