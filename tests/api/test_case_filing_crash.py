"""Fifty residents file at once, and the API is killed in the middle: no number twice, nothing lost that was
acknowledged."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.db import Database
from tests.conftest import SECRETS, SERVICE_TOKEN
from tests.factories import Factory

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
RESIDENTS = range(700100300, 700100350)
EACH = 4
"""Complaints of each resident."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def api_process(port: int, database_url: str, data_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """``shanglou api`` as it runs for real, ready to answer; killed at the end if it is still there."""
    environment = (
        {name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")}
        | SECRETS
        | {
            "SHANGLOU_ENV_FILE": "/nonexistent",
            "SHANGLOU_DATABASE_URL": database_url,
            "SHANGLOU_DATA_DIR": str(data_dir),
            "SHANGLOU_API_PORT": str(port),
        }
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "api", cwd=ROOT, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as client:
            while True:
                try:
                    async with client.get(f"http://127.0.0.1:{port}/readyz") as response:
                        if response.status == 200:
                            break
                except aiohttp.ClientConnectionError:
                    assert process.returncode is None, "the API ended by itself"
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Residents:
    """Who file complaints until each is acknowledged, with the same key as long as it is the same complaint."""

    def __init__(self, url: str, agreements: dict[int, int]) -> None:
        self.url, self.agreements = url, agreements
        self.acknowledged: dict[str, str] = {}
        """Number by key."""
        self.interrupted: Counter[str] = Counter()
        self.enough = asyncio.Event()

    async def all_file(self) -> None:
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        connector = aiohttp.TCPConnector(limit=len(RESIDENTS))
        async with aiohttp.ClientSession(self.url, headers=headers, connector=connector) as client:
            await asyncio.gather(*(self._files(client, chat) for chat in RESIDENTS))

    async def _files(self, client: aiohttp.ClientSession, chat: int) -> None:
        for n in range(EACH):
            key = f"dialog-{chat}-{n}"
            case = {"category": "quality", "agreement_id": self.agreements[chat], "text": f"第{n}件"}
            while key not in self.acknowledged:
                try:
                    async with client.post(
                        f"/v1/chats/{chat}/cases", json=case, headers={"Idempotency-Key": key}
                    ) as response:
                        if response.status < 300:
                            self.acknowledged[key] = (await response.json())["number"]
                        else:
                            assert response.status == 503, await response.text()
                except (aiohttp.ClientError, ConnectionError):
                    self.interrupted[key] += 1
                    await asyncio.sleep(0.1)
            if len(self.acknowledged) >= len(RESIDENTS):
                self.enough.set()


async def test_fifty_at_once_and_a_kill_in_the_middle(
    database_url: str, database: Database, factory: Factory, tmp_path: Path
) -> None:
    agreements = {}
    for chat in RESIDENTS:
        agreement = await factory.agreement()
        await factory.link(chat, agreement)
        agreements[chat] = agreement.id
    port = free_port()
    residents = Residents(f"http://127.0.0.1:{port}", agreements)
    async with asyncio.timeout(150):
        async with api_process(port, database_url, tmp_path) as process:
            filing = asyncio.create_task(residents.all_file())
            await residents.enough.wait()
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert not filing.done(), "the kill came too late"
        before = dict(residents.acknowledged)
        async with api_process(port, database_url, tmp_path):
            await filing
    assert residents.interrupted, "the kill met nobody"
    assert len(RESIDENTS) <= len(before) < len(RESIDENTS) * EACH
    async with database.reading() as reader:
        rows: Any = (
            await reader.execute(
                text(
                    "SELECT idempotency_key, number, "
                    "(SELECT count(*) FROM case_events WHERE case_id = cases.id) AS events, "
                    "(SELECT count(*) FROM case_clocks WHERE case_id = cases.id AND stopped_at IS NULL) AS clocks, "
                    "(SELECT count(*) FROM audit_events WHERE object_kind = 'case' AND object_id = cases.id "
                    "AND action = 'case.filed') AS filed FROM cases"
                )
            )
        ).all()
    # Whoever was told a number has that one; nobody has two, and no number is used twice.
    assert {row.idempotency_key: row.number for row in rows} == residents.acknowledged
    assert len(rows) == len(RESIDENTS) * EACH == len({row.number for row in rows})
    assert {(row.events, row.clocks, row.filed) for row in rows} == {(1, 1, 1)}
