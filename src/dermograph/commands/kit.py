"""The command that writes the conformance kit and holds the results of another engine to it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dermograph.commands.options import Ontology, ontology_folder
from dermograph.errors import InputError, UsageError

SHOWN = 20
"""Differences that are printed in full as text."""


class ReportFormat(StrEnum):
    """Format of a comparison."""

    text = "text"
    json = "json"


def kit(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write the kit into; with --verify, a kit.")],
    ontology: Ontology = None,
    cases: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Folder of cases; default: tests/cases beside the ontology.")
    ] = None,
    packed: Annotated[bool, typer.Option("--zip", help="Write OUT.zip beside the folder, too.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Leave the full answers out, nine tenths of the kit; the table of verdicts stays.")] = False,
    verify: Annotated[
        Path | None, typer.Option(metavar="RESULTS", exists=True, dir_okay=False, help="Compare an engine's results with the kit in OUT.")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="With --verify: compare only the rows that are given.")] = False,
    format: Annotated[ReportFormat, typer.Option(help="With --verify: how differences are printed.")] = ReportFormat.text,
) -> None:
    """Write the conformance kit for other engines, or compare an engine's results with one."""
    if verify is not None:
        if ontology or cases or packed or brief:
            raise UsageError("--verify writes nothing, so --ontology, --cases, --brief and --zip have nothing to do", "leave them out")
        _verify(out, verify, partial, format)
        return
    if partial or format is not ReportFormat.text:
        raise UsageError("--partial and --format belong to --verify", "leave them out, or name the results with --verify")
    _write(out, ontology, cases, packed, brief)


def _write(out: Path, ontology: Path | None, cases: Path | None, packed: bool, brief: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from dermograph import casebook
    from dermograph.knowledge import Knowledge
    from dermograph.workbench import kit as made

    where = ontology_folder(ontology)
    found = cases or where.parent / "tests" / "cases"
    if not found.is_dir():
        raise InputError(f"{found}: no such folder, and a kit needs cases", "name the folder of the cases with --cases")
    entries = casebook.read(found)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("cases", total=len(entries))
        for name in made.write(out, Knowledge.load(ontology), where, entries, brief):
            progress.update(task, advance=1, description=name)
    typer.echo(f"{out}: {len(entries)} cases, {len(entries) * (2 if brief else 3)} tests; README.md specifies the evaluation")
    if packed:
        typer.echo(f"{made.zipped(out)} written")


def _verify(out: Path, results: Path, partial: bool, format: ReportFormat) -> None:
    from dermograph import session
    from dermograph.workbench import conformance

    report = conformance.verify(out, results, partial=partial)
    wrong = len(report.differences)
    if format is ReportFormat.json:
        typer.echo(session.dumps(report.to_json()))
    else:
        for difference in report.differences[:SHOWN]:
            typer.echo(str(difference))
        if wrong > SHOWN:
            typer.echo(f"and {wrong - SHOWN} more; --format json lists all")
        typer.echo(f"{report.compared} answers compared, {wrong} of them different")
    if wrong:
        raise InputError(f"{results}: {wrong} answers are not the expected ones", "see the README of the kit for how each is found")
