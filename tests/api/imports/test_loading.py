"""What rolls say stands in the database afterwards: every fact, sealed where it is personal."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.identity.documents import normalise_name
from api.imports.report import AsOfOrigin
from api.imports.service import DEFAULT_PROJECT
from api.privacy import Vault
from tests.api.imports import books
from tests.api.imports.books import ANNE, BO, CHAN
from tests.api.imports.conftest import Load, Look

AS_OF = date(2026, 11, 20)


async def test_a_relocation_roll(load: Load, look: Look, vault: Vault, folder: Path) -> None:
    row = books.relocation(备注="代办人", 签约日期="2020.3.8", 交付状态="未交付", 交房时间="2027年6月")
    (report,) = await load(books.xlsx(folder / "a.xlsx", [row], "临江片区安置台账（截至2026年11月20日）"))
    assert report.loaded
    assert not report.errors
    (agreement,) = await look("SELECT * FROM agreements")
    assert vault.open("agreement.original_address", agreement.pop("original_address")) == "样本村1号"
    assert vault.open("agreement.note", agreement.pop("note")) == "代办人"
    del agreement["id"], agreement["project_id"]
    assert agreement == {
        "kind": "relocation",
        "number": "AZ-2020-001",
        "number_key": "AZ-2020-001",
        "signed_on": date(2020, 3, 8),
        "household_size": 3,
        "resettlement_area_m2": Decimal("120.00"),
        "handed_over": False,
        "handed_over_on": None,
        "handover_status": "未交付",
        "source": "临江片区安置台账",
        "as_of": AS_OF,
    }
    (person,) = await look("SELECT * FROM people")
    assert vault.open("person.name", person["name"]) == ANNE.name
    assert vault.open("person.id_number", person["id_number"]) == ANNE.id_number
    assert person["name_index"] == vault.index("person.name", normalise_name(ANNE.name))
    assert person["id_number_index"] == vault.index("person.id_number", ANNE.id_number)
    (phone,) = await look("SELECT * FROM person_phones")
    assert vault.open("person.phone", phone["phone"]) == ANNE.phone
    assert phone["phone_index"] == vault.index("person.phone", ANNE.phone)
    homes = await look(
        "SELECT parcels.name AS parcel, phases.name AS phase, buildings.name AS building, entrance, room, layout, "
        "units.kind, area_m2 FROM agreement_units JOIN units ON units.id = unit_id "
        "JOIN buildings ON buildings.id = building_id JOIN phases ON phases.id = phase_id "
        "JOIN parcels ON parcels.id = parcel_id"
    )
    assert [tuple(home.values()) for home in homes] == [
        ("A3", "一期", "2", "1", "1801", "三室两厅一卫", "flat", Decimal("89.50"))
    ]
    (entry,) = await look("SELECT kind, direction, state, amount, sorts_on, source, as_of FROM ledger_entries")
    assert tuple(entry.values())[:5] == ("price_difference", "from_household", "due", Decimal("12000.00"), AS_OF)
    (transition,) = await look("SELECT monthly_amount, rate_text, paid_up_to FROM transition_fees")
    assert tuple(transition.values()) == (Decimal("1470.00"), None, date(2026, 6, 30))
    (forecast,) = await look("SELECT * FROM forecasts")
    assert (forecast["basis"], forecast["earliest_on"], forecast["latest_on"], forecast["published_on"]) == (
        "planned",
        date(2027, 6, 1),
        date(2027, 6, 30),
        AS_OF,
    )
    (project,) = await look("SELECT name FROM projects")
    assert project["name"] == DEFAULT_PROJECT
    (record,) = await look("SELECT kind, filename, source, as_of, counts, finished_at FROM imports")
    assert (record["kind"], record["filename"], record["counts"]["rows"]) == ("relocation", "a.xlsx", 1)
    assert record["counts"]["facts"]["agreements"]["added"] == 1
    assert record["finished_at"] is not None


async def test_a_purchase_roll(load: Load, look: Look, folder: Path) -> None:
    row = books.purchase(未付款="5万元", 办证状态="无法办理（未竣工备案）")
    await load(books.xlsx(folder / "a.xlsx", [row], sheet="A3地块一期"))
    (agreement,) = await look("SELECT kind, number, signed_on FROM agreements")
    assert tuple(agreement.values()) == ("purchase", "GF-2019-001", date(2019, 3, 8))
    (terms,) = await look(
        "SELECT unit_price, total_price, payment_method, down_payment, loan_amount FROM purchase_terms"
    )
    assert tuple(terms.values()) == (8000, 716000, "按揭贷款", 216000, 500000)
    ledger = await look("SELECT kind, direction, state, amount FROM ledger_entries ORDER BY state DESC")
    assert [tuple(entry.values()) for entry in ledger] == [
        ("house_price", "from_household", "paid", Decimal("716000.00")),
        ("house_price", "from_household", "due", Decimal("50000.00")),
    ]
    registrations = await look(
        "SELECT kind, stage, status, happened_on, filing_number, blocked_by FROM registrations ORDER BY kind"
    )
    assert [tuple(registration.values()) for registration in registrations] == [
        ("contract_filing", "completed", "已网签", date(2019, 3, 20), "BA2019001", None),
        ("title_certificate", "blocked", "无法办理（未竣工备案）", None, None, "未竣工备案"),
    ]
    (forecast,) = await look("SELECT basis, earliest_on, latest_on FROM forecasts")
    assert tuple(forecast.values()) == ("contractual", date(2021, 12, 31), date(2021, 12, 31))


@pytest.mark.parametrize(
    ("heading", "cell", "expected"),
    [
        ("差价款", 12000, ("from_household", "due", 12000)),
        ("差价款", -12000, ("to_household", "due", 12000)),
        ("差价款(万元)", 1.2, ("from_household", "due", 12000)),
        ("差价款", "应退12,000元", ("to_household", "due", 12000)),
        ("差价款", "已付1.2万元", ("from_household", "paid", 12000)),
        ("应退差价款", 12000, ("to_household", "due", 12000)),
        ("已付差价款", "12000", ("from_household", "paid", 12000)),
        ("差价款（应补为正，应退为负）", "-12000", ("to_household", "due", 12000)),
        ("差价款", 0, None),
        ("差价款", None, None),
    ],
)
async def test_price_differences(
    load: Load, look: Look, folder: Path, heading: str, cell: Any, expected: tuple[Any, ...] | None
) -> None:
    row = books.relocation()
    del row["差价款"]
    (report,) = await load(books.xlsx(folder / "a.xlsx", [row | {heading: cell}]))
    assert not report.errors
    entries = [tuple(e.values()) for e in await look("SELECT direction, state, amount FROM ledger_entries")]
    assert entries == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("heading", "cell", "monthly", "in_words"),
    [
        ("过渡费标准(元/月)", 1470, Decimal("1470.00"), None),
        ("过渡费标准", "1,470元/月", Decimal("1470.00"), None),
        ("月过渡费", 1470, Decimal("1470.00"), None),
        ("过渡费标准", "每月1470元", Decimal("1470.00"), None),
        ("过渡费标准(元/㎡·月)", 15, None, "15元/m2·月"),
        ("过渡费标准", "15元/㎡/月", None, "15元/㎡/月"),
        ("过渡费标准", "按人口500元/人·月", None, "按人口500元/人·月"),
    ],
)
async def test_a_rate_is_a_sum_per_month_only_where_the_roll_says_so(
    load: Load, look: Look, folder: Path, heading: str, cell: Any, monthly: Decimal | None, in_words: str | None
) -> None:
    row = books.relocation()
    del row["过渡费标准(元/月)"]
    await load(books.xlsx(folder / "a.xlsx", [row | {heading: cell}]))
    (rate,) = await look("SELECT monthly_amount, rate_text FROM transition_fees")
    assert tuple(rate.values()) == (monthly, in_words)


async def test_one_agreement_on_several_rows_with_several_owners_and_units(
    load: Load, look: Look, vault: Vault, folder: Path
) -> None:
    several = {
        "被安置人姓名": f"{ANNE.name}；{BO.name}",
        "证件号码": f"{ANNE.id_number}、{BO.id_number}",
        "联系电话": f"{ANNE.phone},{BO.phone}",
    }
    rows = [
        books.relocation(**several),
        books.relocation(**several | {"房号": "2-1-1802", "楼栋": None, "单元": None}),
        books.relocation(**several | {"房号": "商铺05", "单元": None, "户型": "商铺", "差价款": None}),
    ]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert not report.errors
    assert len(await look("SELECT 1 FROM agreements")) == 1
    units = await look(
        "SELECT entrance, room, units.kind FROM agreement_units JOIN units ON units.id = unit_id ORDER BY 2"
    )
    assert [tuple(u.values()) for u in units] == [
        ("1", "1801", "flat"),
        ("1", "1802", "flat"),
        (None, "商铺05", "shop"),
    ]
    parties = await look(
        "SELECT role, position, people.name, phone FROM parties JOIN people ON people.id = parties.person_id "
        "JOIN person_phones ON person_phones.person_id = people.id ORDER BY position"
    )
    assert [
        (p["role"], vault.open("person.name", p["name"]), vault.open("person.phone", p["phone"])) for p in parties
    ] == [("holder", ANNE.name, ANNE.phone), ("co_owner", BO.name, BO.phone)]


async def test_rows_of_one_agreement_that_contradict_each_other(load: Load, folder: Path) -> None:
    rows = [books.relocation(), books.relocation(房号="1802", 差价款=99)]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    (error,) = report.errors
    assert (error.row, error.column, error.expected) == (4, "差价款", "与第3行一致（同一协议）")
    assert report.rejected_rows == 2


async def test_one_person_with_a_relocation_and_a_purchase(load: Load, look: Look, folder: Path) -> None:
    relocation = books.xlsx(folder / "a.xlsx", [books.relocation()])
    mine = {"买受人": ANNE.name, "证件号码": f" {ANNE.id_number.lower()}", "联系电话": BO.phone}
    purchases = [books.purchase(**mine), books.purchase(**mine | {"合同编号": "GF-2", "房号": "1803"})]
    purchase = books.xlsx(folder / "b.xlsx", purchases)
    for expected in ("added", "unchanged"):
        reports = await load(purchase, relocation)
        assert [report.kind for report in reports] == ["relocation", "purchase"]
        assert sum(getattr(report.facts["agreements"], expected) for report in reports) == 3
    assert len(await look("SELECT 1 FROM people")) == 1
    assert len(await look("SELECT 1 FROM parties")) == 3
    assert len(await look("SELECT 1 FROM person_phones")) == 2, "each roll's phone stays"


async def test_a_building_is_found_by_sheet_title_or_other_rolls(load: Load, look: Look, folder: Path) -> None:
    where = (
        "SELECT parcels.name || phases.name || buildings.name AS place FROM agreement_units "
        "JOIN agreements ON agreements.id = agreement_id JOIN units ON units.id = unit_id "
        "JOIN buildings ON buildings.id = building_id JOIN phases ON phases.id = phase_id "
        "JOIN parcels ON parcels.id = parcel_id WHERE agreements.kind = 'purchase' ORDER BY 1"
    )
    progress = [books.progress(), books.progress(地块="B1"), books.progress(地块="B1", 楼栋="7号楼")]
    files = [
        books.xlsx(folder / "楼栋.xlsx", progress),
        books.xlsx(folder / "p1.xlsx", [books.purchase()], sheet="B1地块1期"),
        books.xlsx(folder / "p2.xlsx", [books.purchase(合同编号="2")], "A3地块一期购房台账 2026-11-20"),
        books.xlsx(folder / "p3.xlsx", [books.purchase(合同编号="3", 楼栋="7#")]),
        books.xlsx(folder / "p4.xlsx", [books.purchase(合同编号="4", 房号="1", 地块="A3")]),
    ]
    reports = await load(*files)
    assert [error for report in reports for error in report.errors] == []
    assert [row["place"] for row in await look(where)] == ["A3一期2", "A3一期2", "B1一期2", "B1一期7"]
    (report,) = await load(books.xlsx(folder / "p5.xlsx", [books.purchase(合同编号="5", 楼栋="2栋")]))
    assert report.errors[0].expected == "写明地块和期：A3地块一期、B1地块一期都有2号楼"
    (report,) = await load(books.xlsx(folder / "p6.xlsx", [books.purchase(合同编号="6", 楼栋="9")]))
    assert report.errors[0].expected.startswith("已知的楼栋")


async def test_where_the_date_comes_from(load: Load, folder: Path) -> None:
    rows = [books.relocation()]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows, None), as_of=date(2026, 10, 1), source="通报第9号")
    assert (report.as_of, report.as_of_origin, report.source) == (date(2026, 10, 1), AsOfOrigin.OPTION, "通报第9号")
    (report,) = await load(folder / "a.xlsx")
    assert (report.as_of, report.as_of_origin) == (date(2026, 10, 1), AsOfOrigin.EARLIER_LOAD)
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.relocation(安置人口=4)], None))
    assert report.as_of_origin is AsOfOrigin.TODAY
    assert "按今天" in report.notes[0]
    assert report.source == "b"


async def test_several_projects_must_be_told_apart(load: Load, look: Look, folder: Path) -> None:
    path = books.xlsx(folder / "a.xlsx", [books.relocation()])
    for project in ("一", "二", "一"):
        await load(path, project=project)
    assert len(await look("SELECT 1 FROM agreements")) == 2
    with pytest.raises(Exception, match="--project"):
        await load(path)


async def test_bad_rows_are_told_in_one_go_with_masked_values(load: Load, look: Look, folder: Path) -> None:
    rows = [
        books.relocation(证件号码=float(ANNE.id_number[:17]) * 10),
        books.relocation(协议编号="2", 证件号码=BO.id_number[:17] + ("1" if BO.id_number[17] != "1" else "2")),
        books.relocation(协议编号=None),
        books.relocation(协议编号="4", 被安置人姓名=None),
        books.relocation(协议编号="5", 联系电话="1990000000"),
        books.relocation(协议编号="6", 差价款=CHAN.name, 已发放至=CHAN.id_number),
        books.relocation(
            协议编号="7", 被安置人姓名=f"{ANNE.name}、{BO.name}、{CHAN.name}", 证件号码="E1234567、E7654321"
        ),
        books.relocation(协议编号="8", 房号="3-1-1801"),
        books.relocation(协议编号="9", 证件号码=CHAN.id_number, 被安置人姓名="另一人"),
        books.relocation(协议编号="10", 证件号码=CHAN.id_number, 被安置人姓名=CHAN.name),
    ]
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert not report.loaded
    found = [(error.row, error.column) for error in report.errors]
    assert found == [
        (3, "证件号码"),
        (4, "证件号码"),
        (5, "协议编号"),
        (6, "被安置人姓名"),
        (7, "联系电话"),
        (8, "差价款"),
        (8, "已发放至"),
        (9, "证件号码"),
        (10, "房号"),
        (11, "证件号码"),
        (12, "证件号码"),
    ]
    assert report.rejected_rows == 10
    assert "丢失" in report.errors[0].expected
    assert "校验位" in report.errors[1].expected
    everything = repr(report.errors)
    for person in (ANNE, BO, CHAN):
        assert person.name not in everything
        assert person.id_number[6:14] not in everything
        assert person.phone not in everything
    for table in ("agreements", "people", "units", "imports", "projects"):
        assert await look(f"SELECT 1 FROM {table}") == [], "nothing is written where anything is wrong"


async def test_an_agreement_number_of_the_other_roll(load: Load, folder: Path) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.relocation()]))
    twin = books.purchase(合同编号="az—2020—001", 地块="A3", 期="一期")
    (report,) = await load(books.xlsx(folder / "b.xlsx", [twin]))
    assert report.errors[0].expected == "没有用在安置台账里的编号"


async def test_text_that_a_database_or_a_terminal_would_choke_on(
    load: Load, look: Look, vault: Vault, folder: Path
) -> None:
    path = folder / "a.csv"
    row = books.relocation(备注="甲\x00乙\x07", 户型="[red]=1+1")
    path.write_text(
        "\r\n".join(",".join("" if v is None else str(v) for v in r) for r in books.table([row])).replace("\0", "\x01")
    )
    (report,) = await load(path)
    assert not report.errors
    (agreement,) = await look("SELECT note FROM agreements")
    assert vault.open("agreement.note", agreement["note"]) == "甲乙"
