"""The command line: each command, its formats, its exit codes, and what it does with bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import typer.testing

from dermograph import Knowledge, cli
from dermograph.questions import ask, guideline_store

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "cli"
MIA = str(DATA / "mia.ttl")
BAD = str(DATA / "two-birth-dates.ttl")
BROKEN = str(DATA / "broken.ttl")
THREE = str(DATA / "good-bad-good.ttl")
LIGHT, HEAVY = str(DATA / "label-w-20-kg.ttl"), str(DATA / "label-w-70-kg.ttl")
DUPILUMAB = "ad:Dupilumab"


class Ran:
    """What a command gave back."""

    def __init__(self, *args: str, stdin: str | bytes | None = None) -> None:
        result = typer.testing.CliRunner().invoke(cli.app, args, input=stdin, prog_name="dermograph")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    def json(self) -> Any:
        return json.loads(self.out)


def process(*args: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own."""
    paths = {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-m", "dermograph", *args], capture_output=True, text=True, env=os.environ | paths, check=False, timeout=60, **given
    )


def verdict(answer: Any, therapy: str) -> Any:
    return next(t for t in answer["therapies"] if t["therapy"] == therapy)


# --- assess


def test_assess_gives_one_object_for_one_patient() -> None:
    ran = Ran("assess", MIA, "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json()["patient"] == "urn:example:mia"
    assert verdict(ran.json(), DUPILUMAB)["status"] == "eligible"


def test_assess_gives_an_array_for_several_patients_in_order() -> None:
    ran = Ran("assess", HEAVY, MIA, LIGHT, "--format", "json")
    assert ran.code == 0
    assert [a["patient"] for a in ran.json()] == ["urn:example:heavy", "urn:example:mia", "urn:example:light"]


def test_assess_gives_one_line_for_each_patient() -> None:
    ran = Ran("assess", MIA, THREE, "--format", "jsonl")
    assert [json.loads(line)["patient"] for line in ran.out.splitlines()] == ["urn:example:mia", "urn:example:first", "urn:example:third"]
    assert ran.code == 3


def test_one_bad_patient_does_not_stop_the_others() -> None:
    ran = Ran("assess", THREE, "--format", "json")
    assert ran.code == 3
    assert [a["patient"] for a in ran.json()] == ["urn:example:first", "urn:example:third"]
    assert THREE in ran.err and "urn:example:second" in ran.err and "[" in ran.err


def test_unreadable_files_do_not_stop_the_others() -> None:
    ran = Ran("assess", BROKEN, "no-such-file.ttl", MIA, BAD, "--format", "json")
    assert ran.code == 3
    assert [a["patient"] for a in ran.json()] == ["urn:example:mia"]
    for word in (BROKEN, "no-such-file.ttl", "mend:", "urn:example:twice-born", "2018-04-13", "say each thing once"):
        assert word in ran.err
    assert "Traceback" not in ran.err


def test_a_bad_patient_alone_leaves_the_output_empty() -> None:
    ran = Ran("assess", BAD, "--format", "json")
    assert (ran.code, ran.out) == (3, "")


def test_a_patient_that_comes_twice_is_assessed_twice() -> None:
    ran = Ran("assess", MIA, MIA, "--format", "jsonl", "--as-of", "2026-12-01")
    first, second = map(json.loads, ran.out.splitlines())
    assert first == second


def test_labels_of_blank_nodes_belong_to_their_file() -> None:
    alone = [Ran("assess", path, "--format", "json").json() for path in (LIGHT, HEAVY)]
    assert Ran("assess", LIGHT, HEAVY, "--format", "json").json() == alone


def test_the_day_asked_about_may_be_overridden() -> None:
    ran = Ran("assess", MIA, "--as-of", "2028-01-01", "--format", "json")
    assert ran.json()["asOf"] == "2028-01-01"
    assert verdict(ran.json(), DUPILUMAB)["status"] == "deferred"  # the reviews have expired


def test_assess_reads_standard_input() -> None:
    turtle = (DATA / "mia.ttl").read_text(encoding="utf-8")
    assert Ran("assess", "-", "--format", "json", stdin=turtle).json() == Ran("assess", MIA, "--format", "json").json()
    ran = Ran("assess", "-", "--syntax", "jsonld", "--format", "json", stdin=(DATA / "mia-jsonld.json").read_text(encoding="utf-8"))
    assert ran.json()["patient"] == "urn:example:json"
    assert Ran("assess", "-", "-", stdin=turtle).code == 2


@pytest.mark.filterwarnings("ignore:Dataset.default_context:DeprecationWarning")  # rdflib warns of itself
def test_engines_give_equal_answers() -> None:
    oxigraph, rdflib = (Ran("assess", MIA, "--format", "json", "--engine", engine).json() for engine in ("oxigraph", "rdflib"))
    assert oxigraph == rdflib


def test_table_says_what_a_clinician_needs() -> None:
    ran = Ran("assess", MIA, THREE)
    assert ran.code == 3
    for words in ("Eligible now", "600 mg once", "Deferred", "Excluded", "at dupilumab; next", "What to do next"):
        assert words in re.sub(r"[\s│]+", " ", ran.out), words
    assert ran.out.count("Not a medical device: a clinician decides.") == 1


def test_markdown_has_a_row_for_each_therapy(knowledge: Knowledge) -> None:
    ran = Ran("assess", MIA, "--format", "md")
    for therapy in knowledge.tree["rows"].values():
        assert f"| {therapy['label']} |" in ran.out
    assert ran.out.count("Not a medical device: a clinician decides.") == 1


def test_turtle_is_one_graph() -> None:
    ran = Ran("assess", MIA, THREE, "--format", "ttl")
    store = ox.Store()
    store.load(ran.out.encode(), format=ox.RdfFormat.TURTLE)
    count = "SELECT (COUNT(DISTINCT ?p) AS ?n) WHERE { ?v <https://w3id.org/dermograph/core#ofPatient> ?p }"
    solutions = store.query(count)
    assert isinstance(solutions, ox.QuerySolutions)
    assert [row["n"].value for row in solutions] == ["3"]


@pytest.mark.parametrize(("stage", "holds"), [("record", "dg:canonicalValue"), ("facts", "fact:bodyWeight"), ("criteria", "owl:complementOf")])
def test_a_stage_is_one_named_graph(stage: str, holds: str) -> None:
    ran = Ran("assess", MIA, "--stop-after", stage)
    graphs = {str(q.graph_name) for q in ox.parse(ran.out, format=ox.RdfFormat.TRIG)}
    assert (ran.code, graphs) == (0, {f"<urn:dermograph:{stage}>"})
    assert holds in ran.out


def test_a_bad_patient_is_left_out_of_a_stage() -> None:
    ran = Ran("assess", THREE, "--stop-after", "criteria")
    assert ran.code == 3
    assert "urn:example:third" in ran.out and "urn:example:second" not in ran.out


@pytest.mark.parametrize("flood", [b"#" * (33 * 1024 * 1024), b"[" * 100_000, b"\xff\xfe\x00", b""])
def test_a_flood_or_rubbish_ends_in_an_error(flood: bytes) -> None:
    ran = Ran("assess", "-", stdin=flood)
    assert (ran.code, ran.out) == (3, "")
    assert "standard input" in ran.err and "mend:" in ran.err


# --- explain


@pytest.mark.parametrize("name", ["ad:Dupilumab", "Dupilumab", "dupilumab", "https://w3id.org/dermograph/ad#Dupilumab"])
def test_explain_takes_a_therapy_by_any_name(name: str) -> None:
    ran = Ran("explain", MIA, name, "--format", "json")
    assert ran.json()["therapy"] == DUPILUMAB


def test_explain_of_an_unknown_therapy_names_the_nearest() -> None:
    ran = Ran("explain", MIA, "Dupilimab")
    assert (ran.code, ran.out) == (2, "")
    assert "the nearest is ad:Dupilumab" in ran.err


def test_explain_goes_down_to_values_and_up_to_sources() -> None:
    for format in ("text", "md"):
        text = re.sub(r"[\s│├─└]+", " ", Ran("explain", MIA, "dupilumab", "--format", format).out)
        for words in ("eligible, rank 1", "wet wraps inadequate response, 2026-09-01", "P-098", "600 mg once", "a clinician decides"):
            assert words in text, (format, words)


def test_explain_refuses_several_patients() -> None:
    assert Ran("explain", THREE, "dupilumab").code == 3


# --- validate


def test_validate_reports_each_patient() -> None:
    ran = Ran("validate", MIA, THREE, BROKEN, "--format", "json")
    assert ran.code == 3
    told = {(row["patient"], row["valid"]) for row in ran.json()}
    assert told == {
        ("urn:example:mia", True), ("urn:example:first", True), ("urn:example:second", False), ("urn:example:third", True), (None, False),
    }  # fmt: skip
    assert Ran("validate", MIA).out == f"{MIA}: urn:example:mia: valid\n"


def test_pyshacl_agrees_with_the_fast_route() -> None:
    def breaches(*more: str) -> set[tuple[str, str]]:
        rows = Ran("validate", MIA, THREE, BAD, "--format", "json", *more).json()
        return {(row["patient"], f["shape"]) for row in rows for f in row["findings"]}

    assert breaches() == breaches("--reference")


# --- query


def test_questions_are_listed() -> None:
    ran = Ran("query", "--list", "--format", "json")
    names = {row["question"] for row in ran.json()}
    assert names == {path.stem for path in (ROOT / "queries" / "ask").glob("*.rq")}


@pytest.mark.parametrize("name", ["adequate-trials", "conditions-that-must-be-screened"])
def test_a_question_gives_the_rows_expected_of_it(name: str) -> None:
    with (ROOT / "tests" / "questions" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.reader(file))
    assert list(csv.reader(io.StringIO(Ran("query", name, "--format", "csv").out))) == expected
    variables = Ran("query", name, "--format", "json").json()["head"]["vars"]
    assert variables == expected[0]
    assert expected[0][0] in Ran("query", name).out


def test_a_query_may_be_a_file_on_a_patient() -> None:
    ran = Ran("query", str(DATA / "eligible.rq"), "--on", MIA, "--format", "csv")
    assert ran.out.splitlines() == ["therapy", DUPILUMAB]
    facts = "SELECT ?kg WHERE { GRAPH <urn:dermograph:facts> { ?patient fact:bodyWeight ?kg } }"
    assert Ran("query", "-", "--on", MIA, "--format", "csv", stdin=facts).out.splitlines() == ["kg", "24.5"]


def test_construct_and_ask_have_their_formats() -> None:
    construct = "CONSTRUCT { ?g a dg:Guideline } WHERE { ?g a dg:Guideline }"
    assert Ran("query", "-", "--format", "ttl", stdin=construct).out.count("a dg:Guideline") == 2
    assert len(Ran("query", "-", "--format", "csv", stdin=construct).out.splitlines()) == 3
    assert Ran("query", "-", "--format", "json", stdin="ASK { ?g a dg:Guideline }").json() == {"head": {}, "boolean": True}
    assert Ran("query", "-", "--format", "ttl", stdin="ASK { ?g a dg:Guideline }").code == 2
    assert Ran("query", "adequate-trials", "--format", "ttl").code == 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://example.org/> { ?s ?p ?o } }",
        "select * {service silent ?x { ?s ?p ?o }}",
        "DELETE WHERE { ?s ?p ?o }",
        "SELECT",
    ],
)
def test_what_is_no_local_question_is_refused(query: str) -> None:
    ran = Ran("query", "-", stdin=query)
    assert ran.code == 3 and "mend:" in ran.err and "Traceback" not in ran.err


