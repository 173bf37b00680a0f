"""Files cut into blocks of whole patients, where the patients of a file stand one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from mmap import mmap

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
    """Lines that are read together, and the bytes of the file that are read then."""
    line = 1
    if file.as_it_is:
        with file.mapped() as (text, start):
            while start < len(text):
                cut = _cut(text, start, size, most, whole) or len(text)
                yield Piece(place, line, start, cut - start, None), cut
                line += sum(text[at : min(at + _COUNTED, cut)].count(b"\n") for at in range(start, cut, _COUNTED))
                start = cut
        return
    waiting, length, done = list[bytes](), 0, 0
    for chunk in file.chunks():
        waiting.append(chunk.data)
        length, done = length + len(chunk.data), chunk.done
        while length > size and (cut := _cut(held := b"".join(waiting), 0, size, most, whole)):
            yield Piece(place, line, 0, cut, held[:cut]), done
            line += held.count(b"\n", 0, cut)
            waiting, length = [held[cut:]], length - cut
    if waiting:
        yield Piece(place, line, 0, length, b"".join(waiting)), done


_COUNTED = 1024 * 1024
"""Bytes whose lines are counted at once."""


def _cut(text: bytes | mmap, start: int, size: int, most: int, whole: bool) -> int:
    """Place where a block ends that begins at a place; 0 where the text ends before.

    :raises NotGrouped: no such place is found in as many bytes as a block may have at most.
    """
    wanted = size
    while start + wanted < len(text):
        last = text.rfind(b"\n", start, start + wanted) + 1
        if cut := boundary(text, start, last) if whole else last:
            return cut
        if wanted >= most:
            raise NotGrouped
        wanted *= 2
    return 0


def boundary(text: bytes | mmap, first: int, last: int) -> int:
    """Place between two others of the last line with which a patient begins, and before which another ends; 0 where there is none.

    Nodes that are linked stand together. So a place where all nodes before it are linked among themselves, all after it
    likewise, and there is a patient on either side, parts two patients, whatever the order of their triples.
    """
    window = WINDOW
    while first < last:
        start = max(text.rfind(b"\n", first, last - window) + 1, first) if window < last - first else first
        if cut := _boundary(text[start:last]):
            return start + cut
        if start == first:
            break
        window *= 8
    return 0


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
