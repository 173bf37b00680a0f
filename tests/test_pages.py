"""The pages of the service: what a form says is what the library answers, nothing is lost on the way, and everybody can use them."""

from __future__ import annotations

import csv
import html
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx2 as httpx
import pyoxigraph as ox
import pytest
import uvicorn
from browsers import browser
from structlog.testing import CapturingLogger

from dermograph import Knowledge, questions
from dermograph.assessment import Assessment
from dermograph.record import read
from dermograph.service import Settings, get_app

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.ttl"))
BUNDLE = ROOT / "tests" / "fhir" / "severe-refractory-eczema-of-a-girl-of-8-as-the-profile-has-it" / "bundle.json"
XSD = "http://www.w3.org/2001/XMLSchema#"
ABSENT = ["nothing", "a/b//c", "guidelines/none.html", "guidelines/..%2f..%2fetc%2fpasswd", "guidelines/%00", "web/none.js", "web/README.md"]
ABSENT += ["go?iri=ad:None", "compare?first=water", "api/questions/none", "api/examples/..%2fmia"]
ACROSS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SET_QUERY = "text => document.querySelector('.CodeMirror').CodeMirror.setValue(text)"
STAR = "CONSTRUCT {?s ?p ?o} WHERE {VALUES ?s {ad:DupilumabForChildren} ?s ?p ?o}"
FAULTY = [
    ("SELECT ?a {\n  ?a ?b\n}", 3, "line 3, column 2"),
    ("SELECT ?a {\n  ?a other:b ?c\n}", 2, "its prefix is not declared"),
    ("# a note\nPREFIX a: <urn:a>\nDELETE WHERE { ?s ?p ?o }", 3, "updates are not answered"),
]
COMPARED = {
    "disagreements-between-guidelines": ("inChildren", "afterTopicalFailure"),
    "guidelines-on-the-same-therapy": ("strengthInChildren", "strengthInAdults", "orderInChildren", "orderInAdults"),
}
"""Questions whose rows the comparison of the guidelines tells, with the columns that it tells as they are."""
CONTRASTS = """() => {
    const light = text => {
        const [r, g, b] = text.match(/[\\d.]+/g).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    return [...document.querySelectorAll(".step text")].map(text => {
        const [a, b] = [text, text.parentNode.querySelector("rect")].map(e => light(getComputedStyle(e).fill));
        return [text.textContent, Math.max(a, b) / Math.min(a, b)];
    });
}"""
"""Contrast of each text in a box of a pathway with its box, of which axe knows nothing."""
OPEN_SOME = "for (const fold of [...document.querySelectorAll('main td details')].slice(0, 3)) fold.open = true"
ODD = """@prefix ad: <https://w3id.org/dermograph/ad#> . @prefix pt: <https://w3id.org/dermograph/patient#> .
<urn:example:odd> a pt:Patient ; pt:sex pt:Male, pt:Female ; pt:birthDate "2020" ; <urn:note> "a \\"quoted\\"\\nline \\\\ and ☃ 𝄞"@en ;
    pt:condition [ a ad:AtopicDermatitis ; pt:severity ad:Severe ; <urn:seen> [ <urn:by> "someone" ] ] , [ a <urn:Gout> ; pt:severity ad:Mild ] ;
    pt:absent ad:Tuberculosis , <urn:Gout> ; pt:observation [ a ad:BodyWeight ; pt:value "29"^^<http://www.w3.org/2001/XMLSchema#double> ] ."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a service listens."""
    app = get_app(Settings(workers=1), CapturingLogger())
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    server.should_exit = True
    thread.join()


# --- over HTTP


def test_the_words_are_those_of_a_patient_graph(address: str) -> None:
    told = httpx.get(f"{address}api/words").json()
    asked = questions.ask(questions.guideline_store(ROOT / "ontology"), questions.text("words-of-a-patient-graph"), "it")
    assert isinstance(asked, ox.QuerySolutions)
    wanted = {(row[1], row[3]) for row in questions.rows(asked)}
    assert {(c["id"], c.get("unit", "")) for kind in told["kinds"].values() for c in kind["classes"]} == wanted


