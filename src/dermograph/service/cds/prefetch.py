"""What was sent along with a call, held to what was asked for: https://cds-hooks.hl7.org/2.0/#prefetch-template.

What is missing would read as an answer no: no allergy, no other drug. So it is refused, with what is missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dermograph.errors import InputError
from dermograph.fhir import reading
from dermograph.fhir.report import Level
from dermograph.fhir.terminology import Terminology
from dermograph.record import Record
from dermograph.service.cds.services import PATIENT, PREFETCH

Resource = dict[str, Any]
SOURCE = "the request"
_FAILED = {"fatal", "error"}


@dataclass(frozen=True)
class Sent:
    """What was sent along.

    :param entries: resources as entries of a bundle, with the full URL where there is one.
    :param wanting: why a key does not have all that was asked for, by the key.
    """

    entries: list[Resource] = field(default_factory=list)
    wanting: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Read:
    """A patient that was read.

    :param missed: records that were not understood and could matter.
    """

    record: Record
    missed: int
    reading: reading.Reading


def unpacked(given: dict[str, Any] | None, patient: str) -> Sent:
    """The entries of the values that were sent, and what is missing of them.

    :param patient: id of the patient; the one that was sent has it.
    :raises InputError: a value is no resource, or of another patient.
    """
    sent = Sent()
    values = given or {}
    for key in PREFETCH:
        if key not in values:
            sent.wanting[key] = "it was not sent"
            continue
        value = values[key]
        if value is None:
            if key == PATIENT:
                sent.wanting[key] = "there is no patient"
            continue
        if not isinstance(value, dict):
            raise InputError(f"prefetch.{key} is no resource, no bundle and not null", "send what the server of FHIR answered")
        if why := _wanting(value):
            sent.wanting[key] = why
            continue
        sent.entries.extend(_sent(value, key))
    people = [one["resource"] for one in sent.entries if one["resource"].get("resourceType") == "Patient"]
    if PATIENT not in sent.wanting and len(people) != 1:
        raise InputError(f"{len(people)} patients were sent, and one is asked about", f"send {PREFETCH[PATIENT]} as prefetch.{PATIENT}")
    for one in people:
        if one.setdefault("id", patient) != patient:
            raise InputError("the patient that was sent is not the patient of the context", "send the one of context.patientId")
    return sent


def _sent(value: Resource, key: str) -> Iterator[Resource]:
    if value.get("resourceType") != "Bundle":
        yield {"resource": value}
        return
    for entry in _entries(value):
        resource = entry.get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") == "Bundle":
            raise InputError(f"prefetch.{key}: an entry of the bundle has no resource, or a bundle", "send what the server of FHIR answered")
        if resource.get("resourceType") != "OperationOutcome":
            yield {key: entry[key] for key in ("fullUrl", "resource") if key in entry}


def _entries(bundle: Resource) -> list[Resource]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError("entry of a bundle is no array of objects", "write it as FHIR R4 has it")
    return entries


def _wanting(value: Resource) -> str:
    """Why a value does not hold all that was asked for; empty where it does."""
    if value.get("resourceType") == "OperationOutcome":
        return "its search failed"
    if value.get("resourceType") != "Bundle":
        return ""
    links = value.get("link")
    if any(isinstance(link, dict) and link.get("relation") == "next" for link in (links if isinstance(links, list) else ())):
        return "it came in pages, and only one was sent"
    found = [entry for entry in _entries(value) if not isinstance(search := entry.get("search"), dict) or search.get("mode") in (None, "match")]
    outcomes = [r for entry in _entries(value) if isinstance(r := entry.get("resource"), dict) and r.get("resourceType") == "OperationOutcome"]
    if any(isinstance(i, dict) and i.get("severity") in _FAILED for o in outcomes for i in (o["issue"] if isinstance(o.get("issue"), list) else ())):
        return "a part of its search failed"
    total = value.get("total")
    if isinstance(total, int | Decimal) and total > len(found):
        return f"{total} were found and {len(found)} were sent"
    return ""


def patient(entries: Iterable[Resource], codes: Terminology, day: dt.date) -> Read:
    """Read the one patient of some entries of a bundle.

    :raises InputError: it cannot be read, or a record is of somebody else.
    """
    found = reading.from_values([{"resourceType": "Bundle", "type": "collection", "entry": list(entries)}], SOURCE, codes, day)
    (record,) = found.all()
    own = {id(entry) for entry in found.entries[record.patient.value]}
    for entry in found.document.entries:
        if entry.kind in reading.KINDS and id(entry) not in own:
            raise InputError(f"{entry.name} does not name the patient of the context", "send only records of this patient")
    return Read(record, sum(line.level is Level.unknown for line in found.report.lines), found)
