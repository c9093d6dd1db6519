"""``shanglou api`` and ``shanglou migrate``: the half that holds the data."""

import contextlib

import typer

from api import migrations
from api.app import create_app
from bot.cli.database import api_settings, open_database
from bot.cli.running import collect_seldom, to_stderr
from bot.logs import set_up_logs
from bot.serving import Server, configured
from bot.tracing import set_up_tracing


def api() -> None:
    """Serve the API (with the embedded PostgreSQL where no database is named)."""
    set_up_logs()
    settings = api_settings()
    with open_database(settings) as url:
        app = create_app(settings, url, traced=set_up_tracing("api"))
        collect_seldom()
        server = Server(
            configured(app, grace=10, host=settings.api_host, port=settings.api_port, loop="uvloop", http="httptools")
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            raise typer.Exit(3)


def migrate() -> None:
    """Bring the database up to the newest schema."""
    settings = api_settings()
    with open_database(settings) as url:
        migrations.upgrade(url)
    to_stderr("The database is up to date.")
