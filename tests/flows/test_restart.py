"""Processes die, start again, and come in twos; updates come twice. The person notices nothing but a pause."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from bot.app import build_application
from bot.context import App
from bot.webhook import Webhook
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.files import picture
from tests.flows.test_complaint import filed, stored_files, up_to_summary
from tests.people import Person
from tests.serving import serving

SECRET = "a-webhook-secret-of-the-tests"


class BotProcess:
    """``shanglou bot`` as an operator runs it, in a process of its own."""

    def __init__(self, system: System, folder: Path) -> None:
        self._world = system.world
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")},
            "SHANGLOU_ENV_FILE": str(folder / "none"),
            "SHANGLOU_TELEGRAM_TOKEN": system.token,
            "SHANGLOU_TELEGRAM_API_URL": system.url,
            "SHANGLOU_API_URL": system.api_url,
            "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it has made itself known to Telegram."""
        known = self._world.outbox.done["getMe"]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "bot",
            cwd=Path(__file__).parents[2],
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
        )
        while self._world.outbox.done["getMe"] == known:
            assert self._process.returncode is None, "the bot ended while it was starting"
            await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def start_again(self) -> None:
        await self.kill()
        await self.start()


@pytest.fixture
async def bot_process(system: System, tmp_path: Path) -> AsyncIterator[BotProcess]:
    """In place of the bot that runs inside the test."""
    await system.stop_bot()
    process = BotProcess(system, tmp_path)
    await process.start()
    yield process
    await process.kill()


@pytest.mark.long
async def test_the_bot_is_killed_between_the_steps_of_a_complaint(
    system: System, factory: Factory, household: Household, resident: Person, bot_process: BotProcess
) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    await system.everything_saved(resident)
    await bot_process.kill()
    await resident.send("厨房漏水")
    await bot_process.start()
    await resident.expect("内容收到了")
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片")
    await resident.tap("继续")
    await resident.expect("请核对一下", "厨房漏水", "1张照片")
    await system.everything_saved(resident)
    await bot_process.start_again()
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert factory.vault.open("case.text", case.text) == "厨房漏水"
    assert case.agreement_id == household.agreement.id


async def test_the_api_is_started_anew_between_all_steps(system: System, factory: Factory, resident: Person) -> None:
    async def anew() -> None:
        await system.stop_api()
        await system.start_api()

    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    await anew()
    await resident.tap("房屋质量")
    await anew()
    await resident.send("厨房漏水")
    await resident.expect("内容收到了")
    await anew()
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片")
    await anew()
    await resident.tap("继续")
    await resident.expect("请核对一下", "厨房漏水", "1张照片")
    await anew()
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    assert len(await filed(factory)) == 1


