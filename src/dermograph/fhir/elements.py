"""Elements of a resource, asked for by name and type; a value of another type is refused with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from dermograph.errors import InputError
from dermograph.record import printable


class Coding(NamedTuple):
    """A code of a code system, with the words that go with it."""

    system: str
    code: str
    display: str


@dataclass(frozen=True)
class Concept:
    """What a CodeableConcept says: the same in several code systems, and in words."""

    codings: tuple[Coding, ...] = ()
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.codings or self.text)

    @property
    def words(self) -> Iterator[str]:
        """Texts that name it."""
        yield from filter(None, (self.text, *(c.display for c in self.codings)))

    @property
    def first(self) -> Coding:
        """The code that it is told by."""
        coding = self.codings[0] if self.codings else Coding("", "", "")
        return Coding(printable(coding.system), printable(coding.code), printable(next(self.words, "")))

    @property
    def told(self) -> str:
        """The code that it is told by, with words, in one text."""
        return " ".join(filter(None, self.first[1:]))


class Status(NamedTuple):
    """What a CodeableConcept says by FHIR's own code system for it.

    :param code: empty where nothing is told, or nothing that is understood.
    :param why: what is wrong with it, or a reservation.
    """

    code: str = ""
    why: str = ""

    @property
    def lost(self) -> bool:
        """Whether something is told that is not understood."""
        return bool(self.why and not self.code)


class Element:
    """An object of a document.

    :param value: what it holds.
    :param place: where it stands, for messages.
    :param source: name of the document in messages.
    """

    __slots__ = ("place", "source", "value")

    def __init__(self, value: dict[str, Any], place: str, source: str) -> None:
        self.value, self.place, self.source = value, place, source

    def text(self, key: str) -> str | None:
        """A string; an empty one says nothing."""
        found = self.value.get(key)
        if found is None or isinstance(found, str):
            return found or None
        raise self.wrong(key, "a string")

    def flag(self, key: str) -> bool | None:
        """A boolean."""
        found = self._of(key, bool, "true or false")
        return None if found is None else bool(found)

    def number(self, key: str) -> Decimal | None:
        """A number, exactly as it is written, or as nearly as a binary fraction that somebody else parsed has kept it."""
        found = self.value.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float | Decimal) or not Decimal(found).is_finite():
            raise self.wrong(key, "a number")
        return Decimal(repr(found)) if isinstance(found, float) else Decimal(found)

    def part(self, key: str) -> Element | None:
        """An object."""
        found = self._of(key, dict, "an object")
        return None if found is None else Element(found, f"{self.place}.{key}", self.source)

    def parts(self, key: str) -> list[Element]:
        """Objects of an array."""
        found = self._of(key, list, "an array")
        if not found:
            return []
        for one in found:
            if not isinstance(one, dict):
                raise self.wrong(key, "an array of objects")
        return [Element(one, f"{self.place}.{key}[{place}]", self.source) for place, one in enumerate(found)]

    def concept(self, key: str) -> Concept:
        """A CodeableConcept; an empty one where there is none."""
        found = self.part(key)
        return Concept() if found is None else found.as_concept()

    def concepts(self, key: str) -> list[Concept]:
        """The CodeableConcepts of an array."""
        return [part.as_concept() for part in self.parts(key)]

    def as_concept(self) -> Concept:
        """The object as a CodeableConcept."""
        codings = [Coding(c.text("system") or "", c.text("code") or "", c.text("display") or "") for c in self.parts("coding")]
        return Concept(tuple(codings), self.text("text") or "")

    def status(self, key: str, system: str) -> Status:
        """What a CodeableConcept says by a code of FHIR's own, whatever codes of other systems stand beside it.

        A code without a system counts where the system has none, with a reservation; codes that contradict each other do not.
        """
        concept = self.concept(key)
        own = {c.code for c in concept.codings if c.code and c.system == system}
        bare = {c.code for c in concept.codings if c.code and not c.system}
        found = own or bare
        if len(found) == 1:
            return Status(next(iter(found)), "" if own else f"its {key} is told without a code system")
        if found:
            return Status("", f"its {key} is told as {' and as '.join(sorted(found))}")
        return Status("", f"its {key} is not understood") if concept else Status()

    def _of(self, key: str, kind: type, name: str) -> Any:
        found = self.value.get(key)
        if found is not None and not isinstance(found, kind):
            raise self.wrong(key, name)
        return found

    def wrong(self, key: str, wanted: str) -> InputError:
        """That an element holds what it must not."""
        shown = printable(repr(self.value.get(key)), 80)
        return InputError(f"{self.source}: {printable(self.place)}.{key} is {shown}, and {wanted} is wanted", "correct it as FHIR R4 has it")
