"""What the commands share: one run on patients, what goes wrong in it, and how things are printed."""

from __future__ import annotations

import datetime as dt
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from dermograph import inputs
from dermograph.errors import DermographError, InputError, InvalidInput, UsageError
from dermograph.knowledge import Knowledge

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dermograph.assessment import Assessment
    from dermograph.fhir.reading import Reading
    from dermograph.record import Record

WIDTH = 120
"""Columns of a table where no terminal says how wide it is."""


def complain(error: DermographError) -> int:
    """Print an error to standard error and give its exit code."""
    lines = [f"dermograph: {line}" if not line.startswith(" ") else line for line in str(error).splitlines()]
    typer.echo("\n".join(lines), err=True)
    return error.code


class Session:
    """One run on patients: the knowledge, the inputs, and what went wrong so far.

    :param quiet: keep refused inputs and reports instead of printing them.
    :param report: print what became of every record of FHIR; else only how many were not understood.
    """

    def __init__(
        self,
        sources: Sequence[str],
        as_of: dt.datetime | None,
        syntax: str | None,
        ontology: Path | None,
        engine: Literal["oxigraph", "rdflib"] = "oxigraph",
        quiet: bool = False,
        report: bool = False,
    ) -> None:
        if sources.count("-") > 1:
            raise UsageError("standard input can be read once", "give - once")
        self.knowledge = Knowledge.load(ontology, engine=engine)
        self.sources, self.syntax, self.quiet, self.report = sources, syntax, quiet, report
        self.readings: list[Reading] = []
        self.as_of = as_of.date() if as_of else None
        self.code = 0
        self.refused: list[tuple[str, InputError]] = []
        self.count = 0

    def refuse(self, source: str, error: InputError) -> None:
        """Note an input that cannot be used, and go on."""
        self.refused.append((source, error))
        self.code = error.code
        if not self.quiet:
            complain(error)

    def records(self) -> Iterator[Record]:
        """Patients of all sources that can be read, in order."""
        for one in inputs.read_all(self.sources, self.as_of, self.syntax, self.refuse, self.knowledge, self.told):
            self.count += 1
            yield one

    def answers(self) -> Iterator[Assessment]:
        """Answers of all patients that are valid, in order."""
        for batch in inputs.batches(self.records()):
            for answer in self.knowledge.assess_all(batch):
                if isinstance(answer, InvalidInput):
                    self.refuse(answer.source, answer)
                else:
                    yield answer

    def only(self) -> Record:
        """The one patient of the one source."""
        (source,) = self.sources
        found = inputs.read(source, self.as_of, self.syntax, self.knowledge, self.told)
        if len(found) > 1:
            names = ", ".join(one.name for one in found[:5])
            raise InputError(f"{found[0].source}: {len(found)} patients, and one is asked about: {names}", "keep one patient in the file")
        return found[0]

    def told(self, reading: Reading) -> None:
        """Note what was read from FHIR, and say on standard error what was not understood."""
        self.readings.append(reading)
        if self.quiet:
            return
        if self.report:
            typer.echo(reading.report.text(), err=True)
        elif reading.report.missed:
            typer.echo(f"dermograph: {reading.report.summary()}; --report tells which", err=True)

    @property
    def several(self) -> bool:
        """Whether several patients were given, whatever became of them."""
        return len(self.sources) > 1 or self.count > 1

    def end(self) -> None:
        """Stop with the exit code of the run."""
        if self.code:
            raise typer.Exit(self.code)


def dumps(value: Any, indent: int | None = 1) -> str:
    """JSON text, indented for people or on one line."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=indent, separators=(",", ":") if indent is None else None)


def console() -> Console:
    """A console on standard output; as wide as the terminal, and 120 columns where there is none."""
    from rich.console import Console

    class Unbroken(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    made = Unbroken(highlight=False, markup=False, soft_wrap=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows as a table to the terminal."""
    console().print(_grid(columns, rows))


def table_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as a table of text, as wide as they need and at most :data:`WIDTH` columns."""
    from rich.console import Console

    made = Console(file=io.StringIO(), width=WIDTH, highlight=False, markup=False)
    made.print(_grid(columns, rows))
    assert isinstance(made.file, io.StringIO)
    return made.file.getvalue().rstrip("\n")


def _grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    grid = Table(show_lines=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    return grid
