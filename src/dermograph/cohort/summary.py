"""The summary of a run, of which its tables, pictures and report are made.

It holds totals, statuses by age and sex, how many each recommendation loses at which criterion, how many stand at each step,
what is missing, what was rejected and what was passed over.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort.program import Program
from dermograph.cohort.tables import IGNORED, quoted
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
        """Write ``summary.json``."""
        found = {
            "knowledge": {"version": self.program.knowledge.version, "sha256": self.program.knowledge.sha256},
            "totals": asdict(totals),
            "asOf": self._days(con),
            "therapies": self._statuses(con),
            "recommendations": self._attrition(con, totals),
            "pathways": self._pathways(con),
            "facts": self._facts(con),
            "missing": self._missing(con),
            "rejected": self._rejected(con),
            "ignored": self._ignored(con),
            "codes": self.codes,
        }
        keep(found, self.out, self.work)

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
        then: dict[str, dict[str, int]] = {r: dict.fromkeys(PRECEDENCE, 0) for r in tree["recommendations"]}
        for name, stops, status, patients in self._counted(con, "attrition", "recommendation, stops, status", "patients"):
            counts[name][stops] = counts[name].get(stops, 0) + patients
            if stops == 0:
                then[name][PRECEDENCE[status]] += patients
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
            found[name] = {"label": rec["label"], "therapy": rec["therapy"], "steps": steps, "met": left, "then": then[name]}
        return found

    def _pathways(self, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        """For each pathway: whom the guideline speaks of, and how many stand at each step, at none, or have it next.

        A patient of whom it is not known whether the guideline applies stands in the pathway too; one may stand at several steps.
        """
        tree = self.program.knowledge.tree
        found: dict[str, Any] = {}
        for name, guideline in tree["guidelines"].items():
            steps = [{"step": s, "label": tree["steps"][s]["label"], "at": 0, "next": 0} for s in guideline["order"]]
            found[name] = {"label": guideline["label"], "applies": {"yes": 0, "unknown": 0, "no": 0}, "past": 0, "steps": steps}
        for name, applies, at, following, patients in self._counted(con, "places", 'guideline, applies, "at", next', "patients"):
            one = found[name]
            one["applies"]["unknown" if applies is None else "yes" if applies else "no"] += patients
            one["past"] += patients if at == 0 and applies is not False else 0
            for place, step in enumerate(one["steps"]):
                step["at"] += patients * (at >> place & 1)
                step["next"] += patients * (following >> place & 1)
        return found

    def _facts(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """How many patients lack each fact, and for how many it alone would settle some therapy; those that settle most first."""
        labels = self.program.knowledge.tree["labels"]
        rows = self._counted(con, "facts", "item", "patients", "decided")
        told = [{"fact": i, "label": labels.get(i, i), "patients": n, "decides": decided} for i, n, decided in rows]
        return sorted(told, key=lambda row: (-int(row["decides"]), -int(row["patients"]), str(row["fact"])))

    def _missing(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """What is missing of how many patients for which therapy, of how many it is all that is missing, and for how many it would settle it."""
        labels = self.program.knowledge.tree["labels"]
        rows = self._counted(con, "missing", "therapy, item", "patients", "alone", "decided")
        told = [
            {"fact": i, "label": labels.get(i, i), "therapy": t, "patients": n, "alone": alone, "decides": decided}
            for t, i, n, alone, decided in rows
        ]
        return sorted(told, key=lambda row: (-int(row["alone"]), -int(row["patients"]), str(row["fact"]), str(row["therapy"])))

    def _rejected(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """Why rows were rejected: how many of which table, and of how many patients."""
        rows = con.execute(
            'SELECT reason, "table", count(*) AS n, count(DISTINCT patient) FROM '
            f"read_parquet('{(self.out / 'rejects.parquet').as_posix()}') GROUP BY ALL ORDER BY n DESC, reason, \"table\""
        ).fetchall()
        return [{"reason": reason, "table": table, "rows": n, "patients": patients} for reason, table, n, patients in rows]

    def _ignored(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """What a reader passed over, and why, the most first."""
        path = self.out / "ignored.parquet"
        if not path.exists():
            return []
        columns = ", ".join(quoted(c) for c in IGNORED if c != "records")
        rows = con.execute(
            f"SELECT {columns}, CAST(sum(records) AS BIGINT) AS n FROM read_parquet('{path.as_posix()}') GROUP BY ALL ORDER BY n DESC, ALL"
        )
        return [dict(zip(IGNORED, row, strict=True)) for row in rows.fetchall()]

    def _days(self, con: duckdb.DuckDBPyConnection) -> dict[str, str] | None:
        """First and last day that is asked about."""
        row = con.execute('SELECT min("asOf"), max("asOf") FROM patients').fetchone()
        return {"from": row[0].isoformat(), "to": row[1].isoformat()} if row and row[0] else None


def keep(summary: dict[str, Any], out: Path, work: Path) -> None:
    """Write ``summary.json`` whole or not at all."""
    aside = work / "summary.json"
    aside.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    aside.replace(out / "summary.json")
