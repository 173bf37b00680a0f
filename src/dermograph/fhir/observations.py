"""Observation and DiagnosticReport: https://hl7.org/fhir/R4/observation.html.

A measurement counts with its number, its UCUM unit and its day; without one of these it says nothing that a rule may use. A test
counts with what it found. Of several values of one day the latest counts.
"""

from __future__ import annotations

from decimal import Decimal

from dermograph.fhir.bundle import Entry
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Measured, Scribe, figure
from dermograph.fhir.terminology import Match, Strength
from dermograph.fhir.times import Moment, moment, period
from dermograph.units import factor

MEASURED, ASSESSED = "dg:Observable", "dg:Assessment"
UCUM = "http://unitsofmeasure.org"
_FINAL = {"final", "amended", "corrected", "appended"}
_VOID = {
    "registered": "no result yet",
    "preliminary": "preliminary",
    "partial": "preliminary",
    "cancelled": "cancelled",
    "entered-in-error": "entered in error",
}


def observation(entry: Entry, scribe: Scribe) -> None:
    """Record an Observation and its components."""
    resource = entry.element
    concept = resource.concept("code")
    if not _usable(entry, concept, scribe):
        return
    if resource.parts("focus"):
        scribe.tell(entry, concept, Level.void, "it is about somebody or something else")
        return
    at = _when(resource)
    parts = resource.parts("component")
    said = _record(entry, resource, concept, at, entry.iri, scribe)
    for number, part in enumerate(parts, 1):
        said |= _record(entry, part, part.concept("code"), at, f"{entry.iri}#{number}", scribe, whole=resource)
    if not said:
        scribe.tell(entry, concept, Level.unknown, "no mapping")


def report(entry: Entry, scribe: Scribe) -> None:
    """Record a DiagnosticReport, and the observations that it contains."""
    resource = entry.element
    concept = resource.concept("code")
    for pointer in resource.parts("result"):
        reference = pointer.text("reference") or ""
        inner = scribe.document.find(reference, entry) if reference.startswith("#") else None
        if inner is not None and inner.kind == "Observation":
            observation(inner, scribe)
    if not _usable(entry, concept, scribe):
        return
    matches = scribe.codes.classes(concept, ASSESSED)
    for number, match in enumerate(matches):
        name = entry.iri if number == 0 else f"{entry.iri}#{number}"
        results = [*resource.concepts("conclusionCode"), Concept((), resource.text("conclusion") or "")]
        assess(entry, concept, match, results, _when(resource), name, scribe)
    if not matches:
        level, why = (Level.unread, "its results stand for themselves") if resource.parts("result") else (Level.unknown, "no mapping")
        scribe.tell(entry, concept, level, why)


def assess(entry: Entry, concept: Concept, match: Match, results: list[Concept], at: Moment | None, name: str, scribe: Scribe) -> None:
    """Record an assessment of a class with what it found."""
    cls, words = match.name, scribe.words
    if not match.strength.sure:
        scribe.tell(entry, concept, Level.unknown, f"the code is not surely {cls}, or only a part of it")
        return
    found = {value for one in results if one and (value := scribe.codes.value(one, "pt:result"))}
    if len(found) > 1 or (not found and cls in words.telling):
        scribe.tell(entry, concept, Level.unknown, "its results contradict each other" if found else "what it found is not told, or not understood")
        return
    if at is None or at.day is None:
        scribe.tell(entry, concept, Level.unknown, "the day is not told, and without it the result would never expire")
        return
    result = found.pop() if found else "pt:Done"
    scribe.record("pt:assessment", name, cls, result=result, date=at.day)
    scribe.take(entry, concept, [cls, result], _reservation(match))


def _usable(entry: Entry, concept: Concept, scribe: Scribe) -> bool:
    scribe.codes.refuse_misspelt(concept, entry.element, "code")
    status = entry.element.text("status") or ""
    if status in _FINAL:
        return True
    level = Level.void if status in _VOID else Level.unknown
    scribe.tell(entry, concept, level, _VOID.get(status, f"its status is {status or 'not told'}"))
    return False


