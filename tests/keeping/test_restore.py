"""What is refused, and that nothing is touched then."""

import asyncio
import base64
import io
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from api import migrations
from api.cases.store import AttachmentStore
from api.db import Database
from api.keeping.archive import Damaged, WrongKey, new_identity, opened, sealing_key
from api.keeping.contents import DATABASE, Manifest
from api.keeping.postgres import NoTool, ToolFailed, find_tool, load
from api.keeping.restore import (
    KeysMissing,
    NotEmpty,
    NotOurs,
    ServerTooOld,
    TooNew,
    check_it_fits,
    check_target,
    restore,
    verify_restored,
)
from api.messages.holding import waiting
from api.settings import Settings
from bot.cli.secrets import new_secrets
from tests.api.calls import PNG, upload
from tests.factories import Factory
from tests.keeping.keeper import Keeper, shanglou, silent

pytestmark = pytest.mark.security("A backup that was changed, cut or forged is not restored")
CHAT = 700100200


@pytest.fixture
async def backup(keeper: Keeper, api: aiohttp.ClientSession, factory: Factory) -> bytes:
    """Of a family with two files."""
    await factory.link(CHAT, await factory.agreement())
    for number in range(2):
        await upload(api, CHAT, PNG + bytes(100_000 + number), upload_key=f"upload-{number:04}")
    return await keeper.backup()


@pytest.fixture
def elsewhere(tmp_path: Path) -> AttachmentStore:
    return AttachmentStore(None, tmp_path / "elsewhere")


async def is_untouched(url: str, folder: Path) -> bool:
    database = Database(url, pool_size=1)
    try:
        await check_target(database)
    except NotEmpty:
        return False
    finally:
        await database.close()
    return not [path for path in folder.rglob("*") if path.is_file()]


async def test_it_comes_back(keeper: Keeper, backup: bytes, empty_url: str, elsewhere: AttachmentStore) -> None:
    restored = await keeper.restore(backup, empty_url, elsewhere)
    assert restored.well
    assert restored.migrated_to is None
    assert restored.verdict.expected_at == restored.checked.manifest.newest_seal > 0
    assert restored.opened > 3
    assert restored.checked.end.files == 2


async def test_another_key(keeper: Keeper, backup: bytes, empty_url: str, tmp_path: Path) -> None:
    secret = keeper.secret
    keeper.secret, _ = new_identity()
    with pytest.raises(WrongKey):
        await keeper.check(backup)
    key, file = tmp_path / "key", tmp_path / "backup.age"
    file.write_bytes(backup)
    for written, words in ((keeper.secret, "打不开这个备份"), ("rubbish", "没有开备份的钥匙"), (None, "读不了")):
        if written is None:
            key.unlink()
        else:
            key.write_text(written)
        code, _, said = await shanglou(
            keeper.environment(empty_url, tmp_path / "new"), "restore", str(file), "--key", str(key)
        )
        assert (code, words in said) == (2, True), said
        assert secret not in said
    assert await is_untouched(empty_url, tmp_path / "new")


