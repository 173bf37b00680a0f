"""Differences and effects told: as lines, as Markdown for a pull request, as JSON for a program, as a changelog's section."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dermograph.workbench.aspects import CHANGES, SEVERITIES, WORDING
from dermograph.workbench.differences import Difference
from dermograph.workbench.effects import TURNS, Effect, Effects, totals

Tree = dict[str, Any]

SHAPE = "https://w3id.org/dermograph/diff/1"
"""Names the shape of the JSON; it changes when a field goes or changes its meaning."""
_WAYS = {"tightened": "fewer patients meet it", "loosened": "more patients meet it", "same": "the same patients meet it"}
_KNOWN = {"structure": "by its structure", "reasoner": "proven by HermiT", "cases": "in the patients given, not proven"}
_MOST = 200
"""Patients that Markdown lists; JSON lists all."""


def to_json(old: str, new: str, differences: Sequence[Difference], effects: Effects | None = None) -> Tree:
    """Everything for a program.

    ``shape`` names the shape; ``old`` and ``new`` are the sides as they were named; ``counts`` says how many differences
    there are of each severity; ``differences`` holds one object for each, with the fields of
    :class:`dermograph.workbench.differences.Difference` (``known_by`` as ``knownBy``); ``effects`` is null without
    patients, and else holds ``patients``, ``touched``, ``refused``, ``totals``, ``flow`` (patients by status before and
    after) and ``changed``, with the fields of :class:`dermograph.workbench.effects.Effect` in camel case.
    """
    return {
        "shape": SHAPE,
        "old": old,
        "new": new,
        "counts": {severity: sum(1 for d in differences if d.severity == severity) for severity in SEVERITIES},
        "differences": [d.to_json() for d in differences],
        "effects": effects.to_json() if effects else None,
    }


def sentence(difference: Difference) -> str:
    """What differs, in one line."""
    d = difference
    kind = d.kind.replace("-", " ")
    aspect = f", {d.aspect}" if d.aspect and not d.kind.startswith(d.aspect) and d.severity != WORDING else ""
    if d.before and d.after:
        said = f"{d.before} → {d.after}"
    else:
        said = d.after or d.before
        if d.kind.endswith("-changed"):
            said = f"{'added' if d.after else 'removed'}: {said}"
    way = f" ({_WAYS[d.direction]}, {_KNOWN[d.known_by]})" if d.direction in _WAYS and d.known_by else ""
    return f"{kind}{aspect}: {said}{way}" if said else f"{kind}{aspect}{way}"


def _parts(differences: Iterable[Difference]) -> Iterator[tuple[str, list[Difference]]]:
    """Differences by severity; what follows through derived criteria, and what is wording only, stand apart."""
    rows = list(differences)
    for severity in SEVERITIES:
        own = [d for d in rows if d.severity == severity and not (d.derived and severity != WORDING)]
        if own:
            yield severity, own
    if derived := [d for d in rows if d.derived and d.severity != WORDING]:
        yield "follows from these, in derived criteria", derived


def _cited(d: Difference) -> str:
    return ", ".join((*d.statements, *d.sources))


# --- lines


def text(differences: Sequence[Difference], effects: Effects | None = None) -> str:
    """The report for a terminal."""
    lines: list[str] = []
    for title, rows in _parts(differences):
        lines += [f"{title} ({len(rows)})"]
        for d in rows:
            lines.append(f"  {d.label} [{d.node}]")
            lines.append(f"    {sentence(d)}")
            if d.affects and d.severity != WORDING:
                lines.append(f"    asked by: {'; '.join(d.affects)}")
            place = f"{d.file}:{d.line}" if d.file else ""
            lines.append("    " + "; ".join(filter(None, [place, f"cites {_cited(d)}" if _cited(d) else ""])))
        lines.append("")
    if not differences:
        lines += ["no clinical difference", ""]
    if effects:
        lines.append(_summary(effects))
        lines += _aligned([["therapy", *TURNS.values()], *total_rows(effects)]) if effects.changed else []
        lines += [f"  {patient} cannot be compared: {why}" for patient, why in effects.refused]
        for patient, turns in _by_patient(effects):
            lines += ["", patient]
            for e in (e for e in turns if not e.follows):
                lines.append(f"  {e.label}: {turned(e)}")
                lines += [f"    because {_because(e)}"] if e.causes else []
            if follow := [e for e in turns if e.follows]:
                lines.append(f"  in consequence: {'; '.join(f'{e.label}: {turned(e)}' for e in follow)}")
    return "\n".join(lines).rstrip()


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as a table of plain text: numbers under the first words of their heads, columns of noughts left out."""
    kept = [c for c in range(len(rows[0])) if c == 0 or any(row[c] != "0" for row in rows[1:])]
    heads = [textwrap.wrap(rows[0][c], 18) for c in kept]
    high = max(map(len, heads))
    body = [[*(head[i] if i < len(head) else "" for head in heads)] for i in range(high)] + [[row[c] for c in kept] for row in rows[1:]]
    wide = [max(len(row[place]) for row in body) for place in range(len(kept))]
    return ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in body]


def _summary(effects: Effects) -> str:
    return f"{effects.touched:,} of {effects.patients:,} patients are answered otherwise"


