"""Which case notices a mutant: its outcome is then no longer what the case expects.

The truths of all cases are worked out once. For a mutant, only criteria that rest on what it changes are worked out
again, and only cases whose truths, verdicts or doses change by it are judged again, until one notices.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dermograph import casebook, content, plan
from dermograph.assessment import to_json
from dermograph.case import Case
from dermograph.casebook import Entry
from dermograph.criteria import Truths, compose, presume
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.terms import expand
from dermograph.verdicts import Judged, judge
from dermograph.workbench.mutants import Mutant, applied, mutants

Tree = dict[str, Any]
_DATE, _NUMBER = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"-?\d+(\.\d+)?")
_WHOLE = {"at", "next", "not_at", "missing", "assumed", "actions", "no_actions"}
"""Keys of an outcome that are of no therapy by itself."""
_MARGIN = 2
"""How far from a threshold a value is still looked at when the threshold is moved by one."""
Noticed = tuple[str, str]
"""Name of a mutant, and of the first case that notices it, empty where none does."""


@dataclass(frozen=True)
class _Rails:
    """Cases that share one set of truths.

    :param raw: truths without gates and presumptions, from which those follow.
    """

    cases: list[Case]
    raw: Truths
    truths: Truths
    everyone: int


class Witnesses:
    """The cases, ready to be asked about mutants.

    :param entries: cases whose outcome is stated; others notice nothing.
    """

    def __init__(self, knowledge: Knowledge, graph: Graph, entries: Sequence[Entry]) -> None:
        self.knowledge, self.graph, self.tree = knowledge, graph, knowledge.tree
        self.entries = [e for e in entries if e.expected]
        cases = knowledge.cases(e.record for e in self.entries)
        bare = {n: {k: v for k, v in c.items() if k not in {"gate", "presumedFalseWhen"}} for n, c in self.tree["criteria"].items()}
        raw = _like(knowledge, knowledge.tree | {"criteria": bare}).cases(e.record for e in self.entries)
        self.rails: list[_Rails] = []
        for case, plain_case in zip(cases, raw, strict=True):
            if not self.rails or self.rails[-1].truths is not case.truths:
                self.rails.append(_Rails([], plain_case.truths, case.truths, (1 << len(case.truths.patients)) - 1))
            self.rails[-1].cases.append(case)
        self.cases = cases
        self.expected = {c.record.name: e for c, e in zip(cases, self.entries, strict=True)}
        self._asked, self._deciding = _asked(self.tree)
        self._case = {c.record.name: c for c in cases}
        self._numbers: dict[str, set[Decimal]] = {}
        self._known: dict[str, dict[str, Judged]] = {}
        self._after: dict[str, list[str]] = {}
        for name, criterion in self.tree["criteria"].items():
            for other in {m for m, _ in criterion.get("members", ())} | {criterion[k] for k in ("gate", "presumedFalseWhen") if k in criterion}:
                self._after.setdefault(other, []).append(name)
        self._place = {name: place for place, name in enumerate(self.tree["criteria"])}

    def notice(self, mutant: Mutant) -> str:
        """Name of the first case that notices a mutant, empty where none does."""
        found = sorted(self._candidates(mutant), key=lambda pair: self._effort(*pair))
        return next((entry.name for case, changed in found if self._wrong(entry := self.expected[case.record.name], case, changed)), "")

    def _effort(self, case: Case, changed: frozenset[str]) -> tuple[bool, bool, int]:
        """What orders the cases: first those that state something of a therapy that changes, and little else."""
        wanted = self.expected[case.record.name].expected
        named = _named(wanted)
        return not wanted.keys().isdisjoint(("actions", "no_actions")), not named & changed, len(named)

    def _wrong(self, entry: Entry, case: Case, changed: frozenset[str]) -> bool:
        """Whether an outcome is no longer as stated, of which only what rests on the changed therapies is put together again."""
        wanted, rows = entry.expected, case.tree["rows"]
        therapies = wanted.get("therapies", {})
        ranked = _ranks(wanted)
        named = _named(wanted) if ranked else _named(wanted) & changed
        if wanted.keys() & {"actions", "no_actions"}:
            return bool(casebook.wrong(wanted, self.knowledge.answer(case).to_json()))
        before = self._verdicts(case.record.name) if ranked or "missing" in wanted else {}
        asked = rows if before else named
        judged = [judge(case, t) if t in changed else before[t] for t in rows if t in asked]
        if "missing" in wanted and not set(wanted["missing"]) <= {fact for j in judged for fact in j.missing}:
            return True
        if ranked:
            ranks = plan.ranks(case, judged)
            if any(ranks[t] != want["rank"] for t, want in therapies.items() if "rank" in want):
                return True
            named &= changed
        left = {key: {t: v for t, v in wanted.get(key, {}).items() if t in named} for key in casebook.OF_THERAPIES}
        answer = self.knowledge.answer(case, named, judged)
        told = {key: to_json(getattr(answer, key)) for key in ("pathway", "assumptions", "therapies", "conflicts")}
        without_rank = {t: {key: v for key, v in want.items() if key != "rank"} for t, want in left["therapies"].items()}
        whole = {key: wanted[key] for key in ("at", "next", "not_at", "assumed") if key in wanted}
        return bool(casebook.wrong(whole | left | {"therapies": without_rank}, told | {"actions": []}))

    def _verdicts(self, name: str) -> dict[str, Judged]:
        """Verdicts of a case under the untouched guideline, worked out when they are first asked for."""
        kept = self._known.get(name)
        if kept is None:
            kept = self._known[name] = {t: judge(self._case[name], t) for t in self.tree["rows"]}
        return kept

    # --- which cases may notice

    def _candidates(self, mutant: Mutant) -> Iterator[tuple[Case, frozenset[str]]]:
        """Cases that may notice a mutant, each with the therapies whose verdicts may change."""
        if mutant.facts:
            for case in self._of_facts(mutant):
                yield case, frozenset(self.tree["rows"])
            return
        tree = applied(self.tree, mutant)
        criteria = [path[1] for path, _ in mutant.edits if path[0] == "criteria"]
        for rails in self.rails:
            truths, changed = self._recomputed(rails, tree, criteria) if criteria else (replace(rails.truths, tree=tree), {})
            for case in rails.cases:
                there = replace(case, tree=tree, truths=truths)
                touched = {name for name, places in changed.items() if places >> case.place & 1}
                if (touched and self._reaches(case, touched)) or (len(criteria) < len(mutant.edits) and self._differs(mutant, case, there)):
                    yield there, frozenset(mutant.therapies) | {t for t, asked in self._asked.items() if touched & asked}

    def _differs(self, mutant: Mutant, before: Case, after: Case) -> bool:
        """Whether a case could tell a change that lies outside the criteria."""
        expected = self.expected[before.record.name].expected
        if not mutant.therapies:
            return bool(expected.keys() & {"at", "next", "not_at"}) or _ranks(expected)
        if any(path[0] == "steps" for path, _ in mutant.edits) and expected.keys() & {"at", "next", "not_at"}:
            return True
        keys = {path[2] for path, _ in mutant.edits if path[0] == "rows"}
        of_all = bool(expected.keys() & {"missing", "actions", "no_actions"}) or _ranks(expected)
        named, told = _named(expected), {"cautions", "gaps"}
        for therapy in mutant.therapies:
            if not of_all and therapy not in named:
                continue
            wanted = expected.get("therapies", {}).get(therapy, {})
            if keys & told and (any(therapy in expected.get(key, ()) for key in ("cautions", "notes", "no_notes")) or "continue" in wanted):
                return True
            if (not keys or keys - told) and self._verdicts(before.record.name)[therapy] != judge(after, therapy):
                return True
        return False

    def _reaches(self, case: Case, touched: set[str]) -> bool:
        """Whether what a case expects can turn on one of the criteria."""
        expected = self.expected[case.record.name].expected
        if expected.keys() & _WHOLE:
            return True
        if _ranks(expected) and touched & self._deciding:
            return True
        return any(touched & self._asked[t] for t in _named(expected))

    def _of_facts(self, mutant: Mutant) -> Iterator[Case]:
        """Cases with a record that a changed threshold reads, with their facts worked out anew."""
        triples = {(expand(s), expand(p)): ox.Literal(new, datatype=_number(new)) for s, p, _, new in mutant.facts}
        index = [
            ox.Triple(t.subject, t.predicate, triples[key]) if (key := (t.subject.value, t.predicate.value)) in triples else t  # type: ignore[union-attr]
            for t in self.knowledge.index
        ]
        tree = self.tree
        predicate = mutant.facts[0][1]
        if predicate == "dg:validFor":
            tree = tree | {"validity": tree["validity"] | {s: new for s, _, _, new in mutant.facts}}
        within, read_ = tree["within"], {s for s, *_ in mutant.facts}
        if predicate == "dg:definedBelow":
            read_ = {o for s in read_ for o in self.graph.nodes(s, "dg:definedByObservable")}
        near = {Decimal(old) for *_, old, _ in mutant.facts}
        kinds = {name: _kinds(c) for name, c in self._case.items() if self._close(name, near)}
        records = [self._case[name].record for name, found in kinds.items() if any(read_ & set(within.get(kind, ())) for kind in found)]
        if records:
            yield from Knowledge(tree, index, self.knowledge.sha256).cases(records)

    def _close(self, name: str, bounds: set[Decimal]) -> bool:
        """Whether a case has a number, or days between two dates, that moving a bound by one may matter to."""
        numbers = self._numbers.get(name)
        if numbers is None:
            numbers = self._numbers[name] = _numbers_of(self._case[name])
        return any(abs(n - bound) <= _MARGIN for bound in bounds for n in numbers)

    # --- truths

    def _recomputed(self, rails: _Rails, tree: Tree, criteria: Sequence[str]) -> tuple[Truths, dict[str, int]]:
        """Truths under another tree, and for each criterion that differs the places at which it does."""
        truths = Truths(tree, rails.truths.patients, dict(rails.truths.true), dict(rails.truths.false), rails.truths.assumed)
        changed: dict[str, int] = {}
        queue = {self._place[name]: name for name in criteria}
        while queue:
            name = queue.pop(min(queue))
            self._work_out(rails, truths, name)
            differs = (truths.true[name] ^ rails.truths.true[name]) | (truths.false[name] ^ rails.truths.false[name])
            if differs:
                changed[name] = differs
                queue |= {self._place[n]: n for n in self._after.get(name, ())}
        return truths, changed

    def _work_out(self, rails: _Rails, truths: Truths, name: str) -> None:
        criterion = truths.tree["criteria"][name]
        if "members" in criterion:
            compose(truths, name, rails.everyone)
            return
        yes, no = rails.raw.true[name], rails.raw.false[name]
        if "range" in criterion and criterion is not self.tree["criteria"][name]:
            yes, no = _ranged(rails.cases, criterion)
        if "gate" in criterion:
            suspected = sum(1 << c.place for c in rails.cases if c.suspects(criterion["class"]))
            no |= rails.everyone & ~yes & ~no & ~suspected & truths.false[criterion["gate"]]
        truths.true[name], truths.false[name] = yes, no
        if "presumedFalseWhen" in criterion:
            presume(truths, name, rails.everyone)


def _asked(tree: Tree) -> tuple[dict[str, set[str]], set[str]]:
    """Criteria that each therapy's verdict asks by name or in parts, and those that decide some status or rank."""

    def closed(names: set[str]) -> set[str]:
        return names | set().union(*(closed({m for m, _ in tree["criteria"][n].get("members", ())}) for n in names))

    asked: dict[str, set[str]] = {}
    deciding: set[str] = set()
    for therapy, row in tree["rows"].items():
        own = [tree["recommendations"][r] for r in row["recommendations"]]
        status = {b["criterion"] for node in (row, *own) for b in node["barriers"]} | {r["later"] for r in own} | {row["ongoing"]}
        status |= {r["population"] for r in row["regimens"]}
        brief = set(tree["brief"].values())
        deciding |= closed({c for c in status if c} | brief)
        status |= {d["criterion"] for d in tree["disagreements"] if therapy in d["rows"]}
        told = {i["criterion"] for key in ("cautions", "gaps", "screening", "baseline", "monitoring", "response") for i in row[key]}
        asked[therapy] = closed({c for c in status | told if c} | brief)
    return asked, deciding


