"""Condition: https://hl7.org/fhir/R4/condition.html.

A condition that is refuted is absent. One that is provisional, differential or unconfirmed, or of which it is not told whether
it goes on, is suspected. So is one whose code is only near to the class, or broader.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dermograph.fhir.bundle import Entry
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.modifiers import modified
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.terminology import Match, Strength
from dermograph.fhir.times import Moment, moment, period

_UNSURE = {"unconfirmed", "provisional", "differential"}
_PRESENT, _OVER = {"active", "recurrence", "relapse"}, {"inactive", "resolved"}
_SYSTEMS = "http://terminology.hl7.org/CodeSystem/"
CLINICAL = {"Condition": f"{_SYSTEMS}condition-clinical", "AllergyIntolerance": f"{_SYSTEMS}allergyintolerance-clinical"}
"""FHIR's own code system of the clinical status, by the kind of resource."""
VERIFICATION = {"Condition": f"{_SYSTEMS}condition-ver-status", "AllergyIntolerance": f"{_SYSTEMS}allergyintolerance-verification"}
"""That of the verification status."""


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
    :param turned: a modifier extension may turn its meaning.
    """

    concept: Concept
    course: _Course
    severity: str | None
    sites: list[str]
    unsure: bool
    why: list[str]
    turned: bool = False


def read(entry: Entry, scribe: Scribe) -> None:
    """Record a Condition, or what another resource says of one."""
    resource = entry.element
    concept = resource.concept("code")
    scribe.codes.refuse_misspelt(concept, resource, "code")
    verification = resource.status("verificationStatus", VERIFICATION[entry.kind])
    if verification.code == "entered-in-error":
        scribe.tell(entry, concept, Level.void, _joined("entered in error", verification.why))
        return
    matches = [m for m in scribe.codes.classes(concept, "dg:Condition") if m.strength is not Strength.RELATED]
    if not matches:
        scribe.tell(entry, concept, Level.unknown, f"no mapping{' (refuted)' if verification.code == 'refuted' else ''}")
        return
    if turned := modified(resource, "stage", "reaction"):
        found = _Found(concept, _Course("pt:Suspected", None, None), None, [], True, [turned], True)
    elif verification.code == "refuted":
        for match in matches:
            _refuted(entry, concept, match, scribe)
        return
    else:
        course = _course(resource, CLINICAL[entry.kind], scribe.today)
        if course is None:
            scribe.tell(entry, concept, Level.void, "it begins after the day asked about")
            return
        doubtful = verification.lost or verification.code not in {"", "confirmed", *_UNSURE}
        why = [course.why, verification.why or ("its verificationStatus is not understood" if doubtful else "")]
        found = _Found(
            concept, course, _severity(entry, scribe), _sites(entry, scribe), doubtful or verification.code in _UNSURE, [w for w in why if w]
        )
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
    recorded = [match.name, *filter(None, [status, found.severity]), *found.sites]
    if found.turned:
        scribe.tell(entry, concept, Level.unknown, "; ".join(why), recorded)
    else:
        scribe.take(entry, concept, recorded, "; ".join(why))


def _refuted(entry: Entry, concept: Concept, match: Match, scribe: Scribe) -> None:
    if match.strength not in {Strength.EXACT, Strength.LABEL, Strength.BROAD}:
        scribe.tell(entry, concept, Level.unknown, f"refuted, which leaves other kinds of {match.name} open")
    elif match.name in scribe.words.screened:
        scribe.tell(entry, concept, Level.unknown, f"refuted, and {match.name} must be screened for anew: only a dated test excludes it")
    else:
        scribe.refuted.append((entry, concept, match.name))


def _course(resource: Element, system: str, today: dt.date) -> _Course | None:
    """What the clinical status and the dates say; None where the condition begins later."""
    clinical = resource.status("clinicalStatus", system)
    begun = moment(resource, "onsetDateTime") or period(resource.part("onsetPeriod")).start
    ended = moment(resource, "abatementDateTime") or period(resource.part("abatementPeriod")).end
    over = ended is not None or any(resource.value.get(f"abatement{kind}") is not None for kind in ("Age", "Range", "String"))
    onset = begun.day if begun else None
    if begun and begun.first > today:
        return _Course(None, onset, None) if onset else None
    why = [clinical.why, "the day it began is not told" if begun and not onset else ""]
    if clinical.code in _PRESENT:
        if ended and _past(ended, today):
            return _Course("pt:Suspected", onset, None, _joined(clinical.why, "active, and yet it has abated"))
        return _Course("pt:Active", onset, None, _joined(*why))
    if clinical.code in _OVER or (over and not clinical.lost and clinical.code in {"", "remission"}):
        if ended and (ended.first > today or ended.day):
            return _Course(None, onset, ended.day, _joined(*why))
        return _Course("pt:Resolved", onset, None, _joined(*why))
    reason = "in remission" if clinical.code == "remission" else "its clinicalStatus is not understood" if clinical.code else "no clinical status"
    return _Course("pt:Suspected", onset, None, _joined("" if clinical.lost else reason, *why))


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


def _past(ended: Moment, today: dt.date) -> bool:
    return ended.last <= today


def _severity(entry: Entry, scribe: Scribe) -> str | None:
    resource = entry.element
    said = [("severity", resource.concept("severity")), *(("stage", stage.concept("summary")) for stage in resource.parts("stage"))]
    found = None
    for name, concept in said:
        value = scribe.codes.value(concept, "pt:severity") if concept else None
        if concept and value is None:
            scribe.tell(entry, concept, Level.unknown, f"no mapping of its {name}")
        found = found or value
    return found


def _sites(entry: Entry, scribe: Scribe) -> list[str]:
    found: dict[str, None] = {}
    for concept in entry.element.concepts("bodySite"):
        site = scribe.codes.value(concept, "pt:site")
        if site:
            found[site] = None
        else:
            scribe.tell(entry, concept, Level.unknown, "no mapping of its site")
    return list(found)
