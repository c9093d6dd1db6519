"""Commands for the office's own accounts. What they tell is Chinese, like the rolls.

They act as the operator: who can start them holds the keys anyhow. So the first administrator is made here, and the
last one is disabled here when their phone is stolen.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.actors import OPERATOR
from api.db import Database
from api.errors import NotFound
from api.privacy import Vault
from api.settings import Settings
from api.staff.codes import VALID_FOR, issue_staff_code
from api.staff.schemas import StaffAccountIn, StaffAccountOut, StaffRole
from api.staff.service import add_account, as_account, change_account, list_accounts
from bot.cli.database import api_settings, on_database
from bot.cli.running import bot_settings, refuse

T = TypeVar("T")

ROLES = {
    StaffRole.VIEWER: "查看员",
    StaffRole.CASE_OFFICER: "接访员",
    StaffRole.PUBLISHER: "发布员",
    StaffRole.APPROVER: "审批员",
    StaffRole.CLERK: "数据员",
    StaffRole.ADMIN: "管理员",
}

staff = typer.Typer(no_args_is_help=True, help="Accounts of the office's people: who may do what.")

Id = Annotated[int, typer.Argument(min=1, metavar="ID", help="Number of the account, as `list` shows it.")]
RolesOption = Annotated[list[StaffRole], typer.Option("--role", help="May be given several times.")]


def _roles(account: StaffAccountOut) -> str:
    return "、".join(ROLES[role] for role in account.roles)


def _in_transaction(settings: Settings, work: Callable[[AsyncSession, Vault], Awaitable[T]]) -> T:
    async def run(database: Database) -> T:
        try:
            async with database.transaction() as session:
                return await work(session, settings.vault())
        except NotFound:
            refuse("没有这个账号，或者它已经停用。`shanglou staff list` 列出所有账号。")

    return on_database(settings, run)


@staff.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="姓名", help="Whom it is for.")],
    role: RolesOption,
) -> None:
    """Add an account. `shanglou staff link` then makes the code that links its owner's Telegram."""
    try:
        given = StaffAccountIn(name=name, roles=set(role))
    except ValidationError:
        refuse("姓名要有 1 到 40 个字。")

    async def work(session: AsyncSession, vault: Vault) -> StaffAccountOut:
        return as_account(vault, await add_account(session, vault, OPERATOR, given.name, given.roles))

    account = _in_transaction(api_settings(), work)
    typer.echo(f"建立了账号 {account.id}：{account.name}（{_roles(account)}）。")
    typer.echo(f"绑定 Telegram 的一次性码：shanglou staff link {account.id}")


@staff.command("list")
def list_all() -> None:
    """Show every account."""
    settings = api_settings()

    async def work(session: AsyncSession, vault: Vault) -> list[StaffAccountOut]:
        return [as_account(vault, account) for account in await list_accounts(session, OPERATOR)]

    def moment(when: datetime | None) -> str:
        return f"{when.astimezone(settings.timezone):%Y-%m-%d %H:%M}" if when else "–"

    accounts = _in_transaction(settings, work)
    table = Table("账号", "姓名", "角色", "绑定 Telegram", "停用", caption=f"共 {len(accounts)} 个")
    for account in accounts:
        table.add_row(
            str(account.id), account.name, _roles(account), moment(account.linked_at), moment(account.disabled_at)
        )
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe nothing is cut off to fit a screen that is not there.
        console.width = 160
    console.print(table)


@staff.command("disable")
def disable(account_id: Id) -> None:
    """End all that an account may do, from its next call on. Its past stays."""
    account = _change(account_id, disabled=True)
    typer.echo(f"账号 {account.id}（{account.name}）停用了，Telegram 也解除了绑定。")


@staff.command("enable")
def enable(account_id: Id) -> None:
    """Put a disabled account in force again. It needs a new code."""
    account = _change(account_id, disabled=False)
    typer.echo(f"账号 {account.id}（{account.name}）启用了。重新绑定 Telegram：shanglou staff link {account.id}")


@staff.command("roles")
def roles(account_id: Id, role: RolesOption) -> None:
    """Give an account these roles instead of those it has."""
    account = _change(account_id, roles=set(role))
    typer.echo(f"账号 {account.id}（{account.name}）现在的角色：{_roles(account)}。")


@staff.command("link")
def link(account_id: Id) -> None:
    """Make a one-time code by which the account's owner links their Telegram. It is shown once; earlier ones end."""
    settings, bot_username = api_settings(), bot_settings().bot_username

    async def work(session: AsyncSession, vault: Vault) -> tuple[str, datetime]:
        return await issue_staff_code(session, vault, OPERATOR, account_id)

    code, expires_at = _in_transaction(settings, work)
    until = expires_at.astimezone(settings.timezone)
    hours = int(VALID_FOR.total_seconds() // 3600)
    lines = [
        code,
        f"一次性码只能用一次，{hours} 小时内有效（到 {until:%Y-%m-%d %H:%M}，{settings.timezone.key}）。",
        f"请本人在自己的 Telegram 里发给机器人：/staff {code}",
    ]
    if bot_username:
        lines.append(f"或者点开：https://t.me/{bot_username}?start={code}")
    typer.echo("\n".join(lines))


def _change(account_id: int, *, roles: set[StaffRole] | None = None, disabled: bool | None = None) -> StaffAccountOut:
    async def work(session: AsyncSession, vault: Vault) -> StaffAccountOut:
        account = await change_account(session, vault, OPERATOR, account_id, roles=roles, disabled=disabled)
        return as_account(vault, account)

    return _in_transaction(api_settings(), work)
