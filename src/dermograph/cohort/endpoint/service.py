"""A service that answers SPARQL over HTTP: asked with patience, and believed only where an answer is whole.

Answers are read as JSON, https://www.w3.org/TR/sparql11-results-json/, since every store writes it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import netrc
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, NoReturn
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox

from dermograph.errors import InputError
from dermograph.record import printable

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest answer that is read."""
TRIES = 4
"""How often a question is put while the service is out of order."""
_TYPES = ("application/sparql-results+json", "application/json")
_OF_TIME, _OF_ROWS = "X-SQL-State", "X-SPARQL-MaxRows"
"""Headers by which Virtuoso tells that an answer is not whole: for want of time, or since it holds as many rows as it may."""
_BUSY = (429, 502, 503, 504)
_AGAIN = "see that the service is up, and give the same command again: what was read is kept"

Row = dict[str, dict[str, str]]
"""What is bound in a solution: for each variable ``type`` and ``value``, and for a literal ``datatype`` or ``xml:lang``."""


class Unanswered(InputError):
    """A question that is too much for the service, so that a smaller one may be answered."""


class _Broken(Exception):
    """An answer that did not arrive as it was sent."""


@dataclass(frozen=True)
class Answer:
    """Solutions of a query.

    :param cut: why there may be more than these; empty where nothing says so.
    :param early: whether they ended for want of time, and are any, not the first.
    """

    rows: list[Row]
    cut: str
    early: bool


