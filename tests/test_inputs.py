"""Hostile and careless inputs: each ends in a clear error or the right answer, never in a crash, a hang or a lost fact."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.testing

from dermograph import Knowledge, cli, record
from dermograph.errors import InputError, InvalidInput

PREFIXES = """@prefix ad: <https://w3id.org/dermograph/ad#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix dg: <https://w3id.org/dermograph/core#> .
@prefix fact: <https://w3id.org/dermograph/fact#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix pt: <https://w3id.org/dermograph/patient#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
AS_OF = 'pt:asOf "2026-11-01"^^xsd:date ;'
RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:pt="https://w3id.org/dermograph/patient#">'
ENTITY = '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
CONTEXT = '"pt":"https://w3id.org/dermograph/patient#","ad":"https://w3id.org/dermograph/ad#"'
LINKS = f'{CONTEXT},"pt:absent":{{"@type":"@id"}}'
NESTED = 100_000
LOST = "of pt:end is not a calendar date"
INEXACT = "is not an exact number"
UNIT = "cannot be converted to kg"
REMOTE = "remote JSON-LD context is not fetched"
DEEP = "deep"


def patient(more: str = "", iri: str = "<urn:example:p>", as_of: str = AS_OF) -> str:
    disease = "pt:condition [ a ad:AtopicDermatitis ; pt:severity ad:Severe ]"
    return f'{PREFIXES}{iri} a pt:Patient ; {as_of} pt:birthDate "2018-03-14"^^xsd:date ; {more} {disease} .\n'


def weight(value: str = "24.5", unit: str = '"kg"', more: str = "") -> str:
    return patient(f'pt:observation [ a ad:BodyWeight ; pt:value {value} ; pt:unit {unit} ; pt:date "2026-10-20"^^xsd:date {more} ] ;')


def ended(date: str, kind: str = "date") -> str:
    return patient(f'pt:course [ a ad:WetWrapTherapy ; pt:end "{date}"^^xsd:{kind} ; pt:outcome pt:InadequateResponse ] ;')


def linked(more: str = "", name: str = "urn:example:p", context: str = CONTEXT) -> str:
    return f'{{"@context":{{{context}}},"@id":"{name}","@type":"pt:Patient"{more}}}'


def xml(inner: str = "", head: str = "", tail: str = "</pt:Patient></rdf:RDF>") -> str:
    return f'<?xml version="1.0"?>{head}{RDF}<pt:Patient rdf:about="urn:example:p">{inner}{tail}'


