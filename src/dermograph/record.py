"""Patient graphs as given: read, told apart patient by patient, and made ready to be asked.

Nothing is fetched while reading: no remote context, no import, no entity.
"""

from __future__ import annotations

import codecs
import datetime as dt
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from xml.parsers import expat

import pyoxigraph as ox

from dermograph.errors import InputError
from dermograph.terms import OWN, PREFIXES, compact, expand
from dermograph.units import factor

LIMIT = 32 * 1024 * 1024
"""Largest input that is read, in bytes."""
DEPTH = 256
"""Deepest nesting of brackets or XML elements that is read."""
DIGITS = 12
"""Digits of a number that count, before the point and after it."""
TRIPLES = 1_000_000
"""Most triples that are read from one document."""
_QUIET = re.compile(
    rb'"""(?:[^"\\]|\\.|"(?!""))*+"""'
    rb"|'''(?:[^'\\]|\\.|'(?!''))*+'''"
    rb'|"(?:[^"\\\n]|\\.)*+"'
    rb"|'(?:[^'\\\n]|\\.)*+'"
    rb'|<[^<>"{}|^`\\\s]*+>'
    rb"|#[^\n]*+"
    rb"|\\."
    rb"|[\[({\])}]",
    re.DOTALL,
)
"""Strings, IRIs and comments, whose brackets nest nothing, and brackets."""
_QUIET_JSON = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{\]}]', re.DOTALL)
_NO_IRI = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_UNMAPPED, _RELATIVE = "urn:dermograph:unmapped:", "urn-dermograph-relative:/"
"""Where JSON-LD keys that no context maps and IRIs without a base end up; JSON-LD itself would drop them in silence."""
_FORMATS = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}
ENDINGS = tuple(_FORMATS)
"""Endings of files that hold a graph."""
_TYPE = ox.NamedNode(expand("rdf:type"))
_PATIENT = ox.NamedNode(expand("pt:Patient"))
_AS_OF = ox.NamedNode(expand("pt:asOf"))
_OBSERVATION, _VALUE, _UNIT = (ox.NamedNode(expand(f"pt:{n}")) for n in ("observation", "value", "unit"))
_CANONICAL, _UNCONVERTIBLE = (ox.NamedNode(expand(f"dg:{n}")) for n in ("canonicalValue", "unconvertible"))
_RECORDS = tuple(ox.NamedNode(expand(f"pt:{n}")) for n in ("condition", "course", "observation", "assessment"))
WORKED_OUT = (_CANONICAL, _UNCONVERTIBLE)
_DERIVED = (PREFIXES["dg"], PREFIXES["fact"])
_ASIDE = tuple(PREFIXES[p] for p in ("dcterms", "prov", "rdfs", "skos"))
"""Namespaces of what may be said beside the record, and which no rule reads."""
LEAST = Decimal(1).scaleb(-DIGITS)
"""Step of the grid on which every measured value lies, so that *more than x* is *at least one step more*."""
_NUMERIC = {expand("xsd:decimal"), expand("xsd:integer")}
_WHOLE = {
    expand(f"xsd:{sign}{name}")
    for sign, names in {
        "": ("long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger"),
        "unsigned": ("Long", "Int", "Short", "Byte"),
    }.items()
    for name in names
}
_FIGURE = re.compile(r"([+-]?)([0-9]*)(?:[.]([0-9]*))?")

Node = ox.NamedNode | ox.BlankNode
Term = Node | ox.Literal | ox.Triple


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
    source = printable(source)
    if len(data) > LIMIT:
        raise InputError(f"{source}: more than the {LIMIT:,} bytes that are read at once", "split the file by patient")
    syntax = _FORMATS.get(suffix.lower())
    if syntax is None:
        raise InputError(f"{source}: no RDF syntax goes with the ending {suffix!r}", "use one of " + ", ".join(sorted(_FORMATS)))
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{source}: the text is UTF-16", "save it as UTF-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    _refuse_danger(data, source, syntax)
    try:
        triples = _own_blanks(_parsed(data, source, syntax), data)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{source}: {printable(str(error))}", "mend the syntax there") from error
    except MemoryError as error:
        raise InputError(f"{source}: one word or text in it is too long to be read", "shorten it") from error
    return list(_apart(triples, source, as_of))


