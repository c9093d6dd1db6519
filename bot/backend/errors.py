"""How asking the API fails."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from api.broadcasts.schemas import Problem


class BackendUnavailable(Exception):
    """The API cannot be reached, is not ready, or answered something that is no answer. It may pass."""


class Unreachable(BackendUnavailable):
    """No answer came in time, or none of the API's own making."""


class NotConnected(Unreachable):
    """There was no connection: the request never went out."""


class ConnectionBroke(Unreachable):
    """It broke before the answer: nobody knows whether the request arrived."""


class NotReady(Unreachable):
    """The API, or what stands before it, says that it cannot answer now."""


class LeftAlone(BackendUnavailable):
    """It has not answered for a while, and was not asked again. See ``bot.backend.breaker``."""

    def __init__(self) -> None:
        super().__init__("the API is left alone for a while")


class BackendError(Exception):
    """The API refused. The subclasses are the refusals that a conversation can answer; any other is this class."""

    code: ClassVar[str] = ""

    def __init__(self, code: str, status: int, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code} ({status})")
        self.error_code = code
        self.status = status
        self.details: Mapping[str, Any] = details or {}


class NotFound(BackendError):
    """There is no such thing, or it is not for this chat: the API does not tell which."""

    code = "not_found"


class VersionConflict(BackendError):
    """The chat's state was saved by somebody else since it was loaded."""

    code = "version_conflict"


class NotMatched(BackendError):
    """A proof does not match what is on file; nobody is told which part."""

    code = "not_matched"


class Locked(BackendError):
    """Too many wrong tries."""

    code = "locked"

    @property
    def retry_after_seconds(self) -> int:
        return int(self.details.get("retry_after_seconds", 0))


class WayClosed(BackendError):
    """Nobody can prove who they are in this way now."""

    code = "way_closed"

    @property
    def open(self) -> list[str]:
        """The ways that are open."""
        return list(self.details.get("open", []))


class InvalidInput(BackendError):
    """The request does not have the expected form."""

    code = "invalid_input"


class TooLarge(BackendError):
    """A file is larger than ``details["max_bytes"]``."""

    code = "too_large"


class UnsupportedType(BackendError):
    """Files of this type are not accepted."""

    code = "unsupported_type"


class TooMany(BackendError):
    """There are ``details["max"]`` of them already."""

    code = "too_many"


class NotAllowed(BackendError):
    """Not for this account of staff (or there is none)."""

    code = "not_allowed"


class AlreadyHandled(BackendError):
    """Somebody has dealt with it meanwhile."""

    code = "already_handled"


class NotAllowedNow(BackendError):
    """That cannot be done with the case or broadcast as it stands."""

    code = "not_allowed_now"

    @property
    def allowed(self) -> list[str]:
        """The actions (``CaseAction``, ``BroadcastAction``) that can."""
        return list(self.details.get("allowed", []))


class CaseChanged(BackendError):
    """Somebody did something with the case since it was shown: ``details["event"]``, ``details["by"]``."""

    code = "case_changed"


class AnsweredAnew(BackendError):
    """There is another answer by now than the one that this is about."""

    code = "answered_anew"


class BroadcastChanged(BackendError):
    """Somebody changed the broadcast since it was shown: ``details["action"]``, ``details["state"]``."""

    code = "broadcast_changed"


class HasProblems(BackendError):
    """It cannot be sent before ``details["problems"]`` are mended."""

    code = "has_problems"

    @property
    def problems(self) -> list[Problem]:
        return [Problem.model_validate(problem) for problem in self.details.get("problems", [])]


class OwnBroadcast(BackendError):
    """Nobody approves what they wrote or submitted themselves."""

    code = "own_broadcast"


class OwnAnswer(NotAllowed):
    """Nobody decides the review of an answer that they gave themselves."""

    code = "own_answer"


class NoRoute(BackendError):
    """No routing rule says where the case belongs."""

    code = "no_route"


class SaysWho(BackendError):
    """Who reads the words would learn whose case it is, by their ``details["parts"]``."""

    code = "says_who"


class ConsentNeeded(BackendError):
    """The person has not agreed to ``details["kinds"]``."""

    code = "consent_needed"


_kinds: list[type[BackendError]] = [*BackendError.__subclasses__(), OwnAnswer]
_refusals: dict[str, type[BackendError]] = {kind.code: kind for kind in _kinds}

_NOT_READY = (502, 503, 504)


def refusal(status: int, body: bytes) -> BackendError | BackendUnavailable:
    """What an answer of 400 and above means."""
    if status in _NOT_READY:
        return NotReady(f"the API answered {status}")
    if status >= 500:
        return BackendUnavailable(f"the API answered {status}")
    try:
        answer = orjson.loads(body)
        code, details = str(answer["code"]), answer.get("details")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return BackendUnavailable(f"the API's address answered {status}, which is not the API's own")
    return _refusals.get(code, BackendError)(code, status, details)