def test_what_an_answer_names_is_told_somewhere(address: str, knowledge: Knowledge) -> None:
    tree = knowledge.tree
    names = [*tree["criteria"], *tree["recommendations"], *tree["rows"], *tree["statements"], *tree["sources"], *tree["steps"]]
    with httpx.Client() as client:
        assert not [n for n in names[::11] if client.get(f"{address}go", params={"iri": n}).status_code != 303]
    target = httpx.get(f"{address}go", params={"iri": names[0]}, follow_redirects=True, timeout=60)
    assert knowledge.tree["criteria"][names[0]]["label"] in target.text


@pytest.mark.parametrize("path", ABSENT)
def test_what_is_not_there_is_a_problem_document(address: str, path: str) -> None:
    told = httpx.get(address + path, timeout=60)  # the first one waits for the site
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    shown = httpx.get(address + path, headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert told.json()["detail"][1:] in html.unescape(shown.text)
    style = urljoin(f"{address}{path}", re.findall(r'stylesheet" href="([^"]+)', shown.text)[0])
    assert httpx.get(style).status_code == 200


def test_two_therapies_are_compared_from_the_graph(address: str, knowledge: Knowledge) -> None:
    first, second = "ad:Dupilumab", "ad:Cyclosporine"
    text = httpx.get(f"{address}compare", params={"first": first, "second": second}).text
    spoken = [r for r in knowledge.tree["recommendations"].values() if r["therapy"] in (first, second)]
    assert len(spoken) > 3
    assert not [r["label"] for r in spoken if r["label"] not in text]
    assert "<title>dupilumab and cyclosporine · Dermograph</title>" in text
    rows = re.findall(r'<td role="cell" data-head="guideline">.*?</td>', text, re.DOTALL)
    assert [row.count("Strength: ") for row in rows] == [1] * len(knowledge.tree["guidelines"])
    assert httpx.get(f"{address}compare", params={"first": "<script>"}).status_code == 404


def test_the_guidelines_are_compared_as_the_questions_ask(address: str, knowledge: Knowledge) -> None:
    text = html.unescape(httpx.get(f"{address}compare").text)
    rows = [re.sub(r"<[^>]*>", " ", row) for row in re.findall(r"<tr\b.*?</tr>", text, re.DOTALL)]
    assert not [row for row in rows if re.search(r"\b(ad|dg):", row)]
    labels = knowledge.tree["labels"]
    for name, columns in COMPARED.items():
        with (ROOT / "tests" / "questions" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            for asked in csv.DictReader(lines):
                told = [labels.get(asked["therapy"]) or knowledge.tree["rows"][asked["therapy"]]["label"], *(asked[c] for c in columns)]
                assert any(all(one in row for one in told) for row in rows), told


# --- in a browser


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page that says nothing on its console, asks nobody else, and puts nothing of a patient into an address or a store."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith((address, "blob:", "data:")) else said.append(request.url))
    page.on("request", lambda request: said.append(request.url) if "urn%3A" in request.url or "example:" in request.url else None)
    yield page
    kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie]")
    page.close()
    assert set(kept) <= {"dermograph-theme", "dermograph-query", ""}
    assert [line for line in said if "status of 4" not in line] == []


def settled(page: Page) -> dict[str, str]:
    """Statuses that the page shows, once it has asked."""
    page.wait_for_selector("#answers[data-settled='true']")
    shown: dict[str, str] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.therapy')].map(t => [t.dataset.therapy, t.closest('.group').classList[1]]))"
    )
    return shown


def statuses(answer: Assessment) -> dict[str, str]:
    return {v.therapy: v.status for v in answer.therapies}


@browser
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_has_the_answer_of_the_library(path: Path, page: Page, address: str, knowledge: Knowledge) -> None:
    page.goto(address)
    settled(page)
    page.select_option("#example", path.stem)
    page.wait_for_selector(".row")
    assert settled(page) == statuses(knowledge.assess(path))
    page.click(".therapy summary")
    page.click(".therapy .foot button")
    page.wait_for_selector(".tree .tree, .tree li li")
    assert page.locator("#pathway svg").count() == len(knowledge.tree["guidelines"])
    for guideline in knowledge.tree["guidelines"].values():
        assert guideline["label"] in " ".join(page.locator("#pathway svg > text").all_text_contents())
    assert "urn:" not in page.inner_html("#pathway")


