"""FHIR is read as it means, what is not understood is told, and no input of any kind breaks the reader."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir_records import lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import Ran

from dermograph import Knowledge, casebook, record
from dermograph.errors import InputError, InvalidInput
from dermograph.fhir import parsing, reading
from dermograph.fhir.reading import Reading
from dermograph.fhir.report import Level

ROOT = Path(__file__).parent
DATA = ROOT / "fhir"
CASES = sorted(path.parent for path in DATA.glob("*/expected.yaml"))
PUBLIC = sorted((DATA / "public").glob("*.json.gz"))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load()


def read(knowledge: Knowledge, data: bytes, as_of: str = "2026-11-01", suffix: str = ".json") -> Reading:
    return reading.read(data, "input", knowledge.terminology, suffix=suffix, as_of=dt.date.fromisoformat(as_of))


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources], **more}).encode()


PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1990-05-04"}


# --- cases


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_bundle_is_read_as_it_means(knowledge: Knowledge, folder: Path) -> None:
    expected = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    found = read(knowledge, (folder / "bundle.json").read_bytes(), str(expected["as_of"]))
    assert found.refused == []
    patients = {one.name: lines(one) for one in found.records}
    wanted = expected.get("patients") or {next(iter(patients)): expected["graph"]}
    assert patients == {name: sorted(map(str, rows)) for name, rows in wanted.items()}, yaml.safe_dump(patients)
    told = [(f"{line.resource} {line.level.name}", f"{line.why} {line.coding.code}") for line in found.report.lines if line.level is not Level.taken]
    missed = [(who, why) for who, why in told if not who.endswith("reserved")]
    for row in expected.get("missed", ()):
        who, level, why = [*row.split(" ", 2), ""][:3]
        assert any(who_level == f"{who} {level}" and why in said for who_level, said in missed), (row, missed)
    if "missed" in expected:
        assert len(missed) == len(expected["missed"]), missed
    for row in expected.get("reserved", ()):
        who, why = row.split(" ", 1)
        assert any(who_level == f"{who} reserved" and why in said for who_level, said in told), (row, told)
    if "same_verdicts_as" in expected:
        (twin,) = record.read_path(ROOT / expected["same_verdicts_as"])
        ours, theirs = (knowledge.assess(one).to_json() for one in (found.records[0], twin))
        assert [(t["therapy"], t["status"], t["rank"], t["regimens"]) for t in ours["therapies"]] == [
            (t["therapy"], t["status"], t["rank"], t["regimens"]) for t in theirs["therapies"]
        ]
    if "verdicts" in expected:
        assert casebook.wrong(expected["verdicts"], knowledge.assess(found.records[0]).to_json()) == []
    assert not [a for a in knowledge.assess_all(found.records) if isinstance(a, InvalidInput)]
