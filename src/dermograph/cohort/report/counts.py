"""Counts as they are shown to others: all of them as they are, or the small ones hidden and the rest rounded.

A small count can point at a person, and a hidden one can be worked out from the sums around it. So where the small ones are
hidden every other count is rounded to a multiple of the same number, totals included.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """How counts are shown.

    :param least: counts from 1 up to this, itself not included, are hidden; 0 and 1 hide none.
    """

    least: int = 0

    @property
    def exact(self) -> bool:
        """Whether every count is shown as it is."""
        return self.least < 2

    def value(self, count: int) -> int | None:
        """A count as it is shown, None where it is hidden.

        >>> [Counts(10).value(n) for n in (0, 9, 10, 14, 15)]
        [0, None, 10, 10, 20]
        """
        if self.exact or count == 0:
            return count
        return None if count < self.least else (count + self.least // 2) // self.least * self.least

    def drawn(self, count: int) -> int:
        """A count as a length, 0 where it is hidden."""
        return self.value(count) or 0

    def text(self, count: int) -> str:
        """A count in figures."""
        shown = self.value(count)
        return f"under {self.least:,}" if shown is None else f"{shown:,}"

    def share(self, count: int, of: int) -> str:
        """A count as a share of another, worked out from both as they are shown; empty where there is none."""
        part, whole = self.value(count), self.drawn(of)
        if not part or not whole:
            return ""
        percent = 100 * part / whole
        return "<0.1 %" if percent < 0.1 else ">99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"

    def cell(self, count: int) -> int | str:
        """A count in a table for programs, empty where it is hidden."""
        shown = self.value(count)
        return "" if shown is None else shown
