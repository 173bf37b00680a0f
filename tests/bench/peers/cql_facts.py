"""The facts that a record comes to as of a day, as CQL from FHIR resources: what ``queries/facts/`` says."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from peers import bundles
from peers.elm import (
    NULL,
    Elm,
    absent,
    alias,
    any_in,
    both,
    cases,
    component,
    date,
    day,
    days,
    either,
    equal,
    first,
    flat,
    in_set,
    let,
    literal,
    negated,
    of,
    operator,
    otherwise,
    path,
    query,
    ref,
    retrieve,
    selected,
    tuple_,
    unary,
    when,
    words,
)
from peers.rules import Rules

_START = dt.date(1800, 1, 1)
"""The day that is counted as 1; what has no day counts as 0."""
_FAR = literal(9_999_999)
TODAY = "Today"


class CqlFacts:
    """Definitions of the facts, and the value sets that they need.

    :param rules: the guideline.
    :param today: the day asked about.
    """

    def __init__(self, rules: Rules, today: dt.date) -> None:
        self.rules, self.today = rules, today
        self.sets: dict[str, list[str]] = {}
        self.definitions: dict[str, Elm] = {TODAY: literal((today - _START).days + 1)}
        for part in (self._observations, self._assessments, self._courses, self._conditions, self._traits, self._freedom):
            self.definitions |= part()

    def value_set(self, name: str, classes: list[str]) -> str:
        """Name of a value set of classes; a set that is there already is not made again."""
        for known, those in self.sets.items():
            if those == classes:
                return known
        self.sets[name] = classes
        return name

    # --- parts

    def _observations(self) -> dict[str, Elm]:
        """The latest value of each observable, unless it has expired."""
        valid, limit = self.rules.one("dg:validFor"), self.rules.one("dg:limitBelowAge")
        found = {
            "Observations": query(
                retrieve("Observation"),
                "O",
                lets={"day": _day(of("O", "effective.value"))},
                where=_until_today(let("day")),
                give=tuple_(cls=_class("O", "code.coding"), day=let("day"), value=path(of("O", "value"), "value.value")),
            )
        }
        asked = {atom.fact for atom in self.rules.atoms.values() if atom.bounds is not None}
        defined = set(self.rules.one("dg:definedByObservable").values())
        for fact, cls in self.rules.one("dg:measures").items():
            if fact not in asked and cls not in defined:
                continue
            latest = query(ref("Observations"), "O", where=equal(of("O", "cls"), cls))
            latest["sort"] = {"by": [{"type": "ByColumn", "path": "day", "direction": "desc"}]}
            found[f"Latest {cls}"] = first(latest)
            value, when_ = path(ref(f"Latest {cls}"), "value"), path(ref(f"Latest {cls}"), "day")
            if cls in valid:
                counts = [equal(when_, literal(0)), _at_most(operator("Subtract", ref(TODAY), when_), int(valid[cls]))]
                if cls in limit:
                    counts.append(operator("GreaterOrEqual", otherwise(ref("fact:ageMonths"), literal(0)), literal(int(limit[cls]))))
                value = when(either(*counts), value, NULL)
            found[fact] = value
        return found

    def _assessments(self) -> dict[str, Elm]:
        """What was done, what was passed and what was found; a later positive one of the family spoils a pass."""
        valid, families, yields = (self.rules.one(p) for p in ("dg:validFor", "dg:family", "dg:yields"))
        many = Counter(families.values())
        shared = [(cls, literal(family)) for cls, family in families.items() if many[family] > 1]
        lasts = selected(let("cls"), [(cls, literal(int(d))) for cls, d in valid.items() if cls in families], _FAR)
        speak = query(
            retrieve("Procedure"),
            "A",
            lets={"cls": _class("A", "code.coding"), "day": _day(of("A", "performed.value")), "result": _class("A", "outcome.coding")},
            where=both(
                _until_today(let("day")),
                either(equal(let("day"), literal(0)), operator("LessOrEqual", operator("Subtract", ref(TODAY), let("day")), lasts)),
            ),
            give=tuple_(
                cls=let("cls"),
                family=selected(let("cls"), shared, let("cls")),
                result=let("result"),
                standing=operator(
                    "Add", operator("Multiply", let("day"), literal(10)), when(equal(let("result"), "pt:Positive"), literal(1), literal(0))
                ),
            ),
        )
        later = operator("Greater", of("B", "standing"), of("A", "standing"))
        outdone = unary("Exists", query(ref("Assessments"), "B", where=both(equal(of("B", "cls"), of("A", "cls")), later)))
        spoilt = unary(
            "Exists",
            query(ref("Assessments"), "B", where=both(equal(of("B", "result"), "pt:Positive"), equal(of("B", "family"), of("A", "family")), later)),
        )
        results = {r: literal(fact) for r, fact in yields.items() if fact in {"fact:passed", "fact:foundProblemIn"}}
        fact = selected(of("A", "result"), results.items(), NULL)
        latest = query(ref("Assessments"), "A", where=negated(outdone), give=tuple_(cls=of("A", "cls"), result=of("A", "result"), fact=fact))
        passed = query(
            ref("Assessments"),
            "A",
            lets={"fact": fact},
            where=both(equal(let("fact"), "fact:passed"), negated(outdone), negated(spoilt)),
            give=tuple_(cls=of("A", "cls"), result=of("A", "result")),
        )
        problem = query(ref("LatestAssessments"), "A", where=equal(of("A", "fact"), "fact:foundProblemIn"), give=of("A", "cls"))
        return {
            "Assessments": speak,
            "LatestAssessments": latest,
            "Passed": passed,
            "fact:underwent": query(ref("Assessments"), "A", give=of("A", "cls")),
            "fact:passed": query(ref("Passed"), "A", give=of("A", "cls")),
            "fact:foundProblemIn": problem,
        }

    def _courses(self) -> dict[str, Elm]:
        """What the latest course of each therapy had come to."""
        rank, full, brief = (self.rules.one(f"dg:{p}") for p in ("precedence", "yields", "yieldsIfBrief"))
        refused = [o for o in rank if full.get(o) in {"fact:declined", "fact:cannotObtain"}]
        least, sessions = self.rules.one("dg:leastDays"), self.rules.one("dg:leastSessions")
        outcome, start, end = let("recorded"), let("start"), let("end")
        ongoing = literal("pt:Ongoing")
        begun = operator(
            "LessOrEqual",
            otherwise(start, when(both(let("open"), negated(equal(otherwise(outcome, ongoing), "pt:Ongoing"))), _FAR, literal(0))),
            ref(TODAY),
        )
        kept = negated(both(let("open"), operator("In", otherwise(outcome, ongoing), words(refused))))
        then = when(let("open"), ongoing, otherwise(outcome, when(absent(end), ongoing, literal("pt:Resolved"))))
        standing = operator(
            "Subtract",
            operator("Add", operator("Multiply", otherwise(otherwise(end, start), literal(0)), literal(10)), literal(9)),
            selected(then, [(o, literal(int(r))) for o, r in rank.items()], literal(5)),
        )
        courses = query(
            retrieve("MedicationStatement"),
            "C",
            lets={
                "cls": _class("C", "medication.coding"),
                "period": of("C", "effective"),
                "start": _dated(path(let("period"), "start.value")),
                "end": _dated(path(let("period"), "end.value")),
                "recorded": path(first(path(first(of("C", "statusReason")), "coding")), "code.value"),
                "open": operator("Greater", otherwise(end, literal(0)), ref(TODAY)),
            },
            where=both(begun, kept),
            give=tuple_(
                cls=let("cls"), outcome=then, standing=standing, length=operator("Subtract", end, start), sessions=_extension("C", bundles.SESSIONS)
            ),
        )
        cls = of("C", "cls")
        length = otherwise(of("C", "length"), literal(-1))
        counted = selected(cls, [(c, otherwise(of("C", "sessions"), literal(-1))) for c in sessions], literal(-1))
        enough = either(
            operator("GreaterOrEqual", length, selected(cls, [(c, literal(int(d))) for c, d in least.items()], _FAR)),
            operator("GreaterOrEqual", counted, selected(cls, [(c, literal(int(s))) for c, s in sessions.items()], _FAR)),
        )
        known = either(operator("GreaterOrEqual", length, literal(0)), operator("GreaterOrEqual", counted, literal(0)))
        short = both(operator("In", cls, words(list(least))), known, negated(enough))
        facts = {o: when(short, literal(brief[o]), literal(f)) if o in brief else literal(f) for o, f in full.items()}
        outdone = query(ref("Courses"), "D", where=both(equal(of("D", "cls"), cls), operator("Greater", of("D", "standing"), of("C", "standing"))))
        latest = query(
            ref("Courses"),
            "C",
            where=negated(unary("Exists", outdone)),
            give=tuple_(cls=cls, fact=selected(of("C", "outcome"), facts.items(), NULL)),
        )
        yielded = sorted({full[o] for o in full if o in rank} | set(brief.values()))
        of_fact = {f: query(ref("LatestCourses"), "C", where=equal(of("C", "fact"), f), give=cls) for f in yielded}
        return {"Courses": courses, "LatestCourses": latest} | of_fact

    def _conditions(self) -> dict[str, Elm]:
        """What is active, was there or is suspected: recorded, found by a test or defined by a measurement."""
        lasting = self.value_set("lasting", [c for c in self.rules.top("dg:Condition") if self._above(c, self.rules.says("dg:lasting"))])
        recorded = cases(
            (equal(_class("C", "verificationStatus.coding"), "provisional"), literal("suspected")),
            other=_class("C", "clinicalStatus.coding"),
        )
        conditions = query(
            retrieve("Condition"),
            "C",
            lets={
                "start": _day(of("C", "onset.value")),
                "end": otherwise(_dated(of("C", "abatement.value")), _FAR),
            },
            where=both(
                negated(equal(otherwise(_class("C", "verificationStatus.coding"), literal("")), "refuted")),
                operator("LessOrEqual", let("start"), ref(TODAY)),
            ),
            give=tuple_(
                cls=_class("C", "code.coding"),
                recorded=otherwise(recorded, literal("active")),
                over=operator("LessOrEqual", let("end"), ref(TODAY)),
                severity=_class("C", "severity.coding"),
                sites=query(of("C", "bodySite"), "S", give=path(first(of("S", "coding")), "code.value")),
                cause=_extension("C", bundles.CAUSE),
            ),
        )
        now = when(both(equal(of("K", "recorded"), "active"), of("K", "over")), literal("resolved"), of("K", "recorded"))
        status = when(both(equal(let("now"), "resolved"), in_set(of("K", "cls"), lasting)), literal("active"), let("now"))
        judged = query(
            ref("Conditions"),
            "K",
            lets={"now": now, "status": status},
            where=negated(both(equal(let("status"), "suspected"), of("K", "over"))),
            give=tuple_(cls=of("K", "cls"), cause=of("K", "cause"), status=let("status")),
        )

        def classes(where: Elm, what: str = "cls") -> Elm:
            return query(ref("JudgedConditions"), "K", where=where, give=of("K", what))

        active, suspected = (equal(of("K", "status"), s) for s in ("active", "suspected"))
        caused = negated(absent(of("K", "cause")))
        screens = self.rules.says("dg:screensFor")
        found = {
            "Conditions": conditions,
            "JudgedConditions": judged,
            "FoundConditions": unary(
                "Flatten", query(ref("fact:foundProblemIn"), "F", give=selected(alias("F"), [(a, words(c)) for a, c in screens.items()], words([])))
            ),
        }
        below = {cls: (observable, value) for cls, observable, value in self._defined()}
        low = [when(operator("Less", ref(fact), literal(value)), words([cls]), words([])) for cls, (fact, value) in below.items()]
        found["DefinedConditions"] = flat(*low)
        also = [ref("FoundConditions"), ref("DefinedConditions")]
        return found | {
            "fact:hasCondition": flat(classes(active), *also),
            "fact:everHad": flat(classes(negated(suspected)), *also),
            "fact:mayHaveCondition": classes(suspected),
            "fact:isHypersensitiveTo": classes(both(active, caused), "cause"),
            "fact:mayBeHypersensitiveTo": classes(both(suspected, caused), "cause"),
        }

    def _above(self, cls: str, those: object) -> bool:
        return any(above in those for above in self.rules.tree["within"][cls])  # type: ignore[operator]

    def _defined(self) -> list[tuple[str, str, float]]:
        """Conditions that a measurement defines: class, measured fact and the value below which it is there."""
        observable, below = self.rules.one("dg:definedByObservable"), self.rules.one("dg:definedBelow")
        measures = {cls: fact for fact, cls in self.rules.one("dg:measures").items()}
        return [(cls, measures[o], float(below[cls])) for cls, o in observable.items() if cls in below]

    def _traits(self) -> dict[str, Elm]:
        """Age in completed months, sex, severity and sites."""
        birth = path(path(ref("Patient"), "birthDate"), "value")
        months = operator(
            "Subtract",
            operator(
                "Add",
                operator("Multiply", operator("Subtract", literal(self.today.year), component(ref("Born"), "Year")), literal(12)),
                operator("Subtract", literal(self.today.month), component(ref("Born"), "Month")),
            ),
            when(operator("Less", literal(self.today.day), component(ref("Born"), "Day")), literal(1), literal(0)),
        )
        years = unary("Floor", operator("Multiply", _extension_of(path(ref("Patient"), "extension"), bundles.YEARS), literal(12)))
        disease = self.value_set("disease", [c for c in self.rules.top("dg:Condition") if self._above(c, self.rules.says("dg:guidelineDisease"))])
        treated = query(
            ref("Conditions"),
            "K",
            where=both(in_set(of("K", "cls"), disease), negated(equal(of("K", "recorded"), "resolved")), negated(of("K", "over"))),
        )
        gender = path(path(ref("Patient"), "gender"), "value")
        return {
            "Patient": unary("SingletonFrom", retrieve("Patient")),
            "Born": birth,
            "fact:ageMonths": when(absent(ref("Born")), years, months),
            "fact:sex": when(
                absent(gender),
                words([]),
                {"type": "List", "element": [selected(gender, [("female", literal("pt:Female")), ("male", literal("pt:Male"))], NULL)]},
            ),
            "Treated": treated,
            "fact:severity": query(ref("Treated"), "T", where=negated(absent(of("T", "severity"))), give=of("T", "severity")),
            "fact:affectedSite": unary("Flatten", query(ref("Treated"), "T", where=negated(absent(of("T", "sites"))), give=of("T", "sites"))),
        }

    def _freedom(self) -> dict[str, Elm]:
        """What the patient is known to be free of."""
        stated = query(retrieve("Condition"), "C", where=equal(_class("C", "verificationStatus.coding"), "refuted"), give=_class("C", "code.coding"))
        wholes = []
        for whole, parts in self.rules.says("dg:madeUpOf").items():
            each = [
                any_in(ref("Absent"), self.value_set(f"above {p}", [c for c in self.rules.top("dg:Condition") if self.rules.within(p, c)]))
                for p in parts
            ]
            wholes.append(when(both(*each), words([whole]), words([])))
        screens = self.rules.says("dg:screensFor")
        passed = query(
            ref("Passed"),
            "P",
            where=equal(of("P", "result"), "pt:Negative"),
            give=selected(of("P", "cls"), [(a, words(c)) for a, c in screens.items()], words([])),
        )
        high = [when(operator("GreaterOrEqual", ref(fact), literal(value)), words([cls]), words([])) for cls, fact, value in self._defined()]
        return {"Absent": stated, "fact:isFreeOf": flat(ref("Absent"), unary("Flatten", passed), *wholes, *high)}


def _class(alias: str, codings: str) -> Elm:
    """Code of the first coding of an element."""
    return path(first(of(alias, codings)), "code.value")


def _dated(moment: Elm) -> Elm:
    """Number of the day of a moment; null where there is none."""
    return operator("Add", days(date(_START), day(moment)), literal(1))


def _day(moment: Elm) -> Elm:
    return otherwise(_dated(moment), literal(0))


def _until_today(number: Elm) -> Elm:
    return operator("LessOrEqual", number, ref(TODAY))


def _at_most(number: Elm, most: int) -> Elm:
    return operator("LessOrEqual", number, literal(most))


def _extension(alias: str, url: str) -> Elm:
    return _extension_of(of(alias, "extension"), url)


def _extension_of(extensions: Elm, url: str) -> Elm:
    """Value of an extension."""
    return path(first(query(extensions, "X", where=equal(path(of("X", "url"), "value"), url), give=of("X", "value"))), "value")
