"""Playground, proxies, and as many processes of each kind as a test wants."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from api.settings import Settings
from bot import playground
from tests.api.calls import agree
from tests.conftest import SERVICE_TOKEN, environment_of
from tests.factories import Factory
from tests.flows.conftest import Household, new_household
from tests.people import Person
from tests.replicas.processes import ROOT, Process, free_port
from tests.replicas.proxy import RoundRobin

SECRET = "webhook-secret-of-the-replicas-0123456789"
PLACES = 3
"""Of each kind, behind its proxy."""


class Deployment:
    """``telegram``: what the playground knows. ``people`` and ``api`` are clients of it and of the APIs' proxy."""

    def __init__(self, settings: Settings, database_url: str, folder: Path) -> None:
        self.office = environment_of(settings, database_url)
        self._folder = folder
        self._token = playground.new_token()
        self._playground = playground.create_app(self._token)
        self.telegram: playground.Playground = self._playground.state.playground
        self._api_ports = [free_port() for _ in range(PLACES)]
        self._bot_ports = [free_port() for _ in range(PLACES)]
        self._around = AsyncExitStack()

    async def __aenter__(self) -> "Deployment":
        async with AsyncExitStack() as stack:
            self.telegram_url = await stack.enter_async_context(playground.serve(self._playground))
            self.proxies = [
                await stack.enter_async_context(RoundRobin(*ports)) for ports in (self._api_ports, self._bot_ports)
            ]
            self.api_url, self.hook_url = (proxy.url for proxy in self.proxies)
            headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
            self.people = await stack.enter_async_context(_client(self.telegram_url))
            self.api = await stack.enter_async_context(_client(self.api_url, headers))
            self._around = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._around.aclose()

    async def run(self, *processes: Process) -> None:
        """Start them, all at once; at the end they are killed, where they are still there."""
        for process in processes:
            self._around.push_async_callback(process.kill)
        await asyncio.gather(*(process.start() for process in processes))

    def an_api(self, place: int = 0, *, version: Path = ROOT) -> Process:
        port = self._api_ports[place]
        # An older API does not always call itself ready on a schema that it does not know.
        path = "readyz" if version == ROOT else "healthz"
        return Process(
            "api",
            settings=self.office | {"SHANGLOU_API_PORT": str(port)},
            ready_at=f"http://127.0.0.1:{port}/{path}",
            log=self._folder / f"api-{version.name}-{place}.log",
            version=version,
        )

    def a_bot(self, place: int = 0, *, version: Path = ROOT) -> Process:
        port = self._bot_ports[place]
        return Process(
            "bot",
            *(["--webhook"] if version == ROOT else []),
            settings=self._telegram
            | {
                "SHANGLOU_WEBHOOK_URL": f"{self.hook_url}/updates",
                "SHANGLOU_WEBHOOK_SECRET": SECRET,
                "SHANGLOU_WEBHOOK_PORT": str(port),
            },
            ready_at=f"http://127.0.0.1:{port}/healthz",
            log=self._folder / f"bot-{version.name}-{place}.log",
            version=version,
        )

    def a_polling_bot(self) -> Process:
        port = free_port()
        return Process(
            "bot",
            settings=self._telegram | {"SHANGLOU_HEALTH_PORT": str(port)},
            ready_at=f"http://127.0.0.1:{port}/healthz",
            log=self._folder / "bot-polling.log",
        )

    @property
    def _telegram(self) -> dict[str, str]:
        return {
            "SHANGLOU_TELEGRAM_TOKEN": self._token,
            "SHANGLOU_TELEGRAM_API_URL": self.telegram_url,
            "SHANGLOU_API_URL": self.api_url,
            "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN,
        }

    def a_worker(self, place: int = 0) -> Process:
        port = free_port()
        return Process(
            "worker",
            settings=self.office | {"SHANGLOU_HEALTH_PORT": str(port)},
            ready_at=f"http://127.0.0.1:{port}/healthz",
            log=self._folder / f"worker-{place}.log",
        )

    def logs(self) -> str:
        return "\n".join(log.read_text(errors="replace") for log in sorted(self._folder.glob("*.log")))

    async def person(self, name: str, **more: str) -> Person:
        return await Person.arrive(self.people, name, **more)  # type: ignore[arg-type]

    async def resident(self, name: str, factory: Factory) -> tuple[Person, Household]:
        """A family on file with its chat, which has agreed to the notice and is linked."""
        household = await new_household(factory)
        person = await self.person(name, phone=household.phone)
        await factory.link(person.id, household.agreement)
        await agree(self.api, person.id)
        return person, household

    async def quiet(self, seconds: float = 60) -> None:
        """Until the bots have taken whatever was written."""
        async with asyncio.timeout(seconds):
            while len(self.telegram.updates):
                await asyncio.sleep(0.02)


def _client(url: str, headers: dict[str, str] | None = None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=0))
