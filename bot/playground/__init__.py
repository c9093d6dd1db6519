"""A local Telegram: a Bot API server for one bot, people to talk to it, and a chat page.

``app = create_app(token)``, then ``async with serve(app) as url:`` gives the address for everything: the bot
uses ``f"{url}/bot"`` and ``f"{url}/file/bot"``, people and tests use ``f"{url}/play/…"``, a browser opens ``url``.
"""

from bot.playground.app import create_app
from bot.playground.server import Refused, new_token, run, serve
from bot.playground.state import Playground

__all__ = ["Playground", "Refused", "create_app", "new_token", "run", "serve"]
