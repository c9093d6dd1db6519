"""``shanglou courier``: one more courier, beside the one in every bot."""

import uvloop

from bot.app import NoToken, run_courier
from bot.cli.running import bot_settings, collect_seldom, refuse
from bot.logs import set_up_logs
from bot.tracing import set_up_tracing


def courier() -> None:
    """Send notices on Telegram, beside the courier that every bot has; any number of them share one pace."""
    set_up_logs()
    settings = bot_settings()
    set_up_tracing("courier")
    collect_seldom()
    try:
        uvloop.run(run_courier(settings))
    except (NoToken, OSError) as error:
        refuse(f"{error}.")