def test_an_unknown_question_names_the_nearest() -> None:
    ran = Ran("query", "adequate-trial")
    assert ran.code == 2 and "adequate-trials" in ran.err
    assert Ran("query").code == 2
    assert Ran("query", "missing.rq").code == 3


def test_the_store_of_questions_has_the_closure() -> None:
    answer = ask(guideline_store(ROOT / "ontology"), "ASK { ?a dg:within ?a }", "the question")
    assert isinstance(answer, ox.QueryBoolean) and bool(answer)


# --- criterion, pathway, schema


def test_a_criterion_is_written_three_ways() -> None:
    assert "- not: " in Ran("criterion", "ad:DiagnosisSettled").out
    frame = Ran("criterion", "WeightFrom5Under15", "--as", "manchester").out
    assert "EquivalentTo: fact:bodyWeight some xsd:decimal[>= 5.0, < 15.0]" in frame
    query = Ran("criterion", "ad:DiagnosisSettled", "--as", "sparql").out
    assert isinstance(ox.Store().query(query), ox.QuerySolutions)
    assert Ran("criterion", "ad:DiagnosisSetled").code == 2


def test_a_criterion_tells_its_truth_for_a_patient() -> None:
    ran = Ran("criterion", "ad:WeightFrom15Under30", "--on", MIA)
    assert "urn:example:mia, as of 2026-11-01: holds" in ran.out
    assert "body weight 24.5 kg, 2026-10-20" in ran.out
    assert Ran("criterion", "ad:WeightFrom15Under30", "--on", BAD).code == 3


