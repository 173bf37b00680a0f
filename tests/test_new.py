"""What ``dermograph new`` writes keeps the ontology whole: it loads, is laid out, and passes the shapes."""

import shutil
from difflib import SequenceMatcher
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from pyshacl import validate
from rdflib import SH, URIRef
from rdflib import Graph as RdfGraph
from rdflib.term import Node
from typer.testing import CliRunner

from dermograph import Knowledge, casebook, derive
from dermograph.cli import app
from dermograph.content import modules
from dermograph.errors import UsageError
from dermograph.formatting import canonical
from dermograph.graph import Graph, read

ONTOLOGY = Path(__file__).parents[1] / "ontology"
THERAPY = ["therapy", "--label", "examplumab", "--definition", "A biologic for examples.", "--parent", "Biologic", "--population", "AdultFrom18Years"]
SHARED = ["--population", "AdultFrom18Years", "--strength", "can", "--statement", "A-001"]
RECOMMENDATION = ["recommendation", "--label", "examplumab for adults", "--guideline", "SystemicTherapyAfterTopicalFailure", *SHARED]
PLACE = ["--step", "FirstLineSystemicStep", "--order", "3"]
RANGE = ["criterion", "--label", "weighs from 42 kg to less than 43 kg", "--fact", "bodyWeight", "--from", "42", "--below", "43"]
GUIDELINE = ["guideline", "--label", "Example guideline", "--definition", "What examples are for.", "--population", "AdultFrom18Years"]
ENTRY = ["--entry", "HasAtopicDermatitis", "--statement", "It speaks of adults."]
KINDS = {
    "therapy": [THERAPY],
    "therapy-with-source": [[*THERAPY, "--source", "ReferenceRxreasoner"]],
    "recommendation-of-a-new-therapy": [THERAPY, [*RECOMMENDATION, "--therapy", "examplumab", *PLACE]],
    "recommendation-beside-the-pathway": [[*RECOMMENDATION, "--therapy", "Emollient", "--adjunct", "--name", "ExampleAdjunct"]],
    "recommendation-against": [[*RECOMMENDATION, "--therapy", "Dupilumab", "--direction", "against", "--certainty", "low"]],
    "criterion-of-a-range": [RANGE],
    "criterion-of-a-class": [["criterion", "--label", "did not respond to examples", "--fact", "fact:failed", "--class", "Biologic"]],
    "criterion-of-a-guideline": [
        [
            "criterion",
            "--label",
            "is young without asthma",
            "--all",
            "Under18Years",
            "--all",
            "not:HasAsthma",
            "--guideline",
            "SevereRefractoryADInChildren",
        ]
    ],
    "guideline": [[*GUIDELINE, *ENTRY]],
    "guideline-with-a-recommendation": [
        [*GUIDELINE, *ENTRY],
        [
            *RECOMMENDATION[:4],
            "ExampleGuideline",
            *SHARED[:-1],
            "B-001",
            "--therapy",
            "Dupilumab",
            "--step",
            "ExampleGuidelineFirstStep",
            "--scale",
            "its wording",
        ],
    ],
}


@pytest.fixture
def ontology(tmp_path: Path) -> Path:
    """A copy to write into."""
    return shutil.copytree(ONTOLOGY, tmp_path / "ontology")


def new(ontology: Path, *words: str, answers: str = "") -> str:
    done = CliRunner().invoke(app, ["new", *words, "--ontology", str(ontology)], input=answers, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(ontology: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["new", *words, "--ontology", str(ontology)])
    if done.exception and not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, UsageError), done.exception
        return str(done.exception)
    assert done.exit_code == UsageError.code
    return done.output


@pytest.fixture(scope="module")
def known() -> RdfGraph:
    """The ontology as it is."""
    graph = RdfGraph()
    for path in modules(ONTOLOGY):
        graph.parse(path)
    return graph


@pytest.fixture(scope="module")
def shapes() -> RdfGraph:
    """The shapes of content and vocabulary."""
    graph = RdfGraph()
    for file in ("prefixes.ttl", "shapes/guideline.ttl", "shapes/vocabulary.ttl"):
        graph.parse(ONTOLOGY / file)
    return graph


def breaches(known: RdfGraph, shapes: RdfGraph, written: list[Path]) -> list[str]:
    """What the shapes find wrong with the nodes that are new in the modules that were written."""
    had = {str(s) for s in known.subjects()}
    fresh = RdfGraph()
    for path in written:
        fresh.parse(path)
    focus = {s for s in fresh.subjects() if isinstance(s, URIRef) and str(s) not in had}
    assert focus
    queue: list[Node] = list(focus)
    seen, data = set(queue), RdfGraph()
    while queue:
        for triple in [t for graph in (known, fresh) for t in graph.triples((queue[-1], None, None))]:
            data.add(triple)
        reached = {o for _, _, o in data.triples((queue.pop(), None, None))} - seen
        seen |= reached
        queue += reached
    _, report, _ = validate(data, shacl_graph=shapes, max_validation_depth=50)
    assert isinstance(report, RdfGraph)
    results = [r for r in report.subjects(SH.focusNode) if report.value(r, SH.focusNode) in focus]
    return [f"{report.value(r, SH.focusNode)}: {report.value(r, SH.resultMessage)}" for r in results]


