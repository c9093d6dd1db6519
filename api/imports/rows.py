"""Rows of a recognised sheet: which ones say something, and reading their cells with errors collected, not raised."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from api.identity.documents import normalise_text
from api.imports.cells import Cell, text
from api.imports.headings import Column, Headings
from api.imports.problems import BadCell, RowError, Secrecy, masked
from api.imports.workbook import Sheet

T = TypeVar("T")

_TOTALS = re.compile(r"(?:本页|本表|全部)?(?:合计|总计|小计|共计|累计)(?::.*|\d.*)?")
_FOOTER = re.compile(
    r"(?:制表|填表|填报|编制|审核|复核|经办|负责人|单位负责人|注|说明|备注|附注)[^:]{0,6}:.*", re.DOTALL
)
_UNIT_IN_TITLE = re.compile(r"单位:(万元|元)")
_MONEY = frozenset(
    {"price_difference", "total_price", "unit_price", "down_payment", "loan_amount", "paid", "unpaid", "amount"}
)


class Row:
    """One row and where its errors go."""

    __slots__ = ("cells", "failed", "number", "rows")

    def __init__(self, rows: "Rows", number: int, cells: Sequence[Cell]) -> None:
        self.rows = rows
        self.number = number
        self.cells = cells
        self.failed = False

    @property
    def where(self) -> tuple[str, int]:
        return self.rows.sheet.name, self.number

    def has(self, name: str) -> bool:
        """Whether the roll has such a column at all: what it does not have, it does not deny."""
        return name in self.rows.headings.columns

    def cell(self, name: str) -> Cell | None:
        """The cell; none when it is blank or the column is missing."""
        cells = self.cells
        for index in self.rows.indexes.get(name, ()):
            value = cells[index] if index < len(cells) else ""
            if value != "" and (not isinstance(value, str) or text(value) is not None):
                return value
        return None

    def all_cells(self, name: str) -> list[Cell]:
        """The filled cells of all columns that say the same thing (手机号码 and 联系电话)."""
        found = []
        for index in self.rows.indexes.get(name, ()):
            value = self.cells[index] if index < len(self.cells) else ""
            if value != "" and (not isinstance(value, str) or text(value) is not None):
                found.append(value)
        return found

    def heading(self, name: str) -> str:
        columns = self.rows.headings.columns.get(name)
        return columns[0].heading if columns else ""

    def unit(self, name: str) -> str | None:
        """The unit in the column's heading, else the one the title names for the whole sheet."""
        columns = self.rows.headings.columns.get(name)
        unit = columns[0].unit if columns else None
        return self.rows.unit if unit is None and name in _MONEY else unit

    def text(self, name: str) -> str | None:
        value = self.cell(name)
        return None if value is None else text(value)

    def read(self, name: str, reader: Callable[..., T], **how: Any) -> T | None:
        """What a cell says; none when it is blank, or when it is wrong, which is then recorded."""
        value = self.cell(name)
        if value is None:
            return None
        try:
            return reader(value, **how)
        except BadCell as bad:
            self.fail(name, bad.expected)
            return None

    def fail(self, name: str, expected: str) -> None:
        """Record that the cell of a column is wrong."""
        self.failed = True
        columns: Sequence[Column] = self.rows.headings.columns.get(name, ())
        value = self.cell(name)
        shown = "" if value is None else text(value) or ""
        self.rows.errors.append(
            RowError(
                sheet=self.rows.sheet.name,
                row=self.number,
                column=columns[0].heading if columns else "",
                value=masked(shown, columns[0].secrecy if columns else Secrecy.PLAIN),
                expected=expected,
                column_number=columns[0].index + 1 if columns else None,
            )
        )


class Rows:
    """The rows of one sheet that say something: not blank, no totals, no repeated headings, no signatures."""

    def __init__(self, sheet: Sheet, headings: Headings, errors: list[RowError]) -> None:
        self.sheet = sheet
        self.headings = headings
        self.errors = errors
        unit = _UNIT_IN_TITLE.search(normalise_text(headings.title))
        self.unit = unit[1] if unit else None
        self.indexes = {name: [column.index for column in columns] for name, columns in headings.columns.items()}
        self._columns = [column for columns in headings.columns.values() for column in columns]
        self._headings = {normalise_text(column.heading) for column in self._columns}
        self._first_characters = {column.heading[:1] for column in self._columns}

    def __iter__(self) -> Iterator[Row]:
        first = self.headings.last_row + 1
        used = [column.index for column in self._columns]
        for number, cells in enumerate(self.sheet.rows[first:], start=first + 1):
            width = len(cells)
            if all(cells[index] == "" for index in used if index < width) or self._says_nothing(cells):
                continue
            yield Row(self, number, cells)

    def _says_nothing(self, cells: Sequence[Cell]) -> bool:
        words = [cell for cell in cells if isinstance(cell, str) and cell and not cell.isspace()]
        if not words:
            return all(cell == "" or isinstance(cell, str) for cell in cells)
        for word in words[:2]:
            if "计" in word and len(word) < 40 and _TOTALS.fullmatch(normalise_text(word)):
                return True
        if len(words) <= 3 and len(cells) > 3 and _FOOTER.fullmatch(normalise_text(words[0])):
            return True
        # Normalising every cell of every row would cost more than reading them.
        if len(words) < 2 or not any(word.lstrip()[0] in self._first_characters for word in words[:3]):
            return False
        return sum(normalise_text(word) in self._headings for word in words) * 2 > len(words)
