"""Invented people for the rolls: names, ID numbers and phones that belong to nobody.

The ID numbers have valid GB 11643 check characters under an area code that is not assigned (999900).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from api.identity.documents import id_check_character

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("测一", "样本", "示例", "乙", "假名", "丙丁", "虚构", "甲")


@dataclass(frozen=True)
class Invented:
    name: str
    id_number: str
    phone: str


def invented(number: int) -> Invented:
    """The person of that number (0 to 9999), always the same; no two share an ID number or a phone."""
    born = date(1948, 1, 1) + timedelta(days=number * 7 % 25_000)
    first17 = f"999900{born:%Y%m%d}{number % 1000:03d}"
    name = _SURNAMES[number % len(_SURNAMES)] + _GIVEN[number // len(_SURNAMES) % len(_GIVEN)]
    return Invented(name, first17 + id_check_character(first17), f"1990000{number:04d}")
