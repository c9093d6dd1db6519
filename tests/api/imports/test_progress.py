"""楼栋进度表: milestones, expected handovers, and the history that cannot be rewritten."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.db import Database
from tests.api.imports import books
from tests.api.imports.conftest import Load, Look

FORECASTS = (
    "SELECT basis, earliest_on, latest_on, reason, source, published_on, confirmed_on, next_update_on "
    "FROM forecasts ORDER BY published_on, id"
)
EXPECTED = {"预计交房": "2027年6月", "依据": "计划", "说明": "供水管网未完成"}


def titled(day: str) -> str:
    return f"进度表（截至{day}）"


async def test_milestones(load: Load, look: Look, folder: Path) -> None:
    rows = [
        books.progress(),
        books.progress(节点="竣工验收备案", 计划日期="2026年12月", 完成日期=None, 说明="等消防验收", 信息来源=None),
    ]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows, titled("2026年11月20日")))
    assert not report.errors
    found = await look("SELECT kind, planned_on, achieved_on, note, source, as_of FROM milestones ORDER BY kind DESC")
    as_of = date(2026, 11, 20)
    assert [tuple(milestone.values()) for milestone in found] == [
        ("topped_out", date(2025, 6, 30), date(2025, 8, 1), None, "专班通报第12号", as_of),
        ("completion_filed", date(2026, 12, 31), None, "等消防验收", "进度表", as_of),
    ]
    assert await look(FORECASTS) == [], "a completion date is no handover date"


@pytest.mark.parametrize(
    ("cell", "basis", "window"),
    [
        ("2027-06-30", "计划", ("planned", date(2027, 6, 30), date(2027, 6, 30))),
        ("2027年3月至6月", "承诺", ("promised", date(2027, 3, 1), date(2027, 6, 30))),
        ("2027年底前", "施工计划", ("planned", None, date(2027, 12, 31))),
        ("2027年第二季度", "协议约定", ("contractual", date(2027, 4, 1), date(2027, 6, 30))),
        ("未定", None, ("planned", None, None)),
        ("待定", "承诺", ("promised", None, None)),
    ],
)
async def test_expected_handovers(
    load: Load, look: Look, folder: Path, cell: str, basis: str | None, window: tuple[Any, ...]
) -> None:
    row = books.progress(节点=None, 计划日期=None, 完成日期=None, 预计交房=cell, 依据=basis)
    (report,) = await load(books.xlsx(folder / "a.xlsx", [row | {"下次更新": "2026-12-31"}]))
    assert not report.errors
    (forecast,) = await look(FORECASTS)
    assert tuple(forecast.values())[:3] == window
    assert forecast["next_update_on"] == date(2026, 12, 31)
    assert forecast["published_on"] == forecast["confirmed_on"] == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("changed", "column", "expected"),
    [
        ({"预计交房": "2027-06-30"}, "依据", "日期的依据"),
        ({"预计交房": "2027-06-30", "依据": "听说"}, "依据", "日期的依据"),
        ({"预计交房": "春节前后", "依据": "计划"}, "预计交房", "预计时间"),
        ({"节点": "竣工"}, "节点", "节点：开工"),
        ({"节点": None}, "节点", "节点：开工"),
        ({"节点": None, "计划日期": None, "完成日期": None}, "节点", "节点，或者预计交房"),
        ({"楼栋": None}, "楼栋", "楼栋（不能为空）"),
        ({"地块": None, "楼栋": "8"}, "楼栋", "已知的楼栋"),
    ],
)
async def test_what_cannot_be_taken(
    load: Load, folder: Path, changed: dict[str, Any], column: str, expected: str
) -> None:
    (report,) = await load(books.xlsx(folder / "a.xlsx", [books.progress(**changed)]))
    (error,) = report.errors
    assert (error.row, error.column) == (3, column)
    assert error.expected.startswith(expected)


async def test_a_slipped_date_stays_visible(load: Load, look: Look, folder: Path) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.progress(**EXPECTED)], titled("2026年9月20日")))
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.progress(**EXPECTED)], titled("2026年10月20日")))
    assert (report.total.added, report.total.changed) == (0, 0)
    slipped = EXPECTED | {"预计交房": "2027年9月", "说明": "电梯未到货", "下次更新": "2026-12-31"}
    (report,) = await load(books.xlsx(folder / "c.xlsx", [books.progress(**slipped)], titled("2026年11月20日")))
    assert report.facts["forecasts"].added == 1
    assert report.examples == ["A3地块一期2号楼：预计交房 2027-06-01至2027-06-30 → 2027-09-01至2027-09-30"]
    assert [tuple(forecast.values())[1:] for forecast in await look(FORECASTS)] == [
        (
            *(date(2027, 6, 1), date(2027, 6, 30), "供水管网未完成", "专班通报第12号"),
            *(date(2026, 9, 20), date(2026, 10, 20), None),
        ),
        (
            *(date(2027, 9, 1), date(2027, 9, 30), "电梯未到货", "专班通报第12号"),
            *(date(2026, 11, 20), date(2026, 11, 20), date(2026, 12, 31)),
        ),
    ]


async def test_a_date_that_comes_back_after_another_one_is_news(load: Load, look: Look, folder: Path) -> None:
    for month, when in ((8, "2027年6月"), (9, "2027年9月"), (10, "2027年6月"), (11, "2027年6月")):
        row = books.progress(**EXPECTED | {"预计交房": when})
        await load(books.xlsx(folder / f"{month}.xlsx", [row], titled(f"2026年{month}月20日")))
    forecasts = await look(FORECASTS)
    assert [(f["latest_on"].month, f["confirmed_on"].month) for f in forecasts] == [(6, 8), (9, 9), (6, 11)]


async def test_history_in_the_roll_itself(load: Load, look: Look, folder: Path) -> None:
    second = {"预计交房": "2025年12月", "发布日期": "2024.9.30", "说明": "停工", "信息来源": "通报第6号"}
    first = {"预计交房": "2024年12月", "发布日期": "2023年5月", "说明": None}
    alone = {"节点": None, "计划日期": None, "完成日期": None}
    rows = [
        books.progress(),
        books.progress(**EXPECTED | {"发布日期": "2026-10-15"}),
        books.progress(**EXPECTED | second),
        books.progress(**EXPECTED | first | alone),
    ]
    path = books.xlsx(folder / "a.xlsx", rows)
    for added in (3, 0):
        (report,) = await load(path)
        assert not report.errors
        assert report.facts["forecasts"].added == added
    (report,) = await load(books.xlsx(folder / "b.xlsx", rows, titled("2026年12月20日")))
    assert report.facts["forecasts"].added == 0
    found = [(f["published_on"], f["confirmed_on"], f["source"]) for f in await look(FORECASTS)]
    assert found == [
        (date(2023, 5, 31), date(2023, 5, 31), "专班通报第12号"),
        (date(2024, 9, 30), date(2024, 9, 30), "通报第6号"),
        (date(2026, 10, 15), date(2026, 12, 20), "专班通报第12号"),
    ]


async def test_an_older_roll_says_nothing_about_the_handover(load: Load, look: Look, folder: Path) -> None:
    await load(books.xlsx(folder / "b.xlsx", [books.progress(**EXPECTED)]))
    older = books.progress(**EXPECTED | {"预计交房": "2027年1月", "完成日期": None})
    (report,) = await load(books.xlsx(folder / "a.xlsx", [older], titled("2026年10月1日")))
    assert (report.facts["forecasts"].older, report.facts["milestones"].older) == (1, 1)
    (forecast,) = await look(FORECASTS)
    assert forecast["latest_on"] == date(2027, 6, 30)


async def test_a_contract_and_a_plan_are_two_stories(load: Load, look: Look, folder: Path) -> None:
    contract = books.progress(节点="复工", 预计交房="2025-06-30", 依据="合同约定")
    path = books.xlsx(folder / "a.xlsx", [books.progress(**EXPECTED), contract])
    for day in (20, 21, 22):
        await load(path, as_of=date(2026, 11, day))
    found = sorted((f["basis"], f["confirmed_on"].day) for f in await look(FORECASTS))
    assert found == [
        ("contractual", 22),
        ("planned", 22),
    ]


async def test_the_same_expectation_beside_every_milestone_is_one(load: Load, look: Look, folder: Path) -> None:
    rows = [books.progress(**EXPECTED), books.progress(**EXPECTED | {"节点": "复工", "说明": None})]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert not report.errors
    assert len(await look(FORECASTS)) == 1
    rows[1] |= {"预计交房": "2027年7月"}
    (report,) = await load(books.xlsx(folder / "b.xlsx", rows))
    assert report.errors[0].expected == "与第3行一致（同一栋楼同一天发布的预计交房）"


async def test_two_rows_for_one_milestone_must_agree(load: Load, folder: Path) -> None:
    rows = [books.progress(), books.progress(完成日期="2025-08-02")]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert report.errors[0].expected == "与第3行一致（同一栋楼的同一节点）"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM forecasts",
        "UPDATE forecasts SET latest_on = '2026-12-31', earliest_on = '2026-12-31'",
        "UPDATE forecasts SET reason = NULL",
        "UPDATE forecasts SET published_on = '2020-01-01'",
        "UPDATE forecasts SET confirmed_on = '2026-12-31', basis = 'promised'",
    ],
)
async def test_the_database_itself_keeps_the_history(
    load: Load, look: Look, database: Database, folder: Path, statement: str
) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.progress(**EXPECTED)]))
    before = await look(FORECASTS)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.transaction() as session:
            await session.execute(text(statement))
    assert await look(FORECASTS) == before
    async with database.transaction() as session:
        await session.execute(text("UPDATE forecasts SET confirmed_on = '2026-12-31', next_update_on = '2027-01-31'"))
