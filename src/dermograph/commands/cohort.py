"""The command that assesses a whole population."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.cohort.memory import size
from dermograph.commands.options import INVALID, SIDE, Ontology, need, ontology_folder
from dermograph.errors import InputError, UsageError

if TYPE_CHECKING:
    from dermograph.cohort.comparison import Comparison
    from dermograph.cohort.run import Cohort
    from dermograph.cohort.spark import SparkCohort
    from dermograph.cohort.summary import Totals
    from dermograph.knowledge import Knowledge

ENGINES = ("duckdb", "spark")
_OF_SQL = ("dialect", "tables")
_OF_DUCKDB = ("omop", "endpoint", "graph", "chunk", "compare")
DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake", "trino")


def cohort(
    ctx: typer.Context,
    input: Annotated[
        str | None,
        typer.Argument(metavar="[INPUT]", help="Folder with tables, RDF, OMOP or FHIR of the population, or a file of RDF or DuckDB."),
    ] = None,
    omop: Annotated[str | None, typer.Option(metavar="URL", help="Database with the tables of OMOP instead, such as postgres://….")] = None,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="SPARQL endpoint of a triple store with the patients instead.")] = None,
    graph: Annotated[list[str] | None, typer.Option(metavar="IRI", help="Graph that the endpoint is asked for; may be given again.")] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Folder to write the results into; with Spark also an address.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day asked about, for every patient.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Spell reasons out, and write the truth of each criterion.")] = False,
    memory: Annotated[str, typer.Option(help="Most memory of the database.")] = "4GB",
    threads: Annotated[int, typer.Option(min=0, help="Most threads; 0 is one for each core.")] = 0,
    chunk: Annotated[int, typer.Option(min=1, help="Patients that are assessed at once.")] = 1_000_000,
    least: Annotated[int, typer.Option(min=0, help="Hide smaller counts in report, tables and pictures, and round the others.")] = 0,
    compare: Annotated[str, typer.Option(metavar="OTHER", help=f"Tell who changes under another version, and why: {SIDE}.", show_default=False)] = "",
    engine: Annotated[str, typer.Option(help="What assesses: duckdb, or spark, which reads tables in Parquet.")] = ENGINES[0],
    sql: Annotated[bool, typer.Option("--sql", help="Print the guideline as SQL instead, to be run elsewhere.")] = False,
    dialect: Annotated[str, typer.Option(help="With --sql: its dialect, " + ", ".join(DIALECTS) + ".")] = DIALECTS[0],
    tables: Annotated[bool, typer.Option("--tables", help="With --sql: print the CREATE TABLE of the input tables instead.")] = False,
    ontology: Ontology = None,
) -> None:
    """Assess a whole population from tables; every patient is assessed or told why not."""
    from dermograph.knowledge import Knowledge

    need("populations need", "cohort", "duckdb", "ibis", "jinja2", "pyarrow")
    _fit(ctx, sql, engine)
    size(memory)
    knowledge = Knowledge.load(ontology)
    if sql:
        typer.echo(_sql(knowledge, dialect, tables))
        return
    if sum(place is not None for place in (input, omop, endpoint)) != 1 or out is None:
        hint = "dermograph cohort TABLES --out RESULTS, or dermograph cohort --sql"
        raise UsageError("one of INPUT, --omop and --endpoint is needed, and --out", hint)
    if graph and endpoint is None:
        raise UsageError("--graph is of an endpoint", "name it with --endpoint, or leave --graph out")
    if input and Path(out).resolve().is_relative_to(Path(input).resolve()):
        raise UsageError(f"{out}: the results would lie within the input", "name a folder elsewhere")
    day = as_of.date() if as_of else None
    run: Cohort | SparkCohort
    if engine == "spark":
        if input is None:
            raise UsageError("--engine spark reads INPUT", "name a folder, or its address")
        need("Spark needs", "spark", "pyspark", "pandas")
        from dermograph.cohort.spark import SparkCohort

        run = SparkCohort(knowledge, input, out, day, memory, threads, explain, least)
    else:
        from dermograph.cohort.endpoint import Service
        from dermograph.cohort.run import Cohort
        from dermograph.cohort.sources import source_of

        compared = _compared(compare, ontology) if compare else None
        place = omop or (Service(endpoint, tuple(graph or ())) if endpoint is not None else _there(input or ""))
        source = source_of(place, day, knowledge, memory, threads)
        run = Cohort(knowledge, source, _folder(out), memory, threads, explain, chunk, least, compared)
    earlier = run.finished()
    totals = earlier or _run(run)
    told = f"{totals.read:,} patients read: {totals.assessed:,} assessed, {totals.rejected:,} rejected; {out}/report.html"
    typer.echo(f"already finished: {told}" if earlier else told)
    if totals.rejected:
        typer.echo(f"dermograph: {totals.rejected:,} patients were not assessed; {out}/rejects.parquet tells why", err=True)
        raise typer.Exit(INVALID)


def _fit(ctx: typer.Context, sql: bool, engine: str) -> None:
    """See that every option that was given has a use beside the others.

    :raises UsageError: one would be ignored.
    """
    if engine not in ENGINES:
        raise UsageError(f"{engine!r} is no engine", f"it is one of {', '.join(ENGINES)}")
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if getattr(ctx.get_parameter_source(name), "name", "") != "COMMANDLINE":
            continue
        shown = "INPUT" if name == "input" else parameter.opts[0]
        if name in _OF_SQL and not sql:
            raise UsageError(f"{shown} goes with --sql", "dermograph cohort --sql --tables --dialect postgres")
        if sql and name not in {*_OF_SQL, "sql", "ontology"}:
            raise UsageError(f"{shown} does not go with --sql, which prints the guideline and reads no patients", f"leave {shown} out")
        if engine == "spark" and name in _OF_DUCKDB:
            raise UsageError(f"{shown} does not go with --engine spark", f"leave {shown} out")


def _there(place: str) -> Path:
    if not Path(place).exists():
        raise InputError(f"{place}: nothing lies there", "name a folder or a file; an address is read with --engine spark")
    return Path(place)


def _folder(place: str) -> Path:
    if Path(place).is_file():
        raise UsageError(f"{place} is a file", "name a folder for the results")
    return Path(place)


def _sql(knowledge: Knowledge, dialect: str, tables: bool) -> str:
    """The guideline as one statement, or those that make the tables which it reads."""
    from dermograph.cohort import warehouse
    from dermograph.cohort.program import Program

    if dialect not in DIALECTS:
        raise UsageError(f"{dialect!r} is no dialect", f"it is one of {', '.join(DIALECTS)}")
    return warehouse.tables(dialect) if tables else Program(knowledge).sql(dialect)


def _compared(other: str, ontology: Path | None) -> Comparison:
    """The other version, with what differs clinically from the one in use."""
    from dermograph.cohort.comparison import Comparison
    from dermograph.knowledge import Knowledge
    from dermograph.workbench import differences, sides

    with sides.opened(str(ontology_folder(ontology))) as before, sides.opened(other) as after:
        return Comparison(Knowledge.load(after.folder), differences.compare(before, after, reasoner=False))


def _run(cohort: Cohort | SparkCohort) -> Totals:
    """Run, with a bar on the terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        return cohort.run()
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=terminal, transient=True) as progress:
        task = progress.add_task("reading", total=None)
        return cohort.run(lambda what, done, of: progress.update(task, description=what, completed=done, total=of or None))
