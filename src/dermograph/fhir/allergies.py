"""AllergyIntolerance: https://hl7.org/fhir/R4/allergyintolerance.html.

An allergy to a drug becomes the condition that the mappings give this kind of resource, with the drug as its cause. An
intolerance, which FHIR tells apart from an allergy, becomes a course that was not tolerated. An allergy to one member of a
class leaves the others open, so that it is a suspicion of the class.
"""

from __future__ import annotations

from dermograph.fhir import conditions
from dermograph.fhir.bundle import Entry
from dermograph.fhir.courses import KIND
from dermograph.fhir.elements import Concept
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.terminology import Match, Strength


def read(entry: Entry, scribe: Scribe) -> None:
    """Record an AllergyIntolerance."""
    resource = entry.element
    concept = resource.concept("code")
    if not concept:
        concept = next(filter(None, (r.concept("substance") for r in resource.parts("reaction"))), concept)
    scribe.codes.refuse_misspelt(concept, resource, "code")
    verification = resource.code("verificationStatus")
    if verification in {"entered-in-error", "refuted"}:
        scribe.tell(entry, concept, Level.void, verification.replace("-", " "))
        return
    causes = scribe.codes.classes(concept, KIND)
    if not causes:
        if scribe.codes.classes(concept, "dg:Condition"):
            conditions.read(entry, scribe)
        else:
            scribe.tell(entry, concept, Level.unknown, "no mapping of its cause")
        return
    unsure = bool(resource.concept("verificationStatus")) and verification != "confirmed"
    for number, cause in enumerate(causes):
        name = entry.iri if number == 0 else f"{entry.iri}#{number}"
        if resource.text("type") == "intolerance":
            _intolerance(entry, concept, cause, unsure, name, scribe)
        else:
            _allergy(entry, concept, cause, unsure, name, scribe)


def _allergy(entry: Entry, concept: Concept, cause: Match, unsure: bool, name: str, scribe: Scribe) -> None:
    cls = scribe.codes.of_resource(entry.kind)
    if cls is None:
        scribe.tell(entry, concept, Level.unknown, "the mappings have no class for allergies")
        return
    one_of_many = scribe.codes.one_of_many(cause)
    status = "pt:Suspected" if unsure or one_of_many else "pt:Active" if entry.element.code("clinicalStatus") in {"", "active"} else "pt:Resolved"
    scribe.record("pt:condition", name, cls, status=status)
    scribe.caused_by(name, cause.name)
    if status == "pt:Resolved" and cls not in scribe.words.lasting:
        why = "over"
    else:
        why = (
            f"whether to others of {cause.name} is not told"
            if one_of_many
            else {Strength.LABEL: "by its text", Strength.CLOSE: f"the code is only near to {cause.name}"}.get(cause.strength, "")
        )
    scribe.take(entry, concept, [cls, status, cause.name], why)


def _intolerance(entry: Entry, concept: Concept, cause: Match, unsure: bool, name: str, scribe: Scribe) -> None:
    if unsure or not cause.strength.sure or scribe.codes.one_of_many(cause):
        reason = "an unconfirmed intolerance" if unsure else f"an intolerance, and the code is not surely {cause.name}"
        scribe.tell(entry, concept, Level.unknown, reason)
        return
    scribe.record("pt:course", name, cause.name, outcome="pt:NotTolerated")
    scribe.take(entry, concept, [cause.name, "pt:NotTolerated"])