def _named(expected: Tree) -> set[str]:
    """Therapies that an outcome states something of."""
    return {therapy for key in casebook.OF_THERAPIES for therapy in expected.get(key, ())}


def _ranks(expected: Tree) -> bool:
    """Whether an outcome states a rank, which turns on every therapy."""
    return any("rank" in want for want in expected.get("therapies", {}).values())


def _like(knowledge: Knowledge, tree: Tree) -> Knowledge:
    return Knowledge(tree, knowledge.index, knowledge.sha256)


def _ranged(cases: Sequence[Case], criterion: Tree) -> tuple[int, int]:
    """The two rails of an atomic criterion on a number."""
    bounds = {facet: Decimal(bound) for facet, bound in criterion["range"].items()}
    yes = no = 0
    for case in cases:
        value = case.number(criterion["fact"])
        if value is not None:
            inside = bounds["from"] <= value <= bounds["upTo"] and bounds["above"] < value < bounds["below"]
            yes, no = (yes | 1 << case.place, no) if inside else (yes, no | 1 << case.place)
    return yes, no


def _kinds(case: Case) -> set[str]:
    nodes = [str(v) for p, v in case.facts[case.me] if p in {"pt:observation", "pt:assessment", "pt:course"}]
    return {str(v) for node in nodes for p, v in case.facts[node] if p == "rdf:type"}


