"""What a load of a roll has news of, for exactly which families; the drafts that come of it, and who gets them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from api.agreements.models import Agreement
from api.broadcasts.audience import recipients
from api.broadcasts.counting import Asked, count_audience
from api.broadcasts.models import Broadcast, Mute
from api.broadcasts.schemas import Body, BroadcastIn, BroadcastState, NewsKind, Topic, TouchedBy
from api.broadcasts.service import content_of
from api.db import Database
from api.messages.models import Delivery
from api.messages.schemas import DraftsWait, NoticeKind
from api.messages.service import PAYLOAD
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from bot.cli.news_words import news_bodies
from locales import SUPPORTED
from locales.templates import used
from tests.api.imports import books
from tests.api.imports.conftest import Load, Look
from tests.factories import Factory

F, M, P, R = NewsKind.FORECAST, NewsKind.MILESTONE, NewsKind.PAYMENT, NewsKind.REGISTRATION
EXPECTED = {"预计交房": "2027年6月", "依据": "计划"}
CHANGES = (
    "SELECT c.import_id, c.kind, a.number, c.fact_id, c.before_id FROM import_changes c "
    "JOIN agreements a ON a.id = c.agreement_id ORDER BY c.import_id, c.kind, a.number, c.fact_id"
)
EXPECTATIONS = "SELECT id FROM forecasts WHERE building_id IS NOT NULL ORDER BY id"
NOW = datetime.now(UTC)
TODAY = NOW.date()

Books = Callable[..., Path]


@pytest.fixture
def book(folder: Path) -> Books:
    """A workbook of rows, as of the 20th of a month of 2026."""
    made = iter(range(1000))

    def write(rows: list[dict[str, Any]], month: int) -> Path:
        return books.xlsx(folder / f"{next(made)}.xlsx", rows, f"样本（截至2026年{month}月20日）")

    return write


@pytest.fixture
async def families(load: Load, book: Books) -> None:
    """Two families of building 2 (one of them buyers) and one of building 3, on file since August."""
    other = {"被安置人姓名": books.CHAN.name, "证件号码": books.CHAN.id_number, "联系电话": books.CHAN.phone}
    neighbour = books.relocation(协议编号="AZ-2020-003", 楼栋="3", **other)
    await load(book([books.relocation(), neighbour], 8), book([books.purchase()], 8))


async def touched(look: Look) -> list[tuple[str, str]]:
    return [(change["kind"], change["number"]) for change in await look(CHANGES)]


@pytest.mark.usefixtures("families")
async def test_a_slipped_date_touches_the_families_of_its_building(load: Load, look: Look, book: Books) -> None:
    both = [books.progress(**EXPECTED), books.progress(楼栋="3", **EXPECTED)]
    (report,) = await load(book(both, 9))
    assert report.touched == {}
    assert await touched(look) == [], "a first roll is no news"
    both[0] |= {"预计交房": "2027年9月"}
    (report,) = await load(book(both, 10))
    assert report.touched == {F: 2}
    forecasts = [row["id"] for row in await look(EXPECTATIONS)]
    changes = await look(CHANGES)
    assert [(c["number"], c["fact_id"], c["before_id"]) for c in changes] == [
        (number, forecasts[2], forecasts[0]) for number in ("AZ-2020-001", "GF-2019-001")
    ]
    both[0] |= {"说明": "电梯未到货"}
    for month in (10, 11):
        (report,) = await load(book(both, month))
        assert report.touched == {}, "the same date again, be it with a reason, is no other date"


@pytest.mark.usefixtures("families")
async def test_a_first_date_is_news_where_the_building_was_followed(load: Load, look: Look, book: Books) -> None:
    await load(book([books.progress()], 9))
    rows = [books.progress(**EXPECTED), books.progress(楼栋="3", **EXPECTED)]
    (report,) = await load(book(rows, 10))
    assert report.touched == {F: 2}
    assert {(c["number"], c["before_id"]) for c in await look(CHANGES)} == {
        ("AZ-2020-001", None),
        ("GF-2019-001", None),
    }


@pytest.mark.usefixtures("families")
async def test_dates_of_contracts_and_of_homes_that_are_handed_over_are_no_news(
    load: Load, look: Look, book: Books, database: Database
) -> None:
    await load(book([books.progress(**EXPECTED)], 9))
    async with database.transaction() as session:
        await session.execute(update(Agreement).where(Agreement.number == "AZ-2020-001").values(handed_over=True))
    await load(book([books.progress(**EXPECTED | {"依据": "合同约定", "预计交房": "2026年1月"})], 10))
    assert await touched(look) == []
    await load(book([books.progress(**EXPECTED | {"预计交房": "2028年1月"})], 11))
    assert await touched(look) == [("forecast", "GF-2019-001")]


@pytest.mark.usefixtures("families")
async def test_of_two_rolls_in_one_load_the_last_counts(load: Load, look: Look, book: Books) -> None:
    await load(book([books.progress(**EXPECTED)], 9))
    reports = await load(
        book([books.progress(**EXPECTED | {"预计交房": "2027年12月"})], 11),
        book([books.progress(**EXPECTED | {"预计交房": "2027年9月"})], 10),
    )
    assert [report.touched for report in reports] == [{}, {F: 2}]
    first, _, last = (row["id"] for row in await look(EXPECTATIONS))
    assert {(c["fact_id"], c["before_id"]) for c in await look(CHANGES)} == {(last, first)}


@pytest.mark.usefixtures("families")
async def test_two_rolls_of_a_first_load_are_no_news(load: Load, look: Look, book: Books) -> None:
    later = books.progress(**EXPECTED | {"预计交房": "2027年9月"})
    await load(book([books.progress(**EXPECTED)], 9), book([later], 10))
    assert await touched(look) == []


@pytest.mark.usefixtures("families")
async def test_a_milestone_is_news_once_it_is_reached(load: Load, look: Look, book: Books) -> None:
    planned = books.progress(节点="外立面", 计划日期="2026-10-01", 完成日期=None)
    await load(book([books.progress(), planned], 9))
    reached = planned | {"完成日期": "2026-10-03"}
    history = books.progress(节点="开工", 计划日期=None, 完成日期="2019-03-01")
    stopped = books.progress(节点="停工", 计划日期=None, 完成日期="2026-10-10")
    (report,) = await load(book([books.progress(), reached, history, stopped], 10))
    assert report.touched == {M: 2}
    told = "SELECT DISTINCT m.kind FROM import_changes c JOIN milestones m ON m.id = c.fact_id ORDER BY 1"
    assert [row["kind"] for row in await look(told)] == ["exterior", "suspended"], "not what happened long ago"
    (report,) = await load(book([books.progress(), reached | {"完成日期": "2026-10-04"}, history, stopped], 11))
    assert report.touched == {}, "a slip of the pen is no second completion"
    (report,) = await load(book([stopped | {"完成日期": "2026-11-25"}], 12))
    assert report.touched == {M: 2}, "a building may be stopped twice"


@pytest.mark.usefixtures("families")
async def test_payments_are_news_to_those_who_were_paid(load: Load, look: Look, book: Books) -> None:
    who = {"姓名": books.CHAN.name, "身份证号码": books.CHAN.id_number, "协议编号": "AZ-2020-003"}
    await load(book([books.fee(), books.fee(**who, 支付日期=None, 备注="未发放")], 8))
    assert await touched(look) == []
    later = {"起止时间": "2026.7-2026.12", "支付日期": "2026-10-12", "支付批次": "2026年第3批"}
    long_ago = {"起止时间": "2020.1-2020.6", "支付日期": "2020-07-20", "支付批次": "2020年第2批"}
    rows = [books.fee(), books.fee(**later), books.fee(**long_ago)]
    (report,) = await load(book(rows, 10))
    assert report.touched == {P: 1}
    told = await look("SELECT e.paid_on, e.amount FROM import_changes c JOIN ledger_entries e ON e.id = c.fact_id")
    assert [row["paid_on"] for row in told] == [date(2026, 10, 12)], "not what was paid long ago"
    (report,) = await load(book([*rows, books.fee(**who, 支付日期="2026-11-02")], 11))
    assert report.touched == {P: 1}, "what was unpaid is paid"
    assert (await touched(look))[-1] == ("payment", "AZ-2020-003")
    (report,) = await load(book([*rows, books.fee(**who, 支付日期="2026-11-02")], 12))
    assert report.touched == {}


@pytest.mark.usefixtures("families")
async def test_another_stage_of_a_registration_is_news(load: Load, look: Look, book: Books) -> None:
    done = books.purchase(办证状态="办理中")
    (report,) = await load(book([done], 9))
    assert report.touched == {R: 1}
    # Another family that comes on file with all of its facts is told nothing.
    new = books.purchase(
        合同编号="GF-2026-009",
        买受人=books.DAN.name,
        证件号码=books.DAN.id_number,
        联系电话=books.DAN.phone,
        房号="1803",
    )
    (report,) = await load(book([done, new], 10))
    assert report.touched == {}
    assert await touched(look) == [("registration", "GF-2019-001")]


@pytest.mark.usefixtures("families")
async def test_a_dry_run_tells_whom_it_would_touch_and_leaves_nothing(load: Load, look: Look, book: Books) -> None:
    await load(book([books.progress(**EXPECTED)], 9), news_bodies=news_bodies())
    slipped = book([books.progress(**EXPECTED | {"预计交房": "2027年9月"})], 10)
    (report,) = await load(slipped, dry_run=True, news_bodies=news_bodies())
    assert report.touched == {F: 2}
    assert await touched(look) == []
    assert await look("SELECT 1 FROM broadcasts") == []
    (report,) = await load(slipped, news_bodies=news_bodies())
    assert report.touched == {F: 2}
    assert len(await look("SELECT 1 FROM broadcasts")) == 1


# --- drafts ---


async def account(factory: Factory, chat_id: int, *roles: StaffRole, **values: Any) -> None:
    name = factory.vault.seal("staff.name", "Invented")
    await factory.add(StaffAccount(name=name, roles=[*roles], chat_id=chat_id, **values))


async def agreement(factory: Factory, number: str) -> Agreement:
    async with factory.database.transaction() as session:
        return (await session.scalars(select(Agreement).where(Agreement.number == number))).one()


@pytest.mark.usefixtures("families")
async def test_each_kind_of_news_has_a_draft_and_publishers_hear_of_it(
    load: Load, book: Books, factory: Factory, database: Database
) -> None:
    await account(factory, 11, StaffRole.PUBLISHER, StaffRole.VIEWER)
    await account(factory, 12, StaffRole.APPROVER)
    planned = books.progress(节点="外立面", 完成日期=None, **EXPECTED)
    await load(book([planned], 9), news_bodies=news_bodies())
    changed = planned | {"完成日期": "2026-10-03", "预计交房": "2027年9月"}
    await load(book([changed], 10), book([books.purchase(办证状态="办理中")], 10), news_bodies=news_bodies())
    async with database.transaction() as session:
        drafts = [*await session.scalars(select(Broadcast).order_by(Broadcast.topic))]
        told = [*await session.scalars(select(Delivery).where(Delivery.kind == NoticeKind.DRAFTS_WAIT))]
    assert {draft.topic for draft in drafts} == {Topic.HANDOVER, Topic.PROGRESS, Topic.REGISTRATION}
    for draft in drafts:
        assert (draft.state, draft.author_id) == (BroadcastState.DRAFT, None)
        content = content_of(draft)
        assert isinstance(content.audience, TouchedBy)
        assert content.audience.import_id == draft.import_id
        assert set(content.bodies) == {*SUPPORTED}
        assert all({"news", "number"} == used(body.text) for body in content.bodies.values())
    assert [delivery.chat_id for delivery in told] == [11]
    assert told[0].payload is not None
    notice = DraftsWait.model_validate(factory.vault.open_json(PAYLOAD, told[0].payload))
    assert {(draft.broadcast_id, draft.news, draft.families) for draft in notice.drafts} == {
        (draft.id, NewsKind(str(draft.audience and draft.audience["kind"])), families)
        for draft, families in zip(drafts, (2, 2, 1), strict=True)
    }


async def chats_of(database: Database, import_id: int, topic: Topic = Topic.HANDOVER) -> dict[int, list[int]]:
    rule = TouchedBy(import_id=import_id, kind=NewsKind.FORECAST)
    async with database.transaction() as session:
        found = await session.execute(recipients(rule, TODAY, topic, import_id=import_id))
        return {row.chat_id: row.agreement_ids for row in found}


@pytest.mark.usefixtures("families")
async def test_who_asked_to_be_told_of_a_new_date_is_told_also_when_muted(
    load: Load, look: Look, book: Books, factory: Factory, database: Database
) -> None:
    """Their wish stands on the page of the handover, which promises it; muting the topic says nothing of it there."""
    one, other = await agreement(factory, "AZ-2020-001"), await agreement(factory, "GF-2019-001")
    reader, muted, watcher, stranger = 21, 22, 23, 24
    for chat_id in (reader, muted, watcher):
        await factory.link(chat_id, one)
    await factory.link(watcher, other)
    await factory.link(stranger, await agreement(factory, "AZ-2020-003"))
    for chat_id in (muted, watcher):
        await factory.add(Mute(chat_id=chat_id, topic=Topic.HANDOVER))
    await factory.watch(watcher, one)
    await load(book([books.progress(**EXPECTED)], 9))
    await load(book([books.progress(**EXPECTED | {"预计交房": "2027年9月"})], 10))
    (last,) = await look("SELECT max(id) AS id FROM imports")
    assert await chats_of(database, last["id"]) == {reader: [one.id], watcher: [one.id]}
    content = BroadcastIn(
        topic=Topic.HANDOVER,
        audience=TouchedBy(import_id=last["id"], kind=NewsKind.FORECAST),
        bodies={"zh_CN": Body(text="{news}")},
    )
    async with database.transaction() as session:
        asked = Asked(content, import_id=last["id"])
        count = await count_audience(session, asked, TODAY, NOW)
    assert (count.chats, count.muted, count.agreements, count.unreachable) == (2, 1, 2, 0)


@pytest.mark.usefixtures("families")
async def test_a_wish_about_the_date_does_not_unmute_other_topics(
    load: Load, look: Look, book: Books, factory: Factory, database: Database
) -> None:
    one = await agreement(factory, "AZ-2020-001")
    await factory.link(31, one)
    await factory.watch(31, one)
    await factory.add(Mute(chat_id=31, topic=Topic.PROGRESS))
    await load(book([books.progress(节点="外立面", 完成日期=None)], 9))
    await load(book([books.progress(节点="外立面", 完成日期="2026-10-03")], 10))
    (last,) = await look("SELECT max(id) AS id FROM imports")
    rule = TouchedBy(import_id=last["id"], kind=NewsKind.MILESTONE)
    async with database.transaction() as session:
        found = await session.execute(recipients(rule, TODAY, Topic.PROGRESS, import_id=last["id"]))
        assert found.all() == []