def printable(text: str, most: int = 300) -> str:
    """Text of an input as a message may show it: on one line, short, and without characters that steer a terminal."""
    shown = text if len(text) <= most else f"{text[: most - 20]} … ({len(text):,} characters)"
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def _parsed(data: bytes, source: str, syntax: ox.RdfFormat) -> list[ox.Triple]:
    base = None
    if syntax == ox.RdfFormat.JSON_LD:
        _refuse_dropped(data, source)
        base, data = _RELATIVE, b'{"@context":{"@vocab":"%s"},"@graph":%s}' % (_UNMAPPED.encode(), data)
    triples = [ox.Triple(q.subject, q.predicate, _exact(q.object)) for q in islice(ox.parse(input=data, format=syntax, base_iri=base), TRIPLES + 1)]
    if len(triples) > TRIPLES:
        raise InputError(f"{source}: more than the {TRIPLES:,} triples that are read at once", "split the file by patient")
    for t in triples:
        if isinstance(t.object, ox.Triple):
            raise InputError(f"{source}: {printable(str(t))} speaks of a triple", "say it of a node")
        for term in (t.subject, t.object):
            if base and isinstance(term, ox.NamedNode) and term.value.startswith(base):
                relative = printable(term.value.removeprefix(base))
                raise InputError(f"{source}: the IRI {relative!r} is relative", "write it in full, or give the context a @base")
    return triples


def _refuse_dropped(data: bytes, source: str) -> None:
    """Refuse JSON-LD with a name that is no IRI, which a reader of JSON-LD passes over in silence."""
    links, said = {"@id", "@type"}, list[tuple[str, object]]()

    def note(pairs: list[tuple[str, object]]) -> object:
        for key, value in pairs:
            if value == "@id" or value is links:
                links.add(key)
            said.extend((key, v) for v in (value if isinstance(value, list) else [value]))
        return links if ("@type", "@id") in pairs or ("@type", "@vocab") in pairs else None

    json.loads(data, object_pairs_hook=note)
    for key, value in said:
        for name in (key, value if key in links else ""):
            if isinstance(name, str) and ":" in name and _NO_IRI.search(name):
                raise InputError(f"{source}: {printable(repr(name))} is no IRI", "correct it")


def _exact(term: Term) -> Term:
    """A number as every engine holds it: what is too large becomes floating point, which every shape refuses."""
    if not isinstance(term, ox.Literal) or (term.datatype.value not in _NUMERIC and term.datatype.value not in _WHOLE):
        return term
    kind = ox.NamedNode(expand("xsd:integer")) if term.datatype.value in _WHOLE else term.datatype
    figure = _FIGURE.fullmatch(term.value)
    sign, whole, part = figure.groups(default="") if figure else ("", "", "")
    if len(whole.lstrip("0")) > DIGITS:
        return ox.Literal(term.value, datatype=ox.NamedNode(expand("xsd:double")))
    return ox.Literal(f"{sign}{whole}.{part[:DIGITS]}" if len(part) > DIGITS else term.value, datatype=kind)


