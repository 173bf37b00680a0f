"""What the service tells of itself: a line of JSON for each request, and numbers for Prometheus; nothing of a patient, ever."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dermograph.service.limits import App, Receive, Scope, Send

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


def logger() -> Any:
    """A logger that writes lines of JSON to standard error."""
    steps: list[Any] = [structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()]
    return structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=steps)


class Telemetry:
    """Middleware that counts and logs requests by the pattern of their route; what a client wrote is never told."""

    def __init__(self, app: App, metrics: Metrics, log: Any) -> None:
        self.app, self.metrics, self.log = app, metrics, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and note it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, request = time.perf_counter(), 500, uuid.uuid4().hex
        self.metrics.active.inc()

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request.encode())]}
            await send(message)

        error = None
        try:
            await self.app(scope, receive, noted)
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.active.dec()
            self.metrics.requests.labels(route, method, str(status)).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            told = {"request": request, "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            self.log.msg("request", **told, **({"error": error} if error else {}))