OK = ""
Row = tuple[str, str, str | bytes, str, int]
TABLE: list[Row] = [
    # --- syntax and encoding
    ("empty", ".ttl", "", "no node is a pt:Patient", 3),
    ("no RDF", ".ttl", "hello world", "line 1", 3),
    ("cut off", ".ttl", patient()[:-20], "line 9", 3),
    ("no dot", ".nt", "<urn:a> <urn:b> <urn:c>", "line 1", 3),
    ("unknown ending", ".txt", patient(), "no RDF syntax", 3),
    ("ending in capitals", ".TTL", patient(), OK, 0),
    ("byte order mark", ".ttl", b"\xef\xbb\xbf" + patient().encode(), OK, 0),
    ("UTF-16", ".ttl", patient().encode("utf-16"), "UTF-16", 3),
    ("not UTF-8", ".ttl", patient('rdfs:label "x" ;').encode().replace(b'"x"', b'"\xff"'), "Invalid UTF-8", 3),
    ("NUL", ".ttl", patient() + "\0", "'\\x00' is not allowed", 3),
    ("CRLF", ".ttl", patient().replace("\n", "\r\n"), OK, 0),
    ("XML cut off", ".rdf", xml(tail=""), "no element found", 3),
    ("no XML", ".rdf", "hello", "mend the XML", 3),
    *(
        (f"XML in {name}", ".rdf", xml().replace('"1.0"', f'"1.0" encoding="{name}"'), f"the XML is in {name}", 3)
        for name in ("UTF-9", "UTF-7", "cp037", "ISO-8859-1")
    ),
    ("XML entity", ".rdf", xml("&e;", ENTITY), "document type or entities", 3),
    ("XML entity in capitals", ".RDF", xml("&e;", ENTITY), "document type or entities", 3),
    ("XML entity far down", ".rdf", xml("&e;", f"<!--{'x' * 100_001}-->{ENTITY}"), "document type or entities", 3),
    ("JSON cut off", ".jsonld", '{"@context":', "line 1 column 13", 3),
    ("JSON escape from the frame", ".jsonld", '1],"@id":"urn:x","y":[1', "Extra data", 3),
    # --- depth
    ("deep Turtle", ".ttl", patient("pt:condition " + "[ pt:condition " * NESTED + "1" + "]" * NESTED + ";"), DEEP, 3),
    ("deep collection", ".ttl", patient("pt:condition " + "(" * NESTED + ")" * NESTED + ";"), DEEP, 3),
    ("depth hidden by a string", ".ttl", patient(f'rdfs:label "{"]" * NESTED}" ; pt:condition {"(" * NESTED}{")" * NESTED} ;'), DEEP, 3),
    ("depth between escapes", ".ttl", patient(f"<urn:x> pt:a\\' ; pt:condition {'[ pt:condition ' * 300}1{']' * 300} ; pt:b pt:a\\' ;"), DEEP, 3),
    ("brackets in a string", ".ttl", patient(f'rdfs:label "{"[" * 300}" ;'), OK, 0),
    ("brackets in a comment", ".ttl", patient() + "# " + "(" * 300, OK, 0),
    ("deep TriG", ".trig", PREFIXES + "{" * NESTED, DEEP, 3),
    ("deep JSON", ".jsonld", '{"a":' * NESTED + "1" + "}" * NESTED, DEEP, 3),
    ("deep JSON hidden by a string", ".jsonld", '{"x":"' + "]" * NESTED + '","y":' + "[" * NESTED + "]" * NESTED + "}", DEEP, 3),
    ("deep XML", ".rdf", xml("<pt:a><pt:B>" * NESTED + "</pt:B></pt:a>" * NESTED), DEEP, 3),
    ("deep triple terms", ".ttl", patient("rdfs:comment " + "<<( <urn:a> <urn:b> " * 50_000 + "1" + " )>>" * 50_000 + ";"), DEEP, 3),
    ("triple term", ".ttl", patient("rdfs:comment <<( <urn:a> <urn:b> 1 )>> ;"), "speaks of a triple", 3),
    ("annotated triple", ".ttl", f'{PREFIXES}<urn:p> a pt:Patient {{| rdfs:comment "x" |}} .', "speaks of a triple", 3),
    # --- JSON-LD
    ("JSON-LD", ".jsonld", linked(), OK, 0),
    ("remote context", ".jsonld", '{"@context" : "http://127.0.0.1:9/c"}', REMOTE, 3),
    ("remote context in a list", ".jsonld", '{"@context":["http://127.0.0.1:9/c"]}', REMOTE, 3),
    ("remote context behind another", ".jsonld", f'{{"@context":[{{{CONTEXT}}},"http://127.0.0.1:9/c"]}}', "mend:", 3),
    ("remote context escaped", ".jsonld", '{"@c\\u006fntext":"http://127.0.0.1:9/c"}', "mend:", 3),
    ("remote context inside", ".jsonld", linked(',"pt:condition":{"@context":"c.jsonld"}'), REMOTE, 3),
    ("remote import", ".jsonld", linked(context='"@import":"http://127.0.0.1:9/c",' + CONTEXT), REMOTE, 3),
    ("unmapped key", ".jsonld", linked(',"birthDate":"2018-01-01"'), "unmapped:birthDate", 3),
    ("patients under an unmapped key", ".jsonld", f'{{"patients":[{linked()}]}}', OK, 0),
    ("relative name", ".jsonld", linked(name="p"), "the IRI 'p' is relative", 3),
    ("relative name of a record", ".jsonld", linked(',"pt:condition":{"@id":"c","@type":"ad:Pregnancy"}'), "the IRI 'c' is relative", 3),
    ("no IRI", ".jsonld", linked(',"pt:condition":{"@id":"urn:a b","@type":"ad:Pregnancy"}'), "'urn:a b' is no IRI", 3),
    ("no IRI as class", ".jsonld", linked(',"pt:condition":{"@type":"ad:Preg nancy"}'), "'ad:Preg nancy' is no IRI", 3),
    ("no IRI as key", ".jsonld", linked(',"pt:se x":1'), "'pt:se x' is no IRI", 3),
    ("no IRI by another key", ".jsonld", linked(',"pt:absent":"ad:Tuber culosis"', context=LINKS), "is no IRI", 3),
    # --- numbers
    ("floating point", ".ttl", weight("1e400"), INEXACT, 3),
    ("exponent", ".ttl", weight('"1e400"^^xsd:decimal'), INEXACT, 3),
    ("a million digits", ".ttl", weight("1" * 1_000_000), INEXACT, 3),
    ("a million decimals", ".ttl", weight("0." + "1" * 1_000_000), "0.111111111111 kg is outside", 3),
    ("not a number", ".ttl", weight('"NaN"^^xsd:decimal'), INEXACT, 3),
    ("infinity", ".ttl", weight('"INF"^^xsd:decimal'), INEXACT, 3),
    ("Arabic digits", ".ttl", weight('"٢٤"^^xsd:decimal'), INEXACT, 3),
    ("a string", ".ttl", weight('"24.5"'), INEXACT, 3),
    ("negative", ".ttl", weight("-24.5"), "is outside", 3),
    ("age of fifty digits", ".ttl", f"{PREFIXES}<urn:p> a pt:Patient ; {AS_OF} pt:ageYears {'1' * 50} .", "is not a plain number", 3),
    ("age of 1e9", ".ttl", f"{PREFIXES}<urn:p> a pt:Patient ; {AS_OF} pt:ageYears 1000000000 .", "is not a plain number", 3),
    ("sessions of fifty digits", ".ttl", patient(f"pt:course [ a ad:NarrowbandUVB ; pt:sessions {'1' * 50} ] ;"), "is not a count", 3),
    # --- units
    ("unit twice", ".ttl", weight(unit='"kg kg"'), UNIT, 3),
    ("unit of braces", ".ttl", weight(unit='"' + "{" * 200 + '"'), UNIT, 3),
    ("unit of 10 kB", ".ttl", weight(unit='"' + "kg." * 3500 + 'kg"'), "(10,502 characters)", 3),
    ("unit of 9 MB", ".ttl", weight(unit='"' + "kg." * 3_000_000 + '"'), UNIT, 3),
    ("unit that never ends", ".ttl", weight(unit='"10*999999999.g"'), UNIT, 3),
    ("unit beyond floating point", ".ttl", weight(unit='"10*99.10*99.10*99.10*99.g"'), UNIT, 3),
    ("unit that is an IRI", ".ttl", weight(unit="<urn:kg>"), UNIT, 3),
    ("pounds", ".ttl", weight("54", '"[lb_av]"'), OK, 0),
    # --- dates
    *[
        (f"date {date}", ".ttl", ended(date), LOST, 3)
        for date in ("0000-00-00", "99999-01-01", "-0044-03-15", "2026-01-01Z", "2026-01-01+14:00", "2026-02-30", "2023-02-29", "2026", "")
    ],
    ("leap day", ".ttl", ended("2024-02-29"), OK, 0),
    ("before birth", ".ttl", ended("0001-01-01"), "is before pt:birthDate", 3),
    ("date with time", ".ttl", ended("2026-01-01T00:00:00", "dateTime"), LOST, 3),
    ("two days", ".ttl", patient(as_of='pt:asOf "2026-11-01"^^xsd:date , "2026-11-02"^^xsd:date ;'), "two values of pt:asOf", 3),
    ("a day that is an IRI", ".ttl", patient(as_of="pt:asOf <urn:x> ;"), "urn:x of pt:asOf is not a calendar date", 3),
    ("a day that is a word", ".ttl", patient(as_of='pt:asOf "soon" ;'), "soon of pt:asOf is not a calendar date", 3),
    ("a day far away", ".ttl", patient(as_of='pt:asOf "9999-12-31"^^xsd:date ;'), "older than 130 years", 3),
    ("a day before birth", ".ttl", patient(as_of='pt:asOf "0001-01-01"^^xsd:date ;'), "is after pt:asOf", 3),
    # --- names
    ("relative IRI", ".ttl", patient(iri="<p>"), "No scheme found", 3),
    ("IRI with a space", ".ttl", patient(iri="<urn:a b>"), "Invalid IRI code point ' '", 3),
    ("IRI with a quote", ".ttl", patient(iri='<urn:a"b>'), "Invalid IRI code point", 3),
    ("IRI with an escape", ".ttl", patient(iri="<urn:a\\u001Bb>"), "'\\x1b'", 3),
    ("IRI with a line end", ".ttl", patient(iri="<urn:a\\u000Ab>"), "'\\n'", 3),
    ("blank patient", ".ttl", patient(iri="_:p"), OK, 0),
    ("terminal escape", ".ttl", patient('pt:sex "\\u001b[2J\\u202e\\nmend: fine" ;'), "\\x1b[2J\\u202e\\nmend: fine is not one of its values", 3),
    ("long text", ".ttl", patient(f'pt:sex "{"x" * 1_000_000}" ;'), "(1,000,000 characters)", 3),
    ("slots in a text", ".ttl", patient('pt:sex "{$this}{?value}" ;'), "pt:sex {$this}{?value} is not", 3),
    # --- what is not the patient's to say
    ("word of the ontology", ".ttl", patient() + "ad:Dupilumab a ad:Foo .", "says something of ad:Dupilumab", 3),
    ("fact", ".ttl", patient("fact:hasCondition [ a ad:Pregnancy ] ;"), "unknown property fact:hasCondition", 3),
    ("day number", ".ttl", patient("pt:assessment [ a ad:InfectionReview ; dg:day 9999999 ] ;"), "unknown property dg:day", 3),
    ("class of one's own", ".ttl", patient("pt:condition [ a <urn:x> ] ;") + "<urn:x> dg:within dg:Condition .", "<urn:x> has dg:within", 3),
    ("cause of one's own", ".ttl", patient("pt:condition [ pt:causedBy [ a ad:Dupilumab ; dg:within ad:X ] ] ;"), "has dg:within", 3),
    ("rule aside", ".ttl", patient("dcterms:relation <urn:x> ;") + "<urn:x> dg:measures ad:BodyWeight .", "<urn:x> has dg:measures", 3),
    ("record aside", ".ttl", patient("dcterms:relation <urn:x> ;") + "<urn:x> pt:condition [ a ad:Pregnancy ] .", "hangs off no patient", 3),
    ("stray record", ".ttl", patient() + "<urn:x> a ad:Pregnancy .", "<urn:x> hangs off no patient", 3),
    ("misspelt property", ".ttl", patient("pt:observations [ a ad:BodyWeight ] ;"), "nearest known name is pt:observation", 3),
    ("patient as its record", ".ttl", patient("pt:condition <urn:example:p> ;"), "pt:Patient is no known subclass", 3),
    ("import", ".ttl", patient() + "<urn:o> a owl:Ontology ; owl:imports <http://127.0.0.1:9/x> .", OK, 0),
]  # fmt: skip


