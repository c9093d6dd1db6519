"""``shanglou demo --json`` as a program starts it, and its people as the line describes them."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import psutil
import pytest

from tests.people import Person

HOUSEHOLDS = "60"
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
async def folder() -> AsyncIterator[Path]:
    # Not below pytest's own folder, as in tests/conftest.py.
    with TemporaryDirectory(prefix="shanglou-demo-test-", ignore_cleanup_errors=True) as name:
        yield Path(name)


async def start(folder: Path) -> asyncio.subprocess.Process:
    options = ["--json", "--port", "0", "--households", HOUSEHOLDS, "--seed", "3", "--folder", str(folder)]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", *options, stdout=asyncio.subprocess.PIPE
    )


async def ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 120)
    told: dict[str, Any] = json.loads(line)
    return told


def acting(client: aiohttp.ClientSession, told: dict[str, Any]) -> Person:
    return Person(client, told["user_id"], told["name"], told["phone"])


async def stopped(process: asyncio.subprocess.Process, folder: Path, *, silent: bool = True) -> None:
    """Ends it, and sees that it prints nothing more and that no process stays behind."""
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.read(), 60) == b"" or not silent
    assert await process.wait() == 0
    assert [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])] == []


@pytest.mark.xdist_group("demo")
async def test_people_prove_who_they_are_as_the_line_tells(folder: Path) -> None:
    process = await start(folder)
    try:
        told = await ready(process)
        people = {person["role"]: person for person in told["people"]}
        residents = {"relocated_holder", "buyer_two_flats", "holder_child", "stranger"}
        assert set(people) == residents | {"officer", "publisher", "approver"}
        assert len(people["buyer_two_flats"]["agreements"]) == 2
        async with aiohttp.ClientSession(told["api"]) as client, client.get("/readyz") as response:
            assert response.status == 200
        async with aiohttp.ClientSession(told["playground"]) as client:
            for role in ("relocated_holder", "buyer_two_flats"):
                known = people[role]
                person = acting(client, known)
                await person.send("/home")
                await person.tap("验证")
                await person.tap("我看过了")
                await person.tap("手机号")
                await person.tap("同意")
                await person.share_contact()
                await person.expect("后四位")
                await person.send(known["id_number"][-4:])
                for number in known["agreements"]:
                    await person.expect(number)
            child = acting(client, people["holder_child"])
            await child.send(f"/start {people['holder_child']['code']}")
            await child.tap("我看过了")
            await child.expect(people["holder_child"]["agreements"][0])
            stranger = acting(client, people["stranger"])
            await stranger.send("/handover")
            await stranger.expect("验证")
            officer = acting(client, people["officer"])
            await officer.send("/staff")
            await officer.tap("信访件")
    finally:
        await stopped(process, folder)


@pytest.mark.xdist_group("demo")
async def test_ended_while_it_starts_it_leaves_nothing(folder: Path) -> None:
    process = await start(folder)
    async with asyncio.timeout(60):
        while not list(folder.glob("demo_*.env")):
            await asyncio.sleep(0.01)
    await stopped(process, folder, silent=False)
