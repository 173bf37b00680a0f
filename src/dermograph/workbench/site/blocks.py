"""What a page is made of: sections, and in them tables, lists, code and pictures; the templates give them their looks.

Text is escaped when a page is rendered, except where it is :class:`markupsafe.Markup` already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

ROOT = "\x02"
"""Stands in links for the way from a page to the root of the site, until the page is written."""


@dataclass(frozen=True)
class Table:
    """A table; columns that are empty throughout are left out.

    :param heads: a heading for each column.
    :param wide: scrolls sideways on a phone instead of turning each row into a card.
    """

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | Markup]]
    wide: bool = False
    name: str = field(default="table", init=False)

    def filled(self) -> Table:
        """The table without its empty columns."""
        kept = [i for i in range(len(self.heads)) if any(str(row[i]) for row in self.rows)]
        return Table(self.caption, [self.heads[i] for i in kept], [[row[i] for i in kept] for row in self.rows], self.wide)


@dataclass(frozen=True)
class Code:
    """Text of a formal language, kept line by line.

    :param label: what it is, for those who cannot see it.
    :param wrapped: long lines are broken instead of scrolled.
    """

    text: str
    label: str
    wrapped: bool = False
    name: str = field(default="code", init=False)


@dataclass(frozen=True)
class Prose:
    """Paragraphs and lists that are markup already."""

    html: Markup
    name: str = field(default="prose", init=False)


@dataclass(frozen=True)
class Facts:
    """Pairs of a term and what is said of it."""

    pairs: Sequence[tuple[str | Markup, str | Markup]]
    name: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Figure:
    """A picture as SVG."""

    svg: Markup
    label: str
    name: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Fold:
    """Blocks that are opened on demand, and all of them when the page is printed."""

    title: str | Markup
    blocks: Sequence[Block]
    name: str = field(default="fold", init=False)


Block = Table | Code | Prose | Facts | Figure | Fold


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it; one without blocks is not shown."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """One page of the site.

    :param path: path below the root of the site.
    :param kind: what the page is about, in a word or two.
    :param lead: what it says in a sentence.
    :param above: names and paths of the pages it stands under, the home page left out.
    :param anchors: names of nodes that are told on this page under an anchor of their own, each with its label and text.
    :param listed: whether a search finds it.
    """

    path: str
    title: str
    kind: str
    lead: str | Markup
    sections: Sequence[Section]
    above: Sequence[tuple[str, str]] = ()
    iri: str = ""
    anchors: Sequence[tuple[str, str, str]] = ()
    listed: bool = True
    template: str = "page.html"


def anchor(text: str) -> str:
    """An anchor made of a heading."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"


def linked(path: str, text: str | Markup) -> Markup:
    """A link to a page of the site."""
    return Markup('<a href="{}{}">{}</a>').format(ROOT, path, text)


def joined(parts: Iterable[str | Markup], by: str = ", ") -> Markup:
    """Parts in a row."""
    return Markup(escape(by)).join(parts)


def listed(parts: Iterable[str | Markup]) -> Markup:
    """Parts as a list; nothing where there is none."""
    items = list(parts)
    if len(items) < 2:
        return Markup("").join(items)
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(part) for part in items))


def paragraph(*parts: str | Markup) -> Prose:
    """A block of paragraphs."""
    return Prose(Markup("").join(Markup("<p>{}</p>").format(part) for part in parts))
