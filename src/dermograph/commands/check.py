"""The command that holds an ontology to everything that a change of it must pass."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import INVALID, Ontology, ontology_folder
from dermograph.errors import UsageError

if TYPE_CHECKING:
    from dermograph.workbench.checks import Checker, Report


class ReportFormat(StrEnum):
    """Format of a report of findings."""

    text = "text"
    json = "json"
    sarif = "sarif"


def check(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", exists=True, file_okay=False, help="Folder of an ontology; else the one that came along.")
    ] = None,
    ontology: Ontology = None,
    format: Annotated[ReportFormat, typer.Option()] = ReportFormat.text,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file is saved, until interrupted.")] = False,
) -> None:
    """Hold an ontology to everything that a change must pass; exit with 3 where there is something to mend."""
    from dermograph.workbench import checks

    if path and ontology:
        raise UsageError("the ontology is given twice", "give PATH or --ontology")
    if watch and format is not ReportFormat.text:
        raise UsageError(f"--watch prints text, not {format}", "leave one of them out")
    where = path or ontology_folder(ontology)
    checker = checks.Checker(where, checks.beside(where))
    if watch:
        _watch(checker)
        return
    report = _run(checker)
    _print(report, where, format)
    if report.failed:
        raise typer.Exit(INVALID)


def _run(checker: Checker) -> Report:
    """Check once, with a bar on the terminal while the shapes are asked."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        return checker.check()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True) as progress:
        task = progress.add_task("checking", total=None)
        return checker.check(lambda done, total: progress.update(task, completed=done, total=total))


def _print(report: Report, folder: Path, format: ReportFormat) -> None:
    from dermograph import session
    from dermograph.workbench import problems

    if format is ReportFormat.sarif:
        typer.echo(session.dumps(problems.to_sarif(report.problems)))
        return
    if format is ReportFormat.json:
        head = {"ontology": str(folder), "files": report.files, "failed": report.failed, "waiting": report.waiting}
        typer.echo(session.dumps(head | {"findings": problems.to_json(report.problems)}))
        return
    for problem in report.problems:
        typer.echo(str(problem))
    count = len(report.problems)
    told = f"{count} finding{'' if count == 1 else 's'}" if count else "nothing to mend"
    rest = "; what needs them mended is checked after that" if report.waiting else ""
    typer.echo(f"{folder}: {report.files} files, {told}{rest}")


def _watch(checker: Checker) -> None:
    import time

    from dermograph import session
    from dermograph.errors import DermographError
    from dermograph.workbench.watching import changes

    folders = [checker.ontology, *filter(None, [checker.queries])]
    saved: list[Path] = []
    looks = changes(folders)
    while True:
        begun = time.monotonic()
        if saved:
            typer.echo(f"\nsaved {', '.join(path.name for path in saved[:3])}{' and more' if len(saved) > 3 else ''}")
        try:
            _print(_run(checker), checker.ontology, ReportFormat.text)
        except DermographError as error:
            session.complain(error)
        typer.echo(f"checked in {time.monotonic() - begun:.1f} s; waiting for a file to be saved", err=True)
        saved = next(looks)
