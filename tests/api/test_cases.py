"""Filing a complaint once, and what its chat sees of it."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from sqlalchemy import func, select, text

from api.agreements.models import Agreement
from api.cases.clocks import ACCEPTANCE_NOTICE, last_day
from api.cases.models import Case, CaseEvent
from api.cases.schemas import MAX_TEXT_CHARACTERS, CaseOut, CasePage
from api.db import Database
from api.estate.models import Unit
from api.identity.schemas import LinkMethod, LinkRole
from tests.api.calls import call, upload
from tests.factories import Factory

CHAT, RELATIVE, STRANGER = 700100200, 700100201, 700100202
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def unit(factory: Factory) -> Unit:
    return await factory.unit(room="1801")


@pytest.fixture
async def agreement(factory: Factory, unit: Unit) -> Agreement:
    agreement = await factory.agreement(units=[unit], number="A-1001")
    await factory.link(CHAT, agreement)
    return agreement


def complaint(agreement: Agreement, **values: Any) -> dict[str, Any]:
    return {"category": "quality", "agreement_id": agreement.id, "text": "厨房漏水，已经三个月了。"} | values


async def file(
    api: aiohttp.ClientSession, case: dict[str, Any], status: int = 201, *, chat: int = CHAT, key: str = "dialog-0001"
) -> Any:
    return await call(api, "POST", f"/v1/chats/{chat}/cases", status, json=case, headers={"Idempotency-Key": key})


async def test_a_complaint_gets_a_number_and_a_clock(
    api: aiohttp.ClientSession, database: Database, agreement: Agreement, unit: Unit
) -> None:
    photo = await upload(api, CHAT, filename="漏水.png")
    location = {"latitude": 30.5, "longitude": 114.3}
    answer = await file(
        api, complaint(agreement, unit_id=unit.id, attachment_ids=[photo["id"], photo["id"]], location=location)
    )
    case = CaseOut.model_validate(answer)
    assert case.number == f"{case.received_at.astimezone(SHANGHAI).year}-000001"
    assert (case.state, case.category, case.text) == ("received", "quality", "厨房漏水，已经三个月了。")
    assert (case.agreement.number, case.agreement.home) == ("A-1001", "A3-一期-2-1-1801")
    assert case.unit is not None
    assert case.unit.room == "1801"
    assert [(file.kind, file.filename, file.media_type) for file in case.attachments] == [
        ("photo", "漏水.png", "image/png")
    ]
    assert case.location is not None
    assert case.location.model_dump() == location
    assert case.registered_at is None
    assert case.accepted_at is None
    (clock,) = case.clocks
    assert (clock.kind, clock.article) == ("acceptance_notice", "22, 23")
    assert clock.last_day == last_day(ACCEPTANCE_NOTICE, case.received_at, SHANGHAI)
    assert [(event.kind, event.happened_at) for event in case.events] == [("received", case.received_at)]
    assert await call(api, "GET", f"/v1/chats/{CHAT}/cases/{case.number}") == answer
    async with database.reading() as reader:
        stored = (await reader.execute(text("SELECT cases::text FROM cases"))).scalar_one()
    assert "漏水" not in stored
    assert "30.5" not in stored


async def test_a_key_used_for_a_home_that_is_unlinked_since_files_nothing_else(
    api: aiohttp.ClientSession, factory: Factory, agreement: Agreement
) -> None:
    other = await factory.agreement()
    await factory.link(CHAT, other)
    await file(api, complaint(agreement))
    links = (await call(api, "GET", f"/v1/chats/{CHAT}/links"))["links"]
    (gone,) = (link["id"] for link in links if link["agreement"]["id"] == agreement.id)
    await call(api, "DELETE", f"/v1/chats/{CHAT}/links/{gone}", 204)
    for about in (agreement, other):
        assert (await file(api, complaint(about), 404))["code"] == "not_found"
    await file(api, complaint(other), key="dialog-0002")


async def test_filed_twice_is_one_case(api: aiohttp.ClientSession, database: Database, agreement: Agreement) -> None:
    photo = await upload(api, CHAT)
    first = await file(api, complaint(agreement, attachment_ids=[photo["id"]]))
    assert await file(api, complaint(agreement, text="Something else", attachment_ids=[photo["id"]]), 200) == first
    other = await file(api, complaint(agreement), key="dialog-0002")
    assert other["number"] != first["number"]
    async with database.reading() as reader:
        assert (await reader.execute(select(func.count()).select_from(CaseEvent))).scalar_one() == 2


async def test_filed_by_many_at_once_is_one_case(
    api: aiohttp.ClientSession, database: Database, agreement: Agreement
) -> None:
    photo = await upload(api, CHAT)

    async def filed() -> tuple[int, str]:
        headers = {"Idempotency-Key": "dialog-0001"}
        case = complaint(agreement, attachment_ids=[photo["id"]])
        async with api.post(f"/v1/chats/{CHAT}/cases", json=case, headers=headers) as response:
            return response.status, (await response.json())["number"]

    answers = await asyncio.gather(*(filed() for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({number for _, number in answers}) == 1
    async with database.reading() as reader:
        assert (await reader.execute(select(func.count()).select_from(Case))).scalar_one() == 1


async def test_only_about_what_one_holds(
    api: aiohttp.ClientSession, database: Database, factory: Factory, agreement: Agreement
) -> None:
    other_unit = await factory.unit()
    other = await factory.agreement(units=[other_unit])
    await factory.link(STRANGER, other)
    ended = await factory.agreement()
    await factory.link(CHAT, ended, revoked=True)
    theirs = await upload(api, STRANGER)
    mine = await upload(api, CHAT)
    for case in (
        complaint(other),
        complaint(ended),
        complaint(agreement, agreement_id=999_999),
        complaint(agreement, unit_id=other_unit.id),
        complaint(agreement, attachment_ids=[mine["id"], theirs["id"]]),
        complaint(agreement, attachment_ids=[999_999]),
    ):
        assert (await file(api, case, 404))["code"] == "not_found"
    async with database.reading() as reader:
        assert (await reader.execute(select(func.count()).select_from(Case))).scalar_one() == 0
    await file(api, complaint(agreement, attachment_ids=[mine["id"]]))
    assert (await file(api, complaint(agreement, attachment_ids=[mine["id"]]), 404, key="dialog-0002")) == {
        "code": "not_found",
        "message": "There is no such thing, or it is not for this chat.",
        "details": {},
    }


CONTENTS: list[tuple[dict[str, Any], int]] = [
    ({"text": " \n　x\0 "}, 201),
    ({"text": "字" * MAX_TEXT_CHARACTERS + " "}, 201),
    ({"text": "字" * (MAX_TEXT_CHARACTERS + 1)}, 422),
    ({"text": " \n　\0"}, 422),
    ({"text": "\ud800"}, 422),
    ({"text": 5}, 422),
    ({"category": "weather"}, 422),
    ({"agreement_id": 2**63}, 422),
    ({"unit_id": 0}, 422),
    ({"attachment_ids": list(range(1, 12))}, 422),
    ({"location": {"latitude": 91, "longitude": 0}}, 422),
    ({"location": {"latitude": float("nan"), "longitude": 0}}, 422),
]


async def test_what_may_be_filed(api: aiohttp.ClientSession, agreement: Agreement) -> None:
    for number, (values, status) in enumerate(CONTENTS):
        answer = await file(api, complaint(agreement, **values), status, key=f"dialog-{number:04}")
        if status == 201:
            assert answer["text"] == values["text"].replace("\0", "").strip()
        else:
            assert answer["code"] == "invalid_input"
            assert "字" not in str(answer)


async def test_a_key_is_needed(api: aiohttp.ClientSession, agreement: Agreement) -> None:
    for key in ("", "short", "with space", "x" * 129):
        assert (await file(api, complaint(agreement), 422, key=key))["code"] == "invalid_input"
    await call(api, "POST", f"/v1/chats/{CHAT}/cases", 422, json=complaint(agreement))


async def test_pages_newest_first(api: aiohttp.ClientSession, agreement: Agreement) -> None:
    path = f"/v1/chats/{CHAT}/cases"
    assert await call(api, "GET", path) == {"cases": [], "total_count": 0, "next_cursor": None}
    filed = [(await file(api, complaint(agreement), key=f"dialog-{n:04}"))["number"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = CasePage.model_validate(await call(api, "GET", path, params=query))
        assert page.total_count == (5 if cursor is None else 6)
        seen += [case.number for case in page.cases]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        if len(seen) == 2:
            await file(api, complaint(agreement), key="dialog-between")
    assert seen == filed[::-1]
    one = CasePage.model_validate(await call(api, "GET", path, params={"idempotency_key": "dialog-0003"}))
    assert ([case.number for case in one.cases], one.total_count) == ([filed[3]], 1)
    none = await call(api, "GET", path, params={"idempotency_key": "dialog-9999"})
    assert none == {"cases": [], "total_count": 0, "next_cursor": None}
    for bad in ({"cursor": "x"}, {"cursor": "-1"}, {"cursor": "9" * 30}, {"limit": "0"}, {"limit": "51"}):
        assert (await call(api, "GET", path, 422, params=bad))["code"] == "invalid_input"


async def test_only_the_chat_that_filed_sees_it_while_it_is_linked(
    api: aiohttp.ClientSession, factory: Factory, agreement: Agreement
) -> None:
    await factory.link(RELATIVE, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await factory.link(STRANGER, await factory.agreement())
    number = (await file(api, complaint(agreement), chat=RELATIVE))["number"]
    for chat in (CHAT, STRANGER):
        assert (await call(api, "GET", f"/v1/chats/{chat}/cases"))["total_count"] == 0
        await call(api, "GET", f"/v1/chats/{chat}/cases/{number}", 404)
    links = (await call(api, "GET", f"/v1/chats/{RELATIVE}/links"))["links"]
    await call(api, "DELETE", f"/v1/chats/{CHAT}/links/{links[0]['id']}", 204)
    await call(api, "GET", f"/v1/chats/{RELATIVE}/cases/{number}", 404)
    assert (await call(api, "GET", f"/v1/chats/{RELATIVE}/cases"))["total_count"] == 0
    await file(api, complaint(agreement), 404, chat=RELATIVE)


async def test_a_number_that_is_none(api: aiohttp.ClientSession, agreement: Agreement) -> None:
    for number in ("2026-000001", "x", "%00", "2026-0000011111111111", "２０２６-000001"):
        assert (await call(api, "GET", f"/v1/chats/{CHAT}/cases/{number}", 404))["code"] == "not_found"


async def test_received_now(api: aiohttp.ClientSession, agreement: Agreement) -> None:
    before = datetime.now(SHANGHAI)
    case = CaseOut.model_validate(await file(api, complaint(agreement)))
    assert before <= case.received_at <= datetime.now(SHANGHAI)
