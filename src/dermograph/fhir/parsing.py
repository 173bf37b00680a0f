"""JSON as FHIR wants it: no name twice in an object, no number that is none, exact decimals, and nothing without end."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from dermograph import record
from dermograph.errors import InputError
from dermograph.record import printable

FIGURES = 400
"""Longest number that is read, in characters."""
PACKED = b"\x1f\x8b"
"""How zipped bytes begin."""
TIMES, ALWAYS = 200, 1024 * 1024
"""How many times its size a zipped file may unzip to, and what any may. Bundles are zipped to a fifth up to a thirtieth."""
SPARSE, FEW = 8, 200_000
"""Bytes that a value takes at least on average, and values that are read in any case. In FHIR a value takes fifteen or more."""
_WHOLE = ("Patient", "Bundle")
_IS_WHOLE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"(?:Patient|Bundle)')
OF_PATIENT = re.compile(rb'"reference"\s*:\s*"(?:[^"\\]*/)?Patient/([A-Za-z0-9.-]{1,64})(?:/_history/[^"]*)?"')
"""A reference to a patient in JSON that may be broken."""


@dataclass(frozen=True)
class Part:
    """One value of a document, as a line of NDJSON is.

    :param source: where it stands, for messages.
    :param text: its bytes, where it could not be read.
    :param error: why it could not.
    """

    source: str
    value: Any = None
    text: bytes = b""
    error: InputError | None = None

    def checked(self) -> Any:
        """The value.

        :raises InputError: it could not be read.
        """
        if self.error:
            raise self.error
        return self.value

    @property
    def is_whole(self) -> bool:
        """Whether it is a patient or a bundle, and so no record of a patient that stands elsewhere."""
        return bool(_IS_WHOLE.match(self.text)) or (isinstance(self.value, dict) and self.value.get("resourceType") in _WHOLE)

    @property
    def patients(self) -> frozenset[str]:
        """Ids of patients that its bytes name, where it could not be read."""
        return frozenset(found.decode() for found in OF_PATIENT.findall(self.text))


def value(data: bytes, source: str) -> Any:
    """The one value of a JSON document.

    :raises InputError: it is no JSON, or JSON that may not be.
    """
    _refuse_sparse(data, source)
    try:
        return json.loads(_text(data, source), object_pairs_hook=_once, parse_float=_decimal, parse_int=_integer, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: line {error.lineno}, column {error.colno}: {error.msg}", "mend the JSON there") from error
    except RecursionError as error:
        raise InputError(f"{source}: its objects nest too deep", "no resource nests like this") from error
    except (ValueError, InvalidOperation, MemoryError) as error:
        raise InputError(f"{source}: {printable(str(error))}", "mend the JSON there") from error


def lines(data: bytes, source: str) -> Iterator[Part]:
    """The lines of NDJSON, those that cannot be read too.

    :raises InputError: they hold more values than FHIR of their size.
    """
    _refuse_sparse(data, source)
    for number, line in enumerate(io.BytesIO(data), 1):
        if text := line.strip():
            place = f"{source}: line {number}"
            try:
                yield Part(place, value(text, place))
            except InputError as error:
                yield Part(place, text=text, error=error)


def unpacked(data: bytes, source: str) -> bytes:
    """Bytes of a file, unzipped where they are zipped.

    :raises InputError: more comes out than is read at once, or than FHIR of its size is, or the file is damaged.
    """
    if not data.startswith(PACKED):
        return data
    most = min(record.LIMIT, max(ALWAYS, TIMES * len(data)))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{source}: it cannot be unzipped: {printable(str(error))}", "check the file") from error
    if len(plain) > most:
        whole = f"{most:,} bytes that are read at once" + ("" if most == record.LIMIT else f" of a packed file of {len(data):,} bytes")
        raise InputError(f"{source}: more than the {whole}", "split it by patient, or give a folder to dermograph cohort")
    return plain


def _refuse_sparse(data: bytes, source: str) -> None:
    """Refuse what would take far more memory than it has bytes.

    Every value but the first comes behind a comma or a bracket, so these bound the values before any of them is made.
    """
    values = sum(data.count(mark) for mark in (b",", b"{", b"["))
    if values > FEW and values * SPARSE > len(data):
        raise InputError(f"{source}: {values:,} values in {len(data):,} bytes, which no FHIR has", "leave out what says nothing")


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
