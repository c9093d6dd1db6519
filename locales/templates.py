"""Texts that the office writes: Telegram's HTML with ``{placeholders}``, which are filled in for each reader.

A text is looked through before it is sent, so that Telegram takes it whatever is filled in: ``check`` tells what is
wrong and where. Nothing here raises, whatever the text. ``{{`` and ``}}`` are braces as such; inside a tag nothing is
filled in.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import lru_cache
from html import unescape

from locales.text import Html, escaped

LEAD = 40
"""Characters that are shown of what is alike."""
SHOWN = 40
"""Characters of what is wrong that are told."""
TAGS = frozenset(
    ("a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span", "strike", "strong", "u")
) | {"tg-emoji", "tg-spoiler"}
_REFERENCES = frozenset(("&lt;", "&gt;", "&amp;", "&quot;"))
"""With names, Telegram knows these alone, and not as &LT;."""
_ATTRIBUTE = r"""[a-z-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[a-z0-9.-]+))?"""
_TOKENS = re.compile(
    r"""
    (?P<brace>\{\{|\}\})
    | \{[ \u3000]*(?P<placeholder>[a-z_][a-z0-9_]*)[ \u3000]*\}
    | (?P<stray>\{[^{}<>\n]{0,40}\}|[{}])
    | <(?P<closing>/?)(?P<tag>[a-z][a-z0-9-]*)(?P<attributes>(?:\s+ATTRIBUTE)*)\s*>
    | (?P<broken><(?:[a-z/!?][^<>\n]{0,40}>?)?)
    | (?P<reference>&(?:lt|gt|amp|quot|\#\d{1,7}|\#x[0-9a-f]{1,6});)
    | (?P<strange>&[a-z]{2,10};)
    """.replace("ATTRIBUTE", _ATTRIBUTE),
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_ATTRIBUTES = re.compile(r"""([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([a-z0-9.-]+)))?""", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(r"(?:(?:https?|tg)://|mailto:|tel:)\S", re.IGNORECASE)
_WIDE = re.compile(r"｛[ \u3000]*([a-z_][a-z0-9_]*)[ \u3000]*｝", re.ASCII | re.IGNORECASE)


class FlawKind(StrEnum):
    EMPTY = "empty"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    BROKEN_HTML = "broken_html"
    TOO_LONG = "too_long"


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a text, and where.

    Attributes:
        line: from 1.
        column: from 1, in characters.
        found: the placeholder or the piece of markup in question; of a text that is too long how long it can get.
    """

    kind: FlawKind
    line: int
    column: int
    found: str


class _Is(Enum):
    TEXT = auto()
    BRACE = auto()
    PLACEHOLDER = auto()
    STRAY = auto()
    TAG = auto()
    BROKEN = auto()


@dataclass(frozen=True)
class _Token:
    """A piece of a text. ``name``: of a tag or placeholder; ``shown``: what a reader sees of it."""

    kind: _Is
    start: int
    source: str
    name: str = ""
    shown: str = ""
    closing: bool = False
    attributes: str = ""


def length(text: str) -> int:
    """As Telegram counts, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@lru_cache(maxsize=64)
def used(text: str) -> frozenset[str]:
    """Names of the placeholders of a text, known or not."""
    return frozenset(token.name for token in _of_template(text) if token.kind is _Is.PLACEHOLDER)


def fill(text: str, values: Mapping[str, str]) -> Html:
    """The text with its placeholders' values, which are escaped unless they are ``Html``. A placeholder without a value
    stays as it is written."""
    filled = []
    for token in _of_template(text):
        if token.kind is _Is.BRACE:
            filled.append(token.shown)
        elif token.kind is _Is.PLACEHOLDER and (value := values.get(token.name)) is not None:
            filled.append(escaped(value))
        else:
            filled.append(token.source)
    return Html("".join(filled))


def plain(text: str) -> str:
    """As it reads without markup; placeholders stay."""
    return "".join(token.shown for token in _tokens(text)).strip()


def parted(before: str, after: str) -> tuple[str, str]:
    """Both texts as they read without markup, from a little before where they differ: of two long ones that begin
    alike one would see no difference."""
    texts = plain(before), plain(after)
    alike = next(
        (at for at, (one, other) in enumerate(zip(*texts, strict=False)) if one != other), min(map(len, texts))
    )
    if texts[0] == texts[1] or alike <= LEAD:
        return texts
    return f"…{texts[0][alike - LEAD :]}", f"…{texts[1][alike - LEAD :]}"


def cut(value: str, longest: int) -> Html:
    """A value of so many UTF-16 units at most, as Telegram HTML. Markup inside an ``Html`` is not torn."""
    text = escaped(value)
    if length(text) <= longest:
        # Most of them: what is shown is no longer than what is written.
        return Html(text)
    tokens = list(_tokens(text, braces=False))
    if sum(length(token.shown) for token in tokens) <= longest:
        return Html(text)
    kept: list[str] = []
    open_tags: list[str] = []
    left = longest - 1
    for token in tokens:
        if token.kind is _Is.TAG:
            if not token.closing:
                open_tags.append(token.name)
            elif open_tags:
                open_tags.pop()
        if length(token.shown) > left:
            kept.append(_beginning(token.source, left) if token.source == token.shown else "")
            break
        left -= length(token.shown)
        kept.append(token.source)
    return Html("".join([*kept, "…", *(f"</{tag}>" for tag in reversed(open_tags))]))


def check(text: str, *, known: Collection[str], longest: Mapping[str, int], limit: int) -> list[Flaw]:
    """What is wrong with a text, in the order in which it stands there.

    Args:
        known: placeholders that can be filled in.
        longest: UTF-16 units at most of each of their values (see ``cut``).
        limit: UTF-16 units that Telegram shows of the text as it is when filled in.
    """
    tokens = list(_tokens(text))
    flaws = [*_slips(tokens, known)]
    if not any(token.kind is _Is.PLACEHOLDER or not _blank(token.shown) for token in tokens):
        return [_at(text, 0, FlawKind.EMPTY, "")]
    total, over = 0, None
    for token in tokens:
        size = longest.get(token.name, 0) if token.kind is _Is.PLACEHOLDER else length(token.shown)
        if over is None and total + size > limit:
            fits = _beginning(token.source, limit - total) if token.source == token.shown else ""
            over = token.start + (len(fits) if token.kind is _Is.TEXT else 0)
        total += size
    if over is not None:
        flaws.append((over, FlawKind.TOO_LONG, str(total)))
    return [_at(text, at, kind, found) for at, kind, found in sorted(flaws, key=lambda flaw: flaw[0])]


@lru_cache(maxsize=64)
def _of_template(text: str) -> tuple[_Token, ...]:
    """Looked through once, though it is filled in for ten thousand readers."""
    return tuple(_tokens(text))


def _tokens(text: str, *, braces: bool = True) -> Iterator[_Token]:
    at = 0
    for match in _TOKENS.finditer(text):
        token = _token(match, braces=braces)
        if token is None:
            continue
        if at < match.start():
            yield _Token(_Is.TEXT, at, text[at : match.start()], shown=text[at : match.start()])
        yield token
        at = match.end()
    if at < len(text):
        yield _Token(_Is.TEXT, at, text[at:], shown=text[at:])


def _token(match: re.Match[str], *, braces: bool) -> _Token | None:
    """None: it is text like any other."""
    start, source, kind = match.start(), match[0], match.lastgroup
    if match["tag"] is not None:
        closing = bool(match["closing"])
        return _Token(_Is.TAG, start, source, match["tag"].lower(), "", closing, match["attributes"])
    if kind == "reference":
        known = source in _REFERENCES or source[1] == "#"
        return _Token(_Is.TEXT if known else _Is.BROKEN, start, source, shown=unescape(source))
    if kind in ("broken", "strange"):
        return _Token(_Is.BROKEN, start, source, shown=source)
    if not braces:
        return None
    if kind == "brace":
        return _Token(_Is.BRACE, start, source, shown=source[0])
    if kind == "placeholder":
        return _Token(_Is.PLACEHOLDER, start, source, match["placeholder"].lower(), source)
    return _Token(_Is.STRAY, start, source, shown=source)


def _slips(tokens: list[_Token], known: Collection[str]) -> Iterator[tuple[int, FlawKind, str]]:
    open_tags: list[_Token] = []
    for token in tokens:
        match token.kind:
            case _Is.PLACEHOLDER if token.name not in known:
                yield token.start, FlawKind.UNKNOWN_PLACEHOLDER, token.source
            case _Is.STRAY:
                yield token.start, FlawKind.UNKNOWN_PLACEHOLDER, token.source
            case _Is.BROKEN:
                yield token.start, FlawKind.BROKEN_HTML, token.source
            case _Is.TAG if token.closing:
                if token.attributes or not open_tags or open_tags[-1].name != token.name:
                    yield token.start, FlawKind.BROKEN_HTML, token.source
                if any(opened.name == token.name for opened in open_tags):
                    while open_tags.pop().name != token.name:
                        pass
            case _Is.TAG:
                if not _well_made(token):
                    yield token.start, FlawKind.BROKEN_HTML, token.source
                open_tags.append(token)
            case _Is.TEXT:
                # Typed with the braces of a Chinese keyboard, it would be sent as it stands.
                for wide in _WIDE.finditer(token.source):
                    if wide[1].lower() in known:
                        yield token.start + wide.start(), FlawKind.UNKNOWN_PLACEHOLDER, wide[0]
    for token in open_tags:
        if _well_made(token):
            yield token.start, FlawKind.BROKEN_HTML, token.source


def _well_made(token: _Token) -> bool:
    """Whether Telegram knows the tag, and makes of it what was meant."""
    given = {name.lower(): unescape("".join(values)) for name, *values in _ATTRIBUTES.findall(token.attributes)}
    if token.name not in TAGS or re.search(r"[{}]", token.source):
        return False
    match token.name:
        case "a":
            return bool(_ADDRESS.match(given.get("href", "")))
        case "span":
            return given.get("class") == "tg-spoiler"
        case "tg-emoji":
            return given.get("emoji-id", "").isdecimal()
        case _:
            return True


def _blank(shown: str) -> bool:
    return all(unicodedata.category(character)[0] in "CZ" for character in shown)


def _beginning(text: str, units: int) -> str:
    """As many of its characters as fit."""
    for place, character in enumerate(text):
        units -= length(character)
        if units < 0:
            return text[:place]
    return text


def _at(text: str, place: int, kind: FlawKind, found: str) -> Flaw:
    line_start = text.rfind("\n", 0, place) + 1
    return Flaw(kind, text.count("\n", 0, place) + 1, place - line_start + 1, found[:SHOWN])
