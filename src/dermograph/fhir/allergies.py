"""AllergyIntolerance: https://hl7.org/fhir/R4/allergyintolerance.html.

An allergy to a drug becomes the condition that the mappings give this kind of resource, with the drug as its cause, whether the
code of the resource names the drug or the substance of a reaction. An intolerance, which FHIR tells apart from an allergy,
becomes a course that was not tolerated; one that is over says that the patient is no longer at risk, and is none. An allergy to
one member of a class leaves the others open, so that it is a suspicion of the class.
"""

from __future__ import annotations

from dataclasses import dataclass

from dermograph.fhir import conditions
from dermograph.fhir.bundle import Entry
from dermograph.fhir.courses import KIND
from dermograph.fhir.elements import Concept, Status
from dermograph.fhir.modifiers import modified
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.terminology import Match, Strength

_OVER = {"inactive", "resolved"}


@dataclass(frozen=True)
class _Said:
    """What a resource says of every cause that it names.

    :param turned: why what it says may not hold.
    """

    clinical: Status
    verification: Status
    turned: str

    @property
    def unsure(self) -> bool:
        """Whether it is not verified, or not understood."""
        return bool(self.turned) or self.verification.lost or self.verification.code not in {"", "confirmed"} or self.open

    @property
    def open(self) -> bool:
        """Whether its clinical status is not understood."""
        return self.clinical.lost or self.clinical.code not in {"", "active", *_OVER}

    @property
    def why(self) -> list[str]:
        """Reservations."""
        unknown = "its clinicalStatus is not understood" if self.open and not self.clinical.lost else ""
        return [why for why in (self.turned, self.clinical.why or unknown, self.verification.why) if why]


def read(entry: Entry, scribe: Scribe) -> None:
    """Record an AllergyIntolerance."""
    resource = entry.element
    concept = resource.concept("code")
    substances = [substance for reaction in resource.parts("reaction") if (substance := reaction.concept("substance"))]
    scribe.codes.refuse_misspelt(concept, resource, "code")
    said = _Said(
        resource.status("clinicalStatus", conditions.CLINICAL[entry.kind]),
        resource.status("verificationStatus", conditions.VERIFICATION[entry.kind]),
        modified(resource, "reaction"),
    )
    verification = said.verification.code
    if verification == "entered-in-error" or (verification == "refuted" and not said.turned):
        scribe.tell(entry, next(filter(None, (concept, *substances)), concept), Level.void, verification.replace("-", " "))
        return
    named = scribe.codes.classes(concept, KIND)
    causes = {cause.name: (concept, cause) for cause in named}
    for substance in substances:
        found = scribe.codes.classes(substance, KIND)
        if not found:
            scribe.tell(entry, substance, Level.unknown, "no mapping of the substance of a reaction")
        for cause in found:
            if cause.name not in causes or cause.strength < causes[cause.name][1].strength:
                causes[cause.name] = (substance, cause)
    others = [] if named else scribe.codes.classes(concept, "dg:Condition")
    if others:
        conditions.read(entry, scribe)
    elif not named and (concept or not substances):
        scribe.tell(entry, concept, Level.unknown, "no mapping of its cause")
    for number, (told, cause) in enumerate(causes.values(), len(others)):
        name = entry.iri if number == 0 else f"{entry.iri}#{number}"
        if resource.text("type") == "intolerance":
            _intolerance(entry, told, cause, said, name, scribe)
        else:
            _allergy(entry, told, cause, said, name, scribe)


def _allergy(entry: Entry, concept: Concept, cause: Match, said: _Said, name: str, scribe: Scribe) -> None:
    cls = scribe.codes.of_resource(entry.kind)
    if cls is None:
        scribe.tell(entry, concept, Level.unknown, "the mappings have no class for allergies")
        return
    one_of_many = scribe.codes.one_of_many(cause)
    status = "pt:Suspected" if said.unsure or one_of_many else "pt:Resolved" if said.clinical.code in _OVER else "pt:Active"
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
    told = "; ".join(filter(None, [why, *said.why]))
    if said.turned:
        scribe.tell(entry, concept, Level.unknown, told, [cls, status, cause.name])
    else:
        scribe.take(entry, concept, [cls, status, cause.name], told)


def _intolerance(entry: Entry, concept: Concept, cause: Match, said: _Said, name: str, scribe: Scribe) -> None:
    if said.clinical.code in _OVER:
        scribe.tell(entry, concept, Level.unknown, f"an intolerance that is {said.clinical.code}: how it would be tolerated now is not told")
        return
    if said.unsure or not cause.strength.sure or scribe.codes.one_of_many(cause):
        reason = "an unconfirmed intolerance" if said.unsure else f"an intolerance, and the code is not surely {cause.name}"
        scribe.tell(entry, concept, Level.unknown, "; ".join([reason, *said.why]))
        return
    scribe.record("pt:course", name, cause.name, outcome="pt:NotTolerated")
    scribe.take(entry, concept, [cause.name, "pt:NotTolerated"], "; ".join(said.why))
