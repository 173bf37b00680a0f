"""A triple store that answers SPARQL: Oxigraph in memory, or rdflib's own engine.

Both hold the index of the guideline for good and the graph of a case for a while; a query sees the union.
Terms are those of ``pyoxigraph`` on either engine; result rows are tuples of lexical values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import pyoxigraph as ox

if TYPE_CHECKING:
    from rdflib.term import Node

Row = tuple[str | None, ...]
CASE = ox.NamedNode("urn:dermograph:case")
"""Name of the graph that holds the case at hand."""
RENEWED = 64
"""Cases after which a store is made anew, since Oxigraph in memory keeps what was removed and slows down with it."""


class Store(Protocol):
    """What the reasoner asks of a triple store."""

    def add(self, triples: Iterable[ox.Triple]) -> None:
        """Add triples to the graph of the case."""

    def clear(self) -> None:
        """Empty the graph of the case."""

    def construct(self, query: str) -> list[ox.Triple]:
        """Answer a CONSTRUCT query."""

    def rows(self, query: str) -> tuple[list[str], list[Row]]:
        """Answer a SELECT query: its variables, and a row of lexical values for each solution."""

    def select(self, query: str) -> list[Row]:
        """Rows alone of a SELECT query."""


class OxigraphStore:
    """Oxigraph in memory, the engine of choice.

    :param index: triples that stay.
    """

    def __init__(self, index: Iterable[ox.Triple]) -> None:
        self._index = [ox.Quad(t.subject, t.predicate, t.object) for t in index]
        self._renew()

    def _renew(self) -> None:
        self._store = ox.Store()
        self._store.extend(self._index)
        self._cleared = 0

    def add(self, triples: Iterable[ox.Triple]) -> None:
        self._store.extend([ox.Quad(t.subject, t.predicate, t.object, CASE) for t in triples])

    def clear(self) -> None:
        self._cleared += 1
        if self._cleared < RENEWED:
            self._store.remove_graph(CASE)
        else:
            self._renew()

    def construct(self, query: str) -> list[ox.Triple]:
        result = self._store.query(query, use_default_graph_as_union=True)
        assert isinstance(result, ox.QueryTriples)
        return list(result)

    def rows(self, query: str) -> tuple[list[str], list[Row]]:
        result = self._store.query(query, use_default_graph_as_union=True)
        assert isinstance(result, ox.QuerySolutions)
        names = [v.value for v in result.variables]
        width = range(len(names))
        return names, [tuple(None if (v := row[i]) is None else v.value for i in width) for row in result]

    def select(self, query: str) -> list[Row]:
        return self.rows(query)[1]


class RdflibStore:
    """rdflib's own SPARQL engine, to hold the other one to.

    :param index: triples that stay.
    """

    def __init__(self, index: Iterable[ox.Triple]) -> None:
        from rdflib import Dataset, URIRef

        self._data = Dataset(default_union=True)
        self._index = self._data.graph(URIRef("urn:dermograph:index"))
        self._case = self._data.graph(URIRef(CASE.value))
        for t in index:
            self._index.add(_to_rdflib(t))

    def add(self, triples: Iterable[ox.Triple]) -> None:
        for t in triples:
            self._case.add(_to_rdflib(t))

    def clear(self) -> None:
        self._case.remove((None, None, None))

    def construct(self, query: str) -> list[ox.Triple]:
        return [_from_rdflib(t) for t in self._data.query(query)]  # type: ignore[arg-type]

    def rows(self, query: str) -> tuple[list[str], list[Row]]:
        result = self._data.query(query)
        names = [str(v) for v in result.vars or ()]
        return names, [tuple(None if v is None else _lexical(v) for v in row) for row in result]  # type: ignore[union-attr]

    def select(self, query: str) -> list[Row]:
        return self.rows(query)[1]


def _lexical(term: object) -> str:
    return str(term).lower() if isinstance(getattr(term, "value", None), bool) else str(term)


def _to_rdflib(triple: ox.Triple) -> tuple[Node, Node, Node]:
    from rdflib import BNode, Literal, URIRef

    def term(t: object) -> Node:
        match t:
            case ox.NamedNode():
                return URIRef(t.value)
            case ox.BlankNode():
                return BNode(t.value)
            case ox.Literal():
                return Literal(t.value, lang=t.language) if t.language else Literal(t.value, datatype=URIRef(t.datatype.value))
        raise TypeError(t)

    return (term(triple.subject), term(triple.predicate), term(triple.object))


def _from_rdflib(triple: Sequence[object]) -> ox.Triple:
    from rdflib import BNode, Literal, URIRef

    def term(t: object) -> ox.NamedNode | ox.BlankNode | ox.Literal:
        match t:
            case URIRef():
                return ox.NamedNode(str(t))
            case BNode():
                return ox.BlankNode(str(t))
            case Literal():
                if t.language:
                    return ox.Literal(str(t), language=t.language)
                return ox.Literal(str(t), datatype=ox.NamedNode(str(t.datatype))) if t.datatype else ox.Literal(str(t))
        raise TypeError(t)

    subject, predicate, value = (term(t) for t in triple)
    return ox.Triple(subject, predicate, value)  # type: ignore[arg-type]
