"""The query files: their headers, names, prefixes, and what keeps an answer the same on each run and engine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pyoxigraph as ox

from dermograph.terms import OWN, PREFIXES
from dermograph.workbench import turtle, vocabulary
from dermograph.workbench.draft import mentions
from dermograph.workbench.problems import Problem

FIELDS = ("summary", "stage", "needs", "returns", "since")
_FIELD = re.compile(r"^#\+ (\w+): (.+)$", re.MULTILINE)
_FLEETING = re.compile(r"\b(NOW|RAND|UUID|STRUUID|BNODE)\s*\(|\b(SERVICE)\b", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def header(text: str) -> dict[str, str]:
    """The fields that a query opens with."""
    return dict(_FIELD.findall(text))


def problems(queries: Path, declared: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the queries of a folder.

    :param declared: names that the ontology declares.
    """
    for path in sorted(queries.rglob("*.rq")):
        file = f"{queries.name}/{path.relative_to(queries).as_posix()}"
        text = path.read_text(encoding="utf-8", errors="replace")
        yield from _header(file, path, text)
        yield from turtle.prefixes(text, file)
        rules = vocabulary.strangers({name for name, _ in mentions(text) if name.partition(":")[0] in {*OWN, *vocabulary.standards()}}, declared)
        for name, line in mentions(text) if rules else ():
            if name in rules:
                yield Problem(file, line, rules[name], "", *vocabulary.wrong(name, rules[name], declared))
        yield from _portable(file, text)


def _header(file: str, path: Path, text: str) -> Iterator[Problem]:
    def problem(message: str, mend: str, line: int = 1) -> Problem:
        return Problem(file, line, "query-header", "", message, mend)

    fields, lines = header(text), text.splitlines()
    opening = [line.startswith("#+ ") for line in lines[: len(FIELDS) + 1]]
    if tuple(fields) != FIELDS or opening != [True] * len(FIELDS) + [False]:
        yield problem(f"the query does not open with its header, lines of #+ {', '.join(FIELDS)}", "write them, in that order, and nothing before")
        return
    at = {field: line for line, field in enumerate(FIELDS, 1)}
    if fields["stage"] != path.parent.name:
        yield problem(f"its stage is {fields['stage']}, and its folder {path.parent.name}", f"write stage: {path.parent.name}", at["stage"])
    if fields["summary"].endswith("."):
        yield problem("its summary ends with a full stop", "take the full stop out", at["summary"])
    if not re.fullmatch(r"\d+\.\d+\.\d+", fields["since"]):
        yield problem(f"{fields['since']} is no version", "write one such as 1.0.0", at["since"])
    if not _NAME.fullmatch(path.stem):
        yield problem(f"its name {path.stem} is not kebab-case", "write small letters and digits, joined by -")
    try:
        result = ox.Store().query(text)
    except SyntaxError as error:
        place = re.search(r"at (\d+):(\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (error.lineno or 1, error.offset or 1)
        message = f"the query cannot be read on from column {column} of this line"
        yield Problem(file, line, "query", "", message, "mend the SPARQL there, or at the end of the line before")
        return
    returns = " ".join(v.value for v in result.variables) if isinstance(result, ox.QuerySolutions) else "triples"
    if fields["returns"] != returns:
        yield problem(f"it returns {returns}, and its header says {fields['returns']}", f"write returns: {returns}", at["returns"])


def _portable(file: str, text: str) -> Iterator[Problem]:
    body = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    for found in _FLEETING.finditer(body):
        line = body.count("\n", 0, found.start()) + 1
        message = f"{(found[1] or found[2]).upper()} gives another answer on another run or day"
        yield Problem(file, line, "query", "", message, "ask for it in the input")
    for row in re.finditer(r"^PREFIX (\w+):.*$", body, re.MULTILINE):
        if row[1] in PREFIXES and not re.search(rf"\b{row[1]}:", body[: row.start()] + body[row.end() :]):
            yield Problem(file, body.count("\n", 0, row.start()) + 1, "query", "", f"the prefix {row[1]}: is declared and not used", "take it out")
