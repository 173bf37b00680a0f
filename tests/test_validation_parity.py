"""The fast route of validation and pySHACL say the same of the same patient graph."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from dermograph import Finding, InputError, Knowledge, Record, content
from dermograph.reference import reference
from generators import random_patient

TWINS = sorted((Path(__file__).parent / "shapes" / "patient").glob("*/*valid.ttl"))


def by_pyshacl(knowledge: Knowledge, records: list[Record]) -> list[Finding]:
    return reference(knowledge.tree, records, content.folder("ontology"))


def told(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(f.shape, f.severity, f.patient) for f in findings}


@pytest.mark.parametrize("path", TWINS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_routes_agree_on_twins(path: Path, knowledge: Knowledge) -> None:
    try:
        records = knowledge.read(path)
    except InputError:
        pytest.skip("no record")
    assert told(knowledge.validate(records)) == told(by_pyshacl(knowledge, records))
