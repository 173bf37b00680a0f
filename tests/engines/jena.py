"""Apache Jena answers the criteria of a conformance kit; nothing here comes from Dermograph but the kit.

From ``tests/``: ``python -m engines.jena KIT > RESULTS.csv``, with Debian's ``libapache-jena-java`` and a Java runtime. One run of
Jena's command line loads the guideline graph and the facts of all cases and answers the query of every criterion.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

FOLDER = Path("/usr/share/java")
JARS = [
    *("jena-arq", "jena-base", "jena-cmds", "jena-core", "jena-iri"),
    *("commons-cli", "commons-codec", "commons-compress", "commons-csv", "commons-io", "commons-lang3", "dexx.collection", "gson", "guava"),
    *("jackson-annotations", "jackson-core", "jackson-databind", "jakarta.json-api", "jsonld-java", "titanium-json-ld"),
    *("protobuf", "slf4j-api", "slf4j-nop", "thrift"),
]
MISPLACED = "org/apache/jena/ext/xerces/"
"""Where Debian's package has the messages of a library, which the library looks for under ``xerces/``; without them it does not start."""


def missing() -> str | None:
    """What has to be installed before Jena can run; None where it can."""
    if shutil.which("java") is None:
        return "no java on the path: apt-get install default-jre-headless"
    lacking = [jar for jar in JARS if not (FOLDER / f"{jar}.jar").exists()]
    return f"no {', '.join(lacking)} in {FOLDER}: apt-get install libapache-jena-java" if lacking else None


def classpath(work: Path) -> str:
    """Where Java finds Jena.

    :param work: a folder to put its misplaced messages into.
    """
    with zipfile.ZipFile(FOLDER / "jena-core.jar") as jar:
        for name in (n for n in jar.namelist() if n.startswith(MISPLACED) and not n.endswith("/")):
            place = work / "xerces" / name.removeprefix(MISPLACED)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(jar.read(name))
    return ":".join([str(work), *(str(FOLDER / f"{jar}.jar") for jar in JARS)])


def script(kit: Path) -> str:
    """The queries of all criteria as one SPARQL update that puts the answers into a graph for each criterion."""
    parts = ["INSERT { GRAPH <urn:patients> { ?patient <urn:is> true } } WHERE { ?patient a <https://w3id.org/dermograph/patient#Patient> }"]
    for path in sorted((kit / "criteria").glob("*.rq")):
        text = path.read_text(encoding="utf-8")
        start = text.index("SELECT ?patient ?holds")
        parts.append(f"{text[:start]}\nINSERT {{ GRAPH <urn:{path.stem}> {{ ?patient <urn:holds> ?holds }} }} WHERE {{ {{ {text[start:]} }} }}")
    return " ;\n".join([*parts, "DROP DEFAULT"])


def answers(kit: Path) -> Iterator[tuple[str, str, str]]:
    """Case, criterion and truth, for all cases and all criteria."""
    names = {path.stem: _criterion(path) for path in sorted((kit / "criteria").glob("*.rq"))}
    holds: dict[tuple[str, str], str] = {}
    patients = []
    for graph, patient, truth in _triples(_run(kit)):
        if graph == "patients":
            patients.append(patient)
        elif (patient, graph) in holds:
            raise ValueError(f"{graph} is both true and false of {patient}")
        else:
            holds[patient, graph] = truth
    for patient, name in product(patients, names):
        yield patient, names[name], holds.get((patient, name), "unknown")


def _criterion(path: Path) -> str:
    """The criterion that a query asks for: its name in the comment that the query opens with."""
    found = re.search(r"\[(\S+)\]: known", path.read_text(encoding="utf-8"))
    assert found
    return found[1]


def _run(kit: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "all.ru").write_text(script(kit), encoding="utf-8")
        data = [f"--data={path}" for path in (kit / "guideline.ttl", *sorted(kit.glob("cases/*/facts.ttl")))]
        command = ["java", "-cp", classpath(work), "arq.update", *data, f"--update={work / 'all.ru'}", "--dump"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout


def _triples(trig: str) -> Iterator[tuple[str, str, str]]:
    """Graph, patient and truth of what Jena prints: graphs of triples with a boolean, their IRIs in full."""
    graph = patient = ""
    inside = False
    for iri, word in re.findall(r"<([^<>]*)>|(\{|\}|true|false)", trig):
        if word in {"{", "}"}:
            inside = word == "{"
        elif word:
            yield graph, patient, word
        elif not inside:
            graph = iri.removeprefix("urn:")
        elif iri not in {"urn:holds", "urn:is"}:
            patient = iri


if __name__ == "__main__":
    if lacking := missing():
        sys.exit(lacking)
    csv.writer(sys.stdout, lineterminator="\n").writerows([("case", "criterion", "truth"), *answers(Path(sys.argv[1]))])
