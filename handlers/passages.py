"""Texts longer than a message of Telegram's: in pieces, each of which ends where a sentence does."""

import re
from collections.abc import Iterable

from locales import Html, join

_CUT_BY_APP = 4000
PASSAGE = 3500
"""UTF-16 units, by which Telegram counts to 4,096: there is room for what stands around a passage."""
_ENDS = (
    re.compile(r"\n\s*"),
    re.compile(r"(?:[。！？!?…]+|\.(?=\s))[”’」』》）)\"']*\s*"),
    re.compile(r"[，、；：,;:]\s*|\s+"),
)
"""Where a text may be cut: between paragraphs, behind a sentence, and failing all that behind a clause or word."""
_SHORTEST = 1 / 3
"""Of a passage: what is shorter is rather cut at the next best place."""


def passages(text: str, limit: int = PASSAGE) -> list[str]:
    """The text in pieces of at most ``limit`` UTF-16 units; together they are the whole text, but for space at the
    cuts."""
    pieces: list[str] = []
    rest = text.strip()
    while units(rest) > limit:
        piece, rest = _cut(rest, limit)
        pieces.append(piece)
    return [*pieces, rest] if rest else pieces


def units(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_cut(text: str) -> bool:
    """Whether it is probably the beginning of a longer text, which the app cut at 4,096 units."""
    return units(text) >= _CUT_BY_APP


def _cut(text: str, limit: int) -> tuple[str, str]:
    head = text[:limit]
    head = head[: len(head) - max(0, units(head) - limit)]
    for ends in _ENDS:
        places = [found.end() for found in ends.finditer(text, 0, len(head))]
        if places and places[-1] >= len(head) * _SHORTEST:
            return text[: places[-1]].rstrip(), text[places[-1] :].lstrip()
    return head, text[len(head) :]


def packed(heading: Html, blocks: Iterable[Html], limit: int = PASSAGE) -> list[Html]:
    """Paragraphs in as few screens as hold them; each begins with the heading."""
    screens: list[list[Html]] = [[]]
    room = limit
    for block in blocks:
        if screens[-1] and units(block) > room:
            screens.append([])
            room = limit
        screens[-1].append(block)
        room -= units(block)
    return [join("\n\n", [heading, *screen]) for screen in screens]
