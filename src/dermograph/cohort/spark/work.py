"""What the workers of Spark do with the facts of some patients: the circuit and the answers of any other run.

Every method is a function of the facts alone, so a task that is lost is done again without harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dermograph.cohort.answers import Answers, Block, Legend
from dermograph.cohort.circuit import Output, Plan
from dermograph.cohort.counts import Counts
from dermograph.cohort.evaluation import Evaluation

BLOCK = 1 << 14
"""Patients whose wires are held at once by a worker."""
Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class Work:
    """Made ready to be sent to workers.

    :param outputs: columns that the plan drives.
    :param explain: spell reasons out.
    """

    plan: Plan
    outputs: dict[str, Output]
    legend: Legend
    explain: bool

    def verdicts(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        """A row for each therapy and patient."""
        for answers, block, names in self._blocks(batches):
            yield from _plain(answers.verdicts(block, names))

    def criteria(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        """Truth of every criterion of each patient."""
        for answers, block, names in self._blocks(batches):
            yield from _plain(answers.criteria(block, names))

    def places(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        """Where each patient stands in each pathway."""
        for answers, block, names in self._blocks(batches):
            yield from _plain(answers.places(block, names))

    def counts(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        """One row with the counts of all of these patients, as JSON, how many there are, and the first and last day asked about."""
        counts, days, assessed = Counts(), list[str](), 0
        for answers, block, names in self._blocks(batches):
            answers.verdicts(block, names)
            counts.take(answers.counts.told())
            days += [day.isoformat() for day in pc.min_max(block.facts["asOf"]).as_py().values()]
            assessed += block.size
        if assessed:
            yield pa.RecordBatch.from_pydict({"told": [json.dumps({"counts": counts.told(), "days": [min(days), max(days)], "assessed": assessed})]})

    def columns(self, kind: str) -> str:
        """Columns of what the method of a name gives, as Spark writes them."""
        texts, bits = "ARRAY<STRING>", ("ARRAY<STRING>", "ARRAY<STRING>") if self.explain else ("INT", "BIGINT")
        told = {
            "verdicts": {"therapy": "STRING", "status": "STRING", "rank": "TINYINT", "because": bits[0], "missing": bits[1], "dose": "STRING"},
            "criteria": dict.fromkeys(self.legend.criteria, "BOOLEAN"),
            "places": {"guideline": "STRING", "applies": "BOOLEAN", "at": texts, "next": texts},
        }
        columns = {"told": "STRING"} if kind == "counts" else {"patient": "STRING"} | told[kind]
        return ", ".join(f"`{name}` {kind}" for name, kind in columns.items())

    def _blocks(self, batches: Batches) -> Iterator[tuple[Answers, Block, pa.Array]]:
        evaluation = Evaluation(self.plan, BLOCK)
        for batch in batches:
            for start in range(0, len(batch), BLOCK):
                facts = pa.Table.from_batches([batch.slice(start, BLOCK)])
                wires = evaluation.run({name: facts[name].combine_chunks() for name in facts.column_names})
                yield Answers(self.legend, self.explain, facts), Block(self.outputs, wires, facts, 0), facts["patient"].combine_chunks()


def _plain(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Batches of a table whose words are spelt out, which Spark takes."""
    columns = [column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column for column in table.columns]
    yield from pa.table(columns, table.column_names).to_batches()
