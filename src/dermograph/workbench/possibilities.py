"""Which truths a criterion can take at all, and which statuses a recommendation, worked out from the model.

A criterion whose fact is closed by silence is never unknown, say, and a trial without a least length is never too short.
A composite is taken to have the truths that its members allow when each varies by itself; where they depend on each
other so that a truth cannot arise, the node is excused by ``dg:excusedFromCover``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dermograph.graph import Graph

Tree = dict[str, Any]
Truth = bool | None

ALL: frozenset[Truth] = frozenset({True, False, None})


def truths(graph: Graph, tree: Tree) -> dict[str, frozenset[Truth]]:
    """Truths that each criterion can take."""
    brief = {f for outcome in graph.having("dg:yieldsIfBrief") for f in graph.nodes(outcome, "dg:yieldsIfBrief")}
    timed = {t for trial in graph.instances("dg:AdequateTrial") for t in graph.nodes(trial, "dg:therapy")}
    found: dict[str, frozenset[Truth]] = {}
    for name, criterion in tree["criteria"].items():
        if "members" in criterion:
            found[name] = _composite(criterion, found)
            continue
        able = _atom(tree, criterion)
        if criterion["fact"] in brief:
            below = [t for t, above in tree["within"].items() if criterion["class"] in above]
            if not any(timed & set(tree["within"][t]) for t in below):
                able -= {True}
        found[name] = able
    return found


def _atom(tree: Tree, criterion: Tree) -> frozenset[Truth]:
    fact = tree["facts"][criterion["fact"]]
    if fact["silence"] == "dg:SilenceIsFalse" and not fact["suspectedBy"]:
        return ALL - {None}
    return ALL


def _composite(criterion: Tree, known: dict[str, frozenset[Truth]]) -> frozenset[Truth]:
    """Truths of a composite; ``or`` is read as ``and`` of the opposites, so that one rule serves both."""
    both = criterion["op"] == "and"
    members = [known[m] if positive is both else _opposite(known[m]) for m, positive in criterion["members"]]
    able: set[Truth] = set()
    if all(True in m for m in members):
        able.add(True)
    if any(False in m for m in members):
        able.add(False)
    if any(None in m for m in members) and all(m & {True, None} for m in members):
        able.add(None)
    return frozenset(able) if both else _opposite(frozenset(able))


def _opposite(able: frozenset[Truth]) -> frozenset[Truth]:
    return frozenset(None if truth is None else not truth for truth in able)


def statuses(tree: Tree, able: dict[str, frozenset[Truth]], name: str) -> list[str]:
    """Statuses that a recommendation can have, in the order in which they are told.

    Excluded and ongoing are open to all; a barrier without a criterion always blocks and leaves no more; the others
    follow from the kinds of reason that the barriers give when they block, and from what can be unknown of them.
    """
    recommendation = tree["recommendations"][name]
    row = tree["rows"][recommendation["therapy"]]
    barriers = [*recommendation["barriers"], *row["barriers"]]
    if any(b["criterion"] is None for b in barriers):
        return ["ongoing", "excluded"]
    given = {tree["kinds"][b["kind"]]["status"] for b in barriers if b["blocksWhen"] in able[b["criterion"]]}
    open_ = [b["criterion"] for b in barriers if None in able[b["criterion"]]]
    open_ += [r["population"] for r in row["regimens"] if r["population"] and r["verified"] and not r["exampleOnly"]]
    measured = any(tree["facts"][f]["silence"] == "dg:SilenceIsUnknown" for c in open_ for f in _facts(tree, c))
    found = ["ongoing", "excluded"]
    if "deferred" in given or any(None in able[b["criterion"]] and b["blocksWhen"] for b in barriers):
        found.append("deferred")
    if measured:
        found.append("undetermined")
    return [*found, "eligible"]


def _facts(tree: Tree, name: str) -> set[str]:
    criterion = tree["criteria"][name]
    if "fact" in criterion:
        return {criterion["fact"]}
    return set().union(*(_facts(tree, m) for m, _ in criterion["members"]))


def bounds(tree: Tree) -> list[tuple[str, Decimal, Decimal]]:
    """Thresholds of the atomic criteria: the fact, the bound, and the resolution of the fact."""
    found = set()
    for criterion in tree["criteria"].values():
        for bound in map(Decimal, criterion.get("range", {}).values()):
            if abs(bound) < 10**8:
                found.add((criterion["fact"], bound, Decimal(tree["facts"][criterion["fact"]]["resolution"] or 1)))
    return sorted(found)
