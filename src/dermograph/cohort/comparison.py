"""A population under two versions of the ontology: whose answer differs, and why."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort.attribution import WHY, Attribution
from dermograph.cohort.listing import literal, text
from dermograph.cohort.run import Cohort
from dermograph.cohort.source import Progress
from dermograph.cohort.summary import keep
from dermograph.cohort.tables import COLUMNS, Tables, quoted
from dermograph.knowledge import Knowledge
from dermograph.workbench.aspects import WORDING
from dermograph.workbench.differences import Difference
from dermograph.workbench.effects import NOT_LISTED, TURNS

if TYPE_CHECKING:
    import duckdb

Tree = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The other version, to which a run is held.

    :param knowledge: the other version.
    :param differences: what differs clinically, from the version of the run to the other.
    """

    knowledge: Knowledge
    differences: Sequence[Difference]

    def key(self) -> str:
        """What the results turn on."""
        return self.knowledge.sha256

    def write(self, run: Cohort, tables: Tables, progress: Progress) -> None:
        """Assess the same tables under the other version, and write ``compared/``, ``changes.parquet`` and the summary of both.

        :param run: the run, of which the verdicts are there already.
        :param tables: the tables that it read.
        """
        other = self._other(run, tables, progress)
        progress("comparing", 0, 0)
        changed = run.work / "changed.parquet"
        with closing(run.connected()) as con:
            both = _changes(con, (run.out, other), (run.knowledge.tree, self.knowledge.tree))
            some = _count(con, "SELECT count(*) FROM changes") > 0
            con.execute(f"COPY changes TO '{text(changed)}' (FORMAT parquet)")
            if some and not run.explain:
                self._few(con, run, tables)
        truths = (run.out, other) if run.explain else self._truths(run, tables.as_of, progress) if some else ()
        with closing(run.connected()) as con:
            con.execute(f"CREATE TABLE changes AS SELECT *, CAST([] AS {WHY}) AS why FROM read_parquet('{literal(changed)}')")
            for side, where in zip("ba", truths, strict=False):
                con.execute(f"CREATE VIEW truths_{side} AS SELECT * FROM {_read(where / 'criteria')}")
            Attribution(run.knowledge, self.knowledge, self.differences).apply(con)
            aside = run.work / "changes.parquet"
            con.execute(f"COPY (SELECT * FROM changes ORDER BY patient, therapy) TO '{text(aside)}' (FORMAT parquet, COMPRESSION zstd)")
            aside.replace(run.out / "changes.parquet")
            summary = json.loads((run.out / "summary.json").read_text(encoding="utf-8"))
            keep(summary | {"changes": self._summary(con, run, both)}, run.out, run.work)
        shutil.rmtree(run.out / "compared", ignore_errors=True)
        other.replace(run.out / "compared")

    def _other(self, run: Cohort, tables: Tables, progress: Progress) -> Path:
        """Folder of the results under the other version, made where they are not there yet."""
        other = replace(run, knowledge=self.knowledge, source=tables, out=run.work / "compared", compared=None)
        other.run(progress)
        return other.out

    def _few(self, con: duckdb.DuckDBPyConnection, run: Cohort, tables: Tables) -> None:
        """Write the tables of the patients whose answer differs."""
        few = run.work / "few"
        shutil.rmtree(few, ignore_errors=True)
        (few / "in").mkdir(parents=True)
        tables.load(con)
        for name, columns in COLUMNS.items():
            rows = f"SELECT {', '.join(map(quoted, columns))} FROM given_{name} WHERE patient IN (SELECT patient FROM changes) ORDER BY row"
            con.execute(f"COPY ({rows}) TO '{text(few / 'in' / name)}.parquet' (FORMAT parquet)")

    def _truths(self, run: Cohort, as_of: dt.date | None, progress: Progress) -> tuple[Path, Path]:
        """Folders with the truths of the criteria of those patients, before and after."""
        few = run.work / "few"
        before = replace(run, source=Tables(few / "in", as_of), out=few / "before", explain=True, least=None, compared=None)
        after = replace(before, knowledge=self.knowledge, out=few / "after")
        before.run(progress)
        after.run(progress)
        return before.out, after.out

    def _summary(self, con: duckdb.DuckDBPyConnection, run: Cohort, both: tuple[int, int, int]) -> Tree:
        labels = {t: row["label"] for k in (run.knowledge, self.knowledge) for t, row in k.tree["rows"].items()}
        turns = con.execute("SELECT therapy, turn, count(*) FROM changes GROUP BY ALL ORDER BY ALL").fetchall()
        flow = con.execute("SELECT therapy, statusBefore, statusAfter, turn, count(*) FROM changes GROUP BY ALL ORDER BY ALL").fetchall()
        causes = self._causes(con)
        (touched, changed, unexplained) = con.execute(
            "SELECT count(DISTINCT patient), count(*), count(*) FILTER (len(why) = 0) FROM changes"
        ).fetchone() or (0, 0, 0)
        told = {
            t: {"label": label, **{turn: sum(n for who, what, n in turns if who == t and what == turn) for turn in TURNS if turn != "course"}}
            for t, label in labels.items()
        }
        return {
            "knowledge": {"version": self.knowledge.version, "sha256": self.knowledge.sha256},
            "compared": both[0],
            "onlyBefore": both[1],
            "onlyAfter": both[2],
            "touched": touched,
            "changed": changed,
            "notAttributed": unexplained,
            "therapies": told,
            "flow": [dict(zip(("therapy", "before", "after", "turn", "patients"), row, strict=True)) for row in flow],
            "causes": causes,
            "differences": [d.to_json() for d in self.differences if d.severity != WORDING],
        }

    def _causes(self, con: duckdb.DuckDBPyConnection) -> list[Tree]:
        """Each cause with how many patients it moves, over all therapies and for each; those of most first, what only follows last."""
        con.execute(
            "CREATE TEMP TABLE told AS SELECT why.node, why.text, why.follows, patient, therapy "
            "FROM (SELECT patient, therapy, unnest(why) AS why FROM changes)"
        )
        found = con.execute(
            "SELECT follows, count(DISTINCT patient) AS n, node, text FROM told GROUP BY ALL ORDER BY follows, n DESC, node, text"
        ).fetchall()
        therapies = con.execute("SELECT node, text, follows, therapy, count(*) FROM told GROUP BY ALL ORDER BY ALL").fetchall()
        return [
            {
                "node": node,
                "text": text,
                "follows": follows,
                "patients": patients,
                "therapies": {therapy: n for *key, therapy, n in therapies if key == [node, text, follows]},
            }
            for follows, patients, node, text in found
        ]


