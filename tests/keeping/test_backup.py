"""Backups that are made while everything goes on, or that cannot be made."""

import asyncio
import io
import os
import sys
from pathlib import Path

import aiohttp
import psutil
import pytest
from sqlalchemy import delete, select, text

from api.cases.files import files_to_reseal, reseal_file
from api.cases.models import Attachment
from api.cases.store import AttachmentStore
from api.db import Database
from api.keeping import backup as making
from api.keeping.backup import Made, Rotating
from api.settings import Settings
from tests.api.calls import PNG, call, upload
from tests.api.outbox import put
from tests.defences import Figure
from tests.factories import Factory
from tests.keeping.keeper import Keeper, shanglou

CHAT = 700100200


async def families(api: aiohttp.ClientSession, factory: Factory, count: int) -> list[int]:
    """Each with a file; their agreements' ids."""
    agreements = []
    for number in range(count):
        agreement = await factory.agreement()
        agreements.append(agreement.id)
        await factory.link(CHAT + number, agreement)
        await upload(api, CHAT + number, PNG + bytes([number]), upload_key="upload-first")
    return agreements


@pytest.mark.long
async def test_while_others_write(
    keeper: Keeper, api: aiohttp.ClientSession, factory: Factory, empty_url: str, tmp_path: Path
) -> None:
    """Five families look things up, send files and file complaints; each backup is of one moment."""
    agreements = await families(api, factory, 5)
    backups: list[bytes] = []
    turns: dict[int, int] = {}
    ended = asyncio.Event()

    async def live(chat: int, agreement: int) -> None:
        turn = 0
        while not ended.is_set():
            turn += 1
            await call(api, "GET", f"/v1/chats/{chat}/homes")
            photo = await upload(api, chat, PNG + os.urandom(3000), upload_key=f"upload-{turn:04}")
            case = {"category": "other", "agreement_id": agreement, "text": f"第 {turn} 件"}
            case["attachment_ids"] = [photo["id"]]
            headers = {"Idempotency-Key": f"dialog-{turn:04}"}
            await call(api, "POST", f"/v1/chats/{chat}/cases", 201, json=case, headers=headers)
            await put(factory, chat, words=f"第 {turn} 条")
            turns[chat] = turn

    async def keep() -> None:
        for most in (1, 3):
            while len(turns) < 5 or min(turns.values()) < most:
                await asyncio.sleep(0.02)
            backups.append(await keeper.backup())
        ended.set()

    await asyncio.gather(*(live(CHAT + number, agreement) for number, agreement in enumerate(agreements)), keep())
    first, last = [(await keeper.check(backup)) for backup in backups]
    assert 0 < first.manifest.rows["cases"] < last.manifest.rows["cases"]
    assert first.end.files == first.manifest.rows["attachments"]
    elsewhere = AttachmentStore(None, tmp_path / "elsewhere")
    restored = await keeper.restore(backups[0], empty_url, elsewhere)
    assert restored.well, restored
    # Every row has its file, and every complaint its events.
    there = Database(empty_url, pool_size=1)
    async with there.reading() as reader:
        keys = (await reader.execute(select(Attachment.storage_key))).scalars().all()
        orphans = await reader.scalar(
            text("SELECT count(*) FROM cases c WHERE NOT EXISTS (SELECT FROM case_events e WHERE e.case_id = c.id)")
        )
    await there.close()
    assert orphans == 0
    for key in keys:
        assert b"".join([part async for part in await elsewhere.get(key)])


class Meddling(AttachmentStore):
    """Does something before the first file is read for a backup."""

    def __init__(self, store: AttachmentStore, meddle: object) -> None:
        super().__init__(store._url, store._data_dir)
        self.meddle = meddle

    async def get_with_size(self, key: str):  # type: ignore[no-untyped-def]
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            await meddle()  # type: ignore[operator]
        return await super().get_with_size(key)


async def all_files(database: Database) -> list[Attachment]:
    async with database.transaction() as session:
        return list((await session.execute(select(Attachment).order_by(Attachment.id))).scalars())


async def test_a_file_that_is_deleted_meanwhile(
    keeper: Keeper, api: aiohttp.ClientSession, factory: Factory, database: Database, store: AttachmentStore
) -> None:
    await families(api, factory, 3)

    async def take_back() -> None:
        row = (await all_files(database))[-1]
        async with database.transaction() as session:
            await session.execute(delete(Attachment).where(Attachment.id == row.id))
        await store.delete(row.storage_key)

    keeper.store = Meddling(store, take_back)
    end = (await keeper.check(await keeper.backup())).end
    assert (end.files, end.erased, end.lost) == (2, 1, 0)


async def test_a_file_that_the_store_has_lost(
    keeper: Keeper,
    api: aiohttp.ClientSession,
    factory: Factory,
    database: Database,
    store: AttachmentStore,
    tmp_path: Path,
) -> None:
    await families(api, factory, 3)
    await store.delete((await all_files(database))[1].storage_key)
    code, _, said = await shanglou(keeper.environment(), "backup", str(tmp_path / "backup.age"))
    assert (code, "有 1 个附件在存储里找不到" in said) == (1, True), said
    end = (await keeper.check((tmp_path / "backup.age").read_bytes())).end
    assert (end.files, end.erased, end.lost) == (2, 0, 1)


