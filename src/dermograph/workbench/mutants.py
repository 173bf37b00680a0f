"""Mutants: the guideline with one thing changed, as edits of the index tree or of the triples that facts rest on.

Every mutant is one that an author could make by a slip. What ``dermograph derive`` writes is never changed by itself: it
changes with the label fact that it follows from. A dropped label fact whose place a derived one takes changes nothing and
is left out, and so are the criteria of regimens that are never offered, those of meant gaps, which ``dermograph prove``
holds to the regimens that they border on, and the mark of an adjunct that has no order; so are steps with one and the
same entry that change places or are no longer linked, whether a step may be passed over that nothing follows before it
is left, a condition that a stronger one of the recommendation repeats, and a changed order among recommendations that
never stand beside each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dermograph.amounts import plain
from dermograph.derive import blocking_facts, subclasses
from dermograph.graph import Graph
from dermograph.terms import local_name

Tree = dict[str, Any]
Path = tuple[str, ...]
Edit = tuple[Path, Any]

_OTHER_SIDE = {"from": "above", "above": "from", "upTo": "below", "below": "upTo"}
_UNBOUNDED = 10**8
_SHOWN = ("item", "open", "known", "told")
"""Keys under which the reasoner keeps what it has put together of a node; a changed node must not carry them along."""


@dataclass(frozen=True)
class Mutant:
    """The guideline with one thing changed.

    :param kind: which kind of slip it is.
    :param node: the node that is changed.
    :param change: what is changed, in words; kind, node and change together name a mutant for good.
    :param edits: new values at paths of the tree.
    :param therapies: rows whose verdicts may change by themselves; empty where the change is one of criteria or of order.
    :param facts: triples of the index that are replaced, as subject, predicate, old and new number.
    """

    kind: str
    node: str
    change: str
    edits: tuple[Edit, ...] = ()
    therapies: tuple[str, ...] = ()
    facts: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def name(self) -> str:
        """Name that stays the same from run to run."""
        return f"{self.kind}: {self.node}: {self.change}"


def applied(tree: Tree, mutant: Mutant) -> Tree:
    """The tree with the edits of a mutant; what they do not touch is shared with the tree given."""
    found = dict(tree)
    copied: dict[Path, Tree] = {(): found}
    for path, value in mutant.edits:
        for depth in range(1, len(path)):
            if path[:depth] not in copied:
                above = copied[path[: depth - 1]]
                copied[path[:depth]] = above[path[depth - 1]] = {k: v for k, v in above[path[depth - 1]].items() if k not in _SHOWN}
        copied[path[:-1]][path[-1]] = value
    return found


def mutants(graph: Graph, tree: Tree) -> list[Mutant]:
    """Every mutant, in a fixed order."""
    left_out = set(graph.instances("dg:DerivedCriterion")) | _never_asked(tree)
    found = [m for name, criterion in tree["criteria"].items() if name not in left_out for m in _of_criterion(tree, name, criterion)]
    found += _of_facts(graph)
    for name, recommendation in tree["recommendations"].items():
        found += _of_recommendation(name, recommendation)
    found += _of_order(tree)
    found += _of_steps(tree)
    found += _of_barriers(graph, tree)
    found += _of_items(tree)
    for therapy, row in tree["rows"].items():
        for place, regimen in enumerate(row["regimens"]):
            if regimen["verified"] and not regimen["exampleOnly"]:
                found += _of_regimen(therapy, row, place, regimen)
    return sorted({m.name: m for m in found}.values(), key=lambda m: m.name)


# --- criteria


def _never_asked(tree: Tree) -> set[str]:
    """Criteria that only regimens that are never offered or meant gaps ask for, and that nothing else of the tree names."""
    offered = {t: [r for r in row["regimens"] if r["verified"] and not r["exampleOnly"]] for t, row in tree["rows"].items()}
    rest = {key: value for key, value in tree.items() if key not in {"criteria", "assumable", "uses", "labels", "shapes"}}
    rows = {t: row | {"regimens": offered[t], "gaps": []} for t, row in tree["rows"].items()}
    asked = _named(rest | {"rows": rows}, tree["criteria"].keys())
    queue = list(asked)
    while queue:
        criterion = tree["criteria"][queue.pop()]
        members = {m for m, _ in criterion.get("members", ())} | {criterion[k] for k in ("gate", "presumedFalseWhen") if k in criterion}
        queue += members - asked
        asked |= members
    return set(tree["criteria"]) - asked


def _named(value: Any, names: Collection[str]) -> set[str]:
    """Which of some names stand in a part of the tree."""
    if isinstance(value, str):
        return {value} & set(names) if value in names else set()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return set().union(*(_named(part, names) for part in parts))


def _of_criterion(tree: Tree, name: str, criterion: Tree) -> Iterator[Mutant]:
    path = ("criteria", name)
    if "range" in criterion:
        step = Decimal(tree["facts"][criterion["fact"]]["resolution"] or 1)
        for facet, bound in criterion["range"].items():
            if abs(Decimal(bound)) < _UNBOUNDED:
                for moved in (Decimal(bound) - step, Decimal(bound) + step):
                    changed = criterion["range"] | {facet: str(moved)}
                    yield Mutant("threshold moved", name, f"{plain(Decimal(bound))} to {plain(moved)}", ((path, criterion | {"range": changed}),))
                other = _OTHER_SIDE[facet]
                open_ = criterion["range"][other]
                changed = criterion["range"] | {facet: open_, other: bound}
                yield Mutant("threshold side swapped", name, f"{plain(Decimal(bound))} {facet} to {other}", ((path, criterion | {"range": changed}),))
    members = criterion.get("members", [])
    for place, (member, positive) in enumerate(members):
        flipped = [*members[:place], [member, not positive], *members[place + 1 :]]
        yield Mutant("member negated", name, local_name(member), ((path, criterion | {"members": flipped}),))
        if len(members) > 1:
            rest = [*members[:place], *members[place + 1 :]]
            yield Mutant("member dropped", name, local_name(member), ((path, criterion | {"members": rest}),))
    if len(members) > 1:
        other = "or" if criterion["op"] == "and" else "and"
        yield Mutant("junction swapped", name, f"{criterion['op']} to {other}", ((path, criterion | {"op": other}),))


def _of_facts(graph: Graph) -> Iterator[Mutant]:
    """Thresholds that facts rest on: how long a record speaks, what defines a condition, how long a trial lasts."""
    within = subclasses(graph, "dg:Therapy")
    for predicate in ("dg:validFor", "dg:definedBelow"):
        for node in graph.having(predicate):
            old = graph.text(node, predicate) or ""
            for new in (Decimal(old) - 1, Decimal(old) + 1):
                yield Mutant(
                    "record threshold moved", node, f"{local_name(predicate)} {old} to {plain(new)}", facts=((node, predicate, old, plain(new)),)
                )
    for trial in graph.instances("dg:AdequateTrial"):
        for least in graph.nodes(trial, "dg:least"):
            old, days = graph.text(least, "dg:value") or "", graph.text(least, "dg:unit") == "d"
            predicate = "dg:leastDays" if days else "dg:leastSessions"
            classes = sorted(c for c, above in within.items() if above & set(graph.nodes(trial, "dg:therapy")))
            for new in (Decimal(old) - 1, Decimal(old) + 1):
                change = f"{local_name(predicate)} {old} to {plain(new)}"
                yield Mutant("record threshold moved", trial, change, facts=tuple((c, predicate, old, plain(new)) for c in classes))


# --- recommendations and pathway


def _of_recommendation(name: str, recommendation: Tree) -> Iterator[Mutant]:
    path, barriers = ("recommendations", name), recommendation["barriers"]
    therapies = (recommendation["therapy"],)
    for place, barrier in enumerate(barriers):
        rest = [*barriers[:place], *barriers[place + 1 :]]
        if barrier["criterion"] is None:
            yield Mutant("direction turned", name, f"{recommendation['direction']} to for", (((*path, "barriers"), rest),), therapies)
        elif not _repeated(barrier, barriers):
            what = f"{local_name(barrier['kind'])} {local_name(barrier['criterion'])}"
            yield Mutant("condition dropped", name, what, (((*path, "barriers"), rest),), therapies)
    if recommendation["direction"] == "for":
        against = _against(name, recommendation)
        yield Mutant("direction turned", name, "for to against", (((*path, "barriers"), [*barriers, against]),), therapies)


def _repeated(barrier: Tree, barriers: Sequence[Tree]) -> bool:
    """Whether a condition on an earlier step is the indication too, without which the recommendation does not speak at all."""
    same = {b["kind"] for b in barriers if (b["criterion"], b["blocksWhen"]) == (barrier["criterion"], barrier["blocksWhen"])}
    return barrier["kind"] == "dg:ReasonEarlierStep" and "dg:ReasonOutsideIndication" in same


def _against(name: str, recommendation: Tree) -> Tree:
    cited = {key: recommendation[key] for key in ("label", "statements", "sources")}
    return {"kind": "dg:ReasonRecommendedAgainst", "criterion": None, "blocksWhen": True, "node": name} | cited


def _of_order(tree: Tree) -> Iterator[Mutant]:
    """A recommendation that takes the place of the next one of its guideline, or loses what orders it."""
    for guideline in tree["guidelines"]:
        own = {n: r for n, r in tree["recommendations"].items() if r["guideline"] == guideline and r["direction"] == "for"}
        orders = sorted({Decimal(r["order"]) for r in own.values() if r["order"] is not None})
        for name, recommendation in own.items():
            path = ("recommendations", name)
            if recommendation["order"] is not None and not recommendation["ordersWith"] and not recommendation["adjunct"]:
                at = orders.index(Decimal(recommendation["order"]))
                for other in {max(at - 1, 0), min(at + 1, len(orders) - 1)} - {at}:
                    if all(_apart(tree, recommendation, r) for r in own.values() if r["order"] and Decimal(r["order"]) == orders[other]):
                        continue
                    change = f"{recommendation['order']} to {plain(orders[other])}"
                    yield Mutant("order swapped", name, change, (((*path, "order"), str(orders[other])),))
            for key, empty in (("later", None), ("ordersWith", None), ("adjunct", False), ("unranked", False)):
                if recommendation[key] and not (key == "adjunct" and recommendation["order"] is None):
                    yield Mutant("order rule dropped", name, key, (((*path, key), empty),))


def _apart(tree: Tree, one: Tree, other: Tree) -> bool:
    """Whether two recommendations never stand beside each other: by age, or as one needs the other's therapy to be unsuitable."""
    criteria = tree["criteria"]
    needs = [_needed(tree, {b["criterion"] for b in r["barriers"] if b["criterion"] and not b["blocksWhen"]}) for r in (one, other)]
    if any(criteria[n].get("unsuitabilityOf") == r["therapy"] for need, r in zip(needs, (other, one), strict=True) for n in need):
        return True
    ranged = [[criteria[n] for n in need if "range" in criteria[n]] for need in needs]
    return any(a["fact"] == b["fact"] and (_ends(a, b) or _ends(b, a)) for a in ranged[0] for b in ranged[1])


