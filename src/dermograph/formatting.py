"""The one layout of Turtle files, so that a change of a line is a change of meaning.

Prefixes A-Z, the ontology node, then every other subject A-Z; predicates in the order of ``_PLACES``, objects A-Z,
numbers inside names counted as numbers. What fits on a line stands on a line. Comments are dropped: meaning belongs
into annotations. Turtle is that of https://www.w3.org/TR/turtle/, and labels of blank nodes that cannot be written
inline are those of https://www.w3.org/TR/rdf-canon/.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import pyoxigraph as ox

from dermograph.errors import KnowledgeError
from dermograph.terms import PREFIXES, compact, expand

Term = ox.NamedNode | ox.BlankNode | ox.Literal
Node = dict[str, list[Term]]
Arcs = dict[Term, Node]

WIDTH = 120
_TYPE, _HEAD, _TAIL, _NIL = (expand(f"rdf:{name}") for name in ("type", "first", "rest", "nil"))
_FIRST = ("rdf:type", "rdfs:subClassOf", "skos:prefLabel", "skos:definition", "skos:scopeNote")
_PLACES = {predicate: place for place, predicate in enumerate((*_FIRST, "", "owl:equivalentClass"))}
_PLAIN = {
    "xsd:boolean": re.compile(r"true|false"),
    "xsd:integer": re.compile(r"[+-]?[0-9]+"),
    "xsd:decimal": re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    "xsd:double": re.compile(r"[+-]?([0-9]+\.[0-9]*|\.?[0-9]+)[eE][+-]?[0-9]+"),
}
_NAME = re.compile(r"[a-z]+:[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"})


def canonical(text: str, source: str) -> str:
    """Turtle of the same graph in the one layout; equal graphs give equal text.

    >>> print(canonical('<urn:b> a <urn:C> ; <urn:p> 2.0 , [ <urn:q> "x" ] .', "example"), end="")
    <urn:b> a <urn:C> ;
        <urn:p> [ <urn:q> "x" ] , 2.0 .

    :param source: name of the text, for the error.
    :raises KnowledgeError: the text is not Turtle.
    """
    try:
        quads = set(ox.parse(text, format=ox.RdfFormat.TURTLE))
    except SyntaxError as error:
        from dermograph.workbench import turtle

        raise KnowledgeError(*turtle.fault(text, source, error).told) from error
    arcs = _arcs(quads, source)
    if _labelled(arcs):
        dataset = ox.Dataset(quads)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        arcs = _arcs(dataset, source)
    return _Layout(arcs).text()


def _arcs(quads: Iterable[ox.Quad], source: str) -> Arcs:
    arcs: Arcs = defaultdict(lambda: defaultdict(list))
    for quad in quads:
        if isinstance(quad.subject, ox.Triple) or isinstance(quad.object, ox.Triple):
            raise KnowledgeError(f"{source}: {quad.predicate} has a triple term", "say it with a node of its own")
        arcs[quad.subject][quad.predicate.value].append(quad.object)
    return arcs


def _labelled(arcs: Arcs) -> set[Term]:
    """Blank nodes that cannot be written inline: with several referrers, in or behind a circle, a list of nobody."""
    objects = Counter(o for node in arcs.values() for values in node.values() for o in values)
    shared = {term for term, count in objects.items() if count > 1 and isinstance(term, ox.BlankNode)}
    queue = [term for term in arcs if term in shared or isinstance(term, ox.NamedNode) or not objects[term]]
    reached = set(queue)
    while queue:
        for values in arcs[queue.pop()].values():
            queue += [o for o in values if o in arcs and o not in reached]
            reached |= set(values)
    lists = {term for term, node in arcs.items() if not objects[term] and set(node) == {_HEAD, _TAIL}}
    return {term for term in shared | lists | (set(arcs) - reached) if isinstance(term, ox.BlankNode)}


def _order(text: str) -> tuple[list[str | int], str]:
    """Key that sorts A-Z, with numbers inside names counted as numbers."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"([0-9]+)", text))], text