@pytest.mark.parametrize("format", ["mermaid", "svg", "dot"])
def test_a_pathway_marks_the_place_of_the_patient(format: str, knowledge: Knowledge) -> None:
    plain, marked = Ran("pathway", "--format", format), Ran("pathway", MIA, "--format", format)
    assert plain.code == marked.code == 0
    assert "THE PATIENT IS HERE" not in plain.out
    assert marked.out.count("THE PATIENT IS HERE") == 1 and marked.out.count("NEXT") == 2
    for guideline in knowledge.tree["guidelines"].values():
        assert guideline["label"] in plain.out
    if format == "svg":
        root = ElementTree.fromstring(marked.out)
        boxes = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("rx")]
        assert len(boxes) == len(knowledge.tree["steps"])


def test_a_pathway_of_one_guideline() -> None:
    ran = Ran("pathway", "--guideline", "ad:SystemicTherapyAfterTopicalFailure")
    assert "AdultChecklistStep" in ran.out and "WetWrapStep" not in ran.out
    assert Ran("pathway", "--guideline", "ad:Nothing").code == 2


def test_schema_is_printed() -> None:
    assert Ran("schema").json()["$schema"].endswith("2020-12/schema")


# --- coverage, derive, fmt


def test_every_statement_is_covered() -> None:
    found = Ran("coverage", "--format", "json").json()
    assert (found["carried"], found["of"]) == (318, 318)
    assert "318 of 318" in Ran("coverage").out


