"""``dermograph criterion``: a criterion written out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dermograph.commands.options import Ontology


class Notation(StrEnum):
    """How a criterion is written."""

    text = "text"
    manchester = "manchester"
    sparql = "sparql"


def criterion(
    iri: Annotated[str, typer.Argument(help="Criterion by name or label: ad:NAME, NAME or the words.")],
    notation: Annotated[Notation, typer.Option("--as", help="How it is written.")] = Notation.text,
    on: Annotated[str | None, typer.Option(metavar="PATIENT", help="Tell its truth for a patient; - is standard input.")] = None,
    ontology: Ontology = None,
) -> None:
    """Write a criterion out in words, in OWL's Manchester syntax or as SPARQL."""
    from dermograph import explanation, inputs, sentences
    from dermograph.knowledge import Knowledge

    knowledge = Knowledge.load(ontology)
    name = explanation.find_criterion(knowledge.tree, iri)
    write = {Notation.text: sentences.text, Notation.manchester: sentences.manchester, Notation.sparql: sentences.sparql}[notation]
    typer.echo(write(knowledge.tree, name))
    if on is None:
        return
    sign = "" if notation is Notation.text else "# "
    for one in inputs.read(on, knowledge=knowledge):
        knowledge.assess(one)
        node = explanation.tell_criterion(knowledge.case(one), name)
        typer.echo(f"\n{sign}{one.name}, as of {one.as_of}: {node.truth}")
        for line in explanation.lines(node):
            typer.echo(f"{sign}{line}")
