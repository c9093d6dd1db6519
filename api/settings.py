"""Settings of the API, read from ``SHANGLOU_*`` variables (or the file named by ``SHANGLOU_ENV_FILE``)."""

import base64
import os
import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api import secrets
from api.broadcasts.schemas import QuietHours
from api.keeping.archive import recipients_of
from api.privacy import Vault


class SurgeResponse(StrEnum):
    """What a surge of wrong papers in the whole deployment does besides alerting the operator."""

    ALERT = "alert"
    CLOSE_PAPERS = "close_papers"
    CODES_ONLY = "codes_only"


def env_file() -> str:
    """The file that settings are read from when the environment does not hold them."""
    return os.environ.get("SHANGLOU_ENV_FILE", ".env")


def _one(secret: SecretStr) -> SecretStr:
    secrets.check(secret.get_secret_value())
    return secret


def _each(several: SecretStr) -> SecretStr:
    secrets.check_each(several.get_secret_value())
    return several


Secret = Annotated[SecretStr, AfterValidator(_one)]


def _parse_key_ring(value: SecretStr) -> SecretStr:
    ids = set()
    for part in value.get_secret_value().split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.urlsafe_b64decode(encoded)
        except ValueError as error:
            raise ValueError("each key is written id:base64") from error
        if not 1 <= len(key_id.encode()) <= 32 or len(key) != 32:
            raise ValueError("each key is written id:base64 and holds 32 bytes")
        if secrets.is_guessable_key(key):
            raise ValueError(secrets.GUESSABLE)
        if key_id in ids:
            raise ValueError("no two keys may have the same id")
        ids.add(key_id)
    return value


