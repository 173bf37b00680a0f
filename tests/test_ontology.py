"""The ontology is whole: imported, formatted, closed, sourced, fresh, and known only to itself."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rdflib import DCTERMS, OWL, PROV, RDFS, SH, SKOS

from dermograph import derive
from dermograph.content import modules
from dermograph.errors import KnowledgeError
from dermograph.formatting import canonical
from dermograph.graph import Graph, Value, read
from dermograph.terms import OWN, PREFIXES, compact, local_name

PROJECT = Path(__file__).parents[1]
ONTOLOGY = PROJECT / "ontology"
ROOT = ONTOLOGY / "dermograph.ttl"
FILES = sorted(ONTOLOGY.rglob("*.ttl"))
QUERIES = sorted((PROJECT / "queries").rglob("*.rq"))
STANDARDS = {"dcterms": DCTERMS, "owl": OWL, "prov": PROV, "rdfs": RDFS, "sh": SH, "skos": SKOS}
BUILT_IN = ("owl:", "rdf:", "rdfs:", "xsd:")
SOURCED = ("dg:Recommendation", "dg:PathwayStep", "dg:Prerequisite", "dg:LabelFact", "dg:Evidence")
FIELD = ("dg:Therapy", "dg:Condition", "dg:Observable", "dg:Assessment")


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The guideline graph, shapes left out."""
    return Graph(read(modules(ONTOLOGY)))


@pytest.fixture(scope="module")
def declared() -> set[str]:
    """Every term that has a type, in modules and shapes."""
    return set(Graph(read(FILES)).having("rdf:type"))


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def expect_none(found: Iterable[object]) -> None:
    """Fail with everything that was found, one to a line."""
    rows = sorted(map(str, found))
    if rows:
        pytest.fail("\n".join(rows), pytrace=False)


def names(path: Path, prefixes: Iterable[str]) -> set[str]:
    """Compact names in a file, those inside its queries and sentences and those written in full included."""
    text = re.sub(r"<([^<>\s]+)>", lambda iri: f" {compact(iri[1])} ", path.read_text(encoding="utf-8"))
    return set(re.findall(rf"(?<![\w:/#?$-])(?:{'|'.join(prefixes)}):\w(?:[\w-]*\w)?", text))


def below(graph: Graph, top: str) -> Iterator[str]:
    """Instances of a class and of all classes below it."""
    for kind in derive.subclasses(graph, top):
        yield from graph.instances(kind)


def sources(graph: Graph, node: str) -> list[str]:
    return graph.nodes(node, "dg:statement") + graph.nodes(node, "dg:source")


def ontology_of(path: Path) -> str:
    (iri,) = Graph(read([path])).instances("owl:Ontology")
    return iri


# --- files


def test_the_root_imports_every_module(graph: Graph) -> None:
    expected = {ontology_of(path) for path in modules(ONTOLOGY) if path != ROOT}
    expect_none(expected ^ set(graph.nodes(ontology_of(ROOT), "owl:imports")))


def test_the_catalog_maps_every_module() -> None:
    rows = [row.attrib for row in ElementTree.parse(ONTOLOGY / "catalog-v001.xml").getroot()]
    expected = {ontology_of(path): path.relative_to(ONTOLOGY).as_posix() for path in modules(ONTOLOGY)}
    expect_none(set(expected.items()) ^ {(row["name"], row["uri"]) for row in rows})


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_every_file_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == canonical(text, relative(path)), f"{relative(path)}: run `dermograph fmt {relative(path)}`"


def test_the_derived_module_is_fresh() -> None:
    text = canonical(derive.turtle(ONTOLOGY), str(derive.MODULE))
    assert (ONTOLOGY / derive.MODULE).read_text(encoding="utf-8") == text, "run `dermograph derive`"


def test_bad_turtle_is_refused_by_file_and_line() -> None:
    with pytest.raises(KnowledgeError, match=r"^bad\.ttl: .* line 2 "):
        canonical("<urn:a> <urn:b> <urn:c> .\n<urn:a> <urn:b> .", "bad.ttl")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "<urn:b> <urn:p> 1 . <urn:a> a <urn:C> ; <urn:p> 10 , 9 .",
            "<urn:a> <urn:p> 9 , 10 ; a <urn:C> . <urn:b> <urn:p> 1 .",
        ),
        (
            "<urn:a> <urn:p> _:x , _:y . _:y <urn:q> 2 . _:x <urn:q> 1 .",
            "<urn:a> <urn:p> [ <urn:q> 2 ] , [ <urn:q> 1 ] .",
        ),
        (
            "_:x <urn:p> _:y . _:y <urn:p> _:x ; <urn:q> ( _:x ) .",
            "_:b <urn:p> _:a . _:a <urn:q> ( _:b ) ; <urn:p> _:b .",
        ),
    ],
)
def test_equal_graphs_have_equal_bytes(one: str, other: str) -> None:
    assert canonical(one, "one") == canonical(other, "other") == canonical(canonical(one, "one"), "again")


# --- vocabulary


@pytest.mark.parametrize("path", FILES + QUERIES, ids=relative)
def test_every_own_term_is_declared(path: Path, declared: set[str]) -> None:
    expect_none(names(path, OWN) - declared)


@pytest.mark.parametrize("path", FILES + QUERIES, ids=relative)
def test_every_standard_term_exists(path: Path) -> None:
    used = [name.split(":") for name in names(path, STANDARDS)]
    expect_none(f"{prefix}:{local}" for prefix, local in used if local not in STANDARDS[prefix])


