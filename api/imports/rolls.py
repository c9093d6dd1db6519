"""From a file to rolls: recognised sheets, read and merged, with their date and source. No database here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from api.imports import agreement_rows, fee_rows, progress_rows
from api.imports.dates import date_inside
from api.imports.headings import ROLL_NAMES, find_headings
from api.imports.models import RollKind
from api.imports.problems import RowError, UnreadableFile
from api.imports.records import AgreementRecord, FeeRecord, ProgressRecord
from api.imports.report import OnProgress
from api.imports.rows import Row, Rows
from api.imports.workbook import Workbook, open_workbook

_AS_OF_IN_TITLE = re.compile(
    r"[（(【\[]?\s*(?:数据)?(?:截[至止]到?|(?:统计|填报|制表|更新)(?:日期|时间))?[:： ]*"
    r"\d{4}\s*[年./\-]\s*\d{1,2}\s*[月./\-]\s*(?:\d{1,2}\s*日?)?\s*[)）】\]]?"
)
_ROWS_BETWEEN_TELLING = 500


@dataclass(slots=True)
class Roll:
    """One file's sheets of one kind, read."""

    kind: RollKind
    path: Path
    sha256: bytes
    sheets: list[str]
    told_as_of: date | None
    """As the title says, else the file's name."""
    titles: list[str] = field(default_factory=list)
    agreements: list[AgreementRecord] = field(default_factory=list)
    fees: list[FeeRecord] = field(default_factory=list)
    progress: list[ProgressRecord] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    row_count: int = 0

    @property
    def default_source(self) -> str:
        """The title without its date; the file's name where there is none, or another one on each sheet."""
        titles = {" ".join(_AS_OF_IN_TITLE.sub("", title.partition("\n")[0]).split()) for title in self.titles}
        return (titles.pop() if len(titles) == 1 else "") or self.path.stem


def read_rolls(path: Path, tell: OnProgress) -> list[Roll]:
    """Read every roll in a file. Blocking, and busy with the processor: run it in a thread.

    Raises:
        UnreadableFile: no spreadsheet, encrypted, empty, or no sheet is one of the four rolls.
    """
    tell(f"打开 {path.name}", 0, 0)
    workbook = open_workbook(path)
    rolls: dict[RollKind, Roll] = {}
    nearly: list[str] = []
    notes: list[str] = []
    found = []
    for sheet in workbook.sheets:
        headings = find_headings(sheet)
        if headings is None:
            if any(cell != "" for row in sheet.rows for cell in row):
                notes.append(f"工作表“{sheet.name}”不是四种台账之一，没有读取。")
            continue
        if headings.missing:
            lacks = "、".join(headings.missing)
            nearly.append(f"工作表“{sheet.name}”像是{ROLL_NAMES[headings.kind]}，但缺少这些列：{lacks}")
            continue
        found.append((sheet, headings))
    if not found:
        raise UnreadableFile(_unknown(workbook, nearly))
    notes += [f"{problem}，没有读取。" for problem in nearly]
    rows_by_kind: dict[RollKind, list[Row]] = {}
    for sheet, headings in found:
        roll = rolls.get(headings.kind)
        if roll is None:
            roll = rolls[headings.kind] = Roll(
                headings.kind, path, workbook.sha256, [], date_inside(path.stem), notes=notes
            )
            notes = []  # of the file: told once
        roll.sheets.append(sheet.name)
        roll.titles.append(headings.title)
        if headings.ignored:
            roll.notes.append(f"工作表“{sheet.name}”里这些列没有用到：{'、'.join(headings.ignored[:20])}。")
        rows_by_kind.setdefault(headings.kind, []).extend(Rows(sheet, headings, roll.errors))
    for kind, roll in rolls.items():
        days = {day for title in roll.titles if (day := date_inside(title))}
        if days:
            # What a sheet says was true on its own day at the latest.
            roll.told_as_of = min(days)
        if len(days) > 1:
            roll.notes.append(f"各工作表的日期不同，按最早的 {min(days)} 算。")
        rows = rows_by_kind[kind]
        roll.row_count = len(rows)
        _read_rows(roll, rows, tell)
    return list(rolls.values())


def _unknown(workbook: Workbook, nearly: list[str]) -> str:
    if nearly:
        return f"文件“{workbook.path.name}”没有读取：{'；'.join(nearly)}。"
    return f"文件“{workbook.path.name}”的表头认不出来：应是{'、'.join(ROLL_NAMES.values())}之一。"


def _read_rows(roll: Roll, rows: list[Row], tell: OnProgress) -> None:
    told = _telling(rows, f"读取{ROLL_NAMES[roll.kind]} {roll.path.name}", tell)
    if roll.kind is RollKind.TRANSITION_FEE:
        roll.fees = fee_rows.read(told)
    elif roll.kind is RollKind.PROGRESS:
        roll.progress = progress_rows.read(told)
    else:
        roll.agreements = agreement_rows.read(told, roll.kind)


def _telling(rows: list[Row], what: str, tell: OnProgress) -> Iterator[Row]:
    for done, row in enumerate(rows):
        if done % _ROWS_BETWEEN_TELLING == 0:
            tell(what, done, len(rows))
        yield row
    tell(what, len(rows), len(rows))