@browser
def test_a_filled_form_is_answered_and_a_change_is_shown(page: Page, address: str, knowledge: Knowledge) -> None:
    page.goto(address)
    settled(page)
    form = page.locator("#form")
    form.get_by_label("birth date").fill("2018-03-14")
    form.get_by_label("as of").fill("2026-11-01")
    form.get_by_role("button", name="Add a condition").click()
    form.get_by_label("Condition", exact=True).select_option("ad:AtopicDermatitis")
    form.get_by_label("severity").select_option("ad:Severe")
    patient = """@prefix ad: <https://w3id.org/dermograph/ad#> . @prefix pt: <https://w3id.org/dermograph/patient#> .
        <urn:a> a pt:Patient ; pt:asOf "2026-11-01"^^<{0}date> ; pt:birthDate "2018-03-14"^^<{0}date> ;
        pt:condition [ a ad:AtopicDermatitis ; pt:severity ad:Severe ] {1} ."""
    before = statuses(knowledge.assess(patient.format(XSD, "")))
    assert settled(page) == before
    page.locator("#todo").get_by_role("button", name="Record").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('.row') !== null")
    form.get_by_role("button", name="Add a course").click()
    form.get_by_label("Course", exact=True).select_option("ad:WetWrapTherapy")
    settled(page)
    form.get_by_label("outcome").select_option("pt:Declined")
    after = statuses(knowledge.assess(patient.format(XSD, "; pt:course [ a ad:WetWrapTherapy ; pt:outcome pt:Declined ]")))
    assert settled(page) == after != before
    told = page.inner_text("#changes")
    assert "wet wraps" in told and after["ad:WetWrapTherapy"] in told
    form.get_by_label("age in years").fill("eight")
    page.wait_for_selector("#fault:not([hidden])")
    assert form.get_by_label("age in years").get_attribute("aria-invalid") == "true"
    form.get_by_label("age in years").fill("")
    assert settled(page) == after


def example(page: Page, address: str) -> dict[str, str]:
    """Statuses of the girl of 8, once the page shows her."""
    page.goto(address)
    settled(page)
    page.select_option("#example", "girl-of-8-with-severe-disease")
    page.wait_for_selector(".row")
    return settled(page)


@browser
def test_a_class_is_chosen_by_typing_its_name(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    page.get_by_role("button", name="Add a condition").press("Enter")
    for letter in "atopic d":
        page.keyboard.press("Space" if letter == " " else letter)
        page.wait_for_timeout(60)
    assert page.input_value(".row select.class") == "ad:AtopicDermatitis"
    assert page.evaluate("document.activeElement.matches('select.class')")


@browser
def test_a_row_that_was_only_opened_says_nothing(page: Page, address: str) -> None:
    example(page, address)
    page.fill("[id='person-pt:birthDate']", "2000-01-01")
    before = settled(page)
    record = page.locator("#todo").get_by_role("button", name="Record quality-of-life assessment")
    record.click()
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Condition", exact=True).last.select_option("ad:Tuberculosis")
    assert settled(page) == before
    assert page.locator(".short:not(:empty)").count() == 2
    assert page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))") is False
    page.get_by_role("button", name="Done on 2026-11-01").click()
    assert settled(page)["ad:Dupilumab"] == "eligible" != before["ad:Dupilumab"]


SHOWN = [  # property, value, what its field says, and whether there is an answer all the same
    ("pt:value", "-5", "Body weight: -5 kg is outside", False),
    ("pt:unit", "stone", "unit stone cannot be converted to kg", False),
    ("pt:start", "2026-08-01", "start 2026-08-01 is after end", False),
    ("pt:birthDate", "2026-11-02", "Birth date 2026-11-02 is after as of 2026-11-01", False),
    ("pt:ageYears", "40", "Not used: by the birth date it is 8", True),
    ("pt:date", "", "Body weight has no date", True),
]


@browser
def test_findings_are_told_at_their_fields(page: Page, address: str) -> None:
    before = example(page, address)
    for name, value, said, answered in SHOWN:
        field = page.locator(f"[data-property='{name}']").first
        kept = field.input_value()
        field.fill(value)
        if answered:
            assert settled(page) == before
        else:
            page.get_by_role("link", name=said).click()
            assert page.evaluate("document.activeElement.dataset.property") == name
            assert "answer before" in page.inner_text("#standing")
        assert said in page.inner_text(f"[id='{field.get_attribute('id')}-said']")
        assert (field.get_attribute("aria-invalid") == "true") != answered
        field.fill(kept)
        assert settled(page) == before
        assert page.inner_text(f"[id='{field.get_attribute('id')}-said']") == ""


