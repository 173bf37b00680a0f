"""The program written out as one statement, for DuckDB and for databases elsewhere.

Ibis writes each stage in the dialect, here they are put together. Inside the statement columns are numbered: their own names
are longer than some databases let them be, and make up half of a text that others limit to a megabyte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import ibis
import ibis.backends.sql.compilers as sc
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot.expressions as sge

from dermograph.cohort import descriptor
from dermograph.cohort.recorded import INPUTS
from dermograph.cohort.references import Reference


class _Days:
    """A day that is told by numbers is written as every database reads one."""

    __slots__ = ()

    def visit_DateFromYMD(self, op: ops.DateFromYMD, **parts: Any) -> Any:
        return sge.cast(sge.convert("-".join(f"{number.value:02}" for number in op.args)), "date")


class _PostgreSQL(_Days, sc.PostgresCompiler):  # type: ignore[misc]
    """A day less another is a whole number there, and a truth becomes a long number by way of a short one."""

    __slots__ = ()

    def visit_DateDelta(self, op: ops.DateDelta, *, left: Any, right: Any, part: Any) -> Any:
        return left - right

    def visit_Cast(self, op: ops.Cast, *, arg: Any, to: Any) -> Any:
        if op.arg.dtype.is_boolean() and to.is_integer():
            arg = sge.cast(arg, "int")
        return super().visit_Cast(op, arg=arg, to=to)


class _Spark(sc.PySparkCompiler):  # type: ignore[misc]
    """Ibis does not write this aggregation for Spark, which has it."""

    __slots__ = ()

    def visit_BitOr(self, op: ops.BitOr, *, arg: Any, where: Any) -> Any:
        return self.agg.bit_or(arg, where=where)


class _Trino(_Days, sc.TrinoCompiler):  # type: ignore[misc]
    """Ibis would have each day parsed from a text that is put together of numbers."""

    __slots__ = ()


_COMPILERS = {
    "duckdb": sc.DuckDBCompiler,
    "postgres": _PostgreSQL,
    "spark": _Spark,
    "bigquery": sc.BigQueryCompiler,
    "snowflake": sc.SnowflakeCompiler,
    "trino": _Trino,
}
_KEPT = {"postgres": "MATERIALIZED "}
"""What keeps a database from putting a stage into the next, which would repeat it over and over."""


def statement(stages: Mapping[str, ir.Table], last: str, small: Iterable[Reference], dialect: str) -> str:
    """Stages as one SELECT.

    :param stages: each rests on those before it, on the input tables and on small ones.
    :param last: name of the stage whose rows are wanted.
    :param small: small tables, which are written out where a stage rests on them.
    """
    compiler = _COMPILERS[dialect]()
    needed = _needed(stages, last)
    rests_on = {table.name for name in needed for table in stages[name].op().find(ops.UnboundTable)}
    held = [reference for reference in small if reference.name in rests_on]
    names = _numbered([list(reference.columns) for reference in held] + [list(stages[name].columns) for name in needed])
    parts = {reference.name: _values(reference, compiler) for reference in held}
    parts |= {name: compiler.to_sqlglot(stages[name]) for name in needed}
    texts = []
    for name, part in parts.items():
        for window in part.find_all(sge.Window):
            window.set("partition_by", list(window.args["partition_by"]))  # Ibis leaves a tuple, in which sqlglot finds nothing
        for identifier in part.find_all(sge.Identifier):
            identifier.set("this", names.get(identifier.this, identifier.this))
        body = part.sql(dialect=compiler.dialect, pretty=True, indent=0, pad=0, copy=False)
        texts.append(f"{_identifier(name, compiler)} AS {_KEPT.get(dialect, '')}(\n{body}\n)")
    columns = ",\n".join(f"  {_identifier(names.get(c, c), compiler)} AS {_identifier(c, compiler)}" for c in stages[last].columns)
    return "WITH " + ",\n".join(texts) + f"\nSELECT\n{columns}\nFROM {_identifier(last, compiler)}"


def tables(dialect: str) -> str:
    """Statements that make the input tables, as they are to be filled."""
    compiler = _COMPILERS[dialect]()
    made = []
    for name, columns in INPUTS.items():
        required = {"patient", *descriptor.required(name)} | ({"asOf"} if name == "patients" else set())
        defined = [_column(c, kind, c in required, compiler) for c, kind in columns.items()]
        table = sge.Schema(this=sge.to_identifier(name, quoted=True), expressions=defined)
        made.append(sge.Create(this=table, kind="TABLE").sql(dialect=compiler.dialect, pretty=True))
    return ";\n".join(made) + ";"


def _column(name: str, kind: str, required: bool, compiler: Any) -> sge.ColumnDef:
    constraints = [sge.ColumnConstraint(kind=sge.NotNullColumnConstraint())] if required else []
    return sge.ColumnDef(this=sge.to_identifier(name, quoted=True), kind=compiler.type_mapper.from_ibis(ibis.dtype(kind)), constraints=constraints)


def _needed(stages: Mapping[str, ir.Table], last: str) -> list[str]:
    """Stages that one rests on, and itself, in their order."""
    wanted = {last}
    for name in reversed(list(stages)):
        if name in wanted:
            wanted |= {table.name for table in stages[name].op().find(ops.UnboundTable)}
    return [name for name in stages if name in wanted]


def _numbered(columns: list[list[str]]) -> dict[str, str]:
    """A short name for every column but those of the input tables."""
    kept = {*INPUTS, *(column for table in INPUTS.values() for column in table)}
    numbers = (f"x{number}" for number in count())
    return {name: next(numbers) for name in dict.fromkeys(name for names in columns for name in names) if name not in kept}


def _identifier(name: str, compiler: Any) -> str:
    return str(sge.to_identifier(name, quoted=True).sql(dialect=compiler.dialect))


def _values(reference: Reference, compiler: Any) -> sge.Expression:
    """A small table written out, every column in its type."""
    rows = [sge.Tuple(expressions=[sge.convert(value) for value in row]) for row in reference.rows]
    names = [sge.to_identifier(c, quoted=True) for c in reference.columns]
    values = sge.Values(expressions=rows, alias=sge.TableAlias(this=sge.to_identifier("t"), columns=names))
    types = [compiler.type_mapper.from_ibis(ibis.dtype(kind)) for kind in reference.columns.values()]
    columns = [sge.alias_(sge.cast(sge.column(n.copy(), quoted=True), t), n.copy()) for n, t in zip(names, types, strict=True)]
    return sge.select(*columns).from_(values)
