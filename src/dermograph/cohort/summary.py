"""The summary of a run, of which its tables, pictures and report are made.

It holds totals, statuses by age and sex, how many each recommendation loses at which criterion, how many stand at each step,
what is missing, what was rejected and what was passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort.counts import Counts
from dermograph.cohort.doses import bits_of
from dermograph.cohort.listing import literal
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
    """Summary of the counts of a run.

    :param counts: of all parts.
    :param out: folder of the results, with what was rejected and passed over.
    """

    program: Program
    counts: Counts
    out: Path

    def told(self, con: duckdb.DuckDBPyConnection, totals: Totals, days: list[str]) -> dict[str, Any]:
        """All of it, as ``summary.json`` holds it.

        :param days: days that were asked about, the first and the last of them among them.
        """
        return {
            "knowledge": {"version": self.program.knowledge.version, "sha256": self.program.knowledge.sha256},
            "totals": asdict(totals),
            "asOf": {"from": min(days), "to": max(days)} if days else None,
            "therapies": self._statuses(),
            "recommendations": self._attrition(totals),
            "pathways": self._pathways(),
            "facts": self._facts(),
            "missing": self._missing(),
            "rejected": self._rejected(con),
            "ignored": self._ignored(con),
            "codes": self._codes(),
        }

    def _codes(self) -> dict[str, dict[str, str]]:
        """What each bit of ``because`` and ``missing`` means."""
        legend = self.program.legend
        named = {"because": legend.kinds, "missing": legend.items}
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
        tree = self.program.knowledge.tree
        counts = Counter[tuple[str, int]]()
        then: dict[str, dict[str, int]] = {r: dict.fromkeys(PRECEDENCE, 0) for r in tree["recommendations"]}
        for (name, stops, status), patients in self.counts.attrition.items():
            counts[name, stops] += patients
            if stops == 0:
                then[name][status] += patients
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
            found[name] = {"label": rec["label"], "therapy": rec["therapy"], "steps": steps, "met": left, "then": then[name]}
        return found

    def _pathways(self) -> dict[str, Any]:
        """For each pathway: whom the guideline speaks of, and how many stand at each step, at none, or have it next.

        A patient of whom it is not known whether the guideline applies stands in the pathway too; one may stand at several steps.
        """
        tree = self.program.knowledge.tree
        found: dict[str, Any] = {}
        for name, guideline in tree["guidelines"].items():
            steps = [{"step": s, "label": tree["steps"][s]["label"], "at": 0, "next": 0} for s in guideline["order"]]
            found[name] = {"label": guideline["label"], "applies": {"yes": 0, "unknown": 0, "no": 0}, "past": 0, "steps": steps}
        for (name, applies, at, following), patients in self.counts.places.items():
            one = found[name]
            one["applies"][{1: "yes", 0: "no", -1: "unknown"}[applies]] += patients
            one["past"] += patients if at == 0 and applies else 0
            for place, step in enumerate(one["steps"]):
                step["at"] += patients * (at >> place & 1)
                step["next"] += patients * (following >> place & 1)
        return found

    def _facts(self) -> list[dict[str, Any]]:
        """How many patients lack each fact, and for how many it alone would settle some therapy; those that settle most first."""
        labels, facts = self.program.knowledge.tree["labels"], self.counts.facts
        told = [
            {"fact": item, "label": labels.get(item, item), "patients": facts["lacking", place], "decides": facts["decides", place]}
            for place, item in enumerate(self.program.legend.items)
            if facts["lacking", place]
        ]
        return sorted(told, key=lambda row: (-int(row["decides"]), -int(row["patients"]), str(row["fact"])))

    def _missing(self) -> list[dict[str, Any]]:
        """What is missing of how many patients for which therapy, of how many it is all that is missing, and for how many it would settle it."""
        labels, items = self.program.knowledge.tree["labels"], self.program.legend.items
        patients, alone, decides = (Counter[tuple[str, str]]() for _ in range(3))
        for (therapy, status, bits), number in self.counts.missing.items():
            for place in bits_of(bits):
                key = (therapy, items[place])
                patients[key] += number
                if bits == 1 << place:
                    alone[key] += number
                    decides[key] += number if status == "undetermined" else 0
        told = [
            {"fact": i, "label": labels.get(i, i), "therapy": t, "patients": n, "alone": alone[t, i], "decides": decides[t, i]}
            for (t, i), n in patients.items()
        ]
        return sorted(told, key=lambda row: (-int(row["alone"]), -int(row["patients"]), str(row["fact"]), str(row["therapy"])))

    def _rejected(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """Why rows were rejected: how many of which table, and of how many patients."""
        rows = con.execute(
            'SELECT reason, "table", count(*) AS n, count(DISTINCT patient) FROM '
            f"read_parquet('{literal(self.out / 'rejects.parquet')}') GROUP BY ALL ORDER BY n DESC, reason, \"table\""
        ).fetchall()
        return [{"reason": reason, "table": table, "rows": n, "patients": patients} for reason, table, n, patients in rows]

    def _ignored(self, con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """What a reader passed over, and why, the most first."""
        path = self.out / "ignored.parquet"
        if not path.exists():
            return []
        columns = ", ".join(quoted(c) for c in IGNORED if c != "records")
        rows = con.execute(
            f"SELECT {columns}, CAST(sum(records) AS BIGINT) AS n FROM read_parquet('{literal(path)}') GROUP BY ALL ORDER BY n DESC, {columns}"
        )
        return [dict(zip(IGNORED, row, strict=True)) for row in rows.fetchall()]


def keep(summary: dict[str, Any], out: Path, work: Path) -> None:
    """Write ``summary.json`` whole or not at all."""
    aside = work / "summary.json"
    aside.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    aside.replace(out / "summary.json")
