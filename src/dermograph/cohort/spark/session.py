"""The session of Spark in which a run takes place, and the places that it names."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort.memory import size
from dermograph.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SUBMITTED = "PYSPARK_GATEWAY_PORT"
"""Variable of the environment by which ``spark-submit`` tells a program of the session that it opened."""
_PARTITIONS = 2
"""Partitions of a shuffle for each core of one machine."""


@contextmanager
def opened(threads: int, memory: str) -> Iterator[SparkSession]:
    """The session that is there already, or that ``spark-submit`` sets up; without either one on this machine.

    :param threads: cores of this machine; 0 is all.
    :param memory: most memory on this machine, such as ``4GB``.
    :raises UsageError: Spark cannot be started.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("dermograph")
    if active is None and _SUBMITTED not in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        cores = threads or os.cpu_count() or 1
        here: dict[str, bool | float | int | str | None] = {
            "spark.driver.memory": f"{max(1, size(memory) >> 20)}m",
            "spark.sql.shuffle.partitions": _PARTITIONS * cores,
            "spark.ui.enabled": False,
            "spark.ui.showConsoleProgress": False,
        }
        builder = builder.master(f"local[{cores}]").config(map=here)
    try:
        session = active or builder.getOrCreate()
    except PySparkException as error:
        raise UsageError(
            f"Spark does not start: {str(error).splitlines()[0]}", "install Java 17 or later, or give the command to spark-submit"
        ) from error
    try:
        session.sparkContext.setLogLevel("ERROR")
        yield session
    finally:
        if active is None:
            session.stop()


def address(place: str) -> str:
    """Address of a folder as Spark takes it: a path without a scheme is one of the local disk, not of the default file system of a cluster.

    >>> address("hdfs:///people")
    'hdfs:///people'
    >>> address("/data/people")
    'file:///data/people'
    """
    return place.rstrip("/") if is_address(place) else Path(place).absolute().as_uri()


def is_address(place: str) -> bool:
    """Whether a place is named by an address with a scheme, such as ``s3a://bucket/people``."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", place) is not None


class Files:
    """Folders as the file systems of Spark see them.

    :param session: the session whose configuration opens them.
    """

    def __init__(self, session: SparkSession) -> None:
        self.hadoop: Any = session.sparkContext._jvm
        self.configuration: Any = session.sparkContext._jsc.hadoopConfiguration()

    def _opened(self, place: str) -> tuple[Any, Any]:
        path = self.hadoop.org.apache.hadoop.fs.Path(place)
        return path.getFileSystem(self.configuration), path

    def holds(self, place: str) -> bool:
        """Whether there is a file at a place, or a folder with something in it."""
        system, path = self._opened(place)
        return bool(system.exists(path) and (system.getFileStatus(path).isFile() or system.listStatus(path)))

    def names(self, place: str) -> list[str]:
        """Names of what lies in a folder; of none where there is no folder."""
        system, path = self._opened(place)
        return [str(status.getPath().getName()) for status in system.listStatus(path)] if system.exists(path) else []

    def copy(self, local: Path, place: str) -> None:
        """Copy a file or folder of the local disk into a folder."""
        system, path = self._opened(place)
        system.mkdirs(path)
        system.copyFromLocalFile(self._opened(local.as_uri())[1], path)
