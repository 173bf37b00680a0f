"""An author's ontology as it stands: its files, what they say, and where."""

from __future__ import annotations

import bisect
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from dermograph.derive import MODULE
from dermograph.errors import KnowledgeError
from dermograph.formatting import canonical
from dermograph.graph import Graph, apart
from dermograph.terms import PREFIXES, compact, expand
from dermograph.workbench import turtle
from dermograph.workbench.positions import Positions, described, gathered
from dermograph.workbench.problems import Problem

_MENTION = re.compile(rf"<([^<>\s]+)>|(?<![\w:/?#$-])(?:{'|'.join(PREFIXES)}):\w(?:[\w-]*\w)?")


class Module:
    """A Turtle file, read once.

    :param file: its path, relative to the ontology.
    """

    def __init__(self, file: str, data: bytes) -> None:
        self.file = file
        self.data = data
        self.text = data.decode("utf-8", errors="replace")

    @cached_property
    def parsed(self) -> list[ox.Triple] | Problem:
        """Triples, with blank nodes kept apart from those of other files; or why it could not be parsed."""
        mark = hashlib.sha256(self.file.encode()).hexdigest()[:8]
        try:
            return [apart(quad, mark) for quad in ox.parse(self.data, format=ox.RdfFormat.TURTLE)]
        except SyntaxError as error:
            return turtle.fault(self.text, self.file, error)

    @cached_property
    def ontologies(self) -> list[str]:
        """Nodes that say what the file is."""
        a, ontology = ox.NamedNode(expand("rdf:type")), ox.NamedNode(expand("owl:Ontology"))
        return sorted(compact(t.subject.value) for t in self.triples if t.predicate == a and t.object == ontology)  # type: ignore[union-attr]

    @property
    def triples(self) -> list[ox.Triple]:
        """Triples, none where the file could not be parsed."""
        return [] if isinstance(self.parsed, Problem) else self.parsed

    @cached_property
    def slips(self) -> list[Problem]:
        """What is wrong with the Turtle though it can be parsed."""
        return turtle.commas(self.text, self.file) + turtle.prefixes(self.text, self.file)

    @cached_property
    def layout(self) -> str:
        """The same graph in the one layout."""
        return canonical(self.text, self.file)

    @cached_property
    def described(self) -> list[tuple[str, str, int]]:
        """Nodes, predicates and their lines."""
        return list(described(self.text))

    @cached_property
    def mentions(self) -> list[tuple[str, int]]:
        """Names and their lines, those inside queries and sentences included."""
        return list(mentions(self.text))

    def lines(self, value: str) -> list[int]:
        """Lines that mention a name, or hold a text."""
        if value.startswith('"'):
            return [line for line, text in enumerate(self.text.splitlines(), 1) if value in text]
        return [line for name, line in self.mentions if name == value]

    def subject(self, line: int) -> str:
        """The node that a line describes."""
        subjects = [(at, node) for node, predicate, at in self.described if node and not predicate]
        place = bisect.bisect_right([at for at, _ in subjects], line)
        return subjects[place - 1][1] if place else ""


class Draft:
    """The ontology of a folder.

    :param earlier: the same folder as it was before, from which unchanged files are taken.
    :param derived: what the derived module is taken to say, instead of what it says.
    :raises KnowledgeError: the folder holds no Turtle file.
    """

    def __init__(self, ontology: Path, earlier: Draft | None = None, derived: str | None = None) -> None:
        self.ontology = ontology
        known = earlier.files if earlier else {}
        self.files: dict[str, Module] = {}
        for path in sorted(ontology.rglob("*.ttl")):
            try:
                file, data = path.relative_to(ontology).as_posix(), path.read_bytes()
            except OSError as error:
                raise KnowledgeError(f"{path}: {error.strerror}", "make it a file that can be read") from error
            self.files[file] = known[file] if file in known and known[file].data == data else Module(file, data)
        if derived is not None:
            self.files[MODULE.as_posix()] = Module(MODULE.as_posix(), derived.encode())
        if not self.files:
            raise KnowledgeError(f"{ontology}: no Turtle file is in the folder", "give the folder of an ontology")

    @property
    def modules(self) -> list[Module]:
        """Modules of the guideline graph, shapes left out."""
        return [module for file, module in self.files.items() if not file.startswith("shapes/")]

    @cached_property
    def graph(self) -> Graph:
        """The guideline graph."""
        return Graph(triple for module in self.modules for triple in module.triples)

    @cached_property
    def whole(self) -> Graph:
        """The guideline graph and the shapes."""
        return Graph(triple for module in self.files.values() for triple in module.triples)

    @cached_property
    def places(self) -> Positions:
        """Where each node is described."""
        return gathered((file, module.described) for file, module in self.files.items())

    def problem(self, rule: str, node: str, message: str, mend: str, predicate: str = "", value: str = "") -> Problem:
        """A finding at a node, at the line of the predicate and of the value where they are given.

        :param value: a name, or a text with its quotation marks.
        """
        owner, predicate = self.graph.seat(node, predicate)
        file, line = self.places.of(owner, predicate)
        if value and file:
            module = self.files[file]
            begun = next((at for name, _, at in module.described if name == owner), 0)
            lines = [at for at in module.lines(value) if module.subject(at) == owner]
            line = next((at for at in lines if at >= max(line, begun)), lines[0] if lines else line)
        return Problem(file, line, rule, owner, message, mend)


def mentions(text: str) -> Iterator[tuple[str, int]]:
    """Compact names in a text and their lines, those written in full and those inside queries and sentences included."""
    line, end = 1, 0
    for found in _MENTION.finditer(text):
        line += text.count("\n", end, found.start())
        end = found.start()
        yield compact(found[1]) if found[1] else found[0], line


def below(problems: Iterable[Problem], folder: Path) -> list[Problem]:
    """Findings with the paths of their files below a folder."""
    return [replace(p, file=str(folder / p.file)) for p in problems]
