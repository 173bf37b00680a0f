"""Nodes and values of the graph put into markup: linked labels, amounts, class expressions, and what is cited."""

from __future__ import annotations

from decimal import Decimal

from markupsafe import Markup, escape

from dermograph.amounts import Amount, plain
from dermograph.graph import Value
from dermograph.terms import expand, local_name
from dermograph.workbench.site.blocks import Facts, Section, Table, joined, linked, listed
from dermograph.workbench.site.material import Material

MANY = 12
"""Nodes in a cell above which they are shown on demand."""
_HIDDEN = {"rdf:type", "skos:prefLabel", "skos:definition"}
_OPERATORS = {"owl:intersectionOf": " and ", "owl:unionOf": " or ", "owl:oneOf": ", "}


class Words:
    """Words for what a site is made of."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.graph = material.graph

    def link(self, node: str, text: str | None = None) -> Markup:
        """A node as a link to where it is told; one of another vocabulary by its name."""
        if node not in self.material.addresses:
            return escape(text or self.graph.label(node))
        return linked(self.material.addresses[node], text or self.graph.label(node))

    def links(self, nodes: list[str]) -> Markup:
        """Nodes as links in a row."""
        return joined(self.link(n) for n in nodes)

    def name(self, node: str) -> Markup:
        """A node as a link under its compact IRI."""
        return Markup("<code>{}</code>").format(self.link(node, node))

    def value(self, value: Value) -> Markup:
        """A value of a property."""
        if isinstance(value, bool):
            return escape("yes" if value else "no")
        if isinstance(value, Decimal):
            return escape(plain(value))
        if value.startswith("_:"):
            return self._blank(value)
        if value in self.material.addresses:
            return self.link(value)
        if value.startswith(("http://", "https://")) and " " not in value:
            return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(value)
        return escape(value)

    def amount(self, node: str, predicate: str) -> Markup:
        """A quantity that a node has, in words; empty where it has none."""
        return joined(self._blank(quantity) for quantity in self.graph.nodes(node, predicate))

    def interval(self, node: str, predicate: str) -> Markup:
        """A quantity that a node has, as an interval."""
        return joined(self._amount(quantity).interval() for quantity in self.graph.nodes(node, predicate))

    def _amount(self, node: str) -> Amount:
        ends = {k: Decimal(str(v)) for k in ("value", "low", "high") if (v := self.graph.text(node, f"dg:{k}")) is not None}
        return Amount(self.graph.text(node, "dg:unit") or "1", **ends)

    def _blank(self, node: str) -> Markup:
        graph = self.graph
        if "dg:Quantity" in graph.nodes(node, "rdf:type"):
            return escape(self._amount(node).words())
        for predicate, by in _OPERATORS.items():
            if head := graph.text(node, predicate):
                return joined((self.value(item) for item in graph.items(head)), by)
        if inner := graph.text(node, "owl:complementOf"):
            return Markup("not ({})").format(self.value(inner))
        if fact := graph.text(node, "owl:onProperty"):
            some, one = graph.text(node, "owl:someValuesFrom"), graph.text(node, "owl:hasValue")
            return Markup("{} {} {}").format(self.link(fact), "some" if some else "value", self.value(some or one or ""))
        if head := graph.text(node, "owl:withRestrictions"):
            facets = [(local_name(p), v) for item in graph.items(head) for p in graph.predicates(item) for v in graph.values(item, p)]
            return joined(Markup("{} {}").format(facet, self.value(v)) for facet, v in facets)
        parts = [(p, v) for p in graph.predicates(node) if p != "rdf:type" for v in graph.values(node, p)]
        return joined((Markup("{}: {}").format(self.link(p), self.value(v)) for p, v in parts), "; ")

    def cited(self, node: str) -> Markup:
        """Statements and references that a node cites."""
        statements = [self.identifier(s) for s in self.graph.nodes(node, "dg:statement")]
        return joined([*statements, *(self.link(s) for s in self.graph.nodes(node, "dg:source"))])

    def identifier(self, node: str) -> Markup:
        """A node as a link under its local name, as statements are cited."""
        return Markup('<span class="id">{}</span>').format(self.link(node, local_name(node)))

    def witness(self, node: str) -> Markup:
        """Who says what a node says, and where it was read; the identifiers of statements speak for the documents."""
        authorities = [Markup("<strong>{}</strong>").format(self.link(a)) for a in self.graph.nodes(node, "dg:authority")]
        return joined(filter(None, [joined(authorities), self.cited(node)]), ": ")

    def voice(self, node: str) -> Markup:
        """Who says what a node says: a regulator or body, else the documents."""
        authorities = self.graph.nodes(node, "dg:authority")
        if authorities:
            return self.links(authorities)
        documents = sorted({d for s in self.graph.nodes(node, "dg:statement") for d in self.graph.nodes(s, "dg:document")})
        return self.links(documents)

    def described(self, node: str) -> Section:
        """Everything that the graph says of a node and in which file, as a section."""
        graph = self.graph
        pairs: list[tuple[str | Markup, str | Markup]] = [("IRI", Markup('<code class="iri">{}</code>').format(expand(node)))]
        pairs.append(("types", listed(self.name(t) for t in graph.nodes(node, "rdf:type"))))
        for predicate in graph.predicates(node):
            if predicate not in _HIDDEN:
                pairs.append((self.link(predicate), listed(self.value(v) for v in graph.values(node, predicate))))
        places = self.material.places.subjects.get(node, [])
        pairs.append(("described in", listed(Markup("<code>{}</code>, line {}").format(file, line) for file, line in places)))
        return Section("in-the-graph", "In the graph", [Facts(pairs)])

    def used(self, node: str) -> Section:
        """What in the graph refers to a node, as a section."""
        rows = []
        for predicate, users in self.material.inbound.get(node, {}).items():
            by_kind: dict[str, list[str]] = {}
            for user in users:
                if user != node:
                    by_kind.setdefault(self.material.kind(user), []).append(user)
            for kind, nodes in sorted(by_kind.items()):
                links = listed(self.link(u) for u in nodes)
                if len(nodes) > MANY:
                    links = Markup("<details><summary>{} nodes</summary>{}</details>").format(f"{len(nodes):,}", links)
                rows.append([self.link(predicate), kind, links])
        return Section("used-by", "Used by", [Table("Nodes that refer to it", ["as what it", "kind", "nodes"], rows)] if rows else [])
