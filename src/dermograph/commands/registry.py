"""The commands that are modules of their own, put on the command line."""

from __future__ import annotations

import typer

from dermograph.commands import new
from dermograph.commands.check import check
from dermograph.commands.cohort import cohort
from dermograph.commands.cover import cover
from dermograph.commands.coverage import coverage
from dermograph.commands.criterion import criterion
from dermograph.commands.derive import derive
from dermograph.commands.diff import diff
from dermograph.commands.docs import docs
from dermograph.commands.fhir import fhir
from dermograph.commands.fmt import fmt
from dermograph.commands.kit import kit
from dermograph.commands.prove import prove
from dermograph.commands.query import query
from dermograph.commands.schema import schema
from dermograph.commands.serve import serve
from dermograph.commands.synth import synth


def register(app: typer.Typer) -> None:
    """Add the commands, in the order in which the help lists them."""
    for command in (query, criterion, schema, coverage, check, prove, cover, diff, docs, fhir, kit, cohort, synth, serve, derive, fmt):
        app.command()(command)
    app.add_typer(new.app, name="new")
