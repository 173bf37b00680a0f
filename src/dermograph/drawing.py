"""Pathways drawn as Mermaid, Graphviz or SVG text, with the patient's place marked.

A mark is a word as well as a colour, so that nobody needs to tell colours apart. Mermaid is that of
https://mermaid.js.org/syntax/flowchart.html, and SVG that of https://www.w3.org/TR/SVG11/. SVG has its colours in itself,
and classes by which a page gives it others.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from dermograph.assessment import Assessment
from dermograph.terms import local_name

Tree = dict[str, Any]
Mark = Literal["here", "next", "behind", ""]

_WORDS: dict[Mark, str] = {"here": "the patient is here", "next": "next", "behind": "", "": ""}
_FILLS: dict[Mark, tuple[str, str]] = {
    "here": ("#d7ecd9", "#1d6b2f"),
    "next": ("#fdf3d0", "#8a6500"),
    "behind": ("#f1f1f1", "#8a8a8a"),
    "": ("#ffffff", "#5a6672"),
}
_WIDE, _GAP, _EDGE, _LAYER, _LINE, _PAD = 290, 36, 12, 56, 18, 10
"""Width of a box, gaps between boxes, to the edge and between layers, height of a line, and padding, in pixels."""


@dataclass(frozen=True)
class Step:
    """A box of the drawing.

    :param lines: its text, the label first.
    :param mark: where it stands to the patient.
    """

    id: str
    lines: tuple[str, ...]
    mark: Mark
    following: tuple[str, ...]


@dataclass(frozen=True)
class Pathway:
    """The pathway of one guideline, ready to be drawn.

    :param note: who stands in it and when; empty without a patient.
    :param steps: in an order in which each comes after those that lead to it.
    """

    id: str
    title: str
    note: str
    steps: tuple[Step, ...]


def pathways(tree: Tree, guidelines: Iterable[str], answer: Assessment | None = None, *, named: bool = True) -> list[Pathway]:
    """The pathways of guidelines, with the therapies of each step and, of a patient, the statuses and the place.

    :param named: whether the patient's name is told.
    """
    return [_pathway(tree, g, answer, named) for g in guidelines]


def _pathway(tree: Tree, guideline: str, answer: Assessment | None, named: bool) -> Pathway:
    title = str(tree["guidelines"][guideline]["label"])
    place = next((p for p in answer.pathway if p.guideline == guideline), None) if answer else None
    note, applies = "", None
    if answer:
        applies = next(g.applies for g in answer.guidelines if g.id == guideline)
        doubt = {True: "", False: "; the guideline does not speak of this patient", None: "; not known whether the guideline applies"}[applies]
        note = f"{answer.patient}, as of {answer.as_of}{doubt}" if named else f"As of {answer.as_of}{doubt}"
    order = tree["guidelines"][guideline]["order"]
    statuses = {v.therapy: v.status for v in answer.therapies} if answer and applies is not False else {}
    steps = []
    for name in order:
        step = tree["steps"][name]
        therapies = dict.fromkeys(r["therapy"] for r in tree["recommendations"].values() if r["step"] == name)
        labels = [tree["rows"][t]["label"] + (f" ({statuses[t]})" if t in statuses else "") for t in therapies]
        mark: Mark = ""
        if place and place.at:
            mark = "here" if name in place.at else "next" if name in place.next else "behind" if _leads(tree, name, place.at) else ""
        labels = [label for label in labels if label != step["label"]]
        optional = " (may be passed over)" if step["optional"] else ""
        steps.append(Step(name, (step["label"] + optional, *labels), mark, tuple(step["next"])))
    return Pathway(guideline, title, note, tuple(steps))


def _leads(tree: Tree, step: str, goals: Sequence[str]) -> bool:
    queue, seen = [step], {step}
    while queue:
        for following in tree["steps"][queue.pop()]["next"]:
            if following in goals:
                return True
            if following not in seen:
                seen.add(following)
                queue.append(following)
    return False


def _heading(pathway: Pathway) -> str:
    return f"{pathway.title}: {pathway.note}" if pathway.note else pathway.title


# --- text that other programs draw


def mermaid(drawn: Sequence[Pathway]) -> str:
    """The pathways as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    for pathway in drawn:
        lines.append(f'  subgraph {local_name(pathway.id)}["{_quoted(_heading(pathway))}"]')
        for step in pathway.steps:
            body = "<br/>".join(_quoted(line) for line in (*step.lines, *filter(None, [_WORDS[step.mark].upper()])))
            lines.append(f'    {local_name(step.id)}["{body}"]' + (f":::{step.mark}" if step.mark else ""))
        lines += [f"    {local_name(step.id)} --> {local_name(f)}" for step in pathway.steps for f in step.following]
        lines.append("  end")
    for mark in ("here", "next", "behind"):
        if any(step.mark == mark for pathway in drawn for step in pathway.steps):
            fill, stroke = _FILLS[mark]
            lines.append(f"  classDef {mark} fill:{fill},stroke:{stroke},stroke-width:{3 if mark == 'here' else 1}px")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "#quot;").replace("<", "&lt;")


