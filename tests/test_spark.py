"""Spark tells of a population what DuckDB tells, row by row, of what is wrong in it too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from generators import random_patient
from pyspark.sql import SparkSession

from dermograph import Knowledge
from dermograph.cohort import population, synth, writing
from dermograph.cohort.graphs import rows as rows_of
from dermograph.cohort.run import Cohort
from dermograph.cohort.spark import SparkCohort
from dermograph.cohort.spark.given import Given
from dermograph.cohort.spark.session import address, opened
from dermograph.cohort.summary import Totals
from dermograph.cohort.tables import Tables
from dermograph.content import folder
from dermograph.errors import InputError

ROOT = Path(__file__).parent
GIVEN = yaml.safe_load((ROOT / "cohort" / "rejects.yaml").read_text(encoding="utf-8"))
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java: apt-get install default-jre-headless"),
]


def spoilt() -> dict[str, list[dict[str, Any]]]:
    """Every case of a wrong row that goes into a typed column, its patients under names of their own."""
    found: dict[str, list[dict[str, Any]]] = {table: [] for table in GIVEN["good"]}
    for name, case in GIVEN["cases"].items():
        if any(why == "type" for _, _, why in case["rejects"]):
            continue
        tables = {table: [dict(row) for row in rows] for table, rows in GIVEN["good"].items()}
        if "set" in case:
            table, row, column, value = case["set"]
            tables[table][row - 1][column] = value
        else:
            tables[case["add"][0]].append(dict(case["add"][1]))
        for table, rows in tables.items():
            found[table] += [row | {"patient": row["patient"] and f"{row['patient']}-{name}"} for row in rows]
    return found


@pytest.fixture(scope="module")
def given(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients who are made up, patients with whatever may be on record, and wrong rows; each table in two files, but that of patients."""
    where = tmp_path_factory.mktemp("given")
    writing.write(synth.blocks(population.read(folder("ontology")), 150, 5), where, writing.Format.parquet, "made up")
    records = [r for seed in range(150) for r in knowledge.read(random_patient(Random(seed), f"urn:example:p{seed}").turtle())]
    random, wrong = rows_of(records, knowledge.tree["within"]), spoilt()
    for name in random:
        path = where / f"{name}.parquet"
        there = pq.read_table(path)
        schema = pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in there.schema])
        more = [{f.name: _typed(row.get(f.name), f.type) for f in schema} for row in (*random[name], *wrong[name])]
        parts = [there.cast(schema), pa.Table.from_pylist(more, schema)]
        if name == "patients":
            pq.write_table(pa.concat_tables(parts), path)
            continue
        path.unlink()
        (where / name).mkdir()
        for number, part in enumerate(parts):
            pq.write_table(part, where / name / f"part-{number}.parquet")
    return where


def _typed(value: Any, kind: pa.DataType) -> Any:
    return Decimal(str(value)) if value is not None and pa.types.is_decimal(kind) else value


@pytest.fixture(scope="module")
def by_duckdb(given: Path, knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Totals]:
    out = tmp_path_factory.mktemp("duckdb") / "out"
    return out, Cohort(knowledge, Tables(given), out, explain=True).run()


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    """One session for all tests of this file, which a run finds as it is."""
    with opened(2, "1GB") as session:
        yield session


def rows(out: Path, kind: str) -> list[tuple[Any, ...]]:
    return duckdb.execute(f"SELECT * FROM read_parquet('{out}/{kind}/*.parquet') ORDER BY ALL").fetchall()


def same(out: Path, other: Path) -> None:
    """Two folders of results hold the same."""
    assert pq.read_table(out / "rejects.parquet").to_pylist() == pq.read_table(other / "rejects.parquet").to_pylist()
    for kind in {path.parent.name for path in other.glob("*/part-*.parquet")}:
        assert rows(out, kind) == rows(other, kind), kind
    names = sorted(p.relative_to(other) for p in other.rglob("*") if p.suffix in {".json", ".html", ".csv", ".svg"})
    assert names
    assert [(out / name).read_bytes() for name in names] == [(other / name).read_bytes() for name in names]


def test_spark_submit_tells_the_same(given: Path, by_duckdb: tuple[Path, Totals], tmp_path: Path) -> None:
    """By the command that a cluster is given, into a folder that is named by its address."""
    out, totals = by_duckdb
    assert 0 < totals.rejected < totals.read
    (tmp_path / "run.py").write_text("import sys\n\nfrom dermograph.cli import main\n\nsys.exit(main())\n", encoding="utf-8")
    spark = [str(Path(sys.executable).with_name("spark-submit")), "--master", "local[2]", "--conf", "spark.sql.shuffle.partitions=2"]
    ours = ["cohort", str(given), "--engine", "spark", "--explain", "--out", (tmp_path / "out").as_uri()]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    ended = subprocess.run([*spark, str(tmp_path / "run.py"), *ours], check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 3, ended.stderr
    assert f"{totals.read} patients read: {totals.assessed} assessed, {totals.rejected} rejected" in ended.stdout
    same(tmp_path / "out", out)


def test_workers_are_of_this_environment(session: SparkSession) -> None:
    told = session.range(1).mapInArrow(lambda batches: (pa.table({"python": [sys.executable]}).to_batches()[0] for _ in batches), "python STRING")
    assert [row["python"] for row in told.collect()] == [sys.executable]


def test_results_are_never_written_over(knowledge: Knowledge, session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="holds something already"):
        SparkCohort(knowledge, str(tmp_path), str(tmp_path)).run()


def test_odd_names_of_folders(knowledge: Knowledge, session: SparkSession, tmp_path: Path) -> None:
    """The results are where they are said to be, without a checksum beside each file or a mark of something unfinished."""
    given, out = tmp_path / "p a[1] ü%20#{x}", tmp_path / "out a[1] ü%20#{x}"
    given.mkdir()
    pq.write_table(pa.table({"patient": ["a", "b"], "ageYears": [30, 300]}), given / "patients.parquet")
    assert SparkCohort(knowledge, str(given), str(out), least=None).run() == Totals(2, 1, 1)
    assert sorted(path.name for path in out.iterdir()) == ["rejects.parquet", "summary.json", "verdicts"]
    assert {path.suffix for path in (out / "verdicts").iterdir() if path.name != "_SUCCESS"} == {".parquet"}


def test_one_run_at_a_time(knowledge: Knowledge, session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another run has begun since the folder was found empty."""
    pq.write_table(pa.table({"patient": ["a"]}), tmp_path / "patients.parquet")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_unfinished").touch()
    monkeypatch.setattr("dermograph.cohort.spark.session.Files.holds", lambda self, place: False)
    with pytest.raises(InputError, match="another run is writing here"):
        SparkCohort(knowledge, str(tmp_path), str(tmp_path / "out")).run()


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({}, "no table of patients in Parquet"),
        ({"patients": {"patient": ["a"], "weight": [3]}}, "unknown column weight"),
        ({"patients": {"ageYears": [3]}}, "no column patient"),
        ({"patients": {"patient": ["a"], "birthDate": ["2020-01-01"]}}, "birthDate is string"),
    ],
)
def test_tables_that_spark_does_not_read(tables: dict[str, dict[str, list[Any]]], says: str, tmp_path: Path, session: SparkSession) -> None:
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    with pytest.raises(InputError, match=says):
        Given(session, address(str(tmp_path))).load()
