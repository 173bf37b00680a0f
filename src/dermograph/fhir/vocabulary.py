"""What a reader of records asks of the ontology: kinds of classes, what a record of them may say, and where age matters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dermograph.terms import compact

if TYPE_CHECKING:
    from dermograph.knowledge import Knowledge

_FOUND = ("fact:passed", "fact:foundProblemIn")
_LONGEST = 150 * 12
"""More months than anybody lives, beyond which a bound stands for none."""


@dataclass(frozen=True)
class Vocabulary:
    """The words that a patient graph may use, and what hangs on them.

    :param within: each class with those above it and itself.
    :param labels: label of each class and value.
    :param units: canonical unit of each observable.
    :param values: values that a property may take, by the property.
    :param screened: conditions that silence never excludes.
    :param lasting: conditions that are never over.
    :param telling: assessments of which it matters what they found.
    :param spreading: outcomes of a course that hold for every kind of its therapy.
    :param ages: completed months at which something turns.
    """

    within: dict[str, frozenset[str]]
    labels: dict[str, str]
    units: dict[str, str]
    values: dict[str, frozenset[str]]
    screened: frozenset[str]
    lasting: frozenset[str]
    telling: frozenset[str]
    spreading: frozenset[str]
    ages: tuple[int, ...]

    @classmethod
    def of(cls, knowledge: Knowledge) -> Vocabulary:
        """The vocabulary of a knowledge."""
        tree, said = knowledge.tree, _said(knowledge)
        within = {name: frozenset(above) for name, above in tree["within"].items()}
        asked = {c["class"] for c in tree["criteria"].values() if c.get("fact") in _FOUND and "class" in c}
        screens = said["dg:screensFor"]
        telling = {name for name, above in within.items() if above & (asked | screens.keys()) or any(name in within[a] for a in asked if a in within)}
        values: dict[str, set[str]] = defaultdict(set)
        for kind, properties in said["dg:valuesOf"].items():
            for prop in properties:
                values[prop] |= {name for name, kinds in said["rdf:type"].items() if kind in kinds}
        return cls(
            within,
            tree["labels"],
            tree["units"],
            {prop: frozenset(names) for prop, names in values.items()},
            frozenset(name for name, condition in tree["conditions"].items() if condition["screened"]),
            frozenset(name for name, above in within.items() if above & said["dg:lasting"].keys()),
            frozenset(telling),
            frozenset(o for o, facts in said["dg:yields"].items() if any(tree["facts"][fact]["spreadsDown"] for fact in facts)),
            _ages(tree),
        )

    def is_a(self, name: str, above: str) -> bool:
        """Whether a class is another or a kind of it."""
        return above in self.within.get(name, ())

    def label(self, name: str) -> str:
        """How a class or value is called."""
        return self.labels.get(name, name)


def _said(knowledge: Knowledge) -> dict[str, dict[str, set[str]]]:
    """Values by subject, by predicate, of the predicates that are asked for."""
    wanted = {"dg:screensFor", "dg:lasting", "dg:valuesOf", "dg:yields", "rdf:type"}
    found: dict[str, dict[str, set[str]]] = {predicate: defaultdict(set) for predicate in wanted}
    for t in knowledge.index:
        predicate = compact(t.predicate.value)
        if predicate in wanted:
            found[predicate][compact(str(getattr(t.subject, "value", "")))].add(compact(str(getattr(t.object, "value", ""))))
    return found


def _ages(tree: dict[str, Any]) -> tuple[int, ...]:
    aged = {fact for fact, said in tree["facts"].items() if said["recordedAs"] == "pt:birthDate"}
    asked = [c["range"] for c in tree["criteria"].values() if c.get("fact") in aged and "range" in c]
    bounds = {int(Decimal(bound)) for found in asked for bound in found.values()}
    return tuple(sorted(bound for bound in bounds if abs(bound) < _LONGEST))
