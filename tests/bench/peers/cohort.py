"""Dermograph itself: ``dermograph cohort`` as a whole process, from the shell to the written results."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dermograph.terms import PREFIXES
from peers.peer import SAMPLE, Answer, Peer
from peers.people import People
from peers.rules import Rail, Rules


@dataclass
class FromTables:
    """The tables as Parquet, on all cores, with ranks, reasons, what is missing, doses and a summary written out."""

    rules: Rules
    most: int = 1_000_000
    name: str = "**Dermograph**, from tables"
    options: tuple[str, ...] = ()

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return version("dermograph")

    def given(self, people: People) -> Path:
        """What the command reads."""
        return people.tables

    def answer(self, people: People) -> Answer:
        with tempfile.TemporaryDirectory() as room:
            out = Path(room) / "results"
            given = self.given(people)
            start = time.perf_counter()
            run = _cohort(given, out, *self.options)
            seconds = time.perf_counter() - start
            if run.returncode:
                raise RuntimeError(run.stderr)
            return Answer(seconds, _statuses(out, people.names[:SAMPLE]))


@dataclass
class FromRdf(FromTables):
    """The records as N-Triples."""

    most: int = 100_000
    name: str = "**Dermograph**, from RDF"

    def missing(self) -> str | None:
        with tempfile.TemporaryDirectory() as room:
            graph = Path(room) / "one.nt"
            graph.write_text(f"<urn:one> <{PREFIXES['rdf']}type> <{PREFIXES['pt']}Patient> .\n", encoding="utf-8")
            return "this version of dermograph cohort reads no RDF" if _cohort(graph, Path(room) / "out").returncode else None

    def given(self, people: People) -> Path:
        return people.graph


def peers(rules: Rules) -> list[Peer]:
    """From tables, the same on one core, and from RDF."""
    one = FromTables(rules, name="**Dermograph**, from tables, one thread", options=("--threads", "1"))
    return [FromTables(rules), one, FromRdf(rules)]


def _cohort(given: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "dermograph", "cohort", str(given), "--out", str(out), *options]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def _statuses(out: Path, names: list[str]) -> dict[str, Rail]:
    """Statuses of some patients, by therapy."""
    import duckdb

    places = {name: place for place, name in enumerate(names)}
    found: dict[str, Rail] = {}
    query = f"SELECT patient, therapy, status FROM read_parquet('{out}/verdicts/*.parquet') WHERE patient <= ?"
    for patient, therapy, status in duckdb.execute(query, [names[-1]]).fetchall():
        rail = found.setdefault(therapy, {})
        rail[status] = rail.get(status, 0) | 1 << places[patient]
    return found
