"""A seeded fault of each kind is found, with a patient who shows it; the content as it is has none.

Each folder under ``proofs/`` holds a change: what to put for what in which file, and the findings that follow. Changes that
leave the ontology consistent are made in one copy, so that the reasoner runs once for them; the others have a copy each.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dermograph import Knowledge, content
from dermograph.cli import app
from dermograph.errors import UsageError
from dermograph.workbench import hermit, subsumption
from dermograph.workbench.positions import positions
from dermograph.workbench.proofs import Found, Proof, prove

ONTOLOGY = content.folder("ontology")
FOLDERS = Path(__file__).parent / "proofs"
CHANGES: dict[str, dict[str, Any]] = {p.parent.name: yaml.safe_load(p.read_text(encoding="utf-8")) for p in sorted(FOLDERS.glob("*/change.yaml"))}
ALONE = sorted(name for name, change in CHANGES.items() if change.get("alone"))
TOGETHER = sorted(CHANGES.keys() - set(ALONE))


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this module's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DERMOGRAPH_CACHE", str(folder))
        yield folder


def changed(folder: Path, *names: str) -> Path:
    """A copy of the ontology with changes made."""
    shutil.copytree(ONTOLOGY, folder, dirs_exist_ok=True)
    for name in names:
        path = folder / CHANGES[name]["file"]
        text, old = path.read_text(encoding="utf-8"), CHANGES[name]["old"]
        assert text.count(old) == 1, f"{name}: {old!r} stands {text.count(old)} times in {path}"
        path.write_text(text.replace(old, CHANGES[name]["new"]), encoding="utf-8")
    return folder


def told(proof: Proof) -> set[str]:
    return {f"{f.problem.rule} {f.problem.node}".strip() for f in proof.found if f.problem.level != "note"}


@pytest.fixture(scope="module")
def untouched(kept: Path) -> Proof:
    return prove(ONTOLOGY)


@pytest.fixture(scope="module")
def broken(untouched: Proof, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Proof]:
    """The copy with every fault that goes with others, and its proof."""
    folder = changed(tmp_path_factory.mktemp("ontology"), *TOGETHER)
    return folder, prove(folder)


def test_the_content_is_proved(untouched: Proof) -> None:
    assert told(untouched) == set()
    assert untouched.asked == untouched.reasoned > 1500


def test_a_second_run_asks_nothing_anew(untouched: Proof) -> None:
    again = prove(ONTOLOGY)
    assert (again.reasoned, again.found) == (0, untouched.found)


def test_only_what_changed_is_proved_anew(broken: tuple[Path, Proof], untouched: Proof) -> None:
    assert broken[1].reasoned < untouched.reasoned / 2


@pytest.mark.parametrize("name", TOGETHER)
def test_a_seeded_fault_is_found(broken: tuple[Path, Proof], name: str) -> None:
    assert set(CHANGES[name]["expected"]) <= told(broken[1])


def test_nothing_else_is_found(broken: tuple[Path, Proof]) -> None:
    assert told(broken[1]) - {finding for name in TOGETHER for finding in CHANGES[name]["expected"]} == set()


@pytest.mark.parametrize("name", ALONE)
def test_a_fault_that_stops_the_proof_is_found(tmp_path: Path, name: str) -> None:
    assert told(prove(changed(tmp_path, name))) == set(CHANGES[name]["expected"])


# --- patients who show a fault


def shown(broken: tuple[Path, Proof], rule: str) -> Iterator[Found]:
    yield from (f for f in broken[1].found if f.problem.rule == rule)


def test_every_fault_of_a_dose_has_a_patient(broken: tuple[Path, Proof]) -> None:
    knowledge = Knowledge.load(broken[0])
    faults = [*shown(broken, "regimen-gap"), *shown(broken, "regimens-overlap"), *shown(broken, "directions-conflict")]
    assert len(faults) >= 4
    for fault in faults:
        assert fault.patient, fault.problem
        (one,) = knowledge.read(fault.patient)
        assert [f for f in knowledge.validate([one]) if f.severity == "Violation"] == []


def test_the_answer_on_a_patient_shows_the_fault(broken: tuple[Path, Proof]) -> None:
    knowledge = Knowledge.load(broken[0])
    for rule in ("regimen-gap", "regimens-overlap"):
        for fault in shown(broken, rule):
            name = fault.problem.node
            therapies = [t for t, row in knowledge.tree["rows"].items() if name in [*row["recommendations"], *(r["id"] for r in row["regimens"])]]
            (verdict,) = [v for v in knowledge.assess(fault.patient).therapies if v.therapy in therapies]
            assert verdict.status != "excluded"
            if rule == "regimen-gap":
                assert verdict.regimens == ()
                assert "no-regimen" in [c.kind for c in verdict.cautions]
            else:
                assert len(verdict.regimens) > 1


def test_a_finding_names_its_line(broken: tuple[Path, Proof]) -> None:
    places = positions(broken[0])
    for fault in broken[1].found:
        assert fault.problem.file in {file for file, _ in places.subjects[fault.problem.node]}
        assert fault.problem.line > 0


# --- the command


def test_the_command_tells_faults_and_writes_patients(broken: tuple[Path, Proof], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["prove", "--ontology", str(broken[0]), "--patients", str(tmp_path / "patients")])
    assert done.exit_code == 3
    assert "[regimen-gap]" in done.output
    files = sorted((tmp_path / "patients").iterdir())
    assert len(files) == sum(1 for f in broken[1].found if f.patient)
    assert CliRunner().invoke(app, ["validate", *map(str, files)]).exit_code == 0


@pytest.mark.parametrize("format", ["json", "sarif", "text"])
def test_the_command_is_content_with_the_content(untouched: Proof, format: str) -> None:
    done = CliRunner().invoke(app, ["prove", "--format", format])
    assert done.exit_code == 0, done.output


def test_a_missing_reasoner_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hermit, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="owlready2") as told_of:
        hermit.command()
    assert "dermograph[prove]" in told_of.value.hint


def test_missing_java_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hermit, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UsageError, match="Java"):
        hermit.java()


def test_classification_has_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DERMOGRAPH_CACHE", str(tmp_path))
    monkeypatch.setattr(subsumption, "LIMIT", 0.01)
    (note,) = [f.problem for f in prove(ONTOLOGY).found if f.problem.rule in {"not-classified", "criterion-implied"}]
    assert note.level == "note" and "was not worked out" in note.message
