"""``dermograph derive``: the module of criteria that follow from label facts."""

from __future__ import annotations

import typer

from dermograph.commands.options import Check, Ontology, ontology_folder
from dermograph.errors import InputError


def derive(check: Check = False, ontology: Ontology = None) -> None:
    """Write the module of criteria that follow from label facts."""
    from dermograph import derive as derivation
    from dermograph.formatting import canonical
    from dermograph.workbench import references

    where = ontology_folder(ontology)
    path = where / derivation.MODULE
    text = canonical(derivation.turtle(where), str(derivation.MODULE))
    references.refuse(where, derived=text)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        typer.echo(f"{path} is up to date")
    elif check:
        raise InputError(f"{path} is stale", "run: dermograph derive" + (f" --ontology {ontology}" if ontology else ""))
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"{path} written")
