"""A typed column holds what a patient graph may say there, whichever file, type or engine it comes by."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from dermograph import Knowledge, cli
from dermograph.cohort import descriptor
from dermograph.cohort.checks import REASONS
from dermograph.cohort.run import Cohort
from dermograph.cohort.sources import source_of
from dermograph.cohort.summary import Totals
from dermograph.cohort.tables import Tables

CELLS = yaml.safe_load((Path(__file__).parent / "cohort" / "cells.yaml").read_text(encoding="utf-8"))
ROW: dict[str, dict[str, Any]] = {
    "patients": {"asOf": "2026-11-01", "ageYears": "30"},
    "observations": {"observable": "ad:BodyWeight", "value": "24.5", "unit": "kg", "date": "2026-10-01"},
    "courses": {"therapy": "ad:NarrowbandUVB", "start": "2020-05-01", "end": "2026-09-01", "outcome": "pt:InadequateResponse"},
}
Tree = dict[str, list[dict[str, Any]]]


def population() -> tuple[Tree, set[str]]:
    """A patient for each cell, with a row of each table, and those of whom the cell is bad."""
    tables, bad = {name: list[dict[str, Any]]() for name in ROW}, set[str]()
    for kind, told in CELLS.items():
        for column in told["columns"]:
            for cell in [*told["good"], *(c for some in told["bad"] for c in some)]:
                who = f"{kind} {'.'.join(column)} {cell!r}"
                bad |= set() if cell in told["good"] else {who}
                for name, row in ROW.items():
                    own = {column[1]: str(cell)} if name == column[0] else {}
                    own |= {"ageYears": ""} if column[1] == "birthDate" and name == "patients" else {}
                    own |= {"start": "", "date": ""} if column[1] in {"asOf", "birthDate"} and name != "patients" else {}
                    tables[name].append({c: ({"patient": who} | row | own).get(c) for c in descriptor.columns(name)})
    return tables, bad


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_text_that_a_graph_would_refuse_rejects_its_patient(form: str, knowledge: Knowledge, tmp_path: Path) -> None:
    tables, bad = population()
    (tmp_path / "in").mkdir()
    for name, rows in tables.items():
        if form == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in" / f"{name}.parquet")
            continue
        with (tmp_path / "in" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    Cohort(knowledge, Tables(tmp_path / "in"), tmp_path / "out", least=None).run()
    rejects = pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()
    assert {row["patient"] for row in rejects} == bad
    assert {row["reason"] for row in rejects} == {REASONS["type"]}


FAR = pa.array([20_000, 2**31 - 1, -(2**31) + 1, 5_000_000], pa.int32()).cast(pa.date32())
"""A day, what DuckDB writes for no end and no beginning, and a day of the year 15659."""


def typed(where: Path) -> Path:
    where.mkdir()
    day, ages = dt.date(2026, 11, 1), pa.array([30.0] * 4)
    pq.write_table(pa.table({"patient": list("abcd"), "asOf": [day] * 4, "ageYears": ages}), where / "patients.parquet")
    courses = pa.table({"patient": list("abcd"), "therapy": ["ad:NarrowbandUVB"] * 4, "end": FAR})
    pq.write_table(courses, where / "courses.parquet")
    return where


def test_a_day_beyond_the_calendar_rejects_its_patient(knowledge: Knowledge, tmp_path: Path) -> None:
    given = typed(tmp_path / "in")
    assert Cohort(knowledge, Tables(given), tmp_path / "out", least=None).run() == Totals(4, 1, 3)
    pq.write_table(pa.table({"patient": list("abcd"), "asOf": FAR, "ageYears": [30.0] * 4}), given / "patients.parquet")
    assert Cohort(knowledge, Tables(given), tmp_path / "out2", least=None).run() == Totals(4, 1, 3)


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java: apt-get install default-jre-headless")
def test_spark_agrees_on_the_calendar(knowledge: Knowledge, tmp_path: Path) -> None:
    from dermograph.cohort.spark import SparkCohort

    given = typed(tmp_path / "in")
    Cohort(knowledge, Tables(given), tmp_path / "out", least=None).run()
    assert SparkCohort(knowledge, str(given), str(tmp_path / "spark"), threads=2, memory="1GB", least=None).run() == Totals(4, 1, 3)
    one, other = (pq.read_table(tmp_path / out / "rejects.parquet").select(["table", "row", "patient", "reason"]) for out in ("out", "spark"))
    assert one.to_pylist() == other.to_pylist()


@pytest.mark.parametrize(
    ("column", "cells", "rejected"),
    [
        ("sessions", pa.array([24.0, 24.5, None]), ["b"]),
        ("sessions", pa.array([24, 3, None], pa.uint8()), []),
        ("start", pa.array([dt.datetime(2026, 1, 5), dt.datetime(2026, 1, 5, 10), None]), ["b"]),
        ("start", pa.nulls(3), []),
    ],
)
def test_other_types_of_a_column(column: str, cells: pa.Array, rejected: list[str], knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"patient": ["a", "b", "c"]}), tmp_path / "in" / "patients.parquet")
    pq.write_table(pa.table({"patient": ["a", "b", "c"], "therapy": ["ad:NarrowbandUVB"] * 3, column: cells}), tmp_path / "in" / "courses.parquet")
    Cohort(knowledge, Tables(tmp_path / "in"), tmp_path / "out", least=None).run()
    assert [row["patient"] for row in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()] == rejected


@pytest.mark.parametrize(
    ("column", "cells", "says"),
    [
        ("start", pa.array([dt.datetime(2026, 1, 5, tzinfo=dt.UTC)]), "start is TIMESTAMP WITH TIME ZONE"),
        ("sessions", pa.array([True]), "sessions is BOOLEAN"),
        ("end", pa.array([20260105]), "end is BIGINT"),
    ],
)
def test_a_type_that_a_column_may_not_have(column: str, cells: pa.Array, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"patient": ["a"]}), tmp_path / "in" / "patients.parquet")
    pq.write_table(pa.table({"patient": ["a"], "therapy": ["ad:NarrowbandUVB"], column: cells}), tmp_path / "in" / "courses.parquet")
    assert cli.main(["cohort", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 3
    assert says in (said := capsys.readouterr().err) and f"write {column} as" in said


def test_parts_of_several_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in" / "courses").mkdir(parents=True)
    pq.write_table(pa.table({"patient": ["a"]}), tmp_path / "in" / "patients.parquet")
    for number, cells in enumerate((pa.array([dt.date(2026, 1, 5)]), pa.array([20260105]))):
        part = pa.table({"patient": ["a"], "therapy": ["ad:NarrowbandUVB"], "start": cells})
        pq.write_table(part, tmp_path / "in" / "courses" / f"part-{number}.parquet")
    assert cli.main(["cohort", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 3
    assert "part-1.parquet" in (said := capsys.readouterr().err) and "one type in all parts" in said


def test_omop_takes_no_other_days(knowledge: Knowledge, tmp_path: Path) -> None:
    """What its exports write besides is taken: a time of day, and a date without strokes."""
    ends = [
        "2026-10-01",
        "20261001",
        "2026-10-01 13:45:00",
        "infinity",
        "epoch",
        "2026/10/01",
        "2026-10-01 (BC)",
        "2026-10-01T23:30:00-05:00",
        "20000-01-01",
    ]
    people = "".join(f"{n},8507,1990,5,17\n" for n in range(len(ends) + 2))
    files = {
        "person.csv": f"person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n{people}98,8507,0x7C6,1,1\n99,8507,1_990,1,1\n",
        "concept.csv": "concept_id,concept_name,vocabulary_id,concept_code\n",
        "observation_period.csv": "person_id,observation_period_end_date\n" + "".join(f"{n},{end}\n" for n, end in enumerate(ends)),
    }
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    assert Cohort(knowledge, source_of(tmp_path / "in", None, knowledge), tmp_path / "out", least=None).run() == Totals(13, 5, 8)
    rejects = {(row["table"], row["row"]) for row in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()}
    assert rejects == {*(("observation_period", n) for n in range(3, 9)), ("person", 98), ("person", 99)}
