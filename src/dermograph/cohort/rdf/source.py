"""RDF as a source of a population: blocks of whole patients where the patients stand together, else gathered first."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq

from dermograph.cohort.listing import literal, refuse_strangers
from dermograph.cohort.rdf import gathering
from dermograph.cohort.rdf.cutting import MOST, SIZE, NotGrouped, blocks
from dermograph.cohort.rdf.files import ENDINGS, File, found
from dermograph.cohort.rdf.words import SCHEMAS
from dermograph.cohort.rdf.work import Work, read, side_by_side, tables
from dermograph.cohort.source import Progress
from dermograph.cohort.tables import Tables
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge


@dataclass(frozen=True)
class Rdf:
    """Patients in a file of RDF, or in the files of a folder.

    :param as_of: the day asked about, for every patient; without it, what the graphs say, else today.
    :param processes: how many read side by side; 0 is one for each core.
    :param memory: most memory of the database that gathers patients who do not stand together.
    :param size: bytes that are read at a time, about.
    :param most: bytes in which a patient must end for patients to count as standing together.
    """

    path: Path
    knowledge: Knowledge
    as_of: dt.date | None = None
    processes: int = 0
    memory: str = "4GB"
    size: int = SIZE
    most: int = MOST
    settled: ClassVar[bool] = True

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files.

        :raises InputError: there is none, or something else lies beside them.
        """
        paths, hint = tuple(found(self.path)), f"files of RDF end in {', '.join(ENDINGS)}"
        if not paths:
            raise InputError(f"{self.path}: no file of RDF", hint)
        if self.path.is_dir():
            refuse_strangers(self.path, (path.name for path in self.path.iterdir()), {path.name for path in paths}, hint)
        return paths

    def key(self) -> dict[str, Any]:
        """What the results turn on: names, sizes and times of the files, the day, and where the files are cut."""
        stats = {path.name: path.stat() for path in self.files}
        files = {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}
        return {"rdf": files, "asOf": self.as_of.isoformat() if self.as_of else None, "size": self.size}

    def tables(self, work: Path, progress: Progress) -> Tables:
        """The six tables, made where they are not there yet."""
        job = Work(self.files, self.path.is_dir(), work, self.as_of, self.knowledge.tree, self.knowledge.index, self.knowledge.sha256)
        work.mkdir(parents=True, exist_ok=True)
        whole, apart = work / "whole", work / "apart"
        if not whole.exists():
            if not apart.exists():
                try:
                    self._read(job, progress)
                except NotGrouped:
                    for name in ("tables", "done", "mentioned"):
                        shutil.rmtree(work / name, ignore_errors=True)
                    apart.touch()
            if apart.exists():
                gathering.read(job, self._processes, self.memory, self.size, progress)
            if not _holds_rows(work / "tables" / "patients"):
                if apart.exists() or _holds_rows(work / "mentioned"):
                    raise InputError(f"{self.path}: no patient: no node is a pt:Patient", "type the node of each patient with pt:Patient")
                tables(work / "tables", 0, [{name: schema.empty_table() for name, schema in SCHEMAS.items()}], [])
            whole.touch()
        return Tables(work / "tables", self.as_of, made=True)

    @property
    def _processes(self) -> int:
        return self.processes or len(os.sched_getaffinity(0))

    def _read(self, job: Work, progress: Progress) -> None:
        """Read blocks of whole patients.

        :raises NotGrouped: a node is spoken of in two of them.
        """
        done = job.done()
        total = sum(path.stat().st_size for path in self.files)
        files = [File(path) for path in self.files]
        waiting = (block for block in blocks(files, self.size, self.most) if block.number not in done)
        count, astray = len(done), "astray" in done.values()
        for seen in side_by_side(read, job, waiting, self._processes):
            progress("reading", seen.done, total)
            count, astray = count + 1, astray or seen.astray
            if seen.severed or (astray and count.bit_count() == 1 and self._repeated(job)):
                raise NotGrouped
        if self._repeated(job):
            raise NotGrouped

    def _repeated(self, job: Work) -> bool:
        """Whether two blocks, or two files, speak of one node; then a patient may not be whole in either."""
        if not _holds_rows(job.folder / "mentioned"):
            return False
        with gathering.database(job.folder, self.memory, self._processes) as con:
            node = "SELECT CASE WHEN starts_with(node, '_:') THEN file END AS file, node"
            query = f"{node} FROM read_parquet('{literal(job.folder)}/mentioned/*.parquet') GROUP BY ALL HAVING count(*) > 1 LIMIT 1"
            return con.execute(query).fetchone() is not None


def _holds_rows(folder: Path) -> bool:
    """Whether there is a row in the parts of a folder."""
    return any(pq.read_metadata(part).num_rows for part in folder.glob("*.parquet"))
