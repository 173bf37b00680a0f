"""``dermograph docs``: the static site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import Ontology, need, ontology_folder

if TYPE_CHECKING:
    from dermograph.workbench.site.blocks import Page

Cases = Annotated[Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Patient cases to tell who meets each criterion.")]


def docs(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to: new, empty, or an earlier site.")],
    ontology: Ontology = None,
    cases: Cases = None,
) -> None:
    """Write a static site of the whole graph: guidelines, therapies, criteria, sources, queries; open its index.html."""
    need("the site needs", "docs", "jinja2", "markdown_it")
    from dermograph import content
    from dermograph.workbench import site
    from dermograph.workbench.site import commands

    root = context.find_root()
    count = site.build(
        ontology_folder(ontology),
        out,
        cases=cases,
        expected=cases.parent / "questions" if cases else None,
        prose=content.folder("docs"),
        commands=commands.read(root, root.command),
        watch=_progress,
    )
    typer.echo(f"{count:,} pages written; open {out / 'index.html'}")


def _progress(pages: Iterator[Page], total: int) -> Iterator[Page]:
    from rich.console import Console
    from rich.progress import track

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        return pages
    return iter(track(pages, "Writing pages", total=total, console=terminal, transient=True))
