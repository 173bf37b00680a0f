"""Patients whose triples do not stand together: gathered by a database on disk, then read as others are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dermograph.cohort.listing import literal, text
from dermograph.cohort.rdf import reading
from dermograph.cohort.rdf.columns import Broken, Column, Triples
from dermograph.cohort.rdf.cutting import Block, blocks
from dermograph.cohort.rdf.files import File
from dermograph.cohort.rdf.reading import Origin
from dermograph.cohort.rdf.words import ASIDE, OF_PATIENTS, token
from dermograph.cohort.rdf.work import Work, side_by_side, tables, written
from dermograph.cohort.source import Progress
from dermograph.errors import InputError
from dermograph.terms import OWN, PREFIXES

if TYPE_CHECKING:
    import duckdb

PATIENTS = 4096
"""Patients that are read at once."""
_WORDS = tuple(f"<{PREFIXES[p]}" for p in OWN)
_COLUMNS = ("s", "p", "o")
_BROKEN = pa.schema([("file", pa.int32()), ("line", pa.int64()), ("subject", pa.string()), ("message", pa.string())])


@contextmanager
def database(folder: Path, memory: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that keeps on disk what does not fit into memory."""
    import duckdb

    con = duckdb.connect()
    try:
        con.execute(f"SET memory_limit = '{memory}'")
        con.execute(f"SET temp_directory = '{text(folder / 'spilled')}'")
        con.execute(f"SET threads = {threads}")
        yield con
    finally:
        con.close()


