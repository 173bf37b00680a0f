"""Commands for those who read and write the knowledge itself: questions, criteria, layout and coverage."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermograph.errors import InputError, UsageError

if TYPE_CHECKING:
    import pyoxigraph as ox

    from dermograph.questions import Answer

INVALID = InputError.code


class TableFormat(StrEnum):
    """Format of the answer to a question."""

    table = "table"
    json = "json"
    csv = "csv"
    ttl = "ttl"


class Notation(StrEnum):
    """How a criterion is written."""

    text = "text"
    manchester = "manchester"
    sparql = "sparql"


class CoverageFormat(StrEnum):
    """Format of the coverage."""

    table = "table"
    json = "json"


Ontology = Annotated[
    Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Ontology to use instead of the one that came along.")
]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit with 3 where something would change.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    from dermograph.commands import new
    from dermograph.commands.check import check
    from dermograph.commands.cover import cover
    from dermograph.commands.diff import diff
    from dermograph.commands.docs import docs
    from dermograph.commands.kit import kit
    from dermograph.commands.prove import prove

    for command in (query, criterion, schema, coverage, derive, fmt, check, cover, diff, docs, kit, prove):
        app.command()(command)
    app.add_typer(new.app, name="new")


def _ontology(given: Path | None) -> Path:
    from dermograph import content

    return given or content.folder("ontology")


# --- asking


def query(
    name: Annotated[str | None, typer.Argument(metavar="[NAME|FILE]", help="Name of a question, a file of SPARQL, or - for standard input.")] = None,
    on: Annotated[str | None, typer.Option(metavar="PATIENT", help="Put the record, facts and verdicts of a patient beside the guidelines.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Name the questions that came along.")] = False,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.table,
    ontology: Ontology = None,
) -> None:
    """Ask the guideline graph a question in SPARQL."""
    from dermograph import inputs, questions

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
    store = questions.guideline_store(_ontology(ontology))
    if on is not None:
        _put_beside(store, on, ontology)
    _print(questions.ask(store, text, source), format)


def _put_beside(store: ox.Store, patient: str, ontology: Path | None) -> None:
    from dermograph import inputs, questions, stages
    from dermograph.errors import InvalidInput
    from dermograph.knowledge import Knowledge

    knowledge = Knowledge.load(ontology)
    for batch in inputs.batches(inputs.read(patient)):
        for one, answer in zip(batch, list(knowledge.assess_all(batch)), strict=True):
            if isinstance(answer, InvalidInput):
                raise answer
            found = stages.triples(knowledge, [one])
            questions.put_beside(store, {key: found[key] for key in ("record", "facts")}, answer)


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
    for one in inputs.read(on):
        knowledge.assess(one)
        node = explanation.tell_criterion(knowledge.case(one), name)
        typer.echo(f"\n{sign}{one.name}, as of {one.as_of}: {node.truth}")
        for line in explanation.lines(node):
            typer.echo(f"{sign}{line}")


def schema() -> None:
    """Print the JSON Schema of assess --format json."""
    from dermograph import session
    from dermograph.schema import schema as made

    typer.echo(session.dumps(made(), 2))


# --- writing


def coverage(format: Annotated[CoverageFormat, typer.Option()] = CoverageFormat.table, ontology: Ontology = None) -> None:
    """List each statement of the documents with the nodes that carry it; exit with 3 where one is carried by none."""
    from dermograph import session
    from dermograph.coverage import cover, summary
    from dermograph.workbench import references

    folder = _ontology(ontology)
    references.refuse(folder)
    rows = cover(folder)
    if format is CoverageFormat.json:
        typer.echo(session.dumps({"carried": sum(1 for r in rows if r.nodes), "of": len(rows), "statements": [r.to_json() for r in rows]}))
    else:
        table = ([r.statement, "yes" if r.executable else "no", "\n".join(f"{n} ({', '.join(k)})" for n, k in r.nodes) or "none"] for r in rows)
        session.print_table(["statement", "executable", "carried by"], table)
        typer.echo(summary(rows))
    bare = [r.statement for r in rows if not r.nodes]
    if bare:
        raise InputError(f"no node carries {', '.join(bare)}", "cite each with dg:statement at the node that says it")


def derive(check: Check = False, ontology: Ontology = None) -> None:
    """Write the module of criteria that follow from label facts."""
    from dermograph import derive as derivation
    from dermograph.formatting import canonical
    from dermograph.workbench import references

    folder = _ontology(ontology)
    path = folder / derivation.MODULE
    text = canonical(derivation.turtle(folder), str(derivation.MODULE))
    references.refuse(folder, derived=text)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        typer.echo(f"{path} is up to date")
    elif check:
        raise InputError(f"{path} is stale", "run: dermograph derive" + (f" --ontology {ontology}" if ontology else ""))
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"{path} written")


def fmt(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]", help="Turtle files or folders; - is standard input.")] = None,
    check: Check = False,
) -> None:
    """Lay Turtle files out in the one layout; without paths, the whole ontology."""
    from dermograph import inputs
    from dermograph.formatting import canonical

    changed, failed = [], False
    for path in paths or [str(_ontology(None))]:
        if path == inputs.STDIN:
            given = inputs.content(path).decode("utf-8", errors="replace")
            text = canonical(given, "standard input")
            if not check:
                typer.echo(text, nl=False)
            elif text != given:
                changed.append("standard input")
            continue
        files = sorted(Path(path).rglob("*.ttl")) if Path(path).is_dir() else [Path(path)]
        for file in files:
            try:
                failed = not _laid_out(file, check, changed) or failed
            except InputError as error:
                failed = True
                typer.echo(f"dermograph: {error}", err=True)
    for name in changed:
        typer.echo(f"{'would change' if check else 'changed'} {name}", err=check)
    if failed or (check and changed):
        raise typer.Exit(INVALID)


def _laid_out(file: Path, check: bool, changed: list[str]) -> bool:
    """Lay out one file; false where it is no Turtle."""
    from dermograph import inputs, session
    from dermograph.errors import KnowledgeError
    from dermograph.formatting import canonical

    given = inputs.content(str(file)).decode("utf-8", errors="replace")
    try:
        text = canonical(given, str(file))
    except KnowledgeError as error:
        session.complain(error)
        return False
    if text != given:
        changed.append(str(file))
        if not check:
            file.write_text(text, encoding="utf-8")
    return True