@browser
def test_half_a_date_is_not_passed_over(page: Page, address: str) -> None:
    example(page, address)
    page.get_by_label("onset").first.focus()
    page.keyboard.type("05")
    page.get_by_label("sex").focus()
    page.get_by_role("link", name="onset: cannot be read").click()
    assert page.evaluate("document.activeElement.dataset.property") == "pt:onset"


@browser
def test_an_answer_says_whom_it_is_for(page: Page, address: str) -> None:
    page.goto(address)
    assert "guidelines treat" in page.inner_text("#todo li >> nth=0")
    assert not page.locator(".excluded .therapy").first.is_visible()
    example(page, address)
    page.click("[data-therapy='ad:Abrocitinib'] summary")
    assert page.locator("[data-therapy='ad:Abrocitinib'] h4").last.inner_text() == "Not for this patient"
    assert page.locator("#answers a:not([target='_blank'][rel='noopener'])").count() == 0
    taken = CASES / "adolescent-of-15-on-lebrikizumab-has-the-dose-of-the-label" / "patient.ttl"
    page.set_input_files("#file", taken)
    page.wait_for_selector(".tag")
    assert page.input_value("#example") == ""
    assert page.locator(".tag").first.inner_text() in ("go on", "review", "stop it")


@browser
def test_an_old_answer_does_not_pass_for_a_new_one(page: Page, address: str) -> None:
    example(page, address)
    held: list[Any] = []
    page.route("**/api/assess", lambda route: held.append(route))
    page.set_viewport_size({"width": 360, "height": 800})
    page.get_by_label("sex").select_option("pt:Male")
    page.wait_for_selector("#answers.stale[aria-busy='true']")
    assert "Asking" in page.inner_text("#standing")
    held.pop().fulfill(status=408, json={"detail": "that took too long"})
    page.unroute("**/api/assess")
    page.get_by_role("button", name="Try again").click()
    settled(page)
    assert page.locator("#standing, #fault").filter(visible=True).count() == 0
    box = page.locator("#changes").bounding_box()
    assert box and box["y"] + box["height"] <= 800
    page.get_by_role("button", name="Close").click()
    assert not page.locator("#changes").is_visible()


@browser
def test_without_words_the_page_says_so(page: Page, address: str) -> None:
    page.route("**/api/words", lambda route: route.fulfill(status=408, json={"detail": "that took too long"}))
    page.goto(address)
    page.get_by_role("button", name="Try again").wait_for()


@browser
def test_several_patients_stay_to_choose_from(page: Page, address: str, knowledge: Knowledge) -> None:
    page.goto(address)
    settled(page)
    both = "\n".join(path.read_text(encoding="utf-8") for path in EXAMPLES)
    script = "text => { const data = new DataTransfer(); data.items.add(new File([text], 'two.ttl')); return data; }"
    dropped = page.evaluate_handle(script, both)
    page.dispatch_event("#search", "drop", {"dataTransfer": dropped})
    assert page.locator(".row").count() == 0
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    page.wait_for_selector("#several:not([hidden])")
    for place in (1, 0):
        page.select_option("#which", index=place)
        name = page.locator("#which option").nth(place).inner_text()
        wanted = next(a for a in map(knowledge.assess, EXAMPLES) if a.patient == name)
        assert settled(page) == statuses(wanted)


@browser
def test_a_bundle_is_read_with_its_report(page: Page, address: str, knowledge: Knowledge) -> None:
    page.goto(address)
    settled(page)
    script = "text => { const data = new DataTransfer(); data.items.add(new File([text], 'bundle.json')); return data; }"
    dropped = page.evaluate_handle(script, BUNDLE.read_text(encoding="utf-8"))
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    page.wait_for_selector("#report:not([hidden])")
    page.wait_for_selector(".row")
    report = httpx.post(f"{address}api/read", content=BUNDLE.read_bytes(), headers={"Content-Type": "application/fhir+json"}).json()["report"]
    assert f"{len(report)} records" in page.inner_text("#report")
    told = httpx.post(f"{address}api/assess", content=BUNDLE.read_bytes(), headers={"Content-Type": "application/fhir+json"}).json()
    assert settled(page) == {t["therapy"]: t["status"] for t in told["therapies"]}