def _numbers_of(case: Case) -> set[Decimal]:
    """Numbers of a record and its facts, and the days between any two of its dates."""
    nodes = {case.me} | {str(v) for _, v in case.facts[case.me] if str(v) in case.facts}
    values = {str(v) for node in nodes for _, v in case.facts[node]}
    dates = {case.record.as_of} | {v for v in values if _DATE.fullmatch(v)}
    days = {date.fromisoformat(d).toordinal() for d in dates}
    return {Decimal(abs(a - b)) for a in days for b in days} | {Decimal(v) for v in values if _NUMBER.fullmatch(v)}


def _number(text: str) -> ox.NamedNode:
    return ox.NamedNode(expand("xsd:decimal" if "." in text else "xsd:integer"))


# --- the whole run


def witnesses(ontology: Path, *cases: Path) -> tuple[Witnesses, list[Mutant]]:
    """The cases of some folders, ready to be asked, and the mutants of an ontology."""
    graph = Graph(read(content.modules(ontology)))
    knowledge = Knowledge.load(ontology)
    return Witnesses(knowledge, graph, casebook.read(*cases)), mutants(graph, knowledge.tree)


def count(ontology: Path) -> int:
    """How many mutants an ontology has."""
    return len(mutants(Graph(read(content.modules(ontology))), Knowledge.load(ontology).tree))


_here: tuple[Witnesses, list[Mutant]] | None = None


def _start(ontology: Path, cases: Sequence[Path]) -> None:
    global _here
    _here = witnesses(ontology, *cases)


def _ask(places: Sequence[int]) -> list[Noticed]:
    assert _here is not None
    asked, made = _here
    return [(made[place].name, asked.notice(made[place])) for place in places]


def run(ontology: Path, cases: Sequence[Path], places: Sequence[int], jobs: int, step: Callable[[int], None] = lambda n: None) -> dict[str, str]:
    """For each mutant at a place the case that notices it, in the order of the places.

    :param jobs: processes that share the work.
    :param step: called with the number of mutants that were asked about since.
    """
    batches = [places[start : start + 20] for start in range(0, len(places), 20)]
    found: dict[str, str] = {}
    if jobs == 1:
        _start(ontology, cases)
        for batch in batches:
            found |= _ask(batch)
            step(len(batch))
        return found
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start, (ontology, cases)) as pool:
        for answer in pool.map(_ask, batches):
            found |= answer
            step(len(answer))
    return found
