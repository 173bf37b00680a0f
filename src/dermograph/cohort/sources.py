"""Where the patients of a population come from: whatever it is, the six tables are made of it, once.

A source that is not tables already writes them into the working folder of the run, as folders of Parquet parts, with what
it could not take over and what it passed over beside them (:data:`~dermograph.cohort.tables.REJECTED`,
:data:`~dermograph.cohort.tables.IGNORED`). A run that was stopped finds what is there and goes on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from dermograph.cohort.tables import Tables
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


def source_of(path: Path | str, as_of: dt.date | None, knowledge: Knowledge, ontology: Path) -> Source:
    """The source that a path or a URL names, told by what lies there.

    :param as_of: the day asked about, for every patient; without it, what is recorded of each, else today.
    :param ontology: folder of the ontology, for the mappings of codes.
    :raises InputError: nothing that can be read lies there.
    """
    if isinstance(path, str) or path.suffix in {".duckdb", ".ddb", ".db"} or (path.is_dir() and _holds_persons(path)):
        from dermograph.cohort.omop import Omop
        from dermograph.cohort.omop.meaning import Meaning
        from dermograph.cohort.omop.places import Files, place_of

        return Omop(place_of(path) if isinstance(path, str) else Files(path), Meaning(knowledge, ontology / "mappings"), as_of)
    return Tables(path, as_of)


def _holds_persons(folder: Path) -> bool:
    """Whether a folder holds the table of persons of the OMOP model, as a file or as a folder of parts."""
    return any(entry.name.lower().partition(".")[0] == "person" for entry in folder.iterdir())
