"""Couriers between the real API and a Telegram that misbehaves: nothing is lost, hardly anything comes twice."""

import asyncio
import os
import signal
import time
from collections import Counter
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, text
from structlog.testing import capture_logs

from api.messages import routes
from api.messages.models import Delivery, SendBucket
from api.messages.schemas import Claimed, DeliveryState, NoticeKind, Report, Reported
from api.messages.service import PAYLOAD
from bot import courier as courier_module
from bot.app import run_courier, running_courier
from bot.backend.messages import MessageCalls
from bot.courier import WAIT
from bot.ui import Letter
from handlers.registry import compose
from locales import Translator
from tests.api.outbox import change, lapse, notice, put, rows
from tests.bot.conftest import serving_aiohttp, until
from tests.bot.post import BATCH, SLOW, Post

WAITS = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_what_is_put_into_the_outbox_arrives_at_once(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "POLL", 60.0)  # nothing is looked for that nothing rings for
    async with running_courier(post.settings()):
        began = time.monotonic()
        await post.put("缺材料")
        message = await post.person.expect("缺材料")
        assert time.monotonic() - began < WAIT / 2
        assert message.protected
        [row] = await post.settled()
    assert (row.state, row.message_id, row.attempts, row.payload) == (DeliveryState.SENT, message.id, 1, None)


async def test_many_arrive_once_each_by_several_couriers(post: Post) -> None:
    words = [f"第{number}件" for number in range(60)]
    await post.put(*words)
    async with post.courier(), post.courier(), running_courier(post.settings(courier_batch=1)):
        await post.settled()
    assert await post.arrived() == Counter(words)


