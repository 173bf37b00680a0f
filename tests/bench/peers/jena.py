"""Apache Jena's ARQ in memory, in one Java process that has grown warm."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engines import jena

from dermograph.content import folder
from peers.peer import Answer, joined
from peers.people import People
from peers.queries import Queries
from peers.rules import Marks, Rules

SOURCE = Path(__file__).parent / "Arq.java"
COLD = 3
"""Rounds that are not counted."""
COUNTED = 3


@dataclass
class Jena:
    """The facts of all patients, asked by the compiled queries."""

    rules: Rules
    most: int = 10_000
    name: str = "Jena ARQ in memory, given the facts"

    def missing(self) -> str | None:
        return jena.missing()

    def version(self) -> str:
        return next((p.stem.removeprefix("jena-arq-") for p in jena.FOLDER.glob("jena-arq-*.jar")), "unknown")

    @cached_property
    def queries(self) -> Queries:
        """The compiled rules."""
        return Queries(self.rules)

    def given(self, people: People) -> list[Path]:
        """Graphs to load, and queries that derive more, in order."""
        return [people.facts]

    def answer(self, people: People) -> Answer:
        with tempfile.TemporaryDirectory() as room:
            work = Path(room)
            files = [work / "index.nt", *self.given(people)]
            files[0].write_text("".join(self.queries.index), encoding="utf-8")
            for name, query in self.queries.queries.items():
                files.append(work / f"{name}.select.rq")
                files[-1].write_text(query, encoding="utf-8")
            marks, seconds = self._run(work, files, people.names)
            return joined(self.rules, people.count, marks, seconds)

    def _run(self, work: Path, files: Sequence[Path], names: list[str]) -> tuple[Marks, float]:
        rounds = COLD + COUNTED if len(names) > 1000 else 1
        words = ["java", "-cp", jena.classpath(work), str(SOURCE), str(work), str(rounds), *map(str, files)]
        run = subprocess.run(words, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stderr)
        start = time.perf_counter()
        answers = [(q, (work / f"{q}.csv").read_text(encoding="utf-8").partition("\n")[2]) for q in self.queries.queries]
        marks = self.queries.marks(answers, names)
        return marks, statistics.median([*map(float, run.stdout.split())][-COUNTED:]) + time.perf_counter() - start


@dataclass
class JenaFromRecord(Jena):
    """Dermograph's own queries derive the facts from the record first."""

    name: str = "Jena ARQ in memory, from the record"

    def given(self, people: People) -> list[Path]:
        (index := people.room / "guideline.nt").write_text("".join(f"{t} .\n" for t in self.rules.knowledge.index), encoding="utf-8")
        derive = []
        for query in sorted((folder("queries") / "facts").glob("*.rq")):
            derive.append(people.room / f"{query.stem}.construct.rq")
            derive[-1].write_text(query.read_text(encoding="utf-8"), encoding="utf-8")
        return [index, people.canonical, *derive]
