"""From an approved broadcast to its last message: whom it goes to is frozen once, and each step acts at once."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select, text

from api.broadcasts.models import Broadcast, BroadcastEvent, Mute
from api.broadcasts.schemas import BroadcastAction, BroadcastState, Missing, Operation, Progress, Topic
from api.broadcasts.sending import DELETABLE, Overtaken, settle_soon, start, start_when_due
from api.chats.models import Chat
from api.jobs import Job, JobState, enqueue
from api.messages.bell import POLL
from api.messages.schemas import AS_IT_WAS, CORRECTED, ClaimedBatch, DeliveryState
from api.settings import Settings
from api.tasks import TASKS
from tests.api.broadcasting import (
    ALL_DONE,
    a_broadcast,
    begin,
    families,
    now_of,
    progress,
    put_state,
    settle_all,
    under_way,
    work,
)
from tests.api.calls import call
from tests.api.outbox import CHAT, change, claim, lapse, put, rows, tell
from tests.api.waiting import started
from tests.factories import Factory

NEVER_QUIET = {"quiet_from": 0, "quiet_until": 0}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A pace that nobody here runs into, at any hour of the day."""
    return settings.model_copy(update={"send_rate": 1000.0, "send_burst": 100.0, **NEVER_QUIET})


async def claim_batch(api: aiohttp.ClientSession, limit: int = 10) -> ClaimedBatch:
    return ClaimedBatch.model_validate(await call(api, "POST", "/v1/messages/claim", json={"limit": limit}))


async def counts(factory: Factory, broadcast: Broadcast) -> dict[str, int]:
    found = await progress(factory, broadcast)
    return {name: count for name, count in found.model_dump(exclude={"rate", "seconds_left"}).items() if count}


# --- the audience is frozen ---


async def test_each_chat_gets_one_message_about_all_its_homes(factory: Factory) -> None:
    first, second = await families(factory, 2)
    both = await factory.agreement()
    await factory.link(CHAT, both)
    await factory.link(CHAT + 1, both, revoked=True)
    broadcast = await a_broadcast(factory)
    assert await begin(factory, broadcast) == 2
    found = {row.chat_id: row for row in await rows(factory)}
    assert {chat_id: row.agreement_ids for chat_id, row in found.items()} == {
        CHAT: [first, both.id],
        CHAT + 1: [second],
    }
    assert {(row.kind.value, row.broadcast_id, row.payload) for row in found.values()} == {
        ("broadcast", broadcast.id, None)
    }
    begun = await now_of(factory, broadcast)
    assert (begun.state, begun.total) == (BroadcastState.SENDING, 2)
    assert begun.started_at is not None


async def test_who_comes_later_is_not_told_and_it_is_not_started_twice(factory: Factory) -> None:
    broadcast = await under_way(factory, 2)
    await families(factory, 2, first_chat=CHAT + 10)
    assert await begin(factory, broadcast) is None
    assert len(await rows(factory)) == 2


async def test_two_workers_that_start_it_at_once_make_one_message_a_chat(factory: Factory) -> None:
    await families(factory, 20)
    broadcast = await a_broadcast(factory)
    done = await asyncio.gather(begin(factory, broadcast), begin(factory, broadcast), return_exceptions=True)
    assert done.count(20) == 1
    assert Counter(row.chat_id for row in await rows(factory)).most_common(1)[0][1] == 1
    assert len(await rows(factory)) == 20


async def test_one_that_is_cancelled_while_its_audience_is_being_frozen_makes_no_messages(factory: Factory) -> None:
    await families(factory, 3)
    broadcast = await a_broadcast(factory)
    async with factory.database.transaction() as session:
        await session.execute(text(f"UPDATE broadcasts SET state = 'cancelled' WHERE id = {broadcast.id}"))
        starting = await started(factory.database, begin(factory, broadcast))
    with pytest.raises(Overtaken):
        await starting
    assert await rows(factory) == []
    assert (await now_of(factory, broadcast)).state is BroadcastState.CANCELLED


async def test_who_is_gone_or_does_not_want_the_topic_is_left_out(factory: Factory) -> None:
    await families(factory, 4)
    await factory.add(Chat(id=CHAT, version=1, gone_at=datetime.now(UTC)))
    await factory.add(Mute(chat_id=CHAT + 1, topic=Topic.PROGRESS))
    await factory.add(Mute(chat_id=CHAT + 2, topic=Topic.HANDOVER))
    assert await begin(factory, await a_broadcast(factory, topic=Topic.PROGRESS)) == 2
    assert [row.chat_id for row in await rows(factory)] == [CHAT + 2, CHAT + 3]


