"""Pages of therapies: who advises them for whom, their doses, what speaks against them, what to test, where sources differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from markupsafe import Markup, escape

from dermograph.rows import positions
from dermograph.workbench.site import spans
from dermograph.workbench.site.blocks import Page, Section, Table, joined, listed
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

FORCE = ("dg:Absolute", "dg:Relative", "dg:Cautionary")
_HEADS = ("what", "weight", "when", "least age", "least weight", "test", "schedule", "after", "length", "in words", "sources", "note")
_DOSE = ("loading dose", "dose", "how often", "at most", "for", "route", "sources")
_LAST = Decimal(999999999)


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The list of therapies and a page for each."""
    classes = material.within["dg:Therapy"]
    yield _list(material, words)
    for therapy in sorted(classes):
        if therapy != "dg:Therapy" and therapy in material.addresses and "#" not in material.addresses[therapy]:
            yield page(material, words, therapy)


def _list(material: Material, words: Words) -> Page:
    graph, rows = material.graph, material.tree["rows"]
    spoken = []
    for therapy in sorted(rows, key=lambda t: graph.label(t).lower()):
        said = list(rows[therapy]["recommendations"])
        told = {words.links(graph.nodes(r, "dg:guideline")) for r in said}
        regimens = len(rows[therapy]["regimens"])
        count = f"{regimens} regimen{'' if regimens == 1 else 's'}" if regimens else ""
        parents = words.links(list(graph.nodes(therapy, "rdfs:subClassOf")))
        spoken.append([words.link(therapy), parents, listed(sorted(told)), count])
    tables = [Table("Therapies that a guideline speaks of", ["therapy", "kind", "guidelines", "doses"], spoken)]
    return Page(
        "therapies.html",
        "Therapies",
        "list",
        "Each therapy that a guideline speaks of, and below every other class of therapy.",
        [Section("spoken-of", "Spoken of by a guideline", tables), Section("all", "All therapies", [_hierarchy(material, words, "dg:Therapy")])],
    )


def _hierarchy(material: Material, words: Words, top: str) -> Table:
    graph = material.graph
    rows = []
    for cls in sorted(material.within[top], key=lambda c: graph.label(c).lower()):
        if cls != top:
            rows.append([words.link(cls), words.links(graph.nodes(cls, "rdfs:subClassOf")), graph.text(cls, "skos:definition") or ""])
    return Table(f"All classes of {graph.label(top)}", ["class", "kind of", "definition"], rows)


def page(material: Material, words: Words, therapy: str) -> Page:
    """The page of a therapy."""
    graph = material.graph
    facts = _Facts(material, words, therapy)
    sections = [
        Section("recommendations", "What the guidelines say", facts.recommendations()),
        Section("indications", "Indications", facts.of("dg:Indication")),
        Section("doses", "Doses", [*facts.doses(), *facts.of("dg:MeantGap")]),
        Section("contraindications", "Contraindications", facts.of("dg:Contraindication", order="dg:force")),
        Section("interactions", "Interactions", facts.of("dg:Interaction", order="dg:interactionEffect")),
        Section("deferrals", "What makes it wait", facts.of("dg:Deferral")),
        Section("before", "Before the start", [*facts.of("dg:Screening"), *facts.of("dg:BaselineTest")]),
        Section("monitoring", "While it is taken", [*facts.of("dg:MonitoringTest"), *facts.of("dg:ResponseTime"), *facts.of("dg:AdequateTrial")]),
        Section("cautions", "Cautions", [b for k in ("dg:BoxedWarning", "dg:AdverseEffect", "dg:Precaution", "dg:CourseLimit") for b in facts.of(k)]),
        Section("differences", "Where sources differ", facts.differences()),
        words.used(therapy),
        words.described(therapy),
    ]
    parents = [p for p in graph.nodes(therapy, "rdfs:subClassOf") if p != "dg:Therapy"]
    narrower = list(graph.subjects("rdfs:subClassOf", therapy))
    kin = [Markup("A kind of {}.").format(words.links(parents))] if parents else []
    kin += [Markup("Its kinds: {}.").format(words.links(narrower))] if narrower else []
    lead = joined([graph.text(therapy, "skos:definition") or "", *kin], " ")
    return Page(material.addresses[therapy], graph.label(therapy), "therapy", lead, sections, (("Therapies", "therapies.html"),), therapy)


