"""What codes mean in the words of a patient graph: the mappings of the ontology, and what the knowledge says of their classes."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dermograph import content, units
from dermograph.cohort.layout import Layout
from dermograph.knowledge import Knowledge

if TYPE_CHECKING:
    import duckdb

VOCABULARIES = {"snomed": "SNOMED", "rxnorm": "RxNorm", "atc": "ATC", "loinc": "LOINC", "icd10cm": "ICD10CM"}
"""Vocabularies of OMOP by the prefixes of the mappings."""
NESTED = ("ATC", "ICD10CM")
"""Vocabularies in which what a code begins with is the code of the group that it belongs to."""
CERTAIN = ("skos:exactMatch", "skos:narrowMatch")
"""Predicates by which a record of the code is a record of the class; by the others it may be."""
CLOSE = "skos:closeMatch"
"""Predicate by which a number measured under the code stands for one of the class, in serum or in plasma, say."""
KINDS = {"dg:Condition": "condition", "dg:Therapy": "therapy", "dg:Observable": "observable", "dg:Assessment": "assessment"}
_END = 999_999_999


@dataclass(frozen=True)
class Meaning:
    """Codes, words and classes.

    :param folder: holds the mapping sets, ``*.sssom.tsv``, and ``words.yaml``.
    """

    knowledge: Knowledge
    folder: Path

    @classmethod
    def of(cls, knowledge: Knowledge) -> Meaning:
        """Codes by the mappings of the ontology that was loaded."""
        return cls(knowledge, (knowledge.ontology or content.folder("ontology")) / "mappings")

    @cached_property
    def layout(self) -> Layout:
        """What the index says."""
        return Layout(self.knowledge)

    def digest(self) -> str:
        """SHA-256 over the files."""
        total = hashlib.sha256()
        for path in [*sorted(self.folder.glob("*.sssom.tsv")), self.folder / "words.yaml"]:
            total.update(path.read_bytes())
        return total.hexdigest()

    def codes(self) -> Iterator[tuple[str, str, str, str, bool]]:
        """Vocabulary, code, class, kind of class, and whether the code is certainly of it."""
        within = self.layout.tree["within"]
        for path in sorted(self.folder.glob("*.sssom.tsv")):
            with path.open(encoding="utf-8", newline="") as file:
                lines = (line for line in file if not line.startswith("#"))
                for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                    prefix, _, code = row["object_id"].partition(":")
                    above = within.get(row["subject_id"], ())
                    kind = next((k for top, k in KINDS.items() if top in above), None)
                    if prefix in VOCABULARIES and kind:
                        sure = row["predicate_id"] in CERTAIN or (kind == "observable" and row["predicate_id"] == CLOSE)
                        yield VOCABULARIES[prefix], code, row["subject_id"], kind, sure

    @cached_property
    def words(self) -> dict[str, Any]:
        """Words of records."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "words.yaml").read_text(encoding="utf-8"))
        return found

    def thresholds(self) -> list[int]:
        """Ages in months at which some criterion, or the need of a fresh measurement, changes."""
        found = {int(months) for months in self.layout.one("dg:limitBelowAge").values()}
        for criterion in self.layout.criteria.values():
            if self.layout.tree["facts"].get(criterion.get("fact"), {}).get("recordedAs") == "pt:birthDate" and "range" in criterion:
                edges = {k: float(v) for k, v in criterion["range"].items()}
                found |= {int(edges[k]) for k in ("from", "below")} | {int(edges[k]) + 1 for k in ("above", "upTo")}
        return sorted(months for months in found if 0 < months < _END)

    def told(self) -> list[str]:
        """Assessments of which it counts what they found, not only that they were done."""
        asked = {
            c["class"]
            for c in self.layout.criteria.values()
            if "class" in c and self.layout.tree["facts"][c["fact"]]["recordedAs"] == "pt:assessment" and c["fact"] in self._of_results
        }
        screens = self.layout.says["dg:screensFor"]
        return [cls for cls in self.layout.classes("dg:Assessment") if any(self.layout.within(cls, one) for one in (*asked, *screens))]

    @cached_property
    def _of_results(self) -> set[str]:
        return {fact for value in ("pt:Negative", "pt:Positive") for fact in self.layout.says["dg:yields"].get(value, ())}

    def turning(self) -> Iterator[tuple[str, str]]:
        """Each therapy with the criteria that are met while it is taken, as far as some answer turns on them."""
        heard = self._heard()
        takes = self.layout.one("dg:yields")["pt:Ongoing"]
        asked = [(name, c["class"]) for name, c in self.layout.criteria.items() if c.get("fact") == takes and name in heard]
        for cls in self.layout.classes("dg:Therapy"):
            yield from ((cls, name) for name, above in asked if self.layout.within(cls, above))

    def _heard(self) -> set[str]:
        """Criteria that the answer on a therapy, a recommendation or a step leans on, by themselves or through others."""
        criteria, tree = self.layout.criteria, self.layout.tree
        waiting = [name for part in ("rows", "recommendations", "steps", "guidelines", "conditions") for name in _texts(tree[part])]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in criteria and name not in found:
                found.add(name)
                waiting += _texts(criteria[name])
        return found

    def fill(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make the small tables that the queries read."""
        layout = self.layout
        _table(con, "codes", "vocabulary VARCHAR, code VARCHAR, class VARCHAR, kind VARCHAR, sure BOOLEAN", self.codes())
        within = ((narrow, broad) for narrow, above in layout.tree["within"].items() for broad in above if narrow != broad)
        _table(con, "within", "narrow VARCHAR, broad VARCHAR", within)
        ways = ((way, kind, word) for way, named in self.words["ways"].items() for kind, several in named.items() for word in several)
        _table(con, "ways", "way VARCHAR, kind VARCHAR, word VARCHAR", ways)
        given = ((cls, way, how == "by") for cls, said in self.words["given"].items() for how, several in said.items() for way in several)
        _table(con, "given", "class VARCHAR, way VARCHAR, sure BOOLEAN", given)
        results = ((word, result) for result, several in self.words["results"].items() for word in several)
        _table(con, "results", "word VARCHAR, result VARCHAR", results)
        _table(con, "told", "class VARCHAR", ((cls,) for cls in self.told()))
        _table(con, "turning", "class VARCHAR, criterion VARCHAR", self.turning())
        _table(con, "thresholds", "months INTEGER", ((months,) for months in self.thresholds()))
        causes = layout.says["dg:namesCause"]
        caused = ((cls,) for cls in layout.classes("dg:Condition") if any(layout.within(cls, one) for one in causes))
        _table(con, "caused", "class VARCHAR", caused)

    def factors(self, con: duckdb.DuckDBPyConnection, seen: list[tuple[str, str]]) -> None:
        """Make the table of the units that convert, with what is plausible.

        :param seen: observables with the units that they are given in.
        """
        canonical = self.layout.tree["units"]
        low, high = self.layout.one("dg:plausibleLow"), self.layout.one("dg:plausibleHigh")
        rows = ((o, u, units.factor(u, canonical[o]), low.get(o), high.get(o)) for o, u in seen if o in canonical)
        columns = "class VARCHAR, unit VARCHAR, factor DECIMAL(24, 12), low DECIMAL(24, 12), high DECIMAL(24, 12)"
        _table(con, "factors", columns, (row for row in rows if row[2] is not None and row[2] < _END))


def _texts(value: Any) -> list[str]:
    """Every text in a tree of lists and mappings."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (key, *_texts(one))]
    return [text for one in value for text in _texts(one)] if isinstance(value, list | tuple) else []


def _table(con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Iterator[tuple[Any, ...]]) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
    values = [list(row) for row in rows]
    if values:
        con.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(values[0]))})", values)
