"""Telegram HTML that is safe to send, and the filling of sentences."""

import logging
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from string import Formatter

log = logging.getLogger(__name__)


class Html(str):
    """Text that is already Telegram HTML: it is not escaped again when filled into a sentence."""

    __slots__ = ()


def escaped(value: object) -> str:
    """``value`` as Telegram HTML; ``Html`` stays as it is."""
    return value if type(value) is Html else escape(str(value), quote=False)


ISOLATE, END = "\u2068", "\u2069"
"""Between these what is written does not change the order of what stands around it, and keeps its own: Unicode Standard
Annex #9, first strong isolate."""


def isolated(value: object) -> Html:
    """``value`` for a text from right to left: without the marks "2026-000123" would read "000123-2026" in it. Marks in
    it that a cut has left open are closed."""
    text = escaped(value)
    still_open = max(0, text.count(ISOLATE) - text.count(END))
    return Html(f"{ISOLATE}{text}{END * (1 + still_open)}")


def join(separator: str, parts: Iterable[str | None]) -> Html:
    """The parts that are there, as one piece of Telegram HTML (plain strings are escaped)."""
    return Html(separator.join(escaped(part) for part in parts if part))


@lru_cache(maxsize=4096)
def _pieces(sentence: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, field) for literal, field, _, _ in Formatter().parse(sentence))


def fill(sentence: str, values: dict[str, str | int], *, html: bool, isolate: bool = False) -> str:
    """Put the values into the sentence's ``{name}`` fields.

    Never raises: a wrong sentence must not leave a resident without an answer. A field without a value reads "…";
    ``locales.check`` finds both before they are released.

    Args:
        isolate: the sentence goes from right to left, so that values stand between marks.
    """
    try:
        pieces = _pieces(sentence)
    except ValueError:
        log.warning("a sentence has malformed fields")
        return sentence
    filled = []
    for literal, field in pieces:
        filled.append(literal)
        if field is None:
            continue
        value = values.get(field)
        if value is None:
            log.warning("a sentence lacks the value of {%s}", field)
            filled.append("…")
        else:
            text = escaped(value) if html else str(value)
            filled.append(f"{ISOLATE}{text}{END}" if isolate else text)
    whole = "".join(filled)
    if isolate:
        # A touch copies what stands inside <code>, so that the marks stand outside.
        whole = whole.replace(f"<code>{ISOLATE}", f"{ISOLATE}<code>").replace(f"{END}</code>", f"</code>{END}")
    return whole