async def test_reports_are_gathered_until_nothing_more_can_come(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    report = MessageCalls.report_messages

    async def noted(self: MessageCalls, told: Report) -> Reported:
        sizes.append(len(told.results))
        return await report(self, told)

    monkeypatch.setattr(MessageCalls, "report_messages", noted)
    monkeypatch.setattr(courier_module, "GATHER", 60.0)
    await post.put(*(f"第{number}件" for number in range(BATCH)))
    # The answers to two of them come late, one after the other.
    await post.fault(200, delay=0.4)
    await post.fault(200, delay=0.8)
    began = time.monotonic()
    async with post.courier():
        await post.settled()
        assert time.monotonic() - began < 30, "it waited though all was told"
        assert sum(sizes) == BATCH
        assert sizes[-1] >= 2, f"late ones were told one by one: {sizes}"
        await post.put("另一件")
        began = time.monotonic()
        await post.settled()
        assert time.monotonic() - began < 30, "a lone one was kept back"


async def test_telegrams_pause_is_kept_by_all_and_then_it_arrives(post: Post) -> None:
    await post.fault(429, retry_after=2)
    async with post.courier(), post.courier():
        await post.put("第一件")
        await until(lambda: bool(post.world.outbox.failed.get("sendMessage")))
        await asyncio.sleep(0.2)
        await post.put("第二件")
        found = await post.settled()
    async with post.factory.database.reading() as reader:
        over = (await reader.execute(select(SendBucket.held_until))).scalar_one()
    assert over is not None
    for row in found:
        assert row.finished_at is not None
        assert over < row.finished_at, "the second courier, or the first, did not wait"
    assert await post.arrived() == Counter(["第一件", "第二件"])
    assert sum(post.world.outbox.failed["sendMessage"].values()) == 1, "nobody asked during the pause"
    assert [(row.state, row.attempts) for row in found] == [(DeliveryState.SENT, 1)] * 2


@pytest.mark.parametrize(
    ("status", "description", "state", "error"),
    [
        (403, None, DeliveryState.GONE, "forbidden"),
        (403, "Forbidden: user is deactivated", DeliveryState.GONE, "forbidden"),
        (403, "Forbidden: bot can't initiate conversation with a user", DeliveryState.GONE, "forbidden"),
        (400, "Bad Request: chat not found", DeliveryState.GONE, "chat_not_found"),
        (400, "Bad Request: PEER_ID_INVALID", DeliveryState.GONE, "chat_not_found"),
        (400, "Bad Request: user is deactivated", DeliveryState.GONE, "deactivated"),
        (400, "Bad Request: can't parse entities: unsupported start tag", DeliveryState.FAILED, "bad_request"),
        (400, "Bad Request: message is too long", DeliveryState.FAILED, "bad_request"),
    ],
)
async def test_refusals_that_will_not_pass(
    post: Post, status: int, description: str | None, state: DeliveryState, error: str
) -> None:
    await post.fault(status, description=description)
    async with post.courier():
        await post.put("缺材料")
        [row] = await post.settled()
    assert (row.state, row.error, row.attempts, row.payload) == (state, error, 1, None)
    assert await post.arrived() == Counter()


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_that_fails_is_asked_again_later(post: Post, status: int) -> None:
    await post.fault(status)
    async with post.courier():
        await post.put("缺材料")
        row = await post.tried()
        assert (row.state, row.error, row.doubts) == (DeliveryState.WAITING, "server_error", 0)
        [row] = await post.settled()
    assert (row.state, row.attempts) == (DeliveryState.SENT, 2)
    assert await post.arrived() == Counter(["缺材料"])


async def test_nobody_there_is_known_not_to_have_got_it(post: Post) -> None:
    await post.relay.close()
    async with post.courier():
        await post.put("缺材料")
        row = await post.tried()
        assert (row.state, row.error, row.doubts) == (DeliveryState.WAITING, "not_connected", 0)
        await post.relay.open()
        [row] = await post.settled()
    assert row.state is DeliveryState.SENT
    assert await post.arrived() == Counter(["缺材料"])


async def test_no_answer_in_time_is_not_known_and_sent_once_more(post: Post) -> None:
    """It had arrived: this is the one case, beside a crash, in which a message comes twice."""
    await post.fault(200, delay=5 * SLOW)
    async with post.courier(patience=SLOW):
        await post.put("缺材料")
        row = await post.tried()
        assert (row.state, row.error, row.doubts) == (DeliveryState.WAITING, "timed_out", 1)
        [row] = await post.settled()
    assert (row.state, row.attempts, row.doubts) == (DeliveryState.SENT, 2, 1)
    assert await post.arrived() == Counter({"缺材料": 2})


async def test_never_an_answer_in_time_ends_after_the_second(post: Post) -> None:
    await post.fault(200, delay=5 * SLOW, count=9)
    async with post.courier(patience=SLOW):
        await post.put("缺材料")
        [row] = await post.settled()
    assert (row.state, row.error, row.attempts) == (DeliveryState.UNKNOWN, "timed_out", 2)
    assert await post.arrived() == Counter({"缺材料": 2})


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_connection_that_breaks_is_not_known_and_it_is_sent_once_more(post: Post, arrives: bool) -> None:
    post.relay.cut, post.relay.before_it_arrives = 1, not arrives
    async with post.courier():
        await post.put("缺材料")
        row = await post.tried()
        assert (row.error, row.doubts) == ("connection_lost", 1)
        [row] = await post.settled()
    assert (row.state, row.attempts) == (DeliveryState.SENT, 2)
    assert await post.arrived() == Counter({"缺材料": 2 if arrives else 1})


async def test_a_token_that_is_refused_loses_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outcomes.TOKEN_PAUSE", 0.5)
    await post.fault(401, description="Unauthorized")
    async with post.courier():
        await post.put("缺材料")
        [row] = await post.settled()
    assert (row.state, row.attempts) == (DeliveryState.SENT, 1)


async def test_one_that_fails_does_not_keep_the_others(post: Post) -> None:
    other = await post.somebody()
    await post.fault(403, chat_id=other.id)
    await put(post.factory, other.id)
    await post.put(*"甲乙丙")
    async with post.courier():
        found = await post.settled()
    assert [row.state for row in found] == [DeliveryState.GONE, *[DeliveryState.SENT] * 3]
    assert await post.arrived() == Counter("甲乙丙")


# --- words ---


@pytest.mark.parametrize("kind", ["from_the_future", "new_link"])
async def test_what_it_has_no_words_for_waits_for_a_newer_one(post: Post, kind: str) -> None:
    secret = "张测试的房子"
    payload = {"kind": kind, "what": secret}
    async with post.factory.database.transaction() as session:
        sealed = post.factory.vault.seal_json(PAYLOAD, payload)
        session.add(Delivery(chat_id=post.person.id, kind=NoticeKind.NEW_LINK, payload=sealed))
    with capture_logs() as logs:
        async with post.courier():
            await post.put("缺材料")
            row = await post.tried()
            assert (row.state, row.error) == (DeliveryState.WAITING, "no_words")
            await post.person.expect("缺材料")
    [complaint] = [line for line in logs if line["event"] == "message_not_composed"]
    assert (complaint["error"], complaint["kind"]) == ("CannotCompose", "new_link")
    assert secret not in str(logs)
    # The newer courier comes.
    await change(post.factory, "not_before = now()")

    def newer(message: Claimed, tr: Translator) -> Letter:
        return Letter(f"news\n{message.payload['what']}") if message.payload["kind"] == kind else compose(message, tr)

    async with post.courier(newer):
        await post.person.expect(secret)
        await post.settled()


async def test_words_that_stumble_stop_nobody(post: Post) -> None:
    def stumbling(message: Claimed, tr: Translator) -> Letter:
        if message.payload["reason"] == "甲":
            raise ZeroDivisionError(message.payload["reason"])
        return compose(message, tr)

    with capture_logs() as logs:
        async with post.courier(stumbling):
            await post.put("甲", "乙")
            await post.person.expect("乙")
            row = await post.tried()
    assert (row.state, row.error) == (DeliveryState.WAITING, "no_words")
    assert "甲" not in str(logs)


# --- the API ---


async def test_an_api_that_comes_back_is_found_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "LONGEST_REST", 0.3)
    async with post.courier():
        await post.put("第一件")
        await post.person.expect("第一件")
        await post.stop_api()
        await post.put("第二件")
        await asyncio.sleep(0.5)
        await post.start_api()
        await post.person.expect("第二件")
        await post.settled()
    assert await post.arrived() == Counter(["第一件", "第二件"])