def dot(drawn: Sequence[Pathway]) -> str:
    """The pathways as a Graphviz digraph."""
    lines = ["digraph pathway {", "  rankdir=TB;", '  node [shape=box, style="rounded,filled", fontname="sans-serif"];']
    for pathway in drawn:
        lines += [f'  subgraph "cluster_{local_name(pathway.id)}" {{', f"    label={_string(_heading(pathway))};"]
        for step in pathway.steps:
            fill, stroke = _FILLS[step.mark]
            text = "\n".join((*step.lines, *filter(None, [_WORDS[step.mark].upper()])))
            width = 3 if step.mark == "here" else 1
            lines.append(f'    "{step.id}" [label={_string(text)}, fillcolor="{fill}", color="{stroke}", penwidth={width}];')
        lines += [f'    "{step.id}" -> "{f}";' for step in pathway.steps for f in step.following]
        lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


# --- SVG


@dataclass
class _Box:
    """A place in a layer: a step, or a bend where a long arrow passes."""

    lines: list[str]
    step: Step | None
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0


def svg(drawn: Sequence[Pathway], *, titled: bool = True) -> str:
    """The pathways as an SVG picture: one for each, and where there are several, those in one, one under the other.

    :param titled: whether title and note are written above each.
    """
    laid = [_Layout(pathway, titled) for pathway in drawn]
    if len(laid) == 1:
        return laid[0].draw() + "\n"
    wide = max((layout.width for layout in laid), default=0)
    parts: list[str] = []
    top = 0.0
    for layout in laid:
        parts.append(layout.draw(top))
        top += layout.height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {top:g}" width="{wide:g}" height="{top:g}">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


class _Layout:
    """Where the boxes of a pathway lie."""

    def __init__(self, pathway: Pathway, titled: bool) -> None:
        self.pathway = pathway
        self.boxes, self.layers, self.arrows = _layers(pathway)
        _sort(self.layers, self.arrows)
        self.width = float(max(sum(self.boxes[b].width + _GAP for b in layer) - _GAP + 2 * _EDGE for layer in self.layers))
        self.titles = textwrap.wrap(pathway.title, int((self.width - 2 * _EDGE) / 8.5)) if titled else []
        self.notes = textwrap.wrap(pathway.note, int((self.width - 2 * _EDGE) / 7)) if titled else []
        self.height = self._place()

    def _place(self) -> float:
        """Put the boxes under the title, and give the height of it all."""
        y = float(_EDGE + _LINE * len(self.titles + self.notes) + (_EDGE if self.titles else 0))
        for layer in self.layers:
            height = max(self.boxes[b].height for b in layer)
            x = (self.width - sum(self.boxes[b].width for b in layer) - _GAP * (len(layer) - 1)) / 2
            for b in layer:
                box = self.boxes[b]
                box.x, box.y, box.height = x, y, box.height if box.step else height
                x += box.width + _GAP
            y += height + _LAYER
        return y - _LAYER + 2 * _EDGE

    def draw(self, top: float = 0) -> str:
        """A picture of the pathway.

        :param top: where it begins in a picture that it is a part of.
        """
        arrow = f"arrow-{local_name(self.pathway.id)}"
        width, height = f"{self.width:g}", f"{self.height:g}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="pathway" y="{top:g}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(_heading(self.pathway))}" font-family="Helvetica, Arial, sans-serif" font-size="13">'
        )
        marker = (
            f'<defs><marker id="{arrow}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
            '<path class="tip" d="M0 0 L10 5 L0 10 z" fill="#5a6672"/></marker></defs>'
        )
        heads = [(line, ' font-size="15" font-weight="bold"') for line in self.titles] + [(line, "") for line in self.notes]
        texts = [
            f'<text x="{_EDGE}" y="{_EDGE + _LINE * (place + 0.75):g}"{style} fill="#1c2733">{escape(line)}</text>'
            for place, (line, style) in enumerate(heads)
        ]
        parts = [_arrow(self.boxes[a], self.boxes[b], arrow) for a, b in self.arrows]
        parts += [_box(box.step, box) for box in self.boxes.values() if box.step]
        return "\n".join([head, marker, '<rect class="ground" width="100%" height="100%" fill="#ffffff"/>', *texts, *parts, "</svg>"])


