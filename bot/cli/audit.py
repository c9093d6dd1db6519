"""Commands for the audit record. What they tell is Chinese, like all the office's commands."""

import re
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.agreements.service import find_agreements
from api.audit.actors import ActorKind
from api.audit.chain import chain_key, hash_text
from api.audit.listing import Entry, list_events
from api.audit.sealer import CONNECTION_SETTINGS, Sealer
from api.audit.verifying import Finding, Trouble, Verdict, verify
from api.db import Database
from bot.cli.audit_words import ACTIONS, OBJECTS
from bot.cli.database import api_settings, on_database
from bot.cli.progress import progress_bar
from bot.cli.running import refuse

_MAX_SHOWN = 100
_MIN_HASH_DIGITS = 16
_SEALED_AT_A_STRETCH = 5000
_STATEMENT_SECONDS = 3600.0

audit = typer.Typer(no_args_is_help=True, help="The record of who looked at what and who changed what.")


@audit.command("verify")
def verify_record(
    expect: Annotated[
        str | None, typer.Option(metavar="HASH", help="A hash noted earlier, or its first 16 digits or more.")
    ] = None,
) -> None:
    """Check that nothing in the record was changed, removed or put in later. Exit status 1 where something was."""
    settings = api_settings()
    expected = _hash(expect)
    findings: list[Finding] = []

    def keep(finding: Finding) -> None:
        if len(findings) < _MAX_SHOWN:
            findings.append(finding)

    async def work(database: Database) -> Verdict:
        key = chain_key(settings.index_key.get_secret_value())
        connection = await database.connect(statement_seconds=_STATEMENT_SECONDS, **CONNECTION_SETTINGS)
        try:
            await Sealer(key, _SEALED_AT_A_STRETCH).seal(connection)
            return await verify(connection, key, keep, expected, lambda done, of: on_progress("核对审计记录", done, of))
        finally:
            await connection.close()

    with progress_bar() as on_progress:
        verdict = on_database(settings, work)
    _tell(verdict, settings.timezone)
    for finding in findings:
        typer.echo(f"问题：{_in_words(finding, settings.timezone)}")
    if verdict.findings > len(findings):
        typer.echo(f"……一共有 {verdict.findings} 处问题。")
    if verdict.findings:
        raise typer.Exit(1)
    typer.echo("全部相符，没有发现改动。")


def _hash(text: str | None) -> bytes:
    if text is None:
        return b""
    digits = re.sub(r"[\s:-]", "", text).lower()
    if not re.fullmatch(rf"[0-9a-f]{{{_MIN_HASH_DIGITS},64}}", digits):
        refuse(f"--expect 要写校验值，至少前 {_MIN_HASH_DIGITS} 位（0–9 和 a–f）。")
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _tell(verdict: Verdict, timezone: Any) -> None:
    if verdict.first_at and verdict.last_at:
        first, last = (
            f"{moment.astimezone(timezone):%Y-%m-%d %H:%M:%S}" for moment in (verdict.first_at, verdict.last_at)
        )
        typer.echo(f"已封存 {verdict.events} 条记录，{first} 至 {last}。")
    else:
        typer.echo("还没有已封存的记录。")
    if verdict.waiting:
        typer.echo(f"另有 {verdict.waiting} 条刚写入，还没有封存。")
    if verdict.newest_seal:
        typer.echo(f"最新校验值（第 {verdict.newest_seal} 号）：{hash_text(verdict.newest)}")
        typer.echo("请把校验值抄存在本系统之外，下次核对时用 --expect 写上：记录末尾被删掉也能发现。")
    if verdict.expected_at:
        typer.echo(f"所给的校验值在第 {verdict.expected_at} 号，仍在记录中。")


def _in_words(finding: Finding, timezone: Any) -> str:
    seals = f"第 {finding.seal} 号"
    if finding.last_seal != finding.seal:
        seals = f"第 {finding.seal}–{finding.last_seal} 号"
    match finding.trouble:
        case Trouble.SEALS_REMOVED:
            return f"{seals}封条被删除，紧接的一条无法核对。"
        case Trouble.EVENT_REMOVED:
            return f"记录 {finding.event_id}（{seals}）被删除。"
        case Trouble.EVENT_CHANGED:
            return f"记录 {finding.event_id}（{seals}）被改动。"
        case Trouble.SEALS_CHANGED:
            return f"{seals}封条被改动，所封的记录没有变。"
        case Trouble.ALTERED:
            return f"{seals}的记录或封条被改动、调换或伪造。"
        case Trouble.FORGED:
            return f"{seals}封条是伪造的，没有这样的编号。"
        case Trouble.NEVER_SEALED:
            moment = finding.happened_at and f"，所写时间 {finding.happened_at.astimezone(timezone):%Y-%m-%d %H:%M:%S}"
            return f"记录 {finding.event_id} 是事后插入的，没有封条{moment or ''}。"
        case Trouble.CUT:
            return "记录里没有所给的校验值：那以后的记录被删除或重写，或者数据库被恢复成了旧备份。"


@audit.command("show")
def show(
    chat: Annotated[int | None, typer.Option(help="Only what this chat did (Telegram's id of it).")] = None,
    agreement: Annotated[str | None, typer.Option(help="Only what concerns this agreement (its number).")] = None,
    staff: Annotated[int | None, typer.Option(help="Only what this account of the office did (its number).")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Only from then on.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 100,
) -> None:
    """Show who looked at what and who changed what, the newest first. It shows no values."""
    settings = api_settings()

    async def work(database: Database) -> list[Entry]:
        async with database.transaction() as session:
            ids = None
            if agreement is not None:
                ids = await find_agreements(session, agreement)
                if not ids:
                    refuse("没有这个编号的协议（合同）。")
            return await list_events(
                session,
                chat_id=chat,
                staff_id=staff,
                agreement_ids=ids,
                since=since.replace(tzinfo=settings.timezone) if since else None,
                limit=limit,
            )

    entries = on_database(settings, work)
    table = Table("记录", "时间", "谁", "做了什么", "对象", caption=f"显示 {len(entries)} 条")
    for entry in entries:
        table.add_row(
            str(entry.id),
            f"{entry.happened_at.astimezone(settings.timezone):%Y-%m-%d %H:%M:%S}",
            _who(entry),
            ACTIONS.get(entry.action, entry.action),
            _what(entry),
        )
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe nothing is cut off to fit a screen that is not there.
        console.width = 160
    console.print(table)


def _who(entry: Entry) -> str:
    match entry.actor_kind:
        case ActorKind.CHAT:
            return f"聊天 {entry.actor_id}"
        case ActorKind.STAFF:
            return f"工作人员 {entry.actor_id}"
        case ActorKind.OPERATOR:
            return "命令行"
        case ActorKind.SYSTEM:
            return "系统"


def _what(entry: Entry) -> str:
    kind = OBJECTS.get(entry.object_kind, entry.object_kind)
    own = "" if entry.object_id is None or entry.object_kind == "agreement" else f" {entry.object_id}"
    if entry.object_kind == "agreement" and entry.agreement is None:
        own = f" #{entry.object_id}"
    return f"{kind}{own}" + (f" {entry.agreement}" if entry.agreement else "")
