"""How long an author waits for the commands, with one and with ten times the content."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tenfold import ten_copies
from timing import ROOT, Row, command, timed

from dermograph.workbench.checks import Checker

CASES = ROOT / "tests" / "cases"
CHANGED = ("dermatitis/criteria.ttl", "[ xsd:minInclusive 15.0 ] [ xsd:maxExclusive 30.0 ]", "[ xsd:minInclusive 25.0 ] [ xsd:maxExclusive 30.0 ]")
"""A threshold: file, what is in it, and what is put for it."""
WANTED = {"`prove`, nothing known": "60 s", "a file saved under `check --watch`": "2 s"}


def rows() -> Iterator[Row]:
    """Every measurement: with the content as it is, then with ten times as much against it."""
    with tempfile.TemporaryDirectory() as room:
        one = shutil.copytree(ROOT / "ontology", Path(room) / "one" / "ontology")
        before = {}
        for what, seconds in measured(one, repeats=3):
            before[what] = seconds
            yield what, f"{seconds:.1f} s", WANTED.get(what, "-")
        for what, seconds in measured(ten_copies(Path(room) / "ten"), repeats=1):
            yield f"{what}, ten copies of the content", f"{seconds:.1f} s ({seconds / before[what]:.1f} ×)", "10 ×"


def measured(ontology: Path, repeats: int) -> Iterator[tuple[str, float]]:
    """What is measured of an ontology, and its seconds; each command is a process of its own, the index in its cache.

    :param ontology: folder that is written into; a copy with another threshold is made beside it.
    """
    yield from checking(ontology, repeats)
    changed = saved(Path(shutil.copytree(ontology, ontology.parent / "changed")))
    command("cover", "--ontology", ontology, "--cases", CASES)
    yield "`cover`", timed(lambda: command("cover", "--ontology", ontology, "--cases", CASES), repeats)
    yield "`diff` of one threshold", timed(lambda: command("diff", ontology, changed), repeats)
    yield "`diff --patients` of one threshold, all cases", timed(lambda: command("diff", ontology, changed, "--patients", CASES), repeats)
    yield from proving(ontology, changed)


def checking(ontology: Path, repeats: int) -> Iterator[tuple[str, float]]:
    """The check of everything, and of one line in a file that is saved."""
    yield "`check`", timed(lambda: command("check", ontology), repeats)
    checker = Checker(ontology)
    checker.check()
    text = (ontology / CHANGED[0]).read_text(encoding="utf-8")

    def save_and_take_back() -> None:
        saved(ontology)
        checker.check()
        (ontology / CHANGED[0]).write_text(text, encoding="utf-8")
        checker.check()

    yield "a file saved under `check --watch`", timed(save_and_take_back, repeats) / 2


def proving(ontology: Path, changed: Path) -> Iterator[tuple[str, float]]:
    """The proof from nothing, again, and after a change."""
    outer = os.environ["DERMOGRAPH_CACHE"]
    with tempfile.TemporaryDirectory() as cache:
        os.environ["DERMOGRAPH_CACHE"] = cache
        yield "`prove`, nothing known", timed(lambda: command("prove", "--ontology", ontology), 1)
        yield "`prove` again", timed(lambda: command("prove", "--ontology", ontology), 1)
        yield "`prove` after one threshold changed", timed(lambda: command("prove", "--ontology", changed), 1)
        os.environ["DERMOGRAPH_CACHE"] = outer


def saved(ontology: Path) -> Path:
    """The ontology with a threshold changed in place."""
    file, old, new = CHANGED
    text = (ontology / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} does not hold {old!r} once"
    (ontology / file).write_text(text.replace(old, new), encoding="utf-8")
    return ontology
