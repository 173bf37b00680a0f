"""What every measurement needs: a clock and the command line."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
Row = tuple[str, str, str]
"""What is measured, the figure, and what is wanted at most."""


def timed(job: Callable[[], object], repeats: int = 7) -> float:
    """Median of the seconds that a job takes."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def command(*words: object) -> None:
    """Run Dermograph in a process of its own, which may find something to mend, but not fail."""
    program = shutil.which("dermograph") or "dermograph"
    run = subprocess.run([program, *map(str, words)], check=False, capture_output=True, text=True)
    if run.returncode not in {0, 3} or run.stderr:
        raise SystemExit(f"dermograph {' '.join(map(str, words))}: exit code {run.returncode}\n{run.stderr}")
