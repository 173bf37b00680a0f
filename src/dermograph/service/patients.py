"""The routes that answer for patients, who are sent as RDF or FHIR and kept nowhere."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator

from dermograph import schema
from dermograph.service import media, tasks
from dermograph.service.problems import PROBLEM, Reply
from dermograph.service.state import State, response, state

Service = Annotated[State, Depends(state)]


def _written(day: object) -> object:
    """A date as it is written; a number is none.

    :raises ValueError: it is written otherwise.
    """
    if isinstance(day, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        raise ValueError("a date is written as 2026-11-01")
    return day


Day = Annotated[
    dt.date | None, BeforeValidator(_written), Query(alias="asOf", description="The day asked about; without it, what the graph says, else today.")
]

REFUSED: dict[int | str, dict[str, Any]] = dict.fromkeys((400, 406, 408, 413, 415, 422, 503), PROBLEM)
BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {one: {"schema": {"type": "string"}} for one in media.PATIENTS}}}
router = APIRouter(prefix="/api", tags=["patients"])


def _given(*kinds: str, schema: Any = None) -> dict[int | str, dict[str, Any]]:
    return REFUSED | {200: {"description": "The answer", "content": {kind: {"schema": schema or {}} if "json" in kind else {} for kind in kinds}}}


async def asked(request: Request, day: dt.date | None) -> tasks.Asked | Reply:
    """The patients of a request."""
    suffix = media.suffix(request.headers.get("content-type", ""))
    return suffix if isinstance(suffix, Reply) else tasks.Asked(await request.body(), suffix, day)


@router.post("/assess", openapi_extra=BODY, responses=_given(*tasks.ANSWERS), response_class=Response)
async def assess(request: Request, service: Service, as_of: Day = None) -> Response:
    """Every therapy's status, with dose, reasons, what comes first and what is missing."""
    kind = media.chosen(request.headers.get("accept", ""), tasks.ANSWERS)
    sent = await asked(request, as_of)
    for one in (kind, sent):
        if isinstance(one, Reply):
            return response(one)
    return response(await service.patients.run(tasks.assess, service.settings.ontology, sent, kind))


@router.post("/explain", openapi_extra=BODY, responses=_given(tasks.JSON), response_class=Response)
async def explain(
    request: Request,
    service: Service,
    therapy: Annotated[str, Query(max_length=200, description="By name or label.")],
    full: Annotated[bool, Query(description="Every part of every criterion.")] = False,
    as_of: Day = None,
) -> Response:
    """Why a therapy has its status, down to what is recorded."""
    sent = await asked(request, as_of)
    if isinstance(sent, Reply):
        return response(sent)
    return response(await service.patients.run(tasks.explain, service.settings.ontology, sent, therapy, full))


@router.post("/validate", openapi_extra=BODY, responses=_given(tasks.JSON), response_class=Response)
async def validate(request: Request, service: Service, as_of: Day = None) -> Response:
    """What in the patients breaks a shape."""
    sent = await asked(request, as_of)
    return response(sent if isinstance(sent, Reply) else await service.patients.run(tasks.validate, service.settings.ontology, sent))


@router.post("/read", openapi_extra=BODY, responses=_given(tasks.JSON), response_class=Response)
async def read(request: Request, service: Service, as_of: Day = None) -> Response:
    """What was understood of the patients, as graphs, and what became of each record of FHIR."""
    sent = await asked(request, as_of)
    return response(sent if isinstance(sent, Reply) else await service.patients.run(tasks.read, service.settings.ontology, sent))


@router.post("/pathway", openapi_extra=BODY, responses=_given(tasks.SVG), response_class=Response)
async def pathway(
    request: Request,
    service: Service,
    guideline: Annotated[str | None, Query(max_length=200, description="One guideline; without it, all.")] = None,
    as_of: Day = None,
) -> Response:
    """The pathways drawn, with the patient's place and the ways on."""
    sent = await asked(request, as_of)
    return response(sent if isinstance(sent, Reply) else await service.patients.run(tasks.pathway, service.settings.ontology, sent, guideline))


@router.get("/schema", responses=_given(tasks.JSON))
async def answers() -> dict[str, Any]:
    """JSON Schema of an answer."""
    return schema.schema()
