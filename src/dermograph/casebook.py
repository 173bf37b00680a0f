"""Patient cases: a folder for each, with a patient graph and what the documents say of it.

``patient.ttl`` is the graph; ``expected.yaml`` holds a sentence, the sources it was written from, and the outcome.
A key that is not given asserts nothing. Under ``notes`` each entry is some words that one caution of the therapy says.
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


def read(folder: Path) -> list[Entry]:
    """Read every case below a folder, in the order of their names.

    :raises InputError: there is none, a graph cannot be read, or an outcome is no YAML.
    """
    entries = [_entry(path.parent) for path in sorted(folder.glob("*/patient.ttl"))]
    if not entries:
        raise InputError(f"{folder}: no case: no folder in it holds a patient.ttl", "name the folder of the cases")
    return entries


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
    for guideline, steps in expected.get("at", {}).items():
        at = next(p["at"] for p in answer["pathway"] if p["guideline"] == guideline)
        if at != steps:
            found.append(f"at {at}, expected {steps}")
    told = {
        "missing": {m["fact"] for t in answer["therapies"] for m in t["missing"]},
        "assumed": {a["condition"] for a in answer["assumptions"]},
        "actions": {a["action"] for a in answer["actions"]},
    }
    for key, got in told.items():
        if not set(expected.get(key, ())) <= got:
            found.append(f"{key} {sorted(got)}, expected at least {sorted(expected[key])}")
    for therapy, subjects in expected.get("cautions", {}).items():
        about = {c["subject"] for c in verdicts[therapy]["cautions"]}
        if not set(subjects) <= about:
            found.append(f"{therapy} cautions about {sorted(map(str, about))}, expected {subjects}")
    for therapy, notes in expected.get("notes", {}).items():
        said = [_word_set(c["label"]) for c in verdicts[therapy]["cautions"]]
        found += [f"{therapy} has no caution that says {note!r}" for note in notes if not any(_word_set(note) <= one for one in said)]
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
    offered = [r["text"] for r in got["regimens"]]
    if want.get("regimens") == [] and offered:
        found.append(f"{therapy} regimens {offered}, expected none")
    for regimen in want.get("regimens", ()):
        if not any(_fits(regimen, r) for r in got["regimens"]):
            found.append(f"{therapy} regimens {offered}, expected {regimen}")
    return found


def _fits(expected: Tree, regimen: Tree) -> bool:
    return all(_same(value, regimen.get(k) if k in {"route", "divided"} else _amount(regimen.get(k))) for k, value in expected.items())


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
