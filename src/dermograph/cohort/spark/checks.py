"""The rules of :mod:`dermograph.cohort.checks` carried out by Spark: the same SQL, written in its dialect.

A patient goes by the name here: numbers without a gap would want all patients on one machine.
"""

from __future__ import annotations

import datetime as dt
from functools import reduce
from typing import TYPE_CHECKING

import sqlglot
import sqlglot.expressions as sge

from dermograph.cohort.checks import Checks, first
from dermograph.cohort.layout import Layout
from dermograph.cohort.recorded import INPUTS
from dermograph.cohort.tables import COLUMNS, Tables, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


class SparkChecks(Checks):
    """The rules of a knowledge, as SQL for Spark.

    :param day: the day asked about, for every patient; without it what the table says, else ``today``.
    """

    def __init__(self, session: SparkSession, layout: Layout, folder: Path, day: dt.date | None, today: dt.date) -> None:
        super().__init__(layout, Tables(folder, day), today)
        self.session = session

    def taken(self) -> DataFrame:
        """What is wrong: table, row, patient, reason and value. Views named as the tables of the program hold what was taken over."""
        named = f"SELECT row, patient, birthDate, ageYears, sex, {self.as_of()} AS today FROM given_patients WHERE patient IS NOT NULL"
        turn = "row_number() OVER (PARTITION BY patient ORDER BY row)"
        self._view("known", f"SELECT patient AS id, * EXCLUDE (turn) FROM (SELECT *, {turn} AS turn FROM ({named})) WHERE turn = 1")
        self.session.table("known").persist()
        self._take_units()
        found = [self._take_table(name) for name in COLUMNS]
        found += [
            self._sql(f"SELECT '{name}' AS \"table\", row, patient, reason, value FROM ({query}) t(row, patient, reason, value)")
            for name, _, query in self.across(False)
        ]
        for name in INPUTS:
            columns = 'id AS patient, today AS "asOf", birthDate, ageYears, sex' if name == "patients" else ", ".join(map(quoted, INPUTS[name]))
            self._view(name, f"SELECT {columns} FROM {'known' if name == 'patients' else f'taken_{name} WHERE patient IS NOT NULL'}")
        return reduce(lambda one, other: one.unionByName(other), found)

    def _take_table(self, name: str) -> DataFrame:
        """Take over a table, and tell its rows that are wrong."""
        rules = list(self.rules(name))
        reason, value = first((when, f"'{short}'") for short, when, _ in rules), first((when, value) for _, when, value in rules)
        if name != "patients":
            columns = ", ".join(map(quoted, INPUTS[name])).replace('"patient"', "known AS patient").replace('"value"', "canonical AS value")
            self._view(f"taken_{name}", f"SELECT {columns} FROM {self.checked(name)}")
        told = f"SELECT row, patient, {reason} AS reason, CAST({value} AS VARCHAR) AS value FROM {self.checked(name)}"
        return self._sql(f"SELECT '{name}' AS \"table\", row, patient, reason, value FROM ({told}) WHERE reason IS NOT NULL")

    def _take_units(self) -> None:
        units = self.session.sql("SELECT DISTINCT observable, unit FROM given_observations WHERE unit IS NOT NULL").collect()
        texts = [tuple(None if cell is None else str(cell) for cell in row) for row in self.factors((u["observable"], u["unit"]) for u in units)]
        names = ("observable", "unit", "factor", "low", "high")
        rows = self.session.createDataFrame(texts, ", ".join(f"{name} STRING" for name in names))
        decimals = (f"CAST({c} AS DECIMAL({18 if c == 'factor' else 24}, 12)) AS {c}" for c in names[2:])
        rows.selectExpr("observable", "unit", *decimals).createOrReplaceTempView("factors")

    def named(self, kind: str) -> str:
        return "(" + ", ".join(f"'{cls}'" for cls in self.layout.classes(kind) if cls != kind) + ")"

    def _sql(self, text: str) -> DataFrame:
        return self.session.sql(in_spark(text))

    def _view(self, name: str, text: str) -> None:
        self._sql(text).createOrReplaceTempView(name)


def in_spark(text: str) -> str:
    """SQL of DuckDB as Spark takes it."""
    return str(sqlglot.parse_one(text, dialect="duckdb").transform(_mended).sql(dialect="spark"))


def _mended(node: sge.Expression) -> sge.Expression:
    """A function that sqlglot leaves as DuckDB has it."""
    if isinstance(node, sge.Length) and isinstance(node.this, sge.ArrayFilter):
        return sge.ArraySize(this=node.this)
    if isinstance(node, sge.Anonymous) and node.name.lower() == "datesub":
        _, start, end = node.expressions
        return sge.Anonymous(this="TIMESTAMPDIFF", expressions=[sge.var("YEAR"), start, end])
    return node
