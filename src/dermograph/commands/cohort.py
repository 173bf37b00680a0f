"""The command that assesses a whole population."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import INVALID, Ontology, need
from dermograph.errors import UsageError

if TYPE_CHECKING:
    from dermograph.cohort.run import Cohort
    from dermograph.cohort.summary import Totals

DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake", "trino")


def cohort(
    input: Annotated[Path | None, typer.Argument(metavar="[INPUT]", exists=True, help="Folder with the tables of the population, or RDF.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", file_okay=False, help="Folder to write the results into.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day asked about, for every patient.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Spell reasons out, and write the truth of each criterion.")] = False,
    memory: Annotated[str, typer.Option(help="Most memory of the database.")] = "4GB",
    threads: Annotated[int, typer.Option(min=0, help="Most threads; 0 is one for each core.")] = 0,
    chunk: Annotated[int, typer.Option(min=1, help="Patients that are assessed at once.")] = 1_000_000,
    sql: Annotated[bool, typer.Option("--sql", help="Print the guideline as SQL instead, to be run elsewhere.")] = False,
    dialect: Annotated[str, typer.Option(help="Dialect of the SQL: " + ", ".join(DIALECTS) + ".")] = "duckdb",
    ontology: Ontology = None,
) -> None:
    """Assess a whole population from tables; every patient is assessed or told why not."""
    from dermograph.knowledge import Knowledge

    need("populations need", "cohort", "duckdb", "ibis", "pyarrow")
    knowledge = Knowledge.load(ontology)
    if sql:
        from dermograph.cohort.program import Program

        if dialect not in DIALECTS:
            raise UsageError(f"{dialect!r} is no dialect", f"it is one of {', '.join(DIALECTS)}")
        typer.echo(Program(knowledge).sql(dialect))
        return
    if input is None or out is None:
        raise UsageError("INPUT and --out are both needed", "dermograph cohort TABLES --out RESULTS, or dermograph cohort --sql")
    from dermograph.cohort.run import Cohort
    from dermograph.cohort.sources import source_of

    run = Cohort(knowledge, source_of(input, as_of.date() if as_of else None, knowledge, memory, threads), out, memory, threads, explain, chunk)
    totals = _run(run)
    typer.echo(f"{totals.read:,} patients read: {totals.assessed:,} assessed, {totals.rejected:,} rejected; {out}")
    if totals.rejected:
        typer.echo(f"dermograph: {totals.rejected:,} patients were not assessed; {out / 'rejects.parquet'} tells why", err=True)
        raise typer.Exit(INVALID)


def _run(cohort: Cohort) -> Totals:
    """Run, with a bar on the terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        return cohort.run()
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=terminal, transient=True) as progress:
        task = progress.add_task("reading", total=None)
        return cohort.run(lambda what, done, of: progress.update(task, description=what, completed=done, total=of or None))
