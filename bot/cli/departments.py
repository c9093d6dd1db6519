"""Commands for the departments that handle complaints, their people, and the rules that send cases to them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.schemas import AgreementKind
from api.audit.service import OPERATOR, record
from api.cases.departments import (
    LastDepartment,
    add_department,
    add_rule,
    list_rules,
    remove_member,
    remove_rule,
    set_member,
)
from api.cases.routing import list_departments
from api.cases.schemas import CaseCategory
from api.db import Database
from api.errors import NotFound
from bot.cli.case_words import CATEGORIES, HOUSEHOLDS
from bot.cli.database import api_settings, on_database
from bot.cli.running import refuse
from bot.cli.tables import print_table

T = TypeVar("T")

departments = typer.Typer(
    invoke_without_command=True, help="Departments that handle complaints, their people, and the rules to them."
)

DepartmentId = Annotated[int, typer.Argument(min=1, metavar="单位", help="Number of the department.")]


def _in_transaction(work: Callable[[AsyncSession], Awaitable[T]], missing: str) -> T:
    async def run(database: Database) -> T:
        try:
            async with database.transaction() as session:
                return await work(session)
        except NotFound:
            refuse(missing)

    return on_database(api_settings(), run)


@departments.callback()
def show(context: typer.Context) -> None:
    """Show the departments with their people, and the rules in the order in which they are tried."""
    if context.invoked_subcommand is not None:
        return
    settings = api_settings()

    async def work(database: Database) -> tuple[Table, Table]:
        async with database.transaction() as session:
            await record(session, OPERATOR, "departments.listed", "department", [None])
            people = Table("单位", "名称", "账号", "姓名", "负责人", "手上未办结")
            for department in await list_departments(session, settings.vault()):
                people.add_row(str(department.id), department.name)
                for officer in department.officers:
                    is_supervisor = "是" if officer.supervisor else ""
                    people.add_row("", "", str(officer.id), officer.name, is_supervisor, str(officer.open_cases))
            rules = Table("规则", "优先", "反映的事", "项目", "住户", "责任单位")
            for row in await list_rules(session):
                rule = row.RoutingRule
                rules.add_row(
                    str(rule.id),
                    str(rule.priority),
                    CATEGORIES[rule.category] if rule.category else "不限",
                    row.project or "不限",
                    HOUSEHOLDS[rule.household] if rule.household else "不限",
                    row.department,
                )
        return people, rules

    for table in on_database(settings, work):
        print_table(table)


@departments.command("add")
def add(name: Annotated[str, typer.Argument(metavar="名称", help="As residents read it.")]) -> None:
    """Add a department."""
    if not 1 <= len(name.strip()) <= 60:
        refuse("名称要有 1 到 60 个字。")
    department_id = _in_transaction(lambda session: add_department(session, OPERATOR, name.strip()), "")
    typer.echo(f"责任单位 {department_id}：{name.strip()}。")


@departments.command("member")
def member(
    department_id: DepartmentId,
    account_id: Annotated[int, typer.Argument(min=1, metavar="账号", help="As `shanglou staff list` shows it.")],
    supervisor: Annotated[
        bool | None,
        typer.Option("--supervisor/--no-supervisor", help="Supervises the department's cases; else as it was."),
    ] = None,
    most: Annotated[
        int | None, typer.Option(min=0, help="No more open cases are routed to it; 0: none; else as it was.")
    ] = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Takes that limit away.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Not in the department any more.")] = False,
    for_all: Annotated[
        bool, typer.Option("--for-all", help="With --remove: in none, it acts for all departments.")
    ] = False,
) -> None:
    """Put an account into a department, or take it out."""
    if most is not None and unlimited:
        refuse("--most 和 --unlimited 只能选一个。")

    async def work(session: AsyncSession) -> None:
        if remove:
            try:
                await remove_member(session, OPERATOR, department_id, account_id, for_all=for_all)
            except LastDepartment:
                refuse(
                    f"账号 {account_id} 只在这一个单位。去掉以后，它不属于任何单位，就能办所有单位的信访件。"
                    "要停用它，请用 shanglou staff disable；确实要让它办所有单位的，请加 --for-all。"
                )
            return
        await set_member(
            session,
            OPERATOR,
            department_id,
            account_id,
            is_supervisor=supervisor,
            most_open=most,
            unlimited=unlimited,
        )

    _in_transaction(work, "没有这个单位或这个账号，或者它已经停用。")
    typer.echo(f"账号 {account_id} {'不在' if remove else '在'}责任单位 {department_id}。")


@departments.command("rule")
def rule(
    department_id: Annotated[int | None, typer.Argument(min=1, metavar="单位", help="Where the cases go.")] = None,
    category: Annotated[CaseCategory | None, typer.Option(help="Only what it is about; else anything.")] = None,
    project: Annotated[str | None, typer.Option(help="Only of this project.")] = None,
    household: Annotated[AgreementKind | None, typer.Option(help="Only of such households.")] = None,
    priority: Annotated[int, typer.Option(min=-1000, max=1000, help="The highest is tried first.")] = 0,
    remove: Annotated[int | None, typer.Option(min=1, metavar="规则", help="Remove this rule instead.")] = None,
) -> None:
    """Add a rule that sends cases to a department, or remove one."""
    if (department_id is None) == (remove is None):
        refuse("请写明单位，或者用 --remove 写明要去掉的规则。")

    async def work(session: AsyncSession) -> str:
        if remove is not None:
            await remove_rule(session, OPERATOR, remove)
            return f"规则 {remove} 去掉了。"
        rule_id = await add_rule(
            session,
            OPERATOR,
            department_id or 0,
            category=category,
            project=project,
            household=household,
            priority=priority,
        )
        return f"规则 {rule_id} 建立了。"

    typer.echo(_in_transaction(work, "没有这个单位、这个项目或这条规则。"))
