"""Errors are types with a code and a status; each answer has one shape: code, message, details.

"Not yours" and "does not exist" are the same error on purpose: an answer never tells that another family's data exists.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from structlog.contextvars import get_contextvars


class ErrorBody(BaseModel):
    """The one shape of every error."""

    code: str = Field(description="Stable, for programs.", examples=["not_found"])
    message: str = Field(description="For the people who read logs; residents get words from the bot.")
    details: dict[str, Any] = Field(default_factory=dict, description="What a program may need to go on.")


class ApiError(Exception):
    """Base of every expected failure."""

    code: ClassVar[str]
    status: ClassVar[int]
    message: ClassVar[str]
    keep_changes: ClassVar[bool] = False
    """Whether the transaction is committed all the same: a wrong try must be remembered."""

    def __init__(self, **details: Any) -> None:
        super().__init__(self.message)
        self.details = details

    def body(self) -> ErrorBody:
        return ErrorBody(code=self.code, message=self.message, details=self.details)


class Unauthenticated(ApiError):
    code, status, message = "unauthenticated", 401, "A valid service token is needed."


class NotFound(ApiError):
    code, status, message = "not_found", 404, "There is no such thing, or it is not for this chat."


class NotAllowed(ApiError):
    code, status, message = "not_allowed", 403, "Not for this account."


class LastAdmin(ApiError):
    code, status, message = "last_admin", 409, "No administrator would be left."


class AlreadyHandled(ApiError):
    code, status, message = "already_handled", 409, "Somebody has dealt with it meanwhile."


class NotAllowedNow(ApiError):
    """``details.allowed`` tells what can be done with the case or broadcast as it stands, ``details.state`` how it
    stands."""

    code, status, message = "not_allowed_now", 409, "That cannot be done as it stands."


class CaseChanged(ApiError):
    """``details.version`` is the case's now; ``details.event``, ``details.by`` (as whom, not who) and
    ``details.happened_at`` tell what was done meanwhile."""

    code, status, message = "case_changed", 409, "Somebody has done something with the case meanwhile."


class AnsweredAnew(ApiError):
    code, status, message = "answered_anew", 409, "There is another answer by now than the one that this is about."


class BroadcastChanged(ApiError):
    """``details.version`` and ``details.state`` are the broadcast's now; ``details.action`` and ``details.happened_at``
    tell what was done meanwhile."""

    code, status, message = "broadcast_changed", 409, "Somebody has changed the broadcast meanwhile."


class HasProblems(ApiError):
    """``details.problems`` tells what must be mended first: each a ``Problem``."""

    code, status, message = "has_problems", 409, "The broadcast cannot be sent as it is."


class OwnBroadcast(ApiError):
    code, status, message = "own_broadcast", 403, "Who wrote or submitted a broadcast does not approve it."


class OwnAnswer(ApiError):
    code, status, message = "own_answer", 403, "Who gave the answer does not decide its review."


class NoRoute(ApiError):
    code, status, message = "no_route", 409, "No routing rule fits the case; name a department."


class SaysWho(ApiError):
    """``details.parts`` tells by what: each a ``PointsAt``."""

    code, status, message = "says_who", 409, "Who reads this would learn whose case it is."


class ConsentNeeded(ApiError):
    """``details.kinds`` tells to what the person has not agreed (yet, or in this version of the words)."""

    code, status, message = "consent_needed", 403, "The person has not agreed to that."


class VersionConflict(ApiError):
    code, status, message = "version_conflict", 409, "The chat was changed meanwhile; load it again."


class NotMatched(ApiError):
    code, status, message = "not_matched", 403, "What was given does not match what is on file."
    keep_changes = True


class Locked(ApiError):
    """``details.retry_after_seconds`` tells when to try again."""

    code, status, message = "locked", 429, "Too many wrong tries."
    keep_changes = True


class WayClosed(ApiError):
    """``details.open`` tells which ways in are open to everybody now."""

    code, status, message = "way_closed", 403, "Nobody can prove who they are in this way now."


class InvalidInput(ApiError):
    code, status, message = "invalid_input", 422, "The request does not have the expected form."


class TooLarge(ApiError):
    """``details.max_bytes`` tells the limit."""

    code, status, message = "too_large", 413, "The file is larger than allowed."


class UnsupportedType(ApiError):
    code, status, message = "unsupported_type", 415, "Files of this type are not accepted."


class TooMany(ApiError):
    """``details.max`` tells the limit."""

    code, status, message = "too_many", 409, "There are as many as allowed already."


class Unavailable(ApiError):
    code, status, message = "unavailable", 503, "The service cannot answer right now."


def answer(error: ApiError) -> JSONResponse:
    """The error as a response."""
    return respond(error.status, error.body())


def respond(status: int, body: ErrorBody, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The same of a body. What is our fault (500 and above) tells under which id the log has more of it; a refusal is
    always the same bytes, and has the id in its head alone."""
    if status >= 500 and (request_id := get_contextvars().get("request_id")):
        body = body.model_copy(update={"details": {**body.details, "request_id": request_id}})
    return JSONResponse(body.model_dump(mode="json"), status, headers)
