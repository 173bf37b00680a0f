"""What the service tells of itself: a line of JSON for each request, and numbers for Prometheus; nothing of a patient, ever."""

from __future__ import annotations

import re
import sys
import time
import traceback
import uuid
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.stdlib import ProcessorFormatter

from dermograph.service.limits import App, Receive, Scope, Send, reply
from dermograph.service.problems import problem

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Metrics:
    """Numbers of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self.requests = Counter("dermograph_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram("dermograph_request_seconds", "Seconds until the answer was sent.", ("route",), registry=self.registry)
        self.active = Gauge("dermograph_requests_active", "Requests that are being answered.", registry=self.registry)
        self.feedback = Counter("dermograph_feedback", "Cards of CDS Hooks by what became of them.", ("outcome",), registry=self.registry)


_STEPS: list[Any] = [structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()]
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": ProcessorFormatter, "processors": [ProcessorFormatter.remove_processors_meta, *_STEPS]}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["lines"], "level": "WARNING"},
}
"""What the server itself has to tell, as lines of JSON too; for :func:`logging.config.dictConfig`."""
_FRAME = re.compile(r'File "[^"]*?([^"/]+/[^"/]+)", line (\d+), in (\w+)')


def logger() -> Any:
    """A logger that writes lines of JSON to standard error."""
    return structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=_STEPS)


def _places(error: BaseException) -> list[str]:
    """Where an error came from, innermost last, also in another process; its message may be a patient's words and is not told."""
    told = "".join(traceback.format_exception(error)) + str(getattr(error, "traceback", ""))
    return [f"{file}:{line} {name}" for file, line, name in _FRAME.findall(told)][-6:]


class Telemetry:
    """Middleware that counts and logs requests by the pattern of their route; what a client wrote is never told.

    It is the outermost, so it also answers for what failed within: a problem document, and none of it is told twice.
    """

    def __init__(self, app: App, metrics: Metrics, log: Any) -> None:
        self.app, self.metrics, self.log = app, metrics, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and note it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, request = time.perf_counter(), 0, uuid.uuid4().hex
        self.metrics.active.inc()

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request.encode())]}
            await send(message)

        failed: dict[str, Any] = {}
        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            failed = {"error": type(error).__name__, "at": _places(error)}
            if not status:
                await reply(problem(500, "the service failed; this is a bug", "report it with the time and the X-Request-ID"), noted)
        finally:
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.active.dec()
            status = status or 500
            self.metrics.requests.labels(route, method, str(status)).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            told = {"request": request, "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            self.log.msg("request", **told, **failed)
