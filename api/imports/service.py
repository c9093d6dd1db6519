"""Loading rolls: the one way in for the command line, the demo and the tests."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy import insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import OPERATOR, record
from api.broadcasts.drafts import NewsBodies, Touched, draft_news
from api.chats.roll_changes import extend_links, settle_links
from api.db import Database, sql_state
from api.estate.models import Project
from api.imports.headings import ROLL_NAMES
from api.imports.loading.agreements import load_agreements
from api.imports.loading.bulk import Bulk
from api.imports.loading.estate import Estate
from api.imports.loading.fees import load_fees
from api.imports.loading.news import Known, keep_last, record_news
from api.imports.loading.progress import load_progress
from api.imports.models import Import, RollKind
from api.imports.problems import DatabaseTrouble, UnreadableFile
from api.imports.report import AsOfOrigin, OnProgress, RollReport
from api.imports.rolls import Roll, read_rolls
from api.privacy import Vault

DEFAULT_PROJECT = "安置项目"
_ORDER = [RollKind.RELOCATION, RollKind.PURCHASE, RollKind.TRANSITION_FEE, RollKind.PROGRESS]


@dataclass(frozen=True)
class LoadOptions:
    """How to load.

    Args:
        dry_run: find out what would change, write nothing.
        partial: load the good rows even where others have errors.
        as_of: the day on which the rolls were true, instead of what their title or file name tells.
        source: how the rolls are cited, instead of their title or file name.
        project: name of the project; may be left out while there is at most one.
        timezone: tells what day today is.
        news_bodies: what the drafts say that are made of the load's news; without them none are made.
    """

    dry_run: bool = False
    partial: bool = False
    as_of: date | None = None
    source: str | None = None
    project: str | None = None
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    news_bodies: NewsBodies | None = None


class _Undo(Exception):
    """Ends a transaction whose changes are not wanted."""


async def load_rolls(
    database: Database,
    vault: Vault,
    paths: Sequence[Path],
    *,
    options: LoadOptions | None = None,
    on_progress: OnProgress | None = None,
) -> list[RollReport]:
    """Read the files and write what differs from what is stored, all in one transaction.

    Where any row has an error nothing is written, unless ``options.partial``. Loading the same files again changes
    nothing. ``on_progress`` is called in the event loop.

    Raises:
        UnreadableFile: a file is no spreadsheet, encrypted, empty, or no roll; or the project must be named.
        DatabaseTrouble: nothing was written.
    """
    options = options or LoadOptions()
    tell = _in_loop(on_progress)
    rolls: list[Roll] = []
    for path in paths:
        rolls += await asyncio.to_thread(read_rolls, path, tell)
    try:
        return await _compare_and_load(database, vault, rolls, options, tell)
    except (SQLAlchemyError, asyncpg.PostgresError) as error:
        # Its message may quote the data, which belongs in no terminal and no log.
        raise DatabaseTrouble(f"数据库没有接受（{_kind_of(error)}），什么都没有写入。") from None
    except OSError as error:
        raise DatabaseTrouble("数据库连不上，什么都没有写入。") from error


def _kind_of(error: Exception) -> str:
    return sql_state(error) or type(getattr(error, "orig", None) or error).__name__


async def _compare_and_load(
    database: Database, vault: Vault, rolls: list[Roll], options: LoadOptions, tell: OnProgress
) -> list[RollReport]:
    reports: list[RollReport] = []
    try:
        async with database.transaction() as session:
            bulk = await Bulk.begin(session)
            known = await Known.before(bulk)
            project_id = await _project(session, options.project)
            dated = [(roll, await _report(bulk, roll, options)) for roll in rolls]
            dated.sort(key=lambda pair: (_ORDER.index(pair[0].kind), pair[1].as_of))
            reports = [report for _, report in dated]
            await _load(bulk, vault, dated, project_id, known, tell)
            stays = not options.dry_run and (options.partial or not any(r.errors for r in reports))
            if stays:
                # Look-ups right after a first load would else be planned for empty tables. Not behind the links: while
                # these are settled, people who prove who they are wait.
                await session.execute(text("ANALYZE"))
            loads = await _record(session, bulk, dated, known)
            today = datetime.now(options.timezone).date()
            suspended, restored = await settle_links(session, vault, today)
            _tell_of_links(reports, suspended, restored)
            if not stays:
                raise _Undo
            await extend_links(session, vault, today)
            if options.news_bodies is not None:
                await draft_news(session, vault, loads, options.news_bodies)
    except _Undo:
        return reports
    for report in reports:
        report.loaded = True
    return reports


def _tell_of_links(reports: list[RollReport], suspended: int, restored: int) -> None:
    """The clerk sees before loading whom the rolls would shut out: a forgotten column shows here."""
    if suspended:
        reports[-1].notes.append(
            f"有 {suspended} 个 Telegram 账号不再符合台账（权利人换了，或者手机号不在台账上了），"
            "要重新验证身份后才能查看。"
        )
    if restored:
        reports[-1].notes.append(f"有 {restored} 个 Telegram 账号重新符合台账，恢复查看。")


def _in_loop(on_progress: OnProgress | None) -> OnProgress:
    if on_progress is None:
        return lambda what, done, total: None
    loop = asyncio.get_running_loop()

    def tell(what: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(on_progress, what, done, total)

    return tell


async def _project(session: AsyncSession, name: str | None) -> int:
    projects = {known: id_ for id_, known in (await session.execute(select(Project.id, Project.name))).all()}
    if name is None and len(projects) > 1:
        raise UnreadableFile(f"库里有几个项目（{'、'.join(sorted(projects))}），请用 --project 写明是哪一个。")
    if name is None and projects:
        return next(iter(projects.values()))
    name = name or DEFAULT_PROJECT
    if name in projects:
        return projects[name]
    return (await session.execute(insert(Project).values(name=name).returning(Project.id))).scalar_one()


async def _report(bulk: Bulk, roll: Roll, options: LoadOptions) -> RollReport:
    as_of, origin = options.as_of, AsOfOrigin.OPTION
    today = datetime.now(options.timezone).date()
    if as_of is None:
        as_of, origin = roll.told_as_of, AsOfOrigin.ROLL
    if as_of is None:
        earlier = select(Import.as_of).where(Import.sha256 == roll.sha256, Import.kind == roll.kind)
        rows = await bulk.rows(earlier.order_by(Import.id.desc()).limit(1))
        as_of, origin = (rows[0][0], AsOfOrigin.EARLIER_LOAD) if rows else (today, AsOfOrigin.TODAY)
    report = RollReport(
        kind=roll.kind,
        path=roll.path,
        sheets=roll.sheets,
        source=options.source or roll.default_source,
        as_of=as_of,
        as_of_origin=origin,
        row_count=roll.row_count,
        errors=roll.errors,
        notes=roll.notes,
    )
    if origin is AsOfOrigin.TODAY:
        report.notes.append(f"标题和文件名里都没有日期，按今天（{as_of}）算；可以用 --as-of 写明数据的日期。")
    elif as_of > today:
        report.notes.append(f"数据的日期 {as_of} 比今天（{today}）晚，请核对。")
    return report


async def _load(
    bulk: Bulk,
    vault: Vault,
    dated: list[tuple[Roll, RollReport]],
    project_id: int,
    known: Known,
    tell: OnProgress,
) -> None:
    estate = await Estate.open(bulk, project_id)
    for roll, _ in dated:
        estate.announce(roll)
    rejected: set[str] = set()
    for done, (roll, report) in enumerate(dated):
        tell(f"比对{ROLL_NAMES[roll.kind]} {roll.path.name}", done, len(dated))
        last_load = known.loads.get(roll.kind)
        if roll.kind is RollKind.TRANSITION_FEE:
            await load_fees(bulk, vault, roll, project_id, rejected, report, last_load=last_load)
        elif roll.kind is RollKind.PROGRESS:
            await load_progress(bulk, vault, roll, estate, report)
        else:
            await load_agreements(bulk, vault, roll, estate, project_id, report, last_load=last_load)
            rejected |= {record.number_key for record in roll.agreements if record.failed}
        if last_load is None:
            report.changes.clear()
        # An agreement with one bad row is left out whole, so its other rows are not loaded either.
        left_out = {row.where for r in roll.agreements if r.failed for row in r.rows}
        report.rejected_rows = len(left_out | {(error.sheet, error.row) for error in roll.errors})
        roll.errors.sort(key=lambda error: (roll.sheets.index(error.sheet), error.row))
    tell("比对完成", len(dated), len(dated))


async def _record(
    session: AsyncSession, bulk: Bulk, dated: list[tuple[Roll, RollReport]], known: Known
) -> list[Touched]:
    """Also in a dry run, which shows by it whom the load would touch."""
    imports = [
        Import(
            kind=roll.kind,
            filename=roll.path.name,
            sha256=roll.sha256,
            source=report.source,
            as_of=report.as_of,
            counts=report.counts(),
            finished_at=datetime.now(UTC),
        )
        for roll, report in dated
    ]
    session.add_all(imports)
    await session.flush()
    await record(session, OPERATOR, "roll.loaded", "import", [loaded.id for loaded in imports])
    reports = [report for _, report in dated]
    keep_last([report.changes for report in reports])
    for loaded, report in zip(imports, reports, strict=True):
        report.touched = await record_news(bulk, loaded.id, report.changes, known)
        report.changes.clear()
    return [
        Touched(loaded.id, report.source, report.as_of, report.touched)
        for loaded, report in zip(imports, reports, strict=True)
    ]
