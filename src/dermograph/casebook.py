"""Patient cases: a folder for each, with a patient graph and what the documents say of it.

``patient.ttl`` is the graph; ``expected.yaml`` holds a sentence, the sources it was written from, and the outcome.
A key that is not given asserts nothing. Under ``notes`` each entry is some words of one caution of the therapy, its kind or what it says,
under ``no_notes`` some that none says; ``no_actions`` are not proposed; ``next`` are some of the steps that follow
``at``, and ``not_at`` are steps where the patient does not stand.
``cites`` are statements that the reasons of a verdict rest on, ``not_cited`` others.
``regimens`` are all that are offered, ``regimens_include`` some of them, and ``says`` in one is a phrase of its text.
``other_doses`` are all doses that differ, each as the source and a phrase that it says; ``tests`` are classes that
baseline or monitoring asks for; ``conflicts`` are told and ``no_conflicts`` are not, in the form of ``other_doses``;
``reassess`` is when the effect is judged: ``after`` an amount, ``on`` a day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from dermograph import record
from dermograph.errors import InputError
from dermograph.record import Record

Tree = dict[str, Any]
OF_THERAPIES = ("therapies", "cautions", "notes", "no_notes")
"""Keys of an outcome that say something of each therapy they name."""


@dataclass(frozen=True)
class Entry:
    """One case.

    :param name: name of its folder.
    :param expected: the outcome as ``expected.yaml`` states it; empty where nobody has stated it yet.
    """

    name: str
    folder: Path
    record: Record
    expected: Tree

    @property
    def sentence(self) -> str:
        """What the case shows, in a sentence."""
        return str(self.expected.get("sentence", self.name))


def read(*folders: Path) -> list[Entry]:
    """Read every case below some folders, in the order of their names.

    :raises InputError: a folder has none, a graph cannot be read, or an outcome is no YAML.
    """
    found: list[Entry] = []
    for folder in folders:
        entries = [_entry(path.parent) for path in sorted(folder.glob("*/patient.ttl"))]
        if not entries:
            raise InputError(f"{folder}: no case: no folder in it holds a patient.ttl", "name the folder of the cases")
        found += entries
    return found


def _entry(folder: Path) -> Entry:
    path = folder / "expected.yaml"
    (one,) = record.read_path(folder / "patient.ttl")
    try:
        expected = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {error}", "mend the YAML there") from error
    return Entry(folder.name, folder, one, expected or {})


def wrong(expected: Tree, answer: Tree) -> list[str]:
    """What an answer, as JSON, has otherwise than a case expects; empty where it is as expected."""
    verdicts = {t["therapy"]: t for t in answer["therapies"]}
    found = [line for therapy, want in expected.get("therapies", {}).items() for line in _wrong(therapy, want, verdicts[therapy])]
    for therapy, want in expected.get("therapies", {}).items():
        if "other_doses" in want:
            found += _differing(therapy, want["other_doses"], verdicts[therapy], answer)
        told_of = [c["between"] for c in answer["conflicts"] if c["therapy"] == therapy]
        for key, wanted in (("conflicts", True), ("no_conflicts", False)):
            found += [f"{therapy} {key}: {one}" for one in want.get(key, ()) if any(_between(one, sides) for sides in told_of) is not wanted]
    for key in ("at", "next"):
        for guideline, steps in expected.get(key, {}).items():
            stands = next(p[key] for p in answer["pathway"] if p["guideline"] == guideline)
            if not set(steps) <= set(stands) or (key == "at" and stands != steps):
                found.append(f"{key} {stands}, expected {steps}")
    for guideline, steps in expected.get("not_at", {}).items():
        stands = next(p["at"] for p in answer["pathway"] if p["guideline"] == guideline)
        found += [f"at {stands}, not expected {step}" for step in steps if step in stands]
    told = {
        "missing": {m["fact"] for t in answer["therapies"] for m in t["missing"]},
        "assumed": {a["condition"] for a in answer["assumptions"]},
        "actions": {a["action"] for a in answer["actions"]},
    }
    for key, got in told.items():
        if not set(expected.get(key, ())) <= got:
            found.append(f"{key} {sorted(got)}, expected at least {sorted(expected[key])}")
    if unasked := set(expected.get("no_actions", ())) & told["actions"]:
        found.append(f"actions {sorted(unasked)}, expected none of them")
    for therapy, subjects in expected.get("cautions", {}).items():
        about = {c["subject"] for c in verdicts[therapy]["cautions"]}
        if not set(subjects) <= about:
            found.append(f"{therapy} cautions about {sorted(map(str, about))}, expected {subjects}")
    for therapy, notes in expected.get("notes", {}).items():
        said = [_word_set(f"{c['kind']} {c['label']}") for c in verdicts[therapy]["cautions"]]
        found += [f"{therapy} has no caution that says {note!r}" for note in notes if not any(_word_set(note) <= one for one in said)]
    for therapy, notes in expected.get("no_notes", {}).items():
        said = [_word_set(f"{c['kind']} {c['label']}") for c in verdicts[therapy]["cautions"]]
        found += [f"{therapy} has a caution that says {note!r}" for note in notes if any(_word_set(note) <= one for one in said)]
    return found


def _word_set(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", text.lower()))


def _wrong(therapy: str, want: Tree, got: Tree) -> list[str]:
    found = []
    kinds = {b["kind"] for b in got["because"]}
    for key in ("status", "rank", "continue"):
        if key in want and want[key] != got.get(key):
            found.append(f"{therapy} {key}: {got.get(key)}, expected {want[key]}; because {sorted(kinds)}")
    if "because" in want and set(want["because"]) != kinds:
        found.append(f"{therapy} because {sorted(kinds)}, expected {sorted(want['because'])}")
    if not set(want.get("because_includes", ())) <= kinds:
        found.append(f"{therapy} because {sorted(kinds)}, expected at least {sorted(want['because_includes'])}")
    cited = {s for b in got["because"] for s in b["statements"]}
    if not set(want.get("cites", ())) <= cited or set(want.get("not_cited", ())) & cited:
        found.append(f"{therapy} cites {sorted(cited)}, expected {want.get('cites', [])} and not {want.get('not_cited', [])}")
    offered = [r["text"] for r in got["regimens"]]
    for regimen in (*want.get("regimens", ()), *want.get("regimens_include", ())):
        if not any(_fits(regimen, r) for r in got["regimens"]):
            found.append(f"{therapy} regimens {offered}, expected {regimen}")
    if "regimens" in want:
        more = [r["text"] for r in got["regimens"] if not any(_fits(regimen, r) for regimen in want["regimens"])]
        found += [f"{therapy} regimen {text!r}, not expected" for text in more]
    asked = {i["subject"] for key in ("baseline", "monitoring") for i in got[key]}
    if not set(want.get("tests", ())) <= asked:
        found.append(f"{therapy} tests {sorted(map(str, asked))}, expected at least {want['tests']}")
    due = got["reassess"] or {}
    for key, value in want.get("reassess", {}).items():
        if not _same(value, _amount(due.get("after")) if key == "after" else due.get("on")):
            found.append(f"{therapy} reassess {due}, expected {key} {value}")
    return found


def _differing(therapy: str, want: Sequence[Tree], got: Tree, answer: Tree) -> list[str]:
    """What differs of the doses that other sources give; a dose is told beside the first that is offered."""
    first = got["regimens"][0]["text"] if got["regimens"] else None
    sides = [c["between"][1] for c in answer["conflicts"] if c["therapy"] == therapy and c["between"][0]["says"] == first]

    def told(side: Tree) -> list[Tree]:
        return [one for one in want if any(source == side["source"] and _phrase(words, side["says"]) for source, words in one.items())]

    missed = [one for one in want if not any(one in told(side) for side in sides)]
    more = [f"{side['source']}: {side['says']}" for side in sides if not told(side)]
    return [f"{therapy} has no other dose {one}" for one in missed] + [f"{therapy} other dose {side}, not expected" for side in more]


def _between(expected: Tree, sides: Sequence[Tree]) -> bool:
    """Whether a conflict is between these sources, each with a phrase that it says."""
    return all(any(side["source"] == source and _phrase(words, side["says"]) for side in sides) for source, words in expected.items())


def _phrase(words: object, text: str) -> bool:
    """Whether a text says some words one after another."""
    return f" {' '.join(_words(str(words)))} " in f" {' '.join(_words(text))} "


def _words(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", text.lower())


def _fits(expected: Tree, regimen: Tree) -> bool:
    return all(_agrees(key, value, regimen) for key, value in expected.items())


def _agrees(key: str, value: object, regimen: Tree) -> bool:
    if key == "says":
        return _phrase(value, regimen["text"])
    return _same(value, regimen.get(key) if key in {"route", "divided"} else _amount(regimen.get(key)))


def _amount(tree: Tree | None) -> str:
    """An amount of the answer as a case writes it: ``300 mg``, ``3-5 mg/kg/d``."""
    if tree is None:
        return "none"
    figure = str(tree["value"]) if "value" in tree else f"{tree.get('low', '')}-{tree.get('high', '')}"
    return f"{figure} {tree['unit']}"


def _same(expected: object, found: object) -> bool:
    """Whether two written amounts are equal, whatever their trailing zeros."""
    a, b = str(expected), str(found)
    if a == b:
        return True
    (x, _, u), (y, _, v) = a.partition(" "), b.partition(" ")
    try:
        return u == v and _numbers(x) == _numbers(y)
    except ArithmeticError:
        return False


def _numbers(text: str) -> Sequence[Decimal]:
    return [Decimal(n) for n in text.split("-")]
