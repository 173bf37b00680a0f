"""Made-up patients, drawn block by block as the tables of a cohort.

A block is drawn whole from its own generator, seeded by the seed and its number; so a patient is the same however many
are asked for. Within a block there is no loop over patients: each entry of the population is drawn for all at once.
Numbers of a column stand as they are stored, and one below zero means that the cell is empty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from dermograph.cohort import descriptor
from dermograph.cohort.population import Choice, Course, Days, Observation, Population, Position, Weight
from dermograph.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Floats: TypeAlias = npt.NDArray[np.float64]
    Whole: TypeAlias = npt.NDArray[np.int64]
    Truths: TypeAlias = npt.NDArray[np.bool_]

BLOCK = 65_536
"""Patients of a block."""
DECIMALS = 6
"""Digits after the point of a stored number."""
YEAR = 365.25
_EPOCH = dt.date(1970, 1, 1)


def blocks(population: Population, count: int, seed: int, as_of: dt.date | None = None) -> Iterator[dict[str, pa.Table]]:
    """Tables of the patients, block after block, rows in the order of the patients.

    :param as_of: the day asked about; without it, the population's.
    :raises UsageError: that day is too early or too late to be written.
    """
    day = as_of or population.as_of
    if not 1800 <= day.year < 9999:
        raise UsageError(f"--as-of {day}: nobody is asked about then", "give a day from 1800 on")
    return _blocks(population, count, seed, (day - _EPOCH).days)


def _blocks(population: Population, count: int, seed: int, today: int) -> Iterator[dict[str, pa.Table]]:
    words: dict[tuple[str, str], dict[str, int]] = {}
    for number in range(-(-count // BLOCK)):
        drawn = _Drawing(population, seed, number)
        yield drawn.tables(min(BLOCK, count - number * BLOCK), today, words)


@dataclass
class _Coded:
    """A column of words: the place of each in a list, -1 for none."""

    words: tuple[str, ...]
    codes: Whole


@dataclass
class _Rows:
    """Rows of a table as they are drawn: whose they are, and the columns."""

    whose: list[Whole] = field(default_factory=list)
    columns: list[dict[str, str | _Coded | Whole]] = field(default_factory=list)

    def add(self, whose: Whole, **columns: str | _Coded | Whole) -> None:
        self.whose.append(whose)
        self.columns.append(columns)


class _Drawing:
    """One block while it is drawn.

    :ivar states: value of each state for each patient, by its place.
    :ivar age: age of each patient in days; what happened earlier was before birth.
    """

    def __init__(self, population: Population, seed: int, number: int) -> None:
        import numpy as np

        self.population, self.number = population, number
        self.rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))
        self.all = np.arange(BLOCK)
        self.states: dict[str, Whole] = {}
        self.rows = {name: _Rows() for name in descriptor.names()}
        self._traits()
        self._pathway()
        for course in population.courses:
            whose = self._hit(course.chance)
            self._courses(course, whose, self._pick(course.therapy, whose), "beside", self._days(population.rest, len(whose)))
        self._conditions()
        self._absences()
        for observation in population.observations:
            self._observation(observation)
        self._assessments()

    # --- chance

    def _at(self, weight: Weight, whose: Whole) -> Floats | float:
        """A weight for each of some patients."""
        import numpy as np

        found: Floats | float = weight.of
        for state, factors in weight.by:
            found = found * np.take(factors, self.states[state][whose])
        return found

    def _lucky(self, chance: Floats | float, size: int) -> Truths:
        return self.rng.random(size) < chance

    def _hit(self, chance: Weight) -> Whole:
        """The patients whom a chance falls on."""
        import numpy as np

        return np.flatnonzero(self._lucky(self._at(chance, self.all), BLOCK))

    def _pick(self, choice: Choice, whose: Whole) -> Whole:
        """Place of the word that each of some patients gets, -1 where none has any weight."""
        import numpy as np

        weights = [self._at(weight, whose) for weight in choice.weights]
        total = sum(weights)
        mark = self.rng.random(len(whose)) * total
        found = np.zeros(len(whose), dtype=np.int64)
        reached: Floats | float = 0.0
        for weight in weights[:-1]:
            reached = reached + weight
            found += mark >= reached
        return np.where(np.asarray(total) > 0, found, -1)

    def _days(self, days: Days, size: int) -> Whole:
        import numpy as np

        return np.rint(days.median * np.exp(days.spread * self.rng.standard_normal(size))).astype(np.int64)

    # --- the patients

    def _traits(self) -> None:
        import numpy as np

        shares = Choice(self.population.states["age"], tuple(Weight(share) for share, _, _ in self.population.ages))
        self.states["age"] = groups = self._pick(shares, self.all)
        first, last = (np.array([group[end] for group in self.population.ages])[groups] * YEAR for end in (1, 2))
        self.age = (first + (last - first) * self.rng.random(BLOCK)).astype(np.int64)
        for name, choice in self.population.drawn:
            self.states[name] = self._pick(choice, self.all)
        chance = self.population.recorded
        dated = self._lucky(chance["birthDate"], BLOCK)
        aged = ~dated & self._lucky(chance["ageYears"], BLOCK)
        years = np.floor(self.age / YEAR * 10).astype(np.int64) * 10 ** (DECIMALS - 1)
        said = self._lucky(chance["sex"], BLOCK)
        self.rows["patients"].add(
            self.all,
            asOf=np.zeros(BLOCK, dtype=np.int64),
            birthDate=np.where(dated, self.age, -1),
            ageYears=np.where(aged, years, -1),
            sex=_Coded(self.population.states["sex"], np.where(said, self.states["sex"], -1)),
        )

    # --- courses

    def _pathway(self) -> None:
        """Draw the lines, then place them in time, the last one first."""
        import numpy as np

        for line in self.population.pathway:
            whose = self._hit(line.chance)
            self.states[line.line] = np.zeros(BLOCK, dtype=np.int64)
            self.states[line.line][whose] = self._pick(line.therapy, whose) + 1
        since = np.zeros(BLOCK, dtype=np.int64)
        later = np.zeros(BLOCK, dtype=np.bool_)
        for line in reversed(self.population.pathway):
            given = self.states[line.line]
            positions: tuple[tuple[Position, Truths], ...] = (("latest", ~later), ("earlier", later.copy()))
            for position, those in positions:
                whose = np.flatnonzero((given > 0) & those)
                ends = since[whose] + self._days(self.population.rest, len(whose)) + 1
                starts, kept = self._courses(line, whose, given[whose] - 1, position, ends)
                given[whose[~kept]] = 0
                since[whose[kept]] = starts[kept]
                later[whose[kept]] = True

    def _courses(self, course: Course, whose: Whole, therapy: Whole, position: Position, ends: Whole) -> tuple[Whole, Truths]:
        """Draw how a course went that ended so many days ago, or goes on; give when it started and whether it was after birth."""
        import numpy as np

        kinds = self.population.kinds
        ways = Choice((), tuple(Weight(kind.weight[position] * factor) for kind, factor in zip(kinds, course.kinds, strict=True)))
        kind = self._pick(ways, whose)
        begun, ended = (np.array([getattr(k, name) for k in kinds])[kind] for name in ("starts", "ends"))
        said = np.array([k.outcome != "" for k in kinds])[kind]
        length = np.maximum(self._days(course.days, len(whose)) * np.array([k.days for k in kinds])[kind], 1).astype(np.int64)
        end = np.where(ended, ends, 0)
        start = np.minimum(end + np.where(begun, length, 0), self.age[whose])
        kept = (end <= self.age[whose]) & (therapy >= 0)
        with_start, with_end = (self._lucky(chance, len(whose)) for chance in self.population.course_dates)
        more: dict[str, Whole] = {}
        if course.sessions:
            weekly, counted = course.sessions
            sessions = np.maximum(np.rint((start - end) / 7 * weekly * (0.6 + 0.4 * self.rng.random(len(whose)))), 1).astype(np.int64)
            more["sessions"] = np.where(begun & self._lucky(counted, len(whose)), sessions, -1)[kept]
        self.rows["courses"].add(
            whose[kept],
            therapy=_Coded(course.therapy.words, therapy[kept]),
            start=np.where(begun & with_start, start, -1)[kept],
            end=np.where(ended & (with_end | ~said), end, -1)[kept],
            outcome=_Coded(tuple(k.outcome for k in kinds), kind[kept]),
            **more,
        )
        return start, kept

    # --- conditions

    def _conditions(self) -> None:
        import numpy as np

        recorded_onset, recorded_abatement = self.population.condition_dates
        for each in self.population.conditions:
            hit = self._lucky(self._at(each.chance, self.all), BLOCK)
            whose = np.flatnonzero(hit)
            status = self._pick(each.status, whose)
            onset = np.minimum(self._days(each.days, len(whose)), self.age[whose])
            abatement = (onset * self.rng.random(len(whose))).astype(np.int64)
            over = np.array([word == "pt:Resolved" for word in each.status.words])[status]
            columns: dict[str, _Coded | Whole] = {
                "status": _Coded(each.status.words, status),
                "onset": np.where(self._lucky(recorded_onset, len(whose)), onset, -1),
                "abatement": np.where(over & self._lucky(recorded_abatement, len(whose)), abatement, -1),
            }
            if each.severity:
                graded = self._lucky(each.severity, len(whose))
                columns["severity"] = _Coded(self.population.states["severity"], np.where(graded, self.states["severity"][whose], -1))
            if each.sites:
                columns["site"] = self._sites(each.sites, whose)
            if each.causes:
                columns["causedBy"] = _Coded(each.causes.words, self._pick(each.causes, whose))
            self.rows["conditions"].add(whose, condition=each.cls, **columns)
            if each.absent:
                self.rows["absences"].add(np.flatnonzero(~hit & self._lucky(each.absent, BLOCK)), condition=each.cls)

    def _sites(self, sites: tuple[tuple[str, Weight], ...], whose: Whole) -> _Coded:
        import numpy as np

        bits = np.zeros(len(whose), dtype=np.int64)
        for place, (_, chance) in enumerate(sites):
            bits += self._lucky(self._at(chance, whose), len(whose)).astype(np.int64) << place
        found, codes = np.unique(bits, return_inverse=True)
        return _Coded(tuple(" ".join(site for place, (site, _) in enumerate(sites) if each >> place & 1) for each in found.tolist()), codes)

    def _absences(self) -> None:
        for cls, chance in self.population.absences:
            self.rows["absences"].add(self._hit(chance), condition=cls)

    # --- what was measured and done

    def _observation(self, each: Observation) -> None:
        import numpy as np

        whose = self._hit(each.chance)
        own = self.rng.standard_normal(len(whose))
        ago = np.minimum(self._days(each.days, len(whose)), self.age[whose])
        dated = self._lucky(self.population.dated, len(whose))
        for more in (*each.repeats, 0.0):
            value, unit = self._measured(each, whose, ago, own)
            self.rows["observations"].add(whose, observable=each.cls, value=value, unit=_Coded(each.unit.words, unit), date=np.where(dated, ago, -1))
            ago = ago + self._days(each.gap, len(whose)) + 1
            again = self._lucky(more, len(whose)) & (ago <= self.age[whose])
            whose, own, ago, dated = whose[again], own[again], ago[again], np.ones(int(again.sum()), dtype=np.bool_)

    def _measured(self, each: Observation, whose: Whole, ago: Whole, own: Floats) -> tuple[Whole, Whole]:
        """Values as they are stored, with the places of their units."""
        import numpy as np

        noise = np.sqrt(each.own) * own + np.sqrt(1 - each.own) * self.rng.standard_normal(len(whose))
        median = self._at(each.median, whose)
        if each.curve:
            state, medians, years = each.curve
            age, values = (self.age[whose] - ago) / YEAR, self.states[state][whose]
            median = median * np.choose(values, [np.interp(age, years, column) for column in medians])
        value = median + each.noise * noise if each.plain else median * np.exp(each.noise * noise)
        low: Floats | float = each.low
        high: Floats | float = each.high
        if each.bounds:
            state, limits = each.bounds
            low, high = (np.array([limit[end] for limit in limits])[self.states[state][whose]] for end in (0, 1))
        unit = self._pick(each.unit, whose)
        scale = np.array([u.scale for u in each.units])[unit]
        digits = np.array([u.digits for u in each.units])[unit]
        figures = np.rint(np.clip(value, low, high) / scale * 10.0**digits).astype(np.int64)
        return figures * 10 ** (DECIMALS - digits), unit

    def _assessments(self) -> None:
        import numpy as np

        for each in self.population.assessments:
            whose = self._hit(each.chance)
            result = self._pick(each.result, whose)
            ago = np.minimum(self._days(each.days, len(whose)), self.age[whose])
            date = np.where(self._lucky(self.population.dated, len(whose)), ago, -1)
            found = result >= 0
            self.rows["assessments"].add(whose[found], assessment=each.cls, result=_Coded(each.result.words, result[found]), date=date[found])

    # --- the tables

    def tables(self, count: int, today: int, words: dict[tuple[str, str], dict[str, int]]) -> dict[str, pa.Table]:
        """Tables of the first patients of the block.

        :param today: the day asked about, in days since 1970.
        :param words: words of each column of words so far, each with its place; more are added.
        """
        import numpy as np
        import pyarrow as pa

        names = self._names(count)
        found = {}
        for table, rows in self.rows.items():
            whose = np.concatenate(rows.whose)
            order = np.argsort(whose.astype(np.uint16), kind="stable")
            order = order[: np.searchsorted(whose[order], count)]
            columns = {}
            for name, kind in descriptor.columns(table).items():
                if name == "patient":
                    columns[name] = names if table == "patients" else pa.DictionaryArray.from_arrays(pa.array(whose[order].astype(np.int32)), names)
                    continue
                known = words.setdefault((table, name), {})
                parts = [_stored(part.get(name), len(w), known) for w, part in zip(rows.whose, rows.columns, strict=True)]
                columns[name] = _array(kind, np.concatenate(parts)[order], today, known)
            found[table] = pa.table(columns)
        return found

    def _names(self, count: int) -> Any:
        """IRIs of the patients, counted from 1."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        numbers = pa.array(self.number * BLOCK + 1 + np.arange(count)).cast(pa.string())
        return pc.binary_join_element_wise(self.population.name, pc.utf8_lpad(numbers, 7, "0"), "")


