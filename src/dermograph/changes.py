"""What would change a verdict: the smallest sets of things to record or to happen, each tried out before it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from dermograph.assessment import Action, Change, WouldChange
from dermograph.case import Case
from dermograph.criteria import suppose
from dermograph.verdicts import Judged, judge, no_duty

Tree = dict[str, Any]
Way = frozenset[tuple[str, bool]]
"""Atomic criteria with the truth each would have to take."""

KEPT = 3
"""Ways that are followed up at each branch, and sets that are told of a therapy."""
_HAPPENS = {
    ("fact:failed", True): "an adequate trial of {} without enough effect",
    ("fact:respondedTo", True): "a response to {}",
    ("fact:takes", True): "start of {}",
    ("fact:takes", False): "end of {}",
    ("fact:declined", False): "consent to {}",
    ("fact:cannotObtain", False): "access to {}",
    ("fact:hasCondition", False): "{} resolved",
}


def would_change(case: Case, judged: Sequence[Judged]) -> dict[str, tuple[WouldChange, ...]]:
    """For each therapy that is not open to the patient, the smallest changes that would make it eligible."""
    startable = {j.therapy for j in judged if j.status in {"eligible", "ongoing"}}
    tried = [(j, way) for j in judged if j.status not in {"eligible", "ongoing"} for way in _ways_of(case, j) if _sensible(case, way, startable)]
    if not tried:
        return {}
    supposed = suppose(case.tree, case.truth, [dict(way) for _, way in tried])
    found: dict[str, list[tuple[bool, WouldChange]]] = {}
    for (j, way), truth in zip(tried, supposed, strict=True):
        after = judge(replace(case, supposed=truth), j.therapy)
        changes = _changes(case, way, j)
        weighed = any(c.record in j.missing for c in changes)
        if after.status == "eligible" or (after.status == "undetermined" and weighed and set(after.missing) <= {c.record for c in changes}):
            first = _reachable(case, way, startable)
            found.setdefault(j.therapy, []).append((not first, WouldChange(changes, "eligible")))
    return {t: _told(sets) for t, sets in found.items()}


def _told(sets: list[tuple[bool, WouldChange]]) -> tuple[WouldChange, ...]:
    """Smallest sets first; one that begins with a trial that cannot begin now is only told where there is no other."""
    later = min(late for late, _ in sets)
    ordered = sorted((w for late, w in sets if late == later), key=lambda w: (len(w.if_), [c.label for c in w.if_]))
    return tuple(dict.fromkeys(ordered))[:KEPT]


def _reachable(case: Case, way: Way, startable: set[str]) -> bool:
    trials = {d["class"] for atom, truth in way if truth and (d := case.tree["criteria"][atom])["fact"] == "fact:failed"}
    return not trials or bool(trials & startable)


def _sensible(case: Case, way: Way, startable: set[str]) -> bool:
    """Whether everything that a way would start is open to the patient; nothing is started to rule another out."""
    definitions = [(case.tree["criteria"][atom], truth) for atom, truth in way]
    return all(d["class"] in startable for d, truth in definitions if truth and d["fact"] == "fact:takes")


def _ways_of(case: Case, judged: Judged) -> list[Way]:
    tree = case.tree
    own = tree["rows"][judged.therapy]["barriers"]
    found: list[Way] = []
    for name in judged.winners:
        goals = [*tree["recommendations"][name]["barriers"], *own]
        if any(goal["criterion"] is None for goal in goals):
            continue
        ways: list[Way] = [frozenset()]
        for goal in goals:
            if _blocks(case, goal):
                ways = _join(case, ways, _ways(case, goal["criterion"], not goal["blocksWhen"]))
        found += ways
    return found


def _blocks(case: Case, goal: Tree) -> bool:
    truth = case.truth[goal["criterion"]]
    if truth is None:
        return not all(no_duty(case, goal, atom) for atom in case.atoms(goal["criterion"], None))
    return truth is bool(goal["blocksWhen"])


def _ways(case: Case, criterion: str, wanted: bool) -> list[Way]:
    """Smallest sets of atomic criteria that would make a criterion true or false; none where nothing can.

    A therapy is never made unsuitable by harm: only by a trial of it that does not help.
    """
    if case.holds(criterion) is wanted:
        return [frozenset()]
    definition = case.tree["criteria"][criterion]
    if "members" not in definition:
        return [frozenset({(criterion, wanted)})] if _can(case, definition, criterion, wanted) else []
    members = [_ways(case, m, wanted if positive else not wanted) for m, positive in definition["members"]]
    if wanted and "unsuitabilityOf" in definition:
        tried = [case.tree["criteria"][m].get("fact") == "fact:failed" for m, _ in definition["members"]]
        members = [options for options, is_trial in zip(members, tried, strict=True) if is_trial]
    if (definition["op"] == "and") is wanted:
        ways: list[Way] = [frozenset()]
        for options in members:
            ways = _join(case, ways, options)
        return ways
    return _least(case, (way for options in members for way in options))


_NOTHING: list[Way] = [frozenset()]


def _join(case: Case, left: list[Way], right: list[Way]) -> list[Way]:
    if left == _NOTHING or not right:
        return right
    if right == _NOTHING:
        return left
    return _least(case, (a | b for a, b in product(left, right)))


def _least(case: Case, ways: Iterable[Way]) -> list[Way]:
    distinct = set(ways)
    if len(distinct) < 2:
        return list(distinct)
    return sorted(distinct, key=lambda way: (len({_key(case, a, t) for a, t in way}), sorted(way)))[:KEPT]


def _can(case: Case, definition: Tree, criterion: str, wanted: bool) -> bool:
    fact, unknown = definition["fact"], case.holds(criterion) is None
    if fact in {"fact:passed", "fact:underwent"}:
        return wanted
    if fact == "fact:foundProblemIn":
        return not wanted
    if fact == "fact:hasCondition":
        return not wanted and (unknown or bool(case.tree["conditions"][definition["class"]]["resolvable"]))
    if case.tree["facts"][fact]["silence"] == "dg:SilenceIsUnknown":
        return unknown
    return (fact, wanted) in _HAPPENS


def _key(case: Case, atom: str, wanted: bool) -> tuple[str, str]:
    """What has to be done for an atomic criterion: the same for criteria that one act settles."""
    definition = case.tree["criteria"][atom]
    fact = definition["fact"]
    if fact == "fact:hasCondition" and case.holds(atom) is None:
        condition = case.tree["conditions"][definition["class"]]
        settles = None if _suspected(case, definition["class"]) else condition["test"] or condition["measured"]
        return "record", settles or definition["class"]
    if fact in {"fact:passed", "fact:underwent", "fact:foundProblemIn"}:
        return "record", definition["class"]
    if case.tree["facts"][fact]["silence"] == "dg:SilenceIsUnknown":
        return "record", case.tree["facts"][fact]["recordedAs"]
    return "happens", definition["class"]


def _suspected(case: Case, condition: str) -> bool:
    """Whether a condition, a broader or a narrower one is suspected, which no test settles before the record is mended."""
    nodes = [str(node) for p, node in case.facts[case.me] if p == "fact:mayHaveCondition"]
    classes = [str(cls) for node in nodes for p, cls in case.facts[node] if p == "rdf:type"]
    within = case.tree["within"]
    return any(condition in within.get(cls, ()) or cls in within[condition] for cls in classes)


def _changes(case: Case, way: Way, judged: Judged) -> tuple[Change, ...]:
    labels = case.tree["labels"]
    found: dict[tuple[str, str], str] = {}
    for atom, wanted in sorted(way):
        definition = case.tree["criteria"][atom]
        verb, name = key = _key(case, atom, wanted)
        label = labels.get(name, name)
        if verb == "happens":
            text = _HAPPENS[definition["fact"], wanted].format(label)
        elif name in case.tree["conditions"]:
            text = f"{label} looked for and excluded"
        elif name == definition.get("class") and definition["fact"] == "fact:hasCondition":
            text = f"{label} ruled out"
        elif "class" in definition:
            text = f"{label} on record, with no problem open" if definition["fact"] != "fact:underwent" else f"{label} on record"
        else:
            phrase = definition["label"] if wanted else f"not: {definition['label']}"
            text = f"{label} on record, and the patient {phrase}" if wanted else f"{label} on record ({phrase})"
        found.setdefault(key, text)
    for fact in judged.missing if judged.status == "undetermined" else ():
        if judged.fitting.undecided or judged.fitting.weightless:
            found.setdefault(("record", fact), f"{labels.get(fact, fact)} on record")
    return tuple(Change(text, **{verb: name}) for (verb, name), text in found.items())


def actions(case: Case, changes: dict[str, tuple[WouldChange, ...]]) -> tuple[Action, ...]:
    """What to do or record next, first what unblocks most.

    An act that opens a therapy by itself counts before one that needs others beside it. Acts that a guideline asks for
    and that no therapy waits for come last.
    """
    alone: dict[str, set[str]] = {}
    shared: dict[str, set[str]] = {}
    for therapy, sets in changes.items():
        for one in sets:
            for change in one.if_:
                if change.record:
                    shared.setdefault(change.record, set()).add(therapy)
                    if len(one.if_) == 1:
                        alone.setdefault(change.record, set()).add(therapy)
    ranked = sorted(shared, key=lambda a: (-len(alone.get(a, ())), -len(shared[a]), a))
    found = [Action(a, _act(case, a), tuple(sorted(shared[a]))) for a in ranked]
    for proposed in case.tree["actions"]:
        if proposed["action"] not in shared and case.holds(proposed["criterion"]):
            found.append(Action(proposed["action"], proposed["label"], (), tuple(proposed["statements"])))
    return tuple(found)


def _act(case: Case, name: str) -> str:
    label: str = case.tree["labels"].get(name, name)
    return f"confirm or exclude {label}" if name in case.tree["conditions"] else label
