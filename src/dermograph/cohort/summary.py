"""The summary of a run: totals, statuses by age and sex, how many each recommendation loses at which criterion, what is missing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort.program import Program
from dermograph.verdicts import PRECEDENCE

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Totals:
    """How many patients were read, assessed and rejected; the latter two add up to the first."""

    read: int
    assessed: int
    rejected: int


@dataclass(frozen=True)
class Summary:
    """Summary of the counts that a run has written.

    :param work: folder with the counts of each part.
    :param out: folder that the summary is written into.
    :param codes: what the bits of the verdicts mean.
    """

    program: Program
    work: Path
    out: Path
    codes: dict[str, dict[str, str]]

    def write(self, con: duckdb.DuckDBPyConnection, totals: Totals) -> None:
        """Write ``summary.json``, whole or not at all."""
        found = {
            "knowledge": {"version": self.program.knowledge.version, "sha256": self.program.knowledge.sha256},
            "totals": asdict(totals),
            "therapies": self._statuses(con),
            "recommendations": self._attrition(con, totals),
            "missing": self._missing(con),
            "codes": self.codes,
        }
        aside = self.work / "summary.json"
        aside.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        aside.replace(self.out / "summary.json")

    def _counted(self, con: duckdb.DuckDBPyConnection, name: str, keys: str, *sums: str) -> list[tuple[Any, ...]]:
        added = ", ".join(f"CAST(sum({s}) AS BIGINT)" for s in sums)
        return con.execute(
            f"SELECT {keys}, {added} FROM read_parquet('{(self.work / name).as_posix()}/*.parquet') GROUP BY ALL ORDER BY ALL"
        ).fetchall()

    def _statuses(self, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        rows = self.program.knowledge.tree["rows"]
        found: dict[str, Any] = {t: {"label": row["label"], "status": dict.fromkeys(PRECEDENCE, 0), "by": []} for t, row in rows.items()}
        for therapy, status, age, sex, patients in self._counted(con, "statuses", "therapy, status, age, sex", "patients"):
            found[therapy]["status"][PRECEDENCE[status]] += patients
            found[therapy]["by"].append({"status": PRECEDENCE[status], "age": age, "sex": sex, "patients": patients})
        return found

    def _attrition(self, con: duckdb.DuckDBPyConnection, totals: Totals) -> dict[str, Any]:
        """For each recommendation, criterion by criterion: how many came so far, are known not to meet it, and are not known to."""
        tree = self.program.knowledge.tree
        counts: dict[str, dict[int, int]] = {r: {} for r in tree["recommendations"]}
        for name, stops, patients in self._counted(con, "attrition", "recommendation, stops", "patients"):
            counts[name][stops] = patients
        found = {}
        for name, rec in tree["recommendations"].items():
            left, steps = totals.assessed, []
            for place, barrier in enumerate(rec["barriers"], start=1):
                lost, unknown = counts[name].get(place, 0), counts[name].get(-place, 0)
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

    def _missing(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """What is missing of how many patients for which therapy, and of how many it is all that is missing; the most first."""
        labels = self.program.knowledge.tree["labels"]
        rows = self._counted(con, "missing", "therapy, item", "patients", "alone")
        told = [{"fact": i, "label": labels.get(i, i), "therapy": t, "patients": n, "alone": alone} for t, i, n, alone in rows]
        return sorted(told, key=lambda row: (-int(row["alone"]), -int(row["patients"]), str(row["fact"]), str(row["therapy"])))
