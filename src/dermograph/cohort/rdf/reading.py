"""Whole patients as rows of the tables, with what is refused of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dermograph.cohort.rdf import unusual
from dermograph.cohort.rdf.columns import Triples
from dermograph.cohort.rdf.cutting import NotGrouped
from dermograph.cohort.rdf.nodes import TABLES, Nodes
from dermograph.cohort.rdf.plain import Plain
from dermograph.cohort.rdf.unusual import BRACKET, Refused
from dermograph.cohort.rdf.words import Words
from dermograph.cohort.tables import REJECTED
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge
from dermograph.record import printable

_TYPES = {"string": pa.string(), "integer": pa.int64()}
REFUSALS = pa.schema([(column, _TYPES[kind]) for column, kind in REJECTED.items()])
"""Columns of what is refused: the file, the line where the patient begins, the patient, the reason, the node."""
ASTRAY = "this hangs off no patient; attach it with pt:condition, pt:course, pt:observation or pt:assessment"
FOREIGN = "something is said of this word of the ontology; leave the words of the ontology to the ontology"
"""Reasons of what is nobody's."""
_FEW = 100
"""Nodes that may hang off nobody, or of which nothing may be said, without a doubt about the others."""


@dataclass(frozen=True)
class Origin:
    """The file that triples come from.

    :param file: its name in messages.
    :param told: whether it is Turtle, so that triples are counted in place of lines, and blank nodes may have no label.
    :param mark: what goes before the label of a blank node in the name of a patient.
    :param prefix: what was put before the labels of the file to tell them from those of other files.
    """

    file: str
    told: bool = False
    mark: str = ""
    prefix: str = ""

    def of(self, row: int) -> Origin:
        """The file of a triple."""
        return self

    def line(self, number: int) -> int | None:
        """Number of a line as it is told."""
        return None if self.told else number

    def shown(self, node: str) -> str:
        """A node in messages."""
        return unusual.clean(printable(self._own(node)))

    def name(self, node: str, number: int) -> str:
        """Name of a patient that is a blank node.

        :param node: as N-Triples writes it.
        :param number: line of the first triple.
        """
        return f"{self.mark}_:[{number}]" if self.is_made_up(node) else self.mark + self._own(node)

    def is_made_up(self, node: str) -> bool:
        """Whether a node has a label only because N-Triples wants one."""
        return self.told and BRACKET.fullmatch(self._own(node)) is not None

    def _own(self, node: str) -> str:
        return f"_:{node[2:].removeprefix(self.prefix)}" if node.startswith("_:") else node


@dataclass(frozen=True)
class Read:
    """What was read.

    :param mentioned: nodes that are spoken of or linked with.
    :param astray: nodes that hang off no patient.
    """

    tables: dict[str, pa.Table]
    rejected: pa.Table
    mentioned: pa.Array
    astray: tuple[str, ...]


