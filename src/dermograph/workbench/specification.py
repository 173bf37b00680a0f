"""The page of the conformance kit: how an answer is found, in prose and in tables that are made from the program and the content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from dermograph.criteria import Truths, compose, presume
from dermograph.terms import OWN, PREFIXES
from dermograph.verdicts import PRECEDENCE

Tree = dict[str, Any]
Truth = bool | None

VALUES: tuple[Truth, ...] = (True, False, None)
LETTER = {True: "T", False: "F", None: "U"}
_SILENCE = {"dg:SilenceIsUnknown": "unknown", "dg:SilenceIsFalse": "false", "dg:SilenceIsAssumedFalse": "assumed false"}


def page(tree: Tree, version: str, cases: int) -> str:
    """The page in Markdown."""
    filled = {"version": version, "cases": str(cases)} | _words(tree) | _tables(tree)
    text = (Path(__file__).parent / "specification.md").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], text)


def _words(tree: Tree) -> dict[str, str]:
    facts = tree["facts"]
    suspected = sorted((f["suspectedBy"], name) for name, f in facts.items() if f["suspectedBy"])
    return {
        "prefixes": ", ".join(f"`{p}:` <{PREFIXES[p]}>" for p in OWN),
        "spreading": _listed(name for name, f in facts.items() if f["spreadsDown"]),
        "suspicions": ", ".join(f"`{by}` suspects `{name}`" for by, name in suspected),
        "therapies": _listed(tree["rows"]),
        "precedence": ", ".join(f"`{status}`" for status in PRECEDENCE),
        "yields": "as `guideline.ttl` says of each outcome",
    }


def _tables(tree: Tree) -> dict[str, str]:
    criteria, conditions, kinds = tree["criteria"], tree["conditions"], tree["kinds"]
    presumed = [(n, c["presumedFalseWhen"]) for n, c in criteria.items() if "presumedFalseWhen" in c]
    screened = [(n, c["gate"]) for n, c in conditions.items() if c["screened"]]
    silence = {word: _listed(name for name, fact in tree["facts"].items() if fact["silence"] == meaning) for meaning, word in _SILENCE.items()}
    return {
        "silence_table": table(["silence is", "fact properties"], silence.items()),
        "screened_table": table(["class", "in whom"], ((f"`{n}`", f"`{g}`" if g else "everybody") for n, g in screened)),
        "presumption_table": presumption_table(),
        "presumed_table": table(["criterion", "is presumed false when"], ((f"`{n}`", f"`{o}`") for n, o in presumed)),
        "and_or_table": and_or_table(),
        "not_table": not_table(),
        "kinds_table": table(
            ["kind", "public word", "status", "from the therapy", "while it is taken"],
            ((f"`{n}`", k["notation"], k["status"], "yes" if k["fromTherapy"] else "", k["whileOngoing"]) for n, k in kinds.items()),
        ),
    }


# --- truth tables, asked of the program


def joined(op: str, members: Sequence[tuple[Truth, bool]]) -> Truth:
    """Truth of a criterion that joins members by ``and`` or ``or``, as the program works it out.

    :param members: truth of each, and whether it stands as it is or negated.
    """
    names = [str(number) for number in range(len(members))]
    signs = [[name, positive] for name, (_, positive) in zip(names, members, strict=True)]
    truths = _truths({"joined": {"op": op, "members": signs}}, {name: truth for name, (truth, _) in zip(names, members, strict=True)})
    compose(truths, "joined", 1)
    return truths.of("joined", 0)


def presumed(truth: Truth, when: Truth) -> Truth:
    """Truth of a criterion that is presumed false under another, as the program works it out."""
    truths = _truths({"one": {"presumedFalseWhen": "when"}}, {"one": truth, "when": when})
    presume(truths, "one", 1)
    return truths.of("one", 0)


def _truths(criteria: Tree, known: dict[str, Truth]) -> Truths:
    return Truths({"criteria": criteria}, ["one"], {n: int(t is True) for n, t in known.items()}, {n: int(t is False) for n, t in known.items()})


def and_or_table() -> str:
    """What *and* and *or* make of two truths."""
    pairs = product(VALUES, VALUES)
    rows = ([LETTER[t] for t in (a, b, *(joined(op, [(a, True), (b, True)]) for op in ("and", "or")))] for a, b in pairs)
    return table(["A", "B", "A and B", "A or B"], rows)


def not_table() -> str:
    """What *not* makes of a truth."""
    return table(["A", "not A"], ([LETTER[a], LETTER[joined("and", [(a, False)])]] for a in VALUES))


def presumption_table() -> str:
    """What a presumption makes of a truth."""
    rows = ([LETTER[a], LETTER[b], LETTER[presumed(a, b)]] for a, b in product(VALUES, VALUES))
    return table(["the criterion by itself", "the other", "the criterion"], rows)


# --- Markdown


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
