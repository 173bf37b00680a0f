"""Procedure and ServiceRequest: https://hl7.org/fhir/R4/procedure.html.

A procedure is a course of a therapy or an assessment. What was only ordered was not done; an order that was completed tells
that it was done, and never what was found.
"""

from __future__ import annotations

from dermograph.fhir.bundle import Entry
from dermograph.fhir.courses import KIND, Course, State, record
from dermograph.fhir.elements import Element
from dermograph.fhir.medications import ON_HOLD, no_order, settled
from dermograph.fhir.modifiers import modified
from dermograph.fhir.observations import ASSESSED, assess
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.times import span

SESSIONS = "https://w3id.org/dermograph/fhir/StructureDefinition/sessions"
"""Extension of a Procedure that counts the treatments of a course."""
_MOST = 10_000
"""More treatments than any course has."""
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
    when = span(resource, "performed", goes_on=state is State.ongoing)
    tests = scribe.codes.classes(concept, ASSESSED)
    if tests and state is not State.ended:
        scribe.tell(entry, concept, Level.void, f"its status is {resource.text('status')}")
        return
    for number, match in enumerate(tests):
        name = entry.iri if number == 0 else f"{entry.iri}#{number}"
        assess(entry, concept, match, [resource.concept("outcome")], when.end or when.start, name, scribe)
    if tests and not scribe.codes.classes(concept, KIND):
        return
    reasons = [resource.concept("statusReason"), resource.concept("outcome")]
    sessions, lost = _sessions(resource)
    why = [*([ON_HOLD] if resource.text("status") == "on-hold" else []), *lost]
    record(entry, Course(concept, state, when, reasons=reasons, sessions=sessions, why=why), scribe)


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
    elif why := modified(resource):
        scribe.tell(entry, concept, Level.unknown, why)
    elif wish := no_order(resource):
        scribe.tell(entry, concept, *wish)
    elif status != "completed":
        scribe.tell(entry, concept, Level.unknown, f"its status is {status or 'not told'}")
    elif tests := scribe.codes.classes(concept, ASSESSED):
        when = span(resource, "occurrence")
        for number, match in enumerate(tests):
            name = entry.iri if number == 0 else f"{entry.iri}#{number}"
            assess(entry, concept, match, [], when.end or when.start, name, scribe)
    else:
        scribe.tell(entry, concept, Level.unknown, "an order; how it went is not told" if scribe.codes.classes(concept, KIND) else "no mapping")


def _sessions(resource: Element) -> tuple[int | None, list[str]]:
    """Number of treatments, and that it is told and not understood."""
    told = [extension.number("valuePositiveInt") for extension in resource.parts("extension") if extension.text("url") == SESSIONS]
    if not told:
        return None, []
    number = told[0]
    if len(set(told)) > 1 or number is None or not 1 <= number <= _MOST or number != number.to_integral_value():
        return None, ["its number of treatments is not understood"]
    return int(number), []
