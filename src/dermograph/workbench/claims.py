"""What a guideline must not say, put as questions to a reasoner: can a patient be such that the guideline fails.

Each part asks ``can`` about conjunctions of criteria and yields what is wrong. It may be run again and again while the
answers come in, so it asks in the same order every time and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from dermograph.workbench.problems import Level
from dermograph.workbench.theory import Literal, Question, Theory

Tree = dict[str, Any]
Can = Callable[[Sequence[Literal]], bool]

_LABEL = ("dg:ReasonContraindication", "dg:ReasonInteraction")
_INSIDE = ("dg:ReasonOutsidePopulation", "dg:ReasonOutsideIndication")


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, before it has a place in a file.

    :param at: predicate of the node that is to blame, empty for the node itself.
    :param question: who shows it, where somebody does.
    :param therapy: the therapy whose verdict shows it.
    :param shows: ``gap`` or ``overlap`` where the verdict has to show that.
    """

    rule: str
    node: str
    message: str
    mend: str
    at: str = ""
    level: Level = "error"
    question: Question = ()
    therapy: str = ""
    shows: str = ""


def faults(theory: Theory, can: Can) -> Iterator[Fault]:
    """Everything that is wrong, as far as questions tell."""
    for part in (classes, criteria, regimens, directions, recommendations, steps):
        yield from part(theory, can)


# --- classes and criteria


def classes(theory: Theory, can: Can) -> Iterator[Fault]:
    """Classes that nothing can belong to."""
    for cls in sorted(set(theory.graph.instances("owl:Class")) - set(theory.tree["criteria"])):
        if ":" in cls and not cls.startswith("_:") and not can([(cls, True)]):
            yield Fault("class-impossible", cls, "nothing can belong to this class", "take out what it is disjoint with, or one of its superclasses")


def criteria(theory: Theory, can: Can) -> Iterator[Fault]:
    """Criteria that nobody meets, or that nobody whose facts are on record fails."""
    for name in theory.tree["criteria"]:
        label, everyone = theory.graph.label(name), theory.graph.flag(name, "dg:holdsOfEveryone")
        if not can([(name, True)]):
            message = f"nobody can meet the criterion “{label}”: its parts exclude each other, or its bounds lie outside what is plausible"
            yield Fault("criterion-never-met", name, message, "mend the bounds or the members of its definition", "owl:equivalentClass")
        elif can([(name, False)]) is everyone:
            if everyone:
                message = f"“{label}” is said to hold of everyone, and there are patients of whom it does not"
                mend = "take dg:holdsOfEveryone out, or widen the definition"
                yield Fault("criterion-sometimes-failed", name, message, mend, "dg:holdsOfEveryone", question=((name, False),))
            else:
                message = f"nobody can fail the criterion “{label}”, so it decides nothing"
                mend = "mend its bounds or members; where it is meant for everyone, say dg:holdsOfEveryone true"
                yield Fault("criterion-never-failed", name, message, mend, "owl:equivalentClass")


# --- regimens


def _inside(theory: Theory, recommendation: str) -> list[Literal]:
    """Of whom a recommendation speaks."""
    barriers = theory.tree["recommendations"][recommendation]["barriers"]
    return [(b["criterion"], True) for b in barriers if b["kind"] in _INSIDE and b["criterion"]]


def _excluding(theory: Theory, row: Tree, kinds: Sequence[str] = ()) -> list[Literal]:
    """That nothing excludes the therapy itself."""
    excludes = {k for k, t in theory.tree["kinds"].items() if t["status"] == "excluded"}
    return [(b["criterion"], False) for b in row["barriers"] if b["kind"] in (kinds or excludes) and b["criterion"] and b["blocksWhen"]]


def _offered(row: Tree) -> list[Tree]:
    return [r for r in row["regimens"] if not r["exampleOnly"] and r["verified"]]


def _speaking_for(theory: Theory, row: Tree) -> list[str]:
    return [r for r in row["recommendations"] if theory.tree["recommendations"][r]["direction"] == "for"]


def regimens(theory: Theory, can: Can) -> Iterator[Fault]:
    """Two regimens for one patient, and patients without one."""
    for therapy, row in theory.tree["rows"].items():
        meant = [n for n in theory.graph.instances("dg:MeantGap") if set(theory.graph.nodes(n, "dg:therapy")) & set(theory.tree["within"][therapy])]
        yield from _overlaps(theory, can, therapy, row)
        yield from _gaps(theory, can, therapy, row, [c for n in meant for c in theory.graph.nodes(n, "dg:criterion")])
        for node in meant:
            yield from _idle(theory, can, row, node)


def _overlaps(theory: Theory, can: Can, therapy: str, row: Tree) -> Iterator[Fault]:
    offered = _offered(row)
    for one, other in combinations(offered, 2):
        if one["authorityOrder"] != other["authorityOrder"] or _told_apart(theory, one, other):
            continue
        first = [(r["population"], False) for r in offered if int(r["authorityOrder"]) < int(one["authorityOrder"])]
        both = [(one["population"], True), (other["population"], True)]
        for recommendation in _speaking_for(theory, row):
            who = [*both, *first, *_inside(theory, recommendation), *_excluding(theory, row)]
            if can(who):
                message = f"this regimen and {other['id']} (“{other['label']}”) are both offered to one patient"
                mend = "bound the two populations against each other, give each its dg:phase, or say dg:alternativeTo where the choice is free"
                yield Fault("regimens-overlap", one["id"], message, mend, "dg:population", "error", tuple(who), therapy, "overlap")
                break