async def test_what_was_sent_while_the_api_was_down_is_reported_later(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "LONGEST_REST", 0.3)
    await post.fault(200, delay=SLOW)
    async with post.courier():
        await post.put("缺材料")
        await until(lambda: bool(post.world.outbox.done["sendMessage"]))
        await post.stop_api()
        await asyncio.sleep(0.6)
        assert (await rows(post.factory))[0].state is DeliveryState.WAITING
        await post.start_api()
        [row] = await post.settled()
    assert (row.state, row.attempts, row.doubts) == (DeliveryState.SENT, 1, 0)
    assert await post.arrived() == Counter(["缺材料"])


async def test_whatever_the_api_answers_it_goes_on(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "LONGEST_REST", 0.05)
    message = {
        "id": 7,
        "lease": "6a1e0b0c-9c1f-4d43-8d0a-2f4a3c1d9e11",
        "chat_id": post.person.id,
        "locale": "en",
        "kind": "access_declined",
        "payload": notice("缺材料").model_dump(mode="json"),
    }
    refused = {"code": "unauthenticated", "message": "…", "details": {}}
    claims = iter(
        [(500, {}), (401, refused), (200, "王小明"), (200, {"messages": [{"id": "王小明"}]}), (404, b"<html>")]
    )
    reports = iter([(503, {}), (422, {**refused, "code": "invalid_input"}), (200, [])])
    told: list[dict[str, Any]] = []
    handed = False

    async def claim(request: web.Request) -> web.Response:
        nonlocal handed
        status, body = next(claims, (200, {"messages": [] if handed else [message]}))
        if (status, body) == (200, {"messages": [message]}):
            handed = True
        elif (status, body) == (200, {"messages": []}):
            await asyncio.sleep(0.05)
        return (
            web.Response(status=status, body=body)
            if isinstance(body, bytes)
            else web.json_response(body, status=status)
        )

    async def report(request: web.Request) -> web.Response:
        status, body = next(reports, (200, {"counted": 1}))
        told.append(await request.json())
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/v1/messages/claim", claim)
    app.router.add_post("/v1/messages/report", report)
    with capture_logs() as logs:
        async with serving_aiohttp(app) as post.api_url, post.courier():
            await post.person.expect("缺材料")
            await until(lambda: len(told) == 4)
    assert told[-1]["results"] == told[0]["results"]
    [result] = told[0]["results"]
    assert (result["id"], result["lease"], result["outcome"]) == (7, message["lease"], "sent")
    assert "王小明" not in str(logs)
    assert next(claims, None) is None
    assert next(reports, None) is None


