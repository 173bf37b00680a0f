"""Patient graphs as given: read, told apart patient by patient, and made ready to be asked.

Nothing is fetched while reading: no remote context, no import, no entity.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pyoxigraph as ox

from dermograph.errors import InputError
from dermograph.terms import OWN, compact, expand
from dermograph.units import factor

LIMIT = 32 * 1024 * 1024
"""Largest input that is read, in bytes."""
DEPTH = 256
"""Deepest nesting of brackets that is read."""
_FORMATS = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}
_TYPE = ox.NamedNode(expand("rdf:type"))
_PATIENT = ox.NamedNode(expand("pt:Patient"))
_AS_OF = ox.NamedNode(expand("pt:asOf"))
_OBSERVATION, _VALUE, _UNIT = (ox.NamedNode(expand(f"pt:{n}")) for n in ("observation", "value", "unit"))
_CANONICAL, _UNCONVERTIBLE = (ox.NamedNode(expand(f"dg:{n}")) for n in ("canonicalValue", "unconvertible"))
_NUMERIC = {expand("xsd:decimal"), expand("xsd:integer")}

Node = ox.NamedNode | ox.BlankNode


@dataclass(frozen=True)
class Record:
    """The graph of one patient.

    :param patient: the patient's node.
    :param source: where the graph was read, for messages.
    :param triples: everything that hangs off the patient.
    :param as_of: the day the question is asked for, as ISO text.
    """

    patient: Node
    source: str
    triples: tuple[ox.Triple, ...]
    as_of: str

    @property
    def name(self) -> str:
        """Identifier of the patient while it is worked on."""
        return compact(self.patient.value) if isinstance(self.patient, ox.NamedNode) else f"_:{self.patient.value}"

    @property
    def identifier(self) -> str:
        """Name of the patient in answers: the IRI, or for a blank node one that the graph gives, whatever its label."""
        return self.name if isinstance(self.patient, ox.NamedNode) else f"_:{self.digest()[:16]}"

    def digest(self) -> str:
        """SHA-256 of the graph, whatever the order of its triples and the names of its blank nodes."""
        dataset = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in self.triples)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
        return hashlib.sha256("\n".join(sorted(str(q) for q in dataset)).encode()).hexdigest()


def read(data: bytes, source: str, *, suffix: str = ".ttl", as_of: dt.date | None = None) -> list[Record]:
    """Read every patient of a document.

    :param data: the document, in the syntax that the suffix names.
    :param source: name of the document in messages.
    :param as_of: the day asked about, for every patient; without it, what the patient's graph says, else today.
    :raises InputError: the document is too large, nests too deep, breaks its syntax or holds no patient.
    """
    if len(data) > LIMIT:
        raise InputError(f"{source}: {len(data):,} bytes are more than the {LIMIT:,} that are read at once", "split the file by patient")
    syntax = _FORMATS.get(suffix.lower())
    if syntax is None:
        raise InputError(f"{source}: no RDF syntax goes with the ending {suffix!r}", "use one of " + ", ".join(sorted(_FORMATS)))
    _refuse_danger(data, source, suffix)
    try:
        triples = _own_blanks([ox.Triple(q.subject, q.predicate, q.object) for q in ox.parse(input=data, format=syntax)], data)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{source}: {error}", "mend the syntax there") from error
    return list(_apart(triples, source, as_of))


def read_path(path: Path, as_of: dt.date | None = None) -> list[Record]:
    """Read every patient of a file."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LIMIT else b"\0" * (LIMIT + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "check the path") from error
    return read(data, str(path), suffix=path.suffix, as_of=as_of)


def _own_blanks(triples: list[ox.Triple], data: bytes) -> list[ox.Triple]:
    """Triples whose labelled blank nodes are told apart from those of other documents; patients keep their label."""
    blanks = {n for t in triples for n in (t.subject, t.object) if isinstance(n, ox.BlankNode) and len(n.value) < 24}
    patients = {t.subject for t in triples if t.predicate == _TYPE and t.object == _PATIENT}
    if blanks <= patients:
        return triples
    mark = hashlib.sha256(data).hexdigest()[:12]
    own = {n: ox.BlankNode(f"{n.value}x{mark}") for n in blanks - patients}
    return [ox.Triple(own.get(t.subject, t.subject), t.predicate, own.get(t.object, t.object)) for t in triples]  # type: ignore[arg-type]


