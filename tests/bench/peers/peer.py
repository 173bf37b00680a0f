"""What every peer is to the race: something that finds truths and statuses of patients, in so many seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from peers.people import People
from peers.rules import Found, Marks, Rail, Rules

SAMPLE = 200
"""Patients on whom a peer has to agree with Dermograph, one patient after another, before it is timed."""


@dataclass
class Answer:
    """What a peer finds.

    :param seconds: reading and evaluating; what is left out is in the README.
    :param statuses: patients of each status, by therapy.
    :param found: truths of the criteria, where it tells them.
    """

    seconds: float
    statuses: dict[str, Rail]
    found: Found | None = None


class Peer(Protocol):
    """Something that a user might pick.

    :param name: as the table calls it.
    :param most: patients that are enough to time it.
    """

    name: str
    most: int

    def missing(self) -> str | None:
        """What has to be installed before it can run; None where it can."""

    def version(self) -> str:
        """Its version."""

    def answer(self, people: People) -> Answer:
        """Assess patients."""


def joined(rules: Rules, patients: int, marks: Marks | Found, seconds: float) -> Answer:
    """An answer from what a peer found in some seconds; what is worked out here counts too."""
    start = time.perf_counter()
    found = rules.found(marks, patients) if isinstance(marks, Marks) else marks
    statuses = rules.statuses(found, patients)
    return Answer(seconds + time.perf_counter() - start, statuses, found)


def differences(people: People, answer: Answer) -> list[str]:
    """Where an answer is not the expected one, patient by patient.

    :param people: the patients that are looked at, the first of those of the answer.
    """
    found, statuses = people.expected
    looked = (1 << people.count) - 1
    wrong = []
    for therapy, expected in statuses.items():
        for status in answer.statuses[therapy].keys() | expected.keys():
            off = answer.statuses[therapy].get(status, 0) ^ expected.get(status, 0)
            wrong += [f"{people.names[place]}: {therapy} {status}" for place in _places(off & looked)]
    if answer.found:
        for name in people.rules.criteria:
            off = (answer.found.true[name] ^ found.true[name]) | (answer.found.false[name] ^ found.false[name])
            wrong += [f"{people.names[place]}: {name}" for place in _places(off & looked)]
    return wrong


def _places(rail: int) -> list[int]:
    return [place for place in range(rail.bit_length()) if rail >> place & 1]
