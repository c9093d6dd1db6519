"""Routers of ``/v1``, and one transaction per change, committed before the response leaves.

A FastAPI ``yield`` dependency would commit after the response: a failing commit would already have said 201. So the
route class opens the transaction and ends it around the handler. How to write a look-up stands in ``api.lookups``.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from api.db import Database
from api.errors import ApiError, ErrorBody
from api.privacy import Vault

ChatId = Annotated[
    int, Path(ge=1, lt=2**52, description="Telegram's id of a private chat: at most 52 bits.", examples=[700100200])
]
RowId = Annotated[int, Path(ge=1, lt=2**63)]

ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "No service token, or none that is in force."},
    422: {"model": ErrorBody, "description": "The request does not have the expected form."},
    503: {"model": ErrorBody, "description": "The database cannot be reached."},
}
"""What every route may answer; a route documents what else it may."""
NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "There is no such thing, or it is not for this chat."}
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DatabaseRoute(APIRoute):
    """What changes something runs in one transaction; a GET opens nothing, it reads by itself.

    An error that must leave a trace (``ApiError.keep_changes``) is answered after its transaction is committed.
    """

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


def v1_router(*tags: str) -> APIRouter:
    """A router of ``/v1`` with the common errors documented. ``create_app`` appends its routes to the application's
    own: FastAPI matches a router within a router once more on each level, 100 µs for twenty routes."""
    return APIRouter(prefix="/v1", route_class=DatabaseRoute, tags=list(tags), responses=ERRORS)


async def _reader(request: Request) -> AsyncIterator[AsyncConnection]:
    database: Database = request.app.state.database
    async with database.reading() as connection:
        yield connection


# Coroutines, though they wait for nothing: FastAPI sends plain functions through a thread, 100 µs each.
async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


Reader = Annotated[AsyncConnection, Depends(_reader)]
Session = Annotated[AsyncSession, Depends(_session)]
TheVault = Annotated[Vault, Depends(_vault)]
