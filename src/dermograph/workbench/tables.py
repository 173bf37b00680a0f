"""Tables as plain text."""

from __future__ import annotations

import io
from collections.abc import Sequence

WIDTH = 120


def text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table of text, as wide as they need and at most :data:`WIDTH` columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(show_lines=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False, markup=False)
    console.print(grid)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip("\n")
