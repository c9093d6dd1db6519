"""Playground, proxies, and as many processes of each kind as a test wants."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
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
HOOK = "/updates"


@dataclass
class Deployment:
    """``telegram``: what the playground knows. ``api_url`` and ``hook``: the proxies in front of APIs and bots."""

    settings: Settings
    database_url: str
    folder: Path
    token: str
    telegram: playground.Playground
    telegram_url: str
    people: aiohttp.ClientSession
    api: aiohttp.ClientSession
    api_url: str
    hook: RoundRobin
    apis: list[Process]
    bots: list[Process]
    workers: list[Process]

    def logs(self) -> str:
        return "\n".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("*.log")))

    async def resident(self, name: str, factory: Factory) -> tuple[Person, Household]:
        """A family on file with its chat, which has agreed to the notice and is linked."""
        household = await new_household(factory)
        person = await Person.arrive(self.people, name, phone=household.phone)
        await factory.link(person.id, household.agreement)
        await agree(self.api, person.id)
        return person, household

    async def quiet(self, seconds: float = 60) -> None:
        """Until the bots have taken whatever was written."""
        async with asyncio.timeout(seconds):
            while len(self.telegram.updates):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def deployed(
    settings: Settings,
    database_url: str,
    folder: Path,
    *,
    apis: int = 1,
    bots: int = 1,
    workers: int = 0,
    api_version: Path = ROOT,
    bot_version: Path = ROOT,
) -> AsyncIterator[Deployment]:
    """``api_version``, ``bot_version``: folders of the source that is run."""
    office = environment_of(settings, database_url)
    token = playground.new_token()
    app = playground.create_app(token)
    async with AsyncExitStack() as stack:
        telegram_url = await stack.enter_async_context(playground.serve(app))
        api_ports, bot_ports = ([free_port() for _ in range(count)] for count in (apis, bots))
        api_proxy = await stack.enter_async_context(RoundRobin(*api_ports))
        hook = await stack.enter_async_context(RoundRobin(*bot_ports))

        def api(place: int, port: int) -> Process:
            # An older API does not call itself ready on a schema that it does not know.
            path = "readyz" if api_version == ROOT else "healthz"
            return Process(
                "api",
                settings=office | {"SHANGLOU_API_PORT": str(port)},
                ready_at=f"http://127.0.0.1:{port}/{path}",
                log=folder / f"api-{place}.log",
                version=api_version,
            )

        def bot(place: int, port: int) -> Process:
            flags = ["--webhook"] if bot_version == ROOT else []
            return Process(
                "bot",
                *flags,
                settings={
                    "SHANGLOU_TELEGRAM_TOKEN": token,
                    "SHANGLOU_TELEGRAM_API_URL": telegram_url,
                    "SHANGLOU_API_URL": api_proxy.url,
                    "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN,
                    "SHANGLOU_WEBHOOK_URL": hook.url + HOOK,
                    "SHANGLOU_WEBHOOK_SECRET": SECRET,
                    "SHANGLOU_WEBHOOK_PORT": str(port),
                },
                ready_at=f"http://127.0.0.1:{port}/healthz",
                log=folder / f"bot-{place}.log",
                version=bot_version,
            )

        def worker(place: int) -> Process:
            port = free_port()
            return Process(
                "worker",
                settings=office | {"SHANGLOU_HEALTH_PORT": str(port)},
                ready_at=f"http://127.0.0.1:{port}/healthz",
                log=folder / f"worker-{place}.log",
            )

        deployment = Deployment(
            settings,
            database_url,
            folder,
            token,
            app.state.playground,
            telegram_url,
            await stack.enter_async_context(_client(telegram_url)),
            await stack.enter_async_context(_client(api_proxy.url, {"Authorization": f"Bearer {SERVICE_TOKEN}"})),
            api_proxy.url,
            hook,
            [api(place, port) for place, port in enumerate(api_ports)],
            [bot(place, port) for place, port in enumerate(bot_ports)],
            [worker(place) for place in range(workers)],
        )
        await _start(stack, [*deployment.apis, *deployment.workers])
        await _start(stack, deployment.bots)
        yield deployment


async def _start(stack: AsyncExitStack, processes: Iterable[Process]) -> None:
    async def start(process: Process) -> None:
        await stack.enter_async_context(process)

    await asyncio.gather(*map(start, processes))


def _client(url: str, headers: dict[str, str] | None = None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=0))
