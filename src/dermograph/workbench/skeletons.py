"""Skeletons of new nodes, complete to every duty that the shapes check, for the files where they belong."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from dermograph.errors import UsageError
from dermograph.formatting import canonical
from dermograph.graph import Graph, read
from dermograph.terms import local_name
from dermograph.workbench.scaffold import Content, Skeleton, block, module, plain, prefixed, slug, text

_FACETS = {"from": "xsd:minInclusive", "above": "xsd:minExclusive", "up-to": "xsd:maxInclusive", "below": "xsd:maxExclusive"}


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
    sources: Sequence[str] = (),
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
    if not statements and not sources:
        raise UsageError("a recommendation cites a statement of its document, or a reference", "add --statement or --source")
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
        *here.cited(statements, sources),
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
        node, {file: block(node, ["dg:Recommendation", "owl:NamedIndividual"], said)}, module(here, file, f"recommendations of {graph.label(owner)}")
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
        module(here, facts, label, "Dermograph labels: ", f"What labels and guideline statements say of giving {label}."),
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
    made = Skeleton(node, {file: block(node, ["owl:Class", f"dg:{kind}Criterion"], said)}, module(here, file, "criteria of a guideline"))
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
    lows, highs = ([Decimal(_decimal(v)) for k, v in ends.items() if k in side] for side in (("from", "above"), ("up-to", "below")))
    touching = {"from", "up-to"} >= ends.keys()
    if lows and highs and (max(lows) > min(highs) or (max(lows) == min(highs) and not touching)):
        raise UsageError(f"no number is at least {max(lows)} and at most {min(highs)} as asked", "swap the two ends, or correct one")
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
