"""One bucket of Bulk Data: its patients read one by one, and written as one part of each table."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sqlite3
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph import cache
from dermograph.cohort import descriptor, products
from dermograph.cohort.graphs import rows
from dermograph.cohort.rdf.work import end_with_parent
from dermograph.cohort.tables import IGNORED, LINES, ORIGIN, REJECTED
from dermograph.errors import InputError
from dermograph.fhir import parsing, reading
from dermograph.fhir.bundle import MINTED, local
from dermograph.fhir.report import passed_over
from dermograph.fhir.terminology import Terminology

if TYPE_CHECKING:
    import pyarrow as pa

Lost = Counter[tuple[str, str, str, str, str]]
"""What was passed over, by kind, system, code, text and reason."""

_codes: Terminology


def start(codes: Terminology) -> None:
    """Give a process the mappings, and let it end with the one that began it: else it would write beside the run that goes on."""
    global _codes
    _codes = codes
    threading.Thread(target=end_with_parent, daemon=True).start()


def convert(work: Path, number: int, today: dt.date) -> None:
    """Read one bucket, and write a part of each table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    people: dict[str, list[tuple[str, int, bytes]]] = defaultdict(list)
    with (work / "buckets" / f"{number:05}.ndjson").open("rb") as file:
        for row in file:
            head, _, line = row.partition(b"\t")
            patient, name, place = json.loads(head)
            people[patient].append((name, place, line))
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in descriptor.names()}
    rejected: list[dict[str, Any]] = []
    lost: Lost = Counter()
    referred = sqlite3.connect(work / "buckets" / "products.sqlite")
    for patient in sorted(people):
        _read(patient, people.pop(patient), referred, today, found, rejected, lost)
    referred.close()
    for name, rows_ in [*found.items(), ("rejected", rejected)]:
        kinds = {"": REJECTED} if name == "rejected" else {"": descriptor.columns(name), LINES: ORIGIN}
        for beside, columns in kinds.items() if rows_ or name == "patients" else ():
            _put(pq, pa.Table.from_pylist(rows_, _schema(columns)), work / "tables" / f"{name}{beside}" / f"part-{number:05}.parquet")
    cache.write(work / f"lost-{number:05}.json", sorted([*k, n] for k, n in lost.items()))
    (work / f"read-{number:05}").touch()


def _read(
    patient: str,
    lines: list[tuple[str, int, bytes]],
    referred: sqlite3.Connection,
    today: dt.date,
    found: dict[str, list[dict[str, Any]]],
    rejected: list[dict[str, Any]],
    lost: Lost,
) -> None:
    """Read one patient; what cannot be read refuses this one only."""
    lines = sorted(lines)
    values = [parsing.value(line, f"{name}: line {place}") for name, place, line in lines]
    if not any(value["resourceType"] == "Patient" for value in values):
        for value in values:
            lost[value["resourceType"], "", "", "", "its patient is not in the input"] += 1
        return
    places = dict(reversed([(local(v["resourceType"], v.get("id") or ""), line[:2]) for v, line in zip(values, lines, strict=True)]))
    who = MINTED + local("Patient", patient)
    try:
        values += products.referred(referred, values)
        read = reading.from_values(values, who, _codes, today)
        (one,) = read.all()
    except InputError as error:
        file, place = _blamed(error.message.removeprefix(f"{who}: "), places) or lines[0][:2]
        found["patients"].append(dict.fromkeys(descriptor.columns("patients")) | {"patient": who, "asOf": today, "file": file, "line": place})
        reason = f"{error.message.removeprefix(f'{who}: ')}{'; ' if error.hint else ''}{error.hint}"
        rejected.append({"table": file, "row": place, "patient": who, "reason": reason, "value": None})
        return
    for table, more in rows([one], _codes.words.within, named=True).items():
        for row in more:
            row["file"], row["line"] = _origin(row["node"].removeprefix(MINTED), places) or (None, None)
        found[table] += more
    lost.update(passed_over(read.report.lines))


def _blamed(message: str, places: dict[str, tuple[str, int]]) -> tuple[str, int] | None:
    """File and line of the resource that a message names, of the longest name where one begins another."""
    named = [name for name in places if re.search(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z0-9-])", message)]
    return places[max(named, key=len)] if named else None


def _origin(node: str, places: dict[str, tuple[str, int]]) -> tuple[str, int] | None:
    """File and line of the resource that a node was made of: its name, or the longest beginning of it that is one."""
    while node and node not in places:
        node = node[: max(*map(node.rfind, "-#~"), 0)]
    return places.get(node)


def sum_up(work: Path) -> None:
    """Write what was passed over in all buckets, and the lines that are no resources."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    beside = json.loads((work / "buckets" / "beside.json").read_text(encoding="utf-8"))
    lost: Counter[tuple[str, ...]] = Counter({tuple(row[:-1]): row[-1] for row in beside["lost"]})
    for path in sorted(work.glob("lost-*.json")):
        for *key, count in json.loads(path.read_text(encoding="utf-8")):
            lost[tuple(key)] += count
    ignored = [dict(zip(IGNORED, (*key, count), strict=True)) for key, count in sorted(lost.items())]
    tables = work / "tables"
    _put(pq, pa.Table.from_pylist(ignored, _schema(IGNORED)), tables / "ignored" / "part-00000.parquet")
    if beside["broken"]:
        _put(pq, pa.Table.from_pylist(beside["broken"], _schema(REJECTED)), tables / "rejected" / "part-broken.parquet")


def _put(pq: Any, table: pa.Table, path: Path) -> None:
    """Write a part whole: under another name first, in another folder, so that nobody takes half of it for the part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent.parent / f"{path.parent.name}-{path.stem}.{os.getpid()}.aside"
    pq.write_table(table, aside, compression="zstd")
    aside.replace(path)


def _schema(columns: dict[str, str]) -> Any:
    import pyarrow as pa

    kinds = {"string": pa.string(), "date": pa.date32(), "integer": pa.int64(), "number": pa.decimal128(24, 12)}
    return pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
