"""One run writes into a folder of results at a time, the very same goes on in it, and finished results stay as they are."""

from __future__ import annotations

import datetime as dt
import fcntl
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dermograph import Knowledge, cli
from dermograph.cohort.checks import REASONS
from dermograph.cohort.comparison import Comparison
from dermograph.cohort.run import Cohort
from dermograph.cohort.sources import source_of
from dermograph.cohort.summary import Totals
from dermograph.cohort.tables import Tables
from dermograph.errors import InputError

DAY = "2026-11-01"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "patients.csv").write_text(f"patient,asOf,ageYears\na,{DAY},30\n", encoding="utf-8")
    return tmp_path / "in"


def digest(out: Path) -> dict[str, tuple[int, bytes]]:
    return {p.relative_to(out).as_posix(): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(out.rglob("*")) if p.is_file()}


def test_two_runs_at_once(given: Path, tmp_path: Path) -> None:
    """The one ends with results that are whole, the other tells why it does not run."""
    command = [sys.executable, "-m", "dermograph", "cohort", str(given), "--out", str(tmp_path / "out")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [(*one.communicate(), one.returncode) for one in both]
    for out, err, code in said:
        assert (code == 0 and "1 assessed" in out) or (code == 3 and "another run is writing here" in err and "mend:" in err)
    assert 0 in {code for *_, code in said}
    assert (tmp_path / "out" / "report.html").exists() and not (tmp_path / "out" / ".unfinished").exists()


def test_a_folder_that_another_run_holds(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = tmp_path / "out" / ".unfinished"
    work.mkdir(parents=True)
    with (work / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert cli.main(["cohort", str(given), "--out", str(tmp_path / "out")]) == 3
        assert "another run is writing here" in capsys.readouterr().err and [p.name for p in work.iterdir()] == ["lock"]
    assert cli.main(["cohort", str(given), "--out", str(tmp_path / "out")]) == 0


def test_a_folder_that_cannot_be_locked(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    assert cli.main(["cohort", str(given), "--out", str(tmp_path / "out")]) == 3
    assert "cannot be locked: No locks available" in capsys.readouterr().err


def test_the_same_again_changes_nothing(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["cohort", str(given), "--out", str(tmp_path / "out"), "--as-of", DAY]
    assert cli.main(command) == 0
    before = digest(tmp_path / "out")
    (tmp_path / "out" / ".unfinished").mkdir()  # as a kill at the very end leaves it
    (tmp_path / "out" / ".unfinished" / "run.json").write_text("{}", encoding="utf-8")
    assert cli.main([*command, "--threads", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("already finished: 1 patients read: 1 assessed, 0 rejected")
    assert digest(tmp_path / "out") == before
    for more in (["--explain"], ["--least", "5"], ["--chunk", "7"]):
        assert cli.main([*command, *more]) == 3
        assert "another input, day or options" in capsys.readouterr().err
    (given / "patients.csv").write_text(f"patient,asOf,ageYears\na,{DAY},31\n", encoding="utf-8")
    assert cli.main(command) == 3
    assert digest(tmp_path / "out") == before


def test_results_of_which_something_is_gone_are_not_taken_for_whole(given: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    cohort = Cohort(knowledge, Tables(given, dt.date.fromisoformat(DAY)), tmp_path / "out", least=None)
    assert cohort.run() == cohort.run() == Totals(1, 1, 0)
    shutil.rmtree(tmp_path / "out" / "verdicts")
    with pytest.raises(InputError, match="verdicts is missing"):
        cohort.run()


def test_a_mark_that_cannot_be_read_is_that_of_another_run(given: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    source = Tables(given, dt.date.fromisoformat(DAY))
    (tmp_path / "begun" / ".unfinished").mkdir(parents=True)
    (tmp_path / "begun" / ".unfinished" / "run.json").write_text("{", encoding="utf-8")
    assert Cohort(knowledge, source, tmp_path / "begun", least=None).run() == Totals(1, 1, 0)
    (tmp_path / "begun" / ".finished").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="holds something already"):
        Cohort(knowledge, source, tmp_path / "begun", least=None).run()


def test_results_of_another_program_are_not_taken_for_its_own(
    given: Path, tmp_path: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Tables(given, dt.date.fromisoformat(DAY))
    assert Cohort(knowledge, source, tmp_path / "out", least=None).run() == Totals(1, 1, 0)
    monkeypatch.setattr("dermograph.cohort.run._code", lambda: "another")
    with pytest.raises(InputError, match="holds something already"):
        Cohort(knowledge, source, tmp_path / "out", least=None).run()


def test_rejected_patients_are_told_again(given: Path, tmp_path: Path) -> None:
    (given / "patients.csv").write_text("patient,ageYears\na,300\n", encoding="utf-8")
    assert [cli.main(["cohort", str(given), "--out", str(tmp_path / "out")]) for _ in range(2)] == [3, 3]


def test_the_day_of_yesterday_is_not_that_of_today(given: Path, tmp_path: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = Cohort(knowledge, Tables(given, dt.date.fromisoformat(DAY)), tmp_path / "fixed", least=None)
    open_ = Cohort(knowledge, Tables(given), tmp_path / "open", least=None)
    assert fixed.run() == open_.run() == Totals(1, 1, 0)
    tomorrow = SimpleNamespace(date=SimpleNamespace(today=lambda: dt.date(2100, 1, 1)))
    monkeypatch.setattr("dermograph.cohort.run.dt", tomorrow)
    assert Cohort(knowledge, fixed.source, fixed.out, least=None).run() == Totals(1, 1, 0)
    with pytest.raises(InputError, match="another input, day or options"):
        Cohort(knowledge, open_.source, open_.out, least=None).run()


def test_results_of_what_may_have_changed_are_not_taken_for_those_of_today(given: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    class Store(Tables):
        settled = False

    source = Store(given, dt.date.fromisoformat(DAY))
    Cohort(knowledge, source, tmp_path / "out", least=None).run()
    with pytest.raises(InputError, match="cannot be told"):
        Cohort(knowledge, source, tmp_path / "out", least=None).run()


def test_nothing_of_an_unfinished_run_of_another_input_stays(given: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    out = tmp_path / "out"
    (out / ".unfinished").mkdir(parents=True)
    (out / ".unfinished" / "run.json").write_text("{}", encoding="utf-8")
    for name in ("ignored.parquet", "changes.parquet", "summary.json", "report.html"):
        (out / name).write_text("of another", encoding="utf-8")
    Cohort(knowledge, Tables(given), out).run()
    assert not (out / "ignored.parquet").exists() and not (out / "changes.parquet").exists()


@pytest.mark.parametrize("place", ["/sys/out", "/proc/out", "/dev/null/out"])
@pytest.mark.parametrize("command", [["cohort"], ["synth", "3"]])
def test_a_folder_that_may_not_be_written(command: list[str], place: str, given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*command, *([str(given)] if command == ["cohort"] else []), "--out", place]) == 2
    said = capsys.readouterr().err
    assert f"{place}: " in said and "name a folder that can be written" in said and "bug" not in said


def test_made_up_patients_on_a_full_disk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dermograph.cohort.writing._parquet", full)
    assert cli.main(["synth", "3", "--out", str(tmp_path / "out")]) == 3
    assert "make room on the disk" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["o'brien", "a [1]*?", "ü%20#{i}"])
def test_odd_names_of_folders(name: str, given: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    (given / "patients.csv").write_text(f"patient,asOf,ageYears\na,{DAY},30\nb,{DAY},3\n", encoding="utf-8")
    source = source_of(given.rename(tmp_path / f"in {name}"), None, knowledge)
    compared = Comparison(knowledge, [])
    assert Cohort(knowledge, source, tmp_path / name, chunk=1, compared=compared).run() == Totals(2, 2, 0)
    assert (tmp_path / name / "changes.parquet").exists()


@pytest.mark.parametrize("name", ["courses.parquet", "courses.csv", "courses/part-0.parquet"])
def test_a_file_that_may_not_be_read(
    name: str, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (given / name).parent.mkdir(exist_ok=True)
    (given / name).write_bytes(b"")

    def closed(self: Path, *args: Any, **more: Any) -> Any:
        if self == given / name:
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **more)

    opened = Path.open
    monkeypatch.setattr(Path, "open", closed)
    assert cli.main(["cohort", str(given), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert f"{given / name}: Permission denied" in said and "that you may read it" in said
    assert not (tmp_path / "out" / ".unfinished").exists()


def test_every_reason_tells_how_to_mend_it() -> None:
    assert all("; " in text for text in REASONS.values())
