"""Skeleton of a patient case: a valid graph of a patient and an outcome for the author to state."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

from dermograph.errors import UsageError
from dermograph.terms import PREFIXES, local_name
from dermograph.workbench.scaffold import Content

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def case(
    here: Content,
    cases: Path,
    sentence: str,
    sources: Sequence[str],
    *,
    name: str = "",
    as_of: str = "",
    birth_date: str,
    sex: str = "",
    severity: str = "",
    therapies: Sequence[str] = (),
) -> list[Path]:
    """Write the folder of a case and give its files.

    The outcome is left open: each therapy stands there with an empty status, which no answer has, so that the case
    fails until its author has stated it from the documents.
    """
    folder = cases / (name or "-".join(re.findall(r"[a-z0-9]+", sentence.lower())))
    if not _SLUG.fullmatch(folder.name):
        raise UsageError(f"{folder.name!r} is no good name of a case", "join small words with hyphens, as a sentence")
    if folder.exists():
        number = next(n for n in range(2, 1000) if not (cases / f"{folder.name}-{n}").exists())
        raise UsageError(f"{folder} is there already", f"take another name, such as {folder.name}-{number}")
    asked = [here.known(t, "therapy of the answer", here.tree["rows"]) for t in therapies] or list(here.tree["rows"])
    statements = [*here.graph.instances("dg:Statement"), *here.graph.instances("dg:Reference"), *here.graph.instances("dg:Ruling")]
    cited = [local_name(here.known(s, "statement, reference or ruling", statements)) for s in sources]
    day, birth = _day(as_of or dt.date.today().isoformat()), _day(birth_date)
    files = {
        "patient.ttl": _patient(here, folder.name, day, birth, sex, severity),
        "expected.yaml": "\n".join(
            [
                f"sentence: {_quoted(sentence)}",
                f"sources: [{', '.join(cited)}]",
                "# State each outcome from the documents, not from a run; take out what the case does not speak of.",
                "therapies:",
                *(f"  {therapy}: {{status: }}" for therapy in asked),
            ]
        )
        + "\n",
    }
    folder.mkdir(parents=True)
    for file, written in files.items():
        (folder / file).write_text(written, encoding="utf-8")
    return [folder / file for file in files]


def _patient(here: Content, name: str, day: str, birth: str, sex: str, severity: str) -> str:
    graph = here.graph
    (disease, *_) = graph.having("dg:guidelineDisease")
    chosen = {link: [i for kind in graph.subjects("dg:valuesOf", link) for i in graph.instances(kind)] for link in ("pt:sex", "pt:severity")}
    said = [f'pt:asOf "{day}"^^xsd:date', f'pt:birthDate "{birth}"^^xsd:date']
    if sex:
        said.append(f"pt:sex {here.known(sex if ':' in sex else f'pt:{sex}', 'sex', chosen['pt:sex'])}")
    how = f" ; pt:severity {here.known(severity, 'severity', chosen['pt:severity'])}" if severity else ""
    said.append(f"pt:condition [ a {disease}{how} ]")
    used = "".join(f"@prefix {p}: <{PREFIXES[p]}> .\n" for p in ("ad", "pt", "xsd"))
    return f"{used}\n<urn:example:{name}> a pt:Patient ;\n    " + " ;\n    ".join(said) + " .\n"


def _day(given: str) -> str:
    try:
        return dt.date.fromisoformat(given).isoformat()
    except ValueError:
        raise UsageError(f"{given}: no day", "write it as 2026-11-01") from None


def _quoted(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
