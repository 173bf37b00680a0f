"""Counts of a run for its summary: statuses by age and sex, where recommendations end, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dermograph.cohort.doses import bits_of
from dermograph.verdicts import PRECEDENCE

AGES = ((0, "0 to 5"), (6 * 12, "6 to 11"), (12 * 12, "12 to 17"), (18 * 12, "18 to 64"), (65 * 12, "65 and older"))
"""Age bands of the summary: the first month of each, and its name in years."""
_SEXES = ("pt:Female", "pt:Male")
_NOT_KNOWN = "not known"
GROUPS = [(age, sex) for age in (*(name for _, name in AGES), _NOT_KNOWN) for sex in (*_SEXES, _NOT_KNOWN)]
"""Age band and sex of each group that is counted."""
Numbers = npt.NDArray[Any]
_STEPS = 31
"""Most steps of a pathway."""


class Counts:
    """Numbers of patients, added up block by block.

    :ivar statuses: by therapy, status, age band and sex.
    :ivar attrition: by recommendation, where it ends (see ``stops`` in :mod:`dermograph.cohort.verdicts`) and status of its therapy.
    :ivar missing: by therapy, its status and the bits of what is missing.
    :ivar facts: by ``lacking`` or ``decides`` and the place of what is missing: of how many patients it is missing for some
        therapy, and of how many it alone leaves one undetermined.
    :ivar places: by guideline, whether it applies (1, 0, or -1 where that is not known), and the bits of the steps at which
        patients stand and of those that come next.
    """

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, str, str, str]] = Counter()
        self.attrition: Counter[tuple[str, int, str]] = Counter()
        self.missing: Counter[tuple[str, str, int]] = Counter()
        self.facts: Counter[tuple[str, int]] = Counter()
        self.places: Counter[tuple[str, int, int, int]] = Counter()

    def groups(self, facts: pa.Table) -> Numbers:
        """Place in :data:`GROUPS` of each patient."""
        months = facts["ageMonths"].combine_chunks()
        band = np.searchsorted([start for start, _ in AGES], months.fill_null(0).to_numpy(), side="right") - 1
        band[months.is_null().to_numpy(zero_copy_only=False)] = len(AGES)
        sex = pc.index_in(facts["sex"].combine_chunks(), pa.array(_SEXES)).fill_null(len(_SEXES)).to_numpy()
        return np.asarray(band * (len(_SEXES) + 1) + sex, np.int64)

    def add(self, therapy: str, groups: Numbers, status: Numbers, missing: Numbers) -> None:
        """Count a block of a therapy."""
        counted = np.bincount(groups * len(PRECEDENCE) + status, minlength=len(GROUPS) * len(PRECEDENCE))
        for place in np.flatnonzero(counted):
            age, sex = GROUPS[place // len(PRECEDENCE)]
            self.statuses[therapy, PRECEDENCE[place % len(PRECEDENCE)], age, sex] += int(counted[place])
        for both, patients in _alike(missing * len(PRECEDENCE) + status):
            self.missing[therapy, PRECEDENCE[both % len(PRECEDENCE)], both // len(PRECEDENCE)] += patients

    def stopped(self, recommendation: str, stops: Numbers, status: Numbers) -> None:
        """Count where the patients of a block end on the way to a recommendation, and what becomes of its therapy."""
        for both, patients in _alike(stops.astype(np.int64) * len(PRECEDENCE) + status):
            self.attrition[recommendation, both // len(PRECEDENCE), PRECEDENCE[both % len(PRECEDENCE)]] += patients

    def lacking(self, told: dict[str, Numbers]) -> None:
        """Count of how many patients of a block each bit is set, by ``lacking`` or ``decides``."""
        for name, bits in told.items():
            for value, patients in _alike(bits):
                for place in bits_of(value):
                    self.facts[name, place] += patients

    def placed(self, guideline: str, applies: Numbers, at: Numbers, following: Numbers) -> None:
        """Count where the patients of a block stand in a pathway."""
        for number in (-1, 0, 1):
            here = applies == number
            for both, patients in _alike(at[here] << _STEPS | following[here]):
                self.places[guideline, number, both >> _STEPS, both & ((1 << _STEPS) - 1)] += patients

    def told(self) -> dict[str, list[list[Any]]]:
        """The counts as plain rows, to be kept."""
        return {name: sorted([*key, n] for key, n in counter.items()) for name, counter in vars(self).items()}

    def take(self, told: dict[str, list[list[Any]]]) -> None:
        """Add counts that were kept."""
        for name, rows in told.items():
            for *key, patients in rows:
                getattr(self, name)[tuple(key)] += patients


def _alike(numbers: Numbers) -> Iterator[tuple[int, int]]:
    """Every number that occurs, and how often."""
    return ((one["values"], one["counts"]) for one in pc.value_counts(pa.array(numbers)).to_pylist())
