"""What is compared: two therapies, guideline by guideline and then part by part; and the guidelines themselves."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from dermograph.rows import positions
from dermograph.terms import local_name
from dermograph.workbench.site import therapies
from dermograph.workbench.site.blocks import Block, Facts, Section, Table, anchor, joined, linked, listed
from dermograph.workbench.site.guidelines import statements
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

Compared = list[tuple[str, list[Section | None]]]
"""Titles, each with one section for all, or with a section for each side; None where nothing is stated of it."""
_TOLD = ("direction", "strength", "certainty", "place in the order", "step", "for whom")


class Comparison:
    """Puts what the graph says side by side."""

    def __init__(self, material: Material) -> None:
        self.material, self.graph, self.words = material, material.graph, Words(material)
        self.guidelines = list(material.tree["guidelines"])

    def therapies(self, names: Sequence[str]) -> Compared:
        """What is said of therapies: a row for each guideline, then the parts of their pages."""
        pages = [therapies.page(self.material, self.words, name) for name in names]
        told: dict[str, list[Section | None]] = {}
        for place, page in enumerate(pages):
            for section in page.sections:
                if section.blocks and section.id not in ("used-by", "in-the-graph", "recommendations"):
                    told.setdefault(section.title, [None] * len(names))[place] = section
        order = list(dict.fromkeys(section.title for page in pages for section in page.sections))
        return [("What each guideline says", [self._said(names)]), *sorted(told.items(), key=lambda pair: order.index(pair[0]))]

    def _said(self, names: Sequence[str]) -> Section:
        rows = []
        for guideline in self.guidelines:
            found = [[r for r in self._of(guideline) if r in self.material.of_therapy("dg:Recommendation", name)] for name in names]
            cells = [listed(self._recommendation(r) for r in own) or "says nothing of it" for own in found]
            rows.append([self._scaled(guideline, [r for own in found for r in own]), *cells])
        heads = ["guideline", *(self.graph.label(name) for name in names)]
        return Section("said", "What each guideline says", [Table("What each guideline says", heads, rows)])

    def guidelines_compared(self) -> Compared:
        """What the guidelines say of the same matters and of the same therapies, a column for each."""
        told = [
            ("At a glance", self._glance()),
            ("Where they say different things", self._differences()),
            ("Therapies of which more than one speaks", self._same()),
            ("Therapies of which one alone speaks", self._alone()),
        ]
        return [(title, [Section(anchor(title), title, [block])]) for title, block in told]

    def _heads(self) -> list[str]:
        return [self.graph.label(g) for g in self.guidelines]

    def _glance(self) -> Block:
        graph = self.graph
        rows = [
            ["for", *(self.words.links(graph.nodes(g, "dg:population")) for g in self.guidelines)],
            ["edition", *(graph.text(g, "dg:edition") or "" for g in self.guidelines)],
            ["strength", *(self._scale(self._of(g)) for g in self.guidelines)],
            ["statements", *(str(len(statements(self.material, g))) for g in self.guidelines)],
            ["told whole", *(self.words.link(g) for g in self.guidelines)],
        ]
        return Table("The guidelines", ["", *self._heads()], rows)

    def _differences(self) -> Block:
        """Each disagreement on which the guidelines take different positions."""
        graph, words = self.graph, self.words
        rows = []
        for node in sorted(graph.instances("dg:Disagreement"), key=lambda n: ([*map(graph.label, graph.nodes(n, "dg:therapy"))], graph.label(n))):
            sides: dict[str, list[str]] = {g: [] for g in self.guidelines}
            for side in positions(graph, node):
                for document in dict.fromkeys(d for s in graph.nodes(side, "dg:statement") for d in graph.nodes(s, "dg:document")):
                    sides.setdefault(document, []).append(side)
            if len({tuple(sides[g]) for g in self.guidelines if sides[g]}) > 1:
                said = [listed(joined([graph.text(s, "dg:says") or "", words.cited(s)], " ") for s in sides[g]) for g in self.guidelines]
                rows.append([words.link(node), words.links(graph.nodes(node, "dg:therapy")), *said])
        return Table("Disagreements between the documents", ["matter", "therapy", *self._heads()], rows)

    def _spoken(self) -> dict[str, dict[str, list[str]]]:
        """Recommendations by therapy and by guideline, therapies in the order of their labels."""
        found: dict[str, dict[str, list[str]]] = {}
        for guideline in self.guidelines:
            for r in self._of(guideline):
                for therapy in self.graph.nodes(r, "dg:therapy"):
                    found.setdefault(therapy, {}).setdefault(guideline, []).append(r)
        return dict(sorted(found.items(), key=lambda pair: self.graph.label(pair[0]).lower()))

    def _same(self) -> Block:
        rows = [
            [self.words.link(therapy), *(listed(self._recommendation(r) for r in by.get(g, [])) for g in self.guidelines)]
            for therapy, by in self._spoken().items()
            if len(by) > 1
        ]
        return Table("Recommendations on the same therapy", ["therapy", *self._heads()], rows)

    def _alone(self) -> Block:
        spoken = self._spoken()
        return Facts([(self.words.link(g), self.words.links([t for t, by in spoken.items() if list(by) == [g]])) for g in self.guidelines])

    def _of(self, guideline: str) -> list[str]:
        """Recommendations of a guideline in its order of preference."""
        graph = self.graph
        own = [r for r in graph.instances("dg:Recommendation") if guideline in graph.nodes(r, "dg:guideline")]
        return sorted(own, key=lambda r: (graph.number(r, "dg:order") is None, graph.number(r, "dg:order") or 0, r))

    def _scale(self, recommendations: Sequence[str]) -> str:
        return "; ".join(dict.fromkeys(scale for r in recommendations if (scale := self.graph.text(r, "dg:strengthScale"))))

    def _scaled(self, guideline: str, recommendations: Sequence[str]) -> Markup:
        """A guideline with the scale of its strengths, told once for all of its recommendations."""
        scale = self._scale(recommendations)
        return Markup("{}{}").format(self.words.link(guideline), Markup("<small>Strength: {}</small>").format(scale) if scale else "")

    def _recommendation(self, node: str) -> Markup:
        """A recommendation with what it says, and on demand the statements that it rests on."""
        graph, words = self.graph, self.words
        cells = dict(zip(therapies.RECOMMENDATION, therapies.recommendation(words, node), strict=True))
        cells |= {"strength": graph.text(node, "dg:strength") or "", "place in the order": graph.text(node, "dg:order") or ""}
        told = joined((Markup("{}: {}").format(head, cells[head]) for head in _TOLD if cells[head]), "; ")
        rests = [s for s in graph.nodes(node, "dg:statement") if s in self.material.addresses]
        lines = listed(Markup("{} {}").format(linked(self.material.addresses[s], local_name(s)), graph.text(s, "skos:definition")) for s in rests)
        before = Markup("<p>First: {}</p>").format(cells["first"]) if cells["first"] else ""
        title = f"{'what comes first, and ' if before else ''}{len(rests)} statement{'' if len(rests) == 1 else 's'}"
        fold = Markup("<details><summary>{}</summary>{}{}</details>").format(title, before, lines) if rests else ""
        others = [words.link(s) for s in graph.nodes(node, "dg:source")]
        sources = Markup("<small>sources: {}</small>").format(joined(others)) if others else ""
        return Markup("{}<small>{}</small>{}{}").format(cells["recommendation"], told, sources, fold)
