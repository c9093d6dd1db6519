"""Agreement numbers from a file, as clerks keep them."""

import io
from typing import Any

import pytest
from openpyxl import Workbook

from tests.api.newsroom import APPROVER, Newsroom
from tests.factories import Factory


@pytest.fixture
async def known(factory: Factory) -> None:
    for number in ("TEST-001", "TEST-002", "20260003"):
        await factory.agreement(people=[], number=number)


async def read(newsroom: Newsroom, data: bytes, filename: str, status: int = 200) -> Any:
    headers = {"Content-Type": "application/octet-stream"}
    asked = {"filename": filename}
    return await newsroom.ask("POST", "/numbers", status, params=asked, data=io.BytesIO(data), headers=headers)


def xlsx(*rows: tuple[Any, ...]) -> bytes:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


async def test_the_column_with_numbers_is_found(newsroom: Newsroom, known: None) -> None:
    table = xlsx(
        ("某项目名单", None, None),
        ("序号", "姓名", "协议编号"),
        (1, "编造甲", "test—001"),
        (2, "编造乙", "TEST－002"),
        (3, "编造丙", 20260003),
        (4, "编造丁", "TEST-404"),
        (5, "编造甲", "TEST-001"),
    )
    found = await read(newsroom, table, "名单.xlsx")
    assert found == {"found": ["test—001", "TEST-002", "20260003"], "unknown": ["TEST-404"]}
    chosen = await newsroom.count(audience={"op": "numbers", "numbers": found["found"]})
    assert chosen.agreements == 3
    assert [row[2] for row in await newsroom.recorded("broadcast.numbers_read")] == ["broadcast"]


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        ("TEST-001\r\nTEST-002\r\nTEST-404\r\n".encode("gb18030"), "numbers.txt"),
        ("协议编号\nTEST-001\nTEST-002\nTEST-404".encode("utf-8-sig"), "numbers.csv"),
        ("TEST-001、TEST-002；TEST-404".encode(), "numbers.txt"),
        (b"TEST-001, TEST-002, TEST-404", "numbers"),
        (b"TEST-001 TEST-002\nTEST-404", "numbers.txt"),
    ],
)
async def test_text_in_the_ways_that_people_write(newsroom: Newsroom, known: None, data: bytes, filename: str) -> None:
    found = await read(newsroom, data, filename)
    assert (sorted(found["found"]), found["unknown"]) == (["TEST-001", "TEST-002"], ["TEST-404"])


async def test_what_is_no_list(newsroom: Newsroom, known: None) -> None:
    for data in (b"", b"\x89PNG\r\n\x1a\n\0\0\0", b"PK\x03\x04broken", b"  \n "):
        refused = await read(newsroom, data, "x.xlsx", 415)
        assert refused["code"] == "unsupported_type"
    assert (await read(newsroom, b"x" * 5_000_001, "x.txt", 413))["code"] == "too_large"
    many = "\n".join(f"N-{number}" for number in range(20_001)).encode()
    assert (await read(newsroom, many, "x.txt", 409))["details"] == {"max": 20_000}
    assert await read(newsroom, "一二三\n四五六".encode(), "x.txt") == {"found": [], "unknown": []}
    await newsroom.ask("POST", "/numbers", 403, chat=APPROVER, params={"filename": "x"}, data=b"x")
