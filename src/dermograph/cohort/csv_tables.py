"""Tables in CSV, taken into DuckDB line by line: a line that cannot be read is told, and the others are read."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from dermograph.cohort.listing import literal
from dermograph.cohort.packed import opened
from dermograph.errors import InputError

if TYPE_CHECKING:
    import duckdb

ENDINGS = (".csv", ".csv.gz", ".csv.zst")
LOST = "lost_lines"
"""Table of the lines that could not be read, with the columns of what is rejected."""
UNREADABLE = "line"
"""Short name of the reason why a line is rejected."""
_OPTIONS = (
    "header = true, auto_detect = false, strict_mode = true, delim = ',', quote = '\"', escape = '\"', "
    "ignore_errors = true, store_rejects = true, rejects_table = 'unread', rejects_scan = 'unread_files', rejects_limit = 0"
)


def read(con: duckdb.DuckDBPyConnection, table: str, path: Path) -> list[str]:
    """Make the table ``lines_<table>`` of a file, with ``row``, the number of each line after the head, and put the lines that were lost aside.

    :returns: the columns of the head.
    :raises InputError: the file has no head that can be read.
    """
    head = _head(path)
    if not head:
        return head
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in map(_quoted, head))
    con.execute("DROP TABLE IF EXISTS unread")
    con.execute("DROP TABLE IF EXISTS unread_files")
    source = f"read_csv('{literal(path)}', columns = {{{columns}}}, {_OPTIONS})"
    con.execute(f"CREATE TABLE lines_{table} AS SELECT *, row_number() OVER () AS row FROM {source}")
    con.execute(f'CREATE TABLE IF NOT EXISTS {LOST} ("table" VARCHAR, row BIGINT, patient VARCHAR, reason VARCHAR, value VARCHAR)')
    lines = con.execute("SELECT line, any_value(csv_line) FROM unread GROUP BY line ORDER BY line").fetchall()
    if lines:
        place = head.index("patient") if "patient" in head else 0
        texts = ((line, (text or "").strip("\r\n")) for line, text in lines)
        lost = [(table, line - 1, _cell(text, place), UNREADABLE, text) for line, text in texts]
        con.executemany(f"INSERT INTO {LOST} VALUES (?, ?, ?, ?, ?)", lost)
        before = f"SELECT row_number() OVER (ORDER BY row) AS place, row FROM {LOST} WHERE \"table\" = '{table}'"
        con.execute(
            f"CREATE OR REPLACE TABLE lines_{table} AS SELECT t.* EXCLUDE (row), t.row + coalesce(b.place, 0) AS row "
            f"FROM lines_{table} t ASOF LEFT JOIN ({before}) b ON b.row - b.place < t.row"
        )
    return head


def _head(path: Path) -> list[str]:
    try:
        with opened(path) as (stream, _), io.TextIOWrapper(io.BufferedReader(stream), "utf-8-sig", "replace", newline="") as file:
            head = next(csv.reader(file), [])
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: {error}", "write it as CSV in UTF-8 with a head, or as Parquet") from error
    if twice := sorted({name for name in head if head.count(name) > 1}):
        raise InputError(f"{path}: the column {', '.join(twice)} stands twice in the head", "keep one of them")
    return head


def _cell(text: str, place: int) -> str | None:
    """A cell of a line that could not be read, as far as it can be told."""
    try:
        cells = next(csv.reader([text]), [])
    except csv.Error:
        cells = text.split(",")
    return (cells[place].strip() or None) if place < len(cells) else None


def _quoted(text: str) -> str:
    return text.replace("'", "''")
