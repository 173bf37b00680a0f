"""Truth of every criterion for every patient of a store: true, false or unknown.

Truth runs on two rails. For each criterion one whole number holds a bit for each patient of whom it is known true,
another a bit for each of whom it is known false; a patient with neither bit is unknown. Kleene's logic is then one
operation on whole numbers for all patients at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dermograph.content import query
from dermograph.store import Store
from dermograph.terms import compact

Tree = dict[str, Any]


@dataclass(frozen=True)
class Truths:
    """The two rails of every criterion, and what was assumed on the way.

    :param patients: the patients, whose place is their bit.
    :param true: known true, by criterion.
    :param false: known false, by criterion.
    :param assumed: taken as absent because nothing was recorded, by criterion.
    """

    tree: Tree
    patients: Sequence[str]
    true: dict[str, int]
    false: dict[str, int]
    assumed: dict[str, int] = field(default_factory=dict)

    def of(self, criterion: str, patient: int) -> bool | None:
        """Truth of a criterion for the patient at a place; None is unknown."""
        if self.true[criterion] >> patient & 1:
            return True
        return False if self.false[criterion] >> patient & 1 else None

    def one(self, patient: int) -> dict[str, bool | None]:
        """Truth of every criterion for the patient at a place."""
        bit, false = 1 << patient, self.false
        return {name: True if yes & bit else False if false[name] & bit else None for name, yes in self.true.items()}


def evaluate(store: Store, tree: Tree, patients: Sequence[str]) -> Truths:
    """Ask the generic queries, then join their answers.

    :param store: holds the index, the record and the facts of the patients.
    :param tree: the index tree.
    :param patients: identifiers of the patients as the store knows them.
    """
    bit = {patient: 1 << place for place, patient in enumerate(patients)}
    everyone = (1 << len(patients)) - 1
    holds, free, suspected = (_sets(store, name, bit) for name in ("present", "free", "suspected"))
    ranged, valued = _judged(store, "range", bit), _judged(store, "value", bit)
    truths = Truths(tree, patients, {}, {})
    facts, conditions = tree["facts"], tree["conditions"]
    judged_true, judged_false = (_merged(ranged[truth], valued[truth]) for truth in (True, False))
    for name, criterion in tree["criteria"].items():
        if "members" in criterion:
            compose(truths, name, everyone)
            continue
        silence = facts[criterion["fact"]]["silence"]
        if silence == "dg:SilenceIsFalse":
            yes = holds.get(name, 0) | judged_true.get(name, 0)
            no = everyone & ~yes & ~suspected.get(name, 0)
        elif silence == "dg:SilenceIsUnknown":
            yes = judged_true.get(name, 0)
            no = judged_false.get(name, 0) & ~yes
        else:
            yes = holds.get(name, 0)
            rest = everyone & ~yes & ~suspected.get(name, 0)
            no = rest & free.get(name, 0)
            silent = rest & ~no
            if conditions[criterion["class"]]["screened"]:
                no |= silent & truths.false.get(criterion.get("gate", ""), 0)
            else:
                truths.assumed[name] = silent
                no |= silent
        truths.true[name], truths.false[name] = yes, no
        if "presumedFalseWhen" in criterion:
            presume(truths, name, everyone)
    return truths


def presume(truths: Truths, name: str, everyone: int) -> None:
    """Take a criterion that the record leaves unknown as false where the ontology presumes so."""
    when = truths.tree["criteria"][name]["presumedFalseWhen"]
    truths.false[name] |= everyone & ~truths.true[name] & ~truths.false[name] & truths.true[when]


def compose(truths: Truths, name: str, everyone: int) -> None:
    """Work out a composite criterion from its members, which are known already, in Kleene's logic."""
    criterion = truths.tree["criteria"][name]
    true, false = truths.true, truths.false
    if criterion["op"] == "and":
        yes, no = everyone, 0
        for member, positive in criterion["members"]:
            member_yes, member_no = (true[member], false[member]) if positive else (false[member], true[member])
            yes, no = yes & member_yes, no | member_no
            if no == everyone:
                break
    else:
        yes, no = 0, everyone
        for member, positive in criterion["members"]:
            member_yes, member_no = (true[member], false[member]) if positive else (false[member], true[member])
            yes, no = yes | member_yes, no & member_no
            if yes == everyone:
                break
    true[name], false[name] = yes, no
    if "presumedFalseWhen" in criterion:
        presume(truths, name, everyone)


class _Same(dict[str, int]):
    """A rail on which every place has the bit that one patient has, until another number is set."""

    def __init__(self, known: Mapping[str, bool | None], side: bool, everyone: int) -> None:
        super().__init__()
        self._known, self._side, self._everyone = known, side, everyone

    def __missing__(self, criterion: str) -> int:
        return self._everyone if self._known[criterion] is self._side else 0


def suppose(tree: Tree, known: Mapping[str, bool | None], worlds: Sequence[Mapping[str, bool]]) -> list[dict[str, bool | None]]:
    """Truth of every criterion for one patient in each of several supposed worlds.

    :param known: truth of every criterion for the patient as things are.
    :param worlds: for each world, atomic criteria and the truth they are supposed to have.
    """
    everyone = (1 << len(worlds)) - 1
    found = Truths(tree, [""] * len(worlds), _Same(known, True, everyone), _Same(known, False, everyone))
    true, false = found.true, found.false
    for place, world in enumerate(worlds):
        for atom, truth in world.items():
            here = 1 << place
            true[atom], false[atom] = (true[atom] | here, false[atom] & ~here) if truth else (true[atom] & ~here, false[atom] | here)
    for _, name in sorted({(place, name) for world in worlds for atom in world for place, name in tree["uses"][atom]}):
        compose(found, name, everyone)
    return [{**known, **found.one(place)} for place in range(len(worlds))]


def _merged(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) | other.get(name, 0) for name in one.keys() | other.keys()}


def _sets(store: Store, name: str, bit: dict[str, int]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for criterion, patient in store.select(query(f"criteria/{name}")):
        found[compact(criterion or "")] |= bit[patient or ""]
    return found


def _judged(store: Store, name: str, bit: dict[str, int]) -> dict[bool, dict[str, int]]:
    found: dict[bool, dict[str, int]] = {True: defaultdict(int), False: defaultdict(int)}
    for criterion, patient, holds in store.select(query(f"criteria/{name}")):
        found[holds == "true"][compact(criterion or "")] |= bit[patient or ""]
    return found
