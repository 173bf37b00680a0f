"""``dermograph coverage``: each statement of the documents with the nodes that carry it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dermograph.commands.options import Ontology, ontology_folder
from dermograph.errors import InputError


class CoverageFormat(StrEnum):
    """Format of the coverage."""

    table = "table"
    json = "json"


def coverage(format: Annotated[CoverageFormat, typer.Option()] = CoverageFormat.table, ontology: Ontology = None) -> None:
    """List each statement of the documents with the nodes that carry it; exit with 3 where one is carried by none."""
    from dermograph import session
    from dermograph.coverage import cover, summary
    from dermograph.workbench import references

    where = ontology_folder(ontology)
    references.refuse(where)
    rows = cover(where)
    if format is CoverageFormat.json:
        typer.echo(session.dumps({"carried": sum(1 for r in rows if r.nodes), "of": len(rows), "statements": [r.to_json() for r in rows]}))
    else:
        table = ([r.statement, "yes" if r.executable else "no", "\n".join(f"{n} ({', '.join(k)})" for n, k in r.nodes) or "none"] for r in rows)
        session.print_table(["statement", "executable", "carried by"], table)
        typer.echo(summary(rows))
    bare = [r.statement for r in rows if not r.nodes]
    if bare:
        raise InputError(f"no node carries {', '.join(bare)}", "cite each with dg:statement at the node that says it")
