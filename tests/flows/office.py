"""The office in the chat: departments, officers with a phone, and families whose complaints are filed over the API."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select, update

from api.cases.models import Case, CaseClock
from api.staff.schemas import StaffRole
from tests.api.desk import Desk
from tests.conftest import SERVICE_TOKEN
from tests.days import office_day
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.people import Message, Person


class Office(Desk):
    """Complaints are those of ``resident``, unless another chat is named."""

    def __init__(
        self, api: aiohttp.ClientSession, factory: Factory, system: System, household: Household, resident: Person
    ) -> None:
        super().__init__(api, factory)
        self.system = system
        self.agreement = household.agreement
        self.resident = resident
        self.accounts: dict[int, int] = {}

    async def filed(self, **values: Any) -> str:
        """A new complaint of the resident's; its number."""
        return await self.file(chat=self.resident.id, **values)

    async def hire(self, name: str = "接访甲", *roles: StaffRole, language: str = "zh-hans") -> Person:
        """Somebody of the office, whose Telegram acts for an account."""
        person = await self.system.person(name, language=language)
        self.accounts[person.id] = await self.account(person.id, *roles or [StaffRole.CASE_OFFICER], name=name)
        return person

    async def unit_of(self, name: str, *people: Person, supervisor: Person | None = None) -> int:
        """A department of these officers."""
        ids = [self.accounts[person.id] for person in people]
        return await self.add_department(name, *ids, supervisor=self.accounts[supervisor.id] if supervisor else None)

    async def leave(self, number: str, days: int) -> None:
        """As if it had been received so much earlier that so many days are left until something is due (below 0: it is
        overdue). A last day rolls over a weekend, so it is counted back from there."""
        async with self.factory.database.transaction() as session:
            case_id, due_on = (await session.execute(select(Case.id, Case.due_on).where(Case.number == number))).one()
            assert due_on is not None
            earlier = due_on - office_day() - timedelta(days)
            await session.execute(update(Case).where(Case.id == case_id).values(due_on=due_on - earlier))
            await session.execute(
                update(CaseClock)
                .where(CaseClock.case_id == case_id)
                .values(started_on=CaseClock.started_on - earlier, last_day=CaseClock.last_day - earlier)
            )


async def open_case(person: Person, number: str) -> Message:
    """By /staff, complaints, its number."""
    await person.send("/staff")
    await person.tap("信访件")
    await person.tap("按编号")
    await person.expect("请发信访件编号")
    await person.send(number)
    return await person.expect(number, "目前：")


def number_in(message: Message) -> str:
    found = re.search(r"\d{4}-\d{6}", message.text)
    assert found is not None
    return found[0]


@pytest.fixture
async def office(system: System, factory: Factory, household: Household, resident: Person) -> AsyncIterator[Office]:
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with aiohttp.ClientSession(system.api_url, headers=headers) as api:
        yield Office(api, factory, system, household, resident)


async def begin_answer(officer: Person, number: str, text: str) -> None:
    """The officer has written an answer, and neither looked at it nor sent it."""
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("予以支持")
    await officer.send(text)
    await officer.expect("已收到")
