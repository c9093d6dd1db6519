"""A town with a publisher, an approver, and families in two languages, for tests of broadcasts in the chat."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import BroadcastState
from api.broadcasts.sending import finish, settle, start
from api.settings import Settings
from api.staff.schemas import StaffRole
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.office import Office
from tests.people import Message, Person


class Town:
    """``resident`` reads Chinese, ``sam`` English; a third family has no chat. A date is published for their building.
    ``office`` hires people."""

    def __init__(self, office: Office, factory: Factory, first: Household, second: Household, sam: Person) -> None:
        self.office = office
        self.factory = factory
        self.resident = office.resident
        self.sam = sam
        self.first = first
        self.second = second

    @property
    def families(self) -> Sequence[Person]:
        return (self.resident, self.sam)

    async def newest(self) -> Broadcast:
        async with self.factory.database.transaction() as session:
            return (await session.scalars(select(Broadcast).order_by(Broadcast.id.desc()).limit(1))).one()

    async def begin(self) -> int:
        """What the worker does when a broadcast is approved; how many messages there are."""
        async with self.factory.database.transaction() as session:
            return await self.begin_in(session)

    async def begin_in(self, session: AsyncSession) -> int:
        """As :meth:`begin`, in one transaction with something else."""
        broadcast, now = await self.newest(), datetime.now(UTC)
        total = await start(session, broadcast.id, now.date(), now)
        assert total is not None
        return total

    async def pause_in(self, session: AsyncSession, broadcast_id: int) -> None:
        """Somebody pauses it, in one transaction with something else."""
        await session.execute(
            update(Broadcast)
            .where(Broadcast.id == broadcast_id)
            .values(state=BroadcastState.PAUSED, version=Broadcast.version + 1)
        )

    async def late_family(self) -> Person:
        """Somebody who is linked to an agreement only now."""
        person = await self.office.system.person("后来的")
        family = await new_household(self.factory)
        await self.factory.link(person.id, family.agreement)
        # Telegram lets a bot write to nobody who has not written first.
        await person.send("/start")
        await person.expect_button("交房")
        return person

    async def settle(self) -> None:
        """What the worker does with what was cancelled."""
        broadcast = await self.newest()
        async with self.factory.database.transaction() as session:
            await settle(session, broadcast.id)
            await finish(session, [broadcast.id])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """At any hour of the day, at a pace that nobody here runs into."""
    night = night_of(settings)
    quiet = {"quiet_from": night, "quiet_until": (night + 1) % 24}
    return settings.model_copy(update=quiet | {"send_rate": 1000.0, "send_burst": 100.0})


def night_of(settings: Settings) -> int:
    """The hour in which these tests take it for night: it is far from now."""
    return (datetime.now(settings.timezone).hour + 12) % 24


@pytest.fixture
async def town(system: System, factory: Factory, household: Household, office: Office) -> Town:
    building = await factory.building()
    await factory.forecast(building, date(2099, 6, 30))
    other = await new_household(factory)
    sam = await system.person("Sam", language="en")
    await factory.link(sam.id, other.agreement)
    for person, word in ((office.resident, "交房"), (sam, "Handover")):
        # From then on their language is known.
        await person.send("/start")
        await person.expect_button(word)
    await new_household(factory)
    return Town(office, factory, household, other, sam)


@pytest.fixture
async def publisher(town: Town) -> Person:
    return await town.office.hire("发布人", StaffRole.PUBLISHER)


@pytest.fixture
async def approver(town: Town) -> Person:
    return await town.office.hire("审批人", StaffRole.APPROVER)


async def tap(person: Person, *labels: str) -> None:
    """One after the other, each on what the one before has brought."""
    for label in labels:
        await person.refresh()
        await person.tap(label)
    await person.refresh()


async def open_broadcasts(person: Person) -> None:
    await person.send("/staff")
    menu = await person.expect(person.name, "角色")
    await person.tap("📣 群发", on=menu)
    await person.expect("另一位同事审批")


async def draft(person: Person, *, topic: str = "一般通知") -> Message:
    await open_broadcasts(person)
    await person.tap("新建群发")
    await person.tap(topic)
    return await person.expect("草稿已建好", "还没有选")


async def write(person: Person, text: str, language: str = "简体中文") -> None:
    await person.tap("内容和按钮")
    await person.tap(language)
    await person.expect("请发内容")
    await person.send(text)
    await person.expect("内容已保存")
    await person.tap("返回这条群发")
    await person.expect("目前：")


async def choose_everybody(person: Person) -> None:
    await person.tap("发给谁")
    await person.tap("所有住户")
    await person.expect("发给：所有住户")
    await person.tap("返回这条群发")
    await person.expect("目前：")


async def submit(person: Person) -> None:
    await person.tap("提交审批")
    await person.expect("提交审批吗")
    await person.tap("确定提交")
    await person.expect("等另一位同事审批")


async def submitted(person: Person, text: str = "{name}您好，{handover}", *, topic: str = "一般通知") -> None:
    """A broadcast to everybody, in Chinese, that waits for approval."""
    await draft(person, topic=topic)
    await choose_everybody(person)
    await write(person, text)
    await submit(person)


async def open_submitted(person: Person) -> Message:
    await open_broadcasts(person)
    await person.expect("有群发等着审批")
    await person.tap("⏳ 等待审批")
    shelf = await person.expect("等待审批", "号 · ")
    await person.tap("群发", on=shelf)
    return await person.expect("目前：⏳ 等待审批")


async def approve(person: Person) -> None:
    await open_submitted(person)
    await person.tap("✅ 批准")
    await person.expect("批准吗")
    await person.tap("确定批准")
    await person.expect("已批准")


async def open_broadcast(person: Person, shelf: str) -> Message:
    """The newest of a shelf."""
    await open_broadcasts(person)
    await person.tap(shelf)
    page = await person.expect(shelf, "号 · ")
    await person.tap("群发", on=page)
    return await person.expect("目前：")
