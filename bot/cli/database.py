"""What the office's commands need: the API's settings, told in one sentence when they are wrong, and a database."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ValidationError

from api import migrations
from api.db import Database
from api.embedded import EmbeddedPostgres
from api.settings import Settings
from api.settings import load as load_settings
from bot.cli.running import in_one_sentence, refuse
from bot.logs import hide_secrets_of

T = TypeVar("T")


def api_settings() -> Settings:
    """The API's settings, or a clear end of the command."""
    try:
        settings = load_settings()
    except ValidationError as error:
        refuse(in_one_sentence(error, Settings))
    hide_secrets_of(settings)
    return settings


@contextmanager
def open_database(settings: Settings, *, as_it_is: bool = False) -> Iterator[str]:
    """URL of the database to work on: the one the settings name, as it stands, or the embedded server in the data
    folder (shared with any process that runs on the same folder), brought up to date unless it is wanted as it is.

    Blocking, and the migrations run their own event loop: enter it outside of one.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    try:
        server = EmbeddedPostgres(settings.data_dir / "postgres")
    except RuntimeError as error:
        refuse(str(error))
    try:
        if not as_it_is:
            migrations.upgrade(server.url)
        yield server.url
    finally:
        server.stop()


def on_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do the work of one command on the database that the settings name."""
    with open_database(settings) as url:
        return on_url(url, work)


def on_url(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """The same on a database that is open already."""

    async def run() -> T:
        database = Database(url, pool_size=1)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
