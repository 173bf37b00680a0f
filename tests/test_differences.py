"""Each kind of clinical difference is told by its name, from a change of one file; what changes nothing is told not at all."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from dermograph import Knowledge
from dermograph.cli import app
from dermograph.errors import InputError, UsageError
from dermograph.workbench import effects, flow, telling
from dermograph.workbench.aspects import WORDING
from dermograph.workbench.differences import Difference, compare
from dermograph.workbench.sides import opened

ROOT = Path(__file__).parents[1]
ONTOLOGY = ROOT / "ontology"
CHANGES = sorted((ROOT / "tests" / "differences").glob("*/change.yaml"))
CASES = ROOT / "tests" / "cases"


def changed(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the ontology with one change."""
    copy = shutil.copytree(ONTOLOGY, folder / "ontology")
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text, f"{file} does not hold {old!r} any more"
    (copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return copy


def differences(new: Path, **options: Any) -> list[Difference]:
    with opened(str(ONTOLOGY)) as one, opened(str(new)) as other:
        return compare(one, other, **options)


BAND = ("dermatitis/criteria.ttl", "[ xsd:minInclusive 15.0 ] [ xsd:maxExclusive 30.0 ]", "[ xsd:minInclusive 25.0 ] [ xsd:maxExclusive 30.0 ]")


def test_untouched_there_is_no_difference() -> None:
    assert differences(ONTOLOGY) == []


@pytest.mark.parametrize("path", CHANGES, ids=lambda p: p.parent.name)
def test_a_change_is_told_by_its_kind(path: Path, tmp_path: Path) -> None:
    change = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = [
        d.to_json() | {"known_by": d.known_by} for d in differences(changed(tmp_path, change["file"], change["old"], change["new"]), reasoner=False)
    ]
    assert {(d["kind"], d["node"]) for d in found} == {(row["kind"], row["node"]) for row in change["rows"]}
    for row in change["rows"]:
        assert any(row.items() <= {k: d[k] for k in row}.items() for d in found), (row, found)
    for d in found:
        assert d["line"] and ((ONTOLOGY / d["file"]).is_file())
        assert d["severity"] == WORDING or d["before"] or d["after"]


def test_kinds_are_many() -> None:
    kinds = {row["kind"] for path in CHANGES for row in yaml.safe_load(path.read_text(encoding="utf-8"))["rows"]}
    assert len(kinds) >= 15, sorted(kinds)


# --- where structure cannot tell

SPLIT = """\
ad:WeightFrom15 a owl:Class , dg:AtomicCriterion ; skos:prefLabel "weighs 15 kg or more"@en ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty fact:bodyWeight ;
        owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:minInclusive 15.0 ] ) ] ] .
ad:WeightUnder24 a owl:Class , dg:AtomicCriterion ; skos:prefLabel "weighs less than 24 kg"@en ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty fact:bodyWeight ;
        owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:maxExclusive 24.0 ] ) ] ] .
ad:WeightFrom15Under30 a owl:Class , dg:CompositeCriterion ; skos:prefLabel "weighs at least 15 kg and less than 30 kg"@en ;
    owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( ad:WeightFrom15 ad:WeightUnder24 ) ] .
"""


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """The ontology with a range said as two, and narrower."""
    text = (ONTOLOGY / "dermatitis/criteria.ttl").read_text(encoding="utf-8")
    start = text.index("ad:WeightFrom15Under30 a")
    return changed(tmp_path, "dermatitis/criteria.ttl", text[start : text.index("\n\n", start) + 1], SPLIT)


def directions(found: list[Difference]) -> list[tuple[str, str]]:
    return [(d.kind, d.known_by) for d in found if d.node == "ad:WeightFrom15Under30" and d.kind.startswith("criterion")]


def test_hermit_proves_what_structure_cannot_tell(split: Path) -> None:
    assert directions(differences(split)) == [("criterion-tightened", "reasoner")]


def test_patients_tell_what_nothing_else_can(split: Path, knowledge: Knowledge) -> None:
    told = effects.teller(knowledge, Knowledge.load(split), effects.read(CASES))
    assert directions(differences(split, by_cases=told, reasoner=False)) == [("criterion-tightened", "cases")]


# --- sides


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout of two commits: the ontology as it is, tagged v0.9.0, then with a narrower band."""
    copy = shutil.copytree(ONTOLOGY, tmp_path / "checkout" / "ontology").parent

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(copy), "-c", "user.name=x", "-c", "user.email=x@example.org", *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    git("tag", "v0.9.0")
    path = copy / "ontology" / BAND[0]
    path.write_text(path.read_text(encoding="utf-8").replace(BAND[1], BAND[2]), encoding="utf-8")
    git("commit", "-qam", "two")
    return copy


@pytest.mark.parametrize("old", ["HEAD~1", "v0.9.0", "0.9.0"])
def test_revisions_and_released_versions_are_compared(checkout: Path, old: str) -> None:
    with opened(old, checkout) as one, opened("HEAD", checkout) as other:
        assert [d.kind for d in compare(one, other)] == ["criterion-tightened"]


def test_a_wheel_is_compared_with_a_checkout(checkout: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "dermograph-0.9.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in ONTOLOGY.rglob("*.ttl"):
            archive.write(path, f"dermograph/ontology/{path.relative_to(ONTOLOGY).as_posix()}")
    with opened(str(wheel)) as one, opened(str(checkout)) as other:
        assert [d.kind for d in compare(one, other)] == ["criterion-tightened"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no-such-revision", "no such folder, wheel, git revision or version"),
        ("7.7.7", "has no tag v7.7.7"),
        ("--help", "no such folder"),
    ],
)
def test_a_side_that_is_not_there_is_told(checkout: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said), opened(name, checkout):
        pass


def test_a_side_without_an_ontology_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, said in ((str(tmp_path), "no ontology is in it"), (__file__, "no wheel"), ("HEAD", "no git checkout")):
        with pytest.raises(InputError, match=said), opened(name, tmp_path):
            pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git, which would know a revision, is not installed"), opened("HEAD", tmp_path):
        pass


# --- patients


@pytest.fixture(scope="module")
def narrowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ontology with a narrower band of weight."""
    return changed(tmp_path_factory.mktemp("narrowed"), *BAND)


@pytest.fixture(scope="module")
def told(narrowed: Path, knowledge: Knowledge) -> effects.Effects:
    """What the narrower band does to the cases on it."""
    records = [r for r in effects.read(CASES) if "dupilumab" in r.identifier][:60]
    return effects.effects(knowledge, Knowledge.load(narrowed), records, differences(narrowed))


def test_patients_lose_a_dose_because_of_a_criterion(told: effects.Effects) -> None:
    assert told.patients == 60
    assert told.touched
    for e in told.changed:
        assert e.therapy == "ad:Dupilumab"
        assert [(c.node, c.before, c.after) for c in e.causes] == [("ad:WeightFrom15Under30", "true", "false")], e
        assert e.dose_before != e.dose_after
    assert sum(n for table in told.table.values() for n in table.values()) == 60 * len(told.labels)


def test_what_nothing_changes_changes_no_patient(knowledge: Knowledge) -> None:
    records = effects.read(CASES)[:20]
    assert effects.effects(knowledge, knowledge, records, []).changed == ()


@pytest.mark.parametrize(
    ("change", "therapy", "turn", "cause"),
    [
        (
            (
                "guidelines/severe-refractory-children/criteria.ttl",
                "owl:unionOf ( ad:WetWrapTherapyUnsuitable ad:ProactiveTopicalTherapyUnsuitable )",
                "owl:intersectionOf ( ad:WetWrapTherapyUnsuitable ad:ProactiveTopicalTherapyUnsuitable )",
            ),
            "ad:Dupilumab",
            "lost",
            "ad:IntensifiedTopicalTherapyUnsuitable",
        ),
        (
            ("guidelines/severe-refractory-children/recommendations.ttl", "dg:order 3 ;", "dg:order 30 ;"),
            "ad:Dupilumab",
            "rank",
            "ad:DupilumabForChildren",
        ),
        (
            (
                "guidelines/severe-refractory-children/recommendations.ttl",
                "        ad:InfectionCheckInChildren ,\n        ad:TriggerCheckInChildren ;\n    dg:shapedBy\n",
                "        ad:InfectionCheckInChildren ;\n    dg:shapedBy\n",
            ),
            "ad:Dupilumab",
            "gained",
            "ad:DupilumabForChildren",
        ),
    ],
    ids=["entry", "order", "prerequisite"],
)
def test_a_turn_has_its_cause(tmp_path: Path, knowledge: Knowledge, change: tuple[str, str, str], therapy: str, turn: str, cause: str) -> None:
    new = changed(tmp_path, *change)
    records = [r for r in effects.read(CASES) if "children-" in r.identifier and ("dupilumab" in r.identifier or "trigger" in r.identifier)]
    found = effects.effects(knowledge, Knowledge.load(new), records, differences(new))
    own = [e for e in found.changed if e.therapy == therapy and e.turn == turn]
    assert own
    assert all(cause in [c.node for c in e.causes] for e in own)
    assert all(e.causes for e in found.changed)


def test_the_picture_holds_the_numbers(told: effects.Effects) -> None:
    from xml.etree import ElementTree

    text = flow.svg(told, "old → new")
    ElementTree.fromstring(text)
    assert f"{told.touched} of 60 patients" in text


# --- the command

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["shape", "old", "new", "counts", "differences", "effects"],
    "properties": {
        "differences": {
            "type": "array",
            "items": {
                "required": [
                    "kind",
                    "severity",
                    "node",
                    "label",
                    "before",
                    "after",
                    "direction",
                    "knownBy",
                    "therapies",
                    "statements",
                    "file",
                    "line",
                ]
            },
        },
        "effects": {"required": ["patients", "touched", "refused", "totals", "flow", "changed"]},
    },
}


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["diff", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_tells_it_in_every_format(narrowed: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for case in sorted(CASES.glob("children-a*"))[:3]:
        shutil.copytree(case, few / case.name)
    svg = tmp_path / "flow.svg"
    words = (str(ONTOLOGY), str(narrowed), "--patients", str(few))
    text, markdown = run(*words, "--svg", str(svg)), run(*words, "--format", "md")
    answer = json.loads(run(*words, "--format", "json"))
    touched = answer["effects"]["touched"]
    assert touched
    for said in ("criterion tightened", "ad:WeightFrom15Under30", "P-105", f"{touched} of 3 patients are answered otherwise"):
        assert said in text
        assert said in markdown
    assert "fewer patients meet it" in text
    assert svg.read_text(encoding="utf-8").startswith("<svg")
    jsonschema.validate(answer, SCHEMA)
    assert answer["shape"] == telling.SHAPE
    assert answer["counts"]["changes outcome"] == 1
    section = run(*words, "--changelog")
    assert section.startswith("### Clinical meaning\n")
    assert "major version" in section


def test_the_command_tells_that_nothing_differs() -> None:
    assert run(str(ONTOLOGY), str(ONTOLOGY)).strip() == "no clinical difference"
    assert run(str(ONTOLOGY), str(ONTOLOGY), "--changelog").strip() == "### Clinical meaning\n\nNo patient gets another answer."


@pytest.mark.parametrize("words", [["--svg", "x.svg"], ["--changelog", "--format", "json"]])
def test_what_does_not_go_together_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["diff", str(ONTOLOGY), str(ONTOLOGY), *words])
    assert isinstance(done.exception, UsageError) or done.exit_code == UsageError.code
