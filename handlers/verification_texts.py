"""What a person typed, read as verification needs it."""

import re
import unicodedata

from telegram import Update

# The letters and digits of the office's codes: without I, O, 0 and 1, which a number of an agreement hardly lacks.
_CODE = re.compile(r"[A-HJ-NP-Z2-9]{10}")
_CODE_AMONG_WORDS = re.compile(r"(?<![A-Za-z0-9])[A-HJ-NP-Z2-9]{10}(?![A-Za-z0-9])")
MAX_CODE = 40
"""Characters of a code, with what people put between them."""


def given(update: Update) -> str:
    """The text of the message, without space around it."""
    return ((update.message and update.message.text) or "").strip()


def characters(text: str) -> str:
    """The letters and digits alone, half-width."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


_PHONE = re.compile(r"\+?[\d\s()./-]{7,25}")
_PHONE_DIGITS = range(7, 16)


def is_phone_number(text: str) -> bool:
    """Whether it can be nothing but a phone number."""
    written = unicodedata.normalize("NFKC", text).strip()
    return _PHONE.fullmatch(written) is not None and sum(one.isdigit() for one in written) in _PHONE_DIGITS


def looks_like_code(text: str) -> bool:
    """Whether somebody typed a code from the office as it stands on paper, before being asked for one."""
    if len(text) > MAX_CODE:
        return False
    code = unicodedata.normalize("NFKC", text).replace(" ", "").replace("-", "")
    if not _CODE.fullmatch(code.upper()) or code.isdigit():
        return False
    return code.isupper() or any(character.isdigit() for character in code)


# --- the end of a number ---

MAX_TAIL = 40
"""Characters of a tail: the whole number, with what people put between its characters."""
_SENTENCE = re.compile(r"[,，。?？!！;；…]")
# Of a number's characters, hanzi are words as well, and letters where two or more stand together: AZ-2021-0034 has one.
_WORD = re.compile(r"[^\W\da-zA-Z_]+|(?<![a-zA-Z0-9])[a-zA-Z]{2,}(?![a-zA-Z0-9])")
# 安字2021-0034号, 0034号之一, 2021-034甲, 034（补）; but not 12号楼.
_ENDS_AS_NUMBERS_DO = re.compile(r"[\da-zA-Z](?:号之?.?|.)?$")
# What stands before the end of a number, and in no number.
_LABEL = re.compile(r"尾号|[我是位]")
_FULL_STOPS = " .。!！,，"
_MOST_WORDS = 2
_FEW_WORDS = 8
# How people repeat what was asked: its 4 or 6 is none of the number's.
_ASKED = re.compile(
    r"^\W*(?:the\s+)?(?:last|最?后|末)\s*[46]\s*(?:位数?|个?数?字?|digits|characters)?(?:是|为|is|are|\W)*",
    re.IGNORECASE,
)
_COUNTED = r"\s*(?:年|月|日|号?[楼栋幢]|单元|室|元|户|平|米)"


def _as_digits(text: str) -> str:
    """一, 壹 and 幺 as 1, 〇 and 零 as 0: the API reads them alike. As long as the text."""
    values = (unicodedata.numeric(one, -1) for one in text)
    return "".join(str(int(value)) if value in range(10) else one for one, value in zip(text, values, strict=True))


def tail_in(text: str, length: int) -> str | None:
    """The end of an ID or agreement number, if that is what was written: 0034, ０１７ｘ, 0 1 7 x, 零幺七X, 尾号0034,
    安字2021-0034号.

    It looks at the form alone, and leans to what might be one: a tail has a digit in it (a number that ends in four
    letters can still be given whole), is no sentence, and ends as numbers do. Behind words it is what follows them, for
    the end of a right number's end is right as well. So nothing is refused here that could have matched.

    Args:
        length: characters that are asked for.

    Returns:
        What to compare, as it was written. None for words that name no number, and for too few characters.
    """
    if len(text) > MAX_TAIL:
        return None
    written = re.sub(r"(?<=\d)叉", "X", _as_digits(unicodedata.normalize("NFKC", text).strip(_FULL_STOPS)))
    written = _ASKED.sub("", written)
    alone = characters(written)
    if len(alone) >= length and re.fullmatch(r"\d+[xX]?", alone):
        return alone
    behind = re.split(_WORD, written)[-1]
    for part in (behind.strip(), written):
        if len(characters(part)) >= length and any("0" <= one <= "9" for one in part) and _is_number(part):
            return part
    among = re.findall(rf"(?<![0-9A-Za-z])\d{{{length - 1},17}}[\dxX](?![0-9A-Za-z]|{_COUNTED})", written)
    # With a thank-you or a name beside it; in a longer text it is about something else.
    few = len(characters(written)) - sum(map(len, among)) <= _FEW_WORDS
    return among[0] if len(among) == 1 and few else None


def is_too_short(text: str, length: int) -> bool:
    """Whether somebody sent characters of a number, but too few."""
    written = _as_digits(unicodedata.normalize("NFKC", text))
    return 0 < len(characters(written)) < length and re.search(_WORD, written) is None


def _is_number(written: str) -> bool:
    kept = "".join(one for one in written if one.isalnum() or one.isspace()).strip()
    words = re.findall(r"(?<!\S)[a-zA-Z]{2,}(?!\S)", kept)
    return (
        not _SENTENCE.search(written)
        and not _LABEL.search(written)
        and len(words) <= _MOST_WORDS
        and not (len(words) == _MOST_WORDS and any(len(word) > 2 and not word.isupper() for word in words))
        and not re.search(r"号[楼栋幢]$", kept)
        and bool(_ENDS_AS_NUMBERS_DO.search(kept))
    )


# --- a code ---


def code_in(text: str) -> str | None:
    """The code that was written, alone or among words: people also pass on the whole invitation, or its link.

    It looks at the form alone: what has not the ten characters of a code is none, and need not be tried.
    """
    written = unicodedata.normalize("NFKC", text)
    whole = "".join(one for one in written.upper() if one.isascii() and one.isalnum())
    if len(text) <= MAX_CODE and _CODE.fullmatch(whole):
        return whole
    among = {found for found in _CODE_AMONG_WORDS.findall(written) if not found.isalpha() or found.isupper()}
    return among.pop() if len(among) == 1 else None
