"""A population assessed by DuckDB: tables in, verdicts as Parquet out, and what could not be assessed with its reason."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph import cache
from dermograph.cohort.checks import REASONS, Checks
from dermograph.cohort.program import Program
from dermograph.cohort.report import Report
from dermograph.cohort.sources import Progress, Source
from dermograph.cohort.spelling import Spelling
from dermograph.cohort.summary import Summary, Totals
from dermograph.cohort.tables import COLUMNS, IGNORED, Tables, quoted
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge

if TYPE_CHECKING:
    import duckdb

    from dermograph.cohort.comparison import Comparison

CHUNK = 1_000_000
"""Patients that are assessed at once; more are parted by a digest of their name first."""
_WORTH = {"cte_inlining", "filter_pushdown", "unused_columns", "build_side_probe_side", "join_order", "column_lifetime"}
"""Steps of DuckDB's optimizer that pay here; the others look longer at thousands of columns than the query runs."""


@dataclass(frozen=True)
class Cohort:
    """A run over a population.

    :param source: the input.
    :param out: folder of the results.
    :param memory: most memory that the database takes, such as ``4GB``.
    :param threads: most threads; 0 is one for each core.
    :param explain: spell reasons out, and write the truth of each criterion too.
    :param chunk: patients that are assessed at once.
    :param least: smallest count that tables, pictures and report show; None where none of these is wanted.
    :param compared: another version of the ontology, to tell who changes under it.
    """

    knowledge: Knowledge
    source: Source
    out: Path
    memory: str = "4GB"
    threads: int = 0
    explain: bool = False
    chunk: int = CHUNK
    least: int | None = 0
    compared: Comparison | None = None

    @cached_property
    def program(self) -> Program:
        """The guideline compiled."""
        return Program(self.knowledge)

    @cached_property
    def sql(self) -> str:
        """The guideline as one SELECT."""
        return self.program.cached_sql(self.explain)

    @cached_property
    def work(self) -> Path:
        """Folder of what is not finished."""
        return self.out / ".unfinished"

    def run(self, progress: Progress = lambda what, done, of: None) -> Totals:
        """Assess the population, or what an earlier run of the very same has left of it.

        :raises InputError: the input cannot be read, or the folder holds the results of something else.
        """
        import duckdb

        self._begin()
        con = self.connected()
        try:
            progress("reading", 0, 0)
            tables = self.source.tables(self.work / "read", progress)
            tables.load(con)
            Checks(self.program.layout, tables).apply(con)
            parts = max(1, -(-_number(con, "SELECT count(*) FROM patients") // self.chunk))
            if parts > 1:
                self._part(con, parts)
            for number in range(parts):
                progress("assessing", number, parts)
                if not self._done(number).exists():
                    self._assess(con, number, parts)
            totals = self._finish(con, tables)
            con.close()
            self._tell(tables, progress)
            progress("assessing", parts, parts)
        except (duckdb.Error, OSError) as error:
            hint = "see that the disk has room and that --memory is enough, and give the same command again: what is finished is kept"
            raise InputError(f"{self.out}: {str(error).splitlines()[0]}", hint) from error
        finally:
            con.close()
        shutil.rmtree(self.work)
        return totals

    def _tell(self, tables: Tables, progress: Progress) -> None:
        """Tell who changes under another version, and write what people read."""
        if self.compared:
            self.compared.write(self, tables, progress)
        if self.least is not None:
            Report(self.knowledge.tree, self.out, self.work, self.least).write()

    def _begin(self) -> None:
        """Make the folder, and go on with an unfinished run only where it is of the same input, knowledge and options."""
        key = self.key()
        kept = self.work / "run.json"
        if (self.out / "summary.json").exists() and not kept.exists():
            shutil.rmtree(self.work, ignore_errors=True)
        if self.out.is_dir() and any(p != self.work for p in self.out.iterdir()) and not kept.exists():
            raise InputError(f"{self.out}: the folder holds something already", "name an empty folder, or empty this one")
        if kept.exists() and json.loads(kept.read_text(encoding="utf-8")) != key:
            shutil.rmtree(self.work)
            shutil.rmtree(self.out / "compared", ignore_errors=True)
            for path in (*self.out.glob("*/part-*.parquet"), *self.out.glob("changes.parquet")):
                path.unlink()
        self.work.mkdir(parents=True, exist_ok=True)
        cache.write(kept, key)

    def key(self) -> dict[str, Any]:
        """What the results turn on."""
        program = hashlib.sha256(self.sql.encode()).hexdigest()
        options = {"explain": self.explain, "chunk": self.chunk, "compared": self.compared.key() if self.compared else None}
        return {"knowledge": self.knowledge.sha256, "program": program, "source": self.source.key(), **options}

    def connected(self) -> duckdb.DuckDBPyConnection:
        """A database that takes no more than it may."""
        import duckdb

        con = duckdb.connect()
        con.execute(f"SET memory_limit = '{self.memory}'")
        con.execute(f"SET temp_directory = '{(self.work / 'spilled').as_posix()}'")
        con.execute(f"SET threads = {self.threads or os.cpu_count() or 1}")
        return con

    def _done(self, number: int) -> Path:
        return self.work / f"done-{number:05}"

    def _part(self, con: duckdb.DuckDBPyConnection, parts: int) -> None:
        """Write each table in parts, so that each part is read once."""
        for name in COLUMNS:
            folder = self.work / "parts" / name
            if not (folder / "whole").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                con.execute(
                    f"COPY (SELECT *, CAST(hash(patient) % {parts} AS INTEGER) AS part FROM {name}) TO '{folder.as_posix()}' "
                    "(FORMAT parquet, PARTITION_BY (part), OVERWRITE_OR_IGNORE)"
                )
                (folder / "whole").touch()

    def _assess(self, con: duckdb.DuckDBPyConnection, number: int, parts: int) -> None:
        """Assess one part, and move its results into place whole."""
        con.execute("CREATE SCHEMA IF NOT EXISTS part")
        for name in COLUMNS:
            source = f"main.{name}"
            if parts > 1:
                files = self.work / "parts" / name / f"part={number}"
                source = f"read_parquet('{files.as_posix()}/*.parquet')" if files.exists() else f"main.{name} WHERE false"
            con.execute(f"CREATE OR REPLACE VIEW part.{name} AS SELECT * FROM {source}")
        steps = [row[0] for row in con.execute("SELECT name FROM duckdb_optimizers()").fetchall() if row[0] not in _WORTH]
        con.execute(f"SET disabled_optimizers = '{','.join(steps)}'")
        con.execute("SET search_path = 'part,main'")
        con.execute(f"CREATE OR REPLACE TEMP TABLE every AS {self.sql} ORDER BY patient")
        con.execute("RESET search_path")
        con.execute("RESET disabled_optimizers")
        con.execute("CREATE OR REPLACE TEMP VIEW wide AS SELECT * FROM every WHERE NOT contradicts")
        spelling = Spelling(self.program)
        spelling.fill(con)
        self._write(con, self.out / "verdicts", number, spelling.verdicts(self.explain))
        if self.explain:
            self._write(con, self.out / "criteria", number, spelling.criteria())
            self._write(con, self.out / "places", number, spelling.places())
        self._write(con, self.work / "contradicted", number, "SELECT patient FROM every WHERE contradicts")
        for name, query in spelling.counts().items():
            self._write(con, self.work / name, number, query)
        self._done(number).touch()

    def _write(self, con: duckdb.DuckDBPyConnection, folder: Path, number: int, query: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        aside = self.work / f"aside-{number:05}.parquet"
        con.execute(f"COPY ({query}) TO '{aside.as_posix()}' (FORMAT parquet, COMPRESSION zstd)")
        aside.replace(folder / f"part-{number:05}.parquet")

    def _finish(self, con: duckdb.DuckDBPyConnection, tables: Tables) -> Totals:
        """Write what was rejected, what was passed over, and the summary."""
        measured = f"SELECT 'patients', NULL, patient, 'measured', NULL FROM read_parquet('{self.work.as_posix()}/contradicted/*.parquet')"
        con.execute(f"INSERT INTO rejects {measured}")
        reasons = " ".join(f"WHEN '{short}' THEN '{text}'" for short, text in REASONS.items()) + " ELSE reason"
        con.execute(
            f'COPY (SELECT "table", row, patient, CASE reason {reasons} END AS reason, value FROM rejects ORDER BY ALL) '
            f"TO '{(self.out / 'rejects.parquet').as_posix()}' (FORMAT parquet, COMPRESSION zstd)"
        )
        if ignored := tables.beside("ignored"):
            con.execute(
                f"COPY (SELECT {', '.join(map(quoted, IGNORED))} FROM {ignored} ORDER BY ALL) "
                f"TO '{(self.out / 'ignored.parquet').as_posix()}' (FORMAT parquet, COMPRESSION zstd)"
            )
        read = _number(con, "SELECT count(*) FROM given_patients")
        kept = _number(con, "SELECT count(*) FROM patients") - _number(
            con, f"SELECT count(*) FROM read_parquet('{self.work.as_posix()}/contradicted/*.parquet')"
        )
        totals = Totals(read, kept, read - kept)
        Summary(self.program, self.work, self.out, Spelling(self.program).codes()).write(con, totals)
        return totals


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
