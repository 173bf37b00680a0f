"""Tables of a cohort as files: Parquet, CSV, N-Triples, N-Quads or Turtle, each of which says that it is made up.

The tables come block by block, rows in the order of the patients, and are written as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermograph.cohort import descriptor
from dermograph.errors import UsageError, unwritable
from dermograph.terms import PREFIXES, expand

if TYPE_CHECKING:
    import pyarrow as pa

README = "README.txt"
MARK = "Synthetic: "
"""How that which the files say of themselves begins; nothing that does not say so is ever replaced."""
SLICE = 8_192
"""Patients whose RDF is held at once."""
DICTIONARY = 16 * 1024 * 1024
"""Most bytes of the dictionary of a column, so that the names of a block fit."""
LINKS = {"conditions": "condition", "courses": "course", "observations": "observation", "assessments": "assessment"}
"""Property of a patient that each table of records fills; the second column of such a table is the class."""

Blocks = Iterable[Mapping[str, "pa.Table"]]


class Format(StrEnum):
    """Format of a population."""

    parquet = "parquet"
    csv = "csv"
    nt = "nt"
    nq = "nq"
    ttl = "ttl"


def write(blocks: Blocks, folder: Path, format: Format, about: str) -> list[Path]:
    """Write the tables, or the graph that says the same, into a folder.

    :param about: what the files say of themselves, on one line.
    :raises UsageError: the folder holds something else, or cannot be written to.
    :raises InputError: the disk is full.
    """
    about = MARK + about
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(folder.iterdir())
        for path in found:
            if not _replaceable(path):
                raise UsageError(f"{folder} holds {path.name}, which is not of a made-up population", "name a new or an empty folder")
        for path in found:
            path.unlink()
        if format is Format.parquet:
            return _parquet(blocks, folder, about)
        if format is Format.csv:
            return _csv(blocks, folder, about)
        path = folder / f"patients.{format}"
        with path.open("wb") as file:
            file.write(f"# {about}\n".encode())
            if format is Format.ttl:
                file.writelines(f"@prefix {p}: <{PREFIXES[p]}> .\n".encode() for p in ("ad", "pt", "xsd"))
            syntax = {Format.ttl: _Turtle, Format.nq: _Quads}.get(format, _Triples)()
            for block in blocks:
                for first, part in _slices(block):
                    file.write(_graph(first, part, syntax))
    except OSError as error:
        raise unwritable(folder, error) from error
    return [path]


def _replaceable(path: Path) -> bool:
    """Whether a file is of an earlier population that was made up, as it says itself."""
    table, ending = path.stem, path.suffix.removeprefix(".")
    if (path.name != README and (table not in descriptor.names() or ending not in set(Format))) or not path.is_file():
        return False
    if ending == Format.parquet:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            said = (pq.read_schema(path).metadata or {}).get(b"comment", b"")
        except pa.ArrowException:
            return False
        return bool(said.startswith(MARK.encode()))
    told = path.with_name(README) if ending == Format.csv else path
    if not told.is_file():
        return False
    with told.open("rb") as file:
        return file.readline().removeprefix(b"# ").startswith(MARK.encode())


# --- tables


def _parquet(blocks: Blocks, folder: Path, about: str) -> list[Path]:
    import pyarrow.parquet as pq

    paths = {table: folder / f"{table}.parquet" for table in descriptor.names()}
    with ExitStack() as stack:
        writers: dict[str, Any] = {}
        for block in blocks:
            for table, rows in block.items():
                if table not in writers:
                    schema = rows.schema.with_metadata({"synthetic": "true", "comment": about})
                    writer = pq.ParquetWriter(paths[table], schema, compression="zstd", compression_level=1, dictionary_pagesize_limit=DICTIONARY)
                    writers[table] = stack.enter_context(writer)
                writers[table].write_table(rows, row_group_size=max(len(rows), 1))
    return list(paths.values())


def _csv(blocks: Blocks, folder: Path, about: str) -> list[Path]:
    import pyarrow as pa
    from pyarrow import csv

    (folder / README).write_text(f"{about}\n", encoding="utf-8")
    paths = {table: folder / f"{table}.csv" for table in descriptor.names()}
    plain = csv.WriteOptions(include_header=False, quoting_style="none")
    with ExitStack() as stack:
        files = {table: stack.enter_context(path.open("wb")) for table, path in paths.items()}
        for table, file in files.items():
            file.write((",".join(descriptor.columns(table)) + "\n").encode())
        for block in blocks:
            for table, rows in block.items():
                texts = [_text(rows[name]) for name in rows.column_names]
                csv.write_csv(pa.table(texts, names=rows.column_names), files[table], plain)
    return [folder / README, *paths.values()]


def _text(column: pa.ChunkedArray) -> pa.Array:
    """A column as text, a decimal without the zeros at its end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.combine_chunks()
    if pa.types.is_decimal(whole.type):
        return pc.utf8_rtrim(pc.utf8_rtrim(whole.cast(pa.string()), "0"), ".")
    return whole.cast(pa.string())


