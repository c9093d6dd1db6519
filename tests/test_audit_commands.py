"""``shanglou audit``, as it is typed."""

import asyncio
import re

import aiohttp
import pytest
from typer.testing import CliRunner, Result

from api.audit.service import SYSTEM, Actor, record
from api.db import Database
from bot.cli import command_line
from tests.api.calls import by_phone, call, prove
from tests.factories import Factory

pytestmark = pytest.mark.security("Who looked at what cannot be changed unnoticed")
CHAT = 700100200


async def run(environment: dict[str, str], *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, command_line(["audit"]), ["audit", *arguments], env=environment)


async def add(database: Database, count: int) -> None:
    async with database.transaction() as session:
        await record(session, Actor.chat(CHAT), "homes.seen", "agreement", range(1, count + 1))


async def tamper(database: Database, statement: str) -> None:
    owner = await database.connect()
    for table in ("audit_events", "audit_seals"):
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
    await owner.execute(statement)
    await owner.close()


async def test_verify(database: Database, environment: dict[str, str]) -> None:
    result = await run(environment, "verify")
    assert result.exit_code == 0, result.output
    assert "还没有已封存的记录" in result.output
    await add(database, 12)
    result = await run(environment, "verify")
    assert result.exit_code == 0, result.output
    assert "已封存 12 条记录" in result.output
    assert "全部相符" in result.output
    noted = re.findall(r"第 12 号）：([0-9a-f:]{71})", result.output)[0]
    await add(database, 1)
    for given in (noted, noted.replace(":", ""), noted[:20], noted.upper()):
        result = await run(environment, "verify", "--expect", given)
        assert result.exit_code == 0, result.output
        assert "第 12 号，仍在记录中" in result.output
    for given in ("", "abc", "新" * 20, noted + "0", "g" * 64):
        result = await run(environment, "verify", "--expect", given)
        assert result.exit_code == 2, result.output
    await tamper(database, "DELETE FROM audit_seals WHERE id > 10; DELETE FROM audit_events WHERE id > 10")
    assert (await run(environment, "verify")).exit_code == 0
    result = await run(environment, "verify", "--expect", noted)
    assert result.exit_code == 1
    assert "被删除或重写" in result.output
    await tamper(
        database, "UPDATE audit_events SET action = 'nothing' WHERE id = 4; DELETE FROM audit_events WHERE id = 7"
    )
    result = await run(environment, "verify")
    assert result.exit_code == 1
    assert re.findall("问题：(.*)", result.output) == ["记录 4（第 4 号）被改动。", "记录 7（第 7 号）被删除。"]


async def test_many_findings_are_counted(database: Database, environment: dict[str, str]) -> None:
    await add(database, 300)
    await run(environment, "verify")
    await tamper(database, "DELETE FROM audit_events WHERE id % 2 = 0")
    result = await run(environment, "verify")
    assert result.exit_code == 1
    assert result.output.count("问题：") == 100
    assert "一共有 150 处问题" in result.output


async def test_show(
    api: aiohttp.ClientSession, database: Database, factory: Factory, environment: dict[str, str]
) -> None:
    who = factory.invented()
    await factory.agreement(number="AZ-2021-0034", people=[await factory.person(who)])
    other = await factory.agreement(number="AZ-2021-0099")
    await factory.link(CHAT + 1, other)
    await prove(api, CHAT, by_phone(who.phone, who.id_number[-4:]))
    await call(api, "GET", f"/v1/chats/{CHAT}/homes")
    await call(api, "GET", f"/v1/chats/{CHAT + 1}/payments")
    async with database.transaction() as session:
        await record(session, Actor.staff(3), "staff.listed", "staff_account", [None])
        await record(session, SYSTEM, "thing.done", "thing", [8])
    result = await run(environment, "show", "--agreement", "az-2021-0034")
    assert result.exit_code == 0, result.output
    shown = [line.split() for line in result.output.splitlines() if "协议" in line or "绑定" in line]
    assert f"聊天 {CHAT}" in result.output
    assert "查看房屋" in result.output
    assert "AZ-2021-0034" in result.output
    assert "AZ-2021-0099" not in result.output
    assert len(shown) == 3  # linked, shown the link, looked at the homes
    assert who.name not in result.output
    for options, seen, unseen in (
        (("--chat", str(CHAT + 1)), "查看款项", "查看房屋"),
        (("--staff", "3"), "工作人员 3", "聊天"),
        ((), "thing.done", "nothing"),
        (("--since", "2999-01-01"), "显示 0 条", "聊天"),
        (("--limit", "1"), "显示 1 条", "查看款项"),
    ):
        result = await run(environment, "show", *options)
        assert seen in result.output, (options, result.output)
        assert unseen not in result.output, (options, result.output)
    # That somebody read it is recorded, too.
    assert "查看审计记录" in result.output
    result = await run(environment, "show", "--agreement", "no such")
    assert (result.exit_code, result.output) == (2, "没有这个编号的协议（合同）。\n")
