"""Skeletons of new nodes, complete to every duty that the shapes check, each written into the file where it belongs.

What goes into a file that is there is added to it, and the rest of the file stays. Nothing is written before the
ontology was found to load with it.
"""

from __future__ import annotations

import bisect
import difflib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

from dermograph import content, derive, index
from dermograph.errors import UsageError
from dermograph.formatting import canonical
from dermograph.graph import Graph, read
from dermograph.terms import PREFIXES, compact, expand, local_name
from dermograph.workbench.positions import positions

ROOT = "dermograph.ttl"
CATALOG = "catalog-v001.xml"
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_JOINED = re.compile(r"([A-Za-z0-9]*[a-z0-9])?(And|Or)[A-Z].*")
_FACETS = {"from": "xsd:minInclusive", "above": "xsd:minExclusive", "up-to": "xsd:maxInclusive", "below": "xsd:maxExclusive"}
_LICENCE = "https://creativecommons.org/licenses/by/4.0/"


@dataclass(frozen=True)
class Skeleton:
    """What is to be written.

    :param additions: Turtle to add to files, by path relative to the ontology.
    :param modules: titles and descriptions of the files that are new modules.
    """

    node: str
    additions: dict[str, str]
    modules: dict[str, tuple[str, str]] = field(default_factory=dict)


