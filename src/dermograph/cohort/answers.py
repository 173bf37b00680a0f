"""What a circuit tells of a block of patients, as rows and counts: statuses, ranks, reasons, what is missing, doses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dermograph.cohort.circuit import Output
from dermograph.cohort.counts import Counts
from dermograph.cohort.doses import Doses, bits_of
from dermograph.cohort.evaluation import Bytes, Wire
from dermograph.verdicts import PRECEDENCE

_UNDETERMINED = PRECEDENCE.index("undetermined")


class Block:
    """Columns of the last stage for a block of patients, read off the wires.

    :param wires: outputs of the plan.
    :param facts: facts of the patients.
    :param start: number of the first of them.
    """

    def __init__(self, outputs: dict[str, Output], wires: Sequence[Wire], facts: pa.Table, start: int) -> None:
        self.outputs, self.wires, self.facts, self.size, self.start = outputs, wires, facts, len(facts), start

    def cases(self, name: str) -> tuple[npt.NDArray[np.int8], Bytes]:
        """Whole numbers of a column, and where there is one."""
        numbers, known = np.zeros(self.size, np.int8), np.zeros(self.size, np.uint8)
        for number, place in self.outputs[name].wires.items():
            flags = self._flags(place)
            known |= flags
            numbers += flags.view(np.int8) * np.int8(number)
        return numbers, known

    def bits(self, name: str) -> npt.NDArray[np.int64]:
        """Bits of a column as whole numbers, put together a plane of bytes at a time."""
        output = self.outputs[name]
        planes: dict[int, Bytes] = {}
        for number, place in output.wires.items():
            flags = self._flags(place)
            for bit in (number,) if output.kind == "bits" else bits_of(number):
                plane = planes.setdefault(bit >> 3, np.zeros(self.size, np.uint8))
                plane |= flags << np.uint8(bit & 7)
        found = np.zeros((self.size, 8), np.uint8)
        for number, plane in planes.items():
            found[:, number] = plane
        return found.view(np.int64)[:, 0]

    def truth(self, name: str) -> pa.Array:
        """Truths of a column: true, false or null."""
        true, false = (self.wires[self.outputs[name].wires[said]] for said in (1, 0))
        return pa.Array.from_buffers(pa.bool_(), self.size, [pa.py_buffer((true | false).tobytes()), pa.py_buffer(true.tobytes())])

    def _flags(self, place: int) -> Bytes:
        return np.unpackbits(self.wires[place].view(np.uint8), count=self.size, bitorder="little")


@dataclass(frozen=True)
class Legend:
    """What the columns and bits of a circuit mean; plain data, which is sent to wherever the circuit is run.

    :param tree: index of the knowledge.
    :param kinds: kinds of reasons, by the place of their bit.
    :param items: what may be missing, by the place of its bit.
    :param criteria: names of the criteria.
    :param weight: column of the weight; empty where the guideline has none.
    """

    tree: dict[str, Any]
    kinds: list[str]
    items: list[str]
    criteria: list[str]
    weight: str


class Answers:
    """Rows and counts of the blocks of a run.

    :param legend: what the circuit means.
    :param explain: spell reasons and what is missing out as lists of words.
    :param facts: facts of all patients of the part.
    """

    def __init__(self, legend: Legend, explain: bool, facts: pa.Table) -> None:
        self.tree, self.explain, self.named = legend.tree, explain, legend.criteria
        self.kinds, self.items = legend.kinds, legend.items
        self.counts = Counts()
        weights = facts[legend.weight].combine_chunks() if legend.weight else pa.nulls(len(facts))
        self.doses = Doses(self.tree["rows"], weights)

    def verdicts(self, block: Block, names: pa.Array) -> pa.Table:
        """A row for each therapy and patient, therapy after therapy, in the order of the patients; counted in passing."""
        therapies, size = list(self.tree["rows"]), block.size
        columns: dict[str, list[pa.Array]] = {name: [] for name in ("patient", "therapy", "status", "rank", "because", "missing", "dose")}
        patients = pa.DictionaryArray.from_arrays(pa.array(np.arange(size, dtype=np.int32)), names)
        groups = self.counts.groups(block.facts)
        doses = self._doses(block)
        statuses: dict[str, npt.NDArray[np.int8]] = {}
        lacking, decides = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for number, therapy in enumerate(therapies):
            status, _ = block.cases(f"{therapy} status")
            rank, ranked = block.cases(f"{therapy} rank")
            because, missing = block.bits(f"{therapy} because"), block.bits(f"{therapy} missing")
            self.counts.add(therapy, groups, status, missing)
            statuses[therapy] = status
            lacking |= missing
            decides |= np.where((status == _UNDETERMINED) & (missing & (missing - 1) == 0), missing, 0)
            columns["patient"].append(patients)
            columns["therapy"].append(pa.DictionaryArray.from_arrays(pa.array(np.full(size, number, np.int8)), pa.array(therapies)))
            columns["status"].append(pa.DictionaryArray.from_arrays(pa.array(status), pa.array(PRECEDENCE)))
            columns["rank"].append(pa.array(rank, mask=ranked == 0))
            columns["because"].append(self._spelt(because.astype(np.int32), self.kinds))
            columns["missing"].append(self._spelt(missing, self.items))
            columns["dose"].append(doses[therapy])
        for name, recommendation in self.tree["recommendations"].items():
            self.counts.stopped(name, block.cases(f"{name} stops")[0], statuses[recommendation["therapy"]])
        self.counts.lacking({"lacking": lacking, "decides": decides})
        for guideline in self.tree["guidelines"]:
            self.counts.placed(guideline, *self._place(block, guideline))
        return pa.table({name: pa.chunked_array(parts) for name, parts in columns.items()})

    def criteria(self, block: Block, names: pa.Array) -> pa.Table:
        """Truth of every criterion of each patient, a column for each."""
        return pa.table({"patient": names} | {name: block.truth(name) for name in self.named})

    def places(self, block: Block, names: pa.Array) -> pa.Table:
        """Where each patient stands in each pathway, and what comes next."""
        parts = []
        for guideline, told in self.tree["guidelines"].items():
            applies, at, following = self._place(block, guideline)
            columns = {"patient": names, "guideline": pa.array([guideline] * block.size), "applies": pa.array(applies == 1, mask=applies < 0)}
            parts.append(pa.table(columns | {"at": _listed(at, told["order"]), "next": _listed(following, told["order"])}))
        return pa.concat_tables(parts)

    def _place(self, block: Block, guideline: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Whether a guideline applies, 1, 0 or -1 where that is not known, and the bits of the steps at which patients stand and that come next."""
        applies = np.asarray(block.truth(f"{guideline} applies").cast(pa.int8()).fill_null(-1).to_numpy(), np.int8)
        return applies, block.bits(f"{guideline} at"), block.bits(f"{guideline} next")

    def _spelt(self, bits: npt.NDArray[Any], words: list[str]) -> pa.Array:
        return _listed(bits, words) if self.explain else pa.array(bits)

    def _doses(self, block: Block) -> dict[str, pa.Array]:
        """Doses of each therapy, in words; all columns share their words."""
        places = {}
        used = np.zeros(0, np.bool_)
        for therapy in self.tree["rows"]:
            ongoing = block.cases(f"{therapy} status")[0] == PRECEDENCE.index("ongoing")
            place = places[therapy] = self.doses.places(therapy, block.start, block.bits(f"{therapy} regimens"), ongoing)
            used = np.concatenate((used, np.zeros(len(self.doses.words) - len(used), np.bool_)))
            used[place] = True
        here = np.flatnonzero(used)
        short = np.zeros(len(used), np.int32)
        short[here] = np.arange(len(here), dtype=np.int32)
        words = pa.array([self.doses.words[place] for place in here], pa.string())
        return {t: pa.DictionaryArray.from_arrays(pa.array(short[place], mask=place == 0), words) for t, place in places.items()}


def _listed(bits: npt.NDArray[Any], words: Sequence[str]) -> pa.Array:
    """Lists of the words whose bits are set."""
    coded = pa.array(bits).dictionary_encode()
    spelt = [[words[place] for place in bits_of(value)] for value in coded.dictionary.to_pylist()]
    return pa.array(spelt, pa.list_(pa.string())).take(coded.indices)
