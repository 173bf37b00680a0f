"""The nodes of a block: whose they are, and of which of them something is said that is not plain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dermograph.cohort import descriptor
from dermograph.cohort.rdf.columns import Codes, Triples
from dermograph.cohort.rdf.words import ABSENT, ASIDE, CAUSE, OF_PATIENTS, PATIENT, RECORDS, TYPE, said_of, token
from dermograph.terms import OWN, PREFIXES

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]
TABLES = descriptor.names()
_PATIENT, CAUSES = 1, 1 + len(TABLES)
"""Roles of a node beside those of records: a patient, a cause; 0 is none."""
_PROPERTIES = (TYPE, ABSENT, CAUSE, *RECORDS, *dict.fromkeys(f"pt:{c}" for table in TABLES for c in said_of(table)))
_PLACE = {token(name): place for place, name in enumerate(_PROPERTIES)}
_STRANGE, _ASIDE = len(_PROPERTIES), len(_PROPERTIES) + 1
_WORDS = tuple(f"<{PREFIXES[p]}" for p in OWN)
_KNOWN = tuple(f"<{iri}" for iri in PREFIXES.values())


def role(table: str) -> int:
    """Role of the records of a table."""
    return 1 + TABLES.index(table)


def _allowed() -> Flags:
    """Whether a node of a role may say a property."""
    found = np.zeros((CAUSES + 1, _ASIDE + 1), bool)
    for table in TABLES:
        found[role(table), [_PLACE[token(f"pt:{c}")] for c in said_of(table)]] = True
    found[_PATIENT, [_PLACE[token(name)] for name in (ABSENT, *RECORDS)]] = True
    found[role("conditions"), _PLACE[token(CAUSE)]] = True
    found[_PATIENT:, [_PLACE[token(TYPE)], _ASIDE]] = True
    return found


_ALLOWED = _allowed()


class Nodes:
    """The nodes of a block, by their places among the subjects.

    :param triples: triples of whole patients.
    """

    def __init__(self, triples: Triples) -> None:
        self.triples = triples
        self.count = len(triples.subjects.terms)
        self.subject = triples.subjects.codes
        terms = triples.predicates.terms.to_pylist()
        places = [_PLACE.get(t, _ASIDE if t.startswith(ASIDE) else _STRANGE) for t in terms]
        self._property = np.array(places, np.int8)[triples.predicates.codes]
        self._by_property = np.argsort(self._property, kind="stable")
        self._ends = np.searchsorted(self._property[self._by_property], np.arange(_ASIDE + 1), side="right")
        same = pc.index_in(triples.objects.terms, value_set=triples.subjects.terms)
        self._same = same.fill_null(-1).to_numpy()
        self.owner = np.full(self.count, -1)
        """Patient that each node hangs off, or -1."""
        self.role = np.zeros(self.count, np.int8)
        self.odd = np.zeros(self.count, bool)
        """Nodes of which something is not plain; those who read values add to it."""
        self.first = np.full(self.count, len(self.subject))
        """First triple in which each node is spoken of as a record or a cause, and of a patient the first of its own."""
        self.missing = 0
        """Links to nodes of which nothing is said."""
        self._give_roles()

    def term(self, place: int) -> str:
        """A node as N-Triples writes it."""
        return str(self.triples.subjects.terms[place])

    def rows(self, name: str) -> Places:
        """Triples of a property, in the order of their lines."""
        place = _PLACE[token(name)]
        found: Places = self._by_property[self._ends[place - 1] if place else 0 : self._ends[place]]
        return found

    def objects(self, rows: Places) -> Codes:
        """Places of the objects of triples among all objects."""
        return self.triples.objects.codes[rows]

    def _give_roles(self) -> None:
        rows = self.rows(TYPE)
        patients = self.subject[rows[self.objects(rows) == pc.index(self.triples.objects.terms, token(PATIENT)).as_py()]]
        patients = np.concatenate([patients, self._presumed()])
        self.role[patients] = _PATIENT
        self.owner[patients] = patients
        everyone = np.arange(len(self.subject))[::-1]
        self.first[self.subject[everyone]] = everyone
        self._above, self._below = [], []
        pointed = np.zeros(self.count, np.int64)
        links = [(link, role(table), _PATIENT) for link, table in RECORDS.items()] + [(CAUSE, CAUSES, role("conditions"))]
        for link, new, of in links:
            rows = self.rows(link)
            above, node = self.subject[rows], self._same[self.objects(rows)]
            self.odd[above[(node < 0) | (self.role[above] != of)]] = True
            self.missing += int(np.count_nonzero(node < 0))
            rows, above, node = rows[node >= 0], above[node >= 0], node[node >= 0]
            self._above.append(above)
            self._below.append(node)
            pointed += np.bincount(node, minlength=self.count)
            free = self.role[node] == 0
            self.role[node[free]] = new
            self.owner[node[free]] = self.owner[above[free]]
            self.first[node[free]] = rows[free]
        self.cause = np.full(self.count, -1)
        """Cause of each condition that names one, else -1."""
        self.cause[above] = node
        self.odd |= (pointed > 1) | ((self.role == _PATIENT) & (pointed > 0))

    def _presumed(self) -> Codes:
        """Nodes that speak as only patients do, and have a line that is no triple, which may be the one with their type."""
        broken = pa.array([b.subject for b in self.triples.broken if b.subject], pa.string())
        places = pc.index_in(broken, value_set=self.triples.subjects.terms).drop_null().to_numpy().astype(np.int32)
        speaking = np.isin(self._property, [_PLACE[token(name)] for name in OF_PATIENTS])
        found: Codes = places[np.isin(places, self.subject[speaking])]
        return found

    def once(self, rows: Places) -> None:
        """Mark the nodes that say several times what is said once."""
        subjects = self.subject[rows]
        seen = np.zeros(self.count, bool)
        seen[subjects] = True
        if np.count_nonzero(seen) < len(rows):
            self.odd |= np.bincount(subjects, minlength=self.count) > 1

    def judge(self) -> None:
        """Mark the nodes that say what they may not, or do not say what they must, values aside."""
        self.odd[self.subject[~_ALLOWED[self.role[self.subject], self._property]]] = True
        records = self.role > _PATIENT
        self.once(self.rows(CAUSE))
        said = {TYPE: records}
        for table in TABLES[1:]:
            for column in descriptor.required(table)[2:]:
                said[f"pt:{column}"] = self.role == role(table)
        for name, needing in said.items():
            lacking = needing.copy()
            lacking[self.subject[self.rows(name)]] = False
            self.odd |= lacking
        patients = np.flatnonzero(self.role == _PATIENT)
        named = self.triples.subjects.terms.take(pa.array(patients))
        for iri in _KNOWN:
            self.odd[patients[pc.starts_with(named, iri).to_numpy(zero_copy_only=False)]] = True

    @cached_property
    def patients(self) -> Places:
        """The patients, in the order in which they are first spoken of."""
        found = np.flatnonzero(self.role == _PATIENT)
        return found[np.argsort(self.first[found])]

    def odd_patients(self) -> Flags:
        """Patients of whom something is not plain, by their own words or by those of what hangs off them."""
        odd = self.odd.copy()
        for above, below in zip(reversed(self._above), reversed(self._below), strict=True):
            odd[above[odd[below]]] = True
        odd &= self.role == _PATIENT
        return odd

    def reached(self, graphs: Iterable[list[int]]) -> Flags:
        """Nodes that hang off a patient, those included of which there are triples in some graphs."""
        found = self.owner >= 0
        for rows in graphs:
            found[self.subject[rows]] = True
        return found

    def near(self, line: int) -> list[int]:
        """Patients of the triples before and after a line."""
        owners = self.owner[self.subject]
        told = np.flatnonzero(owners >= 0)
        at = int(np.searchsorted(self.triples.lines[told], line))
        return [int(owners[row]) for row in told[max(at - 1, 0) : at + 1]]

    def graph(self, patient: int) -> Iterator[int]:
        """Triples of a patient and of all that hangs off the patient, other patients left out."""
        seen, queue = {patient}, [patient]
        while queue:
            node = queue.pop()
            for row in self._told[self._starts[node] : self._starts[node + 1]].tolist():
                yield row
                other = int(self._same[self.triples.objects.codes[row]])
                if other >= 0 and other not in seen and self.role[other] != _PATIENT and self._property[row] != _ASIDE:
                    seen.add(other)
                    queue.append(other)

    @cached_property
    def _told(self) -> Places:
        """Triples in the order of their subjects."""
        return np.argsort(self.subject, kind="stable")

    @cached_property
    def _starts(self) -> Places:
        return np.searchsorted(self.subject[self._told], np.arange(self.count + 1))

    def text(self, rows: Iterable[int]) -> str:
        """Triples as N-Triples."""
        columns = (self.triples.subjects, self.triples.predicates, self.triples.objects)
        return "".join(" ".join(c.terms[c.codes[row]].as_py() for c in columns) + " .\n" for row in rows)

    def astray(self, claimed: Flags) -> tuple[list[int], list[int]]:
        """Nodes with words of a patient graph that hang off no patient, and words of the ontology of which something is said.

        :param claimed: nodes that hang off a patient in whatever way.
        """
        words = [t.startswith(_WORDS) for t in self.triples.predicates.terms.to_pylist()]
        said = np.array(words, bool)[self.triples.predicates.codes]
        loose = np.flatnonzero(~claimed[self.subject])
        if not len(loose):
            return [], []
        objects = self.triples.objects
        typed = np.array([objects.terms[o].as_py().startswith(_WORDS) for o in objects.codes[loose]], bool) & (self._property[loose] == 0)
        lost = dict.fromkeys(self.subject[loose[said[loose] | typed]].tolist())
        foreign = dict.fromkeys(n for n in self.subject[loose].tolist() if self.triples.subjects.terms[n].as_py().startswith(_WORDS))
        return [n for n in lost if n not in foreign], list(foreign)

    def mentioned(self) -> pa.Array:
        """Nodes of which something is said that a rule may turn on, or that are said to be records or causes."""
        said = np.zeros(self.count, bool)
        said[self.subject[self._property != _ASIDE]] = True
        linked = np.zeros(len(self.triples.objects.terms), bool)
        for link in (*RECORDS, CAUSE):
            linked[self.objects(self.rows(link))] = True
        linked[self._same >= 0] &= ~said[self._same[self._same >= 0]]
        others = self.triples.objects.terms.filter(pa.array(linked))
        others = others.filter(pc.invert(pc.starts_with(others, '"')))
        subjects = self.triples.subjects.terms.filter(pa.array(said))
        known = {b.subject for b in self.triples.broken}
        if known:
            known -= {*subjects.to_pylist(), *others.to_pylist(), None}
        return pa.concat_arrays([subjects, others, pa.array(sorted(filter(None, known)), pa.string())])