# --- graphs


def _slices(block: Mapping[str, pa.Table]) -> Iterator[tuple[int, Mapping[str, pa.Table]]]:
    """The tables of a few patients after the other, with the place of the first in the block."""
    import numpy as np

    count = len(block["patients"])
    marks = np.arange(0, count + SLICE, SLICE)
    cuts = {table: np.searchsorted(_whose(rows), marks) for table, rows in block.items() if table != "patients"}
    for number, first in enumerate(range(0, count, SLICE)):
        parts = {table: block[table].slice(cut[number], cut[number + 1] - cut[number]) for table, cut in cuts.items()}
        yield first, {"patients": block["patients"].slice(first, SLICE), **parts}


def _whose(rows: pa.Table) -> Any:
    """Place of the patient of each row in the block."""
    return rows["patient"].combine_chunks().indices.to_numpy()


class _Triples:
    """N-Triples: a record is a blank node, numbered through the file, with a line for each thing it says."""

    foot = ""
    graphs = False
    """Whether a patient is a graph of its own."""

    def __init__(self) -> None:
        self._count = dict.fromkeys(LINKS, 0)

    def patient(self, name: Any) -> Any:
        return _joined("<", name, f"> <{expand('rdf:type')}> <{expand('pt:Patient')}> .\n")

    def nodes(self, table: str, size: int) -> Any:
        """Nodes of the next records of a table."""
        import numpy as np
        import pyarrow as pa

        numbers = pa.array(self._count[table] + 1 + np.arange(size)).cast(pa.string())
        self._count[table] += size
        return _joined(f"_:{LINKS[table]}", numbers)

    def word(self, name: str) -> str:
        """A class or an individual."""
        return f"<{expand(name)}>"

    def literal(self, text: Any, kind: str) -> Any:
        """A date, a decimal or an integer."""
        return _joined('"', text, f'"^^<{expand(f"xsd:{kind}")}>', missing="emit_null")

    def said(self, node: Any, name: str, value: Any) -> Any:
        """What a node says with a property, nothing where there is no value."""
        return _joined(node, f" <{expand(f'pt:{name}')}> ", value, " .\n", missing="emit_null")

    def caused(self, node: Any, cls: Any) -> Any:
        """What a node says of its cause, which is a node of that class."""
        link, kind = expand("pt:causedBy"), expand("rdf:type")
        return _joined(node, f" <{link}> ", node, "cause .\n", node, f"cause <{kind}> ", cls, " .\n", missing="emit_null")

    def record(self, patient: Any, table: str, node: Any, cls: Any, said: list[Any]) -> Any:
        """A record of a patient with all that it says."""
        link, kind = expand(f"pt:{LINKS[table]}"), expand("rdf:type")
        return _joined(patient, f" <{link}> ", node, " .\n", node, f" <{kind}> ", cls, " .\n", *said)


class _Quads(_Triples):
    """N-Quads: the same, each patient in a graph of its name."""

    graphs = True


