"""The couriers' side of the outbox. Not the usual routes: while a claim waits it holds no transaction and no
connection."""

import asyncio

from fastapi import APIRouter, Request

from api.db import Database
from api.lookups import reading
from api.messages import claims
from api.messages.bell import POLL, Bell
from api.messages.bucket import Limit
from api.messages.schemas import Claim, ClaimedBatch, Outcome, Report, Reported, Result
from api.routing import ERRORS, TheVault

router = APIRouter(prefix="/v1/messages", tags=["messages"], responses=ERRORS)


@router.post("/claim", summary="Lease messages that are due, as many as may be sent now; wait while there are none")
async def claim(asked: Claim, vault: TheVault, request: Request) -> ClaimedBatch:
    loop = asyncio.get_running_loop()
    end = loop.time() + asked.wait_seconds
    bell: Bell = request.app.state.bell
    while True:
        rung = bell.rung
        taken = await _take(request, asked, vault)
        left = end - loop.time()
        if await request.is_disconnected():
            await _give_back(request, taken)
            return ClaimedBatch(messages=[])
        if taken.messages or left <= 0:
            return ClaimedBatch(messages=taken.messages)
        if taken.pause is None:
            await bell.wait(rung, min(left, POLL))
        else:
            await asyncio.sleep(min(left, taken.pause))


async def _take(request: Request, asked: Claim, vault: TheVault) -> claims.Taken:
    # Most of the time there is nothing: that is found out without a transaction.
    [there] = await reading(request).rows(claims.ANYTHING_DUE)
    if not there["due"] or await request.is_disconnected():
        return claims.Taken()
    settings = request.app.state.settings
    async with _database(request).transaction() as session:
        limit = Limit(settings.send_rate, settings.send_burst)
        return await claims.claim(session, vault, asked, limit, reading(request).today())


async def _give_back(request: Request, taken: claims.Taken) -> None:
    """Nobody is there any more to send it."""
    results = [Result(id=one.id, lease=one.lease, outcome=Outcome.UNSENT) for one in taken.messages]
    if results:
        async with _database(request).transaction() as session:
            await claims.report(session, Report(results=results))


@router.post("/report", summary="Tell what became of messages, and whether Telegram asked for a pause")
async def report(told: Report, request: Request) -> Reported:
    async with _database(request).transaction() as session:
        return Reported(counted=await claims.report(session, told))


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database