def run(*args: str, stdin: bytes = b"") -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(cli.app, args, input=stdin, prog_name="dermograph")


def statuses(out: str) -> dict[str, dict[str, str]]:
    return {a["patient"]: {t["therapy"]: t["status"] for t in a["therapies"]} for a in map(json.loads, out.splitlines())}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr("socket.socket.connect", refused)


@pytest.fixture(autouse=True)
def swift() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_input(row: Row, tmp_path: Path) -> None:
    name, suffix, data, expected, code = row
    file = tmp_path / f"{name.replace(' ', '-')}{suffix}"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    ran = run("assess", str(file), "--format", "jsonl")
    assert ran.exit_code == code, ran.stderr[:2000]
    assert expected in ran.stderr
    assert "Traceback" not in ran.stderr and "a bug" not in ran.stderr
    if code:
        assert str(file) in ran.stderr and len(ran.stderr) < 5000 and not ran.stdout
        assert all(c.isprintable() or c == "\n" for c in ran.stderr)
        assert run("validate", str(file)).exit_code == code
    else:
        assert not ran.stderr and len(statuses(ran.stdout)) == 1


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ('"24"^^xsd:int', "24"), ("24.50000000000000000000000000001", "24.5"), ("+024.50", "24.5"), ("24500", "24.5"),
    ],
)  # fmt: skip
def test_a_number_is_what_it_is_however_written(value: str, same: str, knowledge: Knowledge) -> None:
    unit = '"g"' if value == "24500" else '"kg"'
    found, expected = (
        next(t for t in knowledge.truths(knowledge.read(text))[1] if t.predicate.value.endswith("#bodyWeight"))
        for text in (weight(value, unit), weight(same))
    )
    assert str(found) == str(expected)


