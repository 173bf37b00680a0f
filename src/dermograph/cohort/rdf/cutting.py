"""Files cut into blocks of whole patients, where the patients of a file stand one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dermograph.cohort.rdf.files import File
from dermograph.cohort.rdf.words import ASIDE, CAUSE, PATIENT, RECORDS, TYPE, token

SIZE = 16 * 1024 * 1024
"""Bytes of lines that a block holds, about."""
MOST = 4 * SIZE
"""Bytes that a block may grow to before its patients count as not standing together."""
WINDOW = 64 * 1024
"""Bytes at the end of a block in which the place to cut is looked for first."""
_LINE = re.compile(rb'^[ \t]*+(?:(<[^>\s]*+>|_:[^\s<>"]++)[ \t]*+(<[^>\s]*+>)[ \t]*+(<[^>\s]*+>|_:[^\s<>"]++|")|#|$|([^\n]))', re.MULTILINE)
"""Beginning of a line: subject, property and object where it has them, or something that is neither triple nor comment."""
_TYPE, _PATIENT = token(TYPE).encode(), token(PATIENT).encode()
_LINKS = {token(name).encode() for name in (*RECORDS, CAUSE)}
_ASIDE = tuple(start.encode() for start in ASIDE)


class NotGrouped(Exception):
    """The triples of a patient do not stand together."""


@dataclass(frozen=True)
class Piece:
    """Lines of a file that are read together.

    :param file: place of the file among the files.
    :param first: number of the first line in the file, from 1.
    :param start: place of the first byte.
    :param data: the lines, where they cannot be read from their place.
    """

    file: int
    first: int
    start: int
    size: int
    data: bytes | None


@dataclass(frozen=True)
class Block:
    """What one process reads at a time.

    :param done: bytes of all files that are read when it is.
    """

    number: int
    pieces: tuple[Piece, ...]
    done: int


def blocks(files: Iterable[File], size: int = SIZE, most: int = MOST, *, whole: bool = True) -> Iterator[Block]:
    """Cut files into blocks; files that are small share one.

    :param whole: cut only between patients.
    :raises NotGrouped: no place is found where one patient ends and another begins.
    :raises InputError: a file cannot be read.
    """
    number, before, taken = 0, 0, list[Piece]()
    for place, file in enumerate(files):
        for piece, done in _pieces(place, file, size, most, whole):
            taken.append(piece)
            if sum(p.size for p in taken) >= size or len(taken) == _TOGETHER:
                yield Block(number, tuple(taken), before + done)
                number, taken = number + 1, []
        before += file.path.stat().st_size
    if taken:
        yield Block(number, tuple(taken), before)


_TOGETHER = 256
"""Most files that share a block."""


def _pieces(place: int, file: File, size: int, most: int, whole: bool) -> Iterator[tuple[Piece, int]]:
    held, start, line, done = b"", 0, 1, 0
    wanted = size

    def piece(data: bytes) -> Piece:
        return Piece(place, line, start, len(data), None if file.as_it_is else data)

    for chunk in file.chunks():
        if not held:
            start = chunk.start
        held += chunk.data
        done = chunk.done
        while len(held) >= wanted:
            cut = held.rfind(b"\n", 0, wanted) + 1
            if whole:
                cut = boundary(held[:cut])
            if cut:
                taken, held = held[:cut], held[cut:]
                yield piece(taken), start + cut if file.as_it_is else done
                line += taken.count(b"\n")
                start += cut
                wanted = size
            elif wanted >= most:
                raise NotGrouped
            else:
                wanted *= 2
    if held:
        yield piece(held), done


def boundary(data: bytes) -> int:
    """Place of the last line with which a patient begins, and before which another ends; 0 where there is none.

    Nodes that are linked stand together. So a place where all nodes before it are linked among themselves, all after it
    likewise, and there is a patient on either side, parts two patients, whatever the order of their triples.
    """
    window = WINDOW
    while True:
        start = data.rfind(b"\n", 0, len(data) - window) + 1 if window < len(data) else 0
        if cut := _boundary(data[start:]):
            return start + cut
        if not start:
            return 0
        window *= 8


def _boundary(data: bytes) -> int:
    groups = _Groups()
    unclear = set()
    places = []
    for place, line in enumerate(_LINE.finditer(data)):
        places.append(line.start())
        subject, link, value, other = line.groups()
        if other:
            unclear.add(place)
        if not subject or link.startswith(_ASIDE):
            continue
        groups.say(subject, place)
        if link == _TYPE and value == _PATIENT:
            groups.patients.add(subject)
        elif link in _LINKS and value != b'"':
            groups.say(value.rstrip(b".") if value.startswith(b"_:") else value, place, subject)
    cut, reached, patient = 0, -1, False
    for first, last, has in groups.told():
        if patient and has and first > reached and unclear.isdisjoint(range(reached + 1, first)):
            cut = places[first]
        if last > reached:
            reached, patient = last, has
    return cut


class _Groups:
    """Nodes that are linked, with the lines in which they stand."""

    def __init__(self) -> None:
        self._above: dict[bytes, bytes] = {}
        self._lines: dict[bytes, tuple[int, int]] = {}
        self.patients: set[bytes] = set()

    def _top(self, node: bytes) -> bytes:
        while (above := self._above[node]) != node:
            self._above[node] = node = self._above[above]
        return node

    def say(self, node: bytes, line: int, with_: bytes | None = None) -> None:
        """A node stands in a line, linked with another that was told before."""
        if node not in self._above:
            self._above[node] = node
            self._lines[node] = (line, line)
        top = self._top(node)
        other = self._top(with_) if with_ is not None else top
        first = min(self._lines[top][0], self._lines[other][0])
        self._above[top] = other
        self._lines[other] = (first, line)

    def told(self) -> Iterator[tuple[int, int, bool]]:
        """First and last line of each group, and whether a patient is in it, in the order of their first lines."""
        having = {self._top(node) for node in self.patients}
        return iter(sorted((*lines, node in having) for node, lines in self._lines.items() if self._above[node] == node))
