"""``dermograph query``: questions to the guideline graph in SPARQL."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.commands.options import Ontology, ontology_folder
from dermograph.errors import InputError, UsageError

if TYPE_CHECKING:
    from dermograph.questions import Answer


class TableFormat(StrEnum):
    """Format of the answer to a question."""

    table = "table"
    json = "json"
    csv = "csv"
    ttl = "ttl"


def query(
    name: Annotated[str | None, typer.Argument(metavar="[NAME|FILE]", help="Name of a question, a file of SPARQL, or - for standard input.")] = None,
    on: Annotated[str | None, typer.Option(metavar="PATIENT", help="Put the record, facts and verdicts of a patient beside the guidelines.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Name the questions that came along.")] = False,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.table,
    ontology: Ontology = None,
) -> None:
    """Ask the guideline graph a question in SPARQL."""
    from dermograph import inputs, questions
    from dermograph.knowledge import Knowledge

    if listed:
        _rows(["question", "what it finds"], map(list, questions.names().items()), format)
        return
    if name is None:
        raise UsageError("no question is given", "dermograph query --list names those that came along")
    if name == inputs.STDIN == on:
        raise UsageError("standard input can be read once", "give the question or the patient as a file")
    file = name == inputs.STDIN or (Path(name).is_file() and name not in questions.names())
    if not file and (Path(name).suffix == ".rq" or "/" in name):
        raise InputError(f"{name}: no such file", "check the path")
    source = "standard input" if name == inputs.STDIN else name
    text = inputs.content(name).decode("utf-8", errors="replace") if file else questions.text(name)
    store = questions.guideline_store(ontology_folder(ontology))
    if on is not None:
        questions.put_beside(store, on, Knowledge.load(ontology))
    _print(questions.ask(store, text, source), format)


def _print(answer: Answer, format: TableFormat) -> None:
    import pyoxigraph as ox

    from dermograph import questions
    from dermograph.formatting import canonical

    if isinstance(answer, ox.QueryBoolean):
        if format is TableFormat.ttl:
            raise UsageError("a question of yes or no has no triples", "take --format table, json or csv")
        boolean = bool(answer)
        typer.echo(f'{{"head":{{}},"boolean":{str(boolean).lower()}}}' if format is TableFormat.json else str(boolean).lower())
    elif isinstance(answer, ox.QuerySolutions):
        if format is TableFormat.ttl:
            raise UsageError("a SELECT gives rows and no triples", "take --format table, json or csv, or write a CONSTRUCT")
        if format is TableFormat.json:
            typer.echo((answer.serialize(format=ox.QueryResultsFormat.JSON) or b"").decode())
        else:
            _rows([v.value for v in answer.variables], questions.rows(answer), format)
    else:
        triples = list(dict.fromkeys(answer))
        if format is TableFormat.ttl:
            typer.echo(canonical("".join(f"{t} .\n" for t in triples), "the answer"), nl=False)
        elif format is TableFormat.json:
            typer.echo((ox.serialize(triples, format=ox.RdfFormat.JSON_LD) or b"").decode())
        else:
            _rows(["subject", "predicate", "object"], questions.triple_rows(triples), format)


def _rows(columns: list[str], rows: Iterator[list[str]], format: TableFormat) -> None:
    from dermograph import session

    if format is TableFormat.table:
        session.print_table(columns, rows)
    elif format is TableFormat.json:
        typer.echo(session.dumps([dict(zip(columns, row, strict=True)) for row in rows]))
    elif format is TableFormat.csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        typer.echo(text.getvalue(), nl=False)
    else:
        raise UsageError("rows are no triples", "take --format table, json or csv")
