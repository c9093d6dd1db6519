"""The bot's client of the API: one method for each route of the wire contract.

Everything that a resident may see is asked for by chat; the API answers only from that chat's live links.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from api.agreements.schemas import HandoverOut, HomeOut
from api.cases.schemas import AttachmentKind, AttachmentOut, CaseIn, CaseOut, CasePage
from api.chats.schemas import (
    ChatSave,
    ChatState,
    ChatWithHandover,
    ChatWithHomes,
    ChatWithPayments,
    Facts,
    Watch,
)
from api.identity.schemas import LinksOut, Proof
from api.money.schemas import LedgerPage, PaymentsOut
from bot.http import HttpClient

Model = TypeVar("Model", bound=BaseModel)

CONNECT_TIMEOUT = 2.0
TOTAL_TIMEOUT = 10.0
UPLOAD_TIMEOUT = 90.0
"""Seconds."""

# Below uvicorn's default of 5 seconds, so that it is this side that closes an idle connection.
_KEEP_ALIVE = 4.0
_JSON = {"Content-Type": "application/json"}
_CASE_NUMBER = re.compile(r"[0-9A-Za-z-]{1,40}")
_WITH: dict[Facts, type[ChatState]] = {
    Facts.HOMES: ChatWithHomes,
    Facts.PAYMENTS: ChatWithPayments,
    Facts.HANDOVER: ChatWithHandover,
}
_HOMES = TypeAdapter(list[HomeOut])
_PAYMENTS = TypeAdapter(list[PaymentsOut])
_HANDOVERS = TypeAdapter(list[HandoverOut])


class BackendUnavailable(Exception):
    """The API cannot be reached, is not ready, or answered something that is no answer. It may pass."""


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


_errors: dict[str, type[BackendError]] = {
    kind.code: kind
    for kind in (
        NotFound,
        VersionConflict,
        NotMatched,
        Locked,
        InvalidInput,
        TooLarge,
        UnsupportedType,
        TooMany,
    )
}


class Backend:
    """Asks the API. Every method raises ``BackendUnavailable`` or a ``BackendError``.

    Use it as an async context manager, or ``close`` it at the end.
    """

    def __init__(self, url: str, token: str, *, pool_size: int = 100) -> None:
        """
        Args:
            url: the API's address, without ``/v1``.
            token: the service token.
            pool_size: connections at the same time.
        """
        self._client = HttpClient(
            f"{url.rstrip('/')}/v1/chats/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "shanglou-bot"},
            size=pool_size,
            connect_timeout=CONNECT_TIMEOUT,
            keep_alive=_KEEP_ALIVE,
        )

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.close()

    # Conversation state

    async def chat(self, chat_id: int, needs: Facts | None = None) -> ChatState:
        """A chat that never wrote has version 0 and no locale.

        ``needs``: facts to come with it in the same answer, which then is a ``ChatWithHomes`` or the like.
        """
        if needs is None:
            return _read(ChatState, await self._get(f"{chat_id}"))
        return _read(_WITH[needs], await self._get(f"{chat_id}/with-{needs}"))

    async def save_chat(self, chat_id: int, save: ChatSave) -> ChatState:
        """
        Raises:
            VersionConflict: ``save.version`` is not the stored one any more.
        """
        try:
            return _read(ChatState, await self._send("PUT", f"{chat_id}", _dump(save), again=True))
        except VersionConflict:
            # Perhaps it is this very save that is in the way: sent twice because the first answer was lost.
            now = await self.chat(chat_id)
            if (now.version, now.locale, now.dialog) == (save.version + 1, save.locale, save.dialog):
                return now
            raise

    # Links

    async def links(self, chat_id: int) -> LinksOut:
        return _read(LinksOut, await self._get(f"{chat_id}/links"))

    async def prove(self, chat_id: int, proof: Proof) -> LinksOut:
        """Try to link the chat.

        Raises:
            NotMatched: the answer never tells which part was wrong.
            Locked: too many wrong tries.
        """
        return _read(LinksOut, await self._send("POST", f"{chat_id}/links", _dump(proof)))

    async def unlink(self, chat_id: int, link_id: int) -> None:
        """
        Raises:
            NotFound
        """
        await self._send("DELETE", f"{chat_id}/links/{_row(link_id)}", again=True)

    # Look-ups

    async def homes(self, chat_id: int) -> list[HomeOut]:
        """Empty: the chat has no live link."""
        return _read_list(_HOMES, await self._get(f"{chat_id}/homes"))

    async def payments(self, chat_id: int) -> list[PaymentsOut]:
        """Empty: the chat has no live link."""
        return _read_list(_PAYMENTS, await self._get(f"{chat_id}/payments"))

    async def ledger(
        self, chat_id: int, agreement_id: int, *, cursor: str | None = None, limit: int | None = None
    ) -> LedgerPage:
        """
        Raises:
            NotFound: not an agreement of this chat.
        """
        query = _query(cursor=cursor, limit=limit)
        return _read(LedgerPage, await self._get(f"{chat_id}/agreements/{_row(agreement_id)}/ledger", query))

    async def handovers(self, chat_id: int) -> list[HandoverOut]:
        """Empty: the chat has no live link."""
        return _read_list(_HANDOVERS, await self._get(f"{chat_id}/handover"))

    async def watch_handover(self, chat_id: int, agreement_id: int, *, watching: bool) -> Watch:
        """Remember, or forget, the wish to be told when the handover date changes.

        Raises:
            NotFound: not an agreement of this chat.
        """
        path = f"{chat_id}/agreements/{_row(agreement_id)}/handover-watch"
        return _read(Watch, await self._send("PUT" if watching else "DELETE", path, again=True))

    # Complaints

    async def attach(
        self,
        chat_id: int,
        data: bytes,
        *,
        kind: AttachmentKind,
        filename: str,
        media_type: str,
        upload_key: str,
    ) -> AttachmentOut:
        """Store a file; the same ``upload_key`` again gives the same attachment.

        Raises:
            TooLarge, UnsupportedType, TooMany
        """
        query = _query(kind=kind.value, filename=filename, upload_key=upload_key)
        headers = {"Content-Type": media_type}
        target = f"{chat_id}/attachments{query}"
        body = await self._send("POST", target, data, headers, again=True, seconds=UPLOAD_TIMEOUT)
        return _read(AttachmentOut, body)

    async def detach(self, chat_id: int, attachment_id: int) -> None:
        """
        Raises:
            NotFound: no such attachment, or it is part of a case already.
        """
        await self._send("DELETE", f"{chat_id}/attachments/{_row(attachment_id)}", again=True)

    async def file_case(self, chat_id: int, case: CaseIn, *, idempotency_key: str) -> CaseOut:
        """File a complaint; the same key again gives the same case.

        Raises:
            NotFound: unknown agreement, unit or attachment.
            InvalidInput
        """
        headers = {**_JSON, "Idempotency-Key": idempotency_key}
        body = await self._send("POST", f"{chat_id}/cases", _dump(case), headers, again=True)
        return _read(CaseOut, body)

    async def cases(
        self,
        chat_id: int,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        idempotency_key: str | None = None,
    ) -> CasePage:
        """Newest first; with ``idempotency_key`` only the case filed with it, if there is one."""
        query = _query(cursor=cursor, limit=limit, idempotency_key=idempotency_key)
        return _read(CasePage, await self._get(f"{chat_id}/cases", query))

    async def case(self, chat_id: int, number: str) -> CaseOut:
        """
        Raises:
            NotFound
        """
        if not _CASE_NUMBER.fullmatch(number):
            raise NotFound("not_found", 404)
        return _read(CaseOut, await self._get(f"{chat_id}/cases/{number}"))

    # Inside

    async def _get(self, path: str, query: str = "") -> bytes:
        return await self._send("GET", path + query, again=True)

    async def _send(
        self,
        method: str,
        target: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = _JSON,
        *,
        again: bool = False,
        seconds: float = TOTAL_TIMEOUT,
    ) -> bytes:
        """``again``: the request may be sent a second time when the connection fails."""
        try:
            answer = await self._client.request(
                method, target, data, headers if data is not None else None, seconds=seconds
            )
        except (OSError, TimeoutError) as error:
            if again and not isinstance(error, TimeoutError):
                return await self._send(method, target, data, headers, seconds=seconds)
            raise BackendUnavailable(f"{method} failed ({type(error).__name__})") from None
        if answer.status < 400:
            return answer.body
        raise _refusal(answer.status, answer.body)


def _refusal(status: int, body: bytes) -> BackendError | BackendUnavailable:
    if status >= 500:
        return BackendUnavailable(f"the API answered {status}")
    try:
        answer = orjson.loads(body)
        code, details = str(answer["code"]), answer.get("details")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return BackendUnavailable(f"the API's address answered {status}, which is not the API's own")
    return _errors.get(code, BackendError)(code, status, details)


def _read(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        # Its message would quote what was received.
        raise BackendUnavailable(f"the API's answer is no {model.__name__}") from None


def _read_list(adapter: TypeAdapter[list[Model]], body: bytes) -> list[Model]:
    try:
        return adapter.validate_json(body)
    except ValidationError:
        raise BackendUnavailable("the API's answer is not the expected list") from None


def _dump(model: BaseModel) -> bytes:
    return orjson.dumps(model.model_dump(), default=_reveal)


def _reveal(value: object) -> str:
    # Only here, on its way into the office, does a secret leave its wrapper.
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise TypeError(f"{type(value).__name__} has no place in a request")


def _row(number: int) -> int:
    """The id of a row as a button carried it, which anybody can make up.

    Raises:
        NotFound: no row has such an id.
    """
    if not 0 < number < 2**63:
        raise NotFound("not_found", 404)
    return number


def _query(**values: str | int | None) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
