"""Speed of Dermograph, as ratios within one run.

Run with ``python tests/bench/run.py`` from the checkout, in an environment where it is installed. It prints a table in
Markdown; ``tests/bench/README.md`` keeps the last one. Figures of a noisy machine are only good as ratios.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dermograph import Knowledge

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "cases").glob("*/patient.ttl"))
MIA = ROOT / "tests" / "readme" / "mia.ttl"


def timed(job: Callable[[], object], repeats: int = 7) -> float:
    """Median of the seconds that a job takes."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def warm() -> list[tuple[str, str, str]]:
    """One patient in a process that is up: validated, assessed, explained."""
    knowledge = Knowledge.load()
    texts = [path.read_text(encoding="utf-8") for path in CASES[::4]]
    knowledge.assess(texts[0])
    each = [timed(lambda t=text: knowledge.assess(t), 5) for text in texts]  # type: ignore[misc]
    answer = knowledge.assess(texts[0])
    ordered = sorted(each)
    ninth = ordered[int(len(ordered) * 0.9)]
    return [
        ("warm `assess`, one patient, median of the cases", f"{statistics.median(each) * 1000:.1f} ms", "10 ms"),
        ("warm `assess`, one patient, ninth decile of the cases", f"{ninth * 1000:.1f} ms", "-"),
        ("the answer as JSON, beside it", f"{timed(lambda: answer.to_json()) * 1000:.1f} ms", "-"),
    ]


def cold() -> list[tuple[str, str, str]]:
    """A whole process, from the shell and back."""
    command = [shutil.which("dermograph") or "dermograph", "assess", str(MIA), "--format", "json"]
    whole = timed(lambda: subprocess.run(command, check=True, capture_output=True))
    bare = timed(lambda: subprocess.run([sys.executable, "-c", "import rdflib"], check=True))
    return [
        ("cold `dermograph assess one.ttl`", f"{whole:.2f} s", "0.35 s"),
        ("cold, against a bare `import rdflib`", f"{whole / bare:.1f} ×", "3 ×"),
    ]


def growth() -> list[tuple[str, str, str]]:
    """Many patients in one graph."""
    knowledge = Knowledge.load()
    body = [path.read_text(encoding="utf-8") for path in CASES]
    found = []
    base = 0.0
    for number in (1, 10, 100, 1000):
        parts = [body[i % len(body)].replace("<urn:example:", f"<urn:example:{i}-") for i in range(number)]
        records = [record for part in parts for record in knowledge.read(part)]
        each = timed(lambda r=records: list(knowledge.assess_all(r)), 3 if number < 1000 else 1) / number  # type: ignore[misc]
        base = base or each
        found.append((f"{number} patients, each", f"{each * 1000:.1f} ms ({each / base:.2f} × one alone)", "linear"))
    return found


def copies() -> list[tuple[str, str, str]]:
    """The same patient against one and ten copies of the guideline content."""
    text = MIA.read_text(encoding="utf-8")
    single = Knowledge.load()
    single.assess(text)
    one = timed(lambda: single.assess(text))
    with tempfile.TemporaryDirectory() as folder:
        tenfold = Knowledge.load(ten_copies(Path(folder)))
        tenfold.assess(text)
        ten = timed(lambda: tenfold.assess(text))
    return [("ten copies of the content, against one", f"{ten / one:.1f} ×", "10 ×")]


def ten_copies(folder: Path) -> Path:
    """An ontology with nine more copies of the content under names of their own."""
    ontology = ROOT / "ontology"
    shutil.copytree(ontology, folder / "ontology")
    measured = [line.split(" ")[0] for line in (ontology / "dermatitis" / "observables.ttl").read_text().splitlines() if line.startswith("fact:")]
    for number in range(1, 10):
        for part in ("dermatitis", "labels", "guidelines", "sources", "derived"):
            for path in (ontology / part).rglob("*.ttl"):
                text = path.read_text(encoding="utf-8").replace("dermograph/ad#", f"dermograph/ad{number}#")
                for fact in measured:
                    text = text.replace(f"{fact} ", f"{fact}{number} ")
                copy = folder / "ontology" / f"copy{number}" / path.relative_to(ontology)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text, encoding="utf-8")
    return folder / "ontology"


def main() -> None:
    """Run every measurement and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DERMOGRAPH_CACHE"] = folder
        print("| what | measured | wanted at most |\n| --- | --- | --- |")
        for part in (warm, cold, growth, copies):
            for what, measured, wanted in part():
                print(f"| {what} | {measured} | {wanted} |", flush=True)


if __name__ == "__main__":
    main()