def test_every_property_is_declared_as_one_kind(graph: Graph) -> None:
    kinds = ("owl:AnnotationProperty", "owl:DatatypeProperty", "owl:ObjectProperty")
    used = {compact(triple.predicate.value) for triple in read(modules(ONTOLOGY))}
    counts = {name: len(set(graph.nodes(name, "rdf:type")) & set(kinds)) for name in used if not name.startswith(BUILT_IN)}
    expect_none(name for name, count in counts.items() if count != 1)


def test_prefixes_agree(graph: Graph) -> None:
    rows = graph.nodes(ontology_of(ONTOLOGY / "prefixes.ttl"), "sh:declare")
    assert {graph.text(row, "sh:prefix"): graph.text(row, "sh:namespace") for row in rows} == PREFIXES


@pytest.mark.parametrize("path", QUERIES, ids=relative)
def test_prefixes_of_a_query_agree(path: Path) -> None:
    rows = re.findall(r"^\s*PREFIX\s+(\w*):\s*<(.*)>", path.read_text(encoding="utf-8"), re.MULTILINE | re.IGNORECASE)
    expect_none(f"{prefix}: <{iri}>" for prefix, iri in rows if PREFIXES.get(prefix) != iri)


@pytest.fixture(scope="module")
def clinical_name(graph: Graph) -> re.Pattern[str]:
    """Whole names and labels of therapies, conditions, observables, assessments and criteria."""
    terms = set(below(graph, "dg:Criterion")).union(*(derive.subclasses(graph, top) for top in FIELD))
    words = {word for term in terms - set(FIELD) for word in (local_name(term), graph.label(term)) if len(word) >= 5}
    return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, sorted(words)))})(?![a-z])", re.IGNORECASE)


@pytest.mark.parametrize("path", sorted((PROJECT / "src").rglob("*.py")), ids=relative)
def test_the_source_knows_no_clinical_name(path: Path, clinical_name: re.Pattern[str]) -> None:
    rows = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    expect_none(f"{relative(path)}:{n}: {word}" for n, row in rows for word in clinical_name.findall(row))


# --- knowledge


def meaning(graph: Graph, node: Value) -> str:
    """What a class expression says, named criteria spelled out and the order of members ignored."""
    name = str(node)
    for definition in graph.nodes(name, "owl:equivalentClass"):
        return meaning(graph, definition)
    for joint in ("owl:intersectionOf", "owl:unionOf"):
        for head in graph.nodes(name, joint):
            members = sorted({meaning(graph, member) for member in graph.items(head)})
            return members[0] if len(members) == 1 else f"{joint}({' '.join(members)})"
    for other in graph.nodes(name, "owl:complementOf"):
        return f"not({meaning(graph, other)})"
    for head in graph.nodes(name, "owl:withRestrictions"):
        facets = ("xsd:minInclusive", "xsd:minExclusive", "xsd:maxInclusive", "xsd:maxExclusive")
        return " ".join(f"{f} {v.normalize():f}" for f in facets for i in graph.items(head) if (v := graph.number(i, f)))
    asked = [(p, value) for p in ("owl:someValuesFrom", "owl:hasValue") for value in graph.values(name, p)]
    return f"{graph.text(name, 'owl:onProperty')} {asked[0][0]} {meaning(graph, asked[0][1])}" if asked else name


def test_no_criterion_is_defined_twice(graph: Graph) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for criterion in below(graph, "dg:Criterion"):
        found[meaning(graph, criterion)].add(criterion)
    expect_none(" = ".join(sorted(same)) for same in found.values() if len(same) > 1)


def test_every_statement_is_cited(graph: Graph) -> None:
    statements = graph.instances("dg:Statement")
    assert len(statements) == 318
    expect_none(s for s in statements if not set(graph.subjects("dg:statement", s)) - {s})


@pytest.mark.parametrize(("kind", "count"), [("dg:Ruling", 22), ("dg:Ambiguity", 70)])
def test_every_reading_shaped_something(graph: Graph, kind: str, count: int) -> None:
    readings = graph.instances(kind)
    assert len(readings) == count
    expect_none(r for r in readings if not graph.subjects("dg:shapedBy", r))


@pytest.mark.parametrize("kind", SOURCED)
def test_every_clinical_node_has_a_source(graph: Graph, kind: str) -> None:
    nodes = sorted(set(below(graph, kind)))
    assert nodes
    expect_none(n for n in nodes if not sources(graph, n) and graph.value(n, "dg:verified") is not False)


def test_every_absolute_contraindication_is_verified(graph: Graph) -> None:
    nodes = graph.subjects("dg:force", "dg:Absolute")
    assert nodes
    expect_none(n for n in nodes if graph.value(n, "dg:verified") is False or not sources(graph, n))


# --- words of a patient graph


def test_examples_of_records_are_true(graph: Graph) -> None:
    links = [link for link in graph.having("skos:example") if link.startswith("pt:")]
    assert len(links) == 4
    for link in links:
        (kind,) = graph.nodes(link, "dg:rangeIncludes")
        cls, *said = re.findall(r"\b(?:ad|pt):\w+", graph.text(link, "skos:example") or "")
        assert kind in derive.subclasses(graph, kind)[cls], link
        properties = [name for name in said if name in graph.instances("owl:AnnotationProperty")]
        assert properties
        expect_none(f"{link}: {p}" for p in properties if kind not in graph.nodes(p, "dg:domainIncludes"))


def test_choices_name_the_values(graph: Graph) -> None:
    for cls in graph.having("dg:valuesOf"):
        individuals, choices = set(graph.instances(cls)), set(re.findall(r"\b(?:ad|pt):\w+", graph.text(cls, "dg:choices") or ""))
        assert choices == individuals or (cls in choices and choices - {cls} <= individuals), cls
