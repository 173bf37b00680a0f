"""Where the patients of a population come from: whatever it is, the six tables are made of it, once.

A source that is not tables already writes them into the working folder of the run, as folders of Parquet parts, with what
it could not take over and what it passed over beside them (:data:`~dermograph.cohort.tables.REJECTED`,
:data:`~dermograph.cohort.tables.IGNORED`). A run that was stopped finds what is there and goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from dermograph.cohort.tables import Tables

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much; 0 where that is not known."""


class Source(Protocol):
    """A population, wherever it is kept."""

    @property
    def settled(self) -> bool:
        """Whether the key tells of all that is there, as names, sizes and times of files do."""

    def key(self) -> dict[str, Any]:
        """What the results turn on; a run goes on only where it is the same."""

    def tables(self, work: Path, progress: Progress) -> Tables:
        """The six tables, made where they are not there yet.

        :param work: folder that is the source's own until the run has ended.
        :raises InputError: the source cannot be read.
        """
