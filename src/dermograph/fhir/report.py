"""What became of each record of an input: taken over, taken over with a reservation, or not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dermograph.fhir.elements import Coding
from dermograph.record import printable


class Level(StrEnum):
    """What became of a record."""

    taken = "understood"
    reserved = "understood with a reservation"
    unknown = "not understood, and it could matter"
    void = "says nothing of the patient"
    unread = "not read, since no guideline asks for it"


@dataclass(frozen=True)
class Line:
    """What became of one record.

    :param resource: kind and id of the resource.
    :param coding: the code it is told by.
    :param recorded: classes that it was recorded as.
    :param why: reason, or reservation; it may quote the document, and is made fit to be shown.
    """

    resource: str
    coding: Coding
    level: Level
    recorded: tuple[str, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", printable(self.why))

    @property
    def kind(self) -> str:
        """Kind of the resource."""
        return self.resource.partition("/")[0]


@dataclass
class Report:
    """What became of the records of one input.

    :param source: name of the input.
    """

    source: str
    lines: list[Line] = field(default_factory=list)

    def counts(self) -> Counter[Level]:
        """Records by what became of them."""
        return Counter(line.level for line in self.lines)

    @property
    def missed(self) -> bool:
        """Whether something that could matter was not understood."""
        return any(line.level is Level.unknown for line in self.lines)

    def summary(self) -> str:
        """One sentence on the whole."""
        counts = self.counts()
        read = counts[Level.taken] + counts[Level.reserved]
        return f"{self.source}: {read} records were understood; {counts[Level.unknown]} were not and could matter"

    def text(self) -> str:
        """The report for people: like records together, with their number."""
        parts = [self.summary()]
        for level in Level:
            rows = Counter(_shown(line) for line in self.lines if line.level is level)
            if rows:
                parts.append(f"{level.value}:")
                parts += [f"  {number:>4} × {row}" for row, number in sorted(rows.items())]
        return "\n".join(parts)

    def to_json(self) -> list[dict[str, Any]]:
        """The report for programs: one object for each record."""
        return [
            {
                "resource": line.resource,
                "system": line.coding.system or None,
                "code": line.coding.code or None,
                "text": line.coding.display or None,
                "result": line.level.name,
                "recorded": list(line.recorded),
                "why": line.why or None,
            }
            for line in self.lines
        ]


def passed_over(lines: Iterable[Line]) -> Iterator[tuple[str, str, str, str, str]]:
    """Kind of resource, code system, code, text and reason of each record that was not taken over."""
    for line in lines:
        if not line.recorded:
            yield line.kind, line.coding.system, line.coding.code, line.coding.display, f"{line.level.value}{line.why and f': {line.why}'}"


def _shown(line: Line) -> str:
    coding = line.coding
    code = " ".join(filter(None, (coding.system, coding.code, coding.display and f'"{coding.display}"')))
    recorded = f" as {', '.join(line.recorded)}" if line.recorded else ""
    return f"{line.kind}{code and f' {code}'}{recorded}{line.why and f': {line.why}'}"
