"""A population assessed by DuckDB: tables in, verdicts as Parquet out, and what could not be assessed with its reason."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dermograph import cache
from dermograph.cohort.answers import Answers, Block
from dermograph.cohort.checks import SEARCH, Checks, in_words, number_of
from dermograph.cohort.counts import Counts
from dermograph.cohort.csv_tables import UNREADABLE
from dermograph.cohort.evaluation import Evaluation
from dermograph.cohort.listing import literal, text
from dermograph.cohort.part_file import PartFile
from dermograph.cohort.place import Place
from dermograph.cohort.program import Compiled, Program
from dermograph.cohort.report import Report
from dermograph.cohort.source import Progress, Source
from dermograph.cohort.summary import Summary, Totals, keep
from dermograph.cohort.tables import COLUMNS, IGNORED, Tables, quoted
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge

if TYPE_CHECKING:
    import duckdb

    from dermograph.cohort.comparison import Comparison

CHUNK = 1_000_000
"""Patients that are assessed at once; more are parted by a digest of their name first."""
BLOCK = 1 << 17
"""Patients whose wires are held at once: few enough for the processor's own memory, and a row group of the verdicts."""

_UNREAD = "Error while reading file"
"""How DuckDB begins to tell that a file is not what its head says."""


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
    def compiled(self) -> Compiled:
        """What is run."""
        return self.program.compiled(self.explain)

    @cached_property
    def today(self) -> dt.date:
        """The day of those of whom none is told, one for the whole run."""
        return dt.date.today()

    @cached_property
    def place(self) -> Place:
        """The folder of the results."""
        return Place(self.out, self.key(), {"least": self.least}, self.source.settled)

    @property
    def work(self) -> Path:
        """Folder of what is not finished."""
        return self.place.work

    def finished(self) -> Totals | None:
        """The totals, where the very same run is finished; None where there is something to do.

        :raises InputError: the input cannot be read, or the folder holds the results of something else.
        """
        return self.place.finished()

    def run(self, progress: Progress = lambda what, done, of: None) -> Totals:
        """Assess the population, or what an earlier run of the very same has left of it, which may be nothing.

        :raises InputError: the input cannot be read, the folder holds the results of something else, or another run is writing there.
        :raises UsageError: the folder cannot be written.
        """
        if (totals := self.finished()) is not None:
            return totals
        with self.place.taken():
            if (totals := self.finished()) is None:
                totals = self._run(progress)
                self.place.finish(totals)
        return totals

    def _run(self, progress: Progress) -> Totals:
        import duckdb

        con = self.connected()
        try:
            progress("reading", 0, 0)
            tables = self.source.tables(self.work / "read", progress)
            tables.load(con)
            whole = number_of(con, "SELECT count(*) FROM given_patients")
            torn = number_of(con, f"SELECT count(*) FROM ({tables.lost()}) WHERE \"table\" = 'patients' AND reason = '{UNREADABLE}'")
            read, parts = whole + torn, max(1, -(-whole // self.chunk))
            if parts > 1:
                self._part(con, parts)
            for number in range(parts):
                progress("assessing", number, parts)
                if not self._done(number).exists():
                    self._assess(con, tables, number, parts)
            totals = self._finish(con, tables, read, parts)
            con.close()
            self._tell(tables, progress)
            progress("assessing", parts, parts)
            return totals
        except (duckdb.Error, OSError) as error:
            told = str(error).splitlines()[0]
            if _UNREAD in told:
                hint = "see that the file is whole, and that a column has one type in all parts of its table"
                raise InputError(told.replace(_UNREAD, "a file of the input cannot be read,"), hint) from error
            hint = "see that the disk has room and that --memory is enough, and give the same command again: what is finished is kept"
            raise InputError(f"{self.out}: {told}", hint) from error
        finally:
            con.close()

    def _tell(self, tables: Tables, progress: Progress) -> None:
        """Tell who changes under another version, and write what people read."""
        if self.compared:
            self.compared.write(self, tables, progress)
        if self.least is not None:
            Report(self.knowledge.tree, self.out, self.work, self.least).write()

    def key(self) -> dict[str, Any]:
        """What the results turn on; the day too where the input leaves it to the calendar."""
        program = hashlib.sha256(repr(self.compiled).encode()).hexdigest()
        options = {"explain": self.explain, "chunk": self.chunk, "compared": self.compared.key() if self.compared else None}
        source = self.source.key()
        today = None if source.get("asOf") else self.today.isoformat()
        return {"knowledge": self.knowledge.sha256, "program": program, "code": _code(), "source": source, "today": today, **options}

    def connected(self) -> duckdb.DuckDBPyConnection:
        """A database that takes no more than it may."""
        import duckdb

        con = duckdb.connect()
        con.execute(f"SET memory_limit = '{self.memory}'")
        con.execute(f"SET temp_directory = '{text(self.work / 'spilled')}'")
        con.execute(f"SET threads = {self.threads or os.cpu_count() or 1}")
        return con

    def _done(self, number: int) -> Path:
        return self.work / f"done-{number:05}.json"

    def _part(self, con: duckdb.DuckDBPyConnection, parts: int) -> None:
        """Write each table in parts, so that each part is read once."""
        for name in COLUMNS:
            folder = self.work / "parts" / name
            if not (folder / "whole").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                con.execute(
                    f"COPY (SELECT *, CAST(coalesce(hash(patient), 0) % {parts} AS INTEGER) AS part FROM given_{name}) TO '{text(folder)}' "
                    "(FORMAT parquet, PARTITION_BY (part), OVERWRITE_OR_IGNORE)"
                )
                (folder / "whole").touch()

    def _assess(self, con: duckdb.DuckDBPyConnection, tables: Tables, number: int, parts: int) -> None:
        """Check and assess one part, and move its results into place whole."""
        con.execute("CREATE SCHEMA IF NOT EXISTS part")
        for name in COLUMNS:
            source = f"main.given_{name}"
            if parts > 1:
                files = self.work / "parts" / name / f"part={number}"
                source = f"read_parquet('{literal(files)}/*.parquet', hive_partitioning = false)" if files.exists() else f"{source} WHERE false"
            con.execute(f"CREATE OR REPLACE VIEW part.given_{name} AS SELECT * FROM {source}")
        con.execute(f"SET search_path = '{SEARCH}'")
        checks = Checks(self.program.layout, tables, self.today)
        checks.take(con)
        names = con.sql("SELECT patient FROM known ORDER BY id").to_arrow_table()["patient"].combine_chunks()
        facts = self._facts(con, checks, len(names))
        good = np.ones(len(names), np.bool_)
        good[con.sql("SELECT id FROM bad").to_arrow_table()["id"].to_numpy()] = False
        contradicted = good & facts["contradicts"].to_numpy()
        good &= ~contradicted
        lost = names.filter(pa.array(contradicted)).to_pylist()
        con.execute("INSERT INTO rejects SELECT 'patients', NULL, unnest(CAST(? AS VARCHAR[])), 'measured', NULL", [lost])
        self._write(con, self.work / "rejects", number, "SELECT * FROM rejects")
        con.execute("RESET search_path")
        con.execute("DROP SCHEMA part CASCADE")
        if not good.all():
            facts, names = facts.filter(pa.array(good)), names.filter(pa.array(good))
        facts = facts.combine_chunks()
        answers = Answers(self.program.legend, self.explain, facts)
        self._answer(answers, facts, names, number)
        done = {"assessed": int(good.sum()), "days": _days(facts["asOf"]), "counts": answers.counts.told()}
        cache.write(self._done(number), done)

    def _facts(self, con: duckdb.DuckDBPyConnection, checks: Checks, patients: int) -> pa.Table:
        """The facts of every patient, in the order of their numbers, while another thread reads rows and looks for what is wrong across them."""
        on_record = con.sql("SELECT * FROM patients ORDER BY patient").to_arrow_table()
        gatherings = {gathering.name: gathering for gathering in self.program.facts.recorded.gatherings}
        with ThreadPoolExecutor(1) as pool:
            cursor = con.cursor()
            cursor.execute(f"SET search_path = '{SEARCH}'")
            waiting = deque(pool.submit(lambda query: cursor.sql(query).to_arrow_table(), query) for query in self.compiled.rows.values())
            judged = pool.submit(checks.judge, cursor)
            for gathering in gatherings.values():
                for name, column in gathering.gathered(waiting.popleft().result(), patients).items():
                    on_record = on_record.append_column(name, column)
        judged.result()
        con.register("on_record", on_record)
        facts = con.sql(self.compiled.people).to_arrow_table()
        con.unregister("on_record")
        return facts

    def _answer(self, answers: Answers, facts: pa.Table, names: pa.Array, number: int) -> None:
        """Work through the circuit block by block, while the block before is written."""
        evaluation = Evaluation(self.compiled.plan, BLOCK)
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(1))
            files = {kind: stack.enter_context(PartFile(self.work, self.out / kind, number)) for kind in ("verdicts", *self._more)}
            pending: list[Future[None]] = []
            for start in range(0, max(1, len(facts)), BLOCK):
                rows, called = facts.slice(start, BLOCK), names.slice(start, BLOCK)
                wires = evaluation.run({name: rows[name].combine_chunks() for name in rows.column_names})
                block = Block(self.compiled.outputs, wires, rows, start)
                told = {kind: getattr(answers, kind)(block, called) for kind in files}
                for future in pending:
                    future.result()
                pending = [pool.submit(files[kind].write, table) for kind, table in told.items()]
            for future in pending:
                future.result()

    @property
    def _more(self) -> tuple[str, ...]:
        return ("criteria", "places") if self.explain else ()

    def _write(self, con: duckdb.DuckDBPyConnection, folder: Path, number: int, query: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        aside = self.work / f"aside-{number:05}.parquet"
        con.execute(f"COPY ({query}) TO '{text(aside)}' (FORMAT parquet, COMPRESSION zstd)")
        aside.replace(folder / f"part-{number:05}.parquet")

    def _finish(self, con: duckdb.DuckDBPyConnection, tables: Tables, read: int, parts: int) -> Totals:
        """Write what was rejected, what was passed over, and the summary."""
        rejects = f"SELECT * FROM read_parquet('{literal(self.work)}/rejects/*.parquet')"
        rejects = tables.told(f"{rejects} UNION ALL {tables.lost()}")
        told = {"rejects": f'SELECT "table", row, patient, {in_words("reason")} AS reason, value FROM ({rejects}) ORDER BY ALL'}
        if ignored := tables.beside("ignored"):
            told["ignored"] = f"SELECT {', '.join(map(quoted, IGNORED))} FROM {ignored} ORDER BY ALL"
        for name, query in told.items():
            aside = self.work / f"{name}.parquet"
            con.execute(f"COPY ({query}) TO '{text(aside)}' (FORMAT parquet, COMPRESSION zstd)")
            aside.replace(self.out / aside.name)
        counts, assessed, days = Counts(), 0, list[str]()
        for number in range(parts):
            done = json.loads(self._done(number).read_bytes())
            assessed += done["assessed"]
            days += done["days"]
            counts.take(done["counts"])
        totals = Totals(read, assessed, read - assessed)
        keep(Summary(self.program, counts, self.out).told(con, totals, days), self.out, self.work)
        return totals


def _days(days: pa.ChunkedArray) -> list[str]:
    """First and last day that is asked about; nothing where nobody is assessed."""
    found = pc.min_max(days).as_py()
    return [found[end].isoformat() for end in ("min", "max")] if found["min"] else []


def _code() -> str:
    """Digest of the program: what another version found is not what this one finds."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
