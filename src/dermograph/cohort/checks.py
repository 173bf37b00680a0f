"""Rows that are wrong: found by what the ontology says of records, told with their reason, and kept out with their patient.

The rules are those of ``ontology/shapes/patient.ttl`` as far as a table can break them. A patient with a row that is wrong
is not assessed: without that row the answer might be another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

from dermograph import units
from dermograph.cohort import descriptor
from dermograph.cohort.csv_tables import UNREADABLE
from dermograph.cohort.layout import Layout
from dermograph.cohort.recorded import INPUTS
from dermograph.cohort.tables import COLUMNS, KEYS, Tables, quoted

if TYPE_CHECKING:
    import duckdb

REASONS = {
    "type": "this is not of the type of its column; write a day as 2026-11-01, a count as 24, a number as 24.5",
    UNREADABLE: "a line is UTF-8, with as many cells as the head; save the file as UTF-8, and put a cell that holds a comma between quotation marks",
    "patient": "the row names no patient; write the name that the table of patients has",
    "twice": "the patient has several rows in patients; keep the right one",
    "orphan": "the patient has no row in patients; add it, or correct the name",
    "empty": "this column is empty; fill it in, or take the row out",
    "class": "class of a record is known; spell it exactly as the ontology does, and record it in the table of its kind",
    "choice": "a value from a list is in the list; write one of the values that the ontology lists, spelt as there",
    "order": "a record starts before it ends; correct one of the two days",
    "ongoing": "an ongoing course has not ended; take the end out, or record how the course went",
    "age": "age is plausible; write one from 0 to 130 years, or correct the birth date",
    "born": "birth comes before the question; correct the birth date, or ask for a later day",
    "before": "nothing is recorded before birth; correct the day of the record, or the birth date",
    "cause": "only a condition that names its cause has one; take the cause out, or correct the condition",
    "sessions": "sessions are counted; write a whole number from 0 up",
    "unit": "a unit can be converted; write the UCUM code of a unit of what was measured",
    "plausible": "a measured value is plausible; correct the value or the unit",
    "day": "one value of a measurement a day; keep the right one",
    "both": "a condition is present or absent, not both; take one of the two out, or tell when the condition ended",
    "measured": "a condition agrees with the measurement that defines it; correct the condition, or the measurement",
}
"""What is wrong, by the short name of the reason: the rule, and after the semicolon how to mend it."""
Factor = tuple[str, str, Decimal, str | None, str | None]
"""Observable, unit, factor to the canonical unit, and least and greatest plausible value."""
_KINDS = {
    "conditions": "dg:Condition",
    "absences": "dg:Condition",
    "courses": "dg:Therapy",
    "observations": "dg:Observable",
    "assessments": "dg:Assessment",
}
_CHOICES = {
    "patients": {"sex": "pt:sex"},
    "conditions": {"status": "pt:status", "severity": "pt:severity"},
    "courses": {"outcome": "pt:outcome"},
    "assessments": {"result": "pt:result"},
}
_DATED = {"conditions": ("onset", "abatement"), "courses": ("start", "end"), "observations": ("date",), "assessments": ("date",)}


class Checks:
    """The rules of a knowledge, as SQL for DuckDB.

    :param layout: what the index says.
    :param today: the day asked about of those of whom the tables tell none.
    """

    def __init__(self, layout: Layout, tables: Tables, today: dt.date) -> None:
        self.layout, self.tables, self.today = layout, tables, today

    def take(self, con: duckdb.DuckDBPyConnection) -> None:
        """Take the tables over, and note in ``rejects`` what is wrong in a row.

        Reads the views ``given_<table>``, and makes views named as the tables of the program, which give each patient a whole
        number, from 0 in the order of the rows; ``known`` tells which name goes with it. They hold all patients: what is made of
        those who turn out to be ``bad`` means nothing.
        """
        con.execute('CREATE TABLE rejects ("table" VARCHAR, row BIGINT, patient VARCHAR, reason VARCHAR, value VARCHAR)')
        self._vocabulary(con)
        first = "" if self._unique(con) else "QUALIFY row_number() OVER (PARTITION BY patient ORDER BY row) = 1"
        named = f"SELECT row, patient, birthDate, ageYears, sex, {self.as_of()} AS today FROM given_patients WHERE patient IS NOT NULL {first}"
        con.execute(f"CREATE TABLE known AS SELECT row_number() OVER (ORDER BY row) - 1 AS id, * FROM ({named})")
        with ThreadPoolExecutor(1) as pool, con.cursor() as beside:
            beside.execute(f"SET search_path = '{SEARCH}'")
            factors = pool.submit(self._factors, beside)  # the library of units takes a while to be loaded
            for name in sorted(COLUMNS, key="observations".__eq__):
                if name == "observations":
                    self._take_factors(con, factors.result())
                self._take(con, name)
        for name in INPUTS:
            columns = 'id AS patient, today AS "asOf", birthDate, ageYears, sex' if name == "patients" else ", ".join(map(quoted, INPUTS[name]))
            source = "known" if name == "patients" else f"taken_{name} WHERE patient IS NOT NULL"
            con.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM {source}")

    def judge(self, con: duckdb.DuckDBPyConnection) -> None:
        """Note in ``rejects`` what is wrong across rows, and in ``bad`` the patients of whom something is."""
        for name, suspicion, query in self.across(self._unique(con)):
            if suspicion is None or number_of(con, suspicion):
                con.execute(f"INSERT INTO rejects SELECT '{name}', * FROM ({query})")
        wrong = f"SELECT patient FROM rejects UNION ALL SELECT patient FROM ({self.tables.lost()})"
        con.execute(f"CREATE TABLE bad AS SELECT id FROM known WHERE patient IN ({wrong})")

    def _unique(self, con: duckdb.DuckDBPyConnection) -> bool:
        return number_of(con, "SELECT count(patient) - count(DISTINCT patient) FROM given_patients") == 0

    def _take(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """Take over a table in one pass, and look again at what is wrong only where something is."""
        rules = list(self.rules(name))
        reason = first((when, f"'{short}'") for short, when, _ in rules)
        if name == "patients":
            wrong = f"FROM {self.checked(name)} WHERE {reason} IS NOT NULL"
        else:
            columns = ", ".join(map(quoted, INPUTS[name])).replace('"patient"', "known AS patient").replace('"value"', "canonical AS value")
            con.execute(f"CREATE TABLE taken_{name} AS SELECT {columns}, {reason} AS reason FROM {self.checked(name)}")
            wrong = f"FROM taken_{name} WHERE reason IS NOT NULL"
        if number_of(con, f"SELECT count(*) {wrong}"):
            value = first((when, value) for _, when, value in rules)
            con.execute(
                f"INSERT INTO rejects SELECT '{name}', row, patient, reason, value FROM "
                f"(SELECT row, patient, {reason} AS reason, {value} AS value FROM {self.checked(name)}) WHERE reason IS NOT NULL"
            )

    def _vocabulary(self, con: duckdb.DuckDBPyConnection) -> None:
        within = self.layout.tree["within"]
        rows = [f"('{cls}', '{kind}')" for cls, above in within.items() for kind in dict.fromkeys(_KINDS.values()) if kind in above and cls != kind]
        con.execute(f"CREATE TABLE vocabulary AS SELECT * FROM (VALUES {', '.join(rows)}) t(name, kind)")

    def _factors(self, con: duckdb.DuckDBPyConnection) -> list[Factor]:
        return self.factors(con.execute("SELECT DISTINCT observable, unit FROM given_observations WHERE unit IS NOT NULL").fetchall())

    def factors(self, used: Iterable[tuple[str, str]]) -> list[Factor]:
        """Units of observables that convert, each with its factor and the plausible values of its observable.

        :param used: observables with their units.
        """
        canonical = self.layout.tree["units"]
        low, high = self.layout.one("dg:plausibleLow"), self.layout.one("dg:plausibleHigh")
        found = []
        for observable, unit in used:
            factor = units.factor(unit, canonical[observable]) if observable in canonical else None
            if factor is not None and factor < _MOST:
                found.append((observable, unit, factor, low.get(observable), high.get(observable)))
        return found

    def _take_factors(self, con: duckdb.DuckDBPyConnection, rows: list[Factor]) -> None:
        decimals = "factor DECIMAL(18, 12), low DECIMAL(24, 12), high DECIMAL(24, 12)"
        con.execute(f"CREATE TABLE factors (observable VARCHAR, unit VARCHAR, {decimals})")
        for row in rows:
            con.execute("INSERT INTO factors VALUES (?, ?, ?, ?, ?)", row)

    def checked(self, name: str) -> str:
        """Rows of a table with what their rules look at beside them."""
        if name == "patients":
            return f"(SELECT g.*, {self.as_of()} AS today FROM given_patients g)"
        joined = f"given_{name} g LEFT JOIN (SELECT patient AS called, id AS known, birthDate, today FROM known) ON patient = called"
        if name == "observations":
            return f"(SELECT *, {_CANONICAL} AS canonical FROM {joined} LEFT JOIN factors f USING (observable, unit))"
        return f"(SELECT * FROM {joined})"

    def rules(self, name: str) -> Iterator[tuple[str, str, str]]:
        """Short names of rules, when a row breaks each, and the value to tell."""
        yield "patient", "patient IS NULL", "NULL"
        yield "type", "torn IS NOT NULL", "torn"
        for column in descriptor.required(name)[1:]:
            yield "empty", f'"{column}" IS NULL', f"'{column}'"
        if name in KEYS:
            key = KEYS[name]
            yield "class", f'"{key}" NOT IN {self.named(_KINDS[name])}', f'"{key}"'
        for column, link in _CHOICES.get(name, {}).items():
            yield "choice", f'"{column}" NOT IN ({self._choices(link)})', f'"{column}"'
        if len(dates := _DATED.get(name, ())) == 2:
            start, end = dates
            yield "order", f'"{start}" > "{end}"', f'CAST("{start}" AS VARCHAR)'
        if name == "patients":
            yield "age", "ageYears < 0 OR ageYears > 130", "CAST(ageYears AS VARCHAR)"
            yield "born", "birthDate > today", "CAST(birthDate AS VARCHAR)"
            yield "age", "datesub('year', birthDate, today) > 130", "CAST(birthDate AS VARCHAR)"
        else:
            yield "orphan", "known IS NULL", "NULL"
        if dates:
            yield "before", " OR ".join(f'"{c}" < birthDate' for c in dates), "CAST(birthDate AS VARCHAR)"
        if name == "conditions":
            sites = self._choices("pt:site")
            yield "choice", f"site IS NOT NULL AND len(list_filter(string_split(site, ' '), lambda x: x <> '' AND x NOT IN ({sites}))) > 0", "site"
            yield "cause", f"causedBy IS NOT NULL AND condition NOT IN ({self._caused()})", "condition"
            yield "class", f"causedBy IS NOT NULL AND causedBy NOT IN {self.named('dg:Therapy')}", "causedBy"
        if name == "courses":
            yield "sessions", "sessions < 0", "CAST(sessions AS VARCHAR)"
            yield "ongoing", "outcome = 'pt:Ongoing' AND \"end\" <= today", 'CAST("end" AS VARCHAR)'
        if name == "observations":
            yield "unit", "factor IS NULL", "unit"
            yield "plausible", "canonical IS NULL OR canonical < low OR canonical > high", "CAST(value AS VARCHAR) || ' ' || unit"

    def named(self, kind: str) -> str:
        """The classes of a kind, as SQL."""
        return f"(SELECT name FROM vocabulary WHERE kind = '{kind}')"

    def _choices(self, link: str) -> str:
        kinds = [kind for kind, links in self.layout.says["dg:valuesOf"].items() if link in links]
        values = [i for i, types in self.layout.says["rdf:type"].items() if any(kind in types for kind in kinds)]
        return ", ".join(f"'{v}'" for v in sorted(values))

    def _caused(self) -> str:
        """Conditions whose records name their cause."""
        above = self.layout.says["dg:namesCause"]
        causes = [cls for cls in self.layout.classes("dg:Condition") if any(self.layout.within(cls, one) for one in above)]
        return ", ".join(f"'{c}'" for c in causes)

    def as_of(self) -> str:
        """The day asked about, as SQL."""
        if self.tables.as_of:
            return f"DATE '{self.tables.as_of.isoformat()}'"
        return f"coalesce(\"asOf\", DATE '{self.today.isoformat()}')"

    def across(self, unique: bool) -> Iterator[tuple[str, str | None, str]]:
        """Rules on several rows: the table, a quick count that is 0 where all is well, and a query of row, patient, reason and value."""
        if not unique:
            several = "SELECT patient FROM given_patients GROUP BY patient HAVING count(*) > 1"
            yield "patients", None, f"SELECT row, patient, 'twice', NULL FROM given_patients WHERE patient IN ({several})"
        alike = "SELECT hash(patient, observable, date) AS alike FROM taken_observations GROUP BY alike HAVING count(*) > 1"
        yield (
            "observations",
            f"SELECT count(*) FROM ({alike})",
            (
                f"SELECT min(row), patient, 'day', observable FROM {self.checked('observations')} "
                "GROUP BY patient, observable, date HAVING min(canonical) < max(canonical)"
            ),
        )
        pairs = ", ".join(f"('{c}', '{a}')" for c in self.layout.classes("dg:Condition") for a in self.layout.tree["within"][c])
        both = (
            f"{{absences}} JOIN (VALUES {pairs}) w(narrow, broad) ON a.condition = w.broad "
            "JOIN taken_conditions c ON c.patient = {patient} AND c.condition = w.narrow JOIN known p ON p.id = c.patient "
            "WHERE coalesce(c.status, 'pt:Active') = 'pt:Active' AND coalesce(c.onset <= p.today, true) AND coalesce(c.abatement > p.today, true)"
        )
        told = f"{self.checked('absences')} a"
        yield (
            "absences",
            f"SELECT count(*) FROM {both.format(absences='taken_absences a', patient='a.patient')}",
            f"SELECT a.row, p.patient, 'both', a.condition FROM {both.format(absences=told, patient='a.known')}",
        )


def first(cases: Iterable[tuple[str, str]]) -> str:
    """What the first condition that holds gives, as SQL."""
    return f"CASE {' '.join(f'WHEN {when} THEN {then}' for when, then in cases)} END"


def number_of(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


SEARCH = "part,main"
"""Schemas in which names are looked up while a part is assessed."""
_MOST = 10**6
"""Factor from which on a unit is too large for anything that is measured here, and for the column."""
_CANONICAL = "CASE WHEN factor = 1 THEN value ELSE TRY_CAST(TRY_CAST(value AS DECIMAL(18, 6)) * factor AS DECIMAL(24, 12)) END"
"""Value in the canonical unit: as it is, or converted from six decimal places; NULL where it is too large for any number."""


def in_words(reason: str) -> str:
    """A reason in words, as SQL: of a short name, or of a rule that a reader tells without its mend."""
    texts = {short: text for text in REASONS.values() for short in (text.partition("; ")[0],)} | REASONS
    return f"CASE {reason} " + " ".join(f"WHEN '{short}' THEN '{text}'" for short, text in texts.items()) + f" ELSE {reason} END"
