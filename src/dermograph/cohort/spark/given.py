"""The tables of a population as Spark reads them: Parquet, every column of its type, rows numbered as they stand in the files."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from dermograph.cohort import descriptor
from dermograph.cohort.cells import TYPES, in_calendar
from dermograph.cohort.listing import refuse_strangers
from dermograph.cohort.spark.session import Files, read_as
from dermograph.cohort.tables import COLUMNS
from dermograph.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TYPES = TYPES | {"string": "STRING"}
_GIVEN = {
    "string": ("string", "varchar", "char"),
    "date": ("date",),
    "integer": ("tinyint", "smallint", "int", "bigint"),
    "number": ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal"),
}
"""Types of Spark that a column may have, by the beginnings of their names. A text is not parsed: each engine reads dates otherwise."""


class Given:
    """The tables of a folder.

    :param place: address of the folder.
    """

    def __init__(self, session: SparkSession, place: str) -> None:
        self.session, self.place, self.files = session, place, Files(session)

    def load(self) -> None:
        """Make a view ``given_<table>`` of each table, with ``row`` and ``torn``, the first cell that does not go into its type.

        :raises InputError: there are no patients, something is there that is not read, or a table has other columns or types than it may.
        """
        names = [f"{name}{ending}" for name in COLUMNS for ending in (".parquet", "")]
        there = {name for name in names if self.files.holds(f"{self.place}/{name}")}
        refuse_strangers(self.place, self.files.names(self.place), there, f"Spark reads {', '.join(COLUMNS)} in Parquet, files or folders")
        for name, columns in COLUMNS.items():
            found = [f"{self.place}/{name}{ending}" for ending in (".parquet", "") if f"{name}{ending}" in there]
            if len(found) > 1:
                raise InputError(f"{self.place}: the table {name} is there as {' and '.join(found)}", "keep one of them")
            if name == "patients" and not found:
                raise InputError(
                    f"{self.place}: no table of patients in Parquet", "Spark reads patients.parquet, a file or a folder, and nothing else"
                )
            given = self._columns(name, found[0]) if found else {}
            cells = [_cell(column, kind, column in given) for column, kind in columns.items()]
            torn = [_torn(column, kind) for column, kind in columns.items() if column in given and kind != "string"]
            first = f"CASE {' '.join(torn)} END" if torn else "CAST(NULL AS STRING)"
            rows = self._rows(found[0]) if found else self.session.sql("SELECT CAST(NULL AS BIGINT) AS row WHERE false")
            rows.selectExpr(*cells, f"{first} AS torn", "row").createOrReplaceTempView(f"given_{name}")

    def _columns(self, name: str, place: str) -> dict[str, str]:
        """Columns of a table with their types, held to what they may be."""
        from pyspark.errors import PySparkException

        try:
            there = dict(self._read(place).dtypes)
        except PySparkException as error:
            raise InputError(f"{place}: {str(error).splitlines()[0]}", "write it as Parquet") from error
        told, hint = COLUMNS[name], f"its columns are {', '.join(COLUMNS[name])}"
        if missing := [c for c in descriptor.required(name) if c not in there]:
            raise InputError(f"{place}: no column {', '.join(missing)}", hint)
        if strange := sorted(there.keys() - told.keys()):
            raise InputError(f"{place}: unknown column {', '.join(strange)}", hint)
        if wrong := [f"{c} is {kind}" for c, kind in there.items() if kind != "void" and not kind.startswith(_GIVEN[told[c]])]:
            raise InputError(f"{place}: {', '.join(wrong)}", "write " + ", ".join(f"{c} as {_TYPES[told[c]]}" for c in there if told[c] != "string"))
        return there

    def _read(self, place: str) -> DataFrame:
        """A table, with the columns of all of its parts."""
        return self.session.read.option("mergeSchema", True).parquet(read_as(place))

    def _rows(self, place: str) -> DataFrame:
        """Rows of a table with their number from 1; the files of a folder follow one another by their names."""
        rows = self._read(place)
        at: Any = "_metadata.row_index + 1"
        if len(rows.inputFiles()) > 1:
            counted = rows.selectExpr("_metadata.file_path AS file").groupBy("file").count().collect()
            sizes = sorted((row["file"], row["count"]) for row in counted)
            before = list(accumulate((size for _, size in sizes), initial=0))
            firsts = [(file, first) for (file, _), first in zip(sizes, before, strict=False)]
            files = self.session.createDataFrame(firsts, "file STRING, first BIGINT")
            numbered = rows.selectExpr("*", "_metadata.file_path AS file", f"{at} AS place").join(files.hint("broadcast"), "file")
            return numbered.selectExpr(*(f"`{c}`" for c in rows.columns), "first + place AS row")
        return rows.selectExpr("*", f"{at} AS row")


def _cell(column: str, kind: str, there: bool) -> str:
    if not there:
        return f"CAST(NULL AS {_TYPES[kind]}) AS `{column}`"
    if kind == "string":
        return f"NULLIF(CAST(`{column}` AS STRING), '') AS `{column}`"
    return f"{_value(column, kind)} AS `{column}`"


def _value(column: str, kind: str) -> str:
    return f"CASE WHEN {in_calendar(f'`{column}`')} THEN `{column}` END" if kind == "date" else f"TRY_CAST(`{column}` AS {_TYPES[kind]})"


def _torn(column: str, kind: str) -> str:
    fails = f"`{column}` IS NOT NULL AND {_value(column, kind)} IS NULL"
    return f"WHEN {fails} THEN '{column}: ' || CAST(`{column}` AS STRING)"
