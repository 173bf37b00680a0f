"""What the routes of one service share."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dermograph.knowledge import Knowledge
from dermograph.service.problems import Reply
from dermograph.service.settings import Settings
from dermograph.service.sparql_tasks import Beside
from dermograph.service.workers import Workers


@dataclass(frozen=True)
class State:
    """One service.

    :param knowledge: for what takes no time; what does is worked on by the workers.
    :param beside: what SPARQL finds beside the guidelines.
    :param patients: processes that assess.
    :param queries: processes that answer SPARQL.
    """

    settings: Settings
    knowledge: Knowledge
    beside: Beside
    patients: Workers
    queries: Workers


def state(request: Request) -> State:
    """The service that a request came to."""
    found: State = request.app.state.service
    return found


def response(reply: Reply) -> Response:
    """A reply as the framework sends it; answers are not kept by anybody on the way."""
    return Response(reply.body, reply.status, {"Cache-Control": "no-store", **reply.headers}, reply.media)