async def test_who_could_not_report_while_the_api_was_away_sends_nothing_twice(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the leases. It reports before it claims again."""
    monkeypatch.setattr(courier_module, "LONGEST_REST", 0.5)
    monkeypatch.setattr(courier_module, "LEASE", 20)
    words = [f"第{number}件" for number in range(BATCH)]
    await post.fault(200, delay=SLOW, count=BATCH)
    await post.put(*words)
    async with post.courier():
        await until(lambda: post.world.outbox.done["sendMessage"] >= 1)
        await post.stop_api()
        await until(lambda: post.world.outbox.done["sendMessage"] >= BATCH)
        await lapse(post.factory)
        await post.start_api()
        await post.settled()
    assert await post.arrived() == Counter(words)


async def test_what_was_never_reported_goes_out_once_more(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API was away for so long that another has it by now; the courier has room again."""
    monkeypatch.setattr(courier_module, "LONGEST_REST", 0.1)
    monkeypatch.setattr(courier_module, "LEASE", 5)
    monkeypatch.setattr(courier_module, "KEPT", -4.0)
    monkeypatch.setattr(courier_module, "DRAIN", 0.1)
    await post.fault(200, delay=SLOW, count=20)
    with capture_logs() as logs:
        async with post.courier():
            await post.put(*(f"第{number}件" for number in range(BATCH)))
            await until(lambda: post.world.outbox.done["sendMessage"] >= 1)
            await post.stop_api()
            await until(lambda: any(line["event"] == "reports_too_late" for line in logs))
            await post.start_api()
            await lapse(post.factory)
            await post.settled()
    arrived = await post.arrived()
    assert len(arrived) == BATCH
    assert arrived.total() <= 2 * BATCH


# --- the end ---


async def test_it_finishes_what_it_has_in_hand(post: Post) -> None:
    words = [f"第{number}件" for number in range(3 * BATCH)]
    await post.fault(200, delay=SLOW, count=100)
    await post.put(*words)
    async with post.courier():
        await until(lambda: post.world.outbox.done["sendMessage"] >= BATCH)
    found = await rows(post.factory)
    states = Counter(row.state for row in found)
    assert states[DeliveryState.SENT] == (await post.arrived()).total()
    assert 0 < states[DeliveryState.WAITING] < len(words)
    assert all(row.lease_id is None and row.attempts == (row.state is DeliveryState.SENT) for row in found)
    # Whoever comes next does the rest, nothing twice.
    async with post.courier():
        await post.settled()
    assert await post.arrived() == Counter(words)


async def test_it_hangs_up_on_a_claim_that_is_being_made(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.app.LOCK_SECONDS", 60)  # else the API would soon answer
    await post.stop_api()
    await post.start_api()
    await post.put("缺材料")
    began = 0.0
    async with post.factory.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM send_bucket FOR UPDATE"))
        async with post.courier():
            async with asyncio.timeout(30):
                while not await post.factory.database.pool.fetch(WAITS):
                    await asyncio.sleep(0.02)
            began = time.monotonic()
        assert time.monotonic() - began < WAIT / 2
        await asyncio.sleep(0.1)
    async with asyncio.timeout(30):
        while (row := (await rows(post.factory))[0]).lease_id is not None or row.attempts:
            await asyncio.sleep(0.02)
    assert row.state is DeliveryState.WAITING
    assert await post.arrived() == Counter()


async def test_it_ends_though_the_api_is_down(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "DRAIN", 0.5)
    await post.fault(200, delay=SLOW)
    async with post.courier():
        await post.put("缺材料")
        await until(lambda: bool(post.world.outbox.done["sendMessage"]))
        await post.stop_api()
        began = time.monotonic()
    assert time.monotonic() - began < 30, "it tries again for as long as the messages are its own"
    await post.start_api()


async def test_it_runs_until_sigterm(post: Post) -> None:
    task = asyncio.create_task(run_courier(post.settings()))
    await post.put("缺材料")
    await post.person.expect("缺材料")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 30)
    await post.settled()
