"""The summary of a run: totals, statuses by age and sex, how many each recommendation loses at which criterion, what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from dermograph.cohort.counts import Counts
from dermograph.cohort.program import Program
from dermograph.verdicts import PRECEDENCE


@dataclass(frozen=True)
class Totals:
    """How many patients were read, assessed and rejected; the latter two add up to the first."""

    read: int
    assessed: int
    rejected: int


@dataclass(frozen=True)
class Summary:
    """Summary of the counts that a run has written.

    :param counts: of all parts.
    """

    program: Program
    counts: Counts

    def told(self, totals: Totals) -> dict[str, Any]:
        """All of it, as ``summary.json`` holds it."""
        return {
            "knowledge": {"version": self.program.knowledge.version, "sha256": self.program.knowledge.sha256},
            "totals": asdict(totals),
            "therapies": self._statuses(),
            "recommendations": self._attrition(totals),
            "missing": self._missing(),
            "codes": self._codes(),
        }

    def _codes(self) -> dict[str, dict[str, str]]:
        """What each bit of ``because`` and ``missing`` means."""
        verdicts = self.program.verdicts
        named = {"because": verdicts.kinds, "missing": verdicts.items}
        return {column: {str(1 << place): word for place, word in enumerate(words)} for column, words in named.items()}

    def _statuses(self) -> dict[str, Any]:
        rows = self.program.knowledge.tree["rows"]
        found: dict[str, Any] = {t: {"label": row["label"], "status": dict.fromkeys(PRECEDENCE, 0), "by": []} for t, row in rows.items()}
        for (therapy, status, age, sex), patients in sorted(self.counts.statuses.items()):
            found[therapy]["status"][status] += patients
            found[therapy]["by"].append({"status": status, "age": age, "sex": sex, "patients": patients})
        return found

    def _attrition(self, totals: Totals) -> dict[str, Any]:
        """For each recommendation, criterion by criterion: how many came so far, are known not to meet it, and are not known to."""
        tree, counts = self.program.knowledge.tree, self.counts.attrition
        found = {}
        for name, rec in tree["recommendations"].items():
            left, steps = totals.assessed, []
            for place, barrier in enumerate(rec["barriers"], start=1):
                lost, unknown = counts[name, place], counts[name, -place]
                label = tree["criteria"][barrier["criterion"]]["label"] if barrier["criterion"] else barrier["label"]
                steps.append(
                    {
                        "kind": tree["kinds"][barrier["kind"]]["notation"],
                        "criterion": barrier["criterion"],
                        "label": label,
                        "reached": left,
                        "lost": lost,
                        "unknown": unknown,
                    }
                )
                left -= lost + unknown
            found[name] = {"label": rec["label"], "therapy": rec["therapy"], "steps": steps, "met": left}
        return found

    def _missing(self) -> list[dict[str, Any]]:
        """What is missing of how many patients for which therapy, and of how many it is all that is missing; the most first."""
        labels, items = self.program.knowledge.tree["labels"], self.program.verdicts.items
        patients, alone = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for (therapy, bits), number in self.counts.missing.items():
            for place, item in enumerate(items):
                if bits >> place & 1:
                    patients[therapy, item] += number
                    alone[therapy, item] += number if bits == 1 << place else 0
        told = [{"fact": i, "label": labels.get(i, i), "therapy": t, "patients": n, "alone": alone[t, i]} for (t, i), n in patients.items()]
        return sorted(told, key=lambda row: (-int(row["alone"]), -int(row["patients"]), str(row["fact"]), str(row["therapy"])))
