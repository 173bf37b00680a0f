"""When the files of a folder are saved, by looking at them again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_ENDINGS = {".ttl", ".rq", ".tsv", ".xml"}
Snapshot = dict[Path, tuple[int, int]]


def snapshot(folders: Sequence[Path]) -> Snapshot:
    """Files below folders, each with the time of its last change and its size."""
    found: Snapshot = {}
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if path.suffix in _ENDINGS and path.is_file():
                    state = path.stat()
                    found[path] = (state.st_mtime_ns, state.st_size)
            except OSError:  # it went away while it was looked at
                continue
    return found


def changes(folders: Sequence[Path], every: float = 0.25) -> Iterator[list[Path]]:
    """Files that were saved, made or taken away, once they have been at rest for one look.

    :param every: seconds between two looks.
    """
    known = snapshot(folders)
    while True:
        time.sleep(every)
        found = snapshot(folders)
        while found != known:
            time.sleep(every / 2)
            again = snapshot(folders)
            if again == found:
                yield sorted(path for path in known.keys() | found.keys() if known.get(path) != found.get(path))
                known = found
                break
            found = again
