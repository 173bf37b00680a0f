"""From truths to verdicts: the rule of ``dg:ReasonKind``, applied to every recommendation and every therapy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from dermograph.case import Case
from dermograph.regimens import Fitting, fitting

Tree = dict[str, Any]

PRECEDENCE = ("ongoing", "excluded", "deferred", "undetermined", "eligible")
_CONTINUE = ("stop", "review", "yes")


class Ground(NamedTuple):
    """A kind of reason that a barrier gives, before it is put into words.

    :param kind: the ``dg:ReasonKind`` of the barrier.
    :param barrier: what blocks or is open.
    :param gives: the ``dg:ReasonKind`` that counts: that of the barrier, or while it is open that of what is missing.
    :param atom: the undecided atomic criterion, when the barrier is open.
    """

    kind: str
    barrier: Tree
    gives: str
    atom: str | None = None


@dataclass(frozen=True)
class Judged:
    """Status of one therapy and what it rests on.

    :param winners: recommendations whose status the therapy takes.
    :param grounds: grounds of the status.
    :param missing: facts to record, by compact IRI of the fact.
    """

    therapy: str
    status: str
    winners: tuple[str, ...]
    grounds: tuple[Ground, ...]
    missing: tuple[str, ...]
    fitting: Fitting
    continuation: str | None = None


def judge(case: Case, therapy: str) -> Judged:
    """Derive the status of a therapy for a patient."""
    tree, row = case.tree, case.tree["rows"][therapy]
    fit = fitting(case, row)
    own = list(grounds_of(case, row["barriers"]))
    by_rec = {r: list(grounds_of(case, tree["recommendations"][r]["barriers"])) + own for r in row["recommendations"]}
    considered = _within(by_rec)
    if case.holds(row["ongoing"]):
        return _ongoing(case, therapy, considered, by_rec, fit)
    statuses = {r: status_of(case, by_rec[r], fit) for r in considered}
    forced = [g for g in own if g.atom is None and tree["kinds"][g.kind]["fromTherapy"]]
    status = "excluded" if forced else max(statuses.values(), key=PRECEDENCE.index)
    winners = tuple(r for r in considered if statuses[r] == status) or tuple(considered)
    found = _unique(g for r in winners for g in by_rec[r] if gives(case, g) == status)
    missing: list[str] = []
    if status in {"deferred", "undetermined"}:
        atoms = {g.atom for r in winners for g in by_rec[r] if g.atom and gives(case, g) == "undetermined"}
        missing = _facts(case, atoms | set(fit.undecided), fit.weightless)
    return Judged(therapy, status, winners, found, tuple(missing), fit)


def _ongoing(case: Case, therapy: str, considered: list[str], by_rec: dict[str, list[Ground]], fit: Fitting) -> Judged:
    def weight(rec: str) -> int:
        return min((_CONTINUE.index(_while_ongoing(case, g)) for g in by_rec[rec]), default=2)

    best = max((weight(r) for r in considered), default=2)
    winners = tuple(r for r in considered if weight(r) == best)
    grounds = _unique(g for r in winners for g in by_rec[r] if _while_ongoing(case, g) != "yes")
    atoms = {g.atom for g in grounds if g.atom and gives(case, g) == "undetermined"}
    return Judged(therapy, "ongoing", winners, grounds, tuple(_facts(case, atoms, False)), fit, _CONTINUE[best])


def grounds_of(case: Case, barriers: Iterable[Tree]) -> Iterator[Ground]:
    """Grounds that barriers give: those that block, and each part that leaves one open."""
    truth = case.truth
    for barrier in barriers:
        criterion = barrier["criterion"]
        if criterion is None:
            yield Ground(barrier["kind"], barrier, barrier["kind"])
            continue
        holds = truth[criterion]
        if holds is None:
            for atom in case.atoms(criterion, None):
                if not no_duty(case, barrier, atom):
                    yield Ground(barrier["kind"], barrier, _open_kind(case, atom, barrier), atom)
        elif holds is barrier["blocksWhen"]:
            yield Ground(barrier["kind"], barrier, barrier["kind"])
            if barrier["kind"] == "dg:ReasonEarlierStep" and case.too_brief:
                yield from _too_short(case, barrier)


def no_duty(case: Case, barrier: Tree, atom: str) -> bool:
    """Whether nobody asks for the test that would settle an undecided contraindication, and nothing on record hints at it."""
    definition = case.tree["criteria"][atom]
    condition = case.tree["conditions"].get(definition.get("class"), {})
    asked = barrier.get("screened")
    return asked is not None and bool(condition.get("screened")) and atom not in asked and not case.may_have(definition["class"])


def _too_short(case: Case, barrier: Tree) -> Iterator[Ground]:
    """Grounds for earlier therapies whose trial was too short, where no verdict of their own tells it."""
    criteria = case.tree["criteria"]
    for atom in case.atoms(barrier["criterion"], False):
        definition = criteria[atom]
        brief = case.too_brief.get(definition.get("class", ""))
        if definition["fact"] == "fact:failed" and brief and definition["class"] not in case.tree["rows"]:
            kind = "dg:ReasonTrialTooShort"
            yield Ground(kind, barrier | {"criterion": brief, "blocksWhen": True}, kind)


def _within(by_rec: dict[str, list[Ground]]) -> list[str]:
    """Recommendations that speak of the patient, at best of the patient's disease too; all of them where none does."""
    considered = list(by_rec)
    for kind in ("dg:ReasonOutsidePopulation", "dg:ReasonOutsideIndication"):
        inside = [r for r in considered if not any(g.kind == kind and g.atom is None for g in by_rec[r])]
        considered = inside or considered
    return considered


