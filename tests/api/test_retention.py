"""What is outdated is deleted, what is not stays, and how much it was stays on record."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from sqlalchemy import func, select, text, update

from api import retention
from api.agreements.models import Agreement
from api.audit.models import AuditEvent
from api.broadcasts.models import Mute
from api.broadcasts.schemas import Topic
from api.cases.store import AttachmentStore
from api.chats.models import Chat, HandoverWatch, Link
from api.chats.roll_changes import extend_links
from api.db import Base, Database
from api.identity import limits
from api.identity.models import AccessRequest, Consent, LinkCode, VerificationAttempt
from api.identity.schemas import (
    AccessRequestKind,
    AccessRequestState,
    ConsentKind,
    LinkMethod,
    LinkRole,
)
from api.jobs import Job, JobState, enqueue
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState, NoticeKind
from api.retention import RULES, Erasure, apply_retention, erase_outdated, kept_days
from api.settings import Settings
from api.staff.models import StaffAccount, StaffCode
from tests.api.calls import call
from tests.api.test_jobs import until, working
from tests.factories import Factory

pytestmark = pytest.mark.security("Nothing is kept longer than its purpose takes")

NOW = datetime.now(UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


async def rows(database: Database, model: type[Base]) -> int:
    async with database.reading() as reader:
        return int((await reader.execute(select(func.count()).select_from(model))).scalar_one())


async def erase(database: Database, settings: Settings) -> dict[str, int]:
    return {kind: count async for kind, count in erase_outdated(database.transaction, settings, NOW) if count}


Make = Callable[[Factory, Agreement, float], Any]


async def _attempt(factory: Factory, agreement: Agreement, days: float) -> None:
    await factory.add(VerificationAttempt(chat_id=1, succeeded=False, attempted_at=days_ago(days)))


async def _delivery(factory: Factory, agreement: Agreement, days: float) -> None:
    sent = {"state": DeliveryState.SENT, "finished_at": days_ago(days)}
    await factory.add(Delivery(chat_id=1, kind=NoticeKind.NEW_LINK, **sent))


async def _ended_link(factory: Factory, agreement: Agreement, days: float) -> None:
    ended = {"role": LinkRole.HOLDER, "method": LinkMethod.PHONE, "revoked_at": days_ago(days)}
    await factory.add(Link(chat_id=int(days), agreement_id=agreement.id, **ended))


async def _disused_link(factory: Factory, agreement: Agreement, days: float) -> None:
    await factory.link(int(days), agreement, expires_on=days_ago(days).date())


async def _watch(factory: Factory, agreement: Agreement, days: float) -> None:
    await factory.add(HandoverWatch(chat_id=int(days), agreement_id=agreement.id, created_at=days_ago(days)))


async def _code(factory: Factory, agreement: Agreement, days: float) -> LinkCode:
    over = {"issued_by": "test", "expires_at": days_ago(days)}
    return await factory.add(LinkCode(code_index=f"{days}".encode(), agreement_id=agreement.id, **over))


async def _used_code(factory: Factory, agreement: Agreement, days: float) -> LinkCode:
    used = {"issued_by": "test", "expires_at": NOW + timedelta(days=9), "used_at": days_ago(days)}
    return await factory.add(LinkCode(code_index=f"{days}".encode(), agreement_id=agreement.id, **used))


async def _staff_code(factory: Factory, agreement: Agreement, days: float) -> None:
    account = await factory.add(StaffAccount(name=factory.vault.seal("staff.name", "Invented"), roles=["viewer"]))
    await factory.add(StaffCode(staff_id=account.id, code_index=f"{days}".encode(), expires_at=days_ago(days)))


async def _consent(factory: Factory, agreement: Agreement, days: float) -> None:
    await factory.add(
        Consent(chat_id=1, kind=ConsentKind.NOTICE, version="1", withdrawn_at=days_ago(days), given_at=days_ago(9999))
    )


async def _request(factory: Factory, agreement: Agreement, days: float) -> None:
    text = factory.vault.seal("access_request.text", "…")
    handled = {"state": AccessRequestState.DECLINED, "handled_at": days_ago(days)}
    key = f"key-{days}"
    await factory.add(AccessRequest(chat_id=1, idempotency_key=key, kind=AccessRequestKind.OTHER, text=text, **handled))


async def _chat(factory: Factory, agreement: Agreement, days: float) -> None:
    await factory.add(Chat(id=int(days), locale="zh_CN", version=1, saved_at=days_ago(days)))


async def _mute(factory: Factory, agreement: Agreement, days: float) -> None:
    await factory.add(Mute(chat_id=int(days), topic=Topic.NEWS, created_at=days_ago(days)))


async def _job(factory: Factory, agreement: Agreement, days: float) -> None:
    done = {"state": JobState.DONE, "finished_at": days_ago(days)}
    await factory.add(Job(task="retention", arguments={}, **done))


CASES: list[tuple[str, str, type[Base], Make]] = [
    ("verification_attempt", "attempts", VerificationAttempt, _attempt),
    ("delivery", "deliveries", Delivery, _delivery),
    ("link", "links", Link, _ended_link),
    ("link", "links", Link, _disused_link),
    ("handover_watch", "links", HandoverWatch, _watch),
    ("link_code", "codes", LinkCode, _code),
    ("link_code", "codes", LinkCode, _used_code),
    ("staff_code", "codes", StaffCode, _staff_code),
    ("consent", "consents", Consent, _consent),
    ("access_request", "requests", AccessRequest, _request),
    ("chat", "chats", Chat, _chat),
    ("mute", "chats", Mute, _mute),
    ("job", "jobs", Job, _job),
]


def test_every_rule_is_tried() -> None:
    assert {kind for kind, *_ in CASES} | {"draft"} == {rule.kind for rule in RULES}


@pytest.mark.parametrize(("kind", "setting", "model", "make"), CASES, ids=[f"{c[0]}-{c[3].__name__}" for c in CASES])
async def test_what_is_older_goes_and_what_is_younger_stays(
    database: Database, factory: Factory, settings: Settings, kind: str, setting: str, model: type[Base], make: Make
) -> None:
    agreement = await factory.agreement()
    days = kept_days(settings, setting)
    await make(factory, agreement, days + 2)
    await make(factory, agreement, days - 2)
    assert await rows(database, model) == 2
    assert await erase(database, settings) == {kind: 1}
    assert await rows(database, model) == 1
    assert await erase(database, settings) == {}


async def test_what_is_in_use_stays_however_old_it_is(database: Database, factory: Factory, settings: Settings) -> None:
    agreement = await factory.agreement()
    await factory.link(1, agreement, linked_at=days_ago(5000))
    await factory.watch(1, agreement)
    await factory.add(Chat(id=1, locale="en", version=1, saved_at=days_ago(5000), created_at=days_ago(5000)))
    await factory.add(Consent(chat_id=1, kind=ConsentKind.NOTICE, version="1", given_at=days_ago(5000)))
    await factory.add(Delivery(chat_id=1, kind=NoticeKind.NEW_LINK, created_at=days_ago(5000)))
    sealed = factory.vault.seal("access_request.text", "…")
    await factory.add(
        AccessRequest(
            chat_id=1, idempotency_key="k", kind=AccessRequestKind.OTHER, text=sealed, created_at=days_ago(5000)
        )
    )
    await factory.add(Job(task="x", arguments={}, state=JobState.HELD, finished_at=days_ago(5000)))
    await factory.add(Mute(chat_id=1, topic=Topic.NEWS, created_at=days_ago(5000)))
    async with database.transaction() as session:
        await session.execute(update(HandoverWatch).values(created_at=days_ago(5000)))
    assert await erase(database, settings) == {}


async def test_a_code_stays_while_a_link_rests_on_it(database: Database, factory: Factory, settings: Settings) -> None:
    agreement = await factory.agreement()
    code = await _used_code(factory, agreement, 5000)
    await factory.link(7, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE, code_id=code.id)
    assert await erase(database, settings) == {}
    async with database.transaction() as session:
        await session.execute(update(Link).values(revoked_at=days_ago(5000)))
    # In one go: first the link, then what it rested on.
    assert await erase(database, settings) == {"link": 1, "link_code": 1}


async def test_an_ended_link_is_not_brought_back_by_a_roll_once_it_is_forgotten(
    database: Database, factory: Factory, settings: Settings
) -> None:
    """While the chat sees another home of the same person, the row keeps the next roll from linking it again."""
    person = await factory.person()
    kept, ended = await factory.agreement(people=[person]), await factory.agreement(people=[person])
    await factory.link(7, kept, person=person)
    await factory.link(7, ended, person=person, revoked=True)
    async with database.transaction() as session:
        old = update(Link).where(Link.agreement_id == ended.id).values(revoked_at=days_ago(5000))
        await session.execute(old)
    assert await erase(database, settings) == {}
    async with database.transaction() as session:
        assert await extend_links(session, factory.vault, NOW.date()) == 0


async def test_a_draft_that_was_left_is_emptied_and_a_turn_under_way_notices(
    api: aiohttp.ClientSession, database: Database, factory: Factory, settings: Settings
) -> None:
    await factory.link(700_100_200, await factory.agreement())
    dialog = {"id": "dialog-0001", "name": "complaint.text", "data": {"text": "写了一半"}}
    saved = {"version": 0, "locale": "zh_CN", "dialog": dialog}
    await call(api, "PUT", "/v1/chats/700100200", json=saved)
    assert await erase(database, settings) == {}
    async with database.transaction() as session:
        await session.execute(update(Chat).values(saved_at=days_ago(31)))
    assert await erase(database, settings) == {"draft": 1}
    state = await call(api, "GET", "/v1/chats/700100200")
    assert (state["locale"], state["dialog"], state["version"]) == ("zh_CN", None, 2)
    late = {"version": 1, "locale": "zh_CN", "dialog": dialog}
    await call(api, "PUT", "/v1/chats/700100200", 409, json=late)
    # A save counts as use.
    await call(api, "PUT", "/v1/chats/700100200", json=late | {"version": 2})
    assert await erase(database, settings) == {}


def test_attempts_are_kept_for_as_long_as_the_limits_count(settings: Settings) -> None:
    least = Settings.model_fields["retention_attempts_days"].metadata
    assert timedelta(days=next(bound.ge for bound in least if hasattr(bound, "ge"))) >= limits.KEPT


async def test_in_batches_each_with_its_count_on_a_record_that_nobody_changes(
    database: Database, factory: Factory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 4)
    for number in range(10):
        await _attempt(factory, await factory.agreement(people=[]), 31 + number)
    assert await erase(database, settings) == {"verification_attempt": 10}
    async with database.reading() as reader:
        counts = (await reader.execute(select(Erasure.kind, Erasure.count).order_by(Erasure.id))).all()
        events = await reader.execute(
            select(AuditEvent.action, AuditEvent.object_kind, AuditEvent.object_id).order_by(AuditEvent.id)
        )
        recorded = [tuple(event) for event in events]
        ids = (await reader.execute(select(Erasure.id).order_by(Erasure.id))).scalars().all()
    assert [tuple(row) for row in counts] == [("verification_attempt", n) for n in (4, 4, 2)]
    assert recorded == [("data.outdated", "erasure", number) for number in ids]
    for statement in ("DELETE FROM erasures", "UPDATE erasures SET count = 0", "TRUNCATE erasures"):
        with pytest.raises(Exception, match="append-only"):
            async with database.transaction() as session:
                await session.execute(text(statement))


async def test_rows_that_somebody_holds_are_left_for_the_next_night(
    database: Database, database_url: str, factory: Factory, settings: Settings
) -> None:
    for days in (31, 32):
        await _attempt(factory, await factory.agreement(people=[]), days)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM verification_attempts ORDER BY id LIMIT 1 FOR UPDATE")
        assert await asyncio.wait_for(erase(database, settings), 30) == {"verification_attempt": 1}
    await connection.close()
    assert await erase(database, settings) == {"verification_attempt": 1}


async def test_the_nightly_job(database: Database, database_url: str, factory: Factory, settings: Settings) -> None:
    await _attempt(factory, await factory.agreement(people=[]), 31)
    orphan = settings.data_dir / "orphan"
    orphan.write_bytes(b"x")
    with orphan.open("rb") as file:
        await AttachmentStore(None, settings.data_dir).put("aa/orphan", file)
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO pgqueuer.pgqueuer_log (created, job_id, status, priority, entrypoint) "
                "VALUES (now() - interval '31 days', 1, 'successful', 0, 'x')"
            )
        )
        await enqueue(session, apply_retention)
    async with working(settings, database_url, apply_retention):
        await until(database, JobState.DONE)
    assert await rows(database, VerificationAttempt) == 0
    assert (settings.data_dir / "attachments" / "aa" / "orphan").exists(), "it is not old enough"
    async with database.reading() as reader:
        left = (
            await reader.execute(text("SELECT count(*) FROM pgqueuer.pgqueuer_log WHERE entrypoint = 'x'"))
        ).scalar()
    assert left == 0
    assert apply_retention.cron == "40 19 * * *"


async def test_a_phone_that_stands_behind_somebody_is_kept_in_mind(
    database: Database, factory: Factory, settings: Settings
) -> None:
    """Its link is over, but whom it let in still sees the home: the next roll must find whose phone it is."""
    agreement = await factory.agreement()
    issuer = await factory.link(6, agreement, revoked=True)
    code = await _used_code(factory, agreement, 5000)
    guest = await factory.link(7, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE, code_id=code.id)
    async with database.transaction() as session:
        await session.execute(update(LinkCode).values(issued_by_chat_id=6))
        await session.execute(update(Link).where(Link.id == issuer.id).values(revoked_at=days_ago(5000)))
    assert await erase(database, settings) == {}
    async with database.transaction() as session:
        await session.execute(update(Link).where(Link.id == guest.id).values(revoked_at=days_ago(5000)))
    # First the guest, then whoever stood behind.
    erased = [await erase(database, settings) for _ in range(2)]
    assert sum(one.get("link", 0) for one in erased) == 2


async def test_what_a_stranger_once_agreed_to_is_not_kept_for_ever(
    database: Database, factory: Factory, settings: Settings
) -> None:
    days = kept_days(settings, "consents")
    for chat_id, given in ((1, days + 2), (2, days - 2)):
        await factory.add(Consent(chat_id=chat_id, kind=ConsentKind.NOTICE, version="1", given_at=days_ago(given)))
    assert await erase(database, settings) == {"consent": 1}
