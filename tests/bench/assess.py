"""How fast patients are assessed, with one and with ten times the content."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tenfold import ten_copies
from timing import ROOT, Row, command, timed

from dermograph import Knowledge

CASES = sorted((ROOT / "tests" / "cases").glob("*/patient.ttl"))
MIA = ROOT / "tests" / "readme" / "mia.ttl"


def rows() -> Iterator[Row]:
    """Every measurement."""
    for part in (warm, cold, growth, copies):
        yield from part()


def warm() -> list[Row]:
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


def cold() -> list[Row]:
    """A whole process, from the shell and back."""
    whole = timed(lambda: command("assess", MIA, "--format", "json"))
    bare = timed(lambda: subprocess.run([sys.executable, "-c", "import rdflib"], check=True))
    return [
        ("cold `dermograph assess one.ttl`", f"{whole:.2f} s", "0.35 s"),
        ("cold, against a bare `import rdflib`", f"{whole / bare:.1f} ×", "3 ×"),
    ]


def growth() -> list[Row]:
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


def copies() -> list[Row]:
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
