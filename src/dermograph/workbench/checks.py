"""Everything that a change of the ontology must pass, in one go.

What stops the rest from being told truly is told alone: first files that cannot be parsed, then names and references that
are mistyped, then everything else. So a single slip ends in a single finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dermograph import index
from dermograph.errors import KnowledgeError
from dermograph.workbench import assembly, guideline, mappings, queries, references, vocabulary
from dermograph.workbench.draft import Draft
from dermograph.workbench.problems import Problem, failed
from dermograph.workbench.shapes import Shapes, Tick


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found.

    :param problems: findings in the order of files and lines.
    :param waiting: whether there is more to check once these are mended.
    :param files: number of Turtle files.
    """

    problems: tuple[Problem, ...]
    waiting: bool
    files: int

    @property
    def failed(self) -> bool:
        """Whether one of the findings is an error."""
        return failed(self.problems)


class Checker:
    """Checks one folder again and again; what did not change is not worked out anew.

    :param ontology: folder of an ontology.
    :param queries: folder of the queries that belong to it, where there is one.
    """

    def __init__(self, ontology: Path, queries: Path | None = None) -> None:
        self.ontology = ontology
        self.queries = queries
        self._draft: Draft | None = None
        self._shapes = Shapes()

    def check(self, tick: Tick = lambda done, total: None) -> Report:
        """Check the folder as it is now.

        :param tick: called with the number of shapes that were asked, and of all.
        :raises KnowledgeError: the folder holds no ontology.
        """
        draft = self._draft = Draft(self.ontology, self._draft)
        unread = [module.parsed for module in draft.files.values() if isinstance(module.parsed, Problem)]
        slips = [p for module in draft.files.values() for p in module.slips]
        if unread or slips:
            return self._report(draft, unread + slips, True)
        unsafe = references.unsafe(draft, draft.files.values())
        found = unsafe + assembly.local(draft) + list(mappings.rows(draft))
        if self.queries:
            found += queries.problems(self.queries, set(draft.whole.having("rdf:type")))
        if not unsafe:
            found += self._content(draft, tick)
        faulty = {p.file for p in found}
        found += [p for p in assembly.formatting(draft) if p.file not in faulty]
        return self._report(draft, found, bool(unsafe))

    def _content(self, draft: Draft, tick: Tick) -> list[Problem]:
        """What only an ontology that is safe to reason with can be held to."""
        found = self._shapes.problems(draft, tick) + list(vocabulary.kinds(draft))
        shaped = {p.node for p in found}
        rules: Iterable[Callable[[Draft], Iterable[Problem]]] = guideline.RULES
        try:
            found += [p for rule in rules for p in rule(draft) if p.rule != "source" or p.node not in shaped]
            found += assembly.stale(draft)
            index.build(draft.graph)
        except KnowledgeError as error:
            if not failed(found):
                found.append(draft.problem("model", error.node, error.message, error.hint, error.predicate))
        return found

    def _report(self, draft: Draft, found: Iterable[Problem], waiting: bool) -> Report:
        return Report(tuple(sorted(set(found))), waiting, len(draft.files))


def check(ontology: Path, queries: Path | None = None) -> Report:
    """Check a folder once.

    :param queries: folder of the queries that belong to it, where there is one.
    """
    return Checker(ontology, queries).check()


def beside(ontology: Path) -> Path | None:
    """The folder of queries that belongs to an ontology: the one beside it."""
    found = ontology.resolve().parent / "queries"
    return found if found.is_dir() else None
