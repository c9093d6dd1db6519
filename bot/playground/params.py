"""A Bot API call's parameters: strings, numbers or JSON, whatever the client sent, read as one type."""

from dataclasses import dataclass
from typing import Any

import orjson

from bot.playground.body import Form, Upload
from bot.playground.errors import bad_request
from bot.playground.formatting import format_text
from bot.playground.keyboards import Markup, read_markup
from bot.playground.people import Message, Person, Wire
from bot.playground.state import Playground
from bot.playground.webhook import Delivery

MAX_TEXT = 4096
MAX_CAPTION = 1024


@dataclass(slots=True)
class Call:
    """One call of one method, with what the method needs to answer it."""

    playground: Playground
    delivery: Delivery
    form: Form

    def text(self, name: str, default: str = "") -> str:
        value = self.form.fields.get(name)
        return default if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self.form.fields.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            return default

    def number(self, name: str) -> float | None:
        value = self.form.fields.get(name)
        try:
            return None if value is None or value == "" else float(value)
        except (TypeError, ValueError):
            return None

    def flag(self, name: str) -> bool:
        value = self.form.fields.get(name)
        return value is True or (value is not None and str(value).lower() in ("true", "yes", "1"))

    def json(self, name: str, what: str) -> Any:
        """A nested object, sent as a JSON string or inside a JSON body."""
        value = self.form.fields.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"can't parse {what} JSON object") from error

    def strings(self, name: str) -> list[str] | None:
        value = self.json(name, name.replace("_", " "))
        if value is None:
            return None
        if not isinstance(value, list):
            raise bad_request(f"can't parse {name.replace('_', ' ')}: expected an Array of String")
        return [str(item) for item in value]

    def chat(self) -> Person:
        chat_id = self.form.fields.get("chat_id")
        if chat_id is None or chat_id == "":
            raise bad_request("chat_id is empty")
        return self.playground.chat(chat_id)

    def message_id(self) -> int:
        message_id = self.integer("message_id")
        if not message_id:
            raise bad_request("message identifier is not specified")
        return message_id

    def markup(self) -> Markup | None:
        return read_markup(self.json("reply_markup", "reply keyboard markup"))

    def message_text(self) -> Wire:
        """``text`` and ``entities`` of a message, checked."""
        text, entities = format_text(self.text("text"), self.text("parse_mode"), self.json("entities", "entities"))
        if not text:
            raise bad_request("message text is empty")
        if len(text) > MAX_TEXT:
            raise bad_request("message is too long")
        content: Wire = {"text": text} | ({"entities": entities} if entities else {})
        preview = self.json("link_preview_options", "link preview options")
        if preview is None and self.flag("disable_web_page_preview"):
            preview = {"is_disabled": True}
        if isinstance(preview, dict) and preview:
            content["link_preview_options"] = preview
        return content

    def caption(self, source: dict[str, Any] | None = None) -> Wire:
        """``caption`` and ``caption_entities``, of the call or of one item of an album."""
        if source is None:
            given = self.json("caption_entities", "caption entities")
            caption, mode = self.text("caption"), self.text("parse_mode")
        else:
            given = source.get("caption_entities")
            caption, mode = str(source.get("caption") or ""), str(source.get("parse_mode") or "")
        text, entities = format_text(caption, mode, given)
        if len(text) > MAX_CAPTION:
            raise bad_request("message caption is too long")
        if not text:
            return {}
        return {"caption": text} | ({"caption_entities": entities} if entities else {})

    def file(self, name: str) -> Upload | str:
        """An uploaded file, or the id of one that Telegram has already."""
        upload = self.form.file(name)
        return upload if upload is not None else self.resolve(self.text(name), name)

    def resolve(self, value: str, name: str) -> Upload | str:
        if not value:
            raise bad_request(f"there is no {name} in the request")
        if value.startswith("attach://"):
            upload = self.form.file(value.removeprefix("attach://"))
            if upload is None:
                raise bad_request(f"can't find attached file {value.removeprefix('attach://')}")
            return upload
        if value.startswith(("http://", "https://")):
            # A real server would fetch it; this one never goes out to any network.
            raise bad_request("failed to get HTTP URL content")
        return value

    def extras(self, person: Person) -> Wire:
        """What a sent message echoes whatever its content: protection and the message it replies to."""
        extras: Wire = {}
        if self.flag("protect_content"):
            extras["has_protected_content"] = True
        reply = self.json("reply_parameters", "reply parameters")
        if reply is None and self.integer("reply_to_message_id"):
            reply = {
                "message_id": self.integer("reply_to_message_id"),
                "allow_sending_without_reply": self.flag("allow_sending_without_reply"),
            }
        if isinstance(reply, dict) and reply.get("message_id"):
            target = person.log.get(int(reply["message_id"]))
            if target is not None:
                extras["reply_to_message"] = flat(target)
            elif not reply.get("allow_sending_without_reply"):
                raise bad_request("message to be replied not found")
        return extras


def flat(message: Message) -> Wire:
    """A message inside another one: a reply does not carry the reply before it."""
    return {key: value for key, value in message.wire.items() if key != "reply_to_message"}