async def test_who_lacks_a_value_is_left_out_where_the_office_wants_that(factory: Factory) -> None:
    first, _ = [await factory.agreement() for _ in range(2)]
    await factory.link(CHAT, first)
    await factory.link(CHAT + 1, await factory.agreement())
    await factory.transition_fee(first)
    assert await begin(factory, await a_broadcast(factory, "{paid_up_to}", missing=Missing.SAY_SO)) == 2
    assert await begin(factory, await a_broadcast(factory, "{paid_up_to}", missing=Missing.LEAVE_OUT)) == 1


async def test_one_to_nobody_is_over_at_once(factory: Factory) -> None:
    broadcast = await a_broadcast(factory)
    assert await begin(factory, broadcast) == 0
    assert (await now_of(factory, broadcast)).state is BroadcastState.SENT
    assert await progress(factory, broadcast) == Progress(total=0)


# --- its time ---


async def test_it_is_started_as_it_is_approved(settings: Settings, database_url: str, factory: Factory) -> None:
    await families(factory, 2)
    broadcast = await a_broadcast(factory)
    async with factory.database.transaction() as session:
        await start_when_due(session, broadcast)
        await start_when_due(session, broadcast)
    await work(settings, database_url, factory, until="count(*) = 2 FROM deliveries")
    assert (await now_of(factory, broadcast)).state is BroadcastState.SENDING


