"""How fast a whole population is assessed from Parquet, and in how much memory."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from timing import Row, command

SIZES = (100_000, 1_000_000)


def rows() -> Iterator[Row]:
    """Every measurement: whole processes, the compiled program in the cache."""
    with tempfile.TemporaryDirectory() as room:
        seconds = {}
        for size in SIZES:
            people = Path(room) / f"people{size}"
            command("synth", size, "--out", people)
            if size == SIZES[0]:
                taken(people, Path(room) / "warm")
            seconds[size] = taken(people, Path(room) / f"results{size}")
            of = f"{seconds[size]:.1f} s ({size / seconds[size]:,.0f} patients a second)"
            yield f"`cohort`, {size:,} made-up patients from Parquet", of, "10 s" if size == SIZES[-1] else "-"
        few, many = SIZES
        yield "time of ten times the patients", f"{seconds[many] / seconds[few]:.1f} ×", "10 ×"
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        yield f"memory at most, {many:,} patients", f"{peak:.1f} GiB", "4 GiB"


def taken(people: Path, results: Path) -> float:
    """Seconds that a run takes."""
    program = shutil.which("dermograph") or "dermograph"
    start = time.perf_counter()
    run = subprocess.run([program, "cohort", people, "--out", results, "--memory", "3GB"], check=False, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(run.stderr)
    return time.perf_counter() - start
