"""Criteria that imply another, found by classification: what is listed may be redundant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dermograph.terms import compact
from dermograph.workbench import hermit
from dermograph.workbench.problems import Problem
from dermograph.workbench.theory import Theory

LIMIT = 120.0
"""Seconds that the reasoner has for it: it takes 5 for the content that came along, and grows faster than the content."""
NOTHING = "http://www.w3.org/2002/07/owl#Nothing"


Taxonomy = dict[str, list[list[str]]]
"""Under ``above`` pairs of criteria, the narrower first; under ``same`` groups of criteria that mean the same."""


def taxonomy(theory: Theory) -> Taxonomy:
    """How the criteria lie within each other, worked out by the reasoner."""
    criteria = theory.tree["criteria"]
    pairs, same = hermit.classified("".join(f"{t} .\n" for t in theory.axioms), LIMIT)
    above = [[compact(a), compact(b)] for a, b in pairs if compact(a) in criteria and compact(b) in criteria]
    return {"above": above, "same": [[compact(c) for c in group if compact(c) in criteria] for group in same if NOTHING not in group]}


def problems(theory: Theory, found: Taxonomy | None) -> Iterator[Problem]:
    """Notes on criteria that imply another, that are the same, and on members that another member makes idle.

    :param found: how the criteria lie within each other; None where the reasoner could not tell within its limit.
    """
    if found is None:
        message = f"which criteria imply another was not worked out within {LIMIT:.0f} seconds; all else is proved"
        yield Problem("", 0, "not-classified", "", message, "nothing, unless you want to know; prove a part of the content by itself then", "note")
        return
    for problem in [*_same(theory, found["same"]), *_idle(theory, found["above"]), *_implied(theory, found["above"])]:
        file, line = theory.places.of(problem.node, "owl:equivalentClass")
        yield Problem(file, line, problem.rule, problem.node, problem.message, problem.mend, problem.level)


def _same(theory: Theory, groups: list[list[str]]) -> Iterator[Problem]:
    for first, *rest in (sorted(g) for g in groups if len(g) > 1):
        for other in rest:
            message = f"this criterion and {other} mean the same"
            yield Problem("", 0, "criteria-equal", first, message, "keep one of the two, and use it wherever the other stands", "warning")


def _idle(theory: Theory, pairs: list[list[str]]) -> Iterator[Problem]:
    above = _ancestors(pairs)
    for name, criterion in theory.tree["criteria"].items():
        members = [m for m, positive in criterion.get("members", ()) if positive]
        for one in members:
            for other in members:
                if other in above.get(one, ()):
                    idle = other if criterion["op"] == "and" else one
                    message = f"its member {idle} changes nothing, since {one} implies {other}"
                    yield Problem("", 0, "member-idle", name, message, f"take {idle} out, unless it is there to be told", "note")


def _implied(theory: Theory, pairs: list[list[str]]) -> Iterator[Problem]:
    criteria, within = theory.tree["criteria"], theory.tree["within"]
    for narrow, broad in pairs:
        one, other = criteria[narrow], criteria[broad]
        atoms = "members" not in one and "members" not in other
        if atoms and ("range" in one or other.get("class") in within.get(one.get("class", ""), ())):
            continue
        if broad in _parts(criteria, narrow, "and") or narrow in _parts(criteria, broad, "or"):
            continue
        message = f"whoever meets this criterion meets {broad} (“{other['label']}”) too"
        mend = "nothing, unless the two are asked together, where the broader one is idle"
        yield Problem("", 0, "criterion-implied", narrow, message, mend, "note")


def _parts(criteria: dict[str, Any], name: str, op: str) -> set[str]:
    """Criteria that one is joined from by one operation, near or far."""
    found: set[str] = set()
    queue = [name]
    while queue:
        criterion = criteria[queue.pop()]
        if criterion["op"] == op or len(criterion.get("members", ())) == 1:
            inner = {m for m, positive in criterion.get("members", ()) if positive} - found
            found |= inner
            queue += inner
    return found


def _ancestors(pairs: list[list[str]]) -> dict[str, set[str]]:
    direct: dict[str, set[str]] = {}
    for narrow, broad in pairs:
        direct.setdefault(narrow, set()).add(broad)
    found: dict[str, set[str]] = {}

    def above(name: str) -> set[str]:
        if name not in found:
            found[name] = set()
            found[name] = set().union(*({b} | above(b) for b in direct.get(name, ())))
        return found[name]

    for name in direct:
        above(name)
    return found
