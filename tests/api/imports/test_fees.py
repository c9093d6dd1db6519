"""过渡费发放表: periods paid and unpaid, and only for agreements and people that are on file."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.api.imports import books
from tests.api.imports.books import BO
from tests.api.imports.conftest import Load, Look

ENTRIES = (
    "SELECT state, direction, amount, period_start, period_end, paid_on, batch, sorts_on FROM ledger_entries "
    "WHERE kind = 'transition_fee' ORDER BY period_start, paid_on"
)


@pytest.fixture
async def on_file(load: Load, folder: Path) -> None:
    await load(books.xlsx(folder / "relocation.xlsx", [books.relocation()]))


@pytest.mark.usefixtures("on_file")
async def test_paid_and_unpaid_periods(load: Load, look: Look, folder: Path) -> None:
    rows = [books.fee(), books.fee(起止时间="2026年7月至12月", 支付日期=None, 支付批次=None)]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert not report.errors
    paid, unpaid = [tuple(entry.values()) for entry in await look(ENTRIES)]
    amount = Decimal("8820.00")
    first, last = date(2026, 1, 1), date(2026, 6, 30)
    day = date(2026, 7, 20)
    assert paid == ("paid", "to_household", amount, first, last, day, "2026年第2批", day)
    first, last = date(2026, 7, 1), date(2026, 12, 31)
    assert unpaid == ("due", "to_household", amount, first, last, None, None, last)


@pytest.mark.usefixtures("on_file")
async def test_an_unpaid_period_that_is_paid_later_is_the_same_entry(load: Load, look: Look, folder: Path) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.fee(支付日期=None)]))
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.fee()], "发放表（截至2026年11月25日）"))
    assert (report.total.added, report.total.changed) == (0, 1)
    (entry,) = await look(ENTRIES)
    assert entry["state"] == "paid"


@pytest.mark.usefixtures("on_file")
async def test_a_period_paid_in_parts_in_whatever_order(load: Load, look: Look, folder: Path) -> None:
    rows = [
        books.fee(过渡费金额=5000),
        books.fee(过渡费金额=3820, 支付日期="2026-09-01", 支付批次="2026年第3批"),
    ]
    await load(books.xlsx(folder / "a.xlsx", rows))
    (report,) = await load(books.xlsx(folder / "b.xlsx", rows[::-1]))
    assert (report.total.added, report.total.changed) == (0, 0)
    assert [entry["amount"] for entry in await look(ENTRIES)] == [5000, 3820]


@pytest.mark.usefixtures("on_file")
async def test_periods_in_two_columns(load: Load, look: Look, folder: Path) -> None:
    row = {
        "协议编号": "az－2020－001",
        "起始时间": "2026.1",
        "终止时间": "202606",
        "总过渡费(万元)": 0.882,
        "发放时间": 46000,
    }
    (report,) = await load(books.xlsx(folder / "a.xlsx", [row]))
    assert not report.errors
    (entry,) = await look(ENTRIES)
    assert (entry["amount"], entry["period_end"], entry["paid_on"]) == (8820, date(2026, 6, 30), date(2025, 12, 9))


@pytest.mark.usefixtures("on_file")
async def test_the_next_payment_joins_the_rate(load: Load, look: Look, folder: Path) -> None:
    path = books.xlsx(folder / "a.xlsx", [books.fee(下次发放日期="2027-01-20")], "发放表（截至2026年12月1日）")
    (report,) = await load(path)
    assert report.facts["transition_fees"].changed == 1
    (fee,) = await look("SELECT monthly_amount, next_payment_on, as_of FROM transition_fees")
    assert tuple(fee.values()) == (1470, date(2027, 1, 20), date(2026, 11, 20)), "the rate is as old as its roll"
    for again in (path, folder / "relocation.xlsx"):
        (report,) = await load(again)
        assert (report.total.added, report.total.changed) == (0, 0)


@pytest.mark.usefixtures("on_file")
async def test_what_does_not_fit_the_agreement(load: Load, look: Look, folder: Path) -> None:
    rows = [
        books.fee(协议编号="AZ-9"),
        books.fee(姓名=BO.name),
        books.fee(身份证号码=BO.id_number),
        books.fee(起止时间="2026.6-2026.1"),
        books.fee(起止时间=None),
        books.fee(过渡费金额=None),
        books.fee(过渡费金额=-5),
    ]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert [(error.row, error.column, error.expected.partition("，")[0]) for error in report.errors] == [
        (3, "协议编号", "安置台账里有的协议编号"),
        (4, "姓名", "这份协议的权利人姓名"),
        (5, "身份证号码", "这份协议的权利人的证件号码"),
        (6, "起止时间", "起止时间"),
        (7, "起止时间", "起止时间（不能为空）"),
        (8, "过渡费金额", "金额（不能为空）"),
        (9, "过渡费金额", "大于0的金额"),
    ]
    assert await look(ENTRIES) == []


async def test_an_agreement_that_was_left_out_says_so(load: Load, folder: Path) -> None:
    bad = books.xlsx(folder / "a.xlsx", [books.relocation(安置人口="很多")])
    _, report = await load(bad, books.xlsx(folder / "b.xlsx", [books.fee()]), partial=True)
    assert "没有载入" in report.errors[0].expected


@pytest.mark.usefixtures("on_file")
async def test_a_period_that_was_mistyped_is_withdrawn_by_the_corrected_file(
    load: Load, look: Look, folder: Path
) -> None:
    kept = books.fee(起止时间="2025年7月至12月")
    path = books.xlsx(folder / "a.xlsx", [kept, books.fee(起止时间="2026.1-2026.7")])
    await load(path)
    (report,) = await load(books.xlsx(path, [kept, books.fee()]))
    assert (report.facts["ledger"].added, report.facts["ledger"].changed) == (1, 1)
    assert [entry["period_end"] for entry in await look(ENTRIES)] == [date(2025, 12, 31), date(2026, 6, 30)]


@pytest.mark.usefixtures("on_file")
async def test_another_batch_under_the_same_title_withdraws_nothing(load: Load, look: Look, folder: Path) -> None:
    first = books.xlsx(folder / "第一批.xlsx", [books.fee()])
    second = books.xlsx(folder / "第二批.xlsx", [books.fee(起止时间="2025年7月至12月")])
    for path in (first, second, first, second):
        await load(path)
    assert len(await look(ENTRIES)) == 2


@pytest.mark.usefixtures("on_file")
async def test_remarks_of_the_office_are_not_kept_and_explanations_hold_no_numbers(
    load: Load, look: Look, folder: Path
) -> None:
    told = {"备注": f"由{BO.name}代领 {BO.phone}", "说明": "资金未到位"}
    await load(books.xlsx(folder / "a.xlsx", [books.fee(**told)]))
    assert await look("SELECT note FROM ledger_entries WHERE kind = 'transition_fee'") == [{"note": "资金未到位"}]
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.fee(说明=f"请打{BO.phone}")]))
    (error,) = report.errors
    assert (error.column, error.value) == ("说明", "***")


async def test_a_purchase_has_no_transition_fee(load: Load, folder: Path) -> None:
    contract = books.purchase(合同编号="AZ-2020-001", 地块="A3", 期="一期")
    _, report = await load(books.xlsx(folder / "a.xlsx", [contract]), books.xlsx(folder / "b.xlsx", [books.fee()]))
    assert report.errors[0].expected == "安置台账里有的协议编号"


async def test_examples_of_changes_tell_the_period_in_the_clerks_words(load: Load, folder: Path) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.relocation()]))
    unpaid = books.fee(支付日期=None, 支付批次=None)
    await load(books.xlsx(folder / "b.xlsx", [unpaid]))
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.fee(支付批次=None)]))
    (example,) = report.examples
    assert example.startswith("AZ-2020-001 2026-01至2026-06：收付状态 未付 → 已付")
