"""Names, ID numbers, phones and sums, however a cell holds them."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.identity.documents import id_check_character
from api.imports import cells, dates, places, words
from api.imports.cells import LOST_DIGITS, Cell
from api.imports.problems import BadCell
from tests.invented import invented

anything: st.SearchStrategy[Cell] = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789.-年月日至到~万元¥,()（）期栋号楼单元室#季度底前 '１２①", max_size=20),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
)


@given(anything)
def test_whatever_a_cell_holds_only_a_bad_cell_is_raised(value: Cell) -> None:
    readers = (
        *(cells.text, cells.number_text, cells.names, cells.id_numbers, cells.phones),
        *(cells.money, cells.area, cells.count, dates.span, dates.period, dates.window),
        *(places.building, places.entrance, places.parcel, places.phase),
        lambda cell: places.room(cell, building_known=True),
        lambda cell: places.room(cell, building_known=False),
        *(words.registration, words.handover, words.milestone, words.basis),
    )
    expected = []
    for read in readers:
        try:
            read(value)
        except BadCell as bad:
            expected.append(bad.expected)
    assert all(expected)


full_width = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@given(st.dates(date(1900, 1, 1), date(2020, 12, 31)), st.integers(0, 999), st.sampled_from(range(6)))
def test_an_id_number_is_the_same_however_it_is_written(born: date, sequence: int, way: int) -> None:
    first17 = f"999900{born:%Y%m%d}{sequence:03d}"
    number = first17 + id_check_character(first17)
    written = [
        number,
        number.lower(),
        "'" + number,
        f" {number[:6]} {number[6:14]}\t{number[14:]} ",
        number.translate(full_width),
        "\u200b" + number + "\n",
    ][way]
    assert cells.id_numbers(written) == [number]


@given(st.integers(0, 9999))
def test_an_id_number_kept_as_a_number_is_refused(number: int) -> None:
    for held in (float(invented(number).id_number[:17] + "0"), int(invented(number).id_number[:17] + "0")):
        with pytest.raises(BadCell, match="丢失"):
            cells.id_numbers(held)


def test_an_id_number_that_lost_its_end_on_the_way_is_told_apart_from_a_typing_error() -> None:
    number = invented(7).id_number
    assert number[-1] != "0"
    with pytest.raises(BadCell) as lost:
        cells.id_numbers("1.10101E+17")
    assert lost.value.expected == LOST_DIGITS
    with pytest.raises(BadCell, match="丢失"):
        cells.id_numbers(number[:15] + "000")
    with pytest.raises(BadCell, match="校验位"):
        cells.id_numbers(number[:17] + ("1" if number[17] != "1" else "2"))
    with pytest.raises(BadCell, match="17位"):
        cells.id_numbers(number[:17])


@pytest.mark.parametrize("number", ["E12345678", "H1234567801", "130503670401001", "A123456(7)"])
def test_other_documents_and_old_numbers_are_taken_as_they_are(number: str) -> None:
    assert cells.id_numbers(number) == [number]
    assert cells.id_numbers(130503670401001.0) == ["130503670401001"]


def test_several_people_in_one_cell() -> None:
    assert cells.names("张三；李四、王 五,赵六\n钱七") == [(n, None) for n in ("张三", "李四", "王五", "赵六", "钱七")]
    assert cells.names("Anna  Maria Schmidt") == [("Anna Maria Schmidt", None)]
    one, other = invented(1), invented(2)
    assert cells.id_numbers(f"{one.id_number}；{other.id_number.lower()}") == [one.id_number, other.id_number]
    assert cells.names(f"李四（{other.id_number}）") == [("李四", other.id_number)]


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        (19900000001.0, ["19900000001"]),
        ("199 0000 0001", ["19900000001"]),
        ("+86 199-0000-0001", ["19900000001"]),
        ("008619900000001", ["19900000001"]),
        ("+1 380-212-3456", ["+13802123456"]),
        ("00852-9123-4567", ["+85291234567"]),
        ("１９９０００００００１", ["19900000001"]),
        ("19900000001（儿子）、0371-12345678", ["19900000001", "037112345678"]),
    ],
)
def test_phones(written: Cell, digits: list[str]) -> None:
    assert cells.phones(written) == digits


@pytest.mark.parametrize(
    "written", ["空号", "12345", "1990000000", "199000000011", "1990000000a", True, date(2026, 1, 1), "1" * 16]
)
def test_what_is_no_phone(written: Cell) -> None:
    with pytest.raises(BadCell):
        cells.phones(written)


sums = st.decimals(min_value=0, max_value=10**9, places=2)


@given(sums, st.sampled_from(range(8)))
def test_a_sum_is_the_same_however_it_is_written(amount: Decimal, way: int) -> None:
    if way == 0:
        assert cells.money(float(amount)) == amount
        return
    written = [
        "",
        f"{amount}",
        f"{amount:,}",
        f"¥{amount:,}元",
        f"￥ {amount} ",
        f"{amount}".translate(full_width),
        f"人民币{amount}元整",
        f"{amount / 10_000}万元",
    ][way]
    assert cells.money(written) == amount
    assert cells.money(f"{amount}元", "万元") == amount
    assert cells.money(f"-{amount}") == cells.money(f"({amount})") == -amount


@given(sums)
def test_a_heading_in_ten_thousands(amount: Decimal) -> None:
    assert cells.money(str(amount / 10_000), "万元") == amount
    assert cells.money(f"{amount / 10_000}万") == amount


@pytest.mark.parametrize(
    "written", ["一百元", "1,23", "12.3.4", "1e999", float("nan"), float("inf"), 1e13, "", True, time()]
)
def test_what_is_no_sum(written: Cell) -> None:
    with pytest.raises(BadCell):
        cells.money(written)


def test_areas_and_counts() -> None:
    assert cells.area("89.5㎡") == cells.area(89.5) == cells.area("８９．５平方米") == Decimal("89.50")
    assert cells.count("4人") == cells.count(4.0) == 4
    for bad in (cells.area, cells.count):
        with pytest.raises(BadCell):
            bad(-1)
    with pytest.raises(BadCell):
        cells.count(2.5)


def test_what_counts_as_blank() -> None:
    assert [cells.text(blank) for blank in ("", " ", "-", "/", "无", "——")] == [None] * 6
    assert cells.text(1801.0) == "1801"
    assert cells.text("a\x00b") == "ab"
    assert cells.text(datetime(2026, 1, 2)) == "2026-01-02"  # noqa: DTZ001
    assert cells.text(timedelta(1))


def test_a_long_number_kept_as_a_float_has_lost_digits() -> None:
    assert cells.number_text(20200001.0) == "20200001"
    with pytest.raises(BadCell, match="丢失"):
        cells.number_text(2.0200001e17)
