"""The tables of a population: found, read into DuckDB, and held to their types.

They are given by a user, or written by a reader of another kind of source (:mod:`dermograph.cohort.sources`). Then two more
tables may lie beside them: ``rejected``, what the reader could not take over, with the reason in words, and ``ignored``, what
it passed over because no rule could turn on it.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort import descriptor
from dermograph.errors import InputError

if TYPE_CHECKING:
    import duckdb

COLUMNS = {name: descriptor.columns(name) for name in descriptor.names()}
"""Columns of each table as it is given, with their types."""
KEYS = {name: list(columns)[1] for name, columns in COLUMNS.items() if name != "patients"}
"""Column of each table that holds the class of its records, the second."""
_CSV = "header = true, all_varchar = true, strict_mode = true, delim = ',', quote = '\"', escape = '\"'"
REJECTED = {"table": "string", "row": "integer", "patient": "string", "reason": "string", "value": "string"}
"""Columns of what a reader could not take over; the patient is not assessed, but has a row in the table of patients."""
IGNORED = {"resource": "string", "system": "string", "code": "string", "text": "string", "reason": "string", "records": "integer"}
"""Columns of what a reader passed over: what kind of record, its code, why, and how many there were."""
_ENDINGS = (".parquet", ".csv", ".csv.gz", "")
_TYPES = {"string": "VARCHAR", "date": "DATE", "integer": "BIGINT", "number": "DECIMAL(24, 12)"}
"""Types of DuckDB."""


@dataclass(frozen=True)
class Tables:
    """The tables of a folder, which are the plainest source of a population.

    :param folder: holds ``patients.parquet``, ``patients.csv``, a folder ``patients`` with parts in Parquet, and so on; only
        this first table must be there.
    :param as_of: the day asked about, for every patient; without it, what the table says, else today.
    """

    folder: Path
    as_of: dt.date | None = None

    @cached_property
    def files(self) -> dict[str, Path]:
        """File of each table that is there.

        :raises InputError: there are no patients, or a table is there twice.
        """
        found = {}
        for name in COLUMNS:
            there = self.there(name)
            if len(there) > 1:
                raise InputError(f"{self.folder}: the table {name} is there as {' and '.join(p.name for p in there)}", "keep one of them")
            if there:
                found[name] = there[0]
        if "patients" not in found:
            raise InputError(f"{self.folder}: no table of patients", "write patients.parquet or patients.csv into it")
        return found

    def there(self, name: str) -> list[Path]:
        """Files of a table in the folder."""
        return [path for ending in _ENDINGS if _holds(path := self.folder / f"{name}{ending}")]

    def key(self) -> dict[str, Any]:
        """What the results turn on: names, sizes and times of the files, and the day."""
        parts = {str(part.relative_to(self.folder)): part.stat() for path in self.files.values() for part in _parts(path)}
        files = {name: [stat.st_size, stat.st_mtime_ns] for name, stat in sorted(parts.items())}
        return {"files": files, "asOf": self.as_of.isoformat() if self.as_of else None}

    def tables(self, work: Path, progress: object = None) -> Tables:
        """The tables themselves, of which nothing has to be made."""
        return self

    def beside(self, name: str) -> str | None:
        """A table that a reader wrote beside the others, as what DuckDB selects from; None where there is none."""
        path = self.folder / name
        return f"read_parquet('{_quoted(path)}/*.parquet')" if any(path.glob("*.parquet")) else None

    def load(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make a view ``given_<table>`` of each table, every column in its type, with ``row`` and ``torn``, the first cell that has not its type.

        :raises InputError: a file cannot be read, or has other columns than it may.
        """
        for name, columns in COLUMNS.items():
            there = self._columns(con, name)
            cells = []
            torn = []
            for column, kind in columns.items():
                if column not in there:
                    cells.append(f'CAST(NULL AS {_TYPES[kind]}) AS "{column}"')
                elif kind == "string":
                    cells.append(f'NULLIF(TRIM(CAST("{column}" AS VARCHAR)), \'\') AS "{column}"')
                else:
                    cells.append(f'TRY_CAST("{column}" AS {_TYPES[kind]}) AS "{column}"')
                    text = f'CAST("{column}" AS VARCHAR)'
                    torn.append(f"WHEN {_said(column)} AND TRY_CAST(\"{column}\" AS {_TYPES[kind]}) IS NULL THEN '{column}: ' || {text}")
            first = f"CASE {' '.join(torn)} END" if torn else "CAST(NULL AS VARCHAR)"
            con.execute(f"CREATE VIEW given_{name} AS SELECT {', '.join(cells)}, {first} AS torn, row FROM ({self._rows(name)})")

    def _columns(self, con: duckdb.DuckDBPyConnection, name: str) -> set[str]:
        import duckdb

        if name not in self.files:
            return set()
        try:
            there = {row[0] for row in con.execute(f"DESCRIBE {self._rows(name)}").fetchall()} - {"row"}
            con.execute(f"SELECT count(COLUMNS(*)) FROM ({self._rows(name)})")
        except duckdb.Error as error:
            what, mend = _uneven(self.files[name]) or (str(error).splitlines()[0], "write it as CSV in UTF-8 with a head, or as Parquet")
            raise InputError(f"{self.files[name]}: {what}", mend) from error
        if missing := [c for c in descriptor.required(name) if c not in there]:
            raise InputError(f"{self.files[name]}: no column {', '.join(missing)}", f"its columns are {', '.join(COLUMNS[name])}")
        if strange := sorted(there - set(COLUMNS[name])):
            raise InputError(f"{self.files[name]}: unknown column {', '.join(strange)}", f"its columns are {', '.join(COLUMNS[name])}")
        return there

    def _rows(self, name: str) -> str:
        """Query of the rows of a table, with their number from 1."""
        if name not in self.files:
            return "SELECT CAST(NULL AS VARCHAR) AS patient, CAST(NULL AS BIGINT) AS row WHERE false"
        path = _quoted(self.files[name])
        if self.files[name].is_dir():
            return (
                f"SELECT * EXCLUDE (file_row_number, filename, first), first + file_row_number + 1 AS row FROM read_parquet('{path}/*.parquet', "
                f"file_row_number = true, filename = true) JOIN ({_firsts(path)}) USING (filename)"
            )
        if path.endswith(".parquet"):
            return f"SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS row FROM read_parquet('{path}', file_row_number = true)"
        return f"SELECT *, row_number() OVER () AS row FROM read_csv('{path}', {_CSV})"


