"""What Telegram finds in a plain text by itself: commands, links, mentions. Offsets count UTF-16 units."""

import re
from typing import Any

Entity = dict[str, Any]

_TOP_LEVEL = "com|net|org|edu|gov|info|io|dev|app|me|cn|hk|tw|mo|sg|uk|de|fr|jp|ru|us|eu|xyz|top|site|online|shop"
_FINDERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,12}(?![\w-])", re.A)),
    (
        "url",
        re.compile(
            r"(?<![\w@/.-])(?:(?:https?|tg|ton)://[^\s<>\"'，。；！？、（）《》「」]+"
            rf"|(?:[a-z0-9-]+\.)+(?:{_TOP_LEVEL})(?![\w-])(?:[:/?#][^\s<>\"'，。；！？、（）《》「」]*)?)",
            re.I | re.A,
        ),
    ),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z][A-Za-z0-9_]{2,31}(?!\w)")),
    ("hashtag", re.compile(r"(?<![\w#])#(?=\w*[^\W\d])\w{1,256}")),
    ("cashtag", re.compile(r"(?<![\w$])\$[A-Z]{3,8}(?![\w$])")),
    ("phone_number", re.compile(r"(?<![\w+])\+\d[\d -]{6,17}\d(?!\w)")),
)
_TRIGGERS = re.compile(r"[@/#$.+]")


def utf16_length(text: str) -> int:
    if text.isascii():
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def find_entities(text: str, given: list[Entity] | None = None) -> list[Entity]:
    """``given`` entities plus those found in the text; a found one never overlaps another."""
    entities = list(given or [])
    if not _TRIGGERS.search(text):
        return entities
    taken = [(entity["offset"], entity["offset"] + entity["length"]) for entity in entities if _opaque(entity)]
    found = False
    for kind, pattern in _FINDERS:
        for match in pattern.finditer(text):
            piece = match.group()
            if kind == "url":
                piece = piece.rstrip(".,:;!?)]}…")
            start = utf16_length(text[: match.start()])
            end = start + utf16_length(piece)
            if all(end <= low or start >= high for low, high in taken):
                taken.append((start, end))
                entities.append({"type": kind, "offset": start, "length": end - start})
                found = True
    return sort_entities(entities) if found else entities


def sort_entities(entities: list[Entity]) -> list[Entity]:
    """By offset, the enclosing one first, as Telegram lists them."""
    return sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def _opaque(entity: Entity) -> bool:
    # Bold or italic text may hold a link; code and explicit links may not.
    return entity["type"] in ("code", "pre", "text_link", "text_mention", "custom_emoji")
