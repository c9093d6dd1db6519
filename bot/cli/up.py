"""``shanglou up``: everything in one process, on real Telegram."""

import uvloop

from api import migrations
from api.app import create_app
from api.worker import working
from api.worker_metrics import WorkerMetrics
from bot.app import NoToken
from bot.app import run as run_bot
from bot.cli.database import api_settings, open_database
from bot.cli.running import bot_settings, collect_seldom, refuse
from bot.logs import set_up_logs
from bot.serving import serving
from bot.tracing import set_up_tracing


def up() -> None:
    """Run everything in one process on real Telegram: database, API, bot and worker. No playground."""
    set_up_logs()
    office, telegram = api_settings(), bot_settings()
    if telegram.telegram_token is None:
        refuse("SHANGLOU_TELEGRAM_TOKEN is not set. `shanglou demo` needs none.")

    async def together(url: str) -> None:
        app = create_app(office, url, traced=set_up_tracing("up"))
        async with (
            serving(app, office.api_host, office.api_port) as api_url,
            working(office, url, WorkerMetrics(app.state.metrics.registry)),
        ):
            await run_bot(telegram.model_copy(update={"api_url": api_url}))

    with open_database(office) as url:
        migrations.upgrade(url)
        collect_seldom()
        try:
            uvloop.run(together(url))
        except (NoToken, OSError) as error:
            refuse(f"{error}.")
