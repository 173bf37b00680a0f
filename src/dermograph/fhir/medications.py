"""MedicationStatement, MedicationRequest, MedicationAdministration and Immunization as courses: https://hl7.org/fhir/R4/medications-module.html.

An order that is active counts as a course that goes on, from the day it was written: an interaction that is overlooked harms
more than one that is looked into. An intention, a proposal, a draft and an order not to give are no courses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dermograph.fhir.bounds import bounds
from dermograph.fhir.bundle import Entry
from dermograph.fhir.courses import Course, State, record
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.modifiers import modified
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.times import Span, moment, span

ON_HOLD = "on hold, and taken as going on"
_STATEMENTS = {
    "active": State.ongoing,
    "on-hold": State.ongoing,
    "completed": State.ended,
    "stopped": State.ended,
    "not-taken": State.refused,
}
_REQUESTS = {"active": State.ongoing, "on-hold": State.ongoing, "completed": State.ended, "stopped": State.ended, "cancelled": State.refused}
_CUT = {"stopped", "cancelled"}
"""Statuses of orders of which what was planned did not happen."""
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
_WISHES = {"proposal", "plan", "option"}
_ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}


@dataclass(frozen=True)
class _Product:
    """What is taken.

    :param ingredients: what it is made of.
    :param form: its dose form.
    :param lost: why it cannot be told.
    """

    concept: Concept = field(default_factory=Concept)
    ingredients: Sequence[Concept] = ()
    form: Sequence[Concept] = ()
    lost: str = ""

    @property
    def named(self) -> Concept:
        """What a report calls it."""
        return next(filter(None, (self.concept, *self.ingredients)), self.concept)


def statement(entry: Entry, scribe: Scribe) -> None:
    """Record a MedicationStatement."""
    resource = entry.element
    status = resource.text("status") or ""
    when = span(resource, "effective", goes_on=status == "stopped" or _STATEMENTS.get(status) is State.ongoing)
    _course(entry, _STATEMENTS, when, "dosage", resource.parts("dosage"), resource.concepts("statusReason"), scribe)


def request(entry: Entry, scribe: Scribe) -> None:
    """Record a MedicationRequest."""
    resource = entry.element
    dosages = resource.parts("dosageInstruction")
    wish = no_order(resource)
    if resource.flag("doNotPerform"):
        scribe.tell(entry, _product(entry, scribe).named, Level.void, "an order not to give it")
    elif wish:
        scribe.tell(entry, _product(entry, scribe).named, *wish)
    else:
        status = resource.text("status") or ""
        when, lost = (Span(moment(resource, "authoredOn")), "") if status in _CUT else bounds(resource)
        _course(entry, _REQUESTS, when, "dosageInstruction", dosages, [resource.concept("statusReason")], scribe, lost)


def administration(entry: Entry, scribe: Scribe) -> None:
    """Record a MedicationAdministration."""
    resource = entry.element
    dosage = resource.part("dosage")
    when = span(resource, "effective", goes_on=_EVENTS.get(resource.text("status") or "") is State.ongoing)
    _course(entry, _EVENTS, when, "dosage", [dosage] if dosage else [], resource.concepts("statusReason"), scribe)


def immunization(entry: Entry, scribe: Scribe) -> None:
    """Record an Immunization."""
    resource = entry.element
    concept = resource.concept("vaccineCode")
    state = settled(entry, concept, _EVENTS, scribe)
    if state is not None:
        at = moment(resource, "occurrenceDateTime")
        record(entry, Course(concept, state, Span(at, at), reasons=[resource.concept("statusReason")]), scribe)


def settled(entry: Entry, concept: Concept, states: dict[str, State], scribe: Scribe, *parts: str) -> State | None:
    """State that the status of a resource gives a course; where it gives none, that is told.

    :param parts: elements of the resource that are read too.
    """
    status = entry.element.text("status") or ""
    if status in VOID:
        scribe.tell(entry, concept, Level.void, VOID[status])
    elif why := modified(entry.element, *parts):
        scribe.tell(entry, concept, Level.unknown, why)
    elif status in states:
        return states[status]
    else:
        scribe.tell(entry, concept, Level.unknown, f"its status is {status or 'not told'}")
    return None


def no_order(resource: Element) -> tuple[Level, str] | None:
    """Why a request asks for nothing that is done by its intent; None where it is an order."""
    intent = resource.text("intent")
    if intent in _ORDERS:
        return None
    return (Level.void, f"a {intent}, not an order") if intent in _WISHES else (Level.unknown, f"its intent is {intent or 'not told'}")


def _course(
    entry: Entry,
    states: dict[str, State],
    when: Span,
    part: str,
    dosages: Sequence[Element],
    reasons: Sequence[Concept],
    scribe: Scribe,
    lost: str = "",
) -> None:
    """Record a course of a drug.

    :param part: element that holds the dosages.
    :param lost: why it cannot be told when it ends, so that it goes on as long as its status says so.
    """
    product = _product(entry, scribe)
    if product.lost:
        scribe.tell(entry, product.named, Level.unknown, product.lost)
        return
    state = settled(entry, product.named, states, scribe, part)
    if state is None:
        return
    ways = [*(dosage.concept("route") for dosage in dosages), *product.form]
    why = [ON_HOLD if entry.element.text("status") == "on-hold" else "", lost]
    record(entry, Course(product.concept, state, when, product.ingredients, ways, reasons, why=list(filter(None, why))), scribe)


def _product(entry: Entry, scribe: Scribe) -> _Product:
    """What a resource says is taken."""
    resource = entry.element
    if resource.value.get("medicationCodeableConcept") is not None:
        return _Product(resource.concept("medicationCodeableConcept"))
    pointer = resource.part("medicationReference")
    if pointer is None:
        return _Product(lost="no medication is named")
    words = Concept((), pointer.text("display") or "")
    target = scribe.document.follow(pointer, entry, "Medication")
    if target is None:
        return _Product(words, lost="" if words else "the medication that it refers to is not in the input")
    if target.kind != "Medication":
        return _Product(words, lost=f"it refers to a {target.kind} as medication")
    product = target.element
    active = [part for part in product.parts("ingredient") if part.flag("isActive") is not False]
    ingredients, doubts = zip(*(_ingredient(part, target, scribe) for part in active), strict=True) if active else ((), ())
    return _Product(product.concept("code") or words, ingredients, [product.concept("form")], next(filter(None, (_wrong(product), *doubts)), ""))


def _wrong(product: Element) -> str:
    """Why a product, or a substance, must not be read as it stands; empty where nothing stands against it."""
    if product.text("status") == "entered-in-error":
        return "the medication that it refers to, or what that is made of, is entered in error"
    return modified(product, "ingredient")


def _ingredient(part: Element, of: Entry, scribe: Scribe) -> tuple[Concept, str]:
    """What a product is made of, as it is named or as the resource that is referred to names it, and why that must not be read."""
    pointer = part.part("itemReference")
    if pointer is None:
        return part.concept("itemCodeableConcept"), ""
    target = scribe.document.follow(pointer, of, "Substance")
    if target is not None and target.kind in {"Medication", "Substance"} and (concept := target.element.concept("code")):
        return concept, _wrong(target.element)
    return Concept((), pointer.text("display") or pointer.text("reference") or ""), ""
