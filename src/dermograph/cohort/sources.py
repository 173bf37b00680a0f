"""What a population is read by, told by what lies at its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from dermograph.cohort.listing import refuse_closed
from dermograph.cohort.source import Source
from dermograph.cohort.tables import Tables
from dermograph.errors import InputError

if TYPE_CHECKING:
    from dermograph.cohort.endpoint import Service
    from dermograph.knowledge import Knowledge


def source_of(path: Path | str | Service, as_of: dt.date | None, knowledge: Knowledge, memory: str = "4GB", threads: int = 0) -> Source:
    """The source that a path, a URL or a service names, told by what lies there.

    :param path: a folder or file; a URL is one of a database with the tables of OMOP; a service is a SPARQL endpoint.
    :param as_of: the day asked about, for every patient; without it, what is recorded of each, else today.
    :param memory: most memory of a database that reading may want.
    :param threads: how many processes read side by side; 0 is one for each core.
    :raises InputError: nothing that can be read lies there.
    """
    from dermograph.cohort.bulk import Bulk, bulk_files
    from dermograph.cohort.endpoint import Endpoint, Service
    from dermograph.cohort.omop import Files, Meaning, Omop, holds_persons, is_database, place_of
    from dermograph.cohort.rdf import files

    if isinstance(path, Service):
        return Endpoint(path, knowledge, as_of)
    if isinstance(path, str):
        return Omop(place_of(path), Meaning.of(knowledge), as_of)
    try:
        if not path.is_file():
            next(path.iterdir(), None)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "see that it is there, and that you may read it") from error
    if path.is_file():
        refuse_closed([path])
    if path.is_dir() and Tables(path).there("patients"):
        return Tables(path, as_of)
    if is_database(path) if path.is_file() else holds_persons(path):
        return Omop(Files(path), Meaning.of(knowledge), as_of)
    if any(map(files.is_rdf, files.found(path))):
        from dermograph.cohort.rdf.source import Rdf

        return Rdf(path, knowledge, as_of, threads, memory)
    if path.is_dir():
        return Bulk(path, knowledge, as_of) if bulk_files(path) else Tables(path, as_of)
    raise InputError(
        f"{path}: a file with this ending is not read", f"name a folder of tables, a DuckDB file, or a file of RDF, {', '.join(files.ENDINGS)}"
    )
