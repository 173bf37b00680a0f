"""Tables of the OMOP model that are read, their columns, and the rows of them that say something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from dermograph.errors import InputError

if TYPE_CHECKING:
    import duckdb

MEMORY = "2GB"
"""Most memory of the database that reads the tables, and of the one that makes ours; what is more lies on the disk meanwhile."""
_MOST = 20_000
"""Concepts that are looked for by name; of more, every row is taken and sifted later."""


@dataclass(frozen=True)
class Event:
    """A table whose rows are records of a person: the columns that all of them have, and those of its own.

    :param also: the concept beside the concept: a route, a status, or what was found.
    :param more: columns of its own, by the names that they get.
    """

    id: str
    concept: str
    source: str
    text: str
    start: str
    end: str | None = None
    also: str | None = None
    more: dict[str, str] = field(default_factory=dict)


_FOUND = {"number": "value_as_number", "unit": "unit_concept_id", "unit_text": "unit_source_value", "value_text": "value_source_value"}
EVENTS = {
    "condition_occurrence": Event(
        "condition_occurrence_id",
        "condition_concept_id",
        "condition_source_concept_id",
        "condition_source_value",
        "condition_start_date",
        "condition_end_date",
        "condition_status_concept_id",
    ),
    "drug_exposure": Event(
        "drug_exposure_id",
        "drug_concept_id",
        "drug_source_concept_id",
        "drug_source_value",
        "drug_exposure_start_date",
        "drug_exposure_end_date",
        "route_concept_id",
        {"told_end": "verbatim_end_date", "stopped": "stop_reason"},
    ),
    "procedure_occurrence": Event(
        "procedure_occurrence_id",
        "procedure_concept_id",
        "procedure_source_concept_id",
        "procedure_source_value",
        "procedure_date",
        "procedure_end_date",
    ),
    "measurement": Event(
        "measurement_id",
        "measurement_concept_id",
        "measurement_source_concept_id",
        "measurement_source_value",
        "measurement_date",
        also="value_as_concept_id",
        more={**_FOUND, "moment": "measurement_datetime", "operator": "operator_concept_id"},
    ),
    "observation": Event(
        "observation_id",
        "observation_concept_id",
        "observation_source_concept_id",
        "observation_source_value",
        "observation_date",
        also="value_as_concept_id",
        more={**_FOUND, "moment": "observation_datetime", "string": "value_as_string"},
    ),
}
"""Tables of records, by name."""
PLAIN = {
    "person": {"person_id": "name", "gender_concept_id": "concept", "year_of_birth": "text", "month_of_birth": "text", "day_of_birth": "text"},
    "observation_period": {"person_id": "name", "observation_period_end_date": "given"},
    "death": {"person_id": "name"},
    "concept": {"concept_id": "number", "concept_name": "text", "vocabulary_id": "text", "concept_code": "text"},
    "concept_ancestor": {"ancestor_concept_id": "number", "descendant_concept_id": "number"},
    "concept_relationship": {"concept_id_1": "number", "concept_id_2": "number", "relationship_id": "text", "invalid_reason": "text"},
}
"""Other tables, with the columns that are read and what they hold."""
_UNREAD = """
attribute_definition care_site cdm_source cohort cohort_definition concept_class concept_cpt4 concept_synonym condition_era cost
device_exposure domain dose_era drug_era drug_strength episode episode_event fact_relationship location metadata note note_nlp
payer_plan_period provider relationship source_to_concept_map specimen visit_detail visit_occurrence vocabulary
"""
UNREAD = frozenset(_UNREAD.split())
"""Tables of the model, 5.3 and 5.4, and of its vocabularies that say nothing of what is asked."""
_NEEDED = ("person", "concept")
_OPTIONAL = {"month_of_birth", "day_of_birth", "invalid_reason"}
_CONCEPTS = {"unit", "operator"}
_MENDS = {
    "person": "give the folder, the DuckDB file or the schema in which the table person lies",
    "concept": "put the table CONCEPT of the standardized vocabularies beside the others: without it no code can be read",
}


class Model:
    """The tables of one data set.

    :param name: what messages call it.
    :param tables: the tables of Ibis, by their names in lower case.
    :param backend: the backend of Ibis that they are bound to.
    :param database: or the DuckDB that they are views of.
    """

    def __init__(self, name: str, tables: dict[str, Any], backend: Any = None, database: duckdb.DuckDBPyConnection | None = None) -> None:
        self.name, self._tables, self._backend, self._database = name, tables, backend, database
        for needed in _NEEDED:
            if needed not in tables:
                raise InputError(f"{name}: no table {needed}", _MENDS[needed])

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    def close(self) -> None:
        """Let go of what is open."""
        if self._database:
            self._database.close()
        else:
            self._backend.disconnect()

    def save(self, rows: ibis.Table, file: Path) -> None:
        """Write rows as Parquet, whole or not at all, where they are not there yet.

        :raises InputError: the table cannot be read.
        """
        if file.exists():
            return
        aside = file.with_suffix(".aside")
        try:
            if self._database:
                self._database.execute(f"COPY ({ibis.to_sql(rows, dialect='duckdb')}) TO '{quoted(aside)}' (FORMAT parquet, COMPRESSION zstd)")
            else:
                rows.to_parquet(aside)
        except Exception as error:  # each backend raises errors of its own
            hint = "see that the table can be read, and give the same command again: what is finished is kept"
            raise InputError(f"{self.name}: {str(error).splitlines()[0]}", hint) from error
        aside.replace(file)

    def plain(self, name: str) -> ibis.Table:
        """The columns that are read of a table that holds no records."""
        return self._tables[name].select(**{c: self._as(name, c, kind, c in _OPTIONAL) for c, kind in PLAIN[name].items()})

    def events(self, name: str, concepts: Sequence[int] | None = None) -> ibis.Table:
        """The records of a table, under the names that all of them share, only those of the concepts where these are not too many."""
        event = EVENTS[name]
        columns: dict[str, tuple[str | None, str, bool]] = {
            "id": (event.id, "number", True),
            "person": ("person_id", "name", False),
            "concept": (event.concept, "concept", False),
            "source": (event.source, "concept", True),
            "also": (event.also, "concept", True),
            "text": (event.text, "text", True),
            "start": (event.start, "given", False),
            "end": (event.end, "given", True),
        }
        columns |= {short: (column, "concept" if short in _CONCEPTS else "given", True) for short, column in event.more.items()}
        rows = self._tables[name].select(**{short: self._as(name, *column) for short, column in columns.items()})
        if concepts is not None and len(concepts) <= _MOST:
            rows = rows.filter(rows.concept.isin(concepts) | rows.source.isin(concepts))
        return rows

    def counts(self, name: str) -> ibis.Table:
        """How many records a table has of each concept; of those without, of each text."""
        rows = self.events(name)
        text = ibis.ifelse((rows.concept == 0) & (rows.source == 0), rows.text, ibis.null("string"))
        rows = rows.select("concept", "source", "also", text=text)
        return rows.group_by(["concept", "source", "also", "text"]).aggregate(records=rows.count())

    def _as(self, name: str, column: str | None, kind: str, optional: bool) -> Any:
        """A column of a table in a kind: ``given`` as it is, a ``number``, a ``concept``, 0 for none, a ``name`` of a person, or ``text``."""
        table = self._tables[name]
        there = {c.lower(): c for c in table.columns}
        if column not in there and not optional:
            raise InputError(f"{self.name}: the table {name} has no column {column}", "see the columns of version 5.4 of the model")
        value = table[there[column]] if column in there else ibis.null("string" if kind in {"given", "text"} else "int64")
        if kind == "given":
            return value
        if kind in {"text", "name"}:
            whole = kind == "name" and value.type().is_numeric() and not value.type().is_integer()
            return (value.cast("int64") if whole else value).cast("string")
        torn = value.type().is_string() and self._database is not None
        value = value.try_cast("int64") if torn else value.cast("int64")
        return value.fill_null(0) if kind == "concept" else value


def quoted(path: Path) -> str:
    """A path as it stands between quotation marks in SQL."""
    return path.as_posix().replace("'", "''")
