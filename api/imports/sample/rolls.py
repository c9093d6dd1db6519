"""How the sample's rolls are written: with the hazards of real ones, all of which still load."""

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

from api.imports.sample.agreements import Purchase, Relocation
from api.imports.sample.estate import MILESTONES, PARCELS, PHASES, Estate
from api.imports.sample.people import SamplePerson
from api.imports.sample.writing import SheetPlan, as_of_title

_RELOCATION_GROUPS = (
    ("序号",),
    ("协议编号",),
    ("被安置人信息", "姓名", "证件号码", "联系电话", "原住址", "安置人口"),
    ("住宅安置面积(㎡)",),
    ("安置房信息", "地块", "所属分期名称", "楼栋号", "单元", "安置房号", "户型", "建筑面积"),
    ("差价款（元，应补为正，应退为负）",),
    ("过渡费标准\n（元/月）",),
    ("已发放至",),
    ("交房时间",),
    ("签约日期",),
    ("交付状态",),
    ("备注",),
)
_PURCHASE_HEADINGS = (
    *("序号", "买受人", "证件号码", "联系电话", "共有人", "楼栋", "单元", "房号", "建筑面积(㎡)", "单价(元/㎡)"),
    *(
        "总价（万元）",
        "付款方式",
        "首付款",
        "贷款额",
        "已付款",
        "未付款",
        "合同编号",
        "签约日期",
        "网签状态",
        "网签日期",
    ),
    *("备案号", "约定交房日期", "交付状态", "办证状态", "备注"),
)
_FEE_HEADINGS = (
    *("序号", "协议编号", "姓名", "身份证号码", "起止时间", "过渡费金额", "支付批次", "支付日期", "下次发放日期"),
    *("说明", "备注"),
)
_PROGRESS_HEADINGS = (
    *("地块", "期", "楼栋", "节点", "计划日期", "完成日期", "预计交房", "依据", "说明", "信息来源", "发布日期"),
    "下次更新",
)
_HANDED_OVER_ON = date(2025, 9, 30)
_NOTES = (None, None, None, None, "低保户", "已过户", "材料齐全", "代办人已登记")


