"""The worked-out index on disk, keyed by the digest of what it was worked out from.

Safe to delete at any time, and safe under several processes: a file is written aside and moved into place whole.
A file that cannot be read is worked out anew.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

FORMAT = 13
"""Raised whenever the shape of the index changes."""

KEPT = 8
"""Newest files that are kept."""


def folder() -> Path:
    """Folder of the cache: ``$DERMOGRAPH_CACHE``, else the user's cache folder."""
    given = os.environ.get("DERMOGRAPH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "dermograph"


def load(key: str) -> dict[str, Any] | None:
    """The index under a key, or None."""
    try:
        found = json.loads(_path(key).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("key") == key else None


def save(key: str, index: dict[str, Any]) -> None:
    """Keep an index under a key; a folder that cannot be written is no error."""
    path = _path(key)
    try:
        write(path, index | {"key": key})
        for old in sorted(path.parent.glob("index-*.json"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def write(path: Path, value: Any) -> None:
    """Write JSON so that nobody ever reads half of it.

    :raises OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as aside:
        json.dump(value, aside, separators=(",", ":"))
    Path(aside.name).replace(path)


def _path(key: str) -> Path:
    return folder() / f"index-{FORMAT}-{key[:32]}.json"
