"""The static site is whole: every IRI has its page, no link is broken, nothing is fetched, and a browser finds no fault."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import pytest
import typer
from browsers import browser

from dermograph.cli import app, main
from dermograph.content import modules
from dermograph.errors import InputError
from dermograph.graph import Graph, read
from dermograph.terms import OWN, local_name
from dermograph.workbench.site import spans, tutorials
from dermograph.workbench.site.logic import worked_out
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases"
FIXTURES = ROOT / "tests" / "site"
VOID = {"meta", "link", "input", "br", "hr", "img", "wbr"}
BLOCKS = {"address", "div", "dl", "details", "figure", "form", "h1", "h2", "h3", "ol", "p", "pre", "section", "table", "ul"}


@dataclass
class Read(HTMLParser):
    """One page as a parser of HTML reads it."""

    path: str
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    lead: str = ""
    _leading: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if len(given) < len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag in BLOCKS and "p" in self.open:
            self.faults.append(f"<{tag}> in a <p>")
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links += [given["href"]] if "href" in given else []
        else:
            self.loads += [given[key] for key in ("src", "href") if key in given]
        self._leading = self._leading or given.get("class") == "lead"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")
        self._leading = self._leading and tag != "p"

    def handle_data(self, data: str) -> None:
        self.lead += data if self._leading else ""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the whole content, built once."""
    out = tmp_path_factory.mktemp("site")
    assert main(["docs", str(out), "--cases", str(CASES)]) == 0
    return out


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Read]:
    """Every page of the site, by its path, as a parser reads it."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        found[name] = Read(name)
        found[name].feed(path.read_text(encoding="utf-8"))
        found[name].close()
    return found


@pytest.fixture(scope="session")
def graph() -> Graph:
    return Graph(read(modules(ROOT / "ontology")))


@pytest.fixture(scope="session")
def material() -> Material:
    return Material(ROOT / "ontology")


def expect_none(faults: list[str]) -> None:
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:20])


# --- the pages


def test_every_page_is_well_formed(pages: dict[str, Read]) -> None:
    expect_none([f"{p.path}: {fault}" for p in pages.values() for fault in [*p.faults, *(f"<{tag}> is not closed" for tag in p.open)]])
    expect_none(
        [f"{p.path}: the id {i!r} is given twice" for p in pages.values() if len(set(p.ids)) < len(p.ids) for i in p.ids if p.ids.count(i) > 1]
    )


def broken(pages: dict[str, Read], files: set[str]) -> list[str]:
    """Links and anchors that lead nowhere, page by page."""
    found = []
    ids = {name: set(page.ids) for name, page in pages.items()}
    for name, page in pages.items():
        for link in dict.fromkeys([*page.links, *page.loads]):
            if re.match(r"https?://|data:", link):
                continue
            path, fragment = urldefrag(link)
            target = os.path.normpath(Path(name).parent / unquote(path)) if path else name
            if target not in files or (fragment and unquote(fragment) not in ids.get(target, ())):
                found.append(f"{name}: {link}")
    return found


def test_no_link_is_broken(site: Path, pages: dict[str, Read]) -> None:
    expect_none(broken(pages, {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}))


def test_the_link_checker_finds_what_is_broken() -> None:
    page = Read("ad/A.html", ids=["here"], links=["#here", "B.html#there", "#gone", "../C.html"], loads=["../style.css"])
    assert broken({"ad/A.html": page, "ad/B.html": Read("ad/B.html", ids=["there"])}, {"ad/A.html", "ad/B.html", "style.css"}) == [
        "ad/A.html: #gone",
        "ad/A.html: ../C.html",
    ]


def test_nothing_comes_from_the_network(site: Path, pages: dict[str, Read]) -> None:
    expect_none([f"{p.path}: {load}" for p in pages.values() for load in p.loads if "//" in load])
    expect_none([f"{p.name}: it fetches" for p in site.iterdir() if p.suffix in {".css", ".js"} and p.stem != "search-index" and fetches(p)])


def fetches(path: Path) -> bool:
    return re.search(r"https?://|fetch\(|XMLHttpRequest|@import|url\(", path.read_text(encoding="utf-8")) is not None


def test_every_iri_has_its_page(pages: dict[str, Read], graph: Graph) -> None:
    missing = []
    for node in graph.described():
        prefix, _, local = node.partition(":")
        if prefix in OWN:
            page = f"{prefix}/{local}.html"
            hosts = [name for name in pages if name.lower() == page.lower()]
            if page not in pages and not (hosts and local in pages[hosts[0]].ids):
                missing.append(node)
    expect_none(missing)


def test_no_two_pages_differ_by_case_alone(pages: dict[str, Read]) -> None:
    assert len({name.lower() for name in pages}) == len(pages)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("dg:Statement", {"place", "carried-by"}),
        ("dg:AtomicCriterion", {"sentence", "manchester", "sparql", "patients"}),
        ("dg:CompositeCriterion", {"sentence", "manchester", "sparql", "patients"}),
        ("dg:Guideline", {"pathway", "recommendations", "document", "files"}),
        ("dg:Reference", {"page"}),
        ("dg:Recommendation", {"recommendation"}),
    ],
)
def test_every_node_of_a_kind_is_told_whole(kind: str, wanted: set[str], pages: dict[str, Read], graph: Graph) -> None:
    nodes = graph.instances(kind)
    assert nodes
    expect_none([f"{n} lacks {sorted(lack)}" for n in nodes if (lack := wanted - set(pages[f"{n.replace(':', '/')}.html"].ids))])


def test_every_therapy_has_the_tables_that_the_graph_fills(pages: dict[str, Read], material: Material) -> None:
    kinds = {
        "recommendations": ("dg:Recommendation",),
        "indications": ("dg:Indication",),
        "doses": ("dg:Regimen",),
        "contraindications": ("dg:Contraindication",),
        "interactions": ("dg:Interaction",),
        "before": ("dg:Screening", "dg:BaselineTest"),
        "monitoring": ("dg:MonitoringTest", "dg:ResponseTime", "dg:AdequateTrial"),
        "cautions": ("dg:BoxedWarning", "dg:AdverseEffect", "dg:Precaution", "dg:CourseLimit"),
        "differences": ("dg:Disagreement",),
    }
    for therapy in material.within["dg:Therapy"].keys() - {"dg:Therapy"}:
        shown = set(pages[material.addresses[therapy]].ids) & kinds.keys()
        assert shown == {part for part, of in kinds.items() if any(material.of_therapy(k, therapy) for k in of)}, therapy


def test_statements_are_told_in_our_words_alone(pages: dict[str, Read], graph: Graph) -> None:
    for statement in graph.instances("dg:Statement"):
        assert pages[f"ad/{local_name(statement)}.html"].lead == graph.text(statement, "skos:definition")


def test_numbers_and_kinds_are_told_in_words(site: Path, graph: Graph) -> None:
    assert not re.search(r"\b1 regimens", (site / "therapies.html").read_text(encoding="utf-8"))
    for statement in graph.instances("dg:Statement"):
        text = (site / f"ad/{local_name(statement)}.html").read_text(encoding="utf-8")
        assert not re.search(r"<dt>kind</dt><dd>[^<]*-", text), statement


def test_no_page_quotes_at_length(site: Path) -> None:
    long = re.compile(r"<(?:blockquote|q)\b|[“«](?:[^”»<>]+\s){12}")
    expect_none([p.name for p in site.rglob("*.html") if long.search(p.read_text(encoding="utf-8"))])


def test_statements_stand_in_the_order_of_the_document(pages: dict[str, Read], graph: Graph) -> None:
    for guideline in graph.instances("dg:Guideline"):
        own = [local_name(s) for s in graph.instances("dg:Statement") if guideline in graph.nodes(s, "dg:document")]
        assert [i for i in pages[f"ad/{local_name(guideline)}.html"].ids if i in own] == own


def test_every_question_gives_the_rows_expected(site: Path) -> None:
    told = [path.read_text(encoding="utf-8") for path in (site / "queries").glob("ask-*.html")]
    assert len(told) == len(list((ROOT / "tests" / "questions").glob("*.csv")))
    assert all("The rows are those that are expected." in text for text in told)


def test_every_command_and_option_is_told(site: Path) -> None:
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        text = (site / "commands" / f"{name}.html").read_text(encoding="utf-8")
        assert all(option in text for parameter in command.params if parameter.param_type_name == "option" for option in parameter.opts), name


def test_the_search_finds_every_page(site: Path, pages: dict[str, Read]) -> None:
    text = (site / "search-index.js").read_text(encoding="utf-8")
    rows = json.loads(text.removeprefix("window.dermographIndex = ").rstrip(";\n"))
    assert {urldefrag(row[0]).url for row in rows} == set(pages)
    expect_none([row[0] for row in rows if (anchor := urldefrag(row[0]).fragment) and anchor not in pages[urldefrag(row[0]).url].ids])


# --- what they are made of


def test_the_truth_tables_are_kleenes() -> None:
    order = {False: 0, None: 1, True: 2}
    assert all(order[truth] == min(order[a], order[b]) for (a, b), truth in worked_out("and").items())
    assert all(order[truth] == max(order[a], order[b]) for (a, b), truth in worked_out("or").items())


def test_bands_are_read_off_the_definition() -> None:
    def atom(fact: str, **bounds: str) -> dict[str, Any]:
        open_ = {"from": "-999999999", "above": "-999999999", "upTo": "999999999", "below": "999999999"}
        return {"op": "atom", "fact": fact, "range": open_ | bounds}

    criteria = {
        "a": atom("fact:x", **{"from": "6"}),
        "b": atom("fact:x", below="72"),
        "c": atom("fact:y", above="1.5", upTo="30"),
        "both": {"op": "and", "members": [["a", True], ["b", True], ["c", True]]},
        "other": {"op": "and", "members": [["a", True], ["c", False]]},
    }
    found, whole = spans.bands({"criteria": criteria}, "both")
    assert whole
    assert [spans.words(found[f], unit).replace("\u00a0", " ") for f, unit in (("fact:x", "mo"), ("fact:y", "kg"))] == [
        "from 6 months to under 6 years",
        "above 1.5 kg to 30 kg",
    ]
    assert spans.bands({"criteria": criteria}, "other") == ({"fact:x": (Decimal(6), Decimal(999999999), True, True)}, False)


def test_prose_links_to_files_iris_and_pages(material: Material) -> None:
    guide, other = tutorials.pages(material, Words(material), FIXTURES / "links")
    html = "".join(str(getattr(block, "html", "")) for section in guide.sections for block in section.blocks)
    assert re.findall(r'href="\x02([^"]+)"', html) == ["guide/other.html#more", "dg/Criterion.html", "logic.html", "guide/other.html"]
    assert (other.path, other.title, [s.id for s in other.sections]) == ("guide/other.html", "Other", ["", "more"])


def test_prose_with_a_link_to_nowhere_is_refused(material: Material) -> None:
    with pytest.raises(InputError, match=r"index\.md: the link to 'nowhere\.md' goes to no file"):
        list(tutorials.pages(material, Words(material), FIXTURES / "link-to-nowhere"))


# --- the command


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    assert main(["docs", str(tmp_path)]) == 2
    assert "holds files that are no site of ours" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_missing_library_is_named_with_its_extra(tmp_path: Path) -> None:
    program = "import sys; sys.modules['jinja2'] = None; from dermograph.cli import main; sys.exit(main(['docs', sys.argv[1]]))"
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert run.returncode == 2
    assert "the site needs jinja2" in run.stderr and "dermograph[docs]" in run.stderr


# --- in a browser

CONTRAST = ", runOnly: ['color-contrast', 'scrollable-region-focusable', 'link-in-text-block']"
KINDS = ["dg:Guideline", "dg:AtomicCriterion", "dg:CompositeCriterion", "dg:Statement", "dg:Reference", "dg:Ruling", "dg:Ambiguity"]
KINDS += ["dg:Recommendation", "dg:Regimen", "dg:Contraindication", "dg:PathwayStep", "dg:Disagreement", "dg:ReasonKind", "dg:Study"]
LISTS = ["index", "queries", "logic", "commands", "guide"]
LONG_LISTS = ["therapies", "statements", "references", "readings", "criteria", "modules", "terms", "cases"]
OTHERS = ["dg/Criterion", "dg/Therapy", "pt/asOf", "fact/hasCondition", "commands/assess", "cases/adult-active-allergic-contact-dermatitis-blocks"]
OTHERS += ["queries/ask-adequate-trials"]
LOOKS = {(1280, "light"): "", (390, "dark"): "", (1280, "dark"): CONTRAST, (390, "light"): CONTRAST}
"""Widths and schemes, with the rules that axe runs there: every rule at each width and in each scheme, contrast in all four."""


def sampled(graph: Graph, place: int) -> list[str]:
    """A page of each kind of node: at 0 the one of middling size, at -1 the one with the most to tell."""

    def weight(node: str) -> tuple[int, str]:
        uses = sum(len(graph.subjects(p, node)) for p in ("dg:statement", "dg:source", "dg:shapedBy", "dg:criterion", "dg:document", "dg:therapy"))
        return uses + sum(len(graph.values(node, p)) for p in graph.predicates(node)), node

    groups = [graph.instances(kind) for kind in KINDS]
    groups.append(sorted({t for r in graph.instances("dg:Regimen") for t in graph.nodes(r, "dg:therapy")}))
    ordered = [sorted(group, key=weight) for group in groups]
    return [f"{group[place or len(group) // 2 - 1].replace(':', '/')}.html" for group in ordered]


def opened(context: BrowserContext, site: Path, path: str, width: int, scheme: str) -> tuple[Page, list[str]]:
    page = context.new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        said.append(f"{path}: {message.type}: {message.text}")

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(f"{path}: {error}"))
    page.on("requestfailed", lambda request: said.append(f"{path}: {request.url} did not load"))
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto((site / path).as_uri())
    return page, said


ACROSS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN = """() => {
    const pen = document.createElement("canvas").getContext("2d");
    const labelled = [...document.querySelectorAll(".cards td:not(:first-child, .empty)")].filter(td => td.offsetParent);
    return [...new Set(labelled.flatMap(td => {
        pen.font = getComputedStyle(td, "::before").font;
        const wide = parseFloat(getComputedStyle(td).gridTemplateColumns);
        return td.dataset.head.split(/[ -]/).filter(word => pen.measureText(word).width > wide);
    }))];
}"""
"""Words of labels that are wider than their column of a card."""
OPEN_SOME = "for (const fold of [...document.querySelectorAll('main details')].slice(0, 3)) fold.open = true"
OPEN_ALL = "for (const fold of document.querySelectorAll('main details')) fold.open = true"


@browser
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_no_serious_fault(width: int, scheme: str, context: BrowserContext, axe: str, site: Path, graph: Graph) -> None:
    faults = []
    paths = sampled(graph, 0) + [f"{name}.html" for name in LISTS + OTHERS]
    if LOOKS[width, scheme]:  # contrast is the style sheet's more than a page's: half of the pages in each of these two
        paths = paths[scheme == "light" :: 2]
    for path in paths:
        page, said = opened(context, site, path, width, scheme)
        page.evaluate(OPEN_SOME)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false" + LOOKS[width, scheme] + "})")
        faults += said
        for violation in found["violations"]:
            if violation["impact"] in {"serious", "critical"}:
                faults += [f"{path}: {violation['id']}: {node['html'][:160]}: {node['failureSummary']}" for node in violation["nodes"][:2]]
        page.close()
    expect_none(faults)


@browser
def test_no_page_is_wider_than_the_window(context: BrowserContext, site: Path, graph: Graph) -> None:
    faults = []
    for path in sampled(graph, 0) + sampled(graph, -1) + [f"{name}.html" for name in LISTS + LONG_LISTS + OTHERS]:
        page, said = opened(context, site, path, 1280, "light")
        page.evaluate(OPEN_ALL)
        for width in (1280, 800, 390):
            page.set_viewport_size({"width": width, "height": 844})
            across = page.evaluate(ACROSS)
            faults += [f"{path}: {across} pixels wider than {width}"] if across > 0 else []
        faults += [f"{path}: the label {word!r} is broken on a phone" for word in page.evaluate(BROKEN)]
        faults += said
        page.close()
    expect_none(faults)


@browser
def test_the_search_answers_from_disk(context: BrowserContext, site: Path, graph: Graph, material: Material) -> None:
    therapy = next(iter(material.tree["rows"]))
    page, said = opened(context, site, "dg/Criterion.html", 1280, "light")
    page.keyboard.press("/")
    page.keyboard.type(graph.label(therapy))
    page.wait_for_selector("#results a")
    assert "found" in (page.text_content("#found") or "")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{material.addresses[therapy]}")
    assert page.text_content("h1") == graph.label(therapy)
    assert said == []
    page.close()


@browser
def test_the_reader_chooses_light_or_dark(context: BrowserContext, site: Path) -> None:
    page, said = opened(context, site, "index.html", 1280, "light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    assert page.evaluate(ground) != light
    page.goto((site / "logic.html").as_uri())
    assert page.evaluate(ground) != light
    page.click("#theme")
    assert page.evaluate(ground) == light
    assert said == []
    page.close()


@browser
def test_paper_shows_what_is_folded(context: BrowserContext, site: Path) -> None:
    page, said = opened(context, site, "ad/From6YearsUnder18YearsWeighingFrom15Under30.html", 1280, "dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("document.querySelectorAll('main details:not([open])').length") == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.is_visible("header.top")
    assert said == []
    page.close()
