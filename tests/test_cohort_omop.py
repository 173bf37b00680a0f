"""A record of OMOP means what its sentence says, wherever it is kept, and a run that was killed ends as one that was not."""

from __future__ import annotations

import csv
import datetime as dt
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from servers import Postgres

from dermograph import Knowledge, cli
from dermograph.cohort import descriptor
from dermograph.cohort.omop import Omop
from dermograph.cohort.omop.meaning import Meaning
from dermograph.cohort.omop.model import EVENTS
from dermograph.cohort.omop.places import Place, place_of
from dermograph.cohort.sources import source_of
from dermograph.cohort.tables import Tables
from dermograph.content import folder

ROOT = Path(__file__).parent / "cohort" / "omop"
SENTENCES = yaml.safe_load((ROOT / "sentences.yaml").read_text(encoding="utf-8"))
BORN = {"gender_concept_id": 8532, "year_of_birth": 1990, "month_of_birth": 5, "day_of_birth": 17}
DRUG_ALLERGY = "ad:Hypersensitivity\thypersensitivity\tskos:narrowMatch\tsnomed:416098002\t\tsemapv:ManualMappingCuration\tsct:sct\tSeen at a test."
TABLES = (*descriptor.names(), "rejected")
Rows = dict[str, list[dict[str, Any]]]


def as_omop() -> Rows:
    """All sentences as tables of one data set, a person each, from 1."""
    tables: Rows = {"person": [], "observation_period": [], **{name: [] for name in EVENTS}}
    for number, one in enumerate(SENTENCES, start=1):
        me = {"person_id": number}
        if one.get("person") != "none":
            tables["person"].append(me | BORN | one.get("person", {}))
            tables["observation_period"].append(me | {"observation_period_end_date": one.get("ends", "2024-06-30")})
        for name in EVENTS:
            for row in one.get(name, ()):
                tables[name].append(me | {f"{name}_id": 1000 * number + len(tables[name])} | row)
    return tables


def written(where: Path) -> Path:
    """The sentences and their vocabulary as CSV files, named as they are often handed out."""
    where.mkdir(parents=True)
    shutil.copytree(ROOT / "vocabulary", where, dirs_exist_ok=True)
    for name, rows in as_omop().items():
        event = EVENTS.get(name)
        known = [event.concept, event.source, event.text, event.start, event.end, event.also, *event.more.values()] if event else []
        columns = dict.fromkeys([*(c for row in rows for c in row), *(c for c in known if c)])
        with (where / f"{name.upper()}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(rows)
    (where / "__MACOSX").mkdir()
    return where


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("omop") / "csv")


