"""Refusals as the Bot API words them, over raw HTTP: status, code and description."""

import urllib.parse
from typing import Any

import pytest

from tests.contract.conftest import Phone, World, png

INLINE = {"inline_keyboard": [[{"text": "a", "callback_data": "x"}]]}


@pytest.mark.parametrize(
    ("method", "fields", "description"),
    [
        ("sendMessage", {"text": "x", "chat_id": ""}, "chat_id is empty"),
        ("sendMessage", {"text": "x", "chat_id": 5}, "chat not found"),
        ("sendMessage", {"text": "x", "chat_id": "@nobody"}, "chat not found"),
        ("sendMessage", {}, "message text is empty"),
        ("sendMessage", {"text": " \n "}, "message text is empty"),
        ("sendMessage", {"text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"text": "x", "parse_mode": "Word"}, "unsupported parse_mode"),
        (
            "sendMessage",
            {"text": "你<b>x", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "sendMessage",
            {"text": "你<h1>x</h1>", "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "h1" at byte offset 3',
        ),
        (
            "sendMessage",
            {"text": "<b>x</i>", "parse_mode": "HTML"},
            'can\'t parse entities: Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
        ),
        (
            "sendMessage",
            {"text": "x</b>", "parse_mode": "HTML"},
            "can't parse entities: Unexpected end tag at byte offset 1",
        ),
        (
            "sendMessage",
            {"text": "3 < 4", "parse_mode": "HTML"},
            "can't parse entities: Unclosed start tag at byte offset 2",
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "好" * 22}]]}},
            "BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a"}]]}},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": "{no json"},
            "can't parse reply keyboard markup JSON object",
        ),
        ("sendMessage", {"text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
        (
            "sendMessage",
            {"text": "x", "reply_parameters": {"message_id": 99}},
            "message to be replied not found",
        ),
        ("editMessageText", {"text": "x"}, "message identifier is not specified"),
        ("editMessageText", {"text": "x", "message_id": 99}, "message to edit not found"),
        ("deleteMessage", {"message_id": 99}, "message to delete not found"),
        ("sendPhoto", {"photo": "nonsense"}, "wrong file identifier/HTTP URL specified"),
        ("sendPhoto", {"photo": "https://example.org/a.png"}, "failed to get HTTP URL content"),
        ("sendPhoto", {"photo": "attach://x"}, "can't find attached file x"),
        ("sendPhoto", {}, "there is no photo in the request"),
        (
            "sendMediaGroup",
            {"media": [{"type": "photo", "media": "x"}]},
            "Wrong number of media: album must include 2-10 items",
        ),
        ("sendLocation", {"latitude": 91, "longitude": 0}, "invalid location specified"),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            "query is too old and response timeout expired or query ID is invalid",
        ),
        (
            "setWebhook",
            {"url": "https://example.org/"},
            "bad webhook: the playground delivers to this machine only",
        ),
        (
            "setWebhook",
            {"url": "http://127.0.0.1:1/", "secret_token": "a b"},
            "secret token contains unallowed characters",
        ),
    ],
)
async def test_bad_requests(world: World, phone: Phone, method: str, fields: dict[str, Any], description: str) -> None:
    status, body = await world.call(method, **({"chat_id": phone.id} | fields))
    assert (status, body) == (
        400,
        {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"},
    )


async def test_unknown_methods_and_tokens(world: World) -> None:
    assert await world.call("makeCoffee") == (
        404,
        {"ok": False, "error_code": 404, "description": "Not Found"},
    )
    assert await world.ask("GET", "/bot1:other/getMe") == (
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )
    status, _ = await world.ask("GET", "/botnonsense/getMe")
    assert status == 404
    status, _ = await world.ask("GET", "/file/bot1:other/photos/file_1.png")
    assert status == 401
    status, _ = await world.ask("GET", f"/file/bot{world.token}/../../etc/passwd")
    assert status == 404


async def test_every_way_to_send_parameters(world: World, phone: Phone) -> None:
    fields = {"chat_id": str(phone.id), "text": "喂", "disable_notification": "true"}
    path = f"/bot{world.token}/sendMessage"
    ways: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", path, {"data": fields}),
        ("POST", path, {"json": fields}),
        ("GET", f"{path}?{urllib.parse.urlencode(fields)}", {}),
        ("POST", f"{path}?{urllib.parse.urlencode(fields)}", {}),
        ("POST", path.replace("sendMessage", "SENDMESSAGE"), {"data": fields}),
    ]
    for verb, where, options in ways:
        status, body = await world.ask(verb, where, **options)
        assert (status, body["result"]["text"]) == (200, "喂")
    escaped = world.token.replace(":", "%3A")
    async with world.http.get(f"{world.url}/bot{escaped}/getMe") as response:
        assert response.status == 200


async def test_a_body_that_is_no_utf8_or_cut_off(world: World, phone: Phone) -> None:
    path = f"/bot{world.token}/sendMessage"
    kinds = {
        "application/x-www-form-urlencoded": b"text=\xff",
        "application/json": b"{",
        "multipart/form-data; boundary=x": b"--x\r\nno end",
        "multipart/form-data": b"--x--",
    }
    for kind, data in kinds.items():
        status, body = await world.ask("POST", path, data=data, headers={"Content-Type": kind})
        assert (status, body["ok"]) == (400, False)


async def test_getupdates_and_a_webhook_exclude_each_other(world: World) -> None:
    status, _ = await world.call("setWebhook", url="http://127.0.0.1:9/")
    assert status == 200
    status, body = await world.call("getUpdates")
    assert status == 409
    assert body["description"].startswith("Conflict: can't use getUpdates method while webhook is active")
    await world.call("deleteWebhook")
    status, _ = await world.call("getUpdates")
    assert status == 200


async def test_only_the_bots_own_text_can_become_text(world: World, phone: Phone) -> None:
    sent = await phone.upload("photo", ("a.png", png(5, 5), "image/png"))
    photo = sent["photo"][0]["file_id"]
    _, body = await world.call("sendPhoto", chat_id=phone.id, photo=photo, reply_markup=INLINE)
    status, body = await world.call(
        "editMessageText", chat_id=phone.id, message_id=body["result"]["message_id"], text="x"
    )
    assert (status, body["description"]) == (400, "Bad Request: there is no text in the message to edit")
    status, body = await world.call("sendDocument", chat_id=phone.id, document=photo)
    assert (status, body["description"]) == (400, "Bad Request: can't use file of type Photo as Document")
