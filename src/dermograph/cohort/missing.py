"""What may be missing: the facts to record that would settle an open criterion, and their bits."""

from __future__ import annotations

from functools import cached_property, reduce
from operator import or_
from typing import Any

import ibis

from dermograph.cohort.layout import Layout
from dermograph.cohort.truths import Truths

Tree = dict[str, Any]
Value = Any


class Missing:
    """Facts to record, by the place of their bit.

    :param layout: bits of the criteria.
    :param truths: the stages that tell what is open.
    """

    def __init__(self, layout: Layout, truths: Truths) -> None:
        self.layout, self.truths, self.tree = layout, truths, layout.tree

    @cached_property
    def items(self) -> list[str]:
        """What may be missing: facts to record, by the place of their bit."""
        doses = {a for row in self.tree["rows"].values() for r in row["regimens"] if r["population"] for a in self.atoms(r["population"])}
        atoms = (a for a in self.layout.place if self.truths.may_be_open(a) and (self.measured(a) or a in doses))
        found = {self.item(name) for name in atoms}
        if self.tree["weight"]:
            found.add(self.tree["facts"][self.tree["weight"]]["recordedAs"])
        return sorted(found)

    def item(self, atom: str) -> str:
        """What has to be recorded to settle an atomic criterion."""
        criterion = self.layout.criteria[atom]
        if criterion.get("class") in self.tree["conditions"]:
            return str(criterion["class"])
        return str(self.tree["facts"][criterion["fact"]]["recordedAs"])

    def measured(self, atom: str) -> bool:
        """Whether an atomic criterion asks for what is measured or asked, of which silence says nothing."""
        return bool(self.tree["facts"][self.layout.criteria[atom]["fact"]]["silence"] == "dg:SilenceIsUnknown")

    def atoms(self, name: str) -> set[str]:
        """The atomic criteria that a criterion is made of."""
        members = self.layout.criteria[name].get("members")
        return {name} if members is None else set().union(*(self.atoms(m) for m, _ in members))

    def bits(self, parts: list[tuple[str, Value]]) -> Value:
        """Bits of what has to be recorded, from the words of what is open."""
        by_word: dict[str, list[Value]] = {}
        for word, bits in parts:
            by_word.setdefault(word, []).append(bits)
        found = []
        for word, bits_of in by_word.items():
            joined = reduce(or_, bits_of)
            for item, mask in self._masks_of_items.get(word, {}).items():
                found.append(ibis.ifelse((joined & mask) != 0, 1 << self.items.index(item), 0))
        return reduce(or_, found) if found else ibis.literal(0)

    @cached_property
    def _masks_of_items(self) -> dict[str, dict[str, int]]:
        """For each word, the bits of the atomic criteria that wait for each thing to record."""
        found: dict[str, dict[str, int]] = {}
        for atom, (word, bit) in self.layout.place.items():
            if self.truths.may_be_open(atom) and self.item(atom) in self.items:
                masks, item = found.setdefault(word, {}), self.item(atom)
                masks[item] = masks.get(item, 0) | bit
        return found
