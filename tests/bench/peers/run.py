"""What a user would pick instead of Dermograph for a population, beside it, on the same patients and in one run.

``python tests/bench/peers/run.py [--patients N] [PEER …]`` from the checkout, in an environment where it is installed with
``dermograph[cohort]``. It prints a table in Markdown; the README beside it tells what is compared, and keeps the last one.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    from peers import race

    race.main()
