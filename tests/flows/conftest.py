"""The whole system as it runs, for tests that act as people do: playground, bot, API over HTTP, PostgreSQL.

``system.person(…)`` comes to the chat; ``tests/people.py`` tells what a person can do. The API and the bot can be
stopped and started in the middle of a test; the playground keeps what people wrote meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import generate_latest
from pydantic import SecretStr
from starlette.types import ASGIApp

from api.agreements.models import Agreement
from api.app import create_app
from api.estate.models import Unit
from api.settings import Settings
from api.staff.schemas import StaffRole
from bot import playground, sessions
from bot.app import build_application, running
from bot.settings import BotSettings
from tests.api.calls import agree
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, Desk
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.leaks import Heard, listening
from tests.people import Person
from tests.serving import serving


class System:
    """One playground, one API, one bot, all in the test's own event loop."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self.settings = settings
        self.database_url = database_url
        self.token = playground.new_token()
        self.playground = playground.create_app(self.token)
        self.world: playground.Playground = self.playground.state.playground
        self.heard: Heard | None = None
        self.url = ""
        self.api_url = ""
        self._around = AsyncExitStack()
        self._api = AsyncExitStack()
        self._bot = AsyncExitStack()

    async def __aenter__(self) -> "System":
        async with AsyncExitStack() as stack:
            self.url = await stack.enter_async_context(playground.serve(self.playground))
            self.client = await stack.enter_async_context(aiohttp.ClientSession(self.url))
            await stack.enter_async_context(self._api)
            await self.start_api()
            await stack.enter_async_context(self._bot)
            await self.start_bot()
            self._around = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.heard is not None:
            await self._hear_metrics(self.heard)
        await self._around.aclose()

    async def _hear_metrics(self, heard: Heard) -> None:
        heard.metrics_page(generate_latest(self.application.bot_data["metrics"].registry).decode())
        with contextlib.suppress(aiohttp.ClientConnectionError):  # the API may have been stopped
            async with aiohttp.ClientSession(self.api_url) as api, api.get("/metrics") as response:
                if response.status == 200:
                    heard.metrics_page(await response.text())

    def bot_settings(self) -> BotSettings:
        return BotSettings(
            _env_file=None,
            telegram_token=SecretStr(self.token),
            telegram_api_url=self.url,
            api_url=self.api_url,
            service_token=SecretStr(SERVICE_TOKEN),
            timezone=self.settings.timezone,
        )

    async def start_api(self) -> None:
        """On the port it had before."""
        port = int(self.api_url.rpartition(":")[2] or 0)
        app: ASGIApp = create_app(self.settings, self.database_url)
        if self.heard is not None:
            app = self.heard.errors_of(app)
        self.api_url = await self._api.enter_async_context(serving(app, port=port))

    async def stop_api(self) -> None:
        await self.quiet()
        await self._api.aclose()

    async def start_bot(self) -> None:
        self.application = build_application(self.bot_settings())
        await self._bot.enter_async_context(running(self.application))

    async def quiet(self) -> None:
        """Until the bot has finished, and saved, whatever it was told so far: an answer goes out before the save."""
        while (
            len(self.world.updates)
            or not self.application.update_queue.empty()
            or self.application.update_processor.current_concurrent_updates
        ):
            await asyncio.sleep(0.002)

    async def stop_bot(self) -> None:
        await self._bot.aclose()

    async def everything_saved(self, person: Person) -> None:
        """Until a bot in another process has saved what this person's chat says: it saves after it has answered."""
        seen = -1
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        async with aiohttp.ClientSession(self.api_url, headers=headers) as api:
            while True:
                async with api.get(f"/v1/chats/{person.id}") as response:
                    version = (await response.json())["version"]
                if version == seen and not len(self.world.updates):
                    return
                seen = version
                await asyncio.sleep(0.1)

    async def fault(self, method: str, status: int, *, description: str | None = None, count: int = 1) -> None:
        """The next calls of this method of the Bot API fail."""
        wanted = {"method": method, "status": status, "description": description, "count": count}
        async with self.client.post("/play/faults", json=wanted) as response:
            response.raise_for_status()

    async def person(
        self,
        name: str = "小测",
        *,
        phone: str | None = None,
        language: str = "zh-hans",
        user_id: int | None = None,
        agreed: bool = True,
    ) -> Person:
        """Somebody opens the chat for the first time; ``agreed``: who has read the notice and agreed to it earlier."""
        person = await Person.arrive(self.client, name, phone=phone, language=language, user_id=user_id)
        if agreed:
            await self.agree(person)
        return person

    async def agree(self, person: Person) -> None:
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        async with aiohttp.ClientSession(self.api_url, headers=headers) as api:
            await agree(api, person.id)


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Heard]:
    """Fails every test here, whatever it is about, in which something personal was written down (``tests.leaks``)."""
    with listening(monkeypatch, tmp_path) as heard:
        yield heard
    assert heard.leaks() == []


@pytest.fixture
async def system(
    settings: Settings, database_url: str, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[System]:
    # The one bot here has saved before the next press is looked at: there is no other's save to wait for.
    monkeypatch.setattr(sessions, "QUICKER_REST", 0.0)
    system = System(settings, database_url)
    system.heard = heard
    async with system:
        yield system


class Household:
    """A family on file: its holder's papers, its agreement and its home."""

    def __init__(self, name: str, id_number: str, phone: str, agreement: Agreement, unit: Unit) -> None:
        self.name = name
        self.id_number = id_number
        self.phone = phone
        self.agreement = agreement
        self.unit = unit


@pytest.fixture
async def household(factory: Factory) -> Household:
    return await new_household(factory)


async def new_household(factory: Factory, *, number: str | None = None) -> Household:
    who = factory.invented()
    holder = await factory.person(who)
    unit = await factory.unit()
    agreement = await factory.agreement(people=[holder], units=[unit], number=number)
    return Household(who.name, who.id_number, who.phone, agreement, unit)


@pytest.fixture
async def resident(system: System, factory: Factory, household: Household) -> Person:
    """The holder of ``household``, already linked, reading Chinese."""
    person = await system.person("张三", phone=household.phone)
    await factory.link(person.id, household.agreement)
    return person


@pytest.fixture
async def english_resident(system: System, factory: Factory, household: Household) -> Person:
    """Like ``resident``, reading English."""
    person = await system.person("Sam", phone=household.phone, language="en")
    await factory.link(person.id, household.agreement)
    return person


@pytest.fixture
async def desk(system: System, factory: Factory, household: Household) -> AsyncIterator[Desk]:
    """The office at its desk, over the API: two officers of a department, and an administrator."""
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with aiohttp.ClientSession(system.api_url, headers=headers) as api:
        desk = Desk(api, factory)
        desk.agreement = household.agreement
        desk.officer = await desk.account(OFFICER, StaffRole.CASE_OFFICER, name="接访甲")
        desk.colleague = await desk.account(COLLEAGUE, StaffRole.CASE_OFFICER, name="接访乙")
        await desk.account(ADMIN, StaffRole.ADMIN, name="负责人")
        desk.department = await desk.add_department("编造住建局", desk.officer, desk.colleague)
        yield desk
