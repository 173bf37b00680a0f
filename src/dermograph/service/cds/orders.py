"""Orders that are written but not signed, as courses that would be taken from now on.

An order does not count as taken when it is judged itself, nor does another of the same drug, as a first dose and those that
follow. The others that are ordered beside it do, since they would be signed together: so each of two that do not go together
is told of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyoxigraph as ox

from dermograph.errors import InputError
from dermograph.fhir.bundle import MINTED, Ambiguous, Document, Entry, local
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.reading import PRODUCTS
from dermograph.fhir.report import Level, Line
from dermograph.record import Record, printable
from dermograph.service.cds import models

Resource = dict[str, Any]
_OVER = {"entered-in-error", "cancelled", "stopped", "completed", "revoked"}
_ORDERS = ("MedicationRequest", "ServiceRequest")
MEDICATED = ("MedicationStatement", "MedicationRequest", "MedicationAdministration")
"""Kinds of records that name a drug, and may refer to it."""
_TOLD = ("contained", "medicationCodeableConcept", "medicationReference")
_TURNS = ("modifierExtension", "implicitRules")
"""What may turn the meaning of what it stands in."""
_NAME = re.compile(r"\bad:\w+")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_KIND = re.compile(r"[A-Z][A-Za-z]{1,63}")


@dataclass(frozen=True)
class Draft:
    """An order.

    :param kind: type of its resource.
    :param number: id of its resource; empty where it has none.
    :param resource: as it was sent.
    :param taken: the resource that says that it is followed; None where it asks for nothing that is given.
    :param address: its full URL, where it has one.
    """

    kind: str
    number: str
    resource: Resource
    taken: Resource | None
    address: str = ""

    @property
    def reference(self) -> str | None:
        """Where the client finds it; None where it has no id that FHIR allows."""
        return f"{self.kind}/{self.number}" if _ID.fullmatch(self.number) and _KIND.fullmatch(self.kind) else None

    @property
    def name(self) -> str:
        """Its name in what is read."""
        return local(self.taken["resourceType"], self.taken["id"]) if self.taken else ""


def drafts(bundle: models.Bundle, patient: str) -> list[Draft]:
    """The orders of a bundle.

    :param patient: id of the patient, whom an order without a subject is for.
    :raises InputError: an entry is no resource.
    """
    found = []
    for place, entry in enumerate(_entries(bundle)):
        resource, address = entry["resource"], entry.get("fullUrl")
        kind, number = resource["resourceType"], resource.get("id")
        number = number if isinstance(number, str) else ""
        taken = _taken(resource, f"~draft-{place}", patient)  # no id of FHIR has a tilde
        found.append(Draft(kind, number, resource, taken, address if isinstance(address, str) else ""))
    return found


def products(bundle: models.Bundle) -> Iterator[Resource]:
    """Entries of a bundle that its orders refer to: products, and what they are made of."""
    return (entry for entry in _entries(bundle) if entry["resource"]["resourceType"] in PRODUCTS)


def chosen(found: Sequence[Draft], selections: Iterable[str]) -> list[Draft]:
    """The orders that were just chosen.

    :raises InputError: one is not among the drafts.
    """
    names = set(selections)
    known = {name for draft in found for name in (f"{draft.kind}/{draft.number}", draft.number)}
    if lost := sorted(names - known):
        raise InputError(f"context.selections names {printable(lost[0])}, which is not among the draftOrders", "send every order that was chosen")
    return [draft for draft in found if {f"{draft.kind}/{draft.number}", draft.number} & names]


def without(entries: Iterable[Resource], found: Sequence[Draft]) -> list[Resource]:
    """Entries that are none of the orders nor their products.

    An order that the server keeps already, and is signed again, is not taken by that; of a product the order's own words count.
    """
    replaced = [draft for draft in found if draft.kind in (*_ORDERS, *PRODUCTS)]
    names = {(draft.kind, draft.number) for draft in replaced if draft.number}
    addresses = {(draft.kind, draft.address): draft.number for draft in replaced if draft.address}

    def stays(entry: Resource) -> bool:
        kind, number, address = str(entry["resource"].get("resourceType")), entry["resource"].get("id"), str(entry.get("fullUrl"))
        same = (kind, address) in addresses and not (number and addresses[kind, address])
        return (kind, str(number)) not in names and not same

    return [entry for entry in entries if stays(entry)]


def classes(lines: Iterable[Line], draft: Draft) -> list[str]:
    """Classes that an order was read as."""
    return [name for line in lines if line.resource == draft.name for name in line.recorded] if draft.taken else []


def doubts(lines: Iterable[Line], draft: Draft, labels: Mapping[str, str]) -> list[str]:
    """Why it cannot be told whether an order is of a class; empty where its code is of none."""
    if draft.taken is None or draft.kind != "MedicationRequest":
        return []
    said = [line.why for line in lines if line.resource == draft.name and line.level is Level.unknown]
    return [_NAME.sub(lambda found: labels.get(found[0], found[0]), why) for why in said if any(found in labels for found in _NAME.findall(why))]


def unknown(lines: Iterable[Line], draft: Draft) -> Line | None:
    """What is told of an order of a drug that was not understood."""
    if draft.taken is None or draft.kind != "MedicationRequest":
        return None
    return next((line for line in lines if line.resource == draft.name and line.level is Level.unknown), None)


def nameless(lines: Iterable[Line]) -> int:
    """How many drugs on record nothing names: neither a code nor words, and what is referred to was not sent."""
    return sum(line.level is Level.unknown and line.kind in MEDICATED and not line.coding.code and not line.coding.display for line in lines)


def reasons(draft: Draft, document: Document) -> list[Concept]:
    """What an order is for, as it says; a condition that it refers to is looked up in what was sent.

    :raises InputError: a reason is not as FHIR has it.
    """
    order = Element(draft.resource, "draftOrders", document.source)
    here = Entry(draft.kind, draft.name, order, draft.address)
    found = [concept for concept in order.concepts("reasonCode") if concept]
    for pointer in order.parts("reasonReference"):
        target = None
        with suppress(Ambiguous):
            target = document.follow(pointer, here, "Condition")
        found.append(target.element.concept("code") if target else Concept((), pointer.text("display") or ""))
    return found


def unless(record: Record, found: Iterable[Draft]) -> Record:
    """The patient as if some orders had not been written."""
    nodes = {MINTED + draft.name for draft in found}

    def own(term: object) -> bool:
        return isinstance(term, ox.NamedNode) and term.value.partition("#")[0] in nodes

    return replace(record, triples=tuple(t for t in record.triples if not own(t.subject) and not own(t.object)))


def _entries(bundle: models.Bundle) -> Iterator[Resource]:
    for place, entry in enumerate(bundle.entry):
        resource = entry.get("resource")
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise InputError(f"draftOrders.entry[{place}] has no resource", "send orders as resources of FHIR R4")
        yield entry


def _taken(resource: Resource, number: str, patient: str) -> Resource | None:
    if str(resource.get("status")) in _OVER or resource.get("doNotPerform") is True:
        return None
    made = {"id": number, "subject": resource.get("subject", {"reference": f"Patient/{patient}"})}
    made |= {key: resource[key] for key in _TURNS if key in resource}
    if resource["resourceType"] == "MedicationRequest":
        made |= {key: resource[key] for key in _TOLD if key in resource}
        dosages = resource.get("dosageInstruction")
        parts = [d for d in dosages if isinstance(d, dict)] if isinstance(dosages, list) else []
        routes = [{key: d[key] for key in ("route", *_TURNS) if key in d} for d in parts]
        return made | {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "dosageInstruction": routes}
    if resource["resourceType"] == "ServiceRequest" and "code" in resource:
        return made | {"resourceType": "Procedure", "status": "in-progress", "code": resource["code"]}
    return None
