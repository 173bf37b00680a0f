"""Picture of what a change does to patients: for each therapy the status before against the status after, as SVG.

A cell tells by number, by sign and by colour how many patients went which way, so that nobody needs to tell colours apart.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from html import escape

from dermograph.verdicts import PRECEDENCE
from dermograph.workbench.effects import NOT_LISTED, Effects

_CELL, _HEIGHT, _LEFT, _TOP, _GAP, _ACROSS = 58, 30, 106, 84, 34, 2
"""Width and height of a cell, room for words at the left and on top, gap between tables, tables side by side."""
_FILLS = {
    "": ("#ffffff", "#5a6672"),
    "=": ("#f1f1f1", "#5a6672"),
    "+": ("#d7ecd9", "#1d6b2f"),
    "-": ("#f9d9d3", "#9c2a14"),
    "~": ("#fdf3d0", "#8a6500"),
}
_SIGNS = {"+": "+", "-": "−", "~": "~", "=": "", "": ""}
_KEY = (("+", "becomes eligible"), ("-", "is eligible no more"), ("~", "other change of status"), ("=", "same status"))


def svg(effects: Effects, title: str) -> str:
    """The picture; therapies of which no patient changed status are named in a line below it."""
    shown = [t for t in effects.labels if any(a != b and n for (a, b), n in effects.table[t].items())]
    statuses = [s for s in (*reversed(PRECEDENCE), NOT_LISTED) if any(s in pair for t in shown for pair in effects.table[t])]
    wide, high = _LEFT + _CELL * len(statuses), _TOP + _HEIGHT * len(statuses)
    across = max(1, min(_ACROSS, len(shown)))
    width = max(across * wide + (across + 1) * _GAP, 640)
    heading = [title, f"{effects.touched:,} of {effects.patients:,} patients are answered otherwise"]
    parts = [_text(_GAP, 30 + 20 * i, line, size=16 - 2 * i, bold=i == 0) for i, line in enumerate(heading)]
    x = float(_GAP)
    for mark, words in _KEY if shown else ():
        fill, ink = _FILLS[mark]
        parts.append(f'<rect x="{x:g}" y="66" width="18" height="18" fill="{fill}" stroke="{ink}"/>')
        parts.append(_text(x + 9, 80, _SIGNS[mark], ink, middle=True, bold=True))
        parts.append(_text(x + 24, 80, words, size=12))
        x += 24 + 6.6 * len(words) + 18
    top = 104.0
    for place, therapy in enumerate(shown):
        left = _GAP + (place % across) * (wide + _GAP)
        down = top + (place // across) * (high + _GAP)
        label = effects.labels[therapy]
        body = _table(label, effects.table[therapy], statuses)
        parts.append(f'<g transform="translate({left:g} {down:g})" role="group" aria-label="{escape(label)}">{body}</g>')
    bottom = top + -(-len(shown) // across) * (high + _GAP)
    rest = [effects.labels[t] for t in effects.labels if t not in shown and any(e.therapy == t for e in effects.changed)]
    lines = textwrap.wrap(f"Same status, other rank or dose: {', '.join(rest)}", int(width / 7)) if rest else []
    parts += [_text(_GAP, bottom + 18 * i, line, size=12) for i, line in enumerate(lines)]
    height = bottom + 18 * len(lines) + 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(title)}" font-family="Helvetica, Arial, sans-serif" font-size="13">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"


def _table(label: str, counts: Counter[tuple[str, str]], statuses: list[str]) -> str:
    middle = _LEFT + _CELL * len(statuses) / 2
    parts = [_text(0, 16, textwrap.shorten(label, 52, placeholder=" …"), bold=True, size=14)]
    parts += [_text(middle, 38, "after", "#5a6672", middle=True, size=12), _text(0, _TOP - 12, "before", "#5a6672", size=12)]
    for place, status in enumerate(statuses):
        parts.append(_text(_LEFT + _CELL * (place + 0.5), 56 + 14 * (place % 2), status, middle=True, size=11))
        parts.append(_text(_LEFT - 8, _TOP + _HEIGHT * (place + 0.65), status, end=True, size=11))
    for row, before in enumerate(statuses):
        for column, after in enumerate(statuses):
            count = counts[before, after]
            mark = "" if not count else "=" if before == after else "+" if after == "eligible" else "-" if before == "eligible" else "~"
            fill, ink = _FILLS[mark]
            x, y = _LEFT + column * _CELL, _TOP + row * _HEIGHT
            edge = 2 if mark in {"+", "-", "~"} and mark else 1
            stroke = ink if edge == 2 else "#c9d0d6"
            parts.append(
                f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_HEIGHT - 2}" fill="{fill}" stroke="{stroke}" stroke-width="{edge}"/>'
            )
            if count:
                parts.append(_text(x + _CELL / 2, y + _HEIGHT * 0.65, f"{_SIGNS[mark]}{count:,}", ink, middle=True, bold=edge == 2))
    return "".join(parts)


def _text(
    x: float, y: float, words: str, fill: str = "#1c2733", *, middle: bool = False, end: bool = False, bold: bool = False, size: int = 13
) -> str:
    anchor = ' text-anchor="middle"' if middle else ' text-anchor="end"' if end else ""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{anchor}{weight}>{escape(words)}</text>'
