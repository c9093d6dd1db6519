"""What the API's look-ups are measured against: a bare Starlette application that sends the same statements through
asyncpg's own pool and answers with their rows as they are. It asks nobody who they are, opens no sealed name, records
nothing and makes no schema of it.

``python -m tests.bench.bare DATABASE PORT``
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.agreements.queries import HANDOVER, HOMES
from api.lookups import LookUp
from api.money.queries import PAYMENTS
from tests.days import office_day

LOOK_UPS = {"handover": HANDOVER, "homes": HOMES, "payments": PAYMENTS}


def application(database_url: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=8, max_size=8) as pool:
            app.state.pool = pool
            yield

    routes = [Route(f"/v1/chats/{{chat_id:int}}/{name}", _answer(look_up)) for name, look_up in LOOK_UPS.items()]
    return Starlette(routes=routes, lifespan=lifespan)


def _answer(look_up: LookUp) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        values = {"chat_id": request.path_params["chat_id"], "today": office_day()}
        rows = await request.app.state.pool.fetch(look_up.sql, *(values[name] for name in look_up.parameters))
        body = orjson.dumps([dict(row) for row in rows], default=_bytes)
        return Response(body, media_type="application/json")

    return answer


def _bytes(value: Any) -> str:
    return bytes(value).hex()


if __name__ == "__main__":
    url, port = sys.argv[1:]
    uvicorn.run(application(url), port=int(port), log_config=None, access_log=False, loop="uvloop", http="httptools")