def _needed(tree: Tree, names: set[str]) -> set[str]:
    """Criteria that must hold where some hold."""
    criteria = [tree["criteria"][n] for n in names]
    inner = {m for c in criteria if c.get("op") == "and" for m, positive in c["members"] if positive}
    return names | _needed(tree, inner) if inner else names


def _ends(one: Tree, other: Tree) -> bool:
    """Whether a range ends where another begins, or before."""
    return Decimal(one["range"]["below"]) <= Decimal(other["range"]["from"])


def _of_steps(tree: Tree) -> Iterator[Mutant]:
    steps = tree["steps"]
    for name, step in steps.items():
        path = ("steps", name)
        for following in step["next"]:
            if step["entry"] == steps[following]["entry"]:
                continue
            yield _swapped(tree, name, following)
            rest = [s for s in step["next"] if s != following]
            yield Mutant("step link dropped", name, local_name(following), (((*path, "next"), rest),))
        if step["exit"]:
            yield Mutant("step exit dropped", name, local_name(step["exit"]), (((*path, "exit"), None),))
        if any(steps[following]["entry"] != step["exit"] for following in step["next"]):
            kind = "step made " + ("required" if step["optional"] else "optional")
            yield Mutant(kind, name, "optional", (((*path, "optional"), not step["optional"]),))


