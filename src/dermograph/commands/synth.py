"""``dermograph synth``: made-up patients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.cohort.writing import Format
from dermograph.commands.options import Ontology, need, ontology_folder

if TYPE_CHECKING:
    import pyarrow as pa


def synth(
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many patients.")],
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder to write to: new, empty, or of an earlier made-up one.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other patients; the same gives the same files.")] = 1,
    format: Annotated[Format, typer.Option(help="Tables as Parquet or CSV, or a graph.")] = Format.parquet,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="Day asked about, as 2026-11-01; else the population's."),
    ] = None,
    ontology: Ontology = None,
) -> None:
    """Make up patients to try things on, valid by the shapes; none of them is a real person.

    They are drawn from population.yaml beside the ontology. Patient i is the same however many are asked for. Tables are
    patients, conditions, absences, courses, observations and assessments; a graph is one file. It needs dermograph[cohort].
    """
    need("made-up patients need", "cohort", "numpy", "pyarrow")
    from dermograph import __version__
    from dermograph.cohort import population
    from dermograph.cohort import synth as drawing
    from dermograph.cohort.writing import write

    people = population.read(ontology_folder(ontology))
    day = as_of.date() if as_of else people.as_of
    about = (
        f"{_patients(count)} made up by dermograph {__version__} (seed {seed}, as of {day}). "
        "None of them is a real person, and nothing can be estimated from them."
    )
    blocks = drawing.blocks(people, count, seed, day)
    write(_progress(blocks, -(-count // drawing.BLOCK)), out, format, about)
    typer.echo(f"{_patients(count)} made up and written to {out}")


def _patients(count: int) -> str:
    return f"{count:,} patient{'' if count == 1 else 's'}"


def _progress(blocks: Iterator[dict[str, pa.Table]], total: int) -> Iterator[dict[str, pa.Table]]:
    from rich.console import Console
    from rich.progress import track

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        return blocks
    return iter(track(blocks, "Drawing patients", total=total, console=terminal, transient=True))
