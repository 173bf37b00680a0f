"""Patients of whom something unusual is said: read and held to the shapes as a single patient is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from dermograph import record
from dermograph.cohort import graphs
from dermograph.cohort.graphs import Rows
from dermograph.errors import InputError
from dermograph.knowledge import Knowledge, chunks
from dermograph.record import Record
from dermograph.terms import expand

_AS_OF = f"<{expand('pt:asOf')}>"
_MARKED = re.compile(r"(?:_:)?\b([A-Za-z0-9][\w.-]*?)x[0-9a-f]{12}\b")
"""Label of a blank node as reading marks it, to tell the documents apart."""
BRACKET = re.compile(r"(?:_:)?\b[a-f][0-9a-f]{23,31}\b")
"""Label that a parser makes up for a blank node without one."""


@dataclass(frozen=True)
class Refused:
    """Why a patient is not taken over.

    :param node: the node that is to blame.
    """

    reason: str
    node: str


Answer = Rows | list[Refused]
"""Rows of a patient, or why there are none."""


def answers(graph_of: Iterable[tuple[str, str]], knowledge: Knowledge, as_of: dt.date | None) -> list[Answer]:
    """What becomes of each patient.

    :param graph_of: node of each patient, as N-Triples writes it, and its graph.
    """
    found: dict[int, Answer] = {}
    records = dict[str, tuple[int, Record]]()
    dated = set()
    for place, (node, graph) in enumerate(graph_of):
        if as_of is None and _AS_OF in graph:
            dated.add(place)
        name = node.strip("<>")
        try:
            (one,) = record.read(graph.encode(), name, suffix=".nt", as_of=as_of)
            records[one.name] = place, one
        except InputError as error:
            found[place] = [Refused(clean(f"{error.message.removeprefix(f'{name}: ')}; {error.hint}"), clean(node))]
    for chunk in chunks(one for _, one in records.values()):
        refused: dict[str, list[Refused]] = {}
        for f in knowledge.validate(chunk):
            if f.severity == "Violation":
                refused.setdefault(f.patient, []).append(Refused(clean(f"{f.message} [{f.shape}]"), clean(f.node)))
        for one in chunk:
            place = records[one.name][0]
            found[place] = refused.get(one.name) or _rows(one, knowledge, place in dated)
    return [found[place] for place in sorted(found)]


def _rows(one: Record, knowledge: Knowledge, dated: bool) -> Answer:
    """Rows of a valid patient, without the day asked about where it is not the graph that says it."""
    try:
        found = graphs.rows([one], knowledge.tree["within"])
    except ValueError as error:
        return [Refused(f"a value has no place in a table: {error}", one.name)]
    if not dated:
        found["patients"][0]["asOf"] = None
    return found


def clean(text: str) -> str:
    """Text without the labels of blank nodes that are not of their file."""
    return BRACKET.sub("[]", _MARKED.sub(r"_:\1", text))
