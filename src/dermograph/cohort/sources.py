"""Where the patients of a population come from: whatever it is, the six tables are made of it, once.

A source that is not tables already writes them into the working folder of the run, as folders of Parquet parts, with what
it could not take over and what it passed over beside them (:data:`~dermograph.cohort.tables.REJECTED`,
:data:`~dermograph.cohort.tables.IGNORED`). A run that was stopped finds what is there and goes on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dermograph.cohort.tables import Tables

if TYPE_CHECKING:
    from dermograph.knowledge import Knowledge

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much; 0 where that is not known."""


class Source(Protocol):
    """A population, wherever it is kept."""

    def key(self) -> dict[str, Any]:
        """What the results turn on; a run goes on only where it is the same."""

    def tables(self, work: Path, progress: Progress) -> Tables:
        """The six tables, made where they are not there yet.

        :param work: folder that is the source's own until the run has ended.
        :raises InputError: the source cannot be read.
        """


def source_of(path: Path | str, as_of: dt.date | None, knowledge: Knowledge) -> Source:
    """The source that a path or a URL names, told by what lies there.

    :param as_of: the day asked about, for every patient; without it, what is recorded of each, else today.
    :raises InputError: nothing that can be read lies there.
    """
    from dermograph.cohort.bulk import Bulk, bulk_files
    from dermograph.cohort.omop import Files, Meaning, Omop, holds_persons, place_of

    if isinstance(path, str):
        return Omop(place_of(path), Meaning.of(knowledge), as_of)
    if path.is_file() or holds_persons(path):
        return Omop(Files(path), Meaning.of(knowledge), as_of)
    return Bulk(path, knowledge, as_of) if bulk_files(path) else Tables(path, as_of)
