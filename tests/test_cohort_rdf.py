"""RDF with many patients gives the tables that its patients give one by one, however it is written, packed, ordered and cut."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from generators import patients, random_patient
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cohort import CASES, by_sql, differing, digest, made_up, one_by_one

from dermograph import InputError, Knowledge, cli
from dermograph.cohort import descriptor, population, synth, writing
from dermograph.cohort.graphs import Rows
from dermograph.cohort.graphs import rows as rows_of
from dermograph.cohort.rdf import columns, cutting
from dermograph.cohort.rdf.source import Rdf
from dermograph.cohort.run import Cohort
from dermograph.cohort.sources import source_of
from dermograph.cohort.summary import Totals
from dermograph.cohort.tables import Tables
from dermograph.content import folder
from dermograph.record import Record
from dermograph.terms import PREFIXES, expand

ROOT = Path(__file__).parent
TWINS = sorted(path for path in (ROOT / "shapes" / "patient").glob("*/*valid.ttl"))
UNUSUAL = ROOT / "cohort" / "rdf" / "unusual.ttl"
PACKED: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True)}
COUNT = 60
"""Patients that are made up."""
PT, AD = PREFIXES["pt"], PREFIXES["ad"]


# --- reading


def comparable(tables: Rows) -> Rows:
    """Rows in an order of their own, numbers without zeros at their end."""
    told = {name: [{c: v.normalize() if isinstance(v, Decimal) else v for c, v in row.items()} for row in rows] for name, rows in tables.items()}
    return {name: sorted(rows, key=lambda row: sorted((c, str(v)) for c, v in row.items())) for name, rows in told.items()}


def tables(where: Path) -> Rows:
    """Tables in Parquet."""
    found = {}
    for name in descriptor.names():
        path = where / name if (where / name).exists() else where / f"{name}.parquet"
        found[name] = pq.read_table(path).to_pylist()
    return comparable(found)


class Reading:
    """What comes of reading RDF: the tables, what was refused, and whether patients had to be gathered."""

    def __init__(self, path: Path, knowledge: Knowledge, work: Path, **options: Any) -> None:
        self.where = Rdf(path, knowledge, **({"processes": 1} | options)).tables(work, lambda what, done, of: None).folder
        self.tables = tables(self.where)
        self.rejected = pq.read_table(self.where / "rejected").to_pylist() if (self.where / "rejected").exists() else []
        self.gathered = (work / "apart").exists()


def expected(records: Iterable[Record], knowledge: Knowledge) -> Rows:
    return comparable(rows_of(records, knowledge.tree["within"]))


def nt(record: Record, me: str, mark: str) -> list[str]:
    """Lines of a record under another name, its blank nodes marked."""
    lines = [f"{t} ." for t in record.triples]
    own = str(record.patient)
    lines = [re.sub(rf"(?<!\S){re.escape(own)}(?=\s)", me, line) for line in lines]
    return [re.sub(r"(?<!\S)_:(\w+)", rf"_:{mark}\1", line) for line in lines]


def people(where: Path, form: str, count: int = COUNT, packed: str = "") -> Path:
    """Made-up patients as RDF."""
    (path,) = writing.write(synth.blocks(population.read(folder("ontology")), count, 1), where, writing.Format(form), "made up")
    if packed:
        target = path.with_name(path.name + packed)
        target.write_bytes(PACKED[packed](path.read_bytes()))
        path.unlink()
        path = target
    return path


def run(path: Path, out: Path, knowledge: Knowledge, **options: Any) -> Totals:
    return Cohort(knowledge, source_of(path, None, knowledge, threads=1), out, **options).run()


def grouped(lines: list[str]) -> list[list[str]]:
    """Lines of each patient."""
    groups: list[list[str]] = []
    for line in lines:
        if line.endswith("#Patient> ."):
            groups.append([])
        groups[-1].append(line)
    return groups


def _assessed(out: Path) -> set[str]:
    return set(pq.read_table(out / "verdicts", columns=["patient"]).column(0).to_pylist())


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Made-up patients, line by line."""
    return people(tmp_path_factory.mktemp("lines"), "nt").read_text(encoding="utf-8").splitlines()[1:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The same as tables."""
    return tables(made_up(tmp_path_factory.mktemp("made"), COUNT))


# --- the same tables


def test_patients_are_assessed_as_one_by_one(knowledge: Knowledge, tmp_path: Path) -> None:
    """Some of the cases, and valid patients with something unusual each."""
    records = [r for path in (*CASES[::4], UNUSUAL) for r in knowledge.read(path)]
    texts = ["\n".join(nt(r, f"<urn:example:{place}>", f"n{place}x")) + "\n" for place, r in enumerate(records)]
    (tmp_path / "cases.nt").write_text("".join(texts), encoding="utf-8")
    renamed = knowledge.read("".join(texts), suffix=".nt")
    read = Reading(tmp_path / "cases.nt", knowledge, tmp_path / "work", size=30_000)
    assert (read.tables, read.rejected, read.gathered) == (expected(renamed, knowledge), [], False)
    totals = run(tmp_path / "cases.nt", tmp_path / "out", knowledge, explain=True)
    assert totals == Totals(len(records), len(records), 0)
    assert not differing(one_by_one(knowledge, renamed), by_sql(tmp_path / "out"))


def test_unusual_patients(knowledge: Knowledge, tmp_path: Path) -> None:
    records = knowledge.read(UNUSUAL)
    wanted = expected(records, knowledge)
    wanted["patients"] = [row | {"asOf": None} for row in wanted["patients"]]
    for size, gathered in ((cutting.SIZE, False), (400, True)):
        read = Reading(UNUSUAL, knowledge, tmp_path / f"work{size}", size=size)
        assert (read.tables, read.rejected, read.gathered) == (wanted, [], gathered)


@pytest.mark.parametrize("form", ["nt", "nq", "ttl"])
@pytest.mark.parametrize("packed", PACKED)
def test_formats_and_packings(form: str, packed: str, made: Rows, knowledge: Knowledge, tmp_path: Path) -> None:
    read = Reading(people(tmp_path / "in", form, packed=packed), knowledge, tmp_path / "work", size=30_000)
    assert (read.tables, read.rejected, read.gathered) == (made, [], False)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [400, 20_000])
def test_blocks_change_nothing(size: int, ending: str, lines: list[str], made: Rows, knowledge: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "patients.nt"
    path.write_bytes(b"\xef\xbb\xbf" + ending.join(lines).encode())
    read = Reading(path, knowledge, tmp_path / "work", size=size)
    assert (read.tables, read.rejected, read.gathered) == (made, [], False)
    assert len(list((read.where / "patients").iterdir())) > 3


def test_the_order_within_a_patient_is_free(lines: list[str], made: Rows, knowledge: Knowledge, tmp_path: Path) -> None:
    groups = grouped(lines)
    for group in groups:
        Random(len(group)).shuffle(group)
    (tmp_path / "patients.nt").write_text("\n".join(line for group in groups for line in group), encoding="utf-8")
    read = Reading(tmp_path / "patients.nt", knowledge, tmp_path / "work", size=20_000)
    assert (unordered(read.tables), read.gathered) == (unordered(made), False)


def unordered(tables: Rows) -> Rows:
    """Tables in which the words of a cell do not stand in the order of the lines."""
    return comparable(
        {name: [row | {c: " ".join(sorted(v.split())) for c, v in row.items() if c == "site" and v} for row in rows] for name, rows in tables.items()}
    )


@pytest.mark.parametrize("order", ["sorted", "shuffled", "patients first"])
def test_patients_who_do_not_stand_together_are_gathered(order: str, lines: list[str], made: Rows, knowledge: Knowledge, tmp_path: Path) -> None:
    mixed = list(lines)
    if order == "shuffled":
        Random(1).shuffle(mixed)
    else:
        mixed.sort(key=(lambda line: line) if order == "sorted" else (lambda line: line.startswith("_:")))
    (tmp_path / "patients.nt").write_text("\n".join(mixed), encoding="utf-8")
    read = Reading(tmp_path / "patients.nt", knowledge, tmp_path / "work", size=20_000, most=100_000)
    assert (read.gathered, read.rejected) == (True, [])
    assert unordered(read.tables) == unordered(made)


def test_a_patient_in_several_files(lines: list[str], made: Rows, knowledge: Knowledge, tmp_path: Path) -> None:
    """Blank nodes are of their file, IRIs are not; so the third file adds a record with another node of the same label."""
    blank = [line for line in lines if "_:" in line]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.nt").write_text("\n".join(line for line in lines if "_:" not in line), encoding="utf-8")
    (tmp_path / "in" / "b.nt.gz").write_bytes(gzip.compress("\n".join(blank).encode()))
    (tmp_path / "in" / "c.ttl").write_text(f"<urn:example:synthetic-0000001> <{PT}course> _:course1 . _:course1 a <{AD}PUVA> .\n", encoding="utf-8")
    read = Reading(tmp_path / "in", knowledge, tmp_path / "work")
    added = {"patient": "urn:example:synthetic-0000001", "therapy": "ad:PUVA"} | dict.fromkeys(("start", "end", "outcome", "sessions"))
    assert (read.gathered, read.rejected) == (True, [])
    assert read.tables == comparable(made | {"courses": [*made["courses"], added]})


def test_many_small_files(lines: list[str], made: Rows, knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, group in enumerate(grouped(lines)):
        own = "\n".join(group)
        labels = {label: f"_:same{place}" for place, label in enumerate(dict.fromkeys(re.findall(r"_:\w+", own)))}
        (tmp_path / "in" / f"{number:03}.nt").write_text(re.sub(r"_:\w+", lambda m: labels[m[0]], own), encoding="utf-8")  # noqa: B023
    read = Reading(tmp_path / "in", knowledge, tmp_path / "work")
    assert (read.tables, read.rejected, read.gathered) == (made, [], False)
    assert len(list((read.where / "patients").iterdir())) == 1


def test_processes_change_no_byte(lines: list[str], knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "patients.nt").write_text("\n".join(lines), encoding="utf-8")
    found = [digest(Reading(tmp_path / "patients.nt", knowledge, tmp_path / f"{n}", processes=n, size=40_000).where) for n in (1, 2)]
    assert found[0] == found[1]


@settings(max_examples=40)
@given(patients(), st.randoms(use_true_random=False))
def test_random_patients_in_any_spelling(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory, patient: Any, random: Random) -> None:
    where = tmp_path_factory.mktemp("random")
    (record,) = knowledge.read(patient.turtle())
    text = "".join(spelled(line, random) for line in nt(record, "<urn:example:p>", "")) * random.choice((1, 1, 2))
    (where / "p.nt").write_bytes(text.encode())
    assert Reading(where / "p.nt", knowledge, where / "work").tables == expected(knowledge.read(text, suffix=".nt"), knowledge)


def spelled(line: str, random: Random) -> str:
    """A triple as N-Triples may also write it."""
    match random.randint(0, 7):
        case 0:
            return line.replace("> ", ">\t", 1) + "\r\n"
        case 1:
            return f"  {line[:-2]}. # it is so\n\n"
        case 2:
            return line.replace('"kg"', '"\\u006Bg"').replace("/patient#", "/\\u0070atient#") + "\n"
        case 3:
            return line.replace("XMLSchema#integer", "XMLSchema#" + random.choice(("int", "unsignedShort"))) + "\n"
        case 4:
            return line.replace('"{score}"', f'"{{score}}"^^<{expand("xsd:string")}>') + "\n# a b c .\n"
    return f"{line}\n"


@settings(max_examples=500)
@given(st.from_regex(columns.TERM, fullmatch=True))
def test_what_is_taken_as_it_is_written_is_so(term: str) -> None:
    (quad,) = ox.parse(input=f"<urn:a> <urn:b> {term} .".encode(), format=ox.RdfFormat.N_TRIPLES)
    assert str(quad.object) == term


def test_the_day_asked_about(knowledge: Knowledge, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.nt"
    born = f'<urn:example:p> <{PT}birthDate> "2020-01-01"^^<{expand("xsd:date")}> .\n'
    path.write_text(f"<urn:example:p> a <{PT}Patient> .\n".replace(" a ", f" <{expand('rdf:type')}> ") + born + born.replace("birthDate", "asOf"))
    assert Reading(path, knowledge, tmp_path / "work").rejected == []
    assert cli.main(["cohort", str(path), "--out", str(tmp_path / "b"), "--as-of", "2019-12-31"]) == 3
    (reject,) = pq.read_table(tmp_path / "b" / "rejects.parquet").to_pylist()
    assert reject["reason"].startswith("birth comes before the question; ")


# --- names


def test_patients_without_a_label_are_called_by_their_place(knowledge: Knowledge, tmp_path: Path) -> None:
    """The parser's own labels are random, and one in sixteen is shorter than the others."""
    path = tmp_path / "p.ttl"
    path.write_text(f"@prefix pt: <{PT}> . " + "[] a pt:Patient . " * 300, encoding="utf-8")
    names = [row["patient"] for row in Reading(path, knowledge, tmp_path / "work").tables["patients"]]
    assert sorted(names) == sorted(f"_:[{place}]" for place in range(1, 301))


def test_blank_nodes_as_patients(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    texts = {
        "a.ttl": f"@prefix pt: <{PT}> . _:p a pt:Patient . [] a pt:Patient ; pt:sex pt:Male . [ pt:sex pt:Female ; a pt:Patient ] .",
        "b.ttl": f"@prefix pt: <{PT}> . _:p a pt:Patient ; pt:sex pt:Male ; pt:course [ a <{AD}Dupilumab> ] .",
    }
    for name, text in texts.items():
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    for path, size in (("in", cutting.SIZE), ("in", 100)):
        read = Reading(tmp_path / path, knowledge, tmp_path / f"work{size}", size=size)
        assert {row["patient"]: row["sex"] for row in read.tables["patients"]} == {
            "a.ttl#_:p": None, "a.ttl#_:[2]": "pt:Male", "a.ttl#_:[4]": "pt:Female", "b.ttl#_:p": "pt:Male",
        }  # fmt: skip
        assert [row["patient"] for row in read.tables["courses"]] == ["b.ttl#_:p"]
    assert {row["patient"] for row in Reading(tmp_path / "in" / "b.ttl", knowledge, tmp_path / "one").tables["patients"]} == {"_:p"}


# --- what is wrong


@pytest.fixture(scope="module")
def twins(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Totals, dict[str, bool]]:
    """All twins of the patient shapes as one population, assessed; and which of them are refused one by one."""
    where, texts, refused = tmp_path_factory.mktemp("twins"), [], {}
    for place, path in enumerate(TWINS):
        patients = [q.subject for q in ox.parse(path=path) if str(q.object) == f"<{PT}Patient>"]
        found = [f"{q.triple} ." for q in ox.parse(path=path)]
        for patient in patients:
            name = f"urn:example:{path.parent.name}-{path.stem}"
            found = [re.sub(rf"(?<!\S){re.escape(str(patient))}(?=\s)", f"<{name}>", line) for line in found]
        text = "\n".join(re.sub(r"(?<!\S)_:(\w+)", rf"_:n{place}x\1", line) for line in found) + "\n"
        texts.append(text)
        try:
            refused[name] = any(f.severity == "Violation" for f in knowledge.validate(knowledge.read(text, suffix=".nt")))
        except InputError:
            refused[name] = True
    (where / "twins.nt").write_text("".join(texts), encoding="utf-8")
    return where / "out", run(where / "twins.nt", where / "out", knowledge), refused


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_twins(twin: Path, twins: tuple[Path, Totals, dict[str, bool]]) -> None:
    out, _, refused = twins
    name = f"urn:example:{twin.parent.name}-{twin.stem}"
    rejects = [row for row in pq.read_table(out / "rejects.parquet").to_pylist() if row["patient"] == name]
    assessed = _assessed(out)
    assert (bool(rejects), name in assessed) == (refused[name], not refused[name])


def test_totals_of_the_twins_add_up(twins: tuple[Path, Totals, dict[str, bool]]) -> None:
    _, totals, refused = twins
    assert totals == Totals(len(refused), sum(not one for one in refused.values()), sum(refused.values()))
    assert [name for name, bad in refused.items() if bad and name.endswith("-valid")] == ["urn:example:RecordClassShape-observation-valid"]
    assert totals.rejected > len(TWINS) // 2 - 5  # what is merely warned of is assessed


def test_a_refusal_names_line_shape_and_node(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "p.nt").write_text(PERSON.format("a") + PERSON.format("b") + f'<urn:example:b> <{PT}weight> "3" .\n', encoding="utf-8")
    (refused,) = Reading(tmp_path / "p.nt", knowledge, tmp_path / "work").rejected
    assert (refused["table"], refused["row"], refused["patient"], refused["value"]) == ("p.nt", 4, "urn:example:b", "urn:example:b")
    assert "unknown property pt:weight" in refused["reason"] and refused["reason"].endswith("[properties of a patient are known]")


PERSON = (
    f"<urn:example:{{0}}> <{expand('rdf:type')}> <{PT}Patient> .\n"
    f"<urn:example:{{0}}> <{PT}course> _:{{0}} .\n"
    f"_:{{0}} <{expand('rdf:type')}> <{AD}Dupilumab> .\n"
)


@pytest.mark.parametrize(
    ("broken", "lost"),
    [
        ('<urn:example:a> <urn:example:x> "no end .', "a"),
        ("_:c <urn:example:x> 5 .", "c"),
        ("<urn:example:a> <urn:example:x> <<( <urn:a> <urn:b> <urn:c> )>> .", "a"),
        ("garbage", "bc"),
        ("\udcff\udcfe", "bc"),
        ("<urn:example:zz> <urn:example:x> <no iri> .", "bc"),
    ],
)
def test_a_line_that_is_no_triple_costs_its_patient(broken: str, lost: str, knowledge: Knowledge, tmp_path: Path) -> None:
    text = PERSON.format("a") + PERSON.format("b") + broken + "\n" + PERSON.format("c") + PERSON.format("d")
    (tmp_path / "p.nt").write_bytes(text.encode("utf-8", "surrogateescape"))
    for size in (cutting.SIZE, 200):
        read = Reading(tmp_path / "p.nt", knowledge, tmp_path / f"work{size}", size=size)
        assert {row["patient"] for row in read.rejected} == {f"urn:example:{one}" for one in lost}
        assert all("line 7 is no triple" in row["reason"] for row in read.rejected)
        assert {row["patient"] for row in read.tables["courses"]} == {f"urn:example:{one}" for one in set("abcd") - set(lost)}
        assert len(read.tables["patients"]) == 4


@pytest.mark.parametrize("order", ["together", "apart"])
def test_a_tenth_is_cut_off(order: str, lines: list[str], knowledge: Knowledge, tmp_path: Path) -> None:
    """Nobody is told of who has a line that was cut off, and all that are counted are assessed or rejected."""
    random, whole, spoilt = Random(1), set[str](), list[str]()
    for group in grouped(lines):
        least = len(group[0]) // 2 if order == "apart" else 1
        cut = [line[: random.randint(least, len(line) - 2)] if random.random() < 0.02 else line for line in group]
        spoilt += cut
        if cut == group:
            whole.add(group[0].split()[0][1:-1])
    (tmp_path / "p.nt").write_text("\n".join(spoilt if order == "together" else sorted(spoilt)), encoding="utf-8")
    read = Reading(tmp_path / "p.nt", knowledge, tmp_path / "work", size=20_000)
    known = {row["patient"] for row in read.tables["patients"]}
    rejected = {row["patient"] for row in read.rejected}
    assert whole and known - rejected <= whole and len(known) > COUNT - 4
    assert {row["patient"] for row in read.tables["courses"]} <= known - rejected


def test_what_hangs_off_nobody_is_told(knowledge: Knowledge, tmp_path: Path) -> None:
    lost = f"_:lost <{expand('rdf:type')}> <{AD}Dupilumab> .\n"
    foreign = f'<{AD}Dupilumab> <{expand("rdfs:label")}> "mine" .\n'
    (tmp_path / "p.nt").write_text(PERSON.format("a") + lost + foreign + PERSON.format("b"), encoding="utf-8")
    for size in (cutting.SIZE, 200):
        read = Reading(tmp_path / "p.nt", knowledge, tmp_path / f"work{size}", size=size)
        assert sorted((row["row"], row["patient"], row["value"]) for row in read.rejected) == [(4, None, "_:lost"), (5, None, f"<{AD}Dupilumab>")]
        assert len(read.tables["courses"]) == 2


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("p.ttl", b"<urn:a> <urn:b>\n <urn:c> ;; . x", "line 2"),
        ("p.nt", b"garbage\n", "line 1"),
        ("p.nt", b"<urn:a> <urn:b> <urn:c> .\n", "no node is a pt:Patient"),
        ("p.nt", "<urn:a>".encode("utf-16"), "UTF-16"),
        ("p.nt.gz", gzip.compress(PERSON.format("a").encode() * 1000)[:-20], "see that the file is whole"),
        ("p.nt.zst", pa.compress(PERSON.format("a").encode() * 1000, codec="zstd", asbytes=True)[:-9], "see that the file is whole"),
        ("p.nt.gz", b"no gzip", "see that the file is whole"),
        ("p.ttl", b"<urn:a> <urn:b> " + b"<<( <urn:a> <urn:b> " * 100_000, "nest"),
        ("p.txt", b"", "a file with this ending is not read"),
    ],
)
def test_an_input_that_cannot_be_read(name: str, data: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_bytes(data)
    assert cli.main(["cohort", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert says in said and name in said and "mend:" in said and "bug" not in said


def test_tables_in_a_folder_come_first(knowledge: Knowledge, tmp_path: Path) -> None:
    people(tmp_path, "nt", 1)
    assert isinstance(source_of(tmp_path, None, knowledge), Rdf)
    (tmp_path / "patients.csv").write_text("patient\nx\n", encoding="utf-8")
    assert isinstance(source_of(tmp_path, None, knowledge), Tables)


# --- stopped and taken up


@pytest.mark.parametrize("order", ["together", "apart"])
def test_reading_that_was_killed_goes_on(order: str, lines: list[str], knowledge: Knowledge, tmp_path: Path) -> None:
    """Killed again and again at random, it ends with the same bytes as one that nobody disturbed."""
    path, random = tmp_path / "patients.nt", Random(1)
    path.write_text("\n".join(lines if order == "together" else sorted(lines)), encoding="utf-8")
    program = (
        "import sys, pathlib; from dermograph import Knowledge; from dermograph.cohort.rdf.source import Rdf\n"
        "path, work = map(pathlib.Path, sys.argv[1:]); Rdf(path, Knowledge.load(), processes=2, size=20_000).tables(work, print)"
    )
    command = [sys.executable, "-c", program, str(path), str(tmp_path / "work")]
    for _ in range(5):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(random.uniform(0.3, 4))
            os.kill(process.pid, signal.SIGKILL)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole = Reading(path, knowledge, tmp_path / "whole", size=20_000)
    assert digest(tmp_path / "work" / "tables") == digest(whole.where)
    assert whole.gathered == (order == "apart")


def test_an_ended_reading_is_not_done_again(lines: list[str], knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "p.nt").write_text("\n".join(lines), encoding="utf-8")
    said: list[Sequence[Any]] = []
    for _ in range(2):
        Rdf(tmp_path / "p.nt", knowledge, processes=1, size=30_000).tables(tmp_path / "work", lambda *told: said.append(told))
    assert [done for _, done, _ in said] == sorted({done for _, done, _ in said}) and len(said) > 3


# --- where to cut


@pytest.mark.parametrize("seed", range(10))
def test_cuts_are_between_patients(seed: int, knowledge: Knowledge) -> None:
    random = Random(seed)
    data, starts = b"", {0}
    for number in range(12):
        (record,) = knowledge.read(random_patient(random, f"urn:example:{number}").turtle())
        own = nt(record, f"<urn:example:{number}>", f"n{number}")
        random.shuffle(own)
        starts.add(len(data))
        data += ("\n".join(own) + "\n").encode()
    for _ in range(20):
        end = random.randint(len(data) // 4, len(data))
        assert cutting.boundary(data, 0, data.rfind(b"\n", 0, end) + 1) in starts


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n"])
@pytest.mark.parametrize("name", ["a.nt", "a.nq", "a.ttl", "a.trig", "a.nt.gz", "a.ttl.gz", "a.nt.zst"])
def test_an_empty_graph_is_an_empty_population(name: str, text: str, knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(PACKED.get(Path(name).suffix, bytes)(text.encode()))
    source = Rdf(tmp_path / name, knowledge)
    tables = source.tables(tmp_path / "work", lambda *_: None)
    assert sorted(tables.files) == sorted(descriptor.names())
    if (name, text) in {("a.nt", ""), ("a.ttl", "# nothing\n")}:
        assert Cohort(knowledge, source, tmp_path / "out").run() == Totals(0, 0, 0)
        assert {"report.html", "summary.json", "rejects.parquet", "verdicts"} <= {path.name for path in (tmp_path / "out").iterdir()}