@browser
def test_no_statement_is_lost_in_the_form(page: Page, address: str) -> None:
    graphs = [str_of(read(path.read_bytes(), path.name, suffix=".ttl")[0].triples) for path in [*EXAMPLES, *sorted(CASES.glob("*/patient.ttl"))[::9]]]
    graphs.append(str_of([t.triple for t in ox.parse(ODD, format=ox.RdfFormat.TURTLE)]))
    page.goto(address)
    script = """async graphs => {
        const [{ Record }, { nTriples, parse, turtle }] = await Promise.all([import('/web/record.js'), import('/web/graph.js')]);
        const words = await (await fetch('/api/words')).json();
        return graphs.map(text => {
            const triples = parse(text);
            const patient = triples.find(t => t.o.value.endsWith('#Patient')).s;
            const record = Record.from(words, triples, patient.kind === 'blank' ? `_:${patient.value}` : patient.value);
            return [nTriples(record.triples()), turtle(record.triples(), words.prefixes), record.rest.length];
        });
    }"""
    found = page.evaluate(script, graphs)
    for given, (plain, pretty, rest) in zip(graphs, found, strict=True):
        wanted = canonical(given, ox.RdfFormat.N_TRIPLES)
        assert canonical(plain, ox.RdfFormat.N_TRIPLES) == wanted
        assert canonical(pretty, ox.RdfFormat.TURTLE) == wanted
        assert bool(rest) == (given == graphs[-1])


def str_of(triples: Any) -> str:
    return "".join(f"{t} .\n" for t in triples)


def canonical(text: str, format: ox.RdfFormat) -> list[str]:
    """A graph whose blank nodes have fixed names, with every whole number as a decimal one."""

    def exact(term: Any) -> Any:
        whole = isinstance(term, ox.Literal) and term.datatype.value == f"{XSD}integer"
        return ox.Literal(term.value, datatype=ox.NamedNode(f"{XSD}decimal")) if whole else term

    found = ox.Dataset(ox.Quad(q.subject, q.predicate, exact(q.object)) for q in ox.parse(text, format=format))
    found.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(map(str, found))


@browser
def test_paper_shows_every_reason_and_every_fact(page: Page, address: str, knowledge: Knowledge) -> None:
    page.goto(address)
    settled(page)
    page.select_option("#example", EXAMPLES[-1].stem)
    page.wait_for_selector(".row")
    settled(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    told = page.inner_text("main")
    answer = knowledge.assess(EXAMPLES[-1])
    assert not [v.therapy for v in answer.therapies for b in v.because if b.label not in told]
    assert not [v.therapy for v in answer.therapies if v.status == "eligible" for r in v.regimens if r.text not in told]
    (patient,) = read(EXAMPLES[-1].read_bytes(), "it", suffix=".ttl")
    facts = page.inner_text("#paper")
    values = [t.object.value for t in patient.triples if isinstance(t.object, ox.Literal)]
    assert not [value for value in values if value not in facts]
    assert not page.locator(":is(#form, .jump, button)").filter(visible=True).count()
    assert max(page.evaluate("[...document.querySelectorAll('#pathway svg')].map(p => p.getBoundingClientRect().height)")) <= 832


@browser
def test_a_query_is_answered_as_a_table_and_as_a_graph(page: Page, address: str) -> None:
    page.goto(f"{address}query")
    page.wait_for_selector(".CodeMirror")
    page.select_option("#examples", "doses-of-dupilumab")
    page.wait_for_selector("#rows tbody tr")
    expected = (ROOT / "tests" / "questions" / "doses-of-dupilumab.csv").read_text(encoding="utf-8").splitlines()
    assert page.locator("#rows tbody tr").count() == len(expected) - 1
    page.evaluate(SET_QUERY, STAR)
    page.keyboard.press("Escape")
    page.click("#run")
    page.wait_for_selector("#rows svg")
    names = page.locator("#rows svg .edge-name").all_text_contents()
    assert len(names) == len(set(names)) > 9
    boxes = page.evaluate("[...document.querySelectorAll('#rows svg .edge-name:not(.crowded)')].map(t => t.getBoundingClientRect().toJSON())")
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if overlap(a, b)]
    page.evaluate(SET_QUERY, "SELECT * { ?therapy skos:prefLabel ?label ; a ?kind } LIMIT 3")
    page.click("#run")
    page.wait_for_selector("#rows td small")
    assert page.locator("#rows th").all_inner_texts() == ["therapy", "label", "kind"]
    assert page.locator("#rows td small").first.inner_text() == "en"
    page.reload()
    page.wait_for_selector(".CodeMirror")
    assert "?therapy skos:prefLabel" in page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()")


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    return bool(one["left"] < other["right"] and other["left"] < one["right"] and one["top"] < other["bottom"] and other["top"] < one["bottom"])


