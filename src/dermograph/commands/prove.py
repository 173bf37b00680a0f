"""The command that proves a guideline."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import INVALID, Ontology, ontology_folder

if TYPE_CHECKING:
    from dermograph.workbench.proofs import Progress, Proof


class ProofFormat(StrEnum):
    """Format of what is proved."""

    text = "text"
    json = "json"
    sarif = "sarif"


def prove(
    format: Annotated[ProofFormat, typer.Option()] = ProofFormat.text,
    notes: Annotated[bool, typer.Option("--notes", help="Tell the notes too: criteria that imply another.")] = False,
    patients: Annotated[Path | None, typer.Option(metavar="DIR", file_okay=False, help="Write the patients who show a fault there.")] = None,
    ontology: Ontology = None,
) -> None:
    """Prove that a guideline is whole and free of contradiction; exit with 3 where it is not.

    Each criterion can be met and failed, no dose band overlaps or leaves a gap, no two recommendations contradict each other,
    and each step can be entered and left. It needs Java and dermograph[prove].
    """
    from dermograph import session
    from dermograph.workbench import problems, proofs

    with _bar() as progress:
        proof = proofs.prove(ontology_folder(ontology), progress)
    if patients:
        _write(proof, patients)
    found = [f.problem for f in proof.found]
    if format is ProofFormat.json:
        typer.echo(session.dumps(proofs.to_json(proof)))
    elif format is ProofFormat.sarif:
        typer.echo(session.dumps(problems.to_sarif(found)))
    else:
        for one in proof.found:
            if notes or one.problem.level != "note":
                typer.echo(f"{one.problem}\n{one.patient}")
        levels = Counter(p.level for p in found)
        told = "" if notes or not levels["note"] else " (--notes tells them)"
        counted = ", ".join(f"{levels[level]} {level}{'' if levels[level] == 1 else 's'}" for level in ("error", "warning", "note"))
        typer.echo(f"{proof.asked:,} proofs, {proof.reasoned:,} of them new: {counted}{told}")
    if problems.failed(found):
        raise typer.Exit(INVALID)


def _write(proof: Proof, folder: Path) -> None:
    from dermograph.terms import local_name

    folder.mkdir(parents=True, exist_ok=True)
    for one in proof.found:
        if one.patient:
            names = (f"{one.problem.rule}-{local_name(one.problem.node)}{f'-{n}' if n else ''}.ttl" for n in range(len(proof.found)))
            file = next(folder / name for name in names if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") == one.patient)
            file.write_text(one.patient, encoding="utf-8")


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of if of > 1 else None)