def _open_kind(case: Case, atom: str, barrier: Tree) -> str:
    """Kind of reason that an undecided atomic criterion gives: a fact to record, or a condition to settle.

    A therapy that is meant for the condition waits for its confirmation, not for its cure.
    """
    criterion = case.tree["criteria"][atom]
    silence = case.tree["facts"][criterion["fact"]]["silence"]
    if silence == "dg:SilenceIsUnknown":
        return "dg:ReasonMissing"
    if not barrier["blocksWhen"]:
        return "dg:ReasonScreening"
    kind: str = case.tree["conditions"].get(criterion.get("class"), {}).get("deferredAs", "dg:ReasonScreening")
    return kind


def gives(case: Case, ground: Ground) -> str:
    """Status that follows from a ground."""
    status: str = case.tree["kinds"][ground.gives]["status"]
    return status


def _while_ongoing(case: Case, ground: Ground) -> str:
    kinds = case.tree["kinds"]
    meaning: str = kinds[ground.kind]["whileOngoing"]
    if ground.kind == "dg:ReasonPrerequisite" and ground.atom is None and _problem(case, ground.barrier):
        return "review"
    if meaning == "stop" and ground.barrier.get("startOnly"):
        return "review"
    if ground.atom is None or meaning == "yes":
        return meaning
    settled: str = kinds[ground.gives]["whileOngoing"]
    return settled


def _problem(case: Case, barrier: Tree) -> bool:
    """Whether a prerequisite is open because something was found, not because nobody looked."""
    for atom in case.atoms(barrier["criterion"], False):
        definition = case.tree["criteria"][atom]
        if case.holds(atom) or (definition["fact"] == "fact:passed" and case.found_in(definition["class"])):
            return True
    return False


def status_of(case: Case, grounds: Iterable[Ground], fit: Fitting) -> str:
    """Status that follows from grounds and from the regimens that fit."""
    found = {gives(case, g) for g in grounds}
    if fit.undecided or fit.weightless:
        found.add("undetermined")
    return min(found, key=PRECEDENCE.index, default="eligible")


def _unique(grounds: Iterable[Ground]) -> tuple[Ground, ...]:
    found: dict[tuple[str, str, str | None], Ground] = {}
    for g in grounds:
        found.setdefault((g.kind, g.barrier["node"], g.atom or g.barrier["criterion"]), g)
    return tuple(found.values())


def _facts(case: Case, atoms: Iterable[str | None], weightless: bool) -> list[str]:
    criteria = [case.tree["criteria"][a] for a in atoms if a]
    conditions = {c["class"] for c in criteria if c.get("class") in case.tree["conditions"]}
    facts = {c["fact"] for c in criteria if c.get("class") not in conditions}
    if weightless:
        facts.add(case.tree["weight"])
    return sorted({case.tree["facts"][f]["recordedAs"] for f in facts} | conditions)
