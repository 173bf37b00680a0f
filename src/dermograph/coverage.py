"""Which nodes of the ontology carry each statement of the guideline documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dermograph.content import modules
from dermograph.graph import Graph, read
from dermograph.terms import local_name


@dataclass(frozen=True, slots=True)
class Carried:
    """A statement and the nodes that carry it.

    :param nodes: compact IRI of each node, with the compact IRIs of its own classes.
    """

    statement: str
    text: str
    executable: bool
    nodes: tuple[tuple[str, tuple[str, ...]], ...]

    def to_json(self) -> dict[str, Any]:
        """The row in plain JSON."""
        nodes = [{"node": name, "kinds": list(kinds)} for name, kinds in self.nodes]
        return {"statement": self.statement, "text": self.text, "executable": self.executable, "nodes": nodes}


def cover(ontology: Path) -> list[Carried]:
    """Every statement in the order of its identifier, with what carries it."""
    graph = Graph(read(modules(ontology)))
    return [_carried(graph, name) for name in sorted(graph.instances("dg:Statement"))]


def summary(rows: Sequence[Carried]) -> str:
    """How many statements are carried, in one line."""
    carried = sum(1 for row in rows if row.nodes)
    return f"{carried} of {len(rows)} statements are carried by a node"


def carriers(graph: Graph, statement: str) -> list[str]:
    """Nodes that carry a statement."""
    return [n for n in graph.subjects("dg:statement", statement) if n != statement]


def _carried(graph: Graph, name: str) -> Carried:
    kinds = {n: tuple(k for k in graph.nodes(n, "rdf:type") if not k.startswith("owl:")) for n in carriers(graph, name)}
    return Carried(local_name(name), graph.text(name, "skos:definition") or "", graph.flag(name, "dg:executable"), tuple(kinds.items()))
