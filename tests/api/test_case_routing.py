"""Routing rules: which department a case goes to, who of it gets it, and why."""

from typing import Any

import pytest

from api.agreements.schemas import AgreementKind
from api.audit.service import OPERATOR
from api.cases.departments import add_rule, remove_rule, set_member
from api.cases.schemas import CaseCategory, RouteOut
from api.errors import NotFound
from api.staff.schemas import StaffRole
from tests.api.calls import call
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, OPINION, Desk

QUALITY = CaseCategory.QUALITY


async def rule(desk: Desk, department: int, **values: Any) -> int:
    async with desk.factory.database.transaction() as session:
        return await add_rule(session, OPERATOR, department, **values)


async def where(desk: Desk, number: str) -> RouteOut:
    return RouteOut.model_validate(await call(desk.api, "GET", f"/v1/staff/{OFFICER}/cases/{number}/route"))


async def test_priority_then_what_says_most_then_the_oldest(desk: Desk) -> None:
    number = await desk.to("registered")
    assert (await where(desk, number)).department is None
    one, two, three, four, five = [await desk.add_department(f"单位{n}") for n in range(5)]
    await rule(desk, one)
    assert (await where(desk, number)).department_id == one
    await rule(desk, two, category=QUALITY)
    await rule(desk, three, household=AgreementKind.RELOCATION)
    assert (await where(desk, number)).department_id == two
    first = await rule(desk, four, category=QUALITY, project="Invented redevelopment")
    assert (await where(desk, number)).department_id == four
    await rule(desk, five, priority=5)
    await rule(desk, three, category=CaseCategory.PAYMENT, priority=9)
    await rule(desk, three, household=AgreementKind.PURCHASE, priority=9)
    found = await where(desk, number)
    assert found.department_id == five
    assert [(tried.priority, tried.fits) for tried in found.rules] == [
        (9, False),
        (9, False),
        (5, True),
        (0, True),
        (0, True),
        (0, True),
        (0, True),
    ]
    assert await where(desk, number) == found
    async with desk.factory.database.transaction() as session:
        await remove_rule(session, OPERATOR, first)
        with pytest.raises(NotFound):
            await remove_rule(session, OPERATOR, first)


async def test_the_officer_with_the_fewest_open_cases(desk: Desk) -> None:
    await rule(desk, desk.department)
    given: list[str | None] = []
    for _ in range(4):
        number = await desk.to("registered")
        expected = await where(desk, number)
        await desk.act(number, "assign")
        page = await desk.page(number)
        assert (page.department, page.officer) == ("住建局", expected.officer)
        given.append(page.officer)
    assert given == ["接访甲", "接访乙", "接访甲", "接访乙"]
    # What is not open any more is no load.
    mine = [case.number for case in (await desk.queue(view="mine", chat=COLLEAGUE)).cases]
    for number in mine:
        await desk.say(number, "withdraw")
    assert (await where(desk, await desk.to("registered"))).officer == "接访乙"


async def test_who_is_away_or_full_gets_nothing(desk: Desk) -> None:
    await rule(desk, desk.department)
    async with desk.factory.database.transaction() as session:
        await set_member(session, OPERATOR, desk.department, desk.officer, most_open=0)
        await set_member(session, OPERATOR, desk.department, desk.colleague, most_open=1)
    number = await desk.to("registered")
    await desk.act(number, "assign")
    assert (await desk.page(number)).officer == "接访乙"
    second = await desk.to("registered")
    found = await where(desk, second)
    assert (found.department, found.officer) == ("住建局", None)
    assert [(officer.name, officer.open_cases) for officer in found.officers] == [("接访甲", 0), ("接访乙", 1)]
    await desk.act(second, "assign")
    assert (await desk.page(second)).officer is None


async def test_members_are_case_officers_in_force(desk: Desk) -> None:
    viewer = await desk.account(None, StaffRole.VIEWER)
    department = await desk.add_department("街道办", viewer)
    await rule(desk, department)
    found = await where(desk, await desk.to("registered"))
    assert (found.department, found.officers) == ("街道办", [])
    listed = await call(desk.api, "GET", f"/v1/staff/{OFFICER}/departments")
    assert [(one["name"], [officer["name"] for officer in one["officers"]]) for one in listed] == [
        ("住建局", ["接访甲", "接访乙"]),
        ("街道办", []),
    ]


async def test_a_review_is_routed_to_somebody_else_than_who_gave_the_answer(desk: Desk) -> None:
    await rule(desk, desk.department)
    number = await desk.to("in_progress")
    await desk.act(number, "claim")
    await desk.act(number, "answer", **OPINION)
    await desk.say(number, "request_review", text="再看看。")
    found = await where(desk, number)
    assert (found.department, found.officer) == ("住建局", "接访乙")
    await desk.act(number, "assign", chat=ADMIN, department_id=found.department_id, officer_id=found.officer_id)
    # What the case itself weighs moves it to nobody else.
    for _ in range(2):
        assert (await where(desk, number)).officer == "接访乙"
        await desk.act(number, "assign", chat=ADMIN)


async def test_explained_is_who_is_away(desk: Desk) -> None:
    await rule(desk, desk.department)
    async with desk.factory.database.transaction() as session:
        await set_member(session, OPERATOR, desk.department, desk.officer, most_open=0)
    found = await where(desk, await desk.to("registered"))
    assert [(officer.name, officer.most_open) for officer in found.officers] == [("接访甲", 0), ("接访乙", None)]
    assert found.officer == "接访乙"
