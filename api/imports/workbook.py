"""Opening the office's files: xlsx, xls and ods through calamine, csv in the encodings that are met in practice."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from api.imports.cells import Cell
from api.imports.problems import UnreadableFile

_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MAX_UNPACKED_BYTES = 1 << 30
_CSV_ENDINGS = frozenset({".csv", ".txt", ".tsv"})
_SPREADSHEETS = "xlsx、xls、ods 或 csv"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: rows of cells from its very first row, blank ones as empty text."""

    name: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Workbook:
    """A file's sheets, with the digest that tells whether it was loaded before."""

    path: Path
    sha256: bytes
    sheets: list[Sheet]


def open_workbook(path: Path) -> Workbook:
    """Read a whole file. Blocking.

    Raises:
        UnreadableFile: it is missing, no spreadsheet, encrypted, or empty.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableFile(f"找不到文件“{path.name}”。") from error
    except OSError as error:
        raise UnreadableFile(f"文件“{path.name}”打不开，请检查它是不是文件、有没有读取权限。") from error
    if not content.strip():
        raise UnreadableFile(f"文件“{path.name}”是空的。")
    sheets = _from_csv(path, content) if _is_csv(path, content) else _from_workbook(path, content)
    if not any(any(cell != "" for cell in row) for sheet in sheets for row in sheet.rows):
        raise UnreadableFile(f"文件“{path.name}”里没有内容。")
    return Workbook(path, hashlib.sha256(content).digest(), sheets)


def _is_csv(path: Path, content: bytes) -> bool:
    # A workbook keeps its true nature whatever it is called.
    return path.suffix.lower() in _CSV_ENDINGS and not content.startswith((_OLE, b"PK\x03\x04"))


def _from_workbook(path: Path, content: bytes) -> list[Sheet]:
    if content.startswith(_OLE) and _ENCRYPTED_PACKAGE in content:
        raise UnreadableFile(f"文件“{path.name}”设了密码，请在表格软件里取消密码后再导入。")
    if content.lstrip()[:200].lower().startswith((b"<html", b"<!doctype", b"<table")):
        raise UnreadableFile(f"文件“{path.name}”其实是网页，请用表格软件打开，另存为 xlsx 后再导入。")
    not_a_spreadsheet = UnreadableFile(f"文件“{path.name}”不是电子表格，请提供 {_SPREADSHEETS} 文件。")
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(member.file_size for member in archive.infolist()) > _MAX_UNPACKED_BYTES:
                    raise UnreadableFile(f"文件“{path.name}”太大，请拆成几个文件后再导入。")
        except (zipfile.BadZipFile, ValueError) as error:
            raise not_a_spreadsheet from error
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            return [
                _sheet(workbook, metadata.name)
                for metadata in workbook.sheets_metadata
                if metadata.typ is SheetTypeEnum.WorkSheet
            ]
    except PasswordError as error:
        raise UnreadableFile(f"文件“{path.name}”设了密码，请在表格软件里取消密码后再导入。") from error
    except (CalamineError, ValueError, OSError) as error:
        raise not_a_spreadsheet from error
    except BaseException as error:
        # The reader is written in Rust: on some broken files it panics, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise not_a_spreadsheet from error


def _sheet(workbook: CalamineWorkbook, name: str) -> Sheet:
    sheet = workbook.get_sheet_by_name(name)
    rows: list[list[Cell]] = list(sheet.to_python(skip_empty_area=False))
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        # A merged cell speaks for all the rows it covers; across columns only titles and headings are merged.
        if top == bottom or left != right or top >= len(rows):
            continue
        value = rows[top][left]
        for row in rows[top + 1 : bottom + 1]:
            if row[left] == "":
                row[left] = value
    return Sheet(name, rows)


def _from_csv(path: Path, content: bytes) -> list[Sheet]:
    written = _decoded(content)
    if written is None or "\0" in written:
        raise UnreadableFile(f"文件“{path.name}”不是电子表格，请提供 {_SPREADSHEETS} 文件。")
    first_lines = written[:4000]
    delimiter = max(",\t;", key=first_lines.count)
    try:
        rows: list[list[Cell]] = [
            list(row) for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise UnreadableFile(f"文件“{path.name}”不是完整的 csv 表格，请用表格软件另存为 xlsx 后再导入。") from error
    return [Sheet(path.stem, rows)]


def _decoded(content: bytes) -> str | None:
    encodings = ["utf-16"] if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
