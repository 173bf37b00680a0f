"""The CQL engine: the rules as ELM, worked out by ``cql-execution`` over FHIR bundles, one patient after another."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dermograph.cohort import population
from dermograph.content import folder
from peers.cql_facts import CqlFacts
from peers.cql_statuses import CqlStatuses
from peers.elm import NULL, Elm, absent, any_in, both, cases, either, library, literal, negated, operator, ref, tuple_, unary, when
from peers.peer import Answer
from peers.people import People
from peers.rules import HINT, Atom, Classes, Found, Rules

HERE = Path(__file__).parent
ENGINE = "cql-execution"


class Encoding:
    """The rules as a library of ELM: a definition for each fact and criterion, and one that gives them all.

    It gives them as a tuple, since the engine works the parts of a list out at the same time, and so what two of them rest on twice.
    Facts come first, so that they are known when a list needs them.

    :param today: the day asked about.
    """

    def __init__(self, rules: Rules, today: dt.date) -> None:
        self.rules, self.facts = rules, CqlFacts(rules, today)
        self.answers = [*rules.criteria, *(name for name in rules.atoms if name.startswith(HINT))]
        definitions = self.facts.definitions | {name: self._criterion(name) for name in self.answers}
        statuses = CqlStatuses(rules)
        definitions |= statuses.definitions
        facts, truths = (tuple_(**{name: ref(name) for name in names}) for names in (self.facts.definitions, self.answers))
        definitions["Answer"] = tuple_(facts=facts, truths=truths, statuses=tuple_(**statuses.statuses))
        self.library = library("Dermograph", definitions, self.facts.sets)
        self.value_sets = {name: {"1": [{"code": c, "system": "urn:dermograph"} for c in classes]} for name, classes in self.facts.sets.items()}

    def _criterion(self, name: str) -> Elm:
        criterion = self.rules.tree["criteria"].get(name, {})
        if "members" in criterion:
            members = [ref(m) if positive else negated(ref(m)) for m, positive in criterion["members"]]
            found = (both if criterion["op"] == "and" else either)(*members)
        else:
            found = self._atom(name, self.rules.atoms[name])
        presumed = criterion.get("presumedFalseWhen")
        return when(both(absent(found), unary("IsTrue", ref(presumed))), literal(False), found) if presumed else found

    def _atom(self, name: str, atom: Atom) -> Elm:
        if atom.bounds is not None:
            first, last = atom.bounds
            tests = [("GreaterOrEqual", first), ("Less", last)]
            return both(*(operator(test, ref(atom.fact), literal(float(end))) for test, end in tests if end is not None))
        if atom.value is not None:
            here = operator("In", literal(atom.value), ref(atom.fact))
            return when(unary("Exists", ref(atom.fact)), here, NULL) if atom.unsaid == "U" else here
        rows = []
        for mark, classes, then in (("met", atom.met, literal(True)), ("opened", atom.opened, NULL), ("denied", atom.denied, literal(False))):
            if classes:
                rows.append((self._any(f"{mark} {name}", classes), then))
        if atom.unsaid not in {"F", "U"}:
            rows.append((unary("IsFalse", ref(atom.unsaid)), literal(False)))
        other = literal(False) if atom.unsaid == "F" else NULL
        return rows[0][0] if len(rows) == 1 and atom.unsaid == "F" else cases(*rows, other=other)

    def _any(self, name: str, classes: Classes) -> Elm:
        return either(*(any_in(ref(fact), self.facts.value_set(f"{name} {fact}", sorted(those))) for fact, those in classes.items()))


@dataclass
class Cql:
    """Everything in CQL, from the record on: dates, Kleene's logic and the rule of statuses."""

    rules: Rules
    most: int = 1_000
    name: str = "CQL engine, from FHIR"

    def missing(self) -> str | None:
        if shutil.which("node") is None:
            return "no node on the path"
        return None if (HERE / "node_modules" / ENGINE).exists() else f"no npm packages: npm install --no-package-lock in {HERE.name}"

    def version(self) -> str:
        version: str = json.loads((HERE / "node_modules" / ENGINE / "package.json").read_text(encoding="utf-8"))["version"]
        return version

    def answer(self, people: People) -> Answer:
        encoding = Encoding(self.rules, population.read(folder("ontology")).as_of)
        with tempfile.TemporaryDirectory() as room:
            files = [Path(room) / "library.json", Path(room) / "value-sets.json"]
            for file, content in zip(files, (encoding.library, encoding.value_sets), strict=True):
                file.write_text(json.dumps(content), encoding="utf-8")
            run = subprocess.run(["node", HERE / "cql.js", HERE, *files, people.bundles], capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stderr)
        *lines, seconds = run.stdout.splitlines()
        if len(lines) != people.count or run.stderr:
            raise RuntimeError(run.stderr[:2000] or f"{len(lines)} answers for {people.count} patients")
        parts = [line.split(" ") for line in lines]
        columns = dict(zip(encoding.answers, zip(*(letters for letters, *_ in parts), strict=True), strict=True))
        true, false = ({name: _rail(column, letter) for name, column in columns.items()} for letter in "TF")
        told = zip(self.rules.tree["rows"], zip(*(statuses for _, *statuses in parts), strict=True), strict=True)
        statuses = {therapy: {status: _rail(column, status) for status in set(column)} for therapy, column in told}
        return Answer(float(seconds), statuses, Found(true, false, true))


def _rail(column: Sequence[str], asked: str) -> int:
    """Patients of whom a column says this."""
    return int("".join("01"[said == asked] for said in reversed(column)), 2)