def read_path(path: Path, as_of: dt.date | None = None) -> list[Record]:
    """Read every patient of a file."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{printable(str(path))}: {getattr(error, 'strerror', None) or error}", "check the path") from error
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


def _refuse_danger(data: bytes, source: str, syntax: ox.RdfFormat) -> None:
    if syntax == ox.RdfFormat.RDF_XML:
        _refuse_xml(data, source)
        return
    if syntax == ox.RdfFormat.JSON_LD and re.search(rb'"@(context|import)"\s*:\s*(\[\s*)?"', data):
        raise InputError(f"{source}: a remote JSON-LD context is not fetched", "write the context into the document")
    if sum(map(data.count, (b"[", b"(", b"{"))) <= DEPTH:
        return
    depth = deepest = 0
    for token in (_QUIET_JSON if syntax == ox.RdfFormat.JSON_LD else _QUIET).finditer(data):
        if (first := data[token.start()]) in b"[({":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"])}":
            depth -= 1
    if deepest > DEPTH:
        raise InputError(f"{source}: brackets nest {deepest} deep, and {DEPTH} is the limit", "write the graph flat")


def _refuse_xml(data: bytes, source: str) -> None:
    depth = 0

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            raise InputError(f"{source}: elements nest more than {DEPTH} deep", "write the graph flat")

    def end(*_: object) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise InputError(f"{source}: the XML declares a document type or entities", "write the document without them")

    def declared(_: str, encoding: str | None, __: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "us-ascii"):
            raise InputError(f"{source}: the XML is in {printable(encoding)}", "save it as UTF-8")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, doctype
    parser.XmlDeclHandler = declared
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"{source}: {error}", "mend the XML there") from error


def _apart(triples: Sequence[ox.Triple], source: str, as_of: dt.date | None) -> Iterator[Record]:
    out: dict[object, list[ox.Triple]] = defaultdict(list)
    patients: dict[Node, None] = {}
    for t in dict.fromkeys(triples):
        out[t.subject].append(t)
        if t.predicate == _TYPE and t.object == _PATIENT:
            patients[t.subject] = None  # type: ignore[index]
    foreign = sorted({compact(node.value) for node in out if isinstance(node, ox.NamedNode) and compact(node.value).split(":")[0] in OWN})
    if foreign:
        raise InputError(f"{source}: a patient graph says something of {', '.join(foreign[:5])}", "leave the words of the ontology to the ontology")
    if not patients:
        raise InputError(f"{source}: no patient: no node is a pt:Patient", "type the patient's node with pt:Patient")
    shaped = patients.keys() | {t.object for patient in patients for t in out[patient] if t.predicate in _RECORDS}
    for node in out.keys() - shaped:
        for t in out[node]:
            if t.predicate.value.startswith(_DERIVED):
                raise InputError(f"{source}: {node} has {compact(t.predicate.value)}, which is derived and never recorded", "take it out")
    told = defaultdict(list, {node: [t for t in found if not t.predicate.value.startswith(_ASIDE)] for node, found in out.items()})
    claimed: set[object] = set()
    for patient in patients:
        claimed |= {patient, *reached_from(patient, told, patients)}
        own = [t for node in (patient, *reached_from(patient, out, patients)) for t in out[node] if t.predicate not in WORKED_OUT]
        yield _ready(patient, source, own, as_of)
    astray = [node for node in out if node not in claimed and any(_is_word(t.predicate if t.predicate != _TYPE else t.object) for t in out[node])]
    if astray:
        raise InputError(
            f"{source}: {', '.join(sorted(map(printable, map(str, astray)))[:5])} hangs off no patient",
            "attach it with pt:condition, pt:course, pt:observation or pt:assessment",
        )


def _is_word(term: Term) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(tuple(PREFIXES[p] for p in OWN))


def reached_from(start: object, out: dict[object, list[ox.Triple]], stops: Container[object]) -> list[object]:
    """Nodes that hang off a node, other patients and what hangs off those left out."""
    seen: dict[object, None] = {}
    queue = [start]
    while queue:
        for t in out[queue.pop()]:
            if t.object in out and t.object not in seen and t.object not in stops:
                seen[t.object] = None
                queue.append(t.object)
    return list(seen)


def _ready(patient: Node, source: str, own: list[ox.Triple], as_of: dt.date | None) -> Record:
    dates = [str(getattr(t.object, "value", "")) for t in own if t.subject == patient and t.predicate == _AS_OF]
    if as_of is not None or not dates:
        day = (as_of or dt.date.today()).isoformat()
        own = [t for t in own if not (t.subject == patient and t.predicate == _AS_OF)]
        own.append(ox.Triple(patient, _AS_OF, ox.Literal(day, datatype=ox.NamedNode(expand("xsd:date")))))
        dates = [day]
    return Record(patient, source, tuple(own), dates[0])


def prepared(record: Record, units: dict[str, str]) -> Iterator[ox.Triple]:
    """Triples of a record with the canonical values of its observations, as the queries and shapes want it."""
    yield from record.triples
    yield from canonical_values(record, units)


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
                    number = None if ratio is None else (Decimal(value.value) * ratio).quantize(LEAST, ROUND_DOWN)
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
