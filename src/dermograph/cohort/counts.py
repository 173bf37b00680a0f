"""Counts of a run for its summary: statuses by age and sex, where recommendations end, what is missing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dermograph.verdicts import PRECEDENCE

AGES = ((0, "0 to 5"), (6 * 12, "6 to 11"), (12 * 12, "12 to 17"), (18 * 12, "18 to 64"), (65 * 12, "65 and older"))
"""Age bands of the summary: the first month of each, and its name in years."""
_SEXES = ("pt:Female", "pt:Male")
_NOT_KNOWN = "not known"
GROUPS = [(age, sex) for age in (*(name for _, name in AGES), _NOT_KNOWN) for sex in (*_SEXES, _NOT_KNOWN)]
"""Age band and sex of each group that is counted."""
Numbers = npt.NDArray[Any]


class Counts:
    """Numbers of patients, added up block by block."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, str, str, str]] = Counter()
        self.attrition: Counter[tuple[str, int]] = Counter()
        self.missing: Counter[tuple[str, int]] = Counter()

    def groups(self, facts: pa.Table) -> npt.NDArray[np.int64]:
        """Place in :data:`GROUPS` of each patient."""
        months = facts["ageMonths"].combine_chunks()
        band = np.searchsorted([start for start, _ in AGES], months.fill_null(0).to_numpy(), side="right") - 1
        band[months.is_null().to_numpy(zero_copy_only=False)] = len(AGES)
        sex = pc.index_in(facts["sex"].combine_chunks(), pa.array(_SEXES)).fill_null(len(_SEXES)).to_numpy()
        return np.asarray(band * (len(_SEXES) + 1) + sex, np.int64)

    def add(self, therapy: str, groups: npt.NDArray[np.int64], status: Numbers, missing: Numbers) -> None:
        """Count a block of a therapy."""
        counted = np.bincount(groups * len(PRECEDENCE) + status, minlength=len(GROUPS) * len(PRECEDENCE))
        for place in np.flatnonzero(counted):
            age, sex = GROUPS[place // len(PRECEDENCE)]
            self.statuses[therapy, PRECEDENCE[place % len(PRECEDENCE)], age, sex] += int(counted[place])
        for one in pc.value_counts(pa.array(missing)).to_pylist():
            self.missing[therapy, one["values"]] += one["counts"]

    def stopped(self, recommendation: str, stops: Numbers) -> None:
        """Count where the patients of a block end on the way to a recommendation; see ``stops`` in :mod:`dermograph.cohort.verdicts`."""
        least = int(stops.min(initial=0))
        for place, patients in enumerate(np.bincount(stops.astype(np.int64) - least)):
            if patients:
                self.attrition[recommendation, place + least] += int(patients)

    def told(self) -> dict[str, list[list[Any]]]:
        """The counts as plain rows, to be kept."""
        return {name: sorted([*key, n] for key, n in counter.items()) for name, counter in vars(self).items()}

    def take(self, told: dict[str, list[list[Any]]]) -> None:
        """Add counts that were kept."""
        for name, rows in told.items():
            for *key, patients in rows:
                getattr(self, name)[tuple(key)] += patients