def _swapped(tree: Tree, one: str, other: str) -> Mutant:
    """Two steps that follow each other change their entries, and so do the recommendations that open with them."""
    turned = {one: tree["steps"][other]["entry"], other: tree["steps"][one]["entry"]}
    edits: list[Edit] = [(("steps", step, "entry"), entry) for step, entry in turned.items()]
    therapies = set()
    for name, recommendation in tree["recommendations"].items():
        step = recommendation["step"]
        if step in turned:
            own = tree["steps"][step]["entry"]
            changed = [
                b | {"criterion": turned[step]} if b["kind"] == "dg:ReasonEarlierStep" and b["criterion"] == own and turned[step] else b
                for b in recommendation["barriers"]
            ]
            edits.append((("recommendations", name, "barriers"), changed))
            therapies.add(recommendation["therapy"])
    return Mutant("steps swapped", one, local_name(other), tuple(edits), tuple(sorted(therapies)))


# --- label facts


def _of_barriers(graph: Graph, tree: Tree) -> Iterator[Mutant]:
    """Dropped contraindications, interactions, deferrals and outcome templates; what is derived from them goes too."""
    within = subclasses(graph, "dg:Therapy")
    unsuitable = {c["unsuitabilityOf"]: name for name, c in tree["criteria"].items() if "unsuitabilityOf" in c}
    blocking = {t: blocking_facts(graph, within, t) for t in unsuitable}
    nodes = sorted({b["node"] for row in tree["rows"].values() for b in row["barriers"]} - set(tree["criteria"]))
    templated = _templated(graph)
    for node in nodes:
        edits: list[Edit] = []
        therapies = []
        for therapy, row in tree["rows"].items():
            rest = [b for b in row["barriers"] if b["node"] != node]
            if len(rest) < len(row["barriers"]):
                edits.append((("rows", therapy, "barriers"), rest))
                therapies.append(therapy)
        gone = {b["criterion"] for t in therapies for b in tree["rows"][t]["barriers"] if b["node"] == node}
        if gone & templated:
            continue
        for therapy, name in unsuitable.items():
            facts = blocking[therapy]
            lost = {c for n, c in facts if n == node} - {c for n, c in facts if n != node}
            members = tree["criteria"][name]["members"]
            if lost:
                edits.append((("criteria", name), tree["criteria"][name] | {"members": [m for m in members if m[0] not in lost]}))
        yield Mutant("label fact dropped", node, ", ".join(sorted(local_name(c) for c in gone)), tuple(edits), tuple(therapies))
    for template in graph.instances("dg:OutcomeTemplate"):
        yield from _without_template(graph, tree, template)


