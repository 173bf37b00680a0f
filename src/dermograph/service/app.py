"""The service put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dermograph import __version__
from dermograph.commands.options import ontology_folder
from dermograph.knowledge import Knowledge
from dermograph.render import DISCLAIMER
from dermograph.service import pages, patients, sparql, sparql_tasks, tasks, telemetry
from dermograph.service.cds import routes as cds
from dermograph.service.cds.trust import Trust
from dermograph.service.guide import Guide
from dermograph.service.limits import Explained, Limits
from dermograph.service.problems import problem
from dermograph.service.settings import Settings
from dermograph.service.state import State, response
from dermograph.service.workers import Workers


def get_app(settings: Settings | None = None, log: Any = None) -> FastAPI:
    """The service as an ASGI application.

    :param log: a logger of structlog; without it, lines of JSON go to standard error.
    :raises KnowledgeError: the ontology cannot be used.
    :raises InputError: a patient for the SPARQL endpoint, or the file of CDS clients, cannot be read.
    """
    chosen = settings or Settings()
    known = Knowledge.load(chosen.ontology)
    beside = sparql_tasks.Beside(chosen.patients, chosen.graphs)
    sparql_tasks.store(chosen.ontology, beside)  # what is wrong is told before anything is answered

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(app.state.guide.close)
            bounds = (chosen.workers, chosen.seconds, chosen.waiting)
            assessing = await stack.enter_async_context(Workers(*bounds, tasks.ready, chosen.ontology, known.sha256))
            asking = await stack.enter_async_context(Workers(*bounds, sparql_tasks.ready, chosen.ontology, known.sha256, beside))
            app.state.service = State(chosen, known, beside, assessing, asking)
            yield

    app = FastAPI(
        title="Dermograph",
        summary="Treatment guidelines, asked for one patient.",
        description=DISCLAIMER,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.guide = Guide(ontology_folder(chosen.ontology))
    metrics = app.state.metrics = telemetry.Metrics()
    app.state.trust = Trust.load(chosen.trusted) if chosen.trusted else None
    for router in (patients.router, sparql.router, cds.router, pages.router):
        app.include_router(router)
    _tell_health(app, metrics)
    _tell_problems(app)
    app.add_exception_handler(404, pages.absent)
    app.add_middleware(Limits, body=chosen.body, seconds=chosen.seconds, most=4 * chosen.waiting)
    if chosen.origins:
        told = ["X-Request-ID", tasks.PASSED_OVER]
        app.add_middleware(
            CORSMiddleware, allow_origins=list(chosen.origins), allow_methods=["GET", "POST"], allow_headers=["*"], expose_headers=told
        )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(chosen.hosts))
    app.add_middleware(Explained)
    app.add_middleware(telemetry.Telemetry, metrics=metrics, log=log or telemetry.logger())
    return app


def _tell_health(app: FastAPI, metrics: telemetry.Metrics) -> None:
    @app.get("/health", tags=["service"])
    async def health(request: Request) -> dict[str, Any]:
        """Whether the service is up, and what it answers from."""
        known: Knowledge = request.app.state.service.knowledge
        return {"status": "up", "version": __version__, "knowledge": {"version": known.version, "sha256": known.sha256}}

    @app.get("/metrics", tags=["service"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def numbers() -> Response:
        """Numbers for Prometheus."""
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _tell_problems(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            path = getattr(request.scope.get("route"), "path", "")
            methods = {method.upper() for method in request.app.openapi()["paths"].get(path, ["get"])}
            headers["Allow"] = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
        return response(problem(error.status_code, error.detail, headers=headers))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return response(problem(422, places, "see /openapi.json"))
