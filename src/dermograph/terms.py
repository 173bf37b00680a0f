"""Namespaces and compact IRIs.

The prefixes are those that ``ontology/prefixes.ttl`` declares; a test holds the two equal.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

PREFIXES: dict[str, str] = {
    "ad": "https://w3id.org/dermograph/ad#",
    "dcterms": "http://purl.org/dc/terms/",
    "dg": "https://w3id.org/dermograph/core#",
    "fact": "https://w3id.org/dermograph/fact#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "pt": "https://w3id.org/dermograph/patient#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "sh": "http://www.w3.org/ns/shacl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
OWN = ("ad", "dg", "fact", "pt")


@lru_cache(maxsize=16384)
def compact(iri: str) -> str:
    """Shorten an IRI to ``prefix:name`` where a prefix fits; otherwise give it back.

    >>> compact("https://w3id.org/dermograph/patient#Patient")
    'pt:Patient'
    """
    cut = max(iri.rfind("#"), iri.rfind("/")) + 1
    for prefix, namespace in PREFIXES.items():
        if len(namespace) == cut and iri.startswith(namespace):
            return f"{prefix}:{iri[cut:]}"
    return iri


@lru_cache(maxsize=16384)
def expand(name: str) -> str:
    """Lengthen ``prefix:name`` to an IRI; give a full IRI back.

    >>> expand("pt:Patient")
    'https://w3id.org/dermograph/patient#Patient'
    """
    prefix, colon, local = name.partition(":")
    return PREFIXES[prefix] + local if colon and prefix in PREFIXES else name


def local_name(name: str) -> str:
    """Last part of a compact or full IRI."""
    return name[max(name.rfind("#"), name.rfind("/"), name.rfind(":")) + 1 :]


def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Known names that are so like a name that it may have been meant, the likest first.

    Names of one prefix are compared without it, and letters without their case, which only tells names apart that are
    alike otherwise; words that are merely short alike are not near.

    >>> nearest("pt:femal", ["pt:Female", "pt:Male", "pt:date"])
    ['pt:Female']
    >>> nearest("pt:Woman", ["pt:Done", "pt:Female"])
    []
    """
    prefix, colon, _ = name.partition(":")
    start = prefix + colon if colon else ""
    words: dict[str, list[str]] = {}
    for other in sorted(known):
        if other.startswith(start):
            words.setdefault(other.removeprefix(start).casefold(), []).append(other)
    close = difflib.get_close_matches(name.removeprefix(start).casefold(), words, n=most, cutoff=0.7)
    return [max(words[w], key=lambda other: difflib.SequenceMatcher(None, name, other).ratio()) for w in close]
