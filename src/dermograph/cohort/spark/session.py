"""The session of Spark in which a run takes place, and the places that it names."""

from __future__ import annotations

import os
import re
import sys
import warnings
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
_LOGS = "LOG4J_CONFIGURATION_FILE"
"""Variable of the environment that names the file by which Spark logs."""
_PARTITIONS = 2
"""Partitions of a shuffle for each core of one machine."""
_LEAST = 512
"""MiB that Spark wants at least; in less than 450 it does not start."""


@contextmanager
def opened(threads: int, memory: str) -> Iterator[SparkSession]:
    """The session that is there already, or that ``spark-submit`` sets up; without either one on this machine.

    :param threads: cores of this machine; 0 is all.
    :param memory: most memory on this machine, such as ``4GB``.
    :raises UsageError: Spark cannot be started.
    """
    with warnings.catch_warnings():
        # Of pandas itself nothing is used here, only Arrow.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        from pyspark.sql import SparkSession

        active = SparkSession.getActiveSession()
        session = active or _started(threads, memory)
        try:
            session.sparkContext.setLogLevel("ERROR")
            _without_checksums(session)
            yield session
        finally:
            if active is None:
                session.stop()


def _started(threads: int, memory: str) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("dermograph")
    if _SUBMITTED not in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault(_LOGS, str(Path(__file__).with_name("log4j2.properties")))
        cores, room = threads or os.cpu_count() or 1, size(memory) >> 20
        if room < _LEAST:
            raise UsageError(f"--memory {memory}: Spark does not start in so little", f"give it {_LEAST}MiB or more")
        here: dict[str, bool | float | int | str | None] = {
            "spark.driver.memory": f"{room}m",
            "spark.sql.shuffle.partitions": _PARTITIONS * cores,
            "spark.ui.enabled": False,
            "spark.ui.showConsoleProgress": False,
        }
        builder = builder.master(f"local[{cores}]").config(map=here)
    try:
        return builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise UsageError(
            f"Spark does not start: {str(error).splitlines()[0]}", "install Java 17 or later, or give the command to spark-submit"
        ) from error


def _without_checksums(session: SparkSession) -> None:
    """Let no file be laid beside each file of results on a local disk."""
    hadoop: Any = session.sparkContext._jvm
    configuration: Any = session.sparkContext._jsc
    system = hadoop.org.apache.hadoop.fs.FileSystem.getLocal(configuration.hadoopConfiguration())
    system.setWriteChecksum(False)


def address(place: str) -> str:
    """Address of a folder as Spark takes it: a path without a scheme is one of the local disk, not of the default file system of a cluster.

    >>> address("hdfs:///people")
    'hdfs:///people'
    >>> address("/data/people")
    'file:///data/people'
    """
    return place.rstrip("/") if is_address(place) else _local(Path(place))


def _local(path: Path) -> str:
    """Address of a file of this machine: Hadoop takes an address as it is written, so that nothing in it stands for other letters."""
    return f"file://{path.absolute()}"


def read_as(place: str) -> str:
    r"""An address as Spark reads tables from it: nothing in it stands for other names.

    >>> read_as("file:///data/a[1]")
    'file:///data/a\\[1\\]'
    """
    return re.sub(r"[][{}*?\\]", r"\\\g<0>", place)


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

    def take(self, place: str) -> bool:
        """Make an empty file; whether it was not there before."""
        system, path = self._opened(place)
        return bool(system.createNewFile(path))

    def drop(self, place: str) -> None:
        """Remove a file."""
        system, path = self._opened(place)
        system.delete(path, False)

    def copy(self, local: Path, place: str) -> None:
        """Copy a file or folder of the local disk into a folder."""
        system, path = self._opened(place)
        system.mkdirs(path)
        system.copyFromLocalFile(self._opened(_local(local))[1], path)
