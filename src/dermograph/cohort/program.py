"""The guideline as one SQL program: small tables of what each class says, and stages that build on each other.

The stages are expressions of Ibis, so the same program is written in the dialect of any backend that Ibis knows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot

from dermograph import cache
from dermograph.cohort.facts import Facts
from dermograph.cohort.layout import Layout
from dermograph.cohort.truths import Truths
from dermograph.cohort.verdicts import Verdicts
from dermograph.knowledge import Knowledge

_BACKENDS = {"spark": "pyspark"}
"""Names of backends of Ibis, where they are not those of the dialect."""


@dataclass(frozen=True)
class Program:
    """What is run over a population.

    :param knowledge: the guideline.
    """

    knowledge: Knowledge

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
        return self.verdicts.weight

    def stages(self, criteria: bool = False) -> list[tuple[str, ir.Table]]:
        """Every stage with its name, in the order in which they build on each other; columns that nobody asks for are left out.

        :param criteria: the truth of every criterion is wanted beside the verdicts.
        """
        found = list(self.facts.stages())
        of_facts = len(found)
        found += self.truths.stages(found[-1][1].schema())
        found += self.verdicts.stages(found[-1][0], dict(found[-1][1].schema().items()), list(self.layout.criteria) if criteria else ())
        return found[: of_facts - 1] + _pruned(found[of_facts - 1 :])

    def cached_sql(self, criteria: bool = False) -> str:
        """The program for DuckDB, kept on disk from run to run."""
        made = hashlib.sha256("".join(p.read_text(encoding="utf-8") for p in sorted(Path(__file__).parent.glob("*.py"))).encode()).hexdigest()
        path = cache.folder() / f"cohort-{self.knowledge.sha256[:32]}-{made[:16]}{'-criteria' if criteria else ''}.json"
        try:
            kept = json.loads(path.read_bytes())
        except (OSError, ValueError):
            kept = {"sql": self.sql(criteria=criteria)}
            with contextlib.suppress(OSError):
                cache.write(path, kept)
        return str(kept["sql"])

    def sql(self, dialect: str = "duckdb", criteria: bool = False, until: str | None = None) -> str:
        """The program as one SELECT.

        :param dialect: a dialect that Ibis writes.
        :param criteria: the truth of every criterion is wanted beside the verdicts.
        :param until: name of the stage whose rows are wanted; without it, those of the last.
        """
        stages = self.stages(criteria)

        def named(name: str) -> str:
            return str(sqlglot.exp.to_identifier(name, quoted=True).sql(dialect))

        parts = []
        for name, columns, rows in self.facts.references():
            (text,) = sqlglot.transpile(_values(columns, rows), read="duckdb", write=dialect)
            parts.append(f"{named(name)} AS (\n{text}\n)")
        last = until or stages[-1][0]
        for name, stage in stages:
            parts.append(f"{named(name)} AS (\n{_compiled(stage, _BACKENDS.get(dialect, dialect))}\n)")
            if name == last:
                break
        return "WITH " + ",\n".join(parts) + f"\nSELECT * FROM {named(last)}"


@ibis.udf.agg.builtin(name="bit_or")  # type: ignore[untyped-decorator]
def _bit_or(bits: int) -> int:
    """The aggregation that Spark has and Ibis does not write for it."""
    raise NotImplementedError


def _compiled(stage: ir.Table, backend: str) -> str:
    if backend == "pyspark":
        stage = stage.op().replace({op: _bit_or(op.arg.to_expr()).op() for op in stage.op().find(ops.BitOr)}).to_expr()
    return str(ibis.to_sql(stage, dialect=backend))


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


def _values(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A small table written out."""
    names = ", ".join(f'"{c}"' for c in columns)
    body = ",\n".join("(" + ", ".join(map(_literal, row)) + ")" for row in rows)
    return f"SELECT * FROM (VALUES\n{body}\n) AS t({names})"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return f"CAST({value} AS BIGINT)" if value > 2**31 else str(value)
    return "'" + str(value).replace("'", "''") + "'"
