"""The cover as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from dermograph.workbench.covering import KINDS, Cover, Duty

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What the cases show</title>
<style>
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --open: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --open: #ffb4ab; --good: #8fd6a6; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 0; display: inline; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.open td:first-child { border-left: .3rem solid var(--open); }
.open b { color: var(--open); } .good { color: var(--good); }
summary { cursor: pointer; padding: .5rem 0; } details { border-top: 1px solid var(--line); }
code { background: var(--soft); padding: 0 .2rem; border-radius: .2rem; }
.wide { overflow-x: auto; }
@media print { details > * { display: block; } }
</style>
</head>
<body>
"""


def html(cover: Cover) -> str:
    """The whole page."""
    return "\n".join(_lines(cover))


def _lines(cover: Cover) -> Iterator[str]:
    state = "open" if cover.open else "good"
    yield f"{_HEAD}<main>\n<h1>What the cases show of the guideline</h1>"
    yield f'<p class="{state}"><b>{cover.share} %</b> of what can be shown is shown by {cover.cases} cases; {len(cover.open)} open.</p>'
    heads = "".join(f'<th scope="col" class="number">{head}' for head in ("shown", "excused", "of"))
    yield f'<div class="wide"><table><thead><tr><th scope="col">kind{heads}</tr></thead><tbody>'
    for kind, shown, excused, total in cover.counts():
        cells = "".join(f'<td class="number">{n}' for n in (shown, excused, total))
        yield f'<tr><th scope="row"><a href="#{_anchor(kind)}">{kind}</a>{cells}</tr>'
    yield "</tbody></table></div>"
    for kind in KINDS:
        own = sorted((d for d in cover.duties if d.kind == kind), key=lambda d: not d.open)
        unshown = sum(1 for d in own if d.open)
        yield f'<details id="{_anchor(kind)}"{" open" if unshown else ""}><summary><h2>{kind}</h2> ({unshown} open)</summary>'
        yield '<div class="wide"><table><thead><tr><th scope="col">node<th scope="col">what<th scope="col">shown by</tr></thead><tbody>'
        yield from map(_row, own)
        yield "</tbody></table></div></details>"
    yield "</main></body></html>"


def _row(duty: Duty) -> str:
    if duty.cases:
        more = f" and {duty.cases - 1} more" if duty.cases > 1 else ""
        by = f"{escape(duty.shown)}{more}"
    else:
        by = f"excused: {escape(duty.excused)}" if duty.excused else "<b>none</b>"
    state = ' class="open"' if duty.open else ""
    return f"<tr{state}><td><code>{escape(duty.node)}</code><br>{escape(duty.label)}<td>{escape(duty.aspect)}<td>{by}</tr>"


def _anchor(kind: str) -> str:
    return kind.replace(" ", "-")
