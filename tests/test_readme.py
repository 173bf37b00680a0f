"""What the README and the guide to FHIR show is true: its graph, its console blocks, its Python."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = README + (ROOT / "docs" / "fhir.md").read_text(encoding="utf-8")
BLOCKS = [b for b in re.findall(r"```console\n\$ (dermograph .*?)\n(.*?)```", SHOWN, re.DOTALL) if b[1]]


def test_the_graph_is_the_example() -> None:
    (shown,) = re.findall(r"```turtle\n(.*?)```", README, re.DOTALL)
    assert shown == (ROOT / "tests" / "readme" / "mia.ttl").read_text(encoding="utf-8")


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[b[0] for b in BLOCKS])
def test_the_console_says_so(command: str, shown: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONPATH": "src", "COLUMNS": "250"}
    )
    rest = " ".join(run.stdout.split())
    for line in shown.splitlines():
        before, found, rest = rest.partition(" ".join(line.split()))
        assert found, f"{line!r} does not follow in\n{before}"


def test_the_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 0
    assert failed == 0


def test_the_map_is_true() -> None:
    for folder in re.findall(r"^\| `([a-z/]+/)` \|", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
