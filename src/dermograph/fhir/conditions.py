"""Condition: https://hl7.org/fhir/R4/condition.html.

A condition that is refuted is absent. One that is provisional, differential or unconfirmed, or of which it is not told whether
it goes on, is suspected. So is one whose code is only near to the class, or broader.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dermograph.fhir.bundle import Entry
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.terminology import Match, Strength
from dermograph.fhir.times import Moment, moment, period

_UNSURE = {"unconfirmed", "provisional", "differential"}
_PRESENT, _OVER = {"active", "recurrence", "relapse"}, {"inactive", "resolved"}


@dataclass(frozen=True)
class _Course:
    """How a condition went.

    :param status: of the contract; None where the dates say it.
    :param why: reservation.
    """

    status: str | None
    onset: dt.date | None
    abatement: dt.date | None
    why: str = ""


@dataclass(frozen=True)
class _Found:
    """What a resource says, whatever class its code stands for.

    :param unsure: it is not verified.
    :param why: reservations.
    """

    concept: Concept
    course: _Course
    severity: str | None
    sites: list[str]
    unsure: bool
    why: list[str]


def read(entry: Entry, scribe: Scribe) -> None:
    """Record a Condition."""
    resource = entry.element
    concept = resource.concept("code")
    scribe.codes.refuse_misspelt(concept, resource, "code")
    verification = resource.code("verificationStatus")
    if verification == "entered-in-error":
        scribe.tell(entry, concept, Level.void, "entered in error")
        return
    matches = [m for m in scribe.codes.classes(concept, "dg:Condition") if m.strength is not Strength.RELATED]
    if not matches:
        scribe.tell(entry, concept, Level.unknown, f"no mapping{' (refuted)' if verification == 'refuted' else ''}")
        return
    if verification == "refuted":
        for match in matches:
            _refuted(entry, concept, match, scribe)
        return
    course = _course(resource, scribe.today)
    if course is None:
        scribe.tell(entry, concept, Level.void, "it begins after the day asked about")
        return
    why = [
        course.why,
        "" if verification in {*_UNSURE, "confirmed"} or not resource.concept("verificationStatus") else "its verification is not understood",
    ]
    found = _Found(concept, course, _severity(entry, scribe), _sites(entry, scribe), verification in _UNSURE or bool(why[1]), [w for w in why if w])
    for number, match in enumerate(matches):
        _record(entry, found, match, number, scribe)


def _record(entry: Entry, found: _Found, match: Match, number: int, scribe: Scribe) -> None:
    concept, course, why = found.concept, found.course, found.why
    status, abatement = course.status, course.abatement
    if found.unsure or not match.strength.sure:
        over = status == "pt:Resolved" or (abatement is not None and abatement <= scribe.today)
        lasting = match.name in scribe.words.lasting
        if over and not lasting:
            scribe.tell(entry, concept, Level.void, f"over, and not surely {match.name}")
            return
        status, abatement = "pt:Suspected", None if lasting else abatement
    if not match.strength.sure:
        why = [*why, f"the code is {'broader than' if match.strength is Strength.BROAD else 'only near to'} {match.name}"]
    if match.strength is Strength.LABEL:
        why = [*why, "by its text"]
    name = entry.iri if number == 0 else f"{entry.iri}#{number}"
    said = {"status": status, "severity": found.severity, "site": found.sites, "onset": course.onset, "abatement": abatement}
    scribe.record("pt:condition", name, match.name, **said)
    if status != "pt:Resolved":
        scribe.present.add(match.name)
    scribe.take(entry, concept, [match.name, *filter(None, [status, found.severity]), *found.sites], "; ".join(why))


def _refuted(entry: Entry, concept: Concept, match: Match, scribe: Scribe) -> None:
    if match.strength not in {Strength.EXACT, Strength.LABEL, Strength.BROAD}:
        scribe.tell(entry, concept, Level.unknown, f"refuted, which leaves other kinds of {match.name} open")
    elif match.name in scribe.words.screened:
        scribe.tell(entry, concept, Level.unknown, f"refuted, and {match.name} must be screened for anew: only a dated test excludes it")
    else:
        scribe.refuted.append((entry, concept, match.name))


def _course(resource: Element, today: dt.date) -> _Course | None:
    """What the clinical status and the dates say; None where the condition begins later."""
    clinical = resource.code("clinicalStatus")
    begun = moment(resource, "onsetDateTime") or period(resource.part("onsetPeriod")).start
    ended = moment(resource, "abatementDateTime") or period(resource.part("abatementPeriod")).end
    over = ended is not None or any(resource.value.get(f"abatement{kind}") is not None for kind in ("Age", "Range", "String"))
    onset = begun.day if begun else None
    if begun and begun.first > today:
        return _Course(None, onset, None) if onset else None
    undated = "the day it began is not told" if begun and not onset else ""
    if clinical in _PRESENT:
        if ended and _past(ended, today):
            return _Course("pt:Suspected", onset, None, "active, and yet it has abated")
        return _Course("pt:Active", onset, None, undated)
    if clinical in _OVER or (over and clinical in {"", "remission"}):
        if ended and ended.first > today:
            return _Course(None, onset, ended.day, undated)
        return _Course(None, onset, ended.day, undated) if ended and ended.day else _Course("pt:Resolved", onset, None, undated)
    reason = (
        "in remission"
        if clinical == "remission"
        else "its clinical status is not understood"
        if resource.concept("clinicalStatus")
        else "no clinical status"
    )
    return _Course("pt:Suspected", onset, None, "; ".join(filter(None, (reason, undated))))


def _past(ended: Moment, today: dt.date) -> bool:
    return ended.last <= today


def _severity(entry: Entry, scribe: Scribe) -> str | None:
    resource = entry.element
    said = [resource.concept("severity"), *(stage.concept("summary") for stage in resource.parts("stage"))]
    for concept in filter(None, said):
        found = scribe.codes.value(concept, "pt:severity")
        if found:
            return found
    for concept in filter(None, said[:1]):
        scribe.tell(entry, concept, Level.unknown, "no mapping of its severity")
    return None


def _sites(entry: Entry, scribe: Scribe) -> list[str]:
    found: dict[str, None] = {}
    for concept in entry.element.concepts("bodySite"):
        site = scribe.codes.value(concept, "pt:site")
        if site:
            found[site] = None
        else:
            scribe.tell(entry, concept, Level.unknown, "no mapping of its site")
    return list(found)
