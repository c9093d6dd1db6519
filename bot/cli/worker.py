"""``shanglou worker``: background work in a process of its own."""

import asyncio
import signal
from contextlib import AsyncExitStack

import uvloop

from api.settings import Settings
from api.worker import Worker
from bot.cli.database import api_settings, open_database
from bot.cli.running import collect_seldom, refuse
from bot.health import Health
from bot.logs import set_up_logs
from bot.serving import serving


def worker() -> None:
    """Do the background work: what is due at night, what requests leave to do. Several may run."""
    set_up_logs()
    settings = api_settings()
    with open_database(settings) as url:
        collect_seldom()
        try:
            uvloop.run(_run(settings, url))
        except OSError as error:
            refuse(f"{error}.")


async def _run(settings: Settings, url: str) -> None:
    worker = Worker(settings, url)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    async with AsyncExitStack() as stack:
        if settings.health_port is not None:
            health = Health(worker.metrics.registry, lambda: worker.ready)
            await stack.enter_async_context(serving(health, settings.health_host, settings.health_port))
        await worker.run()
