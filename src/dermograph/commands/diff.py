"""``dermograph diff``: what differs clinically between two versions, and for which patients."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import SIDE, ontology_folder
from dermograph.errors import UsageError

if TYPE_CHECKING:
    from dermograph.record import Record
    from dermograph.workbench.differences import Difference, Told
    from dermograph.workbench.effects import Effects
    from dermograph.workbench.sides import Side


class DiffFormat(StrEnum):
    """Format of the comparison."""

    text = "text"
    md = "md"
    json = "json"


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=f"What is compared: {SIDE}.")],
    new: Annotated[str, typer.Argument(metavar="[NEW]", help="What it is compared with; without it, the ontology in use.")] = "",
    patients: Annotated[
        Path | None, typer.Option(metavar="DIR|FILE", help="Patients to tell the effect on: a folder of cases or of graphs, or one graph of many.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(metavar="DIR|FILE", help="Patients that tell whether a criterion is tighter where nothing else can.")
    ] = None,
    format: Annotated[DiffFormat, typer.Option()] = DiffFormat.text,
    changelog: Annotated[bool, typer.Option("--changelog", help="Print the section Clinical meaning of a changelog instead.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw status before against status after, with --patients.")] = None,
    reasoner: Annotated[bool, typer.Option(help="Ask HermiT where owlready2 and Java are installed.")] = True,
    ontology: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Ontology in use instead of the one that came along.")
    ] = None,
) -> None:
    """Tell what differs clinically between two versions of the ontology, and what that does to patients."""
    from dermograph import session
    from dermograph.workbench import differences, sides, telling
    from dermograph.workbench import effects as effect

    if svg and not patients:
        raise UsageError("--svg draws patients, and none are given", "add --patients DIR")
    if changelog and format is not DiffFormat.text:
        raise UsageError("--changelog prints Markdown of its own", "leave --format out")
    with ExitStack() as stack:
        one = stack.enter_context(sides.opened(old))
        other = stack.enter_context(sides.opened(new or str(ontology_folder(ontology))))
        people = effect.read(patients) if patients else []
        telling_from = effect.read(cases) if cases else people
        found = differences.compare(one, other, _by_cases(one, other, telling_from), reasoner)
        done = _effects(one, other, people, found) if patients else None
        names = (old, new or "the ontology in use")
        if changelog:
            labels = {t: row["label"] for side in (one, other) for t, row in side.tree["rows"].items()}
            typer.echo(telling.changelog(found, done, labels))
        elif format is DiffFormat.json:
            typer.echo(session.dumps(telling.to_json(*names, found, done)))
        elif format is DiffFormat.md:
            typer.echo(telling.markdown(*names, found, done))
        else:
            typer.echo(telling.text(found, done))
        if svg and done:
            from dermograph.workbench import flow

            svg.write_text(flow.svg(done, f"{names[0]} → {names[1]}"), encoding="utf-8")


def _by_cases(one: Side, other: Side, people: list[Record]) -> Told | None:
    from dermograph.knowledge import Knowledge
    from dermograph.workbench import effects

    if not people:
        return None
    return lambda pair: effects.teller(Knowledge.load(one.folder), Knowledge.load(other.folder), people)(pair)


def _effects(one: Side, other: Side, people: list[Record], found: list[Difference]) -> Effects:
    from rich.console import Console
    from rich.progress import Progress

    from dermograph.knowledge import Knowledge
    from dermograph.workbench import effects

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("patients in both versions", total=len(people))
        old, new = Knowledge.load(one.folder), Knowledge.load(other.folder)
        return effects.effects(old, new, people, found, lambda more: progress.advance(task, more))
