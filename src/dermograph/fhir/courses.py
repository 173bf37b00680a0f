"""Courses of a therapy, whatever resource tells of them: which class, by which route, from when to when, and how it went.

A code that is broader than a class, as that of an ingredient that is swallowed and rubbed in, stands for the class only where
a route or a dose form says so. A course that has ended, nobody says when and how, leaves no trace that a rule could read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from dermograph.fhir.bundle import Entry
from dermograph.fhir.elements import Concept
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.terminology import Match, Strength
from dermograph.fhir.times import Span

KIND = "dg:Therapy"


class State(Enum):
    """How a course stands by the status of its resource."""

    ongoing = "goes on"
    ended = "has ended"
    refused = "never began"


@dataclass(frozen=True)
class Course:
    """A course, whatever the therapy.

    :param concept: the therapy.
    :param ingredients: what a product is made of, asked where its own code is not mapped.
    :param ways: routes and dose forms.
    :param reasons: what says how it went.
    :param sessions: number of treatments, where it is counted.
    :param why: reservation.
    """

    concept: Concept
    state: State
    span: Span = field(default_factory=Span)
    ingredients: Sequence[Concept] = ()
    ways: Sequence[Concept] = ()
    reasons: Sequence[Concept] = ()
    sessions: int | None = None
    why: Sequence[str] = field(default_factory=tuple)


def _matches(course: Course, scribe: Scribe) -> list[tuple[Concept, Match]]:
    """Classes of therapies that a product, or what it is made of, stands for, each with what it is told by."""
    for concepts in ([course.concept], course.ingredients):
        if found := [(concept, match) for concept in concepts for match in scribe.codes.classes(concept, KIND)]:
            return found
    return []


def _tell_lost(entry: Entry, course: Course, found: Sequence[tuple[Concept, Match]], scribe: Scribe) -> None:
    """Tell of what a product is called and made of, as far as it is not what the course was found by."""
    known = [concept for concept, _ in found]
    if course.concept in known:
        return
    if found and course.concept.codings:
        scribe.tell(entry, course.concept, Level.unread, "what it is made of stands for it")
    elif not found and (course.concept or not course.ingredients):
        scribe.tell(entry, course.concept, Level.unknown, "no mapping")
    for one in course.ingredients:
        if one not in known:
            scribe.tell(entry, one, Level.unknown, "no mapping of an ingredient")


def record(entry: Entry, course: Course, scribe: Scribe) -> None:
    """Record a course under every class that it surely is of."""
    scribe.codes.refuse_misspelt(course.concept, entry.element, "code")
    found = _matches(course, scribe)
    _tell_lost(entry, course, found, scribe)
    if not found:
        return
    named = found[0][0]
    outcome, why = _outcome(course, scribe)
    start, end, rough = _days(course.span)
    why, state = [*course.why, *why], course.state
    if state is State.ongoing and course.span.end and course.span.end.last < scribe.today:
        state, why = State.ended, [f"{entry.element.text('status')}, yet its time has passed", *why]
    if state is not State.ongoing and end is not None and end > scribe.today:
        end, why = None, [*why, "its end lies ahead, and yet it is over"]
    if state is State.refused and not outcome:
        scribe.tell(entry, named, Level.void, "; ".join(["not taken", *why]))
        return
    if state is State.ended and not outcome and end is None:
        scribe.tell(entry, named, Level.unknown, "; ".join(["it has ended, when and how is not told", *why]))
        return
    if state is State.ongoing:
        outcome = None
    if rough and course.span.start and course.span.start.first > scribe.today:
        scribe.tell(entry, named, Level.void, "it begins after the day asked about")
        return
    taken, misses = 0, []
    for concept, match in found:
        fits, reason = _fits(match, course.ways, scribe)
        if fits and outcome in scribe.words.spreading and scribe.codes.one_of_many(match):
            fits, reason = False, f"{outcome} of one member of {match.name}, which says nothing of the others"
        if not fits:
            misses.append(reason)
            continue
        name = entry.iri if taken == 0 else f"{entry.iri}#{taken}"
        taken += 1
        scribe.record("pt:course", name, match.name, start=start, end=end, outcome=outcome, sessions=course.sessions)
        undated = ["a day is not told"] if rough else []
        scribe.take(entry, concept, [match.name, *filter(None, [outcome])], "; ".join([*why, *undated, *filter(None, [reason])]))
    if misses and not taken:
        scribe.tell(entry, named, Level.unknown, "; ".join(misses))


def _outcome(course: Course, scribe: Scribe) -> tuple[str | None, list[str]]:
    """Outcome that the reasons say for sure, and what of them is not understood."""
    said = [concept for concept in course.reasons if concept]
    found = {value for concept in said if (value := scribe.codes.value(concept, "pt:outcome"))}
    if len(found) == 1:
        return found.pop(), []
    if found:
        return None, [f"its reasons say {' and '.join(sorted(found))}"]
    return None, [f"its reason is not understood: {concept.told}" for concept in said]


def _days(span: Span) -> tuple[dt.date | None, dt.date | None, bool]:
    """Start and end where they are told to the day, and whether one is told only roughly."""
    start, end = (m.day if m else None for m in (span.start, span.end))
    return start, end, any(m is not None and m.day is None for m in (span.start, span.end))


def _fits(match: Match, ways: Sequence[Concept], scribe: Scribe) -> tuple[bool, str]:
    """Whether a course is of a class by its route, with the reservation or the reason why not."""
    text = "by its text" if match.strength is Strength.LABEL else ""
    if not scribe.codes.has_route(match.name):
        if match.strength > Strength.CLOSE:
            return False, f"the code is broader than {match.name}"
        return True, f"the code is only near to {match.name}" if match.strength is Strength.CLOSE else text
    by = scribe.codes.routes(ways)
    agrees = any(scribe.words.is_a(match.name, one) for one in by)
    if agrees:
        return True, text
    if by:
        return False, f"by its route or form it is not {match.name}"
    if match.strength > Strength.CLOSE:
        return False, f"whether it is {match.name} turns on the route, which is not told or not understood"
    return True, f"the code is only near to {match.name}" if match.strength is Strength.CLOSE else text
