"""How much memory a run may take, as it is written."""

from __future__ import annotations

import re

from dermograph.errors import UsageError

_UNITS = {unit + end: base**power for end, base in (("B", 1000), ("iB", 1024)) for power, unit in enumerate("KMGT", start=1)}


def size(memory: str) -> int:
    """Bytes of a size.

    :raises UsageError: it is none.

    >>> size("4GB"), size("1.5 GiB")
    (4000000000, 1610612736)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B)\s*", memory, re.IGNORECASE | re.ASCII)
    size = float(found[1]) * next(of for unit, of in _UNITS.items() if unit.upper() == found[2].upper()) if found else 0
    if size < 1:
        raise UsageError(f"--memory {memory}: this is no size of memory", f"write a number above 0 with one of {', '.join(_UNITS)}, such as 4GB")
    return int(size)
