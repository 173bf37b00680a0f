"""Patients of several files, or of standard input, one bad file not stopping the others."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dermograph import record
from dermograph.errors import InputError
from dermograph.knowledge import chunks as batches
from dermograph.record import Record, printable

__all__ = ["STDIN", "batches", "content", "read", "read_all"]

STDIN = "-"
"""Stands for standard input where a file is asked for."""


def read(source: str, as_of: dt.date | None = None, syntax: str | None = None) -> list[Record]:
    """Read every patient of a file or of standard input.

    :param source: path of a file, or ``-``.
    :param syntax: ending that names the syntax, such as ``ttl``; without it the file's own, and Turtle for standard input.
    :raises InputError: it cannot be read.
    """
    if source != STDIN and syntax is None:
        return record.read_path(Path(source), as_of)
    name = "standard input" if source == STDIN else source
    return record.read(content(source), name, suffix=f".{(syntax or 'ttl').removeprefix('.')}", as_of=as_of)


def content(source: str) -> bytes:
    """Bytes of a file or of standard input.

    :raises InputError: it cannot be read, or is larger than what is read at once.
    """
    most = record.LIMIT
    try:
        if source == STDIN and sys.stdin is None:
            raise InputError("standard input: it is closed", "give the graph as a file")
        if source == STDIN:
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{printable(source)}: {error.strerror or error}", "check the path") from error
    if len(data) > most:
        name = "standard input" if source == STDIN else source
        raise InputError(f"{name}: more than the {most:,} bytes that are read at once", "split it")
    return data


def read_all(sources: Iterable[str], as_of: dt.date | None, syntax: str | None, refuse: Callable[[str, InputError], None]) -> Iterator[Record]:
    """Read the patients of several sources, in order.

    :param refuse: told of each source that cannot be read; the others are read nevertheless.
    """
    for source in sources:
        try:
            yield from read(source, as_of, syntax)
        except InputError as error:
            refuse(source, error)
