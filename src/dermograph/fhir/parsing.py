"""JSON as FHIR wants it: no name twice in an object, no number that is none, exact decimals, and nothing without end."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from dermograph import record
from dermograph.errors import InputError
from dermograph.record import printable

FIGURES = 400
"""Longest number that is read, in characters."""


def value(data: bytes, source: str) -> Any:
    """The one value of a JSON document.

    :raises InputError: it is no JSON, or JSON that may not be.
    """
    try:
        return json.loads(_text(data, source), object_pairs_hook=_once, parse_float=_decimal, parse_int=_integer, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: line {error.lineno}, column {error.colno}: {error.msg}", "mend the JSON there") from error
    except RecursionError as error:
        raise InputError(f"{source}: its objects nest too deep", "no resource nests like this") from error
    except (ValueError, InvalidOperation, MemoryError) as error:
        raise InputError(f"{source}: {printable(str(error))}", "mend the JSON there") from error


def lines(data: bytes, source: str) -> Iterator[Any]:
    """The values of NDJSON, one on each line."""
    for number, line in enumerate(io.BytesIO(data), 1):
        if text := line.strip():
            yield value(text, f"{source}: line {number}")


def unpacked(data: bytes, source: str) -> bytes:
    """Bytes of a file, unzipped where they are zipped.

    :raises InputError: more comes out than is read at once, or the file is damaged.
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(record.LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{source}: it cannot be unzipped: {printable(str(error))}", "check the file") from error
    if len(plain) > record.LIMIT:
        raise InputError(
            f"{source}: more than the {record.LIMIT:,} bytes that are read at once", "split it by patient, or give a folder to dermograph cohort"
        )
    return plain


def _text(data: bytes, source: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{source}: the text is UTF-16", "save it as UTF-8")
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: byte {error.start:,} is not UTF-8", "save it as UTF-8") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!r} twice")
    return found


def _decimal(text: str) -> Decimal:
    if len(text) > FIGURES:
        raise ValueError(f"a number has {len(text):,} characters")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > FIGURES:
        raise ValueError(f"a number has {len(text):,} characters")
    return int(text)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number in JSON")