async def test_it_waits_for_its_time_and_is_started_by_the_sweep(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await families(factory, 2)
    later = await a_broadcast(factory, starts_at=datetime.now(UTC) + timedelta(hours=1))
    due = await a_broadcast(factory, starts_at=datetime.now(UTC) - timedelta(seconds=1))
    async with factory.database.transaction() as session:
        await start_when_due(session, later)
        assert (await session.scalars(select(Job.id))).all() == []
    assert await begin(factory, later) is None
    sweep = next(task for task in TASKS if task.name == "broadcasts.sweep")
    await run(settings, database_url, factory, sweep.name)
    assert (await now_of(factory, due)).state is BroadcastState.SENDING
    assert (await now_of(factory, later)).state is BroadcastState.APPROVED


async def test_one_that_nobody_approved_waits_where_its_audience_has_grown(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    """It needed no second person when it was submitted; it does now."""
    await families(factory, 2)
    grown = await a_broadcast(factory, approved_revision=None)
    async with factory.database.transaction() as session:
        await start_when_due(session, grown)
    await work(settings, database_url, factory, until=ALL_DONE)
    assert (await now_of(factory, grown)).state is BroadcastState.SUBMITTED
    assert await rows(factory) == []
    small = await a_broadcast(factory, approved_revision=None)
    async with factory.database.transaction() as session:
        now = datetime.now(UTC)
        assert await start(session, small.id, now.date(), now, approval_above=2) == 2


async def run(settings: Settings, database_url: str, factory: Factory, name: str) -> None:
    """The task, and those that it enqueues, until nothing is open."""
    task = next(task for task in TASKS if task.name == name)
    async with factory.database.transaction() as session:
        await enqueue(session, task)
    await work(settings, database_url, factory, until=ALL_DONE)
    async with factory.database.transaction() as session:
        assert {*(await session.scalars(select(Job.state)))} == {JobState.DONE}


# --- what couriers get ---


async def test_a_courier_gets_each_readers_own_facts_and_the_words_once(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    broadcast = await under_way(factory, 3, "{name}：{number}")
    batch = await claim_batch(api)
    [content] = batch.broadcasts
    assert (content.id, content.operation, content.bodies["zh_CN"].text) == (
        broadcast.id,
        Operation.SEND,
        "{name}：{number}",
    )
    assert [message.chat_id for message in batch.messages] == [CHAT, CHAT + 1, CHAT + 2]
    numbers = set()
    for message in batch.messages:
        assert (message.kind, message.broadcast_id, message.message_id) == ("broadcast", broadcast.id, None)
        [home] = message.payload["homes"]
        numbers.add(home["number"])
        assert "*" in message.payload["name"]
    assert len(numbers) == 3
    assert await claim(api) == []


async def test_notices_go_first_then_urgent_broadcasts_then_the_oldest(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    old = await under_way(factory, 1)
    new, urgent = await a_broadcast(factory), await a_broadcast(factory, urgent=True)
    for broadcast in (new, urgent):
        await begin(factory, broadcast)
    await put(factory, CHAT)
    batch = await claim_batch(api)
    assert [message.broadcast_id for message in batch.messages] == [None, urgent.id, old.id, new.id]
    assert {content.id for content in batch.broadcasts} == {old.id, new.id, urgent.id}


async def test_at_night_only_what_is_urgent_goes_and_what_makes_no_noise(
    api: aiohttp.ClientSession, settings: Settings, factory: Factory
) -> None:
    loud = await under_way(factory, 1)
    urgent = await a_broadcast(factory, urgent=True)
    await begin(factory, urgent)
    await change(factory, "message_id = 1, state = 'sent'", f"broadcast_id = {urgent.id}")
    correction = await a_broadcast(factory, operation=Operation.EDIT, of_id=urgent.id)
    await begin(factory, correction)
    await change(factory, "state = 'waiting'", f"broadcast_id = {urgent.id}")
    hour = datetime.now(settings.timezone).hour
    settings.quiet_from, settings.quiet_until = hour, (hour + 2) % 24
    assert [message.broadcast_id for message in (await claim_batch(api)).messages] == [urgent.id, correction.id]
    assert await claim(api) == []
    settings.quiet_from, settings.quiet_until = (hour + 3) % 24, (hour + 20) % 24
    assert [message.broadcast_id for message in (await claim_batch(api)).messages] == [loud.id]


@pytest.mark.parametrize(
    ("hours", "quiet"),
    [((22, 8), {22, 23, 0, 7}), ((0, 6), {0, 5}), ((3, 3), set())],
)
def test_quiet_hours_may_go_over_midnight(settings: Settings, hours: tuple[int, int], quiet: set[int]) -> None:
    at_night = settings.model_copy(update={"quiet_from": hours[0], "quiet_until": hours[1]})
    found = {hour for hour in range(24) if at_night.is_quiet(datetime(2026, 11, 26, hour, 30, tzinfo=UTC))}
    assert quiet <= found
    assert not found & {12, 20}
    assert len(found) == (hours[1] - hours[0]) % 24


async def test_pausing_acts_at_once_and_going_on_within_two_seconds(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    broadcast = await under_way(factory, 4)
    assert len(await claim(api, 2)) == 2
    await put_state(factory, broadcast, BroadcastState.PAUSED)
    assert await claim(api) == []
    waiting = asyncio.create_task(claim(api, wait=25))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await put_state(factory, broadcast, BroadcastState.SENDING)
    assert len(await waiting) == 2
    assert time.monotonic() - began < 12
    assert POLL < 2


async def test_what_is_paused_costs_nothing_however_much_waits(factory: Factory, api: aiohttp.ClientSession) -> None:
    """The rows of a paused broadcast are not looked at: couriers come every second."""
    paused = await under_way(factory, 1)
    await put_state(factory, paused, BroadcastState.PAUSED)
    async with factory.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO deliveries (chat_id, kind, broadcast_id, agreement_ids) "
                f"SELECT {CHAT} + 100 + n, 'broadcast', {paused.id}, '{{1}}' FROM generate_series(1, 20000) n"
            )
        )
    running = await a_broadcast(factory)
    assert await begin(factory, running) == 1
    async with factory.database.reading() as reader:
        await reader.execute(text("ANALYZE deliveries"))
        await reader.execute(text("ANALYZE broadcasts"))
    read = "coalesce(sum(idx_tup_read + 0), 0) FROM pg_stat_user_indexes WHERE relname = 'deliveries'"
    before = await statistics(factory, read)
    assert len(await claim(api)) == 1
    assert await claim(api) == []
    assert await statistics(factory, read) - before < 200


async def statistics(factory: Factory, what: str) -> int:
    """Of all that was done before: connections tell it a little later, at the latest as they rest."""
    await asyncio.sleep(1.2)
    async with factory.database.reading() as reader:
        return int((await reader.execute(text(f"SELECT {what}"))).scalar_one())


@pytest.mark.security("A right that is not used or not supported ends")
@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_on = CURRENT_DATE - 1", "suspended_at = now()"])
async def test_who_unlinks_meanwhile_is_not_told(api: aiohttp.ClientSession, factory: Factory, end: str) -> None:
    broadcast = await under_way(factory, 3)
    async with factory.database.transaction() as session:
        await session.execute(text(f"UPDATE links SET {end} WHERE chat_id = {CHAT + 1}"))
    batch = await claim_batch(api)
    assert [message.chat_id for message in batch.messages] == [CHAT, CHAT + 2]
    assert [row.state for row in await rows(factory)] == [
        DeliveryState.WAITING,
        DeliveryState.CANCELLED,
        DeliveryState.WAITING,
    ]
    assert (await progress(factory, broadcast)).cancelled == 1


async def test_who_keeps_one_of_two_homes_is_told_of_that_alone(api: aiohttp.ClientSession, factory: Factory) -> None:
    kept, left = [await factory.agreement() for _ in range(2)]
    await factory.link(CHAT, kept)
    await factory.link(CHAT, left)
    await begin(factory, await a_broadcast(factory))
    async with factory.database.transaction() as session:
        await session.execute(text(f"UPDATE links SET revoked_at = now() WHERE agreement_id = {left.id}"))
    [message] = await claim(api)
    assert [home["agreement_id"] for home in message["payload"]["homes"]] == [kept.id]


async def test_a_chat_that_is_gone_meanwhile_is_left_alone(api: aiohttp.ClientSession, factory: Factory) -> None:
    broadcast = await under_way(factory, 2)
    await factory.add(Chat(id=CHAT, version=1, locale="en"))
    messages = await claim(api)
    assert messages[0]["locale"] == "en"
    assert await tell(api, [messages[0]], "gone", reason="forbidden") == 1
    again = await a_broadcast(factory)
    assert await begin(factory, again) == 1, "the chat is marked"
    assert await tell(api, [messages[1]], "sent", message_id=5) == 1
    assert await counts(factory, broadcast) == {"total": 2, "sent": 1, "gone": 1}


async def test_one_that_nobody_is_left_of_is_over(api: aiohttp.ClientSession, factory: Factory) -> None:
    broadcast = await under_way(factory, 3)
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE links SET revoked_at = now()"))
    assert await claim(api) == []
    assert (await now_of(factory, broadcast)).state is BroadcastState.SENT


# --- the end ---


async def test_it_is_over_when_the_last_message_is(api: aiohttp.ClientSession, factory: Factory) -> None:
    broadcast = await under_way(factory, 3)
    messages = await claim(api)
    await tell(api, messages[:1], "sent", message_id=1)
    await tell(api, messages[1:2], "failed", reason="bad_request")
    half = await progress(factory, broadcast)
    assert (half.total, half.sent, half.failed, half.waiting) == (3, 1, 1, 1)
    assert half.seconds_left is not None
    assert (await now_of(factory, broadcast)).state is BroadcastState.SENDING
    await tell(api, messages[2:], "sent", message_id=3)
    over = await now_of(factory, broadcast)
    assert (over.state, over.counts) == (BroadcastState.SENT, {"sent": 2, "failed": 1})
    assert over.finished_at is not None
    async with factory.database.transaction() as session:
        events = await session.scalars(select(BroadcastEvent.action).order_by(BroadcastEvent.id))
        assert events.all() == [BroadcastAction.START, BroadcastAction.FINISH]
        await session.execute(text("DELETE FROM deliveries"))
    kept = await progress(factory, broadcast)
    assert (kept.sent, kept.failed, kept.waiting) == (2, 1, 0), "what is deleted after its time was counted"


async def test_two_couriers_that_report_the_last_messages_at_once_end_it(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    for _ in range(5):
        broadcast = await a_broadcast(factory)
        await families(factory, 2) if not await rows(factory) else None
        await begin(factory, broadcast)
        messages = await claim(api)
        assert len(messages) == 2
        await asyncio.gather(*(tell(api, [message], "sent", message_id=1) for message in messages))
        assert (await now_of(factory, broadcast)).state is BroadcastState.SENT


async def test_what_a_crash_kept_from_ending_the_sweep_ends(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    broadcast = await under_way(factory, 2)
    await change(factory, "state = 'sent', finished_at = now()")
    await run(settings, database_url, factory, "broadcasts.sweep")
    assert (await now_of(factory, broadcast)).state is BroadcastState.SENT


# --- cancelled ---


async def test_what_is_cancelled_is_not_sent_and_what_is_in_hand_is_told_by_its_courier(
    settings: Settings, database_url: str, api: aiohttp.ClientSession, factory: Factory
) -> None:
    broadcast = await under_way(factory, 5)
    sent, in_hand = await claim(api, 2)
    await tell(api, [sent], "sent", message_id=1)
    await put_state(factory, broadcast, BroadcastState.CANCELLED)
    async with factory.database.transaction() as session:
        await settle_soon(session, broadcast.id)
    assert await claim(api) == []
    until = "count(*) = 0 FROM jobs WHERE state IN ('waiting', 'running')"
    await work(settings, database_url, factory, until=until)
    assert await counts(factory, broadcast) == {"total": 5, "sent": 1, "cancelled": 3, "waiting": 1}
    assert await tell(api, [in_hand], "sent", message_id=2) == 1, "it went out, and that counts"
    await run(settings, database_url, factory, "broadcasts.sweep")
    over = await now_of(factory, broadcast)
    assert (over.state, over.counts) == (BroadcastState.CANCELLED, {"sent": 2, "cancelled": 3})
    assert over.finished_at is not None


async def test_of_what_was_tried_before_it_was_cancelled_nobody_knows(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    broadcast = await under_way(factory, 3)
    messages = await claim(api)
    await tell(api, messages[:1], "unknown", reason="timed_out")
    await tell(api, messages[1:2], "retry", reason="server_error")
    await lapse(factory)
    await put_state(factory, broadcast, BroadcastState.CANCELLED)
    assert await settle_all(factory, broadcast) == 3
    assert [(row.state, row.error) for row in await rows(factory)] == [
        (DeliveryState.UNKNOWN, "timed_out"),
        (DeliveryState.CANCELLED, "server_error"),
        (DeliveryState.UNKNOWN, "never_reported"),
    ]


async def test_only_what_is_cancelled_is_settled(factory: Factory) -> None:
    broadcast = await under_way(factory, 2)
    assert await settle_all(factory, broadcast) == 0
    assert {row.state for row in await rows(factory)} == {DeliveryState.WAITING}


# --- corrections ---


async def sent_to_three(api: aiohttp.ClientSession, factory: Factory, **values: Any) -> Any:
    """Two of three messages arrived, as 101 and 102."""
    broadcast = await under_way(factory, 3, **values)
    messages = await claim(api)
    for number, message in enumerate(messages[:2]):
        await tell(api, [message], "sent", message_id=101 + number)
    await tell(api, messages[2:], "failed", reason="bad_request")
    return broadcast


@pytest.mark.parametrize("operation", [Operation.EDIT, Operation.DELETE])
async def test_a_correction_goes_to_the_messages_that_arrived(
    api: aiohttp.ClientSession, factory: Factory, operation: Operation
) -> None:
    wrong = await sent_to_three(api, factory)
    correction = await a_broadcast(factory, "更正", operation=operation, of_id=wrong.id, audience=None)
    assert await begin(factory, correction) == 2
    batch = await claim_batch(api)
    assert batch.broadcasts[0].operation is operation
    assert [(message.chat_id, message.message_id) for message in batch.messages] == [(CHAT, 101), (CHAT + 1, 102)]
    # One that corrects the correction finds the same messages.
    again = await a_broadcast(factory, "再更正", operation=Operation.EDIT, of_id=correction.id, audience=None)
    assert await begin(factory, again) == 2


async def test_who_sees_the_home_no_more_gets_no_new_words_but_the_wrong_ones_are_deleted(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    wrong = await sent_to_three(api, factory)
    async with factory.database.transaction() as session:
        await session.execute(text(f"UPDATE links SET revoked_at = now() WHERE chat_id = {CHAT}"))
    edit = await a_broadcast(factory, "更正", operation=Operation.EDIT, of_id=wrong.id, audience=None)
    await begin(factory, edit)
    assert [message.message_id for message in (await claim_batch(api)).messages] == [102]
    deletion = await a_broadcast(factory, operation=Operation.DELETE, of_id=wrong.id, audience=None)
    await begin(factory, deletion)
    found = (await claim_batch(api)).messages
    assert [(message.message_id, message.payload) for message in found] == [(101, {}), (102, {})]


async def test_what_telegram_no_longer_deletes_is_said_so(api: aiohttp.ClientSession, factory: Factory) -> None:
    wrong = await sent_to_three(api, factory)
    await change(factory, "finished_at = now() - interval '3 days'", f"chat_id = {CHAT}")
    deletion = await a_broadcast(factory, operation=Operation.DELETE, of_id=wrong.id, audience=None)
    assert await begin(factory, deletion) == 2
    assert [message["message_id"] for message in await claim(api)] == [102]
    late = (await rows(factory))[-2]
    assert (late.state, late.error) == (DeliveryState.FAILED, "too_old")
    edit = await a_broadcast(factory, operation=Operation.EDIT, of_id=wrong.id, audience=None)
    assert await begin(factory, edit) == 2
    assert len(await claim(api)) == 2, "editing has no end"
    all_old = datetime.now(UTC) + DELETABLE + timedelta(minutes=1)
    too_late = await a_broadcast(factory, operation=Operation.DELETE, of_id=wrong.id, audience=None)
    assert await begin(factory, too_late, now=all_old) == 2
    assert (await now_of(factory, too_late)).counts == {"failed": 2}


async def test_a_correction_waits_for_what_couriers_have_in_hand(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Cancelled while a message was under way: it is corrected too."""
    wrong = await under_way(factory, 2)
    [first, second] = await claim(api)
    await tell(api, [first], "sent", message_id=101)
    await put_state(factory, wrong, BroadcastState.CANCELLED)
    await settle_all(factory, wrong)
    deletion = await a_broadcast(factory, operation=Operation.DELETE, of_id=wrong.id, audience=None)
    assert await begin(factory, deletion) is None
    assert (await now_of(factory, deletion)).state is BroadcastState.APPROVED
    await tell(api, [second], "sent", message_id=102)
    await settle_all(factory, wrong)
    assert await begin(factory, deletion) == 2


# --- that a message was edited is told ---


async def an_edit(api: aiohttp.ClientSession, factory: Factory, **values: Any) -> Broadcast:
    """Of the messages 101 and 102, which wait to be edited."""
    wrong = await sent_to_three(api, factory)
    edit = await a_broadcast(factory, "更正", operation=Operation.EDIT, of_id=wrong.id, audience=None, **values)
    assert await begin(factory, edit) == 2
    return edit


def parts(messages: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(message["kind"], message["message_id"]) for message in messages]


EDITS = [("broadcast", 101), ("broadcast", 102)]
NOTES = [(CORRECTED, 101), (CORRECTED, 102)]


async def test_whose_message_was_edited_is_told_so_once(api: aiohttp.ClientSession, factory: Factory) -> None:
    edit = await an_edit(api, factory)
    edits = await claim(api)
    assert parts(edits) == EDITS
    assert await tell(api, edits, "sent", message_id=101) == 2
    # The report's answer was lost: it comes again.
    assert await tell(api, edits, "sent", message_id=101) == 0
    assert await counts(factory, edit) == {"total": 2, "waiting": 2}
    batch = await claim_batch(api)
    assert [(one.kind, one.message_id, one.payload) for one in batch.messages] == [(*note, {}) for note in NOTES]
    assert batch.broadcasts == []
    for number, one in enumerate(batch.messages):
        told = {"id": one.id, "lease": str(one.lease)}
        assert await tell(api, [told], "sent", message_id=201 + number) == 1
    assert await claim(api) == []
    assert (await now_of(factory, edit)).counts == {"sent": 2}
    assert [row.message_id for row in (await rows(factory))[-2:]] == [201, 202]


async def test_the_second_courier_finds_it_edited_and_its_reader_is_told_once(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    """The first one died after the edit, or was heard too late."""
    await an_edit(api, factory)
    first = await claim(api)
    await lapse(factory)
    second = await claim(api)
    assert parts(second) == EDITS
    assert await tell(api, first, "sent", message_id=101) == 0
    assert await tell(api, second, "sent", message_id=101, reason=AS_IT_WAS) == 2
    assert await tell(api, first, "sent", message_id=101) == 0
    notes = await claim(api)
    assert parts(notes) == NOTES
    assert await tell(api, notes, "sent", message_id=201) == 2
    assert await claim(api) == []


async def test_an_edit_that_may_have_passed_the_first_time_is_told(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await an_edit(api, factory)
    one, other = await claim(api)
    await tell(api, [one], "unknown", reason="timed_out")
    await tell(api, [other], "retry", reason="server_error")
    await change(factory, "not_before = now()", "state = 'waiting'")
    again = await claim(api)
    assert sorted(parts(again)) == EDITS
    await tell(api, again, "sent", message_id=101, reason=AS_IT_WAS)
    assert sorted(parts(await claim(api))) == NOTES


async def test_whose_words_are_as_they_were_is_told_nothing(api: aiohttp.ClientSession, factory: Factory) -> None:
    edit = await an_edit(api, factory)
    one, other = await claim(api)
    await tell(api, [one], "sent", message_id=101, reason=AS_IT_WAS)
    await tell(api, [other], "failed", reason="message_gone")
    assert await claim(api) == []
    assert (await now_of(factory, edit)).counts == {"sent": 1, "failed": 1}


@pytest.mark.parametrize(("outcome", "ends"), [("unknown", "unknown"), ("retry", None), ("unsent", None)])
async def test_what_tells_of_an_edit_is_tried_again_and_nothing_edited_anew(
    api: aiohttp.ClientSession, factory: Factory, outcome: str, ends: str | None
) -> None:
    edit = await an_edit(api, factory)
    await tell(api, await claim(api), "sent", message_id=101)
    for _ in range(2):
        await change(factory, "not_before = now()", "state = 'waiting'")
        notes = await claim(api)
        assert parts(notes) == NOTES
        await tell(api, notes, outcome, reason="timed_out")
    assert (await now_of(factory, edit)).counts == ({ends: 2} if ends else None)


async def test_nobody_reports_and_what_tells_of_an_edit_is_claimed_again(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    edit = await an_edit(api, factory)
    await tell(api, await claim(api), "sent", message_id=101)
    assert parts(await claim(api)) == NOTES
    await lapse(factory)
    again = await claim(api)
    assert parts(again) == NOTES
    await tell(api, again, "sent", message_id=201)
    assert (await now_of(factory, edit)).counts == {"sent": 2}


@pytest.mark.parametrize("urgent", [False, True])
async def test_at_night_messages_are_edited_and_their_readers_told_in_the_morning(
    api: aiohttp.ClientSession, settings: Settings, factory: Factory, urgent: bool
) -> None:
    await an_edit(api, factory, urgent=urgent)
    hour = datetime.now(settings.timezone).hour
    settings.quiet_from, settings.quiet_until = hour, (hour + 2) % 24
    edits = await claim(api)
    assert parts(edits) == EDITS
    await tell(api, edits, "sent", message_id=101)
    assert parts(await claim(api)) == (NOTES if urgent else [])
    settings.quiet_from = settings.quiet_until
    assert parts(await claim(api)) == ([] if urgent else NOTES)


async def test_paused_and_cancelled_between_the_edit_and_the_word_of_it(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    edit = await an_edit(api, factory)
    [one, other] = await claim(api)
    await tell(api, [one], "sent", message_id=101)
    await put_state(factory, edit, BroadcastState.PAUSED)
    assert await claim(api) == []
    await put_state(factory, edit, BroadcastState.CANCELLED)
    await tell(api, [other], "sent", message_id=102)
    assert await settle_all(factory, edit) == 2
    assert (await now_of(factory, edit)).counts == {"sent": 2}, "they were edited"
    assert await claim(api) == []


async def test_who_has_the_edited_message_is_told_though_they_see_the_home_no_more(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    await an_edit(api, factory)
    await tell(api, await claim(api), "sent", message_id=101)
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE links SET revoked_at = now()"))
        await session.execute(text(f"INSERT INTO chats (id, version, gone_at) VALUES ({CHAT + 1}, 1, now())"))
    assert parts(await claim(api)) == NOTES[:1]
    assert (await rows(factory))[-1].state is DeliveryState.GONE


async def test_a_deletion_is_told_nobody(api: aiohttp.ClientSession, factory: Factory) -> None:
    wrong = await sent_to_three(api, factory)
    deletion = await a_broadcast(factory, operation=Operation.DELETE, of_id=wrong.id, audience=None)
    await begin(factory, deletion)
    await tell(api, await claim(api), "sent", message_id=101)
    assert await claim(api) == []
    assert (await now_of(factory, deletion)).counts == {"sent": 2}
