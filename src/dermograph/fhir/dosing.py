"""Regimens as dosage instructions: https://hl7.org/fhir/R4/dosage.html.

The words always say everything. The parts that a program reads are there only where they say the same: not for a group of
drugs, whose members differ in their doses, nor where a condition, a titration or a phase whose end only words tell goes with
the dose. What a source states per time is written as a rate, since how it is split is not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dermograph.amounts import Amount, number
from dermograph.assessment import Regimen
from dermograph.fhir.coding import TIMES, Coder, Json, amount, quantity, some

_CALCULATED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/dose-rate-type", "code": "calculated", "display": "Calculated"}]}


def words(regimen: Regimen) -> str:
    """A regimen in words, with the regulator whose label it is from."""
    return regimen.text + (f" ({regimen.regulator})" if regimen.regulator else "")


def phased(regimens: Sequence[Regimen]) -> bool:
    """Whether regimens follow one another: each has a phase of its own. Others are alternatives."""
    phases = [r.phase for r in regimens]
    return len(regimens) > 1 and all(phases) and len(set(phases)) == len(phases)


def is_exact(coder: Coder, therapy: str, regimen: Regimen) -> bool:
    """Whether the dose of a regimen can be said in numbers alone."""
    conditions = (r["condition"] for r in coder.tree["rows"][therapy]["regimens"])
    return coder.is_substance(therapy) and _steady(regimen) and not any(c and c in regimen.text for c in conditions)


def dosages(coder: Coder, therapy: str, regimens: Sequence[Regimen]) -> list[Json]:
    """Dosage instructions of regimens that follow one another, with a loading dose before the first that has one."""
    found: list[Json] = []
    for regimen in regimens:
        exact, route = is_exact(coder, therapy, regimen), coder.notation("dg:Route", regimen.route) if regimen.route else None
        said = words(regimen)
        if regimen.loading and exact:
            first = f"{regimen.loading.words()} once"
            said = said.replace(f"{first}, then ", "", 1)
            found.append(
                some(sequence=len(found) + 1, text=first, timing={"repeat": {"count": 1}}, route=route, doseAndRate=[amount("dose", regimen.loading)])
            )
        parts = _parts(regimen) if exact else {}
        found.append(some(sequence=len(found) + 1, text=said, timing=timing(regimen) if exact else None, route=route, **parts))
    if len(found) == 1:
        del found[0]["sequence"]
    return found


def timing(regimen: Regimen) -> Json | None:
    """How often, and for how long, where it is said as whole numbers of times in a period."""
    often = _often(regimen)
    if not often or not _steady(regimen):
        return None
    bounds: Json = {}
    if (length := regimen.duration) and length.unit in TIMES:
        bounds = {"boundsDuration" if key == "boundsQuantity" else key: value for key, value in amount("bounds", length).items()}
    return {"repeat": bounds | often}


def _steady(regimen: Regimen) -> bool:
    """Whether a regimen goes on as it begins, to an end that is counted in time or to none."""
    return regimen.titration is None and (regimen.phase is None or regimen.duration is not None)


def _often(regimen: Regimen) -> Json:
    every, frequency, divided = regimen.every, regimen.frequency, regimen.divided
    if every and frequency:
        return {}
    if frequency:
        unit = frequency.unit.removeprefix("/")
        ends = [frequency.value] if frequency.value is not None else [frequency.low, frequency.high]
        counts = [int(e) for e in ends if e is not None and e == e.to_integral_value() and e > 0]
        if unit not in TIMES or len(counts) != len(ends):
            return {}
        return some(frequency=counts[0], frequencyMax=counts[1] if len(counts) > 1 else None, period=1, periodUnit=unit)
    stated = regimen.dose or regimen.per_kg
    if every is None and divided and stated and (unit := stated.unit.rpartition("/")[2]) in TIMES:
        every = Amount(unit, Decimal(1))
    if every is None or every.unit not in TIMES:
        return {}
    start = every.value if every.value is not None else every.low
    if start is None:
        return {}
    longest = every.high if every.value is None else None
    return some(frequency=divided or 1, period=number(start), periodMax=number(longest) if longest is not None else None, periodUnit=every.unit)


def _parts(regimen: Regimen) -> Json:
    """Amount and limits of a regimen; nothing where it states none, or one that is split in parts not told."""
    stated = regimen.dose or regimen.per_kg
    if stated is None:
        return {}
    per_time = stated.unit.rpartition("/")[2] in TIMES
    if regimen.divided and regimen.divided > 1 and not per_time:
        return {}
    given = amount("rate" if per_time else "dose", stated)
    if regimen.dose and regimen.per_kg:
        given = {"type": _CALCULATED, **given}
    found: Json = {"doseAndRate": [given]}
    most = regimen.maximum
    if most and most.value is not None:
        unit, _, time = most.unit.rpartition("/")
        if unit and time in TIMES:
            found["maxDosePerPeriod"] = {"numerator": quantity(most.value, unit), "denominator": quantity(Decimal(1), time)}
        else:
            found["maxDosePerAdministration"] = quantity(most.value, most.unit)
    return found
