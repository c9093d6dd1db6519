"""Whoever acts no more has no cases: they lie with those that nobody has, and somebody hears of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from api.audit.models import AuditEvent
from api.cases.leaving import release_left_behind
from api.cases.schemas import CaseEventKind
from api.messages.models import Delivery
from api.messages.service import PAYLOAD
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from tests.api.calls import call
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, Desk

CHIEF = 600100240


async def desk_news(desk: Desk, chat: int) -> list[dict[str, Any]]:
    async with desk.factory.database.transaction() as session:
        rows = await session.scalars(select(Delivery).where(Delivery.chat_id == chat).order_by(Delivery.id))
        told = [desk.factory.vault.open_json(PAYLOAD, row.payload) for row in rows if row.payload is not None]
    return [notice for notice in told if notice["kind"] == "case_on_desk"]


async def change(desk: Desk, account: int, **values: Any) -> None:
    await call(desk.api, "PATCH", f"/v1/staff/{ADMIN}/accounts/{account}", json=values)


async def claimed(desk: Desk, count: int = 1) -> list[str]:
    numbers = []
    for _ in range(count):
        number = await desk.to("assigned")
        await desk.act(number, "claim")
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("ends", [{"disabled": True}, {"roles": ["viewer"]}])
async def test_the_cases_of_who_acts_no_more_are_nobodys(desk: Desk, ends: dict[str, Any]) -> None:
    [number] = await claimed(desk)
    before = await desk.page(number, chat=COLLEAGUE)
    seen = await desk.case(number)
    await change(desk, desk.officer, **ends)
    page = await desk.page(number, chat=COLLEAGUE)
    assert (page.officer, page.department, page.state) == (None, before.department, before.state)
    assert page.version == before.version + 1
    last = page.events[-1]
    assert (last.kind, last.by, last.actor, last.officer) == ("assigned", "system", "负责人", None)
    assert page.clocks == before.clocks
    assert [case.number for case in (await desk.queue(chat=COLLEAGUE, view="unassigned")).cases] == [number]
    # How the office shares its work is nothing to the family.
    assert await desk.case(number) == seen
    async with desk.factory.database.transaction() as session:
        actions = list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert "case.assigned" in actions[-6:]
    await desk.act(number, "claim", chat=COLLEAGUE)


async def test_roles_that_still_handle_cases_leave_them_where_they_are(desk: Desk) -> None:
    [number] = await claimed(desk)
    await change(desk, desk.officer, roles=["case_officer", "publisher"])
    await change(desk, desk.officer, roles=["approver"])
    assert (await desk.page(number)).officer == "接访甲"


async def test_of_each_department_there_is_one_notice_however_many_cases(desk: Desk) -> None:
    chief = await desk.account(CHIEF, StaffRole.CASE_OFFICER, name="科长")
    other = await desk.add_department("街道办", desk.officer, chief, supervisor=chief)
    here = await claimed(desk, 3)
    there = await desk.to("registered")
    await desk.act(there, "assign", department_id=other, officer_id=desk.officer)
    await change(desk, desk.officer, disabled=True)
    # The supervisor of one department; of the other, which has none, the administrator.
    told = [(one["news"], one["number"], one["others"]) for one in await desk_news(desk, CHIEF)]
    assert told == [("released", there, 0)]
    told = [(one["news"], one["number"], one["others"]) for one in await desk_news(desk, ADMIN)]
    assert told == [("released", here[0], 2)]


async def test_what_a_family_says_afterwards_reaches_somebody(desk: Desk) -> None:
    [number] = await claimed(desk)
    [closed] = await claimed(desk)
    await desk.act(closed, "accept")
    await desk.act(closed, "answer", outcome="supported", text="九月底前修好。")
    await change(desk, desk.officer, disabled=True)
    await desk.say(number, "add", text="又漏了。")
    # What was answered before is taken up again by somebody else.
    await desk.say(closed, "reopen", text="没修好。")
    assert (await desk.page(closed, chat=COLLEAGUE)).officer is None
    assert [one["news"] for one in await desk_news(desk, COLLEAGUE)][-2:] == ["added", "reopened"]
    unassigned = (await desk.queue(chat=COLLEAGUE, view="unassigned")).cases
    assert {case.number for case in unassigned} == {number, closed}
    assert await desk_news(desk, OFFICER) == []


async def test_what_was_left_behind_before_is_found(desk: Desk) -> None:
    """By a version that released nothing with an account."""
    [number] = await claimed(desk)
    async with desk.factory.database.transaction() as session:
        (await session.get_one(StaffAccount, desk.officer)).disabled_at = datetime.now(UTC)
    for _ in range(2):
        async with desk.factory.database.transaction() as session:
            await release_left_behind(session, desk.factory.vault)
    page = await desk.page(number, chat=COLLEAGUE)
    assert page.officer is None
    assert [event.kind for event in page.events].count(CaseEventKind.ASSIGNED) == 2
    told = [(one["news"], one["number"]) for one in await desk_news(desk, ADMIN)]
    assert told == [("released", number)]
