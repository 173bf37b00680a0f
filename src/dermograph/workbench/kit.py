"""The conformance kit: guideline graph, patient cases and expected answers, to hold another engine to the same answers.

The kit is a folder of files that lean on nothing outside of it. ``README.md`` in it specifies the evaluation, and
``manifest.ttl`` lists the tests in the words of https://www.w3.org/2001/sw/DataAccess/tests/test-manifest#.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox

from dermograph import index_triples, rdf_output, sentences, stages
from dermograph.assessment import Assessment, Input
from dermograph.assessment import Knowledge as Provenance
from dermograph.casebook import Entry
from dermograph.content import modules
from dermograph.criteria import Truths
from dermograph.errors import InputError, InvalidInput
from dermograph.formatting import canonical
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge, chunks
from dermograph.terms import PREFIXES, expand, local_name
from dermograph.workbench import conformance, specification

Tree = dict[str, Any]

KIT = "https://w3id.org/dermograph/kit#"
NO_DIGEST = "0" * 64
"""What stands for the digests in expected verdicts, so that they change only when an answer does."""
LETTERS = {True: "T", False: "F", None: "U"}
_TYPE, _IMPORTS, _PATIENT, _AS_OF = (ox.NamedNode(expand(n)) for n in ("rdf:type", "owl:imports", "pt:Patient", "pt:asOf"))
_TESTS = {
    "facts": ("FactsTest", "facts.ttl", ("patientGraph",)),
    "criteria": ("CriteriaTest", "criteria.ttl", ("factsGraph",)),
    "verdict": ("VerdictTest", "verdict.ttl", ("patientGraph", "factsGraph")),
}
_GRAPHS = {"patientGraph": "patient.ttl", "factsGraph": "facts.ttl"}


def write(out: Path, knowledge: Knowledge, ontology: Path, entries: Sequence[Entry], brief: bool = False) -> Iterator[str]:
    """Write the kit into a folder, and give the name of each case when its files are there.

    :param out: a folder that is empty or not there yet.
    :param entries: the cases, each with the day asked about in its graph.
    :param brief: whether the full answers, nine tenths of the kit, are left out; the table of verdicts stays.
    :raises InputError: the folder is not empty, or a case names no day.
    :raises InvalidInput: the graph of a case breaks a shape.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: not an empty folder", "name a new folder for the kit, or empty this one")
    for entry in entries:
        path = entry.folder / "patient.ttl"
        if not any(q.predicate == _AS_OF for q in ox.parse(path=path, format=ox.RdfFormat.TURTLE)):
            raise InputError(f"{path}: no pt:asOf, so that the answer would change from day to day", "add the day asked about")
    out.mkdir(parents=True, exist_ok=True)
    write_guideline(out, knowledge.tree, ontology)
    table: Tree = {"criteria": list(knowledge.tree["criteria"]), "cases": {}}
    rows: list[list[str]] = []
    by_record = {id(e.record): e for e in entries}
    for chunk in chunks(e.record for e in entries):
        truths, known = knowledge.truths(chunk)
        subjects: dict[object, list[ox.Triple]] = defaultdict(list)
        for t in known:
            subjects[t.subject].append(t)
        for place, (one, answer) in enumerate(zip(chunk, list(knowledge.assess_all(chunk)), strict=True)):
            if isinstance(answer, InvalidInput):
                raise answer
            entry = by_record[id(one)]
            write_case(out, entry, truths, place, subjects, None if brief else answer)
            letters = "".join(LETTERS[truths.of(c, place)] for c in table["criteria"])
            table["cases"][entry.name] = {"patient": answer.patient, "asOf": one.as_of, "truths": letters}
            rows += conformance.verdict_rows(entry.name, answer.to_json())
            yield entry.name
    table["cases"] = dict(sorted(table["cases"].items()))
    _text(out / conformance.TRUTHS, json.dumps(table, ensure_ascii=False, indent=0) + "\n")
    _text(out / conformance.VERDICTS, conformance.csv_text([list(conformance.VERDICT_COLUMNS), *sorted(rows)]))
    _text(out / "manifest.ttl", manifest(entries, [kind for kind in _TESTS if not (brief and kind == "verdict")]))
    _text(out / "README.md", specification.page(knowledge.tree, knowledge.version, len(entries)))


def write_guideline(out: Path, tree: Tree, ontology: Path) -> None:
    """Write everything that does not turn on a case: the graph, the shapes, the rules read out of it, and a query for each criterion."""
    graph = list(read(modules(ontology)))
    found = [t for t in graph if t.predicate != _IMPORTS]
    found += index_triples.triples(Graph(graph), tree)
    _text(out / "guideline.ttl", canonical("".join(f"{t} .\n" for t in dict.fromkeys(found)), "the guideline graph"))
    _text(out / "vocabulary.ttl", (Path(__file__).parent / "kit_vocabulary.ttl").read_text(encoding="utf-8"))
    _text(out / "rules.json", json.dumps(rules(tree), ensure_ascii=False, indent=1) + "\n")
    for stem in ("patient", "facts"):
        path = ontology / "shapes" / f"{stem}.ttl"
        if path.is_file():
            _text(out / "shapes" / path.name, path.read_text(encoding="utf-8"))
    for name in tree["criteria"]:
        _text(out / "criteria" / f"{local_name(name)}.rq", sentences.sparql(tree, name) + "\n")


