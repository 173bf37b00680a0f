"""A SPARQL endpoint over HTTP for tests, which can be made to misbehave in every way that stores and networks do."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pyoxigraph as ox

JSON = "application/sparql-results+json"


@dataclass
class Reply:
    """What is sent back.

    :param announced: length that is told of the body, where it is not the true one.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    announced: int | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.body)["results"]["bindings"]
        return rows

    def of(self, rows: list[dict[str, Any]], **more: Any) -> Reply:
        """The same with other solutions."""
        return Reply(
            json.dumps({"head": {"vars": []}, "results": {"bindings": rows}}).encode(), headers=self.headers | more.pop("headers", {}), **more
        )


@dataclass
class Asked:
    """One request.

    :param number: how many came before it.
    """

    number: int
    query: str
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """What is asked for: ``names``, ``said`` or a ``count``."""
        return "count" if "?count" in self.query else "names" if "?name" in self.query else "said"


Spoil = Callable[[Asked, Reply], Reply]


class Endpoint(ThreadingHTTPServer):
    """A store that answers; blank nodes have another label in every answer, and solutions another order."""

    daemon_threads = True

    def __init__(self, store: ox.Store) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store, self.asked = store, list[Asked]()
        self.spoil: Spoil = lambda asked, reply: reply

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/sparql"

    def answer(self, asked: Asked, graphs: list[str]) -> Reply:
        default: list[ox.NamedNode | ox.BlankNode | ox.DefaultGraph] = [ox.NamedNode(graph) for graph in graphs]
        found = self.store.query(asked.query, default_graph=default or None)
        assert isinstance(found, ox.QuerySolutions)
        reply = Reply(found.serialize(format=ox.QueryResultsFormat.JSON) or b"")
        rows = reply.rows
        if asked.kind == "said":
            random.Random(asked.number).shuffle(rows)
            labels: dict[str, str] = {}
            for term in (term for row in rows for term in row.values() if term["type"] == "bnode"):
                term["value"] = labels.setdefault(term["value"], f"nodeID://b{asked.number}x{len(labels)}")
        return reply.of(rows)


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = Asked(len(self.server.asked), form["query"][0], dict(self.headers.items()))
        self.server.asked.append(asked)
        reply = self.server.spoil(asked, self.server.answer(asked, form.get("default-graph-uri", [])))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.announced is None else reply.announced))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def endpoint(store: ox.Store) -> Iterator[Endpoint]:
    """An endpoint that runs meanwhile."""
    with Endpoint(store) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
