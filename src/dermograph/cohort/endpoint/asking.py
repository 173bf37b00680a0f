"""Patients asked for some at a time, fewer where the answer about them does not come whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dermograph.cohort.endpoint import queries
from dermograph.cohort.endpoint.service import Row, Service, Unanswered
from dermograph.errors import InputError
from dermograph.record import printable


class Asking:
    """Asks, and remembers how much a store answers at once.

    :param most: patients of whom is asked at once, at most.
    """

    def __init__(self, service: Service, most: int) -> None:
        self._service, self._most, self._size = service, most, most

    def answers(self, names: Sequence[str]) -> Iterator[tuple[Sequence[str], list[Row]]]:
        """What is said of patients, with the names of those of whom it is.

        :raises InputError: the answer about a single patient is not whole.
        """
        while names:
            some = names[: self._size]
            try:
                rows = self._whole(some)
            except Unanswered as error:
                if len(some) == 1:
                    text = f"{error.message}; asked of {printable(some[0])} alone"
                    raise InputError(text, "let the service give larger answers, and take more time for them") from error
                self._size = len(some) // 2
                continue
            yield some, rows
            names = names[len(some) :]
            self._size = min(self._most, self._size + 1 + self._size // 8)

    def _whole(self, names: Sequence[str]) -> list[Row]:
        """Solutions of which there are as many as the store counts."""
        answer = self._service.ask(queries.said(names))
        if answer.cut:
            raise Unanswered(f"{self._service.name}: the answer is not whole: {answer.cut}")
        count = self._service.count(queries.said_count(names))
        if count != len(answer.rows):
            raise Unanswered(f"{self._service.name}: the answer has {len(answer.rows):,} rows, and {count:,} were counted")
        return answer.rows