def write_case(out: Path, entry: Entry, truths: Truths, place: int, subjects: dict[object, list[ox.Triple]], answer: Assessment | None) -> None:
    """Write the files of one case.

    :param place: place of the patient in the truths.
    :param subjects: triples of the record and the facts by their subject.
    :param answer: the expected answer; None leaves it out.
    """
    folder = out / "cases" / entry.name
    _text(folder / "patient.ttl", (entry.folder / "patient.ttl").read_text(encoding="utf-8"))
    _turtle(folder / "facts.ttl", facts(entry.record.patient, subjects))
    _turtle(folder / "criteria.ttl", stages.criteria(truths, place, entry.record.patient))
    if answer is None:
        return
    stable = dataclasses.replace(answer, knowledge=Provenance(answer.knowledge.version, NO_DIGEST), input=Input(NO_DIGEST))
    _text(folder / "verdict.json", json.dumps(stable.to_json(), ensure_ascii=False, indent=1) + "\n")
    _text(folder / "verdict.ttl", rdf_output.turtle([stable]))


def facts(patient: object, subjects: dict[object, list[ox.Triple]]) -> Iterator[ox.Triple]:
    """The facts of a patient and the classes of the nodes that they point at, without what the queries need on the way."""
    yield ox.Triple(patient, _TYPE, _PATIENT)  # type: ignore[arg-type]
    for t in subjects[patient]:
        if t.predicate.value.startswith(PREFIXES["fact"]):
            yield t
            yield from (typed for typed in subjects.get(t.object, ()) if typed.predicate == _TYPE)


def rules(tree: Tree) -> Tree:
    """What decides a verdict, read out of the guideline graph, for an engine that does not want to walk it."""
    steps = {name: {k: step[k] for k in ("guideline", "entry", "exit", "next", "optional")} for name, step in tree["steps"].items()}
    told = ("therapy", "guideline", "direction", "step", "order", "later", "laterOrder", "ordersWith", "adjunct", "unranked")
    recommendations = {name: {k: rec[k] for k in told} | {"barriers": _plain(rec["barriers"])} for name, rec in tree["recommendations"].items()}
    therapies = {
        name: {
            "recommendations": row["recommendations"],
            "ongoing": row["ongoing"],
            "barriers": _plain(row["barriers"]),
            "regimens": [
                {"id": r["id"], "population": r["population"], "perKilogram": r["perKilogram"] is not None}
                for r in row["regimens"]
                if not r["exampleOnly"] and r["verified"]
            ],
        }
        for name, row in tree["rows"].items()
    }
    atoms = ("op", "fact", "class", "value", "range", "members", "presumedFalseWhen", "gate")
    criteria = {name: {k: c[k] for k in atoms if k in c} for name, c in tree["criteria"].items()}
    conditions = {name: {k: c[k] for k in ("screened", "gate", "deferredAs")} for name, c in tree["conditions"].items()}
    kinds = {name: {k: v for k, v in kind.items() if k != "label"} for name, kind in tree["kinds"].items()}
    properties = {name: {k: f[k] for k in ("silence", "spreadsDown", "suspectedBy", "recordedAs")} for name, f in tree["facts"].items()}
    return {
        "criteria": criteria, "facts": properties, "conditions": conditions, "within": tree["within"], "kinds": kinds, "weight": tree["weight"],
        "recommendations": recommendations, "therapies": therapies, "steps": steps,
    }  # fmt: skip


def _plain(barriers: Iterable[Tree]) -> list[Tree]:
    return [{k: b[k] for k in ("kind", "criterion", "blocksWhen", "node", "screened", "startOnly") if k in b} for b in barriers]


# --- the manifest


def manifest(entries: Sequence[Entry], kinds: Sequence[str]) -> str:
    """The list of tests as Turtle in which every IRI of a file is relative to the kit."""
    lines = [
        "@prefix dcterms: <http://purl.org/dc/terms/> .",
        f"@prefix kit: <{KIT}> .",
        "@prefix mf: <http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#> .",
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .",
        "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .",
        "",
        "<> a mf:Manifest ;",
        '    rdfs:label "Dermograph conformance kit"@en ;',
        "    dcterms:license <https://creativecommons.org/licenses/by/4.0/> ;",
        "    mf:entries (",
        *(f"        <#{quote(e.name)}-{kind}>" for e in entries for kind in kinds),
        "    ) .",
    ]
    for entry in entries:
        for kind in kinds:
            lines += ["", *_test(entry, kind)]
    return "\n".join(lines) + "\n"


def _test(entry: Entry, kind: str) -> Iterator[str]:
    cls, result, graphs = _TESTS[kind]
    name = quote(entry.name)
    yield f"<#{name}-{kind}> a kit:{cls} ;"
    yield f"    mf:name {json.dumps(f'{entry.name}: {kind}', ensure_ascii=False)} ;"
    yield f"    rdfs:comment {json.dumps(entry.sentence, ensure_ascii=False)}@en ;"
    yield "    mf:action ["
    yield "        kit:guidelineGraph <guideline.ttl> ;"
    for graph in graphs:
        yield f"        kit:{graph} <cases/{name}/{_GRAPHS[graph]}> ;"
    yield f'        kit:asOf "{entry.record.as_of}"^^xsd:date'
    yield "    ] ;"
    yield f"    mf:result <cases/{name}/{result}> ."


# --- files


def zipped(folder: Path) -> Path:
    """Pack a kit beside its folder; equal kits give equal bytes."""
    path = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(f"{folder.name}/{file.relative_to(folder).as_posix()}")
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
    return path


def _turtle(path: Path, triples: Iterable[ox.Triple]) -> None:
    _text(path, canonical("".join(f"{t} .\n" for t in dict.fromkeys(triples)), path.name))


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
