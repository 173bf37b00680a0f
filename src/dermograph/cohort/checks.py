"""Rows that are wrong: found by what the ontology says of records, told with their reason, and kept out with their patient.

The rules are those of ``ontology/shapes/patient.ttl`` as far as a table can break them. A patient with a row that is wrong
is not assessed: without that row the answer might be another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dermograph import units
from dermograph.cohort import descriptor
from dermograph.cohort.layout import Layout
from dermograph.cohort.tables import COLUMNS, KEYS, REJECTED, Tables, quoted

if TYPE_CHECKING:
    import duckdb

REASONS = {
    "type": "this is not of the type of its column",
    "patient": "the row names no patient",
    "twice": "the patient has several rows in patients",
    "orphan": "the patient has no row in patients",
    "empty": "this column is empty",
    "class": "class of a record is known",
    "choice": "a value from a list is in the list",
    "order": "a record starts before it ends",
    "ongoing": "an ongoing course has not ended",
    "age": "age is plausible",
    "born": "birth comes before the question",
    "before": "nothing is recorded before birth",
    "cause": "only a condition that names its cause has one",
    "sessions": "sessions are counted",
    "unit": "a unit can be converted",
    "plausible": "a measured value is plausible",
    "day": "one value of a measurement a day",
    "both": "a condition is present or absent, not both",
    "measured": "a condition agrees with the measurement that defines it",
}
"""What is wrong, by the short name of the reason."""
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
    """

    def __init__(self, layout: Layout, tables: Tables) -> None:
        self.layout, self.tables = layout, tables

    def apply(self, con: duckdb.DuckDBPyConnection) -> None:
        """Fill ``rejects`` with wrong rows, ``bad`` with their patients, and make the views that the program reads.

        Views are named as the tables of the program, and hold the rows of patients that are assessed.
        """
        con.execute('CREATE TABLE rejects ("table" VARCHAR, row BIGINT, patient VARCHAR, reason VARCHAR, value VARCHAR)')
        con.execute(
            f"CREATE TABLE people AS SELECT patient, min(birthDate) AS birthDate, min({self._as_of()}) AS today "
            "FROM given_patients WHERE patient IS NOT NULL GROUP BY patient"
        )
        self._vocabulary(con)
        self._units(con)
        for name in COLUMNS:
            rules = list(self._rules(name))
            whens = " ".join(f"WHEN {when} THEN '{reason}'" for reason, when, _ in rules)
            values = " ".join(f"WHEN {when} THEN {value}" for _, when, value in rules)
            con.execute(
                f"INSERT INTO rejects SELECT '{name}', row, patient, reason, value FROM "
                f"(SELECT row, patient, CASE {whens} END AS reason, CASE {values} END AS value FROM {self._checked(name)}) WHERE reason IS NOT NULL"
            )
        for name, query in self._across():
            con.execute(f"INSERT INTO rejects SELECT '{name}', * FROM ({query})")
        if rejected := self.tables.beside("rejected"):
            con.execute(f"INSERT INTO rejects SELECT {', '.join(map(quoted, REJECTED))} FROM {rejected}")
        con.execute("CREATE TABLE bad AS SELECT DISTINCT patient FROM rejects WHERE patient IS NOT NULL")
        for name in COLUMNS:
            con.execute(f"CREATE VIEW {name} AS {self._kept(con, name)}")

    def _vocabulary(self, con: duckdb.DuckDBPyConnection) -> None:
        within = self.layout.tree["within"]
        rows = [(cls, kind) for cls, above in within.items() for kind in dict.fromkeys(_KINDS.values()) if kind in above and cls != kind]
        con.execute("CREATE TABLE vocabulary (name VARCHAR, kind VARCHAR)")
        con.executemany("INSERT INTO vocabulary VALUES (?, ?)", rows)

    def _units(self, con: duckdb.DuckDBPyConnection) -> None:
        canonical = self.layout.tree["units"]
        low, high = self.layout.one("dg:plausibleLow"), self.layout.one("dg:plausibleHigh")
        con.execute("CREATE TABLE factors (observable VARCHAR, unit VARCHAR, factor DECIMAL(18, 12), low DECIMAL(24, 12), high DECIMAL(24, 12))")
        seen = con.execute("SELECT DISTINCT observable, unit FROM given_observations WHERE unit IS NOT NULL").fetchall()
        for observable, unit in seen:
            if observable in canonical:
                factor = units.factor(unit, canonical[observable])
                if factor is not None and factor < _MOST:
                    con.execute("INSERT INTO factors VALUES (?, ?, ?, ?, ?)", [observable, unit, factor, low.get(observable), high.get(observable)])

    def _checked(self, name: str) -> str:
        """Rows of a table with what their rules look at beside them."""
        if name == "patients":
            return f"(SELECT g.*, {self._as_of()} AS today FROM given_patients g)"
        joined = f"given_{name} g LEFT JOIN (SELECT patient AS known, birthDate, today FROM people) ON patient = known"
        if name == "observations":
            return f"(SELECT *, {_CANONICAL} AS canonical FROM {joined} LEFT JOIN factors f USING (observable, unit))"
        return f"(SELECT * FROM {joined})"

    def _rules(self, name: str) -> Iterator[tuple[str, str, str]]:
        """Short names of rules, when a row breaks each, and the value to tell."""
        yield "patient", "patient IS NULL", "NULL"
        yield "type", "torn IS NOT NULL", "torn"
        for column in descriptor.required(name)[1:]:
            yield "empty", f'"{column}" IS NULL', f"'{column}'"
        if name in KEYS:
            key = KEYS[name]
            yield "class", f"\"{key}\" NOT IN (SELECT name FROM vocabulary WHERE kind = '{_KINDS[name]}')", f'"{key}"'
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
            yield "class", "causedBy IS NOT NULL AND causedBy NOT IN (SELECT name FROM vocabulary WHERE kind = 'dg:Therapy')", "causedBy"
        if name == "courses":
            yield "sessions", "sessions < 0", "CAST(sessions AS VARCHAR)"
            yield "ongoing", "outcome = 'pt:Ongoing' AND \"end\" <= today", 'CAST("end" AS VARCHAR)'
        if name == "observations":
            yield "unit", "factor IS NULL", "unit"
            yield "plausible", "canonical IS NULL OR canonical < low OR canonical > high", "CAST(value AS VARCHAR) || ' ' || unit"

    def _choices(self, link: str) -> str:
        kinds = [kind for kind, links in self.layout.says["dg:valuesOf"].items() if link in links]
        values = [i for i, types in self.layout.says["rdf:type"].items() if any(kind in types for kind in kinds)]
        return ", ".join(f"'{v}'" for v in sorted(values))

    def _caused(self) -> str:
        """Conditions whose records name their cause."""
        above = self.layout.says["dg:namesCause"]
        causes = [cls for cls in self.layout.classes("dg:Condition") if any(self.layout.within(cls, one) for one in above)]
        return ", ".join(f"'{c}'" for c in causes)

    def _as_of(self) -> str:
        if self.tables.as_of:
            return f"DATE '{self.tables.as_of.isoformat()}'"
        return 'coalesce("asOf", current_date)'

    def _across(self) -> Iterator[tuple[str, str]]:
        """Rules on several rows: the table, and a query of row, patient, reason and value."""
        several = "SELECT patient FROM given_patients GROUP BY patient HAVING count(*) > 1"
        yield "patients", f"SELECT row, patient, 'twice', NULL FROM given_patients WHERE patient IN ({several})"
        yield (
            "observations",
            (
                f"SELECT min(row), patient, 'day', observable FROM {self._checked('observations')} "
                "GROUP BY patient, observable, date HAVING min(canonical) < max(canonical)"
            ),
        )
        pairs = ", ".join(f"('{c}', '{a}')" for c in self.layout.classes("dg:Condition") for a in self.layout.tree["within"][c])
        within = f"(VALUES {pairs}) w(narrow, broad)"
        yield (
            "absences",
            (
                f"SELECT a.row, a.patient, 'both', a.condition FROM given_absences a JOIN {within} ON a.condition = w.broad "
                f"JOIN given_conditions c ON c.patient = a.patient AND c.condition = w.narrow JOIN people p ON p.patient = a.patient "
                "WHERE coalesce(c.status, 'pt:Active') = 'pt:Active' AND coalesce(c.onset <= p.today, true) AND coalesce(c.abatement > p.today, true)"
            ),
        )

    def _kept(self, con: duckdb.DuckDBPyConnection, name: str) -> str:
        columns = ", ".join(f'"{c}"' for c in COLUMNS[name] if c not in {"asOf", "unit", "value"})
        source = f"given_{name} t"
        if name == "patients":
            columns += f', {self._as_of()} AS "asOf"'
        if name == "observations":
            columns += f", {_CANONICAL} AS value"
            source = "given_observations g JOIN factors f USING (observable, unit)"
        some = con.execute("SELECT count(*) FROM bad").fetchone()
        good = " AND patient NOT IN (SELECT patient FROM bad)" if some and some[0] else ""
        return f"SELECT {columns} FROM {source} WHERE patient IS NOT NULL{good}"


_MOST = 10**6
"""Factor from which on a unit is too large for anything that is measured here, and for the column."""
_CANONICAL = "CASE WHEN factor = 1 THEN value ELSE TRY_CAST(TRY_CAST(value AS DECIMAL(18, 6)) * factor AS DECIMAL(24, 12)) END"
"""Value in the canonical unit: as it is, or converted from six decimal places; NULL where it is too large for any number."""
