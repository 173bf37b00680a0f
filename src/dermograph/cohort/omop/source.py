"""The source: the tables of the model staged as far as something is mapped, then the six tables made of them."""

from __future__ import annotations

import datetime as dt
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort.listing import text
from dermograph.cohort.omop import concepts, records, told
from dermograph.cohort.omop.meaning import Meaning
from dermograph.cohort.omop.model import EVENTS, MEMORY, PLAIN, Model, quoted
from dermograph.cohort.omop.places import Files, Place
from dermograph.cohort.tables import COLUMNS, Tables
from dermograph.cohort.tables import quoted as column

if TYPE_CHECKING:
    import duckdb

    from dermograph.cohort.source import Progress

_ROWS = {
    "patients": records.PATIENTS,
    "conditions": records.ROWS_OF_CONDITIONS,
    "absences": records.ROWS_OF_ABSENCES,
    "courses": records.ROWS_OF_COURSES,
    "observations": records.ROWS_OF_OBSERVATIONS,
    "assessments": records.ROWS_OF_ASSESSMENTS,
    "rejected": told.REJECTED,
    "ignored": told.IGNORED,
}


@dataclass(frozen=True)
class Omop:
    """A population in the OMOP Common Data Model.

    :param place: where its tables are kept.
    :param meaning: what codes mean.
    :param as_of: the day asked about, for every person; without it, the last day on which each was observed.
    """

    place: Place
    meaning: Meaning
    as_of: dt.date | None = None

    @property
    def settled(self) -> bool:
        """Whether the key tells of all that is there: of files, not of a database."""
        return isinstance(self.place, Files)

    def key(self) -> dict[str, Any]:
        """What the results turn on: where the tables are, the mappings, and the day."""
        return {"omop": self.place.key(), "mappings": self.meaning.digest(), "asOf": self.as_of.isoformat() if self.as_of else None}

    def tables(self, work: Path, progress: Progress) -> Tables:
        """The six tables, made where they are not there yet, and what was rejected and passed over."""
        made, whole = work / "tables", work / "whole"
        if not whole.exists():
            import duckdb

            work.mkdir(parents=True, exist_ok=True)
            con = duckdb.connect()
            con.execute(f"SET memory_limit = '{MEMORY}'")
            con.execute(f"SET temp_directory = '{text(work / 'spilled')}'")
            con.execute("SET preserve_insertion_order = false")
            try:
                self._stage(con, work / "staged", progress)
                self._make(con, made, progress)
            finally:
                con.close()
            whole.touch()
            shutil.rmtree(work / "staged")
        return Tables(made, self.as_of, made=True)

    def _stage(self, con: duckdb.DuckDBPyConnection, staged: Path, progress: Progress) -> None:
        """Bring over how often each concept occurs, the vocabularies, and the records of mapped concepts."""
        staged.mkdir(parents=True, exist_ok=True)
        con.execute(records.days())
        self.meaning.fill(con)
        with closing(self.place.open()) as model:
            for name in ("person", "observation_period", "death", "concept"):
                progress(f"reading {name}", 0, 0)
                self._plain(con, model, staged, name)
            counted = []
            for name in EVENTS:
                progress(f"counting {name}", 0, 0)
                if name in model:
                    model.save(model.counts(name), staged / f"counts_{name}.parquet")
                    counted.append(f"SELECT '{name}' AS domain, * FROM read_parquet('{quoted(staged / f'counts_{name}.parquet')}')")
            empty = "SELECT '' AS domain, 0::BIGINT AS concept, 0::BIGINT AS source, 0::BIGINT AS also, '' AS text, 0::BIGINT AS records WHERE false"
            con.execute(f"CREATE OR REPLACE TABLE counted AS {' UNION ALL '.join([empty, *counted])}")
            progress("reading the vocabularies", 0, 0)
            high = concepts.mapped(con)
            self._plain(con, model, staged, "concept_ancestor", lambda t: t.filter(t.ancestor_concept_id.isin(high)))
            links = (*concepts.UPWARD, concepts.FORM, concepts.AGENT)
            self._plain(
                con,
                model,
                staged,
                "concept_relationship",
                lambda t: t.filter(t.relationship_id.isin(links) & (t.invalid_reason.isnull() | (t.invalid_reason == ""))),
            )
            concepts.resolve(con)
            con.execute(records.people(self.as_of.isoformat() if self.as_of else None))
            wanted = {name: self._wanted(con, name) for name in EVENTS}
            for name in EVENTS:
                progress(f"reading {name}", 0, 0)
                file = staged / f"{name}.parquet"
                if name in model:
                    model.save(model.events(name, wanted[name]), file)
                con.execute(records.events(name, f"read_parquet('{quoted(file)}')" if name in model else f"({_no_records(name)})"))

    def _plain(self, con: duckdb.DuckDBPyConnection, model: Model, staged: Path, name: str, sift: Any = lambda table: table) -> None:
        if name not in model:
            nothing = ", ".join(f"{_nothing(kind)} AS {name_}" for name_, kind in PLAIN[name].items())
            con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {nothing} WHERE false")
            return
        file = staged / f"{name}.parquet"
        model.save(sift(model.plain(name)), file)
        con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{quoted(file)}')")

    def _wanted(self, con: duckdb.DuckDBPyConnection, name: str) -> list[int]:
        """Concepts of the records that say something, for a table."""
        saying = "SELECT domain, concept, source FROM said UNION SELECT domain, concept, source FROM past"
        rows = con.execute(f"SELECT DISTINCT unnest([concept, source]) AS one FROM ({saying}) WHERE domain = '{name}' ORDER BY ALL").fetchall()
        return [row[0] for row in rows if row[0]]

    def _make(self, con: duckdb.DuckDBPyConnection, made: Path, progress: Progress) -> None:
        """Write the tables, each whole or not at all, its rows in a fixed order."""
        for done, query in enumerate((records.CONDITIONS, records.DRUGS, records.VALUES)):
            progress("understanding records", done, len(_ROWS))
            con.execute(query)
        seen = con.execute("SELECT DISTINCT class, unit FROM found_values WHERE unit IS NOT NULL ORDER BY ALL").fetchall()
        self.meaning.factors(con, seen)
        for query in (records.READ, records.JUDGED, records.TESTS):
            con.execute(query)
        for done, (name, query) in enumerate(_ROWS.items()):
            progress(f"writing {name}", done, len(_ROWS))
            columns = ", ".join(column(c) for c in COLUMNS[name]) if name in COLUMNS else "*"
            aside = made.parent / f"{name}.parquet"
            con.execute(f"COPY (SELECT {columns} FROM ({query}) ORDER BY ALL) TO '{quoted(aside)}' (FORMAT parquet, COMPRESSION zstd)")
            (made / name).mkdir(parents=True, exist_ok=True)
            aside.replace(made / name / "part-00000.parquet")


def _nothing(kind: str) -> str:
    return f"CAST(NULL AS {'BIGINT' if kind in {'number', 'concept'} else 'VARCHAR'})"


def _no_records(name: str) -> str:
    """Query of no records, of a table that is not there."""
    kinds = {"id": "number", **dict.fromkeys(("concept", "source", "also", "unit", "operator"), "concept")}
    columns = ["id", "person", "concept", "source", "also", "text", "start", "end", *EVENTS[name].more]
    return "SELECT " + ", ".join(f"{_nothing(kinds.get(c, 'text'))} AS {column(c)}" for c in columns) + " WHERE false"
