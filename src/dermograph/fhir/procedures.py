"""Procedure and ServiceRequest: https://hl7.org/fhir/R4/procedure.html.

A procedure is a course of a therapy or an assessment. What was only ordered was not done; an order that was completed tells
that it was done, and never what was found.
"""

from __future__ import annotations

from dermograph.fhir.bundle import Entry
from dermograph.fhir.courses import KIND, Course, State, record
from dermograph.fhir.elements import Element
from dermograph.fhir.medications import ON_HOLD, settled
from dermograph.fhir.observations import ASSESSED, assess
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.times import Span, span

SESSIONS = "https://w3id.org/dermograph/fhir/StructureDefinition/sessions"
"""Extension of a Procedure that counts the treatments of a course."""
_PROCEDURES = {
    "in-progress": State.ongoing,
    "on-hold": State.ongoing,
    "completed": State.ended,
    "stopped": State.ended,
    "not-done": State.refused,
}
_ORDERS = {
    "draft": "a draft",
    "active": "ordered, and whether it was done is not told",
    "on-hold": "ordered, and on hold",
    "revoked": "revoked",
    "entered-in-error": "entered in error",
}


def procedure(entry: Entry, scribe: Scribe) -> None:
    """Record a Procedure."""
    resource = entry.element
    concept = resource.concept("code")
    scribe.codes.refuse_misspelt(concept, resource, "code")
    state = settled(entry, concept, _PROCEDURES, scribe)
    if state is None:
        return
    when = span(resource, "performed")
    tests = scribe.codes.classes(concept, ASSESSED)
    if tests and state is not State.ended:
        scribe.tell(entry, concept, Level.void, f"its status is {resource.text('status')}")
        return
    for number, match in enumerate(tests):
        name = entry.iri if number == 0 else f"{entry.iri}#{number}"
        assess(entry, concept, match, [resource.concept("outcome")], when.end or when.start, name, scribe)
    if tests and not scribe.codes.classes(concept, KIND):
        return
    if state is State.ongoing and when.start == when.end:
        when = Span(when.start)
    reasons = [resource.concept("statusReason"), resource.concept("outcome")]
    why = [ON_HOLD] if resource.text("status") == "on-hold" else []
    record(entry, Course(concept, state, when, reasons=reasons, sessions=_sessions(resource), why=why), scribe)


def order(entry: Entry, scribe: Scribe) -> None:
    """Record a ServiceRequest, as far as it tells that something was done."""
    resource = entry.element
    concept = resource.concept("code")
    scribe.codes.refuse_misspelt(concept, resource, "code")
    status = resource.text("status") or ""
    if resource.flag("doNotPerform"):
        scribe.tell(entry, concept, Level.void, "an order not to do it")
    elif status in _ORDERS:
        scribe.tell(entry, concept, Level.void, _ORDERS[status])
    elif status != "completed":
        scribe.tell(entry, concept, Level.unknown, f"its status is {status or 'not told'}")
    elif tests := scribe.codes.classes(concept, ASSESSED):
        when = span(resource, "occurrence")
        for number, match in enumerate(tests):
            name = entry.iri if number == 0 else f"{entry.iri}#{number}"
            assess(entry, concept, match, [], when.end or when.start, name, scribe)
    else:
        scribe.tell(entry, concept, Level.unknown, "an order; how it went is not told" if scribe.codes.classes(concept, KIND) else "no mapping")


def _sessions(resource: Element) -> int | None:
    for extension in resource.parts("extension"):
        if extension.text("url") == SESSIONS:
            number = extension.number("valuePositiveInt")
            if number is None or number != int(number):
                raise extension.wrong("valuePositiveInt", "a whole number")
            return int(number)
    return None