class _Layout:
    """Writer of one graph; ``used`` gathers the prefixes on the way."""

    def __init__(self, arcs: Arcs) -> None:
        self.arcs = arcs
        self.labelled = _labelled(arcs)
        self.used: set[str] = set()
        self.written: dict[Term, str] = {}

    def text(self) -> str:
        """The whole file."""
        ontology = ox.NamedNode(expand("owl:Ontology"))
        inline = {o for node in self.arcs.values() for values in node.values() for o in values}
        heads, blanks = [], []
        for subject, node in self.arcs.items():
            if isinstance(subject, ox.NamedNode) or subject in self.labelled:
                name = self.flat(subject)
                first, *rest = self.predicates(node)
                lines = [self.statement(first, node[first], 4, len(name) - 3)]
                lines += [self.statement(predicate, node[predicate], 4) for predicate in rest]
                block = f"{name} " + " ;\n    ".join(lines) + " ."
                heads.append((ontology not in node.get(_TYPE, ()), _order(name), block))
            elif subject not in inline:
                blanks.append(self.fitted(subject, 0, len(" .")) + " .")
        blocks = [block for *_, block in sorted(heads)] + sorted(blanks, key=_order)
        prefixes = "".join(f"@prefix {prefix}: <{PREFIXES[prefix]}> .\n" for prefix in sorted(self.used))
        return "\n".join(filter(None, [prefixes, *(block + "\n" for block in blocks)]))

    def predicates(self, node: Node) -> list[str]:
        """Predicates of a node in their fixed order."""
        return sorted(node, key=lambda iri: (_PLACES.get(compact(iri), _PLACES[""]), _order(compact(iri))))

    def objects(self, predicate: str, values: list[Term]) -> list[Term]:
        """Objects in their fixed order: OWL's kinds before other types, then names, blank nodes and literals."""

        def key(value: Term) -> tuple[bool, int, tuple[list[str | int], str]]:
            text = self.flat(value)
            other = not text.startswith("owl:") or text == "owl:NamedIndividual"
            kind = (ox.NamedNode, ox.BlankNode, ox.Literal).index(type(value))
            return predicate == _TYPE and other, kind, _order(text)

        return sorted(values, key=key)

    def statement(self, predicate: str, values: list[Term], indent: int | None = None, shift: int = 0) -> str:
        """One predicate with its objects, broken over lines where an indent is given and one line is too narrow."""
        verb, objects = self.verb(predicate), self.objects(predicate, values)
        flat = f"{verb} " + " , ".join(map(self.flat, objects))
        if indent is None or ("\n" not in flat and indent + shift + len(flat) + len(" ;") <= WIDTH):
            return flat
        if len(objects) == 1:
            return f"{verb} {self.fitted(objects[0], indent, indent + shift + len(verb) + len('  ;'))}"
        pad = "\n" + " " * (indent + 4)
        return verb + pad + f" ,{pad}".join(self.fitted(value, indent + 4, indent + 4 + len(" ,")) for value in objects)

    def fitted(self, term: Term, indent: int, taken: int) -> str:
        """A term on one line where ``taken`` columns leave room for it, or else broken over lines."""
        flat = self.flat(term)
        if not flat.startswith(("[ ", "( ")) or ("\n" not in flat and taken + len(flat) <= WIDTH):
            return flat
        pad, items = "\n" + " " * (indent + 4), self.items(term)
        if items is not None:
            lines = [self.fitted(item, indent + 4, indent + 4) for item in items]
            return f"({pad}{pad.join(lines)}\n{' ' * indent})"
        node = self.arcs[term]
        lines = [self.statement(predicate, node[predicate], indent + 4) for predicate in self.predicates(node)]
        return "[ " + f" ;{pad}".join(lines) + " ]"

    def flat(self, term: Term) -> str:
        """A term on one line, unless a literal inside it has several."""
        found = self.written.get(term)
        if found is None:
            found = self.written[term] = self._flat(term)
        return found

    def _flat(self, term: Term) -> str:
        if isinstance(term, ox.NamedNode):
            return self.name(term.value) if term.value != _NIL else "()"
        if isinstance(term, ox.Literal):
            return self.literal(term)
        if term in self.labelled:
            return str(term)
        items = self.items(term)
        if items is not None:
            return f"( {' '.join(map(self.flat, items))} )"
        node = self.arcs.get(term, {})
        body = " ; ".join(self.statement(predicate, node[predicate]) for predicate in self.predicates(node))
        return f"[ {body} ]" if body else "[]"

    def items(self, head: Term) -> list[Term] | None:
        """Members of a well-formed list that nothing else refers into, or None."""
        found: list[Term] = []
        while head != ox.NamedNode(_NIL):
            node = self.arcs.get(head, {})
            if head in self.labelled or set(node) != {_HEAD, _TAIL} or len(node[_HEAD] + node[_TAIL]) != 2:
                return None
            found += node[_HEAD]
            head = node[_TAIL][0]
        return found

    def verb(self, predicate: str) -> str:
        """A predicate as Turtle writes it."""
        return "a" if predicate == _TYPE else self.name(predicate)

    def name(self, iri: str) -> str:
        """A compact IRI where a prefix fits and the name needs no escapes, or else the IRI in angles."""
        name = compact(iri)
        if name == iri or not _NAME.fullmatch(name):
            return f"<{iri}>"
        self.used.add(name.partition(":")[0])
        return name

    def literal(self, literal: ox.Literal) -> str:
        """A literal: plain where Turtle knows its type, in three quotes where it has several lines."""
        kind = compact(literal.datatype.value)
        if kind in _PLAIN and _PLAIN[kind].fullmatch(literal.value):
            return literal.value
        text = f'"{literal.value.translate(_ESCAPES)}"'
        if "\n" in text:
            text = re.sub(r'(?<!")\\"(?!\\?")', '"', text).replace(" \n", "\\u0020\n")
            text = f'""{text}""'
        if literal.language:
            return text + str(literal).rpartition('"')[2]
        return text if kind == "xsd:string" else f"{text}^^{self.name(literal.datatype.value)}"
