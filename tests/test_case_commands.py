"""`shanglou cases` and its commands: where a case goes, departments and rules, the office's own days."""

import asyncio
import re

import aiohttp
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from api.audit.models import AuditEvent
from api.cases.models import DepartmentMember, OfficeDay, RoutingRule
from api.db import Database
from api.staff.schemas import StaffRole
from bot.cli import command_line
from tests.api.desk import Desk
from tests.factories import Factory


@pytest.fixture
async def desk(api: aiohttp.ClientSession, factory: Factory) -> Desk:
    return await Desk(api, factory).open()


async def run(environment: dict[str, str], *arguments: str, status: int = 0) -> str:
    """What the command says, without what the API that runs beside it logs meanwhile."""
    result = await asyncio.to_thread(CliRunner().invoke, command_line(), ["cases", *arguments], env=environment)
    assert result.exit_code == status, result.output
    return re.sub(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[.*\n", "", result.output)


async def standing_of(database: Database, account: int) -> tuple[bool, int | None]:
    async with database.transaction() as session:
        member = (await session.scalars(select(DepartmentMember).where(DepartmentMember.staff_id == account))).one()
        return member.is_supervisor, member.most_open


async def test_an_office_is_set_up_and_routes(desk: Desk, database: Database, environment: dict[str, str]) -> None:
    number = await desk.to("registered")
    told = await run(environment, "route", number, "--explain")
    assert "没有适用的规则" in told
    chief = await desk.account(None, StaffRole.CASE_OFFICER, name="街道负责人")
    department = await run(environment, "departments", "add", " 街道办 ")
    assert department == f"责任单位 {desk.department + 1}：街道办。\n"
    theirs = str(desk.department + 1)
    await run(environment, "departments", "member", theirs, str(chief), "--supervisor", "--most", "20")
    await run(environment, "departments", "rule", str(desk.department))
    await run(environment, "departments", "rule", theirs, "--category", "quality", "--household", "relocation")
    told = await run(environment, "route", number)
    assert told == "责任单位：街道办\n接访员：街道负责人\n"
    told = await run(environment, "route", number, "--explain")
    rules = [line.split() for line in told.splitlines() if "│" in line and ("是" in line or "否" in line)]
    assert len(rules) == 2
    assert "房屋质量" in rules[0]
    assert "拆迁户" in rules[0]
    shown = await run(environment, "departments")
    for part in ("住建局", "接访甲", "街道办", "街道负责人", "房屋质量", "不限"):
        assert part in shown
    # It only tells: the case is where it was.
    assert (await desk.page(number)).department is None
    # Away for a while, and back: what else it is there stays.
    await run(environment, "departments", "member", theirs, str(chief), "--most", "0")
    assert (await standing_of(database, chief)) == (True, 0)
    await run(environment, "departments", "member", theirs, str(chief), "--unlimited")
    assert (await standing_of(database, chief)) == (True, None)
    await run(environment, "departments", "member", theirs, str(chief), "--no-supervisor")
    assert (await standing_of(database, chief)) == (False, None)
    # Taking a right away gives no greater one, unless that is meant.
    said = await run(environment, "departments", "member", theirs, str(chief), "--remove", status=2)
    assert "能办所有单位的信访件" in said
    await run(environment, "departments", "member", theirs, str(chief), "--remove", "--for-all")
    told = await run(environment, "route", number)
    assert told == "责任单位：街道办\n接访员：没有人有空，由单位里的人认领。\n"
    async with database.transaction() as session:
        rule = await session.scalar(select(RoutingRule.id).order_by(RoutingRule.id.desc()).limit(1))
    await run(environment, "departments", "rule", "--remove", str(rule))
    assert "住建局" in await run(environment, "route", number)
    async with database.transaction() as session:
        actions = await session.scalars(select(AuditEvent.action).where(AuditEvent.actor_kind == "operator"))
        recorded = set(actions)
    assert {
        "department.added",
        "departments.listed",
        "department.member_set",
        "department.member_removed",
        "routing_rule.added",
        "routing_rule.removed",
        "case.route_shown",
    } <= recorded


async def test_what_is_not_there(desk: Desk, environment: dict[str, str]) -> None:
    for command in (
        ["route", "2026-999999"],
        ["departments", "member", "999", str(desk.officer)],
        ["departments", "member", str(desk.department), "999"],
        ["departments", "member", str(desk.department), "999", "--remove"],
        ["departments", "member", str(desk.department), str(desk.officer), "--most", "1", "--unlimited"],
        ["departments", "rule", "999"],
        ["departments", "rule", str(desk.department), "--project", "没有这个项目"],
        ["departments", "rule", "--remove", "999"],
        ["departments", "rule"],
        ["departments", "add", " "],
        ["days", "2026-10-10"],
        ["days", "2026-10-10", "--work", "--rest"],
        ["days", "10.10", "--work"],
    ):
        said = await run(environment, *command, status=2)
        assert len(said.splitlines()) == 1, said


async def test_the_office_s_own_days(desk: Desk, database: Database, environment: dict[str, str]) -> None:
    number = await desk.file()
    (clock,) = (await desk.case(number)).clocks
    day = clock.last_day.isoformat()
    told = await run(environment, "days", day, "--rest", "--note", "台风")
    assert told == "记下了 1 天，1 个期限的最后一天跟着变了。\n"
    assert (await desk.case(number)).clocks[0].last_day > clock.last_day
    shown = await run(environment, "days")
    assert day in shown
    assert "休息" in shown
    assert "台风" in shown
    assert "1 个期限" in await run(environment, "days", day, "--clear")
    assert (await desk.case(number)).clocks[0].last_day == clock.last_day
    async with database.transaction() as session:
        assert (await session.scalars(select(OfficeDay))).all() == []
