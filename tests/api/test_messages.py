"""The outbox: each message is handed to one courier at a time, none is lost, and what came of it is written down."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import func, select, text

from api.agreements.service import former_refs
from api.app import create_app
from api.cases.schemas import CaseCategory, CaseEventKind, CaseState
from api.chats.models import Chat
from api.db import Database
from api.identity.schemas import LinkMethod, LinkRole, LinkScope
from api.messages import bell, routes
from api.messages.claims import LAPSES
from api.messages.models import Delivery
from api.messages.reports import ATTEMPTS
from api.messages.schemas import AccessGranted, CaseUpdated, Claimed, DeliveryState, NewLink
from api.messages.service import enqueue_notice, enqueue_notices
from api.settings import Settings
from tests.api.calls import call
from tests.api.outbox import CHAT, change, claim, ends_while_a_claim_waits, lapse, notice, put, put_many, rows, tell
from tests.api.waiting import started
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.serving import serving

KNOWS = pytest.mark.security("The family knows who sees its home")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A pace that nobody here runs into; tests/api/test_pace.py is about that."""
    return settings.model_copy(update={"send_rate": 1000.0, "send_burst": 100.0})


async def only(factory: Factory) -> Delivery:
    [row] = await rows(factory)
    return row


async def the_time(factory: Factory) -> datetime:
    """By the database's clock."""
    async with factory.database.reading() as reader:
        now: datetime = (await reader.execute(select(func.clock_timestamp()))).scalar_one()
    return now


# --- leases ---


async def test_a_message_is_claimed_sent_and_done_with(api: aiohttp.ClientSession, factory: Factory) -> None:
    await call(api, "PUT", f"/v1/chats/{CHAT}", json={"version": 0, "locale": "en", "dialog": None})
    await put(factory, CHAT, words="缺材料")
    before = await only(factory)
    assert before.payload is not None
    assert "缺材料".encode() not in before.payload, "it lies sealed"
    [message] = await claim(api)
    claimed = Claimed.model_validate(message)
    assert (claimed.id, claimed.chat_id, claimed.locale, claimed.kind) == (before.id, CHAT, "en", "access_declined")
    assert claimed.payload == notice("缺材料").model_dump(mode="json")
    assert await claim(api) == [], "it is taken"
    assert await tell(api, [message], "sent", message_id=77) == 1
    row = await only(factory)
    assert (row.state, row.message_id, row.attempts, row.doubts) == (DeliveryState.SENT, 77, 1, 0)
    assert (row.payload, row.lease_id, row.error) == (None, None, None)
    assert row.finished_at is not None
    assert await tell(api, [message], "failed") == 0, "once is enough"
    assert await claim(api) == []


async def test_a_chat_that_never_chose_a_language_is_told_all_the_same(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT)
    [message] = await claim(api)
    assert message["locale"] is None


async def test_a_lease_that_ran_out_is_given_to_the_next_and_the_late_one_counts_no_more(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT)
    [first] = await claim(api)
    await lapse(factory)
    [second] = await claim(api)
    assert second["id"] == first["id"]
    assert second["lease"] != first["lease"]
    assert await tell(api, [first], "gone") == 0, "the first wakes up"
    assert (await only(factory)).state is DeliveryState.WAITING
    assert await tell(api, [second], "sent", message_id=1) == 1
    row = await only(factory)
    assert (row.state, row.attempts, row.doubts) == (DeliveryState.SENT, 2, 1)


