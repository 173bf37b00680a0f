"""The tables of a cohort as their descriptor tells them, a Data Package with a Table Schema for each.

https://datapackage.org/standard/table-schema/
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("tables.json")


@cache
def _resources() -> tuple[tuple[str, dict[str, Any]], ...]:
    package = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple((resource["name"], resource["schema"]) for resource in package["resources"])


def names() -> tuple[str, ...]:
    """Names of the tables, that of the patients first.

    >>> names()[:2]
    ('patients', 'conditions')
    """
    return tuple(name for name, _ in _resources())


def columns(table: str) -> dict[str, str]:
    """Columns of a table in their order, each with its type: string, date, number or integer.

    >>> columns("absences")
    {'patient': 'string', 'condition': 'string'}
    """
    return {field["name"]: field["type"] for field in dict(_resources())[table]["fields"]}


def required(table: str) -> list[str]:
    """Columns of a table that no row leaves empty.

    >>> required("assessments")
    ['patient', 'assessment', 'result']
    """
    return [field["name"] for field in dict(_resources())[table]["fields"] if field.get("constraints", {}).get("required")]
