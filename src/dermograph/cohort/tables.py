"""The tables of a population: found, read into DuckDB, and held to their types.

They are given by a user, or written by a reader of another kind of source (:mod:`dermograph.cohort.sources`). Then two more
tables may lie beside them: ``rejected``, what the reader could not take over, with the reason in words, and ``ignored``, what
it passed over because no rule could turn on it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dermograph.cohort import cells, csv_tables, descriptor
from dermograph.cohort.listing import listed, parts, refuse_closed, refuse_strange_parts, refuse_strangers
from dermograph.errors import InputError

if TYPE_CHECKING:
    import duckdb

COLUMNS = {name: descriptor.columns(name) for name in descriptor.names()}
"""Columns of each table as it is given, with their types."""
KEYS = {name: list(columns)[1] for name, columns in COLUMNS.items() if name != "patients"}
"""Column of each table that holds the class of its records, the second."""
REJECTED = {"table": "string", "row": "integer", "patient": "string", "reason": "string", "value": "string"}
"""Columns of what a reader could not take over; the patient is not assessed, but has a row in the table of patients."""
IGNORED = {"resource": "string", "system": "string", "code": "string", "text": "string", "reason": "string", "records": "integer"}
"""Columns of what a reader passed over: what kind of record, its code, why, and how many there were."""
LINES = "-lines"
"""What the name of a table has behind it where a reader tells, row by row, which line of which file each was made of."""
ORIGIN = {"file": "string", "line": "integer"}
"""Columns of such a table."""
_ENDINGS = (".parquet", *csv_tables.ENDINGS, "")
_HINT = (
    f"name the tables {', '.join(COLUMNS)}, in small letters, each as a file {', '.join(ending for ending in _ENDINGS if ending)}, "
    "or as a folder of *.parquet"
)


@dataclass(frozen=True)
class Tables:
    """The tables of a folder, which are the plainest source of a population.

    :param folder: holds ``patients.parquet``, ``patients.csv``, a folder ``patients`` or ``patients.parquet`` with parts in
        Parquet, and so on; only this first table must be there.
    :param as_of: the day asked about, for every patient; without it, what the table says, else today.
    :param made: whether a reader wrote the folder, so that what else lies there is its own.
    """

    folder: Path
    as_of: dt.date | None = None
    made: bool = False
    settled: ClassVar[bool] = True

    @cached_property
    def files(self) -> dict[str, Path]:
        """File or folder of each table that is there.

        :raises InputError: there are no patients, a table is there twice, or something is there that is not read.
        """
        found = {}
        if not self.made:
            read = {path.name for name in COLUMNS for path in self.there(name)}
            refuse_strangers(self.folder, (path.name for path in self.folder.iterdir()), read, _HINT)
        for name in COLUMNS:
            there = self.there(name)
            if len(there) > 1:
                raise InputError(f"{self.folder}: the table {name} is there as {' and '.join(p.name for p in there)}", "keep one of them")
            if there:
                found[name] = there[0]
                if there[0].is_dir() and not self.made:
                    refuse_strange_parts(there[0])
        if "patients" not in found:
            raise InputError(f"{self.folder}: no table of patients", "write patients.parquet or patients.csv into it")
        return found

    def there(self, name: str) -> list[Path]:
        """Files of a table in the folder."""
        return [path for ending in _ENDINGS if _holds(path := self.folder / f"{name}{ending}")]

    def key(self) -> dict[str, Any]:
        """What the results turn on: names, sizes and times of the files, and the day."""
        there = {str(part.relative_to(self.folder)): part.stat() for path in self.files.values() for part in _parts(path)}
        files = {name: [stat.st_size, stat.st_mtime_ns] for name, stat in sorted(there.items())}
        return {"files": files, "asOf": self.as_of.isoformat() if self.as_of else None}

    def tables(self, work: Path, progress: object = None) -> Tables:
        """The tables themselves, of which nothing has to be made."""
        return self

    def beside(self, name: str) -> str | None:
        """A table that a reader wrote beside the others, as what DuckDB selects from; None where there is none."""
        there = parts(self.folder / name) if self.made else []
        return f"read_parquet({listed(there)})" if there else None

    def lost(self) -> str:
        """Query of what could not be taken over before the tables were looked at: by their reader, or lines that cannot be read."""
        columns = ", ".join(map(quoted, REJECTED))
        found = [f"SELECT {columns} FROM {rejected}" for rejected in (self.beside("rejected"),) if rejected]
        if any(self._is_text(name) for name in self.files):
            found.append(f"SELECT {columns} FROM main.{csv_tables.LOST}")
        return " UNION ALL ".join(found) or f"SELECT {', '.join(f'NULL AS {quoted(c)}' for c in REJECTED)} WHERE false"

    def told(self, rejects: str) -> str:
        """Query of what is rejected, with file and line in place of table and row where the reader tells them.

        :param rejects: query of what is rejected, by table and row.
        """
        there = {name: found for name in COLUMNS if self.made and (found := parts(self.folder / f"{name}{LINES}"))}
        if not there:
            return rejects
        lines = " UNION ALL ".join(f"SELECT '{name}' AS \"table\", row, file, line FROM ({_numbered(paths)})" for name, paths in there.items())
        return (
            'SELECT coalesce(file, "table") AS "table", CASE WHEN file IS NULL THEN row ELSE line END AS row, patient, reason, value '
            f'FROM ({rejects}) LEFT JOIN ({lines}) USING ("table", row)'
        )

    def load(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make a view ``given_<table>`` of each table, every column in its type, with ``row`` and ``torn``, the first cell that has not its type.

        :raises InputError: a file cannot be read, or has other columns than it may.
        """
        for name, columns in COLUMNS.items():
            there = self._columns(con, name)
            found = []
            torn = []
            for column, kind in columns.items():
                if column not in there:
                    found.append(f'CAST(NULL AS {cells.TYPES[kind]}) AS "{column}"')
                elif kind == "string":
                    text = f'CAST("{column}" AS VARCHAR)'
                    found.append(f"NULLIF({f'TRIM({text})' if self._is_text(name) else text}, '') AS \"{column}\"")
                else:
                    value = cells.read(quoted(column), kind, there[column])
                    found.append(f'{value} AS "{column}"')
                    torn.append(f"WHEN {cells.said(quoted(column), there[column])} AND {value} IS NULL THEN '{column}: ' || {quoted(column)}")
            first = f"CASE {' '.join(torn)} END" if torn else "CAST(NULL AS VARCHAR)"
            con.execute(f"CREATE VIEW given_{name} AS SELECT {', '.join(found)}, {first} AS torn, row FROM ({self._rows(name)})")

    def _columns(self, con: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
        """Columns of a table with their types, held to what they may be."""
        import duckdb

        if name not in self.files:
            return {}
        path = self.files[name]
        refuse_closed(_parts(path))
        try:
            if self._is_text(name):
                there = dict.fromkeys(csv_tables.read(con, name, path), "VARCHAR")
            else:
                there = {row[0]: row[1] for row in con.execute(f"DESCRIBE {self._rows(name)}").fetchall() if row[0] != "row"}
        except duckdb.Error as error:
            raise InputError(f"{path}: {str(error).splitlines()[0]}", "write it as CSV in UTF-8 with a head, or as Parquet") from error
        if missing := [c for c in descriptor.required(name) if c not in there]:
            raise InputError(f"{path}: no column {', '.join(missing)}", f"its columns are {', '.join(COLUMNS[name])}")
        if strange := sorted(there.keys() - COLUMNS[name].keys()):
            raise InputError(f"{path}: unknown column {', '.join(strange)}", f"its columns are {', '.join(COLUMNS[name])}")
        if wrong := [c for c, given in there.items() if not cells.may_be(COLUMNS[name][c], given)]:
            wanted = ", ".join(f"{c} as {cells.TYPES[COLUMNS[name][c]]}" for c in wrong)
            raise InputError(f"{path}: {', '.join(f'{c} is {there[c]}' for c in wrong)}", f"write {wanted}")
        return there

    def _is_text(self, name: str) -> bool:
        return self.files[name].name.endswith(csv_tables.ENDINGS)

    def _rows(self, name: str) -> str:
        """Query of the rows of a table, with their number from 1."""
        if name not in self.files:
            return "SELECT CAST(NULL AS VARCHAR) AS patient, CAST(NULL AS BIGINT) AS row WHERE false"
        path = self.files[name]
        if self._is_text(name):
            return f"SELECT * FROM lines_{name}"
        if path.is_dir():
            return _numbered(_parts(path))
        return f"SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS row FROM read_parquet({listed([path])}, file_row_number = true)"


def _numbered(paths: list[Path]) -> str:
    """Query of the rows of files that follow one another, with their number from 1."""
    files, options = listed(paths), "file_row_number = true, filename = true, union_by_name = true"
    return (
        f"SELECT * EXCLUDE (file_row_number, filename, first), first + file_row_number + 1 AS row FROM read_parquet({files}, {options}) "
        f"JOIN ({_firsts(files)}) USING (filename)"
    )


def _holds(path: Path) -> bool:
    return bool(parts(path)) if path.is_dir() and path.suffix in {"", ".parquet"} else path.is_file() and path.suffix != ""


def _parts(path: Path) -> list[Path]:
    return parts(path) if path.is_dir() else [path]


def _firsts(files: str) -> str:
    """Query of the files of a folder, each with the rows that stand in those before it."""
    rows = f"SELECT file_name AS filename, num_rows FROM parquet_file_metadata({files})"
    before = "sum(num_rows) OVER (ORDER BY filename ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    return f"SELECT filename, coalesce({before}, 0) AS first FROM ({rows})"


def quoted(column: str) -> str:
    """Name of a column as SQL writes it."""
    return f'"{column}"'
