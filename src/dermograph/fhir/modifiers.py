"""What changes the meaning of a resource without being understood: https://hl7.org/fhir/R4/extensibility.html#modifierExtension.

Nobody may read a resource, or a part of one, as if its modifier extensions or its implicit rules were not there.
"""

from __future__ import annotations

from typing import Any

from dermograph.fhir.elements import Element


def modified(element: Element, *parts: str) -> str:
    """Why an element must not be read as it stands; empty where nothing stands against it.

    :param parts: elements in it that are read too, with all that they hold.
    """
    rules = element.text("implicitRules")
    if rules:
        return f"it follows the rules {rules}, which are not understood"
    url = _own(element.value) or next(filter(None, (_anywhere(element.value.get(part)) for part in parts)), "")
    return f"a modifier extension that is not understood may turn its meaning: {url}" if url else ""


def _own(value: dict[str, Any]) -> str:
    """Name of the first modifier extension of an object."""
    found = value.get("modifierExtension")
    if not found:
        return ""
    first = found[0] if isinstance(found, list) else found
    return str(first.get("url") or "without a name") if isinstance(first, dict) else "without a name"


def _anywhere(value: Any) -> str:
    """Name of a modifier extension of an object, or of what it holds."""
    if isinstance(value, dict):
        return _own(value) or next(filter(None, map(_anywhere, value.values())), "")
    return next(filter(None, map(_anywhere, value)), "") if isinstance(value, list) else ""