async def test_a_late_report_counts_while_nobody_else_has_it(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put(factory, CHAT)
    messages = await claim(api)
    await lapse(factory)
    assert await tell(api, messages, "sent", message_id=1) == 1
    assert await claim(api) == []


async def test_what_no_courier_ever_reports_is_given_up(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Perhaps it is this very message that kills them; perhaps it arrived each time."""
    await put(factory, CHAT)
    times = 0
    while await claim(api):
        times += 1
        await lapse(factory)
    assert times == LAPSES + 1
    row = await only(factory)
    assert (row.state, row.error, row.payload) == (DeliveryState.UNKNOWN, "never_reported", None)


async def test_many_couriers_over_several_processes_get_each_message_once(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put_many(factory, 400)
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    got: list[int] = []

    async def carry(client: aiohttp.ClientSession) -> None:
        while len(got) < 400:
            messages = await claim(client, 7, wait=0.3)
            got.extend(one["id"] for one in messages)
            assert await tell(client, messages, "sent", message_id=1) == len(messages)

    async with (
        serving(create_app(settings, database_url)) as one,
        serving(create_app(settings, database_url)) as two,
        aiohttp.ClientSession(one, headers=headers) as first,
        aiohttp.ClientSession(two, headers=headers) as second,
        asyncio.timeout(120),
    ):
        await asyncio.gather(*(carry(client) for client in (first, second) for _ in range(4)))
    assert len(got) == len(set(got)) == 400
    assert {row.state for row in await rows(factory)} == {DeliveryState.SENT}


async def test_a_message_that_somebody_holds_is_passed_over_without_waiting(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT, CHAT + 1)
    async with factory.database.transaction() as session:
        await session.execute(text("SELECT id FROM deliveries ORDER BY id LIMIT 1 FOR UPDATE"))
        async with asyncio.timeout(30):
            [message] = await claim(api)
    assert message["chat_id"] == CHAT + 1


async def test_two_reports_of_the_same_chats_do_not_stand_in_each_others_way(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    chats = range(CHAT, CHAT + 40)
    for chat_id in chats:
        await call(api, "PUT", f"/v1/chats/{chat_id}", json={"version": 0, "locale": "en", "dialog": None})
    await put(factory, *chats)
    await put(factory, *reversed(chats))
    messages = await claim(api, 80)
    first = sorted(messages[:40], key=lambda one: int(one["chat_id"]))
    second = sorted(messages[40:], key=lambda one: -int(one["chat_id"]))
    assert await asyncio.gather(*(tell(api, told, "gone") for told in (first, second))) == [40, 40]


# --- what goes first, and what does not go at all ---


async def test_the_urgent_goes_first_then_the_oldest(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put_many(factory, 2, priority=1, first_chat=CHAT)
    await put_many(factory, 2, first_chat=CHAT + 10)
    await change(factory, "not_before = now() - interval '1 hour'", f"chat_id = {CHAT + 11}")
    await change(factory, "not_before = now() + interval '1 hour'", f"chat_id = {CHAT + 1}")
    assert [one["chat_id"] for one in await claim(api)] == [CHAT + 11, CHAT + 10, CHAT]


async def test_the_same_news_twice_is_one_message(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put(factory, CHAT, CHAT + 1, CHAT, dedupe_key="notice-12")
    await put(factory, CHAT + 1, CHAT + 2, dedupe_key="notice-12")
    await put(factory, CHAT, dedupe_key="notice-13")
    assert [one["chat_id"] for one in await claim(api)] == [CHAT, CHAT + 1, CHAT + 2, CHAT]


async def test_what_did_not_happen_is_not_told(api: aiohttp.ClientSession, factory: Factory) -> None:
    async def fail() -> None:
        async with factory.database.transaction() as session:
            await enqueue_notices(session, factory.vault, [(CHAT, notice())])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await claim(api, wait=0.3) == []
    assert await rows(factory) == []


async def test_a_chat_that_is_gone_is_left_alone_until_it_writes_again(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    state = await call(api, "PUT", f"/v1/chats/{CHAT}", json={"version": 0, "locale": "en", "dialog": None})
    await put(factory, CHAT)
    await put(factory, CHAT)
    [first] = await claim(api, 1)
    assert await tell(api, [first], "gone", reason="forbidden") == 1
    assert (await call(api, "GET", f"/v1/chats/{CHAT}"))["gone"] is True
    assert await claim(api) == [], "neither is what waited already"
    ended = await rows(factory)
    assert [(row.state, row.error, row.payload) for row in ended] == [
        (DeliveryState.GONE, "forbidden", None),
        (DeliveryState.GONE, None, None),
    ]
    # Who writes is there again.
    saved = {"version": state["version"], "locale": "en", "dialog": None}
    await call(api, "PUT", f"/v1/chats/{CHAT}", json=saved)
    async with factory.database.transaction() as session:
        assert (await session.execute(select(Chat.gone_at))).scalar_one() is None
    await put(factory, CHAT)
    assert len(await claim(api)) == 1


@KNOWS
@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_on = CURRENT_DATE - 1", "suspended_at = now()"])
async def test_who_sees_the_home_is_told_only_to_who_still_sees_it(
    api: aiohttp.ClientSession, factory: Factory, end: str
) -> None:
    agreement = await factory.agreement()
    for chat_id in (CHAT, CHAT + 1):
        await factory.link(chat_id, agreement)
    newcomer = await factory.link(CHAT + 2, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    news = NewLink(
        agreement={"id": agreement.id, "number": "A", "kind": "relocation", "holder": "张*"},
        link_id=newcomer.id,
        role=LinkRole.RELATIVE,
        method=LinkMethod.CODE,
        scope=LinkScope.EVERYTHING,
        linked_at=newcomer.linked_at,
    )
    async with factory.database.transaction() as session:
        await enqueue_notices(session, factory.vault, [(CHAT, news), (CHAT + 1, news)])
        await session.execute(text(f"UPDATE links SET {end} WHERE chat_id = {CHAT}"))
    assert [one["chat_id"] for one in await claim(api)] == [CHAT + 1]
    assert [row.state for row in await rows(factory)] == [DeliveryState.CANCELLED, DeliveryState.WAITING]


async def test_what_cannot_be_opened_is_given_up_and_the_others_go(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT, CHAT + 1, CHAT + 2)
    await change(factory, "payload = 'broken'", f"chat_id = {CHAT}")
    await change(factory, "payload = NULL", f"chat_id = {CHAT + 1}")
    assert [one["chat_id"] for one in await claim(api)] == [CHAT + 2]
    assert [(row.state, row.error) for row in await rows(factory)][:2] == [(DeliveryState.FAILED, "unreadable")] * 2


async def test_many_that_are_not_to_be_sent_do_not_hide_the_one_that_is(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await factory.add(Chat(id=CHAT, version=1, gone_at=(await factory.link(CHAT, await factory.agreement())).linked_at))
    for _ in range(150):
        await put(factory, CHAT)
    await put(factory, CHAT + 1)
    assert [one["chat_id"] for one in await claim(api, 3, wait=20)] == [CHAT + 1]


# --- what comes of a try ---


async def test_what_was_refused_for_a_passing_reason_is_tried_for_a_day(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT)
    pauses = []
    for attempt in range(1, ATTEMPTS + 1):
        [message] = await claim(api)
        began = await the_time(factory)
        assert await tell(api, [message], "retry", reason="server_error") == 1
        over = await the_time(factory)
        row = await only(factory)
        assert row.attempts == attempt
        if row.state is DeliveryState.WAITING:
            pauses.append((row.not_before - began).total_seconds())
            assert row.not_before - over <= timedelta(seconds=min(2**attempt, 3600)) <= row.not_before - began
            if attempt > 4:  # before, it may be over on a machine that is busy
                assert await claim(api) == []
            await change(factory, "not_before = now()")
    assert 20 * 3600 < sum(pauses) < 30 * 3600
    assert (row.state, row.error, row.payload) == (DeliveryState.FAILED, "server_error", None)


async def test_what_perhaps_arrived_is_sent_once_more_and_no_more(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put(factory, CHAT)
    for state, doubts in ((DeliveryState.WAITING, 1), (DeliveryState.UNKNOWN, 2)):
        assert await tell(api, await claim(api), "unknown", reason="timed_out") == 1
        row = await only(factory)
        assert (row.state, row.doubts, row.error) == (state, doubts, "timed_out")
    assert await claim(api) == []


async def test_what_was_given_back_keeps_its_place_and_counts_as_no_try(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT, CHAT + 1)
    for _ in range(ATTEMPTS + 2):
        assert await tell(api, await claim(api, 1), "unsent") == 1
    first = (await rows(factory))[0]
    assert (first.state, first.attempts, first.doubts) == (DeliveryState.WAITING, 0, 0)
    assert await tell(api, await claim(api, 1), "unsent", after=30) == 1
    assert [one["chat_id"] for one in await claim(api)] == [CHAT + 1], "this one asked for a pause"


async def test_what_telegram_does_not_take_has_failed(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put(factory, CHAT)
    assert await tell(api, await claim(api), "failed", reason="bad_request") == 1
    row = await only(factory)
    assert (row.state, row.error, row.payload) == (DeliveryState.FAILED, "bad_request", None)


async def test_a_report_of_what_is_not_ones_own_counts_for_nothing(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await put(factory, CHAT, CHAT + 1)
    one, other = await claim(api)
    crossed = [
        {"id": one["id"], "lease": "00000000-0000-4000-8000-000000000000"},
        {"id": 99999, "lease": other["lease"]},
    ]
    assert await tell(api, crossed, "sent", message_id=1) == 0
    assert {row.state for row in await rows(factory)} == {DeliveryState.WAITING}


@pytest.mark.parametrize("reason", ["王小明 does not exist", "x" * 41, "", "Bad"])
async def test_a_reason_is_a_word_of_the_couriers_own(
    api: aiohttp.ClientSession, factory: Factory, reason: str
) -> None:
    await put(factory, CHAT)
    [message] = await claim(api)
    told = {"results": [{"id": message["id"], "lease": message["lease"], "outcome": "failed", "reason": reason}]}
    await call(api, "POST", "/v1/messages/report", 422, json=told)


# --- waiting ---


LISTENS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query ~ '^(LISTEN|SELECT$)' AND pid <> $1
"""


async def listener(database: Database, but: int = 0) -> int:
    """The server's process that rings for the API, once there is one; ``but``: another one than this."""
    async with asyncio.timeout(60):
        while not (found := await database.pool.fetch(LISTENS, but)):
            await asyncio.sleep(0.02)
    [[pid]] = found
    return int(pid)


@asynccontextmanager
async def told_long_before_the_end(api: aiohttp.ClientSession) -> AsyncIterator[None]:
    """Somebody waits, and gets the message that is put there inside the block: not as the waiting ends, when whoever
    waits looks once more."""
    waiting = asyncio.create_task(claim(api, wait=25))
    await asyncio.sleep(0.5)  # it has looked by now
    assert not waiting.done()
    began = time.monotonic()
    yield
    assert len(await waiting) == 1
    assert time.monotonic() - began < 12


async def test_who_waits_is_told_at_once(
    api: aiohttp.ClientSession, factory: Factory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "POLL", 60.0)  # no looks by itself
    assert await claim(api, wait=0.3) == []
    await listener(database)
    async with told_long_before_the_end(api):
        await put(factory, CHAT)


async def test_who_waits_is_told_also_while_nobody_listens(
    api: aiohttp.ClientSession, factory: Factory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "POLL", 60.0)  # so long nobody will
    assert await claim(api, wait=0.3) == []
    pid = await listener(database)
    async with told_long_before_the_end(api):
        [[ended]] = await database.pool.fetch("SELECT pg_terminate_backend($1, 60000)", pid)
        assert ended
        await put(factory, CHAT)
    assert await database.pool.fetch(LISTENS, 0) == []


async def test_who_waits_is_told_at_once_though_the_listener_once_went_deaf(
    api: aiohttp.ClientSession, factory: Factory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is dead without having ended, as behind a broken wire: it is asked now and then."""
    monkeypatch.setattr(bell, "CHECK", 0.2)
    monkeypatch.setattr(bell, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(routes, "POLL", 60.0)
    assert await claim(api, wait=0.3) == []
    deaf = await listener(database)
    os.kill(deaf, signal.SIGSTOP)
    try:
        await listener(database, but=deaf)
        async with told_long_before_the_end(api):
            await put(factory, CHAT)
    finally:
        os.kill(deaf, signal.SIGCONT)


async def test_who_waits_in_vain_is_told_so_in_time(api: aiohttp.ClientSession, factory: Factory) -> None:
    began = time.monotonic()
    assert await claim(api, wait=0.4) == []
    assert 0.35 < time.monotonic() - began < 12


async def test_who_hangs_up_while_waiting_gets_nothing(api: aiohttp.ClientSession, factory: Factory) -> None:
    waiting = asyncio.create_task(claim(api, wait=20))
    await asyncio.sleep(0.2)
    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.sleep(0.1)
    await put(factory, CHAT)
    [message] = await claim(api, wait=20)
    assert (await only(factory)).attempts == 1
    assert await tell(api, [message], "sent", message_id=1) == 1


async def test_who_hangs_up_while_the_claim_is_made_has_it_given_back(
    api: aiohttp.ClientSession, factory: Factory, database: Database
) -> None:
    await put(factory, CHAT)
    async with factory.database.transaction() as session:
        # Somebody else is at the bucket: the claim waits for it.
        await session.execute(text("SELECT 1 FROM send_bucket FOR UPDATE"))
        waiting = await started(database, claim(api, wait=20))
        waiting.cancel()
        await asyncio.wait([waiting])
        await asyncio.sleep(0.1)
    [message] = await claim(api, wait=20)
    row = await only(factory)
    assert (row.attempts, row.doubts) == (1, 0)
    assert message["id"] == row.id


async def test_a_server_that_ends_does_not_wait_for_who_waits(settings: Settings, database_url: str) -> None:
    await ends_while_a_claim_waits(create_app(settings, database_url))


# --- what can be counted ---


async def test_metrics_tell_what_waits_and_what_became_of_the_rest(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    async def metrics() -> dict[str, float]:
        async with api.get("/metrics") as response:
            lines = [line for line in (await response.text()).splitlines() if line.startswith("shanglou_")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    assert (await metrics())["shanglou_outbox_late_seconds"] == 0
    await put(factory, *range(CHAT, CHAT + 5))
    await change(factory, "not_before = now() - interval '90 seconds'", f"chat_id = {CHAT + 4}")
    await change(factory, "payload = NULL", f"chat_id = {CHAT + 3}")
    found = await metrics()
    assert found["shanglou_outbox_waiting"] == 5
    assert 90 <= found["shanglou_outbox_late_seconds"] < 150
    messages = await claim(api)
    await tell(api, messages[:2], "sent", message_id=1)
    await tell(api, messages[2:3], "gone")
    await tell(api, messages[3:], "retry")
    await change(factory, "not_before = not_before + interval '1 minute'")  # it does not become due meanwhile
    found = await metrics()
    for outcome, count in (("sent", 2), ("gone", 1), ("retry", 1), ("failed", 1)):
        assert found[f'shanglou_deliveries_total{{outcome="{outcome}"}}'] == count
    assert found["shanglou_outbox_waiting"] == 1
    assert found["shanglou_outbox_late_seconds"] == 0, "it is not due yet"


async def test_metrics_are_told_without_a_database(settings: Settings) -> None:
    nowhere = create_app(settings, "postgresql://nobody@127.0.0.1:1/none")
    async with serving(nowhere) as url, aiohttp.ClientSession(url) as client, client.get("/metrics") as response:
        assert response.status == 200
        assert "shanglou_outbox_waiting NaN" in await response.text()


async def test_the_outbox_of_a_database_is_one(database: Database) -> None:
    """A second bucket would double the pace."""
    async with database.reading() as reader:
        assert (await reader.execute(text("SELECT count(*) FROM send_bucket"))).scalar_one() == 1
    with pytest.raises(Exception, match="ck_send_bucket_only_one"):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO send_bucket (id, tokens) VALUES (2, 1)"))


async def test_what_the_office_answers_is_not_for_who_sees_the_progress_alone(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    agreement = await factory.agreement()
    for place, scope in enumerate(LinkScope):
        await factory.link(CHAT + place, agreement, scope=scope)
    news = CaseUpdated(
        agreement_id=agreement.id,
        number="2026-000001",
        category=CaseCategory.PAYMENT,
        news=CaseEventKind.ANSWERED,
        state=CaseState.ANSWERED,
        text="每月1470元已补发。",
    )
    async with factory.database.transaction() as session:
        await enqueue_notice(session, factory.vault, [CHAT, CHAT + 1], news)
    wanted = [CHAT + place for place, scope in enumerate(LinkScope) if scope is LinkScope.EVERYTHING]
    assert [message["chat_id"] for message in await claim(api)] == wanted


async def test_who_was_let_in_by_mistake_is_told_nothing_more(api: aiohttp.ClientSession, factory: Factory) -> None:
    """The officer saw it before the courier came."""
    agreement = await factory.agreement()
    link = await factory.link(CHAT, agreement)
    async with factory.database.transaction() as session:
        [ref] = (await former_refs(session, [(agreement.id, LinkScope.EVERYTHING)])).values()
        granted = AccessGranted(agreement=ref, role=LinkRole.HOLDER, scope=LinkScope.EVERYTHING)
        await enqueue_notice(session, factory.vault, [CHAT], granted)
        await session.execute(text("UPDATE links SET revoked_at = now() WHERE id = :id"), {"id": link.id})
    assert await claim(api) == []