def _changes(con: duckdb.DuckDBPyConnection, folders: tuple[Path, Path], trees: tuple[Tree, Tree]) -> tuple[int, int, int]:
    """Make the table of what differs, and count who is assessed in both versions, only before and only after."""
    columns = "statusBefore VARCHAR, statusAfter VARCHAR, rankBefore TINYINT, rankAfter TINYINT, doseBefore VARCHAR, doseAfter VARCHAR"
    con.execute(f"CREATE TABLE changes (patient VARCHAR, therapy VARCHAR, turn VARCHAR, {columns})")
    before, after = (_read(folder / "verdicts") for folder in folders)
    listed = [list(tree["rows"]) for tree in trees]
    people = [f"(SELECT patient FROM {rows} WHERE therapy = '{names[0]}')" for rows, names in zip((before, after), listed, strict=True)]
    assessed = [_count(con, f"SELECT count(*) FROM {one}") for one in people]
    shared = _count(con, f"SELECT count(*) FROM {people[0]} JOIN {people[1]} USING (patient)")
    turn = (
        "CASE WHEN b.status <> a.status THEN CASE WHEN a.status = 'eligible' THEN 'gained' WHEN b.status = 'eligible' THEN 'lost' ELSE 'status' END "
        "WHEN b.dose IS DISTINCT FROM a.dose THEN 'dose' ELSE 'rank' END"
    )
    for therapy in dict.fromkeys([*listed[0], *listed[1]]):
        sides = [f"(SELECT * FROM {rows} WHERE therapy = '{therapy}')" for rows in (before, after)]
        gone = [therapy not in names for names in listed]
        for place, is_gone in enumerate(gone):
            if is_gone:
                sides[place] = f"(SELECT patient, '{NOT_LISTED}' AS status, NULL AS rank, NULL AS dose FROM {people[place]})"
        kind = "'row'" if any(gone) else turn
        con.execute(
            f"INSERT INTO changes SELECT b.patient, '{therapy}', {kind}, b.status, a.status, b.rank, a.rank, b.dose, a.dose "
            f"FROM {sides[0]} b JOIN {sides[1]} a ON a.patient = b.patient "
            "WHERE b.status <> a.status OR b.rank IS DISTINCT FROM a.rank OR b.dose IS DISTINCT FROM a.dose"
        )
    return shared, assessed[0] - shared, assessed[1] - shared


def _read(folder: Path) -> str:
    return f"read_parquet('{literal(folder)}/*.parquet')"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