class Content:
    """An ontology to add to."""

    def __init__(self, ontology: Path) -> None:
        self.folder = ontology
        self.graph = Graph(read(content.modules(ontology)))
        self.tree = index.build(self.graph)

    @cached_property
    def places(self) -> dict[str, str]:
        """File of each node that has one."""
        return {node: found[0][0] for node, found in positions(self.folder).subjects.items()}

    def new(self, name: str, label: str) -> str:
        """Compact IRI of a new node, made from the label where no name is given; refused where it is taken or no good name."""
        local = local_name(name) if name else "".join(w[:1].upper() + w[1:] for w in re.findall(r"[A-Za-z0-9]+", label))
        if not _NAME.fullmatch(local) or _JOINED.fullmatch(local):
            raise UsageError(
                f"{local or name!r} is no good name", "begin with a capital, use letters and digits only, and join nothing with And or Or"
            )
        if f"ad:{local}" in self.places:
            number = next(n for n in range(2, 1000) if f"ad:{local}{n}" not in self.places)
            raise UsageError(
                f"ad:{local} is there already, in {self.places[f'ad:{local}']}", f"take another name, such as {local}{number}, or edit what is there"
            )
        return f"ad:{local}"

    def known(self, name: str, what: str, among: Iterable[str]) -> str:
        """Compact IRI of a node that is there, by name or label; refused with the nearest names where it is not."""
        names = set(among)
        wanted = compact(name) if ":" in name else f"ad:{name}"
        if wanted in names:
            return wanted
        labelled = [n for n in names if self.graph.label(n).casefold() == name.casefold()]
        if len(labelled) == 1:
            return labelled[0]
        local = {local_name(n): n for n in names}
        near = [local[n] for n in difflib.get_close_matches(local_name(name), local, 3, 0.4)]
        raise UsageError(f"{name}: no such {what}", f"the nearest are {', '.join(near)}" if near else f"define the {what} first")

    def criterion(self, name: str) -> str:
        """A criterion that is there."""
        return self.known(name, "criterion", self.tree["criteria"])

    def therapy(self, name: str) -> str:
        """A class of therapy that is there."""
        return self.known(name, "therapy", [c for c, above in self.tree["within"].items() if "dg:Therapy" in above])

    def cited(self, statements: Sequence[str], sources: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Predicates and values that cite statements and references."""
        found = [("dg:statement", self.known(s, "statement", self.graph.instances("dg:Statement"))) for s in statements]
        return found + [("dg:source", self.known(s, "reference", self.graph.instances("dg:Reference"))) for s in sources]

    def folder_of(self, guideline: str) -> Path:
        """Folder of a guideline's files, relative to the ontology."""
        return Path(self.places[guideline]).parent


# --- skeletons


def recommendation(
    here: Content,
    label: str,
    guideline: str,
    therapy: str,
    population: str,
    strength: str,
    statements: Sequence[str],
    *,
    name: str = "",
    direction: str = "for",
    scale: str = "",
    certainty: str = "",
    indication: str = "",
    step: str = "",
    order: int | None = None,
    adjunct: bool = False,
    unranked: bool = False,
    prerequisites: Sequence[str] = (),
    entry: str = "",
) -> Skeleton:
    """A recommendation, in the file of recommendations of its guideline."""
    graph = here.graph
    node = here.new(name, label)
    owner = here.known(guideline, "guideline", graph.instances("dg:Guideline"))
    way = next((d for d in graph.instances("dg:Direction") if direction in (graph.text(d, "skos:notation"), local_name(d), d)), None)
    if way is None:
        raise UsageError(
            f"{direction}: no such direction", f"take {', '.join(str(graph.text(d, 'skos:notation')) for d in graph.instances('dg:Direction'))}"
        )
    if not statements:
        raise UsageError("a recommendation cites at least one statement of its document", "add --statement")
    if way == "dg:For" and not (adjunct or unranked) and (order is None or not step):
        raise UsageError("a recommendation for a therapy has its step and its order", "add --step and --order, or --adjunct or --unranked")
    scales = Counter(str(graph.text(r, "dg:strengthScale")) for r in graph.subjects("dg:guideline", owner) if graph.values(r, "dg:strengthScale"))
    if not scale and not scales:
        raise UsageError("the scale of the strength is not known: the guideline has none yet", "add --scale")
    said = [
        ("skos:prefLabel", text(label)),
        ("dg:direction", way),
        ("dg:guideline", owner),
        ("dg:population", here.criterion(population)),
        ("dg:strength", text(strength)),
        ("dg:strengthScale", text(scale or scales.most_common(1)[0][0])),
        ("dg:therapy", here.therapy(therapy)),
        *here.cited(statements),
        *([("dg:certainty", text(certainty))] if certainty else []),
        *([("dg:indication", here.criterion(indication))] if indication else []),
        *([("dg:entry", here.criterion(entry))] if entry else []),
        *([("dg:step", here.known(step, "pathway step", here.tree["steps"]))] if step else []),
        *([("dg:order", str(order))] if order is not None else []),
        *([("dg:adjunct", "true")] if adjunct else []),
        *([("dg:unranked", "true")] if unranked else []),
        *(("dg:prerequisite", here.known(p, "prerequisite", graph.instances("dg:Prerequisite"))) for p in prerequisites),
    ]
    file = (here.folder_of(owner) / "recommendations.ttl").as_posix()
    return Skeleton(
        node, {file: block(node, ["dg:Recommendation", "owl:NamedIndividual"], said)}, _module(here, file, f"recommendations of {graph.label(owner)}")
    )


def therapy(
    here: Content,
    label: str,
    definition: str,
    parent: str,
    population: str,
    *,
    name: str = "",
    statements: Sequence[str] = (),
    sources: Sequence[str] = (),
) -> Skeleton:
    """A class of therapy, beside its parent, and a file of label facts with a regimen whose dose is to be stated.

    Without a statement or reference the regimen is marked as not verified, and so is never offered.
    """
    node = here.new(name, label)
    above = here.therapy(parent)
    siblings = [c for c in here.tree["within"] if above in here.tree["within"][c] and c.startswith("ad:")]
    file = Counter(here.places[c] for c in siblings or ["dg:Therapy"]).most_common(1)[0][0]
    facts = f"labels/{slug(local_name(node))}.ttl"
    if (here.folder / facts).exists():
        raise UsageError(f"{facts} is there already", "take another name, or add to that file")
    cited = here.cited(statements, sources) or [("dg:verified", "false")]
    regimen = here.new(f"{local_name(node)}Regimen", "")
    said = [
        ("skos:prefLabel", text(label)),
        ("dg:population", here.criterion(population)),
        ("dg:therapy", node),
        ("dg:withoutDose", text("the dose is to be stated from the source")),
        *cited,
    ]
    return Skeleton(
        node,
        {
            file: block(node, ["owl:Class"], [("rdfs:subClassOf", above), ("skos:prefLabel", text(label)), ("skos:definition", text(definition))]),
            facts: block(regimen, ["dg:Regimen", "owl:NamedIndividual"], said),
        },
        _module(here, facts, label, "Dermograph labels: ", f"What labels and guideline statements say of giving {label}."),
    )


def criterion(
    here: Content,
    label: str,
    *,
    name: str = "",
    definition: str = "",
    fact: str = "",
    bounds: Mapping[str, str] | None = None,
    cls: str = "",
    value: str = "",
    every: Sequence[str] = (),
    some: Sequence[str] = (),
    guideline: str = "",
    statements: Sequence[str] = (),
) -> Skeleton:
    """A criterion, atomic where a fact is given and composite where criteria are; refused where another one means the same.

    :param bounds: ends of a range in the canonical unit, under ``from``, ``above``, ``up-to`` and ``below``.
    :param every: criteria of which all have to hold; a name after ``not:`` has to be false. ``some``: at least one.
    :param guideline: the guideline whose criterion it is; without it, one that all share.
    """
    given = [k for k, v in (("a fact", fact), ("criteria that all have to hold", every), ("criteria of which one has to hold", some)) if v]
    if len(given) != 1:
        raise UsageError(f"a criterion asks a fact or joins criteria, and {' and '.join(given) or 'neither'} is given", "give --fact, --all or --any")
    node = here.new(name, label)
    ends = {k: v for k, v in (bounds or {}).items() if v}
    kind, body = ("Atomic", _atom(here, fact, ends, cls, value)) if fact else ("Composite", _joined(here, every or some, bool(every)))
    said = [
        ("skos:prefLabel", text(label)),
        ("skos:definition", text(definition or f"Patients of whom holds: {label}.")),
        ("owl:equivalentClass", body),
        *here.cited(statements),
    ]
    places = Counter(f for c in here.tree["criteria"] if not (f := here.places[c]).startswith(("derived/", "guidelines/")))
    file = places.most_common(1)[0][0] if places else "dermatitis/criteria.ttl"
    if guideline:
        owner = here.known(guideline, "guideline", here.graph.instances("dg:Guideline"))
        file = (here.folder_of(owner) / "criteria.ttl").as_posix()
    made = Skeleton(node, {file: block(node, ["owl:Class", f"dg:{kind}Criterion"], said)}, _module(here, file, "criteria of a guideline"))
    _refuse_twin(here, made)
    return made


def _atom(here: Content, fact: str, ends: Mapping[str, str], cls: str, value: str) -> str:
    wanted = fact if ":" in fact else f"fact:{fact}"
    known = here.known(wanted, "fact property", here.tree["facts"])
    start = f"[ a owl:Restriction ; owl:onProperty {known} ; "
    if sum(map(bool, (ends, cls, value))) != 1:
        raise UsageError(
            "an atomic criterion asks for a range, a class or a value, and for one of them", "give --from and --below, --class, or --value"
        )
    if cls:
        return f"{start}owl:someValuesFrom {here.known(cls, 'class', here.tree['within'])} ]"
    if value:
        return f"{start}owl:hasValue {here.known(value, 'value', here.graph.named())} ]"
    facets = " ".join(f"[ {_FACETS[k]} {_decimal(v)} ]" for k, v in ends.items())
    return f"{start}owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( {facets} ) ] ]"


def _decimal(given: str) -> str:
    try:
        number = format(Decimal(given), "f")
    except InvalidOperation:
        raise UsageError(f"{given}: no number", "write a number with a point, such as 12.5") from None
    return number if "." in number else f"{number}.0"


def _joined(here: Content, members: Sequence[str], every: bool) -> str:
    parts = []
    for member in members:
        inner = here.criterion(member.removeprefix("not:").strip())
        parts.append(f"[ a owl:Class ; owl:complementOf {inner} ]" if member.startswith("not:") else inner)
    if len(parts) == 1 and parts[0].startswith("["):
        return parts[0]
    if len(parts) < 2:
        raise UsageError("a composite criterion joins two or more", "use the one criterion itself, or add the other")
    return f"[ a owl:Class ; owl:{'intersectionOf' if every else 'unionOf'} ( {' '.join(parts)} ) ]"


def _refuse_twin(here: Content, made: Skeleton) -> None:
    from dermograph.workbench.wording import structure

    with tempfile.TemporaryDirectory(prefix="dermograph-") as room:
        file = Path(room) / "new.ttl"
        file.write_text(canonical(prefixed("".join(made.additions.values())), "the new criterion"), encoding="utf-8")
        fresh = Graph(read([file]))
    wanted = structure(fresh, fresh.values(made.node, "owl:equivalentClass")[0])
    for other in here.tree["criteria"]:
        if any(structure(here.graph, d) == wanted for d in here.graph.values(other, "owl:equivalentClass")):
            raise UsageError(f"{other} means the same: {here.graph.label(other)}", f"use {other}")


def guideline(
    here: Content,
    label: str,
    definition: str,
    population: str,
    entry: str,
    statement: str,
    *,
    name: str = "",
    letter: str = "",
    edition: str = "0.1.0",
    section: str = "Introduction",
) -> Skeleton:
    """A guideline with its folder: a pathway of one step, a first statement of its document, room for recommendations."""
    node = here.new(name, label)
    folder = f"guidelines/{slug(local_name(node))}"
    if (here.folder / folder).exists():
        raise UsageError(f"{folder} is there already", "take another name")
    taken = {local_name(s).partition("-")[0] for s in here.graph.instances("dg:Statement")}
    mark = letter or next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in taken)
    if mark in taken:
        raise UsageError(f"{mark}: statements of another document have that letter", "give another with --letter")
    first, step = f"ad:{mark}-001", here.new(f"{local_name(node)}FirstStep", "")
    cites = [("dg:statement", first)]
    own = block(
        node,
        ["dg:Guideline", "owl:NamedIndividual"],
        [
            ("skos:prefLabel", text(label)),
            ("skos:definition", text(definition)),
            ("dcterms:source", plain(f"document {mark}")),
            ("dg:edition", plain(edition)),
            ("owl:versionInfo", plain(edition)),
            ("dg:population", here.criterion(population)),
            *cites,
        ],
    )
    said = [("skos:prefLabel", text("first step")), ("skos:definition", text("The step with which the pathway begins."))]
    own += block(step, ["dg:PathwayStep", "owl:NamedIndividual"], [*said, ("dg:entry", here.criterion(entry)), ("dg:guideline", node), *cites])
    stated = [
        ("skos:prefLabel", text(f"{mark}-001")),
        ("skos:definition", text(statement)),
        ("dg:document", node),
        ("dg:executable", "true"),
        ("dg:section", text(section)),
        ("dg:statementKind", plain("population")),
    ]
    sources = f"sources/{slug(local_name(node))}.ttl"
    additions = {
        f"{folder}/pathway.ttl": own,
        f"{folder}/recommendations.ttl": "",
        sources: block(first, ["dg:Statement", "owl:NamedIndividual"], stated),
    }
    modules = {
        f"{folder}/pathway.ttl": (f"Dermograph: pathway of {label}", f"The guideline {label} and its steps in order."),
        f"{folder}/recommendations.ttl": (f"Dermograph: recommendations of {label}", f"What the guideline {label} recommends, and for whom."),
        sources: (f"Dermograph sources: {label}", "Every clinically meaningful statement of the document, one node each, in our own words."),
    }
    return Skeleton(node, additions, modules)


