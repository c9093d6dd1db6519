"""Commands that run the system: the halves as processes of their own, or all in one on real Telegram."""

import uvicorn
import uvloop

from api import migrations
from api.app import create_app
from bot.app import NoToken
from bot.app import run as run_bot
from bot.cli.running import api_settings, bot_settings, open_database, refuse, to_stderr
from bot.logs import set_up_logs
from bot.serving import serving


def migrate() -> None:
    """Bring the database up to the newest schema."""
    settings = api_settings()
    with open_database(settings) as url:
        migrations.upgrade(url)
    to_stderr("The database is up to date.")


def api() -> None:
    """Serve the API (with the embedded PostgreSQL where no database is named)."""
    set_up_logs()
    settings = api_settings()
    with open_database(settings) as url:
        uvicorn.run(
            create_app(settings, url),
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,
            access_log=False,
            server_header=False,
            loop="uvloop",
            http="httptools",
            ws="none",
            timeout_graceful_shutdown=10,
        )


def bot() -> None:
    """Run the bot on Telegram, against the API that SHANGLOU_API_URL names."""
    set_up_logs()
    try:
        uvloop.run(run_bot(bot_settings()))
    except (NoToken, OSError) as error:
        refuse(f"{error}.")


def up() -> None:
    """Run everything in one process on real Telegram: database, API and bot. No playground."""
    set_up_logs()
    office, telegram = api_settings(), bot_settings()
    if telegram.telegram_token is None:
        refuse("SHANGLOU_TELEGRAM_TOKEN is not set. `shanglou demo` needs none.")

    async def together(url: str) -> None:
        async with serving(create_app(office, url), office.api_host, office.api_port) as api_url:
            await run_bot(telegram.model_copy(update={"api_url": api_url}))

    with open_database(office) as url:
        migrations.upgrade(url)
        try:
            uvloop.run(together(url))
        except (NoToken, OSError) as error:
            refuse(f"{error}.")
