"""Files that may be packed, as the ends of their names tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

PACKED = {".gz": "gzip", ".zst": "zstd"}
"""How a file is packed, by the end of its name."""


@contextmanager
def opened(path: Path) -> Iterator[tuple[pa.NativeFile, pa.NativeFile]]:
    """What a file holds, unpacked where its name says that it is packed, and the file as it is, whose place tells how much is read.

    :raises OSError: it cannot be read, or is not packed so.
    """
    import pyarrow as pa

    with pa.OSFile(str(path)) as raw:
        if packed := PACKED.get(path.suffix.lower()):
            with pa.CompressedInputStream(raw, packed) as stream:
                yield stream, raw
        else:
            yield raw, raw
