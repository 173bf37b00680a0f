"""Doses in words, worked out once for each weight and each set of regimens that occurs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dermograph.regimens import wording

Numbers = npt.NDArray[Any]


class Doses:
    """Doses of the patients of a part.

    :param rows: the therapies of the index.
    :param weights: weight of each patient in kilograms, null where it is not known.
    """

    def __init__(self, rows: dict[str, Any], weights: pa.Array) -> None:
        coded = weights.dictionary_encode()
        self.rows, self.weights = rows, [None, *coded.dictionary.to_pylist()]
        self.codes: Numbers = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64) + 1
        self.words: list[str] = [""]
        self._places: dict[str, int] = {}
        self._known: dict[tuple[str, int, bool], Numbers] = {}
        self._texts: dict[tuple[str, int, bool, int], str] = {}

    def places(self, therapy: str, start: int, fitting: Numbers, ongoing: Numbers) -> Numbers:
        """Place in :attr:`words` of the dose of each patient of a block; 0 where there is none.

        :param start: first patient of the block.
        :param fitting: bits of the regimens that fit.
        :param ongoing: whether the therapy is taken already.
        """
        codes, regimens = self.codes[start : start + len(fitting)], self.rows[therapy]["regimens"]
        weighs = [bool(r["perKilogram"]) for r in regimens]
        found = np.zeros(len(fitting), np.int32)
        both = fitting * 2 + ongoing
        for one in pa.array(both).unique().to_pylist():
            bits, taken = one >> 1, bool(one & 1)
            if not bits:
                continue
            here = np.flatnonzero(both == one)
            asked = codes[here] if any(weighs[place] for place in bits_of(bits)) else np.zeros(len(here), np.int64)
            known = self._known.setdefault((therapy, bits, taken), np.full(len(self.weights), -1, np.int32))
            wanted = np.zeros(len(known), np.bool_)
            wanted[asked] = True
            for code in np.flatnonzero(wanted & (known < 0)):
                known[code] = self._place(self._dose(therapy, bits, taken, int(code)))
            found[here] = known[asked]
        return found

    def _place(self, text: str) -> int:
        place = self._places.setdefault(text, len(self.words))
        if place == len(self.words):
            self.words.append(text)
        return place

    def _dose(self, therapy: str, fitting: int, ongoing: bool, code: int) -> str:
        """Doses of the regimens that fit, in their order."""
        chosen = [(self.rows[therapy]["regimens"][place], place) for place in bits_of(fitting)]
        chosen.sort(key=lambda one: (int(one[0]["order"] or 0), one[0]["id"]))
        return " | ".join(self._text(therapy, place, regimen, ongoing, code) for regimen, place in chosen)

    def _text(self, therapy: str, place: int, regimen: dict[str, Any], ongoing: bool, code: int) -> str:
        key = (therapy, place, ongoing and bool(regimen["loading"]), code if regimen["perKilogram"] else 0)
        if (text := self._texts.get(key)) is None:
            text = self._texts[key] = wording(regimen, self.weights[key[3]], key[2])
        return text


def bits_of(number: int) -> Iterator[int]:
    """Places of the bits of a whole number.

    >>> list(bits_of(0b101))
    [0, 2]
    """
    return (place for place in range(number.bit_length()) if number >> place & 1)
