"""``dermograph new``: skeletons of what authors write, in the right file and with every duty that the shapes check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import Ontology, ontology_folder
from dermograph.errors import UsageError

if TYPE_CHECKING:
    from dermograph.workbench.scaffold import Content, Skeleton

app = typer.Typer(help="Write a complete skeleton: a recommendation, therapy, criterion, guideline or case.", no_args_is_help=True)

Name = Annotated[str, typer.Option(help="Name of the new node, in UpperCamel; without it, made from the label.")]
Statements = Annotated[list[str] | None, typer.Option("--statement", help="Statement that says so, such as P-001; may be repeated.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Reference that says so; may be repeated.")]


def _asked(value: str, question: str, option: str) -> str:
    """A field that was given, or asked for where it was not."""
    if value:
        return value
    try:
        return str(typer.prompt(question, err=True)).strip()
    except typer.Abort:
        raise UsageError(f"{option} is not given, and nobody answers", f"add {option}") from None


def _listed(values: list[str] | None, question: str, option: str) -> list[str]:
    """Values that were given, or asked for on one line."""
    return values or [part for part in _asked("", f"{question}, with commas between", option).replace(",", " ").split() if part]


def _here(ontology: Path | None) -> Content:
    from dermograph.workbench.scaffold import Content

    return Content(ontology_folder(ontology))


def _write(here: Content, made: Skeleton) -> None:
    from dermograph.workbench.scaffold import write

    typer.echo(f"{made.node} is written")
    write(here.folder, made, lambda path: typer.echo(f"  {path}"))


@app.command()
def recommendation(
    label: Annotated[str, typer.Option(help="The recommendation in words.")] = "",
    guideline: Annotated[str, typer.Option(help="Guideline that it belongs to.")] = "",
    therapy: Annotated[str, typer.Option(help="Therapy that it speaks of.")] = "",
    population: Annotated[str, typer.Option(help="Criterion on age, sex or weight.")] = "",
    strength: Annotated[str, typer.Option(help="Strength in the words of the source.")] = "",
    statement: Statements = None,
    source: Sources = None,
    name: Name = "",
    direction: Annotated[str, typer.Option(help="for, against or not-recommended.")] = "for",
    scale: Annotated[str, typer.Option(help="Scale of the strength; without it, the one the guideline uses most.")] = "",
    certainty: Annotated[str, typer.Option(help="Certainty of evidence in the words of the source.")] = "",
    indication: Annotated[str, typer.Option(help="Criterion on the state of disease.")] = "",
    step: Annotated[str, typer.Option(help="Step of the pathway.")] = "",
    order: Annotated[int | None, typer.Option(help="Place in the order of preference; the smaller is preferred.")] = None,
    adjunct: Annotated[bool, typer.Option("--adjunct", help="It accompanies the pathway.")] = False,
    unranked: Annotated[bool, typer.Option("--unranked", help="It stands outside the ranking.")] = False,
    prerequisite: Annotated[list[str] | None, typer.Option(help="Prerequisite; may be repeated.")] = None,
    entry: Annotated[str, typer.Option(help="Criterion that opens it, where that is not the entry of its step.")] = "",
    ontology: Ontology = None,
) -> None:
    """Write a recommendation into the file of its guideline."""
    from dermograph.workbench import skeletons

    here = _here(ontology)
    label = _asked(label, "The recommendation in words", "--label")
    guideline = _asked(guideline, "Guideline that it belongs to", "--guideline")
    therapy = _asked(therapy, "Therapy that it speaks of", "--therapy")
    population = _asked(population, "Criterion that says for whom it is", "--population")
    strength = _asked(strength, "Strength in the words of the source", "--strength")
    statements = list(statement or ()) if source else _listed(statement, "Statements that say so", "--statement")
    if direction == "for" and not (adjunct or unranked):
        step = _asked(step, "Step of the pathway", "--step")
        order = order if order is not None else _number(_asked("", "Place in the order of preference", "--order"))
    made = skeletons.recommendation(
        here,
        label,
        guideline,
        therapy,
        population,
        strength,
        statements,
        name=name,
        direction=direction,
        scale=scale,
        certainty=certainty,
        indication=indication,
        step=step,
        order=order,
        adjunct=adjunct,
        unranked=unranked,
        sources=source or (),
        prerequisites=prerequisite or (),
        entry=entry,
    )
    _write(here, made)


def _number(given: str) -> int:
    if not given.isdecimal():
        raise UsageError(f"{given}: no whole number", "write a number such as 3")
    return int(given)


@app.command()
def therapy(
    label: Annotated[str, typer.Option(help="Name of the therapy in words.")] = "",
    definition: Annotated[str, typer.Option(help="What sets it apart, in a sentence.")] = "",
    parent: Annotated[str, typer.Option(help="Class of therapy that it is one of.")] = "",
    population: Annotated[str, typer.Option(help="Criterion that says for whom its first regimen is.")] = "",
    name: Name = "",
    statement: Statements = None,
    source: Sources = None,
    ontology: Ontology = None,
) -> None:
    """Write a class of therapy and a file for its label facts, with a regimen whose dose is to be stated."""
    from dermograph.workbench import skeletons

    here = _here(ontology)
    label = _asked(label, "Name of the therapy in words", "--label")
    definition = _asked(definition, "What sets it apart, in a sentence", "--definition")
    parent = _asked(parent, "Class of therapy that it is one of", "--parent")
    population = _asked(population, "Criterion that says for whom its first regimen is", "--population")
    _write(here, skeletons.therapy(here, label, definition, parent, population, name=name, statements=statement or (), sources=source or ()))


@app.command()
def criterion(
    label: Annotated[str, typer.Option(help='What it says of "the patient …".')] = "",
    name: Name = "",
    definition: Annotated[str, typer.Option(help="Definition; without it, made from the label.")] = "",
    fact: Annotated[str, typer.Option(help="Fact property that it asks.")] = "",
    from_: Annotated[str, typer.Option("--from", help="At least, in the canonical unit of the fact.")] = "",
    above: Annotated[str, typer.Option(help="More than.")] = "",
    up_to: Annotated[str, typer.Option(help="At most.")] = "",
    below: Annotated[str, typer.Option(help="Less than.")] = "",
    cls: Annotated[str, typer.Option("--class", help="Class that the fact asks for.")] = "",
    value: Annotated[str, typer.Option(help="Value that the fact asks for.")] = "",
    every: Annotated[list[str] | None, typer.Option("--all", help="Criterion that has to hold, or not:NAME; may be repeated.")] = None,
    some: Annotated[list[str] | None, typer.Option("--any", help="Criterion of which one has to hold, or not:NAME; may be repeated.")] = None,
    guideline: Annotated[str, typer.Option(help="Guideline whose own criterion it is; without it, all share it.")] = "",
    statement: Statements = None,
    ontology: Ontology = None,
) -> None:
    """Write a criterion: one question of one fact, or named criteria joined by and, or, not."""
    from dermograph.workbench import skeletons

    here = _here(ontology)
    label = _asked(label, "What it says of the patient", "--label")
    bounds = {"from": from_, "above": above, "up-to": up_to, "below": below}
    if not (fact or every or some):
        fact = _asked(fact, "Fact property that it asks", "--fact")
        if not (any(bounds.values()) or cls or value):
            if here.tree["facts"].get(fact if ":" in fact else f"fact:{fact}", {}).get("measures") or fact.endswith("ageMonths"):
                bounds["from"] = _asked("", "At least, in the canonical unit", "--from")
            else:
                cls = _asked("", "Class that it asks for", "--class")
    _write(
        here,
        skeletons.criterion(
            here,
            label,
            name=name,
            definition=definition,
            fact=fact,
            bounds=bounds,
            cls=cls,
            value=value,
            every=every or (),
            some=some or (),
            guideline=guideline,
            statements=statement or (),
        ),
    )


@app.command()
def guideline(
    label: Annotated[str, typer.Option(help="Title of the guideline.")] = "",
    definition: Annotated[str, typer.Option(help="What it is about, in a sentence.")] = "",
    population: Annotated[str, typer.Option(help="Criterion that says for whom it is.")] = "",
    entry: Annotated[str, typer.Option(help="Criterion that opens its first step.")] = "",
    statement: Annotated[str, typer.Option(help="First statement of its document, in our own words.")] = "",
    name: Name = "",
    letter: Annotated[str, typer.Option(help="Letter that names its statements; without it, the first that is free.")] = "",
    edition: Annotated[str, typer.Option(help="Version of the encoding.")] = "0.1.0",
    section: Annotated[str, typer.Option(help="Heading under which the first statement stands.")] = "Introduction",
    ontology: Ontology = None,
) -> None:
    """Write a guideline: its folder, a pathway of one step, the first statement of its document."""
    from dermograph.workbench import skeletons

    here = _here(ontology)
    label = _asked(label, "Title of the guideline", "--label")
    definition = _asked(definition, "What it is about, in a sentence", "--definition")
    population = _asked(population, "Criterion that says for whom it is", "--population")
    entry = _asked(entry, "Criterion that opens its first step", "--entry")
    statement = _asked(statement, "First statement of its document, in our own words", "--statement")
    _write(
        here, skeletons.guideline(here, label, definition, population, entry, statement, name=name, letter=letter, edition=edition, section=section)
    )


@app.command()
def case(
    sentence: Annotated[str, typer.Option(help="What the case shows, in a sentence.")] = "",
    source: Annotated[list[str] | None, typer.Option("--source", help="Statement, reference or ruling it is written from; may be repeated.")] = None,
    name: Annotated[str, typer.Option(help="Name of its folder; without it, made from the sentence.")] = "",
    as_of: Annotated[str, typer.Option(help="The day asked about; without it, today.")] = "",
    birth_date: Annotated[str, typer.Option(help="Birth date of the patient.")] = "",
    sex: Annotated[str, typer.Option(help="Sex of the patient.")] = "",
    severity: Annotated[str, typer.Option(help="Severity of the disease.")] = "",
    therapy: Annotated[list[str] | None, typer.Option(help="Therapy whose outcome is to be stated; without it, all. May be repeated.")] = None,
    cases: Annotated[Path | None, typer.Option(metavar="DIR", file_okay=False, help="Folder of the cases; without it, tests/cases.")] = None,
    ontology: Ontology = None,
) -> None:
    """Write the folder of a patient case, with the outcome left to be stated from the documents."""
    from dermograph.workbench import new_case

    here = _here(ontology)
    sentence = _asked(sentence, "What the case shows, in a sentence", "--sentence")
    sources = _listed(source, "Statements, references or rulings it is written from", "--source")
    birth_date = _asked(birth_date, "Birth date of the patient", "--birth-date")
    folder = cases or here.folder.parent / "tests" / "cases"
    written = new_case.case(
        here, folder, sentence, sources, name=name, as_of=as_of, birth_date=birth_date, sex=sex, severity=severity, therapies=therapy or ()
    )
    for path in written:
        typer.echo(f"  {path}")
