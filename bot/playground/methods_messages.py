"""Bot API methods that send, change and remove messages."""

import math
import secrets
from typing import Any

from bot.playground.body import Upload
from bot.playground.errors import bad_request
from bot.playground.files import File
from bot.playground.keyboards import is_inline
from bot.playground.params import Call
from bot.playground.people import Wire

ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


async def send_message(call: Call) -> Wire:
    call.chat()
    return _post(call, call.message_text())


async def send_photo(call: Call) -> Wire:
    call.chat()
    content: Wire = {"photo": _file(call, call.file("photo"), "photo").content, **call.caption()}
    return _post(call, content | _shown(call))


async def send_document(call: Call) -> Wire:
    call.chat()
    content = {"document": _file(call, call.file("document"), "document").content, **call.caption()}
    return _post(call, content)


async def send_location(call: Call) -> Wire:
    call.chat()
    latitude, longitude = call.number("latitude"), call.number("longitude")
    if latitude is None or longitude is None or not _on_earth(latitude, longitude):
        raise bad_request("invalid location specified")
    location: Wire = {"latitude": latitude, "longitude": longitude}
    accuracy = call.number("horizontal_accuracy")
    if accuracy is not None:
        location["horizontal_accuracy"] = accuracy
    return _post(call, {"location": location})


async def send_media_group(call: Call) -> list[Wire]:
    person = call.chat()
    media = call.json("media", "media")
    if not isinstance(media, list) or not all(isinstance(item, dict) for item in media):
        raise bad_request("can't parse media JSON object")
    if not 2 <= len(media) <= 10:
        raise bad_request("Wrong number of media: album must include 2-10 items")
    kinds = {item.get("type") for item in media}
    if not kinds <= {"photo", "document"}:
        raise bad_request(f'type "{next(iter(kinds - {"photo", "document"}))}" can\'t be used in an album here')
    if len(kinds) > 1:
        raise bad_request("document can't be mixed with other media types")
    group = str(secrets.randbits(53))
    contents: list[Wire] = []
    for item in media:
        kind = str(item["type"])
        file = _file(call, call.resolve(str(item.get("media") or ""), kind), kind)
        contents.append({"media_group_id": group, kind: file.content, **call.caption(item)})
    extras = call.extras(person)
    silent = call.flag("disable_notification")
    return [call.playground.post(person, content | extras, silent=silent).wire for content in contents]


async def edit_message_text(call: Call) -> Wire:
    person = call.chat()
    content = call.message_text()
    return call.playground.edit(person, call.message_id(), content, _inline(call)).wire


async def edit_message_caption(call: Call) -> Wire:
    person = call.chat()
    return call.playground.edit(person, call.message_id(), call.caption(), _inline(call)).wire


async def edit_message_reply_markup(call: Call) -> Wire:
    person = call.chat()
    return call.playground.edit(person, call.message_id(), None, _inline(call)).wire


async def delete_message(call: Call) -> bool:
    person = call.chat()
    if not call.playground.delete(person, [call.message_id()]):
        raise bad_request("message to delete not found")
    return True


async def delete_messages(call: Call) -> bool:
    person = call.chat()
    message_ids = call.json("message_ids", "message_ids")
    if not isinstance(message_ids, list) or not message_ids:
        raise bad_request("message identifiers are not specified")
    if len(message_ids) > 100:
        raise bad_request("too many message identifiers specified")
    try:
        numbers = [int(message_id) for message_id in message_ids]
    except (TypeError, ValueError) as error:
        raise bad_request("invalid message identifier specified") from error
    call.playground.delete(person, numbers)
    return True


async def send_chat_action(call: Call) -> bool:
    person = call.chat()
    action = call.text("action")
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    call.playground.act(person, action)
    return True


async def answer_callback_query(call: Call) -> bool:
    text = call.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    answer: Wire = {"text": text, "show_alert": call.flag("show_alert")}
    if call.text("url"):
        answer["url"] = call.text("url")
    call.playground.answer_tap(call.text("callback_query_id"), answer)
    return True


async def get_file(call: Call) -> Wire:
    if not call.text("file_id"):
        raise bad_request("file_id is empty")
    return call.playground.files.describe(call.text("file_id"))


def _post(call: Call, content: Wire) -> Wire:
    person = call.chat()
    markup = call.markup()
    content = content | call.extras(person)
    return call.playground.post(person, content, markup, silent=call.flag("disable_notification")).wire


def _inline(call: Call) -> Any:
    markup = call.markup()
    if markup is not None and not is_inline(markup):
        raise bad_request("inline keyboard expected")
    return markup


def _file(call: Call, source: Upload | str, kind: str) -> File:
    files = call.playground.files
    if isinstance(source, Upload):
        if not source.data:
            raise bad_request("file must be non-empty")
        if kind == "photo":
            return files.add_photo(source.data)
        return files.add_document(source.name, source.content_type, source.data)
    file = files.get(source)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if file.kind != kind:
        raise bad_request(f"can't use file of type {file.kind.capitalize()} as {kind.capitalize()}")
    return file


def _shown(call: Call) -> Wire:
    return {
        name: True
        for name, asked in (
            ("has_media_spoiler", "has_spoiler"),
            ("show_caption_above_media", "show_caption_above_media"),
        )
        if call.flag(asked)
    }


def _on_earth(latitude: float, longitude: float) -> bool:
    return math.isfinite(latitude + longitude) and abs(latitude) <= 90 and abs(longitude) <= 180


METHODS = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendLocation": send_location,
    "sendMediaGroup": send_media_group,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "sendChatAction": send_chat_action,
    "answerCallbackQuery": answer_callback_query,
    "getFile": get_file,
}
