"""Patient cases: each folder holds a patient graph and what the documents say of it, written before any run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dermograph import Knowledge

CASES = sorted((Path(__file__).parent / "cases").glob("*/expected.yaml"))


def amount(tree: dict[str, Any] | None) -> str:
    """An amount of the answer as a case writes it: ``300 mg``, ``3-5 mg/kg/d``."""
    if tree is None:
        return "none"
    figure = str(tree["value"]) if "value" in tree else f"{tree.get('low', '')}-{tree.get('high', '')}"
    return f"{figure} {tree['unit']}"


def same(expected: object, found: object) -> bool:
    """Whether two written amounts are equal, whatever their trailing zeros."""
    a, b = str(expected), str(found)
    if a == b:
        return True
    (x, _, u), (y, _, v) = a.partition(" "), b.partition(" ")
    try:
        return u == v and [Decimal(n) for n in x.split("-")] == [Decimal(n) for n in y.split("-")]
    except ArithmeticError:
        return False


def fits(expected: dict[str, Any], regimen: dict[str, Any]) -> bool:
    """Whether a regimen of the answer is the one a case expects; a key that is not given asserts nothing."""
    for key, value in expected.items():
        found = regimen.get(key)
        if not same(value, amount(found) if key not in {"route", "divided"} else found):
            return False
    return True


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.parent.name)
def test_case(path: Path, knowledge: Knowledge) -> None:
    expected = yaml.safe_load(path.read_text(encoding="utf-8"))
    answer = knowledge.assess(path.parent / "patient.ttl").to_json()
    verdicts = {t["therapy"]: t for t in answer["therapies"]}
    wrong = []
    for therapy, want in expected["therapies"].items():
        got = verdicts[therapy]
        kinds = {b["kind"] for b in got["because"]}
        for key in ("status", "rank", "continue"):
            if key in want and want[key] != got.get(key):
                wrong.append(f"{therapy} {key}: {got.get(key)}, expected {want[key]}; because {sorted(kinds)}")
        if "because" in want and set(want["because"]) != kinds:
            wrong.append(f"{therapy} because {sorted(kinds)}, expected {sorted(want['because'])}")
        if not set(want.get("because_includes", ())) <= kinds:
            wrong.append(f"{therapy} because {sorted(kinds)}, expected at least {sorted(want['because_includes'])}")
        if want.get("regimens") == [] and got["regimens"]:
            wrong.append(f"{therapy} regimens {[r['text'] for r in got['regimens']]}, expected none")
        for regimen in want.get("regimens", ()):
            if not any(fits(regimen, r) for r in got["regimens"]):
                wrong.append(f"{therapy} regimens {[r['text'] for r in got['regimens']]}, expected {regimen}")
    for guideline, steps in expected.get("at", {}).items():
        at = next(p["at"] for p in answer["pathway"] if p["guideline"] == guideline)
        if at != steps:
            wrong.append(f"at {at}, expected {steps}")
    told = {
        "missing": {m["fact"] for t in answer["therapies"] for m in t["missing"]},
        "assumed": {a["condition"] for a in answer["assumptions"]},
        "actions": {a["action"] for a in answer["actions"]},
    }
    for key, got in told.items():
        if not set(expected.get(key, ())) <= got:
            wrong.append(f"{key} {sorted(got)}, expected at least {sorted(expected[key])}")
    for therapy, subjects in expected.get("cautions", {}).items():
        about = {c["subject"] for c in verdicts[therapy]["cautions"]}
        if not set(subjects) <= about:
            wrong.append(f"{therapy} cautions about {sorted(map(str, about))}, expected {subjects}")
    assert not wrong, expected["sentence"] + "\n" + "\n".join(wrong)
