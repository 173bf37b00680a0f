"""Lines of N-Triples or N-Quads as columns of terms; a line that is not of the plainest form is handed to the parser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyoxigraph as ox
from numpy.typing import NDArray
from pyarrow import csv

from dermograph.record import printable

Codes = NDArray[np.int32]
Lines = NDArray[np.int64]
_PATH = "[A-Za-z0-9._~!$&'()*+,;=:@/-]"
_IRI = (
    r"<[A-Za-z][A-Za-z0-9+.-]*:"
    rf"(?://[A-Za-z0-9._-]+(?::[0-9]+)?(?:/{_PATH}*)?|/?(?:{_PATH.replace('/-', '-')}{_PATH}*)?)"
    rf"(?:\?[?{_PATH[1:]}*)?(?:#[?{_PATH[1:]}*)?>"
)
_BLANK = "_:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?"
_KINDS = "date|decimal|integer|double|boolean|dateTime|int|long|short"
_LITERAL = rf'"[^"\\\x00-\x1f\x7f]*"(?:@[a-z]{{2,3}}|\^\^<http://www\.w3\.org/2001/XMLSchema#(?:{_KINDS})>)?'
NODE = f"^(?:{_IRI}|{_BLANK})$"
"""IRIs and blank nodes that every parser takes, and takes as they are written."""
TERM = f"^(?:{_IRI}|{_BLANK}|{_LITERAL})$"
"""Terms likewise: no escapes, no language tag of several parts or in capitals, no datatype that changes how a literal is written."""
_PREDICATE = f"^{_IRI}$"
_SUBJECT = re.compile(r'[ \t]*(<[^<>"\s]+>|_:[^\s<>"]+)[ \t]*<')
"""Subject of a line that goes on behind it, so that it is not itself cut off."""
_EMPTY = re.compile(r"[ \t]*(?:#.*)?")
_QUIET = re.compile(r'"(?:[^"\\]|\\.)*+"|<[^<>"\s]*+>')
_WHERE = re.compile(r"^Parser error[^:]*: ")
_TOKENS = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Broken:
    """A line that is no triple.

    :param subject: what it speaks of, where that can be told.
    """

    line: int
    subject: str | None
    message: str


@dataclass(frozen=True)
class Column:
    """Terms as N-Triples writes them, each once, and the place of that of each triple among them."""

    terms: pa.Array
    codes: Codes


@dataclass(frozen=True)
class Triples:
    """Triples in the order of their lines."""

    subjects: Column
    predicates: Column
    objects: Column
    lines: Lines
    broken: tuple[Broken, ...]


def read(data: bytes, syntax: ox.RdfFormat, first: int) -> Triples:
    """Read lines; the graphs of N-Quads are put together.

    :param first: number of the first line.
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data, broken = _decoded(data)
    widths = _widths(data) if syntax == ox.RdfFormat.N_QUADS else (4,)
    tables = []
    left = [(0, "")][:0]
    for number, width in enumerate(widths):
        if not number:
            table, left = _plain(data, width)
        elif fitting := [(n, text) for n, text in left if text.count(" ") == width - 1]:
            table, unfit = _plain("\n".join(text for _, text in fitting).encode(), width)
            numbers = np.array([n for n, _ in fitting])
            table = table.set_column(3, "line", pa.array(numbers[table["line"].to_numpy()]))
            left = sorted([row for row in left if row[1].count(" ") != width - 1] + [(int(numbers[n]), text) for n, text in unfit])
        tables.append(table)
    handed, refused = _handed(left, syntax)
    return _joined([*tables, handed], tuple(sorted([*broken, *refused], key=lambda b: b.line)), first)


def _joined(tables: list[pa.Table], broken: tuple[Broken, ...], first: int) -> Triples:
    """Triples of several tables, in the order of their lines."""
    tables = [t for t in tables if len(t)] or tables[:1]
    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    lines = whole["line"].to_numpy()
    order = np.argsort(lines, kind="stable") if len(tables) > 1 else np.arange(len(lines))
    columns = []
    for name in ("s", "p", "o"):
        column = whole[name].combine_chunks() if len(whole) else pa.array([], pa.string()).dictionary_encode()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        codes = column.indices.to_numpy()
        columns.append(Column(column.dictionary, codes[order] if len(tables) > 1 else codes))
    told = tuple(Broken(b.line + first, b.subject, b.message) for b in broken)
    return Triples(columns[0], columns[1], columns[2], lines[order] + first, told)