@pytest.fixture(scope="module")
def meaning(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Meaning:
    """The mappings of the ontology, and one more for what it has no code of."""
    where = tmp_path_factory.mktemp("mappings")
    shutil.copytree(folder("ontology") / "mappings", where, dirs_exist_ok=True)
    with (where / "conditions.sssom.tsv").open("a", encoding="utf-8") as file:
        file.write(DRUG_ALLERGY + "\n")
    return Meaning(knowledge, where)


def made(source: Any, work: Path) -> Rows:
    """Rows of the tables that a source makes."""
    tables: Tables = source.tables(work, lambda what, done, of: None)
    return {name: pq.read_table(tables.folder / name / "part-00000.parquet").to_pylist() for name in (*TABLES, "ignored")}


@pytest.fixture(scope="module")
def rows(files: Path, meaning: Meaning, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return made(Omop(place_of(f"duckdb://{files}"), meaning), tmp_path_factory.mktemp("work"))


def plain(row: dict[str, Any]) -> dict[str, str]:
    """A row without empty cells, its numbers without needless places, its dates as text."""
    return {k: f"{float(v):g}" if k in {"value", "ageYears"} and _number(v) else str(v) for k, v in row.items() if v is not None and v != ""}


def _number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


# --- what a record means


@pytest.mark.parametrize("number", range(1, len(SENTENCES) + 1), ids=[one["says"] for one in SENTENCES])
def test_a_sentence(number: int, rows: Rows) -> None:
    expected = {"patients": [{"asOf": "2024-06-30", "birthDate": "1990-05-17", "sex": "pt:Female"}], **SENTENCES[number - 1]["expect"]}
    for name in TABLES:
        found = [plain({k: v for k, v in row.items() if k not in {"patient", "row"}}) for row in rows[name] if row["patient"] == str(number)]
        assert sorted(found, key=str) == sorted(map(plain, expected.get(name, ())), key=str), name


def test_what_was_passed_over_is_counted(rows: Rows) -> None:
    expected: Counter[tuple[str, str, str]] = Counter()
    for one in SENTENCES:
        for row in one["expect"].get("ignored", ()):
            expected[row["resource"], row.get("code") or row.get("text", ""), row["reason"]] += row.get("records", 1)
    found = {(row["resource"], row["code"] or row["text"], row["reason"]): row["records"] for row in rows["ignored"]}
    assert found == dict(expected)


def test_what_was_passed_over_has_its_vocabulary_and_its_name(rows: Rows) -> None:
    (row,) = (row for row in rows["ignored"] if row["code"] == "180256009")
    assert (row["system"], row["text"], row["resource"]) == ("SNOMED", "Subcutaneous immunotherapy", "procedure_occurrence")


def test_a_rejected_record_is_told_by_its_number(rows: Rows) -> None:
    given = {(name, row[f"{name}_id"]): row["person_id"] for name, all_ in as_omop().items() if name in EVENTS for row in all_}
    told = [row for row in rows["rejected"] if row["table"] in EVENTS]
    assert told and all(str(given[row["table"], row["row"]]) == row["patient"] for row in told)


def test_a_day_that_is_given_is_the_day_of_everybody(files: Path, meaning: Meaning, tmp_path: Path) -> None:
    source = source_of(files, None, meaning.knowledge)
    assert isinstance(source, Omop)
    later = made(Omop(source.place, meaning, dt.date(2024, 8, 1)), tmp_path / "work")
    assert {str(row["asOf"]) for row in later["patients"]} == {"2024-08-01"}
    begun = next(i for i, one in enumerate(SENTENCES, start=1) if "begins after the day" in one["says"])
    assert [row["therapy"] for row in later["courses"] if row["patient"] == str(begun)] == ["ad:Dupilumab"]


def test_the_words_of_records_speak_of_classes_and_results_that_there_are(knowledge: Knowledge) -> None:
    words = yaml.safe_load((folder("ontology") / "mappings" / "words.yaml").read_text(encoding="utf-8"))
    therapies = {cls for cls, above in knowledge.tree["within"].items() if "dg:Therapy" in above}
    assert set(words["given"]) <= therapies
    assert {way for said in words["given"].values() for ways in said.values() for way in ways} <= set(words["ways"])
    assert set(words["results"]) == {"pt:Negative", "pt:Positive"}
    named = [word for way in words["ways"].values() for kind in way.values() for word in kind]
    assert all(word == word.lower() for word in named)


# --- wherever it is kept


def typed(files: Path, where: Path) -> Path:
    """The tables in a file of DuckDB, their columns of the types that they seem to have."""
    with duckdb.connect(str(where)) as con:
        for path in sorted(files.glob("*.csv")):
            con.execute(f"CREATE TABLE {path.stem.lower()} AS SELECT * FROM read_csv('{path}', sample_size = -1, all_varchar = false)")
    return where


def tables_of(database: Path) -> Iterator[tuple[str, list[tuple[str, str]], list[tuple[Any, ...]]]]:
    with duckdb.connect(str(database), read_only=True) as con:
        for (name,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall():
            columns = [(row[0], row[1]) for row in con.execute(f"DESCRIBE {name}").fetchall()]
            yield name, columns, con.execute(f"FROM {name}").fetchall()


def in_parquet(files: Path, where: Path) -> Path:
    with duckdb.connect(str(typed(files, where.with_suffix(".duckdb"))), read_only=True) as con:
        where.mkdir()
        for name, *_ in tables_of(where.with_suffix(".duckdb")):
            if name == "condition_occurrence":
                (where / name).mkdir()
                for half in (0, 1):
                    to = where / name / f"part-{half}.parquet"
                    con.execute(f"COPY (FROM {name} WHERE condition_occurrence_id % 2 = {half}) TO '{to}' (FORMAT parquet)")
            else:
                con.execute(f"COPY {name} TO '{where / name.upper()}.parquet' (FORMAT parquet)")
    return where


def in_sqlite(files: Path, where: Path) -> str:
    with sqlite3.connect(where) as con:
        for name, columns, rows in tables_of(typed(files, where.with_suffix(".duckdb"))):
            con.execute(f'CREATE TABLE "{name.upper()}" ({", ".join(f"{column} {_SQLITE.get(kind, kind)}" for column, kind in columns)})')
            values = [[v if v is None or isinstance(v, int | float | str) else str(v) for v in row] for row in rows]
            con.executemany(f'INSERT INTO "{name.upper()}" VALUES ({", ".join("?" * len(columns))})', values)
    con.close()
    return f"sqlite:///{where}"


_SQLITE = {"BIGINT": "INTEGER", "DOUBLE": "REAL", "VARCHAR": "TEXT"}
_POSTGRES = {"DOUBLE": "DOUBLE PRECISION", "VARCHAR": "TEXT"}


def test_parquet_tells_the_same(files: Path, rows: Rows, meaning: Meaning, tmp_path: Path) -> None:
    source = source_of(in_parquet(files, tmp_path / "parquet"), None, meaning.knowledge)
    assert isinstance(source, Omop)
    assert made(Omop(source.place, meaning), tmp_path / "work") == rows


def test_a_file_of_duckdb_tells_the_same(files: Path, rows: Rows, meaning: Meaning, tmp_path: Path) -> None:
    source = source_of(typed(files, tmp_path / "cdm.duckdb"), None, meaning.knowledge)
    assert isinstance(source, Omop)
    assert made(Omop(source.place, meaning), tmp_path / "work") == rows


def test_a_url_of_duckdb_tells_the_same(files: Path, rows: Rows, meaning: Meaning, tmp_path: Path) -> None:
    where = typed(files, tmp_path / "cdm.duckdb")
    assert made(Omop(place_of(f"duckdb://{where}"), meaning), tmp_path / "work") == rows


def test_sqlite_tells_the_same(files: Path, rows: Rows, meaning: Meaning, tmp_path: Path) -> None:
    assert made(Omop(place_of(in_sqlite(files, tmp_path / "cdm.sqlite")), meaning), tmp_path / "work") == rows


def test_postgres_tells_the_same(files: Path, rows: Rows, meaning: Meaning, postgres: Postgres, tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg")

    with psycopg.connect(f"postgresql://{postgres.user}@/postgres?host={postgres.socket}") as con:
        for name, columns, values in tables_of(typed(files, tmp_path / "typed.duckdb")):
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {_POSTGRES.get(kind, kind)}' for column, kind in columns)})")
            con.cursor().executemany(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(columns))})", values)
    assert made(Omop(place_of(f"postgres://{postgres.user}@/postgres?host={postgres.socket}"), meaning), tmp_path / "work") == rows


def test_vocabularies_as_they_are_handed_out(files: Path, rows: Rows, meaning: Meaning, tmp_path: Path) -> None:
    """With tabs between the cells, as ``.csv`` all the same, and days without hyphens."""
    where = tmp_path / "csv"
    shutil.copytree(files, where)
    with (files / "concept.csv").open(encoding="utf-8", newline="") as file:
        (where / "concept.csv").write_text("".join("\t".join(row) + "\n" for row in csv.reader(file)), encoding="utf-8")
    text = (where / "CONDITION_OCCURRENCE.csv").read_text(encoding="utf-8")
    (where / "CONDITION_OCCURRENCE.csv").write_text(text.replace("2019-05-06", "20190506"), encoding="utf-8")
    assert made(Omop(place_of(f"duckdb://{where}"), meaning), tmp_path / "work") == rows


# --- runs


def test_a_population_is_assessed(files: Path, knowledge: Knowledge, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", str(files), "--out", str(tmp_path / "out")]) == 3
    lost = {str(n) for n, one in enumerate(SENTENCES, start=1) if one["expect"].get("rejected")}
    read = len(as_omop()["person"])
    assessed = read - len(lost - {str(n) for n, one in enumerate(SENTENCES, start=1) if one.get("person") == "none"})
    assert f"{read} patients read: {assessed} assessed, {read - assessed} rejected" in capsys.readouterr().out
    told = {row["patient"] for row in pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()}
    assert told == lost
    assert pq.read_table(tmp_path / "out" / "ignored.parquet").num_rows


def test_two_patients_of_a_public_sample(knowledge: Knowledge, tmp_path: Path) -> None:
    expected = yaml.safe_load((ROOT / "synthea.yaml").read_text(encoding="utf-8"))
    found = made(source_of(ROOT / "synthea", None, knowledge), tmp_path / "work")
    for name, rows in expected.items():
        assert sorted(map(plain, found[name]), key=str) == sorted(map(plain, rows), key=str), name
    weights = [
        (row["date"], row["value"], row["unit"]) for row in found["observations"] if row["patient"] == "9" and row["observable"] == "ad:BodyWeight"
    ]
    assert max(weights) == (dt.date(2022, 6, 16), Decimal("103.5"), "kg")


PROGRAM = """
import sys
from pathlib import Path
from dermograph import Knowledge
from dermograph.cohort.sources import source_of
source = source_of(Path(sys.argv[1]), None, Knowledge.load())
source.tables(Path(sys.argv[2]), lambda what, done, of: print(what, done, flush=True))
"""


def test_a_killed_run_goes_on(files: Path, tmp_path: Path) -> None:
    """Killed again and again at random, the tables are in the end the same, byte by byte."""
    random = Random(1)

    def command(work: str) -> list[str]:
        return [sys.executable, "-c", PROGRAM, str(files), str(tmp_path / work)]

    subprocess.run(command("whole"), check=True, capture_output=True)
    for _ in range(4):
        with subprocess.Popen(command("killed"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.uniform(0, 2))
            os.kill(process.pid, signal.SIGKILL)
    subprocess.run(command("killed"), check=True, capture_output=True)
    parts = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole" / "tables").rglob("*.parquet"))
    assert len(parts) == len(TABLES) + 1
    assert all((tmp_path / "whole" / part).read_bytes() == (tmp_path / "killed" / part).read_bytes() for part in parts)


# --- what is wrong


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"concept.csv": None}, "no table concept"),
        ({"PERSON.csv": "person_id,gender_concept_id\n1,8507\n"}, "no column year_of_birth"),
        ({"person.parquet": "PAR1"}, "is there as"),
        ({"DRUG_EXPOSURE.csv": "drug_exposure_id,person_id\n1,1\n"}, "no column drug_concept_id"),
        ({"MEASUREMENT.csv": None, "measurement.parquet": "no Parquet"}, "measurement.parquet"),
    ],
)
def test_an_input_that_cannot_be_read(
    change: dict[str, str | None], says: str, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(files, tmp_path / "in")
    for name, text in change.items():
        if text is None:
            (tmp_path / "in" / name).unlink()
        else:
            (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    assert cli.main(["cohort", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert says in said and "mend:" in said and "bug" not in said


@pytest.mark.parametrize("url", ["cdm", "cobol://me:secret@host/cdm", "sqlite:////nowhere/at/all.sqlite"])
def test_a_url_that_leads_nowhere(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", "--omop", url, "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert "mend:" in said and "bug" not in said and "secret" not in said


def test_a_place_keeps_no_password() -> None:
    place: Place = place_of("postgres://me:secret@host/cdm?schema=cdm")
    assert place.key() == {"url": "postgres://host/cdm"}


def test_a_driver_that_is_missing_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def connect(url: str) -> None:
        raise ImportError("\n\nFailed to import the postgres backend due to missing dependencies.\n\nYou may use pip to install it:\n  pip …")

    monkeypatch.setattr("ibis.connect", connect)
    assert cli.main(["cohort", "--omop", "postgres://me@host/db", "--out", str(tmp_path / "out")]) == 3
    told = "postgres://host/db: Failed to import the postgres backend due to missing dependencies"
    assert capsys.readouterr().err.splitlines() == [f"dermograph: {told}", "  mend: install it: pip install 'ibis-framework[postgres]'"]
