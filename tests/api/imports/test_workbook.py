"""Files: every kind that is met, and one clear sentence for what is none."""

import zipfile
from pathlib import Path

import pytest

from api.imports.problems import UnreadableFile
from api.imports.rolls import read_rolls
from tests.api.imports import books

OLE_HEADER = bytes.fromhex("D0CF11E0A1B11AE1")


def numbers(path: Path) -> list[str]:
    (roll,) = read_rolls(path, lambda what, done, total: None)
    assert not roll.errors
    return [record.number for record in roll.agreements]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_csv_in_every_encoding(folder: Path, encoding: str) -> None:
    assert numbers(books.csv(folder / "a.csv", [books.relocation()], encoding)) == ["AZ-2020-001"]


def test_csv_with_tabs_and_several_owners_in_one_quoted_cell(folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text('协议编号\t姓名\n"AZ-1"\t"张三\n李四"\n', encoding="gb18030")
    (roll,) = read_rolls(path, lambda what, done, total: None)
    assert [owner.name for owner in roll.agreements[0].owners] == ["张三", "李四"]


def test_xls(folder: Path) -> None:
    assert numbers(books.xls(folder / "a.xls", [books.relocation()])) == ["AZ-2020-001"]


def test_a_workbook_with_a_wrong_ending_is_still_read(folder: Path) -> None:
    books.xlsx(folder / "a.xlsx", [books.relocation()])
    assert numbers((folder / "a.xlsx").rename(folder / "a.csv")) == ["AZ-2020-001"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xlsx", OLE_HEADER + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(900), "设了密码"),
        ("a.xlsx", b"", "是空的"),
        ("a.csv", b"  \r\n ", "是空的"),
        ("a.csv", b",,,\r\n,,\r\n", "没有内容"),
        ("a.xlsx", b"%PDF-1.7 ...", "不是电子表格"),
        ("a.xls", OLE_HEADER + bytes(2000), "不是电子表格"),
        ("a.xlsx", b"PK\x03\x04 broken", "不是电子表格"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "不是电子表格"),
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "其实是网页"),
    ],
)
def test_what_cannot_be_read_gets_one_clear_sentence(folder: Path, name: str, content: bytes, sentence: str) -> None:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=sentence) as refused:
        read_rolls(path, lambda what, done, total: None)
    assert str(refused.value).count("。") == 1


def test_a_word_document_is_no_spreadsheet(folder: Path) -> None:
    path = folder / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    with pytest.raises(UnreadableFile, match="不是电子表格"):
        read_rolls(path, lambda what, done, total: None)


def test_a_missing_file_and_a_folder(folder: Path) -> None:
    with pytest.raises(UnreadableFile, match="找不到"):
        read_rolls(folder / "no.xlsx", lambda what, done, total: None)
    with pytest.raises(UnreadableFile, match="打不开"):
        read_rolls(folder, lambda what, done, total: None)
