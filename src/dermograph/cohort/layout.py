"""Where each atomic criterion has its bit, and what one recorded thing of a class sets.

A class that is recorded of a patient answers many atomic criteria at once, as the class hierarchy has it. So each atomic
criterion on a class has a bit in a word, and every class that may be recorded has, for each way in which it may be, the
words that it sets. The words of a patient are those of all records joined by *or*: what the generic queries of
``queries/criteria/`` find for one patient after another, found for all in one aggregation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dermograph.knowledge import Knowledge
from dermograph.terms import compact

Tree = dict[str, Any]
Words = dict[str, int]
"""Bits by the name of their word."""

SIZE = 60
"""Bits of a word, so that every engine holds one as a signed number of 64 bits."""
_TABLES = {"pt:condition": "c", "pt:causedBy": "h", "pt:course": "k", "pt:assessment": "a"}
"""Letter of the words of the criteria on a class, by the property that their facts are recorded as."""
MEASURED = "m"
"""Letter of the words in which what is not measured is marked; no record sets them."""


@dataclass(frozen=True)
class Layout:
    """Bits of the atomic criteria of a knowledge.

    :param place: word and bit of each atomic criterion that may be unknown or asks for a class.
    """

    knowledge: Knowledge
    place: dict[str, tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        counts: dict[str, int] = defaultdict(int)
        place = {}
        for name, criterion in self.criteria.items():
            if "members" in criterion:
                continue
            fact = self.tree["facts"][criterion["fact"]]
            letter = _TABLES.get(fact["recordedAs"]) if "class" in criterion else MEASURED
            if letter is None:
                continue
            number = counts[letter]
            counts[letter] += 1
            place[name] = (f"{letter}{number // SIZE}", 1 << number % SIZE)
        object.__setattr__(self, "place", place)

    @property
    def tree(self) -> Tree:
        """The index tree."""
        return self.knowledge.tree

    @property
    def criteria(self) -> Tree:
        """Criteria, each after those that it rests on."""
        found: Tree = self.tree["criteria"]
        return found

    def words(self, letter: str) -> list[str]:
        """Names of the words of a letter."""
        return sorted({word for word, _ in self.place.values() if word[0] == letter}, key=lambda word: int(word[1:]))

    def mask(self, atoms: Iterable[str]) -> Words:
        """Words with the bits of atomic criteria."""
        found: Words = {}
        for atom in atoms:
            word, bit = self.place[atom]
            found[word] = found.get(word, 0) | bit
        return found

    @cached_property
    def says(self) -> dict[str, dict[str, list[str]]]:
        """What the index says: values by subject, by predicate."""
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for t in self.knowledge.index:
            subject, value = (str(getattr(term, "value", term)) for term in (t.subject, t.object))
            found[compact(t.predicate.value)][compact(subject)].append(compact(value))
        return found

    def one(self, predicate: str) -> dict[str, str]:
        """The one value of each subject of a predicate."""
        return {subject: values[0] for subject, values in self.says[predicate].items()}

    @cached_property
    def _asking(self) -> Mapping[str, list[tuple[str, str]]]:
        """Atomic criteria on a class, with the class, by their fact."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, criterion in self.criteria.items():
            if "class" in criterion:
                found[criterion["fact"]].append((name, criterion["class"]))
        return found

    def within(self, narrow: str, broad: str) -> bool:
        """Whether a class is another or a kind of it."""
        return broad in self.tree["within"].get(narrow, ())

    def met(self, fact: str, cls: str) -> Words:
        """What is true of a patient with a fact of a class."""
        spreads = self.tree["facts"][fact]["spreadsDown"]
        return self.mask(n for n, asked in self._asking[fact] if self.within(cls, asked) or (spreads and self.within(asked, cls)))

    def suspected(self, fact: str, cls: str) -> Words:
        """What is open of a patient with a suspicion, a fact such as ``fact:mayHaveCondition``, of a class."""
        facts = self.says["dg:suspects"][fact]
        return self.mask(n for f in facts for n, asked in self._asking[f] if self.within(cls, asked) or self.within(asked, cls))

    def free(self, cls: str) -> Words:
        """What is false of a patient who is known to be free of a class."""
        return self.mask(n for f in _ABOUT_CONDITIONS for n, asked in self._asking[f] if self.within(asked, cls))

    def ruled_out(self, cls: str) -> Words:
        """What is false of a patient who has a condition that rules others out."""
        return self.mask(n for out in self.says["dg:rulesOut"].get(cls, ()) for n, asked in self._asking[_HAS] if self.within(asked, out))

    def hinted(self, cls: str) -> Words:
        """What becomes likely where a condition is present: criteria on kinds of it."""
        return self.mask(n for f in _ABOUT_CONDITIONS for n, asked in self._asking[f] if self.within(asked, cls))

    @cached_property
    def assessed(self) -> list[str]:
        """Classes of assessments on which some criterion turns, by themselves or by their family, in the order of their bits."""
        family = self.one("dg:family")
        asked = {c for fact in ("fact:underwent", "fact:passed", "fact:foundProblemIn") for _, c in self._asking[fact]}
        turn = {c for c in family if c in self.says["dg:screensFor"] or any(self.within(c, a) for a in asked)}
        families = {family[c] for c in turn}
        return sorted(c for c in family if family[c] in families)

    @cached_property
    def measures(self) -> dict[str, str]:
        """Fact of each class of observables on which some criterion, condition or dose turns."""
        asked = {c["fact"] for c in self.criteria.values() if "range" in c} | {self.tree["weight"]}
        defining = set(self.one("dg:definedByObservable").values())
        return {cls: fact for fact, cls in self.one("dg:measures").items() if fact in asked or cls in defining}

    def found_in(self, cls: str) -> int:
        """Bits of the classes of assessments that are kinds of one."""
        return sum(1 << place for place, kind in enumerate(self.assessed) if self.within(kind, cls))

    def classes(self, top: str) -> Iterator[str]:
        """Classes that may be recorded, by the top class of their kind."""
        return (cls for cls, above in self.tree["within"].items() if top in above)


_HAS = "fact:hasCondition"
_ABOUT_CONDITIONS = (_HAS, "fact:everHad")
