"""Two processes of the API under load, one of them killed: whatever was answered stands in the record."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from api.audit.chain import chain_key
from api.audit.verifying import verify
from api.db import Database
from api.settings import Settings
from tests.conftest import SERVICE_TOKEN, environment_of
from tests.defences import Figure
from tests.factories import Factory

pytestmark = [pytest.mark.long, pytest.mark.security("Every look-up and change is recorded")]
FIRST_CHAT, CHATS, LOOK_UPS, CHANGES = 700100200, 12, 480, 60
ACTIONS = {"homes": "homes.seen", "with-handover": "handover.seen", "payments": "payments.seen"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def _api_process(settings: Settings, database_url: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    port = _free_port()
    environment = os.environ | environment_of(settings, database_url) | {"SHANGLOU_API_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "api", env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as client:
            while True:
                try:
                    async with client.get(f"{url}/readyz") as response:
                        if response.status == 200:
                            break
                except aiohttp.ClientError:
                    assert process.returncode is None
                await asyncio.sleep(0.05)
        yield url, process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_whatever_was_answered_is_recorded(
    settings: Settings, database: Database, database_url: str, factory: Factory, figure: Figure
) -> None:
    agreements = [await factory.agreement(units=[await factory.unit()]) for _ in range(CHATS)]
    for number, agreement in enumerate(agreements):
        await factory.link(FIRST_CHAT + number, agreement)
    answered: Counter[tuple[int, str]] = Counter()
    unanswered: Counter[tuple[int, str]] = Counter()
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        _api_process(settings, database_url) as (survivor_url, _),
        _api_process(settings, database_url) as (victim_url, victim),
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as client,
    ):

        async def ask(method: str, url: str, key: tuple[int, str]) -> None:
            try:
                async with client.request(method, url) as response:
                    await response.read()
                    assert response.status == 200
            except aiohttp.ClientError:
                unanswered[key] += 1
            else:
                answered[key] += 1

        async def die() -> None:
            while sum(answered.values()) < LOOK_UPS // 3:
                await asyncio.sleep(0.001)
            victim.send_signal(signal.SIGKILL)

        urls, tasks = (survivor_url, victim_url), [asyncio.create_task(die())]
        for turn in range(LOOK_UPS):
            chat_id = FIRST_CHAT + turn % CHATS
            path, action = list(ACTIONS.items())[turn // CHATS % len(ACTIONS)]
            at = f"{urls[turn // 7 % 2]}/v1/chats/{chat_id}/{path}"
            tasks.append(asyncio.create_task(ask("GET", at, (chat_id, action))))
            if turn * CHANGES % LOOK_UPS == 0:
                agreement_id = agreements[turn % CHATS].id
                at = f"{urls[turn % 2]}/v1/chats/{chat_id}/agreements/{agreement_id}/handover-watch"
                tasks.append(asyncio.create_task(ask("PUT", at, (chat_id, "handover.watched"))))
            if turn % 100 == 99:
                await asyncio.sleep(0.02)
        await asyncio.gather(*tasks)
        assert unanswered, "the kill came too late to show anything"
        owner = await database.connect()
        # The survivor seals what the killed one recorded, too.
        async with asyncio.timeout(60):
            while await owner.fetchval(
                "SELECT count(*) FROM audit_events e WHERE NOT EXISTS "
                "(SELECT FROM audit_seals s WHERE s.event_id = e.id)"
            ):
                await asyncio.sleep(0.05)
    rows = await owner.fetch("SELECT actor_id, action, count(*) FROM audit_events GROUP BY 1, 2")
    recorded = Counter({(row[0], row[1]): row[2] for row in rows})
    assert not answered - recorded, "answered, and not recorded"
    assert not recorded - answered - unanswered, "recorded, and never asked"
    verdict = await verify(owner, chain_key(settings.index_key.get_secret_value()), print)
    assert (verdict.events, verdict.findings, verdict.waiting) == (recorded.total(), 0, 0)
    await owner.close()
    figure(
        "answered by two processes, one killed meanwhile",
        f"{answered.total()}, of them recorded {(answered & recorded).total()}; {unanswered.total()} cut off",
    )
