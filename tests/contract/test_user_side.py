"""The user side over raw HTTP: what people's scripts rely on."""

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.contract.conftest import NewPhone, Phone, World, png


async def test_people_are_made_and_listed(world: World) -> None:
    status, person = await world.ask(
        "POST",
        "/play/users",
        json={"first_name": "王芳", "phone": "+8613800000001", "language_code": "zh-hans", "note": "协议号 1"},
    )
    assert status == 201
    assert person["id"] > 0
    _, everybody = await world.ask("GET", "/play/users")
    assert [(one["id"], one["first_name"], one["note"]) for one in everybody] == [(person["id"], "王芳", "协议号 1")]
    status, other = await world.ask("POST", "/play/users", json={"first_name": "李", "id": 42})
    assert (status, other["id"]) == (201, 42)
    assert other["phone"]
    status, _ = await world.ask("POST", "/play/users", json={"first_name": "李", "id": 42})
    assert status == 409


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/play/users", {}, 422),
        ("/play/users", {"first_name": ""}, 422),
        ("/play/users", {"first_name": "a", "language_code": "Chinese!"}, 422),
        ("/play/users", {"first_name": "a", "surprise": 1}, 422),
        ("/play/users/1/messages", {"text": "x"}, 404),
        ("/play/users/x/messages", {"text": "x"}, 404),
        ("{me}/messages", {}, 422),
        ("{me}/messages", {"text": "   "}, 422),
        ("{me}/messages", {"text": 5}, 422),
        ("{me}/messages", {"text": "x" * 50_000}, 413),
        ("{me}/messages", [], 422),
        ("{me}/edits", {"message_id": 99, "text": "x"}, 404),
        ("{me}/contact", {"phone_number": ""}, 422),
        ("{me}/photo", {}, 400),
        ("{me}/document", None, 422),
        ("{me}/location", {"latitude": 91, "longitude": 0}, 422),
        ("{me}/taps", {"message_id": "x", "data": "y"}, 422),
        ("{me}/taps", {"message_id": 1}, 422),
        ("{me}/voice", {"duration": 0}, 422),
        ("{me}/dances", {}, 404),
    ],
)
async def test_bad_input_is_refused_in_json(world: World, phone: Phone, path: str, body: Any, expected: int) -> None:
    status, answer = await world.ask("POST", path.format(me=f"/play/users/{phone.id}"), json=body)
    assert status == expected
    assert answer["error"]


async def test_bad_queries_are_refused(world: World, phone: Phone) -> None:
    for query in ("after=x", "since=x", "wait=x"):
        status, _ = await world.ask("GET", f"/play/users/{phone.id}/messages?{query}")
        assert status == 422
    status, _ = await world.ask("POST", f"/play/users/{phone.id}/messages", data=b"{not json")
    assert status == 422


@pytest.mark.parametrize(
    ("own", "shared"),
    [("13800000001", "8613800000001"), ("+8613800000001", "+8613800000001"), ("+13802123456", "+13802123456")],
)
async def test_ones_own_number_is_shared_with_its_country_code(new_phone: NewPhone, own: str, shared: str) -> None:
    phone = await new_phone(phone=own)
    sent = await phone.do("contact")
    assert sent["contact"] == {"phone_number": shared, "first_name": sent["from"]["first_name"], "user_id": phone.id}


async def test_both_sides_after_a_number_and_edits_since_an_event(world: World, phone: Phone) -> None:
    mine = await phone.send("https://example.org 和 @someone_else")
    assert [entity["type"] for entity in mine["entities"]] == ["url", "mention"]
    _, body = await world.call("sendMessage", chat_id=phone.id, text="one")
    answer = body["result"]["message_id"]
    assert [message["mine"] for message in await phone.messages()] == [True, False]
    assert [message["message_id"] for message in await phone.messages(mine["message_id"])] == [answer]
    assert await phone.messages(answer) == []

    async with world.http.get(f"/play/users/{phone.id}/messages") as response:
        event = response.headers["X-Playground-Event"]
    waiting = asyncio.create_task(phone.messages(since=event, wait=30))
    await asyncio.sleep(0.05)
    await world.call("editMessageText", chat_id=phone.id, message_id=answer, text="two")
    [changed] = await waiting
    assert (changed["message_id"], changed["text"], changed["edited"]) == (answer, "two", True)
    await world.call("deleteMessage", chat_id=phone.id, message_id=answer)
    assert await phone.messages(since=changed["event"]) == [{"message_id": answer, "deleted": True}]
    assert len(await phone.messages()) == 1


async def test_waiting_ends_empty_when_nothing_comes(phone: Phone) -> None:
    assert await phone.messages(wait=0.1) == []


async def test_a_long_text_goes_out_in_pieces_as_apps_do_it(world: World, phone: Phone) -> None:
    sent = await phone.send("长" * 5000)
    assert [len(message["text"]) for message in sent["messages"]] == [4096, 904]
    _, body = await world.call("getUpdates")
    assert [len(update["message"]["text"]) for update in body["result"]] == [4096, 904]


