"""The answer for a patient: frozen values that mirror ``dermograph assess --format json``.

Field names here are the contract's in snake case; :func:`to_json` turns them into the contract's words.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from dermograph.amounts import Amount, number
from dermograph.errors import UsageError
from dermograph.terms import local_name


@dataclass(frozen=True, slots=True)
class FactUsed:
    """A recorded fact that a reason rests on."""

    fact: str
    value: str | Decimal | None = None
    unit: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One ground of a verdict."""

    kind: str
    criterion: str | None
    label: str
    facts: tuple[FactUsed, ...] = ()
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that is not on record and decides."""

    fact: str
    label: str
    decides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A caution, or a test to do before or during a therapy."""

    kind: str
    label: str
    subject: str | None = None
    schedule: Amount | None = None
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Strength:
    """Strength of a recommendation on the scale of its document."""

    value: str
    scale: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What a guideline says of a therapy."""

    id: str
    guideline: str
    direction: str
    strength: Strength
    certainty: str | None
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Regimen:
    """How a therapy is given to this patient."""

    route: str | None
    loading: Amount | None
    dose: Amount | None
    per_kg: Amount | None
    every: Amount | None
    frequency: Amount | None
    divided: int | None
    maximum: Amount | None
    duration: Amount | None
    phase: str | None
    titration: str | None
    taper: str | None
    regulator: str | None
    text: str
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reassess:
    """When the effect of a therapy is judged."""

    after: Amount | None
    on: str | None
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to record or to happen."""

    label: str
    record: str | None = None
    happens: str | None = None


@dataclass(frozen=True, slots=True)
class WouldChange:
    """A smallest set of changes and the status that would follow."""

    if_: tuple[Change, ...]
    to: str


@dataclass(frozen=True, slots=True)
class Side:
    """What one source of a conflict says."""

    source: str
    says: str
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sources that differ on a therapy."""

    therapy: str
    between: tuple[Side, ...]
    label: str


@dataclass(frozen=True, slots=True)
class TherapyVerdict:
    """What is derived for one therapy."""

    therapy: str
    label: str
    status: str
    rank: int | None
    continue_: str | None
    recommendations: tuple[Recommendation, ...]
    because: tuple[Reason, ...]
    missing: tuple[Missing, ...]
    cautions: tuple[Item, ...]
    screening: tuple[Item, ...]
    baseline: tuple[Item, ...]
    monitoring: tuple[Item, ...]
    regimens: tuple[Regimen, ...]
    reassess: Reassess | None
    would_change: tuple[WouldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class GuidelineUse:
    """Whether a guideline speaks of this patient."""

    id: str
    version: str
    applies: bool | None
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the patient stands in a guideline's pathway."""

    guideline: str
    at: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, with the therapies it would unblock."""

    action: str
    label: str
    unblocks: tuple[str, ...]
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assumption:
    """A condition that was taken as absent because nothing was recorded."""

    condition: str
    assumed: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Which knowledge an answer came from."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Input:
    """Which input an answer came from."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The whole answer for one patient."""

    patient: str
    as_of: str
    guidelines: tuple[GuidelineUse, ...]
    therapies: tuple[TherapyVerdict, ...]
    pathway: tuple[Place, ...]
    actions: tuple[Action, ...]
    assumptions: tuple[Assumption, ...]
    conflicts: tuple[Conflict, ...]
    knowledge: Knowledge
    input: Input

    def therapy(self, name: str) -> TherapyVerdict:
        """Verdict on a therapy, by compact IRI, local name or label.

        :raises UsageError: the answer lists no such therapy.
        """
        for verdict in self.therapies:
            if name.casefold() in {verdict.therapy.casefold(), local_name(verdict.therapy).casefold(), verdict.label.casefold()}:
                return verdict
        raise UsageError(f"{name!r} is no therapy that the answer lists", "one is " + ", ".join(v.therapy for v in self.therapies[:3]))

    def to_json(self) -> dict[str, Any]:
        """The answer in the words of the contract."""
        found = to_json(self)
        assert isinstance(found, dict)
        return found


_OPTIONAL = {"continue_", "record", "happens", "per_kg", "frequency", "phase", "titration", "taper", "regulator", "duration", "divided", "maximum"}


def json_name(field: str) -> str:
    """The contract's word for a field."""
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


@cache
def _layout(kind: type) -> tuple[tuple[str, str, bool], ...] | None:
    """Fields of a dataclass with the contract's words for them, and whether each is optional; None for another type."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple((f.name, json_name(f.name), f.name in _OPTIONAL) for f in dataclasses.fields(kind))


def to_json(value: Any) -> Any:
    """A value of this module as plain JSON; fields that are optional in the contract are left out when empty."""
    kind = type(value)
    if value is None or kind is str or kind is int:
        return value
    if kind is tuple:
        return [to_json(v) for v in value] if value else []
    if kind is Amount:
        return value.to_json()
    if kind is Decimal:
        return number(value)
    layout: tuple[tuple[str, str, bool], ...] | None = _layout(kind)  # type: ignore[arg-type]
    if layout is None:
        return value
    found = {}
    for name, word, optional in layout:
        item = getattr(value, name)
        if item is not None or not optional:
            found[word] = to_json(item)
    return found
