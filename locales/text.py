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


def join(separator: str, parts: Iterable[str | None]) -> Html:
    """The parts that are there, as one piece of Telegram HTML (plain strings are escaped)."""
    return Html(separator.join(escaped(part) for part in parts if part))


@lru_cache(maxsize=4096)
def _pieces(sentence: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, field) for literal, field, _, _ in Formatter().parse(sentence))


def fill(sentence: str, values: dict[str, str | int], *, html: bool) -> str:
    """Put the values into the sentence's ``{name}`` fields.

    Never raises: a wrong sentence must not leave a resident without an answer. A field without a value reads "…";
    ``locales.check`` finds both before they are released.
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
            filled.append(escaped(value) if html else str(value))
    return "".join(filled)
