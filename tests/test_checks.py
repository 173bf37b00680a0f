"""Each rule of the check finds its seeded fault, at the file and line where an author mends it, and nothing besides.

A case is a folder named RULE or RULE-VARIANT: ``change.yaml`` holds what is changed in a copy of the ontology and the
queries, ``expected.txt`` all that the check says then. ``python tests/test_checks.py`` writes ``expected.txt`` where there is
none, to be read before it is kept.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
import yaml

from dermograph import Knowledge, cli
from dermograph.errors import KnowledgeError
from dermograph.workbench import problems
from dermograph.workbench.checks import Checker, Report, check
from dermograph.workbench.watching import changes

PROJECT = Path(__file__).parents[1]
ROOT = Path(__file__).parent / "checks"
CASES = sorted(path.parent.name for path in ROOT.glob("*/change.yaml"))
UNSAFE = ("parse", "decimal-comma", "prefix-", "undeclared-name", "unknown-term", "wrong-reference", "criterion-circle", "stale-derived-name")
ELSEWHERE = ("undeclared-name-query", "undeclared-name-sentence", "undeclared-name-shape", "unknown-term-shape", "prefix-module")


def copied(folder: Path) -> Checker:
    """A checker of a copy of the ontology and the queries."""
    for name in ("ontology", "queries"):
        shutil.copytree(PROJECT / name, folder / name)
    return Checker(folder / "ontology", folder / "queries")


@contextmanager
def changed(checker: Checker, case: str) -> Iterator[None]:
    """The copy with the change of a case, for as long as it is looked at."""
    before: dict[Path, str | None] = {}
    for one in yaml.safe_load((ROOT / case / "change.yaml").read_text(encoding="utf-8")):
        path = checker.ontology.parent / one["file"]
        before.setdefault(path, path.read_text(encoding="utf-8") if path.exists() else None)
        text = one["new"] if "old" not in one else path.read_text(encoding="utf-8").replace(one["old"], one["new"], 1)
        assert text != before[path], f"{case}: {one['file']} does not hold what is to be changed: mend change.yaml"
        path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        for path, given in before.items():
            path.unlink() if given is None else path.write_text(given, encoding="utf-8")


def row(checker: Checker, file: str, number: int | str) -> str:
    """How a line of a file begins, in place of its number, which other changes move."""
    path = next(p for p in (checker.ontology / file, checker.ontology.parent / file) if p.is_file())
    return f"«{path.read_text(encoding='utf-8').splitlines()[int(number) - 1].strip()[:50].rstrip()}»"


def told(report: Report, checker: Checker) -> str:
    found = []
    for problem in report.problems:
        file, text = problem.file, str(problem)
        if problem.line:
            text = text.replace(f"{file}:{problem.line}", f"{file}:{row(checker, file, problem.line)}", 1)
        text = re.sub(r"(?<=described here and in )(\S+):(\d+)", lambda m: f"{m[1]}:{row(checker, m[1], m[2])}", text)
        found.append(re.sub(r"(?<=begins on line )\d+", lambda m, file=file: row(checker, file, m[0]), text) + "\n")  # type: ignore[misc]
    return "".join(found).replace(str(checker.ontology), "ONTOLOGY")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checker, Report]:
    """A checker of the content as it is, and what it found."""
    made = copied(tmp_path_factory.mktemp("checks"))
    return made, made.check()


@pytest.fixture(scope="module")
def checker(first: tuple[Checker, Report]) -> Checker:
    """A checker that was run already, so that each case is told as on save."""
    return first[0]


def test_there_is_nothing_to_mend_in_the_content(first: tuple[Checker, Report]) -> None:
    assert told(first[1], first[0]) == ""
    assert not first[1].waiting and first[1].files == len(list(first[0].ontology.rglob("*.ttl")))


@pytest.mark.parametrize("case", CASES)
def test_a_seeded_fault_is_found(checker: Checker, case: str) -> None:
    with changed(checker, case):
        report = checker.check()
        found = told(report, checker)
    assert found == (ROOT / case / "expected.txt").read_text(encoding="utf-8")
    assert report.failed and all(case.startswith(p.rule) for p in report.problems)


def test_nothing_is_left_of_the_seeded_faults(checker: Checker) -> None:
    assert checker.check().problems == ()


@pytest.mark.parametrize("case", ["shape-quantity-unit", "shape-regimen-population", "criterion-twice"])
def test_what_is_told_on_save_is_what_is_told_at_first(checker: Checker, case: str) -> None:
    with changed(checker, case):
        assert checker.check() == check(checker.ontology, checker.queries)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith(UNSAFE) and case not in ELSEWHERE])
def test_an_unsafe_ontology_is_refused_by_file_and_line(checker: Checker, case: str) -> None:
    with changed(checker, case):
        with pytest.raises(KnowledgeError) as refused:
            Knowledge.load(checker.ontology)
        file, line = str(refused.value).removeprefix(f"{checker.ontology}/").split(":")[:2]
        place = f"{file}:{row(checker, file, line)}"
    assert (ROOT / case / "expected.txt").read_text(encoding="utf-8").startswith(place)


@pytest.mark.parametrize("command", [["assess", "MIA"], ["derive", "--check"], ["coverage"], ["query", "boxed-warnings"], ["check"]])
def test_every_command_refuses_a_typo(checker: Checker, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    mia = str(PROJECT / "tests" / "readme" / "mia.ttl")
    with changed(checker, "undeclared-name-force"):
        assert cli.main([mia if word == "MIA" else word for word in command] + ["--ontology", str(checker.ontology)]) == 3
    printed = "".join(capsys.readouterr())
    assert "labels/tralokinumab.ttl:106: " in printed and "the nearest name is dg:Absolute" in printed and "bug" not in printed


def test_formats(checker: Checker, capsys: pytest.CaptureFixture[str]) -> None:
    with changed(checker, "undeclared-name-force"):
        report = checker.check()
        assert cli.main(["check", str(checker.ontology), "--format", "json"]) == 3
        as_json = json.loads(capsys.readouterr().out)
        assert cli.main(["check", str(checker.ontology), "--format", "sarif"]) == 3
        as_sarif = json.loads(capsys.readouterr().out)
    assert as_json["findings"] == problems.to_json(report.problems) and as_json["failed"] and as_json["waiting"]
    (result,) = as_sarif["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 106}
    jsonschema.validate(as_sarif, yaml.safe_load((ROOT / "sarif.yaml").read_text(encoding="utf-8")))
    odd = problems.to_sarif([problems.Problem("a b.ttl", 0, "header", "", "none", "write one", "note")])
    assert odd["runs"][0]["results"][0]["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a%20b.ttl"}}}]


@pytest.mark.parametrize("arguments", [["ontology", "--ontology", "ontology"], ["--watch", "--format", "json"]])
def test_a_wrong_command_line(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert cli.main(["check", *arguments]) == 2


def test_a_folder_without_turtle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no Turtle file"):
        check(tmp_path)


def test_a_saved_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "one.ttl").write_text("", encoding="utf-8")
    looks = changes([tmp_path], every=0.01)
    (tmp_path / "other.txt").write_text("", encoding="utf-8")

    def save() -> None:
        (tmp_path / "one.ttl").write_text("# saved", encoding="utf-8")

    import threading

    timer = threading.Timer(0.1, save)
    timer.start()
    assert next(looks) == [tmp_path / "one.ttl"]
    timer.join()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = copied(Path(folder))
        for name in CASES:
            path = ROOT / name / "expected.txt"
            if not path.exists():
                with changed(made, name):
                    path.write_text(told(made.check(), made), encoding="utf-8")
