"""Where a home is: parcels, phases, buildings, entrances and rooms, however a roll writes them."""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta

from api.identity.documents import normalise_text
from api.imports.cells import Cell, text
from api.imports.problems import BadCell

_NUMERALS = "零一二三四五六七八九十"
_DASHES = re.compile(r"[‐-―−_－]")
_BUILDING_MARK = r"号楼|#楼|栋楼|号栋|栋|幢|座|#|楼"
_BUILDING = re.compile(rf"第?(?P<name>.+?)(?:{_BUILDING_MARK}|号)?")
_ENTRANCE = re.compile(r"第?(?P<name>.+?)(?:单元|门)?")
_MARKED = re.compile(
    rf"(?:(?P<building>[^-]+?)(?:{_BUILDING_MARK})-?)?(?:第?(?P<entrance>[^-]+?)单元-?)?(?P<room>[^-]+)"
)
_SHOP_WORDS = "商铺|底商|门面房?|商业|店铺|铺位"
_SHOP = re.compile(rf"(?:(?P<marked>[^-]+?)(?:{_BUILDING_MARK})-?|(?P<building>[^-]+)-)?(?P<room>(?:{_SHOP_WORDS}).*)")
_ROOM_END = re.compile(r"(?:室|房|户|号房?)$")
_PARCEL_INSIDE = re.compile(r"([A-Za-z]+-?\d*|\d+|[东南西北中]+)号?地块")
_PHASE_INSIDE = re.compile(r"第?([一二三四五六七八九十]+|\d+)期(?!间|限)")

ROOM_EXPECTED = "房号，如 1801 或 2-1-1801"


@dataclass(frozen=True, slots=True)
class Place:
    """A room with as much of its address as the cell tells."""

    room: str
    entrance: str | None = None
    building: str | None = None
    phase: str | None = None
    parcel: str | None = None


def chinese_number(written: str) -> str | None:
    """一 → 1, 十二 → 12, 二十 → 20; none for anything else. Up to 99."""
    if not written or any(c not in _NUMERALS for c in written):
        return None
    if "十" not in written:
        return "".join(str(_NUMERALS.index(c)) for c in written)
    tens, _, ones = written.partition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return None
    return str((_NUMERALS.index(tens) if tens else 1) * 10 + (_NUMERALS.index(ones) if ones else 0))


def _plain(value: Cell, expected: str) -> str:
    if isinstance(value, (bool, date, time, timedelta)):
        raise BadCell(expected + "（被表格软件变成了日期，请设为“文本”格式后重新填写）")
    plain = _DASHES.sub("-", normalise_text(text(value) or "")).upper().lstrip("'’‘`")
    if not plain or len(plain) > 40 or re.search(r"\d{11}", plain):
        raise BadCell(expected)
    return plain


def _number(name: str) -> str:
    if name.isdigit() and name.isascii():
        return str(int(name))
    return chinese_number(name) or name


def _named(pattern: re.Pattern[str], plain: str) -> str:
    match = pattern.fullmatch(plain)
    return match["name"] if match else plain


def building(value: Cell) -> str:
    """2#, 2号楼, ２栋, 02, 二号楼 → 2; A1栋 → A1."""
    return _number(_named(_BUILDING, _plain(value, "楼栋，如 2 或 2号楼")))


def entrance(value: Cell) -> str:
    """1单元, 一单元, 01 → 1."""
    return _number(_named(_ENTRANCE, _plain(value, "单元，如 1 或 1单元")))


def parcel(value: Cell) -> str:
    """A3地块, A3号地块 → A3."""
    plain = _plain(value, "地块，如 A3")
    return re.sub(r"号?(?:地块|宗地)$", "", plain) or plain


def phase(value: Cell) -> str:
    """1期, 第一期, 一 → 一期."""
    plain = re.sub(r"工程$", "", _plain(value, "期，如 一期"))
    name = plain.removeprefix("第").removesuffix("期")
    if name.isdigit() and name.isascii() and 1 <= int(name) <= 10:
        return _NUMERALS[int(name)] + "期"
    return name + "期" if chinese_number(name) else plain


def inside(value: str) -> tuple[str | None, str | None]:
    """The one parcel and the one phase that a sheet's name or title tells: A3地块一期购房台账 → A3, 一期."""
    plain = normalise_text(value).upper()
    parcels = set(_PARCEL_INSIDE.findall(plain))
    phases = {phase(found) for found in _PHASE_INSIDE.findall(plain)}
    return (parcels.pop() if len(parcels) == 1 else None, phases.pop() if len(phases) == 1 else None)


def is_shop(value: str) -> bool:
    return re.search(_SHOP_WORDS + "|商服|店面", normalise_text(value)) is not None


def room(value: Cell, *, building_known: bool) -> Place:
    """A room, with the building and entrance that may be written before it.

    Args:
        value: 1801, 1-1801, 2-1-1801, 2号楼1单元1801, 2#-1-1801, A3-一期-2-1-1801, 商铺05, 2号楼商铺05 …
        building_known: the row has a building of its own, so in "1-1801" the 1 is the entrance.
    """
    plain = _plain(value, ROOM_EXPECTED).strip("-")
    if shop := _SHOP.fullmatch(plain):
        name = shop["marked"] or shop["building"]
        return Place(shop["room"], building=_number(name) if name else None)
    plain = _ROOM_END.sub("", plain)
    parts = plain.split("-")
    if not all(parts):
        raise BadCell(ROOM_EXPECTED)
    if (marked := _MARKED.fullmatch(plain)) and (marked["building"] or marked["entrance"]):
        name, door, number = marked["building"], marked["entrance"], marked["room"]
        return Place(number, entrance=_number(door) if door else None, building=_number(name) if name else None)
    head = parts[:-1]
    number = parts[-1]
    if not head:
        return Place(number)
    if len(head) == 1:
        marked_building = _marked_building(head[0])
        if building_known and marked_building is None:
            return Place(number, entrance=entrance(head[0]))
        return Place(number, building=marked_building or building(head[0]))
    place = Place(number, entrance=entrance(head[-1]), building=building(head[-2]))
    if len(head) == 2:
        return place
    if len(head) <= 4 and head[-3].endswith("期"):
        return Place(
            number, place.entrance, place.building, phase(head[-3]), parcel(head[0]) if len(head) == 4 else None
        )
    raise BadCell(ROOM_EXPECTED)


def _marked_building(part: str) -> str | None:
    match = re.fullmatch(rf"第?(.+?)(?:{_BUILDING_MARK})", part)
    return _number(match[1]) if match else None