# --- Turtle


def text(words: str) -> str:
    """A sentence as an English literal."""
    return f"{plain(words)}@en"


def plain(words: str) -> str:
    """A literal without a language."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").strip() + '"'


def block(node: str, types: Sequence[str], said: Iterable[tuple[str, str]]) -> str:
    """One node in Turtle."""
    lines = [f"{node} a {' , '.join(types)}", *(f"    {predicate} {value}" for predicate, value in said)]
    return " ;\n".join(lines) + " .\n"


def prefixed(turtle: str) -> str:
    """Turtle with every prefix declared."""
    return "".join(f"@prefix {p}: <{iri}> .\n" for p, iri in PREFIXES.items()) + turtle


def slug(name: str) -> str:
    """A name as a file is named: ``JAKInhibitor`` gives ``jak-inhibitor``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def _module(here: Content, file: str, of: str, title: str = "Dermograph: ", description: str = "") -> dict[str, tuple[str, str]]:
    """Title and description of a file, where it is a new module."""
    return {} if (here.folder / file).exists() else {file: (f"{title}{of}", description or f"This module holds {of}.")}


# --- writing


def write(ontology: Path, made: Skeleton, told: Callable[[Path], None] = lambda _: None) -> list[Path]:
    """Write a skeleton, with imports, catalog and derived criteria.

    :param told: told of each file that was written.
    :raises KnowledgeError: the ontology could not be loaded with it; nothing is written then.
    """
    with tempfile.TemporaryDirectory(prefix="dermograph-") as room:
        copy = Path(room) / "ontology"
        shutil.copytree(ontology, copy)
        _apply(copy, made)
        index.build(Graph(read(content.modules(copy))))
        changed = [p.relative_to(copy) for p in sorted(copy.rglob("*")) if p.is_file() and _differs(p, ontology / p.relative_to(copy))]
        for path in changed:
            (ontology / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy / path, ontology / path)
            told(ontology / path)
    return [ontology / path for path in changed]


