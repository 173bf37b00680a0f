"""What the pages of a service are made of, worked out when it is first asked for: the site, and the frame around every page."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dermograph import content
from dermograph.terms import local_name
from dermograph.workbench import site
from dermograph.workbench.site import therapies
from dermograph.workbench.site.blocks import Page, Section, Table, joined, linked, listed
from dermograph.workbench.site.frame import Frame
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

PLACES = (("Patient", "../"), ("Guidelines", "index.html"), ("Compare", "../compare"), ("Query", "../query"))
"""Parts of the service with their ways from the root of the site."""


class Guide:
    """The guideline graph to be read.

    :param ontology: folder of the ontology.
    """

    def __init__(self, ontology: Path) -> None:
        self.ontology = ontology
        self._turn = threading.Lock()

    @cached_property
    def material(self) -> Material:
        """The graph."""
        return Material(self.ontology)

    @cached_property
    def _frame(self) -> Frame:
        return Frame(self.material, cases=False, prose=True, commands=False, places=PLACES, package="dermograph.service")

    @cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        folder = tempfile.TemporaryDirectory(prefix="dermograph-")
        site.build(self.ontology, Path(folder.name), prose=content.folder("docs"), places=PLACES)
        return folder

    def close(self) -> None:
        """Remove what was written."""
        if "_folder" in self.__dict__:
            self._folder.cleanup()

    def file(self, path: str) -> Path | None:
        """A file of the site, which is written to a temporary folder the first time; None where there is none."""
        with self._turn:
            root = Path(self._folder.name).resolve()
        found = (root / (path or "index.html")).resolve()
        return found if root in found.parents and found.is_file() else None

    def address(self, name: str) -> str | None:
        """Where a node is told, below the root of the site; a statement may be named without its prefix."""
        with self._turn:
            addresses = self.material.addresses
        return next((addresses[node] for node in (name, f"ad:{name}") if node in addresses), None)

    def page(self, template: str, here: str, title: str, sections: Sequence[Section] = (), **more: Any) -> str:
        """A page of the service, in the frame of the site."""
        with self._turn:
            path = dict(PLACES)[here]
            return self._frame.fill(template, "guidelines/", Page(path, title, "", "", sections), here=here, **more)

    def comparison(self, first: str, second: str) -> list[tuple[str, list[Section | None]]]:
        """Sections of what is said of two therapies side by side, by their titles, and before them what each guideline says."""
        with self._turn:
            names = [name for name in (first, second) if name]
            words = Words(self.material)
            pages = [therapies.page(self.material, words, name) for name in names]
            told: dict[str, list[Section | None]] = {"What each guideline says": [self._said(words, name) for name in names]}
            for place, page in enumerate(pages):
                for section in page.sections:
                    if section.blocks and section.id not in ("used", "described", "recommendations"):
                        told.setdefault(section.title, [None] * len(names))[place] = section
            order = list(dict.fromkeys(section.title for page in pages for section in page.sections))
            return sorted(told.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else -1)

    def _said(self, words: Words, therapy: str) -> Section:
        """What each guideline says of a therapy: its recommendations with their strength, and the statements they rest on."""
        graph = self.material.graph
        rows = []
        spoken = self.material.of_therapy("dg:Recommendation", therapy)
        for guideline in self.material.tree["guidelines"]:
            own = [r for r in spoken if guideline in graph.nodes(r, "dg:guideline")]
            cells = [self._recommendation(words, r) for r in own]
            rows.append([words.link(guideline), listed(cells) or "says nothing of it", self._statements(own)])
        return Section("said", "What each guideline says", [Table("What each guideline says", ["guideline", "says", "statements"], rows)])

    def _recommendation(self, words: Words, node: str) -> Markup:
        told = therapies.recommendation(words, node)
        cells: Mapping[str, str | Markup] = dict(zip(therapies.RECOMMENDATION, told, strict=True))
        parts = [
            Markup("{}: {}").format(head, cells[head]) for head in ("direction", "strength", "certainty", "for whom", "step", "first") if cells[head]
        ]
        return Markup("{}<small>{}</small>").format(cells["recommendation"], joined(parts, "; "))

    def _statements(self, recommendations: Sequence[str]) -> Markup:
        graph = self.material.graph
        found = dict.fromkeys(s for r in recommendations for s in graph.nodes(r, "dg:statement") if s in self.material.addresses)
        lines = [Markup("{} {}").format(linked(self.material.addresses[s], local_name(s)), graph.text(s, "skos:definition")) for s in found]
        return listed(lines)
