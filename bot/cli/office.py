"""Commands for the office: let a relative in, sweep up unused files. What they tell is
Chinese, like the rolls."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from api.agreements.service import find_agreements
from api.cases.store import AttachmentStore
from api.db import Database
from api.identity.codes import issue_code
from api.retention import erase_files, erase_outdated, kept_days
from bot.cli.database import api_settings, on_database
from bot.cli.running import bot_settings, refuse

_OUTDATED = {
    "verification_attempt": "验证记录",
    "delivery": "已发通知的记录",
    "link": "已解除的绑定",
    "handover_watch": "交房提醒",
    "link_code": "邀请码",
    "staff_code": "工作人员一次性码",
    "consent": "已撤回的同意",
    "access_request": "已答复的核对请求",
    "draft": "没写完的内容",
    "chat": "长期不用的聊天",
    "mute": "长期不用的聊天的提醒设置",
    "job": "后台任务记录",
}


def invite(
    agreement: Annotated[str, typer.Argument(help="Number of the agreement, as written in the roll.")],
    days: Annotated[int, typer.Option(min=1, max=90, help="Days until the code ends.")] = 7,
    project: Annotated[str | None, typer.Option(help="Its project, where several use the number.")] = None,
) -> None:
    """Make a one-time code that lets a relative or proxy see an agreement. It is shown once."""
    settings, bot_username = api_settings(), bot_settings().bot_username

    async def work(database: Database) -> str:
        async with database.transaction() as session:
            found = await find_agreements(session, agreement, project)
            if not found:
                refuse("没有这个编号的协议（合同）。")
            if len(found) > 1:
                refuse("好几个项目都有这个编号，请用 --project 写明是哪个项目。")
            code, expires_at = await issue_code(
                session,
                settings.vault(),
                found[0],
                issued_by=f"command line: {getpass.getuser()}",
                valid_for=timedelta(days=days),
            )
        until = expires_at.astimezone(settings.timezone)
        lines = [code, f"邀请码只能用一次，{until:%Y-%m-%d %H:%M}（{settings.timezone.key}）之前有效。"]
        if bot_username:
            lines.append(f"https://t.me/{bot_username}?start={code}")
        return "\n".join(lines)

    typer.echo(on_database(settings, work))


def sweep(
    days: Annotated[
        int | None, typer.Option(min=1, help="Only files older than this; by default as the settings say.")
    ] = None,
) -> None:
    """Delete now what is outdated, files that no complaint came of among it; the worker does the same every night."""
    settings = api_settings()
    store = AttachmentStore(settings.attachments_url, settings.data_dir)

    async def work(database: Database) -> tuple[int, dict[str, int]]:
        outdated = erase_outdated(database.transaction, settings, datetime.now(UTC))
        rows = {kind: count async for kind, count in outdated}
        return await erase_files(database, store, days or kept_days(settings, "files")), rows

    files, rows = on_database(settings, work)
    typer.echo(f"删除了 {files} 个文件。")
    if told := "，".join(f"{_OUTDATED[kind]} {count}" for kind, count in rows.items() if count):
        typer.echo(f"到期清理：{told}。")
