"""A part of the results as a file of Parquet that is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

_PARQUET = {"compression": "zstd", "store_schema": False, "write_statistics": False, "dictionary_pagesize_limit": 1 << 26}
"""Every row group holds all therapies, so that statistics of its columns would let no reader pass one over."""


class PartFile:
    """A file of results that is in its place only when it is whole; its row groups are the tables that are written."""

    def __init__(self, work: Path, folder: Path, number: int) -> None:
        self.aside, self.whole = work / f"{folder.name}-{number:05}.parquet", folder / f"part-{number:05}.parquet"
        self.writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, table: pa.Table) -> None:
        """Write a row group."""
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.aside, table.schema, **_PARQUET)
        self.writer.write_table(table, row_group_size=max(1, len(table)))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()
        if kind is None:
            self.whole.parent.mkdir(parents=True, exist_ok=True)
            self.aside.replace(self.whole)
