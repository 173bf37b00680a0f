"""Proof that a guideline is whole and free of contradiction, each fault with a patient who shows it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from dermograph import cache
from dermograph.workbench import claims, hermit, profile, subsumption
from dermograph.workbench.counterexamples import Inventor
from dermograph.workbench.problems import Problem
from dermograph.workbench.theory import Literal, Question, Theory

TRIED = 60
"""Patients that are invented for one fault before none is shown."""

KEPT = 60_000
"""Answers that are kept on disk; beyond them those of the last run alone."""

Progress = Callable[[str, int, int], None]
"""Told what is being proved, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Found:
    """A fault in its place.

    :param patient: a patient graph that shows it, as Turtle; empty where no patient does.
    """

    problem: Problem
    patient: str = ""


@dataclass(frozen=True)
class Proof:
    """What a run has proved.

    :param found: faults and notes, in the order of files and lines.
    :param asked: questions that the proof rests on.
    :param reasoned: those of them that were put to the reasoner, and not known from an earlier run.
    """

    found: tuple[Found, ...]
    asked: int
    reasoned: int


class Answers:
    """Answers of the reasoner by the digest of what they depend on, kept on disk from run to run."""

    def __init__(self) -> None:
        self._path = cache.folder() / "proofs.json"
        self.known: dict[str, Any] = self._load()
        self.used: dict[str, Any] = {}
        self.new = 0

    def _load(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def get(self, key: str) -> Any:
        """The answer under a key, or None."""
        if key in self.known:
            self.used[key] = self.known[key]
        return self.known.get(key)

    def put(self, key: str, answer: Any) -> None:
        """Note an answer."""
        self.known[key] = self.used[key] = answer
        self.new += 1

    def save(self) -> None:
        """Keep the answers; a folder that cannot be written is no error."""
        few = len(self.known) <= KEPT
        kept = {key: answer for key, answer in self.known.items() if key in self.used or (few and isinstance(answer, bool))}
        try:
            cache.write(self._path, kept)
        except OSError:
            return


def prove(ontology: Path, progress: Progress = lambda what, done, of: None) -> Proof:
    """Prove an ontology.

    :param ontology: folder of Turtle modules.
    :raises KnowledgeError: a module cannot be parsed, or the reasoner fails.
    :raises UsageError: the reasoner or Java is not installed.
    """
    hermit.command()
    theory, answers = Theory(ontology), Answers()
    outside = [Found(p) for p in profile.problems(theory)]
    if outside:
        return Proof(tuple(sorted(outside, key=lambda f: f.problem)), 0, 0)
    try:
        return _prove(theory, answers, progress)
    finally:
        answers.save()


def _prove(theory: Theory, answers: Answers, progress: Progress) -> Proof:
    whole, taxonomy = f"whole {theory.whole_digest}", f"taxonomy {theory.digest}"
    open_ = [(key, work) for key, work in ((whole, _consistent), (taxonomy, _taxonomy)) if answers.get(key) is None]
    with ThreadPoolExecutor(1) as beside:  # the reasoner runs in a process of its own, on the other core
        running = [(key, beside.submit(work, theory)) for key, work in open_]
        try:
            faults = _faults(theory, answers, progress)
        except hermit.Inconsistent:
            faults = []
            answers.put(whole, False)
        progress("consistency and subsumption", 0, 1)
        for key, work in running:
            if (answer := work.result()) is not None:
                answers.put(key, answer)
    if not answers.get(whole):
        message = "the ontology contradicts itself: no world can be as it says"
        mend = "take back the last change to an axiom or to what an individual is said to be"
        found = [Found(Problem("", 0, "ontology-inconsistent", "", message, mend))]
    else:
        progress("patients who show a fault", 0, 1)
        notes = [Found(p) for p in subsumption.problems(theory, answers.get(taxonomy))]
        found = sorted([*_placed(theory, faults), *notes], key=lambda f: f.problem)
    return Proof(tuple(found), len(answers.used), answers.new)


def _consistent(theory: Theory) -> bool:
    return hermit.consistent(theory.whole)


def _taxonomy(theory: Theory) -> subsumption.Taxonomy | None:
    try:
        return subsumption.taxonomy(theory)
    except (hermit.Inconsistent, hermit.TooLong):
        return None


def _faults(theory: Theory, answers: Answers, progress: Progress) -> list[claims.Fault]:
    """What is wrong, once every question that this turns on is answered."""
    asked: dict[Question, str] = {}
    while True:
        faults, pending = _round(theory, answers, asked)
        if not pending:
            return faults
        for question, answer in zip(pending, _reasoned(theory, pending, progress), strict=True):
            answers.put(asked[question], answer)


def _reasoned(theory: Theory, questions: Sequence[Question], progress: Progress) -> list[bool]:
    """Answers of the reasoner to questions; those of one run are told only of the criteria that they turn on."""
    done, found = iter(range(1, len(questions) + 1)), list[bool]()
    for start in range(0, len(questions), hermit.BATCH):
        text, names = theory.asked(questions[start : start + hermit.BATCH])
        found += hermit.satisfiable(text, names, lambda: progress("criteria, doses, recommendations, steps", next(done), len(questions)))
    return found


def _round(theory: Theory, answers: Answers, asked: dict[Question, str]) -> tuple[list[claims.Fault], list[Question]]:
    """Faults as far as the answers reach, and the questions that are open."""
    pending: dict[Question, None] = {}

    def can(literals: Sequence[Literal]) -> bool:
        question = tuple(sorted(set(literals)))
        if question not in asked:
            asked[question] = theory.key(question)
        answer = answers.get(asked[question])
        if answer is None:
            pending[question] = None
        return answer is not False

    return list(claims.faults(theory, can)), list(pending)


# --- patients who show a fault


def _placed(theory: Theory, faults: Sequence[claims.Fault]) -> Iterator[Found]:
    if not faults:
        return
    shower = _Shower(theory)
    for fault in faults:
        file, line = theory.places.of(fault.node, fault.at)
        turtle, words = shower.show(fault) if fault.question else ("", "")
        message = f"{fault.message}; for instance {words}" if words else fault.message
        yield Found(Problem(file, line, fault.rule, fault.node, message, fault.mend, fault.level), turtle)


class _Shower:
    """Finds the patient who shows a fault, and holds him to what ``assess`` says."""

    def __init__(self, theory: Theory) -> None:
        from dermograph.knowledge import Knowledge

        self.inventor = Inventor(theory)
        self.knowledge = Knowledge.load(theory.ontology)

    def show(self, fault: claims.Fault) -> tuple[str, str]:
        """A patient graph and its words; both empty where no invented patient shows the fault."""
        for turtle, words in islice(self.inventor.patients(fault.question, fault.shows == "overlap"), TRIED):
            if self._shows(turtle, fault):
                return turtle, words
        return "", ""

    def _shows(self, turtle: str, fault: claims.Fault) -> bool:
        from dermograph.verdicts import judge

        (one,) = self.knowledge.read(turtle)
        if any(f.severity == "Violation" for f in self.knowledge.validate([one])):
            return False
        case = self.knowledge.case(one)
        if any(case.holds(name) is not sign for name, sign in fault.question):
            return False
        if not fault.shows:
            return True
        judged = judge(case, fault.therapy)
        if judged.status == "excluded":
            return False
        return judged.fitting.none if fault.shows == "gap" else len(judged.fitting.fits) > 1


def to_json(proof: Proof) -> dict[str, Any]:
    """A proof in plain JSON."""
    return {
        "asked": proof.asked,
        "reasoned": proof.reasoned,
        "problems": [dataclasses.asdict(f.problem) | ({"patient": f.patient} if f.patient else {}) for f in proof.found],
    }
