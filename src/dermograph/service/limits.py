"""Bounds of a request, held before anything of it is read: its size, its coding, and the time that it takes to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dermograph.service.problems import Reply, problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
LONGEST = 16_384
"""Most bytes of a query string."""
RETRY = {"Retry-After": "1"}
HEADERS = {
    b"content-security-policy": b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""Headers of every answer: a page loads nothing from elsewhere, and nobody frames it."""


class Limits:
    """Middleware that reads the body whole, within its bounds, and hands it on.

    HEAD is answered as GET is, without the body.

    :param body: most bytes.
    :param seconds: longest that a body may take to arrive.
    :param most: most requests at once, those included of which the body has not arrived.
    """

    def __init__(self, app: App, body: int, seconds: float, most: int) -> None:
        self.app, self.body, self.seconds, self.most = app, body, seconds, most
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        asked: Scope = {**scope, "method": "GET"} if head else scope
        self.active += 1
        try:
            await self._answered(asked, receive, _headless(send) if head else send)
        finally:
            self.active -= 1
            scope["route"] = asked.get("route")

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(dict(scope["headers"]), scope)
        try:
            body = b"" if refused else await asyncio.wait_for(self._read(receive), self.seconds)
        except TimeoutError:
            refused = problem(408, f"the body did not arrive within {self.seconds:g} s", "send it faster")
        if not refused and len(body) > self.body:
            refused = self._large()
        if refused:
            await reply(refused, send)
            return
        told = False

        async def whole() -> MutableMapping[str, Any]:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, whole, _guarded(send))

    def _refused(self, headers: dict[bytes, bytes], scope: Scope) -> Reply | None:
        if self.active > self.most:
            return problem(503, f"{self.most} requests are open already", "ask again later", RETRY)
        if len(scope["query_string"]) > LONGEST:
            return problem(414, f"the query string has more than {LONGEST:,} bytes", "send it in the body")
        if headers.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
            return problem(415, "the body is packed, and nothing is unpacked", "send it plain", {"Accept-Encoding": "identity"})
        length = headers.get(b"content-length", b"0")
        return self._large() if not length.isdigit() or int(length) > self.body else None

    def _large(self) -> Reply:
        return problem(413, f"the body has more than {self.body:,} bytes", "send less at once; a population goes to dermograph cohort")

    async def _read(self, receive: Receive) -> bytes:
        found, size, more = list[bytes](), 0, True
        while more and size <= self.body:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            found.append(message.get("body", b""))
            size += len(found[-1])
            more = message.get("more_body", False)
        return b"".join(found)


class Explained:
    """Middleware that makes a problem document of a refusal in plain text, as middleware of other makes gives it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        plain: MutableMapping[str, Any] | None = None

        async def explained(message: MutableMapping[str, Any]) -> None:
            nonlocal plain
            if message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
                plain = message if message["status"] >= 400 and kinds and kinds[0].startswith(b"text/plain") else None
                if plain is not None:
                    return
            if plain is None:
                await send(message)
                return
            others = {k.decode(): v.decode() for k, v in plain["headers"] if k.lower() not in (b"content-type", b"content-length")}
            await reply(problem(plain["status"], message["body"].decode(), headers=others), send)

        await self.app(scope, receive, explained)


async def reply(told: Reply, send: Send) -> None:
    """Send a reply."""
    headers = [(b"content-type", told.media.encode()), (b"content-length", str(len(told.body)).encode()), (b"cache-control", b"no-store")]
    headers += [(k.lower().encode(), v.encode()) for k, v in told.headers.items()]
    await _guarded(send)({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body})


def _headless(send: Send) -> Send:
    """Sends no body."""

    async def headless(message: MutableMapping[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headless


def _guarded(send: Send) -> Send:
    """Sends with the headers of every answer, where it does not set its own."""

    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            message = {**message, "headers": [*message["headers"], *((k, v) for k, v in HEADERS.items() if k not in there)]}
        await send(message)

    return guarded
