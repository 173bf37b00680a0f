"""Where each node of an ontology is described: the file and the line, read off the Turtle itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dermograph.terms import compact

TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""'
    r"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'(?:[^'\\\n]|\\.)*'"
    r"|<(?P<iri>[^<>\"{}|^`\\\s]*)>"
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<directive>@prefix|@base|(?i:prefix|base)(?=\s))"
    r"|(?P<name>[\w.-]*:(?:[\w%:-]|\.(?=[\w%:-]))*)"
    r"|[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?"
    r"|(?P<mark>[.;,\[\](){}])"
    r"|\S",
    re.DOTALL,
)
"""Words of Turtle; a word that is none is one character."""


@dataclass
class Positions:
    """Places of nodes.

    :param subjects: for each node, in compact form, the places where it is a subject.
    :param predicates: for each node and predicate the first place where the node has it.
    """

    subjects: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    predicates: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def of(self, node: str, predicate: str = "") -> tuple[str, int]:
        """File and line where a node has a predicate, else where it is described; ``("", 0)`` where it is not."""
        return self.predicates.get((node, predicate)) or next(iter(self.subjects.get(node, ())), ("", 0))


def positions(ontology: Path) -> Positions:
    """Places of all nodes that the Turtle files of a folder describe; files are named relative to it."""
    paths = sorted(ontology.rglob("*.ttl"))
    return gathered((path.relative_to(ontology).as_posix(), described(path.read_text(encoding="utf-8", errors="replace"))) for path in paths)


def gathered(files: Iterable[tuple[str, Iterable[tuple[str, str, int]]]]) -> Positions:
    """Places of all nodes that files describe.

    :param files: the name of each file with what :func:`described` tells of its text.
    """
    found = Positions()
    for file, nodes in files:
        for node, predicate, line in nodes:
            if not predicate:
                found.subjects.setdefault(node, []).append((file, line))
            else:
                found.predicates.setdefault((node, predicate), (file, line))
    return found


def described(text: str) -> Iterator[tuple[str, str, int]]:
    """Each subject of a Turtle text with an empty predicate, then its predicates, and their lines.

    The text need not be well formed: what follows a fault is read as far as it goes.
    """
    prefixes: dict[str, str] = {}
    line, end, depth = 1, 0, 0
    subject, expects, declared = "", "subject", ""
    for token in TOKEN.finditer(text):
        line += text.count("\n", end, token.start())
        end = token.start()
        if token["comment"]:
            continue
        if token["directive"]:
            expects, declared = "prefix", ""
            continue
        word = token[0]
        if expects == "prefix":
            if token["name"]:
                declared = token["name"].rstrip(":")
            elif token["iri"] is not None:
                prefixes[declared] = token["iri"]
                expects = "subject"
            continue
        if word in ("[", "("):
            depth += 1
            if expects == "subject":
                subject, expects = "", "predicate"
        elif word in ("]", ")"):
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif word == ".":
            expects = "subject"
        elif word == ";":
            expects = "predicate"
        elif token["name"] or token["iri"] is not None or (word == "a" and expects == "predicate"):
            name = "rdf:type" if word == "a" else _compact(token["name"], token["iri"], prefixes)
            if expects == "subject":
                subject, expects = name, "predicate"
                yield subject, "", line
            elif expects == "predicate":
                expects = "object"
                if subject:
                    yield subject, name, line


def _compact(name: str | None, iri: str | None, prefixes: dict[str, str]) -> str:
    if iri is not None:
        return compact(iri)
    prefix, _, local = (name or "").partition(":")
    return compact(prefixes.get(prefix, f"{prefix}:") + local)
