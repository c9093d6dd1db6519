"""Backed up by one command and restored by another into an empty database, a system goes on where it was."""

import re
from datetime import date
from pathlib import Path

import aiohttp
import pytest

from api.cases.files import read_file
from api.cases.store import AttachmentStore
from api.db import Database
from api.settings import Settings
from tests.api.broadcasting import a_broadcast, begin, families
from tests.api.calls import PNG, call, upload
from tests.api.outbox import claim, put, tell
from tests.factories import Factory
from tests.flows.conftest import System
from tests.keeping.keeper import Keeper, shanglou

CHAT = 700100200
NOTICE = "请带身份证到服务窗口来"


@pytest.fixture
async def filed(api: aiohttp.ClientSession, factory: Factory) -> str:
    """A family with a home, a handover date and a complaint with a photo; its number."""
    building = await factory.building()
    await factory.forecast(building, date(2027, 6, 30))
    agreement = await factory.agreement(units=[await factory.unit(building)], number="AZ-2021-0034")
    await factory.link(CHAT, agreement)
    photo = await upload(api, CHAT, PNG + bytes(200_000))
    case = {"category": "quality", "agreement_id": agreement.id, "text": "墙面渗水", "attachment_ids": [photo["id"]]}
    headers = {"Idempotency-Key": "dialog-0001"}
    return str((await call(api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers=headers))["number"])


async def brought(api: aiohttp.ClientSession, limit: int) -> int:
    """A courier brings so many; how many it was given."""
    messages = await claim(api, limit, wait=2)
    await tell(api, messages, "sent", message_id=7)
    return len(messages)


async def photo_in(settings: Settings, url: str) -> bytes:
    database, store = Database(url, pool_size=1), AttachmentStore(None, settings.data_dir)
    try:
        return b"".join([part async for part in read_file(database, settings.vault(), store, 1)])
    finally:
        await database.close()


async def test_a_restored_system_goes_on(
    keeper: Keeper,
    settings: Settings,
    api: aiohttp.ClientSession,
    factory: Factory,
    filed: str,
    empty_url: str,
    tmp_path: Path,
) -> None:
    # Two of the three families have the news already when the backup is made; a notice waits.
    await families(factory, 2, first_chat=CHAT + 1)
    broadcast = await a_broadcast(factory, "停水通知", urgent=True)
    assert await begin(factory, broadcast) == 3
    assert await brought(api, 1) + await brought(api, 1) == 2
    await put(factory, CHAT, words=NOTICE)
    key, backup, elsewhere = tmp_path / "key", tmp_path / "backup.age", tmp_path / "elsewhere"
    key.write_text(keeper.secret)
    code, _, said = await shanglou(keeper.environment(), "backup", str(backup))
    assert code == 0, said
    assert "附件 1 个 200.1 kB" in said
    noted = re.findall(r"最新校验值（第 \d+ 号）：([0-9a-f:]{71})", said)[0]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("backup")] == ["backup.age"]
    assert backup.stat().st_mode & 0o777 == 0o600
    # The rest goes out, and then everything is lost.
    assert await brought(api, 1) + await brought(api, 1) == 2

    there = keeper.environment(empty_url, elsewhere)
    code, _, said = await shanglou(there, "restore", str(backup), "--key", str(key))
    assert code == 0, said
    assert "恢复完成" in said
    assert noted in said
    code, out, said = await shanglou(there, "audit", "verify", "--expect", noted)
    assert (code, "仍在记录中" in out.decode()) == (0, True), said

    moved = settings.model_copy(update={"data_dir": elsewhere})
    async with System(moved, empty_url) as system:
        person = await system.person("张三", user_id=CHAT)
        await person.send("/handover")
        await person.expect("2027年6月30日")
        await person.send("/cases")
        await person.tap(filed)
        await person.expect("墙面渗水")
        assert await photo_in(moved, empty_url) == PNG + bytes(200_000)
        # The bot's courier runs, and nobody is told anything a second time.
        code, out, said = await shanglou(there, "sending", "status")
        assert code == 0, said
        told = out.decode()
        assert "外发已暂停" in told
        assert "通知：1 条" in told
        assert f"群发 {broadcast.id}：正在发送，还没发 1 条" in told
        assert (await shanglou(there, "broadcast", "cancel", str(broadcast.id)))[0] == 0
        assert not [message for message in person.answers if NOTICE in message.text or "停水" in message.text]
        assert (await shanglou(there, "sending", "release"))[0] == 0
        # A courier that was sent away empty comes again within half a minute; a new one at once.
        await system.stop_bot()
        await system.start_bot()
        await person.expect(NOTICE)
        assert not [message for message in person.answers if "停水" in message.text]


async def test_read_through_and_piped(keeper: Keeper, filed: str, tmp_path: Path) -> None:
    key, backup = tmp_path / "key", tmp_path / "backup.age"
    key.write_text(f"# a remark\n{keeper.secret}\n")
    code, out, said = await shanglou(keeper.environment(), "backup", "-")
    assert code == 0, said
    backup.write_bytes(out)
    check = ("backup", "--check", str(backup), "--key", str(key))
    code, out, said = await shanglou(keeper.environment(), *check)
    assert (code, out) == (0, b""), said
    assert "备份完整" in said
    whole = backup.read_bytes()
    backup.write_bytes(whole[:-100])
    code, _, said = await shanglou(keeper.environment(), *check)
    assert (code, "缺了一截" in said) == (2, True)
