"""The source: names of patients page by page, what is said of them some at a time, and each page as a part of the tables."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pyarrow as pa
import pyoxigraph as ox

from dermograph import cache
from dermograph.cohort.endpoint import queries
from dermograph.cohort.endpoint.asking import Asking
from dermograph.cohort.endpoint.gathering import Graphs
from dermograph.cohort.endpoint.service import Service
from dermograph.cohort.rdf.reading import ASTRAY, Origin, Reader, rejected
from dermograph.cohort.rdf.words import SCHEMAS, Words
from dermograph.cohort.rdf.work import tables, written
from dermograph.cohort.source import Progress
from dermograph.cohort.tables import Tables
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge
from dermograph.record import printable

PAGE = 5000
"""Names that are asked for at once; Virtuoso orders no more than 10,000."""
MOST = 100
"""Patients of whom is asked at once."""
LISTED = 1000
"""Nodes that hang off nobody and are told one by one."""
_NAMELESS = "the patient is a blank node, which a store cannot be asked for; give each patient an IRI"


@dataclass(frozen=True)
class Endpoint:
    """Patients in a triple store.

    :param as_of: the day asked about, for every patient; without it, what the graphs say, else today.
    """

    service: Service
    knowledge: Knowledge
    as_of: dt.date | None = None
    page: int = PAGE
    most: int = MOST
    settled: ClassVar[bool] = False

    def key(self) -> dict[str, Any]:
        """What the results turn on, as far as a store tells it: where it is, how many patients it holds, and the day."""
        day = self.as_of.isoformat() if self.as_of else None
        return {"endpoint": self.service.key(), "patients": self._held, "asOf": day, "page": self.page}

    @cached_property
    def _held(self) -> list[int]:
        """How many patients have an IRI and how many have none, before anything is read."""
        return self._hold()

    def _hold(self) -> list[int]:
        return [self.service.count(query) for query in (queries.PATIENTS, queries.BLANK)]

    def tables(self, work: Path, progress: Progress) -> Tables:
        """The six tables, made where they are not there yet.

        :raises InputError: the store cannot be read, gives answers that are not whole, or was changed meanwhile.
        """
        made, whole = work / "tables", work / "whole"
        if not whole.exists():
            work.mkdir(parents=True, exist_ok=True)
            named, nameless = self._held
            if not named and not nameless:
                where = " and ".join(self.service.graphs) or "what it asks without --graph"
                raise InputError(f"{self.service.name}: no patient: no node is a pt:Patient in {where}", "name the graph with --graph")
            self._read(work, progress)
            progress("looking for what is nobody's", 0, 0)
            written(made / "rejected" / "part-astray.parquet", rejected(list(self._astray())))
            if nameless:
                self._unread(made, "nameless", {f"_:[{place}]": _NAMELESS for place in range(1, nameless + 1)})
            if (now := self._hold()) != self._held:
                self._changed(work, f"it held {sum(self._held):,} patients at first, and {sum(now):,} at the end")
            whole.touch()
        return Tables(made, self.as_of, made=True)

    def _read(self, work: Path, progress: Progress) -> None:
        """Read the patients that no earlier run has read."""
        reader = Reader(Words.of(self.knowledge.index, self.knowledge.tree), lambda: self.knowledge, self.as_of)
        asking = Asking(self.service, self.most)
        last, read, number = "", 0, 0
        while True:
            done = work / f"page-{number:05}.json"
            if not done.exists():
                names = self._names(last)
                if not names:
                    break
                if read + len(names) > self._held[0] or len(set(names)) < len(names) or last in names:
                    self._changed(work, f"it names more than the {self._held[0]:,} patients that it counted")
                self._write(names, reader, asking, work / "tables", number)
                cache.write(done, [names[-1], len(names)])
            last, more = json.loads(done.read_text(encoding="utf-8"))
            read, number = read + more, number + 1
            progress("reading", read, self._held[0])
        if read != self._held[0]:
            self._changed(work, f"it names {read:,} patients, and counts {self._held[0]:,}")

    def _names(self, last: str) -> list[str]:
        """The next names; fewer than are asked for do not tell that they are the last."""
        answer = self.service.ask(queries.names(last, self.page))
        if answer.early:
            raise InputError(f"{self.service.name}: the names of patients are not whole: {answer.cut}", "let the service take more time for a query")
        return [row["name"]["value"] for row in answer.rows if "name" in row]

    def _write(self, names: list[str], reader: Reader, asking: Asking, made: Path, number: int) -> None:
        """Ask for the patients of a page, and write them as a part of each table."""
        for left in made.glob(f"*/part-{number:05}*.parquet"):
            left.unlink()
        unread = {name: f"the name is no IRI: {reason}" for name in names if (reason := _no_iri(name))}
        graphs = Graphs()
        for some, rows in asking.answers([name for name in names if name not in unread]):
            try:
                graphs.add(some, rows)
            except KeyError as error:
                raise InputError(f"{self.service.name}: an answer lacks {error}", "see that the service answers SPARQL 1.1") from error
        unread |= graphs.refused
        one = reader.read(graphs.whole(), Origin(self.service.name, told=True), gathered=True)
        lost = set(names) - unread.keys() - set(one.tables["patients"]["patient"].to_pylist())
        if lost:
            raise InputError(f"{self.service.name}: {printable(min(lost))} was a patient, and is none now", "ask when nobody writes into the store")
        tables(made, number, [one.tables], [one.rejected])
        if unread:
            self._unread(made, f"{number:05}-unread", unread)

    def _unread(self, made: Path, part: str, why: dict[str, str]) -> None:
        """Write patients that are told only as rejected."""
        schema = SCHEMAS["patients"]
        columns = [pa.array(list(why), pa.string()).dictionary_encode(), *(pa.nulls(len(why), kind) for kind in schema.types[1:])]
        written(made / "patients" / f"part-{part}.parquet", pa.table(columns, schema=schema))
        rows = [(self.service.name, None, name, reason, None) for name, reason in why.items()]
        written(made / "rejected" / f"part-{part}.parquet", rejected(rows))

    def _astray(self) -> Iterator[tuple[Any, ...]]:
        """Rows of what hangs off no patient."""
        try:
            count = self.service.count(queries.astray_count())
            listed = self.service.ask(queries.astray(LISTED)).rows if count else []
        except InputError as error:
            yield self.service.name, None, None, f"it could not be asked what hangs off no patient: {error.message}", None
            return
        for row in listed:
            yield self.service.name, None, None, ASTRAY, printable(row["name"]["value"])
        if more := count - len(listed):
            yield self.service.name, None, None, ASTRAY, f"{more:,} nodes more"

    def _changed(self, work: Path, what: str) -> NoReturn:
        """Tell that the store is not to be relied on, and forget what was read."""
        shutil.rmtree(work)
        raise InputError(f"{self.service.name}: {what}", "ask when nobody writes into the store; it must order names as it compares them")


def _no_iri(name: str) -> str | None:
    """Why a name cannot be asked for."""
    try:
        ox.NamedNode(name)
    except ValueError as error:
        return str(error)
    return None
