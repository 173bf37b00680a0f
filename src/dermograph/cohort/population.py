"""A made-up population as its file describes it: states, weights, and what is recorded of whom.

Everything clinical stands in the file, ``population.yaml`` beside the ontology; its head tells how it is read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from dermograph.errors import KnowledgeError

FILE = "population.yaml"
Tree = Mapping[str, Any]
Position = Literal["earlier", "latest", "beside"]


@dataclass(frozen=True)
class Weight:
    """A number times a factor for each state of a patient.

    :param by: for each state that matters, the factor of each of its values, in their order.
    """

    of: float
    by: tuple[tuple[str, tuple[float, ...]], ...] = ()


@dataclass(frozen=True)
class Choice:
    """Words of which one is picked, in proportion to their weights; an empty word says nothing."""

    words: tuple[str, ...]
    weights: tuple[Weight, ...]


@dataclass(frozen=True)
class Days:
    """A log-normal count of days."""

    median: float
    spread: float


@dataclass(frozen=True)
class Kind:
    """A way in which a course can go.

    :param starts: whether it has a first day; ``ends`` likewise for the last.
    :param days: factor on how long the course lasts.
    """

    outcome: str
    starts: bool
    ends: bool
    days: float
    weight: Mapping[Position, float]


@dataclass(frozen=True)
class Course:
    """A course of one of some therapies.

    :param line: name of the line of the pathway; empty for what is given beside it.
    :param kinds: factor on the weight of each kind of course.
    :param sessions: sessions a week, and the chance that they were counted.
    """

    line: str
    chance: Weight
    therapy: Choice
    days: Days
    kinds: tuple[float, ...]
    sessions: tuple[float, float] | None


@dataclass(frozen=True)
class Condition:
    """A condition that a patient may have on record.

    :param severity: chance that the state of severity was recorded with it.
    :param absent: chance that it is recorded as absent where it is not drawn.
    """

    cls: str
    chance: Weight
    status: Choice
    days: Days
    severity: float
    sites: tuple[tuple[str, Weight], ...]
    causes: Choice | None
    absent: float


@dataclass(frozen=True)
class Unit:
    """A unit, what one of it is in the canonical one, and the digits that its values have."""

    code: str
    scale: float
    digits: int


@dataclass(frozen=True)
class Observation:
    """A measurement.

    :param curve: state, the median of each of its values at each age, and these ages in years; instead of ``median``.
    :param noise: spread of a value, on the logarithm or, with ``plain``, in its unit.
    :param own: share of the spread that stays with the patient.
    :param bounds: state, and the lowest and highest value for each of its values.
    """

    cls: str
    chance: Weight
    days: Days
    repeats: tuple[float, ...]
    gap: Days
    median: Weight
    curve: tuple[str, tuple[tuple[float, ...], ...], tuple[float, ...]] | None
    noise: float
    plain: bool
    own: float
    low: float
    high: float
    bounds: tuple[str, tuple[tuple[float, float], ...]] | None
    unit: Choice
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Assessment:
    """A thing done, with what it found."""

    cls: str
    chance: Weight
    days: Days
    result: Choice


@dataclass(frozen=True)
class Population:
    """All that patients are drawn from.

    :param states: values of each state; of age, these are groups.
    :param drawn: how each state is drawn, in the order of drawing, lines of the pathway and age left out.
    :param ages: share and first and last year of each group of age.
    """

    as_of: dt.date
    name: str
    states: Mapping[str, tuple[str, ...]]
    ages: tuple[tuple[float, float, float], ...]
    drawn: tuple[tuple[str, Choice], ...]
    recorded: Mapping[str, float]
    kinds: tuple[Kind, ...]
    course_dates: tuple[float, float]
    rest: Days
    pathway: tuple[Course, ...]
    courses: tuple[Course, ...]
    condition_dates: tuple[float, float]
    conditions: tuple[Condition, ...]
    absences: tuple[tuple[str, Weight], ...]
    dated: float
    observations: tuple[Observation, ...]
    assessments: tuple[Assessment, ...]


def read(ontology: Path) -> Population:
    """Read the population that comes with an ontology.

    :raises KnowledgeError: there is none, or it is not as its head says.
    """
    path = ontology / FILE
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KnowledgeError(f"{path}: {error.strerror or error}", f"put {FILE} there, or take the ontology that came along") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path}: {error}", "mend the YAML there") from error
    reader = _Reader()
    try:
        return reader.population(tree)
    except (AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        told = f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)
        raise KnowledgeError(f"{path}: {reader.place}: {told}", f"the head of the {FILE} that came along tells how it is read") from error


class _Reader:
    """Reads a population and knows, for messages, where it is."""

    def __init__(self) -> None:
        self.place = "the whole"
        self.states: dict[str, tuple[str, ...]] = {}

    def population(self, tree: Tree) -> Population:
        self.states["age"] = tuple(tree["ages"])
        drawn = []
        for name, options in tree["states"].items():
            self.place = f"states: {name}"
            choice = self.choice(options)
            self.states[name] = choice.words
            drawn.append((name, choice))
        self.place = "kinds"
        self.kinds = tuple(tree["kinds"])
        kinds = tuple(map(self.kind, tree["kinds"].values()))
        pathway = []
        for each in tree["pathway"]:
            course = self.course(each)
            self.states[course.line] = ("none", *course.therapy.words)
            pathway.append(course)
        courses = tuple(map(self.course, tree["courses"]))
        self.usual = tree["conditionStatus"]
        conditions = tuple(map(self.condition, tree["conditions"]))
        absences = tuple((each["is"], self.chance(each)) for each in tree["absences"])
        observations = tuple(map(self.observation, tree["observations"]))
        assessments = tuple(map(self.assessment, tree["assessments"]))
        self.place = "the rest"
        return Population(
            as_of=tree["asOf"],
            name=tree["name"],
            states=self.states,
            ages=tuple((float(a["share"]), float(a["years"][0]), float(a["years"][1])) for a in tree["ages"].values()),
            drawn=tuple(drawn),
            recorded={name: float(tree["recorded"][name]) for name in ("birthDate", "ageYears", "sex")},
            kinds=kinds,
            course_dates=(float(tree["courseDates"]["start"]), float(tree["courseDates"]["end"])),
            rest=self.days(tree["rest"]),
            pathway=tuple(pathway),
            courses=courses,
            condition_dates=(float(tree["conditionDates"]["onset"]), float(tree["conditionDates"]["abatement"])),
            conditions=conditions,
            absences=absences,
            dated=float(tree["dated"]),
            observations=observations,
            assessments=assessments,
        )

    def weight(self, given: object) -> Weight:
        if not isinstance(given, Mapping):
            return Weight(float(given))  # type: ignore[arg-type]
        by = []
        for state, factors in given.get("by", {}).items():
            values = self.states[state]
            unknown = sorted(set(factors) - {*values, "else"})
            if unknown:
                raise ValueError(f"{unknown[0]!r} is no value of the state {state!r}")
            by.append((state, tuple(float(factors.get(value, factors.get("else", 1))) for value in values)))
        return Weight(float(given["of"]), tuple(by))

    def chance(self, given: Tree) -> Weight:
        self.place = str(given.get("is", given.get("line")))
        return self.weight(given["chance"])

    def choice(self, given: Tree) -> Choice:
        if not given:
            raise ValueError("there is nothing to pick from")
        return Choice(tuple("" if word == "unsaid" else str(word) for word in given), tuple(map(self.weight, given.values())))

    def days(self, given: Sequence[float]) -> Days:
        median, spread = given
        return Days(float(median), float(spread))

    def kind(self, given: Tree) -> Kind:
        dates: str = given["dates"]
        if dates not in {"start", "end", "both"}:
            raise ValueError(f"dates: {dates!r} is none of start, end and both")
        weight: dict[Position, float] = {place: float(given[place]) for place in ("earlier", "latest", "beside")}
        return Kind(str(given.get("outcome", "")), dates != "end", dates != "start", float(given.get("days", 1)), weight)

    def course(self, given: Tree) -> Course:
        chance = self.chance(given)
        factors: Tree = given.get("kinds", {})
        unknown = sorted(set(factors) - set(self.kinds))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no kind of course")
        sessions = given.get("sessions")
        return Course(
            line=str(given.get("line", "")),
            chance=chance,
            therapy=self.choice(given["pick"] if "pick" in given else {given["is"]: 1}),
            days=self.days(given["days"]),
            kinds=tuple(float(factors.get(kind, 1)) for kind in self.kinds),
            sessions=(float(sessions["perWeek"]), float(sessions["recorded"])) if sessions else None,
        )

    def condition(self, given: Tree) -> Condition:
        return Condition(
            chance=self.chance(given),
            cls=given["is"],
            status=self.choice(given.get("status", self.usual)),
            days=self.days(given["days"]),
            severity=float(given.get("severity", 0)),
            sites=tuple((site, self.weight(weight)) for site, weight in given.get("sites", {}).items()),
            causes=self.choice(given["causes"]) if "causes" in given else None,
            absent=float(given.get("absent", 0)),
        )

    def observation(self, given: Tree) -> Observation:
        chance = self.chance(given)
        curve = bounds = None
        if "curve" in given:
            ((state, medians),) = ((name, values) for name, values in given["curve"].items() if name != "years")
            years = tuple(map(float, given["curve"]["years"]))
            curve = (state, tuple(tuple(map(float, medians[value])) for value in self.states[state]), years)
            if any(len(column) != len(years) for column in curve[1]):
                raise ValueError("the curve has not one median for each age")
        if "bounds" in given:
            ((state, limits),) = given["bounds"].items()
            bounds = (state, tuple((float(limits[value][0]), float(limits[value][1])) for value in self.states[state]))
        units: Tree = given["units"]
        return Observation(
            cls=given["is"],
            chance=chance,
            days=self.days(given["days"]),
            repeats=tuple(map(float, given.get("repeats", ()))),
            gap=self.days(given.get("gap", (0, 0))),
            median=self.weight(given.get("median", 1)),
            curve=curve,
            noise=float(given["noise"]),
            plain=bool(given.get("plain")),
            own=float(given.get("own", 0.5)),
            low=float(given["low"]),
            high=float(given["high"]),
            bounds=bounds,
            unit=self.choice({code: unit["share"] for code, unit in units.items()}),
            units=tuple(Unit(code, float(unit.get("is", 1)), int(unit.get("digits", given["digits"]))) for code, unit in units.items()),
        )

    def assessment(self, given: Tree) -> Assessment:
        return Assessment(given["is"], self.chance(given), self.days(given["days"]), self.choice(given["results"]))
