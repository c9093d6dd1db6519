"""The office's commands, as they are typed."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner, Result

from api.audit.actors import ActorKind
from api.audit.models import AuditEvent
from api.cases.schemas import CaseCategory, CaseState
from api.db import Database
from api.estate.models import Project
from api.identity.models import LinkCode
from api.staff.models import StaffCode
from api.staff.schemas import StaffRole
from bot.cli import case_words, command_line, staff
from tests.api.calls import PNG, by_code, call, numbers, prove, upload
from tests.factories import Factory

CHAT = 700100200


async def run(environment: dict[str, str], *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, command_line(), arguments, env=environment)


async def test_an_invitation_lets_somebody_in(
    api: aiohttp.ClientSession, database: Database, factory: Factory, environment: dict[str, str]
) -> None:
    await factory.agreement(number="AZ-2021-0034")
    result = await run(
        environment | {"SHANGLOU_BOT_USERNAME": "@invented_bot"}, "invite", "az－2021－0034", "--days", "3"
    )
    assert result.exit_code == 0, result.output
    code, until, link = result.output.splitlines()
    assert "Asia/Shanghai" in until
    assert link == f"https://t.me/invented_bot?start={code}"
    async with database.reading() as reader:
        stored = (await reader.execute(select(LinkCode.expires_at - LinkCode.issued_at, LinkCode.code_index))).one()
    assert stored[0] == timedelta(days=3)
    assert code.encode() not in stored[1]
    assert numbers(await prove(api, CHAT, by_code(code))) == ["AZ-2021-0034"]


async def test_without_a_name_of_the_bot_there_is_no_link(factory: Factory, environment: dict[str, str]) -> None:
    await factory.agreement(number="A-1001")
    result = await run(environment, "invite", "A-1001")
    assert len(result.output.splitlines()) == 2


async def test_no_such_agreement_or_several(factory: Factory, environment: dict[str, str]) -> None:
    result = await run(environment, "invite", "A-1001")
    assert (result.exit_code, result.output) == (2, "没有这个编号的协议（合同）。\n")
    first = await factory.agreement(number="A-1001")
    other = await factory.add(Project(name="Another redevelopment"))
    await factory.add(
        type(first)(
            project_id=other.id,
            kind=first.kind,
            number="A-1001",
            number_key="A-1001",
            source=first.source,
            as_of=first.as_of,
        )
    )
    result = await run(environment, "invite", "A-1001")
    assert result.exit_code == 2
    assert "--project" in result.output
    result = await run(environment, "invite", "A-1001", "--project", "Another redevelopment")
    assert result.exit_code == 0, result.output


async def test_the_queue_names_nobody(
    api: aiohttp.ClientSession, database: Database, factory: Factory, environment: dict[str, str]
) -> None:
    who = factory.invented()
    unit, other = await factory.unit(room="1801"), await factory.unit(room="1802")
    agreement = await factory.agreement(people=[await factory.person(who)], units=[unit, other])
    await factory.link(CHAT, agreement)
    for number, unit_id in enumerate((other.id, None)):
        case = {"category": "quality", "agreement_id": agreement.id, "unit_id": unit_id, "text": who.name}
        headers = {"Idempotency-Key": f"dialog-{number:04}"}
        filed = await call(api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers=headers)
    async with database.transaction() as session:
        await session.execute(text("UPDATE cases SET state = 'assigned', due_on = '2026-01-01' WHERE unit_id IS NULL"))
    result = await run(environment, "cases")
    assert result.exit_code == 0, result.output
    first, second = re.findall(r"\d{4}-\d{6}.*", result.output)
    assert all(part in first for part in (filed["number"], "已交办", "A3-一期-2-1-1801", "2026-01-01"))
    assert all(part in second for part in ("已收到", "房屋质量", "A3-一期-2-1-1802"))
    assert "未办结 2 件，显示 2 件" in result.output
    assert who.name not in result.output
    result = await run(environment, "cases", "--state", "received", "--limit", "1")
    assert "1801" not in result.output
    assert "显示 1 件" in result.output


async def test_sweep(api: aiohttp.ClientSession, factory: Factory, environment: dict[str, str], tmp_path: Path) -> None:
    await factory.link(CHAT, await factory.agreement())
    await upload(api, CHAT, PNG)
    assert (await run(environment, "sweep")).output == "删除了 0 个文件。\n"
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE attachments SET uploaded_at = now() - interval '31 days'"))
    assert (await run(environment, "sweep")).output == "删除了 1 个文件。\n"
    assert [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()] == []


async def test_keys_are_changed(api: aiohttp.ClientSession, factory: Factory, environment: dict[str, str]) -> None:
    person = await factory.person()
    await factory.link(CHAT, await factory.agreement(people=[person]))
    await upload(api, CHAT, PNG)
    fresh = (await run(environment, "keys", "new")).stdout.strip()
    assert re.fullmatch(r"k2:[\w-]{43}=", fresh)
    assert (await run(environment, "keys", "new")).stdout.strip() != fresh
    ring = "SHANGLOU_ENCRYPTION_KEYS"
    both = environment | {ring: f"{fresh},{environment[ring]}"}
    result = await run(both, "keys", "status")
    assert result.exit_code == 0, result.output
    assert re.search(r"people\.name\W+0\W+1\b", result.stdout)
    assert "现在用 k2 加密。" in result.stdout
    assert "k1 还有数据在用，不能去掉。" in result.stdout
    result = await run(both, "keys", "rotate")
    assert result.exit_code == 0, result.output
    assert "附件的文件：重新加密了 1 项" in result.stderr
    assert re.search(r"people\.name\W+1\W+0\b", result.stdout)
    assert "k1 已经没有数据在用" in result.stdout
    async with factory.database.reading() as reader:
        recorded = await reader.execute(text("SELECT actor_kind FROM audit_events WHERE action = 'keys.rotated'"))
    assert recorded.scalars().all() == ["operator"]
    only_new = environment | {ring: fresh}
    assert (await run(only_new, "keys", "status")).exit_code == 0
    # Too early, or the wrong key: what cannot be opened is told.
    result = await run(environment, "keys", "status")
    assert result.exit_code == 1
    assert "k2 不在 SHANGLOU_ENCRYPTION_KEYS 里" in result.stdout
    result = await run(environment, "keys", "rotate")
    assert result.exit_code == 1
    assert f"打不开，保持原样：people.name，行 {person.id}\n" in result.stderr
    new_key = fresh.partition(":")[2]
    assert all(secret not in result.output for secret in (new_key, environment[ring].partition(":")[2]))


async def test_a_rotation_whose_store_is_down_says_so(
    api: aiohttp.ClientSession, factory: Factory, environment: dict[str, str], tmp_path: Path
) -> None:
    await factory.link(CHAT, await factory.agreement())
    await upload(api, CHAT, PNG)
    fresh = (await run(environment, "keys", "new")).stdout.strip()
    (tmp_path / "file").write_bytes(b"")
    broken = environment | {
        "SHANGLOU_ENCRYPTION_KEYS": f"{fresh},{environment['SHANGLOU_ENCRYPTION_KEYS']}",
        "SHANGLOU_ATTACHMENTS_URL": (tmp_path / "file" / "folder").as_uri(),
    }
    result = await run(broken, "keys", "rotate")
    assert result.exit_code == 2
    assert "会接着做" in result.stderr
    result = await run(broken | {"SHANGLOU_ATTACHMENTS_URL": (tmp_path / "attachments").as_uri()}, "keys", "rotate")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("missing", ["SHANGLOU_SERVICE_TOKEN", "SHANGLOU_ENCRYPTION_KEYS", "SHANGLOU_INDEX_KEY"])
async def test_a_missing_setting_is_one_sentence(environment: dict[str, str], missing: str) -> None:
    environment[missing] = ""
    for command in (
        ["invite", "A-1001"],
        ["cases"],
        ["sweep"],
        ["keys", "status"],
        ["keys", "rotate"],
        ["keys", "new"],
    ):
        result = await run(environment, *command)
        assert result.exit_code == 2
        assert missing in result.output
        assert len(result.output.splitlines()) == 1


def test_every_state_and_category_has_a_word() -> None:
    assert set(case_words.STATES) == set(CaseState)
    assert set(case_words.CATEGORIES) == set(CaseCategory)


async def test_accounts_of_the_office(
    api: aiohttp.ClientSession, database: Database, environment: dict[str, str]
) -> None:
    """From nothing to an administrator who acts, and back."""
    result = await run(environment, "staff", "add", " 管理甲 ", "--role", "admin", "--role", "clerk")
    assert result.exit_code == 0, result.output
    account = int(re.search(r"账号 (\d+)：管理甲（数据员、管理员）", result.output)[1])  # type: ignore[index]
    assert f"shanglou staff link {account}" in result.output
    named = environment | {"SHANGLOU_BOT_USERNAME": "@invented_bot"}
    code, until, command, link = (await run(named, "staff", "link", str(account))).output.splitlines()
    assert "24 小时内有效" in until
    assert command.endswith(f"：/staff {code}")
    assert link.endswith(f"https://t.me/invented_bot?start={code}")
    async with database.reading() as reader:
        [(lasts, index)] = (
            await reader.execute(select(StaffCode.expires_at - StaffCode.issued_at, StaffCode.code_index))
        ).all()
    assert lasts == timedelta(hours=24)
    assert code.encode() not in index
    path = f"/v1/staff/{CHAT}"
    await call(api, "POST", f"{path}/account", json={"code": code})
    assert (await call(api, "GET", f"{path}/me"))["roles"] == ["clerk", "admin"]

    assert "查看员" in (await run(environment, "staff", "roles", str(account), "--role", "viewer")).output
    assert (await call(api, "GET", f"{path}/me"))["roles"] == ["viewer"]
    listed = (await run(environment, "staff", "list")).output
    assert all(part in listed for part in ("管理甲", "查看员", "共 1 个"))
    assert (await run(environment, "staff", "disable", str(account))).exit_code == 0
    await call(api, "GET", f"{path}/me", 403)
    refused = await run(environment, "staff", "link", str(account))
    assert (refused.exit_code, len(refused.output.splitlines())) == (2, 1)
    assert (await run(environment, "staff", "enable", str(account))).exit_code == 0
    assert len((await run(environment, "staff", "link", str(account))).output.splitlines()) == 3
    async with database.reading() as reader:
        events = (await reader.execute(select(AuditEvent.action, AuditEvent.actor_kind))).all()
    assert {what for what, by in events if by is ActorKind.OPERATOR} == {
        "staff.added",
        "staff.code_issued",
        "staff.roles_changed",
        "staff.listed",
        "staff.disabled",
        "staff.enabled",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", " ", "--role", "viewer"),
        ("add", "接访甲"),
        ("add", "接访甲", "--role", "god"),
        ("disable", "999999"),
        ("enable", "999999"),
        ("roles", "999999", "--role", "viewer"),
        ("link", "999999"),
        ("link", "0"),
    ],
)
async def test_what_no_account_can_be(environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    result = await run(environment, "staff", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_every_role_has_a_word() -> None:
    assert set(staff.ROLES) == set(StaffRole)