class _Facts:
    """Tables of what is said of one therapy."""

    def __init__(self, material: Material, words: Words, therapy: str) -> None:
        self.material, self.words, self.graph, self.therapy = material, words, material.graph, therapy

    def of(self, kind: str, order: str = "") -> list[Table]:
        """Label facts of a kind, the heaviest first."""
        nodes = self.material.of_therapy(kind, self.therapy)
        place = {weight: i for i, weight in enumerate(FORCE)}
        nodes.sort(key=lambda n: (place.get(self.graph.text(n, order) or "", 9), self.graph.text(n, order) or "") if order else (0, ""))
        caption = self.graph.label(kind).capitalize()
        return [Table(caption, _HEADS, [self._row(n) for n in nodes])] if nodes else []

    def _row(self, node: str) -> list[str | Markup]:
        words, graph = self.words, self.graph
        weight = graph.nodes(node, "dg:force") + graph.nodes(node, "dg:interactionEffect") + graph.nodes(node, "dg:reasonKind")
        return [
            words.link(node),
            words.links(weight),
            listed(words.link(c) for c in graph.nodes(node, "dg:criterion")),
            words.amount(node, "dg:minimumAge"),
            words.amount(node, "dg:minimumWeight"),
            words.links(graph.nodes(node, "dg:test")),
            joined(filter(None, [words.amount(node, "dg:schedule"), escape(graph.text(node, "dg:scheduleText") or "")]), "; "),
            words.amount(node, "dg:after"),
            joined(filter(None, [words.amount(node, "dg:duration"), words.amount(node, "dg:least")]), " or "),
            graph.text(node, "dg:says") or "",
            words.witness(node),
            self.note(node),
        ]

    def note(self, node: str) -> Markup:
        """What a reader has to know of a fact: it was seen in no source, it is stated of a broader class."""
        notes: list[str | Markup] = []
        if self.graph.value(node, "dg:verified") is False:
            notes.append("not seen in a source")
        if self.graph.flag(node, "dg:startOnly"):
            notes.append("forbids the start only")
        if self.graph.flag(node, "dg:exampleOnly"):
            notes.append("reported as an example, not advised")
        stated = self.graph.nodes(node, "dg:therapy")
        if self.therapy not in stated:
            notes.append(Markup("stated of {}").format(self.words.links(stated)))
        return joined(notes, "; ")

    def recommendations(self) -> Sequence[Table]:
        """What the guidelines say of the therapy, for or against."""
        rows = [
            recommendation(self.words, n)[:1] + recommendation(self.words, n)[2:] for n in self.material.of_therapy("dg:Recommendation", self.therapy)
        ]
        return [Table("Recommendations", RECOMMENDATION[:1] + RECOMMENDATION[2:], rows)] if rows else []

    def doses(self) -> list[Table]:
        """The dose table: a row for each regimen, by who says it and by the bands of its population."""
        graph, tree, words = self.graph, self.material.tree, self.words
        regimens = self.material.of_therapy("dg:Regimen", self.therapy)
        if not regimens:
            return []
        found = {n: spans.bands(tree, p) if (p := graph.text(n, "dg:population")) else ({}, True) for n in regimens}
        asked = [m for bands, _ in found.values() for m in bands]
        measures = sorted(set(asked), key=lambda m: (-asked.count(m), m))

        def place(node: str) -> tuple[object, ...]:
            authority = graph.text(node, "dg:authority")
            lows = [found[node][0].get(m, (-_LAST, _LAST))[:2] for m in measures]
            return (graph.number(authority, "dg:order") or 0 if authority else 0, lows, graph.number(node, "dg:order") or 0, node)

        rows = []
        for n in sorted(regimens, key=place):
            bands, whole = found[n]
            population = graph.text(n, "dg:population")
            rest = "any" if whole else "see whom"
            told = [spans.words(bands[m], tree["facts"][m]["unit"] or "1") if m in bands else rest for m in measures]
            whom: list[str | Markup] = ["" if whole else words.link(population or ""), *told]
            if whole and population and measures:
                first = next(i for i, m in enumerate(measures, 1) if m in bands)
                whom[first] = words.link(population, told[first - 1])
            rows.append([self._regimen(n), *whom, *self._dose(n)])
        heads = ["regimen", "for whom", *(_measure(tree["facts"][m]) for m in measures), *_DOSE]
        return [Table("Doses by population, the guidelines' first", heads, rows)]

    def _regimen(self, node: str) -> Markup:
        """The name of a regimen with what is said of it in words."""
        graph, words = self.graph, self.words
        said: list[str | Markup] = [text for p in ("dg:phase", "dg:condition", "dg:withoutDose") if (text := graph.text(node, p))]
        said += [f"{graph.label(p)}: {text}" for p in ("dg:titration", "dg:taper") if (text := graph.text(node, p))]
        said += [note] if (note := self.note(node)) else []
        return joined([words.link(node), *(Markup("<small>{}</small>").format(line) for line in said)], " ")

    def _dose(self, node: str) -> list[str | Markup]:
        words = self.words
        doses = [words.amount(node, p) for p in ("dg:dose", "dg:perKilogram")]
        often = [words.amount(node, "dg:frequency"), words.interval(node, "dg:every")]
        divided = self.graph.text(node, "dg:divided")
        return [
            words.amount(node, "dg:loading"),
            joined(filter(None, doses), " or "),
            joined(filter(None, often)) + (f", in {divided} doses" if divided and divided != "1" else ""),
            words.amount(node, "dg:maximum"),
            words.amount(node, "dg:duration"),
            words.links(self.graph.nodes(node, "dg:route")),
            words.witness(node),
        ]

    def differences(self) -> list[Table]:
        """Each disagreement on the therapy with what every side says."""
        graph, words = self.graph, self.words
        rows = []
        for node in self.material.of_therapy("dg:Disagreement", self.therapy):
            for number, side in enumerate(positions(graph, node)):
                about = words.link(node) if number == 0 else Markup('<span class="again">{}</span>').format(graph.label(node))
                whom = words.links(graph.nodes(node, "dg:criterion")) if number == 0 else ""
                rows.append([about, whom, words.voice(side), graph.text(side, "dg:says") or "", words.cited(side)])
        return [Table("What each source says", ["matter", "for whom", "who", "says", "sources"], rows)] if rows else []


def _measure(fact: dict[str, str]) -> str:
    """Heading of a measure; ages are told in years where they come out even, so that their label would mislead."""
    return fact["label"].partition(" in ")[0]


RECOMMENDATION = ["recommendation", "therapy", "guideline", "direction", "strength", "certainty", "for whom", "step", "first", "sources"]
"""Headings of :func:`recommendation`."""


def recommendation(words: Words, node: str) -> list[str | Markup]:
    """A row of a table of recommendations."""
    graph = words.graph
    strength, scale = graph.text(node, "dg:strength"), graph.text(node, "dg:strengthScale")
    return [
        words.link(node),
        words.links(graph.nodes(node, "dg:therapy")),
        words.links(graph.nodes(node, "dg:guideline")),
        words.links(graph.nodes(node, "dg:direction")),
        Markup("{} <small>{}</small>").format(strength, scale) if strength and scale else strength or "",
        graph.text(node, "dg:certainty") or "",
        joined([words.link(c) for p in ("dg:population", "dg:indication") for c in graph.nodes(node, p)], "; "),
        words.links(graph.nodes(node, "dg:step")),
        joined((words.link(p) for p in graph.nodes(node, "dg:prerequisite")), "; "),
        words.cited(node),
    ]
