"""The frame around every page: navigation, search, the list of sections; made with Jinja2."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from dermograph.render import DISCLAIMER
from dermograph.workbench.site.blocks import ROOT, Page
from dermograph.workbench.site.material import Material

_PARTS = [
    ("Therapies", "therapies.html"),
    ("Criteria", "criteria.html"),
    ("Statements", "statements.html"),
    ("References", "references.html"),
    ("Readings", "readings.html"),
    ("Queries", "queries.html"),
    ("Logic", "logic.html"),
    ("Files", "modules.html"),
    ("All IRIs", "terms.html"),
]


class Frame:
    """Renders pages.

    :param cases: whether there are pages of cases.
    :param prose: whether there is a guide.
    :param commands: whether there are pages of commands.
    """

    def __init__(self, material: Material, cases: bool, prose: bool, commands: bool) -> None:
        loader = PackageLoader("dermograph.workbench.site", "templates")
        self._environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._templates = {name: self._environment.get_template(name) for name in ("page.html",)}
        guidelines = [(g["label"], material.addresses[name]) for name, g in material.tree["guidelines"].items()]
        optional = [("Patient cases", "cases.html", cases), ("Commands", "commands.html", commands), ("Guide", "guide.html", prose)]
        self._common = {
            "guidelines": guidelines,
            "parts": _PARTS + [(title, path) for title, path, there in optional if there],
            "disclaimer": DISCLAIMER,
            "version": "+".join(sorted({str(g["version"]) for g in material.tree["guidelines"].values()})),
            "root": ROOT,
        }

    def render(self, page: Page) -> str:
        """The page as HTML."""
        shown = [section for section in page.sections if section.blocks]
        text = self._templates[page.template].render(page=page, sections=shown, **self._common)
        return text.replace(ROOT, "../" * page.path.count("/"))
