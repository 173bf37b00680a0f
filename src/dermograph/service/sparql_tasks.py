"""Queries to the guideline graph, and to the patients that were put beside it, as the processes of the service answer them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyoxigraph as ox

from dermograph import questions
from dermograph.commands.options import ontology_folder
from dermograph.errors import InputError
from dermograph.service import media, tasks
from dermograph.service.problems import Reply, problem, told
from dermograph.service.tasks import knowledge
from dermograph.terms import PREFIXES

ROWS = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
    "application/json": ox.QueryResultsFormat.JSON,
    "application/xml": ox.QueryResultsFormat.XML,
}
"""Media types of the answer to SELECT and ASK."""
TRIPLES = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
}
"""Media types of the answer to CONSTRUCT and DESCRIBE, and of the service description."""
_YES_OR_NO = {kind: format for kind, format in ROWS.items() if not kind.startswith("text/")}
_SD = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS = "http://www.w3.org/ns/formats/"
_NAMES = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV", "Turtle", "N-Triples", "JSON-LD", "RDF_XML")


class Beside(NamedTuple):
    """What is beside the guidelines.

    :param patients: files of patients.
    :param graphs: files of further RDF; N-Quads and TriG keep their graphs, triples are in one that is named as their file.
    """

    patients: tuple[str, ...]
    graphs: tuple[Path, ...]


@cache
def store(ontology: Path | None, beside: Beside) -> ox.Store:
    """The guideline graph with patients beside it.

    :raises InputError: a file cannot be read, or a patient breaks a shape.
    """
    known = knowledge(ontology)
    found = questions.guideline_store(ontology_folder(ontology))
    for path in beside.graphs:
        try:
            found.load(path=path, to_graph=ox.NamedNode(path.resolve().as_uri()) if path.suffix in (".ttl", ".nt", ".rdf") else None)
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{path}: {error}", "mend the file; its ending names its syntax") from error
    for source in beside.patients:
        questions.put_beside(found, source, known)
    return found


def ready(ontology: Path | None, sha256: str, beside: Beside) -> None:
    """Load all that the first query would wait for."""
    tasks.ready(ontology, sha256)
    store(ontology, beside)


class _Bounded(io.BytesIO):
    """Holds what is written, up to a number of bytes."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > self.most:
            raise OSError(_TOO_LARGE)
        return super().write(data)


_TOO_LARGE = "the answer is too large"


@told
def query(ontology: Path | None, beside: Beside, most: int, text: str, accept: str, default: list[str], named: list[str]) -> Reply:
    """Answer a query in the media type that is accepted."""
    answer = questions.ask(store(ontology, beside), text, "the query", default, named)
    offered = ROWS if isinstance(answer, ox.QuerySolutions) else _YES_OR_NO if isinstance(answer, ox.QueryBoolean) else TRIPLES
    kind = media.chosen(accept, offered)
    if isinstance(kind, Reply):
        return kind
    out = _Bounded(most)
    try:
        if isinstance(answer, ox.QueryTriples):
            format = TRIPLES[kind]
            ox.serialize(answer, out, format=format, prefixes=PREFIXES if format in (ox.RdfFormat.TURTLE, ox.RdfFormat.RDF_XML) else None)
        else:
            answer.serialize(out, format=ROWS[kind])
    except OSError as error:
        if _TOO_LARGE not in str(error):
            raise
        return problem(422, f"the answer has more than {most:,} bytes", "ask for less, with LIMIT for instance")
    return Reply(200, kind, out.getvalue())


@told
def described(ontology: Path | None, beside: Beside, url: str, accept: str) -> Reply:
    """Describe the endpoint, as https://www.w3.org/TR/sparql11-service-description/ has it."""
    kind = media.chosen(accept, TRIPLES)
    if isinstance(kind, Reply):
        return kind
    triples = list(_description(store(ontology, beside), url))
    return Reply(200, kind, ox.serialize(triples, format=TRIPLES[kind]) or b"")


def _description(found: ox.Store, url: str) -> Iterator[ox.Triple]:
    service, dataset, default = (ox.BlankNode() for _ in range(3))
    a = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

    def sd(name: str) -> ox.NamedNode:
        return ox.NamedNode(_SD + name)

    yield ox.Triple(service, a, sd("Service"))
    yield ox.Triple(service, sd("endpoint"), ox.NamedNode(url))
    yield ox.Triple(service, sd("supportedLanguage"), sd("SPARQL11Query"))
    yield ox.Triple(service, sd("feature"), sd("UnionDefaultGraph"))
    for name in _NAMES:
        yield ox.Triple(service, sd("resultFormat"), ox.NamedNode(_FORMATS + name))
    yield ox.Triple(service, sd("defaultDataset"), dataset)
    yield ox.Triple(dataset, a, sd("Dataset"))
    yield ox.Triple(dataset, sd("defaultGraph"), default)
    yield ox.Triple(default, a, sd("Graph"))
    for graph in sorted(found.named_graphs(), key=str):
        node = ox.BlankNode()
        yield ox.Triple(dataset, sd("namedGraph"), node)
        yield ox.Triple(node, a, sd("NamedGraph"))
        yield ox.Triple(node, sd("name"), graph)
