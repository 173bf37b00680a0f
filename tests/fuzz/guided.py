"""Fuzz a reader, guided by coverage: ``python -m fuzz.guided TARGET [-max_total_time=60 …]`` in ``tests``.

It needs atheris; the options are libFuzzer's. A fault ends the run with its input in a file ``crash-…``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dermograph"]):
    from fuzz.targets import TARGETS, knowledge


def main() -> None:
    """Fuzz one target from its seeds."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        raise SystemExit(f"name one of {', '.join(TARGETS)}")
    target = TARGETS[name]
    knowledge()
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], target.held)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