def read(work: Work, processes: int, memory: str, size: int, progress: Progress) -> None:
    """Gather the patients of the files, and write their tables.

    :raises InputError: a line is no triple, and nobody can tell whose it is.
    """
    gathered = work.folder / "gathered"
    count = gathered / "count"
    if not count.exists():
        shutil.rmtree(gathered, ignore_errors=True)
        total = sum(path.stat().st_size for path in work.paths)
        for done in side_by_side(_tell, work, blocks([File(path) for path in work.paths], size, whole=False), processes):
            progress("gathering", done, total)
        with database(work.folder, memory, processes) as con:
            patients = _gather(con, work)
        shutil.rmtree(gathered / "told")
        count.write_text(str(patients), encoding="utf-8")
    done_ = work.done()
    numbers = range(-(-int(count.read_text(encoding="utf-8")) // PATIENTS))
    for number in side_by_side(_read, work, (n for n in numbers if n not in done_), processes):
        progress("reading", number + 1, len(numbers))


def _label(file: int) -> str:
    """What the labels of a file begin with, so that no two files share one."""
    return f"file{file}."


def _tell(work: Work, block: Block) -> int:
    """Write the triples of a block, and the lines that are none, with their file and line."""
    for part, piece in enumerate(block.pieces):
        triples, own = work.triples(piece), f"_:{_label(piece.file)}"
        columns = []
        for column in (triples.subjects, triples.predicates, triples.objects):
            terms = pc.replace_substring_regex(column.terms, "^_:", own)
            columns.append(pa.DictionaryArray.from_arrays(pa.array(column.codes), terms))
        files = pa.array(np.full(len(triples.lines), piece.file, np.int32))
        name = f"part-{block.number:05}-{part:03}.parquet"
        rows = pa.table([files, pa.array(triples.lines), *columns], names=["file", "line", *_COLUMNS])
        written(work.folder / "gathered" / "told" / "lines" / name, rows)
        broken = []
        for b in triples.broken:
            if b.subject is None:
                _refuse(work.origin(piece.file).file, b.line, b.message)
            broken.append((piece.file, b.line, re.sub("^_:", own, b.subject), b.message))
        rows = pa.table([pa.array([row[place] for row in broken], kind) for place, kind in enumerate(_BROKEN.types)], schema=_BROKEN)
        written(work.folder / "gathered" / "told" / "broken" / name, rows)
    return block.done


def _refuse(file: str, line: int, message: str) -> NoReturn:
    raise InputError(f"{file}: line {line}: {message}, and it cannot be told whose it is", "mend the line, or take it out")


def _gather(con: duckdb.DuckDBPyConnection, work: Work) -> int:
    """Write the triples of each patient one after the other, and tell what hangs off nobody; the number of patients."""
    folder = work.folder / "gathered"
    con.execute(f"CREATE VIEW lines AS SELECT * FROM read_parquet('{literal(folder)}/told/lines/*.parquet')")
    con.execute(f"CREATE VIEW broken AS SELECT * FROM read_parquet('{literal(folder)}/told/broken/*.parquet')")
    speaking = ", ".join(f"'{token(name)}'" for name in OF_PATIENTS)
    con.execute(
        "CREATE TABLE patients AS SELECT s AS node, row_number() OVER (ORDER BY min(file::BIGINT << 40 | line)) - 1 AS place FROM lines "
        f"WHERE s IN (SELECT s FROM lines WHERE p = '{token('rdf:type')}' AND o = '{token('pt:Patient')}') "
        f"OR s IN (SELECT s FROM lines WHERE p IN ({speaking}) AND s IN (SELECT subject FROM broken)) GROUP BY s"
    )
    con.execute(
        "CREATE TABLE links AS SELECT DISTINCT s, o FROM lines "
        f"WHERE (starts_with(o, '<') OR starts_with(o, '_:')) AND NOT {_begins('o', _WORDS)} AND NOT {_begins('p', ASIDE)} "
        "AND o NOT IN (SELECT node FROM patients) AND o IN (SELECT s FROM lines UNION SELECT subject FROM broken)"
    )
    con.execute("CREATE TABLE owned AS SELECT place, node, 0 AS step FROM patients")
    step, more = 0, 1
    while more:
        found = "SELECT DISTINCT place, o AS node FROM owned JOIN links ON node = s WHERE step = ?"
        con.execute(f"INSERT INTO owned SELECT *, ? FROM ({found}) new ANTI JOIN owned USING (place, node)", [step + 1, step])
        step += 1
        more = con.execute("SELECT count(*) FROM owned WHERE step = ?", [step]).fetchone()[0]  # type: ignore[index]
    whose = "SELECT b.*, o.place FROM broken b LEFT JOIN owned o ON o.node = b.subject"
    lost = con.execute(f"SELECT file, line, message FROM ({whose}) WHERE place IS NULL ORDER BY ALL LIMIT 1").fetchone()
    if lost:
        _refuse(work.origin(lost[0]).file, lost[1], lost[2])
    for name, query in (
        ("broken", f"SELECT place, file, line, message, node FROM ({whose}) JOIN patients USING (place) ORDER BY ALL"),
        ("lines", f"SELECT place, file, line, {', '.join(_COLUMNS)} FROM lines JOIN owned ON s = node ORDER BY place, file, line"),
    ):
        con.execute(f"COPY ({query}) TO '{text(folder)}/{name}.parquet' (FORMAT parquet, ROW_GROUP_SIZE 65536)")
    _tell_astray(con, work)
    return int(con.execute("SELECT count(*) FROM patients").fetchone()[0])  # type: ignore[index]


def _begins(column: str, starts: Iterable[str]) -> str:
    return "(" + " OR ".join(f"starts_with({column}, '{start}')" for start in starts) + ")"


def _tell_astray(con: duckdb.DuckDBPyConnection, work: Work) -> None:
    """Refuse the nodes that hang off no patient, and what is said of the words of the ontology."""
    foreign, word = _begins("s", _WORDS), f"({_begins('p', _WORDS)} OR p = '{token('rdf:type')}' AND {_begins('o', _WORDS)})"
    where = f"s NOT IN (SELECT node FROM owned) AND ({foreign} OR {word})"
    rows = con.execute(f"SELECT file, min(line), s, {foreign} FROM lines WHERE {where} GROUP BY file, s ORDER BY 1, 2, 3")
    number = 0
    while found := rows.fetchmany(100_000):
        origins = [work.origin(file, _label(file)) for file, *_ in found]
        told = [
            (origin.file, origin.line(line), None, reading.FOREIGN if is_word else reading.ASTRAY, origin.shown(node))
            for origin, (_, line, node, is_word) in zip(origins, found, strict=True)
        ]
        written(work.folder / "tables" / "rejected" / f"part-astray-{number:05}.parquet", reading.rejected(told))
        number += 1


@dataclass(frozen=True)
class _Origins(Origin):
    """The files that triples come from, each from its own."""

    files: tuple[int, ...] = ()
    origins: tuple[Origin, ...] = ()

    def of(self, row: int) -> Origin:
        return self.origins[self.files[row]]


def _read(work: Work, number: int) -> int:
    """Read some patients, and write their tables."""
    filters = [("place", ">=", number * PATIENTS), ("place", "<", (number + 1) * PATIENTS)]
    rows = pq.read_table(work.folder / "gathered" / "lines.parquet", filters=filters)
    origins = tuple(work.origin(file, _label(file)) for file in range(len(work.paths)))
    columns = []
    for name in _COLUMNS:
        column = rows[name].combine_chunks().dictionary_encode()
        columns.append(Column(column.dictionary, column.indices.to_numpy()))
    broken = pq.read_table(work.folder / "gathered" / "broken.parquet", filters=filters).to_pylist()
    lines = [Broken(b["line"], b["node"], f"{b['message']} ({origins[b['file']].file})") for b in broken]
    triples = Triples(columns[0], columns[1], columns[2], rows["line"].to_numpy(), tuple(lines))
    one = work.reader.read(triples, _Origins("", files=tuple(rows["file"].to_pylist()), origins=origins), gathered=True)
    tables(work.folder / "tables", number, [one.tables], [one.rejected])
    work.finish(number)
    return number