@dataclass(frozen=True)
class Service:
    """A SPARQL endpoint.

    :param url: of the query service, without a user or a password: these are looked up in ``~/.netrc``.
    :param graphs: the graphs that are asked, put together; without any, what the service asks by itself.
    :param seconds: how long an answer may take.
    :param pause: seconds until a question is put again, for the first time; then twice as long each time.
    :param largest: bytes of the largest answer that is read.
    """

    url: str
    graphs: tuple[str, ...] = ()
    seconds: float = 300
    pause: float = 1
    largest: int = LARGEST

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            there = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            there = False
        if not there or not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise InputError(f"{printable(self.url)!r} is no URL of a SPARQL endpoint", "write one such as http://localhost:8890/sparql")
        if parts.username is not None or parts.password is not None:
            raise InputError(f"{self.name}: the URL names a user", f"write machine {parts.hostname} with login and password into ~/.netrc instead")
        for graph in self.graphs:
            try:
                ox.NamedNode(graph)
            except ValueError as error:
                raise InputError(f"{printable(graph)!r} is no IRI of a graph: {error}", "write it in full, without brackets") from error

    @property
    def name(self) -> str:
        """The URL without what only its owner should know."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()

    def key(self) -> dict[str, Any]:
        """What tells the service and its graphs from others."""
        return {"url": self.name, "asked": hashlib.sha256(self.url.encode()).hexdigest(), "graphs": sorted(set(self.graphs))}

    def ask(self, query: str) -> Answer:
        """Answer of a SELECT query.

        :raises Unanswered: the answer is too large, or does not come in time.
        :raises InputError: the service cannot be reached, refuses, or answers with something else.
        """
        form = [("query", query), *(("default-graph-uri", graph) for graph in self.graphs)]
        headers = {"Accept": _TYPES[0], "User-Agent": "dermograph"}
        request = urllib.request.Request(self.url, urlencode(form).encode(), headers)
        for left in reversed(range(TRIES)):
            try:
                with self._opener.open(request, timeout=self.seconds) as reply:
                    return self._answer(reply)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in _BUSY or not left:
                        self._refused(error)
            except (OSError, http.client.HTTPException, _Broken) as error:
                reason = getattr(error, "reason", error)
                if not left:
                    text = f"{self.name}: {printable(str(reason)) or type(reason).__name__}"
                    raise (Unanswered if isinstance(reason, TimeoutError) else InputError)(text, _AGAIN) from error
            time.sleep(self.pause * 2 ** (TRIES - 1 - left))
        raise AssertionError("the last try returns or raises")

    def count(self, query: str) -> int:
        """The number that a query gives as ``?count``.

        :raises Unanswered: not everything was counted.
        """
        answer = self.ask(query)
        text = answer.rows[0].get("count", {}).get("value", "") if len(answer.rows) == 1 else ""
        if answer.cut:
            raise Unanswered(f"{self.name}: not everything was counted: {answer.cut}", "let the service take more time for a query")
        if not text.isascii() or not text.isdecimal():
            raise InputError(f"{self.name}: the answer to a count is no number", "see that the service answers SPARQL 1.1")
        return int(text)

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = [_Staying()]
        host = urlsplit(self.url).hostname or ""
        try:
            known = netrc.netrc().authenticators(host)
        except FileNotFoundError:
            known = None
        except (OSError, netrc.NetrcParseError) as error:
            raise InputError(f"the file .netrc cannot be read: {printable(str(error))}", "mend it") from error
        if known:
            passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, self.url, known[0], known[2] or "")
            handlers += [urllib.request.HTTPBasicAuthHandler(passwords), urllib.request.HTTPDigestAuthHandler(passwords)]
        return urllib.request.build_opener(*handlers)

    def _answer(self, reply: http.client.HTTPResponse) -> Answer:
        kind = reply.headers.get_content_type()
        if kind not in _TYPES:
            raise InputError(f"{self.name}: it answers with {printable(kind)}, not with results of SPARQL", "name the URL of its query service")
        body = self._body(reply)
        try:
            rows = json.loads(body)["results"]["bindings"]
        except (ValueError, RecursionError) as error:
            raise _Broken(f"the answer is no JSON: {error}") from error
        except (KeyError, TypeError):
            rows = None
        if not isinstance(rows, list) or not all(map(_is_row, rows)):
            raise InputError(f"{self.name}: the answer is no table of solutions", "see that the service answers SPARQL 1.1")
        told = {"status": str(reply.status)} if reply.status != 200 else {}
        told |= {name: printable(value) for name in (_OF_TIME, _OF_ROWS) if (value := reply.headers[name])}
        return Answer(rows, ", ".join(f"{name} {value}" for name, value in told.items()), bool(told.keys() - {_OF_ROWS}))

    def _body(self, reply: http.client.HTTPResponse) -> bytes:
        parts, size, end = [], 0, time.monotonic() + self.seconds
        while part := reply.read(1 << 20):
            parts.append(part)
            size += len(part)
            if size > self.largest:
                raise Unanswered(f"{self.name}: the answer is larger than {self.largest:,} bytes", "ask for less")
            if time.monotonic() > end:
                raise TimeoutError("the answer does not end")
        if reply.length:
            raise _Broken(f"the answer ends {reply.length:,} bytes early")
        return b"".join(parts)

    def _refused(self, error: urllib.error.HTTPError) -> NoReturn:
        if 300 <= error.code < 400:
            where = Service._bare(error.headers.get("Location") or "nowhere")
            raise InputError(f"{self.name}: it sends on to {where}", "if you trust that one, name it instead") from error
        text = f"{self.name}: it answers {error.code} {_first_line(error)}".rstrip()
        if error.code == 504:
            raise Unanswered(text, _AGAIN) from error
        hints = {401: "write its login and password into ~/.netrc", 403: "see that you may read it", 404: "name the URL of its query service"}
        raise InputError(text, hints.get(error.code, _AGAIN if error.code in _BUSY else "see what the service says of it")) from error

    @staticmethod
    def _bare(url: str) -> str:
        return printable(url.partition("?")[0])


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: a question speaks of patients, and is put to nobody who was not named."""

    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


def _first_line(error: urllib.error.HTTPError) -> str:
    """What an error says of itself."""
    try:
        text = error.read(2000).decode("utf-8", "replace").strip() if error.headers.get_content_type() != "text/html" else ""
    except (OSError, http.client.HTTPException):
        text = ""
    return printable(text.partition("\n")[0] or error.reason)


def _is_row(row: Any) -> bool:
    terms = row.values() if isinstance(row, dict) else [row]
    return all(isinstance(t, dict) and {"type", "value"} <= t.keys() and all(isinstance(v, str) for v in t.values()) for t in terms)
