"""Whether more is ordered than any source states.

Only what compares exactly is compared: a dose in UCUM with every regimen that fits the patient, at once and, where the order
tells how often, over time. Less than is stated is not told of: it may be a beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from dermograph.amounts import Amount, plain
from dermograph.assessment import Regimen
from dermograph.fhir.elements import Element
from dermograph.units import factor

UCUM = "http://unitsofmeasure.org"
_PERIODS = {"min", "h", "d", "wk", "mo"}
_ROUNDED = 1 + Decimal("1e-9")
"""What a quotient that does not come out even may exceed its number by."""
Quantity = tuple[Decimal, str]


def excessive(dosages: Sequence[Element], regimens: Sequence[Regimen]) -> list[str]:
    """Doses of an order that are more than any regimen has, in words; none where they do not compare.

    :raises InputError: a dosage is not as FHIR has it.
    """
    found = []
    once, daily = _once(regimens), _daily(regimens)
    for value, unit, often in _ordered(dosages):
        if once and _more((value, unit), once):
            found.append(f"{plain(value)} {unit} at once")
        elif often and daily and _more((value * often[0], f"{unit}/{often[1]}"), daily):
            found.append(f"{plain(value)} {unit}, {plain((value * often[0]).quantize(Decimal('0.01')))} {unit}/{often[1]} in all")
    return found


def _more(ordered: Quantity, stated: Sequence[Quantity]) -> bool:
    """Whether a quantity is more than each of others; not so where it does not compare to one."""
    value, unit = ordered
    ratios = [(factor(unit, other), amount) for amount, other in stated]
    return all(ratio is not None and value * ratio > amount * _ROUNDED for ratio, amount in ratios)


def _once(regimens: Sequence[Regimen]) -> list[Quantity]:
    """The most that each regimen gives at once, a day's or week's dose taken as one; empty where one does not say."""
    if not all(r.dose for r in regimens):
        return []
    return [(top, a.unit.partition("/")[0]) for r in regimens for a in (r.loading, r.dose, r.maximum) if a and (top := a.top()) is not None]


def _daily(regimens: Sequence[Regimen]) -> list[Quantity]:
    """The most that each regimen gives over time; empty where one does not say."""
    found = [rate for r in regimens for rate in (_rate(r), _as_rate(r.maximum))]
    known = [rate for rate in found if rate]
    return known if all(_rate(r) for r in regimens) else []


def _rate(regimen: Regimen) -> Quantity | None:
    dose, every, often = regimen.dose, regimen.every, regimen.frequency
    if dose is None or (top := dose.top()) is None:
        return None
    if "/" in dose.unit:
        return top, dose.unit
    if every and (least := every.value if every.value is not None else every.low):
        return top / least, f"{dose.unit}/{every.unit}"
    if often and (most := often.top()) is not None:
        return top * most, dose.unit + often.unit
    return None


def _as_rate(amount: Amount | None) -> Quantity | None:
    top = amount.top() if amount else None
    return (top, amount.unit) if amount and top is not None and "/" in amount.unit else None


def _ordered(dosages: Sequence[Element]) -> Iterator[tuple[Decimal, str, Quantity | None]]:
    """Each dose with its unit, and how often it is given in which time, where that is told."""
    for dosage in dosages:
        for given in dosage.parts("doseAndRate"):
            quantity = given.part("doseQuantity")
            if quantity is None or quantity.text("system") != UCUM:
                continue
            value, unit = quantity.number("value"), quantity.text("code")
            if value is not None and value.adjusted() < 12 and unit and quantity.text("comparator") is None:
                yield value, unit, _often(dosage)


def _often(dosage: Element) -> Quantity | None:
    timing = dosage.part("timing")
    repeat = timing.part("repeat") if timing else None
    if repeat is None or repeat.value.keys() & {"count", "countMax", "dayOfWeek"}:
        return None
    frequency, period, unit = repeat.number("frequency") or Decimal(1), repeat.number("period"), repeat.text("periodUnit")
    if period is None or not Decimal("0.01") <= period < 1000 or not 0 < frequency < 1000 or unit not in _PERIODS:
        return None
    return frequency / period, unit


def dosages(resource: dict[str, Any]) -> list[Element]:
    """The dosages of an order."""
    return Element(resource, "draftOrders", "the request").parts("dosageInstruction")
