"""The tables of a population as FHIR R4 bundles, the CQL engine's native food, coded with our IRIs and in canonical units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from dermograph.units import factor

Tree = dict[str, Any]
SYSTEM = "https://w3id.org/dermograph"
SESSIONS, YEARS, CAUSE = (f"{SYSTEM}/{name}" for name in ("sessions", "age-years", "caused-by"))
"""Extensions for what FHIR has no element for."""


def of(tables: Path, tree: Tree) -> Iterator[Tree]:
    """A bundle for each patient.

    :param tree: the index tree, for the canonical units.
    """
    rows = {name: _rows(tables / f"{name}.parquet") for name in ("conditions", "absences", "courses", "observations", "assessments")}
    for patient in pq.read_table(tables / "patients.parquet").to_pylist():
        name = patient["patient"]
        found = [_patient(patient)]
        found += [_condition(row) for row in rows["conditions"][name]]
        found += [_resource("Condition", code=_code(row["condition"]), verificationStatus=_code("refuted")) for row in rows["absences"][name]]
        found += [_course(row) for row in rows["courses"][name]]
        found += [_observation(row, tree["units"]) for row in rows["observations"][name]]
        found += [_assessment(row) for row in rows["assessments"][name]]
        yield {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in found]}


def _rows(path: Path) -> dict[str, list[Tree]]:
    found: dict[str, list[Tree]] = defaultdict(list)
    for row in pq.read_table(path).to_pylist():
        found[row["patient"]].append(row)
    return found


def _resource(kind: str, **elements: Any) -> Tree:
    return {"resourceType": kind} | {name: value for name, value in elements.items() if value is not None}


def _code(name: str | None) -> Tree | None:
    return None if name is None else {"coding": [{"system": SYSTEM, "code": name}]}


def _day(date: Any) -> str | None:
    return None if date is None else str(date)


def _patient(row: Tree) -> Tree:
    years = row["ageYears"]
    return _resource(
        "Patient",
        id=row["patient"],
        birthDate=_day(row["birthDate"]),
        gender={"pt:Female": "female", "pt:Male": "male", None: None}[row["sex"]],
        extension=None if years is None else [{"url": YEARS, "valueDecimal": float(years)}],
    )


def _condition(row: Tree) -> Tree:
    status, sites = row["status"], (row["site"] or "").split()
    return _resource(
        "Condition",
        code=_code(row["condition"]),
        clinicalStatus=_code({"pt:Active": "active", "pt:Resolved": "resolved"}.get(status)),
        verificationStatus=_code("provisional") if status == "pt:Suspected" else None,
        severity=_code(row["severity"]),
        bodySite=[_code(site) for site in sites] or None,
        onsetDateTime=_day(row["onset"]),
        abatementDateTime=_day(row["abatement"]),
        extension=None if row["causedBy"] is None else [{"url": CAUSE, "valueCode": row["causedBy"]}],
    )


def _course(row: Tree) -> Tree:
    period = {end: _day(row[end]) for end in ("start", "end") if row[end] is not None}
    return _resource(
        "MedicationStatement",
        medicationCodeableConcept=_code(row["therapy"]),
        effectivePeriod=period or None,
        statusReason=None if row["outcome"] is None else [_code(row["outcome"])],
        extension=None if row["sessions"] is None else [{"url": SESSIONS, "valueInteger": row["sessions"]}],
    )


def _observation(row: Tree, units: dict[str, str]) -> Tree:
    unit = units[row["observable"]]
    ratio = factor(row["unit"], unit)
    assert ratio is not None, row
    value = Decimal(row["value"]) * ratio
    return _resource(
        "Observation",
        code=_code(row["observable"]),
        valueQuantity={"value": float(value), "unit": unit},
        effectiveDateTime=_day(row["date"]),
    )


def _assessment(row: Tree) -> Tree:
    return _resource("Procedure", code=_code(row["assessment"]), outcome=_code(row["result"]), performedDateTime=_day(row["date"]))
