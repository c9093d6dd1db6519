"""Buildings, entrances and rooms, however a cell holds them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.imports import places
from api.imports.cells import Cell
from api.imports.places import Place
from api.imports.problems import BadCell

full_width = str.maketrans("0123456789-", "０１２３４５６７８９－")


@given(st.integers(1, 99), st.sampled_from(range(9)))
def test_a_building_is_the_same_however_it_is_written(number: int, way: int) -> None:
    ways: list[Cell] = [
        number,
        float(number),
        f"{number}#",
        f"{number}号楼",
        f"{number:02d}",
        f"{number}栋".translate(full_width),
        f"第{number}幢",
        f" {number} 号楼",
        f"{number}#楼",
    ]
    held = ways[way]
    assert places.building(held) == str(number)


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 33), st.integers(1, 8), st.sampled_from(range(7)))
def test_a_room_is_the_same_however_it_is_written(building: int, door: int, floor: int, flat: int, way: int) -> None:
    room = f"{floor}{flat:02d}"
    written = [
        f"{building}-{door}-{room}",
        f"{building}号楼{door}单元{room}",
        f"{building}#-{door}-{room}",
        f"{building}#楼{door}单元{room}室",
        f"{building}栋-{door}单元-{room}",
        f"{building}—{door}—{room}",
        f"{building}-{door}-{room}".translate(full_width),
    ][way]
    expected = Place(room, str(door), str(building))
    assert places.room(written, building_known=False) == expected
    assert places.room(written, building_known=True) == expected


def test_shorter_and_longer_rooms() -> None:
    assert places.room(1801.0, building_known=True) == Place("1801")
    assert places.room("1-1801", building_known=True) == Place("1801", entrance="1")
    assert places.room("2-1801", building_known=False) == Place("1801", building="2")
    assert places.room("2号楼1801", building_known=False) == Place("1801", building="2")
    assert places.room("1单元1801室", building_known=True) == Place("1801", entrance="1")
    assert places.room("A3-一期-2-1-1801", building_known=False) == Place("1801", "1", "2", "一期", "A3")


def test_shops_have_names_of_their_own() -> None:
    assert places.room("商铺1-05", building_known=True) == Place("商铺1-05")
    assert places.room("2号楼商铺05", building_known=False) == Place("商铺05", building="2")
    assert places.room("2-底商03", building_known=False) == Place("底商03", building="2")
    assert places.is_shop("商铺05")
    assert not places.is_shop("1801")


@pytest.mark.parametrize("held", [date(2026, 2, 1), "1--2", "a-b-c-d-e-f", "-", True])
def test_what_is_no_room(held: Cell) -> None:
    with pytest.raises(BadCell):
        places.room(held, building_known=True)


def test_a_room_turned_into_a_date_says_so() -> None:
    with pytest.raises(BadCell, match="变成了日期"):
        places.room(date(2026, 2, 1), building_known=True)


def test_other_ways_to_write_places() -> None:
    assert [places.building(b) for b in ("二号楼", "十二栋", "A1栋", "b座")] == ["2", "12", "A1", "B"]
    assert [places.entrance(e) for e in ("1单元", "一单元", "01", 2.0, "甲单元")] == ["1", "1", "1", "2", "甲"]
    assert [places.parcel(p) for p in ("A3地块", "a3", "A3号地块", "Ａ３宗地")] == ["A3"] * 4
    assert [places.phase(p) for p in ("一期", "1期", "第一期", "一", 1.0, "一期工程")] == ["一期"] * 6


def test_places_told_by_a_sheet() -> None:
    assert places.inside("临江片区A3地块一期购房台账") == ("A3", "一期")
    assert places.inside("B1地块第2期") == ("B1", "二期")
    assert places.inside("A3、B1地块和C2地块购房台账") == (None, None)
    assert places.inside("购房台账") == (None, None)
