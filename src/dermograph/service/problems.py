"""What goes wrong, as problem documents of RFC 9457."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from dermograph.errors import DermographError, InputError, InvalidInput, KnowledgeError, UsageError

MEDIA = "application/problem+json"
PROBLEM: dict[str, Any] = {
    "description": "A problem document",
    "content": {MEDIA: {"schema": {"type": "object", "required": ["title", "status", "detail"], "additionalProperties": True}}},
}
"""A problem document, as the description of the service tells it."""


@dataclass(frozen=True)
class Reply:
    """What a request is answered with.

    :param media: media type of the body.
    """

    status: int
    media: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, detail: str, mend: str = "", headers: dict[str, str] | None = None, **more: Any) -> Reply:
    """A problem document.

    :param detail: what is wrong.
    :param mend: how it is put right.
    :param more: further members.
    """
    told = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **({"mend": mend} if mend else {}), **more}
    return Reply(status, MEDIA, json.dumps(told, ensure_ascii=False).encode(), headers or {})


def of(error: DermographError) -> Reply:
    """The problem document of an error: 422 where an input was read and cannot be used, 400 where it cannot be read or asks for nothing known."""
    if isinstance(error, InvalidInput):
        return problem(422, error.message, error.hint, findings=list(map(dataclasses.asdict, error.findings)))
    if isinstance(error, InputError | UsageError):
        return problem(400, error.message, error.hint)
    return problem(503 if isinstance(error, KnowledgeError) else 500, error.message, error.hint)


def told(task: Callable[..., Reply]) -> Callable[..., Reply]:
    """The task, with a problem document for every error that is meant.

    Errors with findings do not travel between processes, and replies do.
    """

    @functools.wraps(task)
    def run(*given: Any) -> Reply:
        try:
            return task(*given)
        except DermographError as error:
            return of(error)
        except RecursionError:
            return problem(422, "this nests too deep to be worked on", "write it flat")

    return run
