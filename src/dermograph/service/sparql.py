"""The SPARQL 1.1 Protocol endpoint, to be read and never written.

https://www.w3.org/TR/sparql11-protocol/
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from dermograph.service import media, sparql_tasks
from dermograph.service.patients import REFUSED, Service
from dermograph.service.problems import Reply, problem
from dermograph.service.state import State, response

FORM, QUERY, UPDATE = "application/x-www-form-urlencoded", "application/sparql-query", "application/sparql-update"
_KINDS = (*sparql_tasks.ROWS, *sparql_tasks.TRIPLES)
_ANSWERS: dict[int | str, dict[str, Any]] = REFUSED | {
    200: {"description": "The answer, or a description of the endpoint", "content": {kind: {} for kind in _KINDS}},
    403: REFUSED[400],
}
_SENT_ON: dict[int | str, dict[str, Any]] = {303: {"description": "A browser that asks for nothing is sent to the page"}}
_FIELDS = {"query": {"type": "string"}, **{name: {"type": "array", "items": {"type": "string"}} for name in ("default-graph-uri", "named-graph-uri")}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {"schema": {"type": "object", "properties": _FIELDS, "required": ["query"]}},
            QUERY: {"schema": {"type": "string"}},
        },
    }
}
Text = Annotated[list[str] | None, Query(description="The query, once.")]
Default = Annotated[list[str] | None, Query(alias="default-graph-uri", description="Graphs whose union is asked.")]
Named = Annotated[list[str] | None, Query(alias="named-graph-uri", description="Graphs that GRAPH finds.")]
router = APIRouter(tags=["SPARQL"])


@router.get("/sparql", responses=_ANSWERS | _SENT_ON, response_class=Response)
async def get(request: Request, service: Service, query: Text = None, default: Default = None, named: Named = None) -> Response:
    """Answer a query, or describe the endpoint where there is none."""
    asked = [(key, value) for key, value in request.query_params.multi_items()]
    if any(key == "update" for key, _ in asked):
        return response(_read_only())
    if query is None and not asked:
        accept = request.headers.get("accept", "")
        if "text/html" in accept:
            return RedirectResponse("query", 303)
        url = f"{service.settings.base}/sparql" if service.settings.base else str(request.url.replace(query="", fragment=""))
        return response(await service.queries.run(sparql_tasks.described, service.settings.ontology, service.beside, url, accept))
    return await _answered(service, request, asked)


@router.post("/sparql", openapi_extra=_BODY, responses=_ANSWERS, response_class=Response)
async def post(request: Request, service: Service) -> Response:
    """Answer a query that is sent as a form or by itself."""
    kind = media.bare(request.headers.get("content-type", ""))
    body = await request.body()
    asked = request.query_params.multi_items()
    if kind == UPDATE:
        return response(_read_only())
    try:
        text = body.decode()
        if kind == FORM:
            asked = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
        elif kind == QUERY:
            asked = [*asked, ("query", text)]
        else:
            return response(problem(415, f"a query is not read from {kind or 'a body without Content-Type'}", f"send {QUERY} or {FORM}"))
    except ValueError:
        return response(problem(400, "the body is no text in UTF-8, or no form", "write it as UTF-8"))
    if any(key == "update" for key, _ in asked):
        return response(_read_only())
    return await _answered(service, request, asked)


def _read_only() -> Reply:
    return problem(403, "nothing is written here", "change the ontology, and start the service again")


async def _answered(service: State, request: Request, asked: list[tuple[str, str]]) -> Response:
    queries = [value for key, value in asked if key == "query"]
    if len(queries) != 1:
        return response(problem(400, f"{len(queries)} queries, and one is answered", "send the parameter query once"))
    graphs = [[value for key, value in asked if key == name] for name in ("default-graph-uri", "named-graph-uri")]
    settings = service.settings
    reply = await service.queries.run(
        sparql_tasks.query, settings.ontology, service.beside, settings.answer, queries[0], request.headers.get("accept", ""), *graphs
    )
    return response(reply)
