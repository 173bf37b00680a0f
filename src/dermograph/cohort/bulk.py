"""A population as FHIR Bulk Data: a folder with files of NDJSON, https://hl7.org/fhir/uv/bulkdata/.

The lines of a patient lie far apart, a file for each kind of resource. So each line is first laid into the bucket of its
patient, on disk; then a bucket after the other is read, patient by patient, and written as one part of each table. A finished
step leaves a mark, so that a run that was killed goes on after it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import multiprocessing
import os
import shutil
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from dermograph import cache
from dermograph.cohort import products
from dermograph.cohort.bucket import Lost, convert, start, sum_up
from dermograph.cohort.listing import refuse_strangers
from dermograph.cohort.tables import Tables
from dermograph.errors import InputError
from dermograph.fhir import parsing, reading
from dermograph.fhir.bundle import MINTED, local
from dermograph.fhir.report import Level
from dermograph.inputs import fhir_suffix
from dermograph.record import LIMIT, printable

if TYPE_CHECKING:
    from dermograph.cohort.source import Progress
    from dermograph.knowledge import Knowledge

BUCKET = 32 * 1024 * 1024
"""Bytes of lines that a bucket is meant to hold."""
MOST = 256
"""Most buckets, since each has a file open while lines are laid out."""


@dataclass(frozen=True)
class Bulk:
    """A folder of NDJSON as a source of a population.

    :param as_of: the day asked about; without it, today.
    :param size: bytes of a bucket.
    :param jobs: processes that read buckets; 0 is one for each core.
    """

    folder: Path
    knowledge: Knowledge
    as_of: dt.date | None = None
    size: int = BUCKET
    jobs: int = 0
    settled: ClassVar[bool] = True

    @cached_property
    def files(self) -> list[Path]:
        """The files, in the order of their names.

        :raises InputError: something else lies beside them.
        """
        found = bulk_files(self.folder)
        hint = f"files of Bulk Data end in {' or '.join(reading.LINES)}, with or without .gz"
        refuse_strangers(self.folder, (path.name for path in self.folder.iterdir()), {path.name for path in found}, hint)
        return found

    @cached_property
    def today(self) -> dt.date:
        """The day asked about."""
        return self.as_of or dt.date.today()

    def key(self) -> dict[str, Any]:
        """What the results turn on: names, sizes and times of the files, the mappings, and the day."""
        files = {path.name: [path.stat().st_size, path.stat().st_mtime_ns] for path in self.files}
        return {"files": files, "mappings": self.knowledge.terminology.digest, "asOf": self.today.isoformat(), "size": self.size}

    def tables(self, work: Path, progress: Progress) -> Tables:
        """The six tables, made where they are not there yet.

        :raises InputError: a file cannot be read.
        """
        work.mkdir(parents=True, exist_ok=True)
        buckets = self._laid_out(work / "buckets", progress)
        tables = work / "tables"
        todo = [number for number in range(buckets) if not (work / f"read-{number:05}").exists()]
        if len(todo) == 1:
            start(self.knowledge.terminology)
            convert(work, todo[0], self.today)
        elif todo:
            with self._pool() as pool:
                jobs = [pool.submit(convert, work, number, self.today) for number in todo]
                for done, job in enumerate(jobs, buckets - len(todo) + 1):
                    job.result()
                    progress("reading", done, buckets)
        sum_up(work)
        return Tables(tables, self.as_of, made=True)

    def _pool(self) -> ProcessPoolExecutor:
        jobs = self.jobs or os.cpu_count() or 1
        return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), start, (self.knowledge.terminology,))

    def _laid_out(self, where: Path, progress: Progress) -> int:
        """Lay every line into the bucket of its patient; the number of buckets."""
        total = sum(path.stat().st_size * (8 if path.suffix.lower() == ".gz" else 1) for path in self.files)
        buckets = min(MOST, max(1, -(-total // self.size)))
        if (where / "whole").exists():
            return buckets
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        with ExitStack() as stack:
            laid = [stack.enter_context((where / f"{number:05}.ndjson").open("wb")) for number in range(buckets)]
            referred = sqlite3.connect(where / "products.sqlite")
            products.create(referred)
            sorting = _Sorting(laid, referred)
            for number, path in enumerate(self.files):
                progress("sorting", number, len(self.files))
                for place, line in _lines(path):
                    sorting.lay(path.name, place, line)
            referred.commit()
            referred.close()
        cache.write(where / "beside.json", {"lost": sorted([*k, n] for k, n in sorting.lost.items()), "broken": sorting.broken})
        (where / "whole").touch()
        return buckets


def bulk_files(folder: Path) -> list[Path]:
    """Files of NDJSON in a folder, in the order of their names."""
    return sorted(path for path in folder.iterdir() if fhir_suffix(path.name) in reading.LINES and path.is_file())


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines of a file with their numbers.

    :raises InputError: the file cannot be read, or a line is longer than what is read at once.
    """
    try:
        with path.open("rb") as raw, gzip.open(raw) if path.suffix.lower() == ".gz" else raw as file:
            number = 0
            while line := file.readline(LIMIT + 1):
                number += 1
                if len(line) > LIMIT:
                    raise InputError(f"{path}: line {number}: more than the {LIMIT:,} bytes that are read at once", "no resource is that long")
                if line.strip():
                    yield number, line.rstrip(b"\r\n") + b"\n"
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {printable(str(error))}", "check the file") from error


