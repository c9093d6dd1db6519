"""What is told when a roll cannot be read, whole or in one cell. The reader is a clerk: sentences are Chinese.

Values shown are masked, since a report is printed, copied and sent around: a name keeps its first character, an ID
number or phone its ends.
"""

import re
from dataclasses import dataclass
from enum import Enum

from api.identity.documents import mask_id_number, mask_name, mask_phone


class UnreadableFile(Exception):
    """The file as a whole cannot be taken as a roll; ``str()`` is one sentence for the clerk."""


class DatabaseTrouble(Exception):
    """The database could not be reached or refused; ``str()`` is one sentence, without any of the data."""


class BadCell(Exception):
    """A cell does not say what its column asks for; ``expected`` tells what would."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class Secrecy(Enum):
    """How a column's value is masked in reports."""

    OPEN = "open"  # words that are the same for many families: 节点, 依据, 办证状态
    PLAIN = "plain"  # dates, sums, rooms: shown unless they look like something personal that slipped in
    NAME = "name"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    HIDDEN = "hidden"  # addresses and notes


@dataclass(frozen=True, slots=True)
class RowError:
    """One cell that could not be taken. ``row`` and ``column_number`` count from 1 as in the spreadsheet program;
    ``column`` is the heading as written; both columns are missing where the sheet lacks the column."""

    sheet: str
    row: int
    column: str
    value: str
    expected: str
    column_number: int | None = None


_LONG_DIGITS = re.compile(r"\d[\d\s-]{5,}[\dXx]")
_PLAIN_VALUE = re.compile(
    r"[\d\s.,:：/年月日号至到~～\-—–#¥￥%()（）元万㎡楼栋幢单元室期地块底前季度第上下半]*", re.ASCII
)
_SEPARATORS = re.compile(r"[；;、,，\n/]+")
_SHOWN_CHARACTERS = 24


def masked(text: str, secrecy: Secrecy) -> str:
    """A value fit to be shown in a report."""
    if not text:
        return ""
    if secrecy is Secrecy.HIDDEN:
        return "***"
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    if secrecy is Secrecy.NAME:
        return _short("、".join(mask_name(_LONG_DIGITS.sub("*", part)) for part in parts))
    if secrecy is Secrecy.ID_NUMBER:
        return _short("、".join(mask_id_number(part) for part in parts))
    if secrecy is Secrecy.PHONE:
        return _short("、".join(mask_phone(part) for part in parts))
    hidden = _LONG_DIGITS.sub(_mask_digits, text)
    if secrecy is Secrecy.PLAIN and not _PLAIN_VALUE.fullmatch(text) and not text.isascii():
        # A name that slipped into the wrong column must not be printed either.
        return _short(mask_name(hidden))
    return _short(hidden)


def _mask_digits(match: re.Match[str]) -> str:
    digits = match.group()
    # Dates and sums are shorter than the shortest personal number.
    return digits if len(digits) < 11 else digits[:2] + "*" * (len(digits) - 4) + digits[-2:]


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _SHOWN_CHARACTERS else one_line[: _SHOWN_CHARACTERS - 1] + "…"
