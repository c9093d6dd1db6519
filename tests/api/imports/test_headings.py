"""Which roll a sheet is, whatever the order, wording and lines of its headings."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from api.imports.headings import find_headings
from api.imports.models import RollKind
from api.imports.problems import UnreadableFile
from api.imports.rolls import Roll, read_rolls
from api.imports.workbook import Sheet
from tests.api.imports import books

ROWS: dict[RollKind, dict[str, Any]] = {
    RollKind.RELOCATION: books.relocation(),
    RollKind.PURCHASE: books.purchase(),
    RollKind.TRANSITION_FEE: books.fee(),
    RollKind.PROGRESS: books.progress(),
}


def read(path: Path) -> list[Roll]:
    return read_rolls(path, lambda what, done, total: None)


@pytest.mark.parametrize("kind", list(RollKind))
def test_each_roll_is_recognised_in_any_order(kind: RollKind) -> None:
    headings = list(ROWS[kind])
    for seed in range(20):
        Random(seed).shuffle(headings)
        found = find_headings(Sheet("Sheet1", [["标题"], headings, [ROWS[kind][name] for name in headings]]))
        assert found is not None
        assert (found.kind, found.missing, found.first_row) == (kind, [], 1)


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        (
            RollKind.RELOCATION,
            "序号 协议编号 姓名 身份证号 手机号码 原住址 安置人口 住宅安置面积(㎡) 宗地号 所属分期名称 楼栋号 安置房号",
        ),
        (RollKind.RELOCATION, "协议编号 被安置人姓名 身份证号码 联系电话 差价款 过渡费标准 已发放至 交房时间 备注"),
        (RollKind.PURCHASE, "序号 姓名 证件号码 联系电话 楼栋 单元 房号 总价 合同编号 备注"),
        (RollKind.TRANSITION_FEE, "协议编号 姓名 身份证号码 起始时间 终止时间 总过渡费 支付批次 发放时间"),
        (RollKind.PROGRESS, "地块 期 楼栋 节点 计划日期 完成日期"),
    ],
)
def test_every_synonym_of_the_design(kind: RollKind, headings: str) -> None:
    found = find_headings(Sheet("Sheet1", [headings.split()]))
    assert found is not None
    assert (found.kind, found.missing, found.ignored) == (kind, [], [])


def test_headings_with_spaces_newlines_full_width_letters_and_units() -> None:
    headings = [
        "合 同\n编号",
        "买受人：",
        "身份证号码 ",
        "建筑面积（㎡）",
        "总价/万元",
        "已付款（元）",
        "单价(元/㎡)",
        "楼栋",
        "房号",
    ]
    found = find_headings(Sheet("Sheet1", [headings]))
    assert found is not None
    assert {name: (columns[0].index, columns[0].unit) for name, columns in found.columns.items()} == {
        "agreement_number": (0, None),
        "name": (1, None),
        "id_number": (2, None),
        "area": (3, "m2"),
        "total_price": (4, "万元"),
        "paid": (5, "元"),
        "unit_price": (6, "元/m2"),
        "building": (7, None),
        "room": (8, None),
    }


def test_headings_over_two_merged_lines(folder: Path) -> None:
    cells: list[list[Any]] = [
        ["样本台账（截至2026年11月20日）"],
        ["序号", "协议编号", "被安置人信息", None, None, "安置房信息", None, None, None, None, "备注"],
        [None, None, "姓名", "证件号码", "联系电话", "地块", "期", "楼栋号", "单元", "房号", None],
        [1, "AZ-1", books.ANNE.name, books.ANNE.id_number, books.ANNE.phone, "A3", "一期", "2", "1", "1801", "甲"],
    ]
    merged = ["A1:K1", "A2:A3", "B2:B3", "C2:E2", "F2:J2", "K2:K3"]
    for name, areas in (("merged", merged), ("unmerged", [])):
        (roll,) = read(books.xlsx_cells(folder / f"{name}.xlsx", {"一": cells}, areas))
        (record,) = roll.agreements
        assert not roll.errors
        assert (record.owners[0].name, record.homes[0].room, record.facts["note"]) == (books.ANNE.name, "1801", "甲")


def test_cells_merged_over_the_rows_of_one_agreement(folder: Path) -> None:
    cells: list[list[Any]] = [
        ["协议编号", "姓名", "地块", "期", "楼栋", "单元", "房号"],
        ["AZ-1", books.ANNE.name, "A3", "一期", "2", "1", "1801"],
        [None, None, None, None, None, None, "1802"],
    ]
    merged = [f"{column}2:{column}3" for column in "ABCDEF"]
    (roll,) = read(books.xlsx_cells(folder / "merged.xlsx", {"一": cells}, merged))
    assert not roll.errors
    assert [home.room for home in roll.agreements[0].homes] == ["1801", "1802"]


def test_sheets_that_are_no_roll_are_left_with_a_note(folder: Path) -> None:
    sheets = {"说明": [["填写说明"], ["第一条", "请如实填写"]], "台账": books.table([books.relocation()]), "空": []}
    (roll,) = read(books.xlsx_cells(folder / "a.xlsx", sheets))
    assert roll.sheets == ["台账"]
    assert roll.notes == ["工作表“说明”不是四种台账之一，没有读取。"]


def test_columns_nobody_needs_are_named(folder: Path) -> None:
    (roll,) = read(books.xlsx(folder / "a.xlsx", [books.relocation(经济状况="好", 经办人="某")]))
    assert roll.notes == ["工作表“Sheet1”里这些列没有用到：经济状况。"]


def test_unknown_headings_get_one_clear_sentence(folder: Path) -> None:
    with pytest.raises(UnreadableFile, match="表头认不出来"):
        read(books.xlsx_cells(folder / "a.xlsx", {"一": [["商品", "数量", "价格"], ["苹果", 3, 5]]}))
    nearly = books.relocation()
    del nearly["协议编号"]
    with pytest.raises(UnreadableFile, match="像是安置台账，但缺少这些列：协议编号"):
        read(books.xlsx(folder / "b.xlsx", [nearly]))


def test_totals_blanks_repeated_headings_and_signatures_are_no_rows(folder: Path) -> None:
    rows = books.table([books.relocation(), books.relocation(协议编号="AZ-2020-002", 房号="1802")], "样本台账")
    width = len(rows[1])
    cells = [
        *rows[:3],
        [None] * width,
        list(rows[1]),
        ["小计", None, None, None, None, None, 3],
        rows[3],
        ["合 计", None, None, None, None, None, 6, "240"],
        ["总计：2户"],
        ["制表人：某某", None, None, "审核人：某某"],
        [None, " ", None],
    ]
    (roll,) = read(books.xlsx_cells(folder / "a.xlsx", {"一": cells}))
    assert not roll.errors
    assert roll.row_count == 2
    assert [record.number for record in roll.agreements] == ["AZ-2020-001", "AZ-2020-002"]


def test_the_date_and_source_come_from_the_title_then_from_the_file_name(folder: Path) -> None:
    rows = [books.relocation()]
    (roll,) = read(books.xlsx(folder / "2025-01-01.xlsx", rows, "临江片区安置台账（截至2026年11月20日）"))
    assert (roll.told_as_of.isoformat() if roll.told_as_of else "", roll.default_source) == (
        "2026-11-20",
        "临江片区安置台账",
    )
    (roll,) = read(books.xlsx(folder / "安置台账20261031.xlsx", rows, None))
    assert (roll.told_as_of.isoformat() if roll.told_as_of else "", roll.default_source) == (
        "2026-10-31",
        "安置台账20261031",
    )
    (roll,) = read(books.xlsx(folder / "安置台账.xlsx", rows, "临江片区安置台账"))
    assert roll.told_as_of is None


def test_a_unit_named_once_for_the_whole_sheet(folder: Path) -> None:
    row = books.purchase()
    row["总价"] = row.pop("总价(万元)")
    (roll,) = read(books.xlsx(folder / "a.xlsx", [row | {"首付款": "216000元"}], "购房台账 单位：万元"))
    terms = roll.agreements[0].terms
    assert (str(terms["total_price"]), str(terms["down_payment"])) == ("716000.00", "216000.00")
