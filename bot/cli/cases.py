"""Commands of the complaint desk: the queue, where a case goes, the office's own days. What they tell is Chinese, like
the rolls."""

from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.table import Table

from api.audit.service import OPERATOR, record
from api.cases.desk_pages import find_case_id
from api.cases.models import Case
from api.cases.office_days import list_days, set_days
from api.cases.queue import Wanted, count_open, list_cases
from api.cases.routing import route, route_out
from api.cases.schemas import CaseState, RouteOut
from api.db import Database
from api.errors import NotFound
from bot.cli.case_words import CATEGORIES, HOUSEHOLDS, STATES
from bot.cli.database import api_settings, on_database
from bot.cli.departments import departments
from bot.cli.figures import figures
from bot.cli.running import refuse
from bot.cli.tables import print_table

cases = typer.Typer(invoke_without_command=True, help="Complaints: the queue, where they go, the office's own days.")
cases.add_typer(departments, name="departments")
cases.command("figures")(figures)


@cases.callback()
def queue(
    context: typer.Context,
    state: Annotated[CaseState | None, typer.Option(help="Only cases in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
) -> None:
    """Show the queue of open cases, what is due first. It names nobody of a family."""
    if context.invoked_subcommand is not None:
        return
    settings = api_settings()

    async def work(database: Database) -> Table:
        today = datetime.now(settings.timezone).date()
        async with database.transaction() as session:
            page = await list_cases(session, settings.vault(), OPERATOR, Wanted(state=state), today, limit=limit)
            total = await count_open(session)
        headings = ("编号", "收到时间", "状态", "反映的事", "房子", "期限", "责任单位", "接访员")
        table = Table(*headings, caption=f"未办结 {total} 件，显示 {len(page.cases)} 件")
        for case in page.cases:
            received = case.received_at.astimezone(settings.timezone)
            table.add_row(
                case.number,
                f"{received:%Y-%m-%d %H:%M}",
                STATES[case.state],
                CATEGORIES[case.category],
                case.home or "–",
                case.due_on.isoformat() if case.due_on else "–",
                case.department or "–",
                case.officer or "–",
            )
        return table

    print_table(on_database(settings, work))


@cases.command("route")
def show_route(
    number: Annotated[str, typer.Argument(metavar="编号", help="Of the case.")],
    explain: Annotated[bool, typer.Option("--explain", help="Also show every rule, and everybody's load.")] = False,
) -> None:
    """Tell where the routing rules send a case. It is not sent there."""
    settings = api_settings()

    async def work(database: Database) -> RouteOut:
        async with database.transaction() as session:
            try:
                case = await session.get_one(Case, await find_case_id(session, number))
            except NotFound:
                refuse("没有这个编号的信访件。")
            await record(session, OPERATOR, "case.route_shown", "case", [case.id])
            return route_out(settings.vault(), await route(session, case))

    found = on_database(settings, work)
    if found.department is None:
        typer.echo("没有适用的规则，要由人指定责任单位。")
    else:
        typer.echo(f"责任单位：{found.department}")
        typer.echo(f"接访员：{found.officer}" if found.officer else "接访员：没有人有空，由单位里的人认领。")
    if explain:
        print_table(_rules(found))
        print_table(_load(found))


def _rules(found: RouteOut) -> Table:
    table = Table("规则", "优先", "反映的事", "项目", "住户", "责任单位", "适用")
    for rule in found.rules:
        table.add_row(
            str(rule.id),
            str(rule.priority),
            CATEGORIES[rule.category] if rule.category else "不限",
            rule.project or "不限",
            HOUSEHOLDS[rule.household] if rule.household else "不限",
            rule.department,
            "是" if rule.fits else "否",
        )
    return table


def _load(found: RouteOut) -> Table:
    table = Table("账号", "姓名", "手上另有未办结", "最多", "能否分派")
    for officer in found.officers:
        most = "不限" if officer.most_open is None else str(officer.most_open)
        full = officer.most_open is not None and officer.open_cases >= officer.most_open
        why = "不能，原答复是他作的" if officer.id in found.gave else "不能，已满" if full else "能"
        table.add_row(str(officer.id), officer.name, str(officer.open_cases), most, why)
    return table


@cases.command("days")
def days(
    day: Annotated[list[str] | None, typer.Argument(metavar="日期", help="2026-10-10; several may be given.")] = None,
    work: Annotated[bool, typer.Option("--work", help="The office works on them.")] = False,
    rest: Annotated[bool, typer.Option("--rest", help="The office rests on them.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="As China's calendar says.")] = False,
    note: Annotated[str | None, typer.Option(help="Why; kept with them.")] = None,
) -> None:
    """Show, or enter, days on which the office works or rests against the calendar. The last days of clocks follow."""
    settings = api_settings()
    if not day:
        print_table(on_database(settings, _days))
        return
    if work + rest + clear != 1:
        refuse("请写明是 --work（上班）、--rest（休息）还是 --clear（按国家日历）。")
    try:
        given = [date.fromisoformat(one) for one in day]
    except ValueError:
        refuse("日期要写成 2026-10-10 这样。")

    async def enter(database: Database) -> int:
        async with database.transaction() as session:
            return await set_days(session, OPERATOR, dict.fromkeys(given, None if clear else work), note=note)

    moved = on_database(settings, enter)
    typer.echo(f"记下了 {len(given)} 天，{moved} 个期限的最后一天跟着变了。")


async def _days(database: Database) -> Table:
    async with database.transaction() as session:
        entered = await list_days(session, datetime.now(UTC).date().replace(month=1, day=1))
    table = Table("日期", "上班还是休息", "说明", caption="其他日子按国家日历。")
    for entry in entered:
        table.add_row(entry.day.isoformat(), "上班" if entry.is_working else "休息", entry.note or "")
    return table
