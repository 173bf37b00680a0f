"""Observation and DiagnosticReport: https://hl7.org/fhir/R4/observation.html.

A measurement counts with its number, its UCUM unit and its day; without one of these it says nothing that a rule may use. A test
counts with what it found. Of several values of one day the latest counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dermograph.fhir.bundle import Entry
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.modifiers import modified
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Measured, Scribe, figure
from dermograph.fhir.terminology import Match, Strength
from dermograph.fhir.times import Moment, moment, period
from dermograph.units import factor

MEASURED, ASSESSED = "dg:Observable", "dg:Assessment"
UCUM = "http://unitsofmeasure.org"
_BY_PARTS = "its parts stand for themselves"
_FINAL = {"final", "amended", "corrected", "appended"}
_VOID = {
    "registered": "no result yet",
    "preliminary": "preliminary",
    "partial": "preliminary",
    "cancelled": "cancelled",
    "entered-in-error": "entered in error",
}


def observation(entry: Entry, scribe: Scribe) -> None:
    """Record an Observation, its components, and the members that it contains."""
    _contained(entry, entry.element.parts("hasMember"), scribe)
    _observe(entry, scribe)


def report(entry: Entry, scribe: Scribe) -> None:
    """Record a DiagnosticReport, and the observations that it contains."""
    resource = entry.element
    concept = resource.concept("code")
    _contained(entry, resource.parts("result"), scribe)
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


def _observe(entry: Entry, scribe: Scribe) -> None:
    """Record an Observation and its components."""
    resource = entry.element
    concept = resource.concept("code")
    if not _usable(entry, concept, scribe):
        return
    if resource.parts("focus"):
        scribe.tell(entry, concept, Level.void, "it is about somebody or something else")
        return
    at = _when(resource)
    if not _record(entry, resource, concept, at, entry.iri, scribe):
        whole = not _valued(resource) and (resource.parts("component") or resource.parts("hasMember"))
        scribe.tell(entry, concept, *((Level.unread, _BY_PARTS) if whole else (Level.unknown, "no mapping")))
    for number, part in enumerate(resource.parts("component"), 1):
        code = part.concept("code")
        scribe.codes.refuse_misspelt(code, part, "code")
        if why := modified(part):
            scribe.tell(entry, code, Level.unknown, why)
        elif not _record(entry, part, code, at, f"{entry.iri}#{number}", scribe):
            scribe.tell(entry, code, Level.unknown, "no mapping of a component")


def _contained(holder: Entry, pointers: Sequence[Element], scribe: Scribe) -> None:
    """Record the observations that a resource contains, as far as it refers to them as its results or members, and tell of the others."""
    if not holder.element.value.get("contained"):
        return
    inside = [(reference, inner) for reference, inner in holder.contained() if inner.kind == "Observation"]
    wrong = _wrong(holder)
    by_reference, meant = dict(inside), set[str]()
    following = [pointer.text("reference") or "" for pointer in pointers]
    while following:
        reference = following.pop()
        if reference in by_reference and reference not in meant:
            meant.add(reference)
            following += [pointer.text("reference") or "" for pointer in by_reference[reference].element.parts("hasMember")]
    for reference, inner in inside:
        if wrong:
            scribe.tell(inner, inner.element.concept("code"), wrong[0], f"what contains it does not count: {wrong[1]}")
        elif reference not in meant:
            scribe.tell(inner, inner.element.concept("code"), Level.unknown, "contained, and not referred to as a result")
        elif stranger := _stranger(inner, scribe):
            scribe.tell(inner, inner.element.concept("code"), *stranger)
        else:
            _observe(inner, scribe)


def _stranger(inner: Entry, scribe: Scribe) -> tuple[Level, str] | None:
    """Why a contained resource is not of the patient; None where it is, as far as it says whose it is."""
    pointer = inner.element.part("subject")
    if pointer is None:
        return None
    found = scribe.document.follow(pointer, inner, "Patient")
    if found is None:
        return Level.unknown, "its patient is not in the input, or not told"
    return None if found.iri == scribe.patient else (Level.void, "it is about somebody or something else")


def assess(entry: Entry, concept: Concept, match: Match, results: list[Concept], at: Moment | None, name: str, scribe: Scribe) -> None:
    """Record an assessment of a class with what it found."""
    cls, words = match.name, scribe.words
    if not match.strength.sure:
        scribe.tell(entry, concept, Level.unknown, f"the code is not surely {cls}, or only a part of it")
        return
    meanings = [(one, scribe.codes.value(one, "pt:result")) for one in results if one]
    found = {value for _, value in meanings if value}
    if len(found) > 1 or (not found and cls in words.telling):
        scribe.tell(entry, concept, Level.unknown, "its results contradict each other" if found else "what it found is not told, or not understood")
        return
    if at is None or at.day is None:
        scribe.tell(entry, concept, Level.unknown, "the day is not told, and without it the result would never expire")
        return
    result = found.pop() if found else "pt:Done"
    scribe.record("pt:assessment", name, cls, result=result, date=at.day)
    lost = [f"not understood of what it found: {one.told}" for one, value in meanings if one.codings and not value]
    scribe.take(entry, concept, [cls, result], "; ".join(filter(None, (_reservation(match), *lost))))


def _usable(entry: Entry, concept: Concept, scribe: Scribe) -> bool:
    scribe.codes.refuse_misspelt(concept, entry.element, "code")
    wrong = _wrong(entry)
    if wrong:
        scribe.tell(entry, concept, *wrong)
    return not wrong


def _wrong(entry: Entry) -> tuple[Level, str] | None:
    """Why nothing may be read of a resource; None where its status says that it counts."""
    status = entry.element.text("status") or ""
    if status in _VOID:
        return Level.void, _VOID[status]
    if why := modified(entry.element):
        return Level.unknown, why
    return None if status in _FINAL else (Level.unknown, f"its status is {status or 'not told'}")


def _valued(part: Element) -> bool:
    return any(key.startswith("value") for key in part.value)


def _record(entry: Entry, part: Element, concept: Concept, at: Moment | None, name: str, scribe: Scribe) -> bool:
    """Record what one element measures or tests; whether its code is mapped."""
    matches = scribe.codes.classes(concept, MEASURED, ASSESSED)
    absent = part.part("dataAbsentReason")
    if matches and absent is not None:
        reason = absent.as_concept().first
        said = "a value, and a reason why there is none" if _valued(part) else "no value"
        scribe.tell(entry, concept, Level.unknown, f"{said}: {reason.code or reason.display}")
        return True
    for number, match in enumerate(matches):
        node = name if number == 0 else f"{name}-{number}"
        if scribe.words.is_a(match.name, MEASURED):
            _measure(entry, part, concept, match, at, node, scribe)
        else:
            results = [part.concept("valueCodeableConcept"), Concept((), part.text("valueString") or ""), *part.concepts("interpretation")]
            assess(entry, concept, match, results, at, node, scribe)
    return bool(matches)


def _measure(entry: Entry, part: Element, concept: Concept, match: Match, at: Moment | None, node: str, scribe: Scribe) -> None:
    number, unit, why = _quantity(part, scribe.words.units.get(match.name, ""))
    value = None if number is None else figure(number)
    if number is not None and value is None:
        why = "the number is too large to be one"
    if value is None or unit is None:
        whole = not why and part.parts("component")
        scribe.tell(entry, concept, *((Level.unread, _BY_PARTS) if whole else (Level.unknown, why or "no value")))
    elif match.strength > Strength.CLOSE:
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
