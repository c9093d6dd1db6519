"""``shanglou cases figures``, as it is typed."""

import asyncio
import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import openpyxl
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from api.db import Database
from bot.cli import command_line
from tests.api.desk import Desk
from tests.factories import Factory


async def run(environment: dict[str, str], *arguments: str) -> Result:
    command = ["cases", "figures", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, command_line(["cases"]), command, env=environment)


async def test_figures_on_the_screen_and_as_files(
    api: aiohttp.ClientSession, database: Database, factory: Factory, environment: dict[str, str], tmp_path: Path
) -> None:
    desk = await Desk(api, factory).open()
    await desk.to("closed", category="handover")
    await desk.file()
    result = await run(environment)
    assert result.exit_code == 0, result.output
    for told in ("期初存量", "增量", "减量", "期末存量", "按期答复", "全部", "合计", "“办结”不等于“解决”"):
        assert told in result.output
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    workbook, table = tmp_path / "统计.xlsx", tmp_path / "统计.csv"
    days = ("--from", today.isoformat(), "--to", today.isoformat())
    result = await run(environment, *days, "--by", "category", "--csv", str(table), "--xlsx", str(workbook))
    assert result.exit_code == 0, result.output
    # The API that serves this test logs to the same screen.
    written = [line for line in result.output.splitlines() if "audit_chain" not in line]
    assert written == [f"写好了：{table}", f"写好了：{workbook}"]
    with table.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    totals = {line["反映的事"]: line for line in lines if line["时段"] == "合计"}
    counted = {name: (line["收到"], line["期末存量"], line["办结"]) for name, line in totals.items()}
    assert {name: figures for name, figures in counted.items() if figures != ("0", "0", "0")} == {
        "全部": ("2", "1", "1"),
        "交房": ("1", "0", "1"),
        "房屋质量": ("1", "1", "0"),
    }
    assert len(totals) == 8
    assert openpyxl.load_workbook(workbook).worksheets[0]["A1"].value == "反映的事"
    async with database.transaction() as session:
        asked = "SELECT actor_kind, action FROM audit_events WHERE action LIKE 'figures.%' ORDER BY id"
        events = [tuple(row) for row in await session.execute(text(asked))]
    assert events == [("operator", "figures.shown"), ("operator", "figures.exported")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2999-01-01"], "起止日期不对"),
        (["--from", "2026-02-02", "--to", "2026-02-01"], "起止日期不对"),
        (["--csv", "/nonexistent/x.csv"], "写不了 /nonexistent/x.csv"),
    ],
)
async def test_what_cannot_be_is_told_in_one_sentence(
    environment: dict[str, str], arguments: list[str], said: str
) -> None:
    result = await run(environment, *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.splitlines()) == 1