def _layers(pathway: Pathway) -> tuple[dict[str, _Box], list[list[str]], list[tuple[str, str]]]:
    """Boxes, the layers they lie in, and the arrows, each from one layer to the next."""
    import networkx as nx

    edges = [(step.id, f) for step in pathway.steps for f in step.following]
    graph: nx.DiGraph[str] = nx.DiGraph(edges)
    graph.add_nodes_from(step.id for step in pathway.steps)
    depth: dict[str, int] = {}
    for name in nx.topological_sort(graph):
        depth[name] = max((depth[p] + 1 for p in graph.predecessors(name)), default=0)
    boxes: dict[str, _Box] = {}
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for step in pathway.steps:
        lines = [part for line in step.lines for part in textwrap.wrap(line, 34)]
        lines += [_WORDS[step.mark].upper()] if _WORDS[step.mark] else []
        boxes[step.id] = _Box(lines, step, width=_WIDE, height=len(lines) * _LINE + 2 * _PAD)
        layers[depth[step.id]].append(step.id)
    arrows: list[tuple[str, str]] = []
    for start, end in edges:
        last = start
        for level in range(depth[start] + 1, depth[end]):
            bend = f"{start} {end} {level}"
            boxes[bend] = _Box([], None, width=20)
            layers[level].append(bend)
            arrows.append((last, bend))
            last = bend
        arrows.append((last, end))
    return boxes, layers, arrows


def _sort(layers: list[list[str]], arrows: list[tuple[str, str]]) -> None:
    """Order each layer by the middle of what it is tied to, downwards and upwards, so that few arrows cross."""
    for sweep in range(6):
        down = sweep % 2 == 0
        for level in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            other = layers[level - 1] if down else layers[level + 1]
            place = {name: i / max(len(other) - 1, 1) for i, name in enumerate(other)}
            ties = {n: [place[a if down else b] for a, b in arrows if (b if down else a) == n] for n in layers[level]}
            middle = {n: sum(t) / len(t) if t else 0.5 for n, t in ties.items()}
            layers[level].sort(key=lambda n: middle[n])


def _arrow(start: _Box, end: _Box, marker: str) -> str:
    x1, y1, x2, y2 = start.x + start.width / 2, start.y + start.height, end.x + end.width / 2, end.y
    path = f"M{x1:g} {y1:g} C{x1:g} {(y1 + y2) / 2:g} {x2:g} {(y1 + y2) / 2:g} {x2:g} {y2:g}"
    head = f' marker-end="url(#{marker})"' if end.step else ""
    tail = f" L{x2:g} {y2 + end.height:g}" if not end.step else ""
    return f'<path class="arrow" d="{path}{tail}" fill="none" stroke="#5a6672" stroke-width="1.5"{head}/>'


def _box(step: Step, box: _Box) -> str:
    fill, stroke = _FILLS[step.mark]
    edge = 3 if step.mark == "here" else 1.5
    dash = ' stroke-dasharray="6 4"' if step.mark == "next" else ""
    parts = [
        f'<g class="{f"step {step.mark}".strip()}"><rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="8" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{edge:g}"{dash}/>'
    ]
    label = len(textwrap.wrap(step.lines[0], 34))
    for place, line in enumerate(box.lines):
        said = bool(_WORDS[step.mark]) and place == len(box.lines) - 1
        style = f' class="mark" fill="{stroke}"' if said else ' fill="#1c2733"'
        style += ' font-weight="bold"' if said or place < label else ""
        y = box.y + _PAD + _LINE * (place + 0.75)
        parts.append(f'<text x="{box.x + box.width / 2:g}" y="{y:g}" text-anchor="middle"{style}>{escape(line)}</text>')
    return "".join([*parts, "</g>"])
