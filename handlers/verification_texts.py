"""What a person typed, read as verification needs it."""

import re
import unicodedata

from telegram import Update

_ID_NUMBER = re.compile(r"\d{17}[\dXx]")


def given(update: Update) -> str:
    """The text of the message, without space around it."""
    return ((update.message and update.message.text) or "").strip()


def characters(text: str) -> str:
    """The letters and digits alone, half-width."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


def looks_like_id_number(text: str) -> bool:
    """Whether it is a whole ID number (18 characters)."""
    return bool(_ID_NUMBER.fullmatch(characters(text)))
