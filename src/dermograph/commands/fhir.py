"""``dermograph fhir``: the guidelines as FHIR definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dermograph.commands.options import Ontology, ontology_folder


def fhir(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to: new, empty, or an earlier package.")],
    ontology: Ontology = None,
) -> None:
    """Write the guidelines as FHIR R4: plans, activities with doses, code systems, value sets and concept maps."""
    from dermograph.fhir import package
    from dermograph.knowledge import Knowledge

    count = package.write(out, Knowledge.load(ontology), ontology_folder(ontology))
    typer.echo(f"{out}: {count} resources of FHIR R4")