def _templated(graph: Graph) -> set[str]:
    """Derived criteria, of which a template gives a barrier even where no label fact does."""
    return set(graph.instances("dg:DerivedCriterion"))


def _without_template(graph: Graph, tree: Tree, template: str) -> Iterator[Mutant]:
    suffix, kind = graph.text(template, "dg:suffix"), graph.text(template, "dg:reasonKind")
    if not suffix or kind == "dg:ReasonReassessment":
        return
    edits: list[Edit] = []
    therapies = []
    for therapy, row in tree["rows"].items():
        rest = [b for b in row["barriers"] if not (b["node"] == b["criterion"] and b["criterion"].endswith(suffix))]
        if len(rest) < len(row["barriers"]):
            edits.append((("rows", therapy, "barriers"), rest))
            therapies.append(therapy)
    yield Mutant("label fact dropped", template, "from every therapy", tuple(edits), tuple(therapies))


_ITEMS = {"cautions": "caution dropped", "gaps": "meant gap dropped", "screening": "screening duty dropped"}


def _of_items(tree: Tree) -> Iterator[Mutant]:
    for key, kind in _ITEMS.items():
        for node in sorted({i["id"] for row in tree["rows"].values() for i in row[key]}):
            edits: list[Edit] = []
            therapies = []
            for therapy, row in tree["rows"].items():
                rest = [i for i in row[key] if i["id"] != node]
                if len(rest) == len(row[key]):
                    continue
                therapies.append(therapy)
                edits.append((("rows", therapy, key), rest))
                if key == "screening":
                    asked = sorted({i["criterion"] for i in rest})
                    barriers = [b | {"screened": asked} if "screened" in b else b for b in row["barriers"]]
                    edits.append((("rows", therapy, "barriers"), barriers))
            yield Mutant(kind, node, "from " + ", ".join(map(local_name, therapies)), tuple(edits), tuple(therapies))


# --- regimens


def _of_regimen(therapy: str, row: Tree, place: int, regimen: Tree) -> Iterator[Mutant]:
    regimens = row["regimens"]

    def changed(new: list[Tree]) -> tuple[Edit, ...]:
        return ((("rows", therapy, "regimens"), [*regimens[:place], *new, *regimens[place + 1 :]]),)

    node, therapies = regimen["id"], (therapy,)
    yield Mutant("regimen dropped", node, f"from {local_name(therapy)}", changed([]), therapies)
    for key in ("dose", "perKilogram", "every", "loading", "maximum", "frequency"):
        if regimen[key]:
            doubled = {k: plain(Decimal(v) * 2) if k != "unit" else v for k, v in regimen[key].items()}
            yield Mutant("amount doubled", node, f"{key} for {local_name(therapy)}", changed([regimen | {key: doubled}]), therapies)
    if regimen["loading"]:
        yield Mutant("loading dose dropped", node, f"for {local_name(therapy)}", changed([regimen | {"loading": None}]), therapies)
    if regimen["divided"]:
        yield Mutant("division dropped", node, f"for {local_name(therapy)}", changed([regimen | {"divided": None}]), therapies)
    if regimen["population"]:
        yield Mutant("band dropped", node, f"for {local_name(therapy)}", changed([regimen | {"population": None}]), therapies)
