"""Where the tables of the OMOP model are kept: files of a folder, a file of DuckDB, or what answers behind a URL of Ibis."""

from __future__ import annotations

import glob
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ibis
from ibis.backends.sql.datatypes import DuckDBType

from dermograph.cohort import csv_tables
from dermograph.cohort.listing import listed, literal, parts, refuse_closed, refuse_strange_parts, refuse_strangers
from dermograph.cohort.omop.model import EVENTS, MEMORY, PLAIN, UNREAD, Model, quoted
from dermograph.cohort.packed import opened
from dermograph.errors import InputError

if TYPE_CHECKING:
    import duckdb

_ENDINGS = (".parquet", *csv_tables.ENDINGS)
_TOOLS = ("cpt4.jar", "cpt.bat", "cpt.sh")
"""Programs that come with the vocabularies."""


@dataclass(frozen=True)
class Files:
    """Tables as the files of a folder, or in a file of DuckDB."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call them."""
        return str(self.path)

    @cached_property
    def files(self) -> dict[str, Path]:
        """File or folder of each table that is read, by its name in lower case.

        :raises InputError: a table is there twice, or something is there that is no table of the model, or not in a form that is read.
        """
        found: dict[str, Path] = {}
        known = set(_TOOLS)
        for path in sorted(self.path.iterdir()):
            table = _table(path)
            if table in UNREAD or (table == "" and path.name.lower().partition(".")[0] in UNREAD):
                known.add(path.name)
            if table not in EVENTS and table not in PLAIN:
                continue
            if table in found:
                raise InputError(f"{self.path}: the table {table} is there as {found[table].name} and {path.name}", "keep one of them")
            found[table] = path
            known.add(path.name)
            if path.is_dir():
                refuse_strange_parts(path)
        hint = f"name tables as the model does, each as a file {', '.join(_ENDINGS)} or as a folder of *.parquet"
        refuse_strangers(self.path, (path.name for path in self.path.iterdir()), known, hint)
        return found

    def key(self) -> dict[str, Any]:
        """Names, sizes and times of the files."""
        paths: Iterable[Path] = [self.path, *self.path.parent.glob(f"{glob.escape(self.path.name)}.wal")]
        if self.path.is_dir():
            paths = (part for path in self.files.values() for part in (parts(path) if path.is_dir() else [path]))
        return {str(p.relative_to(self.path.parent)): [p.stat().st_size, p.stat().st_mtime_ns] for p in paths}

    def open(self) -> Model:
        """The tables, as views of a DuckDB of their own.

        :raises InputError: a file cannot be read.
        """
        import duckdb

        for path in self.files.values() if self.path.is_dir() else [self.path]:
            refuse_closed(parts(path) if path.is_dir() else [path])
        con = duckdb.connect()
        con.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
        try:
            if self.path.is_dir():
                places = {name: _reading(path) for name, path in self.files.items()}
            else:
                con.execute(f"ATTACH '{quoted(self.path)}' AS cdm (READ_ONLY)")
                places = self._places(con)
            for name, place in places.items():
                con.execute(f"CREATE VIEW {name} AS SELECT * FROM {place}")
            return Model(self.name, {name: _seen(con, name) for name in places}, database=con)
        except (duckdb.Error, OSError) as error:
            hint = "write the tables as CSV in UTF-8 with a head, as Parquet, or into a file of DuckDB"
            raise InputError(f"{self.path}: {str(error).splitlines()[0]}", hint) from error

    def _places(self, con: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Where in a file of DuckDB each table lies: in the schema of the persons, else where there is only one."""
        rows = con.execute("SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'cdm' ORDER BY ALL").fetchall()
        homes: dict[str, dict[str, str]] = {}
        for schema, table in rows:
            homes.setdefault(table.lower(), {})[schema] = f'cdm."{schema}"."{table}"'
        found = {}
        for name in (*EVENTS, *PLAIN):
            several = homes.get(name, {})
            beside = several.keys() & homes.get("person", {}).keys()
            if len(beside or several) > 1:
                raise InputError(f"{self.path}: the table {name} is there in several schemas", "keep one of them")
            for schema in beside or several:
                found[name] = several[schema]
        return found


def _seen(con: duckdb.DuckDBPyConnection, name: str) -> ibis.Table:
    """A view of DuckDB as a table of Ibis, which only makes the SQL: the two are of many versions."""
    return ibis.table({row[0]: DuckDBType.from_string(row[1]) for row in con.execute(f"DESCRIBE {name}").fetchall()}, name=name)


def _table(path: Path) -> str:
    """Name of the table of the model that a file or folder would hold by its name; empty where it cannot be read."""
    name = path.name.lower()
    if path.is_dir():
        return name.removesuffix(".parquet") if parts(path) else ""
    return next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), "")


def _reading(path: Path) -> str:
    if path.is_dir() or path.name.lower().endswith(".parquet"):
        return f"read_parquet({listed(parts(path) if path.is_dir() else [path])}, union_by_name = true)"
    return f"read_csv('{literal(path)}', header = true, all_varchar = true, {_dialect(path)})"


def _dialect(path: Path) -> str:
    """The vocabularies are handed out with tabs and without quotation marks, also as ``.csv``."""
    with opened(path) as (stream, _):
        head = io.BufferedReader(stream).readline()
    return "delim = '\\t', quote = ''" if b"\t" in head else "delim = ',', quote = '\"', escape = '\"'"


@dataclass(frozen=True)
class Connection:
    """Tables behind a URL of Ibis, such as ``postgres://user@host/database?schema=cdm``."""

    url: str

    @property
    def name(self) -> str:
        """The URL without what only its owner should know."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()

    def key(self) -> dict[str, Any]:
        """Where the tables are; a run that goes on takes them to be as they were."""
        return {"url": self.name}

    def open(self) -> Model:
        """The tables.

        :raises InputError: the database cannot be reached, or the package that speaks to it is not installed.
        """
        scheme = urlsplit(self.url).scheme
        try:
            backend = ibis.connect(self.url)
            there = {name.lower(): name for name in backend.list_tables()}
            return Model(self.name, {name: backend.table(there[name]) for name in (*EVENTS, *PLAIN) if name in there}, backend)
        except InputError:
            raise
        except ImportError as error:
            told = next((line.strip() for line in str(error).splitlines() if line.strip()), "a package is missing").rstrip(".")
            raise InputError(f"{self.name}: {told}", f"install it: pip install 'ibis-framework[{scheme}]'") from error
        except Exception as error:  # each backend raises errors of its own
            text = str(error).replace(self.url, self.name).splitlines()
            hint = "see that the URL is one of Ibis, such as postgres://user@host/database?schema=cdm, and that the database answers"
            raise InputError(f"{self.name}: {text[0] if text else type(error).__name__}", hint) from error


Place = Files | Connection


def place_of(url: str) -> Place:
    """Where a URL points to; a file of DuckDB is opened as one."""
    parts = urlsplit(url)
    if not parts.scheme:
        raise InputError(f"{url!r} is no URL", "write one of Ibis, such as postgres://user@host/database?schema=cdm")
    return Files(Path(url.removeprefix("duckdb://").partition("?")[0])) if parts.scheme == "duckdb" else Connection(url)


def holds_persons(folder: Path) -> bool:
    """Whether a folder holds the table of persons, as a file or as a folder of parts."""
    return any(_table(entry) == "person" for entry in folder.iterdir())


def is_database(path: Path) -> bool:
    """Whether a file is one of DuckDB, by its first bytes."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"
