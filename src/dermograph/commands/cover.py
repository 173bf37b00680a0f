"""Command for authors: what the patient cases show of the guideline, the cases that are missing, and mutants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import INVALID, Ontology, ontology_folder
from dermograph.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dermograph.casebook import Entry
    from dermograph.workbench.accepted import Survival
    from dermograph.workbench.covering import Cover

OPEN_TOLD = 40
"""Open duties that the table tells."""


class CoverFormat(StrEnum):
    """Format of the cover."""

    table = "table"
    json = "json"
    html = "html"


def cover(
    cases: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="Folder of cases; without it, tests/cases and tests/label-facts."),
    ] = None,
    format: Annotated[CoverFormat, typer.Option()] = CoverFormat.table,
    out: Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write to a file instead of standard output.")] = None,
    generate: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Write the missing patients there, verdicts left open.")
    ] = None,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Change one thing of the guideline at a time and tell which changes no case notices.")
    ] = False,
    ontology: Ontology = None,
) -> None:
    """Tell what the patient cases show of the guideline; exit with 3 where something is shown by none."""
    from dermograph import casebook

    if generate and mutate:
        raise UsageError("--generate and --mutate are two runs", "give one of them")
    where = ontology_folder(ontology)
    folders = cases or _cases(where)
    entries = casebook.read(*folders)
    if mutate:
        if format is CoverFormat.html:
            raise UsageError("mutants are told as a table or as JSON", "take --format table or json")
        raise typer.Exit(_mutate(where, folders, format, out))
    _cover(where, entries, format, out, generate)


def _cases(ontology: Path) -> list[Path]:
    tests = ontology.resolve().parent / "tests"
    found = [folder for folder in (tests / "cases", tests / "label-facts") if folder.is_dir()]
    if not found:
        raise UsageError("there is no folder of cases beside the ontology", "name it with --cases DIR")
    return found


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a long work is, on standard error and only on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"{out} written", err=True)


def _cover(where: Path, entries: list[Entry], format: CoverFormat, out: Path | None, generate: Path | None) -> None:
    from dermograph import session
    from dermograph.workbench import cover_page, covering, generated

    with _progress("cases", len(entries)) as step:
        found = covering.cover(where, entries, step)
    if generate:
        written = generated.write(where, entries, found, generate)
        typer.echo(f"{len(written)} cases written below {generate}; state the outcome of each in its expected.yaml")
        return
    if format is CoverFormat.json:
        _write(session.dumps(found.to_json()), out)
    elif format is CoverFormat.html:
        _write(cover_page.html(found), out)
    else:
        _write(_table(found), out)
    if found.open or found.needless:
        raise typer.Exit(INVALID)


def _table(found: Cover) -> str:
    from dermograph import session

    lines = [session.table_text(["kind", "shown", "excused", "of"], [[kind, *map(str, numbers)] for kind, *numbers in found.counts()])]
    lines.append(f"{found.share} % of what can be shown is shown by {found.cases} cases")
    if found.open:
        told = [[d.kind, d.node, d.aspect, d.label] for d in found.open[:OPEN_TOLD]]
        lines.append(session.table_text(["not shown", "node", "what", "label"], told))
        if len(found.open) > OPEN_TOLD:
            lines.append(f"and {len(found.open) - OPEN_TOLD} more; --format html or json tells all")
        lines.append(
            "mend: write a case for each (dermograph cover --generate DIR begins them), or excuse it with dg:excusedFromCover and the reason"
        )
    for d in found.needless:
        lines.append(f"{d.node}: excused from {d.aspect}, yet {d.shown} shows it; take the excuse out")
    return "\n".join(lines)


def _mutate(where: Path, cases: list[Path], format: CoverFormat, out: Path | None) -> int:
    import os

    from dermograph import session
    from dermograph.workbench import accepted, witnesses

    reasons = accepted.read(cases[0].parent / accepted.PLACE)
    total = witnesses.count(where)
    with _progress("mutants", total) as step:
        noticed = witnesses.run(where, cases, range(total), min(os.cpu_count() or 1, 8), step)
    found = accepted.Survival(noticed, reasons)
    _write(session.dumps(found.to_json()) if format is CoverFormat.json else _survivors(found), out)
    return INVALID if found.unexplained or found.needless else 0


def _survivors(found: Survival) -> str:
    from dermograph import session

    lines = [session.table_text(["kind of mutant", "made", "survive"], [[kind, *map(str, numbers)] for kind, *numbers in found.counts()])]
    lines.append(f"{len(found.survivors)} of {len(found.noticed)} mutants survive, {found.share} %")
    lines += [f"{name}\n  accepted: {found.accepted[name]}" for name in found.survivors if name in found.accepted]
    lines += [f"{name}\n  noticed by no case" for name in found.unexplained]
    if found.unexplained:
        lines.append("mend: write a case that tells the mutant apart, or accept it with the reason in mutants/accepted.yaml beside the cases")
    lines += [
        f"{name}: accepted, yet {found.noticed.get(name) or 'no mutant'} {'notices it' if name in found.noticed else 'has that name'}; take it out"
        for name in found.needless
    ]
    return "\n".join(lines)
