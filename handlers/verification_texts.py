"""What a person typed, read as verification needs it."""

import re
import unicodedata

from telegram import Update

_ID_NUMBER = re.compile(r"\d{17}[\dXx]")
# Among other characters only with a birth date in it: an agreement's number may be as long.
_ID_NUMBER_WITHIN = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)"
)


def given(update: Update) -> str:
    """The text of the message, without space around it."""
    return ((update.message and update.message.text) or "").strip()


def characters(text: str) -> str:
    """The letters and digits alone, half-width."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


def looks_like_id_number(text: str) -> bool:
    """Whether it is a whole ID number (18 characters), or holds one beside other words."""
    halfwidth = unicodedata.normalize("NFKC", text)
    return bool(
        _ID_NUMBER.fullmatch(characters(text))
        or _ID_NUMBER_WITHIN.search(halfwidth)
        or _ID_NUMBER_WITHIN.search(characters(text))
    )