class Reader:
    """Reads patients by the words of a knowledge.

    :param load: gives the knowledge, which only unusual patients want.
    """

    def __init__(self, words: Words, load: Callable[[], Knowledge], as_of: dt.date | None) -> None:
        self._words, self._load, self._as_of = words, load, as_of

    @cached_property
    def _knowledge(self) -> Knowledge:
        return self._load()

    def read(self, triples: Triples, origin: Origin, gathered: bool = False) -> Read:
        """Read whole patients.

        :param gathered: whether they are known to be whole.
        :raises InputError: a line is no triple, and nobody can tell whose it is.
        :raises NotGrouped: so much hangs off nobody, or is said nothing of, that the patients are not whole.
        """
        nodes = Nodes(triples)
        least = _FEW + len(nodes.patients)
        if nodes.missing > least and not gathered:
            raise NotGrouped
        nodes.judge()
        plain = Plain(nodes, self._words)
        refusals = list(_broken(nodes, origin))
        spoilt = {patient for patient, _ in refusals}
        odd = nodes.odd_patients()
        odd[list(spoilt)] = True
        names = dict(zip(nodes.patients.tolist(), _names(nodes, origin), strict=True))
        graphs = {p: list(nodes.graph(p)) for p in nodes.patients[odd[nodes.patients]].tolist()}
        astray, foreign = nodes.astray(nodes.reached(graphs.values()))
        if len(astray) > least and not gathered:
            raise NotGrouped
        added: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        for patient, answer in self._unusual({p: rows for p, rows in graphs.items() if p not in spoilt}, nodes):
            if isinstance(answer, list):
                refusals += [(patient, refused) for refused in answer]
            else:
                for table, rows in answer.items():
                    added[table] += [row | {"patient": names[patient]} for row in rows]
        added["patients"] += [{"patient": names[p]} for p in dict.fromkeys(p for p, _ in refusals)]
        told = [(p, names[p], refused) for p, refused in refusals]
        told += [(n, None, Refused(why, "")) for found, why in ((astray, ASTRAY), (foreign, FOREIGN)) for n in found]
        order = pa.array(names.values(), pa.string())
        found = plain.tables(order, odd)
        return Read(
            {table: _ordered(rows, added[table], order) for table, rows in found.items()},
            rejected([_told(nodes, node, who, refused, origin) for node, who, refused in told]),
            nodes.mentioned(),
            tuple(map(nodes.term, astray)),
        )

    def _unusual(self, graphs: dict[int, list[int]], nodes: Nodes) -> Iterator[tuple[int, unusual.Answer]]:
        if graphs:
            texts = [(nodes.term(p), nodes.text(rows)) for p, rows in graphs.items()]
            yield from zip(graphs, unusual.answers(texts, self._knowledge, self._as_of), strict=True)


def _broken(nodes: Nodes, origin: Origin) -> Iterator[tuple[int, Refused]]:
    """Patients of lines that are no triples: those of whom they speak, else those on either side."""
    if not nodes.triples.broken:
        return
    places = {term: place for place, term in enumerate(nodes.triples.subjects.terms.to_pylist())}
    for line in nodes.triples.broken:
        place = places.get(line.subject or "", -1)
        whose = [int(nodes.owner[place])] if place >= 0 and nodes.owner[place] >= 0 else nodes.near(line.line)
        if not whose:
            raise InputError(f"{origin.file}: line {line.line}: {line.message}, and it cannot be told whose it is", "mend the line, or take it out")
        for patient in dict.fromkeys(whose):
            yield patient, Refused(f"line {line.line} is no triple: {line.message}", line.subject or "")


def _names(nodes: Nodes, origin: Origin) -> Iterator[str]:
    """Names of the patients."""
    tokens = nodes.triples.subjects.terms.take(pa.array(nodes.patients)).to_pylist()
    for token, row in zip(tokens, nodes.first[nodes.patients].tolist(), strict=True):
        yield token[1:-1] if token[0] == "<" else origin.of(row).name(token, int(nodes.triples.lines[row]))


def _told(nodes: Nodes, node: int, patient: str | None, refused: Refused, origin: Origin) -> tuple[Any, ...]:
    row = int(nodes.first[node])
    own = origin.of(row)
    return own.file, own.line(int(nodes.triples.lines[row])), patient, refused.reason, own.shown(refused.node or nodes.term(node))


def rejected(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Table of what is refused."""
    columns = zip(*rows, strict=True) if rows else [()] * len(REFUSALS)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, REFUSALS, strict=True)], schema=REFUSALS)


def _ordered(plain: pa.Table, rows: list[dict[str, Any]], order: pa.Array) -> pa.Table:
    """A table with more rows, those of a patient in the order of the patients."""
    if not rows:
        return plain
    texts = pa.schema([f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in plain.schema])
    whole = pa.concat_tables([plain, pa.Table.from_pylist(rows, texts).cast(plain.schema)]).unify_dictionaries()
    places = pc.index_in(whole["patient"].cast(pa.string()), value_set=order).to_numpy()
    return whole.take(pa.array(np.argsort(places, kind="stable")))
