"""Why an answer differs between two versions, for all patients at once.

The relational twin of the causes of :mod:`dermograph.workbench.effects`: first the criteria that were redefined and whose
truth differs for the patient, and the nodes that came, went or changed and speak of the patient; where there are none,
derived criteria; where there are none, any criterion whose truth differs. What none of these explains is not attributed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dermograph.knowledge import Knowledge
from dermograph.workbench.aspects import CHANGES, WORDING
from dermograph.workbench.differences import Difference
from dermograph.workbench.effects import ALWAYS, below, changed_node, met, roots

if TYPE_CHECKING:
    import duckdb

Tree = dict[str, Any]
Asked = tuple[dict[str, list[tuple[str, bool]]], dict[str, list[tuple[str, bool]]]]
"""Nodes that decide, with the criteria that they ask, in the old version and in the new."""

WHY = "STRUCT(node VARCHAR, text VARCHAR, before VARCHAR, after VARCHAR, follows BOOLEAN)[]"
"""Type of what is told: as :class:`dermograph.workbench.effects.Cause`, empty where nothing is known to have moved the answer."""
_SIDES = ("b", "a")


@dataclass(frozen=True)
class Attribution:
    """Attributes changes, given the truths of the criteria in both versions.

    :param differences: the semantic difference of the two.
    """

    old: Knowledge
    new: Knowledge
    differences: Sequence[Difference]

    def apply(self, con: duckdb.DuckDBPyConnection) -> None:
        """Fill ``why`` of the table ``changes``; views ``truths_b`` and ``truths_a`` hold the truths before and after."""
        for therapy, turn, dosed in self._occurring(con):
            for verdict, dose in dict.fromkeys([(turn != "dose", dosed), (True, True)]):
                for causes in self._levels(therapy, verdict, dose):
                    if causes:
                        self._attribute(con, therapy, f"turn = '{turn}' AND (doseBefore IS DISTINCT FROM doseAfter) = {dosed}", causes)
        self._follow(con)

    def _occurring(self, con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, bool]]:
        return con.execute("SELECT DISTINCT therapy, turn, doseBefore IS DISTINCT FROM doseAfter FROM changes ORDER BY ALL").fetchall()

    def _attribute(self, con: duckdb.DuckDBPyConnection, therapy: str, kind: str, causes: list[str]) -> None:
        """Give those of a therapy and a kind of change that have no cause yet the causes that hold of each."""
        told = f"list_filter([{', '.join(causes)}], lambda one: one IS NOT NULL)"
        con.execute(
            f"UPDATE changes SET why = found.why FROM (SELECT c.patient, {told} AS why FROM changes c "
            "JOIN truths_b b ON b.patient = c.patient JOIN truths_a a ON a.patient = c.patient "
            f"WHERE c.therapy = '{therapy}' AND {kind} AND len(c.why) = 0) AS found "
            f"WHERE changes.patient = found.patient AND changes.therapy = '{therapy}'"
        )

    def _follow(self, con: duckdb.DuckDBPyConnection) -> None:
        """Where only the rank differs and nothing of the therapy does, tell the therapies that came into the ranking, left it or moved in it."""
        labels = " ".join(
            f"WHEN '{t}' THEN {_text('it follows from ' + row['label'])}" for k in (self.old, self.new) for t, row in k.tree["rows"].items()
        )
        cause = f"{{'node': therapy, 'text': CASE therapy {labels} END, 'before': '', 'after': '', 'follows': true}}"
        moved = "(statusBefore = 'eligible') <> (statusAfter = 'eligible') OR rankBefore IS DISTINCT FROM rankAfter"
        con.execute(
            f"CREATE TEMP TABLE movers AS SELECT patient, list({cause} ORDER BY therapy) AS why FROM changes "
            f"WHERE len(why) > 0 AND ({moved}) GROUP BY patient"
        )
        con.execute("UPDATE changes SET why = m.why FROM movers m WHERE m.patient = changes.patient AND len(changes.why) = 0 AND turn = 'rank'")

    # --- what may be a cause

    def _levels(self, therapy: str, verdict: bool, dose: bool) -> Iterator[list[str]]:
        """What may be told, as expressions that are NULL where it is no cause; a later list is for those whom no earlier one explains."""
        asking: Asked = (roots(self.old.tree, therapy, verdict, dose), roots(self.new.tree, therapy, verdict, dose))
        inner = {c for k, asked in zip((self.old, self.new), asking, strict=True) for c in below(k.tree, (c for cs in asked.values() for c, _ in cs))}
        direct: dict[str, list[tuple[str, str]]] = {}
        derived: dict[str, list[tuple[str, str]]] = {}
        for d in self.differences:
            if d.node in inner:
                if d.severity != WORDING:
                    (derived if d.derived else direct).setdefault(d.node, []).append(self._differing(d.node))
            elif d.severity == CHANGES:
                always = therapy in d.therapies and d.kind.startswith(ALWAYS)
                speaks = "true" if always else _speaks(asking, d.node)
                if speaks:
                    direct.setdefault(d.node, []).append((speaks, _cause(d.node, changed_node(d))))
        yield [_first(found) for found in direct.values()]
        yield [_first(found) for found in derived.values()]
        yield [_first([self._differing(c)]) for c in sorted(inner) if "members" not in self._defined[c]]

    @cached_property
    def _defined(self) -> Tree:
        return {**self.old.tree["criteria"], **self.new.tree["criteria"]}

    def _differing(self, criterion: str) -> tuple[str, str]:
        """When the truth of a criterion differs, and what is then told."""
        there = [criterion in k.tree["criteria"] for k in (self.old, self.new)]
        when = f'b."{criterion}" IS DISTINCT FROM a."{criterion}"' if all(there) else "true"
        truths = [_said(f'{side}."{criterion}"') if is_there else "'not there'" for side, is_there in zip(_SIDES, there, strict=True)]
        return when, _cause(criterion, met(self._defined[criterion]["label"]), *truths)


def _first(found: list[tuple[str, str]]) -> str:
    return "CASE " + " ".join(f"WHEN {when} THEN {cause}" for when, cause in found) + " END"


def _speaks(asking: Asked, node: str) -> str:
    """When a node decides on the therapy and, in one version, speaks of the patient; empty where it never does."""
    parts = []
    for side, asked in zip(_SIDES, asking, strict=True):
        if node in asked:
            parts += [f'coalesce({side}."{c}" = {counts}, true)' for c, counts in asked[node]] or ["true"]
    return " OR ".join(parts)


def _said(truth: str) -> str:
    return f"CASE WHEN {truth} IS NULL THEN 'unknown' WHEN {truth} THEN 'true' ELSE 'false' END"


def _cause(node: str, text: str, before: str = "''", after: str = "''") -> str:
    return f"{{'node': '{node}', 'text': {_text(text)}, 'before': {before}, 'after': {after}, 'follows': false}}"


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
