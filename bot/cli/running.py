"""What every command needs: settings told in one sentence when they are wrong, and a database to work on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from api import migrations
from api.embedded import EmbeddedPostgres
from api.settings import Settings
from api.settings import load as load_api_settings
from bot.settings import BotSettings
from bot.settings import load as load_bot_settings


def refuse(sentence: str) -> NoReturn:
    """End the command with one clear sentence on stderr."""
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(2)


def in_one_sentence(error: ValidationError, settings: type[BaseSettings]) -> str:
    """What is wrong with the settings: names and reasons, never values."""
    prefix = settings.model_config.get("env_prefix", "")
    problems = [
        (f"{prefix}{str(e['loc'][0]).upper()} " if e["loc"] else "")
        + ("is missing" if e["type"] == "missing" else e["msg"].removeprefix("Value error, "))
        for e in error.errors(include_input=False)
    ]
    return "; ".join(problems) + ". `shanglou secrets` prints a set of good secrets."


def api_settings() -> Settings:
    """The API's settings, or a clear end of the command."""
    try:
        return load_api_settings()
    except ValidationError as error:
        refuse(in_one_sentence(error, Settings))


def bot_settings() -> BotSettings:
    """The bot's settings, or a clear end of the command."""
    try:
        return load_bot_settings()
    except ValidationError as error:
        refuse(in_one_sentence(error, BotSettings))


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """URL of the database to work on: the one the settings name, as it stands, or the embedded server in the data
    folder (shared with any process that runs on the same folder), brought up to date.

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
        migrations.upgrade(server.url)
        yield server.url
    finally:
        server.stop()


def to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
