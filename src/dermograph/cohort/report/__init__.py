"""The results of a run for people: tables, pictures, and a page that holds them all, made of its summary alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dermograph.cohort.report.counts import Counts
from dermograph.cohort.report.funnel import funnel
from dermograph.cohort.report.page import page
from dermograph.cohort.report.sheets import sheets
from dermograph.cohort.report.steps import steps

Tree = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """Writes what people read.

    :param tree: index of the knowledge that the run was of.
    :param out: folder of the results, with ``summary.json``.
    :param work: folder of what is not finished.
    :param least: smallest count that is shown; see :class:`~dermograph.cohort.report.counts.Counts`.
    """

    tree: Tree
    out: Path
    work: Path
    least: int = 0

    def write(self) -> None:
        """Write ``summary/*.csv``, ``pictures/*.svg`` and ``report.html``, each folder whole or not at all."""
        summary: Tree = json.loads((self.out / "summary.json").read_text(encoding="utf-8"))
        counts = Counts(self.least)
        funnels = {name: funnel(name, rec, summary["totals"]["assessed"], counts) for name, rec in summary["recommendations"].items()}
        pathways = {name: steps(name, one, self.tree, counts) for name, one in summary["pathways"].items()}
        aside = self.work / "told"
        shutil.rmtree(aside, ignore_errors=True)
        texts = {f"summary/{name}.csv": text for name, text in sheets(summary, counts).items()}
        texts |= {f"pictures/{picture.name}.svg": picture.file() for picture in (*funnels.values(), *pathways.values())}
        texts["report.html"] = page(summary, self.tree, counts, funnels, pathways)
        for name, text in texts.items():
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        for path in sorted(aside.iterdir()):
            shutil.rmtree(self.out / path.name, ignore_errors=True)
            path.replace(self.out / path.name)