def _stored(column: str | _Coded | Whole | None, size: int, known: dict[str, int]) -> Whole:
    """A column as numbers: words by their place among those known."""
    import numpy as np

    if column is None:
        return np.full(size, -1)
    if isinstance(column, str):
        return np.full(size, known.setdefault(column, len(known)))
    if isinstance(column, _Coded):
        places = [known.setdefault(word, len(known)) if word else -1 for word in column.words]
        return np.array([*places, -1])[column.codes]
    return column


def _array(kind: str, stored: Whole, today: int, words: Mapping[str, int]) -> Any:
    """An Arrow array of a column: words by dictionary, days by how long ago they were, numbers as decimals."""
    import numpy as np
    import pyarrow as pa

    empty = stored < 0
    if kind == "string":
        return pa.DictionaryArray.from_arrays(pa.array(stored.astype(np.int32), mask=empty), pa.array(list(words), pa.string()))
    if kind == "date":
        return pa.array((today - stored).astype(np.int32), mask=empty).view(pa.date32())
    if kind == "integer":
        return pa.array(stored.astype(np.int32), mask=empty)
    valid = pa.py_buffer(np.packbits(~empty, bitorder="little").tobytes())
    digits = np.zeros((len(stored), 2), dtype="<i8")
    digits[:, 0] = np.where(empty, 0, stored)
    return pa.Array.from_buffers(pa.decimal128(18, DECIMALS), len(stored), [valid, pa.py_buffer(digits.tobytes())])
