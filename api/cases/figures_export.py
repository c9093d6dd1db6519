"""Figures as a table for spreadsheets. What stands in it: ``api.cases.figures``; headings are Chinese, like the rolls.

A cell of text never begins as a formula does: a department is called whatever somebody typed, and the file is opened
by somebody else.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

from api.cases.office_words import CATEGORIES
from api.cases.schemas import Figures, FiguresBy, FiguresFormat, FiguresOfGroup, FiguresOut
from api.spreadsheets import XLSX, harmless

Cell = str | int | float | date | None

MEDIA_TYPES = {
    FiguresFormat.CSV: "text/csv; charset=utf-8",
    FiguresFormat.XLSX: XLSX,
}
COLUMNS = {
    "first_day": "起",
    "last_day": "止",
    "received": "收到",
    "stock_start": "期初存量",
    "inflow": "增量",
    "outflow": "减量",
    "stock_end": "期末存量",
    "answered_in_time": "按期答复",
    "answered_late": "逾期答复",
    "median_days": "首次答复天数（中位数）",
    "ratings": "评价人次",
    "mean_rating": "平均评分（满分5分）",
    "closed": "办结",
    "closed_unsaid": "办结后本人未表态",
    "solved": "本人说已解决",
    "not_solved": "本人说未解决",
}
OVERDUE_NOW = "现在逾期"
ALL = "全部"
NOBODY = "未分到单位"


def filename(found: FiguresOut, kind: FiguresFormat) -> str:
    return f"信访件统计_{found.total.first_day:%Y%m%d}-{found.total.last_day:%Y%m%d}.{kind.value}"


def export(found: FiguresOut, kind: FiguresFormat) -> bytes:
    """The table as a file. Blocking, some milliseconds for each thousand rows."""
    return as_csv(found) if kind is FiguresFormat.CSV else as_xlsx(found)


def as_csv(found: FiguresOut) -> bytes:
    """In UTF-8 with a byte order mark, without which Excel takes Chinese for something else."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    for row in rows(found):
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return file.getvalue().encode("utf-8-sig")


def as_xlsx(found: FiguresOut) -> bytes:
    # Only here: it takes 5 MB of each process that has it.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("信访件统计")
    sheet.freeze_panes = "D2"
    sheet.column_dimensions["A"].width = 24
    for column in "BC":
        sheet.column_dimensions[column].width = 12
    for number, row in enumerate(rows(found)):
        cells = []
        for value in row:
            held: Any = harmless(value) if isinstance(value, str) else value
            cell: Any = WriteOnlyCell(sheet, value=held)
            if isinstance(value, date):
                cell.number_format = "yyyy-mm-dd"
            if number == 0:
                cell.font = Font(bold=True)
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def rows(found: FiguresOut) -> Iterator[list[Cell]]:
    """The heading, then each group: its whole period, then its weeks."""
    first = {FiguresBy.DEPARTMENT: "责任单位", FiguresBy.CATEGORY: "反映的事", None: "范围"}[found.by]
    yield [first, "时段", *COLUMNS.values(), OVERDUE_NOW]
    for group in (found.total, *found.groups):
        name = ALL if group is found.total else _name(found.by, group)
        yield [name, "合计", *_values(group), group.overdue_now]
        for week in group.weeks:
            yield [name, "周", *_values(week), None]


def _name(by: FiguresBy | None, group: FiguresOfGroup) -> str:
    if by is FiguresBy.CATEGORY and group.category is not None:
        return CATEGORIES[group.category]
    return group.department if group.department is not None else NOBODY


def _values(figures: Figures) -> list[Cell]:
    values = [getattr(figures, name) for name in COLUMNS]
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
