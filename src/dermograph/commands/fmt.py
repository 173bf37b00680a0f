"""``dermograph fmt``: the one layout of Turtle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dermograph.commands.options import INVALID, Check, Ontology, ontology_folder
from dermograph.errors import InputError


def fmt(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]", help="Turtle files or folders; - is standard input.")] = None,
    check: Check = False,
    ontology: Ontology = None,
) -> None:
    """Lay Turtle files out in the one layout; without paths, the whole ontology."""
    from dermograph import inputs, session
    from dermograph.formatting import canonical

    changed, failed = [], False
    for path in paths or [str(ontology_folder(ontology))]:
        if path == inputs.STDIN:
            given = inputs.content(path).decode("utf-8", errors="replace")
            text = canonical(given, "standard input")
            if not check:
                _keep_comments(given, "standard input")
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
                session.complain(error)
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
        if not check:
            _keep_comments(given, str(file))
            file.write_text(text, encoding="utf-8")
        changed.append(str(file))
    return True


def _keep_comments(text: str, source: str) -> None:
    """Refuse a text with comments, which would be lost: a graph has none."""
    from dermograph.workbench.positions import TOKEN

    for token in TOKEN.finditer(text):
        if token["comment"]:
            line = text.count("\n", 0, token.start()) + 1
            mend = "say it of the node, with skos:editorialNote or rdfs:comment, or take it out"
            raise InputError(f"{source}:{line}: a comment, which the one layout would drop", mend)
