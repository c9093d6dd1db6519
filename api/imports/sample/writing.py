"""Writing workbooks that are the same bytes every time: fixed dates inside, fixed time stamps in the archive."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

_STAMP = (2026, 11, 20, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def write_workbook(path: Path, sheets: Iterable["SheetPlan"]) -> None:
    """Write the sheets and make the file reproducible. Blocking."""
    workbook = Workbook(write_only=True)
    for plan in sheets:
        sheet = workbook.create_sheet(plan.name)
        for top, left, bottom, right in plan.merged:
            area = f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}"
            sheet.merged_cells.add(area)
        for row in plan.rows:
            sheet.append(row)
    packed = io.BytesIO()
    workbook.save(packed)
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>2026-11-20T00:00:00Z", content)
            member = zipfile.ZipInfo(name, _STAMP)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            target.writestr(member, content)


class SheetPlan:
    """A sheet to be written: rows from the top, and the areas that are merged (from 1: top, left, bottom, right)."""

    def __init__(
        self, name: str, rows: Iterable[Sequence[Any]], merged: Sequence[tuple[int, int, int, int]] = ()
    ) -> None:
        self.name = name
        self.rows = rows
        self.merged = merged


def as_of_title(title: str, as_of: date) -> str:
    return f"{title}（截至{as_of.year}年{as_of.month}月{as_of.day}日）"
