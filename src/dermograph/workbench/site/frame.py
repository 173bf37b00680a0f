"""The frame around every page: navigation, search, the list of sections; made with Jinja2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

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
    :param places: titles and paths of what the site is served beside, itself among them.
    :param package: package whose folder ``web`` holds further templates.
    """

    def __init__(
        self, material: Material, cases: bool, prose: bool, commands: bool, places: Sequence[tuple[str, str]] = (), package: str | None = None
    ) -> None:
        own = [PackageLoader("dermograph.workbench.site", "templates")]
        loader = ChoiceLoader([*own, PackageLoader(package, "web")] if package else own)
        self._environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        guidelines = [(g["label"], material.addresses[name]) for name, g in material.tree["guidelines"].items()]
        optional = [("Patient cases", "cases.html", cases), ("Commands", "commands.html", commands), ("Guide", "guide.html", prose)]
        self._common = {
            "guidelines": guidelines,
            "parts": _PARTS + [(title, path) for title, path, there in optional if there],
            "disclaimer": DISCLAIMER,
            "version": "+".join(sorted({str(g["version"]) for g in material.tree["guidelines"].values()})),
            "root": ROOT,
            "places": places,
            "here": next((title for title, path in places if path == "index.html"), None),
        }

    def render(self, page: Page) -> str:
        """The page as HTML."""
        return self.fill(page.template, "../" * page.path.count("/"), page)

    def fill(self, template: str, root: str, page: Page, **more: Any) -> str:
        """A template filled with a page and more.

        :param root: the way from the page to the root of the site.
        """
        shown = [section for section in page.sections if section.blocks]
        text = self._environment.get_template(template).render({**self._common, "page": page, "sections": shown, **more})
        return text.replace(ROOT, root)
