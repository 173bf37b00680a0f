"""How fast a whole population is assessed from RDF, against merely parsing it."""

from __future__ import annotations

import collections
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
from cohort import taken
from timing import Row, command

SIZE = 100_000
RUNS = 3


def rows() -> Iterator[Row]:
    """Every measurement; runs and drains of the same file take turns, and the best of each counts."""
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "people"
        command("synth", SIZE, "--format", "nt", "--out", folder)
        path = folder / "patients.nt"
        few = Path(room) / "few"
        command("synth", 10, "--format", "nt", "--out", few)
        taken(few, Path(room) / "warm")
        drains, runs = [], []
        for number in range(RUNS):
            drains.append(drained(path))
            runs.append(taken(path, Path(room) / f"results{number}"))
            shutil.rmtree(Path(room) / f"results{number}")
        drain, run = min(drains), min(runs)
        triples = path.stat().st_size / 2**20
        yield f"`pyoxigraph.parse` drained, {SIZE:,} made-up patients as N-Triples ({triples:,.0f} MiB)", f"{drain:.1f} s", "-"
        yield f"`cohort` on them, {os.cpu_count()} cores", f"{run:.1f} s ({SIZE / run:,.0f} patients a second), {run / drain:.2f} ×", "2.5 ×"


def drained(path: Path) -> float:
    """Seconds that parsing a file takes, on one core."""
    start = time.perf_counter()
    collections.deque(ox.parse(path=path, format=ox.RdfFormat.N_TRIPLES), maxlen=0)
    return time.perf_counter() - start


if __name__ == "__main__":
    for row in rows():
        print(row)
