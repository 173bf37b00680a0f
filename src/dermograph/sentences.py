"""A criterion written out: as a sentence, in OWL's Manchester syntax, and as SPARQL over the facts.

The SPARQL says of each patient whether the criterion is known true or known false; a patient without a row is unknown.
It is made from the definition, and a test holds its rows equal to the truths of the reasoner. Manchester syntax is that
of https://www.w3.org/TR/owl2-manchester-syntax/.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dermograph.terms import PREFIXES

Tree = dict[str, Any]

_FACETS = {"from": ">=", "above": ">", "upTo": "<=", "below": "<"}
_EVERYONE = "?patient a pt:Patient ."


# --- words


def text(tree: Tree, name: str) -> str:
    """The criterion as an outline of sentences, each part under what it belongs to."""
    return "\n".join(_outline(tree, name, True, 0))


def _outline(tree: Tree, name: str, positive: bool, depth: int) -> list[str]:
    criterion = tree["criteria"][name]
    negation = "" if positive else "not: "
    start = "The patient " if depth == 0 else f"{'  ' * depth}- {negation}"
    members = criterion.get("members")
    if members is None:
        fact = tree["facts"][criterion["fact"]]
        lines = [f"{start}{criterion['label']} [{name}; from {tree['labels'].get(fact['recordedAs'], fact['recordedAs'])}]"]
    else:
        joined = ", that is" if len(members) == 1 else ", all of" if criterion["op"] == "and" else ", at least one of"
        lines = [f"{start}{criterion['label']} [{name}]{joined}"]
    for member, sign in members or ():
        lines += _outline(tree, member, sign, depth + 1)
    if "presumedFalseWhen" in criterion:
        other = criterion["presumedFalseWhen"]
        lines.append(f"{'  ' * (depth + 1)}What is not known counts as not so when the patient {tree['criteria'][other]['label']} [{other}]")
    return lines


def manchester(tree: Tree, name: str) -> str:
    """The criterion as one frame of Manchester syntax; criteria that it joins stand by their names."""
    criterion = tree["criteria"][name]
    body = _expression(tree, criterion)
    used = sorted({p for p in PREFIXES if any(f"{p}:" in part for part in (name, body))} | {"skos"})
    lines = [f"Prefix: {p}: <{PREFIXES[p]}>" for p in used]
    label = criterion["label"].replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join([*lines, "", f"Class: {name}", f'    Annotations: skos:prefLabel "{label}"@en', f"    EquivalentTo: {body}"])


def _expression(tree: Tree, criterion: Tree) -> str:
    if "members" in criterion:
        parts = [member if positive else f"(not ({member}))" for member, positive in criterion["members"]]
        return f" {criterion['op']} ".join(parts)
    if "value" in criterion:
        return f"{criterion['fact']} value {criterion['value']}"
    if "class" in criterion:
        return f"{criterion['fact']} some {criterion['class']}"
    facets = ", ".join(f"{_FACETS[k]} {bound}" for k, bound in bounds(criterion))
    return f"{criterion['fact']} some xsd:decimal[{facets}]"


def bounds(criterion: Tree) -> list[tuple[str, str]]:
    """Ends of the range of an atomic criterion, each with its kind: from, above, upTo or below."""
    return [(key, bound) for key, bound in criterion["range"].items() if abs(int(float(bound))) < 999999999]


# --- SPARQL


def sparql(tree: Tree, name: str) -> str:
    """A query that gives each patient of whom the criterion is known true or known false, over facts and index."""
    parts = []
    for truth in (True, False):
        pattern = _indent(_known(tree, name, truth), 6)
        parts.append(f"  {{\n    {{ SELECT DISTINCT ?patient WHERE {{\n{pattern}\n    }} }}\n    BIND({str(truth).lower()} AS ?holds)\n  }}")
    prefixes = "\n".join(f"PREFIX {p}: <{PREFIXES[p]}>" for p in ("ad", "dg", "fact", "pt", "xsd"))
    label = tree["criteria"][name]["label"]
    head = f"# The patient {label} [{name}]: known true and known false; without a row it is not known."
    return f"{head}\n{prefixes}\n\nSELECT ?patient ?holds\nWHERE {{\n" + "\n  UNION\n".join(parts) + "\n}\nORDER BY ?patient ?holds"


def _known(tree: Tree, name: str, truth: bool) -> str:
    """Pattern of the patients of whom a criterion is known to have a truth; a patient may match more than once."""
    criterion = tree["criteria"][name]
    if "members" in criterion:
        parts = [_part(tree, member, truth if positive else not truth) for member, positive in criterion["members"]]
        found = "\n".join(parts) if (criterion["op"] == "and") is truth else "\nUNION\n".join(parts)
    else:
        found = _atom(tree, name, truth)
    if truth or "presumedFalseWhen" not in criterion:
        return found
    presumed = _part(tree, criterion["presumedFalseWhen"], True)
    rest = f"{presumed}\nMINUS {_braced(_known(tree, name, True))}"
    return f"{_braced(found)}\nUNION\n{_braced(rest)}"


def _part(tree: Tree, name: str, truth: bool) -> str:
    label = tree["criteria"][name]["label"]
    comment = f"# {'' if truth else 'known not to be so: '}{label}"
    return f"{{ {comment}\n  SELECT DISTINCT ?patient WHERE {{\n{_indent(_known(tree, name, truth), 4)}\n  }}\n}}"


def _atom(tree: Tree, name: str, truth: bool) -> str:
    criterion = tree["criteria"][name]
    fact = criterion["fact"]
    if "range" in criterion:
        inside = " && ".join(f"?value {_FACETS[k]} {bound}" for k, bound in bounds(criterion))
        return f"?patient {fact} ?value .\nFILTER({inside if truth else f'!({inside})'})"
    if "value" in criterion:
        value = criterion["value"]
        if truth:
            return f"?patient {fact} {value} ."
        start = _EVERYONE if tree["facts"][fact]["silence"] == "dg:SilenceIsFalse" else f"?patient {fact} ?other ."
        return f"{start}\nMINUS {{ ?patient {fact} {value} }}"
    present = _present(fact, criterion["class"])
    return present if truth else _absent(tree, criterion, present)


def _absent(tree: Tree, criterion: Tree, present: str) -> str:
    """Pattern of the patients who are known not to have a fact of a class."""
    fact, cls = criterion["fact"], criterion["class"]
    silence = tree["facts"][fact]["silence"]
    if silence == "dg:SilenceIsUnknown":
        return f"{_EVERYONE}\nFILTER(false)"
    without = [f"MINUS {_braced(present)}"]
    if suspicion := tree["facts"][fact]["suspectedBy"]:
        without.append(f"MINUS {_braced(_suspected(suspicion, cls))}")
    screened = silence == "dg:SilenceIsAssumedFalse" and tree["conditions"][cls]["screened"]
    found = [_EVERYONE]
    if screened:
        gate = criterion.get("gate")
        options = [_braced(option) for option in _free(cls)] + ([_part(tree, gate, False)] if gate else [])
        found = ["\nUNION\n".join(options)]
    return "\n".join(found + without)


def _present(fact: str, cls: str) -> str:
    narrower = _braced(f"?patient {fact} ?node .\n?node a ?class .\n?class dg:within {cls} .")
    broader = _braced(f"{fact} dg:spreadsDown true .\n?patient {fact} ?node .\n?node a ?class .\n{cls} dg:within ?class .")
    return f"{narrower}\nUNION\n{broader}"


def _suspected(fact: str, cls: str) -> str:
    way = _braced(f"?class dg:within {cls} .") + " UNION " + _braced(f"{cls} dg:within ?class .")
    return f"?patient {fact} ?node .\n?node a ?class .\n{way}"


def _free(cls: str) -> Iterable[str]:
    yield f"?patient fact:isFreeOf ?free .\n{cls} dg:within ?free ."
    yield f"?patient fact:hasCondition ?other .\n?other a ?kind .\n?kind dg:rulesOut ?out .\n{cls} dg:within ?out ."


def _braced(pattern: str) -> str:
    return f"{{ {pattern} }}" if "\n" not in pattern else f"{{\n{_indent(pattern, 2)}\n}}"


def _indent(pattern: str, width: int) -> str:
    return "\n".join(" " * width + line for line in pattern.splitlines())
