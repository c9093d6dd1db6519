"""Puts the playground's sides together as one ASGI application."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.playground.api import BotApi
from bot.playground.errors import ApiError
from bot.playground.events import EventStream
from bot.playground.page import Guard, Page
from bot.playground.play import UserSide, reply
from bot.playground.state import Playground


def create_app(token: str) -> Starlette:
    """A playground for the bot with this token; its state is ``app.state.playground``."""
    playground = Playground(token)
    api = BotApi(playground)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        # Event streams and long polls would otherwise keep the server waiting for their clients.
        yield {"before_end": playground.close}
        await api.close()

    routes: list[Route] = [
        *api.routes,
        *UserSide(playground).routes,
        *EventStream(playground).routes,
        *Page(playground).routes,
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard)],
        lifespan=lifespan,
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.state.playground = playground
    return app


async def _not_found(request: Request, error: Exception) -> Response:
    return reply({**ApiError(404, "Not Found").body(), "error": "there is nothing here"}, 404)


async def _not_allowed(request: Request, error: Exception) -> Response:
    return reply({**ApiError(405, "Method Not Allowed").body(), "error": "not with this method"}, 405)
