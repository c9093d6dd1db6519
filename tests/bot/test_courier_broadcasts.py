"""Broadcasts on their way to Telegram: each reader's own words, files, edits and deletions."""

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import BroadcastState, Operation
from api.messages.models import Delivery
from api.messages.schemas import Claimed, DeliveryState
from api.messages.service import PAYLOAD
from bot import courier as courier_module
from bot.backend.messages import MessageCalls
from bot.courier import CannotCompose
from bot.transport import upload_once
from bot.ui import Letter
from locales import Translator
from tests.api.broadcasting import a_broadcast, begin, now_of, put_state
from tests.api.calls import agree, upload
from tests.api.outbox import lapse, rows
from tests.bot.conftest import until
from tests.bot.post import Post
from tests.conftest import SERVICE_TOKEN
from tests.flows.files import picture
from tests.people import Message, Person


async def reader(post: Post, number: str) -> Person:
    """Somebody with a home of their own."""
    person = await post.somebody()
    await post.factory.link(person.id, await post.factory.agreement(number=number))
    return person


async def send(post: Post, text: str, **values: Any) -> Broadcast:
    broadcast = await a_broadcast(post.factory, text, **values)
    await begin(post.factory, broadcast)
    return broadcast


async def got(person: Person) -> list[Message]:
    await person.refresh()
    return [message for message in person.messages.values() if not message.mine]


async def a_file(post: Post, kind: str, filename: str) -> int:
    """Uploaded, whoever did it: by somebody who is no reader."""
    chat, agreement = post.person.id, await post.factory.agreement()
    await post.factory.link(chat, agreement)
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with aiohttp.ClientSession(post.api_url, headers=headers) as api:
        await agree(api, chat)
        file = await upload(api, chat, picture(), kind=kind, filename=filename)
    async with post.factory.database.transaction() as session:
        await session.execute(text(f"UPDATE links SET revoked_at = now() WHERE chat_id = {chat}"))
    return int(file["id"])


async def test_each_reader_gets_their_own_words_in_their_language(post: Post) -> None:
    first, second = await reader(post, "A-001"), await reader(post, "A-002")
    async with post.factory.database.transaction() as session:
        await session.execute(text(f"INSERT INTO chats (id, locale, version) VALUES ({second.id}, 'en', 1)"))
    bodies = {
        "zh_CN": {"text": "协议 {number}：<b>停水</b>", "buttons": [{"label": "查看", "target": "home"}]},
        "en": {"text": "Agreement {number}: <b>no water</b>", "buttons": []},
    }
    broadcast = await send(post, "", bodies=bodies)
    async with post.courier(), post.courier():
        await post.settled()
    [chinese], [english] = await got(first), await got(second)
    assert (chinese.text, english.text) == ("协议 A-001：停水", "Agreement A-002: no water")
    assert chinese.protected
    assert chinese.buttons[0] == "查看"
    assert {row.message_id for row in await rows(post.factory)} == {chinese.id, english.id}
    assert (await now_of(post.factory, broadcast)).state is BroadcastState.SENT


