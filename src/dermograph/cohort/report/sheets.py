"""The summary as tables for programs, in CSV after RFC 4180: one row for each count, a head of plain names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from dermograph.cohort.report.counts import Counts

Tree = dict[str, Any]

COLUMNS = {
    "attrition": ("recommendation", "place", "kind", "criterion", "label", "reached", "lost", "unknown"),
    "statuses": ("therapy", "status", "age", "sex", "patients"),
    "missing": ("fact", "label", "therapy", "patients", "decides"),
    "steps": ("guideline", "place", "step", "label", "at", "next"),
    "changes": ("therapy", "turn", "before", "after", "patients"),
    "causes": ("node", "text", "follows", "therapy", "patients"),
}
"""Columns of each table, the last two only where versions are compared. A hidden count is an empty cell."""


def sheets(summary: Tree, counts: Counts) -> dict[str, str]:
    """Text of each table, by its name."""
    rows: dict[str, Iterable[tuple[Any, ...]]] = {
        "attrition": _attrition(summary, counts),
        "statuses": _statuses(summary, counts),
        "missing": _missing(summary, counts),
        "steps": _steps(summary, counts),
    }
    if changes := summary.get("changes"):
        rows["changes"] = ((*(row[key] for key in COLUMNS["changes"][:-1]), counts.cell(row["patients"])) for row in changes["flow"])
        rows["causes"] = _causes(changes, counts)
    return {name: written(COLUMNS[name], found) for name, found in rows.items()}


def written(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    """A table as text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _attrition(summary: Tree, counts: Counts) -> Iterator[tuple[Any, ...]]:
    for name, recommendation in summary["recommendations"].items():
        for place, step in enumerate(recommendation["steps"], start=1):
            told = (counts.cell(step[key]) for key in ("reached", "lost", "unknown"))
            yield name, place, step["kind"], step["criterion"] or "", step["label"], *told


def _statuses(summary: Tree, counts: Counts) -> Iterator[tuple[Any, ...]]:
    for therapy, found in summary["therapies"].items():
        for row in found["by"]:
            yield therapy, row["status"], row["age"], row["sex"], counts.cell(row["patients"])


def _missing(summary: Tree, counts: Counts) -> Iterator[tuple[Any, ...]]:
    """Each fact over all therapies, the one that decides for most patients first, and then for each therapy."""
    for row in summary["facts"]:
        yield row["fact"], row["label"], "", counts.cell(row["patients"]), counts.cell(row["decides"])
    for row in summary["missing"]:
        yield row["fact"], row["label"], row["therapy"], counts.cell(row["patients"]), counts.cell(row["decides"])


def _steps(summary: Tree, counts: Counts) -> Iterator[tuple[Any, ...]]:
    for guideline, pathway in summary["pathways"].items():
        for place, step in enumerate(pathway["steps"], start=1):
            yield guideline, place, step["step"], step["label"], counts.cell(step["at"]), counts.cell(step["next"])


def _causes(changes: Tree, counts: Counts) -> Iterator[tuple[Any, ...]]:
    """Each cause over all therapies, and then for each therapy."""
    for cause in changes["causes"]:
        for therapy, patients in [("", cause["patients"]), *cause["therapies"].items()]:
            yield cause["node"], cause["text"], str(cause["follows"]).lower(), therapy, counts.cell(patients)
