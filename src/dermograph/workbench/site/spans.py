"""The bands of measures that a criterion asks for, read off its definition, in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dermograph.amounts import Amount

Tree = dict[str, Any]
Band = tuple[Decimal, Decimal, bool, bool]
"""Lower and upper end, and whether each belongs to the band."""

_OPEN = Decimal(999999999)


def bands(tree: Tree, criterion: str) -> tuple[dict[str, Band], bool]:
    """By fact, the band of its values that the criterion leaves, and whether these bands say all that it says."""
    found: dict[str, Band] = {}
    whole = True
    queue = [(criterion, True)]
    while queue:
        name, wanted = queue.pop()
        definition = tree["criteria"][name]
        if "range" in definition and (band := _band(definition["range"]) if wanted else _rest(_band(definition["range"]))):
            known = found.get(definition["fact"])
            found[definition["fact"]] = _both(known, band) if known else band
        elif definition.get("op") == ("and" if wanted else "or"):
            queue += [(member, positive is wanted) for member, positive in definition["members"]]
        else:
            whole = False
    return found, whole


def words(band: Band, unit: str) -> str:
    """A band as a person says it; months are told in years where they come out even."""
    low, high, low_in, high_in = band
    start = f"{'from' if low_in else 'above'} {_amount(low, unit)}" if low > -_OPEN else ""
    end = f"{'up to' if high_in else 'under'} {_amount(high, unit)}" if high < _OPEN else ""
    return f"{start} to {end.removeprefix('up to ')}" if start and end else start or end


def _amount(value: Decimal, unit: str) -> str:
    if unit == "mo" and value >= 12 and value % 12 == 0:
        unit, value = "a", value / 12
    return Amount(unit, value).words().replace(" ", "\u00a0")


def _band(bounds: dict[str, str]) -> Band:
    from_, above, up_to, below = (Decimal(bounds[k]) for k in ("from", "above", "upTo", "below"))
    return max(from_, above), min(up_to, below), from_ > above or above <= -_OPEN, up_to < below or below >= _OPEN


def _rest(band: Band) -> Band | None:
    """What lies outside a band, where that is a band too."""
    low, high, low_in, high_in = band
    if low <= -_OPEN:
        return high, _OPEN, not high_in, True
    return (-_OPEN, low, True, not low_in) if high >= _OPEN else None


def _both(one: Band, other: Band) -> Band:
    low = max((one[0], not one[2]), (other[0], not other[2]))
    high = min((one[1], one[3]), (other[1], other[3]))
    return low[0], high[0], not low[1], high[1]
