"""What a run writes for people adds up, hides what is small, reads well in a browser, and tells who changes under another version."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from browsers import browser
from generators import random_patient
from test_cohort import CASES, digest, made_up, of_records, run
from test_differences import BAND, ONTOLOGY
from test_site import ACROSS, Read

from dermograph import Assessment, Knowledge, cli, plan
from dermograph.case import Case
from dermograph.cohort.comparison import Comparison
from dermograph.cohort.places import Places
from dermograph.cohort.report import Report
from dermograph.cohort.report.counts import Counts
from dermograph.cohort.report.funnel import funnel
from dermograph.cohort.report.picture import Picture
from dermograph.cohort.report.steps import steps
from dermograph.record import Record
from dermograph.verdicts import PRECEDENCE
from dermograph.workbench import differences, effects, sides
from dermograph.workbench.differences import Difference

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

Tree = dict[str, Any]
LEAST = 10


@pytest.fixture(scope="session")
def cases(knowledge: Knowledge) -> list[Record]:
    """Every case, each under a name of its own."""
    found: list[Record] = []
    for path in CASES:
        for one in knowledge.read(path):
            me = ox.NamedNode(f"urn:example:{len(found)}")
            triples = tuple(ox.Triple(me if t.subject == one.patient else t.subject, t.predicate, t.object) for t in one.triples)
            found.append(replace(one, patient=me, triples=triples))
    return found


@pytest.fixture(scope="session")
def answers(knowledge: Knowledge, cases: list[Record]) -> list[Assessment]:
    """Each case assessed by itself."""
    return one_by_one(knowledge, cases)


def one_by_one(knowledge: Knowledge, records: list[Record]) -> list[Assessment]:
    return [answer for answer in knowledge.assess_all(records) if isinstance(answer, Assessment)]


# --- where patients stand


def test_patients_stand_where_they_do_one_by_one(knowledge: Knowledge, cases: list[Record], answers: list[Assessment], tmp_path: Path) -> None:
    strangers = [r for seed in range(300) for r in knowledge.read(random_patient(Random(seed), f"urn:example:p{seed}").turtle())]
    records = cases + strangers
    run(of_records(tmp_path / "in", records, knowledge), tmp_path / "out", knowledge, explain=True)
    query = f'SELECT patient, guideline, applies, "at", "next" FROM read_parquet(\'{tmp_path}/out/places/*.parquet\')'
    told = {(patient, guideline): said for patient, guideline, *said in duckdb.execute(query).fetchall()}
    seen = set()
    for answer in answers + one_by_one(knowledge, strangers):
        for use, place in zip(answer.guidelines, answer.pathway, strict=True):
            assert told.pop((answer.patient, use.id)) == [use.applies, list(place.at), list(place.next)], answer.patient
            seen.add((place.at, place.next))
    assert not told
    assert len(seen) > 15


def made_up_pathway(random: Random, count: int, name: str = "ad:G") -> Tree:
    """A guideline of some steps, each of which leads to some of the later ones."""
    names = [f"ad:Step{place}" for place in range(count)]
    made = {}
    for place, step in enumerate(names):
        later = names[place + 1 :]
        made[step] = {
            "label": f"step {place}",
            "guideline": name,
            "entry": random.choice([None, f"entry{place}", f"entry{place}"]),
            "exit": random.choice([None, f"exit{place}", f"exit{place}"]),
            "next": random.sample(later, min(len(later), random.randint(1, 3))),
            "optional": random.random() < 0.2,
        }
    return {
        "guidelines": {name: {"label": "a guideline", "order": names, "population": "inside", "version": "1", "statements": []}},
        "steps": made,
        "recommendations": {},
        "rows": {},
    }


@pytest.mark.parametrize("seed", range(6))
def test_any_pathway_is_walked_as_for_one_patient(seed: int) -> None:
    random = Random(seed)
    tree = made_up_pathway(random, 3 + seed)
    order = tree["guidelines"]["ad:G"]["order"]
    names = ["inside", *(t[k] for t in tree["steps"].values() for k in ("entry", "exit") if t[k])]
    truths = [{name: random.choice([True, True, False, None]) for name in names} for _ in range(400)]
    rows = ibis.table(dict.fromkeys(names, "boolean"), name="truths")
    con = duckdb.connect()
    con.register("truths", pa.Table.from_pylist(truths, pa.schema([(name, pa.bool_()) for name in names])))
    found = con.execute(ibis.to_sql(rows.select(**Places(tree).columns(rows)), dialect="duckdb")).fetchall()
    assert len({row[1:] for row in found}) > 3
    for truth, row in zip(truths, found, strict=True):
        (place,) = plan.place(Case(tree, None, 0, None, {}, truth))  # type: ignore[arg-type]
        bits = [sum(1 << order.index(step) for step in steps) for steps in (place.at, place.next)]
        assert row == (truth["inside"], *bits), truth


# --- one run, told


@pytest.fixture(scope="session")
def ended(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of made-up patients, of whom some rows are wrong."""
    where = tmp_path_factory.mktemp("told")
    tables = made_up(where / "in", 3000)
    rows = pq.read_table(tables / "observations.parquet")
    values = rows.column("unit").to_pylist()
    spoilt = pa.array([("m" if place % 400 == 0 else unit) for place, unit in enumerate(values)])
    pq.write_table(rows.set_column(rows.column_names.index("unit"), "unit", spoilt), tables / "observations.parquet")
    run(tables, where / "out", knowledge)
    return where / "out"


