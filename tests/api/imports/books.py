"""Rolls written for one test: headings and rows as a clerk would type them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlwt

from tests.invented import invented

Rows = Sequence[Mapping[str, Any]]

ANNE, BO, CHAN, DAN = (invented(number) for number in range(4))


def relocation(**changed: Any) -> dict[str, Any]:
    """A row of 安置台账 that has nothing wrong."""
    return {
        "序号": 1,
        "协议编号": "AZ-2020-001",
        "被安置人姓名": ANNE.name,
        "证件号码": ANNE.id_number,
        "联系电话": ANNE.phone,
        "原住址": "样本村1号",
        "安置人口": 3,
        "住宅安置面积(㎡)": 120,
        "地块": "A3",
        "期": "一期",
        "楼栋": "2",
        "单元": "1",
        "房号": "1801",
        "户型": "三室两厅一卫",
        "建筑面积": 89.5,
        "差价款": 12000,
        "过渡费标准(元/月)": 1470,
        "已发放至": "2026-06",
        "交房时间": None,
        "备注": None,
    } | changed


def purchase(**changed: Any) -> dict[str, Any]:
    """A row of 购房台账 that has nothing wrong."""
    return {
        "序号": 1,
        "买受人": BO.name,
        "证件号码": BO.id_number,
        "联系电话": BO.phone,
        "共有人": None,
        "楼栋": "2",
        "单元": "1",
        "房号": "1802",
        "建筑面积": 89.5,
        "单价": 8000,
        "总价(万元)": 71.6,
        "付款方式": "按揭贷款",
        "首付款": 216000,
        "贷款额": "50万",
        "已付款": 716000,
        "未付款": 0,
        "合同编号": "GF-2019-001",
        "签约日期": "2019.3.8",
        "网签状态": "已网签",
        "网签日期": "2019年3月20日",
        "备案号": "BA2019001",
        "约定交房日期": "2021-12-31",
        "交付状态": "未交付",
        "办证状态": "未办理",
        "备注": None,
    } | changed


def fee(**changed: Any) -> dict[str, Any]:
    """A row of 过渡费发放表 that has nothing wrong."""
    return {
        "协议编号": "AZ-2020-001",
        "姓名": ANNE.name,
        "身份证号码": ANNE.id_number,
        "起止时间": "2026.1-2026.6",
        "过渡费金额": 8820,
        "支付批次": "2026年第2批",
        "支付日期": "2026-07-20",
        "备注": None,
    } | changed


def progress(**changed: Any) -> dict[str, Any]:
    """A row of 楼栋进度表 that has nothing wrong."""
    return {
        "地块": "A3",
        "期": "一期",
        "楼栋": "2",
        "节点": "主体封顶",
        "计划日期": "2025-06-30",
        "完成日期": "2025-08-01",
        "预计交房": None,
        "依据": None,
        "说明": None,
        "信息来源": "专班通报第12号",
        "发布日期": None,
        "下次更新": None,
    } | changed


def table(rows: Rows, title: str | None = None) -> list[list[Any]]:
    """Title, headings and rows, as cells."""
    headings = list(rows[0])
    assert all(list(row) == headings for row in rows)
    return [*([[title]] if title else []), headings, *[list(row.values()) for row in rows]]


def xlsx(path: Path, rows: Rows, title: str | None = "样本（截至2026年11月20日）", sheet: str = "Sheet1") -> Path:
    return xlsx_cells(path, {sheet: table(rows, title)})


def xlsx_cells(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], merged: Sequence[str] = ()) -> Path:
    """A workbook of raw cells; ``merged`` areas are merged in every sheet."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, cells in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in cells:
            sheet.append(list(row))
        for area in merged:
            sheet.merge_cells(area)
    workbook.save(path)
    return path


def xls(path: Path, rows: Rows, title: str | None = "样本（截至2026年11月20日）") -> Path:
    workbook = xlwt.Workbook(encoding="utf-8")
    sheet = workbook.add_sheet("台账")
    for number, row in enumerate(table(rows, title)):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, value)
    workbook.save(str(path))
    return path


def csv(path: Path, rows: Rows, encoding: str, title: str | None = "样本（截至2026年11月20日）") -> Path:
    lines = (",".join("" if value is None else str(value) for value in row) for row in table(rows, title))
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path
