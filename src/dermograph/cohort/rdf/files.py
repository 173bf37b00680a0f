"""Files of RDF: found, opened whatever their compression, and told as lines of N-Triples or N-Quads."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph.cohort.packed import PACKED, opened
from dermograph.errors import InputError
from dermograph.record import DEPTH, LIMIT, printable

CHUNK = 4 * 1024 * 1024
"""Bytes of a file that are read at once."""
_BATCH = 20_000
"""Triples of Turtle that are told at once."""
_LINES = {".nt": ox.RdfFormat.N_TRIPLES, ".nq": ox.RdfFormat.N_QUADS}
_STATEMENTS = {".ttl": ox.RdfFormat.TURTLE, ".trig": ox.RdfFormat.TRIG}
ENDINGS = tuple(ending + packed for ending in (*_LINES, *_STATEMENTS) for packed in ("", *PACKED))
"""Endings of files that are read."""


def is_rdf(path: Path) -> bool:
    """Whether a file is RDF, by its ending."""
    return path.name.lower().endswith(ENDINGS)


def found(path: Path) -> list[Path]:
    """The files that a path names: itself, or those in it, in the order of their names."""
    return sorted(p for p in path.iterdir() if is_rdf(p) and p.is_file()) if path.is_dir() else [path]


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a file, as N-Triples or N-Quads.

    :param done: bytes of the file that were read for it and those before it.
    """

    data: bytes
    done: int


class File:
    """A file of RDF.

    :param path: its ending names syntax and compression.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        endings = [s.lower() for s in path.suffixes]
        self.packed = PACKED.get(endings[-1])
        ending = endings[-2] if self.packed else endings[-1]
        self.told = ending in _STATEMENTS
        """Whether its lines are not its own, but those of what it says."""
        self._syntax = _STATEMENTS.get(ending) or _LINES[ending]
        self.syntax = ox.RdfFormat.N_TRIPLES if ending in {".nt", ".ttl"} else ox.RdfFormat.N_QUADS
        """Syntax of its lines."""

    @property
    def as_it_is(self) -> bool:
        """Whether its lines can be read again from their place in it."""
        return not self.told and not self.packed

    def chunks(self) -> Iterator[Chunk]:
        """Lines of the file, some at a time.

        :raises InputError: it cannot be read, or is Turtle with a fault.
        """
        with self._told(), opened(self.path) as (stream, raw):
            head = stream.read(len(codecs.BOM_UTF8))
            head = head[self._start(head) :]
            yield from self._statements(stream, raw, head) if self.told else self._lines(stream, raw, head)

    @contextmanager
    def mapped(self) -> Iterator[tuple[mmap | bytes, int]]:
        """The file as it is, and the place of its first line.

        :raises InputError: it cannot be read.
        """
        with self._told(), self.path.open("rb") as file:
            if not self.path.stat().st_size:
                yield b"", 0
                return
            with mmap(file.fileno(), 0, access=ACCESS_READ) as text:
                yield text, self._start(text[: len(codecs.BOM_UTF8)])

    def _start(self, head: bytes) -> int:
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{self._name}: the text is UTF-16", "save it as UTF-8")
        return len(codecs.BOM_UTF8) if head == codecs.BOM_UTF8 else 0

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self._name}: {printable(str(error.strerror or error))}", "see that the file is whole and can be read") from error

    def again(self, start: int, size: int) -> bytes:
        """Lines from their place in the file.

        :raises InputError: they cannot be read.
        """
        with self._told(), self.path.open("rb") as file:
            file.seek(start)
            return file.read(size)

    @property
    def _name(self) -> str:
        return printable(str(self.path))

    def _lines(self, stream: Any, raw: Any, head: bytes) -> Iterator[Chunk]:
        rest = head
        while data := stream.read(CHUNK):
            cut = data.rfind(b"\n") + 1
            if cut:
                yield Chunk(rest + data[:cut], raw.tell())
                rest = data[cut:]
            else:
                rest += data
            if len(rest) > LIMIT:
                raise InputError(f"{self._name}: a line of more than {LIMIT:,} bytes", "write one triple on a line, and end lines by a line feed")
        if rest:
            yield Chunk(rest, raw.tell())

    def _statements(self, stream: Any, raw: Any, head: bytes) -> Iterator[Chunk]:
        try:
            quads = ox.parse(input=_Guarded(stream, head, self._name), format=self._syntax)  # type: ignore[arg-type]
            while batch := list(islice(quads, _BATCH)):
                yield Chunk(ox.serialize(batch, format=ox.RdfFormat.N_QUADS) or b"", raw.tell())
        except (SyntaxError, ValueError) as error:
            raise InputError(f"{self._name}: {printable(str(error))}", "mend the syntax there") from error
        except MemoryError as error:
            raise InputError(f"{self._name}: one word or text in it is too long to be read", "shorten it") from error


class _Guarded:
    """A stream that ends in an error before triples within triples nest too deep for the parser."""

    def __init__(self, stream: Any, head: bytes, name: str) -> None:
        self._stream, self._head, self._name, self._open = stream, head, name, 0

    def read(self, size: int) -> bytes:
        data = self._head + bytes(self._stream.read(size - len(self._head)))
        self._head = b""
        self._open += data.count(b"<<(") - data.count(b")>>")
        if self._open > DEPTH:
            raise InputError(f"{self._name}: triples nest in triples more than {DEPTH} deep", "say it of nodes")
        return data
