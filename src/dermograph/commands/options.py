"""What several commands take."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from dermograph import content
from dermograph.errors import InputError, UsageError

INVALID = InputError.code
"""Exit code of a command that found what is to be mended."""
SIDE = "an ontology folder or a checkout, a git revision, a wheel, or a version"
"""What a version of the ontology may be named by."""

Ontology = Annotated[
    Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Ontology to use instead of the one that came along.")
]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit with 3 where something would change.")]


def ontology_folder(given: Path | None) -> Path:
    """Folder of the ontology that was given, else of the one that came along."""
    return given or content.folder("ontology")


def need(what: str, extra: str, *modules: str) -> None:
    """See that the modules of an extra are installed.

    :param what: beginning of the message, such as ``the site needs``.
    :raises UsageError: one is missing.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} {' and '.join(missing)}", f"install the extra: pip install 'dermograph[{extra}]'")
