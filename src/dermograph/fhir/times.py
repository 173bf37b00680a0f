"""Dates and times of FHIR, which may leave the day or the month open: https://hl7.org/fhir/R4/datatypes.html#dateTime.

No day is ever made up. What is only known to a month or a year has a first and a last day that it may be.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from dermograph.fhir.elements import Element

_SHAPE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII)


@dataclass(frozen=True)
class Moment:
    """A point in time as far as it is told.

    :param first: first day that it may be.
    :param last: last day that it may be.
    :param instant: the moment itself, where time and zone are told.
    """

    first: dt.date
    last: dt.date
    instant: dt.datetime | None = None

    @property
    def day(self) -> dt.date | None:
        """The day, where it is told; that of the zone it was written in."""
        return self.first if self.first == self.last else None


def moment(element: Element, key: str) -> Moment | None:
    """The date, dateTime or instant of an element.

    :raises InputError: it is none.
    """
    said = element.text(key)
    if said is None:
        return None
    shape = _SHAPE.fullmatch(said)
    if shape is None:
        raise element.wrong(key, "a date as 2026-11-01")
    year, month, day, hour, minute, second, zone = shape.groups()
    try:
        first = dt.date(int(year), int(month or 1), int(day or 1))
        last_month = int(month or 12)
        last = first if day else dt.date(int(year), last_month, calendar.monthrange(int(year), last_month)[1])
        instant = None
        if hour:
            clock = dt.time(int(hour), int(minute), min(int(second or 0), 59))
            instant = dt.datetime.combine(first, clock, _zone(zone)) if zone else None
    except ValueError as error:
        raise element.wrong(key, "a day and time of the calendar") from error
    return Moment(first, last, instant)


def _zone(text: str) -> dt.timezone:
    if text == "Z":
        return dt.UTC
    ahead = dt.timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return dt.timezone(-ahead if text[0] == "-" else ahead)


@dataclass(frozen=True)
class Span:
    """From when to when, as far as it is told."""

    start: Moment | None = None
    end: Moment | None = None


def span(element: Element, stem: str, *, goes_on: bool = False) -> Span:
    """What ``<stem>DateTime`` or ``<stem>Period`` says.

    :param goes_on: what it tells of goes on, so that a single moment is its start; else it is both start and end.
    """
    at = moment(element, f"{stem}DateTime")
    if at is not None:
        return Span(at) if goes_on else Span(at, at)
    return period(element.part(f"{stem}Period"))


def period(element: Element | None) -> Span:
    """What a Period says."""
    return Span() if element is None else Span(moment(element, "start"), moment(element, "end"))


def months(born: dt.date, today: dt.date) -> int:
    """Completed months from a birth to a day."""
    return (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
