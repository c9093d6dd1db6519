"""Telegram cannot be reached, sends updates elsewhere, or tells another time."""

import asyncio
import itertools
import re
import time

import aiohttp
import pytest

from bot.cli.doctor.findings import State
from bot.cli.doctor.telegram import real_clock
from bot.cli.secrets import new_secrets
from tests.bot.test_running import free_port
from tests.doctor.conftest import Deployment, of, troubles
from tests.people import Person


async def test_telegram_is_not_reachable(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_TELEGRAM_API_URL"] = f"http://127.0.0.1:{free_port()}"
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"token": "failed"}
    assert "SHANGLOU_TELEGRAM_PROXY" in of(findings, "token").do


async def test_the_token_is_another_bots(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_BOT_USERNAME"] = "another_bot"
    assert troubles(await deployment.look(monkeypatch)) == {"token": "warning"}


async def test_updates_go_elsewhere(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}/hook"
    await deployment.tell_telegram("setWebhook", url=url, secret_token="x" * 32)
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"webhook": "failed"}
    assert "轮询" in of(findings, "webhook").found
    deployment.environment |= {
        "SHANGLOU_WEBHOOK_URL": url,
        "SHANGLOU_WEBHOOK_SECRET": new_secrets()["SHANGLOU_SERVICE_TOKEN"],
    }
    assert troubles(await deployment.look(monkeypatch)) == {}
    await deployment.tell_telegram("deleteWebhook")
    assert troubles(await deployment.look(monkeypatch)) == {"webhook": "failed"}


async def test_telegram_cannot_deliver(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}/hook"
    deployment.environment |= {
        "SHANGLOU_WEBHOOK_URL": url,
        "SHANGLOU_WEBHOOK_SECRET": new_secrets()["SHANGLOU_SERVICE_TOKEN"],
    }
    await deployment.tell_telegram("setWebhook", url=url, secret_token="x" * 32)
    async with aiohttp.ClientSession(deployment.telegram) as http:
        await (await Person.arrive(http, "王小明")).send("您好")
        async with asyncio.timeout(30):
            while troubles(findings := await deployment.look(monkeypatch)) == {}:
                await asyncio.sleep(0.05)
    assert troubles(findings) == {"webhook": "failed"}
    assert "推送失败过" in of(findings, "webhook").found


async def test_nobody_takes_updates(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    async with aiohttp.ClientSession(deployment.telegram) as http:
        wang = await Person.arrive(http, "王小明")
        for _ in range(101):
            await wang.send("在吗")
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"webhook": "failed"}
    assert "101" in of(findings, "webhook").found


@pytest.mark.parametrize(("ahead", "word"), [(60, "快 (5[5-9]|6[0-5]) 秒"), (-60, "慢 (5[5-9]|6[0-5]) 秒")])
async def test_this_clock_is_off(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, ahead: float, word: str
) -> None:
    findings = await deployment.look(monkeypatch, now=lambda: time.time() + ahead)
    assert troubles(findings) == {"telegram_clock": "failed", "clock": "failed"}
    assert re.search(word, of(findings, "clock").found)


async def test_a_second_off_is_not_told(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert troubles(await deployment.look(monkeypatch, now=lambda: real_clock() + 1)) == {}


@pytest.mark.parametrize("ahead", [4, -6])
async def test_a_few_seconds_off_are_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    assert "telegram_clock" in troubles(await deployment.look(monkeypatch, now=lambda: real_clock() + ahead))


async def test_a_header_renewed_late_is_looked_at_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = itertools.count()
    # Late as seen from here: the first answer only.
    findings = await deployment.look(monkeypatch, now=lambda: real_clock() + (4 if next(looks) < 2 else 0))
    assert of(findings, "telegram_clock").state is State.OK