async def test_keys_that_are_rotated_meanwhile(
    keeper: Keeper,
    api: aiohttp.ClientSession,
    factory: Factory,
    database: Database,
    store: AttachmentStore,
    settings: Settings,
) -> None:
    """A file that is sealed anew is another object, which would not open under the name that the dump has."""
    await families(api, factory, 3)
    key = settings.encryption_keys.get_secret_value()
    new = settings.model_copy(update={"encryption_keys": type(settings.encryption_keys)(f"k2:{'A' * 43}=,{key}")})

    async def rotate() -> None:
        for stored in await files_to_reseal(database, new.vault(), 0, 10):
            assert await reseal_file(database, new.vault(), store, stored)

    keeper.store = Meddling(store, rotate)
    with pytest.raises(Rotating):
        await keeper.backup()


async def test_no_half_file_is_left(
    keeper: Keeper,
    api: aiohttp.ClientSession,
    factory: Factory,
    store: AttachmentStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await families(api, factory, 2)
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "backup.age"

    async def fail(*_: object) -> Made:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(making, "_copy_files", fail)
        code, _, said = await shanglou(keeper.environment(), "backup", str(file))
    assert (code, "No space left" in said) == (2, True), said
    assert list(folder.iterdir()) == []
    # One that is there is not written over.
    file.write_text("an older one")
    code, _, said = await shanglou(keeper.environment(), "backup", str(file))
    assert (code, "已经存在" in said, file.read_text()) == (2, True, "an older one"), said
    code, _, said = await shanglou(keeper.environment(), "backup", str(folder / "no" / "such"))
    assert (code, "写不了" in said) == (2, True), said
    without = {name: value for name, value in keeper.environment().items() if name != "SHANGLOU_BACKUP_RECIPIENTS"}
    code, _, said = await shanglou(without, "backup", str(folder / "new"))
    assert (code, "SHANGLOU_BACKUP_RECIPIENTS" in said) == (2, True), said
    code, _, said = await shanglou(keeper.environment(), "backup", "--check", str(file))
    assert (code, "--key" in said) == (2, True), said


async def test_pg_dump_fails(keeper: Keeper, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "pg_dump"
    script.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 18.1"; exit; }\nhead -c 100000 /dev/zero\n'
        'echo "pg_dump: error: query failed: no" >&2\necho "pg_dump: detail: Query was: SELECT secret" >&2\nexit 1\n'
    )
    script.chmod(0o755)
    file = tmp_path / "backup.age"
    code, _, said = await shanglou(keeper.environment() | {"SHANGLOU_POSTGRES_BIN": str(folder)}, "backup", str(file))
    assert (code, "query failed" in said, "secret" in said) == (2, True, False), said
    assert not list(tmp_path.glob("backup*"))


@pytest.mark.long
async def test_memory_stays_flat(
    keeper: Keeper, database: Database, store: AttachmentStore, factory: Factory, tmp_path: Path, empty_url: str,
    figure: Figure,
) -> None:  # fmt: skip
    """200 MB of files, in processes of their own, backed up, read through and restored."""
    big = os.urandom(20_000_000)
    for number in range(10):
        key = f"ab/{number:032x}"
        await store.put(key, io.BytesIO(big))
        await factory.add(
            Attachment(
                chat_id=CHAT, upload_key=f"upload-{number:04}", kind="photo", size=len(big), sha256=b"", key_id=None,
                filename=factory.vault.seal("attachment.filename", "x"), media_type="image/png", storage_key=key,
            )
        )  # fmt: skip
    file, secret, elsewhere = tmp_path / "backup.age", tmp_path / "key", tmp_path / "elsewhere"
    secret.write_text(keeper.secret)
    there = keeper.environment(empty_url, elsewhere)
    peaks = {
        "idle": await peak(keeper.environment(), "keys", "status"),
        "backup": await peak(keeper.environment(), "backup", str(file)),
        "check": await peak(there, "backup", "--check", str(file), "--key", str(secret)),
        "restore": await peak(there, "restore", str(file), "--key", str(secret)),
    }
    assert file.stat().st_size > 200_000_000
    figure("memory of backups of 200 MB", ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in peaks.items()))
    # Of files that are put into the store some pieces are on their way at a time.
    assert max(peaks.values()) < peaks["idle"] + 100_000_000
    assert len([path for path in elsewhere.rglob("*") if path.is_file()]) == 10


async def peak(environment: dict[str, str], *arguments: str) -> int:
    """The most memory that a command had."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        env=os.environ | environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    watched, most = psutil.Process(process.pid), 0
    said = asyncio.create_task(process.communicate())
    while not said.done():
        try:
            most = max(most, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        await asyncio.sleep(0.02)
    _, err = await said
    assert process.returncode == 0, err.decode()
    return most
