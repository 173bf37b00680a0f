"""Quantities: numbers and ranges with a UCUM unit, their arithmetic and their wording."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

_WORDS = {
    "d": ("day", "days"), "wk": ("week", "weeks"), "mo": ("month", "months"), "a": ("year", "years"),
    "h": ("hour", "hours"), "min": ("minute", "minutes"), "{treatment}": ("treatment", "treatments"),
}  # fmt: skip
_PER = {"/wk": "a week", "/d": "a day", "/mo": "a month"}


def number(value: Decimal) -> int | float:
    """A decimal as the JSON number that prints alike."""
    return int(value) if value == value.to_integral_value() else float(value)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number or a range, both ends included, in a UCUM unit."""

    unit: str
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None

    @classmethod
    def of(cls, tree: dict[str, str] | None) -> Amount | None:
        """Read an amount of the index."""
        return _amount(**tree) if tree else None

    def times(self, factor: Decimal, unit: str, cap: Decimal | None) -> Amount:
        """Multiply every end by a factor and cap it; the unit is that of the product."""

        def end(x: Decimal | None) -> Decimal | None:
            return None if x is None else min(x * factor, cap) if cap is not None else x * factor

        value, low, high = end(self.value), end(self.low), end(self.high)
        if low is not None and low == high:
            value, low, high = low, None, None
        return Amount(unit, value, low, high)

    def top(self) -> Decimal | None:
        """The greatest number of the amount."""
        return self.value if self.value is not None else self.high if self.high is not None else self.low

    def to_json(self) -> dict[str, Any]:
        """The amount in the words of the contract."""
        ends = {k: number(v) for k in ("value", "low", "high") if (v := getattr(self, k)) is not None}
        return ends | {"unit": self.unit}

    def words(self) -> str:
        """The amount as a person writes it."""
        if self.value is not None:
            figure = plain(self.value)
        elif self.low is not None and self.high is not None:
            figure = f"{plain(self.low)} to {plain(self.high)}"
        elif self.low is not None:
            figure = f"at least {plain(self.low)}"
        else:
            figure = f"up to {plain(self.high or Decimal(0))}"
        if self.unit in _PER:
            return f"{figure} times {_PER[self.unit]}" if figure != "1" else f"once {_PER[self.unit]}"
        if self.unit in _WORDS:
            return f"{figure} {_WORDS[self.unit][figure != '1']}"
        return figure if self.unit in {"1", "{score}"} else f"{figure} {self.unit}"

    def interval(self) -> str:
        """The amount as an interval: every day, every 4 weeks."""
        if self.value == 1 and self.unit in _WORDS:
            return f"every {_WORDS[self.unit][0]}"
        return f"every {self.words()}"


@lru_cache(maxsize=4096)
def _amount(unit: str = "1", **ends: str) -> Amount:
    return Amount(unit, **{end: Decimal(number) for end, number in ends.items()})


def plain(value: Decimal) -> str:
    """A decimal without exponent or trailing zeros.

    >>> plain(Decimal("24.50"))
    '24.5'
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