def ontology(folder: Path, text: str) -> str:
    (folder / "shapes").mkdir()
    (folder / "module.ttl").write_text(text, encoding="utf-8")
    return str(folder)


def test_a_statement_that_nothing_carries_fails_the_coverage(tmp_path: Path) -> None:
    declared = "dg:Statement a <http://www.w3.org/2002/07/owl#Class> .\n"
    folder = ontology(tmp_path, f"@prefix dg: <https://w3id.org/dermograph/core#> .\n{declared}<urn:example:P-1> a dg:Statement .\n")
    ran = Ran("coverage", "--ontology", folder)
    assert ran.code == 3 and "P-1" in ran.err and "0 of 1" in ran.out


def test_the_derived_module_is_fresh_and_is_written_anew(tmp_path: Path) -> None:
    assert Ran("derive", "--check").code == 0
    folder = ontology(tmp_path, "<urn:example:a> a <urn:example:B> .\n")
    assert Ran("derive", "--check", "--ontology", folder).code == 3
    assert Ran("derive", "--ontology", folder).code == 0
    assert Ran("derive", "--check", "--ontology", folder).code == 0


def test_fmt_lays_out_files_folders_and_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "a.ttl"
    file.write_text("<urn:example:a>   a <urn:example:B>.", encoding="utf-8")
    tidy = "<urn:example:a> a <urn:example:B> .\n"
    assert Ran("fmt", "-", stdin="<urn:example:a>   a <urn:example:B>.").out == tidy
    assert Ran("fmt", "--check", str(tmp_path)).code == 3
    assert Ran("fmt", str(tmp_path)).code == 0 and file.read_text(encoding="utf-8") == tidy
    assert Ran("fmt", "--check", str(file)).code == 0
    noted = tmp_path / "noted.ttl"
    noted.write_text("# ask again\n<urn:example:a>   a <urn:example:B#1>.", encoding="utf-8")
    ran = Ran("fmt", str(noted))
    assert ran.code == 3 and "noted.ttl:1: a comment" in ran.err and noted.read_text(encoding="utf-8").startswith("# ask again")
    noted.unlink()
    (tmp_path / "b.ttl").write_text("<urn:example:a> a", encoding="utf-8")
    ran = Ran("fmt", str(tmp_path), str(tmp_path / "none.ttl"))
    assert ran.code == 3 and "b.ttl" in ran.err and "none.ttl" in ran.err