def test_a_weight_just_below_a_threshold_stays_below(knowledge: Knowledge) -> None:
    for value, holds in (("29.999999999999999999999999999999", True), ("30.000000000000000000000000000001", False)):
        (one,) = knowledge.read(weight(value))
        assert knowledge.case(one).holds("ad:WeightFrom15Under30") is holds


def test_a_canonical_value_is_worked_out_and_not_believed(knowledge: Knowledge) -> None:
    expected, found = (knowledge.assess(weight(more=more)).to_json()["therapies"] for more in ("", "; dg:canonicalValue 80.0"))
    assert found == expected


# --- several patients


def shared(name: str, as_of: str, node: str) -> str:
    return patient(f"pt:course {node} ;", f"<urn:example:{name}>", f'pt:asOf "{as_of}"^^xsd:date ;')


WRAPS = '{} a ad:WetWrapTherapy ; pt:start "2026-01-01"^^xsd:date ; pt:end "2026-03-01"^^xsd:date ; pt:outcome pt:InadequateResponse .\n'
DUPILUMAB = '{} a ad:Dupilumab ; pt:start "2026-01-01"^^xsd:date .\n'


@pytest.mark.parametrize("node", ["<urn:example:course>", "_:course", "_:the-course-of-therapy-of-the-only-patient"])
def test_a_name_that_two_files_give_to_two_things_is_two_things(node: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one.ttl", tmp_path / "two.ttl"
    one.write_text(shared("a", "2026-02-01", node) + WRAPS.format(node))
    two.write_text(shared("b", "2026-11-01", node) + DUPILUMAB.format(node))
    alone = [statuses(run("assess", str(path), "--format", "jsonl").stdout) for path in (one, two)]
    together = run("assess", str(one), str(two), "--format", "jsonl")
    assert together.exit_code == 0
    assert statuses(together.stdout) == alone[0] | alone[1]


def test_a_course_of_two_patients_is_asked_of_each_as_of_its_own_day(knowledge: Knowledge) -> None:
    node = "<urn:example:course>"
    texts = [shared(name, day, node) + WRAPS.format(node) for name, day in (("a", "2026-02-01"), ("b", "2026-11-01"))]
    alone = [knowledge.assess(text) for text in texts]
    assert list(knowledge.assess_all(knowledge.read("".join(texts)))) == alone
    assert alone[0].therapies != alone[1].therapies


def test_one_patient_twice_is_answered_twice(knowledge: Knowledge) -> None:
    early, late = (knowledge.read(patient(), as_of=dt.date(year, 11, 1)) for year in (2020, 2026))
    answers = list(knowledge.assess_all(early + late + early))
    assert [a.as_of for a in answers if not isinstance(a, InvalidInput)] == ["2020-11-01", "2026-11-01", "2020-11-01"]


def test_good_patients_among_bad_ones_are_answered_in_order(tmp_path: Path) -> None:
    good, bad, broken, many = (tmp_path / f"{name}.ttl" for name in ("good", "bad", "broken", "many"))
    good.write_text(patient())
    bad.write_text(weight("-1"))
    broken.write_text("hello")
    many.write_text("".join(patient(f"pt:sex {'pt:Male' if i % 3 else 'pt:Mael'} ;", f"<urn:example:{i}>") for i in range(6)))
    ran = run("assess", str(broken), str(good), str(bad), str(tmp_path), str(many), str(tmp_path / "none.ttl"), "--format", "jsonl")
    assert ran.exit_code == 3
    assert list(statuses(ran.stdout)) == ["urn:example:p", *(f"urn:example:{i}" for i in (1, 2, 4, 5))]
    for name in ("broken.ttl", "bad.ttl", "Is a directory", "urn:example:0", "urn:example:3", "none.ttl"):
        assert name in ran.stderr


def test_a_patient_that_another_points_to_is_no_record_of_it(tmp_path: Path) -> None:
    file = tmp_path / "two.ttl"
    file.write_text(patient("pt:condition <urn:example:q> ;") + patient(iri="<urn:example:q>"))
    ran = run("assess", str(file), "--format", "jsonl")
    assert ran.exit_code == 3 and list(statuses(ran.stdout)) == ["urn:example:q"]


def test_named_graphs_of_a_patient_are_read_together(knowledge: Knowledge) -> None:
    head, body = patient("pt:sex pt:Male ;").split("<urn:example:p>")
    trig = f"{head} <urn:g1> {{ <urn:example:p> {body} }} <urn:g2> {{ <urn:example:p> pt:absent ad:Tuberculosis . }}".encode()
    (found,) = knowledge.read(trig, suffix=".trig")
    (expected,) = knowledge.read(patient("pt:sex pt:Male ; pt:absent ad:Tuberculosis ;"))
    assert found.digest() == expected.digest()


def test_a_caller_may_ask_while_answers_come(knowledge: Knowledge) -> None:
    for answer in knowledge.assess_all(knowledge.read(patient())):
        assert knowledge.assess(patient()) == answer


# --- size


@pytest.mark.parametrize(
    ("flood", "expected"),
    [
        (b"#" * (50 << 20), "33,554,432 bytes"),
        (patient().encode() + b"#" * (31 << 20), "too long to be read"),
        (patient('rdfs:label "' + "x" * (31 << 20) + '" ;').encode(), "too long to be read"),
        (patient(f"rdfs:comment {','.join(map(str, range(60_000)))} ;").encode(), "50,000 triples"),
    ],
    ids=["50 MB", "comment", "text", "triples"],
)
def test_a_flood_ends_in_an_error(flood: bytes, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "TRIPLES", 50_000)
    with pytest.raises(InputError, match=expected):
        record.read(flood, "flood")


def test_ten_thousand_observations(knowledge: Knowledge) -> None:
    day = dt.date(2019, 1, 1)
    rows = (
        f'pt:observation [ a ad:BodyWeight , ad:BodyWeight ; pt:value 24.5 ; pt:unit "kg" ; pt:date "{day + dt.timedelta(i % 2800)}"^^xsd:date ] ;'
        for i in range(10_000)
    )
    assert knowledge.assess(patient(" ".join(rows))).patient == "urn:example:p"


def test_ten_thousand_patients(knowledge: Knowledge) -> None:
    rows = (f'<urn:example:{i}> a pt:Patient ; pt:asOf "2026-11-01"^^xsd:date ; pt:ageYears 8 .' for i in range(10_000))
    records = knowledge.read(PREFIXES + "\n".join(rows))
    assert [r.name for r in records] == [f"urn:example:{i}" for i in range(10_000)]
    assert len(list(knowledge.assess_all(records[:300]))) == 300


# --- the command line


def process(before: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, after some Python."""
    code = f"import os, resource, sys\n{before}\nos.execv(sys.executable, [sys.executable, '-m', 'dermograph', *{args!r}])"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    return subprocess.run([sys.executable, "-c", code], input=patient(), capture_output=True, text=True, check=False, timeout=20, env=env)


def test_a_file_without_end_ends() -> None:
    ran = process("resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))", "assess", "/dev/zero")
    assert ran.returncode == 3 and "33,554,432 bytes" in ran.stderr


def test_closed_streams() -> None:
    ran = process("os.close(0)", "assess", "-")
    assert ran.returncode == 3 and "standard input" in ran.stderr and "mend:" in ran.stderr
    assert process("os.close(1)", "assess", "-").returncode == 0


@pytest.mark.parametrize("day", ["nonsense", "2026-13-01", "0000-01-01", "99999-01-01", "", "1.5e3"])
def test_a_day_that_is_none(day: str, tmp_path: Path) -> None:
    file = tmp_path / "p.ttl"
    file.write_text(patient())
    assert run("assess", str(file), "--as-of", day).exit_code == 2


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_that_is_out_of_reach(day: str, tmp_path: Path) -> None:
    file = tmp_path / "p.ttl"
    file.write_text(patient())
    ran = run("assess", str(file), "--as-of", day)
    assert ran.exit_code == 3 and "birthDate" in ran.stderr


@pytest.mark.parametrize("command", [["explain", "dupilumab"], ["validate"], ["pathway"], ["query", "adequate-trials", "--on"]], ids=lambda c: c[0])
@pytest.mark.parametrize("path", ["none.ttl", "."])
def test_no_file(command: list[str], path: str) -> None:
    args = [command[0], path, *command[1:]] if command[0] == "explain" else [*command, path]
    ran = run(*args)
    assert ran.exit_code == 3 and path in ran.stderr and "mend:" in ran.stderr


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match=r"p\.ttl: Permission denied"):
        record.read_path(Path("p.ttl"))
