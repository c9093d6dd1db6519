"""One transaction per request, committed before the response leaves.

A FastAPI ``yield`` dependency would commit after the response: a failing commit would already have said 201. So the
route class opens the way into the database and closes it around the handler.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from api.db import Database
from api.errors import ApiError
from api.privacy import Vault

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DatabaseRoute(APIRoute):
    """GET reads in autocommit; everything else runs in one transaction.

    An error that must leave a trace (``ApiError.keep_changes``) is answered after its transaction is committed.
    """

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def read(request: Request) -> Response:
            database: Database = request.app.state.database
            async with database.reading() as connection:
                request.state.reader = connection
                return await handle(request)

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

        return read if self.methods and self.methods <= {"GET", "HEAD"} else write


def _reader(request: Request) -> AsyncConnection:
    connection: AsyncConnection = request.state.reader
    return connection


def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


Reader = Annotated[AsyncConnection, Depends(_reader)]
Session = Annotated[AsyncSession, Depends(_session)]
TheVault = Annotated[Vault, Depends(_vault)]
