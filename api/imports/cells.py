"""What single cells say: text, names, ID numbers, phones, sums, areas, counts.

Every function takes a cell as the spreadsheet holds it and raises :class:`BadCell`, and nothing else, when the cell
does not say what is asked for.
"""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from math import isfinite

from api.identity.documents import is_valid_id_number, normalise_id_number, normalise_phone, normalise_text
from api.imports.problems import BadCell

Cell = str | int | float | bool | date | datetime | time | timedelta

_BLANK = frozenset({"", "-", "--", "—", "——", "–", "/", "\\", "无", "N/A", "#N/A", "NULL", "null", "None"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufeff]")
_OWNERS = re.compile(r"[；;、,，\n/]+")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[Ee]\+?\d+")
_OTHER_DOCUMENT = re.compile(r"(?=.*\d)[A-Z0-9()]{5,20}")
_NAME_WITH_ID = re.compile(r"(?P<name>.*?\D)[(:,\s]*(?P<id>\d{17}[\dXx])\)?")
_BRACKETS = re.compile(r"\(.*?\)")
_LATIN_NAME = re.compile(r"[A-Za-z][A-Za-z .'\-]*")
_PERSONAL_NUMBER = re.compile(r"\d{11}")
_FIRST_LOST_INTEGER = 10**15  # spreadsheet programs keep 15 significant digits

LOST_DIGITS = "18位证件号码被表格软件存成了数字，末几位已经丢失；请把单元格设为“文本”格式后重新填写"


def text(value: Cell) -> str | None:
    """The cell as text, without control characters and outer spaces; none for a blank or a dash."""
    if isinstance(value, str):
        cleaned = (value if value.isprintable() else _CONTROL.sub("", value)).strip()
        return None if cleaned in _BLANK else cleaned
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return str(value)


def public_text(value: Cell) -> str:
    """Text that is kept as it is and shown to families: no place for anybody's ID number or phone."""
    written = text(value) or ""
    if _PERSONAL_NUMBER.search(normalise_text(written)):
        raise BadCell("不含证件号码和电话号码的文字（这一列会给住户看）")
    return written


def number_text(value: Cell) -> str:
    """An agreement or filing number. A long number kept as a float has lost digits."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= _FIRST_LOST_INTEGER:
        raise BadCell("编号被表格软件存成了数字，末几位可能已经丢失；请设为“文本”格式后重新填写")
    if isinstance(value, (bool, date, time, timedelta)):
        raise BadCell("编号（请设为“文本”格式）")
    written = unicodedata.normalize("NFKC", text(value) or "").lstrip("'’‘`")
    if not written or len(written) > 80 or _SCIENTIFIC.fullmatch(written):
        raise BadCell("编号（请设为“文本”格式，不超过80个字）")
    if is_valid_id_number(normalise_id_number(written)):
        raise BadCell("编号（现在是一个身份证号）")
    return written


def names(value: Cell) -> list[tuple[str, str | None]]:
    """The names in a cell, each with the ID number that may be written beside it."""
    found: list[tuple[str, str | None]] = []
    written = unicodedata.normalize("NFKC", text(value) or "")
    for part in _OWNERS.split(written):
        part = part.strip()
        if not part:
            continue
        id_number = None
        if with_id := _NAME_WITH_ID.fullmatch(part):
            part, id_number = with_id["name"].strip(" (:"), _id_number(with_id["id"])
        name = " ".join(part.split()) if _LATIN_NAME.fullmatch(part) else normalise_text(part)
        if not name or len(name) > 60 or any(c.isdigit() for c in name) or not any(c.isalpha() for c in name):
            raise BadCell("姓名；几个人之间用“、”或“；”分开")
        found.append((name, id_number))
    if not found:
        raise BadCell("姓名")
    return found


def id_numbers(value: Cell) -> list[str]:
    """The ID or other document numbers in a cell, normalised and checked (GB 11643)."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not isfinite(value) or abs(value) >= _FIRST_LOST_INTEGER:
            raise BadCell(LOST_DIGITS)
        return [_id_number(text(value) or "")]
    if not isinstance(value, str):
        raise BadCell("18位身份证号或其他证件号码（请设为“文本”格式）")
    return [_id_number(part) for part in _OWNERS.split(value) if normalise_text(part)]


def _id_number(part: str) -> str:
    number = normalise_id_number(part).lstrip("'’‘`′")
    if _SCIENTIFIC.fullmatch(number):
        raise BadCell(LOST_DIGITS)
    if len(number) == 18 and number[:17].isdigit():
        if not is_valid_id_number(number):
            raise BadCell(
                LOST_DIGITS if number.endswith("000") else "正确的18位身份证号（出生日期或校验位不对，请核对原件）"
            )
        return number
    if number.isdigit() and len(number) in (16, 17, 19):
        raise BadCell(f"18位身份证号（现在是{len(number)}位）")
    if not number.isascii() or not _OTHER_DOCUMENT.fullmatch(number):
        raise BadCell("18位身份证号，或5至20位字母数字的其他证件号码")
    return number


def phones(value: Cell) -> list[str]:
    """The phone numbers in a cell, as digits; those from abroad with + and country code. What stands in brackets (whose
    phone it is) is left out."""
    if isinstance(value, (bool, date, time, timedelta)):
        raise BadCell("11位手机号码，或带区号的座机号码")
    found = []
    for part in _OWNERS.split(_BRACKETS.sub("", unicodedata.normalize("NFKC", text(value) or ""))):
        written = normalise_text(part).lstrip("'’‘`")
        if not written:
            continue
        digits = normalise_phone(written)
        mistyped = digits.startswith("1") and len(digits) != 11  # only mobile numbers begin with 1
        sensible = re.fullmatch(r"\+?\d{7,15}", digits) and re.fullmatch(r"\+?[\d\-]+", written, re.ASCII)
        if mistyped or not sensible:
            raise BadCell("11位手机号码，或带区号的座机号码；几个号码之间用“、”分开")
        found.append(digits)
    if not found:
        raise BadCell("11位手机号码，或带区号的座机号码")
    return found


_UNSIGNED = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(rf"(?P<open>\()?(?P<sign>[-+])?(?P<number>{_UNSIGNED})(?(open)\))", re.ASCII)
_CURRENCY = re.compile(r"^(?:人民币|RMB|CNY)|[¥$]|(?:RMB|CNY)$", re.IGNORECASE)
_SCALE = re.compile(r"(亿|万)?(?:元整?|圆整?)?(?:/m2|/平方米|/平米|/平)?$")
_SCALES = {"亿": Decimal(10**8), "万": Decimal(10**4)}
_CENT = Decimal("0.01")


def money(value: Cell, unit: str | None = None) -> Decimal:
    """Yuan with two decimals. ``unit`` is the heading's (元, 万元); a unit in the cell wins over it."""
    expected = "金额，如 123456.78 或 12.35万元"
    heading_scale = _SCALES.get((unit or "")[:1], Decimal(1))
    if isinstance(value, str):
        written = _CURRENCY.sub("", normalise_text(value)).replace("−", "-").replace("–", "-")
        suffix = _SCALE.search(written)
        bare = written[: suffix.start()] if suffix else written
        if suffix and suffix.group():
            amount = _decimal(bare, expected) * _SCALES.get(suffix[1] or "", Decimal(1))
        else:
            amount = _decimal(bare, expected) * heading_scale
    else:
        amount = _decimal(value, expected) * heading_scale
    if abs(amount) >= 10**12:
        raise BadCell(expected)
    return amount.quantize(_CENT, ROUND_HALF_UP)


def area(value: Cell) -> Decimal:
    """Square metres with two decimals."""
    expected = "面积（平方米），如 89.50"
    if isinstance(value, str):
        value = re.sub(r"(?:m2|m²|平方米|平方|平米|平)$", "", normalise_text(value))
    amount = _decimal(value, expected)
    if not 0 <= amount < 10**7:
        raise BadCell(expected)
    return amount.quantize(_CENT, ROUND_HALF_UP)


def count(value: Cell) -> int:
    """A count of people."""
    expected = "人数，如 4"
    if isinstance(value, str):
        value = re.sub(r"(?:口人?|人|个)$", "", normalise_text(value))
    amount = _decimal(value, expected)
    if amount != amount.to_integral_value() or not 0 <= amount <= 1000:
        raise BadCell(expected)
    return int(amount)


def _decimal(value: Cell, expected: str) -> Decimal:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not isfinite(value):
            raise BadCell(expected)
        return Decimal(repr(value))
    if not isinstance(value, str):
        raise BadCell(expected)
    match = _NUMBER.fullmatch(value)
    if match is None or len(value) > 40:
        raise BadCell(expected)
    try:
        amount = Decimal(match["number"].replace(",", ""))
    except InvalidOperation as error:
        raise BadCell(expected) from error
    return -amount if match["open"] or match["sign"] == "-" else amount
