"""Pictures that fit any width: lengths are shares of the width, and text keeps its size.

A picture stands in a page, which gives it its colours, or is a file of its own, which brings them along. SVG is that of
https://www.w3.org/TR/SVG2/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from importlib.resources import files

WIDE = 640
"""Width of a file, in pixels."""
NARROW = 270
"""Narrowest width that a page may give a picture, which that of a phone is."""
LINE = 18
_SIZES = {"plain": 13.0, "soft": 12.0, "strong": 14.3, "soft strong": 13.2, "title": 18.0}
"""Size of each kind of text; what is bold counts as larger, since it is wider."""
_SLIM, _BROAD = frozenset("fijlrt ,.:;()-/'"), frozenset("mwMW%")


def width(words: str, kind: str = "plain") -> float:
    """About how many pixels words take in the widest of the fonts that may be there."""
    ems = (0.36 if c in _SLIM else 0.95 if c in _BROAD else 0.72 if c.isupper() else 0.63 for c in words)
    return sum(ems) * _SIZES[kind]


def wrapped(words: str, kind: str, most: float) -> list[str]:
    """Lines of words that are no wider than some pixels, but for a single word that is."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, kind) > most:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@dataclass
class Picture:
    """A picture that is drawn from the top down.

    :param name: names it in a page and as a file.
    :param title: what it shows, and ``told`` the same in words for those who do not see it.
    :param y: how far it is drawn, in pixels.
    """

    name: str
    title: str
    told: str = ""
    y: float = 0
    parts: list[str] = field(default_factory=list)

    def text(self, words: str, x: str = "0", *, kind: str = "plain", end: bool = False, most: float = NARROW, top: float | None = None) -> None:
        """Write words, in several lines where they need them; without ``top`` below what is drawn already.

        :param most: pixels that a line may take.
        """
        lines = wrapped(words, kind, most)
        anchor = ' text-anchor="end"' if end else ""
        for place, line in enumerate(lines):
            y = (self.y if top is None else top) + LINE * (place + 0.75)
            self.parts.append(f'<text x="{x}" y="{y:g}" class="{kind}"{anchor}>{escape(line)}</text>')
        if top is None:
            self.y += LINE * len(lines)

    def sides(self, left: str, right: str, kinds: tuple[str, str], x: tuple[str, str] = ("0", "100%"), most: float = NARROW) -> None:
        """Write words at both ends of a line, or of two where one is too narrow."""
        self.text(left, x[0], kind=kinds[0], most=most)
        fits = width(left, kinds[0]) + width(right, kinds[1]) + 12 <= most
        self.text(right, x[1], kind=kinds[1], end=True, most=most, top=self.y - LINE if fits else None)

    def bar(self, kind: str, start: float, length: float, height: float = 14, left: float = 0, right: float = 0) -> float:
        """Draw a part of a bar, both in shares of the width, and give where it ends; what is not nothing can be seen.

        :param left: share of the width that lies left of all bars, and ``right`` right of them.
        """
        if length <= 0:
            return start
        length, room = max(length, 0.004), 1 - left - right
        fill = f' fill="url(#{self.name}-hatch)"' if kind == "open" else f' class="{kind}"'
        x, width = 100 * (left + start * room), 100 * length * room
        self.parts.append(f'<rect x="{x:.3f}%" y="{self.y:g}" width="{width:.3f}%" height="{height:g}"{fill}/>')
        return start + length

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "line", more: str = "") -> None:
        """Draw a line between two points whose x are shares of the width."""
        self.parts.append(f'<line x1="{100 * x1:.3f}%" y1="{y1:g}" x2="{100 * x2:.3f}%" y2="{y2:g}" class="{kind}"{more}/>')

    def inside(self) -> str:
        """The picture for a page that has the style of pictures, which tells its title itself."""
        return self._drawn('width="100%"', f'height="{self.y:g}"', "", "\n".join(self.parts))

    def file(self) -> str:
        """The picture as a file, with its title and its style."""
        head = Picture(self.name, self.title, y=12)
        head.text(self.title, kind="title", most=WIDE)
        head.y += 8
        size = f'width="{WIDE + 32}"', f'height="{head.y + self.y + 16:g}"'
        style = f"<style>\n{files(__package__).joinpath('picture.css').read_text(encoding='utf-8')}</style>\n"
        inner = f'<svg x="16" y="{head.y:g}" width="{WIDE}" height="{self.y:g}">\n' + "\n".join(self.parts) + "\n</svg>"
        top = f'<svg x="16" width="{WIDE}" height="{head.y:g}">\n' + "\n".join(head.parts) + "\n</svg>\n"
        return self._drawn(*size, style + '<rect width="100%" height="100%" class="ground"/>\n', top + inner) + "\n"

    def _drawn(self, width: str, height: str, before: str, body: str) -> str:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {width} {height} role="img" aria-labelledby="{self.name}-t {self.name}-d">'
        said = f'<title id="{self.name}-t">{escape(self.title)}</title>\n<desc id="{self.name}-d">{escape(self.told)}</desc>\n'
        return f"{head}\n{said}{before}{self._definitions()}\n{body}\n</svg>"

    def _definitions(self) -> str:
        hatch = (
            f'<pattern id="{self.name}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<rect width="6" height="6" class="pale"/><rect width="3" height="6" class="dark"/></pattern>'
        )
        arrow = (
            f'<marker id="{self.name}-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0 L10 5 L0 10 z" class="head"/></marker>'
        )
        return f"<defs>{hatch}{arrow}</defs>"
