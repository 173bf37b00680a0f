"""The guideline as one SQL program: small tables of what each class says, and stages that build on each other.

The stages are expressions of Ibis, so the same program is written in the dialect of any backend that Ibis knows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from dermograph import cache
from dermograph.cohort.answers import Legend
from dermograph.cohort.circuit import Output, Plan
from dermograph.cohort.facts import PEOPLE, Facts
from dermograph.cohort.layout import Layout
from dermograph.cohort.lowering import Column, Lowering
from dermograph.cohort.truths import Truths
from dermograph.cohort.verdicts import Verdicts
from dermograph.cohort.warehouse import statement
from dermograph.knowledge import Knowledge


@dataclass(frozen=True)
class Program:
    """What is run over a population.

    :param knowledge: the guideline.
    """

    knowledge: Knowledge
    _stages: dict[bool, list[tuple[str, ir.Table]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def layout(self) -> Layout:
        """Bits of the criteria."""
        return Layout(self.knowledge)

    @cached_property
    def facts(self) -> Facts:
        """The stages from tables to one row for each patient."""
        return Facts(self.layout)

    @cached_property
    def truths(self) -> Truths:
        """The stages that give every criterion its column."""
        return Truths(self.layout, self.facts)

    @cached_property
    def verdicts(self) -> Verdicts:
        """The stages from criteria to verdicts."""
        return Verdicts(self.layout, self.truths)

    @property
    def weight(self) -> str:
        """Column of the weight; empty where the guideline has none."""
        return self.verdicts.fitting.weight

    @cached_property
    def legend(self) -> Legend:
        """What the circuit means."""
        return Legend(self.knowledge.tree, self.verdicts.reasons.kinds, self.verdicts.missing.items, list(self.layout.criteria), self.weight)

    def stages(self, criteria: bool = False) -> list[tuple[str, ir.Table]]:
        """Every stage with its name, in the order in which they build on each other; columns that nobody asks for are left out.

        :param criteria: the truth of every criterion is wanted beside the verdicts.
        """
        if criteria not in self._stages:
            *facts, last = self.facts.stages.items()
            self._stages[criteria] = facts + _pruned([last, *self._logic(criteria)])
        return self._stages[criteria]

    def _logic(self, criteria: bool) -> list[tuple[str, ir.Table]]:
        """The stages after the facts, each of which selects from the one before."""
        found = list(self.truths.stages(self.facts.stages[PEOPLE].schema()))
        return found + list(self.verdicts.stages(found[-1][0], dict(found[-1][1].schema().items()), list(self.layout.criteria) if criteria else ()))

    def compiled(self, criteria: bool = False) -> Compiled:
        """The program for DuckDB and the circuit that goes on from there, kept on disk from run to run.

        :param criteria: the truth of every criterion is wanted beside the verdicts.
        """
        made = hashlib.sha256("".join(p.read_text(encoding="utf-8") for p in sorted(Path(__file__).parent.glob("*.py"))).encode()).hexdigest()
        path = cache.folder() / f"cohort-{self.knowledge.sha256[:32]}-{made[:16]}{'-criteria' if criteria else ''}.json"
        try:
            return Compiled.of(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError):
            compiled = self._compile(criteria)
            with contextlib.suppress(OSError):
                cache.write(path, asdict(compiled))
            return compiled

    def _compile(self, criteria: bool) -> Compiled:
        """Lower all stages after the facts into a circuit."""
        stages = self._logic(criteria)
        lowering = Lowering(stages[0][1].op().parent.schema.names)
        for _, stage in stages:
            lowering.stage(stage)
        outputs, wires = {}, list[int]()
        for name, value in lowering.columns.items():
            if isinstance(value, Column):
                continue
            kind, driven = lowering.output(value)
            outputs[name] = Output(kind, {number: len(wires) + place for place, number in enumerate(driven)})
            wires += driven.values()
        rows = {gathering.name: self.sql(until=gathering.source) for gathering in self.facts.recorded.gatherings}
        return Compiled(rows, str(ibis.to_sql(self.facts.stages[PEOPLE], dialect="duckdb")), lowering.circuit.plan(wires), outputs)

    def sql(self, dialect: str = "duckdb", criteria: bool = False, until: str | None = None) -> str:
        """The program as one SELECT.

        :param dialect: a dialect that Ibis writes.
        :param criteria: the truth of every criterion is wanted beside the verdicts.
        :param until: name of the stage whose rows are wanted; without it, those of the last.
        """
        stages = self.facts.stages if until in self.facts.stages else dict(self.stages(criteria))
        return statement(stages, until or list(stages)[-1], self.facts.references.all(), dialect)


@dataclass(frozen=True)
class Compiled:
    """What is run: queries for the rows that count, one for the facts of each patient, and the circuit that makes verdicts of them.

    :param rows: SELECT for DuckDB over the six tables, by the name of what is gathered of them.
    :param people: SELECT for DuckDB over all that was gathered, a row for each patient in the same order.
    :param outputs: columns of the last stage.
    """

    rows: dict[str, str]
    people: str
    plan: Plan
    outputs: dict[str, Output]

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Compiled:
        """What was kept as JSON."""
        plan = kept["plan"]
        questions = [((column, how, of), register) for (column, how, of), register in plan["questions"]]
        steps = [(kind, a, b, out) for kind, a, b, out in plan["steps"]]
        outputs = {name: Output(one["kind"], {int(n): place for n, place in one["wires"].items()}) for name, one in kept["outputs"].items()}
        return cls(kept["rows"], kept["people"], Plan(plan["registers"], questions, steps, plan["outputs"]), outputs)


def _pruned(stages: list[tuple[str, ir.Table]]) -> list[tuple[str, ir.Table]]:
    """Stages of which each selects from the one before, without the columns that no later one needs."""
    found = []
    wanted = list(stages[-1][1].columns)
    for name, stage in reversed(stages):
        project = stage.op()
        values = {column: project.values[column] for column in wanted}
        found.append((name, project.parent.to_expr().select(**{column: value.to_expr() for column, value in values.items()})))
        used = {field.name for value in values.values() for field in value.find(ops.Field)}
        wanted = [column for column in project.parent.schema.names if column in used]
    return found[::-1]
