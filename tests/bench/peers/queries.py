"""The rules compiled to SPARQL for triple stores: a small index of what each recorded class means, and a query for each fact.

All patients are asked at once. The index holds the class hierarchy worked out, so that no query walks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dermograph.terms import PREFIXES, expand, local_name
from peers.rules import Classes, Marks, Rail, Rules

INDEX = "urn:index:"
FAR = Decimal(999999999)
"""An end of a range that has none."""


class Queries:
    """Index and queries.

    :param rules: what is asked.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.numbers = {name: number for number, name in enumerate(rules.atoms)}
        self.names = list(rules.atoms)
        self.index: list[str] = []
        self.queries: dict[str, str] = {}
        for mark in ("met", "opened", "denied"):
            self._classes(mark, {name: getattr(atom, mark) for name, atom in rules.atoms.items()})
        for fact in sorted({atom.fact for atom in rules.atoms.values() if atom.measured}):
            self._measured(fact)

    def _classes(self, mark: str, asked: dict[str, Classes]) -> None:
        for fact in sorted({fact for classes in asked.values() for fact in classes}):
            meaning = f"<{INDEX}{mark}-{local_name(fact)}>"
            for name, classes in asked.items():
                self.index += [f"<{expand(cls)}> {meaning} {_number(self.numbers[name])} .\n" for cls in sorted(classes.get(fact, ()))]
            node = "?class" if fact == "fact:isFreeOf" else "?node . ?node a ?class"
            self._add(f"{mark}-{local_name(fact)}", f"?patient {fact} {node} . ?class {meaning} ?number")

    def _measured(self, fact: str) -> None:
        asked = {name: atom for name, atom in self.rules.atoms.items() if atom.fact == fact and atom.measured}
        local = local_name(fact)
        meaning = f"<{INDEX}met-{local}>"
        for name, atom in asked.items():
            number = self.numbers[name]
            node = f"<{INDEX}range{number}>" if atom.value is None else f"<{expand(atom.value)}>"
            self.index.append(f"{node} {meaning} {_number(number)} .\n")
            for end, bound, far in zip(("from", "below"), atom.bounds or (), (-FAR, FAR), strict=False):
                self.index.append(f'{node} <{INDEX}{end}> "{far if bound is None else bound:f}"^^<{PREFIXES["xsd"]}decimal> .\n')
        if any(atom.value is not None for atom in asked.values()):
            self._add(f"met-{local}", f"?patient {fact} ?value . ?value {meaning} ?number")
        else:
            bounds = f"?range {meaning} ?number ; <{INDEX}from> ?from ; <{INDEX}below> ?below"
            self._add(f"met-{local}", f"?patient {fact} ?value . {bounds} . FILTER(?value >= ?from && ?value < ?below)")
        self._add(f"known-{local}", f"?patient {fact} ?value BIND(0 AS ?number)")

    def _add(self, name: str, pattern: str) -> None:
        self.queries[name] = f"PREFIX fact: <{PREFIXES['fact']}>\nSELECT ?number ?patient WHERE {{ {pattern} }}\n"

    def marks(self, answers: Iterable[tuple[str, str]], patients: list[str]) -> Marks:
        """What the answers say.

        :param answers: name of each query with its rows as CSV, without the head.
        """
        places = {name: place for place, name in enumerate(patients)}
        marks = Marks()
        for name, csv in answers:
            mark, _, local = name.partition("-")
            rails: dict[str, bytearray] = {}
            for row in csv.replace('"', "").split():
                number, _, patient = row.partition(",")
                rail = rails.get(number)
                if rail is None:
                    rail = rails[number] = bytearray(b"0" * len(patients))
                rail[places[patient]] = 49
            into: Rail = getattr(marks, mark)
            for number, rail in rails.items():
                key = f"fact:{local}" if mark == "known" else self.names[int(number)]
                into[key] = into.get(key, 0) | int(rail[::-1], 2)
        return marks


def _number(number: int) -> str:
    return f'"{number}"^^<{PREFIXES["xsd"]}integer>'
