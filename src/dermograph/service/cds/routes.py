"""The routes of CDS Hooks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from dermograph.service import media
from dermograph.service.cds import models, services, tasks, trust
from dermograph.service.patients import Day, Service
from dermograph.service.problems import PROBLEM, Reply, problem
from dermograph.service.state import response

JSON = "application/json"
_REFUSED: dict[int | str, dict[str, Any]] = dict.fromkeys((400, 401, 404, 408, 412, 413, 415, 422, 503), PROBLEM)
Id = Annotated[str, Path(max_length=100, description="Of a service, as the discovery lists it.")]
router = APIRouter(prefix="/cds-services", tags=["CDS Hooks"], dependencies=[Depends(trust.checked)])


def _inlined(value: Any, named: dict[str, Any]) -> Any:
    """A schema in which every reference is what it points at."""
    if isinstance(value, list):
        return [_inlined(one, named) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(named[value["$ref"].rpartition("/")[2]], named)
    return {key: _inlined(one, named) for key, one in value.items() if key != "$defs"}


def _body(*kinds: type[models.Asked]) -> dict[str, Any]:
    found = [_inlined(schema, schema.get("$defs", {})) for schema in (kind.model_json_schema() for kind in kinds)]
    return {"requestBody": {"required": True, "content": {JSON: {"schema": {"oneOf": found} if len(found) > 1 else found[0]}}}}


def _unread(request: Request, service: str) -> Reply | None:
    """Why a request is not read."""
    if service not in services.OFFERS:
        return problem(404, "there is no such service", "call one that /cds-services lists")
    if (kind := media.bare(request.headers.get("content-type", ""))) != JSON:
        return problem(415, f"a call is not read from {kind or 'a body without Content-Type'}", f"send {JSON}")
    return None


@router.get("", response_model=models.Discovery, responses={401: PROBLEM})
async def discovery(service: Service) -> models.Discovery:
    """The services that there are, and what each asks to be sent along."""
    return services.discovery(g["label"] for g in service.knowledge.tree["guidelines"].values())


@router.post(
    "/{id}",
    openapi_extra=_body(*(offer.request for offer in services.OFFERS.values())),
    responses=_REFUSED | {200: {"model": models.Cards, "description": "Cards"}},
    response_class=Response,
)
async def call(request: Request, service: Service, id: Id, as_of: Day = None) -> Response:
    """Call a service."""
    if refused := _unread(request, id):
        return response(refused)
    settings = service.settings
    return response(await service.patients.run(tasks.call, settings.ontology, id, await request.body(), as_of, settings.base))


@router.post(
    "/{id}/feedback",
    openapi_extra=_body(models.Feedback),
    responses=_REFUSED | {200: {"model": models.Counted, "description": "Counted"}},
    response_class=Response,
)
async def feedback(request: Request, service: Service, id: Id) -> Response:
    """Tell what became of cards. Outcomes are counted, and nothing of them is kept."""
    if refused := _unread(request, id):
        return response(refused)
    reply = await service.patients.run(tasks.feedback, await request.body())
    if reply.status == 200:
        counted = models.Counted.model_validate_json(reply.body)
        for outcome, number in counted:
            request.app.state.metrics.feedback.labels(outcome).inc(number)
    return response(reply)
