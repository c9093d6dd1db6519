"""Turns what a bot sends as text (``parse_mode`` HTML, or explicit entities) into text and entities."""

import html
import re
from dataclasses import dataclass
from typing import Any

from bot.playground.entities import Entity, find_entities, sort_entities, utf16_length
from bot.playground.errors import ApiError, bad_request

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_ATTRIBUTE = re.compile(r"""\s*([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
# Telegram knows these four named references and no other; the rest stays as it is.
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));")


@dataclass(slots=True)
class _Open:
    tag: str
    start: int
    entity: Entity
    byte: int


def format_text(text: str, parse_mode: str, entities: Any) -> tuple[str, list[Entity]]:
    """The text as it is stored and its entities, found ones included."""
    mode = parse_mode.lower()
    if mode == "html":
        text, given = _parse_html(text)
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        given = _explicit(entities)
    text, given = _trim(text.replace("\r\n", "\n").replace("\r", "\n"), given)
    return text, find_entities(text, given)


def _parse_html(source: str) -> tuple[str, list[Entity]]:
    pieces: list[str] = []
    entities: list[Entity] = []
    stack: list[_Open] = []
    at = length = 0
    while at < len(source):
        opening = source.find("<", at)
        plain = _unescape(source[at:] if opening < 0 else source[at:opening])
        pieces.append(plain)
        length += utf16_length(plain)
        if opening < 0:
            break
        closing = _tag_end(source, opening)
        byte = len(source[:opening].encode())
        if closing < 0:
            raise _broken(f"Unclosed start tag at byte offset {byte}")
        body = source[opening + 1 : closing]
        at = closing + 1
        if body.startswith("/"):
            name = body[1:].strip().lower()
            if not stack:
                raise _broken(f"Unexpected end tag at byte offset {byte}")
            open_tag = stack.pop()
            if name and name != open_tag.tag:
                raise _broken(
                    f'Unmatched end tag at byte offset {byte}, expected "</{open_tag.tag}>", found "</{name}>"'
                )
            _close(open_tag, length, entities, stack)
        else:
            stack.append(_open_tag(body, byte, length))
    if stack:
        raise _broken(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    return "".join(pieces), sort_entities(entities)


def _tag_end(source: str, opening: int) -> int:
    quote = ""
    for at in range(opening + 1, len(source)):
        character = source[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ">":
            return at
    return -1


def _open_tag(body: str, byte: int, offset: int) -> _Open:
    parts = body.split(None, 1)
    tag = parts[0].lower() if parts and not body[:1].isspace() else ""
    kind = _KINDS.get(tag)
    attributes = {
        match[1].lower(): _unescape(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(parts[1] if len(parts) > 1 else "")
    }
    if kind is None or (tag == "span" and attributes.get("class") != "tg-spoiler"):
        raise _broken(f'Unsupported start tag "{tag}" at byte offset {byte}')
    entity: Entity = {"type": kind}
    if tag == "a":
        entity["url"] = attributes.get("href", "")
    elif tag == "code" and attributes.get("class", "").startswith("language-"):
        entity["language"] = attributes["class"].removeprefix("language-")
    elif tag == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    elif tag == "tg-emoji":
        entity["custom_emoji_id"] = attributes.get("emoji-id", "")
    return _Open(tag, offset, entity, byte)


def _close(opened: _Open, end: int, entities: list[Entity], stack: list[_Open]) -> None:
    entity = opened.entity
    if opened.tag == "code" and stack and stack[-1].tag == "pre":
        # <pre><code class="language-x"> is one entity: the inner tag only names the language.
        if "language" in entity:
            stack[-1].entity["language"] = entity["language"]
        return
    if opened.tag == "code":
        entity.pop("language", None)
    if end == opened.start:
        return
    if entity["type"] == "text_link" and not re.match(r"(?:https?|tg|ton|mailto|tel):", entity["url"], re.I):
        # A link that is none is shown as plain text, without an error.
        if not re.match(r"[\w-]+(?:\.[\w-]+)+", entity["url"]):
            return
        entity["url"] = f"http://{entity['url']}"
    user = re.fullmatch(r"tg://user\?id=(\d+)", entity.get("url", ""))
    if user:
        return
    entities.append({"offset": opened.start, "length": end - opened.start, **entity})


def _explicit(entities: Any) -> list[Entity]:
    if not entities:
        return []
    if not isinstance(entities, list):
        raise bad_request("can't parse entities: expected an Array of MessageEntity")
    known: list[Entity] = []
    for entity in entities:
        if not isinstance(entity, dict) or not all(isinstance(entity.get(name), int) for name in ("offset", "length")):
            raise bad_request("can't parse entities: expected an Object of MessageEntity")
        # These are found by the server and ignored when a bot sends them.
        if entity.get("type") in _KINDS.values() or entity.get("type") == "expandable_blockquote":
            known.append({key: value for key, value in entity.items() if value is not None})
    return sort_entities(known)


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    lead = len(text) - len(text.lstrip())
    stripped = text.strip()
    if len(stripped) == len(text):
        return text, entities
    shift, limit = utf16_length(text[:lead]), utf16_length(stripped)
    kept: list[Entity] = []
    for entity in entities:
        start = min(max(entity["offset"] - shift, 0), limit)
        end = min(max(entity["offset"] + entity["length"] - shift, 0), limit)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return stripped, kept


def _unescape(text: str) -> str:
    if "&" not in text:
        return text
    return _REFERENCE.sub(lambda match: html.unescape(match.group()), text)


def _broken(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")
