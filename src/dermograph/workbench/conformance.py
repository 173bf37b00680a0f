"""What another engine answered to the tests of a conformance kit, held to what is expected.

Results are CSV with a header: ``case,criterion,truth``, or ``case,therapy`` with any of ``status``, ``rank``,
``continue`` and ``because``. A case is named by its folder or by the IRI of its patient.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dermograph.errors import InputError
from dermograph.terms import compact

Tree = dict[str, Any]
Key = tuple[str, str]

TRUTHS, VERDICTS = "truths.json", "verdicts.csv"
TRUTH_COLUMNS = ("case", "criterion", "truth")
VERDICT_COLUMNS = ("case", "therapy", "status", "rank", "continue", "because")
_TRUTHS = {"T": "true", "F": "false", "U": "unknown"}


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One answer that is not the expected one.

    :param of: the criterion or therapy.
    :param column: what was asked of it.
    :param found: what the engine says; None where it says nothing.
    """

    case: str
    of: str
    column: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        said = "no row" if self.found is None else self.found or "nothing"
        return f"{self.case}: {self.of}: {self.column} is {said}, expected {self.expected or 'nothing'}"


@dataclass(frozen=True)
class Report:
    """Outcome of a comparison.

    :param compared: how many expected answers were looked at.
    """

    compared: int
    differences: tuple[Difference, ...]

    def to_json(self) -> Tree:
        """The report in plain JSON."""
        names = ("case", "of", "column", "expected", "found")
        return {"compared": self.compared, "differences": [{n: getattr(d, n) for n in names} for d in self.differences]}


def verify(kit: Path, results: Path, *, partial: bool = False) -> Report:
    """Hold the results of an engine to what a kit expects.

    :param partial: compare the rows that are given, instead of asking for all.
    :raises InputError: the kit or the results cannot be read, or name something that the kit does not hold.
    """
    columns, found = _results(kit, results)
    expected = _expected_truths(kit) if columns == ("truth",) else _expected_verdicts(kit, columns)
    astray = next((key for key in found if key not in expected), None)
    if astray:
        raise InputError(f"{results}: the kit asks nothing of {astray[1]} in the case {astray[0]}", "take the names from the kit")
    differences, compared = [], 0
    for (case, of), wanted in expected.items():
        said = found.get((case, of))
        if said is None and partial:
            continue
        for place, column in enumerate(columns):
            compared += 1
            if said is None or said[place] != wanted[place]:
                differences.append(Difference(case, of, column, wanted[place], None if said is None else said[place]))
    return Report(compared, tuple(sorted(differences, key=lambda d: (d.case, d.of, d.column))))


def verdict_rows(case: str, answer: Tree) -> Iterator[list[str]]:
    """Rows of the table of verdicts that an answer gives, as JSON has it."""
    for t in answer["therapies"]:
        kinds = " ".join(sorted({b["kind"] for b in t["because"]}))
        yield [case, t["therapy"], t["status"], str(t["rank"] or ""), t.get("continue") or "", kinds]


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _expected_truths(kit: Path) -> dict[Key, tuple[str, ...]]:
    table = _table(kit)
    return {
        (case, criterion): (_TRUTHS[letter],)
        for case, told in table["cases"].items()
        for criterion, letter in zip(table["criteria"], told["truths"], strict=True)
    }


def _expected_verdicts(kit: Path, columns: Sequence[str]) -> dict[Key, tuple[str, ...]]:
    with (kit / VERDICTS).open(encoding="utf-8", newline="") as file:
        return {(row["case"], row["therapy"]): tuple(row[c] for c in columns) for row in csv.DictReader(file)}


def _table(kit: Path) -> Tree:
    try:
        found: Tree = json.loads((kit / TRUTHS).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{kit}: no conformance kit: {TRUTHS} cannot be read", "name a folder that dermograph kit wrote") from error
    return found


def _results(kit: Path, path: Path) -> tuple[tuple[str, ...], dict[Key, tuple[str, ...]]]:
    """Columns that the results answer, and the answers by case and criterion or therapy."""
    cases = {told["patient"]: case for case, told in _table(kit)["cases"].items()}
    found: dict[Key, tuple[str, ...]] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}", "check the path; the results are CSV in UTF-8") from error
    rows = csv.DictReader(io.StringIO(text))
    header = rows.fieldnames or []
    of = "criterion" if "criterion" in header else "therapy"
    known = TRUTH_COLUMNS[2:] if of == "criterion" else VERDICT_COLUMNS[2:]
    columns = tuple(c for c in known if c in header)
    if "case" not in header or of not in header or not columns:
        raise InputError(f"{path}: the header is {','.join(header)}", "open with case,criterion,truth or case,therapy,status,rank,continue,because")
    for row in rows:
        if None in row or None in row.values():
            raise InputError(f"{path}:{rows.line_num}: not as many cells as the header has", "mend the line")
        case = cases.get(compact(row["case"]), row["case"])
        key = (case, compact(row[of]))
        said = tuple(_normal(c, row[c]) for c in columns)
        if columns == ("truth",) and said[0] not in _TRUTHS.values():
            raise InputError(f"{path}:{rows.line_num}: {said[0]!r} is no truth", "write true, false or unknown")
        if found.setdefault(key, said) != said:
            raise InputError(f"{path}:{rows.line_num}: a second answer on {key[1]} in the case {case}", "answer each once")
    return columns, found


def _normal(column: str, value: str) -> str:
    return " ".join(sorted(value.split())) if column == "because" else value.strip()
