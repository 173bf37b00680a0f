"""What a program tells in bits, spelt out: statuses, reasons, what is missing, doses; and counts for the summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dermograph.cohort.program import Program
from dermograph.regimens import computed
from dermograph.verdicts import PRECEDENCE

if TYPE_CHECKING:
    import duckdb

AGES = ((0, "0 to 5"), (6 * 12, "6 to 11"), (12 * 12, "12 to 17"), (18 * 12, "18 to 64"), (65 * 12, "65 and older"))
"""Age bands of the summary: the first month of each, and its name in years."""
_UNDETERMINED = PRECEDENCE.index("undetermined")


class Spelling:
    """Queries on ``wide``, the table that the program makes, a row for each patient.

    :param program: what made the table.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.tree = program, program.knowledge.tree
        self.kinds, self.items = program.verdicts.kinds, program.verdicts.items

    def fill(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make the small tables that spell out each combination of bits that occurs."""
        import pyarrow as pa

        kinds = [
            ("therapy", pa.string()),
            ("regimens", pa.int32()),
            ("ongoing", pa.bool_()),
            ("weight", pa.decimal128(24, 12)),
            ("dose", pa.string()),
        ]
        con.register("told", pa.Table.from_pylist(list(self._doses(con)), pa.schema(kinds)))
        con.execute("CREATE OR REPLACE TEMP TABLE doses AS SELECT * FROM told")
        con.unregister("told")
        for name, words in (("because", self.kinds), ("missing", self.items)):
            seen: set[int] = set()
            for therapy in self.tree["rows"]:
                seen |= {row[0] for row in con.execute(f'SELECT DISTINCT "{therapy} {name}" FROM wide').fetchall()}
            spelt = [{"bits": bits, "words": _words(bits, words)} for bits in sorted(seen)]
            con.register("told", pa.Table.from_pylist(spelt, pa.schema([("bits", pa.int64()), ("words", pa.list_(pa.string()))])))
            con.execute(f"CREATE OR REPLACE TEMP TABLE of_{name} AS SELECT * FROM told")
            con.unregister("told")

    def _doses(self, con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
        for therapy, row in self.tree["rows"].items():
            regimens = row["regimens"]
            seen = con.execute(
                f'SELECT DISTINCT "{therapy} regimens", "{therapy} status" = 0, {self._weight(therapy)} FROM wide WHERE "{therapy} regimens" <> 0'
            ).fetchall()
            for bits, ongoing, weight in seen:
                chosen = sorted((r for place, r in enumerate(regimens) if bits >> place & 1), key=lambda r: (int(r["order"] or 0), r["id"]))
                words = " | ".join(computed(r, weight, ongoing).text for r in chosen)
                yield {"therapy": therapy, "regimens": bits, "ongoing": ongoing, "weight": weight, "dose": words}

    def _weight(self, therapy: str) -> str:
        """The weight, where a dose of the therapy turns on it."""
        asked = any(r["perKilogram"] for r in self.tree["rows"][therapy]["regimens"])
        return f'"{self.program.weight}"' if asked and self.program.weight else "CAST(NULL AS DECIMAL(24, 12))"

    def verdicts(self, explain: bool) -> str:
        """A row for each therapy and patient; reasons and what is missing as bits, or spelt out."""
        return " UNION ALL ".join(self._verdicts_of(therapy, explain) for therapy in self.tree["rows"])

    def _verdicts_of(self, therapy: str, explain: bool) -> str:
        status = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(PRECEDENCE))
        because, missing = f'"{therapy} because"', f'"{therapy} missing"'
        joins = ""
        if explain:
            joins = f" LEFT JOIN of_because b ON b.bits = {because} LEFT JOIN of_missing m ON m.bits = {missing}"
            because, missing = "b.words", "m.words"
        return (
            f'SELECT w.patient, \'{therapy}\' AS therapy, CASE "{therapy} status" {status} END AS status, "{therapy} rank" AS rank, '
            f"{because} AS because, {missing} AS missing, d.dose FROM wide w "
            f'LEFT JOIN doses d ON d.therapy = \'{therapy}\' AND d.regimens = "{therapy} regimens" AND d.ongoing = ("{therapy} status" = 0) '
            f"AND d.weight IS NOT DISTINCT FROM {self._weight(therapy)}{joins}"
        )

    def criteria(self) -> str:
        """Truth of every criterion of each patient, a column for each."""
        return "SELECT patient, " + ", ".join(f'"{name}"' for name in self.program.layout.criteria) + " FROM wide"

    def places(self) -> str:
        """Where each patient stands in each pathway, and what comes next."""
        return " UNION ALL ".join(
            f"SELECT patient, '{g}' AS guideline, \"{g} applies\" AS applies, {_steps(g, 'at', order)}, {_steps(g, 'next', order)} FROM wide"
            for g, order in ((g, guideline["order"]) for g, guideline in self.tree["guidelines"].items())
        )

    def codes(self) -> dict[str, dict[str, str]]:
        """What each bit of ``because`` and ``missing`` means."""
        return {
            "because": {str(1 << place): kind for place, kind in enumerate(self.kinds)},
            "missing": {str(1 << place): item for place, item in enumerate(self.items)},
        }

    def counts(self) -> dict[str, str]:
        """Queries that count for the summary."""
        band = "CASE " + " ".join(f"WHEN \"ageMonths\" >= {start} THEN '{name}'" for start, name in reversed(AGES)) + " ELSE 'not known' END"
        people = f"{band} AS age, coalesce(sex, 'not known') AS sex, count(*) AS patients FROM wide GROUP BY ALL"
        statuses = " UNION ALL ".join(f"SELECT '{t}' AS therapy, \"{t} status\" AS status, {people}" for t in self.tree["rows"])
        stops = " UNION ALL ".join(
            f'SELECT \'{r}\' AS recommendation, "{r} stops" AS stops, "{rec["therapy"]} status" AS status, '
            "count(*) AS patients FROM wide GROUP BY ALL"
            for r, rec in self.tree["recommendations"].items()
        )
        lacking = " UNION ALL ".join(
            f"SELECT '{t}' AS therapy, m.item, count(*) AS patients, count(*) FILTER (\"{t} missing\" = m.bit) AS alone, "
            f'count(*) FILTER ("{t} missing" = m.bit AND "{t} status" = {_UNDETERMINED}) AS decided FROM wide '
            f'JOIN ({self._items()}) m ON ("{t} missing" & m.bit) <> 0 GROUP BY ALL'
            for t in self.tree["rows"]
        )
        places = " UNION ALL ".join(
            f'SELECT \'{g}\' AS guideline, "{g} applies" AS applies, "{g} at" AS "at", "{g} next" AS "next", '
            "count(*) AS patients FROM wide GROUP BY ALL"
            for g in self.tree["guidelines"]
        )
        return {"statuses": statuses, "attrition": stops, "missing": lacking, "facts": self._facts(), "places": places}

    def _facts(self) -> str:
        """How many patients lack each thing at all, and of how many it alone leaves some therapy undetermined."""
        lacking = " | ".join(f'"{t} missing"' for t in self.tree["rows"])
        alone = " | ".join(
            f'CASE WHEN "{t} status" = {_UNDETERMINED} AND ("{t} missing" & ("{t} missing" - 1)) = 0 THEN "{t} missing" ELSE 0 END'
            for t in self.tree["rows"]
        )
        return (
            f"SELECT m.item, count(*) AS patients, count(*) FILTER ((alone & m.bit) <> 0) AS decided "
            f"FROM (SELECT {lacking} AS lacking, {alone} AS alone FROM wide) JOIN ({self._items()}) m ON (lacking & m.bit) <> 0 GROUP BY ALL"
        )

    def _items(self) -> str:
        rows = ", ".join(f"(CAST({1 << place} AS BIGINT), '{item}')" for place, item in enumerate(self.items))
        return f"SELECT * FROM (VALUES {rows}) AS t(bit, item)"


def _words(bits: int, words: list[str]) -> list[str]:
    return [word for place, word in enumerate(words) if bits >> place & 1]


def _steps(guideline: str, what: str, order: list[str]) -> str:
    """List of the steps of a pathway whose bits are set."""
    names = ", ".join(f"'{step}'" for step in order)
    return f'list_filter([{names}], lambda step, place: (("{guideline} {what}" >> (place - 1)) & 1) = 1) AS "{what}"'
