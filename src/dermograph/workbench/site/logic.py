"""The page of the logic: Kleene's truth tables, worked out by the reasoner itself, silence, and the rule of verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from dermograph.criteria import Truths, compose
from dermograph.workbench.site.blocks import Page, Section, Table, joined, listed, paragraph
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words

_TRUTHS: tuple[bool | None, ...] = (True, False, None)
_WORDS = {True: "true", False: "false", None: "unknown"}


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The page of the logic."""
    graph = material.graph
    tables = [_table("and", "A and B"), _table("or", "A or B"), _negation()]
    intro = (
        "A criterion is true, false or unknown of a patient. Criteria are joined in Kleene's logic: unknown stays unknown unless the other decides."
    )
    silence = [
        [words.link(s), graph.text(s, "skos:definition") or "", listed(words.link(f) for f in graph.subjects("dg:whenUnrecorded", s))]
        for s in graph.instances("dg:WhenUnrecorded")
    ]
    yield Page(
        "logic.html",
        "Logic and verdicts",
        "rule",
        "How the truth of a criterion is joined, what silence means, and how a status is made of reasons.",
        [
            Section("truth", "Truth tables", [paragraph(intro), *tables]),
            Section("silence", "What silence means", [Table("When nothing is recorded", ["meaning", "what it says", "facts"], silence)]),
            Section("statuses", "Statuses", [_statuses(words)]),
            Section("rule", "The rule of verdicts", [paragraph(graph.text("dg:ReasonKind", "skos:scopeNote") or "")]),
            Section("reasons", "Kinds of reason", [_kinds(words)]),
            Section("continue", "A therapy that is taken now", [_continuations(words)]),
        ],
    )


def worked_out(op: str) -> dict[tuple[bool | None, bool | None], bool | None]:
    """Truth of two joined criteria for every pair of truths, as the reasoner works it out."""
    worlds = [(a, b) for a in _TRUTHS for b in _TRUTHS]
    tree: dict[str, Any] = {"criteria": {"joined": {"op": op, "members": [["a", True], ["b", True]]}}}
    rails = {
        truth: {name: sum(1 << i for i, world in enumerate(worlds) if world[side] is truth) for side, name in enumerate("ab")}
        for truth in (True, False)
    }
    truths = Truths(tree, [str(i) for i in range(len(worlds))], rails[True], rails[False])
    compose(truths, "joined", (1 << len(worlds)) - 1)
    return {world: truths.of("joined", place) for place, world in enumerate(worlds)}


def _table(op: str, caption: str) -> Table:
    found = worked_out(op)
    rows = [[Markup("<strong>A {}</strong>").format(_WORDS[a]), *(_word(found[a, b]) for b in _TRUTHS)] for a in _TRUTHS]
    return Table(caption, ["", *(f"B {_WORDS[b]}" for b in _TRUTHS)], rows, wide=True)


def _negation() -> Table:
    opposite = {True: False, False: True, None: None}
    return Table("not A", [f"A {_WORDS[a]}" for a in _TRUTHS], [[_word(opposite[a]) for a in _TRUTHS]], wide=True)


def _word(truth: bool | None) -> Markup:
    return Markup('<span class="truth {0}">{0}</span>').format(_WORDS[truth])


def _statuses(words: Words) -> Table:
    graph = words.graph
    statuses = sorted(graph.instances("dg:Status"), key=lambda s: graph.number(s, "dg:precedence") or Decimal(0))
    rows: list[list[str | Markup]] = []
    for status in statuses:
        kinds = listed(words.link(k) for k in graph.subjects("dg:givesStatus", status))
        rows.append([str(graph.number(status, "dg:precedence")), words.link(status), graph.text(status, "skos:definition") or "", kinds])
    return Table("Statuses, the first that is given wins", ["precedence", "status", "holds when", "given by"], rows)


def _kinds(words: Words) -> Table:
    graph = words.graph
    rows = []
    for kind in graph.instances("dg:ReasonKind"):
        whole = "the therapy itself" if graph.flag(kind, "dg:fromTherapy") else ""
        links = [words.links(graph.nodes(kind, p)) for p in ("dg:givesStatus", "dg:whileOngoing")]
        rows.append([words.link(kind), graph.text(kind, "skos:definition") or "", *links, whole])
    return Table("Kinds of reason", ["kind", "what it says", "gives", "while the therapy is taken", "comes from"], rows)


def _continuations(words: Words) -> Table:
    graph = words.graph
    found = sorted(graph.instances("dg:Continuation"), key=lambda s: graph.number(s, "dg:precedence") or Decimal(0))
    rows = [[words.link(c), graph.text(c, "skos:definition") or "", joined(graph.nodes(c, "dg:notation"))] for c in found]
    return Table("Whether it goes on, the first that is given wins", ["continuation", "holds when", "in an answer"], rows)
