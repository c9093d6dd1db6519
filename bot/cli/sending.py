"""``shanglou sending``: hold all that would be sent without being asked, and let it go. What they tell is Chinese."""

from datetime import datetime
from typing import Annotated

import typer

from api.db import Database
from api.messages import holding
from bot.cli.broadcast_words import STATES
from bot.cli.database import api_settings, on_database
from bot.cli.running import to_stderr

sending = typer.Typer(no_args_is_help=True, help="What goes out by itself: look, hold, release. Answers always go.")


@sending.command("status")
def status() -> None:
    """Show whether sending is held, and what would go out."""
    settings = api_settings()

    async def work(database: Database) -> holding.Waiting:
        async with database.transaction() as session:
            return await holding.waiting(session)

    found = on_database(settings, work)
    typer.echo("外发已暂停，什么也不会发出去。" if found.held else "外发照常进行。")
    since = f"，最早的写于 {found.oldest.astimezone(settings.timezone):%Y-%m-%d %H:%M}" if found.oldest else ""
    typer.echo(f"等待发送的通知：{found.notices} 条{since}。")
    for id_, state, starts_at, unsent in found.broadcasts:
        when = f"，定于 {starts_at.astimezone(settings.timezone):%Y-%m-%d %H:%M}" if starts_at else ""
        typer.echo(f"群发 {id_}：{STATES[state]}{when}，还没发 {unsent} 条。")
    if found.held and found.broadcasts:
        typer.echo("已经发过的群发请先取消：shanglou broadcast cancel 编号。")


@sending.command("hold")
def hold() -> None:
    """Send nothing more until `release`: before a database of an earlier time goes into service, say."""

    async def work(database: Database) -> None:
        async with database.transaction() as session:
            await holding.hold(session)

    on_database(api_settings(), work)
    to_stderr("外发已暂停。shanglou sending release 恢复。")


@sending.command("release")
def release(
    drop_before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Notices written before that moment are not sent any more."
        ),
    ] = None,
) -> None:
    """Let go out what waits."""
    settings = api_settings()
    moment = drop_before.replace(tzinfo=settings.timezone) if drop_before else None

    async def work(database: Database) -> int:
        async with database.transaction() as session:
            return await holding.release(session, moment)

    dropped = on_database(settings, work)
    if moment is not None:
        to_stderr(f"{dropped} 条通知不再发送。")
    to_stderr("外发已恢复，半分钟之内开始。")
