"""JSON Schema of an answer, made from the dataclasses of :mod:`dermograph.assessment`.

The schema is of draft 2020-12: https://json-schema.org/draft/2020-12/schema
"""

from __future__ import annotations

from typing import Any

from dermograph.assessment import _OPTIONAL as OPTIONAL
from dermograph.assessment import json_name
from dermograph.verdicts import PRECEDENCE

Tree = dict[str, Any]

_NUMBER = {"type": "number"}
_AMOUNT = {
    "title": "Amount",
    "description": "A number or a range, both ends included, in a UCUM unit.",
    "type": "object",
    "properties": {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "unit": {"type": "string"}},
    "required": ["unit"],
    "anyOf": [{"required": ["value"]}, {"required": ["low"]}, {"required": ["high"]}],
}
_NARROWER: dict[tuple[str, str], Tree] = {
    ("Assessment", "asOf"): {"type": "string", "format": "date"},
    ("FactUsed", "value"): {"type": ["string", "number", "null"]},
    ("Knowledge", "sha256"): {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    ("Input", "sha256"): {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    ("TherapyVerdict", "continue"): {"enum": ["yes", "review", "stop"]},
    ("TherapyVerdict", "rank"): {"type": ["integer", "null"], "minimum": 1},
    ("TherapyVerdict", "status"): {"enum": list(PRECEDENCE)},
    ("WouldChange", "to"): {"enum": list(PRECEDENCE)},
}
"""What the types of Python say less exactly than the contract."""


def schema() -> Tree:
    """Schema of what ``dermograph assess --format json`` prints: one answer, or several in an array."""
    from pydantic import TypeAdapter

    from dermograph.assessment import Assessment

    made = TypeAdapter(Assessment).json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions: Tree = made.pop("$defs")
    definitions["Assessment"] = made
    for name, definition in definitions.items():
        _in_words_of_contract(name, definition)
    definitions["Amount"] = _AMOUNT
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answer of dermograph assess",
        "description": "One answer, or an array of them where several patients were given; --format jsonl prints one answer a line.",
        "oneOf": [{"$ref": "#/$defs/Assessment"}, {"type": "array", "items": {"$ref": "#/$defs/Assessment"}}],
        "$defs": dict(sorted(definitions.items())),
    }


def _in_words_of_contract(name: str, definition: Tree) -> None:
    fields: Tree = definition.get("properties", {})
    definition["properties"] = {json_name(f): _plain(_NARROWER.get((name, json_name(f)), rule)) for f, rule in fields.items()}
    definition["required"] = [json_name(f) for f in fields if f not in OPTIONAL]


def _plain(rule: Any) -> Any:
    """A rule without the titles and defaults that only repeat the names of Python."""
    if isinstance(rule, dict):
        return {k: _plain(v) for k, v in rule.items() if k not in {"title", "default"}}
    return [_plain(v) for v in rule] if isinstance(rule, list) else rule
