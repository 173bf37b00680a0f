"""The services that there are, and what each asks to be sent along.

https://cds-hooks.hl7.org/2.0/#discovery
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dermograph.service.cds import models

PATIENT = "patient"
"""Key of the patient among what is sent along."""
_SEARCHES = {
    "conditions": "Condition",
    "allergies": "AllergyIntolerance",
    "statements": "MedicationStatement",
    "requests": "MedicationRequest",
    "administrations": "MedicationAdministration",
    "immunizations": "Immunization",
    "observations": "Observation",
    "reports": "DiagnosticReport",
    "procedures": "Procedure",
    "services": "ServiceRequest",
}
_WITH_MEDICATION = {"MedicationStatement", "MedicationRequest", "MedicationAdministration"}


def _search(kind: str) -> str:
    more = f"&_include={kind}:medication" if kind in _WITH_MEDICATION else ""
    return f"{kind}?patient={{{{context.patientId}}}}{more}"


PREFETCH = {PATIENT: "Patient/{{context.patientId}}", **{key: _search(kind) for key, kind in _SEARCHES.items()}}
"""What is asked for: each kind of resource that is read. A kind that were not sent would read as a patient who has none of it."""
NEEDS = "Every prefetch key must be sent, null where there is nothing, and no result in pages: nothing is fetched from the server of FHIR."


@dataclass(frozen=True)
class Offer:
    """A service.

    :param request: what a call of it must be.
    """

    id: str
    hook: str
    title: str
    about: str
    request: type[models.Request]


OFFERS = {
    offer.id: offer
    for offer in (
        Offer(
            "guidelines-patient-view",
            "patient-view",
            "What the guidelines say of this patient",
            "Tells what is open to the patient now, in order, what is taken and should be looked at, and what to record next",
            models.PatientView,
        ),
        Offer(
            "guidelines-order-select",
            "order-select",
            "Whether what was chosen stands up for this patient",
            "Holds each order that was just chosen to the guidelines, the labels and what is taken and ordered beside it",
            models.OrderSelect,
        ),
        Offer(
            "guidelines-order-sign",
            "order-sign",
            "Whether what is ordered stands up for this patient",
            "Holds each order to the guidelines, the labels and what is taken and ordered beside it",
            models.OrderSign,
        ),
    )
}
"""The services by their id."""


def discovery(guidelines: Iterable[str]) -> models.Discovery:
    """The services as a client discovers them.

    :param guidelines: labels of the guidelines.
    """
    told = "; ".join(guidelines)
    return models.Discovery(
        services=[
            models.Service(
                hook=o.hook, title=o.title, description=f"{o.about}. Guidelines: {told}.", id=o.id, prefetch=PREFETCH, usageRequirements=NEEDS
            )
            for o in OFFERS.values()
        ]
    )
