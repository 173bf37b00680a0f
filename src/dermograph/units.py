"""Conversion of UCUM units, by the ``ucumvert`` library.

The library is only loaded for a unit that is not the canonical one.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Any

_ANNOTATION = re.compile(r"\{[^}]*\}")
"""UCUM annotations count as 1, yet mL/min and mL/min/{1.73_m2} are not the same measurement."""
_ABSURD = re.compile(r".{61}|[*^][+-]?\d{3}", re.DOTALL)
"""What no unit needs, and what would keep the library busy for ever."""


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@cache
def factor(unit: str, canonical: str) -> Decimal | None:
    """What a value in ``unit`` is multiplied by to be in ``canonical``; None where the two do not convert.

    :param unit: a UCUM code, such as ``g``.
    :param canonical: a UCUM code, such as ``kg``.
    """
    if unit == canonical:
        return Decimal(1)
    if _ABSURD.search(unit) or _ANNOTATION.findall(unit) != _ANNOTATION.findall(canonical):
        return None
    try:
        registry = _registry()
        ratio = registry.from_ucum(unit).to(registry.from_ucum(canonical))
    except Exception:  # the library raises parser errors of several kinds on a unit it does not know
        return None
    return Decimal(f"{float(ratio.magnitude):.12g}")


@cache
def known(unit: str) -> bool:
    """Whether a unit is a UCUM code."""
    if _ABSURD.search(unit):
        return False
    try:
        _registry().from_ucum(unit)
    except Exception:  # as above
        return False
    return True
