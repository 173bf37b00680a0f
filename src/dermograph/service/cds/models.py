"""Requests and answers of CDS Hooks 2.0: https://cds-hooks.hl7.org/2.0/. Further members of a request are allowed and passed over."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_LOCAL = r"^(?:{kinds}/)?[^/?#\s]{{1,64}}$"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _moment(text: str) -> str:
    """A moment of RFC 3339 with its offset."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("a moment as RFC 3339 has it is wanted, with its offset")
    dt.datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", text.upper()))
    return text


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("a UUID is wanted") from None


Moment = Annotated[str, Field(max_length=50, json_schema_extra={"format": "date-time"}), AfterValidator(_moment)]
Unique = Annotated[str, Field(max_length=50, json_schema_extra={"format": "uuid"}), AfterValidator(_uuid)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Resource = dict[str, Any]


class Asked(BaseModel):
    """Part of a request: what it holds is of its type, and never made so."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


# --- what a client sends


class Authorization(Asked):
    """A token for the server of FHIR, which is never called."""

    access_token: Text
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(ge=0)]
    scope: str
    subject: Text
    patient: str | None = None


class Context(Asked):
    """Where the client stands."""

    userId: Text
    patientId: Annotated[str, Field(pattern=_LOCAL.format(kinds="Patient"))]
    encounterId: str | None = None

    @property
    def patient(self) -> str:
        """The id of the patient by itself."""
        return self.patientId.removeprefix("Patient/")


class Bundle(Asked):
    """A bundle of orders."""

    model_config = ConfigDict(extra="allow")

    resourceType: Literal["Bundle"]
    entry: list[Resource] = []


class Signing(Context):
    """Where the client stands when orders are about to be signed."""

    draftOrders: Bundle


class Selecting(Signing):
    """Where the client stands when orders were chosen."""

    selections: list[Text]


class Request(Asked):
    """A call of a service."""

    hook: Text
    hookInstance: Unique
    fhirServer: Text | None = None
    fhirAuthorization: Authorization | None = None
    context: Context
    prefetch: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _server(self) -> Self:
        if self.fhirAuthorization and not self.fhirServer:
            raise ValueError("fhirServer is required where there is fhirAuthorization")
        return self


class PatientView(Request):
    """A patient's record was opened."""

    hook: Literal["patient-view"]


class OrderSelect(Request):
    """Orders were chosen."""

    hook: Literal["order-select"]
    context: Selecting


class OrderSign(Request):
    """Orders are about to be signed."""

    hook: Literal["order-sign"]
    context: Signing


class AcceptedSuggestion(Asked):
    """A suggestion that was taken."""

    id: Text


class Reason(Asked):
    """A code that a clinician chose."""

    code: Text
    system: str | None = None
    display: str | None = None


class OverrideReason(Asked):
    """Why a card was put aside."""

    reason: Reason | None = None
    userComment: str | None = None


class Outcome(Asked):
    """What became of one card."""

    card: Text
    outcome: Literal["accepted", "overridden"]
    acceptedSuggestions: list[AcceptedSuggestion] | None = None
    overrideReason: OverrideReason | None = None
    outcomeTimestamp: Moment

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        if self.outcome == "accepted" and not self.acceptedSuggestions:
            raise ValueError("acceptedSuggestions is required where the outcome is accepted")
        return self


class Feedback(Asked):
    """What became of cards."""

    feedback: list[Outcome]


# --- what it is answered


class Service(BaseModel):
    """A service that can be called."""

    hook: str
    title: str
    description: str
    id: str
    prefetch: dict[str, str]
    usageRequirements: str


class Discovery(BaseModel):
    """The services that there are."""

    services: list[Service]


class Coding(BaseModel):
    """A code of a code system, with its words."""

    system: str
    code: str
    display: str


class Source(BaseModel):
    """Who says so."""

    label: str
    url: str | None = None
    topic: Coding


class Link(BaseModel):
    """Where more can be read."""

    label: str
    url: str
    type: Literal["absolute"] = "absolute"


class Action(BaseModel):
    """A change of the record."""

    type: Literal["create", "delete"]
    description: str
    resource: Resource | None = None
    resourceId: str | None = None


class Suggestion(BaseModel):
    """Changes that belong together."""

    label: str
    uuid: str
    actions: list[Action]


class Card(BaseModel):
    """One thing to tell a clinician."""

    uuid: str
    summary: Annotated[str, Field(max_length=139)]
    detail: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    suggestions: list[Suggestion] | None = None
    selectionBehavior: Literal["any", "at-most-one"] | None = None
    overrideReasons: list[Coding] | None = None
    links: list[Link] | None = None


class Cards(BaseModel):
    """The answer of a service."""

    cards: list[Card]


class Counted(BaseModel):
    """How many outcomes of each kind were counted."""

    accepted: int
    overridden: int