def _postgresql(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        _ = parts.port
    except ValueError:
        # The error itself would quote a piece of the password.
        raise ValueError("must be postgresql://user:password@host/name, special characters written as %XX") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("must be the address of a PostgreSQL: postgresql://…")
    if parts.password and (len(parts.password) < 8 or secrets.is_placeholder(unquote(parts.password))):
        raise ValueError("holds a password that is a placeholder or too short")
    return url


def _object_store(url: str) -> str:
    if not re.match(r"file:///.|s3://.", url):
        raise ValueError("must be file:///folder or s3://bucket/prefix")
    return url


def _recipients(text: str) -> str:
    recipients_of(text)
    return text


def _public_address(url: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#@]+(/[^\s?#]*)?|http://(localhost|127\.0\.0\.1)(:\d+)?", url):
        raise ValueError("must be https://host, or http on this machine: files of residents travel by it")
    return url.rstrip("/")


class Settings(BaseSettings):
    """What the API needs to know. Secrets have no defaults: without them it does not start."""

    model_config = SettingsConfigDict(env_prefix="SHANGLOU_", extra="ignore", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgresql)] | None = Field(
        None,
        description="postgresql://… of any PostgreSQL ≥ 15; unset: the embedded server in the data folder.",
    )
    data_dir: Path = Field(Path(".shanglou"), description="Where the embedded PostgreSQL and local attachments live.")
    service_token: Annotated[SecretStr, AfterValidator(_each)] = Field(
        ..., description="Shared by the bot and the API; the API accepts several, separated by commas."
    )
    encryption_keys: Annotated[SecretStr, AfterValidator(_parse_key_ring)] = Field(
        ...,
        description="Key ring for personal data: id:base64 of 32 bytes, comma-separated; the first one seals.",
    )
    index_key: Secret = Field(..., description="Keys the blind index by which names, IDs and phones are found.")
    attachments_url: Annotated[str, AfterValidator(_object_store)] | None = Field(
        None, description="file:///folder or s3://bucket/prefix; unset: a folder below the data folder."
    )
    backup_recipients: Annotated[str, AfterValidator(_recipients)] | None = Field(
        None, description="For whom backups are sealed: age1…, of `shanglou keys backup`; several, comma-separated."
    )
    postgres_bin: Path | None = Field(
        None, description="Folder of pg_dump and pg_restore; unset: the path, then the embedded PostgreSQL's."
    )
    api_host: str = Field("127.0.0.1", description="Where the API listens.")
    api_port: int = Field(8600, ge=0, le=65535, description="Port of the API.")
    database_pool_size: int = Field(
        10, ge=1, le=200, description="Connections one API process keeps open for changes, and as many for look-ups."
    )
    send_rate: float = Field(
        27, gt=0, le=1000, description="Messages a second that all couriers together send by themselves."
    )
    send_burst: float = Field(3, ge=1, le=100, description="How many more may go out at once after a pause.")
    quiet_from: int = Field(
        22, ge=0, le=23, description="Hour from which broadcasts wait for the morning, but for urgent ones."
    )
    quiet_until: int = Field(8, ge=0, le=23, description="Hour at which they go on; the same hour: they never wait.")
    link_disuse_days: int = Field(
        180, ge=1, le=3650, description="After so many days without use a chat is asked for proof again."
    )
    health_host: str = Field("127.0.0.1", description="Where a worker answers GET /healthz.")
    health_port: int | None = Field(None, ge=0, le=65535, description="Its port; unset: none.")
    timezone: ZoneInfo = Field(
        ZoneInfo("Asia/Shanghai"),
        description="The office's time zone: what day it is, and so every clock's last day.",
    )
    public_url: Annotated[str, AfterValidator(_public_address)] | None = Field(
        None, description="https://… at which residents reach the API's /files/; unset: no links to files are given."
    )
    case_reopen_days: int = Field(
        30, ge=1, le=365, description="Days in which a resident may have an answered case taken up again."
    )
    case_resident_answer_days: int = Field(
        10, ge=1, le=90, description="Days the office waits for a resident's answer to a question."
    )
    broadcast_approval_above: int = Field(
        0, ge=0, description="A broadcast to more chats than that needs a second person's approval; 0: each one does."
    )
    open311: bool = Field(
        False, description="Show everybody what docs/open311.md says of complaints, below /open311/v2, without a token."
    )
    surge_wrong_per_hour: int = Field(
        200, ge=1, description="Wrong tries with an agreement's papers, of everybody together, that are a surge."
    )
    surge_wrong_per_day: int = Field(1000, ge=1, description="The same within 24 hours.")
    surge_response: SurgeResponse = Field(
        SurgeResponse.CLOSE_PAPERS,
        description="As long as it lasts: alert only, close_papers, or codes_only (phones are closed too).",
    )
    retention_attempts_days: int = Field(
        30, ge=30, le=3650, description="Tries to prove who one is: the limits on wrong tries count so far back."
    )
    retention_deliveries_days: int = Field(90, ge=1, le=3650, description="That a notice was sent, without its words.")
    retention_codes_days: int = Field(30, ge=1, le=3650, description="One-time codes that are used or over.")
    retention_links_days: int = Field(
        365, ge=1, le=3650, description="Links that were ended, or have shown nothing for so long."
    )
    retention_consents_days: int = Field(
        1095, ge=1, le=3650, description="Consents that were withdrawn: for as long as somebody may ask for proof."
    )
    retention_requests_days: int = Field(180, ge=1, le=3650, description="Requests for access that were answered.")
    retention_drafts_days: int = Field(30, ge=1, le=3650, description="What was begun in a chat and left.")
    retention_files_days: int = Field(30, ge=1, le=3650, description="Files that no complaint came of.")
    retention_chats_days: int = Field(365, ge=1, le=3650, description="Chats that see nothing and are not used.")
    retention_jobs_days: int = Field(30, ge=1, le=3650, description="Background work that is done.")

    @model_validator(mode="after")
    def _all_different(self) -> "Settings":
        keys = self.encryption_keys.get_secret_value().split(",")
        secrets.check_different(
            [
                *self.service_token.get_secret_value().split(","),
                *(key.partition(":")[2] for key in keys),
                self.index_key.get_secret_value(),
            ]
        )
        return self

    def is_quiet(self, now: datetime) -> bool:
        """Whether broadcasts wait for the morning at this moment (in the office's time zone)."""
        return self.quiet_hours is not None and self.quiet_hours.covers(now.hour)

    @property
    def quiet_hours(self) -> QuietHours | None:
        if self.quiet_from == self.quiet_until:
            return None
        return QuietHours(since=self.quiet_from, until=self.quiet_until)

    def vault(self) -> Vault:
        """What seals and opens personal data with these keys."""
        return Vault(self.encryption_keys.get_secret_value(), self.index_key.get_secret_value())


def load() -> Settings:
    """Read the settings.

    Raises:
        pydantic.ValidationError: one is missing or malformed; its message names the field, never the value.
    """
    return Settings(_env_file=env_file())
