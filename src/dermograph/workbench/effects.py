"""What a change does to patients: whose status, rank or dose differs between two versions, and because of what."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dermograph import casebook, record
from dermograph.assessment import Assessment, TherapyVerdict
from dermograph.case import Case
from dermograph.errors import InputError, InvalidInput
from dermograph.inputs import batches
from dermograph.knowledge import Knowledge
from dermograph.record import Record
from dermograph.workbench.aspects import CHANGES, WORDING
from dermograph.workbench.differences import Difference
from dermograph.workbench.tightening import Direction, Pair, by_patients

Tree = dict[str, Any]
Turn = Literal["gained", "lost", "status", "rank", "dose", "course", "row"]

TURNS: dict[Turn, str] = {
    "gained": "becomes eligible",
    "lost": "is eligible no more",
    "status": "other change of status",
    "course": "taken now, and its continuation is judged otherwise",
    "dose": "other dose",
    "rank": "other rank",
    "row": "the therapy is listed in one version only",
}
NOT_LISTED = "not listed"
ALWAYS = ("screening", "adequate-trial", "deferral")
"""Kinds of difference that bear on every patient of their therapies."""


@dataclass(frozen=True)
class Cause:
    """Why an answer differs.

    :param node: compact IRI of the criterion or node that changed; of a therapy, where the rank follows from its answer.
    :param text: the cause in words.
    :param before: truth of the criterion for the patient in the old version: true, false, unknown, or empty where it is no criterion.
    :param follows: it is another therapy, from whose answer this one follows.
    """

    node: str
    text: str
    before: str = ""
    after: str = ""
    follows: bool = False


@dataclass(frozen=True)
class Effect:
    """One therapy of one patient that is answered otherwise.

    :param turn: the chief thing that differs.
    :param before: status, and ``rank_before`` and ``dose_before`` what goes with it.
    """

    patient: str
    source: str
    therapy: str
    label: str
    turn: Turn
    before: str
    after: str
    rank_before: int | None
    rank_after: int | None
    dose_before: tuple[str, ...]
    dose_after: tuple[str, ...]
    continue_before: str | None
    continue_after: str | None
    causes: tuple[Cause, ...]

    @property
    def follows(self) -> bool:
        """Whether it follows only from what befell other therapies."""
        return all(cause.follows for cause in self.causes)


@dataclass(frozen=True)
class Effects:
    """What a change does to a set of patients.

    :param patients: how many were answered in both versions.
    :param refused: patients that one of the versions finds invalid, each with the reason.
    :param table: for each therapy, how many patients went from one status to another, those that stayed included.
    """

    patients: int
    changed: tuple[Effect, ...]
    refused: tuple[tuple[str, str], ...]
    table: dict[str, Counter[tuple[str, str]]]
    labels: dict[str, str]

    @property
    def touched(self) -> int:
        """How many patients are answered otherwise."""
        return len({(e.source, e.patient) for e in self.changed})

    def to_json(self) -> Tree:
        """The effects in plain JSON."""
        return {
            "patients": self.patients,
            "touched": self.touched,
            "refused": [{"patient": p, "why": why} for p, why in self.refused],
            "totals": [
                {"therapy": t, "label": self.labels[t], **{turn: count for turn, count in totals(self, t).items() if count}}
                for t in self.labels
                if any(e.therapy == t for e in self.changed)
            ],
            "flow": [
                {"therapy": t, "before": a, "after": b, "patients": count}
                for t, table in self.table.items()
                for (a, b), count in sorted(table.items())
            ],
            "changed": [_json(e) for e in self.changed],
        }


def _json(effect: Effect) -> Tree:
    found: Tree = {}
    for key, value in dataclasses.asdict(effect).items():
        first, *rest = key.split("_")
        found[first + "".join(w.capitalize() for w in rest)] = list(value) if isinstance(value, tuple) else value
    return found


def totals(effects: Effects, therapy: str) -> dict[str, int]:
    """How many patients each turn befell, for one therapy."""
    counted = Counter(e.turn for e in effects.changed if e.therapy == therapy)
    return {turn: counted[turn] for turn in TURNS}


def read(path: Path) -> list[Record]:
    """Read patients: of a folder of cases, of a folder of patient graphs, or of one graph of one or many.

    :raises InputError: there is none, or one cannot be read.
    """
    if path.is_file():
        return record.read_path(path)
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder", "name a folder of cases, a folder of patient graphs, or one graph")
    if any(path.glob("*/patient.ttl")):
        return [entry.record for entry in casebook.read(path)]
    files = sorted(f for f in path.iterdir() if f.suffix in {".ttl", ".jsonld", ".nt", ".rdf", ".trig"})
    if not files:
        raise InputError(f"{path}: no patients: neither folders with a patient.ttl nor patient graphs", "name the folder that holds them")
    return [one for file in files for one in record.read_path(file)]


def teller(old: Knowledge, new: Knowledge, records: Sequence[Record]) -> Callable[[Pair], Direction | None]:
    """What tells the direction of a changed criterion from the truths of patients."""
    asked: list[Any] = []

    def told(pair: Pair) -> Direction | None:
        if not asked:
            asked.extend((old.truths(batch)[0], new.truths(batch)[0]) for batch in batches(records))
        ways = {way for before, after in asked if (way := by_patients(before, after, pair))}
        return None if not ways else ways.pop() if len(ways) == 1 else "changed"

    return told


def effects(
    old: Knowledge, new: Knowledge, records: Sequence[Record], differences: Sequence[Difference], tick: Callable[[int], None] = lambda _: None
) -> Effects:
    """Assess patients in both versions and tell what differs.

    :param tick: told of how many more patients are done.
    """
    changed: list[Effect] = []
    refused: list[tuple[str, str]] = []
    labels = {t: row["label"] for k in (old, new) for t, row in k.tree["rows"].items()}
    table: dict[str, Counter[tuple[str, str]]] = {t: Counter() for t in labels}
    count = 0
    for batch in batches(records):
        for one, before, after in zip(batch, old.assess_all(batch), new.assess_all(batch), strict=True):
            if isinstance(before, InvalidInput) or isinstance(after, InvalidInput):
                refused.append((one.identifier, _refusal(before, after)))
                continue
            count += 1
            changed += _of_patient(old, new, one, before, after, differences, labels, table)
        tick(len(batch))
    return Effects(count, tuple(changed), tuple(refused), table, labels)


def _refusal(before: Assessment | InvalidInput, after: Assessment | InvalidInput) -> str:
    where = [side for side, answer in (("before", before), ("after", after)) if isinstance(answer, InvalidInput)]
    error = next(a for a in (before, after) if isinstance(a, InvalidInput))
    return f"invalid {' and '.join(where)}: {error.findings[0].message}"


def _of_patient(
    old: Knowledge,
    new: Knowledge,
    one: Record,
    before: Assessment,
    after: Assessment,
    differences: Sequence[Difference],
    labels: dict[str, str],
    table: dict[str, Counter[tuple[str, str]]],
) -> Iterator[Effect]:
    verdicts = [{v.therapy: v for v in answer.therapies} for answer in (before, after)]
    turned: list[tuple[str, Turn]] = []
    for therapy in labels:
        pair = [side.get(therapy) for side in verdicts]
        statuses = [v.status if v else NOT_LISTED for v in pair]
        table[therapy][statuses[0], statuses[1]] += 1
        if turn := _turn(*pair):
            turned.append((therapy, turn))
    if not turned:
        return
    cases = (old.case(one), new.case(one))
    causes: dict[str, tuple[Cause, ...]] = {}
    for therapy, turn in turned:
        dosed = len({_doses(side.get(therapy)) for side in verdicts}) > 1
        causes[therapy] = tuple(_causes(cases, therapy, differences, turn != "dose", dosed) or _causes(cases, therapy, differences, True, True))
    others = [Cause(therapy, f"it follows from {labels[therapy]}", follows=True) for therapy, _ in turned if causes[therapy]]
    for therapy, turn in turned:
        a, b = (side.get(therapy) for side in verdicts)
        yield Effect(
            patient=one.identifier,
            source=one.source,
            therapy=therapy,
            label=labels[therapy],
            turn=turn,
            before=a.status if a else NOT_LISTED,
            after=b.status if b else NOT_LISTED,
            rank_before=a.rank if a else None,
            rank_after=b.rank if b else None,
            dose_before=_doses(a),
            dose_after=_doses(b),
            continue_before=a.continue_ if a else None,
            continue_after=b.continue_ if b else None,
            causes=causes[therapy] or tuple(others),
        )


def _turn(a: TherapyVerdict | None, b: TherapyVerdict | None) -> Turn | None:
    if a is None or b is None:
        return None if a is b else "row"
    if a.status != b.status:
        return "gained" if b.status == "eligible" else "lost" if a.status == "eligible" else "status"
    if a.continue_ != b.continue_:
        return "course"
    if _doses(a) != _doses(b):
        return "dose"
    return "rank" if a.rank != b.rank else None


def _doses(verdict: TherapyVerdict | None) -> tuple[str, ...]:
    return tuple(r.text for r in verdict.regimens) if verdict else ()


# --- causes


def _causes(cases: tuple[Case, Case], therapy: str, differences: Sequence[Difference], verdict: bool, dose: bool) -> list[Cause]:
    """On what the changed answer of a therapy rests.

    First the criteria that were redefined and whose truth differs for the patient, and the nodes that came, went or
    changed and speak of the patient; where there are none, derived criteria; where there are none, any criterion whose
    truth differs.

    :param verdict: look at what decides on status and rank, and ``dose`` at what decides on the dose.
    """
    asking = [roots(case.tree, therapy, verdict, dose) for case in cases]
    asked = [{c for criteria in found.values() for c, _ in criteria} for found in asking]
    inner = set().union(*(below(case.tree, found) for case, found in zip(cases, asked, strict=True)))
    direct: dict[str, Cause] = {}
    derived: dict[str, Cause] = {}
    for d in differences:
        if d.node in inner:
            truths = [_truth(case, d.node) for case in cases]
            if truths[0] != truths[1] and d.severity != WORDING:
                (derived if d.derived else direct).setdefault(d.node, _of_criterion(cases, d.node))
        elif d.severity == CHANGES and ((therapy in d.therapies and d.kind.startswith(ALWAYS)) or _speaks(cases, asking, d.node)):
            direct.setdefault(d.node, Cause(d.node, changed_node(d)))
    if direct or derived:
        return list((direct or derived).values())
    differing = [c for c in sorted(inner) if "members" not in _defined(cases, c) and _truth(cases[0], c) != _truth(cases[1], c)]
    return [_of_criterion(cases, c) for c in differing]


def _defined(cases: tuple[Case, Case], criterion: str) -> Tree:
    found: Tree = next(c.tree["criteria"][criterion] for c in reversed(cases) if criterion in c.tree["criteria"])
    return found


def changed_node(difference: Difference) -> str:
    """What is told of a node that came, went or changed."""
    return f"{difference.label} ({difference.kind.replace('-', ' ')})"


def met(label: str) -> str:
    """What is told of a criterion whose truth differs."""
    return f"the patient {label}"


def _of_criterion(cases: tuple[Case, Case], criterion: str) -> Cause:
    return Cause(criterion, met(_defined(cases, criterion)["label"]), _truth(cases[0], criterion), _truth(cases[1], criterion))


def roots(tree: Tree, therapy: str, verdict: bool, dose: bool) -> dict[str, list[tuple[str, bool]]]:
    """Nodes that decide on a therapy, each with the criteria that it asks and the truth of them that makes it count."""
    row = tree["rows"].get(therapy)
    asked: dict[str, list[tuple[str, bool]]] = {}
    if row is None:
        return asked
    for name in row["recommendations"] if verdict else ():
        rec = tree["recommendations"][name]
        asked.setdefault(name, []).append((rec["population"], True))
        asked.setdefault(rec["step"] or name, []).extend([(rec["later"], True)] if rec["later"] else [])
    for barrier in [b for r in row["recommendations"] for b in tree["recommendations"][r]["barriers"]] + row["barriers"]:
        if barrier["criterion"] and verdict:
            asked.setdefault(barrier["node"], []).append((barrier["criterion"], barrier["blocksWhen"]))
    for regimen in row["regimens"] if dose else ():
        asked.setdefault(regimen["id"], []).append((regimen["population"], True))
    return asked


def _speaks(cases: tuple[Case, Case], asking: list[dict[str, list[tuple[str, bool]]]], node: str) -> bool:
    """Whether a node decides on the therapy and, in one version, speaks of the patient."""
    for case, found in zip(cases, asking, strict=True):
        asked = found.get(node)
        if asked is not None and (not asked or any(case.truth[c] in (None, counts) for c, counts in asked)):
            return True
    return False


def below(tree: Tree, asked: Iterable[str]) -> set[str]:
    """Criteria and all that they are made of."""
    queue = list(asked)
    seen = set(queue)
    while queue:
        inner = {m for m, _ in tree["criteria"][queue.pop()].get("members", ())} - seen
        seen |= inner
        queue += inner
    return seen


def _truth(case: Case, criterion: str) -> str:
    if criterion not in case.tree["criteria"]:
        return "not there"
    return {True: "true", False: "false", None: "unknown"}[case.truth[criterion]]
