"""What the cases show of the guideline is whole, what they lack can be begun from the model, and mutants are noticed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from dermograph import casebook, content, session
from dermograph.cli import app
from dermograph.errors import InputError, UsageError
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.workbench import accepted, cover_page, covering, generated, mutants, witnesses
from dermograph.workbench.covering import Cover
from dermograph.workbench.mutants import Mutant
from dermograph.workbench.witnesses import Witnesses

TESTS = Path(__file__).parent
CASES = TESTS / "cases"
LABEL_FACTS = TESTS / "label-facts"
ONTOLOGY = content.folder("ontology")


@pytest.fixture(scope="module")
def entries() -> list[casebook.Entry]:
    return casebook.read(CASES, LABEL_FACTS)


@pytest.fixture(scope="module")
def whole(entries: list[casebook.Entry]) -> Cover:
    return covering.cover(ONTOLOGY, entries)


@pytest.fixture(scope="module")
def part(entries: list[casebook.Entry]) -> Cover:
    return covering.cover(ONTOLOGY, entries[:3])


@pytest.fixture(scope="module")
def asked() -> tuple[Witnesses, list[Mutant]]:
    return witnesses.witnesses(ONTOLOGY, CASES, LABEL_FACTS)


def test_the_cases_show_the_whole_guideline(whole: Cover) -> None:
    assert not whole.open, session.table_text(["kind", "node", "what"], [[d.kind, d.node, d.aspect] for d in whole.open])
    assert not whole.needless
    assert whole.share == 100


def test_what_no_case_shows_is_open(part: Cover) -> None:
    assert part.share < 60
    assert {d.kind for d in part.open} == set(covering.KINDS)


def test_the_page_stands_alone_and_tells_each_duty(part: Cover) -> None:
    page = cover_page.html(part)
    assert page.count("<b>none</b>") == len(part.open)
    assert "http" not in page and "<script" not in page and "prefers-color-scheme: dark" in page


def test_missing_cases_are_valid_and_wait_for_their_outcome(part: Cover, entries: Sequence[casebook.Entry], tmp_path: Path) -> None:
    folders = generated.write(ONTOLOGY, entries[:3], part, tmp_path / "made")
    made = casebook.read(tmp_path / "made")
    covering.check(Knowledge.load(), made)
    assert len(made) == len(folders) > 200
    assert all(e.expected["todo"] and not e.expected["therapies"] for e in made)
    after = covering.cover(ONTOLOGY, [*entries[:3], *made])
    assert len(after.open) < len(part.open) / 2
    with pytest.raises(UsageError):
        generated.write(ONTOLOGY, entries[:3], part, tmp_path / "made")


def test_an_invalid_case_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "patient.ttl").write_text(
        '<urn:example:a> a <https://w3id.org/dermograph/patient#Patient> ; <https://w3id.org/dermograph/patient#asOf> "now" .\n'
    )
    run = CliRunner().invoke(app, ["cover", "--cases", str(tmp_path)])
    assert run.exit_code == 3


def test_the_command_gives_json_and_the_exit_code(tmp_path: Path) -> None:
    for name in sorted(p.name for p in CASES.iterdir())[:2]:
        (tmp_path / name).symlink_to(CASES / name)
    run = CliRunner().invoke(app, ["cover", "--cases", str(tmp_path), "--format", "json"])
    assert run.exit_code == 3 and json.loads(run.stdout)["cases"] == 2


# --- mutants


def test_mutants_have_names_of_their_own_in_a_fixed_order(asked: tuple[Witnesses, list[Mutant]]) -> None:
    names = [m.name for m in asked[1]]
    again = mutants.mutants(Graph(read(content.modules(ONTOLOGY))), Knowledge.load().tree)
    assert names == sorted(set(names)) == [m.name for m in again]


def test_the_untouched_guideline_is_noticed_by_no_case(asked: tuple[Witnesses, list[Mutant]]) -> None:
    nothing = Mutant("nothing", "", "", edits=((("weight",), asked[0].tree["weight"]),))
    assert not asked[0].notice(nothing)


def test_a_sample_of_mutants_is_noticed(asked: tuple[Witnesses, list[Mutant]]) -> None:
    known = accepted.read(TESTS / accepted.PLACE)
    candidates = [m for m in asked[1] if m.name not in known]
    unnoticed = [m.name for m in Random(3).sample(candidates, 120) if not asked[0].notice(m)]
    assert not unnoticed, "write a case that tells each apart, from the documents, or accept it with its reason:\n" + "\n".join(unnoticed)


def test_accepted_mutants_are_few_and_noticed_by_no_case(asked: tuple[Witnesses, list[Mutant]]) -> None:
    reasons, made = accepted.read(TESTS / accepted.PLACE), {m.name: m for m in asked[1]}
    assert not reasons.keys() - made.keys(), "accepted, yet no mutant has that name"
    assert not [name for name in reasons if asked[0].notice(made[name])], "accepted, yet a case notices it"
    assert len(reasons) <= len(made) * 0.02


def test_a_mutant_is_accepted_only_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "accepted.yaml"
    path.write_text('"a: b: c": ""\n')
    with pytest.raises(InputError):
        accepted.read(path)
    found = accepted.Survival({"kind: a: x": "", "kind: b: y": "case"}, {"kind: b: y": "why"})
    assert found.unexplained == ["kind: a: x"] and found.needless == ["kind: b: y"] and found.share == 50
