"""MedicationStatement, MedicationRequest, MedicationAdministration and Immunization as courses: https://hl7.org/fhir/R4/medications-module.html.

An order that is active counts as a course that goes on, from the day it was written: an interaction that is overlooked harms
more than one that is looked into. An intention, a proposal, a draft and an order not to give are no courses.
"""

from __future__ import annotations

from collections.abc import Sequence

from dermograph.fhir.bundle import Entry
from dermograph.fhir.courses import Course, State, record
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.times import Span, moment, period, span

ON_HOLD = "on hold, and taken as going on"
_STATEMENTS = {
    "active": State.ongoing,
    "on-hold": State.ongoing,
    "completed": State.ended,
    "stopped": State.ended,
    "not-taken": State.refused,
}
_REQUESTS = {"active": State.ongoing, "on-hold": State.ongoing, "completed": State.ended, "stopped": State.ended, "cancelled": State.refused}
_EVENTS = {
    "in-progress": State.ongoing,
    "on-hold": State.ongoing,
    "completed": State.ended,
    "stopped": State.ended,
    "not-done": State.refused,
}
"""Statuses of what is done rather than asked for or told of."""
VOID = {
    "entered-in-error": "entered in error",
    "intended": "intended, not taken yet",
    "draft": "a draft",
    "preparation": "in preparation, not begun yet",
}
_NO_ORDERS = {"proposal", "plan", "option"}


def statement(entry: Entry, scribe: Scribe) -> None:
    """Record a MedicationStatement."""
    resource = entry.element
    when = span(resource, "effective")
    if when.start == when.end and resource.text("status") == "stopped":
        when = Span(when.start)
    _course(entry, _STATEMENTS, when, resource.parts("dosage"), resource.concepts("statusReason"), scribe)


def request(entry: Entry, scribe: Scribe) -> None:
    """Record a MedicationRequest."""
    resource = entry.element
    dosages = resource.parts("dosageInstruction")
    if resource.flag("doNotPerform"):
        scribe.tell(entry, _named(entry, scribe)[0], Level.void, "an order not to give it")
    elif (intent := resource.text("intent")) in _NO_ORDERS:
        scribe.tell(entry, _named(entry, scribe)[0], Level.void, f"a {intent}, not an order")
    else:
        _course(entry, _REQUESTS, _ordered(resource, dosages), dosages, [resource.concept("statusReason")], scribe)


def administration(entry: Entry, scribe: Scribe) -> None:
    """Record a MedicationAdministration."""
    resource = entry.element
    dosage = resource.part("dosage")
    _course(entry, _EVENTS, span(resource, "effective"), [dosage] if dosage else [], resource.concepts("statusReason"), scribe)


def immunization(entry: Entry, scribe: Scribe) -> None:
    """Record an Immunization."""
    resource = entry.element
    concept = resource.concept("vaccineCode")
    state = settled(entry, concept, _EVENTS, scribe)
    if state is not None:
        at = moment(resource, "occurrenceDateTime")
        record(entry, Course(concept, state, Span(at, at), reasons=[resource.concept("statusReason")]), scribe)


def settled(entry: Entry, concept: Concept, states: dict[str, State], scribe: Scribe) -> State | None:
    """State that the status of a resource gives a course; where it gives none, that is told."""
    status = entry.element.text("status") or ""
    if status in states:
        return states[status]
    if status in VOID:
        scribe.tell(entry, concept, Level.void, VOID[status])
    else:
        scribe.tell(entry, concept, Level.unknown, f"its status is {status or 'not told'}")
    return None


def _course(entry: Entry, states: dict[str, State], when: Span, dosages: Sequence[Element], reasons: Sequence[Concept], scribe: Scribe) -> None:
    concept, ingredients, form, lost = _named(entry, scribe)
    if lost:
        scribe.tell(entry, concept, Level.unknown, lost)
        return
    state = settled(entry, concept, states, scribe)
    if state is None:
        return
    ways = [*(dosage.concept("route") for dosage in dosages), *form]
    why = [ON_HOLD] if entry.element.text("status") == "on-hold" else []
    if state is State.ongoing and (when.end and when.end.last < scribe.today):
        state, why = State.ended, [*why, f"{entry.element.text('status')}, yet its time has passed"]
    if state is State.ongoing and when.start == when.end:
        when = Span(when.start)
    record(entry, Course(concept, state, when, ingredients, ways, reasons, why=why), scribe)


def _ordered(resource: Element, dosages: Sequence[Element]) -> Span:
    """From when to when an order has it taken."""
    for dosage in dosages:
        timing = dosage.part("timing")
        repeat = timing.part("repeat") if timing else None
        bounds = period(repeat.part("boundsPeriod")) if repeat else Span()
        if bounds.start or bounds.end:
            return bounds
    return Span(moment(resource, "authoredOn"))


def _named(entry: Entry, scribe: Scribe) -> tuple[Concept, list[Concept], list[Concept], str]:
    """What is taken, what it is made of, its dose form, and why it cannot be told."""
    resource = entry.element
    if resource.value.get("medicationCodeableConcept") is not None:
        return resource.concept("medicationCodeableConcept"), [], [], ""
    pointer = resource.part("medicationReference")
    if pointer is None:
        return Concept(), [], [], "no medication is named"
    words = Concept((), pointer.text("display") or "")
    target = scribe.document.follow(pointer, entry, "Medication")
    if target is None:
        lost = "" if words else "the medication that it refers to is not in the input"
        return words, [], [], lost
    if target.kind != "Medication":
        return words, [], [], f"it refers to a {target.kind} as medication"
    product = target.element
    if product.text("status") == "entered-in-error":
        return product.concept("code"), [], [], "the medication that it refers to is entered in error"
    ingredients = [_ingredient(part, target, scribe) for part in product.parts("ingredient") if part.flag("isActive") is not False]
    return product.concept("code") or words, ingredients, [product.concept("form")], ""


def _ingredient(part: Element, product: Entry, scribe: Scribe) -> Concept:
    """What an ingredient of a product is, by its code or by the Substance or Medication that it refers to."""
    pointer = part.part("itemReference")
    if pointer is None:
        return part.concept("itemCodeableConcept")
    target = scribe.document.follow(pointer, product, "Substance")
    return target.element.concept("code") if target else Concept((), pointer.text("display") or "")
