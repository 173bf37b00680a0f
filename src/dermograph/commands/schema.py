"""``dermograph schema``: the JSON Schema of answers."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema of assess --format json."""
    from dermograph import session
    from dermograph.schema import schema as made

    typer.echo(session.dumps(made(), 2))