def _holds(path: Path) -> bool:
    return path.is_file() if path.suffix else any(path.glob("*.parquet"))


def _parts(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _firsts(path: str) -> str:
    """Query of the files of a folder, each with the rows that stand in those before it."""
    rows = f"SELECT file_name AS filename, num_rows FROM parquet_file_metadata('{path}/*.parquet')"
    before = "sum(num_rows) OVER (ORDER BY filename ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    return f"SELECT filename, coalesce({before}, 0) AS first FROM ({rows})"


def quoted(column: str) -> str:
    """Name of a column as SQL writes it."""
    return f'"{column}"'


def _said(column: str) -> str:
    return f"NULLIF(TRIM(CAST(\"{column}\" AS VARCHAR)), '') IS NOT NULL"


def _uneven(path: Path) -> tuple[str, str] | None:
    """What is wrong with the first line of a CSV file that has not as many cells as its head, and the mend."""
    if not path.name.endswith((".csv", ".csv.gz")):
        return None
    with path.open("rb") as raw, io.TextIOWrapper(gzip.open(raw) if path.suffix == ".gz" else raw, "utf-8", "replace", newline="") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        for cells in reader:
            if len(cells) != len(head) and cells:
                message = f"line {reader.line_num} has {len(cells)} cells, and the head {len(head)}"
                return message, "complete the line; a cell that holds a comma stands between quotation marks"
    return None
