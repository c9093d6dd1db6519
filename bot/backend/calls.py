"""What every call to the API has in common."""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from api.cases.schemas import AttachmentKind, AttachmentOut
from bot.backend.breaker import Breaker
from bot.backend.errors import (
    BackendUnavailable,
    ConnectionBroke,
    NotConnected,
    NotReady,
    Unreachable,
    refusal,
)
from bot.http import HttpClient, NoConnection
from bot.retrying import retries

Model = TypeVar("Model", bound=BaseModel)

TOTAL_TIMEOUT = 10.0
"""Seconds."""
UPLOAD_TIMEOUT = 90.0
"""Seconds, for a file either way."""
_PASSING = (NotConnected, ConnectionBroke, NotReady)
JSON = {"Content-Type": "application/json"}
_AGAIN_SECONDS = 3.0
"""So long after a call began it is not tried once more: a person is waiting."""
_CASE_NUMBER = re.compile(r"[0-9A-Za-z-]{1,40}")
_NO_CASE = "0"
_NO_ROW = 2**63 - 1


class Calls:
    """Sends requests below ``/v1/``. Every call raises ``BackendUnavailable`` or a ``BackendError``."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._breaker = Breaker(trial_seconds=TOTAL_TIMEOUT)

    async def _get(self, path: str, query: str = "") -> bytes:
        return await self._send("GET", path + query, again=True)

    async def _upload(
        self, whose: str, data: bytes, *, kind: AttachmentKind, filename: str, media_type: str, upload_key: str
    ) -> AttachmentOut:
        """Store a file below ``whose``; the same ``upload_key`` again gives the same attachment."""
        asked = query(kind=kind.value, filename=filename, upload_key=upload_key)
        target, headers = f"{whose}/attachments{asked}", {"Content-Type": media_type}
        body = await self._send("POST", target, data, headers, again=True, seconds=UPLOAD_TIMEOUT)
        return read(AttachmentOut, body)

    async def _send(
        self,
        method: str,
        target: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = JSON,
        *,
        again: bool = False,
        guarded: bool = True,
        seconds: float | None = None,
    ) -> bytes:
        """
        Args:
            again: the request may arrive twice: it is sent once more where nobody knows whether it has arrived.
            guarded: False for who rests by itself between its calls and keeps nobody waiting.
            seconds: for each try.
        """
        seconds = TOTAL_TIMEOUT if seconds is None else seconds
        if data is None:
            headers = None

        passing = _PASSING if again else (NotConnected,)

        async def ask() -> bytes:
            try:
                return await self._send_once(method, target, data, headers, seconds)
            except passing:
                # Of a breaker that is open this is the one call that tries.
                if self._breaker.open:
                    raise
            # At once, for a connection that was kept too long; then a little later, for a process that starts anew.
            more = retries(passing, attempts=2, timeout=_AGAIN_SECONDS, wait_initial=0.3, wait_jitter=0.7)
            async for attempt in more:
                with attempt:
                    return await self._send_once(method, target, data, headers, seconds)
            raise AssertionError("the last attempt raises")

        return await (self._breaker.call(ask) if guarded else ask())

    async def _send_once(
        self, method: str, target: str, data: bytes | None, headers: Mapping[str, str] | None, seconds: float
    ) -> bytes:
        try:
            answer = await self._client.request(method, target, data, headers, seconds=seconds)
        except NoConnection as error:
            raise NotConnected(f"{method} failed ({error})") from None
        except TimeoutError:
            raise Unreachable(f"{method} failed (no answer in time)") from None
        except OSError as error:
            raise ConnectionBroke(f"{method} failed ({type(error).__name__})") from None
        if answer.status < 400:
            return answer.body
        raise refusal(answer.status, answer.body)


def read(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        # Its message would quote what was received.
        raise BackendUnavailable(f"the API's answer is no {model.__name__}") from None


def read_list(adapter: TypeAdapter[list[Model]], body: bytes) -> list[Model]:
    try:
        return adapter.validate_json(body)
    except ValidationError:
        raise BackendUnavailable("the API's answer is not the expected list") from None


def dump(model: BaseModel) -> bytes:
    return orjson.dumps(model.model_dump(), default=_reveal)


def _reveal(value: object) -> str | list[str]:
    # Only here, on its way into the office, does a secret leave its wrapper.
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a request")


def row(number: int) -> int:
    """The id of a row as a button carried it, which anybody can make up. One that no row can have becomes one that no
    row has: whether there is none, or the person may not ask, is the API's to say."""
    return number if 0 < number < 2**63 else _NO_ROW


def case_number(number: str) -> str:
    """A case's number as a button or a person gave it, to go into a path; one that no case can have: as in `row`."""
    return number if _CASE_NUMBER.fullmatch(number) else _NO_CASE


def query(**values: str | int | None) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