class Hand:
    """The clerk's hand: the same thing is written now this way, now that."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def day(self, day: date | None) -> Any:
        if day is None:
            return None
        way = self._random.random()
        if way < 0.5:
            return day
        if way < 0.7:
            return f"{day.year}.{day.month}.{day.day}"
        if way < 0.85:
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day:%Y%m%d}" if way < 0.93 else f"{day:%Y/%m/%d} "

    def month_end(self, day: date | None) -> Any:
        if day is None:
            return None
        way = self._random.random()
        return f"{day:%Y-%m}" if way < 0.6 else f"{day.year}年{day.month}月" if way < 0.9 else day

    def id_number(self, number: str) -> str:
        way = self._random.random()
        if way < 0.04:
            return "'" + number
        if way < 0.07:
            return f"{number[:6]} {number[6:14]} {number[14:]}"
        return number.lower() if way < 0.5 else number

    def phone(self, phone: str) -> Any:
        way = self._random.random()
        if way < 0.2:
            return float(phone)
        return f"{phone[:3]} {phone[3:7]} {phone[7:]}" if way < 0.24 else phone

    def building(self, number: int) -> Any:
        way = self._random.random()
        if way < 0.3:
            return number
        if way < 0.8:
            return f"{number}号楼"
        full_width = "".join(chr(0xFF10 + int(digit)) for digit in str(number))
        return f"{number}#" if way < 0.9 else f"{full_width}栋"

    def sum(self, amount: float) -> Any:
        way = self._random.random()
        return amount if way < 0.7 else f"{amount:,.2f}" if way < 0.9 else f"￥{amount:.2f}"

    def several(self, values: list[str]) -> str:
        return self._random.choice(("；", "、", "\n", ",")).join(values)

    def note(self) -> str | None:
        return self._random.choice(_NOTES)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability


def relocation_sheet(relocations: list[Relocation], as_of: date, hand: Hand) -> SheetPlan:
    """安置台账: a merged title, headings over two merged lines, an agreement with two units on two rows."""
    headings = [(group[0], sub) for group in _RELOCATION_GROUPS for sub in (group[1:] or (None,))]
    merged = [(1, 1, 1, len(headings))]
    column = 1
    for group in _RELOCATION_GROUPS:
        width = max(1, len(group) - 1)
        merged.append((2, column, 3 if len(group) == 1 else 2, column + width - 1))
        column += width
    groups = [group for group, _ in headings]
    upper = [None if group == before else group for before, group in zip([None, *groups], groups, strict=False)]

    def rows() -> Iterator[list[Any]]:
        yield [as_of_title("临江片区旧城改造安置台账", as_of)]
        yield upper
        yield [sub for _, sub in headings]
        for serial, relocation in enumerate(relocations, start=1):
            yield from _relocation_rows(serial, relocation, hand)
            if serial % 1000 == 0:
                yield [None] * len(headings)
        yield ["合计", None, None, None, None, None, sum(r.household_size for r in relocations)]

    return SheetPlan("安置台账", rows(), merged)


def _relocation_rows(serial: int, relocation: Relocation, hand: Hand) -> Iterator[list[Any]]:
    handed_over = relocation.handed_over
    paid_up_to = (
        date(2025, 9, 30) if handed_over else date(2025, 12, 31) if relocation.in_arrears else date(2026, 6, 30)
    )
    expected = "2027年底前" if not relocation.units else "未定" if hand.chance(0.02) else None
    names = hand.several([owner.name for owner in relocation.owners])
    numbers = hand.several([hand.id_number(owner.id_number) for owner in relocation.owners])
    for position, unit in enumerate(relocation.units or [None]):
        building: Any = None
        entrance: Any = None
        room: Any = None
        if unit is not None:
            building, entrance, room = hand.building(unit.building.number), unit.entrance, unit.room
            if unit.entrance and hand.chance(0.15):
                building, entrance, room = None, None, f"{unit.building.number}-{unit.entrance}-{unit.room}"
            elif unit.entrance and hand.chance(0.1):
                entrance = f"{unit.entrance}单元"
        yield [
            serial,
            relocation.number,
            names,
            numbers,
            _phones(relocation.owners, hand),
            relocation.address,
            relocation.household_size,
            relocation.resettlement_area,
            f"{unit.building.parcel}地块" if unit else None,
            unit.building.phase if unit else None,
            building,
            entrance,
            room,
            unit.layout if unit else None,
            unit.area if unit else None,
            hand.sum(relocation.price_difference) if position == 0 else None,
            relocation.monthly_fee if position == 0 else None,
            hand.month_end(paid_up_to) if position == 0 else None,
            expected,
            hand.day(relocation.signed_on) if position == 0 else None,
            ("已交付" if handed_over else "未交付") if position == 0 else None,
            hand.note() if position == 0 else None,
        ]


def _phones(owners: list[SamplePerson], hand: Hand) -> Any:
    if len(owners) == 1 or hand.chance(0.3):
        return hand.phone(owners[0].phone)
    return hand.several([owner.phone for owner in owners])


def purchase_sheets(purchases: list[Purchase], as_of: date, hand: Hand) -> list[SheetPlan]:
    """购房台账: one sheet for each parcel and phase, which only the sheet's name and title tell."""
    plans = []
    for parcel in PARCELS:
        for phase in PHASES:
            here = [p for p in purchases if (p.unit.building.parcel, p.unit.building.phase) == (parcel, phase)]
            if here:
                title = as_of_title(f"临江片区{parcel}地块{phase}购房台账", as_of)
                rows = _purchase_rows(title, here, hand)
                plans.append(SheetPlan(f"{parcel}地块{phase}", rows, [(1, 1, 1, len(_PURCHASE_HEADINGS))]))
    return plans


