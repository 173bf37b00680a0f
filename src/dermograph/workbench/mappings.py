"""Rows of the mappings to other terminologies: their columns, subjects, predicates and prefixes.

The files are SSSOM in tab-separated values, https://mapping-commons.github.io/sssom/.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import yaml

from dermograph.terms import PREFIXES
from dermograph.workbench import vocabulary
from dermograph.workbench.draft import Draft
from dermograph.workbench.problems import Problem

COLUMNS = ("subject_id", "predicate_id", "object_id", "mapping_justification", "comment")
PREDICATES = tuple(f"skos:{kind}Match" for kind in ("exact", "close", "broad", "narrow", "related"))
_CURIES = ("subject_id", "predicate_id", "object_id", "mapping_justification", "object_source")


def rows(draft: Draft) -> Iterator[Problem]:
    """What is wrong with the mapping sets of an ontology."""
    terms = {*draft.graph.instances("owl:Class"), *draft.graph.instances("owl:NamedIndividual")}
    for path in sorted((draft.ontology / "mappings").glob("*.sssom.tsv")):
        file = path.relative_to(draft.ontology).as_posix()
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        head = [line for line in lines if line.startswith("#")]
        try:
            about = yaml.safe_load("\n".join(line[1:] for line in head)) or {}
        except yaml.YAMLError as error:
            mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
            message = f"the head is no YAML: {getattr(error, 'problem', error)}"
            yield Problem(file, mark.line + 1 if mark else 1, "mapping", "", message, "mend the lines that begin with #")
            continue
        table = list(csv.reader(lines[len(head) :], delimiter="\t", quoting=csv.QUOTE_NONE))
        columns = table[0] if table else []
        missing = [c for c in COLUMNS if c not in columns]
        if missing:
            message = f"the table has no column {', '.join(missing)}"
            yield Problem(file, len(head) + 1, "mapping", "", message, "name the columns in the first line of the table")
            continue
        yield from _rows(file, len(head) + 2, table[1:], columns, _prefixes(about), terms)


def _prefixes(about: Any) -> set[str]:
    declared = about.get("curie_map") if isinstance(about, dict) else None
    return set(declared) if isinstance(declared, dict) else set()


def _rows(file: str, start: int, table: list[list[str]], columns: list[str], prefixes: set[str], terms: set[str]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for line, cells in enumerate(table, start):
        if len(cells) != len(columns):
            message = f"the row has {len(cells)} cells, and the table {len(columns)} columns"
            yield Problem(file, line, "mapping", cells[0] if cells else "", message, "part the cells by single tabs, empty ones too")
            continue
        row = dict(zip(columns, cells, strict=True))
        subject, predicate, code = row["subject_id"], row["predicate_id"], row["object_id"]

        def problem(message: str, mend: str, line: int = line, subject: str = subject) -> Problem:
            return Problem(file, line, "mapping", subject, message, mend)

        if subject not in terms:
            near = vocabulary.nearest(subject, terms)
            yield problem(f"{subject} is no class of the ontology{near and f'; the nearest name is {near}'}", f"write {near or 'a declared class'}")
        if predicate not in PREDICATES:
            yield problem(f"{predicate} is no predicate of a mapping", f"write one of {', '.join(PREDICATES)}")
        for column in _CURIES:
            prefix, colon, local = row.get(column, "").partition(":")
            if row.get(column) and (not colon or not local or (prefix not in prefixes and column not in _CURIES[:2])):
                mend = f"write it as prefix:code, with a prefix of the curie_map: {', '.join(sorted(prefixes - set(PREFIXES)))}"
                yield problem(f"{column} is {row[column]!r}, whose prefix the head does not declare", mend)
            elif not row.get(column) and column in COLUMNS:
                yield problem(f"{column} is empty", "fill it in")
        if not row["comment"].startswith("Seen at "):
            yield problem(f"{code} does not say where it was seen", 'begin its comment with "Seen at" and the place')
        if (subject, code) in seen:
            yield problem(f"{subject} is mapped to {code} here and on line {seen[subject, code]}", "keep one row")
        seen.setdefault((subject, code), line)
