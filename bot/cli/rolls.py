"""``shanglou import`` and ``shanglou sample``: the data clerk's commands. What the clerk reads is Chinese, like the
rolls."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.broadcasts.schemas import NewsKind
from api.db import Database
from api.imports.annotate import write_annotated
from api.imports.headings import ROLL_NAMES
from api.imports.problems import DatabaseTrouble, RowError, UnreadableFile
from api.imports.report import OnProgress, RollReport, Tally
from api.imports.sample import write_sample
from api.imports.service import LoadOptions, load_rolls
from api.settings import Settings
from bot.cli.database import api_settings, open_database
from bot.cli.news_words import news_bodies
from bot.cli.progress import progress_bar
from bot.cli.running import refuse

_MAX_ERRORS_SHOWN = 50
_FACTS = {
    "agreements": "协议",
    "people": "人员",
    "parties": "权利人",
    "phones": "电话",
    "buildings": "楼栋",
    "units": "房屋",
    "homes": "协议的房屋",
    "registrations": "网签和办证",
    "purchase_terms": "购房价款",
    "transition_fees": "过渡费标准",
    "ledger": "款项",
    "milestones": "节点",
    "forecasts": "预计交房",
}

_NEWS = {
    NewsKind.FORECAST: "预计交房变动",
    NewsKind.MILESTONE: "工程节点完成",
    NewsKind.PAYMENT: "新发放款项",
    NewsKind.REGISTRATION: "网签办证进展",
}


def import_rolls(
    files: Annotated[list[Path], typer.Argument(help="Rolls: xlsx, xls, ods or csv.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Load the good rows even where others have errors.")
    ] = False,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which the rolls were true.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="How the rolls are cited to residents.")] = None,
    project: Annotated[str | None, typer.Option(help="Name of the project, where there are several.")] = None,
) -> None:
    """Load rolls (台账): write what differs, report what is wrong row by row."""
    settings = api_settings()
    options = LoadOptions(
        dry_run=dry_run,
        partial=partial,
        as_of=as_of.date() if as_of else None,
        source=source,
        project=project,
        timezone=settings.timezone,
        news_bodies=news_bodies(),
    )
    console = Console()
    try:
        with open_database(settings) as url, progress_bar() as on_progress:
            reports = uvloop.run(_load(settings, url, files, options, on_progress))
    except (UnreadableFile, DatabaseTrouble) as error:
        refuse(str(error))
    except KeyboardInterrupt:
        typer.echo("已中断。没有载完就什么都不写入；再导入一次不会重复。", err=True)
        raise typer.Exit(130) from None
    for report in reports:
        _show(console, report, dry_run)
    with_errors = [report for report in reports if report.errors]
    for path, of_path in groupby(sorted(with_errors, key=lambda r: str(r.path)), key=lambda r: r.path):
        _show_errors(console, path, [error for report in of_path for error in report.errors])
    _conclude(console, reports, dry_run, partial)
    if with_errors and not partial:
        raise typer.Exit(1)


async def _load(
    settings: Settings, url: str, files: Sequence[Path], options: LoadOptions, on_progress: OnProgress
) -> list[RollReport]:
    database = Database(url, pool_size=1)
    try:
        return await load_rolls(database, settings.vault(), files, options=options, on_progress=on_progress)
    finally:
        await database.close()


def sample(
    folder: Annotated[Path, typer.Argument(help="Where the four workbooks are written.", show_default=False)],
    households: Annotated[int, typer.Option(min=10, help="Half of them relocated, half buyers.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same estate.")] = 1,
) -> None:
    """Write an invented estate as the four rolls, to try the import with."""
    with progress_bar() as on_progress:
        written = write_sample(folder, households=households, seed=seed, on_progress=on_progress)
    for path in written.paths:
        typer.echo(path)


def _show(console: Console, report: RollReport, dry_run: bool) -> None:
    told = f"{report.path.name}  数据日期 {report.as_of}  来源：{report.source}"
    console.print(f"[bold]{ROLL_NAMES[report.kind]}[/bold]  {escape(told)}", highlight=False)
    console.print(f"读取 {report.row_count} 行，有问题 {report.rejected_rows} 行", highlight=False)
    for note in report.notes:
        console.print(f"注意：{note}", style="yellow", highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for heading in ("新增", "变化", "未变", "已有更新的"):
        table.add_column(heading, justify="right")
    for name, tally in [*report.facts.items(), ("", report.total)]:
        counts = (tally.added, tally.changed, tally.unchanged, tally.older)
        if any(counts):
            table.add_row(_FACTS.get(name, "合计"), *map(str, counts))
    console.print(table)
    if report.touched:
        of_each = "、".join(f"{_NEWS[kind]} {families} 户" for kind, families in report.touched.items())
        console.print(f"涉及住户：{of_each}", highlight=False)
    if dry_run and report.examples:
        console.print("变化的例子：")
        for example in report.examples:
            console.print(f"  {example}", highlight=False, markup=False)
    console.print()


def _show_errors(console: Console, path: Path, errors: list[RowError]) -> None:
    table = Table(title=f"{escape(path.name)}：{len(errors)} 处问题", title_justify="left", title_style="bold red")
    for heading in ("工作表", "行", "列", "内容（已遮盖）", "应为"):
        table.add_column(heading, overflow="fold")
    for error in errors[:_MAX_ERRORS_SHOWN]:
        table.add_row(
            *(escape(part) for part in (error.sheet, str(error.row), error.column, error.value, error.expected))
        )
    console.print(table)
    try:
        copy = write_annotated(path, errors)
    except OSError:
        console.print(f"批注副本写不进 {path.parent}，请检查写入权限。", style="yellow", markup=False)
        return
    if len(errors) > _MAX_ERRORS_SHOWN:
        console.print(f"……还有 {len(errors) - _MAX_ERRORS_SHOWN} 处，都标在批注副本里。", highlight=False)
    console.print(f"批注副本：{copy}（含个人信息，请妥善保管）", highlight=False, markup=False)


def _conclude(console: Console, reports: Sequence[RollReport], dry_run: bool, partial: bool) -> None:
    rejected = sum(report.rejected_rows for report in reports)
    if dry_run:
        console.print("这是试运行：什么都没有写入。", style="bold")
    elif not any(report.loaded for report in reports):
        console.print("有问题，什么都没有载入。改好后再导入；只载入没有问题的行，请加 --partial。", style="bold red")
    elif partial and rejected:
        console.print(f"已载入没有问题的行；有 {rejected} 行没有载入，改好后请再导入一次。", style="bold yellow")
    elif all(report.total.older and report.total == Tally(older=report.total.older) for report in reports):
        console.print("库里已有更新的数据，什么都没有改动。", style="bold")
    else:
        console.print("已全部载入。", style="bold green")