def _totals(effects: Effects) -> Iterator[tuple[str, str]]:
    for row in total_rows(effects):
        label, *counts = row
        said = [f"{count} × {words}" for count, words in zip(counts, TURNS.values(), strict=True) if count != "0"]
        yield label, ", ".join(said)


def total_rows(effects: Effects) -> list[list[str]]:
    """For each therapy that changed, its label and how many patients each turn befell."""
    changed = [t for t in effects.labels if any(e.therapy == t for e in effects.changed)]
    return [[effects.labels[t], *(str(n) for n in totals(effects, t).values())] for t in changed]


def _by_patient(effects: Effects) -> Iterator[tuple[str, list[Effect]]]:
    rows: dict[tuple[str, str], list[Effect]] = {}
    for e in effects.changed:
        rows.setdefault((e.source, e.patient), []).append(e)
    for (_, patient), found in rows.items():
        yield patient, found


def turned(e: Effect) -> str:
    """What befell a therapy of a patient, in words."""
    parts = []
    if e.before != e.after:
        parts.append(f"{e.before} → {e.after}")
    if e.rank_before != e.rank_after:
        parts.append(f"rank {e.rank_before or 'none'} → {e.rank_after or 'none'}")
    if e.continue_before != e.continue_after:
        parts.append(f"continue {e.continue_before or 'none'} → {e.continue_after or 'none'}")
    if e.dose_before != e.dose_after:
        parts.append(f"dose {' or '.join(e.dose_before) or 'none'} → {' or '.join(e.dose_after) or 'none'}")
    return ", ".join(parts)


def _because(e: Effect) -> str:
    return "; ".join(f"{c.text}: {c.before} → {c.after}" if c.before else c.text for c in e.causes)


# --- Markdown


def markdown(old: str, new: str, differences: Sequence[Difference], effects: Effects | None = None) -> str:
    """The report for a pull request."""
    lines = [f"## Clinical difference: `{old}` → `{new}`", ""]
    if not differences:
        lines += ["No clinical difference.", ""]
    for title, rows in _parts(differences):
        fold = title not in SEVERITIES or title == WORDING
        table = ["| what | how | sources |", "| --- | --- | --- |"]
        table += [f"| {_cell(d.label)}<br>`{d.node}` | {_cell(sentence(d))} | {_cell(_cited(d))} |" for d in rows]
        heading = f"{title.capitalize()} ({len(rows)})"
        lines += [f"<details><summary>{heading}</summary>", "", *table, "", "</details>", ""] if fold else [f"### {heading}", "", *table, ""]
    if effects:
        lines += ["### Patients", "", f"{_summary(effects)}.", ""]
        if effects.changed:
            lines += [f"| therapy | {' | '.join(TURNS.values())} |", "| --- |" + " ---: |" * len(TURNS)]
            lines += [f"| {' | '.join(map(_cell, row))} |" for row in total_rows(effects)]
            own = [e for e in effects.changed if not e.follows] or list(effects.changed)
            lines += ["", "<details><summary>Patient by patient</summary>", "", "| patient | therapy | what | because |", "| --- | --- | --- | --- |"]
            lines += [f"| {_cell(e.patient)} | {_cell(e.label)} | {_cell(turned(e))} | {_cell(_because(e))} |" for e in own[:_MOST]]
            lines += [f"\n{len(own) - _MOST:,} more are in `--format json`."] if len(own) > _MOST else []
            lines += ["", "</details>", ""]
        lines += [f"- {_cell(patient)} cannot be compared: {_cell(why)}" for patient, why in effects.refused]
    return "\n".join(lines).rstrip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


# --- changelog


def changelog(differences: Sequence[Difference], effects: Effects | None, labels: dict[str, str]) -> str:
    """The *Clinical meaning* section of a changelog: what changes an outcome, by therapy, then what else may.

    :param labels: labels of therapies.
    """
    lines = ["### Clinical meaning", ""]
    telling = [d for d in differences if d.severity != WORDING and not d.derived]
    if not telling:
        said = "Wording and sources only; no" if differences else "No"
        lines.append(f"{said} patient gets another answer.")
    weighty = [d for d in telling if d.severity == CHANGES]
    if weighty:
        lines += ["Patients may get another status, rank or dose:", "", *_items(weighty, labels), ""]
    if rest := [d for d in telling if d.severity != CHANGES]:
        lines += ["What goes with an answer:" if weighty else "What goes with an answer, and no status, rank or dose:", "", *_items(rest, labels), ""]
    if effects:
        lines.append(f"{_summary(effects)}{_verdict(effects)}")
        lines += ["", *(f"- {label}: {said}." for label, said in _totals(effects))] if effects.changed else []
    return "\n".join(lines).rstrip()


def _verdict(effects: Effects) -> str:
    return "; where one is a case of an earlier release, this is a major version." if effects.changed else "."


def _items(rows: Sequence[Difference], labels: dict[str, str]) -> Iterator[str]:
    grouped: dict[str, list[Difference]] = {}
    for d in rows:
        grouped.setdefault(", ".join(labels.get(t, t) for t in d.therapies) if len(d.therapies) <= 3 else "several therapies", []).append(d)
    for therapies in sorted(grouped):
        for d in grouped[therapies]:
            cited = f" ({_cited(d)})" if _cited(d) else ""
            yield f"- {f'**{therapies}**: ' if therapies else ''}{d.label}: {sentence(d)}{cited}."
