"""Codes and what they mean in the words of the contract, by the mappings of ``ontology/mappings/``.

A mapping tells how a code lies to its class: the same, narrower, near, or broader. What may be concluded from that depends on
what is recorded, so a :class:`Match` keeps it.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from dermograph.errors import InputError
from dermograph.fhir.elements import Concept, Element
from dermograph.fhir.vocabulary import Vocabulary
from dermograph.record import printable
from dermograph.terms import PREFIXES, nearest

ALIASES = {
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "urn:oid:2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
}
"""Names of code systems that stand for another."""
DRUGS = frozenset({"http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"})
"""Code systems whose codes are drugs."""
_EDITIONED = "http://snomed.info/sct/"
"""How the name of an edition begins, which uses the codes of the whole."""
_BY_PREFIX = {"http://hl7.org/fhir/sid/icd-10-cm": 3, "http://www.whocc.no/atc": 1}
"""Code systems whose codes begin with that of the group they belong to, and the length of the shortest group."""
_OWN = {PREFIXES[p].rstrip("#"): p for p in ("ad", "pt")}
"""The words of the contract themselves as code systems."""
_HEAD = re.compile(r"#\s+(\w[\w.-]*):\s*(\S+)|#object_source:\s*(\S+)")
_RESOURCES = "http://hl7.org/fhir"


class Strength(IntEnum):
    """How a code lies to its class, the surest first.

    A related code is a part of the class, or an ingredient that some products of the class hold.
    """

    EXACT = 0
    NARROW = 1
    LABEL = 2
    CLOSE = 3
    BROAD = 4
    RELATED = 5

    @property
    def sure(self) -> bool:
        """Whether what has the code is of the class."""
        return self <= Strength.LABEL


_PREDICATES = {f"skos:{s.name.lower()}Match": s for s in Strength if s is not Strength.LABEL}


@dataclass(frozen=True)
class Match:
    """A class or value that a code stands for."""

    name: str
    strength: Strength


@dataclass(frozen=True)
class Terminology:
    """The mappings of an ontology.

    :param meanings: what each code of each code system is mapped to.
    :param named: classes and values by their label.
    :param single: classes that some code is exactly, so that what is narrower is a product or a form of it and no other thing.
    :param routed: classes of which it is known by which routes they are given.
    :param digest: of the mappings.
    """

    words: Vocabulary
    meanings: dict[tuple[str, str], tuple[Match, ...]]
    named: dict[str, tuple[str, ...]]
    single: frozenset[str]
    routed: frozenset[str]
    digest: str

    @classmethod
    def load(cls, ontology: Path, words: Vocabulary) -> Terminology:
        """Read the mappings of an ontology."""
        meanings: dict[tuple[str, str], dict[str, Strength]] = defaultdict(dict)
        digest = hashlib.sha256()
        for path in sorted((ontology / "mappings").glob("*.sssom.tsv")):
            data = path.read_bytes()
            digest.update(hashlib.sha256(data).digest())
            for system, code, name, strength in _rows(data.decode()):
                known = meanings[system, code].get(name)
                meanings[system, code][name] = strength if known is None else min(known, strength)
        named: dict[str, list[str]] = defaultdict(list)
        for name, label in words.labels.items():
            named[label.casefold()].append(name)
        found = {key: tuple(Match(n, s) for n, s in sorted(there.items())) for key, there in meanings.items()}
        single, routed = (
            frozenset(m.name for matches in found.values() for m in matches if m.strength is s) for s in (Strength.EXACT, Strength.RELATED)
        )
        return cls(words, found, {label: tuple(names) for label, names in named.items()}, single, routed, digest.hexdigest())

    def classes(self, concept: Concept, *kinds: str) -> list[Match]:
        """Classes of some kinds that a concept stands for, each as surely as any of its codes has it.

        A class above another that the concept surely is of is left out.

        :param kinds: top classes, such as ``dg:Condition``.
        """
        return self._matches(concept, lambda name: any(self.words.is_a(name, kind) for kind in kinds))

    def one_of_many(self, match: Match) -> bool:
        """Whether a code stands for one member of a class, which says nothing of the others."""
        return match.strength in {Strength.NARROW, Strength.RELATED} and match.name not in self.single

    def value(self, concept: Concept, prop: str) -> str | None:
        """The value of a property that a concept says for sure; None where it says none, or several."""
        allowed = self.words.values.get(prop, frozenset())
        sure = {m.name for m in self._matches(concept, allowed.__contains__) if m.strength.sure}
        return sure.pop() if len(sure) == 1 else None

    def routes(self, concepts: Iterable[Concept]) -> set[str]:
        """Classes whose courses may be given by any of some routes or dose forms; empty where none of these is known."""
        return {m.name for c in concepts for m in self._matches(c, self.words.within.__contains__) if m.strength is Strength.RELATED}

    def has_route(self, name: str) -> bool:
        """Whether it is known by which routes courses of a class are given."""
        return bool(self.words.within.get(name, frozenset()) & self.routed)

    def of_resource(self, kind: str) -> str | None:
        """The class that every resource of a kind is of, where there is one."""
        found = self.meanings.get((_RESOURCES, kind), ())
        return found[0].name if found else None

    def _matches(self, concept: Concept, accepts: Callable[[str], bool]) -> list[Match]:
        found: dict[str, Strength] = {}
        for coding in concept.codings:
            for match in self._meaning(system(coding.system), coding.code):
                if accepts(match.name):
                    found[match.name] = min(found.get(match.name, match.strength), match.strength)
        if not found:
            for words in concept.words:
                found |= {n: Strength.LABEL for n in self.named.get(words.strip().casefold(), ()) if accepts(n)}
        sure = [n for n, s in found.items() if s.sure]
        return [Match(n, s) for n, s in sorted(found.items()) if not any(n != below and self.words.is_a(below, n) for below in sure)]

    def _meaning(self, name: str, code: str) -> Iterator[Match]:
        if name in _OWN:
            word = f"{_OWN[name]}:{code}"
            if word in self.words.labels:
                yield Match(word, Strength.EXACT)
            return
        own = self.meanings.get((name, code), ())
        yield from own
        for group in _groups(code, _BY_PREFIX.get(name, 0)):
            above = self.meanings.get((name, group), ())
            yield from (m for m in above if m.strength <= Strength.NARROW or not own)
            own = own or above

    def refuse_misspelt(self, concept: Concept, element: Element, key: str) -> None:
        """Refuse a code of the contract's own code systems that does not exist.

        :raises InputError: there is one.
        """
        for coding in concept.codings:
            prefix = _OWN.get(system(coding.system))
            if prefix and f"{prefix}:{coding.code}" not in self.words.labels:
                near = nearest(f"{prefix}:{coding.code}", self.words.labels)
                mend = f"write {near[0].partition(':')[2]}" if near else "take a class that dermograph query words-of-a-patient-graph lists"
                place = f"{element.source}: {printable(element.place)}.{key}"
                raise InputError(f"{place}: {printable(coding.system)} has no code {printable(coding.code)!r}", mend)


def system(name: str) -> str:
    """A code system under the name that the mappings use."""
    if name.startswith(_EDITIONED):
        return _EDITIONED.rstrip("/")
    return ALIASES.get(name, name.rstrip("/#"))


def _groups(code: str, shortest: int) -> Iterator[str]:
    """Groups that a code belongs to, the smallest first."""
    if not shortest:
        return
    for length in range(len(code) - 1, shortest - 1, -1):
        if not code[:length].endswith("."):
            yield code[:length]


def _rows(text: str) -> Iterator[tuple[str, str, str, Strength]]:
    """Code system, code, class and strength of each row of a mapping set."""
    prefixes: dict[str, str] = {}
    source = ""
    lines = text.splitlines()
    for line in lines:
        if head := _HEAD.match(line):
            if head[3]:
                source = head[3]
            else:
                prefixes[head[1]] = head[2]
    table = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
    for row in table:
        prefix, _, code = row["object_id"].partition(":")
        strength = _PREDICATES.get(row["predicate_id"])
        if strength is None or prefix not in prefixes:
            continue
        names = {prefixes[prefix].rstrip("/"), _expanded(row.get("object_source") or source, prefixes)}
        for name in names - {""}:
            yield name, code, row["subject_id"], strength
            if not prefixes[prefix].endswith("/"):
                yield name, row["object_id"], row["subject_id"], strength


def _expanded(curie: str, prefixes: dict[str, str]) -> str:
    prefix, _, local = curie.partition(":")
    return prefixes[prefix] + local if prefix in prefixes else ""
