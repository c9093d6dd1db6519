"""The annotated copy: the clerk's workbook with every bad cell coloured and told what was expected."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from api.identity.documents import normalise_text
from api.imports.cells import Cell
from api.imports.problems import RowError
from api.imports.workbook import open_workbook

_HEADING = "问题"
_RED = PatternFill("solid", fgColor="FFFFC7CE")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NOT_IN_SHEET_NAMES = re.compile(r"[\\*?:/\[\]]")
_CHECKED = re.compile(r"\.checked(\d*)$")
_HEADING_ROWS_SEARCHED = 30
_AUTHOR = "台账检查"


def checked_path(path: Path) -> Path:
    """NAME.checked.xlsx; of a copy that was corrected and failed again, NAME.checked2.xlsx, and so on."""
    again = _CHECKED.search(path.stem)
    if again is None:
        return path.with_name(f"{path.stem}.checked.xlsx")
    return path.with_name(f"{path.stem[: again.start()]}.checked{int(again[1] or 1) + 1}.xlsx")


def write_annotated(path: Path, errors: Sequence[RowError]) -> Path:
    """Write the annotated copy next to the file and return where it is. Blocking.

    The copy holds the same personal data as the file itself, unmasked: it is for the clerk who has the file.

    Raises:
        OSError: there is no room or no right to write it.
    """
    workbook, names = _copy(path)
    by_sheet: defaultdict[str, list[RowError]] = defaultdict(list)
    for error in errors:
        by_sheet[error.sheet].append(error)
    for sheet, of_sheet in by_sheet.items():
        _annotate(workbook[names[sheet]], of_sheet)
    target = checked_path(path)
    workbook.save(target)
    return target


def _copy(path: Path) -> tuple[Workbook, dict[str, str]]:
    """The workbook to write on, and what its sheets are called there."""
    if path.suffix.lower() == ".xlsx":
        try:
            workbook = load_workbook(path)
        except Exception:  # noqa: S110 - what openpyxl cannot take is built anew below
            pass
        else:
            return workbook, {name: name for name in workbook.sheetnames}
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    names = {}
    for sheet in open_workbook(path).sheets:
        target = workbook.create_sheet(_NOT_IN_SHEET_NAMES.sub("_", sheet.name)[:31] or "1")
        names[sheet.name] = target.title
        for number, row in enumerate(sheet.rows, start=1):
            for column, value in enumerate(row, start=1):
                if value != "":
                    _put(target, number, column, value)
    return workbook, names


def _put(sheet: Worksheet, row: int, column: int, value: Cell) -> None:
    cell: Any = sheet.cell(row, column)
    cell.value = _ILLEGAL.sub("", value) if isinstance(value, str) else value
    if isinstance(value, str):
        cell.data_type = "s"  # text stays text, even where it begins like a formula


def _annotate(sheet: Worksheet, errors: list[RowError]) -> None:
    heading_row, problems = _problem_column(sheet, {error.column for error in errors if error.column})
    sheet.cell(heading_row, problems).value = _HEADING
    by_row: defaultdict[int, list[RowError]] = defaultdict(list)
    for error in errors:
        by_row[error.row].append(error)
    for row, of_row in by_row.items():
        lines = [f"{error.column}：应为{error.expected}" if error.column else error.expected for error in of_row]
        cell: Any = sheet.cell(row, problems)
        cell.value = "\n".join(dict.fromkeys(lines))
        cell.fill = _RED
        for error in of_row:
            if error.column_number is not None:
                bad = _whole(sheet, row, error.column_number)
                bad.fill = _RED
                bad.comment = Comment(f"应为{error.expected}", _AUTHOR)


def _problem_column(sheet: Worksheet, headings: set[str]) -> tuple[int, int]:
    """Row of the headings, and the column for the problems: the one of an earlier check, else the first free one."""
    wanted = {normalise_text(heading) for heading in headings}
    heading_row = 1
    for row in sheet.iter_rows(max_row=min(sheet.max_row, _HEADING_ROWS_SEARCHED)):
        texts = {normalise_text(str(cell.value)): cell for cell in row if cell.value is not None}
        if _HEADING in texts:
            found = texts[_HEADING]
            return found.row, int(found.column or 1)
        if heading_row == 1 and wanted & set(texts):
            heading_row = row[0].row or 1
    return heading_row, sheet.max_column + 1


def _whole(sheet: Worksheet, row: int, column: int) -> Any:
    """The cell, or the first one of the merged area that it belongs to."""
    cell = sheet.cell(row, column)
    if isinstance(cell, MergedCell):
        for area in sheet.merged_cells.ranges:
            if cell.coordinate in area:
                return sheet.cell(area.min_row, area.min_col)
    return cell