@pytest.fixture(scope="session")
def summary(ended: Path) -> Tree:
    found: Tree = json.loads((ended / "summary.json").read_text(encoding="utf-8"))
    return found


def rewritten(ended: Path, knowledge: Knowledge, to: Path, least: int) -> Path:
    """The same results, told with another least count."""
    to.mkdir()
    shutil.copy(ended / "summary.json", to)
    Report(knowledge.tree, to, to / "work", least).write()
    return to


def sheet(out: Path, name: str) -> list[dict[str, str]]:
    with (out / "summary" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_hold_what_the_summary_holds(ended: Path, summary: Tree) -> None:
    assessed = summary["totals"]["assessed"]
    statuses = sheet(ended, "statuses")
    for therapy, found in summary["therapies"].items():
        own = [row for row in statuses if row["therapy"] == therapy]
        assert sum(int(row["patients"]) for row in own) == assessed
        assert {s: sum(int(r["patients"]) for r in own if r["status"] == s) for s in PRECEDENCE} == found["status"]
    attrition = sheet(ended, "attrition")
    for name, rec in summary["recommendations"].items():
        own = [row for row in attrition if row["recommendation"] == name]
        assert [int(row["place"]) for row in own] == list(range(1, len(rec["steps"]) + 1))
        assert int(own[0]["reached"]) == assessed
        assert int(own[-1]["reached"]) - int(own[-1]["lost"]) - int(own[-1]["unknown"]) == rec["met"] == sum(rec["then"].values())
    assert [(row["fact"], int(row["decides"])) for row in sheet(ended, "missing") if not row["therapy"]] == [
        (fact["fact"], fact["decides"]) for fact in summary["facts"]
    ]
    for guideline, pathway in summary["pathways"].items():
        own = [row for row in sheet(ended, "steps") if row["guideline"] == guideline]
        assert [int(row["at"]) for row in own] == [step["at"] for step in pathway["steps"]]
        assert sum(pathway["applies"].values()) == assessed


def test_a_fact_decides_where_it_alone_is_missing(ended: Path, summary: Tree) -> None:
    """Counted again from the verdicts."""
    bits = {item: int(bit) for bit, item in summary["codes"]["missing"].items()}
    query = (
        f"SELECT count(DISTINCT patient) FROM read_parquet('{ended}/verdicts/*.parquet') WHERE status = 'undetermined' AND missing = ?",
        f"SELECT count(DISTINCT patient) FROM read_parquet('{ended}/verdicts/*.parquet') WHERE missing & ? <> 0",
    )
    assert summary["facts"]
    for fact in summary["facts"]:
        assert [duckdb.execute(q, [bits[fact["fact"]]]).fetchall()[0][0] for q in query] == [fact["decides"], fact["patients"]], fact


def test_rejects_are_told_by_their_reason(ended: Path, summary: Tree) -> None:
    rejects = pq.read_table(ended / "rejects.parquet").to_pylist()
    assert len(rejects) == sum(row["rows"] for row in summary["rejected"]) > 5
    assert {row["patient"] for row in rejects} and summary["totals"]["rejected"] == len({row["patient"] for row in rejects})
    page = (ended / "report.html").read_text(encoding="utf-8")
    for row in summary["rejected"]:
        assert row["reason"] in page


def test_no_patient_is_named(ended: Path) -> None:
    names = pq.read_table(ended / "verdicts", columns=["patient"]).column(0).to_pylist()
    texts = [path.read_text(encoding="utf-8") for folder in ("summary", "pictures", ".") for path in (ended / folder).glob("*.*g") if path.is_file()]
    texts += [path.read_text(encoding="utf-8") for path in [ended / "report.html", *(ended / "summary").iterdir()]]
    words = {word for text in texts for word in re.findall(r"[\w:/-]+", text)}
    assert len(texts) > 40 and not words & set(names)


def test_small_counts_are_hidden_everywhere(ended: Path, summary: Tree, knowledge: Knowledge, tmp_path: Path) -> None:
    out = rewritten(ended, knowledge, tmp_path / "out", LEAST)
    counted = {"reached", "lost", "unknown", "patients", "decides", "at", "next"}
    hidden = 0
    for name in ("attrition", "statuses", "missing", "steps"):
        exact = sheet(ended, name)
        for row, was in zip(sheet(out, name), exact, strict=True):
            for column in counted & row.keys():
                count = int(was[column])
                if 0 < count < LEAST:
                    assert row[column] == ""
                    hidden += 1
                else:
                    assert int(row[column]) % LEAST == 0 and abs(int(row[column]) - count) <= LEAST / 2
    assert hidden > 100
    page = (out / "report.html").read_text(encoding="utf-8")
    small = set(re.findall(r">\s*(\d+)(?: <small>[^<]*</small>)?</td>|[( ](\d+) (?:left|lost|here|meet)", page))
    assert {n for pair in small for n in pair if n and 0 < int(n) < LEAST} == set()
    assert "under 10" in page and "Small counts are hidden" in page and "--least" not in page
    for path in (out / "pictures").iterdir():
        shown = re.findall(r">(\d+) (?:left|lost|here|meet|assessed|may have it)", path.read_text(encoding="utf-8"))
        assert {int(n) for n in shown} <= set(range(0, 10**6, LEAST)), path.name


def test_the_same_summary_gives_the_same_bytes(ended: Path, knowledge: Knowledge, tmp_path: Path) -> None:
    out = rewritten(ended, knowledge, tmp_path / "out", 0)
    shutil.rmtree(out / "work", ignore_errors=True)
    assert digest(out) == {name: data for name, data in digest(ended).items() if not name.endswith((".parquet", ".finished"))}


# --- the page


def test_the_page_is_well_formed_and_loads_nothing(ended: Path) -> None:
    text = (ended / "report.html").read_text(encoding="utf-8")
    page = Read("report.html")
    page.feed(re.sub(r"<(rect|line|circle|path)([^>]*)/>", "", text))
    page.close()
    assert page.faults == [] and page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.loads == ["data:,"] and "<script" not in text and "url(http" not in text and "@import" not in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert text.count("Not a medical device") == 1 and text.count("A clinician decides") == 1


def test_the_page_holds_the_numbers(ended: Path, summary: Tree, knowledge: Knowledge) -> None:
    text = (ended / "report.html").read_text(encoding="utf-8")
    totals = summary["totals"]
    assert totals["read"] == totals["assessed"] + totals["rejected"] and totals["rejected"]
    for count in totals.values():
        assert f"<dd>{count:,}</dd>" in text
    assert summary["knowledge"]["sha256"] in text
    for therapy in summary["therapies"].values():
        assert therapy["label"] in text


# --- pictures

BIG = 100_000_000
LONG = "is 1 month or older and younger than 12 years, with an allergy and no hypersensitivity to another, and weighs at least 20 kg"


def made_up_funnel(count: int, assessed: int) -> Tree:
    made, left = [], assessed
    for place in range(count):
        lost, unknown = left // (3 if place % 4 else 13 + place), left // 20
        made.append({"kind": "x", "criterion": "ad:C", "label": LONG[: 30 + 9 * place], "reached": left, "lost": lost, "unknown": unknown})
        left -= lost + unknown
    then = dict.fromkeys(PRECEDENCE, left // 5)
    return {"label": "a recommendation " + LONG, "therapy": "ad:T", "steps": made, "met": left, "then": then}


def made_up_pictures() -> list[Picture]:
    """Pictures of few and of many steps, of nobody and of very many patients."""
    found = []
    for number, (count, assessed) in enumerate([(3, 0), (3, 7), (15, BIG), (15, 20_000)]):
        found.append(funnel(f"ad:Few{number}", made_up_funnel(count, assessed), assessed, Counts()))
        tree = made_up_pathway(Random(number), count, f"ad:G{number}")
        for place, step in enumerate(tree["steps"].values()):
            step["label"] = LONG[: 20 + 5 * place]
        told = [{"step": s, "label": t["label"], "at": assessed // (n + 1), "next": assessed} for n, (s, t) in enumerate(tree["steps"].items())]
        pathway = {"label": "a guideline", "applies": {"yes": assessed, "unknown": assessed, "no": 0}, "past": assessed, "steps": told}
        found.append(steps(f"ad:G{number}", pathway, tree, Counts()))
    return found


def test_pictures_are_told_in_words(ended: Path) -> None:
    paths = sorted((ended / "pictures").glob("*.svg"))
    assert len([p for p in paths if p.name.startswith("funnel-")]) > 40 and len([p for p in paths if p.name.startswith("pathway-")]) == 2
    for text in [p.read_text(encoding="utf-8") for p in paths] + [p.file() for p in made_up_pictures()]:
        root = ElementTree.fromstring(text)
        (title, told) = (root.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc"))
        assert title is not None and title.text and told is not None and len(told.text or "") > 60
        assert root.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
        assert root.findall(".//{http://www.w3.org/2000/svg}text")


OVERLAPS = """() => [...document.querySelectorAll('svg.picture')].filter(s => s.getBoundingClientRect().width > 0).flatMap(svg => {
  const around = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const beyond = b => b.left < around.left - 1 || b.right > around.right + 1 || b.bottom > around.bottom + 2;
  const found = boxes.filter(([t, b]) => beyond(b)).map(([t]) => 'outside: ' + t);
  boxes.forEach(([t, a], i) => boxes.slice(i + 1).forEach(([u, b]) => {
    if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4) found.push(t + ' / ' + u);
  }));
  return found.map(f => svg.querySelector('title').textContent + ': ' + f);
})"""
OPEN_ALL = "for (const fold of document.querySelectorAll('details')) fold.open = true"


def opened(context: BrowserContext, path: Path, width: int, scheme: str) -> Page:
    page = context.new_page()
    page.on("request", lambda request: pytest.fail(request.url) if not request.url.startswith(("file:", "data:")) else None)
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(path.as_uri())
    page.evaluate(OPEN_ALL)
    return page


@pytest.fixture(scope="session")
def gallery(ended: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up pictures in a page with the style of the report."""
    style = re.findall(r"<style>.*?</style>", (ended / "report.html").read_text(encoding="utf-8"), re.DOTALL)[0]
    path = tmp_path_factory.mktemp("gallery") / "gallery.html"
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>pictures</title>'
    path.write_text(f'{head}{style}<main class="page">{"".join(p.inside() for p in made_up_pictures())}</main>', encoding="utf-8")
    return path


@browser
def test_no_words_overlap_and_nothing_is_too_wide(context: BrowserContext, ended: Path, gallery: Path) -> None:
    for path in (ended / "report.html", gallery):
        page = opened(context, path, 1280, "light")
        for width in (1280, 700, 320):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(OVERLAPS) == [], width
            assert page.evaluate(ACROSS) <= 0, width
        page.close()


@browser
def test_files_of_pictures_open_by_themselves(context: BrowserContext, ended: Path, tmp_path: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        for place, picture in enumerate(made_up_pictures()):
            path = tmp_path / f"{place}.svg"
            path.write_text(picture.file(), encoding="utf-8")
            page = context.new_page()
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.goto(path.as_uri())
            assert page.evaluate(OVERLAPS) == []
            page.close()
        page = opened(context, next(iter(sorted((ended / "pictures").iterdir()))), 800, scheme)
        grounds.append(page.evaluate("getComputedStyle(document.querySelector('.ground')).fill"))
        page.close()
    assert len(set(grounds)) == 2


@browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_no_serious_fault(width: int, scheme: str, context: BrowserContext, axe: str, ended: Path, compared: Compared) -> None:
    out = ended if scheme == "light" else compared.out
    page = opened(context, out / "report.html", width, scheme)
    page.evaluate("[...document.querySelectorAll('#recommendations details')].slice(2).forEach(fold => fold.open = false)")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in {"serious", "critical", "moderate"}] == []
    page.close()


@browser
def test_paper_shows_what_is_folded(context: BrowserContext, ended: Path) -> None:
    page = context.new_page()
    page.goto((ended / "report.html").as_uri())
    fold = "#recommendations details figure"
    assert not page.is_visible(fold)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.is_visible(fold)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


# --- another version

CONTRAINDICATION = ("labels/cyclosporine.ttl", r"ad:CyclosporineHypertensionContraindication a .*?\n\n", "")
ORDER = ("guidelines/severe-refractory-children/recommendations.ttl", "dg:order 3 ;", "dg:order 30 ;")


@dataclass(frozen=True)
class Compared:
    """All cases under the ontology and under one with a moved threshold, without a contraindication, and in another order."""

    ontology: Path
    knowledge: Knowledge
    differences: list[Difference]
    out: Path

    @cached_property
    def changes(self) -> dict[tuple[str, str], Tree]:
        return {(row["patient"], row["therapy"]): row for row in pq.read_table(self.out / "changes.parquet").to_pylist()}

    @cached_property
    def summary(self) -> Tree:
        found: Tree = json.loads((self.out / "summary.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="session")
def compared(knowledge: Knowledge, cases: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Compared:
    where = tmp_path_factory.mktemp("compared")
    ontology = shutil.copytree(ONTOLOGY, where / "ontology")
    for file, old, new in ((BAND[0], re.escape(BAND[1]), BAND[2]), CONTRAINDICATION, ORDER):
        text, count = re.subn(old, new, (ontology / file).read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
        assert count == 1, file
        (ontology / file).write_text(text, encoding="utf-8")
    with sides.opened(str(ONTOLOGY)) as before, sides.opened(str(ontology)) as after:
        found = differences.compare(before, after, reasoner=False)
    other = Knowledge.load(ontology)
    run(of_records(where / "in", cases, knowledge), where / "out", knowledge, explain=True, compared=Comparison(other, found))
    return Compared(ontology, other, found, where / "out")


def verdicts(answers: list[Assessment]) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {(a.patient, v.therapy): (v.status, v.rank, " | ".join(r.text for r in v.regimens) or None) for a in answers for v in a.therapies}


def test_those_change_who_change_one_by_one(cases: list[Record], answers: list[Assessment], compared: Compared) -> None:
    before, after = verdicts(answers), verdicts(one_by_one(compared.knowledge, cases))
    expected = {key: (*before[key], *after[key]) for key in before if before[key] != after[key]}
    told = {
        key: tuple(row[f"{what}{when}"] for when in ("Before", "After") for what in ("status", "rank", "dose"))
        for key, row in compared.changes.items()
    }
    assert told == expected


def test_they_change_for_the_same_causes_as_one_by_one(knowledge: Knowledge, cases: list[Record], compared: Compared) -> None:
    touched = {patient for patient, _ in compared.changes}
    found = effects.effects(knowledge, compared.knowledge, [one for one in cases if one.name in touched], compared.differences)
    own = [e for e in found.changed if e.turn != "course"]  # how a course goes on is not compared here
    assert {"gained", "dose", "rank"} <= {e.turn for e in own}
    for e in own:
        row = compared.changes[e.patient, e.therapy]
        assert row["turn"] == e.turn
        assert {tuple(cause.values()) for cause in row["why"]} == {(c.node, c.text, c.before, c.after, c.follows) for c in e.causes}, e


def test_the_summary_of_changes_adds_up(compared: Compared, cases: list[Record]) -> None:
    changes, rows = compared.summary["changes"], list(compared.changes.values())
    assert changes["compared"] == len(cases) and changes["onlyBefore"] == changes["onlyAfter"] == 0
    assert changes["touched"] == len({row["patient"] for row in rows}) > 50
    assert changes["changed"] == len(rows) == sum(row["patients"] for row in changes["flow"])
    assert changes["notAttributed"] == sum(not row["why"] for row in rows)
    assert {d["kind"] for d in changes["differences"]} == {"criterion-tightened", "contraindication-removed", "order-moved"}
    for cause in changes["causes"]:
        of = [row for row in rows if cause["node"] in {one["node"] for one in row["why"]}]
        assert cause["patients"] == len({row["patient"] for row in of})
        assert sum(cause["therapies"].values()) == len(of)
    assert sum(int(row["patients"]) for row in sheet(compared.out, "changes")) == len(rows)
    assert {row["node"] for row in sheet(compared.out, "causes")} == {cause["node"] for cause in changes["causes"]}
    assert f"{changes['touched']:,} of {len(cases):,} patients get another answer" in (compared.out / "report.html").read_text(encoding="utf-8")
    assert json.loads((compared.out / "compared" / "summary.json").read_text(encoding="utf-8"))["knowledge"]["sha256"] == compared.knowledge.sha256


def test_what_nothing_explains_is_not_attributed(knowledge: Knowledge, cases: list[Record], compared: Compared, tmp_path: Path) -> None:
    """Without the differences nobody knows of the contraindication that went; a redefined criterion still shows in its truth."""
    few = [one for one in cases if any(one.name == patient for patient, _ in compared.changes)]
    tables = of_records(tmp_path / "in", few, knowledge)
    run(tables, tmp_path / "out", knowledge, compared=Comparison(compared.knowledge, ()))
    rows = {(row["patient"], row["therapy"]): row for row in pq.read_table(tmp_path / "out" / "changes.parquet").to_pylist()}
    assert {key: row | {"why": None} for key, row in rows.items()} == {key: row | {"why": None} for key, row in compared.changes.items()}
    gained = [row for row in rows.values() if row["turn"] == "gained"]
    assert gained and all(row["why"] == [] for row in gained)
    dosed = [row for row in rows.values() if row["turn"] == "dose"]
    assert dosed and all([cause["node"] for cause in row["why"]] == ["ad:WeightFrom15Under30"] for row in dosed)
    unexplained = sum(not row["why"] for row in rows.values())
    assert json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["changes"]["notAttributed"] == unexplained
    assert "they are not attributed" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_killed_comparison_goes_on(compared: Compared, tmp_path: Path) -> None:
    tables, random = made_up(tmp_path / "in", 200), Random(3)

    def command(out: str) -> list[str]:
        words = ["cohort", str(tables), "--out", str(tmp_path / out), "--compare", str(compared.ontology), "--explain"]
        return [sys.executable, "-m", "dermograph", *words]

    whole = subprocess.run(command("whole"), check=False, capture_output=True, text=True)
    assert whole.returncode == 0, whole.stderr
    for _ in range(2):
        with subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(random.uniform(4, 14))
            os.kill(process.pid, signal.SIGKILL)
    ended = subprocess.run(command("killed"), check=False, capture_output=True, text=True)
    assert ended.returncode == 0 or "holds something already" in ended.stderr
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")


def test_the_same_version_changes_nobody(knowledge: Knowledge, tmp_path: Path) -> None:
    run(made_up(tmp_path / "in", 50), tmp_path / "out", knowledge, compared=Comparison(knowledge, ()))
    assert pq.read_table(tmp_path / "out" / "changes.parquet").num_rows == 0
    assert "No patient gets another answer" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_version_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cohort", str(made_up(tmp_path / "in", 5)), "--out", str(tmp_path / "out"), "--compare", "7.7.7"]) == 3
    assert "mend:" in capsys.readouterr().err and not (tmp_path / "out").exists()
