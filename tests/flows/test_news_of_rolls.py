"""From a roll with a slipped date to the families whom it touches, and to nobody else: drafted, approved, told in three
languages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import locales
from api.agreements.models import Agreement
from api.broadcasts.models import Broadcast, Mute
from api.broadcasts.schemas import Body, NewsKind, Topic
from api.broadcasts.sending import start
from api.imports.service import LoadOptions, load_rolls
from api.settings import Settings
from api.staff.schemas import StaffRole
from bot.cli.news_words import news_bodies
from locales.text import END, ISOLATE
from tests.api.imports import books
from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.office import Office, office
from tests.people import Person

__all__ = ["office"]

GUESTS = Path(__file__).parent.parent / "locales" / "guests"


@pytest.fixture(autouse=True)
def arabic() -> Iterator[None]:
    with locales.guests(GUESTS, "ar"):
        yield


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """At any hour of the day."""
    return settings.model_copy(update={"quiet_from": 0, "quiet_until": 0})


@pytest.fixture
def load(factory: Factory, tmp_path: Path) -> Any:
    """Loads a roll of buildings' progress as of the 20th of a month of 2026: of each building when the keys come."""
    bodies = news_bodies()
    bodies[NewsKind.FORECAST]["ar"] = Body(text="خبر عن المنزل {home}: {news}")

    async def run(month: int, **expected: str) -> None:
        rows = [books.progress(楼栋=name.strip("_"), 预计交房=when, 依据="计划") for name, when in expected.items()]
        path = books.xlsx(tmp_path / f"{month}.xlsx", rows, f"进度表（截至2026年{month}月20日）")
        [report] = await load_rolls(factory.database, factory.vault, [path], options=LoadOptions(news_bodies=bodies))
        assert not report.errors

    return run


async def reader(system: System, factory: Factory, building: str, language: str) -> tuple[Person, Agreement]:
    """Of a family of that building, who has written before."""
    unit = await factory.unit(await factory.building(building))
    person, agreement = await system.person("读者", language=language), await factory.agreement(units=[unit])
    await factory.link(person.id, agreement)
    await person.send("/start")
    await person.expect_any()
    return person, agreement


async def test_a_slipped_date_reaches_exactly_the_families_whom_it_touches(
    system: System, factory: Factory, office: Office, load: Any
) -> None:
    sam, _ = await reader(system, factory, "2", "en")
    ali, _ = await reader(system, factory, "2", "ar")
    muted, _ = await reader(system, factory, "2", "zh-hans")
    watcher, watched = await reader(system, factory, "2", "en")
    neighbour, _ = await reader(system, factory, "3", "zh-hans")
    for person in (muted, watcher):
        await factory.add(Mute(chat_id=person.id, topic=Topic.HANDOVER))
    await factory.watch(watcher.id, watched)
    publisher = await office.hire("发布人", StaffRole.PUBLISHER)
    approver = await office.hire("审批人", StaffRole.APPROVER)
    await office.resident.send("/start")
    await office.resident.expect_any()
    await publisher.send("/staff")
    await publisher.expect_button("📣 群发")
    await load(9, _2="2099年6月", _3="2099年6月")
    await load(10, _2="2099年9月", _3="2099年6月")

    await publisher.expect("新导入的台账里有要告诉住户的变化", "交房时间：", "来源：进度表")
    await publisher.tap("打开：交房时间")
    await publisher.expect("草稿")
    await publisher.tap("提交审批")
    await publisher.tap("确定提交")
    await approver.send("/staff")
    await approver.tap("📣 群发")
    await approver.tap("等待审批")
    await approver.tap("群发")
    await approver.tap("✅ 批准")
    await approver.tap("确定批准")
    await approver.expect("已批准")
    async with factory.database.transaction() as session:
        draft = (await session.scalars(select(Broadcast))).one()
        now = datetime.now(UTC)
        assert await start(session, draft.id, now.date(), now) == 4

    news = await office.resident.expect("您家的交房时间有新消息", "2099年6月，现在是2099年9月", "来源：专班通报第12号")
    assert news.protected
    await sam.expect("There is news of your handover date", "June 2099 → September 2099")
    await watcher.expect("There is news of your handover date")
    told = await ali.expect("خبر عن المنزل")
    assert f"{ISOLATE}A3-一期-2-" in told.text
    assert told.text.count(ISOLATE) == told.text.count(END)
    await system.quiet()
    for person in (muted, neighbour):
        await person.refresh()
        assert not any("交房时间有新消息" in text for text in person.said())
