"""Backs up and restores what a test has, without the command around it."""

import asyncio
import io
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

from typer.testing import CliRunner

from api.cases.store import AttachmentStore
from api.db import Database
from api.keeping import restore as restoring
from api.keeping.archive import identities_of, new_identity, recipients_of
from api.keeping.backup import Made, back_up
from api.keeping.restore import Checked, Restored
from api.settings import Settings
from bot.cli import command_line
from tests.conftest import environment_of


def silent(*_: object) -> None:
    pass


class Keeper:
    """An operator with a key for backups."""

    def __init__(self, settings: Settings, database: Database, url: str, store: AttachmentStore) -> None:
        self.settings, self.database, self.url, self.store = settings, database, url, store
        self.secret, self.recipient = new_identity()

    @property
    def identities(self) -> list[Any]:
        return identities_of(self.secret)

    @property
    def index_key(self) -> str:
        return self.settings.index_key.get_secret_value()

    async def back_up(self, out: BinaryIO) -> Made:
        recipients = recipients_of(self.recipient)
        return await back_up(self.settings, self.database, self.url, self.store, recipients, out, silent)

    async def backup(self) -> bytes:
        out = io.BytesIO()
        await self.back_up(out)
        return out.getvalue()

    async def check(self, backup: bytes) -> Checked:
        return await asyncio.to_thread(restoring.check, io.BytesIO(backup), self.identities, self.index_key, silent)

    async def restore(self, backup: bytes, target: str, store: AttachmentStore) -> Restored:
        checked = await self.check(backup)
        restoring.check_it_fits(checked.manifest, self.settings.vault())
        database = Database(target, pool_size=1)
        try:
            differing = await restoring.restore(
                self.settings, database, target, store, io.BytesIO(backup), self.identities, checked, silent
            )
            return await restoring.verify_restored(self.settings, database, checked, differing)
        finally:
            await database.close()

    def environment(self, url: str | None = None, data_dir: Path | None = None) -> dict[str, str]:
        settings = self.settings.model_copy(update={"data_dir": data_dir or self.settings.data_dir})
        return environment_of(settings, url or self.url) | {"SHANGLOU_BACKUP_RECIPIENTS": self.recipient}


async def shanglou(environment: dict[str, str], *arguments: str) -> tuple[int, bytes, str]:
    """A command as it is typed: exit status, standard output, and what it says."""
    # It would log as a command does from then on; the tests' own way of logging is kept.
    with patch("bot.cli.keeping.set_up_logs"):
        result = await asyncio.to_thread(
            CliRunner().invoke, command_line([arguments[0]]), arguments, env=environment, catch_exceptions=False
        )
    return result.exit_code, result.stdout_bytes, result.stderr
