"""The graph of one patient while it is written, and what is told of each record on the way."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

import pyoxigraph as ox

from dermograph.fhir.bundle import Document, Entry
from dermograph.fhir.elements import Coding, Concept
from dermograph.fhir.report import Level, Line, Report
from dermograph.fhir.terminology import Terminology
from dermograph.fhir.vocabulary import Vocabulary
from dermograph.record import DIGITS, LEAST, Record
from dermograph.terms import expand

_TYPE = ox.NamedNode(expand("rdf:type"))
_DATE, _DECIMAL = (ox.NamedNode(expand(f"xsd:{n}")) for n in ("date", "decimal"))
Said = str | dt.date | Decimal | int
"""A value or class of the contract, a day, or a number."""


@dataclass(frozen=True)
class Measured:
    """A measurement that waits for others of its day.

    :param order: the moment it was taken, where it is told.
    """

    entry: Entry
    coding: Coding
    node: str
    cls: str
    value: Decimal
    unit: str
    day: dt.date
    order: dt.datetime | None
    why: str


@dataclass
class Scribe:
    """Writes the graph of one patient.

    :param document: where references lead.
    :param today: the day asked about.
    """

    document: Document
    codes: Terminology
    report: Report
    patient: str
    today: dt.date
    triples: list[ox.Triple] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    refuted: list[tuple[Entry, Concept, str]] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    nodes: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.names.add(self.patient)
        self.triples.append(ox.Triple(ox.NamedNode(self.patient), _TYPE, ox.NamedNode(expand("pt:Patient"))))

    @property
    def words(self) -> Vocabulary:
        """The words of a patient graph."""
        return self.codes.words

    def say(self, prop: str, value: Said) -> None:
        """Say something of the patient."""
        self._add(ox.NamedNode(self.patient), prop, value)

    def record(self, link: str, name: str, cls: str, **said: Said | Iterable[str] | None) -> None:
        """Add a record to the patient.

        :param name: IRI of its node; where another record has it, the node has one that begins with it.
        :param said: its properties by their local names; None says nothing.
        """
        self.nodes[name] = self._unique(name)
        node = ox.NamedNode(self.nodes[name])
        self.triples.append(ox.Triple(ox.NamedNode(self.patient), ox.NamedNode(expand(link)), node))
        self.triples.append(ox.Triple(node, _TYPE, ox.NamedNode(expand(cls))))
        for prop, value in said.items():
            if value is not None:
                many = [value] if isinstance(value, str | dt.date | Decimal | int) else value
                for one in many:
                    self._add(node, f"pt:{prop}", one)

    def caused_by(self, name: str, cls: str) -> None:
        """Name the cause of the condition that was last recorded under a name."""
        node = self.nodes[name]
        cause = ox.NamedNode(self._unique(f"{node}-cause"))
        self.triples.append(ox.Triple(ox.NamedNode(node), ox.NamedNode(expand("pt:causedBy")), cause))
        self.triples.append(ox.Triple(cause, _TYPE, ox.NamedNode(expand(cls))))

    def _unique(self, name: str) -> str:
        """The name, or where it is taken one like it that nothing else has: no id and no number has a tilde."""
        made, stem = name, name if "#" in name else f"{name}#"
        while made in self.names:
            self.asked[stem] += 1
            made = f"{stem}~{self.asked[stem]}"
        self.names.add(made)
        return made

    def _add(self, node: ox.NamedNode, prop: str, value: Said) -> None:
        term: ox.NamedNode | ox.Literal
        if isinstance(value, dt.date):
            term = ox.Literal(value.isoformat(), datatype=_DATE)
        elif isinstance(value, Decimal):
            term = ox.Literal(format(value, "f"), datatype=_DECIMAL)
        elif isinstance(value, int):
            term = ox.Literal(value)
        else:
            term = ox.Literal(value) if prop == "pt:unit" else ox.NamedNode(expand(value))
        self.triples.append(ox.Triple(node, ox.NamedNode(expand(prop)), term))

    def tell(self, entry: Entry, concept: Concept, level: Level, why: str = "", recorded: Iterable[str] = ()) -> None:
        """Tell what became of a record."""
        self.report.lines.append(Line(entry.name, concept.first, level, tuple(recorded), why))

    def take(self, entry: Entry, concept: Concept, recorded: Iterable[str], why: str = "") -> None:
        """Tell that a record was taken over, with a reservation or without."""
        self.tell(entry, concept, Level.reserved if why else Level.taken, why, recorded)

    def finished(self, source: str) -> Record:
        """The patient, with what had to wait for all records."""
        self._measurements()
        self._absences()
        self.say("pt:asOf", self.today)
        return Record(ox.NamedNode(self.patient), source, tuple(dict.fromkeys(self.triples)), self.today.isoformat())

    def _measurements(self) -> None:
        days: dict[tuple[str, dt.date], list[Measured]] = defaultdict(list)
        for one in self.measured:
            days[one.cls, one.day].append(one)
        for there in days.values():
            latest = max((m.order for m in there if m.order), default=None)
            for one in there:
                coding = Concept((one.coding,))
                if one.order and latest and one.order < latest:
                    self.tell(one.entry, coding, Level.void, "a later measurement of the same day counts")
                    continue
                self.record("pt:observation", one.node, one.cls, value=one.value, unit=one.unit, date=one.day)
                self.take(one.entry, coding, [one.cls], one.why)

    def _absences(self) -> None:
        for entry, concept, cls in self.refuted:
            if any(self.words.is_a(there, cls) for there in self.present):
                self.tell(entry, concept, Level.unknown, f"{cls} is refuted here and recorded elsewhere; what is recorded counts")
            else:
                self.say("pt:absent", cls)
                self.take(entry, concept, [f"no {cls}"])


def figure(value: Decimal) -> Decimal | None:
    """A number as a patient graph holds it, cut after twelve places; None where it has too many digits before the point."""
    if not value:
        return Decimal(0)
    if value.adjusted() >= DIGITS:
        return None
    return value.quantize(LEAST, ROUND_DOWN).normalize() if value.adjusted() >= -DIGITS else Decimal(0)