class _Turtle(_Triples):
    """Turtle: a record is a bracket behind its patient."""

    foot = " .\n"

    def patient(self, name: Any) -> Any:
        return _joined("\n<", name, "> a pt:Patient")

    def word(self, name: str) -> str:
        return name

    def literal(self, text: Any, kind: str) -> Any:
        return _joined('"', text, '"^^xsd:date', missing="emit_null") if kind == "date" else text

    def said(self, node: Any, name: str, value: Any) -> Any:
        return _joined(f" ; pt:{name} ", value, missing="emit_null")

    def caused(self, node: Any, cls: Any) -> Any:
        return _joined(" ; pt:causedBy [ a ", cls, " ]", missing="emit_null")

    def record(self, patient: Any, table: str, node: Any, cls: Any, said: list[Any]) -> Any:
        return _joined(f" ;\n    pt:{LINKS[table]} [ a ", cls, *said, " ]")


def _graph(first: int, tables: Mapping[str, pa.Table], syntax: _Triples) -> memoryview:
    """The graph of some patients, one after the other.

    :param first: place of the first of them in the block.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    patients = tables["patients"]
    names = patients["patient"].combine_chunks()
    texts = [_joined(syntax.patient(names), *_all_said(patients, 1, _joined("<", names, ">"), syntax))]
    places = [np.arange(len(names))]
    for table, rows in tables.items():
        if table == "patients":
            continue
        whose = _whose(rows) - first
        patient = _joined("<", names.take(pa.array(whose)), ">")
        kind = _worded(rows.column(1), syntax.word)
        if table in LINKS:
            node = syntax.nodes(table, len(rows))
            texts.append(syntax.record(patient, table, node, kind, _all_said(rows, 2, node, syntax)))
        else:
            texts.append(syntax.said(patient, "absent", kind))
        places.append(whose)
    if syntax.foot:
        texts.append(pa.array([syntax.foot] * len(names)))
        places.append(np.arange(len(names)))
    order = np.argsort(np.concatenate(places), kind="stable")
    whole = pa.concat_arrays(texts).take(pa.array(order))
    if syntax.graphs:
        graph = _joined(" <", names.take(pa.array(np.concatenate(places)[order])), "> .\n")
        whole = pc.binary_join(pc.split_pattern(whole, " .\n"), graph)
    _, offsets, text = whole.buffers()
    return memoryview(text)[: np.frombuffer(offsets, np.int32)[len(whole)]]


def _all_said(rows: pa.Table, start: int, node: Any, syntax: _Triples) -> list[Any]:
    """What each node says with the columns of a table from one on."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = []
    for name in rows.column_names[start:]:
        column = rows[name]
        if name == "unit":
            found.append(syntax.said(node, name, _worded(column, lambda unit: f'"{unit}"')))
        elif name == "causedBy":
            found.append(syntax.caused(node, _worded(column, syntax.word)))
        elif pa.types.is_dictionary(column.type):
            parts = [text.split() for text in column.combine_chunks().dictionary.to_pylist()]
            for place in range(max(map(len, parts), default=0)):
                found.append(syntax.said(node, name, _worded(column, _part(place, syntax.word))))
        elif pa.types.is_date(column.type):
            found.append(syntax.said(node, name, syntax.literal(_text(column), "date")))
        else:
            text = _text(column)
            kinds = [syntax.literal(text, kind) for kind in ("decimal", "integer")]
            found.append(syntax.said(node, name, pc.if_else(pc.match_substring(text, "."), *kinds)))
    return found


def _part(place: int, word: Callable[[str], str]) -> Callable[[str], str | None]:
    """The word at a place of several, None where there are not so many."""

    def told(text: str) -> str | None:
        words = text.split()
        return word(words[place]) if place < len(words) else None

    return told


def _worded(column: pa.ChunkedArray, told: Callable[[str], str | None]) -> pa.Array:
    """A column of words, each told in another way."""
    import pyarrow as pa

    whole = column.combine_chunks()
    return pa.array(map(told, whole.dictionary.to_pylist()), pa.string()).take(whole.indices)


def _joined(*parts: Any, missing: str = "replace") -> Any:
    """Texts joined row by row; a missing part counts as nothing, or makes the whole missing."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*parts, "", null_handling=missing)