@dataclass(frozen=True)
class _Sorting:
    """Lines on their way into buckets.

    :param laid: files of the buckets.
    :param referred: what belongs to no patient, and records of patients refer to.
    :param broken: lines that cannot be read, as rows of what is rejected.
    """

    laid: Sequence[IO[bytes]]
    referred: sqlite3.Connection
    lost: Lost = field(default_factory=Counter)
    broken: list[dict[str, Any]] = field(default_factory=list)

    def lay(self, file: str, place: int, line: bytes) -> None:
        """Lay one line where it belongs."""
        try:
            resource = parsing.value(line.strip(), f"{file}: line {place}")
        except InputError as error:
            self._refuse(file, place, line, error.message)
            return
        kind, number = (resource.get("resourceType"), resource.get("id")) if isinstance(resource, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(number, str | None) or kind == "Bundle":
            self._refuse(file, place, line, "the line is no resource of FHIR")
            return
        patient = number if kind == "Patient" else _patient(resource)
        if kind == "Patient" and not patient:
            self._refuse(file, place, line, "a Patient without an id")
        elif kind in reading.PRODUCTS:
            name = f"{kind}/{number}" if number else f"{kind}/~{file}:{place}"  # no id of FHIR has a tilde
            if not products.keep(self.referred, name, line, resource):
                self._refuse(file, place, b"", f"{printable(name)} is there twice, in different words")
        elif kind not in reading.KINDS:
            self.lost[kind, "", "", "", Level.unread.value] += 1
        elif patient is None:
            self.lost[kind, "", "", "", "its patient is not told"] += 1
        else:
            head = json.dumps([patient, file, place]).encode()
            self.laid[zlib.crc32(patient.encode("utf-8", "surrogatepass")) % len(self.laid)].write(head + b"\t" + line)

    def _refuse(self, file: str, place: int, line: bytes, reason: str) -> None:
        """Note a line that cannot be read; its patient, where one can be made out, is then not assessed."""
        named = parsing.OF_PATIENT.search(line)
        patient = MINTED + local("Patient", named[1].decode()) if named else None
        self.broken.append({"table": file, "row": place, "patient": patient, "reason": reason, "value": None})


def _patient(resource: dict[str, Any]) -> str | None:
    """Id of the patient that a record refers to."""
    for key in reading.SUBJECTS:
        pointer = resource.get(key)
        reference = pointer.get("reference") if isinstance(pointer, dict) else None
        if isinstance(reference, str):
            parts = reference.partition("/_history/")[0].split("/")
            return parts[-1] if len(parts) > 1 and parts[-2] == "Patient" else None
    return None
