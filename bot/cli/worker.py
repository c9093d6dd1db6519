"""``shanglou worker``: background work in a process of its own."""

import asyncio
import signal
from contextlib import AsyncExitStack

import uvloop
from starlette.types import Receive, Scope, Send

from api.settings import Settings
from api.worker import Worker
from bot.cli.database import api_settings, open_database
from bot.cli.running import collect_seldom, refuse
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
            await stack.enter_async_context(serving(Health(worker), settings.health_host, settings.health_port))
        await worker.run()


class Health:
    """``GET /healthz``: 200 while the worker has its database, 503 while it waits for it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        well = self._worker.ready
        status = 404 if scope["path"] != "/healthz" else 200 if well else 503
        body = b'{"status":"alive"}' if status == 200 else b'{"status":"not ready"}'
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
