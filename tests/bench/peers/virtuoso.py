"""Virtuoso, a triple store that is asked over HTTP; a server of its own in a folder of its own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from peers.peer import Answer, joined
from peers.people import People
from peers.queries import Queries
from peers.rules import Rules

GRAPH = "urn:people"
SETTINGS = """\
[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
TempStorage = TempDatabase

[TempDatabase]
DatabaseFile = {folder}/virtuoso-temp.db
TransactionFile = {folder}/virtuoso-temp.trx

[Parameters]
ServerPort = {port}
DisableUnixSocket = 1
DirsAllowed = {data}
CheckpointInterval = 0
NumberOfBuffers = {buffers}
MaxDirtyBuffers = {dirty}
MaxQueryMem = 2G
ThreadsPerQuery = 2
AsyncQueueMaxThreads = 4

[HTTPServer]
ServerPort = {http}
ServerRoot = {folder}
ServerThreads = 4

[SPARQL]
ResultSetMaxRows = {rows}
"""
BUFFERS = 170_000
"""As its manual advises for 2 GB of memory."""
UNLIMITED = 100_000_000
"""Rows of an answer, none of which is cut off."""


@dataclass
class Virtuoso:
    """The facts of all patients loaded by its bulk loader, then asked by the compiled queries over HTTP, answers as CSV."""

    rules: Rules
    most: int = 10_000
    name: str = "Virtuoso over HTTP, given the facts"

    def missing(self) -> str | None:
        return missing()

    def version(self) -> str:
        told = subprocess.run(["virtuoso-t", "-?"], capture_output=True, text=True, check=False)
        found = re.search(r"Version ([\d.]+)", told.stdout + told.stderr)
        return found[1] if found else "unknown"

    @cached_property
    def _queries(self) -> Queries:
        return Queries(self.rules)

    def answer(self, people: People) -> Answer:
        facts = people.facts.resolve()
        with tempfile.TemporaryDirectory() as room, server(Path(room), facts.parent) as (port, http):
            index = Path(room) / "index.nt"
            index.write_text("".join(self._queries.index), encoding="utf-8")
            told(port, f"DB.DBA.TTLP(file_to_string_output('{index}'), '', '{GRAPH}', 512)")
            start = time.perf_counter()
            told(port, f"DB.DBA.TTLP_MT(file_to_string_output('{facts}'), '', '{GRAPH}', 512)")
            answers = [(name, _asked(http, query)) for name, query in self._queries.queries.items()]
            marks = self._queries.marks(answers, people.names)
            return joined(self.rules, people.count, marks, time.perf_counter() - start)


def missing() -> str | None:
    """Why it cannot be run here."""
    lacking = [program for program in ("virtuoso-t", "isql-vt") if shutil.which(program) is None]
    return f"no {' and '.join(lacking)} on the path: apt-get install virtuoso-opensource-7-bin" if lacking else None


@contextmanager
def server(room: Path, data: Path, buffers: int = BUFFERS, rows: int = UNLIMITED) -> Iterator[tuple[int, int]]:
    """Ports of a server that runs meanwhile, for SQL and for HTTP.

    :param data: folder that it may read.
    :param buffers: pages of 8 kB that it holds in memory.
    :param rows: most rows of an answer.
    """
    port, http = _free(), _free()
    settings = room / "virtuoso.ini"
    text = SETTINGS.format(folder=room, port=port, http=http, data=f"{room}, {data}", buffers=buffers, dirty=buffers * 3 // 4, rows=rows)
    settings.write_text(text, encoding="utf-8")
    running = subprocess.Popen(
        ["virtuoso-t", "+configfile", str(settings), "+foreground"], cwd=room, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                _asked(http, "ASK { ?s ?p ?o }")
                break
            except OSError:
                if running.poll() is not None:
                    raise RuntimeError((room / "virtuoso.log").read_text(encoding="utf-8")) from None
                time.sleep(0.2)
        yield port, http
    finally:
        running.terminate()
        running.wait()


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def told(port: int, statement: str) -> None:
    """Tell the server an SQL statement."""
    words = ["isql-vt", str(port), "dba", "dba", "ERRORS=STDOUT", f"EXEC={statement};"]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    if run.returncode or "Error" in run.stdout:
        raise RuntimeError(run.stdout + run.stderr)


def _asked(http: int, query: str) -> str:
    """Answer of a query as CSV, without the head."""
    body = urllib.parse.urlencode({"default-graph-uri": GRAPH, "query": query, "format": "text/csv"}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/sparql", body) as reply:
        text: str = reply.read().decode()
        return text.partition("\n")[2]
