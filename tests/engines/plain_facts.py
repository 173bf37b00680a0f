"""A plain program, written from sections 2 to 4 of the kit's page alone, finds the facts of a record as of its day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

DG, PT = Namespace("https://w3id.org/dermograph/core#"), Namespace("https://w3id.org/dermograph/patient#")
FACT = Namespace("https://w3id.org/dermograph/fact#")
FACTORS = {("[lb_av]", "kg"): Decimal("0.45359237"), ("g", "kg"): Decimal("0.001"), ("g/L", "g/dL"): Decimal("0.1")}
"""Factors between the units that the cases mix; what is not here is the same unit."""
FAR = 10**9
Pair = tuple[str, str]


@dataclass(frozen=True)
class Sheet:
    """A record beside the guideline graph."""

    guideline: Graph
    record: Graph

    def __post_init__(self) -> None:
        (me,) = self.record.subjects(RDF.type, PT.Patient)
        object.__setattr__(self, "me", me)
        object.__setattr__(self, "today", self.day(me, PT.asOf))

    me: Node = RDF.nil
    today: int = 0

    def day(self, node: Node, *properties: Node) -> int | None:
        """Number of a day, by the first of the properties that is there."""
        for found in (self.record.value(node, p) for p in properties):
            if found is not None:
                return date.fromisoformat(str(found)).toordinal()
        return None

    def number(self, node: Node, predicate: Node) -> Decimal | None:
        """A number that the guideline graph says of a node."""
        found = self.guideline.value(node, predicate)
        return None if found is None else Decimal(str(found))

    def nodes(self, predicate: Node) -> Iterator[tuple[Node, Node]]:
        """Recorded nodes with each class they are typed by."""
        for node in self.record.objects(self.me, predicate):
            for cls in self.record.objects(node, RDF.type):
                yield node, cls

    def within(self, cls: Node) -> set[Node]:
        """What a class is within."""
        return set(self.guideline.objects(cls, DG.within))


def facts(guideline: Graph, record: Path) -> set[Pair]:
    """Pairs of fact property and value, or class of the node it points at."""
    sheet = Sheet(guideline, Graph().parse(record))
    found: set[tuple[Node, object]] = set(_traits(sheet))
    age = next((int(str(v)) for p, v in found if p == FACT.ageMonths), None)
    measured = dict(_measured(sheet, age))
    found |= set(measured.items())
    found |= set(_assessed(sheet)) | set(_courses(sheet))
    tested = {(p, cls, node) for p, cls, node in _latest_assessments(sheet)}
    found |= set(_conditions(sheet, measured, tested))
    return {(str(p), _written(v)) for p, v in found}


def expected(path: Path) -> set[Pair]:
    """The pairs that a kit expects."""
    graph = Graph().parse(path)
    (me,) = graph.subjects(RDF.type, PT.Patient)
    return {(str(p), _written(c)) for p, v in graph.predicate_objects(me) if p != RDF.type for c in list(graph.objects(v, RDF.type)) or [v]}


def _written(value: object) -> str:
    if isinstance(value, Literal | Decimal | int):
        return format(Decimal(str(value)).normalize(), "f")
    return str(value)


def _traits(sheet: Sheet) -> Iterator[tuple[Node, object]]:
    record, me = sheet.record, sheet.me
    birth, years = record.value(me, PT.birthDate), record.value(me, PT.ageYears)
    if birth is not None:
        born, now = date.fromisoformat(str(birth)), date.fromordinal(sheet.today)
        yield FACT.ageMonths, (now.year - born.year) * 12 + now.month - born.month - (now.day < born.day)
    elif years is not None:
        yield FACT.ageMonths, int(Decimal(str(years)) * 12)
    yield from ((FACT.sex, sex) for sex in record.objects(me, PT.sex))
    for node, cls in sheet.nodes(PT.condition):
        treated = any((above, DG.guidelineDisease, Literal(True)) in sheet.guideline for above in sheet.within(cls))
        start, end = sheet.day(node, PT.onset, PT.start) or 0, sheet.day(node, PT.abatement, PT.end) or FAR
        if treated and record.value(node, PT.status) != PT.Resolved and start <= sheet.today < end:
            for predicate, fact in ((PT.severity, FACT.severity), (PT.site, FACT.affectedSite)):
                yield from ((fact, value) for value in record.objects(node, predicate))


def _measured(sheet: Sheet, age: int | None) -> Iterator[tuple[Node, Decimal]]:
    latest: dict[Node, tuple[int, Node]] = {}
    for node, cls in sheet.nodes(PT.observation):
        day = sheet.day(node, PT.date) or 0
        if day <= sheet.today and day >= latest.get(cls, (0, node))[0]:
            latest[cls] = (day, node)
    for cls, (day, node) in latest.items():
        valid, limit = sheet.number(cls, DG.validFor), sheet.number(cls, DG.limitBelowAge)
        grown = limit is not None and age is not None and age >= limit
        if day and not grown and valid is not None and sheet.today - day > valid:
            continue
        unit, canonical = str(sheet.record.value(node, PT.unit)), str(sheet.guideline.value(cls, DG.canonicalUnit))
        step = Decimal(1).scaleb(-12)
        value = Decimal(str(sheet.record.value(node, PT.value))).quantize(step, ROUND_DOWN) * FACTORS.get((unit, canonical), Decimal(1))
        for fact in sheet.guideline.subjects(DG.measures, cls):
            yield fact, value.quantize(step, ROUND_DOWN)


def _speaking(sheet: Sheet) -> Iterator[tuple[Node, Node, tuple[int, bool]]]:
    """Assessments that speak, with class and order."""
    for node, cls in sheet.nodes(PT.assessment):
        day, valid = sheet.day(node, PT.date) or 0, sheet.number(cls, DG.validFor)
        if day <= sheet.today and (not day or valid is None or sheet.today - day <= valid):
            yield node, cls, (day, sheet.record.value(node, PT.result) == PT.Positive)


def _assessed(sheet: Sheet) -> Iterator[tuple[Node, object]]:
    yield from ((FACT.underwent, cls) for _, cls, _ in _speaking(sheet))
    yield from ((fact, cls) for fact, cls, _ in _latest_assessments(sheet))


def _latest_assessments(sheet: Sheet) -> Iterator[tuple[Node, Node, Node]]:
    speaking = list(_speaking(sheet))
    latest: dict[Node, tuple[int, bool]] = {}
    spoilt: dict[Node, tuple[int, bool]] = {}
    for _, cls, order in speaking:
        latest[cls] = max(order, latest.get(cls, order))
        for family in sheet.guideline.objects(cls, DG.family) if order[1] else ():
            spoilt[family] = max(order, spoilt.get(family, order))
    for node, cls, order in speaking:
        if order != latest[cls]:
            continue
        for fact in sheet.guideline.objects(sheet.record.value(node, PT.result), DG.yields):
            over = any(order < spoilt[f] for f in sheet.guideline.objects(cls, DG.family) if f in spoilt)
            if not (fact == FACT.passed and over):
                yield fact, cls, node


def _courses(sheet: Sheet) -> Iterator[tuple[Node, object]]:
    found: dict[Node, list[tuple[tuple[int, int], Node, Node | None]]] = defaultdict(list)
    for node, cls in sheet.nodes(PT.course):
        start, end, recorded = sheet.day(node, PT.start), sheet.day(node, PT.end), sheet.record.value(node, PT.outcome)
        open_ = end is not None and end > sheet.today
        if start is not None and start > sheet.today:
            continue
        if open_ and (recorded in {PT.Declined, PT.Inaccessible} or (start is None and recorded not in {None, PT.Ongoing})):
            continue
        outcome = PT.Ongoing if open_ else recorded or (PT.Ongoing if end is None else None)
        weight = 5 if outcome is None else int(sheet.number(outcome, DG.precedence) or 5)
        found[cls].append(((end or start or 0, -weight), node, outcome))
    for cls, courses in found.items():
        for order, node, outcome in courses:
            if order == max(o for o, _, _ in courses) and outcome is not None:
                brief = sheet.guideline.value(outcome, DG.yieldsIfBrief)
                full = sheet.guideline.value(outcome, DG.yields)
                if brief is not None and _too_brief(sheet, node, cls):
                    yield brief, cls
                elif full is not None:
                    yield full, cls


def _too_brief(sheet: Sheet, node: Node, cls: Node) -> bool:
    days, sessions = sheet.number(cls, DG.leastDays), sheet.number(cls, DG.leastSessions)
    if days is None:
        return False
    start, end, counted = sheet.day(node, PT.start), sheet.day(node, PT.end), sheet.record.value(node, PT.sessions)
    reached = []
    if start is not None and end is not None:
        reached.append(end - start >= days)
    if sessions is not None and counted is not None:
        reached.append(int(str(counted)) >= sessions)
    return bool(reached) and not any(reached)


def _conditions(sheet: Sheet, measured: dict[Node, Decimal], tested: set[tuple[Node, Node, Node]]) -> Iterator[tuple[Node, object]]:
    record, guideline = sheet.record, sheet.guideline
    had = (FACT.hasCondition, FACT.everHad)
    for node, cls in sheet.nodes(PT.condition):
        start, end = sheet.day(node, PT.onset, PT.start) or 0, sheet.day(node, PT.abatement, PT.end) or FAR
        over = end <= sheet.today
        status = record.value(node, PT.status) or (PT.Resolved if over else PT.Active)
        if status == PT.Active and over:
            status = PT.Resolved
        if status == PT.Resolved and any((above, DG.lasting, Literal(True)) in guideline for above in sheet.within(cls)):
            status = PT.Active
        if start > sheet.today or (status == PT.Suspected and over):
            continue
        causes = [c for cause in record.objects(node, PT.causedBy) for c in record.objects(cause, RDF.type)]
        if status == PT.Active:
            yield from ((fact, cls) for fact in had)
            yield from ((FACT.isHypersensitiveTo, c) for c in causes)
        elif status == PT.Resolved:
            yield FACT.everHad, cls
        else:
            yield FACT.mayHaveCondition, cls
            yield from ((FACT.mayBeHypersensitiveTo, c) for c in causes)
    absent = set(record.objects(sheet.me, PT.absent))
    yield from ((FACT.isFreeOf, cls) for cls in absent)
    for whole in set(guideline.subjects(DG.madeUpOf)):
        if all(sheet.within(part) & absent for part in guideline.objects(whole, DG.madeUpOf)):
            yield FACT.isFreeOf, whole
    for fact, cls, node in tested:
        for condition in guideline.objects(cls, DG.screensFor):
            if fact == FACT.foundProblemIn:
                yield from ((had_, condition) for had_ in had)
            elif record.value(node, PT.result) == PT.Negative:
                yield FACT.isFreeOf, condition
    for condition, observable in guideline.subject_objects(DG.definedByObservable):
        threshold = sheet.number(condition, DG.definedBelow)
        for value in (measured[f] for f in guideline.subjects(DG.measures, observable) if f in measured and isinstance(f, URIRef)):
            if threshold is not None:
                yield from ((fact, condition) for fact in (had if value < threshold else (FACT.isFreeOf,)))
