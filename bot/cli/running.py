"""How every command ends when it cannot go on: with one clear sentence. And what the long-running ones need."""

import gc
import sys
from typing import NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from bot.logs import hide_secrets_of, without_secrets
from bot.settings import BotSettings
from bot.settings import load as load_settings


def refuse(sentence: str) -> NoReturn:
    """End the command with one clear sentence on stderr."""
    typer.secho(without_secrets(sentence), fg=typer.colors.RED, err=True)
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


def bot_settings() -> BotSettings:
    """The bot's settings, or a clear end of the command."""
    try:
        settings = load_settings()
    except ValidationError as error:
        refuse(in_one_sentence(error, BotSettings))
    hide_secrets_of(settings)
    return settings


def collect_seldom() -> None:
    """Leave what the start has made alone, and look for garbage less often. To be called when all is imported.

    The collector went through all that was waiting again and again, though turns leave hardly a cycle behind: a third
    of the bot's CPU time under load, a quarter of the API's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
