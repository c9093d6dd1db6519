"""Tables for spreadsheets, made by the API and opened by somebody of the office."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """With an apostrophe before what a spreadsheet would take for a formula, also behind space: it was typed by
    somebody, and is opened by somebody else."""
    text = "".join(character for character in text if character.isprintable() or character in "\t\r\n")
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def as_xlsx(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> bytes:
    """A sheet of text. Blocking, some milliseconds for each thousand rows.

    Args:
        widths: of the columns, in characters.
    """
    # Only here: it takes 5 MB of each process that has it.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "A2"
    for place, width in enumerate(widths):
        sheet.column_dimensions[chr(ord("A") + place)].width = width
    bold = []
    for heading in headings:
        cell: Any = WriteOnlyCell(sheet, value=heading)
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        sheet.append([harmless(value) for value in row])
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()
