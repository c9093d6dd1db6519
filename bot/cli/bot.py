"""``shanglou bot``: the half that speaks Telegram."""

import uvloop

from bot.app import NoToken
from bot.app import run as run_bot
from bot.cli.running import bot_settings, collect_seldom, refuse
from bot.logs import set_up_logs
from bot.tracing import set_up_tracing


def bot() -> None:
    """Run the bot on Telegram, against the API that SHANGLOU_API_URL names."""
    set_up_logs()
    settings = bot_settings()
    set_up_tracing("bot")
    collect_seldom()
    try:
        uvloop.run(run_bot(settings))
    except (NoToken, OSError) as error:
        refuse(f"{error}.")
