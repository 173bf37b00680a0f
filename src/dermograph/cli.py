"""The command line: thin functions over the same calls that Python users make.

Exit codes: 0 done, 1 a bug, 2 a wrong command line, 3 an input that cannot be read or is invalid, 130 interrupted, 141
the reader of the output went away. Whatever is slow to import is imported by the command that needs it.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from dermograph import __version__
from dermograph.commands import registry
from dermograph.commands.options import Ontology
from dermograph.errors import DermographError, Finding, InvalidInput, UsageError
from dermograph.session import Session, complain, console, dumps

if TYPE_CHECKING:
    import pyoxigraph as ox

    from dermograph.record import Record

DEBUG = "DERMOGRAPH_DEBUG"
"""Environment variable that asks for the traceback of a bug."""


class _Commands(TyperGroup):
    """Commands whose errors end in one paragraph and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except DermographError as error:
            raise typer.Exit(complain(error)) from error
        except BrokenPipeError as error:
            _drop_output()
            raise typer.Exit(141) from error
        except Exception as error:
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort) or os.environ.get(DEBUG):
                raise
            message = f"dermograph: a bug: {type(error).__name__}: {error}\n  mend: report it with the traceback, which {DEBUG}=1 shows"
            typer.echo(message, err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Treatment guidelines as a knowledge graph that can be run. Not a medical device: a clinician decides.",
)


class Engine(StrEnum):
    """Engine that answers SPARQL."""

    oxigraph = "oxigraph"
    rdflib = "rdflib"


class AnswerFormat(StrEnum):
    """Format of answers."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    ttl = "ttl"
    fhir = "fhir"
    md = "md"


class Stage(StrEnum):
    """Stage of the derivation."""

    record = "record"
    facts = "facts"
    criteria = "criteria"


class TreeFormat(StrEnum):
    """Format of an explanation."""

    text = "text"
    json = "json"
    md = "md"


class PlainFormat(StrEnum):
    """Format of findings."""

    text = "text"
    json = "json"


class PictureFormat(StrEnum):
    """Format of a drawing."""

    mermaid = "mermaid"
    svg = "svg"
    dot = "dot"


Patients = Annotated[list[str], typer.Argument(metavar="PATIENT", help="Files of patient graphs or FHIR, or folders of FHIR; - is standard input.")]
OnePatient = Annotated[str, typer.Argument(metavar="PATIENT", help="File of a patient graph or of FHIR; - is standard input.")]
AsOf = Annotated[dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="Day asked about, as 2026-11-01.")]
Syntax = Annotated[
    str | None, typer.Option(metavar="ENDING", help="Syntax of the input, by its ending: ttl, jsonld, nt, nq, trig, rdf; json, ndjson for FHIR.")
]
Report = Annotated[bool, typer.Option("--report", help="Tell on standard error what became of every record of FHIR, and why.")]
EngineOption = Annotated[Engine, typer.Option(help="Engine that answers SPARQL.")]


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="replace")
    try:
        app(args=None if args is None else list(args), prog_name="dermograph")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    else:
        code = 0
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return 141
    return code


def _drop_output() -> None:
    """Let whatever is still buffered for a reader that went away disappear."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dermograph {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")] = False,
) -> None:
    """Hold what all commands share."""


# --- patients


@app.command()
def assess(
    patients: Patients,
    as_of: AsOf = None,
    format: Annotated[AnswerFormat | None, typer.Option(help="Default: table.", show_default=False)] = None,
    engine: EngineOption = Engine.oxigraph,
    ontology: Ontology = None,
    syntax: Syntax = None,
    report: Report = False,
    stop_after: Annotated[Stage | None, typer.Option(help="Print this stage as TriG instead of an answer.")] = None,
) -> None:
    """Assess patients: every therapy's status with dose, reasons and sources."""
    if stop_after and format:
        raise UsageError("--stop-after prints TriG, so --format has nothing to do", "leave one of them out")
    session = Session(patients, as_of, syntax, ontology, engine.value, report=report)
    if stop_after:
        _stages(session, stop_after)
    else:
        _tell(session, format or AnswerFormat.table)
    session.end()


@app.command()
def explain(
    patient: OnePatient,
    therapy: Annotated[str, typer.Argument(help="Therapy by name or label: ad:NAME, NAME or the words.")],
    as_of: AsOf = None,
    format: Annotated[TreeFormat, typer.Option()] = TreeFormat.text,
    full: Annotated[bool, typer.Option("--full", help="Every part of every criterion, those that decide nothing too.")] = False,
    engine: EngineOption = Engine.oxigraph,
    ontology: Ontology = None,
    syntax: Syntax = None,
    report: Report = False,
) -> None:
    """Explain a therapy's status: why, why not, and what would change it."""
    from dermograph import explanation, render

    session = Session([patient], as_of, syntax, ontology, engine.value, report=report)
    name = explanation.find_therapy(session.knowledge.tree, therapy)
    one = session.only()
    answer = session.knowledge.assess(one)
    node = explanation.explain(session.knowledge.case(one), answer, name, full=full)
    tree = session.knowledge.tree
    if format is TreeFormat.json:
        sources = dict(render.cited(tree, node.walk()))
        head = {"patient": answer.patient, "asOf": answer.as_of, "therapy": name, "status": answer.therapy(name).status}
        typer.echo(dumps(head | {"explanation": node.to_json(), "sources": sources}))
    elif format is TreeFormat.md:
        typer.echo(render.markdown_tree(tree, node) + f"\n{render.DISCLAIMER}")
    else:
        from rich.text import Text

        terminal = console()
        terminal.print(Text(f"{answer.patient}, as of {answer.as_of}"), render.tree_view(node))
        terminal.print(Text("\nSources", style="bold"))
        for source, text in render.cited(tree, node.walk()):
            terminal.print(Text(f"  {source}: {text}"))
        terminal.print(Text(f"\n{render.DISCLAIMER}"))


