"""Commands of broadcasts, for scripts and for who has no Telegram at hand. What they tell is Chinese, like the rolls.

They act as the operator, who holds the keys anyhow. But nothing is approved in nobody's name: an approver's account has
to be named, and it stands in the broadcast's history.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import OPERATOR, record
from api.broadcasts import service
from api.broadcasts.counting import Asked, count_audience
from api.broadcasts.pages import list_broadcasts, show
from api.broadcasts.report import list_missing, list_unreached, missing_xlsx, unreached_xlsx
from api.broadcasts.report import report as make_report
from api.broadcasts.schemas import (
    AudienceCount,
    BroadcastAction,
    BroadcastNew,
    BroadcastOut,
    BroadcastPage,
    BroadcastReport,
    BroadcastState,
    BroadcastStep,
    FollowUp,
    Operation,
    Problem,
    Progress,
)
from api.broadcasts.service import BY_OPERATOR, By, Now
from api.broadcasts.states import parts_of
from api.db import Database
from api.errors import ApiError, HasProblems, InvalidInput, NotAllowed, NotAllowedNow, NotFound, OwnBroadcast
from api.privacy import Vault
from api.settings import Settings
from api.staff.schemas import StaffRole
from api.staff.service import get_account
from bot.cli.broadcast_words import OPERATIONS, OUTCOMES, STATES, STEPS, problem
from bot.cli.database import api_settings, on_database
from bot.cli.running import refuse
from bot.cli.tables import print_table

T = TypeVar("T")

broadcast = typer.Typer(no_args_is_help=True, help="Broadcasts: write, count, approve, stop, follow.")

Id = Annotated[
    int, typer.Argument(min=1, max=2**63 - 1, metavar="ID", help="Number of the broadcast, as `list` shows.")
]
File = Annotated[
    Path, typer.Option("--file", metavar="FILE", help="What is said to whom, as JSON (docs/broadcasts.md).")
]
Account = Annotated[int, typer.Option("--account", min=1, help="Of the approver who has looked at it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")]
Xlsx = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the list there as a workbook.")]

Work = Callable[[AsyncSession, Vault, Now], Awaitable[T]]


def _in_transaction(settings: Settings, work: Work[T]) -> T:
    """Do it, or tell in one sentence why not."""

    async def run(database: Database) -> T:
        try:
            async with database.transaction() as session:
                return await work(session, settings.vault(), Now.of(settings))
        except ApiError as error:
            refuse(_why_not(error))

    return on_database(settings, run)


def _why_not(error: ApiError) -> str:
    match error:
        case HasProblems():
            found = [Problem.model_validate(one) for one in error.details["problems"]]
            return "要先改好：" + " ".join(problem(one) for one in found)
        case NotAllowedNow():
            return f"现在不能这样做：它的状态是“{STATES[error.details['state']]}”。"
        case OwnBroadcast():
            return "写这条群发或提交它的人，不能自己批准。"
        case NotAllowed():
            return "这个账号不能做这一步：只有审批员能批准或退回。"
        case NotFound():
            return "没有这条群发，或者没有这个账号、附件。`shanglou broadcast list` 列出所有群发。"
        case InvalidInput():
            return "缺少内容或写得不对：退回要用 --reason 写明原因，改正和撤回要写明是哪一条。"
        case _:
            raise error


def _read(path: Path) -> BroadcastNew:
    try:
        return BroadcastNew.model_validate_json(path.read_bytes())
    except OSError as error:
        refuse(f"读不了 {path}：{error.strerror}。")
    except ValidationError as error:
        places = {".".join(str(part) for part in one["loc"]) or "整个文件" for one in error.errors()}
        refuse(f"{path} 写得不对：{'、'.join(sorted(places))}。")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        refuse(f"写不了 {path}：{error.strerror}。")
    typer.echo(f"写好了：{path}")


@broadcast.command("list")
def list_all(
    state: Annotated[list[BroadcastState] | None, typer.Option(help="Only in this state; may be given again.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
) -> None:
    """List broadcasts, newest first."""

    async def work(session: AsyncSession, vault: Vault, _: Now) -> BroadcastPage:
        return await list_broadcasts(session, vault, BY_OPERATOR, states=state or (), limit=limit)

    settings = api_settings()
    table = Table("编号", "内容", "做什么", "状态", "建立时间", "谁写的")
    for found in _in_transaction(settings, work).broadcasts:
        what = OPERATIONS[found.operation] + (f"（{found.of_id}）" if found.of_id is not None else "")
        written = f"{found.created_at.astimezone(settings.timezone):%Y-%m-%d %H:%M}"
        table.add_row(str(found.id), found.title or "–", what, STATES[found.state], written, found.author or "–")
    print_table(table)


@broadcast.command("show")
def show_one(broadcast_id: Id) -> None:
    """Show one: what it says, what is wrong with it, how far it is, who did what."""

    async def work(session: AsyncSession, vault: Vault, now: Now) -> BroadcastOut:
        return await show(session, vault, BY_OPERATOR, broadcast_id, now)

    settings = api_settings()
    found = _in_transaction(settings, work)
    typer.echo(f"群发 {found.id}：{OPERATIONS[found.operation]}，{STATES[found.state]}")
    for locale, body in found.content.bodies.items():
        typer.echo(f"[{locale}]\n{body.text}")
    for one in found.problems:
        typer.echo(f"要改：{problem(one)}")
    if found.progress is not None:
        typer.echo(_progress(found.progress))
    for event in found.events:
        when = f"{event.happened_at.astimezone(settings.timezone):%Y-%m-%d %H:%M}"
        typer.echo(f"{when} {STEPS[event.action]} {event.by or ''} {event.text}".rstrip())


def _progress(progress: Progress) -> str:
    counts = [f"{word} {getattr(progress, name)}" for name, word in OUTCOMES.items() if getattr(progress, name)]
    return f"共 {progress.total} 条：{'，'.join(counts) or '–'}"


@broadcast.command("create")
def create(file: File) -> None:
    """Make a draft of a file."""
    new = _read(file)

    async def work(session: AsyncSession, vault: Vault, now: Now) -> BroadcastOut:
        draft, _ = await service.create(session, BY_OPERATOR, new)
        return await show(session, vault, BY_OPERATOR, draft.id, now)

    _tell(_in_transaction(api_settings(), work))


@broadcast.command("follow-up")
def follow_up(
    broadcast_id: Id,
    operation: Annotated[
        Operation, typer.Option(help="send: once more to whom it did not reach; edit, delete: correct what it sent.")
    ] = Operation.SEND,
) -> None:
    """Make a draft that sends a broadcast once more, or corrects it."""

    async def work(session: AsyncSession, vault: Vault, now: Now) -> BroadcastOut:
        asked = FollowUp(operation=operation)
        draft, _ = await service.follow_up(session, BY_OPERATOR, broadcast_id, asked)
        return await show(session, vault, BY_OPERATOR, draft.id, now)

    _tell(_in_transaction(api_settings(), work))


def _tell(after: BroadcastOut) -> None:
    typer.echo(f"群发 {after.id}：{STATES[after.state]}。")
    for one in after.problems:
        typer.echo(f"要改：{problem(one)}")


@broadcast.command("count")
def count(
    broadcast_id: Annotated[int | None, typer.Argument(min=1, max=2**63 - 1, metavar="ID")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Of a file, storing nothing.")] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Also list families that lack a value.")] = None,
) -> None:
    """Tell how many get a broadcast, and what is missing of whom."""
    if (broadcast_id is None) == (file is None):
        refuse("请写明群发的编号，或者用 --file 给出文件。")
    if xlsx is not None and broadcast_id is None:
        refuse("--xlsx 要写明群发的编号。")
    new = _read(file) if file is not None else None

    async def work(session: AsyncSession, _: Vault, now: Now) -> tuple[AudienceCount, bytes | None]:
        if new is not None:
            asked = Asked(new, new.operation, new.of_id)
        else:
            asked = service.asked_of(await service.get(session, broadcast_id or 0))
        await record(session, OPERATOR, "audience.counted", "broadcast", [broadcast_id])
        found = await count_audience(session, asked, now.today, now.moment)
        if xlsx is None:
            return found, None
        return found, missing_xlsx(await list_missing(session, BY_OPERATOR, broadcast_id or 0, now.today))

    found, content = _in_transaction(api_settings(), work)
    typer.echo(f"发给 {found.chats} 个聊天；选中 {found.agreements} 户，其中 {found.unreachable} 户没有能收到的聊天。")
    if found.muted:
        typer.echo(f"{found.muted} 个聊天关掉了这类消息。")
    for language in found.languages:
        typer.echo(f"{language.locale or '语言未知'}：{language.chats}，正文 {language.body or '没有'}")
    for missing in found.missing:
        numbers = "、".join(missing.agreements)
        typer.echo(f"缺少 {{{missing.placeholder}}}：{missing.chats} 个聊天（{numbers}）")
    if xlsx is not None and content is not None:
        _write(xlsx, content)


# --- steps ---


def _step(broadcast_id: int, action: BroadcastAction, reason: str = "", account: int | None = None) -> None:
    async def work(session: AsyncSession, vault: Vault, now: Now) -> BroadcastOut:
        by = BY_OPERATOR if account is None else await _in_the_name_of(session, account)
        found = await service.lock(session, broadcast_id)
        step = BroadcastStep.model_validate({"action": action, "version": found.version, "text": reason[:1000]})
        await service.step(session, by, broadcast_id, step, now)
        return await show(session, vault, BY_OPERATOR, broadcast_id, now)

    _tell(_in_transaction(api_settings(), work))


async def _in_the_name_of(session: AsyncSession, account_id: int) -> By:
    """
    Raises:
        NotFound: no such account, or none in force.
    """
    account = await get_account(session, account_id)
    if account.disabled_at is not None:
        raise NotFound
    return By(OPERATOR, parts_of({StaffRole(role) for role in account.roles}), account.id)


@broadcast.command("submit")
def submit(broadcast_id: Id) -> None:
    """Hand a draft to a second person; to few chats, it goes out by itself (SHANGLOU_BROADCAST_APPROVAL_ABOVE)."""
    _step(broadcast_id, BroadcastAction.SUBMIT)


@broadcast.command("approve")
def approve(broadcast_id: Id, account: Account) -> None:
    """Approve it in the name of an approver who did not write it."""
    _step(broadcast_id, BroadcastAction.APPROVE, account=account)


@broadcast.command("reject")
def reject(broadcast_id: Id, account: Account, reason: Reason) -> None:
    """Send it back, in the name of an approver."""
    _step(broadcast_id, BroadcastAction.REJECT, reason, account)


@broadcast.command("pause")
def pause(broadcast_id: Id, reason: Reason = "") -> None:
    """Stop sending for now."""
    _step(broadcast_id, BroadcastAction.PAUSE, reason)


@broadcast.command("resume")
def resume(broadcast_id: Id, reason: Reason = "") -> None:
    """Go on sending."""
    _step(broadcast_id, BroadcastAction.RESUME, reason)


@broadcast.command("cancel")
def cancel(broadcast_id: Id, reason: Reason = "") -> None:
    """End it; what is not sent yet is not sent any more."""
    _step(broadcast_id, BroadcastAction.CANCEL, reason)


@broadcast.command("report")
def report(broadcast_id: Id, xlsx: Xlsx = None) -> None:
    """Tell what became of it, and list the families that it did not reach."""

    async def work(session: AsyncSession, _: Vault, now: Now) -> tuple[BroadcastReport, bytes | None]:
        found = await make_report(session, BY_OPERATOR, broadcast_id, now.today)
        if xlsx is None:
            return found, None
        return found, unreached_xlsx(await list_unreached(session, BY_OPERATOR, broadcast_id, now.today))

    found, content = _in_transaction(api_settings(), work)
    typer.echo(_progress(found.progress))
    typer.echo(f"选中 {found.families} 户，{found.unreached} 户没有收到。")
    table = Table("", "共", "已送达")
    for one in (*found.languages, *found.buildings):
        table.add_row(one.name or "未知", str(one.total), str(one.sent))
    print_table(table)
    if xlsx is not None and content is not None:
        _write(xlsx, content)