@pytest.mark.parametrize("kind", KINDS)
def test_the_ontology_stays_whole(kind: str, ontology: Path, known: RdfGraph, shapes: RdfGraph) -> None:
    for words in KINDS[kind]:
        new(ontology, *words, answers="1\n")
    changed = [p for p in modules(ontology) if not (o := ONTOLOGY / p.relative_to(ontology)).is_file() or o.read_bytes() != p.read_bytes()]
    assert changed
    for path in changed:
        assert path.read_text(encoding="utf-8") == canonical(path.read_text(encoding="utf-8"), str(path))
    assert (ontology / derive.MODULE).read_text(encoding="utf-8") == canonical(derive.turtle(ontology), "derived")
    assert breaches(known, shapes, changed) == []
    graph = Graph(read(modules(ontology)))
    tops = {p: Graph(read([p])).instances("owl:Ontology")[0] for p in modules(ontology)}
    root = tops.pop(ontology / "dermograph.ttl")
    assert set(graph.nodes(root, "owl:imports")) == set(tops.values())
    rows = [row.attrib for row in ElementTree.parse(ontology / "catalog-v001.xml").getroot()]
    assert {(r["name"], r["uri"]) for r in rows} == {
        (iri, p.relative_to(ontology).as_posix()) for p, iri in [*tops.items(), (ontology / "dermograph.ttl", root)]
    }
    assert [r["name"] for r in rows] == sorted(r["name"] for r in rows)
    Knowledge.load(ontology)


def test_the_rest_of_a_file_stays(ontology: Path) -> None:
    new(ontology, *RANGE)
    old, now = ((folder / "dermatitis/criteria.ttl").read_text(encoding="utf-8").splitlines() for folder in (ONTOLOGY, ontology))
    steps = {tag for tag, *_ in SequenceMatcher(None, old, now, autojunk=False).get_opcodes()}
    assert steps == {"equal", "insert"}
    assert any("ad:WeighsFrom42KgToLessThan43Kg" in line for line in now)


def test_what_is_not_given_is_asked(ontology: Path) -> None:
    new(ontology, "therapy", answers="examplumab\nA biologic for examples.\nBiologic\nAdultFrom18Years\n")
    assert (ontology / "labels" / "examplumab.ttl").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*THERAPY, "--name", "Dupilumab"], "Dupilumab2"),
        ([*THERAPY, "--name", "dupilumab"], "begin with a capital"),
        ([*THERAPY, "--name", "ThisAndThat"], "join nothing with And or Or"),
        ([*THERAPY, "--parent", "Biologik"], "the nearest are ad:Biologic"),
        ([*RECOMMENDATION, "--therapy", "Dupilumab", "--direction", "up"], "no such direction"),
        ([*RECOMMENDATION, "--therapy", "Dupilumab"], "--step is not given"),
        ([*RANGE, "--from", "15", "--below", "30"], "ad:WeightFrom15Under30 means the same"),
        ([*RANGE, "--from", "1,5"], "no number"),
        ([*RANGE, "--from", "70", "--below", "50"], "no number is at least 70.0"),
        ([*RANGE, "--from", "70", "--below", "70"], "no number is at least 70.0"),
        ([*RANGE, "--class", "Asthma"], "one of them"),
        ([*RANGE, "--all", "HasAsthma"], "asks a fact or joins criteria"),
        ([*RANGE, "--fact", "bodyWaight"], "the nearest are fact:bodyWeight"),
        ([*GUIDELINE, *ENTRY, "--letter", "P"], "have that letter"),
        (["criterion", "--label", "has one", "--all", "HasAsthma"], "joins two or more"),
        (["therapy"], "--label is not given"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(ontology: Path, words: list[str], said: str) -> None:
    assert said in refused(ontology, *words)
    for path in modules(ontology):
        assert path.read_bytes() == (ONTOLOGY / path.relative_to(ontology)).read_bytes()


def test_a_case_is_valid_and_waits_for_its_outcome(ontology: Path, knowledge: Knowledge, tmp_path: Path) -> None:
    words = ["case", "--sentence", "An example of an adult.", "--source", "A-001", "--source", "R8", "--birth-date", "1980-01-01"]
    words += ["--as-of", "2026-11-01", "--sex", "Male", "--severity", "Severe", "--therapy", "Dupilumab", "--cases", str(tmp_path / "cases")]
    new(ontology, *words)
    (entry,) = casebook.read(tmp_path / "cases")
    assert entry.name == "an-example-of-an-adult"
    assert entry.sentence == "An example of an adult."
    assert knowledge.validate([entry.record]) == []
    answer = knowledge.assess(entry.record).to_json()
    assert casebook.wrong(entry.expected, answer)
    path = entry.folder / "expected.yaml"
    stated = path.read_text(encoding="utf-8").replace("status: ", f"status: {answer['therapies'][0]['status']}")
    assert set(yaml.safe_load(stated)["therapies"]) == {"ad:Dupilumab"}
    assert "an-example-of-an-adult-2" in refused(ontology, *words)


def test_a_case_lists_every_therapy_where_none_is_named(ontology: Path, knowledge: Knowledge, tmp_path: Path) -> None:
    new(ontology, "case", "--sentence", "All", "--source", "A-001", "--birth-date", "1980-01-01", "--cases", str(tmp_path))
    assert set(yaml.safe_load((tmp_path / "all" / "expected.yaml").read_text(encoding="utf-8"))["therapies"]) == set(knowledge.therapies)
