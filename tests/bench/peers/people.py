"""The patients, made up once, as each peer natively reads them, and what Dermograph says of the first of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from dermograph.case import Case, gather
from dermograph.cohort import population, synth, writing
from dermograph.content import folder
from dermograph.knowledge import chunks
from dermograph.record import Record, prepared
from dermograph.terms import PREFIXES
from dermograph.verdicts import judge
from peers import bundles
from peers.rules import Found, Rail, Rules

SEED = 1
PART = 1_000
"""Patients whose records are read at once."""
_TYPE, _PATIENT = ox.NamedNode(PREFIXES["rdf"] + "type"), ox.NamedNode(PREFIXES["pt"] + "Patient")
_BEGINS = f"<{_TYPE.value}> <{_PATIENT.value}> .\n"
"""How the first line of a patient ends."""


class People:
    """So many made-up patients; the first of many are the same as of few.

    :param room: folder for their files.
    """

    def __init__(self, rules: Rules, room: Path, count: int) -> None:
        self.rules, self.count = rules, count
        self.room = room / f"people{count}"

    def _written(self, format: writing.Format) -> Path:
        where = self.room / format
        if not where.exists():
            writing.write(
                synth.blocks(population.read(folder("ontology")), self.count, SEED), where, format, f"{self.count} patients made up for a race"
            )
        return where

    @property
    def tables(self) -> Path:
        """The tables, as Parquet."""
        return self._written(writing.Format.parquet)

    @property
    def graph(self) -> Path:
        """The records as N-Triples."""
        return self._written(writing.Format.nt) / "patients.nt"

    def records(self) -> Iterator[Record]:
        """The records, one after another; a file of many is too large to be read at once."""
        part: list[str] = []
        begun = 0
        with self.graph.open(encoding="utf-8") as file:
            for line in file:
                begun += line.endswith(_BEGINS)
                if begun > PART:
                    yield from self.rules.knowledge.read("".join(part).encode(), suffix=".nt")
                    part, begun = [], 1
                part.append(line)
        yield from self.rules.knowledge.read("".join(part).encode(), suffix=".nt")

    @cached_property
    def names(self) -> list[str]:
        """Their names, in order."""
        return [f"urn:example:synthetic-{number:07}" for number in range(1, self.count + 1)]

    def _made(self, name: str, lines: Callable[[], Iterator[str]]) -> Path:
        path = self.room / name
        if not path.exists():
            self.room.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8") as file:
                file.writelines(lines())
        return path

    @property
    def canonical(self) -> Path:
        """The records with the values of their observations in canonical units, as N-Triples."""
        units = self.rules.tree["units"]
        return self._made("record.nt", lambda: (f"{t} .\n" for one in self.records() for t in prepared(one, units)))

    @property
    def facts(self) -> Path:
        """The facts that the record comes to as of the day, as N-Triples."""
        return self._made("facts.nt", self._facts)

    def _facts(self) -> Iterator[str]:
        for chunk in chunks(self.records()):
            _, known = self.rules.knowledge.truths(chunk)
            types: dict[object, ox.Triple] = {t.subject: t for t in known if t.predicate == _TYPE}
            found = [ox.Triple(one.patient, _TYPE, _PATIENT) for one in chunk]
            for t in known:
                if t.predicate.value.startswith(PREFIXES["fact"]):
                    found += [t, types[t.object]] if t.object in types else [t]
            yield from (f"{t} .\n" for t in dict.fromkeys(found))

    @property
    def bundles(self) -> Path:
        """The records as FHIR bundles, one a line."""
        return self._made("bundles.ndjson", lambda: (json.dumps(b, separators=(",", ":")) + "\n" for b in bundles.of(self.tables, self.rules.tree)))

    @cached_property
    def expected(self) -> tuple[Found, dict[str, Rail]]:
        """Truths and statuses, as Dermograph finds them one patient after another, and the hints that these rest on."""
        rules, found, statuses = self.rules, Found({}, {}, {}), dict[str, Rail]()
        for place, case in enumerate(self._cases()):
            bit = 1 << place
            for rail, known in ((found.true, True), (found.false, False)):
                for name in rules.criteria:
                    rail[name] = rail.get(name, 0) | (bit if case.truth[name] is known else 0)
            for therapy in rules.tree["rows"]:
                status = judge(case, therapy).status
                rail = statuses.setdefault(therapy, {})
                rail[status] = rail.get(status, 0) | bit
        return found, statuses

    def _cases(self) -> Iterator[Case]:
        for chunk in chunks(self.records()):
            truths, known = self.rules.knowledge.truths(chunk)
            gathered = gather(known)
            for place, one in enumerate(chunk):
                yield Case(self.rules.tree, truths, place, one, gathered)
