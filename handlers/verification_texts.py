"""What a person typed, read as verification needs it."""

import re
import unicodedata

from telegram import Update

# The letters and digits of the office's codes: without I, O, 0 and 1, which a number of an agreement hardly lacks.
_CODE = re.compile(r"[A-HJ-NP-Z2-9]{10}")
MAX_CODE = 40
"""Characters of a code, with what people put between them."""


def given(update: Update) -> str:
    """The text of the message, without space around it."""
    return ((update.message and update.message.text) or "").strip()


def characters(text: str) -> str:
    """The letters and digits alone, half-width."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


def looks_like_code(text: str) -> bool:
    """Whether somebody typed a code from the office as it stands on paper, before being asked for one."""
    if len(text) > MAX_CODE:
        return False
    code = unicodedata.normalize("NFKC", text).replace(" ", "").replace("-", "")
    if not _CODE.fullmatch(code.upper()) or code.isdigit():
        return False
    return code.isupper() or any(character.isdigit() for character in code)
