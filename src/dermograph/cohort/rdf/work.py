"""Blocks read side by side by processes, each of which writes what it has read as parts that are whole or not there."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox

from dermograph.cohort.rdf import columns
from dermograph.cohort.rdf.columns import Triples
from dermograph.cohort.rdf.cutting import Block, Piece
from dermograph.cohort.rdf.files import File
from dermograph.cohort.rdf.reading import Origin, Reader
from dermograph.cohort.rdf.words import SCHEMAS, Words
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Work:
    """What a process must know to read a block.

    :param paths: the files.
    :param several: whether the label of a blank node alone does not tell it from those of other files.
    :param folder: where parts are written.
    """

    paths: tuple[Path, ...]
    several: bool
    folder: Path
    as_of: dt.date | None
    tree: dict[str, Any]
    index: tuple[ox.Triple, ...]
    sha256: str

    @cached_property
    def words(self) -> Words:
        """What a patient graph may say."""
        return Words.of(self.index, self.tree)

    @cached_property
    def reader(self) -> Reader:
        """Reader by the words of the knowledge."""
        return Reader(self.words, lambda: Knowledge(self.tree, self.index, self.sha256), self.as_of)

    def done(self) -> dict[int, str]:
        """Blocks that are finished, each with what is noted of it."""
        return {int(path.name): path.read_text(encoding="utf-8") for path in (self.folder / "done").glob("*")}

    def finish(self, number: int, note: str = "") -> None:
        """Note that a block is finished."""
        (self.folder / "done").mkdir(exist_ok=True)
        (self.folder / "done" / f"{number:05}").write_text(note, encoding="utf-8")

    def origin(self, file: int, prefix: str = "") -> Origin:
        """What is told of a file."""
        path = self.paths[file]
        return Origin(path.name, File(path).told, f"{path.name}#" if self.several else "", prefix)

    def triples(self, piece: Piece) -> Triples:
        """Triples of lines of a file."""
        file = File(self.paths[piece.file])
        return columns.read(file.again(piece.start, piece.size) if piece.data is None else piece.data, file.syntax, piece.first)


def written(path: Path, table: pa.Table) -> None:
    """Write a part whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    pq.write_table(table, aside, compression="zstd", compression_level=1)
    aside.replace(path)


def tables(folder: Path, number: int, found: list[dict[str, pa.Table]], rejected: list[pa.Table]) -> None:
    """Write the tables of a block."""
    for name in SCHEMAS:
        parts = [tables[name] for tables in found]
        whole = parts[0] if len(parts) == 1 else pa.concat_tables(parts).unify_dictionaries()
        written(folder / name / f"part-{number:05}.parquet", whole)
    if sum(map(len, rejected)):
        written(folder / "rejected" / f"part-{number:05}.parquet", pa.concat_tables(rejected))


@dataclass(frozen=True)
class Seen:
    """What became of a block: the bytes that are done, and whether nodes hang off no patient, or off one of another block for certain."""

    done: int
    astray: bool
    severed: bool


def read(work: Work, block: Block) -> Seen:
    """Read a block of whole patients, and write its tables and the nodes that it speaks of."""
    found, rejected, mentioned, astray, severed = [], [], [], False, False
    for piece in block.pieces:
        origin = work.origin(piece.file)
        one = work.reader.read(work.triples(piece), origin)
        found.append(one.tables)
        rejected.append(one.rejected)
        mentioned.append(pa.table({"file": pa.array([piece.file] * len(one.mentioned), pa.int32()), "node": one.mentioned}))
        astray |= bool(one.astray)
        severed |= any(map(origin.is_made_up, one.astray))
    written(work.folder / "mentioned" / f"part-{block.number:05}.parquet", pa.concat_tables(mentioned))
    tables(work.folder / "tables", block.number, found, rejected)
    work.finish(block.number, "astray" if astray else "")
    return Seen(block.done, astray, severed)


def side_by_side(job: Callable[[Work, Task], Outcome], work: Work, tasks: Iterable[Task], processes: int) -> Iterator[Outcome]:
    """Outcomes of tasks, in their order; a single task needs no other process.

    :raises InputError: a process was ended from outside.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, 2))
    if processes == 1 or len(first) < 2:
        for task in chain(first, waiting):
            yield job(work, task)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (job, work)) as pool:
        running: deque[Future[Outcome]] = deque()
        try:
            for task in chain(first, waiting):
                running.append(pool.submit(_do, task))
                if len(running) > 2 * processes:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise InputError("a process that read the input was ended from outside", "see that there is memory enough") from error
        finally:
            pool.shutdown(cancel_futures=True)


_given: list[Any] = []
"""What a process of the pool was told when it began."""


def _begin(job: Callable[[Work, Any], Any], work: Work) -> None:
    _given[:] = [job, work]
    pa.set_cpu_count(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End when the process that gives the tasks is there no more, killed perhaps."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _do(task: Any) -> Any:
    job, work = _given
    return job(work, task)
