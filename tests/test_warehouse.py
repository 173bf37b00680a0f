"""The program as SQL answers as the circuit does, in DuckDB and in the databases that can be had here."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import sqlglot
from generators import random_patient
from servers import Postgres

from dermograph import Knowledge, cli
from dermograph.cohort import population, synth, writing
from dermograph.cohort.graphs import rows as rows_of
from dermograph.cohort.program import Program
from dermograph.cohort.recorded import INPUTS
from dermograph.cohort.run import Cohort
from dermograph.cohort.tables import Tables, quoted
from dermograph.cohort.warehouse import tables
from dermograph.commands.cohort import DIALECTS
from dermograph.content import folder
from dermograph.units import factor
from dermograph.verdicts import PRECEDENCE

RUN = ("duckdb", "postgres", "spark")
"""Dialects of what is here; ``test_spark.py`` runs that of Spark."""
_MEGABYTE = 1_000_000
_BITWISE = (sqlglot.exp.BitwiseAnd, sqlglot.exp.BitwiseOr, sqlglot.exp.BitwiseNot)


@pytest.fixture(scope="module")
def program(knowledge: Knowledge) -> Program:
    return Program(knowledge)


@pytest.fixture(scope="module")
def given(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables as a cohort takes them: 200 patients with whatever may be on record, and 300 made up ones."""
    where = tmp_path_factory.mktemp("given")
    writing.write(synth.blocks(population.read(folder("ontology")), 300, 5), where, writing.Format.parquet, "made up")
    records = [r for seed in range(200) for r in knowledge.read(random_patient(Random(seed), f"urn:example:p{seed}").turtle())]
    for name, rows in rows_of(records, knowledge.tree["within"]).items():
        there = pq.read_table(where / f"{name}.parquet")
        plain = [{column: row.get(column) for column in there.column_names} for row in rows]
        schema = pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in there.schema])
        pq.write_table(pa.concat_tables([there.cast(schema), pa.Table.from_pylist(plain, schema)]), where / f"{name}.parquet")
    return where


@pytest.fixture(scope="module")
def loaded(given: Path, knowledge: Knowledge) -> duckdb.DuckDBPyConnection:
    """The same as the SQL takes them, in tables that were made with the SQL that is printed for it."""
    con = duckdb.connect()
    con.execute(tables("duckdb"))
    units = con.execute(f"SELECT DISTINCT observable, unit FROM '{given}/observations.parquet'").fetchall()
    con.execute("CREATE TABLE factors (observable VARCHAR, unit VARCHAR, factor DECIMAL(18, 12))")
    con.executemany("INSERT INTO factors VALUES (?, ?, ?)", [(o, u, factor(u, knowledge.tree["units"][o])) for o, u in units])
    for name, columns in INPUTS.items():
        cells = ", ".join("CAST(CAST(value AS DECIMAL(18, 6)) * factor AS DECIMAL(24, 12))" if c == "value" else quoted(c) for c in columns)
        joined = "JOIN factors USING (observable, unit)" if name == "observations" else ""
        con.execute(f"INSERT INTO {name} SELECT {cells} FROM '{given}/{name}.parquet' {joined}")
    return con


@pytest.fixture(scope="module")
def told(loaded: duckdb.DuckDBPyConnection, program: Program) -> pa.Table:
    """What the program as one SELECT says in DuckDB, whose optimizer takes long over it."""
    loaded.execute("SET disabled_optimizers = 'expression_rewriter,statistics_propagation,common_subexpressions'")
    return loaded.sql(program.sql()).to_arrow_table().sort_by("patient")


def test_the_sql_says_what_the_circuit_says(told: pa.Table, given: Path, knowledge: Knowledge, tmp_path: Path) -> None:
    Cohort(knowledge, Tables(given), tmp_path / "out", least=None).run()
    by_circuit = {(r["patient"], r["therapy"]): r for r in pq.read_table(tmp_path / "out" / "verdicts").to_pylist()}
    assert len(told) == 500 and len(by_circuit) == 500 * len(knowledge.tree["rows"])
    for row in told.to_pylist():
        for therapy in knowledge.tree["rows"]:
            one = by_circuit[row["patient"], therapy]
            by_sql = [PRECEDENCE[row[f"{therapy} status"]], *(row[f"{therapy} {column}"] for column in ("rank", "because", "missing"))]
            assert by_sql == [one[column] for column in ("status", "rank", "because", "missing")], (row["patient"], therapy)


@pytest.fixture(scope="module")
def in_postgres(program: Program) -> str:
    return program.sql("postgres")


def test_postgres_says_the_same(told: pa.Table, loaded: duckdb.DuckDBPyConnection, in_postgres: str, postgres: Postgres, tmp_path: Path) -> None:
    script = [tables("postgres")]
    for name in INPUTS:
        pc.write_csv(loaded.table(name).to_arrow_table(), tmp_path / f"{name}.csv")
        script.append(f"\\copy {name} FROM '{tmp_path}/{name}.csv' WITH (FORMAT csv, HEADER)")
    script += ["ANALYZE;", "SET jit = off;", in_postgres + ";"]
    (tmp_path / "run.sql").write_text("\n".join(script), encoding="utf-8")
    heads, *rows = csv.reader(postgres.run(tmp_path / "run.sql").splitlines())
    types = [told.schema.field(head).type for head in heads]
    assert heads == told.column_names
    found = [{head: _cell(text, kind) for head, text, kind in zip(heads, row, types, strict=True)} for row in rows]
    assert sorted(found, key=lambda row: str(row["patient"])) == told.to_pylist()


def _cell(text: str, kind: pa.DataType) -> Any:
    """A cell as PostgreSQL prints it."""
    if not text or pa.types.is_string(kind):
        return text or None
    if pa.types.is_boolean(kind):
        return {"t": True, "f": False}[text]
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(text)
    return Decimal(text) if pa.types.is_decimal(kind) else int(text)


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect not in RUN])
def test_what_a_dialect_is_read_as_says_the_same(dialect: str, told: pa.Table, loaded: duckdb.DuckDBPyConnection, program: Program) -> None:
    """No server of these is here: their SQL is read by a grammar of the dialect, and run by DuckDB as what was read."""
    text = program.sql(dialect)
    assert len(text.encode()) < _MEGABYTE
    read = sqlglot.parse_one(text, dialect=dialect)
    for node in reversed(list(read.find_all(*_BITWISE))):  # functions in some dialects, operators in DuckDB, between which sqlglot sets no brackets
        if isinstance(node.parent, _BITWISE) and dialect != "bigquery":
            node.replace(sqlglot.exp.paren(node))
    assert loaded.sql(read.sql(dialect="duckdb", copy=False)).to_arrow_table().sort_by("patient").to_pylist() == told.to_pylist()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tables_are_of_the_dialect(dialect: str) -> None:
    made = [create for create in sqlglot.parse(tables(dialect), dialect=dialect) if isinstance(create, sqlglot.exp.Create)]
    assert [table.name for create in made for table in create.find_all(sqlglot.exp.Table)] == list(INPUTS)


def test_the_command_prints_the_sql(in_postgres: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", "--sql", "--dialect", "postgres"]) == 0
    assert capsys.readouterr().out == in_postgres + "\n"
    assert cli.main(["cohort", "--sql", "--tables", "--dialect", "postgres"]) == 0
    assert capsys.readouterr().out == tables("postgres") + "\n"
