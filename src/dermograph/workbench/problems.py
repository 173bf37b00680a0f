"""What the workbench finds wrong with an ontology, and how it is told: as text, as JSON and as SARIF.

SARIF is the Static Analysis Results Interchange Format, https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from dermograph import __version__

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, or that an author should know.

    :param file: path of the file, relative to the ontology where it lies in it; empty where no one file is to blame.
    :param line: line in the file, from 1; 0 where there is none.
    :param rule: kebab-case name of the rule that is broken, the same for every breach of it.
    :param node: compact IRI of the node, empty where there is none.
    :param message: what is wrong.
    :param mend: what to do about it.
    """

    file: str
    line: int
    rule: str
    node: str
    message: str
    mend: str
    level: Level = "error"

    def __str__(self) -> str:
        return "\n  mend: ".join(self.told)

    @property
    def told(self) -> tuple[str, str]:
        """What is wrong and where, and the mend."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        start = ": ".join(part for part in (place, self.node) if part)
        return f"{start}: {self.message} [{self.rule}]", self.mend


def failed(problems: Iterable[Problem]) -> bool:
    """Whether one of the problems is an error."""
    return any(p.level == "error" for p in problems)


def to_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems in plain JSON."""
    return [dataclasses.asdict(p) for p in problems]


def to_sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """Problems as a SARIF 2.1.0 log of one run."""
    rules = sorted({p.rule for p in problems})
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "dermograph", "version": __version__, "rules": [{"id": rule} for rule in rules]}},
                "results": [_result(p) for p in problems],
            }
        ],
    }


def _result(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": problem.rule,
        "level": problem.level,
        "message": {"text": f"{problem.node}: {problem.message} Mend: {problem.mend}".removeprefix(": ")},
    }
    if problem.file:
        region = {"region": {"startLine": problem.line}} if problem.line else {}
        found["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": quote(problem.file)}, **region}}]
    return found