def _told_apart(theory: Theory, one: Tree, other: Tree) -> bool:
    """Whether two regimens for one patient are meant: phases of one treatment, or alternatives."""
    a, b = one["id"], other["id"]
    phases = one["phase"] and other["phase"] and one["phase"] != other["phase"]
    return bool(phases) or b in theory.graph.nodes(a, "dg:alternativeTo") or a in theory.graph.nodes(b, "dg:alternativeTo")


def _gaps(theory: Theory, can: Can, therapy: str, row: Tree, meant: Sequence[str]) -> Iterator[Fault]:
    offered = _offered(row)
    for recommendation in _speaking_for(theory, row) if offered else ():
        none = [(population, False) for population in dict.fromkeys([r["population"] for r in offered] + list(meant))]
        who = [*_inside(theory, recommendation), *none, *_excluding(theory, row)]
        if can(who):
            message = f"the recommendation speaks for {row['label']} in patients of whom no regimen of it tells the dose"
            mend = "add a regimen for them, or a dg:MeantGap with its source where no source states a dose"
            yield Fault("regimen-gap", recommendation, message, mend, "dg:population", "error", tuple(who), therapy, "gap")


def _idle(theory: Theory, can: Can, row: Tree, node: str) -> Iterator[Fault]:
    """Meant gaps that are none."""
    for criterion in theory.graph.nodes(node, "dg:criterion"):
        for regimen in _offered(row):
            who = [(criterion, True), (regimen["population"], True), *_excluding(theory, row)]
            if can(who):
                message = f"this gap is meant, yet {regimen['id']} tells a dose for a patient in it"
                yield Fault("meant-gap-filled", node, message, "narrow its criterion, or take the gap out", "dg:criterion", question=tuple(who))


# --- recommendations


def directions(theory: Theory, can: Can) -> Iterator[Fault]:
    """Recommendations for and against one therapy in one patient."""
    recommendations, within = theory.tree["recommendations"], theory.tree["within"]
    against = [r for r, t in recommendations.items() if t["direction"] != "for"]
    for one in [r for r, t in recommendations.items() if t["direction"] == "for"]:
        for other in against:
            a, b = recommendations[one]["therapy"], recommendations[other]["therapy"]
            excepted = theory.graph.nodes(one, "dg:exceptionTo") + theory.graph.nodes(other, "dg:exceptionTo")
            if (b in within[a] or a in within[b]) and not {one, other} & set(excepted):
                who = [*_inside(theory, one), *_inside(theory, other)]
                if can(who):
                    message = f"this speaks for a therapy of which {other} says “{recommendations[other]['direction']}” in the same patient"
                    mend = "part the two populations, or say dg:exceptionTo where one is the exception of the other"
                    yield Fault("directions-conflict", one, message, mend, "dg:population", question=tuple(who), therapy=a)


def recommendations(theory: Theory, can: Can) -> Iterator[Fault]:
    """Recommendations that no patient reaches, or whose every patient the therapy's label excludes."""
    for name, rec in theory.tree["recommendations"].items():
        row = theory.tree["rows"][rec["therapy"]]
        reached = [(b["criterion"], True) for b in rec["barriers"] if b["criterion"] and not b["blocksWhen"]]
        if not can(reached):
            message = "no patient reaches this recommendation: its population, indication, entry and prerequisites exclude each other"
            yield Fault("recommendation-unreachable", name, message, "mend the criterion that shuts the others out", "dg:population")
        elif rec["direction"] == "for" and not can([*reached, *_excluding(theory, row, _LABEL)]):
            message = f"every patient this is for has an absolute contraindication or an excluding interaction of {row['label']}"
            mend = "mend the population, or the contraindication that covers it"
            yield Fault("recommendation-contraindicated", name, message, mend, "dg:population")


# --- pathways


def steps(theory: Theory, can: Can) -> Iterator[Fault]:
    """Steps that nobody enters, that nobody leaves, or that everybody has left on entering."""
    for name, step in theory.tree["steps"].items():
        guideline = theory.tree["guidelines"][step["guideline"]]
        entered = [(guideline["population"], True), (step["entry"], True)]
        if not can(entered):
            message = "no patient of the guideline can enter this step"
            yield Fault("step-never-entered", name, message, "mend its dg:entry, or the population of the guideline", "dg:entry")
        elif step["exit"] is None:
            if step["next"] or name != guideline["order"][-1]:
                yield Fault("step-never-left", name, "this step has no exit, and it is not the last", "give it a dg:exit and a dg:nextStep")
        elif not can([*entered, (step["exit"], True)]):
            yield Fault("step-never-left", name, "no patient who entered this step can ever leave it", "mend its dg:exit or its dg:entry", "dg:exit")
        elif not can([*entered, (step["exit"], False)]):
            message = "every patient who enters this step has left it already"
            yield Fault("step-never-stood-at", name, message, "mend its dg:exit or its dg:entry", "dg:exit")
