"""Secrets reach no output, whatever is refused, breaks or is turned up; the service token changes without a pause."""

import asyncio
import logging
import os
import secrets
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from bot.cli.secrets import new_secrets
from bot.logs import hide_secrets_of
from bot.playground import new_token
from tests.conftest import SECRETS
from tests.defences import Figure
from tests.factories import Factory
from tests.flows.conftest import System, new_household
from tests.leaks import listening
from tests.serving import serving

SECRETS_STAY_SECRET = pytest.mark.security("Logs and errors carry neither secrets nor personal data")
ROTATION = pytest.mark.security("Service tokens change without a pause")


def pieces(secret: str) -> set[str]:
    """A secret, and what of it would tell it: each half, and of several each one."""
    parts = {part.strip() for part in secret.split(",")}
    parts |= {part.partition(":")[2] for part in parts}
    halves = {half for part in parts for half in (part[: len(part) // 2], part[len(part) // 2 :])}
    return {piece for piece in parts | halves if len(piece) >= 8}


async def said_by(*command: str, environment: dict[str, str]) -> tuple[int, str]:
    """What ``shanglou …`` ends with, and all that it says on the way."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", *command),
        env=ours | {"SHANGLOU_ENV_FILE": os.devnull, "PYTHONASYNCIODEBUG": "1"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, said.decode()


def good(password: str) -> dict[str, str]:
    return {
        **new_secrets(),
        "SHANGLOU_TELEGRAM_TOKEN": new_token(),
        "SHANGLOU_WEBHOOK_SECRET": secrets.token_urlsafe(36),
        "SHANGLOU_DATABASE_URL": f"postgresql://shanglou:{password}@127.0.0.1:1/rolls",
    }


@pytest.mark.long
@SECRETS_STAY_SECRET
@pytest.mark.parametrize("command", [("up",), ("bot",), ("migrate",)])
async def test_refused_settings_are_named_and_never_shown(command: tuple[str, ...]) -> None:
    """Every secret is wrong in its own way; each is named, none is shown."""
    token = f"{secrets.token_urlsafe(9)}-too-short"
    environment = good(password="changeme") | {
        "SHANGLOU_SERVICE_TOKEN": token,
        "SHANGLOU_INDEX_KEY": "changeme" * 5,
        "SHANGLOU_ENCRYPTION_KEYS": f"k1:{secrets.token_urlsafe(20)}",
        "SHANGLOU_TELEGRAM_TOKEN": f"not-a-token-{secrets.token_urlsafe(20)}",
        "SHANGLOU_WEBHOOK_SECRET": f"{secrets.token_urlsafe(30)} with blanks",
    }
    code, said = await said_by(*command, environment=environment)
    assert code == 2
    assert len(said.strip().splitlines()) == 1, said
    assert "SHANGLOU_SERVICE_TOKEN must have at least 32 characters" in said
    for name, value in environment.items():
        for piece in pieces(value) - {"changeme"}:
            assert piece not in said, name


@pytest.mark.long
@SECRETS_STAY_SECRET
@pytest.mark.parametrize("command", [("up",), ("cases",)])
async def test_a_crash_tells_no_secret(command: tuple[str, ...]) -> None:
    """The database cannot be reached."""
    password = secrets.token_urlsafe(18)
    environment = good(password)
    code, said = await said_by(*command, environment=environment)
    assert code != 0
    assert "onnect" in said
    for name, value in environment.items():
        for piece in pieces(value) | pieces(password):
            assert piece not in said, f"{name}: {said}"


@SECRETS_STAY_SECRET
async def test_libraries_turned_up_to_debug_tell_neither_secrets_nor_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings, database_url: str, factory: Factory
) -> None:
    """A whole conversation, a failing API and a failing Telegram among it."""
    loop = asyncio.get_running_loop()
    libraries = ("aiohttp", "alembic", "asyncio", "asyncpg", "httpx", "sqlalchemy", "sqlalchemy.engine", "telegram")
    with listening(monkeypatch, tmp_path) as heard:
        system = System(settings, database_url)
        system.heard = heard
        hide_secrets_of(settings)
        levels = {name: logging.getLogger(name).level for name in (*libraries, "uvicorn", "uvicorn.error")}
        loop.set_debug(True)
        try:
            async with system:
                for name in levels:
                    logging.getLogger(name).setLevel(logging.DEBUG)
                household = await new_household(factory)
                resident = await system.person("张三", phone=household.phone)
                await factory.link(resident.id, household.agreement)
                await resident.send("/home")
                await resident.expect(household.agreement.number)
                await system.fault("sendMessage", 400, description=f"Bad Request: {household.name}")
                await resident.send("/payments")
                await resident.send("/home")
                await resident.expect(household.agreement.number)
                await system.stop_api()
                await resident.send("/home")
                await resident.expect_any()
        finally:
            loop.set_debug(False)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
    assert heard.leaks() == []
    assert "bot_started" in heard.written
    for secret in (*SECRETS.values(), system.token):
        for piece in pieces(secret):
            assert piece not in heard.written


class Replica:
    """One API among several, restarted with other tokens on the port it had."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = settings
        self._database_url = database_url
        self._running = AsyncExitStack()

    async def restart(self, *tokens: str) -> None:
        await self._running.aclose()
        settings = self._settings.model_copy(update={"service_token": SecretStr(", ".join(tokens))})
        app = create_app(settings, self._database_url)
        await self._running.enter_async_context(serving(app, port=self.port))

    async def stop(self) -> None:
        await self._running.aclose()


class Bots:
    """Several that ask all the time with the token in use; who finds a replica closed asks the next."""

    def __init__(self, replicas: list[Replica], token: str) -> None:
        self.token = token
        self.answers: Counter[tuple[str, int]] = Counter()
        self._replicas = replicas

    @asynccontextmanager
    async def asking(self, count: int) -> AsyncIterator["Bots"]:
        async with aiohttp.ClientSession() as client:
            tasks = [asyncio.create_task(self._ask(client, number)) for number in range(count)]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                    if not isinstance(outcome, asyncio.CancelledError):
                        raise AssertionError(f"a bot ended: {outcome!r}")

    async def _ask(self, client: aiohttp.ClientSession, number: int) -> None:
        while True:
            for replica in (self._replicas[number % 2], self._replicas[(number + 1) % 2]):
                token = self.token
                try:
                    async with client.get(
                        f"{replica.url}/v1/chats/{100 + number}/homes", headers={"Authorization": f"Bearer {token}"}
                    ) as response:
                        await response.read()
                except aiohttp.ClientConnectionError:
                    continue
                self.answers[token, response.status] += 1
                break
            await asyncio.sleep(0)

    async def more(self, token: str, count: int = 200) -> None:
        """Until so many more requests with this token were answered."""
        wanted = sum(n for (with_token, _), n in self.answers.items() if with_token == token) + count
        async with asyncio.timeout(120):
            while sum(n for (with_token, _), n in self.answers.items() if with_token == token) < wanted:
                await asyncio.sleep(0.005)


@ROTATION
async def test_the_service_token_changes_under_load(settings: Settings, database_url: str, figure: Figure) -> None:
    """Two replicas of the API restarted one after the other, then the bots, then the API again: nobody is turned away
    who bears what the operator gave; at the end the old token opens nothing."""
    old, new = secrets.token_urlsafe(36), secrets.token_urlsafe(36)
    replicas = [Replica(settings, database_url), Replica(settings, database_url)]
    async with AsyncExitStack() as stack:
        for replica in replicas:
            stack.push_async_callback(replica.stop)
            await replica.restart(old)
        bots = await stack.enter_async_context(Bots(replicas, old).asking(8))
        await bots.more(old)
        for replica in replicas:
            await replica.restart(new, old)
            await bots.more(old)
        bots.token = new
        await bots.more(new)
        async with aiohttp.ClientSession() as late:  # a bot that was not restarted yet
            for replica in replicas:
                async with late.get(
                    f"{replica.url}/v1/chats/5/homes", headers={"Authorization": f"Bearer {old}"}
                ) as response:
                    assert response.status == 200
        for replica in replicas:
            await replica.restart(new)
            await bots.more(new)
        assert {status for _, status in bots.answers} == {200}
        bots.token = old
        await bots.more(old)
        assert bots.answers[old, 401] >= 200
        figure(
            "requests during a change of the token",
            f"{bots.answers[old, 200] + bots.answers[new, 200]} answered, 0 refused; afterwards the old one: refused",
        )
