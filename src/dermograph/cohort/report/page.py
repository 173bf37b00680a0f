"""The report: one page of HTML that holds everything it shows, needs no script, and opens from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dermograph import __version__
from dermograph.cohort.counts import AGES
from dermograph.cohort.report.counts import Counts
from dermograph.cohort.report.funnel import wanted
from dermograph.cohort.report.picture import Picture
from dermograph.terms import local_name
from dermograph.workbench.differences import Difference
from dermograph.workbench.effects import TURNS
from dermograph.workbench.telling import sentence

Tree = dict[str, Any]

STATUSES = {
    "eligible": ("eligible", "population, place in the pathway and prerequisites hold, and nothing speaks against it"),
    "ongoing": ("taken now", "a course of it is under way, whatever the guideline says of it"),
    "undetermined": ("undetermined", "a fact that is not on record decides"),
    "deferred": ("deferred", "something must come first: an earlier step, a screening, a review"),
    "excluded": ("excluded", "known not to be for this patient"),
}
"""Statuses in the order in which they are shown, with their names and meanings."""
TURNED = {turn: words for turn, words in TURNS.items() if turn != "course"}
"""What may befall a therapy of a patient between two versions; how a course goes on is not compared."""
_OUTSIDE = ("outside-population", "outside-indication")
"""Kinds of reasons that tell of whom a recommendation speaks at all."""
_MOST = 30
"""Kinds of records passed over that the page lists."""
_SHOWN = 4
"""Therapies that are named for a missing fact."""


def page(summary: Tree, tree: Tree, counts: Counts, funnels: dict[str, Picture], pathways: dict[str, Picture]) -> str:
    """The page as text.

    :param tree: index of the knowledge.
    :param funnels: pictures of the recommendations, and ``pathways`` those of the guidelines, by compact IRI.
    """
    here = Path(__file__).parent
    sheets = (here.parents[1] / "workbench" / "site" / "assets" / "style.css", here / "picture.css", here / "report.css")
    loader = PackageLoader("dermograph.cohort.report", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    view = _View(summary, tree, counts)
    return environment.get_template("report.html").render(
        style=Markup("\n".join(path.read_text(encoding="utf-8") for path in sheets)),
        summary=summary,
        changes=summary.get("changes"),
        counts=counts,
        statuses=STATUSES,
        view=view,
        version=__version__,
        funnels={name: Markup(picture.inside()) for name, picture in funnels.items()},
        pathways={name: Markup(picture.inside()) for name, picture in pathways.items()},
        guidelines=tree["guidelines"],
    )


class _View:
    """What the page asks of a summary, in its own order."""

    def __init__(self, summary: Tree, tree: Tree, counts: Counts) -> None:
        self.summary, self.tree, self.counts = summary, tree, counts
        self.assessed: int = summary["totals"]["assessed"]

    def therapies(self) -> list[tuple[str, Tree]]:
        """Therapies, those that most may have first."""
        return sorted(
            self.summary["therapies"].items(), key=lambda one: (-one[1]["status"]["eligible"], -one[1]["status"]["ongoing"], one[1]["label"])
        )

    def drawn(self, count: int) -> int:
        """Length of a part of a bar."""
        return self.counts.drawn(count)

    def groups(self) -> list[tuple[str, str, str, int]]:
        """Groups of patients that occur: column of the summary, value, name, and how many there are."""
        by = next(iter(self.summary["therapies"].values()))["by"] if self.summary["therapies"] else []
        sexes = sorted({row["sex"] for row in by} - {"not known"})
        wanted = [("age", name, name) for _, name in AGES] + [("age", "not known", "age not known")]
        wanted += [("sex", sex, self.tree["labels"].get(sex, sex)) for sex in sexes] + [("sex", "not known", "sex not known")]
        found = [(key, value, name, sum(row["patients"] for row in by if row[key] == value)) for key, value, name in wanted]
        return [group for group in found if group[3]]

    def within(self, therapy: Tree, status: str, key: str, value: str) -> int:
        """How many of a group have a status."""
        return sum(row["patients"] for row in therapy["by"] if row["status"] == status and row[key] == value)

    def recommendations(self, guideline: str) -> Iterator[tuple[str, Tree, Tree]]:
        """Those of a guideline that speak for a therapy, in the order of its pathway: name, counts, and index."""
        order = {step: place for place, step in enumerate(self.tree["guidelines"][guideline]["order"])}
        own = [(name, rec) for name, rec in self.tree["recommendations"].items() if rec["guideline"] == guideline]
        for name, rec in sorted(own, key=lambda one: (order.get(one[1]["step"], len(order)), one[1]["label"])):
            if not self._against(name):
                yield name, self.summary["recommendations"][name], rec

    def against(self, guideline: str) -> Iterator[tuple[str, str, int]]:
        """Those of a guideline that speak against a therapy: the therapy, what is said, and of how many patients."""
        for name, rec in self.tree["recommendations"].items():
            if rec["guideline"] == guideline and self._against(name):
                yield self.tree["rows"][rec["therapy"]]["label"], rec["label"], self.summary["recommendations"][name]["steps"][-1]["reached"]

    def _against(self, name: str) -> bool:
        steps = self.summary["recommendations"][name]["steps"]
        return bool(steps) and steps[-1]["criterion"] is None

    def wanted(self, step: Tree) -> str:
        """What a step of a funnel asks for."""
        return wanted(step)

    def heaviest(self, recommendation: Tree) -> tuple[int, Tree | None]:
        """Of how many a recommendation speaks, and the step at which most of these are lost."""
        within = [step for step in recommendation["steps"] if step["kind"] not in _OUTSIDE]
        spoken = within[0]["reached"] if within else recommendation["met"]
        losing = [step for step in within if step["lost"]]
        return spoken, max(losing, key=lambda step: int(step["lost"])) if losing else None

    def facts(self) -> tuple[list[Tree], list[Tree]]:
        """Missing facts that alone would settle a therapy for some patient, and the others."""
        facts = self.summary["facts"]
        return [f for f in facts if f["decides"]], [f for f in facts if not f["decides"]]

    def settled(self, fact: str) -> list[tuple[str, int]]:
        """Labels of the therapies that a fact would settle for most, with for how many."""
        rows = [(row["therapy"], row["decides"]) for row in self.summary["missing"] if row["fact"] == fact and row["decides"]]
        rows.sort(key=lambda row: (-row[1], row[0]))
        return [(self.tree["rows"][therapy]["label"], n) for therapy, n in rows]

    def first(self, rows: list[Any], most: int = _SHOWN) -> tuple[list[Any], int]:
        """The first of some rows, and how many more there are."""
        return rows[:most], max(0, len(rows) - most)

    def changed(self) -> list[tuple[str, Tree, list[Tree]]]:
        """Therapies that another version answers otherwise, those that most gain or lose first: name, counts, and the changes of status."""
        changes = self.summary["changes"]
        found = [(t, row) for t, row in changes["therapies"].items() if any(row[turn] for turn in TURNED)]
        found.sort(key=lambda one: (-sum(one[1][turn] for turn in TURNED), one[1]["label"]))
        return [(t, row, [f for f in changes["flow"] if f["therapy"] == t and f["before"] != f["after"]]) for t, row in found]

    def occurring(self) -> dict[str, str]:
        """What befell some therapy of some patient."""
        rows = self.summary["changes"]["therapies"].values()
        return {turn: words for turn, words in TURNED.items() if any(row[turn] for row in rows)}

    def difference(self, told: Tree) -> str:
        """A difference of the two versions in words."""
        return sentence(Difference(**{("known_by" if key == "knownBy" else key): value for key, value in told.items()}))

    def ignored(self) -> tuple[list[Tree], int]:
        """What was passed over: the commonest kinds, and how many more there are."""
        return self.first(self.summary["ignored"], _MOST)

    def citations(self, name: str) -> tuple[list[str], list[str]]:
        """Statements and references that a recommendation and what it asks for cite."""
        rec = self.tree["recommendations"][name]
        nodes = (rec, *rec["barriers"])
        return (sorted({s for node in nodes for s in node["statements"]}), sorted({s for node in nodes for s in node["sources"]}))

    def statements(self) -> list[tuple[str, str]]:
        """Every statement that is cited, with its text."""
        cited = {s for name in self.tree["recommendations"] for s in self.citations(name)[0]}
        return [(s, self.tree["statements"].get(s, "")) for s in sorted(cited)]

    def references(self) -> list[tuple[str, Tree]]:
        """Every reference that is cited: its anchor, and what is known of it."""
        cited = {s for name in self.tree["recommendations"] for s in self.citations(name)[1]}
        return [(local_name(s), self.tree["sources"][s]) for s in sorted(cited) if s in self.tree["sources"]]

    def anchor(self, name: str) -> str:
        """A node as the name of a place in the page."""
        return local_name(name)
