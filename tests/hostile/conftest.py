"""The whole system with the bot behind its webhook, and somebody who posts what they like to it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from structlog.testing import LogCapture

from api.settings import Settings
from bot.http import HttpClient
from bot.settings import BotSettings
from tests.flows.conftest import System, household, resident

__all__ = ["household", "resident"]

SECRET = "hostile-webhook-secret-0123456789"


@dataclass
class Complaints:
    """What was logged as an error of ours, by structlog's loggers and by the libraries'."""

    capture: LogCapture
    records: list[logging.LogRecord] = field(default_factory=list)

    @property
    def of_ours(self) -> list[dict[str, Any]]:
        found = [dict(entry) for entry in self.capture.entries if entry["log_level"] in ("error", "critical")]
        return found + [{"event": record.getMessage(), "logger": record.name} for record in self.records]


class _Keeper(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.ERROR)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    capture = LogCapture()
    found = Complaints(capture)
    keeper = _Keeper(found.records)
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    logging.getLogger().addHandler(keeper)
    yield found
    logging.getLogger().removeHandler(keeper)
    structlog.configure(processors=before)


class HookedSystem(System):
    """Telegram (the playground) posts to the bot, and so can anybody who knows the secret."""

    port = 0

    def bot_settings(self) -> BotSettings:
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        hook = {
            "webhook_url": f"http://127.0.0.1:{self.port}/updates",
            "webhook_secret": SecretStr(SECRET),
            "webhook_port": self.port,
        }
        return super().bot_settings().model_copy(update=hook)

    async def start_bot(self) -> None:
        await super().start_bot()
        self.hook = HttpClient(
            f"http://127.0.0.1:{self.port}/",
            headers={"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"},
            size=64,
            connect_timeout=30,
            keep_alive=4,
        )
        self._bot.push_async_callback(self.hook.close)

    async def post(self, body: bytes) -> int:
        """What Telegram is answered."""
        return (await self.hook.request("POST", "updates", body, None, seconds=60)).status


async def settled(system: System, seconds: float = 60) -> None:
    """Until everything that was sent is worked off.

    Raises:
        TimeoutError: something blocks the queue.
    """
    async with asyncio.timeout(seconds):
        await system.quiet()


@pytest.fixture
async def system(settings: Settings, database_url: str) -> AsyncIterator[System]:
    """The bot polls; what is written down is looked at by ``complaints``."""
    async with System(settings, database_url) as system:
        yield system


@pytest.fixture
async def hooked(settings: Settings, database_url: str) -> AsyncIterator[HookedSystem]:
    system = HookedSystem(settings, database_url)
    async with system:
        yield system