# --- the program as a whole


def test_output_is_utf_8_wherever_it_goes() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dermograph", "explain", MIA, "dupilumab", "--format", "md"],
        capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "ascii"}, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0 and "✓" in ran.stdout.decode("utf-8")


def test_version_help_and_usage() -> None:
    assert re.fullmatch(r"dermograph \d+\.\d+\.\d+\n", Ran("--version").out)
    for command in ("assess", "explain", "validate", "query", "criterion", "pathway", "schema", "coverage", "derive", "fmt"):
        assert command in Ran("--help").out
        assert Ran(command, "--help").code == 0
    assert Ran("assess").code == 2
    assert Ran("assess", MIA, "--format", "xml").code == 2
    assert Ran("assess", MIA, "--as-of", "1 May").code == 2
    assert Ran("assess", MIA, "--format", "json", "--stop-after", "facts").code == 2
    assert Ran("assess", MIA, "--ontology", "no-such-folder").code == 2


def test_the_program_runs_as_a_process() -> None:
    ran = process("assess", MIA, BROKEN, "--format", "jsonl")
    assert ran.returncode == 3
    assert json.loads(ran.stdout)["patient"] == "urn:example:mia"
    assert ran.stderr.startswith("dermograph: ") and "Traceback" not in ran.stderr


def test_a_reader_that_goes_away_is_no_crash() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "dermograph", "assess", MIA, MIA, "--format", "jsonl"],
            stdout=writer, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_bug_is_told_in_a_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(Knowledge, "load", broken)
    ran = Ran("assess", MIA)
    assert ran.code == 1 and "a bug: RuntimeError: the sky fell" in ran.err and "DERMOGRAPH_DEBUG" in ran.err


@pytest.mark.parametrize("argument", ["assess", "--version"])
def test_no_command_imports_what_it_does_not_need(argument: str) -> None:
    heavy = "('rdflib', 'pyshacl', 'rich', 'owlready2', 'networkx', 'ucumvert')"
    args = ["assess", MIA, "--format", "json"] if argument == "assess" else [argument]
    Ran(*args)  # the index is worked out and kept
    code = f"import sys; from dermograph.cli import main; main({args!r}); sys.exit(' '.join(m for m in {heavy} if m in sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, check=False, timeout=60
    )
    assert ran.stderr == "\n" or ran.stderr == ""
