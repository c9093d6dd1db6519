"""``shanglou demo``: the whole system on an invented estate, with the playground where Telegram would be."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn

from api.app import create_app
from api.imports.report import OnProgress
from api.worker import working
from bot import playground
from bot.app import build_application, running
from bot.cli.demo_data import DemoData, demo_data
from bot.cli.demo_people import DemoPerson, move_in
from bot.cli.running import refuse
from bot.logs import set_up_logs
from bot.serving import serving
from bot.settings import BotSettings

_ROLES = {
    "relocated_holder": "a relocated holder: share the phone, then the last four of the ID number",
    "buyer_two_flats": "a buyer with two flats: the same",
    "holder_child": "a holder's child: the one-time code",
    "stranger": "a stranger, who can prove nothing",
    "officer": "of the office, who works on complaints: send /staff",
    "publisher": "of the office, who writes to many families",
    "approver": "of the office, who lets such messages out, and supervises",
}


def demo(
    households: Annotated[int, typer.Option(min=20, help="Size of the invented estate.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same estate.")] = 1,
    port: Annotated[int, typer.Option(help="Port of the chat page; 0 takes a free one.")] = 8610,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when ready, nothing else.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its database.")] = Path(".shanglou/demo"),
) -> None:
    """Try everything on this machine: an invented estate and a chat page instead of Telegram."""
    set_up_logs(level=logging.WARNING)
    # Until the loop takes the signals over: whatever is being made is undone, and no process stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        _progress(quiet=as_json) as on_progress,
        demo_data(folder.resolve(), households, seed, on_progress) as data,
    ):
        try:
            # A signal that comes before the loop listens is kept for it; raised inside, it would break the loop.
            ended = Event()
            signal.signal(signal.SIGTERM, lambda *_: ended.set())
            uvloop.run(_run(data, port, as_json, ended))
        except (playground.Refused, OSError) as error:
            refuse(str(error))


async def _run(data: DemoData, port: int, as_json: bool, ended: Event) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if ended.is_set():
        return
    token = playground.new_token()
    async with (
        playground.serve(playground.create_app(token), port=port) as page,
        serving(create_app(data.settings, data.url)) as api,
        working(data.settings, data.url),
        _bot(data, token, page, api),
    ):
        people = await move_in(data, page)
        if as_json:
            told = {"playground": page, "api": api, "people": [asdict(person) for person in people]}
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            _welcome(page, people, data.env_file)
        await stop.wait()


OFFICE_CONTACT = "演示用：样本路1号一楼大厅，周一至周五 9:00–17:00"
"""Invented, like everything in the demo."""


@asynccontextmanager
async def _bot(data: DemoData, token: str, page: str, api: str) -> AsyncIterator[None]:
    settings = BotSettings(
        _env_file=None,
        telegram_token=SecretStr(token),
        telegram_api_url=page,
        api_url=api,
        service_token=data.settings.service_token,
        office_contact=OFFICE_CONTACT,
    )
    async with running(build_application(settings)):
        yield


@contextmanager
def _progress(*, quiet: bool) -> Iterator[OnProgress]:
    """Bars on stderr for what takes long; nothing where a program reads."""
    if quiet:
        yield lambda _what, _done, _of: None
        return
    bar = Progress(TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("")
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of or None)


def _welcome(page: str, people: list[DemoPerson], env_file: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Panel(f"[bold]{page}[/bold]", title="上楼 shanglou", subtitle="Ctrl-C ends it", expand=False))
    console.print("People to try; the chat page shows what each needs to prove who they are:")
    for person in people:
        secret = person.code or (person.id_number or "")[-4:]
        console.print(f"  [bold]{person.name}[/bold]  {_ROLES[person.role]}  [bold]{secret}[/bold]")
    console.print("The office, in another terminal:")
    for command in ("cases", f"invite {people[0].agreements[0]}"):
        console.print(f"  SHANGLOU_ENV_FILE={env_file} .venv/bin/shanglou {command}")
