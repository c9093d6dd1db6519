"""Whatever stands in the cells: rows are read or refused, nothing else happens."""

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.imports import agreement_rows, fee_rows, progress_rows
from api.imports.cells import Cell
from api.imports.headings import find_headings
from api.imports.models import RollKind
from api.imports.problems import RowError
from api.imports.rows import Rows
from api.imports.workbook import Sheet
from tests.api.imports import books
from tests.api.imports.conftest import Load, Look
from tests.api.imports.test_cells import anything

ROWS: dict[RollKind, dict[str, Any]] = {
    RollKind.RELOCATION: books.relocation(交付状态=None, 网签状态=None, 共有人=None),
    RollKind.PURCHASE: books.purchase(地块="A3", 期="一期"),
    RollKind.TRANSITION_FEE: books.fee(下次发放日期=None, 说明=None),
    RollKind.PROGRESS: books.progress(),
}


@given(st.sampled_from(list(RollKind)), st.data())
def test_garbage_in_some_cells_of_some_rows(kind: RollKind, data: st.DataObject) -> None:
    names = list(ROWS[kind])
    rows: list[list[Cell]] = []
    for _ in range(3):
        garbage = data.draw(st.dictionaries(st.sampled_from(names), anything, max_size=6))
        rows.append(["" if value is None else value for value in (ROWS[kind] | garbage).values()])
    sheet = Sheet("一", [list(names), *rows])
    headings = find_headings(sheet)
    assert headings is not None
    assert headings.kind is kind
    errors: list[RowError] = []
    found = Rows(sheet, headings, errors)
    if kind is RollKind.TRANSITION_FEE:
        fee_rows.keyed(fee_rows.read(found))
    elif kind is RollKind.PROGRESS:
        progress_rows.read(found)
    else:
        agreement_rows.read(found, kind)
    assert all(error.expected and error.row in (2, 3, 4) for error in errors)


PIECES: list[Any] = [
    *("", " ", "-", "无", "张三", "张三；李四", "\x0b\x01", "𠮷野家", "=1+1", "'", "[b]", "%s", "\\", "100%"),
    *("é\u0301", "\u202e", "2026", "2026.1-2026.6", "未定", "2-1-1801", "商铺01", "0", "-1", "1e5", "１２３"),
    *("999999999999999999", "AZ-1", "A3", 0, -1, 1.5, 46000, 1e15, 2026.1, True, date(2026, 1, 1), date(9999, 12, 31)),
]


@pytest.mark.parametrize("seed", range(4))
async def test_garbage_reaches_the_database_as_far_as_it_makes_sense(
    load: Load, look: Look, folder: Path, seed: int
) -> None:
    random = Random(seed)
    paths = []
    for kind, row in ROWS.items():
        rows = [row]
        for number in range(40):
            garbage = {name: random.choice(PIECES) for name in row if random.random() < 0.15}
            mine = {name: f"AZ-{number}" for name in ("协议编号", "合同编号") if name in row and name not in garbage}
            rows.append(row | mine | garbage)
        encodable = [
            {k: v.replace("\x0b\x01", "") if isinstance(v, str) else v for k, v in row.items()} for row in rows
        ]
        paths.append(books.xlsx(folder / f"{kind}.xlsx", encodable))
    reports = await load(*paths, partial=True)
    assert all(report.loaded for report in reports)
    before = await look("SELECT counts FROM imports ORDER BY id")
    again = await load(*paths, partial=True)
    assert sum(report.total.added + report.total.changed for report in again) == 0, before
