"""GET /v1/chats/{chat_id}/data: everything that is kept about a chat, and nothing that is not for it."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select, update

from api.agreements.models import Agreement
from api.audit.actors import Actor
from api.audit.models import AuditEvent
from api.audit.service import record
from api.broadcasts.schemas import Topic
from api.chats.models import Link
from api.db import Database
from api.identity.schemas import ConsentKind, LinkMethod, LinkRole, LinkScope
from api.messages.schemas import NoticeKind
from api.rights.schemas import MAX_COPIES, MyDataOut
from api.settings import Settings
from api.staff.models import StaffAccount
from tests.api.calls import by_agreement, by_code, by_phone, call, prove, upload
from tests.api.desk import Desk
from tests.factories import Factory
from tests.invented import Invented

pytestmark = pytest.mark.security("A person sees all that is kept, and can have it erased")

CHAT, CHILD, NEIGHBOUR = 700_100_201, 700_100_202, 700_100_203
TYPED = "三楼漏水"


class Family:
    who: Invented
    agreement: Agreement
    room: str


@pytest.fixture
async def family(api: aiohttp.ClientSession, factory: Factory) -> Family:
    family = Family()
    family.who = factory.invented()
    unit = await factory.unit()
    family.room = unit.room
    family.agreement = await factory.agreement(people=[await factory.person(family.who)], units=[unit])
    for month in range(1, 13):
        start = date(2025, month, 1)
        await factory.ledger_entry(family.agreement, f"{8800 + month}.00", period=(start, start + timedelta(days=27)))
    await factory.transition_fee(family.agreement)
    await factory.forecast(await factory.building(), date(2027, 6, 30))
    # Somebody else's home, of which nothing may appear.
    other = factory.invented()
    neighbours = await factory.agreement(
        people=[await factory.person(other)], units=[await factory.unit()], number="NEIGHBOUR-1"
    )
    await factory.ledger_entry(neighbours, "7654321.00")
    await prove(api, NEIGHBOUR, by_phone(other.phone, other.id_number[-4:]))
    await prove(api, CHAT, by_agreement(family.agreement.number, family.who.name, "00000X"), 403)
    await prove(api, CHAT, by_phone(family.who.phone, family.who.id_number[-4:]))
    return family


async def copy(api: aiohttp.ClientSession, chat_id: int = CHAT) -> MyDataOut:
    """As the schema has it: no field is missing, and none is there that the schema does not know."""
    async with api.get(f"/v1/chats/{chat_id}/data") as response:
        body = await response.text()
        assert response.status == 200, body
    data = MyDataOut.model_validate_json(body)
    assert json.loads(body.replace("+00:00", "Z")) == data.model_dump(mode="json")
    return data


async def test_everything_is_there(
    api: aiohttp.ClientSession, factory: Factory, settings: Settings, family: Family
) -> None:
    at = f"/v1/chats/{CHAT}"
    draft = {"id": "dialog-0002", "name": "complaint.text", "data": {"text": "写了一半"}}
    await call(api, "PUT", at, json={"version": 0, "locale": "zh_CN", "dialog": draft})
    await call(api, "PUT", f"{at}/agreements/{family.agreement.id}/handover-watch")
    await call(api, "PUT", f"{at}/mutes", 204, json={"topics": ["progress", "news"]})
    for key in ("upload-0001", "upload-0002"):
        file = await upload(api, CHAT, filename=f"{key}.png", upload_key=key)
    case = {
        "category": "quality",
        "agreement_id": family.agreement.id,
        "text": TYPED,
        "attachment_ids": [file["id"]],
        "location": {"latitude": 30.5, "longitude": 114.3},
    }
    filed = await call(api, "POST", f"{at}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    more = {"action": "add", "text": "又漏了一次"}
    path = f"{at}/cases/{filed['number']}/actions"
    await call(api, "POST", path, json=more, headers={"Idempotency-Key": "dialog-0004"})
    asked = {"kind": "phone_changed", "text": "换了手机号"}
    await call(api, "POST", f"{at}/access-requests", 201, json=asked, headers={"Idempotency-Key": "dialog-0003"})
    codes = f"{at}/agreements/{family.agreement.id}/codes"
    code = await call(api, "POST", codes, 201, json={"scope": "progress"})
    await prove(api, CHILD, by_code(code["code"]))
    await call(api, "DELETE", f"{at}/consents/id_number", 204)

    data = await copy(api)

    assert data.chat is not None
    assert (data.chat.locale, data.chat.gone) == ("zh_CN", False)
    assert data.chat.dialog is not None
    assert data.chat.dialog.data == {"text": "写了一半"}
    assert [(link.role, link.this_chat) for link in data.links.links] == [
        (LinkRole.HOLDER, True),
        (LinkRole.RELATIVE, False),
    ]
    assert [unit.room for home in data.homes for unit in home.units] == [family.room]
    assert data.payments[0].transition_fee is not None
    [ledger] = data.ledgers
    assert (len(ledger.entries), ledger.total_count, ledger.next_cursor) == (12, 12, None)
    assert [one.watching for one in data.handover] == [True]
    assert data.muted == [Topic.NEWS, Topic.PROGRESS]
    [complaint] = data.cases
    assert (complaint.number, complaint.text) == (filed["number"], TYPED)
    assert complaint.location is not None
    assert [(step.kind, step.text) for step in complaint.history] == [("received", ""), ("added", "又漏了一次")]
    assert [stored.filename for stored in complaint.files] == ["upload-0002.png"]
    assert [stored.filename for stored in data.files] == ["upload-0001.png"]
    assert [(one.kind, one.withdrawn_at is None) for one in data.consents] == [
        (ConsentKind.NOTICE, True),
        (ConsentKind.ID_NUMBER, False),
    ]
    assert [(request.kind, request.text) for request in data.requests] == [("phone_changed", "换了手机号")]
    assert [(one.scope, one.used_at is not None) for one in data.codes] == [(LinkScope.PROGRESS, True)]
    assert [notice.kind for notice in data.notices] == [NoticeKind.NEW_LINK]
    assert (data.tries.count, data.tries.wrong) == (2, 1)
    assert not data.is_staff
    assert data.kept_days.consents == settings.retention_consents_days


async def test_nobody_elses_data_and_no_whole_name_number_or_phone(
    api: aiohttp.ClientSession, factory: Factory, family: Family
) -> None:
    body = (await copy(api)).model_dump_json()
    for secret in ("NEIGHBOUR-1", "7654321", family.who.name, family.who.id_number[:14], family.who.phone):
        assert secret not in body
    assert f"{family.who.name[0]}*" in body


async def test_progress_alone_shows_no_money_number_or_name(
    api: aiohttp.ClientSession, factory: Factory, family: Family
) -> None:
    await factory.link(
        CHILD, family.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE, scope=LinkScope.PROGRESS
    )
    await call(api, "GET", f"/v1/chats/{CHAT}/payments")
    data = await copy(api, CHILD)
    assert len(data.homes) == len(data.handover) == 1
    assert (data.payments, data.ledgers, data.views) == ([], [], [])
    assert family.agreement.number not in data.model_dump_json()
    assert "88" not in re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+", "", data.model_dump_json(include={"homes", "handover"}))


async def test_what_was_seen_once_is_told_without_what_it_shows_now(
    api: aiohttp.ClientSession, factory: Factory, family: Family
) -> None:
    case = {"category": "quality", "agreement_id": family.agreement.id, "text": TYPED}
    at = f"/v1/chats/{CHAT}"
    await call(api, "POST", f"{at}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    [link] = (await call(api, "GET", f"{at}/links"))["links"]
    await call(api, "DELETE", f"{at}/links/{link['id']}", 204)
    data = await copy(api)
    assert (data.homes, data.payments, data.links.links) == ([], [], [])
    assert [ended.agreement.number for ended in data.ended_links] == [family.agreement.number]
    assert data.ended_links[0].agreement.holder == ""
    # One's own words stay one's own.
    assert [complaint.text for complaint in data.cases] == [TYPED]


async def test_who_looked_is_told_by_office_not_by_name(
    api: aiohttp.ClientSession, factory: Factory, database: Database, family: Family
) -> None:
    officer = await factory.add(
        StaffAccount(name=factory.vault.seal("staff.name", "李接访"), roles=["case_officer", "viewer"], chat_id=99_001)
    )
    async with database.transaction() as session:
        for _ in range(3):
            await record(session, Actor.staff(officer.id), "homes.seen", "agreement", [family.agreement.id])
        # Another home is not this person's business.
        await record(session, Actor.staff(officer.id), "ledger.seen", "agreement", [family.agreement.id + 1])
    await factory.link(CHILD, family.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await call(api, "GET", f"/v1/chats/{CHILD}/payments")
    data = await copy(api)
    told = [(view.who, sorted(view.roles), view.action, view.times) for view in data.views]
    assert ("staff", ["case_officer", "viewer"], "homes.seen", 3) in told
    assert ("chat", [], "payments.seen", 1) in told
    assert not [view for view in data.views if view.action == "ledger.seen"]
    body = data.model_dump_json(include={"views"})
    assert "李接访" not in body
    assert str(CHILD) not in body
    # A relative is not told what the holder looks at.
    assert not [view for view in (await copy(api, CHILD)).views if view.who == "chat"]


async def test_it_is_recorded_and_not_more_than_a_few_times_a_day(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    for _ in range(MAX_COPIES):
        await copy(api)
    refused = await call(api, "GET", f"/v1/chats/{CHAT}/data", 409)
    assert (refused["code"], refused["details"]) == ("too_many", {"max": MAX_COPIES})
    # Forgetting is no way around it, and another's copies do not count.
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    await call(api, "GET", f"/v1/chats/{CHAT}/data", 409)
    await copy(api, NEIGHBOUR)
    async with database.reading() as reader:
        copies = await reader.execute(
            select(AuditEvent.actor_id, AuditEvent.object_kind, AuditEvent.object_id).where(
                AuditEvent.action == "data.copied"
            )
        )
    assert [tuple(row) for row in copies] == [(CHAT, "chat", CHAT)] * MAX_COPIES + [(NEIGHBOUR, "chat", NEIGHBOUR)]


async def test_a_chat_that_never_wrote(api: aiohttp.ClientSession) -> None:
    data = await copy(api, 123_456)
    assert data.chat is None
    nothing: list[Any] = [data.homes, data.cases, data.consents, data.requests, data.views, data.links.links]
    assert not any(nothing)


async def test_staff_is_told_that_it_is_staff(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.add(StaffAccount(name=factory.vault.seal("staff.name", "Invented"), roles=["viewer"], chat_id=CHAT))
    assert (await copy(api)).is_staff


async def test_who_looked_before_the_home_was_this_familys_is_not_told(
    api: aiohttp.ClientSession, factory: Factory, database: Database, family: Family
) -> None:
    before = datetime.now(UTC) + timedelta(hours=1)
    async with database.transaction() as session:
        await record(session, Actor.chat(NEIGHBOUR), "payments.seen", "agreement", [family.agreement.id])
    assert (await copy(api)).views
    async with database.transaction() as session:
        await session.execute(update(Link).where(Link.chat_id == CHAT).values(linked_at=before))
    assert not (await copy(api)).views


async def test_the_offices_words_are_for_who_sees_the_home(
    api: aiohttp.ClientSession, factory: Factory, family: Family, desk: Desk
) -> None:
    """What a chat wrote is its own for good; what the office answered is not, once it is shut out."""
    desk.agreement = family.agreement
    number = await desk.file(chat=CHAT)
    for action in ("register", "accept"):
        await desk.act(number, action)
    await desk.act(number, "answer", text="每月过渡费1470元已补发。", outcome="supported")
    shown = json.dumps(await call(api, "GET", f"/v1/chats/{CHAT}/data"), ensure_ascii=False)
    assert "1470" in shown
    async with factory.database.transaction() as session:
        await session.execute(update(Link).where(Link.chat_id == CHAT).values(scope=LinkScope.PROGRESS))
    shown = json.dumps((await call(api, "GET", f"/v1/chats/{CHAT}/data"))["cases"], ensure_ascii=False)
    assert "1470" not in shown
    assert family.agreement.number not in shown
    assert number in shown
