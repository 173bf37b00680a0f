"""Speed of Dermograph, as ratios within one run.

Run with ``python tests/bench/run.py`` from the checkout, in an environment where it is installed; a word, ``assess``,
``workbench``, ``cohort``, ``rdf``, ``service`` or ``soak``, runs that part alone. It prints a table in Markdown;
``tests/bench/README.md`` keeps the last one. Figures of a noisy machine are only good as ratios.
"""

from __future__ import annotations

import os
import sys
import tempfile

import assess
import cohort
import population_rdf
import service
import workbench

PARTS = {
    "assess": assess.rows,
    "workbench": workbench.rows,
    "cohort": cohort.rows,
    "rdf": population_rdf.rows,
    "service": service.rows,
    "soak": service.soak,
}


def main() -> None:
    """Run every measurement, or those of the parts that are named, and print the table."""
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - PARTS.keys():
        raise SystemExit(f"no part is named {' or '.join(sorted(unknown))}: {', '.join(PARTS)} are")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DERMOGRAPH_CACHE"] = folder
        print("| what | measured | wanted at most |\n| --- | --- | --- |")
        for name in names:
            for what, measured, wanted in PARTS[name]():
                print(f"| {what} | {measured} | {wanted} |", flush=True)


if __name__ == "__main__":
    main()
