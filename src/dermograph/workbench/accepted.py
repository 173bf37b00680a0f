"""Mutants that no case notices and that are accepted as they are, each with its reason, kept as YAML beside the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from dermograph.errors import InputError

PLACE = Path("mutants") / "accepted.yaml"
"""Where the file lies, from the folder that holds the folder of cases."""


@dataclass(frozen=True)
class Survival:
    """What became of the mutants.

    :param noticed: for each mutant the case that notices it, empty where none does.
    :param accepted: reason by name of the mutant.
    """

    noticed: Mapping[str, str]
    accepted: Mapping[str, str]

    @property
    def survivors(self) -> list[str]:
        """Mutants that no case notices."""
        return [name for name, case in self.noticed.items() if not case]

    @property
    def unexplained(self) -> list[str]:
        """Survivors that nobody has given a reason for."""
        return [name for name in self.survivors if name not in self.accepted]

    @property
    def needless(self) -> list[str]:
        """Accepted mutants that a case notices, or that are none."""
        return [name for name in self.accepted if self.noticed.get(name, "none")]

    @property
    def share(self) -> Decimal:
        """Share of mutants that survive, in percent, rounded up to a tenth."""
        return Decimal(-(-len(self.survivors) * 1000 // max(len(self.noticed), 1))) / 10

    def counts(self) -> list[tuple[str, int, int]]:
        """For each kind of mutant how many there are and how many survive."""
        made, left = (Counter(name.partition(":")[0] for name in names) for names in (self.noticed, self.survivors))
        return [(kind, made[kind], left[kind]) for kind in sorted(made)]

    def to_json(self) -> dict[str, Any]:
        """The outcome in plain JSON."""
        survivors = [{"mutant": name, "reason": self.accepted.get(name, "")} for name in self.survivors]
        counts = [{"kind": kind, "mutants": made, "survive": left} for kind, made, left in self.counts()]
        return {"percent": float(self.share), "mutants": len(self.noticed), "counts": counts, "survivors": survivors, "needless": self.needless}


def read(path: Path) -> dict[str, str]:
    """Reasons by name of the mutant; none where there is no file.

    :raises InputError: the file is no YAML, or a mutant has no reason.
    """
    if not path.is_file():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {error}", "mend the YAML there") from error
    if not isinstance(found, dict) or not all(isinstance(r, str) and r for reasons in [found.values()] for r in reasons):
        raise InputError(f"{path}: a mutant without a reason", "write the name of each mutant, a colon and the reason")
    return found
