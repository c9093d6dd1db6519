"""``shanglou courier`` as a process of its own: it ends well, and when it is killed nothing is lost."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.messages.schemas import DeliveryState
from bot.cli import command_line
from tests.api.outbox import lapse, rows
from tests.bot.conftest import until
from tests.bot.post import BATCH, Post
from tests.conftest import SERVICE_TOKEN
from tests.defences import Figure

pytestmark = pytest.mark.long


class CourierProcess:
    """``shanglou courier`` as an operator runs it."""

    def __init__(self, post: Post, folder: Path) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")},
            "SHANGLOU_ENV_FILE": str(folder / "none"),
            "SHANGLOU_TELEGRAM_TOKEN": post.token,
            "SHANGLOU_TELEGRAM_API_URL": post.telegram,
            "SHANGLOU_API_URL": post.api_url,
            "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN,
            "SHANGLOU_COURIER_BATCH": str(BATCH),
        }

    async def __aenter__(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "courier"),
            cwd=Path(__file__).parents[2],
            env=self._environment,
            stderr=asyncio.subprocess.PIPE,
        )
        return self._process

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()


async def test_one_that_is_killed_loses_nothing_and_repeats_what_it_had_in_hand_at_most(
    post: Post, tmp_path: Path, figure: Figure
) -> None:
    words = [f"第{number}件" for number in range(80)]
    await post.put(*words)
    await post.fault(200, delay=0.15, count=1000)
    async with CourierProcess(post, tmp_path) as process:
        await until(lambda: post.world.outbox.done["sendMessage"] >= 25, 60)
        process.kill()
        await process.wait()
    await asyncio.sleep(0.5)  # a claim that the API was answering
    unreported = [row for row in await rows(post.factory) if row.lease_id is not None]
    assert 0 < len(unreported) <= BATCH
    await lapse(post.factory)
    async with CourierProcess(post, tmp_path) as process:
        found = await post.settled(60)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    assert {row.state for row in found} == {DeliveryState.SENT}
    arrived = await post.arrived()
    assert set(arrived) == set(words), "lost"
    assert arrived.total() - len(words) <= len(unreported)
    figure("of 80 notices, sent twice after SIGKILL in mid-batch of 10", arrived.total() - len(words))


@pytest.mark.usefixtures("own_logs")
def test_the_command_says_what_is_missing() -> None:
    environment = {"SHANGLOU_ENV_FILE": os.devnull, "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN}
    result = CliRunner().invoke(command_line(["courier"]), ["courier"], env=environment)
    assert (result.exit_code, result.stderr.strip()) == (2, "SHANGLOU_TELEGRAM_TOKEN is not set.")
