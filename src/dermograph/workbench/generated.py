"""Patients that the cases lack, made from the model: on each side of a threshold, with a truth unknown, with one label fact alone.

Each is the valid patient nearest to hand: a case that exists, with as little added, changed or taken out as the duty needs.
The outcome is left for the author to state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from dermograph import content, record
from dermograph.amounts import plain
from dermograph.casebook import Entry
from dermograph.errors import InputError, UsageError
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.terms import PREFIXES, local_name
from dermograph.workbench import possibilities
from dermograph.workbench.covering import TRUTHS, Cover, Duty

Tree = dict[str, Any]
World = dict[str, bool | None]
"""Atomic criteria with the truth that each is to have."""

TODO = "state the outcome from the documents, say in sources where, and take this line out"
_TRUTH = {word: truth for truth, word in TRUTHS.items()}


@dataclass(frozen=True)
class Draft:
    """A patient that shows a duty.

    :param name: name of the folder.
    :param sentence: what the patient is like.
    """

    name: str
    sentence: str
    turtle: str


class Drafts:
    """Makes drafts; knows the words of a patient graph from the ontology."""

    def __init__(self, ontology: Path) -> None:
        self.knowledge = Knowledge.load(ontology)
        self.tree = self.knowledge.tree
        self.graph = Graph(read(content.modules(ontology)))
        self.able = possibilities.truths(self.graph, self.tree)
        (self.disease,) = self.graph.having("dg:guidelineDisease")[:1]
        self.outcomes = {fact: o for o in self.graph.having("dg:yields") for fact in self.graph.nodes(o, "dg:yields")}
        self.brief = {fact: o for o in self.graph.having("dg:yieldsIfBrief") for fact in self.graph.nodes(o, "dg:yieldsIfBrief")}

    def of(self, duty: Duty) -> Draft | None:
        """A draft for a duty; None where the model alone does not say what patient shows it."""
        world: World | None = None
        if duty.kind == "criterion":
            world = self.world(duty.node, _TRUTH[duty.aspect])
        elif duty.kind == "threshold":
            return self._threshold(duty)
        elif duty.kind == "label fact":
            fact = next(f for f in _facts(self.tree, duty.aspect) if f["node"] == duty.node)
            world = self.world(fact["criterion"], fact["blocksWhen"]) if fact["criterion"] else None
        elif duty.kind == "regimen":
            (regimen,) = [r for r in self.tree["rows"][duty.aspect]["regimens"] if r["id"] == duty.node]
            world = self.world(regimen["population"], True) if regimen["population"] else None
        return None if world is None else self._draft(duty, world)

    # --- worlds

    def world(self, name: str, truth: bool | None) -> World | None:
        """A smallest set of atomic criteria that gives a criterion a truth."""
        criterion = self.tree["criteria"][name]
        if "members" not in criterion:
            return {name: truth} if truth in self.able[name] else None
        both = criterion["op"] == "and"
        wanted = [(m, truth if positive or truth is None else not truth) for m, positive in criterion["members"]]
        if truth is None or truth is both:
            needed, rest = (wanted, None) if truth is not None else ([], wanted)
        else:
            needed, rest = [], wanted
        found: World = {}
        for member, sought in needed:
            inner = self.world(member, sought)
            if inner is None or any(found.get(a, t) is not t for a, t in inner.items()):
                return None
            found |= inner
        if rest is None:
            return found
        options = [w for member, sought in rest if (w := self.world(member, sought)) is not None]
        if not options:
            return None
        return self._beside(criterion, min(options, key=len), both) if truth is None else min(options, key=len)

    def _beside(self, criterion: Tree, chosen: World, both: bool) -> World | None:
        """An unknown member, and the others so that they do not decide."""
        found = dict(chosen)
        for member, positive in criterion["members"]:
            inner = self.world(member, both if positive else not both) or {}
            for atom, truth in inner.items():
                found.setdefault(atom, truth)
        return found

    # --- patients

    def _draft(self, duty: Duty, world: World) -> Draft:
        lines = self._lines(world)
        words = duty.node if duty.kind == "criterion" else f"{duty.node} {duty.aspect}"
        return self._made(duty, f"{local_name(words.split()[0])} {duty.aspect}", lines)

    def _threshold(self, duty: Duty) -> Draft | None:
        side, _, bound = duty.aspect.rpartition(" ")
        step = next(s for f, b, s in possibilities.bounds(self.tree) if f == duty.node and b == Decimal(bound))
        value = Decimal(bound) + {"just below": -step, "at": Decimal(0), "just above": step}[side]
        lines = self._measured(duty.node, value) | {"pt:sex pt:Female": None}
        return self._made(duty, f"{local_name(duty.node)} {duty.aspect}", lines)

    def _made(self, duty: Duty, words: str, lines: dict[str, None]) -> Draft:
        name = "todo-" + "-".join("".join(c if c.isalnum() else " " for c in _apart(words)).lower().split())
        given = dict(lines)
        if not any(line.startswith(("pt:birthDate", "pt:ageYears")) for line in given):
            given["pt:ageYears 30"] = None
        bare = f"pt:condition [ a {self.disease} ]"
        if any(line.startswith(f"pt:condition [ a {self.disease} ;") and "pt:status" not in line for line in given):
            given.pop(bare, None)
        else:
            given[bare] = None
        body = " ;\n    ".join(sorted(given))
        prefixes = "".join(f"@prefix {p}: <{PREFIXES[p]}> .\n" for p in ("ad", "pt", "xsd"))
        head = f'{prefixes}\n<urn:example:{name}> a pt:Patient ;\n    pt:asOf "2026-11-01"^^xsd:date ;\n    '
        return Draft(name, f"{duty.label} ({duty.aspect}).", f"{head}{body} .\n")

    def _lines(self, world: World) -> dict[str, None]:
        """Predicates and objects of a patient of whom the atomic criteria have their truths."""
        lines: dict[str, None] = {}
        numbers: dict[str, list[tuple[Tree, bool]]] = {}
        for atom, truth in world.items():
            criterion = self.tree["criteria"][atom]
            if "range" in criterion:
                if truth is not None:
                    numbers.setdefault(criterion["fact"], []).append((criterion, truth))
                elif criterion["fact"] == "fact:ageMonths":
                    lines["pt:ageYears 0 "] = None
            elif "value" in criterion:
                lines |= self._valued(criterion, truth)
            else:
                lines |= self._classed(criterion, truth)
        for fact, asked in numbers.items():
            value = self._inside(fact, asked)
            if value is not None:
                lines |= self._measured(fact, value)
        return {k: v for k, v in lines.items() if k != "pt:ageYears 0 "}

    def _inside(self, fact: str, asked: Sequence[tuple[Tree, bool]]) -> Decimal | None:
        """A number that is inside and outside of ranges as asked, nearest to one of their bounds."""
        step = Decimal(self.tree["facts"][fact]["resolution"] or 1)
        bounds = [Decimal(b) for c, _ in asked for b in c["range"].values() if abs(Decimal(b)) < 10**8]
        tried = [b + move for b in bounds for move in (Decimal(0), -step, step)]
        return next((v for v in tried if v >= 0 and all(_within(c, v) is truth for c, truth in asked)), None)

    def _measured(self, fact: str, value: Decimal) -> dict[str, None]:
        measures = self.tree["facts"][fact]["measures"]
        if measures is None:
            years, months = divmod(int(value), 12)
            year, month = divmod(2026 * 12 + 10 - years * 12 - months, 12)
            return {f'pt:birthDate "{year:04}-{month + 1:02}-01"^^xsd:date': None}
        unit = self.tree["facts"][fact]["unit"]
        return {f'pt:observation [ a {measures} ; pt:value {plain(value)} ; pt:unit "{unit}" ; pt:date "2026-10-20"^^xsd:date ]': None}

    def _valued(self, criterion: Tree, truth: bool | None) -> dict[str, None]:
        recorded = self.tree["facts"][criterion["fact"]]["recordedAs"]
        kinds = [k for k in self.graph.nodes(criterion["value"], "rdf:type") if self.graph.nodes(k, "dg:valuesOf")]
        others = [v for k in kinds for v in self.graph.instances(k) if v != criterion["value"]]
        value = criterion["value"] if truth else others[0] if truth is False and others else None
        if value is None:
            return {}
        on_disease = "dg:Condition" in self.graph.nodes(recorded, "dg:domainIncludes")
        return {f"pt:condition [ a {self.disease} ; {recorded} {value} ]" if on_disease else f"{recorded} {value}": None}

    def _classed(self, criterion: Tree, truth: bool | None) -> dict[str, None]:
        fact, cls = criterion["fact"], criterion["class"]
        if fact in {"fact:hasCondition", "fact:everHad"}:
            if truth is False:
                return {f"pt:absent {cls}": None} if self.tree["conditions"][cls]["screened"] else {}
            return {f"pt:condition [ a {cls}{'' if truth else ' ; pt:status pt:Suspected'} ]": None}
        if truth is False:
            return {}
        if fact == "fact:isHypersensitiveTo":
            status = "" if truth else " ; pt:status pt:Suspected"
            return {f"pt:condition [ a {self._reaction()} ; pt:causedBy [ a {cls} ]{status} ]": None}
        recorded = self.tree["facts"][fact]["recordedAs"]
        if fact in self.brief:
            return {f'pt:course [ a {cls} ; pt:start "2026-10-01"^^xsd:date ; pt:end "2026-10-02"^^xsd:date ; pt:outcome {self.brief[fact]} ]': None}
        if fact in self.outcomes and recorded == "pt:course":
            return {f"pt:course [ a {cls} ; pt:outcome {self.outcomes[fact]} ]": None}
        if recorded == "pt:assessment":
            result = self.outcomes.get(fact, "pt:Done")
            return {f'pt:assessment [ a {cls} ; pt:result {result} ; pt:date "2026-10-20"^^xsd:date ]': None}
        return {}

    def _reaction(self) -> str:
        """The class of a condition that names its cause."""
        return next(n for n in self.graph.having("dg:namesCause") if self.graph.flag(n, "dg:namesCause"))


def _within(criterion: Tree, value: Decimal) -> bool:
    bounds = {facet: Decimal(bound) for facet, bound in criterion["range"].items()}
    return bounds["from"] <= value <= bounds["upTo"] and bounds["above"] < value < bounds["below"]


def _facts(tree: Tree, therapy: str) -> Iterator[Tree]:
    row = tree["rows"][therapy]
    yield from row["barriers"]
    for caution in [*row["cautions"], *row["gaps"]]:
        yield {"node": caution["id"], "blocksWhen": True} | caution


def _apart(name: str) -> str:
    """A name in upper camel case as words."""
    return "".join(f" {c}" if c.isupper() else c for c in name)


def write(ontology: Path, entries: Sequence[Entry], cover: Cover, folder: Path) -> list[Path]:
    """Write a case folder for each open duty that the model can show; the outcome is left to be stated.

    A patient who shows several duties is written once; one that no valid graph shows is left out.

    :raises UsageError: the folder holds something already.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "name a new folder")
    drafts = Drafts(ontology)
    made: dict[str, Draft] = {}
    told: set[str] = {e.name for e in entries}
    bodies: set[str] = set()
    for duty in cover.open:
        draft = drafts.of(duty)
        if draft is None or draft.name in told | made.keys():
            continue
        body = draft.turtle.replace(draft.name, "")
        if body not in bodies:
            bodies.add(body)
            made[draft.name] = draft
    return [_written(draft, folder) for draft in made.values() if _valid(drafts.knowledge, draft)]


def _valid(knowledge: Knowledge, draft: Draft) -> bool:
    try:
        records = record.read(draft.turtle.encode(), draft.name, suffix=".ttl")
    except InputError:
        return False
    return not any(f.severity == "Violation" for f in knowledge.validate(records))


def _written(draft: Draft, folder: Path) -> Path:
    where = folder / draft.name
    where.mkdir(parents=True)
    (where / "patient.ttl").write_text(draft.turtle, encoding="utf-8")
    stub = {"todo": TODO, "sentence": draft.sentence, "sources": [], "therapies": {}}
    (where / "expected.yaml").write_text(yaml.safe_dump(stub, sort_keys=False, allow_unicode=True, width=150), encoding="utf-8")
    return where