def _decoded(data: bytes) -> tuple[bytes, list[Broken]]:
    """The text with empty lines in place of those that are not UTF-8."""
    try:
        if not data.isascii():
            data.decode()
        return data, []
    except UnicodeDecodeError:
        pass
    lines = data.split(b"\n")
    broken = []
    for number, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            broken.append(Broken(number, _subject(line.decode("utf-8", "replace")), f"byte {error.start + 1} is no UTF-8"))
            lines[number] = b""
    return b"\n".join(lines), broken


def _widths(data: bytes) -> tuple[int, int]:
    """Words of a line of N-Quads, the dot counted: first as many as the first line has that is like it."""
    line = next((m[0] for m in re.finditer(rb"^[<_].*$", data[:65536], re.MULTILINE)), b"")
    return (4, 5) if line.count(b" ") == 3 else (5, 4)


def _plain(data: bytes, width: int) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Triples of the lines that are plain, with the number of each from 0, and the lines that are not.

    :param width: words of a line.
    """
    names = ["s", "p", "o", "g", "end"] if width == 5 else ["s", "p", "o", "end"]
    unfit: list[tuple[int, str]] = []

    def put_aside(row: Any) -> str:
        unfit.append((row.number - 1, row.text))
        return "skip"

    table = csv.read_csv(
        pa.BufferReader(data or b"\n"),
        csv.ReadOptions(use_threads=False, block_size=len(data) + 2, column_names=names),
        csv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False, ignore_empty_lines=False, invalid_row_handler=put_aside),
        csv.ConvertOptions(column_types=dict.fromkeys(names, _TOKENS), strings_can_be_null=False, check_utf8=False),
    )
    lines = np.arange(len(table) + len(unfit))
    if unfit:
        lines = np.delete(lines, [number for number, _ in unfit])
    good = np.ones(len(table), bool)
    for name, pattern in (("s", NODE), ("p", _PREDICATE), ("o", TERM), ("g", NODE), ("end", r"^\.$")):
        if name in names and len(table):
            column = table[name].chunk(0)
            fits = pc.match_substring_regex(column.dictionary, pattern).to_numpy(zero_copy_only=False)
            if not fits.all():
                good &= fits[column.indices.to_numpy()]
    told = table.select(["s", "p", "o"]).append_column("line", pa.array(lines))
    if good.all():
        return told, unfit
    odd = table.filter(pa.array(~good))
    texts = [" ".join(row) for row in zip(*(odd[name].to_pylist() for name in names), strict=True)]
    return told.filter(pa.array(good)), sorted([*unfit, *zip(lines[~good].tolist(), texts, strict=True)])


def _handed(lines: Iterable[tuple[int, str]], syntax: ox.RdfFormat) -> tuple[pa.Table, list[Broken]]:
    """Triples of lines by the parser, and the lines that it refuses."""
    lines = [(number, text) for number, text in lines if not _EMPTY.fullmatch(text)]
    broken = []
    try:
        if any("<<" in text for _, text in lines):
            raise ValueError
        quads = list(ox.parse(input="\n".join(text for _, text in lines), format=syntax))
        numbers = [number for number, _ in lines]
    except (SyntaxError, ValueError, MemoryError):
        quads = []
    if len(quads) != len(lines):
        quads, numbers = [], []
        for number, text in lines:
            try:
                found = _parsed(text, syntax)
            except (SyntaxError, ValueError, MemoryError) as error:
                broken.append(Broken(number, _subject(text), printable(_WHERE.sub("", getattr(error, "msg", None) or str(error)))))
            else:
                quads += found
                numbers += [number] * len(found)
    terms = [pa.array([str(term) for term in column], pa.string()).dictionary_encode() for column in zip(*(q.triple for q in quads), strict=True)]
    terms = terms or [pa.array([], pa.string()).dictionary_encode()] * 3
    return pa.table([*terms, pa.array(numbers, pa.int64())], names=["s", "p", "o", "line"]), broken


def _parsed(text: str, syntax: ox.RdfFormat) -> list[ox.Quad]:
    if "<<" in _QUIET.sub("", text):
        raise ValueError("it speaks of a triple; say it of a node")
    return list(ox.parse(input=text, format=syntax))


def _subject(text: str) -> str | None:
    found = _SUBJECT.match(text)
    return found[1] if found else None
