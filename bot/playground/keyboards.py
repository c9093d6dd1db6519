"""Checks ``reply_markup`` the way Telegram does and brings it into the shape it is echoed in."""

import re
from typing import Any

from bot.playground.errors import bad_request

Markup = dict[str, Any]

_ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_REQUESTS = ("request_contact", "request_location", "request_poll", "request_users", "request_chat", "web_app")
MAX_CALLBACK_DATA = 64
"""Bytes of UTF-8."""


def read_markup(value: Any) -> Markup | None:
    """None for no keyboard at all (and for an inline keyboard without a button)."""
    if value is None or value == "":
        return None
    if not isinstance(value, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in value:
        rows = _rows(value["inline_keyboard"], "inline_keyboard", _inline_button)
        return {"inline_keyboard": rows} if rows else None
    if "keyboard" in value:
        rows = _rows(value["keyboard"], "keyboard", _reply_button)
        if not rows:
            return None
        markup: Markup = {"keyboard": rows}
        for flag in ("is_persistent", "resize_keyboard", "one_time_keyboard", "selective"):
            if value.get(flag):
                markup[flag] = True
        if value.get("input_field_placeholder"):
            markup["input_field_placeholder"] = str(value["input_field_placeholder"])
        return markup
    if value.get("remove_keyboard"):
        return {"remove_keyboard": True}
    if value.get("force_reply"):
        placeholder = value.get("input_field_placeholder")
        return {"force_reply": True} | ({"input_field_placeholder": str(placeholder)} if placeholder else {})
    return None


def is_inline(markup: Markup | None) -> bool:
    return markup is not None and "inline_keyboard" in markup


def _rows(value: Any, name: str, read: Any) -> list[list[dict[str, Any]]]:
    if not isinstance(value, list):
        raise bad_request(f'field "{name}" of the reply markup must be an Array')
    rows: list[list[dict[str, Any]]] = []
    count = 0
    for row in value:
        if not isinstance(row, list):
            raise bad_request(f'field "{name}" of the reply markup must be an Array of Arrays')
        buttons = [read(button) for button in row]
        count += len(buttons)
        if buttons:
            rows.append(buttons)
    # Telegram cuts a reply keyboard short and refuses an inline one.
    if count > 100 and name == "inline_keyboard":
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return rows


def _inline_button(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not text.strip():
        raise bad_request("can't parse inline keyboard button: button text must be non-empty")
    made: dict[str, Any] = {"text": text}
    for action in _ACTIONS:
        if button.get(action) is not None:
            made[action] = button[action]
            break
    else:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in made:
        size = len(str(made["callback_data"]).encode())
        if not 1 <= size <= MAX_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    url = made.get("url")
    if url is not None and not re.match(r"(?:(?:https?|tg|ton|tonsite|mailto|tel):|[\w-]+\.\w)", str(url), re.I):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    if isinstance(button.get("style"), str):
        made["style"] = button["style"]
    return made


def _reply_button(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict):
        raise bad_request("can't parse keyboard button: KeyboardButton must be a String or an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise bad_request("can't parse keyboard button: Can't find field \"text\"")
    if not text.strip():
        raise bad_request("can't parse keyboard button: button text must be non-empty")
    made: dict[str, Any] = {"text": text}
    for request in _REQUESTS:
        if button.get(request):
            made[request] = button[request]
    if isinstance(button.get("style"), str):
        made["style"] = button["style"]
    return made
