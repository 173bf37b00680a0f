"""A circuit worked through for a block of patients: questions read from columns of Arrow, gates as operations on words of 64 bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dermograph.cohort.circuit import Plan, Question

Wire = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
_LOWER = (1 << 64) - 1
_GATES: dict[str, np.ufunc] = {"not": np.invert, "and": np.bitwise_and, "or": np.bitwise_or}
_COMPARISONS: dict[str, Callable[[Any, Any], Flags]] = {
    "==": np.equal,
    ">=": np.greater_equal,
    ">": np.greater,
    "<=": np.less_equal,
    "<": np.less,
}


class Evaluation:
    """Wires of a plan, held for blocks of patients one after another.

    :param size: most patients of a block.
    """

    def __init__(self, plan: Plan, size: int) -> None:
        self.plan = plan
        self.held = np.zeros((plan.registers, -(-size // 64)), np.uint64)
        self.held[1] = ~np.uint64(0)
        self.bytes = self.held.view(np.uint8)
        self.steps = [
            (_GATES[kind], (self.held[a], self.held[out]) if kind == "not" else (self.held[a], self.held[b], self.held[out]))
            for kind, a, b, out in plan.steps
        ]
        self.asked: dict[str, list[tuple[Question, int]]] = defaultdict(list)
        for question, register in plan.questions:
            self.asked[question[0]].append((question, register))

    def run(self, columns: Mapping[str, pa.Array]) -> list[Wire]:
        """Wires of the outputs for a block: patient *i* is bit *i*, the lowest first; those past the last mean nothing.

        :param columns: columns of the facts, all of one length.
        """
        for name, questions in self.asked.items():
            column = _Column(columns[name])
            for (_, how, of), register in questions:
                packed = column.answer(how, of)
                self.bytes[register, : len(packed)] = packed
        for gate, operands in self.steps:
            gate(*operands)
        return [self.held[register] for register in self.plan.outputs]


class _Column:
    """A column as questions ask it."""

    def __init__(self, column: pa.Array) -> None:
        self.column = column
        self.planes: dict[int, Bytes] = {}

    def answer(self, how: str, of: str) -> Bytes:
        """Answers for all patients, packed into bits; what is null answers no, but to whether it is."""
        if how == "bit":
            return self._bit(int(of))
        if how == "null":
            return _packed(_flags(self.column.is_null()))
        if how == "true":
            return _packed(_flags(self.column.fill_null(False)))
        found = self._compared(how, of)
        return _packed(found & self._known if self.column.null_count else found)

    @cached_property
    def _known(self) -> Flags:
        return _flags(self.column.is_valid())

    @cached_property
    def _numbers(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.column.fill_null(0).to_numpy(zero_copy_only=False), np.int64)

    @cached_property
    def _halves(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Upper and lower half of decimals, which are held as whole numbers of 128 bits."""
        start, count = self.column.offset, len(self.column)
        words = np.frombuffer(self.column.buffers()[1], np.int64)[2 * start : 2 * (start + count)].reshape(count, 2)
        return words[:, 1], words[:, 0].view(np.uint64)

    def _bit(self, place: int) -> Bytes:
        """Bits of one place of whole numbers, of which a plane of bytes is taken at a time."""
        if (plane := self.planes.get(place >> 3)) is None:
            plane = self.planes[place >> 3] = np.ascontiguousarray(self._numbers.view(np.uint8)[place >> 3 :: 8])
        return _packed(plane & np.uint8(1 << (place & 7)))

    def _compared(self, how: str, of: str) -> Flags:
        compare = _COMPARISONS[how]
        if pa.types.is_string(self.column.type):
            return _flags(pc.equal(self.column, of).fill_null(False))
        if pa.types.is_integer(self.column.type):
            return compare(self._numbers, int(of))
        high, low = self._halves
        scaled = int(Decimal(of).scaleb(self.column.type.scale))
        upper, lower = np.int64(scaled >> 64), np.uint64(scaled & _LOWER)
        found = (high == upper) & (low == lower) if how == "==" else np.where(high == upper, compare(low, lower), compare(high, upper))
        return np.asarray(found, np.bool_)


def _flags(column: pa.Array) -> Flags:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)


def _packed(flags: npt.NDArray[Any]) -> Bytes:
    return np.packbits(flags, bitorder="little")
