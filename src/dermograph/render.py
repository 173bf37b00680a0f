"""Answers for people: a table in the terminal, Markdown, and the tree of an explanation.

Every word of content comes from the answer; this module lays it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from dermograph.terms import local_name

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text
    from rich.tree import Tree as RichTree

    from dermograph.assessment import Assessment, TherapyVerdict
    from dermograph.explanation import Node

Tree = dict[str, Any]

DISCLAIMER = "Not a medical device: a clinician decides."
GROUPS = {
    "eligible": ("Eligible now, best first", "bold green"),
    "ongoing": ("Taken now", "bold cyan"),
    "undetermined": ("Undetermined: a missing fact decides", "bold yellow"),
    "deferred": ("Deferred: something comes first", "bold yellow"),
    "excluded": ("Excluded", "bold red"),
}
_WEIGHTY = {"relative-contraindication", "no-regimen"}
"""Kinds of cautions that a table tells in full, since they speak against a therapy that is otherwise open."""
_MARKS = {"blocks": ("✗", "red"), "open": ("?", "yellow"), "clear": ("✓", "green")}
_TRUTHS = {"holds": "green", "does not hold": "red", "not known": "yellow"}


# --- what is said of a therapy, in plain text


def heading(tree: Tree, answer: Assessment) -> Iterator[str]:
    """Lines on where the patient stands."""
    yield f"Patient {answer.patient}, as of {answer.as_of}"
    for place in answer.pathway:
        guideline = tree["guidelines"][place.guideline]["label"]
        applies = next(g.applies for g in answer.guidelines if g.id == place.guideline)
        if applies is False:
            yield f"{guideline}: does not speak of this patient"
            continue
        at, following = (", ".join(tree["steps"][s]["label"] for s in steps) or "no step" for steps in (place.at, place.next))
        yield f"{guideline}: {'' if applies else 'not known whether it applies; '}at {at}; next {following}"


def next_actions(tree: Tree, answer: Assessment) -> Iterator[str]:
    """What to do next, in its order."""
    for action in answer.actions:
        opens = ", ".join(tree["rows"][t]["label"] for t in action.unblocks)
        yield action.label + (f" (opens the way to {opens})" if opens else "")


def grouped(answer: Assessment) -> Iterator[tuple[str, str, list[TherapyVerdict]]]:
    """Statuses that occur with their title, style and verdicts, by rank and name."""
    for status, (title, style) in GROUPS.items():
        found = [v for v in answer.therapies if v.status == status]
        if found:
            yield title, style, sorted(found, key=lambda v: (v.rank is None, v.rank or 0, v.label))


def why(verdict: TherapyVerdict) -> list[str]:
    """Reasons of a verdict in words, with what is missing, what is due and what speaks against it all the same."""
    found = []
    for reason in verdict.because:
        words = reason.kind.replace("-", " ")
        found.append(f"{words}: {reason.label}")
    if verdict.continue_:
        found.append(f"continue: {verdict.continue_}")
    if verdict.status != "excluded":
        found += [f"weigh: {c.label}" for c in verdict.cautions if c.kind in _WEIGHTY and not c.label.startswith("not known")]
    if verdict.missing:
        found.append("record: " + ", ".join(m.label for m in verdict.missing))
    if verdict.status == "ongoing" and verdict.reassess and verdict.reassess.on:
        found.append(f"judge the effect on {verdict.reassess.on}")
    return list(dict.fromkeys(found))


def first(verdict: TherapyVerdict) -> list[str]:
    """The smallest sets of things that would open a therapy, the first two."""
    return [" and ".join(c.label for c in w.if_) for w in verdict.would_change[:2]]


def doses(verdict: TherapyVerdict) -> list[str]:
    """Regimens in words; none of a therapy that is excluded."""
    if verdict.status == "excluded":
        return []
    return [r.text + (f" ({r.regulator})" if r.regulator else "") for r in verdict.regimens]


# --- the terminal


def table(tree: Tree, answer: Assessment) -> Iterator[RenderableType]:
    """The answer as a table that a clinician can read."""
    from rich.table import Table
    from rich.text import Text

    lines = list(heading(tree, answer))
    yield Text(lines[0], style="bold")
    yield from map(Text, lines[1:])
    for title, style, verdicts in grouped(answer):
        yield Text()
        yield Text(title, style=style)
        if verdicts[0].status == "excluded":
            grid = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
            grid.add_column(ratio=1, min_width=18)
            grid.add_column(ratio=3)
            for v in verdicts:
                grid.add_row(Text("  " + v.label), Text("; ".join(why(v))))
            yield grid
            continue
        grid = Table(show_lines=True, expand=True, padding=(0, 1))
        status = verdicts[0].status
        columns = (("rank", 4), ("therapy", 18), ("how it is given", 40), ("why", 40), ("would open it", 30), ("cautions", 8))
        shown = [c for c, _ in columns if (c != "rank" or status == "eligible") and (c != "would open it" or status in {"deferred", "undetermined"})]
        for name, width in columns:
            if name in shown:
                justify: Literal["left", "right"] = "right" if name in {"rank", "cautions"} else "left"
                if name == "therapy":
                    word = max(len(word) for v in verdicts for word in v.label.split())
                    grid.add_column(name, min_width=word, max_width=max(word, width))
                else:
                    grid.add_column(name, ratio=width if justify == "left" else None, min_width=min(width, 8), justify=justify)
        for v in verdicts:
            cells = {
                "rank": Text("" if v.rank is None else str(v.rank)),
                "therapy": Text(v.label, style="bold"),
                "how it is given": _listed(doses(v)),
                "why": _listed(why(v)),
                "would open it": _listed(first(v)),
                "cautions": Text(str(len(v.cautions))),
            }
            grid.add_row(*(cells[name] for name in shown))
        yield grid
    actions = list(next_actions(tree, answer))
    if actions:
        yield Text()
        yield Text("What to do next", style="bold")
        grid = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
        for place, line in enumerate(actions, start=1):
            grid.add_row(Text(f"  {place}."), Text(line))
        yield grid
    yield Text()
    yield Text(f"{_assumed(answer)}{len(answer.conflicts)} matters on which sources differ; all in --format json, or ask: dermograph explain.")


def _assumed(answer: Assessment) -> str:
    count = len(answer.assumptions)
    return f"{count} conditions that nothing was recorded of are taken as absent; " if count else ""


def _listed(lines: Sequence[str]) -> Text:
    from rich.text import Text

    return Text("\n".join(f"• {line}" for line in lines) if len(lines) > 1 else "".join(lines))


def tree_view(node: Node) -> RichTree:
    """An explanation as a tree for the terminal."""
    from rich.tree import Tree as RichTree

    root = RichTree(_line(node, ()))
    _grow(root, node)
    return root


def _grow(branch: RichTree, node: Node) -> None:
    for child in node.children:
        _grow(branch.add(_line(child, node.sources)), child)


def _line(node: Node, above: Sequence[str]) -> Text:
    from rich.text import Text

    text = Text()
    if node.bearing:
        mark, style = _MARKS[node.bearing]
        text.append(f"{mark} ", style=style)
    text.append(node.text, style="" if node.truth or node.sources or not node.children else "bold")
    if node.truth:
        text.append(f": {node.truth}", style=_TRUTHS[node.truth])
    if node.sources and tuple(node.sources) != tuple(above):
        text.append(f" [{', '.join(map(local_name, node.sources))}]", style="dim")
    return text


def cited(tree: Tree, nodes: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """Every source of a tree of nodes, once, with what it says or where it was read."""
    for source in sorted({source for node in nodes for source in node.sources}):
        if source in tree["statements"]:
            yield source, tree["statements"][source]
        elif source in tree["sources"]:
            reference = tree["sources"][source]
            yield local_name(source), f"{reference['label']} ({reference['kind']}), {reference['at']}"


# --- Markdown


def markdown(tree: Tree, answer: Assessment) -> str:
    """The answer as Markdown."""
    title, *places = heading(tree, answer)
    lines = [f"# {_md(title)}", "", *(f"- {_md(line)}" for line in places), ""]
    for name, _, verdicts in grouped(answer):
        head = "| rank | therapy | how it is given | why | would open it | cautions |"
        lines += [f"## {name}", "", head, "| ---: | --- | --- | --- | --- | ---: |"]
        for v in verdicts:
            told = ("<br>".join(map(_md, tell(v))) for tell in (doses, why, first))
            lines.append(f"| {v.rank or ''} | {' | '.join([v.label, *told, str(len(v.cautions))])} |")
        lines.append("")
    actions = list(next_actions(tree, answer))
    if actions:
        lines += ["## What to do next", "", *(f"{place}. {_md(line)}" for place, line in enumerate(actions, start=1)), ""]
    for title, words in (
        ("Taken as absent", [tree["labels"].get(a.condition, a.condition) for a in answer.assumptions]),
        ("Sources differ", [f"{c.label}: " + "; ".join(f"{_who(tree, s.source)}: {s.says}" for s in c.between) for c in answer.conflicts]),
    ):
        if words:
            lines += [f"## {title}", "", *(f"- {_md(line)}" for line in words), ""]
    return "\n".join(lines)


def _who(tree: Tree, source: str) -> str:
    return str(tree["guidelines"].get(source, {}).get("label", source))


def markdown_tree(tree: Tree, node: Node) -> str:
    """An explanation as nested Markdown lists, with its sources at the end."""
    lines = [f"# {_md(node.text)}", ""]

    def tell(child: Node, depth: int, above: Sequence[str]) -> None:
        mark = f"{_MARKS[child.bearing][0]} " if child.bearing else ""
        truth = f": *{child.truth}*" if child.truth else ""
        sources = f" [{', '.join(map(local_name, child.sources))}]" if child.sources and child.sources != tuple(above) else ""
        lines.append(f"{'  ' * depth}- {mark}{_md(child.text)}{truth}{sources}")
        for inner in child.children:
            tell(inner, depth + 1, child.sources)

    for child in node.children:
        tell(child, 0, ())
    lines += ["", "## Sources", "", *(f"- {name}: {_md(text)}" for name, text in cited(tree, node.walk())), ""]
    return "\n".join(lines)


def _md(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
