"""The pathway of a guideline with how many patients stand on each step."""

from __future__ import annotations

from itertools import count
from typing import Any

from dermograph.cohort.report.counts import Counts
from dermograph.cohort.report.picture import NARROW, Picture
from dermograph.drawing import pathways
from dermograph.terms import local_name

Tree = dict[str, Any]
_LANE, _MARGIN, _INNER, _GAP, _PAD = 0.035, 0.02, 0.03, 26, 10
"""Widths of a lane of arrows, of the margin beside them and of that within a box, in shares; gap between boxes and padding, in pixels."""


def steps(name: str, pathway: Tree, tree: Tree, counts: Counts) -> Picture:
    """The picture of one pathway of the summary.

    :param name: compact IRI of the guideline.
    :param tree: index of the knowledge.
    """
    drawn = Picture(f"pathway-{local_name(name)}", f"{pathway['label']}: patients on each step", _told(pathway, counts))
    applies = pathway["applies"]
    drawn.text(f"It speaks of {counts.text(applies['yes'])}; of {counts.text(applies['unknown'])} it is not known", kind="soft")
    if applies["unknown"]:
        drawn.text("Those of whom it is not known are counted on the steps too", kind="soft")
    drawn.y += 10
    (plan,) = pathways(tree, [name])
    place = {step.id: number for number, step in enumerate(plan.steps)}
    far = {s.id: [f for f in s.following if place[f] != place[s.id] + 1] for s in plan.steps}
    lanes = _lanes({place[s]: max(place[f] for f in following) for s, following in far.items() if following})
    left = _MARGIN + _LANE * (max(lanes.values(), default=-1) + 1)
    ends = f"{100 * (left + _INNER):.3f}%", f"{100 * (1 - _INNER):.3f}%"
    room = NARROW * (1 - left - 2 * _INNER)
    whole = counts.drawn(applies["yes"] + applies["unknown"])
    tops: list[float] = []
    bottoms: list[float] = []
    for number, (step, told) in enumerate(zip(plan.steps, pathway["steps"], strict=True), start=1):
        box, top = len(drawn.parts), drawn.y
        tops.append(top)
        drawn.y += _PAD
        drawn.text(f"{number}. {step.lines[0]}", ends[0], kind="strong", most=room)
        if step.lines[1:]:
            drawn.text(", ".join(step.lines[1:]), ends[0], kind="soft", most=room)
        drawn.y += 4
        drawn.bar("track", 0, 1, 10, left + _INNER, _INNER)
        drawn.bar("rest", 0, counts.drawn(told["at"]) / whole if whole else 0, 10, left + _INNER, _INNER)
        drawn.y += 13
        drawn.sides(f"{counts.text(told['at'])} here", f"next for {counts.text(told['next'])}", ("soft strong", "soft"), ends, room)
        drawn.y += _PAD - 4
        bottoms.append(drawn.y)
        size = f'y="{top:g}" width="{100 * (1 - left) - 0.3:.3f}%" height="{drawn.y - top:g}" rx="6"'
        drawn.parts.insert(box, f'<rect x="{100 * left:.3f}%" {size} class="box"/>')
        drawn.y += _GAP
    _arrows(drawn, [[place[f] for f in s.following] for s in plan.steps], lanes, left, (tops, bottoms))
    drawn.y -= _GAP - 8
    if pathway["past"]:
        drawn.text(f"{counts.text(pathway['past'])} have left every step that they entered", kind="soft")
    return drawn


def _lanes(reach: dict[int, int]) -> dict[int, int]:
    """A lane for the arrows of each step that lead past its neighbour, so that no two in one lane meet; the inmost is 0."""
    found: dict[int, int] = {}
    for start in sorted(reach, key=lambda s: (reach[s] - s, s)):
        taken = {lane for other, lane in found.items() if reach[other] > start and other < reach[start]}
        found[start] = next(lane for lane in count() if lane not in taken)
    return found


def _arrows(drawn: Picture, following: list[list[int]], lanes: dict[int, int], left: float, boxes: tuple[list[float], list[float]]) -> None:
    """Straight arrows from box to box, and lanes at the left past those between; a dot is where a lane starts."""
    tops, bottoms = boxes
    head = f' marker-end="url(#{drawn.name}-arrow)"'
    entries = [0] * len(tops)
    for start, targets in enumerate(following):
        for end in sorted(targets):
            if end == start + 1:
                drawn.line(left + 0.12, bottoms[start], left + 0.12, tops[end] - 1, more=head)
        if start in lanes:
            x, y = left - _MARGIN / 2 - _LANE * (lanes[start] + 0.6), bottoms[start] - 10
            drawn.line(left, y, x, y)
            drawn.parts.append(f'<circle cx="{100 * left:.3f}%" cy="{y:g}" r="3.5" class="dot"/>')
            low = y
            for end in sorted(t for t in targets if t != start + 1):
                low = tops[end] + 14 + 9 * entries[end]
                entries[end] += 1
                drawn.line(x, low, left - 0.002, low, more=head)
            drawn.line(x, y, x, low)


def _told(pathway: Tree, counts: Counts) -> str:
    applies = pathway["applies"]
    parts = [f"The guideline speaks of {counts.text(applies['yes'])} patients; of {counts.text(applies['unknown'])} it is not known."]
    if applies["unknown"]:
        parts.append("Those of whom it is not known are counted on the steps too.")
    for number, step in enumerate(pathway["steps"], start=1):
        parts.append(f"{number}. {step['label']}: {counts.text(step['at'])} stand here, next for {counts.text(step['next'])}.")
    if pathway["past"]:
        parts.append(f"{counts.text(pathway['past'])} have left every step that they entered.")
    return " ".join(parts)
