"""What is gathered of the rows of a table for each patient, said once and carried out in two ways.

In SQL it is an aggregation. Where patients are numbered from 0 without a gap, arrays do the same many times faster, since
no row has to look for its patient: the number is the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dermograph.cohort.references import Reference

Numbers = npt.NDArray[Any]
_AGGREGATES = {"or": "bit_or", "max": "max", "one": "max", "min": "min"}
_EXTREMES = {"max": np.maximum, "min": np.minimum}
_WIDTH = 16
"""Bytes of a decimal."""


class Gathered(NamedTuple):
    """A column that is gathered.

    :param how: ``or``, all bits that some row has, 0 where there is no row; ``max`` or ``min``; or ``one``, the value that all
        rows have in common. All but the first are null where there is no row.
    :param of: column of the rows, or of what a code stands for.
    :param when: only rows in which a column has this value.
    """

    how: str
    of: str
    when: tuple[str, int] | None = None


@dataclass(frozen=True)
class Gathering:
    """What is gathered of some rows.

    :param rows: stage with the column ``patient``; no cell is null.
    :param columns: what is gathered, by name.
    :param latest: two columns: of the rows of a patient that are alike in the first, only those count that are greatest in the second.
    :param said: what the column ``code`` of the rows stands for.
    """

    name: str
    rows: ir.Table
    columns: dict[str, Gathered]
    latest: tuple[str, str] | None = None
    said: Reference | None = None

    @property
    def source(self) -> str:
        """Name of the stage of the rows."""
        return f"rows_{self.name}"

    @property
    def name_of_stage(self) -> str:
        """Name of the stage of what is gathered."""
        return f"of_{self.name}"

    def stage(self) -> ir.Table:
        """The aggregation, a row for each patient of whom there is one."""
        rows: ir.Table = ibis.table(self.rows.schema(), name=self.source)
        if self.latest:
            kind, standing = self.latest
            rows = rows.mutate(greatest=rows[standing].max().over(group_by=["patient", kind]))
            rows = rows.filter(rows[standing] == rows["greatest"])
        if self.said:
            said = self.said.table()
            rows = rows.join(said, "code", how="left").select(*rows.columns, *(c for c in said.columns if c != "code"))
        found = {}
        for name, (how, of, when) in self.columns.items():
            where = None if when is None else rows[when[0]] == when[1]
            found[name] = getattr(rows[of], _AGGREGATES[how])(where=where)
        return rows.group_by("patient").aggregate(**found)

    def gathered(self, rows: pa.Table, patients: int) -> dict[str, pa.Array]:
        """The columns as arrays.

        :param rows: the rows, with patients by their number.
        :param patients: how many there are; each column has a cell for each.
        """
        columns = _Columns(rows)
        columns.order = self._order(columns)
        if self.said:
            columns.add(self.said)
        return {name: _gathered(columns, one, patients) for name, one in self.columns.items()}

    def _order(self, columns: _Columns) -> Numbers:
        """Rows that count, patient after patient."""
        patient = columns["patient"]
        if not self.latest:
            return np.argsort(patient, kind="stable")
        kind, standing = (columns[name] for name in self.latest)
        alike = patient * (int(kind.max(initial=0)) + 1) + kind
        order = np.argsort(alike, kind="stable")
        if not len(order):
            return order
        starts, standing = _starts(alike[order]), standing[order]
        greatest = np.repeat(np.maximum.reduceat(standing, starts), np.diff(starts, append=len(order)))
        return np.asarray(order[standing == greatest])


class _Columns:
    """Columns of rows as arrays, read when they are asked for, and the turns in which they are gathered.

    :ivar order: places of the rows that count, patient after patient.
    """

    order: Numbers

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows
        self.held: dict[str, Numbers] = {}
        self.turns: dict[tuple[str, int] | None, list[tuple[Numbers, Numbers]]] = {}

    def __getitem__(self, name: str) -> Numbers:
        if name not in self.held:
            column = self.rows[name].combine_chunks()
            decimal = pa.types.is_decimal(column.type)
            self.held[name] = _decimals(column) if decimal else column.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        return self.held[name]

    def add(self, said: Reference) -> None:
        """Add what the codes stand for; a code of which nothing is said stands for nothing."""
        codes = self["code"]
        size = 1 + max(int(codes.max(initial=0)), *(row[0] for row in said.rows), 0)
        for place, name in enumerate(said.columns):
            if place:
                told = np.zeros(size, np.int64)
                for row in said.rows:
                    told[row[0]] = row[place]
                self.held[name] = told[codes] if told.any() else np.zeros(0, np.int64)

    def taking_turns(self, when: tuple[str, int] | None) -> list[tuple[Numbers, Numbers]]:
        """The first rows of all patients, then the second ones, and so on: their places, and the numbers of their patients."""
        if when not in self.turns:
            patient = self["patient"]
            chosen = self.order if when is None else self.order[(self[when[0]] == when[1])[self.order]]
            starts = _starts(patient[chosen])
            lengths = np.diff(starts, append=len(chosen))
            found = []
            for turn in range(int(lengths.max(initial=0))):
                starts, lengths = (starts[lengths > turn], lengths[lengths > turn])
                rows = chosen[starts + turn]
                found.append((rows, patient[rows]))
            self.turns[when] = found
        return self.turns[when]


def _gathered(columns: _Columns, one: Gathered, patients: int) -> pa.Array:
    values, turns = columns[one.of], columns.taking_turns(one.when)
    found = np.zeros((patients, *values.shape[1:]), values.dtype)
    if one.how == "or":
        for rows, at in turns if len(values) else ():
            found[at] |= values[rows]
        return pa.array(found)
    known = np.zeros(patients, np.bool_)
    for number, (rows, at) in enumerate(turns):
        if not number:
            known[at], found[at] = True, values[rows]
        elif one.how != "one":
            found[at] = _EXTREMES[one.how](found[at], values[rows])
    if found.ndim == 1:
        return pa.array(found, mask=~known)
    kept = pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    return pa.Array.from_buffers(columns.rows[one.of].type, patients, [kept, pa.py_buffer(found.tobytes())])


def _starts(sorted_: Numbers) -> Numbers:
    """Places at which a value differs from the one before."""
    return np.flatnonzero(np.concatenate(([True], sorted_[1:] != sorted_[:-1]))) if len(sorted_) else np.zeros(0, np.int64)


def _decimals(column: pa.Array) -> Numbers:
    """Decimals as pairs of whole numbers, the lower half first."""
    start, stop = (_WIDTH * end for end in (column.offset, column.offset + len(column)))
    return np.frombuffer(column.buffers()[1], np.int64)[start // 8 : stop // 8].reshape(-1, 2)
