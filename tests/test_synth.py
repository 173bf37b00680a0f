"""Made-up patients: valid, assessable, the same whenever and however many are drawn, and drawn from words that exist."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
import typer.testing
import yaml

from dermograph import Assessment, Knowledge, cli, content
from dermograph.cohort import descriptor, population, synth, writing
from dermograph.graph import Graph
from dermograph.graph import read as read_graph
from dermograph.record import Record
from dermograph.terms import PREFIXES
from dermograph.units import factor

ONTOLOGY = content.folder("ontology")
GIVEN = yaml.safe_load((ONTOLOGY / population.FILE).read_text(encoding="utf-8"))
STATUSES = {"ongoing", "excluded", "deferred", "undetermined", "eligible"}
MANY = 2000
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def people() -> population.Population:
    return population.read(ONTOLOGY)


@pytest.fixture(scope="module")
def block(people: population.Population) -> Rows:
    """All rows of a whole block."""
    (tables,) = synth.blocks(people, synth.BLOCK, 1)
    return {name: table.to_pylist() for name, table in tables.items()}


@pytest.fixture(scope="module")
def records(people: population.Population, knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    (path,) = write(people, tmp_path_factory.mktemp("many"), MANY)
    return knowledge.read(path)


def write(people: population.Population, folder: Path, count: int, format: str = "ttl", seed: int = 1) -> list[Path]:
    return writing.write(synth.blocks(people, count, seed), folder, writing.Format(format), f"{count} of them")


def ran(*args: object) -> tuple[int, str, str]:
    result = typer.testing.CliRunner().invoke(cli.app, ["synth", *map(str, args)], prog_name="dermograph")
    return result.exit_code, result.stdout, result.stderr


def turtle(tables: Mapping[str, list[dict[str, Any]]]) -> str:
    """The graph that the rows of tables say, written as plainly as can be."""

    def literal(column: str, value: object) -> str:
        match value:
            case dt.date():
                return f'"{value}"^^xsd:date'
            case int():
                return str(value)
            case Decimal():
                return f"{value.normalize():f}"
        return f'"{value}"' if column == "unit" else f"[ a {value} ]" if column == "causedBy" else str(value).replace(" ", " , ")

    def said(row: dict[str, Any], skip: int) -> str:
        return "".join(f" ; pt:{name} {literal(name, value)}" for name, value in list(row.items())[skip:] if value is not None)

    lines = [f"@prefix {p}: <{PREFIXES[p]}> ." for p in ("ad", "pt", "xsd")]
    lines += [f"<{row['patient']}> a pt:Patient{said(row, 1)} ." for row in tables["patients"]]
    lines += [f"<{row['patient']}> pt:absent {row['condition']} ." for row in tables["absences"]]
    for table in ("conditions", "courses", "observations", "assessments"):
        for row in tables[table]:
            lines.append(f"<{row['patient']}> pt:{table[:-1]} [ a {list(row.values())[1]}{said(row, 2)} ] .")
    return "\n".join(lines)


def digests(found: list[Record]) -> dict[str, str]:
    return {one.identifier: one.digest() for one in found}


# --- what is drawn


def test_they_are_valid(knowledge: Knowledge, records: list[Record]) -> None:
    found = [finding for start in range(0, MANY, 250) for finding in knowledge.validate(records[start : start + 250])]
    assert not [finding for finding in found if finding.severity == "Violation"]
    assert {"Warning", "Info"} == {finding.severity for finding in found}


def test_every_status_occurs(knowledge: Knowledge, records: list[Record]) -> None:
    statuses: Counter[str] = Counter()
    for answer in knowledge.assess_all(records):
        assert isinstance(answer, Assessment)
        statuses.update(verdict.status for verdict in answer.therapies)
    assert set(statuses) == STATUSES


def test_a_patient_says_about_forty_things(records: list[Record]) -> None:
    assert 35 <= sum(len(one.triples) for one in records) / MANY <= 46


def test_all_that_may_be_drawn_is(people: population.Population, block: Rows) -> None:
    drawn = {name: {value for row in block[table] for value in str(row[column]).split()} for name, table, column in (
        ("conditions", "conditions", "condition"), ("sites", "conditions", "site"), ("causes", "conditions", "causedBy"),
        ("absences", "absences", "condition"), ("therapies", "courses", "therapy"), ("outcomes", "courses", "outcome"),
        ("observables", "observations", "observable"), ("units", "observations", "unit"),
        ("assessments", "assessments", "assessment"), ("results", "assessments", "result"),
    )}  # fmt: skip
    wanted = {
        "conditions": {each.cls for each in people.conditions},
        "sites": {site for each in people.conditions for site, _ in each.sites},
        "causes": {word for each in people.conditions if each.causes for word in each.causes.words},
        "absences": {cls for cls, _ in people.absences} | {each.cls for each in people.conditions if each.absent},
        "therapies": {word for each in (*people.pathway, *people.courses) for word in each.therapy.words},
        "outcomes": {kind.outcome for kind in people.kinds if kind.outcome},
        "observables": {each.cls for each in people.observations},
        "units": {unit.code for each in people.observations for unit in each.units},
        "assessments": {each.cls for each in people.assessments},
        "results": {word for each in people.assessments for word in each.result.words},
    }
    assert {name: words - drawn[name] for name, words in wanted.items()} == {name: set() for name in wanted}


def test_whatever_may_be_missing_sometimes_is(block: Rows) -> None:
    required = {(table, name) for table in descriptor.names() for name in list(descriptor.columns(table))[:2]}
    required |= {("observations", "value"), ("observations", "unit"), ("assessments", "result")}
    required -= {("patients", "asOf")}
    for table in descriptor.names():
        for name in descriptor.columns(table):
            empty = sum(row[name] is None for row in block[table])
            assert (empty == 0) == ((table, name) in required or name == "asOf"), (table, name)
            assert empty < len(block[table])
    weighed = {row["patient"] for row in block["observations"] if row["observable"] == GIVEN["observations"][0]["is"]}
    assert 0.5 < len(weighed) / synth.BLOCK < 0.9


def test_the_severer_the_disease_the_more_is_tried(people: population.Population, block: Rows) -> None:
    severity = {row["patient"]: row["severity"] for row in block["conditions"] if row["severity"]}
    lines = {word for line in people.pathway[-3:] for word in line.therapy.words}
    tried = Counter(severity.get(row["patient"]) for row in block["courses"] if row["therapy"] in lines)
    of = Counter(severity.values())
    shares = [tried[grade] / of[grade] for grade in people.states["severity"]]
    assert shares[0] < 0.02 < shares[1] < shares[2]


def test_nobody_has_what_is_absent(knowledge: Knowledge, block: Rows) -> None:
    within = knowledge.tree["within"]
    absent = {(row["patient"], row["condition"]) for row in block["absences"]}
    present = [row for row in block["conditions"] if row["status"] in {None, "pt:Active"}]
    assert not [row for row in present if any((row["patient"], cls) in absent for cls in within[row["condition"]])]


def test_children_weigh_what_children_weigh(people: population.Population) -> None:
    for each in people.observations:
        if each.curve:
            for column in each.curve[1]:
                assert len(column) == len(each.curve[2]) and all(low < high for low, high in pairwise(column[:11]))


# --- the same again


@pytest.mark.parametrize("format", list(writing.Format))
def test_the_same_seed_gives_the_same_bytes(people: population.Population, tmp_path: Path, format: str) -> None:
    one, same, other = (
        {path.name: path.read_bytes() for path in write(people, tmp_path / name, 300, format, seed)} for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize("count", [50, synth.BLOCK + 50])
def test_a_patient_is_the_same_however_many_are_drawn(people: population.Population, count: int) -> None:
    fewer, more = (list(synth.blocks(people, n, 1)) for n in (count, count + 20))
    for table in descriptor.names():
        some, all_of_them = (pa.concat_tables([b[table].cast(plain(b[table].schema)) for b in found]) for found in (fewer, more))
        assert all_of_them.slice(0, len(some)).equals(some), table
    patients = pa.concat_tables([b["patients"] for b in fewer])["patient"].to_pylist()
    assert len(set(patients)) == len(patients) == count


def plain(schema: Any) -> Any:
    """The schema with words as text, since a dictionary may hold words in another order."""
    return pa.schema([pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in schema])


@pytest.mark.parametrize("format", ["nt", "ttl"])
def test_fewer_patients_are_the_start_of_more(people: population.Population, tmp_path: Path, format: str) -> None:
    (few,), (more,) = (write(people, tmp_path / str(count), count, format) for count in (50, 9000))
    _, few_graph = few.read_bytes().split(b"\n", 1)
    _, more_graph = more.read_bytes().split(b"\n", 1)
    assert more_graph.startswith(few_graph)


def test_tables_and_graphs_say_the_same(people: population.Population, knowledge: Knowledge, records: list[Record], tmp_path: Path) -> None:
    paths = write(people, tmp_path / "parquet", 50, "parquet")
    tables = {path.stem: pq.read_table(path).to_pylist() for path in paths}
    expected = digests(records[:50])
    assert digests(knowledge.read(turtle(tables))) == expected
    (path,) = write(people, tmp_path / "nt", 50, "nt")
    assert digests(knowledge.read(path)) == expected
    assert sum(1 for _ in ox.parse(path=str(path), format=ox.RdfFormat.N_TRIPLES)) == sum(len(one.triples) for one in records[:50])


def test_csv_and_parquet_say_the_same(people: population.Population, tmp_path: Path) -> None:
    tables = {path.stem: pq.read_table(path) for path in write(people, tmp_path / "parquet", 300, "parquet")}
    readme, *paths = write(people, tmp_path / "csv", 300, "csv")
    assert readme.name == "README.txt" and readme.read_text(encoding="utf-8") == "Synthetic: 300 of them\n"
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        assert head == list(descriptor.columns(path.stem)) == tables[path.stem].column_names
        told = [
            ["" if v is None else f"{v.normalize():f}" if isinstance(v, Decimal) else str(v) for v in row.values()]
            for row in tables[path.stem].to_pylist()
        ]
        assert rows == told


def cell(value: object) -> str:
    return "" if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def test_tables_have_the_types_of_the_descriptor(people: population.Population, tmp_path: Path) -> None:
    types = {"string": ("string", "dictionary"), "date": ("date32[day]",), "number": ("decimal128(18, 6)",), "integer": ("int32",)}
    for path in write(people, tmp_path, 300, "parquet"):
        schema = pq.read_schema(path)
        assert schema.metadata[b"synthetic"] == b"true" and schema.metadata[b"comment"] == b"Synthetic: 300 of them"
        for name, kind in descriptor.columns(path.stem).items():
            assert str(schema.field(name).type).startswith(types[kind]), name


# --- words and numbers of the population


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(read_graph(content.modules(ONTOLOGY)))


def test_each_class_is_of_its_kind(people: population.Population, knowledge: Knowledge) -> None:
    within = knowledge.tree["within"]
    kinds = {
        "dg:Condition": {each.cls for each in people.conditions} | {cls for cls, _ in people.absences},
        "dg:Therapy": {word for each in (*people.pathway, *people.courses) for word in each.therapy.words}
        | {word for each in people.conditions if each.causes for word in each.causes.words},
        "dg:Observable": {each.cls for each in people.observations},
        "dg:Assessment": {each.cls for each in people.assessments},
    }
    assert not {cls for kind, classes in kinds.items() for cls in classes if kind not in within.get(cls, ())}


def test_each_individual_is_of_its_kind(people: population.Population, graph: Graph) -> None:
    kinds = {
        "ad:Severity": set(people.states["severity"]),
        "ad:BodySite": {site for each in people.conditions for site, _ in each.sites},
        "pt:Sex": set(people.states["sex"]),
        "pt:ConditionStatus": {word for each in people.conditions for word in each.status.words if word},
        "pt:Outcome": {kind.outcome for kind in people.kinds if kind.outcome},
        "pt:AssessmentResult": {word for each in people.assessments for word in each.result.words},
    }
    assert not {word for kind, words in kinds.items() for word in words if word not in graph.instances(kind)}


def test_units_are_what_they_are_said_to_be(people: population.Population, knowledge: Knowledge) -> None:
    for each in people.observations:
        for unit in each.units:
            assert factor(unit.code, knowledge.tree["units"][each.cls]) == Decimal(str(unit.scale)), (each.cls, unit)


def test_the_descriptor_lists_the_values_of_the_ontology(graph: Graph) -> None:
    package = yaml.safe_load(descriptor.FILE.read_text(encoding="utf-8"))
    lists = {f["name"]: f["constraints"]["enum"] for r in package["resources"] for f in r["schema"]["fields"] if "enum" in f.get("constraints", {})}
    kinds = {"sex": "pt:Sex", "status": "pt:ConditionStatus", "outcome": "pt:Outcome", "result": "pt:AssessmentResult"}
    assert {name: set(values) for name, values in lists.items()} == {name: set(graph.instances(kind)) for name, kind in kinds.items()}
    for table in descriptor.names()[1:]:
        assert {f"pt:{name}" for name in list(descriptor.columns(table))[2:]} <= graph.names()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"states": {"sex": {"pt:Female": {"of": 1, "by": {"mood": {"good": 2}}}}}}, "states: sex: 'mood' is missing or unknown"),
        ({"states": {"sex": {"pt:Female": {"of": 1, "by": {"age": {"ancient": 2}}}}}}, "'ancient' is no value of the state 'age'"),
        ({"absences": [{"is": "ad:X"}]}, "ad:X: 'chance' is missing or unknown"),
        ({"absences": [{"is": "ad:X", "chance": "high"}]}, "ad:X: could not convert string to float"),
        ({"courses": [{"is": "ad:X", "chance": 1, "days": [1, 1], "kinds": {"odd": 1}}]}, "ad:X: 'odd' is no kind of course"),
        ({"kinds": {"odd": {"dates": "none"}}}, "kinds: dates: 'none' is none of start, end and both"),
    ],
)
def test_a_wrong_population_is_told_by_its_place(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    (tmp_path / population.FILE).write_text(yaml.safe_dump(GIVEN | change, sort_keys=False), encoding="utf-8")
    code, _, err = ran(1, "--out", tmp_path / "out", "--ontology", tmp_path)
    assert code == 3 and told in err and "mend:" in err


# --- the command


def test_the_command_writes_what_it_says(tmp_path: Path) -> None:
    for format in ("csv", "parquet"):
        code, out, _ = ran(3, "--seed", 7, "--out", tmp_path, "--format", format, "--as-of", "2020-02-29")
        assert code == 0 and out == f"3 patients made up and written to {tmp_path}\n"
    assert {path.name for path in tmp_path.iterdir()} == {f"{table}.parquet" for table in descriptor.names()}
    assert pq.read_table(tmp_path / "patients.parquet")["asOf"].to_pylist() == [dt.date(2020, 2, 29)] * 3
    assert pq.read_schema(tmp_path / "courses.parquet").metadata[b"comment"].startswith(b"Synthetic: 3 patients made up by dermograph ")
    assert ran(1, "--out", tmp_path, "--format", "nt")[0] == 0
    assert (tmp_path / "patients.nt").read_text(encoding="utf-8").startswith("# Synthetic: 1 patient made up by dermograph ")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "Missing argument"),
        ((0,), "Invalid value for"),
        (("many",), "Invalid value for"),
        ((1, "--seed", -1), "Invalid value for '--seed'"),
        ((1, "--format", "xlsx"), "Invalid value for '--format'"),
        ((1, "--as-of", "May"), "Invalid value for '--as-of'"),
        ((1, "--as-of", "0900-01-01"), "--as-of 0900-01-01: nobody is asked about then"),
        ((1, "--out", Path(__file__)), "is a file"),
        ((1, "--out", Path(__file__).parent), "which is not of a made-up population"),
        ((1, "--out", "/dev/null/folder"), "Not a directory"),
    ],
)
def test_a_wrong_command_line_is_told(tmp_path: Path, args: tuple[object, ...], told: str) -> None:
    code, _, err = ran(*args, *([] if "--out" in args else ["--out", tmp_path]))
    assert code == 2
    assert told in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("name", ["patients.csv", "patients.parquet", "patients.ttl", "README.txt", "notes.md"])
def test_what_does_not_say_that_it_is_made_up_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("patient\nurn:example:real\n", encoding="utf-8")
    code, _, err = ran(1, "--out", tmp_path)
    assert code == 2 and f"holds {name}" in err and [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = ran(1, "--out", tmp_path)
    assert code == 2 and "numpy and pyarrow" in err and "pip install 'dermograph[cohort]'" in err
