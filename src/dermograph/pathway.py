"""The pathway of a guideline as a directed acyclic graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dermograph.errors import KnowledgeError

if TYPE_CHECKING:
    import networkx as nx


def graph(edges: Mapping[str, Sequence[str]]) -> nx.DiGraph[str]:
    """The steps of a pathway and what each leads to.

    :raises KnowledgeError: the pathway runs in a circle, or a step cannot be reached from its first step.
    """
    import networkx as nx

    found: nx.DiGraph[str] = nx.DiGraph()
    for step, following in edges.items():
        found.add_node(step)
        found.add_edges_from((step, f) for f in following)
    if not nx.is_directed_acyclic_graph(found):
        circle = " → ".join(a for a, _ in nx.find_cycle(found))
        raise KnowledgeError(f"the pathway runs in a circle: {circle}", "take out one dg:nextStep")
    first = [s for s, degree in found.in_degree() if degree == 0]
    if len(first) > 1:
        raise KnowledgeError(f"the pathway has several first steps: {', '.join(sorted(first))}", "lead to all but one by dg:nextStep")
    return found


def order(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Steps in an order in which each comes after those that lead to it."""
    import networkx as nx

    return list(nx.lexicographical_topological_sort(graph(edges)))