async def test_a_changed_byte_is_found_before_anything_is_restored(
    keeper: Keeper, backup: bytes, empty_url: str, tmp_path: Path, elsewhere: AttachmentStore
) -> None:
    for part in range(1, 12):
        changed = bytearray(backup)
        changed[len(backup) * part // 12] ^= 1
        with pytest.raises(Damaged):
            await keeper.restore(bytes(changed), empty_url, elsewhere)
    for end in (len(backup) // 2, len(backup) - 1, 500):
        with pytest.raises(Damaged):
            await keeper.restore(backup[:end], empty_url, elsewhere)
    assert await is_untouched(empty_url, tmp_path / "elsewhere")


async def test_one_that_somebody_else_made(keeper: Keeper, backup: bytes) -> None:
    """Whoever knows the recipient can seal a file for us; what it does to a database is theirs to say."""
    keeper.settings = keeper.settings.model_copy(update={"index_key": SecretStr(new_secrets()["SHANGLOU_INDEX_KEY"])})
    with pytest.raises(NotOurs):
        await keeper.check(backup)


async def test_a_file_that_changes_after_it_was_checked(
    keeper: Keeper, backup: bytes, empty_url: str, tmp_path: Path, elsewhere: AttachmentStore
) -> None:
    checked = await keeper.check(backup)
    another = await keeper.backup()
    database = Database(empty_url, pool_size=1)
    with pytest.raises(Damaged):
        await restore(
            keeper.settings, database, empty_url, elsewhere, io.BytesIO(another), keeper.identities, checked, silent
        )
    await database.close()
    assert await is_untouched(empty_url, tmp_path / "nothing")


async def test_a_database_that_is_not_empty(
    keeper: Keeper, backup: bytes, database_url: str, empty_url: str, elsewhere: AttachmentStore, tmp_path: Path
) -> None:
    with pytest.raises(NotEmpty):
        await keeper.restore(backup, database_url, elsewhere)
    connection = await asyncpg.connect(empty_url)
    await connection.execute("CREATE TABLE somebodys (id int)")
    await connection.close()
    file, key = tmp_path / "backup.age", tmp_path / "key"
    file.write_bytes(backup)
    key.write_text(keeper.secret)
    code, _, said = await shanglou(
        keeper.environment(empty_url, tmp_path / "new"), "restore", str(file), "--key", str(key)
    )
    assert (code, "不是空的" in said) == (2, True), said


async def held(url: str) -> tuple[int, bool]:
    """Rows of leave to send; whether the outbox is held."""
    database = Database(url, pool_size=1)
    try:
        async with database.reading() as reader:
            count = await reader.scalar(text("SELECT count(*) FROM send_bucket"))
        async with database.transaction() as session:
            return int(count or 0), (await waiting(session)).held
    finally:
        await database.close()


async def test_it_is_held_once_the_schema_is_todays(
    keeper: Keeper, backup: bytes, empty_url: str, elsewhere: AttachmentStore
) -> None:
    checked = await keeper.check(backup)
    database = Database(empty_url, pool_size=1)
    try:
        differing = await restore(
            keeper.settings, database, empty_url, elsewhere, io.BytesIO(backup), keeper.identities, checked, silent
        )
        # Until then it is the missing row that holds.
        assert await held(empty_url) == (0, True)
        assert (await verify_restored(keeper.settings, database, checked, differing)).well
        assert await held(empty_url) == (1, True)
    finally:
        await database.close()


@pytest.mark.parametrize("step", ["api.keeping.restore.count_rows", "api.keeping.restore.verify"])
async def test_a_connection_that_is_lost_after_it_was_written(
    keeper: Keeper, backup: bytes, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It says what to do, and what it says can be done."""
    file, key = tmp_path / "backup.age", tmp_path / "key"
    file.write_bytes(backup)
    key.write_text(keeper.secret)
    there = keeper.environment(empty_url, tmp_path / "new")

    async def lose(connection: asyncpg.Connection, *_: object) -> None:
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(step, lose)
        code, _, said = await shanglou(there, "restore", str(file), "--key", str(key))
    assert (code, "数据库已经恢复" in said, "sending hold" in said) == (2, True, True), said
    [noted] = re.findall(r"最新校验值（第 \d+ 号）：([0-9a-f:]{71})", said)
    code, _, said = await shanglou(there, "restore", str(file), "--key", str(key))
    assert (code, "不是空的" in said, "docs/keeping.md" in said) == (2, True, True), said
    assert (await held(empty_url))[1]
    await asyncio.to_thread(migrations.upgrade, empty_url)
    assert (await shanglou(there, "sending", "hold"))[0] == 0
    assert await held(empty_url) == (1, True)
    code, out, said = await shanglou(there, "audit", "verify", "--expect", noted)
    assert (code, "仍在记录中" in out.decode()) == (0, True), said


def changed(manifest: Manifest, **values: object) -> Manifest:
    return manifest.model_copy(update=values)


async def test_what_these_keys_or_this_version_cannot_use(keeper: Keeper, backup: bytes, settings: Settings) -> None:
    manifest = (await keeper.check(backup)).manifest
    check_it_fits(manifest, settings.vault())
    with pytest.raises(TooNew):
        check_it_fits(changed(manifest, revision="9999"), settings.vault())
    other = "k7:" + base64.urlsafe_b64encode(bytes(range(1, 33))).decode()
    with pytest.raises(KeysMissing) as raised:
        check_it_fits(manifest, settings.model_copy(update={"encryption_keys": SecretStr(other)}).vault())
    assert raised.value.key_id == "k1"
    # The same name, and another key.
    with pytest.raises(KeysMissing):
        check_it_fits(
            manifest, settings.model_copy(update={"encryption_keys": SecretStr(other.replace("k7", "k1"))}).vault()
        )


async def test_a_key_that_something_else_needs(
    keeper: Keeper, factory: Factory, empty_url: str, elsewhere: AttachmentStore
) -> None:
    """The ring may have had two keys: then both are needed, and a value that was never right is told as well."""
    person = await factory.person()
    agreement = await factory.agreement(people=[person])
    async with factory.database.transaction() as session:
        await session.execute(
            text("UPDATE people SET name = '\\x026b39' || substr(name, 4) WHERE id = :id"), {"id": person.id}
        )
    restored = await keeper.restore(await keeper.backup(), empty_url, elsewhere)
    assert agreement.id
    assert not restored.well
    assert restored.strange_keys == ["k9"]
    assert restored.unopenable == ["people.name"]


async def test_a_record_that_was_changed_before(
    keeper: Keeper, backup: bytes, factory: Factory, empty_url: str, elsewhere: AttachmentStore
) -> None:
    async with factory.database.transaction() as session:
        await session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER append_only"))
        await session.execute(text("UPDATE audit_events SET action = 'nothing' WHERE id = 1"))
        await session.execute(text("ALTER TABLE audit_events ENABLE TRIGGER append_only"))
    restored = await keeper.restore(await keeper.backup(), empty_url, elsewhere)
    assert (restored.verdict.findings, restored.well) == (1, False)


async def test_an_older_schema_is_brought_up_to_date(
    settings: Settings, empty_url: str, another_empty_url: str, tmp_path: Path
) -> None:
    """As a backup of the release before this one is; one of the next is refused, see above."""
    older = "0005"
    assert not migrations.is_newer(older)
    assert older != migrations.head_revision()
    await asyncio.to_thread(migrations.upgrade, empty_url, older)
    database = Database(empty_url, pool_size=1)
    keeper = Keeper(settings, database, empty_url, AttachmentStore(None, tmp_path / "here"))
    file, key = tmp_path / "backup.age", tmp_path / "key"
    file.write_bytes(await keeper.backup())
    await database.close()
    key.write_text(keeper.secret)
    there = keeper.environment(another_empty_url, tmp_path / "there")
    code, _, said = await shanglou(there, "restore", str(file), "--key", str(key))
    assert code == 0, said
    assert f"结构已从 {older} 升级到 {migrations.head_revision()}" in said


# --- the programs of PostgreSQL ---


def program(folder: Path, name: str, version: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
    (folder / name).chmod(0o755)


async def test_a_program_that_is_too_old_is_told(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    program(folder, "pg_dump", "16.2")
    with pytest.raises(NoTool) as raised:
        await find_tool("pg_dump", folder, 18)
    assert (raised.value.least, raised.value.found) == (18, [16])
    assert (await find_tool("pg_dump", folder, 16)).path == folder / "pg_dump"
    # What is on the path counts only where it is new enough; of those that are, the server's own version.
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    assert (await find_tool("pg_dump", None, 18)).major == 18
    assert (await find_tool("pg_dump", None, 16)).path == folder / "pg_dump"
    with pytest.raises(NoTool):
        await find_tool("pg_restore", None, 18, least=99)
    environment = keeper.environment() | {"SHANGLOU_POSTGRES_BIN": str(folder)}
    code, _, said = await shanglou(environment, "backup", str(tmp_path / "backup.age"))
    assert (code, "需要 PostgreSQL 18" in said, "现有的是 16" in said) == (2, True, True), said
    assert not list(tmp_path.glob("backup*"))


async def test_an_older_server_is_refused(
    keeper: Keeper, backup: bytes, empty_url: str, elsewhere: AttachmentStore
) -> None:
    checked = await keeper.check(backup)
    newer = replace(checked, manifest=changed(checked.manifest, server=99))
    database = Database(empty_url, pool_size=1)
    with pytest.raises(ServerTooOld):
        await restore(
            keeper.settings, database, empty_url, elsewhere, io.BytesIO(backup), keeper.identities, newer, silent
        )
    await database.close()


@pytest.mark.parametrize("server", [18, 16])
async def test_all_of_the_database_or_nothing(
    keeper: Keeper, backup: bytes, empty_url: str, tmp_path: Path, server: int
) -> None:
    """What pg_restore itself finds wrong, in the middle of it; for an older server psql runs what pg_restore writes."""
    checked = await keeper.check(backup)
    with opened(io.BytesIO(backup), keeper.identities, sealing_key(keeper.index_key)) as members:
        [piece] = [content for name, content in [(m.name, m.content()) for m in members] if name.startswith(DATABASE)]
    tool = await find_tool("pg_restore", None, checked.manifest.server)
    with pytest.raises(ToolFailed, match="error"):
        await load(tool, empty_url, server, [piece[: len(piece) // 2]])
    assert await is_untouched(empty_url, tmp_path / "nothing")

    def broken() -> Iterator[bytes]:
        yield piece[: len(piece) // 2]
        raise Damaged

    with pytest.raises(Damaged):
        await load(tool, empty_url, server, broken())
    assert await is_untouched(empty_url, tmp_path / "nothing")
    connection = await asyncpg.connect(empty_url)
    try:
        await load(tool, empty_url, server, [piece])
        assert await connection.fetchval("SELECT count(*) FROM attachments") == 2
        # A second time it runs into what is there.
        with pytest.raises(ToolFailed, match="already exists"):
            await load(tool, empty_url, server, [piece])
    finally:
        await connection.close()
