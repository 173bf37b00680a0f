"""What is worked on in the processes of the service: each task takes plain values and gives a reply."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

from dermograph import drawing, explanation, inputs, rdf_output, render
from dermograph.assessment import Assessment
from dermograph.errors import InputError, InvalidInput, KnowledgeError
from dermograph.fhir import answers as answers_in_fhir
from dermograph.fhir.coding import Coder
from dermograph.knowledge import Knowledge
from dermograph.record import Record
from dermograph.service import problems
from dermograph.service.problems import Reply, problem, told

JSON, NDJSON, TURTLE, MARKDOWN, SVG = "application/json", "application/x-ndjson", "text/turtle", "text/markdown", "image/svg+xml"
FHIR = "application/fhir+json"
ANSWERS = (JSON, NDJSON, TURTLE, MARKDOWN, FHIR)
"""Media types of answers."""
PASSED_OVER = "Dermograph-Not-Understood"
"""Header that tells how many records of FHIR were not understood and could matter."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """Patients as they were sent.

    :param suffix: ending of their syntax.
    :param as_of: the day asked about.
    """

    data: bytes
    suffix: str
    as_of: dt.date | None = None


@cache
def knowledge(ontology: Path | None) -> Knowledge:
    """The knowledge of this process."""
    return Knowledge.load(ontology)


def ready(ontology: Path | None, sha256: str) -> None:
    """Load all that the first request would wait for.

    :param sha256: digest of the knowledge of the service; a process that starts later must not answer from other files.
    :raises KnowledgeError: the files have changed since the service was started.
    """
    logging.getLogger().addHandler(logging.NullHandler())  # what parsers warn of would be printed with what they read
    if knowledge(ontology).sha256 != sha256:
        raise KnowledgeError("the ontology has changed since the service was started", "start the service again")
    knowledge(ontology).terminology.meanings  # noqa: B018


def _json(value: Any, headers: dict[str, str] | None = None) -> Reply:
    return Reply(200, JSON, json.dumps(value, ensure_ascii=False).encode(), headers or {})


def _read(asked: Asked, known: Knowledge) -> tuple[list[Record], list[InputError], list[dict[str, Any]]]:
    """Patients that can be read, why others and records cannot, and what became of each record of FHIR."""
    if asked.suffix in inputs.FHIR:
        from dermograph.fhir import parsing, reading

        if asked.data.startswith(parsing.PACKED):
            raise InputError("the request: the body is packed, and nothing is unpacked", "send it plain")
        found = reading.read(asked.data, "the request", known.terminology, suffix=asked.suffix, as_of=asked.as_of)
        return found.records, found.refused, found.report.to_json()
    from dermograph import record

    return record.read(asked.data, "the request", suffix=asked.suffix, as_of=asked.as_of), [], []


def _one(asked: Asked, known: Knowledge) -> Record:
    """The one patient that was sent.

    :raises InputError: it cannot be read, or there are several.
    """
    records, refused, _ = _read(asked, known)
    if refused:
        raise refused[0]
    if len(records) > 1:
        raise InputError(f"the request: {len(records)} patients, and one is asked about", "send one patient")
    return records[0]


@told
def assess(ontology: Path | None, asked: Asked, media: str) -> Reply:
    """Assess the patients that were sent: one as an object, several as a list.

    Where one of several cannot be assessed, the problem document holds the answers of the others too.
    """
    known = knowledge(ontology)
    records, refused, report = _read(asked, known)
    answers: list[Assessment] = []
    errors: list[InputError] = list(refused)
    for answer in known.assess_all(records):
        if isinstance(answer, InvalidInput):
            errors.append(answer)
        else:
            answers.append(answer)
    headers = {}
    if missed := sum(line["result"] == "unknown" for line in report):
        headers[PASSED_OVER] = str(missed)
    if errors:
        if len(records) + len(refused) == 1:
            raise errors[0]
        message = f"{len(errors)} patients or records cannot be read or assessed, and {len(answers)} patients are"
        unassessed = [json.loads(problems.of(error).body) for error in errors]
        return problem(422, message, "mend those under refused", headers, answers=[a.to_json() for a in answers], refused=unassessed)
    return Reply(200, media, _written(known, answers, media), headers)


@cache
def _coder(known: Knowledge) -> Coder:
    return Coder(known)


def _written(known: Knowledge, answers: list[Assessment], media: str) -> bytes:
    if media == TURTLE:
        return rdf_output.turtle(answers).encode()
    if media == FHIR:
        return json.dumps(answers_in_fhir.bundle(_coder(known), answers), ensure_ascii=False).encode()
    if media == MARKDOWN:
        return "\n".join([*(render.markdown(known.tree, answer) for answer in answers), render.DISCLAIMER]).encode()
    found = [answer.to_json() for answer in answers]
    if media == NDJSON:
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found).encode()
    return json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False).encode()


@told
def explain(ontology: Path | None, asked: Asked, therapy: str, full: bool) -> Reply:
    """Explain the status of a therapy: a tree of reasons down to what is recorded, with its sources."""
    known = knowledge(ontology)
    name = explanation.find_therapy(known.tree, therapy)
    one = _one(asked, known)
    answer = known.assess(one)
    node = explanation.explain(known.case(one), answer, name, full=full)
    head = {"patient": answer.patient, "asOf": answer.as_of, "therapy": name, "status": answer.therapy(name).status}
    return _json(head | {"explanation": node.to_json(), "sources": dict(render.cited(known.tree, node.walk()))})


@told
def validate(ontology: Path | None, asked: Asked) -> Reply:
    """Hold patients to the shapes: all findings, warnings too."""
    known = knowledge(ontology)
    records, refused, report = _read(asked, known)
    findings = known.validate(records)
    rows = []
    for one in records:
        own = [f for f in findings if f.patient == one.name]
        rows.append({"patient": one.name, "valid": all(f.severity != "Violation" for f in own), "findings": list(map(dataclasses.asdict, own))})
    rows += [{"patient": None, "valid": False, "findings": [], "error": e.message, "mend": e.hint} for e in refused]
    return _json({"patients": rows, "report": report})


@told
def pathway(ontology: Path | None, asked: Asked | None, guideline: str | None) -> Reply:
    """Draw the pathways, with the place of a patient and the ways on."""
    known = knowledge(ontology)
    wanted = [explanation.find_guideline(known.tree, guideline)] if guideline else list(known.tree["guidelines"])
    answer = known.assess(_one(asked, known)) if asked else None
    return Reply(200, SVG, drawing.svg(drawing.pathways(known.tree, wanted, answer, named=False)).encode())


@told
def read(ontology: Path | None, asked: Asked) -> Reply:
    """What was understood of the patients that were sent: their graphs as N-Triples, and what became of each record of FHIR."""
    records, refused, report = _read(asked, knowledge(ontology))
    patients = [{"patient": one.name, "asOf": one.as_of, "graph": "".join(f"{t} .\n" for t in one.triples)} for one in records]
    return _json({"patients": patients, "refused": [{"error": e.message, "mend": e.hint} for e in refused], "report": report})