def _differs(one: Path, other: Path) -> bool:
    return not other.is_file() or one.read_bytes() != other.read_bytes()


def _apply(ontology: Path, made: Skeleton) -> None:
    root = (ontology / ROOT).read_text(encoding="utf-8")
    (top,) = Graph(read([ontology / ROOT])).instances("owl:Ontology")
    for file, (title, description) in made.modules.items():
        iri = f"{expand(top)}/{file.removesuffix('.ttl')}"
        said = [("dcterms:title", text(title)), ("dcterms:description", text(description)), ("dcterms:license", f"<{_LICENCE}>")]
        path = ontology / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(canonical(prefixed(block(f"<{iri}>", ["owl:Ontology"], said)), file), encoding="utf-8")
        root += f"\n<{expand(top)}> <{expand('owl:imports')}> <{iri}> .\n"
        _enter(ontology / CATALOG, iri, file)
    if made.modules:
        (ontology / ROOT).write_text(canonical(root, ROOT), encoding="utf-8")
    for file, turtle in made.additions.items():
        path = ontology / file
        path.write_text(canonical(path.read_text(encoding="utf-8") + "\n" + prefixed(turtle), file), encoding="utf-8")
    (ontology / derive.MODULE).write_text(canonical(derive.turtle(ontology), str(derive.MODULE)), encoding="utf-8")


def _enter(catalog: Path, iri: str, file: str) -> None:
    """Enter a module in the catalog that Protégé reads, in the order of names."""
    lines = catalog.read_text(encoding="utf-8").splitlines()
    rows = [i for i, line in enumerate(lines) if "<uri " in line]
    place = bisect.bisect([lines[i].strip() for i in rows], f'<uri name="{iri}"')
    lines.insert(rows[place] if place < len(rows) else rows[-1] + 1, f'    <uri name="{iri}" uri="{file}"/>')
    catalog.write_text("\n".join(lines) + "\n", encoding="utf-8")