def _purchase_rows(title: str, purchases: list[Purchase], hand: Hand) -> Iterator[list[Any]]:
    yield [title]
    yield list(_PURCHASE_HEADINGS)
    for serial, purchase in enumerate(purchases, start=1):
        unit, owners = purchase.unit, purchase.owners
        status = "未交付"
        if purchase.handed_over:
            status = "已交付（2025年10月18日）"
        yield [
            serial,
            owners[0].name,
            hand.several([hand.id_number(owner.id_number) for owner in owners]),
            _phones(owners, hand),
            hand.several([owner.name for owner in owners[1:]]) or None,
            hand.building(unit.building.number),
            unit.entrance,
            unit.room,
            unit.area,
            purchase.unit_price,
            purchase.total / 10_000,
            purchase.payment_method,
            hand.sum(purchase.down_payment),
            f"{(purchase.total - purchase.down_payment) / 10_000:g}万元" if "贷款" in purchase.payment_method else "/",
            hand.sum(purchase.paid),
            purchase.total - purchase.paid,
            purchase.number,
            hand.day(purchase.signed_on),
            purchase.filing,
            hand.day(purchase.filed_on),
            f"BA{purchase.number[3:7]}{purchase.number[8:]}" if purchase.filed_on else None,
            hand.day(purchase.agreed_handover),
            status,
            purchase.title,
            hand.note(),
        ]
        if serial % 400 == 0:
            yield list(_PURCHASE_HEADINGS)  # printed on every page, and kept
    yield ["合计", *[None] * 9, sum(p.total for p in purchases) / 10_000]


_HALF_YEARS = (
    (date(2024, 7, 1), date(2024, 12, 31), date(2025, 1, 16), "2025年第1批"),
    (date(2025, 1, 1), date(2025, 6, 30), date(2025, 7, 18), "2025年第2批"),
    (date(2025, 7, 1), date(2025, 12, 31), date(2026, 1, 22), "2026年第1批"),
    (date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 20), "2026年第2批"),
)


def fee_sheet(relocations: list[Relocation], as_of: date, hand: Hand) -> SheetPlan:
    """过渡费发放表: paid half-years, and those that are still unpaid, without a date of payment."""

    def rows() -> Iterator[list[Any]]:
        yield [as_of_title("临江片区过渡费发放表", as_of)]
        yield list(_FEE_HEADINGS)
        serial = 0
        for relocation in relocations:
            holder = relocation.owners[0]
            for first, last, paid_on, batch in _HALF_YEARS:
                months = 6
                if relocation.handed_over and last > _HANDED_OVER_ON:
                    if first > _HANDED_OVER_ON:
                        break
                    last, months = _HANDED_OVER_ON, 3
                unpaid = relocation.in_arrears and not relocation.handed_over and first.year == 2026
                serial += 1
                yield [
                    serial,
                    relocation.number,
                    holder.name,
                    hand.id_number(holder.id_number),
                    _period(first, last, hand),
                    hand.sum(relocation.monthly_fee * months),
                    None if unpaid else batch,
                    None if unpaid else hand.day(paid_on),
                    hand.day(date(2027, 1, 20)) if unpaid and hand.chance(0.5) else None,
                    "资金未到位，待补发" if unpaid else None,
                    hand.note(),
                ]

    return SheetPlan("发放表", rows(), [(1, 1, 1, len(_FEE_HEADINGS))])


def _period(first: date, last: date, hand: Hand) -> str:
    if hand.chance(0.5):
        return f"{first.year}.{first.month}-{last.year}.{last.month}"
    if hand.chance(0.5):
        return f"{first.year}年{first.month}月至{last.month}月"
    return f"{first:%Y-%m-%d}至{last:%Y-%m-%d}"


def progress_sheet(estate: Estate, as_of: date, hand: Hand) -> SheetPlan:
    """楼栋进度表: a row for each milestone, and one for each thing that was said about the handover, slips included."""

    def rows() -> Iterator[list[Any]]:
        yield [as_of_title("临江片区楼栋进度表", as_of)]
        yield list(_PROGRESS_HEADINGS)
        for building in estate.buildings:
            place = [f"{building.parcel}地块", building.phase, hand.building(building.number)]
            for index, milestone in enumerate(MILESTONES):
                planned, achieved = building.milestone(index)
                waiting = "等待供水公司排期" if milestone == "水电气暖接通" and achieved is None else None
                yield [
                    *place,
                    milestone,
                    hand.day(planned),
                    hand.day(achieved),
                    None,
                    None,
                    waiting,
                    "工程监理月报",
                    None,
                    None,
                ]
            for said in building.stage.forecasts:
                yield [
                    *place,
                    None,
                    None,
                    None,
                    said.expected,
                    said.basis,
                    said.reason,
                    said.source,
                    hand.day(said.published_on),
                    said.next_update,
                ]

    return SheetPlan("楼栋进度", rows(), [(1, 1, 1, len(_PROGRESS_HEADINGS))])


__all__ = ["Hand", "fee_sheet", "progress_sheet", "purchase_sheets", "relocation_sheet"]
