"""Routers of ``/v1``, and one transaction per change, committed before the response leaves.

A FastAPI ``yield`` dependency would commit after the response: a failing commit would already have said 201. So the
route class opens the transaction and ends it around the handler. How to write a look-up stands in ``api.lookups``.
"""

import re
from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Receive, Scope, Send

from api.db import Database
from api.errors import ApiError, ErrorBody
from api.privacy import Vault

CHAT_IDS = 2**52
"""No chat has this id or a higher one: Telegram's have at most 52 bits."""
ChatId = Annotated[
    int, Path(ge=1, lt=CHAT_IDS, description="Telegram's id of a private chat: at most 52 bits.", examples=[700100200])
]
RowId = Annotated[int, Path(ge=1, lt=2**63)]
DEFAULT_PAGE = 10
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")]
PageSize = Annotated[int, Query(ge=1, le=50)]

ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "No service token, or none that is in force."},
    422: {"model": ErrorBody, "description": "The request does not have the expected form."},
    503: {"model": ErrorBody, "description": "The database cannot be reached."},
}
"""What every route may answer; a route documents what else it may."""
NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "There is no such thing, or it is not for this chat."}
}

_BY_CHAT = (["request", "chat_id"], ["chat_id", "request"])
_PLAIN_ID = re.compile("[1-9][0-9]{0,15}")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DatabaseRoute(APIRoute):
    """What changes something runs in one transaction; a GET opens nothing, it reads by itself.

    An error that must leave a trace (``ApiError.keep_changes``) is answered after its transaction is committed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Nothing for FastAPI to do but to read the chat's id.
        self._asks_by_chat_alone = self.methods == {"GET"} and [*signature(self.endpoint).parameters] in _BY_CHAT

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A look-up by chat alone is answered without FastAPI's way to the endpoint: 35 µs for a request, which is
        four times the rest of its work. An id that is not plainly one takes the long way, to be refused."""
        chat_id: str = scope["path_params"].get("chat_id", "")
        # A route is also given what asks for its path with another method, to refuse it.
        if self._asks_by_chat_alone and scope["method"] == "GET" and _is_plain(chat_id):
            response: Response = await self.endpoint(request=Request(scope, receive), chat_id=int(chat_id))
            await response(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def write(request: Request) -> Response:
            database: Database = request.app.state.database
            kept: ApiError | None = None
            async with database.transaction() as session:
                request.state.session = session
                try:
                    response = await handle(request)
                except ApiError as error:
                    if not error.keep_changes:
                        raise
                    kept = error
            if kept is not None:
                raise kept
            return response

        return handle if self.methods and self.methods <= {"GET", "HEAD"} else write


def _is_plain(chat_id: str) -> bool:
    return _PLAIN_ID.fullmatch(chat_id) is not None and int(chat_id) < CHAT_IDS


def v1_router(*tags: str) -> APIRouter:
    """A router of ``/v1`` with the common errors documented. ``create_app`` appends its routes to the application's
    own: FastAPI matches a router within a router once more on each level, 100 µs for twenty routes."""
    return APIRouter(prefix="/v1", route_class=DatabaseRoute, tags=list(tags), responses=ERRORS)


# Coroutines, though they wait for nothing: FastAPI sends plain functions through a thread, 100 µs each.
async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


Session = Annotated[AsyncSession, Depends(_session)]
TheVault = Annotated[Vault, Depends(_vault)]