@app.command()
def validate(
    patients: Patients,
    as_of: AsOf = None,
    format: Annotated[PlainFormat, typer.Option()] = PlainFormat.text,
    reference: Annotated[bool, typer.Option("--reference", help="Ask pySHACL instead of the fast route.")] = False,
    ontology: Ontology = None,
    syntax: Syntax = None,
    report: Report = False,
) -> None:
    """Hold patient graphs to the shapes."""
    import dataclasses

    from dermograph import content, inputs

    session = Session(patients, as_of, syntax, ontology, quiet=format is PlainFormat.json, report=report)
    rows: list[dict[str, Any]] = []
    for batch in inputs.batches(session.records()):
        if reference:
            from dermograph.reference import reference as by_pyshacl

            findings = by_pyshacl(session.knowledge, batch, ontology or content.folder("ontology"))
        else:
            findings = session.knowledge.validate(batch)
        for one in batch:
            own = [f for f in findings if f.patient == one.name] + _breaches(session, one)
            valid = not any(f.severity == "Violation" for f in own)
            session.code = session.code if valid else InvalidInput.code
            rows.append({"source": one.source, "patient": one.name, "valid": valid, "findings": list(map(dataclasses.asdict, own))})
            if format is PlainFormat.text:
                typer.echo(f"{one.source}: {one.name}: {'valid' if valid else 'invalid'}")
                for f in own:
                    typer.echo(f"  {f.severity}: {f.message} [{f.shape}]")
    if format is PlainFormat.json:
        if report:
            rows += [{"source": r.report.source, "patient": None, "valid": True, "report": r.report.to_json()} for r in session.readings]
        unread = [{"source": s, "patient": None, "valid": False, "error": e.message, "mend": e.hint} for s, e in session.refused]
        typer.echo(dumps(rows + unread))
    session.end()


@app.command()
def pathway(
    patient: Annotated[str | None, typer.Argument(metavar="[PATIENT]", help="Patient graph whose place is marked; - is standard input.")] = None,
    guideline: Annotated[str | None, typer.Option(metavar="IRI", help="One guideline; without it, all.")] = None,
    as_of: AsOf = None,
    format: Annotated[PictureFormat, typer.Option()] = PictureFormat.mermaid,
    ontology: Ontology = None,
    syntax: Syntax = None,
    report: Report = False,
) -> None:
    """Draw the pathways, with the patient's place and next steps marked."""
    from dermograph import drawing
    from dermograph.explanation import find_guideline

    session = Session([patient] if patient else [], as_of, syntax, ontology, report=report)
    tree = session.knowledge.tree
    wanted = [find_guideline(tree, guideline)] if guideline else list(tree["guidelines"])
    answer = session.knowledge.assess(session.only()) if patient else None
    draw = {PictureFormat.mermaid: drawing.mermaid, PictureFormat.dot: drawing.dot, PictureFormat.svg: drawing.svg}[format]
    typer.echo(draw(drawing.pathways(tree, wanted, answer)), nl=False)


def _breaches(session: Session, one: Record) -> list[Finding]:
    """What in the resources of a patient is not as FHIR has it."""
    entries = next((r.entries[one.patient.value] for r in session.readings if r.report.source == one.source and one in r.records), None)
    if entries is None:
        return []
    from dermograph.commands.options import need
    from dermograph.fhir import validation

    need("validation of FHIR needs", "fhir", "fhir")
    return list(validation.breaches(entries, one.name))


def _tell(session: Session, format: AnswerFormat) -> None:
    tree = session.knowledge.tree
    if format is AnswerFormat.jsonl:
        for answer in session.answers():
            typer.echo(dumps(answer.to_json(), None))
        return
    if format is AnswerFormat.table:
        from dermograph import render

        terminal, told = console(), False
        for answer in session.answers():
            for part in render.table(tree, answer):
                terminal.print(part)
            terminal.print()
            told = True
        if told:
            terminal.print(render.DISCLAIMER, style="bold")
        return
    answers = list(session.answers())
    if format is AnswerFormat.json:
        found = [answer.to_json() for answer in answers]
        if session.several:
            typer.echo(dumps(found))
        elif found:
            typer.echo(dumps(found[0]))
    elif format is AnswerFormat.ttl:
        from dermograph import rdf_output

        typer.echo(rdf_output.turtle(answers), nl=False)
    elif format is AnswerFormat.fhir:
        from dermograph.fhir import answers as fhir_answers
        from dermograph.fhir.coding import Coder

        if answers:
            typer.echo(dumps(fhir_answers.bundle(Coder(session.knowledge), answers)))
    elif answers:
        from dermograph import render

        typer.echo("\n".join([*(render.markdown(tree, answer) for answer in answers), render.DISCLAIMER]))


def _stages(session: Session, stage: Stage) -> None:
    """Print a stage of the derivation of every patient as one named graph."""
    from dermograph import inputs, stages

    found: list[ox.Triple] = []
    for batch in inputs.batches(session.records()):
        good = batch
        if stage is not Stage.record:
            breaches = [f for f in session.knowledge.validate(batch) if f.severity == "Violation"]
            for one in batch:
                own = [f for f in breaches if f.patient == one.name]
                if own:
                    session.refuse(one.source, InvalidInput(one.source, own))
            bad = {f.patient for f in breaches}
            good = [one for one in batch if one.name not in bad]
        found += stages.triples(session.knowledge, good)[stage.value]
    typer.echo(stages.trig(found, stage.value), nl=False)


registry.register(app)