@browser
@pytest.mark.parametrize(("text", "line", "said"), FAULTY)
def test_a_fault_of_a_query_is_marked_at_its_line(text: str, line: int, said: str, page: Page, address: str) -> None:
    page.goto(f"{address}query")
    page.wait_for_selector(".CodeMirror")
    page.evaluate(SET_QUERY, text)
    page.click("#run")
    page.wait_for_selector("#fault:not([hidden])")
    told = page.inner_text("#fault")
    assert said in told and ("updates" in told) == ("updates" in said)
    marked = "[...document.querySelectorAll('.CodeMirror-code > div')].findIndex(one => one.querySelector('.wrong-line')) + 1"
    assert page.evaluate(marked) == line


@browser
def test_a_second_run_ends_the_first(page: Page, address: str) -> None:
    ended: list[str] = []
    page.on("requestfailed", lambda request: ended.append(request.url))
    page.goto(f"{address}query")
    page.wait_for_selector(".CodeMirror")
    page.evaluate("document.getElementById('run').click(); document.getElementById('run').click()")
    page.wait_for_selector("#rows tbody tr")
    assert ended == [f"{address}sparql"]


@browser
def test_a_query_is_asked_without_the_words(page: Page, address: str) -> None:
    page.route("**/api/words", lambda route: route.fulfill(status=404, json={"detail": "no words"}))
    page.goto(f"{address}query")
    page.wait_for_selector("#fault:not([hidden])")
    assert "no words" in page.inner_text("#fault")
    page.click("#run")
    page.wait_for_selector("#rows tbody tr")
    page.route("**/api/questions/*", lambda route: route.fulfill(status=404, json={"detail": "no question"}))
    page.select_option("#examples", "doses-of-dupilumab")
    page.wait_for_selector("#fault:not([hidden])")
    assert "no question" in page.inner_text("#fault")


@browser
def test_pages_are_for_everybody(page: Page, address: str, axe: str, knowledge: Knowledge) -> None:
    faults = []
    guidelines = [f"guidelines/{name.replace(':', '/')}.html" for name in knowledge.tree["guidelines"]]
    paths = ["", "query", "nothing", "compare", "compare?first=dupilumab&second=cyclosporine", "guidelines/", *guidelines]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for path in paths:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(address + path)
            if path == "":
                settled(page)
                page.select_option("#example", EXAMPLES[0].stem)
                page.wait_for_selector(".row")
                settled(page)
                page.click(".therapy summary")
            if path == "query":
                page.select_option("#examples", "doses-of-dupilumab")
                page.wait_for_selector("#rows tbody tr")
            faults += [f"{scheme} /{path}: {text}: contrast {ratio:.1f}" for text, ratio in page.evaluate(CONTRASTS) if ratio < 4.5]
            page.evaluate(OPEN_SOME)
            page.evaluate(axe)
            found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
            for violation in found["violations"]:
                if violation["impact"] in {"serious", "critical"}:
                    faults += [f"{scheme} /{path}: {violation['id']}: {node['html'][:160]}" for node in violation["nodes"][:3]]
            page.set_viewport_size({"width": 360, "height": 800})
            faults += [f"/{path}: {across} pixels wider than a phone"] if (across := page.evaluate(ACROSS)) > 0 else []
            faults += [] if "Not a medical device" in page.inner_text("body") else [f"/{path}: no disclaimer"]
    assert not faults, "\n".join(faults)
