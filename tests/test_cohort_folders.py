"""Whatever lies in the folder of a population is read, or is plainly no data, or the run ends and names it."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dermograph import Knowledge, cli
from dermograph.cohort.run import Cohort
from dermograph.cohort.sources import source_of
from dermograph.cohort.summary import Totals

DAY = "2026-11-01"
PATIENTS = f"patient,asOf,ageYears\na,{DAY},30\n"
COURSES = "patient,therapy,start\na,ad:Dupilumab,2026-01-01\n"
PERSON = "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n1,8507,1990,1,1\n"
CONCEPT = "concept_id,concept_name,vocabulary_id,concept_code\n"
PATIENT = '{"resourceType":"Patient","id":"a","gender":"male","birthDate":"1990-01-01"}\n'
OBSERVATION = (
    '{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/a"},"effectiveDateTime":"2026-10-01",'
    '"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"valueQuantity":{"value":70,"code":"kg","system":"http://unitsofmeasure.org"}}\n'
)
GRAPH = "<urn:a> a <https://w3id.org/dermograph/patient#Patient> ; <https://w3id.org/dermograph/patient#ageYears> 30 .\n"
PAPERS = ("README.en.md", "LICENSE", "LICENSE-2.0.txt", "CITATION.cff", "index.html", "SHA256SUMS.txt", "a.md5", "Thumbs.db", "~$x.xlsx")
BESIDE = (*PAPERS, "datapackage.json", "courses.schema.json", "_SUCCESS", "_metadata", ".DS_Store", "._a.csv", "a.crc")


def filled(where: Path, files: dict[str, str]) -> Path:
    """A folder with files; a name that ends in a stroke is an empty folder."""
    for name, text in files.items():
        if name.endswith("/"):
            (where / name).mkdir(parents=True)
        else:
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(text, encoding="utf-8")
    return where


def ongoing(out: Path) -> int:
    query = f"SELECT count(*) FROM read_parquet('{out}/verdicts/*.parquet') WHERE therapy = 'ad:Dupilumab' AND status = 'ongoing'"
    return int(duckdb.execute(query).fetchall()[0][0])


TABLES, OMOP = {"patients.csv": PATIENTS}, {"person.csv": PERSON, "concept.csv": CONCEPT}
BULK, RDF = {"Patient.ndjson": PATIENT}, {"patients.ttl": GRAPH}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (TABLES | {"Courses.csv": COURSES}, "Courses.csv"),
        (TABLES | {"courses.CSV": COURSES}, "courses.CSV"),
        (TABLES | {"courses.tsv": COURSES}, "courses.tsv"),
        (TABLES | {"course.csv": COURSES}, "course.csv"),
        (TABLES | {"readme.courses.csv": COURSES}, "readme.courses.csv"),
        (TABLES | {"courses.csv/part-0.csv": COURSES}, "courses.csv"),
        (TABLES | {"courses.parquet/": ""}, "courses.parquet"),
        (TABLES | {"courses/": ""}, "courses"),
        (TABLES | {"courses/part-0.csv": COURSES}, "courses"),
        (TABLES | {"ignored/part-0.parquet": ""}, "ignored"),
        (TABLES | {"patients.nt": GRAPH}, "patients.nt"),
        ({"Patients.csv": PATIENTS}, "Patients.csv"),
        (OMOP | {"drug_exposures.csv": ""}, "drug_exposures.csv"),
        (OMOP | {"drug_exposure.tsv": ""}, "drug_exposure.tsv"),
        (OMOP | {"drug_exposure.parquet/": ""}, "drug_exposure.parquet"),
        (OMOP | {"measurement.csv.bz2": ""}, "measurement.csv.bz2"),
        (BULK | {"Observation.json": OBSERVATION}, "Observation.json"),
        (BULK | {"Observation.ndjson.zst": ""}, "Observation.ndjson.zst"),
        (BULK | {"more/Observation.ndjson": OBSERVATION}, "more"),
        (RDF | {"courses.csv": COURSES}, "courses.csv"),
        (RDF | {"more.ttl.bz2": ""}, "more.ttl.bz2"),
        (RDF | {"more.jsonld": ""}, "more.jsonld"),
    ],
)
def test_nothing_is_lost_for_its_name(files: dict[str, str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", str(filled(tmp_path / "in", files)), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert f": {named} does not look like anything that is read" in said and "rename it" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "files", [TABLES, OMOP | {"VISIT_OCCURRENCE.csv": "", "cpt4.jar": ""}, BULK | {"Person.ndjson": '{"resourceType":"Person"}\n'}, RDF]
)
def test_what_is_plainly_no_data_is_left_alone(files: dict[str, str], tmp_path: Path, knowledge: Knowledge) -> None:
    given = filled(tmp_path / "in", files | dict.fromkeys(BESIDE, "?") | {"__MACOSX/._a.csv": "?"})
    assert Cohort(knowledge, source_of(given, None, knowledge), tmp_path / "out", least=None).run() == Totals(1, 1, 0)


def test_a_strange_part_of_a_table_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pa.table({"patient": ["a"], "therapy": ["ad:Dupilumab"]})
    for part in ("part-0.parquet", "year=2026/part-0.parquet"):
        (filled(tmp_path / "in", TABLES) / "courses" / part).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, tmp_path / "in" / "courses" / part)
    assert cli.main(["cohort", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 3
    assert "courses: year=2026 does not look like" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["courses", "courses.parquet", "courses.csv.gz", "courses.csv.zst"])
def test_every_form_of_a_table_says_the_same(kind: str, tmp_path: Path, knowledge: Knowledge) -> None:
    """A folder as Spark writes it among them, with what it lays beside its parts."""
    given = filled(tmp_path / "in [1] o'b*", TABLES)
    if kind.endswith((".gz", ".zst")):
        data = gzip.compress(COURSES.encode()) if kind.endswith(".gz") else pa.compress(COURSES.encode(), "zstd", asbytes=True)
        (given / kind).write_bytes(data)
    else:
        filled(given / kind, {"_SUCCESS": "", "._SUCCESS.crc": "", ".part-0.parquet.crc": "", "._part-0.parquet": "", "_part-1.parquet": ""})
        pq.write_table(pa.table({"patient": ["a"], "therapy": ["ad:Emollient"]}), given / kind / "part-0.parquet")
        pq.write_table(pa.table({"patient": ["a"], "therapy": ["ad:Dupilumab"], "start": ["2026-01-01"]}), given / kind / "part-1.parquet")
    assert Cohort(knowledge, source_of(given, None, knowledge), tmp_path / "out", least=None).run() == Totals(1, 1, 0)
    assert ongoing(tmp_path / "out") == 1


def test_a_column_that_only_a_later_part_has_is_read(tmp_path: Path, knowledge: Knowledge) -> None:
    """With the first part alone, the course would go on."""
    given = filled(tmp_path / "in", TABLES | {"courses/_SUCCESS": ""})
    course = {"patient": ["b"], "therapy": ["ad:Dupilumab"]}
    pq.write_table(pa.table(course), given / "courses" / "part-0.parquet")
    pq.write_table(pa.table(course | {"patient": ["a"], "outcome": ["pt:Declined"]}), given / "courses" / "part-1.parquet")
    (given / "patients.csv").write_text(f"{PATIENTS}b,{DAY},30\n", encoding="utf-8")
    assert Cohort(knowledge, source_of(given, None, knowledge), tmp_path / "out", least=None).run() == Totals(2, 2, 0)
    assert ongoing(tmp_path / "out") == 1


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java: apt-get install default-jre-headless")
@pytest.mark.parametrize("name", ["courses.csv", "Courses.parquet", "course.parquet", "courses.parquet/"])
def test_spark_loses_nothing_for_its_name(name: str, tmp_path: Path) -> None:
    from dermograph.cohort.spark.given import Given
    from dermograph.cohort.spark.session import address, opened
    from dermograph.errors import InputError

    given = filled(tmp_path / "in", {name: ""} | dict.fromkeys(BESIDE, "?"))
    pq.write_table(pa.table({"patient": ["a"]}), given / "patients.parquet")
    with opened(2, "1GB") as session, pytest.raises(InputError, match=name.removesuffix("/")):
        Given(session, address(str(given))).load()