def _record(entry: Entry, part: Element, concept: Concept, at: Moment | None, name: str, scribe: Scribe, whole: Element | None = None) -> bool:
    """Record what one element measures or tests; whether anything was said of it."""
    scribe.codes.refuse_misspelt(concept, part, "code")
    matches = scribe.codes.classes(concept, MEASURED, ASSESSED)
    for number, match in enumerate(matches):
        node = name if number == 0 else f"{name}-{number}"
        if scribe.words.is_a(match.name, MEASURED):
            _measure(entry, part, concept, match, at, node, scribe)
        else:
            results = [part.concept("valueCodeableConcept"), Concept((), part.text("valueString") or ""), *part.concepts("interpretation")]
            assess(entry, concept, match, results, at, node, scribe)
    if not matches and whole is not None and any(key.startswith("value") for key in part.value):
        scribe.tell(entry, concept, Level.unknown, "no mapping of a component")
    return bool(matches) or whole is not None


def _measure(entry: Entry, part: Element, concept: Concept, match: Match, at: Moment | None, node: str, scribe: Scribe) -> None:
    number, unit, why = _quantity(part, scribe.words.units.get(match.name, ""))
    value = None if number is None else figure(number)
    if number is not None and value is None:
        why = "the number is too large to be one"
    if value is None or unit is None:
        absent = part.concept("dataAbsentReason")
        panel = not why and bool(part.value.get("component"))
        if not panel:
            scribe.tell(entry, concept, Level.unknown, why or (f"no value: {absent.first.code or absent.first.display}" if absent else "no value"))
        return
    if match.strength > Strength.CLOSE:
        scribe.tell(entry, concept, Level.unknown, f"the code is not surely {match.name}")
    elif at is None or at.day is None:
        scribe.tell(entry, concept, Level.unknown, "the day is not told, and without it the value would never expire")
    else:
        reservation = "; ".join(filter(None, (why, _reservation(match))))
        scribe.measured.append(Measured(entry, concept.first, node, match.name, value, unit, at.day, at.instant, reservation))


def _quantity(part: Element, canonical: str) -> tuple[Decimal | None, str | None, str]:
    """Number, unit that converts, and a reservation or the reason why there is none."""
    whole = part.number("valueInteger")
    counted = canonical.startswith("{")
    if whole is not None:
        return (whole, canonical, "") if counted else (None, None, "a whole number without a unit")
    quantity = part.part("valueQuantity")
    if quantity is None:
        other = next((key for key in part.value if key.startswith("value")), None)
        return None, None, f"a {other} is no measurement" if other else ""
    number, code, shown = quantity.number("value"), quantity.text("code"), quantity.text("unit")
    if number is None:
        return None, None, "its value is not told"
    if comparator := quantity.text("comparator"):
        return None, None, f"only {comparator} {number} is known"
    unit, why = (code, "") if code and quantity.text("system") in {UCUM, None} else (code or shown, "its unit is told as text")
    if unit is None and counted:
        return number, canonical, "it has no unit, and a score needs none"
    if unit is None:
        return None, None, "it has no unit"
    if counted and unit in {"1", "{score}"}:
        return number, canonical, why
    if factor(unit, canonical) is None:
        return None, None, f"its unit {unit[:40]!r} does not convert to {canonical}"
    return number, unit, why


def _reservation(match: Match) -> str:
    if match.strength is Strength.LABEL:
        return "by its text"
    return f"the code is only near to {match.name}" if match.strength is Strength.CLOSE else ""


def _when(resource: Element) -> Moment | None:
    """When it was measured: the moment, or the end of the period, else its start."""
    at = moment(resource, "effectiveDateTime") or moment(resource, "effectiveInstant")
    if at is not None:
        return at
    span = period(resource.part("effectivePeriod"))
    return span.end or span.start
