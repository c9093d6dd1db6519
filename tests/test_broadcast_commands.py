"""`shanglou broadcast` and its commands."""

import asyncio
import json
import re
from pathlib import Path

import aiohttp
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from bot.cli import command_line
from tests.api.newsroom import ADMIN, APPROVER, BOTH, PUBLISHER, Newsroom
from tests.factories import Factory

HELLO = {"audience": {"op": "everybody"}, "bodies": {"zh_CN": {"text": "您好，{home} {paid_up_to}"}}}


@pytest.fixture
async def newsroom(api: aiohttp.ClientSession, factory: Factory) -> Newsroom:
    return await Newsroom(api, factory).open()


@pytest.fixture
def hello(tmp_path: Path) -> str:
    path = tmp_path / "hello.json"
    path.write_text(json.dumps(HELLO))
    return str(path)


async def run(environment: dict[str, str], *arguments: str, status: int = 0) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, command_line(), ["broadcast", *arguments], env=environment)
    assert result.exit_code == status, result.output
    return re.sub(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[.*\n", "", result.output)


async def test_from_a_file_to_the_report(
    newsroom: Newsroom, environment: dict[str, str], hello: str, tmp_path: Path
) -> None:
    chat, agreement = await newsroom.family(number="TEST-A")
    counted = await run(environment, "count", "--file", hello)
    assert "发给 1 个聊天；选中 1 户" in counted
    assert "缺少 {paid_up_to}：1 个聊天（TEST-A）" in counted
    assert await run(environment, "create", "--file", hello) == "群发 1：草稿。\n"
    lacking = tmp_path / "missing.xlsx"
    assert f"写好了：{lacking}" in await run(environment, "count", "1", "--xlsx", str(lacking))
    assert load_workbook(lacking).active["A2"].value == "TEST-A"  # type: ignore[index]
    assert await run(environment, "submit", "1") == "群发 1：待审批。\n"
    by_whom = str(newsroom.staff[APPROVER])
    for account in (PUBLISHER, ADMIN):
        refused = await run(environment, "approve", "1", "--account", str(newsroom.staff[account]), status=2)
        assert "只有审批员" in refused
    assert "没有" in await run(environment, "approve", "1", "--account", "999", status=2)
    assert await run(environment, "approve", "1", "--account", by_whom) == "群发 1：已批准，等待发送。\n"
    assert "已批准" in await run(environment, "approve", "1", "--account", by_whom, status=2)
    await newsroom.send(1, {chat: ([agreement.id], "failed")}, state="sending")
    assert await run(environment, "pause", "1") == "群发 1：已暂停。\n"
    assert await run(environment, "resume", "1") == "群发 1：正在发送。\n"
    assert await run(environment, "cancel", "1", "--reason", "发错了") == "群发 1：已取消。\n"
    unreached = tmp_path / "unreached.xlsx"
    told = await run(environment, "report", "1", "--xlsx", str(unreached))
    assert "选中 1 户，1 户没有收到" in told
    assert "发送失败 1" in told
    assert load_workbook(unreached).active["A2"].value == "TEST-A"  # type: ignore[index]
    shown = await run(environment, "show", "1")
    for part in ("您好，{home}", "批准 编造员2", "取消  发错了", "共 1 条"):
        assert part in shown
    assert "已取消" in await run(environment, "list")
    assert await run(environment, "follow-up", "1") == "群发 2：草稿。\n"
    recorded = await newsroom.recorded("broadcast.approved")
    assert recorded == [("operator", None, "broadcast", 1)]


async def test_nobody_approves_their_own_by_command_either(newsroom: Newsroom, environment: dict[str, str]) -> None:
    await newsroom.family()
    draft = await newsroom.draft(chat=BOTH)
    await run(environment, "submit", str(draft.id))
    account = str(newsroom.staff[BOTH])
    assert "不能自己批准" in await run(environment, "approve", str(draft.id), "--account", account, status=2)
    await newsroom.sql("UPDATE staff_accounts SET disabled_at = now() WHERE id = :id", id=newsroom.staff[APPROVER])
    disabled = str(newsroom.staff[APPROVER])
    assert "没有" in await run(environment, "approve", str(draft.id), "--account", disabled, status=2)
    rejected = await run(environment, "reject", str(draft.id), "--account", account, "--reason", "日期不对")
    assert rejected == f"群发 {draft.id}：草稿。\n"


async def test_what_is_wrong_is_told_in_one_sentence(
    newsroom: Newsroom, environment: dict[str, str], tmp_path: Path, hello: str
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"topic": "nonsense", "bodies": 3}')
    assert "bodies、topic" in await run(environment, "create", "--file", str(broken), status=2)
    assert "读不了" in await run(environment, "create", "--file", str(tmp_path / "none.json"), status=2)
    for command in (["show", "9"], ["submit", "9"], ["report", "9"], ["count", "9"], ["count"], ["follow-up", "9"]):
        said = await run(environment, *command, status=2)
        assert len(said.splitlines()) == 1, said
    unfit = tmp_path / "unfit.json"
    unfit.write_text(json.dumps({"audience": {"op": "building", "id": 7}, "bodies": {"zh_CN": {"text": "{nmae}"}}}))
    told = await run(environment, "create", "--file", str(unfit))
    assert "要改：找不到：building 7" in told
    assert "要改：zh_CN 第 1 行第 1 个字：不认识 {nmae}。" in told
    assert "要先改好" in await run(environment, "submit", "1", status=2)
