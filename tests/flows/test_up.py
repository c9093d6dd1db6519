"""``shanglou up``: database, API and bot in one process, with the playground standing where Telegram is."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from bot import playground
from bot.cli.secrets import new_secrets
from tests.people import Person

pytestmark = pytest.mark.long


async def up(environment: dict[str, str]) -> asyncio.subprocess.Process:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "up"),
        env=ours | {"SHANGLOU_ENV_FILE": os.devnull} | environment,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_everything_in_one_process(database_url: str) -> None:
    token = playground.new_token()
    async with playground.serve(playground.create_app(token)) as url, aiohttp.ClientSession(url) as client:
        process = await up(
            new_secrets()
            | {
                "SHANGLOU_DATABASE_URL": database_url,
                "SHANGLOU_API_PORT": "0",
                "SHANGLOU_TELEGRAM_TOKEN": token,
                "SHANGLOU_TELEGRAM_API_URL": url,
            }
        )
        try:
            person = await Person.arrive(client, "小测")
            await person.send("/start")
            async with asyncio.timeout(60):
                while not [message for message in person.messages.values() if not message.mine]:
                    await person.refresh(wait=5)
            await person.send("/home")
            await person.expect("请先验证一下身份")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            said = (await process.stderr.read()).decode()
        assert await process.wait() == 0
        assert token not in said


async def test_without_a_token_it_says_what_is_missing() -> None:
    process = await up(new_secrets())
    _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode().strip() == "SHANGLOU_TELEGRAM_TOKEN is not set. `shanglou demo` needs none."
