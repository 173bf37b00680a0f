"""A folder of definitions, laid out as a FHIR package is: https://hl7.org/fhir/packages.html."""

from __future__ import annotations

import json
from pathlib import Path

from dermograph.errors import UsageError
from dermograph.fhir import codes
from dermograph.fhir.coding import Json
from dermograph.fhir.definitions import Definitions
from dermograph.knowledge import Knowledge

INDEX, MANIFEST = ".index.json", "package.json"
VERSION = "4.0.1"
"""Version of FHIR."""


def contents(knowledge: Knowledge, ontology: Path) -> list[Json]:
    """All definitions of a knowledge, by type and id."""
    made = Definitions(knowledge, ontology)
    return sorted([*made.resources(), *codes.resources(made, knowledge.terminology)], key=lambda r: (r["resourceType"], r["id"]))


def write(out: Path, knowledge: Knowledge, ontology: Path) -> int:
    """Write the definitions, a file for each, and give their number.

    :param out: folder to write to: new, empty, or an earlier package.
    :raises UsageError: the folder holds something else.
    """
    _clear(out)
    found = contents(knowledge, ontology)
    files = []
    for one in found:
        name = f"{one['resourceType']}-{one['id']}.json"
        _save(out / name, one)
        files.append({"filename": name} | {key: one[key] for key in ("resourceType", "id", "url", "version", "kind") if key in one})
    manifest = {
        "name": "dermograph.guidelines",
        "version": knowledge.version,
        "title": "Dermograph",
        "description": ", ".join(g["label"] for g in knowledge.tree["guidelines"].values()),
        "fhirVersions": [VERSION],
        "dependencies": {"hl7.fhir.r4.core": VERSION},
    }
    _save(out / MANIFEST, manifest)
    _save(out / INDEX, {"index-version": 1, "files": files})
    return len(found)


def _clear(out: Path) -> None:
    """Make room: an earlier package tells by its index what it wrote."""
    out.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in out.iterdir()}
    if not there:
        return
    try:
        old = {str(file["filename"]) for file in json.loads((out / INDEX).read_text(encoding="utf-8"))["files"]} | {INDEX, MANIFEST}
    except (OSError, ValueError, KeyError, TypeError):
        old = set()
    if there - old:
        raise UsageError(f"{out} holds {min(there - old)}, which no package wrote", "name a new or empty folder")
    for name in there:
        (out / name).unlink()


def _save(path: Path, value: Json) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
