"""``dermograph serve``: answers over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dermograph.commands.options import Ontology, need
from dermograph.errors import UsageError


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 is any that is free.")] = 8000,
    patient: Annotated[list[str] | None, typer.Option(metavar="FILE", help="Patient beside the guidelines in the SPARQL endpoint.")] = None,
    graph: Annotated[list[Path] | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Further RDF beside them.")] = None,
    name: Annotated[list[str] | None, typer.Option(metavar="HOST", help="Further name under which the service may be asked; * is any.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(metavar="ORIGIN", help="Pages that may read answers; * is any.")] = None,
    trusted: Annotated[Path | None, typer.Option(metavar="FILE", help="Clients of CDS Hooks and their keys; they then need a token.")] = None,
    base: Annotated[str, typer.Option(metavar="URL", help="Address under which clients reach the service, such as https://cds.example.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes that assess, and as many for SPARQL; 0 is one for each core.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.1, help="Longest that a request is worked on.")] = 10.0,
    body: Annotated[int, typer.Option(min=1, metavar="BYTES", help="Largest request.")] = 8 * 1024 * 1024,
    waiting: Annotated[int, typer.Option(min=1, help="Most requests that are worked on or wait.")] = 256,
    ontology: Ontology = None,
) -> None:
    """Serve answers over HTTP: pages, JSON, SPARQL and CDS Hooks; no patient is logged or kept."""
    need("the service needs", "serve", "fastapi", "uvicorn", "pebble", "prometheus_client", "structlog", "mimeparse", "jwt")
    import dataclasses
    import math
    import socket

    import uvicorn

    from dermograph.service import Settings, get_app
    from dermograph.service.telemetry import LOGGING

    settings = Settings(
        ontology=ontology,
        patients=tuple(patient or ()),
        graphs=tuple(graph or ()),
        origins=tuple(allow_origin or ()),
        trusted=trusted,
        base=base.rstrip("/"),
        seconds=seconds,
        body=body,
        waiting=waiting,
    )
    settings = dataclasses.replace(settings, hosts=(*settings.hosts, *([] if host in ("0.0.0.0", "::") else [host]), *(name or ())))
    if workers:
        settings = dataclasses.replace(settings, workers=workers)
    app = get_app(settings)
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)
    except OSError as error:
        raise UsageError(f"{host}:{port}: {error.strerror or error}", "name another --host or --port") from error
    typer.echo(f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}/  (Ctrl-C stops)", err=True)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=LOGGING,
        log_level="warning",
        server_header=False,
        limit_concurrency=8 * waiting + 64,
        timeout_graceful_shutdown=math.ceil(seconds) + 5,
        h11_max_incomplete_event_size=64 * 1024,
    )
    uvicorn.Server(config).run(sockets=[bound])
