"""What the one who runs the service may set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Limits and places of a service.

    :param ontology: folder of an author's own copy; without it, the ontology that came along.
    :param patients: files whose patients are beside the guidelines in the SPARQL endpoint.
    :param graphs: files of further RDF beside them.
    :param hosts: names under which the service may be asked; guards a local service against pages that rename themselves to it.
    :param origins: origins of pages that may read answers; ``*`` is any.
    :param trusted: file with the keys of CDS clients, see :mod:`dermograph.service.cds.trust`; without it, none is asked for a token.
    :param base: address under which clients reach the service, such as ``https://cds.example``; without it, cards have no links.
    :param workers: processes that assess, and as many that answer SPARQL.
    :param body: most bytes of a request.
    :param seconds: longest that a request is worked on.
    :param waiting: most requests that are worked on or wait.
    :param answer: most bytes of an answer in SPARQL.
    """

    ontology: Path | None = None
    patients: tuple[str, ...] = ()
    graphs: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    origins: tuple[str, ...] = ()
    trusted: Path | None = None
    base: str = ""
    workers: int = max(2, os.cpu_count() or 1)
    body: int = 8 * 1024 * 1024
    seconds: float = 10.0
    waiting: int = 256
    answer: int = 16 * 1024 * 1024
