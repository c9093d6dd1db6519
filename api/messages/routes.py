"""The couriers' side of the outbox. Not the usual routes: while a claim waits it holds no transaction and no
connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import APIRouter, Request, Response

from api.broadcasts.content import find_file
from api.cases import downloads
from api.db import Database
from api.lookups import reading
from api.messages import claims, reports
from api.messages.bell import POLL, Bell
from api.messages.bucket import Limit
from api.messages.schemas import Claim, ClaimedBatch, Outcome, Report, Reported, Result
from api.metrics import Metrics
from api.routing import ERRORS, NOT_FOUND, RowId, TheVault
from api.settings import Settings

router = APIRouter(prefix="/v1/messages", tags=["messages"], responses=ERRORS)


@router.post("/claim", summary="Lease messages that are due, as many as may be sent now; wait while there are none")
async def claim(asked: Claim, vault: TheVault, request: Request) -> ClaimedBatch:
    loop = asyncio.get_running_loop()
    end = loop.time() + asked.wait_seconds
    bell: Bell = request.app.state.bell
    async with _hanging_up(request) as hung_up:
        while True:
            rung = bell.rung
            taken = claims.Taken() if hung_up.done() else await _take(request, asked, vault)
            if hung_up.done():
                await _give_back(request, taken)
                return ClaimedBatch(messages=[])
            left = end - loop.time()
            if taken.messages or left <= 0 or bell.ended:
                return ClaimedBatch(messages=taken.messages, broadcasts=taken.broadcasts)
            wait = bell.wait(rung, min(left, POLL)) if taken.pause is None else bell.rest(min(left, taken.pause))
            await _first_of(hung_up, asyncio.create_task(wait))


@asynccontextmanager
async def _hanging_up(request: Request) -> AsyncIterator[asyncio.Task[None]]:
    """Done as soon as nobody waits for the answer any more."""

    async def hear() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    hearing = asyncio.create_task(hear())
    try:
        yield hearing
    finally:
        hearing.cancel()


async def _first_of(hung_up: asyncio.Task[None], waiting: asyncio.Task[None]) -> None:
    try:
        await asyncio.wait([hung_up, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _take(request: Request, asked: Claim, vault: TheVault) -> claims.Taken:
    settings: Settings = request.app.state.settings
    now = datetime.now(settings.timezone)
    quiet = settings.is_quiet(now)
    # Most of the time there is nothing: that is found out without a transaction.
    [there] = await reading(request).rows(claims.ANYTHING_DUE, quiet=quiet)
    if not there["due"]:
        return claims.Taken()
    async with _database(request).transaction() as session:
        limit = Limit(settings.send_rate, settings.send_burst)
        taken = await claims.claim(session, vault, asked, limit, now.date(), quiet=quiet)
    _metrics(request).delivered(taken.ended)
    return taken


async def _give_back(request: Request, taken: claims.Taken) -> None:
    """Nobody is there any more to send it."""
    results = [Result(id=one.id, lease=one.lease, outcome=Outcome.UNSENT) for one in taken.messages]
    if results:
        async with _database(request).transaction() as session:
            await reports.report(session, Report(results=results))


@router.post("/report", summary="Tell what became of messages, and whether Telegram asked for a pause")
async def report(told: Report, request: Request) -> Reported:
    async with _database(request).transaction() as session:
        outcomes = await reports.report(session, told)
    _metrics(request).delivered(outcomes)
    return Reported(counted=outcomes.total())


@router.get(
    "/broadcasts/{broadcast_id}/file",
    summary="The photo or document of a broadcast",
    responses=NOT_FOUND
    | {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=Response,
)
async def broadcast_file(broadcast_id: RowId, request: Request) -> Response:
    """The office's own, which goes to everybody whom the broadcast is for; a courier asks for it once."""
    async with _database(request).transaction() as session:
        file = await find_file(session, broadcast_id)
    return await downloads.send(request, downloads.Found(file.id, file.filename, file.size))


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics
