"""How fast the service answers under load, and whether its memory stays flat; the load is that of Debian's wrk."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from timing import ROOT, Row, timed

CLIENTS = (1, 8, 64)
SECONDS = 15
SOAK = 100_000
"""Requests over which memory is watched."""
LARGE = 1_000_000
"""Bytes of a large bundle."""
BUNDLE = ROOT / "tests" / "fhir" / "severe-refractory-eczema-of-a-girl-of-8-as-the-profile-has-it" / "bundle.json"
PATIENT = ROOT / "tests" / "readme" / "mia.ttl"
SCRIPT = """
local file = io.open(os.getenv("PATIENT"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "text/turtle"
file:close()
"""


def rows() -> Iterator[Row]:
    """Latency of ``POST /api/assess`` with one patient, by the number of clients that ask at once."""
    with _running() as (url, _):
        _load(url, 8, 3)
        for clients in CLIENTS:
            told = _load(url, clients, SECONDS)
            figures = [told[key] for key in ("50%", "99%", "Requests/sec:")]
            yield f"`POST /api/assess`, {clients} at once: median, 99th of 100, a second", ", ".join(figures), "-"
        for narrative, wanted in {2_500: "100 ms", 0: "-"}.items():
            bundle = _bundle(narrative)
            large = urllib.request.Request(url, bundle, {"Content-Type": "application/fhir+json"})
            taken = timed(partial(_read, large), 31)
            records = f"{len(json.loads(bundle)['entry']):,} records, all understood"
            yield f"`POST /api/assess`, a FHIR bundle of 1 MB with {records}", f"{taken * 1000:.0f} ms", wanted


def soak() -> Iterator[Row]:
    """Memory of all processes of the service before and after many requests."""
    with _running() as (url, process):
        done = _requests(_load(url, 8, 20))
        before = _memory(process)
        while done < SOAK:
            done += _requests(_load(url, 8, 60))
        yield f"memory of the service after {done:,} requests, against the first", f"{_memory(process) / before:.2f} ×", "1.1 ×"


@contextmanager
def _running() -> Iterator[tuple[str, int]]:
    """A service: its address and process."""
    if shutil.which("wrk") is None:
        raise SystemExit("the load of the service is that of wrk: apt-get install wrk")
    command = [sys.executable, "-m", "dermograph", "serve", "--port", "0"]
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stderr=log, text=True) as process:
        try:
            while not (told := Path(f"/proc/self/fd/{log.fileno()}").read_text(encoding="utf-8")):
                if process.poll() is not None:
                    raise SystemExit("the service did not start")
            yield told.split()[0] + "api/assess", process.pid
        finally:
            process.terminate()


def _read(asked: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(asked) as told:
        found: bytes = told.read()
    return found


def _bundle(narrative: int) -> bytes:
    """A bundle with so many measurements and reviews of each day before that it is large.

    :param narrative: characters that each says beside its data; records of hospitals have about 3,500 each, and a sixth is understood.
    """
    text = {"text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"a" * narrative}</div>'}} if narrative else {}
    bundle = json.loads(BUNDLE.read_bytes())
    daily = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Observation"]
    size, day = len(json.dumps(bundle)), 0
    while size < LARGE:
        day += 1
        for one in daily:
            date = dt.date.fromisoformat(one["effectiveDateTime"]) - dt.timedelta(days=day)
            bundle["entry"].append({"resource": one | text | {"id": f"{one['id']}-{day}", "effectiveDateTime": str(date)}})
            size += len(json.dumps(bundle["entry"][-1]))
    return json.dumps(bundle).encode()


def _load(url: str, clients: int, seconds: int) -> dict[str, str]:
    """What wrk tells, by its words."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT)
        script.flush()
        command = ["wrk", "--latency", "-t", "1", "-c", str(clients), "-d", str(seconds), "--timeout", "20s", "-s", script.name, url]
        told = subprocess.run(command, env=os.environ | {"PATIENT": str(PATIENT)}, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(told)
    found = {key: value for line in told.splitlines() if len(parts := line.split()) == 2 for key, value in [parts]}
    return found | {"requests": re.findall(r"(\d+) requests in", told)[0]}


def _requests(told: dict[str, str]) -> int:
    return int(told["requests"])


def _memory(process: int) -> int:
    """Kilobytes that a process and those that it started hold."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], check=True, capture_output=True, text=True).stdout
    found = {int(pid): (int(parent), int(held)) for pid, parent, held in map(str.split, table.splitlines())}
    return sum(held for pid, (parent, held) in found.items() if process in (pid, parent))
