"""Settings of the bot, read from ``SHANGLOU_*`` variables (or the file named by ``SHANGLOU_ENV_FILE``)."""

import os
import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api import secrets

_USERNAME = re.compile(r"@?[A-Za-z0-9_]{5,32}")
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{20,}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")


def _env_file() -> str:
    """The file that settings are read from when the environment does not hold them (as in ``api.settings``)."""
    return os.environ.get("SHANGLOU_ENV_FILE", ".env")


class _Token(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHANGLOU_", extra="ignore", hide_input_in_errors=True)

    telegram_token: SecretStr | None = None


def telegram_token() -> str | None:
    """The token of the deployment's bot, from the environment or the file of settings, whatever else these lack."""
    token = _Token(_env_file=_env_file()).telegram_token
    return token.get_secret_value() if token is not None else None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http(s) address")
    return url.rstrip("/")


def _is_in_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _guarded_address(url: str) -> str:
    if _is_in_clear(_web_address(url)):
        raise ValueError("must be https, or http on this machine: the bot's token travels in it")
    return url.rstrip("/")


def _username(name: str) -> str:
    if not _USERNAME.fullmatch(name):
        raise ValueError("must be the name that BotFather gave, such as shanglou_bot")
    return name.removeprefix("@")


def _telegram_token(token: SecretStr) -> SecretStr:
    # In this form alone bot.logs knows a token where it stands in an address.
    if not _TOKEN.fullmatch(token.get_secret_value()) or secrets.is_guessable(token.get_secret_value()):
        raise ValueError("must be the token that BotFather gave: digits, a colon, and 35 more characters")
    return token


def _webhook_secret(secret: SecretStr) -> SecretStr:
    if not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
        raise ValueError("must have 32 to 256 characters of A-Z, a-z, 0-9, _ and -")
    secrets.check(secret.get_secret_value())
    return secret


def _each(several: SecretStr) -> SecretStr:
    secrets.check_each(several.get_secret_value())
    return several


class BotSettings(BaseSettings):
    """What the bot needs to know. It holds no personal data and no database address."""

    model_config = SettingsConfigDict(env_prefix="SHANGLOU_", extra="ignore", hide_input_in_errors=True)

    telegram_token: Annotated[SecretStr, AfterValidator(_telegram_token)] | None = Field(
        None, description="The bot's token, from BotFather."
    )
    bot_username: Annotated[str, AfterValidator(_username)] | None = Field(
        None, description="The bot's name at Telegram; `shanglou invite` makes links with it."
    )
    office_name: str | None = Field(
        None, max_length=80, description="Who runs the bot, as residents know it: the name of the task force or bureau."
    )
    office_contact: str | None = Field(
        None, max_length=300, description="Where residents find the office and how they reach it, in one line."
    )
    telegram_api_url: Annotated[str, AfterValidator(_guarded_address)] = Field(
        "https://api.telegram.org", description="Where the Bot API is; https, or http on this machine."
    )
    telegram_proxy: SecretStr | None = Field(
        None,
        description="http://… proxy through which Telegram is reached, where it is not reachable directly; a password "
        "may stand in it.",
    )
    api_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "http://127.0.0.1:8600", description="Where the API is; https, or http on this machine or a private network."
    )
    api_network_is_private: bool = Field(
        False, description="Nobody else can listen between bot and API (containers of one machine): http will do."
    )
    service_token: Annotated[SecretStr, AfterValidator(_each)] = Field(
        ..., description="Shared with the API; of several, separated by commas, the bot bears the first."
    )
    webhook_url: Annotated[str, AfterValidator(_guarded_address)] | None = Field(
        None, description="Public address to which Telegram posts updates; unset: the bot asks for them (polling)."
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_webhook_secret)] | None = Field(
        None, description="Proves that a posted update is from Telegram; needed with a webhook address."
    )
    webhook_host: str = Field("127.0.0.1", description="Where the bot listens for posted updates.")
    webhook_port: int = Field(8602, ge=0, le=65535, description="Port for posted updates.")
    health_host: str = Field("127.0.0.1", description="Where GET /healthz and /metrics are answered.")
    health_port: int | None = Field(None, ge=0, le=65535, description="Their port; unset: none.")
    timezone: ZoneInfo = Field(
        ZoneInfo("Asia/Shanghai"), description="The office's time zone, as the API's: what day it is, and times shown."
    )
    concurrency: int = Field(64, ge=1, le=1000, description="Updates worked on at the same time, of different chats.")

    courier_batch: int = Field(
        10, ge=1, le=200, description="Notices that one courier has in hand; so many may come twice after a crash."
    )

    @model_validator(mode="after")
    def _webhook_needs_its_secret(self) -> "BotSettings":
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("SHANGLOU_WEBHOOK_URL needs SHANGLOU_WEBHOOK_SECRET")
        return self

    @model_validator(mode="after")
    def _api_out_of_earshot(self) -> "BotSettings":
        if _is_in_clear(self.api_url) and not self.api_network_is_private:
            raise ValueError(
                "SHANGLOU_API_URL must be https, or http on this machine: the service token travels to it. In a "
                "network where nobody else can listen, set SHANGLOU_API_NETWORK_IS_PRIVATE=true"
            )
        return self

    @model_validator(mode="after")
    def _all_different(self) -> "BotSettings":
        others = (self.telegram_token, self.webhook_secret)
        secrets.check_different(
            [
                *self.service_token.get_secret_value().split(","),
                *(secret.get_secret_value() for secret in others if secret is not None),
            ]
        )
        return self

    @property
    def proxy(self) -> str | None:
        """The proxy's address, with the password that stands in it."""
        return self.telegram_proxy.get_secret_value() if self.telegram_proxy is not None else None

    @property
    def bearer(self) -> str:
        """The service token that the bot shows to the API."""
        return self.service_token.get_secret_value().split(",")[0].strip()


def load() -> BotSettings:
    """Read the settings.

    Raises:
        pydantic.ValidationError: one is missing or malformed; its message names the field, never the value.
    """
    return BotSettings(_env_file=_env_file())
