"""What pages are made of: the graph read once, both ways, with the places of its nodes and the truths of the cases."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dermograph import casebook, content, index
from dermograph.casebook import Entry
from dermograph.criteria import Truths
from dermograph.derive import subclasses
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge, chunks
from dermograph.record import Record
from dermograph.workbench.positions import Positions, positions
from dermograph.workbench.site.addresses import Addresses, own

Tree = dict[str, Any]
PROPERTIES = ("owl:ObjectProperty", "owl:DatatypeProperty", "owl:AnnotationProperty")


@dataclass(frozen=True)
class Met:
    """Names of the cases of whom a criterion is true, false and unknown."""

    true: tuple[str, ...]
    false: tuple[str, ...]
    unknown: tuple[str, ...]


class Material:
    """An ontology folder, read for a site.

    :param cases: folder of the patient cases; without it no page speaks of patients.
    """

    def __init__(self, ontology: Path, cases: Path | None = None) -> None:
        self.ontology = ontology
        self.graph = Graph(read(content.modules(ontology)))
        self.tree: Tree = index.build(self.graph)
        self.within = {kind: subclasses(self.graph, kind) for kind in index.KINDS}
        self.addresses = Addresses(node for node in self.graph.described() if own(node))
        self.entries: list[Entry] = casebook.read(cases) if cases else []
        self.places: Positions = positions(ontology)

    @cached_property
    def inbound(self) -> dict[str, dict[str, list[str]]]:
        """For each node, by property, the named nodes that have it as a value, near or inside of what they hold."""
        owners: dict[str, str] = {}
        triples = [(n, p, str(v)) for n in self.graph.described() for p in self.graph.predicates(n) for v in self.graph.values(n, p)]
        above = {value: (node, predicate) for node, predicate, value in triples if value.startswith("_:")}
        for blank in above:
            owner, seen = blank, {blank}
            while owner in above and (owner := above[owner][0]) not in seen:
                seen.add(owner)
            owners[blank] = owner
        found: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        for node, predicate, value in triples:
            if value in self.addresses:
                where, named = node, predicate
                while where in above:
                    where, named = above[where]
                found[value][predicate if predicate.startswith("dg:") else named][owners.get(node, node)] = None
        return {value: {p: sorted(nodes) for p, nodes in by.items()} for value, by in found.items()}

    @cached_property
    def met(self) -> dict[str, Met]:
        """By criterion, what the cases show of it."""
        if not self.entries:
            return {}
        knowledge = Knowledge.load(self.ontology)
        names = {entry.record.name: entry.name for entry in self.entries}
        sides: dict[str, dict[bool | None, list[str]]] = {c: {True: [], False: [], None: []} for c in self.tree["criteria"]}
        valid: list[Record] = [entry.record for entry in self.entries]
        bad = {f.patient for f in knowledge.validate(valid) if f.severity == "Violation"}
        for chunk in chunks(one for one in valid if one.name not in bad):
            truths: Truths = knowledge.truths(chunk)[0]
            for place, one in enumerate(chunk):
                for criterion, told in sides.items():
                    told[truths.of(criterion, place)].append(names[one.name])
        return {c: Met(*(tuple(sorted(told[truth])) for truth in (True, False, None))) for c, told in sides.items()}

    @cached_property
    def rests(self) -> dict[str, list[str]]:
        """By criterion, the recommendations that ask for it, near or far."""
        uses = self.tree["uses"]
        direct: dict[str, set[str]] = defaultdict(set)
        for name, recommendation in self.tree["recommendations"].items():
            for asked in [*(b["criterion"] for b in recommendation["barriers"]), recommendation["later"]]:
                if asked:
                    direct[asked].add(name)
        return {c: sorted(direct[c].union(*(direct[above] for _, above in uses[c]))) for c in self.tree["criteria"]}

    def kinds(self, node: str) -> list[str]:
        """Classes of a node that are not OWL's own."""
        return [k for k in self.graph.nodes(node, "rdf:type") if not k.startswith("owl:")]

    def kind(self, node: str) -> str:
        """What a node is, in words."""
        kinds = self.kinds(node)
        if node in self.tree["criteria"]:
            kinds = [k for k in kinds if k != "dg:DerivedCriterion"]
        if kinds:
            return self.graph.label(kinds[0])
        for top, classes in self.within.items():
            if node in classes and node != top:
                return self.graph.label(top)
        types = self.graph.nodes(node, "rdf:type")
        return "property" if set(types) & set(PROPERTIES) else "class" if "owl:Class" in types else "node"

    def of_therapy(self, kind: str, therapy: str) -> list[str]:
        """Nodes of a class that are stated of a therapy or of a class it is within."""
        above = self.within["dg:Therapy"].get(therapy, {therapy})
        return [n for n in self.graph.instances(kind) if above & set(self.graph.nodes(n, "dg:therapy"))]