async def test_an_album_a_document_and_the_rest(world: World, phone: Phone) -> None:
    album = await phone.upload(
        "photo",
        ("1.png", png(400, 300), "image/png"),
        ("2.png", png(30, 40), "image/png"),
        caption="漏水 #急",
    )
    assert [message["photo"][-1]["width"] for message in album["messages"]] == [400, 30]
    assert len({message["media_group_id"] for message in album["messages"]}) == 1
    assert album["caption_entities"] == [{"type": "hashtag", "offset": 3, "length": 2}]
    single = await phone.upload("photo", ("1.png", png(4, 3), "image/png"))
    assert "media_group_id" not in single
    paper = await phone.upload("document", ("../合同.pdf", b"%PDF", "application/octet-stream"))
    assert paper["document"]["file_name"] == "合同.pdf"
    assert paper["document"]["mime_type"] == "application/pdf"
    await phone.do("location", latitude=30.1, longitude=114.2)
    await phone.do("sticker")
    await phone.do("voice", duration=4)
    _, body = await world.call("getUpdates")
    kinds = [set(update["message"]) - {"message_id", "from", "chat", "date"} for update in body["result"]]
    assert kinds[-3:] == [{"location"}, {"sticker"}, {"voice"}]


async def test_a_file_over_the_bot_apis_limit_cannot_be_fetched(world: World, phone: Phone) -> None:
    sent = await phone.upload("document", ("big.bin", bytes(20 * 1024 * 1024 + 1), "application/zip"))
    status, body = await world.call("getFile", file_id=sent["document"]["file_id"])
    assert (status, body["description"]) == (400, "Bad Request: file is too big")
    async with world.http.post(
        f"/play/users/{phone.id}/document", data=io.BytesIO(bytes(65 * 1024 * 1024))
    ) as response:
        assert response.status == 413


async def test_an_edited_message_reaches_the_bot(world: World, phone: Phone) -> None:
    sent = await phone.send("/start")
    edited = await phone.do("edits", message_id=sent["message_id"], text="better")
    assert edited["edited"]
    _, body = await world.call("getUpdates")
    assert body["result"][0]["message"]["text"] == "/start"
    assert body["result"][1]["edited_message"]["text"] == "better"
    assert "entities" not in body["result"][1]["edited_message"]


async def test_who_blocked_the_bot_has_to_unblock_it_first(world: World, phone: Phone) -> None:
    await phone.do("block")
    status, body = await world.ask("POST", f"/play/users/{phone.id}/messages", json={"text": "x"})
    assert (status, body) == (409, {"error": "the bot is blocked: unblock it first"})


async def test_events_stream_and_go_on_where_they_stopped(world: World, phone: Phone) -> None:
    async def read(response: aiohttp.ClientResponse, count: int) -> list[tuple[int, str, Any]]:
        events: list[tuple[int, str, Any]] = []
        fields: dict[str, str] = {}
        async with asyncio.timeout(30):
            while len(events) < count:
                line = (await response.content.readline()).decode().rstrip("\n")
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                    fields = {}
        return events

    path = f"/play/users/{phone.id}/events"
    async with world.http.get(path) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        await response.content.readline()
        sent = await phone.send("hello")
        await world.call("sendChatAction", chat_id=phone.id, action="typing")
        await world.call("deleteMessage", chat_id=phone.id, message_id=sent["message_id"])
        events = await read(response, 3)
    # The message was there when the first event was read: its text travels with it unless it is gone already.
    assert [kind for _, kind, _ in events] == ["message", "action", "deleted"]
    assert events[0][2]["text"] == "hello"
    assert events[2][2] == {"message_ids": [sent["message_id"]]}
    async with world.http.get(path, headers={"Last-Event-ID": str(events[0][0])}) as response:
        assert [kind for _, kind, _ in await read(response, 2)] == ["action", "deleted"]


async def test_what_was_missed_for_too_long_is_read_again(world: World, phone: Phone) -> None:
    for number in range(600):
        await world.call("sendMessage", chat_id=phone.id, text=str(number))
    async with world.http.get(f"/play/users/{phone.id}/events?since=1") as response:
        await response.content.readuntil(b"event: reset\n")
    assert len(await phone.messages(since=1)) == 600


async def test_the_page_is_for_this_machine_and_its_own_origin(world: World) -> None:
    async with world.http.get("/") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    for headers in ({"Host": "rebound.example"}, {"Origin": "http://evil.example"}):
        async with world.http.get("/play/users", headers=headers) as response:
            assert response.status == 403
    async with world.http.get("/play/users", headers={"Origin": world.url}) as response:
        assert response.status == 200
    async with world.http.get("/play/healthz") as response:
        assert response.status == 200
    for path in ("/static/nothing.js", "/static/..%2fserver.py", "/play/files/nothing", "/nowhere"):
        async with world.http.get(path) as response:
            assert response.status == 404


async def test_a_document_never_runs_as_a_page(world: World, phone: Phone, new_phone: NewPhone) -> None:
    sent = await phone.upload("document", ("x.html", b"<script>alert(1)</script>", "text/html"))
    async with world.http.get(f"/play/files/{sent['document']['file_id']}") as response:
        assert response.headers["Content-Disposition"] == "attachment"
        assert response.headers["Content-Type"] == "application/octet-stream"
