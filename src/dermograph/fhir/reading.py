"""Patients of a FHIR document as patient graphs, with what became of every record.

Everything downstream is the same as for a graph that was written by hand; here is only said what is recorded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dermograph import record
from dermograph.errors import InputError
from dermograph.fhir import allergies, conditions, medications, observations, parsing, person, procedures
from dermograph.fhir.bundle import Document, Entry
from dermograph.fhir.elements import Coding, Concept
from dermograph.fhir.report import Level, Line, Report
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.terminology import Terminology
from dermograph.inputs import FHIR, content, fhir_suffix
from dermograph.record import Record, printable

LINES = (".ndjson", ".jsonl")
"""Endings of files that hold a resource or bundle on each line."""
KINDS: dict[str, Callable[[Entry, Scribe], None]] = {
    "Patient": person.read,
    "Condition": conditions.read,
    "AllergyIntolerance": allergies.read,
    "MedicationStatement": medications.statement,
    "MedicationRequest": medications.request,
    "MedicationAdministration": medications.administration,
    "Immunization": medications.immunization,
    "Observation": observations.observation,
    "DiagnosticReport": observations.report,
    "Procedure": procedures.procedure,
    "ServiceRequest": procedures.order,
}
"""Kinds of resources that are read, in their order."""
SUBJECTS = ("subject", "patient")
"""Elements that name the patient."""


@dataclass
class Reading:
    """What was read.

    :param records: a graph for each patient that could be read.
    :param refused: why others could not.
    :param entries: resources of each patient, by the name of its node.
    """

    document: Document
    report: Report
    records: list[Record] = field(default_factory=list)
    refused: list[InputError] = field(default_factory=list)
    entries: dict[str, list[Entry]] = field(default_factory=dict)

    def all(self) -> list[Record]:
        """The records of all patients.

        :raises InputError: a patient could not be read.
        """
        if self.refused:
            raise self.refused[0]
        return self.records


def read(data: bytes, source: str, codes: Terminology, *, suffix: str = ".json", as_of: dt.date | None = None) -> Reading:
    """Read the patients of a bundle, of a resource, or of NDJSON.

    :param suffix: ``.json``, or ``.ndjson`` for one resource or bundle a line.
    :param as_of: the day asked about; without it, today.
    :raises InputError: it is no FHIR, or holds no patient.
    """
    source = printable(source)
    plain = parsing.unpacked(data, source)
    values = parsing.lines(plain, source) if suffix in LINES else [parsing.value(plain, source)]
    return from_values(values, source, codes, as_of)


def from_values(values: Iterable[Any], source: str, codes: Terminology, as_of: dt.date | None = None) -> Reading:
    """Read the patients of JSON values, each a bundle or a resource."""
    document = Document.of(values, source)
    reading = Reading(document, Report(source))
    for url in document.deleted:
        reading.report.lines.append(Line(url, Coding("", "", ""), Level.void, (), "deleted"))
    people = reading.entries = {entry.iri: [entry] for entry in document.entries if entry.kind == "Patient"}
    if not people:
        raise InputError(
            f"{source}: no patient: no resource is a Patient", "give the patient with the records, as in a searchset with _include or in $everything"
        )
    strays: list[InputError] = []
    for entry in document.entries:
        if entry.kind == "Patient":
            continue
        if entry.kind not in KINDS:
            if entry.kind != "Medication":
                reading.report.lines.append(Line(entry.name, Coding("", "", ""), Level.unread))
            continue
        try:
            patient = _patient(entry, document)
        except InputError as error:
            strays.append(error)
            continue
        if patient is None:
            reading.report.lines.append(
                Line(entry.name, entry.element.concept("code").first, Level.void, (), "its patient is not in the input, or not told")
            )
        else:
            people[patient.iri].append(entry)
    if strays:
        raise strays[0]
    for entries in people.values():
        _add(reading, entries, codes, as_of or dt.date.today())
    return reading


def _add(reading: Reading, entries: list[Entry], codes: Terminology, today: dt.date) -> None:
    """Read one patient; what cannot be read refuses this one only."""
    report = Report(reading.report.source)
    scribe = Scribe(reading.document, codes, report, entries[0].iri, today)
    try:
        for entry in entries:
            KINDS[entry.kind](entry, scribe)
        reading.records.append(scribe.finished(reading.report.source))
        reading.report.lines += report.lines
    except InputError as error:
        reading.refused.append(error)
        reading.report.lines += (Line(entry.name, Concept().first, Level.unknown, (), "its patient is refused") for entry in entries)


def _patient(entry: Entry, document: Document) -> Entry | None:
    for key in SUBJECTS:
        pointer = entry.element.part(key)
        if pointer is None:
            continue
        reference = pointer.text("reference")
        found = document.find(reference, entry) if reference else None
        if found is None and (named := pointer.part("identifier")) is not None:
            value = named.text("value")
            found = document.find(f"Patient?identifier={named.text('system') or ''}|{value}", entry) if value else None
        return found if found is not None and found.kind == "Patient" and found.holder is None else None
    return None


def folder(where: Path, codes: Terminology, as_of: dt.date | None = None) -> Iterator[Reading]:
    """Read a folder: each ``.json`` by itself, and all NDJSON together, as Bulk Data has it.

    :raises InputError: there is no FHIR in it, or one of its files cannot be read.
    """
    try:
        files = sorted(path for path in where.iterdir() if fhir_suffix(path.name) and path.is_file())
    except OSError as error:
        raise InputError(f"{printable(str(where))}: {error.strerror or error}", "check the path") from error
    if not files:
        raise InputError(
            f"{printable(str(where))}: Is a directory, and no file of FHIR is in it", f"its files end in {' or '.join(FHIR)}, with or without .gz"
        )
    bulk = [path for path in files if fhir_suffix(path.name) in LINES]
    for path in files:
        if path not in bulk:
            yield read(content(str(path)), str(path), codes, as_of=as_of)
    if bulk:
        values, total = list[Any](), 0
        for path in bulk:
            plain = parsing.unpacked(content(str(path)), printable(str(path)))
            total += len(plain)
            if total > record.LIMIT:
                raise InputError(
                    f"{printable(str(where))}: more than the {record.LIMIT:,} bytes that are read at once", "give the folder to dermograph cohort"
                )
            values += parsing.lines(plain, printable(str(path)))
        yield from_values(values, printable(str(where)), codes, as_of)
