"""Patients of a FHIR document as patient graphs, with what became of every record.

Everything downstream is the same as for a graph that was written by hand; here is only said what is recorded.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dermograph import record
from dermograph.errors import InputError
from dermograph.fhir import allergies, conditions, medications, observations, parsing, person, procedures
from dermograph.fhir.bundle import Ambiguous, Document, Entry, Stray, kind_of
from dermograph.fhir.elements import Coding, Concept
from dermograph.fhir.parsing import Part
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
PRODUCTS = ("Medication", "Substance")
"""Kinds of resources that records refer to, and that say nothing by themselves."""
OTHERS = ("Group", "Device", "Location")
"""Kinds of what a record may be about instead of a patient."""


@dataclass
class Reading:
    """What was read.

    :param records: a graph for each patient that could be read.
    :param refused: why others could not, and records of which nobody can tell whose they are.
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
    parts = parsing.lines(plain, source) if suffix in LINES else [Part(source, parsing.value(plain, source))]
    return _from_parts(parts, source, codes, as_of)


def from_values(values: Iterable[Any], source: str, codes: Terminology, as_of: dt.date | None = None) -> Reading:
    """Read the patients of JSON values, each a bundle or a resource."""
    return _from_parts((Part(source, value) for value in values), source, codes, as_of)


def _from_parts(parts: Iterable[Part], source: str, codes: Terminology, as_of: dt.date | None) -> Reading:
    document = Document.of(parts, source)
    reading = Reading(document, Report(source))
    people = reading.entries
    for entry in document.entries:
        if entry.kind == "Patient":
            people.setdefault(entry.iri, []).append(entry)
    if not people and document.strays:
        raise document.strays[0].error
    if not people:
        raise InputError(
            f"{source}: no patient: no resource is a Patient", "give the patient with the records, as in a searchset with _include or in $everything"
        )
    reading.report.lines += (Line(url, Coding("", "", ""), Level.void, (), "deleted") for url in document.deleted)
    doubts: dict[int, Ambiguous] = {}
    for entry in document.entries:
        if entry.kind in KINDS and entry.kind != "Patient":
            _lay(reading, entry, doubts)
        elif entry.kind not in KINDS and entry.kind not in PRODUCTS:
            reading.report.lines.append(Line(entry.name, Coding("", "", ""), Level.unread))
    reasons: dict[str, InputError] = {found.iri: error for error in doubts.values() for found in error.found}
    for iri, entries in people.items():
        twice = next((entry.iri for entry in entries if entry.iri in document.twice), None)
        if twice:
            message = f"{source}: {printable(twice)} is there twice, in different words"
            reasons.setdefault(iri, InputError(message, "keep the one that holds"))
    for stray, whose in _whose(document.strays, [entries[0] for entries in people.values()]):
        for iri in whose:
            reasons.setdefault(iri, stray.error)
        if not whose:
            reading.refused.append(stray.error)
    for iri, entries in people.items():
        if iri in reasons:
            _refuse(reading, entries, reasons[iri])
        else:
            _add(reading, entries, codes, as_of or dt.date.today())
    return reading


def _lay(reading: Reading, entry: Entry, doubts: dict[int, Ambiguous]) -> None:
    """Lay a record to those of its patient, or tell that nobody knows whose it is.

    :param doubts: is told which patients it may be of, once for the same ones.
    """
    level, why = Level.unknown, "its patient is not in the input, or not told"
    try:
        patient, about = _subject(entry, reading.document)
    except Ambiguous as error:
        doubts.setdefault(id(error.found), error)
        patient, about, why = None, "", "which of several patients it is of cannot be told"
    except InputError as error:
        reading.document.strays.append(Stray(error, entry.bundle))
        patient, about, why = None, "", "whose it is cannot be read"
    if patient is not None:
        reading.entries[patient.iri].append(entry)
        return
    if about in OTHERS:
        level, why = Level.void, f"it is about a {about}"
    concept = Concept()
    with suppress(InputError):
        concept = entry.element.concept("code") or entry.element.concept("medicationCodeableConcept")
    reading.report.lines.append(Line(entry.name, concept.first, level, (), why))


def _whose(strays: Iterable[Stray], people: Iterable[Entry]) -> Iterator[tuple[Stray, list[str]]]:
    """Each stray with the patients that are refused for it: those that it names, else the one whose it must be."""
    by_id: dict[str, list[str]] = defaultdict(list)
    by_bundle: dict[int | None, list[str]] = defaultdict(list)
    for one in people:
        by_id[one.element.text("id") or ""].append(one.iri)
        by_bundle[one.bundle].append(one.iri)
    for stray in strays:
        near = by_bundle.get(stray.bundle, [])
        named = [iri for number in stray.patients for iri in by_id.get(number, [])]
        yield stray, named if stray.patients else near if len(near) == 1 else []


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
        _refuse(reading, entries, error)


def _refuse(reading: Reading, entries: list[Entry], error: InputError) -> None:
    reading.refused.append(error)
    reading.report.lines += (Line(entry.name, Concept().first, Level.unknown, (), "its patient is refused") for entry in entries)


def _subject(entry: Entry, document: Document) -> tuple[Entry | None, str]:
    """The patient of a record, and the kind of what it is about where that is no patient."""
    for key in SUBJECTS:
        pointer = entry.element.part(key)
        if pointer is not None:
            found = document.follow(pointer, entry, "Patient")
            if found is not None and found.kind == "Patient" and found.holder is None:
                return found, ""
            return None, found.kind if found else kind_of(pointer.text("reference") or "") or pointer.text("type") or ""
    return None, ""


def folder(where: Path, codes: Terminology, refuse: Callable[[InputError], None], as_of: dt.date | None = None) -> Iterator[Reading]:
    """Read a folder: each ``.json`` by itself, and all NDJSON together, as Bulk Data has it.

    :param refuse: told of each file that cannot be read; the others are read nevertheless. Of Bulk Data all is refused then, since
        one file holds a kind of record of every patient.
    :raises InputError: there is no FHIR in it.
    """
    name = printable(str(where))
    try:
        files = sorted(path for path in where.iterdir() if path.is_file())
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}", "check the path") from error
    bulk = [path for path in files if fhir_suffix(path.name) in LINES]
    single = [path for path in files if fhir_suffix(path.name) and path not in bulk]
    if not bulk and not single:
        raise InputError(f"{name}: Is a directory, and no file of FHIR is in it", f"its files end in {' or '.join(FHIR)}, with or without .gz")
    for path in files:
        if path.suffix.lower() in record.ENDINGS:
            refuse(InputError(f"{printable(str(path))}: a graph, and of a folder only FHIR is read", "give the file by itself"))
    for path in single:
        try:
            yield read(content(str(path)), str(path), codes, as_of=as_of)
        except InputError as error:
            refuse(error)
    if bulk:
        try:
            yield _from_parts(_bulk(bulk, name), name, codes, as_of)
        except InputError as error:
            refuse(error)


def _bulk(files: Sequence[Path], name: str) -> Iterator[Part]:
    total = 0
    for path in files:
        source = printable(str(path))
        plain = parsing.unpacked(content(str(path)), source)
        total += len(plain)
        if total > record.LIMIT:
            raise InputError(f"{name}: more than the {record.LIMIT:,} bytes that are read at once", "give the folder to dermograph cohort")
        yield from parsing.lines(plain, source)
