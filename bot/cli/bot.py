"""``shanglou bot``: the half that speaks Telegram."""

from typing import Annotated

import typer
import uvloop

from bot.app import NoToken
from bot.app import run as run_bot
from bot.cli.running import bot_settings, collect_seldom, refuse
from bot.logs import set_up_logs
from bot.tracing import set_up_tracing


def bot(
    webhook: Annotated[
        bool, typer.Option("--webhook", help="Let Telegram post the updates, or do not start: several bots may run.")
    ] = False,
) -> None:
    """Run the bot on Telegram, against the API that SHANGLOU_API_URL names."""
    set_up_logs()
    settings = bot_settings()
    if webhook and settings.webhook_url is None:
        refuse("--webhook needs SHANGLOU_WEBHOOK_URL, the public address of this bot, and SHANGLOU_WEBHOOK_SECRET.")
    set_up_tracing("bot")
    collect_seldom()
    try:
        uvloop.run(run_bot(settings))
    except (NoToken, OSError) as error:
        refuse(f"{error}.")
