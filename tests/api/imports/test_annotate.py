"""The annotated copy: the clerk's own workbook with what is wrong coloured and explained."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from api.imports.annotate import checked_path, write_annotated
from api.imports.problems import RowError, Secrecy, masked
from tests.api.imports import books
from tests.api.imports.conftest import Load
from tests.invented import invented

RED = "FFFFC7CE"
BAD = {"联系电话": "空号", "安置人口": "很多"}


async def annotated(load: Load, path: Path) -> openpyxl.Workbook:
    (report,) = await load(path)
    assert [error.row for error in report.errors] == [4, 4]
    return openpyxl.load_workbook(write_annotated(path, report.errors))


def rows(**more: Any) -> books.Rows:
    return [books.relocation(), books.relocation(**{"协议编号": "2", "房号": "1802", **BAD, **more})]


def columns(sheet: Worksheet) -> dict[str, int]:
    return {str(cell.value): int(cell.column or 0) for cell in sheet[2]}


@pytest.mark.parametrize("kind", ["xlsx", "xls", "csv"])
async def test_bad_cells_are_coloured_and_explained(load: Load, folder: Path, kind: str) -> None:
    path = folder / f"a.{kind}"
    if kind == "xlsx":
        books.xlsx(path, rows())
    elif kind == "xls":
        books.xls(path, rows(户型="=1+1"))
    else:
        books.csv(path, rows(户型="=1+1"), "gb18030")
    before = path.read_bytes()
    sheet = (await annotated(load, path)).worksheets[0]
    assert path.read_bytes() == before, "the clerk's file itself is left alone"
    headings = columns(sheet)
    assert sheet.cell(2, sheet.max_column).value == "问题"
    for heading in BAD:
        cell = sheet.cell(4, headings[heading])
        assert cell.fill.fgColor.rgb == RED
        assert cell.comment is not None
        assert cell.comment.text.startswith("应为")
    told = str(sheet.cell(4, sheet.max_column).value)
    assert told.splitlines()[0].startswith("联系电话：应为11位手机号码")
    assert told.splitlines()[1].startswith("安置人口：应为人数")
    assert sheet.cell(3, sheet.max_column).value is None
    if kind != "xlsx":
        assert sheet.cell(4, headings["户型"]).data_type == "s", "text never becomes a formula"


async def test_a_corrected_copy_can_be_loaded_and_annotated_again(load: Load, folder: Path) -> None:
    books.xlsx(folder / "a.xlsx", rows())
    workbook = await annotated(load, folder / "a.xlsx")
    sheet = workbook.worksheets[0]
    assert sheet.max_column == len(books.relocation()) + 1
    copy = folder / "a.checked.xlsx"
    again = await annotated(load, copy)
    assert (folder / "a.checked2.xlsx").exists()
    assert again.worksheets[0].max_column == sheet.max_column, "one column of problems, not one for each check"
    headings = columns(sheet)
    sheet.cell(4, headings["联系电话"]).value = "19900009999"
    sheet.cell(4, headings["安置人口"]).value = 2
    sheet.cell(4, headings["协议编号"]).value = "2"
    workbook.save(copy)
    (report,) = await load(copy)
    assert report.loaded
    assert report.notes == []


async def test_a_bad_cell_in_a_merged_area(load: Load, folder: Path) -> None:
    cells: list[list[Any]] = [
        ["协议编号", "姓名", "安置人口", "地块", "期", "楼栋", "房号"],
        ["AZ-1", "测一", 2, "A3", "一期", "2", "1801"],
        ["AZ-1", None, "很多", None, None, None, "1802"],
    ]
    path = books.xlsx_cells(folder / "a.xlsx", {"一": cells}, ["B2:B3", "D2:D3", "E2:E3", "F2:F3"])
    (report,) = await load(path)
    (error,) = report.errors
    merged = RowError("一", 3, "姓名", "", "姓名", column_number=2)
    sheet = openpyxl.load_workbook(write_annotated(path, [error, merged])).worksheets[0]
    assert sheet["B2"].fill.fgColor.rgb == RED


def test_names_of_copies() -> None:
    assert checked_path(Path("a/台账.xls")) == Path("a/台账.checked.xlsx")
    assert checked_path(Path("台账.checked.xlsx")) == Path("台账.checked2.xlsx")
    assert checked_path(Path("台账.checked9.xlsx")) == Path("台账.checked10.xlsx")


def test_values_are_masked_in_reports() -> None:
    person = invented(5)
    assert masked(f"{person.name}、李四", Secrecy.NAME) == f"{person.name[0]}{'*' * (len(person.name) - 1)}、李*"
    assert masked(person.id_number, Secrecy.ID_NUMBER) == "*" * 14 + person.id_number[-4:]
    assert masked(person.phone, Secrecy.PHONE) == f"199****{person.phone[-4:]}"
    assert masked("样本村1号", Secrecy.HIDDEN) == "***"
    assert masked("差不多了", Secrecy.OPEN) == "差不多了"
    assert masked("2026年13月1日", Secrecy.PLAIN) == "2026年13月1日"
    assert masked("1,23元", Secrecy.PLAIN) == "1,23元"
    assert masked(person.name, Secrecy.PLAIN) == f"{person.name[0]}{'*' * (len(person.name) - 1)}"
    assert person.id_number[6:14] not in masked(f"号码{person.id_number}", Secrecy.OPEN)
    assert person.id_number[6:14] not in masked(person.id_number, Secrecy.PLAIN)
