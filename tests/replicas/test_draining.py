"""SIGTERM: what is under way is finished and answered before a process ends. As real processes, of bot and API; of the
worker see tests/api/test_jobs.py, of the courier tests/bot/test_courier_process.py."""

import asyncio

import pytest
from sqlalchemy import text

from api.db import Database
from tests.api.waiting import started
from tests.people import Person
from tests.replicas.deployment import Deployment

pytestmark = pytest.mark.long
PEOPLE = 8
SLOW_SECONDS = 4.0


async def _all_ask_something_that_takes_long(system: Deployment) -> list[Person]:
    """Returns when all of their turns are under way."""
    people = [await system.person(f"住户{place}") for place in range(PEOPLE)]
    slow = {"method": "sendMessage", "status": 200, "delay": SLOW_SECONDS, "count": PEOPLE}
    async with system.people.post("/play/faults", json=slow) as response:
        response.raise_for_status()
    await asyncio.gather(*(person.send("/start") for person in people))
    async with asyncio.timeout(30):
        while system.telegram.faults.list():
            await asyncio.sleep(0.02)
    return people


@pytest.mark.parametrize("webhook", [True, False], ids=["webhook", "polling"])
async def test_the_bot_answers_whom_it_has_listened_to(system: Deployment, webhook: bool) -> None:
    bot = system.a_bot() if webhook else system.a_polling_bot()
    await system.run(system.an_api(), bot)
    people = await _all_ask_something_that_takes_long(system)
    await bot.end()
    assert not len(system.telegram.updates), "Telegram would bring it again"
    for person in people:
        await person.refresh()
        assert [answer.text for answer in person.answers] == [person.answers[0].text], person.transcript()
        assert "您想查什么" in person.answers[0].text


async def test_the_api_answers_what_it_was_asked(system: Deployment, database: Database) -> None:
    api = system.an_api()
    await system.run(api)
    save = {"version": 0, "locale": "en", "dialog": None}
    path = "/v1/chats/700100200"
    async with system.api.put(path, json=save) as response:
        assert response.status == 200

    async def ask() -> int:
        async with system.api.put(path, json=save | {"version": 1, "locale": "zh_CN"}) as response:
            return response.status

    async with database.transaction() as session:
        await session.execute(text("SELECT FROM chats FOR UPDATE"))
        asked = await started(database, ask())
        assert not asked.done()
        api.ask_to_end()
        # Listening no more, so nobody else is sent there.
        async with asyncio.timeout(30):
            while await api.is_ready():
                await asyncio.sleep(0.05)
    assert await asked == 200
    await api.ended()
    async with database.reading() as reader:
        assert (await reader.execute(text("SELECT locale FROM chats"))).scalar() == "zh_CN"
