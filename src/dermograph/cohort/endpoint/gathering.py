"""Solutions put together to patient graphs, with names for blank nodes that are the same whenever the store is asked."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyoxigraph as ox

from dermograph.cohort.endpoint.service import Row
from dermograph.cohort.rdf.columns import Column, Triples
from dermograph.cohort.rdf.words import PATIENT, TYPE, token
from dermograph.record import printable
from dermograph.terms import OWN, PREFIXES

Triple = tuple[str, str, str]
"""Terms as N-Triples writes them; a blank node by the label that it has in one answer."""
_DEEP = 3
"""How often blank nodes are told apart by their neighbours: a patient, a record and a cause are no further."""
_WORDS = tuple(f"<{PREFIXES[p]}" for p in OWN)
_PATIENT = (token(TYPE), token(PATIENT))
_NOTHING = pa.array([], pa.string()).dictionary_encode()


class NoTerm(ValueError):
    """What a store gave is no term of RDF."""


@lru_cache(65_536)
def _term(kind: str, value: str, datatype: str | None, language: str | None) -> str:
    """A term as N-Triples writes it.

    :raises NoTerm: the store takes it for one, and RDF does not.
    """
    try:
        if kind == "uri":
            return str(ox.NamedNode(value))
        if kind in ("literal", "typed-literal"):
            return str(ox.Literal(value, language=language) if language else ox.Literal(value, datatype=ox.NamedNode(datatype) if datatype else None))
    except ValueError as error:
        raise NoTerm(f"{printable(repr(value))} is no term of RDF: {error}") from error
    raise NoTerm(f"{printable(repr(value))} is a {printable(kind)}; say it of a node")


def _read(term: dict[str, str]) -> str:
    if term["type"] == "bnode":
        return f"_:{term['value']}"
    return _term(term["type"], term["value"], term.get("datatype"), term.get("xml:lang"))


@dataclass
class Graphs:
    """Graphs of patients.

    :param triples: of each patient, by name.
    :param refused: patients of whom something cannot be read, each with the reason.
    """

    triples: dict[str, set[Triple]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, names: Iterable[str], rows: Iterable[Row]) -> None:
        """Add what one answer says.

        :param names: the patients who were asked for.
        :raises KeyError: a solution lacks a value, or is of another patient.
        """
        found: dict[str, dict[str, set[Triple]]] = {name: defaultdict(set) for name in names}
        for row in rows:
            name = row["patient"]["value"]
            own = found[name]
            try:
                node = _read(next(row[place] for place in ("cause", "record", "patient") if place in row))
                own[node].add((node, _read(row["property"]), _read(row["value"])))
            except NoTerm as error:
                self.refused.setdefault(name, str(error))
        for name, said in found.items():
            me = str(ox.NamedNode(name))
            self.triples[name] = set().union(*(told for node, told in said.items() if node == me or not _is_else(node, told)))

    def whole(self) -> Triples:
        """Triples of the patients who were not refused, one patient after the other."""
        found: list[Triple] = []
        count = 0
        for name, told in self.triples.items():
            if name not in self.refused:
                labels = _labels(told, count)
                count += len(labels)
                found += sorted((labels.get(s, s), p, labels.get(o, o)) for s, p, o in told)
        columns = [pa.array(terms, pa.string()).dictionary_encode() for terms in zip(*found, strict=True)] or [_NOTHING] * 3
        subjects, predicates, objects = (Column(column.dictionary, column.indices.to_numpy()) for column in columns)
        return Triples(subjects, predicates, objects, np.arange(1, len(found) + 1), ())


def _is_else(node: str, told: set[Triple]) -> bool:
    """Whether a node is a patient too, or a word of the ontology, which may lie in the same store."""
    return node.startswith(_WORDS) or (node, *_PATIENT) in told


def _labels(triples: set[Triple], first: int) -> dict[str, str]:
    """Labels for the blank nodes of a patient, in an order that turns on what is said of them.

    They look like those that a parser makes up, which messages leave out: nobody can look them up.

    :param first: number of the first.
    """
    told = dict.fromkeys((term for s, _, o in triples for term in (s, o) if term.startswith("_:")), "")
    for _ in range(_DEEP):
        seen: dict[str, list[str]] = {node: [] for node in told}
        for s, p, o in triples:
            if s in told:
                seen[s].append(f"{p} {told.get(o, o)}")
            if o in told:
                seen[o].append(f"{told.get(s, s)} {p}")
        told = {node: hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest() for node, lines in seen.items()}
    return {node: f"_:b{first + place:023}" for place, node in enumerate(sorted(told, key=lambda node: (told[node], node)))}
