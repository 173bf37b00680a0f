"""Patient cases: each folder holds a patient graph and what the documents say of it, written before any run."""

from __future__ import annotations

from pathlib import Path

import pytest

from dermograph import Knowledge, casebook

TESTS = Path(__file__).parent
CASES = casebook.read(TESTS / "cases", TESTS / "label-facts")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: casebook.Entry, knowledge: Knowledge) -> None:
    assert "todo" not in case.expected, "state the outcome from the documents, then take the todo out"
    assert any(case.expected.get(key) for key in ("therapies", "at", "cautions", "notes", "actions", "no_actions", "no_notes"))
    wrong = casebook.wrong(case.expected, knowledge.assess(case.record).to_json())
    assert not wrong, case.sentence + "\n" + "\n".join(wrong)
