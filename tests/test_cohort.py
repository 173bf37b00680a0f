"""A population is assessed as its patients are one by one, what is wrong in it is told, and a run that was killed ends as one that was not."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
import yaml
from generators import random_patient

from dermograph import Assessment, Knowledge, cli
from dermograph.cohort import descriptor, population, synth, writing
from dermograph.cohort.checks import REASONS
from dermograph.cohort.graphs import rows as rows_of
from dermograph.cohort.run import Cohort
from dermograph.cohort.summary import Totals
from dermograph.cohort.tables import Tables
from dermograph.content import folder
from dermograph.record import Record

ROOT = Path(__file__).parent
GIVEN = yaml.safe_load((ROOT / "cohort" / "rejects.yaml").read_text(encoding="utf-8"))
CASES = sorted([*(ROOT / "cases").glob("*/patient.ttl"), *(ROOT / "label-facts").rglob("*.ttl")])
Said = dict[tuple[str, str], tuple[Any, ...]]


# --- tables and answers


def written(where: Path, tables: dict[str, list[dict[str, Any]]]) -> Path:
    """A folder with tables as CSV."""
    where.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (where / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(descriptor.columns(name)))
            writer.writeheader()
            writer.writerows(rows)
    return where


def made_up(where: Path, count: int, seed: int = 1) -> Path:
    writing.write(synth.blocks(population.read(folder("ontology")), count, seed), where, writing.Format.parquet, "made up")
    return where


def of_records(where: Path, records: Iterable[Record], knowledge: Knowledge) -> Path:
    """A folder with the tables of patient graphs."""
    return written(where, rows_of(records, knowledge.tree["within"]))


def run(tables: Path, out: Path, knowledge: Knowledge, **options: Any) -> Totals:
    return Cohort(knowledge, Tables(tables), out, **options).run()


def by_sql(out: Path) -> Said:
    query = f"SELECT patient, therapy, status, rank, because, missing, dose FROM read_parquet('{out}/verdicts/*.parquet')"
    return {(p, t): (s, r, set(b), set(m), d) for p, t, s, r, b, m, d in duckdb.execute(query).fetchall()}


def one_by_one(knowledge: Knowledge, records: Sequence[Record]) -> Said:
    found: Said = {}
    for answer in knowledge.assess_all(records):
        assert isinstance(answer, Assessment), answer
        for v in answer.therapies:
            dose = " | ".join(r.text for r in v.regimens) or None
            found[answer.patient, v.therapy] = (v.status, v.rank, {b.kind for b in v.because}, {m.fact for m in v.missing}, dose)
    return found


def differing(one: Said, other: Said) -> list[str]:
    assert one.keys() == other.keys()
    return [f"{key}: one by one {one[key]}, as a population {other[key]}" for key in one if one[key] != other[key]]


# --- the same answers


def test_cases_as_a_population(knowledge: Knowledge, tmp_path: Path) -> None:
    records: list[Record] = []
    for path in CASES:
        for one in knowledge.read(path):
            me = ox.NamedNode(f"urn:example:{len(records)}")
            triples = tuple(ox.Triple(me if t.subject == one.patient else t.subject, t.predicate, t.object) for t in one.triples)
            records.append(replace(one, patient=me, triples=triples))
    run(of_records(tmp_path / "in", records, knowledge), tmp_path / "out", knowledge, explain=True)
    assert not differing(one_by_one(knowledge, records), by_sql(tmp_path / "out"))


def test_random_patients_as_a_population(knowledge: Knowledge, tmp_path: Path) -> None:
    records = [r for seed in range(2000) for r in knowledge.read(random_patient(Random(seed), f"urn:example:p{seed}").turtle())]
    run(of_records(tmp_path / "in", records, knowledge), tmp_path / "out", knowledge, explain=True)
    assert not differing(one_by_one(knowledge, records), by_sql(tmp_path / "out"))
    truths, _ = knowledge.truths(records[:200])
    names = ", ".join(f'"{name}"' for name in knowledge.tree["criteria"])
    query = f"SELECT patient, {names} FROM read_parquet('{tmp_path}/out/criteria/*.parquet')"
    told = {row[0]: row[1:] for row in duckdb.execute(query).fetchall()}
    for place, one in enumerate(records[:200]):
        assert told[one.name] == tuple(truths.of(name, place) for name in knowledge.tree["criteria"]), one.name


def test_made_up_patients_as_a_population(knowledge: Knowledge, tmp_path: Path) -> None:
    people = population.read(folder("ontology"))
    (graph,) = writing.write(synth.blocks(people, 1000, 7), tmp_path / "graph", writing.Format.ttl, "made up")
    run(made_up(tmp_path / "in", 1000, 7), tmp_path / "out", knowledge, explain=True)
    assert not differing(one_by_one(knowledge, knowledge.read(graph)), by_sql(tmp_path / "out"))


# --- what is wrong


def changed(name: str) -> dict[str, list[dict[str, Any]]]:
    """The good population with the change of a case, its patients under names of their own."""
    case, tables = GIVEN["cases"][name], {table: [dict(row) for row in rows] for table, rows in GIVEN["good"].items()}
    if "set" in case:
        table, row, column, value = case["set"]
        tables[table][row - 1][column] = value
    else:
        table, added = case["add"]
        tables[table].append(dict(added))
    for rows in tables.values():
        for one in rows:
            one["patient"] = one["patient"] and f"{one['patient']}-{name}"
    return tables


@pytest.fixture(scope="module")
def spoilt(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Totals]:
    """All cases as one population, assessed."""
    where, tables = (
        tmp_path_factory.mktemp("spoilt"),
        {table: [row for name in GIVEN["cases"] for row in changed(name)[table]] for table in GIVEN["good"]},
    )
    return where / "out", run(written(where / "in", tables), where / "out", knowledge)


@pytest.mark.parametrize("name", GIVEN["cases"])
def test_rejects(name: str, spoilt: tuple[Path, Totals]) -> None:
    case, tables, names = GIVEN["cases"][name], changed(name), list(GIVEN["cases"])
    before = {table: sum(len(changed(other)[table]) for other in names[: names.index(name)]) for table in tables}
    short = {text: reason for reason, text in REASONS.items()}
    rejects = [
        (r["table"], r["row"] and r["row"] - before[r["table"]], short[r["reason"]])
        for r in pq.read_table(spoilt[0] / "rejects.parquet").to_pylist()
        if (r["patient"] or "").endswith(f"-{name}") or (not r["patient"] and 0 < r["row"] - before[r["table"]] <= len(tables[r["table"]]))
    ]
    assert sorted(rejects, key=str) == sorted(((t, n, why) for t, n, why in case["rejects"]), key=str)
    people = {row["patient"] for row in tables["patients"]}
    lost = {f"{one}-{name}" for one in case["of"]} if "of" in case else {tables[t][n - 1]["patient"] for t, n, _ in case["rejects"] if n}
    assert {p for p in pq.read_table(spoilt[0] / "verdicts", columns=["patient"]).column(0).to_pylist() if p in people} == people - lost


def test_a_patient_without_a_name_is_rejected_where_nothing_else_is_wrong(knowledge: Knowledge, tmp_path: Path) -> None:
    tables = {"patients": [{"patient": "", "ageYears": 30}, {"patient": "urn:example:b", "ageYears": 30}]}
    assert run(written(tmp_path / "in", tables), tmp_path / "out", knowledge) == Totals(2, 1, 1)
    assert set(pq.read_table(tmp_path / "out" / "verdicts", columns=["patient"]).column(0).to_pylist()) == {"urn:example:b"}


def test_totals_add_up(spoilt: tuple[Path, Totals]) -> None:
    out, totals = spoilt
    told = set(pq.read_table(out / "verdicts", columns=["patient"]).column(0).to_pylist())
    assert totals.read == sum(len(changed(name)["patients"]) for name in GIVEN["cases"]) == totals.assessed + totals.rejected
    assert totals.assessed == len(told)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no table of patients"),
        ({"patients.csv": "name\nx\n"}, "no column patient"),
        ({"patients.csv": "patient,weight\nx,3\n"}, "unknown column weight"),
        ({"patients.csv": "patient\nx\n", "patients.parquet": "PAR1"}, "is there as"),
        ({"patients.parquet": "no Parquet"}, "patients.parquet"),
        ({"patients.csv": "patient\nx\n", "courses.csv": "patient,start\nx,2026-01-01\n"}, "no column therapy"),
        ({"patients.csv": ""}, "no column patient"),
        ({"patients.csv": "patient,patient\nx,y\n"}, "stands twice in the head"),
        ({"patients.csv.gz": "no gzip"}, "patients.csv.gz"),
    ],
)
def test_an_input_that_cannot_be_read(files: dict[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    assert cli.main(["cohort", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert says in said and "mend:" in said and "bug" not in said


def test_a_line_that_cannot_be_read_costs_its_patient_alone(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = {
        "patients": b"patient,ageYears\na,30\nb,30\nc,30\nd,30,too,much\ne,30\n",
        "courses": b"patient,therapy,start\na,ad:Emollient\nb,ad:Emollient,2026-01-01\nc,ad:Emol\xff\xfe,2026-01-01\nb,ad:Emollient,2026-13-01\n",
    }
    for name, text in lines.items():
        (tmp_path / "in" / f"{name}.csv").write_bytes(text)
    assert run(tmp_path / "in", tmp_path / "out", knowledge) == Totals(5, 1, 4)
    rejects = [(r["table"], r["row"], r["patient"]) for r in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()]
    assert rejects == [("courses", 1, "a"), ("courses", 3, "c"), ("courses", 4, "b"), ("patients", 4, "d")]


def test_garbage_in_every_tenth_row(knowledge: Knowledge, tmp_path: Path) -> None:
    """Every patient of whom a row is spoilt is rejected, and nobody else; totals add up."""
    random, people = Random(3), made_up(tmp_path / "whole", 1000)
    (tmp_path / "in").mkdir()
    hurt: set[str] = set()
    for name in descriptor.names():
        rows = [{k: "" if v is None else str(v) for k, v in row.items()} for row in pq.read_table(people / f"{name}.parquet").to_pylist()]
        columns = list(descriptor.columns(name))
        with (tmp_path / "in" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in rows:
                cells = [row[column] for column in columns]
                if random.random() < 0.1 / len(descriptor.names()):
                    hurt.add(row["patient"])
                    cells = random.choice([cells[:-1], [*cells, "more"], [cells[0], *("\x00?" for _ in cells[1:])]])
                writer.writerow(cells)
    totals = run(tmp_path / "in", tmp_path / "out", knowledge)
    rejected = {r["patient"] for r in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()}
    assert rejected == hurt and totals == Totals(1000, 1000 - len(hurt), len(hurt))


# --- runs


def test_a_full_disk_is_told_and_the_run_goes_on_later(tmp_path: Path) -> None:
    tables = made_up(tmp_path / "in", 3000)
    command = [sys.executable, "-m", "dermograph", "cohort", str(tables), "--out", str(tmp_path / "out")]

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    ended = subprocess.run(command, check=False, capture_output=True, text=True, preexec_fn=full)
    assert ended.returncode == 3 and "the disk has room" in ended.stderr and "bug" not in ended.stderr, ended.stderr
    assert not (tmp_path / "out" / "summary.json").exists()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["totals"]["read"] == 3000


def digest(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_threads_change_nothing(knowledge: Knowledge, tmp_path: Path) -> None:
    tables = made_up(tmp_path / "in", 3000)
    for threads in (1, 2, 4):
        run(tables, tmp_path / f"out{threads}", knowledge, threads=threads)
    assert digest(tmp_path / "out1") == digest(tmp_path / "out2") == digest(tmp_path / "out4")


def test_parts_change_no_answer(knowledge: Knowledge, tmp_path: Path) -> None:
    tables = made_up(tmp_path / "in", 3000)
    found = []
    for chunk in (3000, 700):
        out = tmp_path / f"out{chunk}"
        run(tables, out, knowledge, chunk=chunk)
        rows = pa.concat_tables(pq.read_table(p) for p in sorted((out / "verdicts").glob("*.parquet")))
        found.append((rows.sort_by([("therapy", "ascending"), ("patient", "ascending")]).to_pylist(), json.loads((out / "summary.json").read_text())))
    assert found[0] == found[1]


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """Killed again and again at random, the run ends with the same bytes as one that nobody disturbed."""
    tables, random = made_up(tmp_path / "in", 4000), Random(1)

    def command(out: str) -> list[str]:
        return [sys.executable, "-m", "dermograph", "cohort", str(tables), "--out", str(tmp_path / out), "--chunk", "900"]

    assert subprocess.run(command("whole"), check=False, capture_output=True).returncode == 0
    for _ in range(6):
        with subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(random.uniform(0.2, 6))
            os.kill(process.pid, signal.SIGKILL)
    ended = subprocess.run(command("killed"), check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")


def test_a_folder_with_other_results_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert cli.main(["cohort", str(made_up(tmp_path / "in", 5)), "--out", str(tmp_path / "out")]) == 3
    assert "holds something already" in capsys.readouterr().err


def test_too_little_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", str(made_up(tmp_path / "in", 5)), "--out", str(tmp_path / "out"), "--memory", "1MB"]) == 3
    said = capsys.readouterr().err
    assert "--memory is enough" in said and "bug" not in said


def test_summary_adds_up(knowledge: Knowledge, tmp_path: Path) -> None:
    totals = run(made_up(tmp_path / "in", 2000), tmp_path / "out", knowledge)
    told = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert (
        told["totals"] == {"read": 2000, "assessed": totals.assessed, "rejected": totals.rejected}
        and totals.read == totals.assessed + totals.rejected
    )
    for therapy, found in told["therapies"].items():
        assert sum(found["status"].values()) == totals.assessed, therapy
        assert sum(row["patients"] for row in found["by"]) == totals.assessed, therapy
    for name, rec in told["recommendations"].items():
        left = totals.assessed
        for step in rec["steps"]:
            assert step["reached"] == left, name
            left -= step["lost"] + step["unknown"]
        assert left == rec["met"] >= 0, name


@pytest.mark.parametrize(
    "arguments",
    [
        ["cohort"],
        ["cohort", "."],
        ["cohort", "--sql", "--dialect", "cobol"],
        ["cohort", "--tables"],
        ["cohort", ".", "--out", "../y", "--dialect", "duckdb"],
        ["cohort", ".", "--sql"],
        ["cohort", ".", "--out", "results"],
        ["cohort", "--sql", "--memory", "4GB"],
        ["cohort", ".", "--out", "../y", "--engine", "spark", "--chunk", "1000000"],
        ["cohort", ".", "--out", "../y", "--engine", "spark", "--compare", "HEAD"],
        *(["cohort", ".", "--out", "../y", "--memory", memory] for memory in ("5potatoes", "0", "4", "", "-1GB", "0GB", "4 bananas", "50%", "1e3MB")),
        ["cohort", ".", "--out", "../y", "--memory", "5potatoes", "--engine", "spark"],
        ["cohort", "--engine", "spark", "--omop", "x", "--out", "y"],
    ],
)
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert ("mend: " in said or "--help" in said) and all(word in said for word in arguments if word in {"--memory", "--chunk"})


def test_an_input_that_is_not_there(tmp_path: Path) -> None:
    assert cli.main(["cohort", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 3
