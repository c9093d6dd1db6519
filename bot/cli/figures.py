"""``shanglou cases figures``: the desk's figures on the screen or as a file. What they tell is Chinese, like the
rolls."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.audit.service import OPERATOR
from api.cases.figures import count_figures
from api.cases.figures_export import export, rows
from api.cases.figures_sql import MAX_DAYS, Period
from api.cases.schemas import FiguresBy, FiguresFormat, FiguresOut
from api.db import Database
from api.errors import InvalidInput
from bot.cli.database import api_settings, on_database
from bot.cli.running import refuse
from bot.cli.tables import print_table


def figures(
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="None: the first of the month.")
    ] = None,
    last_day: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Counted too. None: today.")
    ] = None,
    by: Annotated[FiguresBy | None, typer.Option(help="Also by department, or by category.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table there as CSV.")] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table there as a workbook.")] = None,
) -> None:
    """Show what came in, went out and is left, week by week. It names nobody."""
    settings = api_settings()
    now = datetime.now(UTC)
    today = now.astimezone(settings.timezone).date()
    try:
        period = Period.asked(_day(first_day), _day(last_day), settings.timezone, today)
    except InvalidInput:
        refuse(f"起止日期不对：要先起后止，不晚于今天，最多 {MAX_DAYS} 天。")
    files = [(path, kind) for path, kind in ((csv, FiguresFormat.CSV), (xlsx, FiguresFormat.XLSX)) if path is not None]

    async def work(database: Database) -> FiguresOut:
        action = "figures.exported" if files else "figures.shown"
        return await count_figures(database, OPERATOR, period, by, now, action=action)

    found = on_database(settings, work)
    for path, kind in files:
        try:
            path.write_bytes(export(found, kind))
        except OSError as error:
            refuse(f"写不了 {path}：{error.strerror}。")
        typer.echo(f"写好了：{path}")
    if not files:
        _show(found)


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None


def _show(found: FiguresOut) -> None:
    heading, *lines = rows(found)
    table = Table(*(str(cell) for cell in heading), caption="“办结”不等于“解决”；解决不解决，以本人说的为准。")
    for line in lines:
        table.add_row(*("–" if cell is None else str(cell) for cell in line), end_section=line[1] == "合计")
    print_table(table, width=240)
