"""The funnel of a recommendation: how many patients it loses at which criterion, and how many remain."""

from __future__ import annotations

from typing import Any

from dermograph.cohort.report.counts import Counts
from dermograph.cohort.report.picture import NARROW, Picture
from dermograph.terms import local_name

Tree = dict[str, Any]

THEN = {
    "eligible": "may have it",
    "ongoing": "take it now",
    "undetermined": "wait for a missing fact",
    "deferred": "wait for something to come first",
    "excluded": "are kept from it",
}
"""What a therapy's status means for those who meet a recommendation."""
_ZOOM = 8
"""From where on the scale changes: fewer than one in so many of the width are left."""


def funnel(name: str, recommendation: Tree, assessed: int, counts: Counts) -> Picture:
    """The picture of one recommendation of the summary.

    :param name: compact IRI of the recommendation.
    """
    drawn = Picture(f"funnel-{local_name(name)}", recommendation["label"], _told(recommendation, assessed, counts))
    scale = counts.drawn(assessed)
    drawn.text(f"{counts.text(assessed)} assessed", kind="strong")
    drawn.y += 3
    drawn.bar("rest", 0, 1 if scale else 0)
    drawn.y += 16
    for number, step in enumerate(recommendation["steps"], start=1):
        reached = counts.drawn(step["reached"])
        if reached and reached * _ZOOM < scale:
            _zoom(drawn, reached / scale, counts.text(step["reached"]))
            scale = reached
        drawn.y += 12
        drawn.text(f"{number}. {wanted(step)}")
        drawn.y += 3
        left = step["reached"] - step["lost"] - step["unknown"]
        end = 0.0
        for kind, count in (("rest", left), ("open", step["unknown"]), ("lost", step["lost"])):
            end = drawn.bar(kind, end, counts.drawn(count) / scale if scale else 0)
        drawn.y += 16
        drawn.sides(
            f"{counts.text(step['lost'])} lost, {counts.text(step['unknown'])} not known", f"{counts.text(left)} left", ("soft", "soft strong")
        )
    drawn.y += 10
    drawn.text(f"{counts.text(recommendation['met'])} meet all of it", kind="strong")
    for status, words in THEN.items():
        if recommendation["then"][status]:
            drawn.text(f"{counts.text(recommendation['then'][status])} {words}", "14", kind="soft", most=NARROW - 14)
    drawn.y += 4
    return drawn


def wanted(step: Tree) -> str:
    """What a step of the funnel asks for, in words; against one that asks nothing stands the recommendation itself."""
    label = str(step["label"])
    return label if step["criterion"] else f"the guideline says: {label}"


def _zoom(drawn: Picture, share: float, count: str) -> None:
    """Say and show that from here on the whole width is a smaller number."""
    drawn.y += 4
    drawn.line(0, drawn.y, 0, drawn.y + 12, "zoom")
    drawn.line(share, drawn.y, 1, drawn.y + 12, "zoom")
    drawn.y += 14
    drawn.text(f"from here the full width is {count}", kind="soft")
    drawn.y -= 4


def _told(recommendation: Tree, assessed: int, counts: Counts) -> str:
    parts = [f"Of {counts.text(assessed)} patients assessed:"]
    for number, step in enumerate(recommendation["steps"], start=1):
        parts.append(
            f"{number}. {wanted(step)}: {counts.text(step['lost'])} are lost, of {counts.text(step['unknown'])} it is not known, "
            f"{counts.text(step['reached'] - step['lost'] - step['unknown'])} are left."
        )
    parts.append(f"{counts.text(recommendation['met'])} meet all of it.")
    parts += [f"Of these {counts.text(recommendation['then'][s])} {words}." for s, words in THEN.items() if recommendation["then"][s]]
    return " ".join(parts)
