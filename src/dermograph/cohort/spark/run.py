"""A population assessed by Spark: its SQL makes a row of facts of each patient, and its workers make verdicts of them."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dermograph.cohort.checks import in_words
from dermograph.cohort.counts import Counts
from dermograph.cohort.facts import PEOPLE
from dermograph.cohort.program import Program
from dermograph.cohort.report import Report
from dermograph.cohort.source import Progress
from dermograph.cohort.spark.checks import SparkChecks
from dermograph.cohort.spark.given import Given
from dermograph.cohort.spark.session import Files, address, opened
from dermograph.cohort.spark.work import Work
from dermograph.cohort.summary import Summary, Totals, keep
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_UNFINISHED = "_unfinished"
"""File in the folder of the results as long as they are not whole; only one run makes it."""


@dataclass(frozen=True)
class SparkCohort:
    """A run over a population.

    :param place: folder of the tables in Parquet, or its address.
    :param out: folder of the results, or its address.
    :param as_of: the day asked about, for every patient; without it what the table says, else today.
    :param memory: most memory of Spark, where it runs on this machine.
    :param threads: most threads, where it runs on this machine; 0 is one for each core.
    :param explain: spell reasons out, and write the truth of each criterion too.
    :param least: smallest count that tables, pictures and report show; None where none of these is wanted.
    """

    knowledge: Knowledge
    place: str
    out: str
    as_of: dt.date | None = None
    memory: str = "4GB"
    threads: int = 0
    explain: bool = False
    least: int | None = 0

    @cached_property
    def program(self) -> Program:
        """The guideline compiled."""
        return Program(self.knowledge)

    def finished(self) -> None:
        """Nothing is known of earlier runs: results are never written over."""

    def run(self, progress: Progress = lambda what, done, of: None) -> Totals:
        """Assess the population.

        :raises InputError: the input cannot be read, the folder of the results holds something already or cannot be written, or another
            run is writing there.
        """
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException, PythonException

        with ExitStack() as stack:
            session = stack.enter_context(opened(self.threads, self.memory))
            aside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dermograph")))
            files, mark = Files(session), f"{address(self.out)}/{_UNFINISHED}"
            if files.holds(address(self.out)):
                raise InputError(f"{self.out}: the folder holds something already", "name an empty folder, or empty this one")
            try:
                if not files.take(mark):
                    raise InputError(f"{self.out}: another run is writing here", "wait until it has ended, or name another folder")
                totals = self._assess(session, aside, progress)
                files.drop(mark)
                return totals
            except PythonException:
                raise
            except (PySparkException, Py4JError) as error:
                hint = "what Spark printed tells more; empty the folder of the results before you try again"
                raise InputError(f"{self.place}: Spark ends with {str(error).splitlines()[0]}", hint) from error

    def _assess(self, session: SparkSession, aside: Path, progress: Progress) -> Totals:
        progress("reading", 0, 0)
        Given(session, address(self.place)).load()
        read = session.table("given_patients").count()
        wrong = SparkChecks(session, self.program.layout, aside, self.as_of, dt.date.today()).taken().persist()
        people = session.sql(self.program.sql("spark", until=PEOPLE)).join(wrong.select("patient").distinct(), "patient", "left_anti").persist()
        good = people.filter("NOT contradicts")
        contradicted = people.filter("contradicts").selectExpr(
            "'patients' AS `table`", "CAST(NULL AS BIGINT) AS row", "patient", "'measured' AS reason", "CAST(NULL AS STRING) AS value"
        )
        progress("assessing", 0, 0)
        compiled = self.program.compiled(self.explain)
        work = Work(compiled.plan, compiled.outputs, self.program.legend, self.explain)
        for kind in ("verdicts", *(("criteria", "places") if self.explain else ())):
            _done(work, kind, good).write.option("compression", "zstd").parquet(f"{address(self.out)}/{kind}")
        told = [json.loads(row["told"]) for row in _done(work, "counts", good).collect()]
        return self._tell(session, aside, wrong.unionByName(contradicted).toArrow(), read, told)

    def _tell(self, session: SparkSession, aside: Path, rejects: pa.Table, read: int, told: list[dict[str, Any]]) -> Totals:
        """Write what goes into one file, first on the disk of this machine."""
        import duckdb

        results, work = aside / "results", aside / "work"
        for folder in (results, work):
            folder.mkdir()
        counts = Counts()
        for part in told:
            counts.take(part["counts"])
        assessed = sum(part["assessed"] for part in told)
        totals = Totals(read, assessed, read - assessed)
        with duckdb.connect() as con:
            con.register("rejects", rejects)
            query = f'SELECT "table", row, patient, {in_words("reason")} AS reason, value FROM rejects ORDER BY ALL'
            con.execute(f"COPY ({query}) TO '{results.as_posix()}/rejects.parquet' (FORMAT parquet, COMPRESSION zstd)")
            keep(Summary(self.program, counts, results).told(con, totals, [day for part in told for day in part["days"]]), results, work)
        if self.least is not None:
            Report(self.knowledge.tree, results, work, self.least).write()
        for path in sorted(results.iterdir(), key=lambda path: path.name == "summary.json"):
            Files(session).copy(path, address(self.out))
        return totals


def _done(work: Work, kind: str, facts: DataFrame) -> DataFrame:
    """What the workers tell of some facts."""
    return facts.mapInArrow(getattr(work, kind), work.columns(kind))
