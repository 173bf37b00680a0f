"""The mapping sets load, speak only of declared classes, and hold plausible codes with the place each was seen."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from rdflib import OWL, RDF, Graph
from sssom.parsers import parse_sssom_table
from sssom.util import MappingSetDataFrame
from sssom.validators import validate
from stdnum import luhn, verhoeff

ONTOLOGY = Path(__file__).parents[1] / "ontology"
FILES = sorted((ONTOLOGY / "mappings").glob("*.sssom.tsv"))
PREDICATES = {f"skos:{kind}Match" for kind in ("exact", "close", "broad", "narrow", "related")}


def unchecked(_code: str) -> bool:
    return True


SHAPES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "snomed": (r"[1-9]\d{2,14}[01]0\d", verhoeff.is_valid),
    "loinc": (r"[1-9]\d{0,6}-\d", lambda code: luhn.is_valid(code.replace("-", ""))),
    "rxnorm": (r"[1-9]\d{0,7}", unchecked),
    "cvx": (r"0\d|[1-9]\d{1,2}", unchecked),
    "atc": (r"[ABCDGHJLMNPRSV]\d\d([A-Z]([A-Z](\d\d)?)?)?", unchecked),
    "icd10cm": (r"[A-Z]\d[0-9AB](\.[0-9A-Z]{1,4})?", unchecked),
    "MONDO": (r"\d{7}", unchecked),
    "fhir": (r"AllergyIntolerance", unchecked),
    "interpretation": (r"NEG|POS", unchecked),
    "reason": (r"PATOBJ", unchecked),
}


def plausible(curie: str) -> bool:
    prefix, _, code = curie.partition(":")
    pattern, check = SHAPES.get(prefix, ("(?!)", unchecked))
    return re.fullmatch(pattern, code) is not None and check(code)


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture(scope="module")
def mapping_set(path: Path) -> MappingSetDataFrame:
    return parse_sssom_table(path)


@pytest.fixture(scope="module")
def rows(mapping_set: MappingSetDataFrame) -> list[dict[str, str]]:
    return [{str(key): str(value) for key, value in row.items()} for row in mapping_set.df.to_dict("records")]


@pytest.fixture(scope="module")
def classes() -> set[str]:
    graph = Graph()
    for file in ONTOLOGY.rglob("*.ttl"):
        if "shapes" not in file.relative_to(ONTOLOGY).parts:
            graph.parse(file)
    return {str(node) for kind in (OWL.Class, OWL.NamedIndividual) for node in graph.subjects(RDF.type, kind)}


def test_there_are_mapping_sets() -> None:
    assert FILES


def test_is_valid_sssom(path: Path, mapping_set: MappingSetDataFrame) -> None:
    validate(mapping_set, fail_on_error=True)
    assert mapping_set.metadata["mapping_set_id"] == f"https://w3id.org/dermograph/mappings/{path.name.partition('.')[0]}"
    assert mapping_set.metadata["license"] == "https://creativecommons.org/licenses/by/4.0/"


def test_subjects_are_declared_classes(mapping_set: MappingSetDataFrame, rows: list[dict[str, str]], classes: set[str]) -> None:
    subjects = {row["subject_id"] for row in rows}
    assert [s for s in sorted(subjects) if mapping_set.converter.expand(s) not in classes] == []


def test_nothing_is_mapped_twice(path: Path, rows: list[dict[str, str]]) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(rows) == len(lines) - 1
    pairs = Counter((row["subject_id"], row["object_id"]) for row in rows)
    assert [pair for pair, count in pairs.items() if count > 1] == []


def test_predicates_are_known(rows: list[dict[str, str]]) -> None:
    assert {row["predicate_id"] for row in rows} <= PREDICATES


def test_codes_are_plausible(rows: list[dict[str, str]]) -> None:
    assert [row["object_id"] for row in rows if not plausible(row["object_id"])] == []


def test_each_row_tells_where_it_was_seen(rows: list[dict[str, str]]) -> None:
    assert [row["object_id"] for row in rows if not re.match(r"Seen at \S", row["comment"])] == []


@pytest.mark.parametrize(
    "curie",
    ["snomed:24079002", "snomed:24079", "loinc:29463-8", "rxnorm:x", "atc:D11AH5", "icd10cm:A15-A19", "MONDO:4980", "doid:1", "L20"],
)
def test_an_implausible_code_is_refused(curie: str) -> None:
    assert not plausible(curie)
