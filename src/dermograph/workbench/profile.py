"""Whether an ontology keeps to OWL 2 DL, and to the fragment of it that criteria are written in."""

from __future__ import annotations

from collections.abc import Iterator

from dermograph.workbench.problems import Problem
from dermograph.workbench.theory import Theory


def problems(theory: Theory) -> Iterator[Problem]:
    """What lies outside."""
    return iter(())
