"""The queue of the complaint desk: pages, filters, orders."""

from datetime import date
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.cases.schemas import QueuePage
from api.db import Database
from tests.api.calls import call
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, VIEWER, Desk
from tests.api.strictly import look_up


async def numbers(desk: Desk, *, chat: int = OFFICER, **asked: Any) -> list[str]:
    """Of all pages, read two at a time."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await desk.queue(chat=chat, limit=2, **asked, **({"cursor": cursor} if cursor else {}))
        found += [case.number for case in page.cases]
        assert len(page.cases) <= 2
        cursor = page.next_cursor
        if cursor is None:
            return found


async def set_due(database: Database, number: str, due_on: date) -> None:
    async with database.transaction() as session:
        values = {"due": due_on, "number": number}
        await session.execute(text("UPDATE cases SET due_on = :due WHERE number = :number"), values)


async def test_what_is_due_first_comes_first(desk: Desk, database: Database) -> None:
    assert await desk.queue() == QueuePage(cases=[], next_cursor=None)
    filed = [await desk.file() for _ in range(5)]
    for place, day in ((0, 20), (1, 10), (2, 10), (3, 1)):
        await set_due(database, filed[place], date(2026, 12, day))
    await set_due(database, filed[4], date(2027, 1, 4))
    assert await numbers(desk) == [filed[3], filed[1], filed[2], filed[0], filed[4]]
    assert await numbers(desk, sort="received") == filed


async def test_a_page_is_what_the_schema_says_and_names_nobody_of_the_family(
    desk: Desk, api: aiohttp.ClientSession
) -> None:
    number = await desk.to("assigned", text="我家的事")
    await desk.act(number, "claim")
    page = await look_up(api, f"/v1/staff/{OFFICER}/cases", QueuePage)
    (case,) = page.cases
    assert (case.number, case.home, case.household, case.department, case.officer, case.light) == (
        number,
        "A3-一期-2-1-101",
        "relocation",
        "住建局",
        "接访甲",
        "green",
    )
    assert (case.supervised, case.raised, case.asked) == (False, False, False)
    await desk.act(number, "ask", text="哪一间？")
    assert (await desk.queue()).cases[0].asked


async def test_views_and_filters(desk: Desk, database: Database) -> None:
    other = await desk.add_department("街道办")
    mine = await desk.to("assigned")
    await desk.act(mine, "claim")
    theirs = await desk.to("assigned", category="handover")
    await desk.act(theirs, "claim", chat=COLLEAGUE)
    free = await desk.to("registered")
    late = await desk.to("accepted", category="handover")
    await desk.act(late, "transfer", department_id=other)
    await set_due(database, late, date(2026, 1, 5))
    closed = await desk.to("closed")
    withdrawn = await desk.to("withdrawn")
    assert {*await numbers(desk)} == {mine, theirs, free, late}
    assert await numbers(desk, view="mine") == [mine]
    assert await numbers(desk, view="mine", chat=COLLEAGUE) == [theirs]
    assert await numbers(desk, view="mine", chat=VIEWER) == []
    assert await numbers(desk, view="unassigned") == [late, free]
    assert await numbers(desk, view="overdue") == [late]
    assert await numbers(desk, view="raised") == []
    assert await numbers(desk, category="handover") == [late, theirs]
    assert await numbers(desk, department_id=other) == [late]
    assert {*await numbers(desk, department_id=desk.department)} == {mine, theirs}
    assert await numbers(desk, state="registered") == [free]
    assert await numbers(desk, state="closed") == [closed]
    assert await numbers(desk, state="withdrawn", sort="due") == [withdrawn]
    await desk.act(free, "supervise", chat=ADMIN)
    assert await numbers(desk, supervised=True) == [free]
    assert free not in await numbers(desk, supervised=False)
    assert await numbers(desk, view="mine", category="handover") == []


async def test_by_number(desk: Desk) -> None:
    first, closed = await desk.file(), await desk.to("closed")
    serial = closed.partition("-")[2]
    for said in (closed, f" {closed} ", str(int(serial)), serial, closed.replace("-0", "-")):
        assert await numbers(desk, number=said) == [closed]
    assert await numbers(desk, number=first) == [first]
    for said in ("999999", "x", "%", "2026-", "２０２６-000001"):
        assert await numbers(desk, number=said) == []


async def test_what_comes_in_between_shifts_nothing(desk: Desk) -> None:
    filed = [await desk.file() for _ in range(4)]
    page = await desk.queue(limit=2)
    await desk.say(filed[0], "withdraw")
    later = await desk.file()
    assert page.next_cursor is not None
    rest = await desk.queue(limit=10, cursor=page.next_cursor)
    assert [case.number for case in (*page.cases, *rest.cases)] == [*filed, later]


@pytest.mark.parametrize(
    "cursor", ["x", "W10=", "WyJkdWUiLCJ4IiwxXQ==", "WyJkdWUiLDUsMV0=", "WyJkdWUiLCIyMDI2LTAxLTAxIiwwXQ=="]
)
async def test_a_cursor_that_is_none(desk: Desk, cursor: str) -> None:
    refused = await call(desk.api, "GET", f"/v1/staff/{OFFICER}/cases", 422, params={"cursor": cursor})
    assert refused["code"] == "invalid_input"


async def test_a_cursor_of_another_order_is_refused(desk: Desk) -> None:
    for _ in range(3):
        await desk.file()
    cursor = (await desk.queue(limit=1)).next_cursor
    params = {"cursor": str(cursor), "sort": "received"}
    await call(desk.api, "GET", f"/v1/staff/{OFFICER}/cases", 422, params=params)
