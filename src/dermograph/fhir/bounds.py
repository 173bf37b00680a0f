"""From when to when an order has a drug taken: the bounds of its dosages, https://hl7.org/fhir/R4/datatypes.html#Timing.

The phases of an order count together. One that has no end leaves the whole open, and one that only has a length is counted from
the day the order was written, or from the end of the phases before it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dermograph.fhir.elements import Element
from dermograph.fhir.times import Moment, Span, moment, period

_DAYS = {
    "d": Decimal(1),
    "wk": Decimal(7),
    "mo": Decimal("30.4375"),
    "a": Decimal("365.25"),
    "h": 1 / Decimal(24),
    "min": 1 / Decimal(1440),
    "s": 1 / Decimal(86400),
}
"""Days of the units that a duration may have, as UCUM defines them."""
_WORDS = {"day": "d", "week": "wk", "month": "mo", "year": "a", "hour": "h", "minute": "min", "second": "s"}
"""Units in words, which a duration without a code may have, also in the plural."""
_LONGEST = 200 * 366
"""More days than anybody lives."""


@dataclass(frozen=True)
class _Phase:
    """A dosage of an order.

    :param told: its first and last day, where they are told.
    :param least: days that it lasts at least.
    :param most: days that it lasts at most; None where it has no end, or where it is told otherwise.
    :param number: place among the phases; phases of one number go together.
    :param lost: its length is told and not understood.
    """

    told: Span | None = None
    least: int = 0
    most: int | None = None
    number: Decimal | None = None
    lost: bool = False

    @property
    def open(self) -> bool:
        """Whether nothing says that it ends."""
        return not self.lost and self.most is None and (self.told is None or self.told.end is None)


def bounds(order: Element) -> tuple[Span, str]:
    """From when to when, and why the end cannot be told."""
    written = moment(order, "authoredOn")
    phases = [_phase(dosage) for dosage in order.parts("dosageInstruction")]
    starts = [phase.told.start if phase.told else written for phase in phases] or [written]
    known = [start for start in starts if start]
    start = min(known, key=lambda m: m.first) if len(known) == len(starts) else None
    if not phases or any(phase.open for phase in phases):
        return Span(start), ""
    if any(phase.lost for phase in phases):
        return Span(start), "how long it is to be taken is not understood"
    ends = [phase.told.end for phase in phases if phase.told and phase.told.end]
    lengths = [phase for phase in phases if phase.most is not None]
    if not lengths:
        return Span(start, Moment(max(e.first for e in ends), max(e.last for e in ends))), ""
    begun = written or start
    if begun is None:
        return Span(start), "how long it is to be taken is told, and not from when"
    least, most = _together(lengths)
    try:
        first = max([begun.first + dt.timedelta(least), *(e.first for e in ends)])
        last = max([begun.last, *(e.last for e in ends)]) + dt.timedelta(most)
    except OverflowError:
        return Span(start), "how long it is to be taken is not understood"
    return Span(start, Moment(first, last)), ""


def _phase(dosage: Element) -> _Phase:
    timing = dosage.part("timing")
    repeat = timing.part("repeat") if timing else None
    number = dosage.number("sequence")
    if repeat is None:
        return _Phase(number=number)
    told, length, between = period(repeat.part("boundsPeriod")), repeat.part("boundsDuration"), repeat.part("boundsRange")
    if told.start or told.end:
        return _Phase(told, number=number)
    if length is not None:
        days = _days(length)
        return _Phase(None, days or 0, days, number, days is None)
    if between is None:
        return _Phase(number=number)
    low, high = between.part("low"), between.part("high")
    least, most = _days(low) if low else 0, _days(high) if high else None
    return _Phase(None, least or 0, most, number, least is None or (high is not None and most is None))


def _days(length: Element) -> int | None:
    """Days of a length of time; None where it is not understood."""
    word = (length.text("unit") or "").lower()
    number, unit = length.number("value"), length.text("code") or _WORDS.get(word.removesuffix("s"), word)
    if number is None or length.text("comparator") or unit not in _DAYS or not 0 < number < _LONGEST * 86400:
        return None
    days = math.ceil(number * _DAYS[unit])
    return days if days < _LONGEST else None


def _together(phases: Sequence[_Phase]) -> tuple[int, int]:
    """Days that phases last at least and at most; those that have no number may go together or follow each other."""
    groups: dict[object, list[_Phase]] = defaultdict(list)
    for place, phase in enumerate(phases):
        groups[phase.number if phase.number is not None else (place,)].append(phase)
    least = [max(phase.least for phase in group) for group in groups.values()]
    most = sum(max(phase.most or 0 for phase in group) for group in groups.values())
    return (sum(least) if all(phase.number is not None for phase in phases) else max(least)), most