@pytest.mark.parametrize(("kind", "method"), [("photo", "sendPhoto"), ("document", "sendDocument")])
async def test_a_file_goes_to_telegram_once_and_then_by_its_name(post: Post, kind: str, method: str) -> None:
    people = [await reader(post, f"A-{number}") for number in range(6)]
    broadcast = await send(post, "{number}", attachment_id=await a_file(post, kind, "通知.png"))
    read: list[str] = []

    async def count(bot: Any, asked: str, *values: Any, **more: Any) -> Any:
        read.append(asked)
        return await upload_once(bot, asked, *values, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.letters.upload_once", count)
        async with post.courier():
            await post.settled()
    assert read == [method]
    assert post.world.outbox.done[method] == 6
    for number, person in enumerate(people):
        [message] = await got(person)
        assert (message.text, message.protected) == (f"A-{number}", True)
        assert kind in message.wire
    assert (await now_of(post.factory, broadcast)).counts == {"sent": 6}


async def test_the_next_is_sent_the_bytes_where_the_first_did_not_take_them(post: Post) -> None:
    people = [await reader(post, f"A-{number}") for number in range(3)]
    await people[0].block()
    await send(post, "{number}", attachment_id=await a_file(post, "document", "通知.png"))
    async with post.courier():
        await post.settled()
    assert [row.state for row in await rows(post.factory)] == [
        DeliveryState.GONE,
        DeliveryState.SENT,
        DeliveryState.SENT,
    ]


async def test_a_file_whose_name_telegram_forgot_is_sent_anew(post: Post) -> None:
    person = await reader(post, "A-1")
    attachment = await a_file(post, "photo", "照片.png")
    async with post.courier():
        await send(post, "一", attachment_id=attachment)
        await person.expect("一")
        await post.fault(400, description="Bad Request: wrong file identifier/HTTP URL specified", method="sendPhoto")
        await send(post, "二", attachment_id=attachment)
        await person.expect("二")
        found = await post.settled()
    assert [(row.state, row.attempts) for row in found] == [(DeliveryState.SENT, 1)] * 2


@pytest.mark.parametrize("kind", [None, "photo"])
async def test_what_was_wrong_is_edited_in_place_and_then_taken_back(post: Post, kind: str | None) -> None:
    first, second = await reader(post, "A-1"), await reader(post, "A-2")
    values = {} if kind is None else {"attachment_id": await a_file(post, kind, "照片.png")}
    wrong = await send(post, "明天停水 {number}", **values)
    async with post.courier():
        await post.settled()
        before = [await got(person) for person in (first, second)]
        await send(post, "后天停水 {number}", operation=Operation.EDIT, of_id=wrong.id, audience=None)
        await first.expect("后天停水 A-1")
        await second.expect("后天停水 A-2")
        await post.settled()
        for person, [edited] in zip((first, second), before, strict=True):
            [message, note] = await got(person)
            assert message.id == edited.id
            assert note.text.startswith("✏️ 上面这条通知改过了")
            assert note.wire["reply_to_message"]["message_id"] == edited.id
            assert note.protected
        deletion = await send(post, "", bodies={}, operation=Operation.DELETE, of_id=wrong.id, audience=None)
        await until(lambda: post.world.outbox.done["deleteMessage"] == 2)
        await post.settled()
    for person in (first, second):
        assert [message.text[:5] for message in await got(person)] == ["✏️ 上面"], "all that the broadcast said is gone"
    assert (await now_of(post.factory, deletion)).counts == {"sent": 2}


async def test_an_edit_that_changes_nothing_is_as_it_should_be(post: Post) -> None:
    person = await reader(post, "A-1")
    wrong = await send(post, "停水")
    async with post.courier():
        await post.settled()
        edit = await send(post, "停水", operation=Operation.EDIT, of_id=wrong.id, audience=None)
        await post.settled()
    [message] = await got(person)
    assert (await now_of(post.factory, edit)).counts == {"sent": 1}
    assert (await rows(post.factory))[-1].message_id == message.id


async def test_two_couriers_tell_each_reader_once(post: Post) -> None:
    people = [await reader(post, f"A-{number}") for number in range(25)]
    wrong = await send(post, "明天停水")
    async with post.courier(), post.courier():
        await post.settled()
        edit = await send(post, "后天停水", operation=Operation.EDIT, of_id=wrong.id, audience=None)
        await post.settled()
    for person in people:
        assert Counter(message.text[:9] for message in await got(person)) == {"后天停水": 1, "✏️ 上面这条通知": 1}
    assert (await now_of(post.factory, edit)).counts == {"sent": 25}


async def test_a_courier_dies_between_the_edit_and_the_word_of_it(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it edited it never reported."""
    monkeypatch.setattr(courier_module, "DRAIN", 0.1)
    person = await reader(post, "A-1")
    wrong = await send(post, "明天停水")
    async with post.courier():
        await post.settled()
    with monkeypatch.context() as dying:

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        dying.setattr(MessageCalls, "report_messages", never)
        async with post.courier():
            edit = await send(post, "后天停水", operation=Operation.EDIT, of_id=wrong.id, audience=None)
            await person.expect("后天停水")
    assert len(await got(person)) == 1
    await lapse(post.factory)
    async with post.courier():
        await post.settled()
    assert [message.text[:5] for message in await got(person)] == ["后天停水", "✏️ 上面"]
    assert (await now_of(post.factory, edit)).counts == {"sent": 1}


@pytest.mark.parametrize("arrives", [True, False])
async def test_the_word_of_an_edit_whose_answer_is_lost_is_sent_once_more(post: Post, arrives: bool) -> None:
    """As every message is: nobody knows whether it arrived."""
    person = await reader(post, "A-1")
    wrong = await send(post, "明天停水")
    async with post.courier():
        await post.settled()
        post.relay.cut, post.relay.before_it_arrives = 1, not arrives
        edit = await send(post, "后天停水", operation=Operation.EDIT, of_id=wrong.id, audience=None)
        await post.settled()
    assert [message.text[:5] for message in await got(person)] == ["后天停水", *["✏️ 上面"] * (2 if arrives else 1)]
    assert (await now_of(post.factory, edit)).counts == {"sent": 1}


async def test_who_deleted_the_edited_message_meanwhile_is_told_nothing(post: Post) -> None:
    person = await reader(post, "A-1")
    wrong = await send(post, "明天停水")
    async with post.courier():
        await post.settled()
        await post.fault(400, description="Bad Request: message to be replied not found", method="sendMessage")
        edit = await send(post, "后天停水", operation=Operation.EDIT, of_id=wrong.id, audience=None)
        await post.settled()
    assert [message.text for message in await got(person)] == ["后天停水"]
    assert (await now_of(post.factory, edit)).counts == {"failed": 1}
    assert (await rows(post.factory))[-1].error == "message_gone"


async def test_an_older_courier_leaves_the_word_of_an_edit_to_a_newer_one(post: Post) -> None:
    def older(message: Claimed, tr: Translator) -> Letter:
        raise CannotCompose(message.kind)

    person = await reader(post, "A-1")
    wrong = await send(post, "明天停水")
    async with post.courier(older):
        await until(lambda: post.world.outbox.done["sendMessage"] == 1)
        await post.settled()
        await send(post, "后天停水", operation=Operation.EDIT, of_id=wrong.id, audience=None)
        await person.expect("后天停水")
        await until(lambda: post.world.outbox.done["editMessageText"] == 1)
    async with post.courier():
        await person.expect("✏️ 上面这条通知改过了")
        await post.settled()


@pytest.mark.parametrize(
    ("operation", "method", "said", "counts", "error"),
    [
        (Operation.EDIT, "editMessageText", "message to edit not found", {"failed": 1}, "message_gone"),
        (Operation.EDIT, "editMessageText", "message can't be edited", {"failed": 1}, "not_editable"),
        (Operation.DELETE, "deleteMessage", "message can't be deleted", {"failed": 1}, "too_old"),
        (Operation.DELETE, "deleteMessage", "message to delete not found", {"sent": 1}, None),
    ],
)
async def test_what_cannot_be_mended_any_more_is_told(
    post: Post, operation: Operation, method: str, said: str, counts: dict[str, int], error: str | None
) -> None:
    await reader(post, "A-1")
    wrong = await send(post, "停水")
    async with post.courier():
        await post.settled()
        await post.fault(400, description=f"Bad Request: {said}", method=method)
        correction = await send(post, "更正", operation=operation, of_id=wrong.id, audience=None)
        await post.settled()
    assert (await now_of(post.factory, correction)).counts == counts
    assert (await rows(post.factory))[-1].error == error


async def test_a_test_goes_to_who_asked_for_it_as_it_will_look(post: Post) -> None:
    attachment = await a_file(post, "photo", "照片.png")
    draft = await a_broadcast(post.factory, "", state=BroadcastState.DRAFT, attachment_id=attachment)
    content = {
        "id": draft.id,
        "revision": 1,
        "operation": "send",
        "topic": "news",
        "bodies": {"zh_CN": {"text": "协议 {number}", "buttons": []}},
        "fallback": "zh_CN",
        "media": {
            "attachment_id": attachment,
            "kind": "photo",
            "filename": "照片.png",
            "media_type": "image/png",
        },
    }
    facts = {"homes": [{"agreement_id": 1, "number": "A-1"}]}
    payload = post.factory.vault.seal_json(PAYLOAD, {"content": content, "facts": facts})
    await post.factory.add(Delivery(chat_id=post.person.id, kind="broadcast_test", payload=payload))
    async with post.courier():
        message = await post.person.expect("协议 A-1")
        [row] = await post.settled()
    assert "photo" in message.wire
    assert (row.state, row.broadcast_id) == (DeliveryState.SENT, None)


async def test_who_pauses_is_heard_within_two_seconds(post: Post) -> None:
    """Of 60 messages at 20 a second; then it goes on, and each arrives once."""
    people = [await reader(post, f"A-{number}") for number in range(60)]
    await post.slow_down(20, 2)
    broadcast = await send(post, "{number}")
    async with post.courier(), post.courier():
        await until(lambda: post.world.outbox.done["sendMessage"] >= 10)
        await put_state(post.factory, broadcast, BroadcastState.PAUSED)
        async with post.factory.database.transaction() as session:
            # Whoever was at the bucket at that moment is done.
            await session.execute(text("SELECT 1 FROM send_bucket FOR UPDATE"))
            granted = sum(row.attempts for row in await rows(post.factory))
        await asyncio.sleep(2)
        assert sum(row.attempts for row in await rows(post.factory)) == granted < 60
        await put_state(post.factory, broadcast, BroadcastState.SENDING)
        await post.settled()
    arrived = Counter([message.text for person in people for message in await got(person)])
    assert arrived == Counter(f"A-{number}" for number in range(60))
