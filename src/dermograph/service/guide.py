"""What the pages of a service are made of, worked out when it is first asked for: the site, and the frame around every page."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from dermograph import content
from dermograph.service.comparison import Compared, Comparison
from dermograph.workbench import site
from dermograph.workbench.site.blocks import Page, Section
from dermograph.workbench.site.frame import Frame
from dermograph.workbench.site.material import Material

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

    def absent(self, root: str, detail: str, mend: str) -> str:
        """The page of what is not there.

        :param root: the way to the root of the site.
        """
        with self._turn:
            lead = f"{detail[0].upper()}{detail[1:]}{f': {mend}' if mend else ''}."
            return self._frame.fill("page.html", root, Page("404.html", "Not found", "", lead, ()), here="")

    def comparison(self, names: Sequence[str]) -> Compared:
        """Therapies side by side; without one, the guidelines."""
        with self._turn:
            made = Comparison(self.material)
            return made.therapies(names) if names else made.guidelines_compared()