async def test_what_was_written_while_the_bot_was_away_is_answered(system: System, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    await system.quiet()
    await system.stop_bot()
    await resident.send("第一段")
    await resident.send("第二段")
    await system.start_bot()
    await resident.expect("已经补充上了")
    await resident.tap("继续")
    await resident.expect("请核对一下", "第一段\n第二段")


class Replicas:
    """Two bots behind one webhook address, as a load balancer would place them. The test is Telegram's courier."""

    def __init__(self, system: System, urls: list[str], client: aiohttp.ClientSession) -> None:
        self._system = system
        self._urls = urls
        self._client = client

    async def deliver_to_all(self, *, at_once: bool) -> None:
        """Everything that the person did since, each update to every replica."""
        for update in self._system.world.updates.pending():
            posts = [self._post(url, update.wire()) for url in self._urls]
            if at_once:
                await asyncio.gather(*posts)
            else:
                for post in posts:
                    await post
        self._system.world.updates.drop()

    async def _post(self, url: str, wire: dict[str, object]) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        async with self._client.post(url, data=orjson.dumps(wire), headers=headers) as response:
            assert response.status == 200


@asynccontextmanager
async def webhook(application: App) -> AsyncIterator[str]:
    async with application.bot_data["backend"], application:
        await application.start()
        app = Webhook(application, SECRET, "/hook")
        async with serving(app) as url:
            yield f"{url}/hook"
        await app.drain()
        await application.stop()


@pytest.fixture
async def replicas(system: System) -> AsyncIterator[Replicas]:
    await system.stop_bot()
    applications = [build_application(system.bot_settings()) for _ in range(2)]
    async with (
        webhook(applications[0]) as one,
        webhook(applications[1]) as other,
        aiohttp.ClientSession() as client,
    ):
        yield Replicas(system, [one, other], client)


async def data_of(person: Person, button: str) -> tuple[int, str]:
    message, found = await person.find_button(button)
    return message.id, str(found["callback_data"])


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
async def test_every_update_comes_twice_to_two_replicas(
    system: System, factory: Factory, household: Household, resident: Person, replicas: Replicas, at_once: bool
) -> None:
    async def tap(button: str) -> None:
        await resident.tap_data(*await data_of(resident, button))
        await replicas.deliver_to_all(at_once=at_once)

    await resident.send("/complain")
    await replicas.deliver_to_all(at_once=at_once)
    await tap("房屋质量")
    await resident.send("厨房漏水")
    await replicas.deliver_to_all(at_once=at_once)
    await resident.expect("要不要再发几张照片")
    await resident.send_photo(picture(1), picture(2))
    await replicas.deliver_to_all(at_once=at_once)
    await resident.send("卫生间也漏")
    await replicas.deliver_to_all(at_once=at_once)
    await tap("继续")
    await resident.expect("请核对一下", "厨房漏水\n卫生间也漏", "2张照片")
    await tap("提交")
    [case] = await filed(factory)
    await resident.expect("您的投诉已经提交", case.number)
    # The second one finds the update taken, unless it began before the first had saved: then both tell.
    assert sum(case.number in text for text in resident.said()) in ((1, 2) if at_once else (1,))
    assert factory.vault.open("case.text", case.text) == "厨房漏水\n卫生间也漏"
    assert await stored_files(factory) == 2


async def test_verification_when_every_message_comes_twice(
    system: System, factory: Factory, household: Household, replicas: Replicas
) -> None:
    person = await system.person("张三")
    await person.send("/home")
    await replicas.deliver_to_all(at_once=False)
    for button in ("验证身份", "用协议"):
        await person.tap_data(*await data_of(person, button))
        await replicas.deliver_to_all(at_once=False)
    await person.send(household.agreement.number)
    await replicas.deliver_to_all(at_once=False)
    await person.expect("权利人的姓名")
    await person.send(household.name)
    await replicas.deliver_to_all(at_once=False)
    await person.expect("后六位")
    await person.send(household.id_number[-6:])
    await replicas.deliver_to_all(at_once=False)
    await person.expect("找到您的1份协议")


async def test_the_submit_button_after_a_restart_tells_the_number(
    system: System, factory: Factory, resident: Person
) -> None:
    summary = await up_to_summary(resident)
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    await system.quiet()
    await system.stop_bot()
    await system.start_bot()
    submit = next(button for button in summary.inline if "提交" in button["text"])
    await resident.tap_data(summary.id, str(submit["callback_data"]))
    [case] = await filed(factory)
    await resident.expect("这份投诉已经提交过了", case.number)


async def test_two_people_at_once_do_not_meet(system: System, factory: Factory) -> None:
    people = []
    for place in range(6):
        person = await system.person(f"住户{place}")
        await factory.link(person.id, (await new_household(factory)).agreement)
        people.append(person)

    async def complain(person: Person) -> None:
        await up_to_summary(person, f"我是{person.name}")
        await person.expect(f"我是{person.name}")
        await person.tap("提交")
        await person.expect("您的投诉已经提交")

    await asyncio.gather(*(complain(person) for person in people))
    cases = await filed(factory)
    assert {(case.chat_id, factory.vault.open("case.text", case.text)) for case in cases} == {
        (person.id, f"我是{person.name}") for person in people
    }