def _refuse_danger(data: bytes, source: str, suffix: str) -> None:
    if suffix in {".rdf", ".owl"} and re.search(rb"<!(DOCTYPE|ENTITY)", data[:100_000], re.IGNORECASE):
        raise InputError(f"{source}: the XML declares a document type or entities", "write the document without them")
    if suffix == ".jsonld" and re.search(rb'"@(context|import)"\s*:\s*(\[\s*)?"', data):
        raise InputError(f"{source}: a remote JSON-LD context is not fetched", "write the context into the document")
    depth = deepest = 0
    for bracket in re.findall(rb"[\[({\])}]", data):
        depth += 1 if bracket in b"[({" else -1
        deepest = max(deepest, depth)
    if deepest > DEPTH:
        raise InputError(f"{source}: brackets nest {deepest} deep, and {DEPTH} is the limit", "write the graph flat")


def _apart(triples: Sequence[ox.Triple], source: str, as_of: dt.date | None) -> Iterator[Record]:
    out: dict[object, list[ox.Triple]] = defaultdict(list)
    patients: dict[Node, None] = {}
    for t in dict.fromkeys(triples):
        out[t.subject].append(t)
        if t.predicate == _TYPE and t.object == _PATIENT:
            patients[t.subject] = None  # type: ignore[index]
    foreign = sorted({compact(node.value) for node in out if isinstance(node, ox.NamedNode) and compact(node.value).split(":")[0] in OWN})
    if foreign:
        raise InputError(f"{source}: a patient graph says something of {', '.join(foreign)}", "leave the words of the ontology to the ontology")
    if not patients:
        raise InputError(f"{source}: no patient: no node is a pt:Patient", "type the patient's node with pt:Patient")
    claimed: set[object] = set()
    for patient in patients:
        reached: dict[object, None] = {patient: None}
        for node in reached_from(patient, out, patients):
            reached[node] = None
        claimed |= reached.keys()
        own = [t for node in reached for t in out[node]]
        yield _ready(patient, source, own, as_of)
    astray = [node for node in out if node not in claimed and any(compact(t.predicate.value).startswith("pt:") for t in out[node])]
    if astray:
        raise InputError(
            f"{source}: {', '.join(sorted(map(str, astray)))} hangs off no patient",
            "attach it with pt:condition, pt:course, pt:observation or pt:assessment",
        )


def reached_from(start: object, out: dict[object, list[ox.Triple]], stops: Iterable[object]) -> list[object]:
    """Nodes that hang off a node, other patients and what hangs off those left out."""
    stop = set(stops)
    seen: dict[object, None] = {}
    queue = [start]
    while queue:
        for t in out[queue.pop()]:
            if t.object in out and t.object not in seen and t.object not in stop:
                seen[t.object] = None
                queue.append(t.object)
    return list(seen)


def _ready(patient: Node, source: str, own: list[ox.Triple], as_of: dt.date | None) -> Record:
    dates = [t.object.value for t in own if t.subject == patient and t.predicate == _AS_OF and isinstance(t.object, ox.Literal)]
    if as_of is not None or not dates:
        day = (as_of or dt.date.today()).isoformat()
        own = [t for t in own if not (t.subject == patient and t.predicate == _AS_OF)]
        own.append(ox.Triple(patient, _AS_OF, ox.Literal(day, datatype=ox.NamedNode(expand("xsd:date")))))
        dates = [day]
    return Record(patient, source, tuple(own), dates[0])


def canonical_values(record: Record, units: dict[str, str]) -> Iterator[ox.Triple]:
    """Value of each observation in the canonical unit of its class, or the mark that it cannot be converted.

    :param units: canonical UCUM unit by compact name of the observable class.
    """
    nodes: set[object] = {t.object for t in record.triples if t.predicate == _OBSERVATION}
    types, values, codes = (_by_subject(record.triples, p, nodes) for p in (_TYPE, _VALUE, _UNIT))
    for node in nodes:
        canonical = next((units[c] for t in types[node] if isinstance(t, ox.NamedNode) and (c := compact(t.value)) in units), None)
        for value in values[node]:
            if canonical is None or not isinstance(value, ox.Literal) or value.datatype.value not in _NUMERIC:
                continue
            for code in codes[node]:
                ratio = factor(code.value, canonical) if isinstance(code, ox.Literal) else None
                try:
                    number = None if ratio is None else Decimal(value.value) * ratio
                except InvalidOperation:
                    number = None
                if number is None:
                    yield ox.Triple(node, _UNCONVERTIBLE, ox.Literal(True))  # type: ignore[arg-type]
                else:
                    text = format(number.normalize() if number else Decimal(0), "f")
                    yield ox.Triple(node, _CANONICAL, ox.Literal(text, datatype=ox.NamedNode(expand("xsd:decimal"))))  # type: ignore[arg-type]


def _by_subject(triples: Iterable[ox.Triple], predicate: ox.NamedNode, nodes: set[object]) -> dict[object, list[object]]:
    found: dict[object, list[object]] = defaultdict(list)
    for t in triples:
        if t.predicate == predicate and t.subject in nodes:
            found[t.subject].append(t.object)
    return found
