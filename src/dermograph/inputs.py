"""Patients of several files, or of standard input, one bad file not stopping the others."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dermograph import record
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge
from dermograph.knowledge import chunks as batches
from dermograph.record import Record, printable

if TYPE_CHECKING:
    from dermograph.fhir.reading import Reading

__all__ = ["FHIR", "STDIN", "batches", "content", "fhir_suffix", "read", "read_all"]

STDIN = "-"
"""Stands for standard input where a file is asked for."""
FHIR = (".json", ".ndjson", ".jsonl")
"""Endings of what is read as FHIR, with ``.gz`` behind them or without."""
Told = Callable[["Reading"], None]
"""Told of what was read from FHIR."""


def read(
    source: str, as_of: dt.date | None = None, syntax: str | None = None, knowledge: Knowledge | None = None, told: Told | None = None
) -> list[Record]:
    """Read every patient of a file, of a folder with FHIR, or of standard input.

    :param source: path of a file or folder, or ``-``.
    :param syntax: ending that names the syntax, such as ``ttl``; without it the file's own, and Turtle for standard input.
    :param knowledge: whose mappings FHIR is read by; without it, FHIR is not read.
    :raises InputError: it cannot be read.
    """

    def refuse(error: InputError) -> None:
        raise error

    if knowledge is not None and (readings := _fhir(source, as_of, syntax, knowledge, refuse)) is not None:
        found = []
        for one in readings:
            if told:
                told(one)
            found += one.all()
        return found
    if source != STDIN and syntax is None:
        return record.read_path(Path(source), as_of)
    name = "standard input" if source == STDIN else source
    return record.read(content(source), name, suffix=f".{(syntax or 'ttl').removeprefix('.')}", as_of=as_of)


def _fhir(
    source: str, as_of: dt.date | None, syntax: str | None, knowledge: Knowledge, refuse: Callable[[InputError], None]
) -> Iterator[Reading] | None:
    """What is read from FHIR; None where the source is no FHIR.

    :param refuse: told of each file of a folder that cannot be read.
    """
    is_folder = source != STDIN and Path(source).is_dir()
    suffix = fhir_suffix(f".{syntax.removeprefix('.')}" if syntax else source)
    if not is_folder and not suffix:
        return None
    from dermograph.fhir import reading

    if is_folder:
        return reading.folder(Path(source), knowledge.terminology, refuse, as_of)
    name = "standard input" if source == STDIN else source
    return iter([reading.read(content(source), name, knowledge.terminology, suffix=suffix, as_of=as_of)])


def fhir_suffix(name: str) -> str:
    """Ending by which a file is read as FHIR; empty where it is not."""
    plain = name.lower().removesuffix(".gz")
    return next((suffix for suffix in FHIR if plain.endswith(suffix)), "")


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
    except (OSError, ValueError) as error:
        raise InputError(f"{printable(source)}: {getattr(error, 'strerror', None) or error}", "check the path") from error
    if len(data) > most:
        name = "standard input" if source == STDIN else source
        raise InputError(f"{name}: more than the {most:,} bytes that are read at once", "split it")
    return data


def read_all(
    sources: Iterable[str],
    as_of: dt.date | None,
    syntax: str | None,
    refuse: Callable[[str, InputError], None],
    knowledge: Knowledge | None = None,
    told: Told | None = None,
) -> Iterator[Record]:
    """Read the patients of several sources, in order.

    :param refuse: told of each source, file of a folder, line or patient that cannot be read; the others are read nevertheless.
    """
    for source in sources:
        refused = partial(refuse, source)
        try:
            readings = _fhir(source, as_of, syntax, knowledge, refused) if knowledge is not None else None
            if readings is None:
                yield from read(source, as_of, syntax)
                continue
            for one in readings:
                if told:
                    told(one)
                for error in one.refused:
                    refused(error)
                yield from one.records
        except InputError as error:
            refused(error)
