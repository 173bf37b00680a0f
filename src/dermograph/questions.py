"""Questions to the guideline graph in SPARQL: those that came with it, and any other.

One graph holds every module of the ontology and the closure ``dg:within``. A patient may be put beside it, the record,
the facts and the verdicts each in a graph of its own; a query sees the union, and may ask with ``GRAPH`` for one alone.
Nothing is fetched and nothing changed: a query with ``SERVICE`` is refused, and updates are no queries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph import content, index, inputs, rdf_output, stages
from dermograph.amounts import plain
from dermograph.derive import subclasses
from dermograph.errors import InputError, InvalidInput, UsageError
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.record import printable
from dermograph.terms import PREFIXES, compact, expand, nearest

Answer = ox.QuerySolutions | ox.QueryTriples | ox.QueryBoolean

_QUIET = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""'
    r"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    r'|"(?:[^"\\\n\r]|\\.)*"'
    r"|'(?:[^'\\\n\r]|\\.)*'"
    r'|<[^<>"{}|^`\\\s]*>'
    r"|\#[^\n\r]*"
    r"|\\.",
    re.DOTALL,
)
"""Strings, IRIs, comments and escaped signs of a query, in which a word is no keyword."""
_SERVICE = re.compile(r"service", re.IGNORECASE)
_NAMED = re.compile(r"[?$:]\w*service", re.IGNORECASE)
"""The word within a variable or after the colon of a name."""
_FROM = re.compile(r"(?<![\w:?$-])from(?![\w:-])(?:\s+named(?![\w:-]))?(?:\s*<([^<>\"{}|^`\\\s]*)>)?", re.IGNORECASE)
_UPDATE = re.compile(r"\s*(?:(?:prefix\s+\S*:|base)\s+)*(?:insert|delete|load|clear|drop|create|add|move|copy|with)\b", re.IGNORECASE)
_PLACE = re.compile(r"^error at (\d+):(\d+)")
LONGEST = 16_384
"""Longest query that is answered, in characters; the parser is recursive."""
DEEPEST = 64
"""Deepest nesting of brackets in a query that is answered."""
BASE = "https://w3id.org/dermograph/"
"""What relative IRIs of a query are relative to."""
GUIDELINE = "urn:dermograph:guideline"
"""Graph of the guidelines."""
_HEADER = re.compile(r"^#\+ (\w+): (.+)$", re.MULTILINE)


def names() -> dict[str, str]:
    """Names of the questions that came with the guideline graph, each with its summary."""
    return {path.stem: dict(_HEADER.findall(path.read_text(encoding="utf-8"))).get("summary", "") for path in _files()}


def text(name: str) -> str:
    """Text of a question that came with the guideline graph.

    :raises UsageError: there is no such question; the hint names the nearest.
    """
    known = {path.stem: path for path in _files()}
    if name not in known:
        near = nearest(name, known, 3)
        hint = f"the nearest is {' or '.join(near)}" if near else "dermograph query --list names them all"
        raise UsageError(f"{name!r} is neither a question nor a file", hint)
    return known[name].read_text(encoding="utf-8")


def _files() -> list[Path]:
    return sorted((content.folder("queries") / "ask").glob("*.rq"))


def guideline_store(ontology: Path) -> ox.Store:
    """The guideline graph with its closure, to be asked.

    :raises KnowledgeError: a module of an author's own copy cannot be parsed, or uses a name that nothing declares.
    """
    triples = list(read(content.modules(ontology)))
    graph = Graph(triples)
    if ontology != content.folder("ontology"):
        from dermograph.workbench import references

        references.refuse(ontology, graph)
    within = ox.NamedNode(expand("dg:within"))
    for kind in index.KINDS:
        for cls, above in subclasses(graph, kind).items():
            triples += [ox.Triple(ox.NamedNode(expand(cls)), within, ox.NamedNode(expand(a))) for a in above]
    store = ox.Store()
    store.extend(ox.Quad(t.subject, t.predicate, t.object, ox.NamedNode(GUIDELINE)) for t in triples)
    return store


def put_beside(store: ox.Store, patients: str, knowledge: Knowledge) -> None:
    """Put patients beside the guideline graph: record, facts and verdicts, each in a graph of its own.

    :param patients: a file or folder of patients, or ``-``.
    :raises InputError: it cannot be read.
    :raises InvalidInput: a patient breaks a shape.
    """
    for batch in inputs.batches(inputs.read(patients, knowledge=knowledge)):
        for one, answer in zip(batch, list(knowledge.assess_all(batch)), strict=True):
            if isinstance(answer, InvalidInput):
                raise answer
            told = stages.triples(knowledge, [one])
            for name, triples in {"record": told["record"], "facts": told["facts"], "verdicts": list(rdf_output.triples(answer))}.items():
                graph = ox.NamedNode(f"urn:dermograph:{name}")
                store.extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)


def ask(store: ox.Store, query: str, source: str, default: Sequence[str] = (), named: Sequence[str] = ()) -> Answer:
    """Answer a query.

    :param source: name of the query in messages.
    :param default: graphs whose union is asked, instead of those that the query names; where nobody names any, the union of all is.
    :param named: graphs that ``GRAPH`` finds.
    :raises InputError: it is no SPARQL query, is too long or nests too deep, or asks for something from elsewhere.
    """
    if len(query) > LONGEST:
        raise InputError(f"{source}: the query has {len(query):,} characters, and {LONGEST:,} is the limit", "ask in parts")
    told = _QUIET.sub(lambda found: found.group() if found.group()[0] == "<" else " ", query)
    bare = _QUIET.sub(" ", query)
    depth = deepest = 0
    for bracket in re.findall(r"[\[({\])}]", bare):
        depth += 1 if bracket in "[({" else -1
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise InputError(f"{source}: the query nests {deepest} deep, and {DEEPEST} is the limit", "write it flat")
    query = _without_service(query, source)
    if len(_FROM.findall(bare)) != len(asked := _FROM.findall(told)) or "" in asked:
        raise InputError(f"{source}: FROM names a graph by a prefix, or not at all", "write its IRI in full")
    wanted = [*default, *named] or asked
    there = {str(g.value): g for g in store.named_graphs()}
    if unknown := sorted({*wanted} - there.keys()):
        raise InputError(f"{source}: there is no graph {printable(unknown[0])}, and nothing is fetched", "ask " + ", ".join(sorted(there)))
    graphs: dict[str, Any] = {} if asked else {"use_default_graph_as_union": True}
    if default or named:
        graphs = {"default_graph": [there[g] for g in default], "named_graphs": [there[g] for g in named]}
    try:
        return store.query(query, base_iri=BASE, prefixes=PREFIXES, **graphs)
    except SyntaxError as error:
        hint = "ask a question; updates are not answered" if _UPDATE.match(bare) else "mend the SPARQL there"
        raise InputError(f"{source}: {_told(str(error))}", hint) from error


def _told(fault: str) -> str:
    """What the parser says, in words; where a prefix is not known it lists every sign that it would take instead."""
    place, _, rest = _PLACE.sub(r"line \1, column \2", fault).partition(": ")
    return f"{place}: its prefix is not declared" if "Prefix not found" in rest else f"{place}: {rest}"


def _without_service(query: str, source: str) -> str:
    """The query in a form in which no parser can find the keyword SERVICE, whatever it takes for a string, an IRI or a comment.

    Within strings and IRIs the word is written with an escape, and within comments it is broken. Elsewhere it may only be part of
    a variable, or of a name after its colon.

    :raises InputError: it stands anywhere else.
    """

    def quiet(found: re.Match[str]) -> str:
        text = found.group()
        return _SERVICE.sub(lambda word: "-".join(word.group()) if text[0] == "#" else f"\\u{ord(word.group()[0]):04X}{word.group()[1:]}", text)

    told = _QUIET.sub(quiet, query)
    if _SERVICE.search(_NAMED.sub(" ", told)):
        raise InputError(f"{source}: the query asks a remote SERVICE, and nothing is fetched", "take the SERVICE out; a prefix with this word too")
    return told


def rows(answer: ox.QuerySolutions) -> Iterator[list[str]]:
    """Rows of an answer, IRIs compact and literals plain."""
    width = range(len(answer.variables))
    for row in answer:
        yield [_cell(row[i]) for i in width]


def triple_rows(triples: Iterable[ox.Triple]) -> Iterator[list[str]]:
    """Triples as rows, IRIs compact and literals plain."""
    for t in triples:
        yield [_cell(term) for term in (t.subject, t.predicate, t.object)]


def _cell(term: Any) -> str:
    match term:
        case None:
            return ""
        case ox.NamedNode():
            return compact(term.value)
        case ox.Literal():
            try:
                number = term.datatype.value.endswith(("#decimal", "#integer"))
                return plain(Decimal(term.value)) if number else printable(term.value, LONGEST)
            except InvalidOperation:
                return printable(term.value, LONGEST)
    return str(term)
