"""ID numbers in what people write: found, and struck out. No Telegram."""

import re
import unicodedata

from handlers.verification_texts import characters

STRUCK_OUT = "******"
_ALONE = re.compile(r"\d{17}[\dXx]")
# Among other characters only with a birth date in it: an agreement's number may be as long.
_GAP = r"\W{0,3}"
_NOW = _GAP.join(
    [
        *[r"[1-9]", *[r"\d"] * 5],
        *[f"(?:1{_GAP}[89]|2{_GAP}0)", r"\d", r"\d"],
        f"(?:0{_GAP}[1-9]|1{_GAP}[0-2])",
        f"(?:0{_GAP}[1-9]|[12]{_GAP}\\d|3{_GAP}[01])",
        *[r"\d"] * 3,
        r"[\dXx]",
    ]
)
# As they were given out until 1999. Not born in 00 to 29: so begin numbers of agreements, with a region and a day.
_ONCE = _GAP.join([r"[1-9]\d{5}", r"[3-9]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", r"\d{3}"])
_WITHIN = re.compile(rf"(?<!\d)(?:{_NOW}|{_ONCE})(?!\d)")


def holds_id_number(text: str) -> bool:
    """Whether it is an ID number of 18 or 15 characters, or holds one beside other words."""
    return bool(_WITHIN.search(_halfwidth(text))) or _is_alone(text)


def without_id_numbers(text: str) -> str:
    """The same text with every ID number struck out."""
    if _is_alone(text):
        return STRUCK_OUT
    parts, end = [], 0
    for found in _WITHIN.finditer(_halfwidth(text)):
        parts += [text[end : found.start()], STRUCK_OUT]
        end = found.end()
    return "".join([*parts, text[end:]])


def _is_alone(text: str) -> bool:
    return bool(_ALONE.fullmatch(characters(text)))


def _halfwidth(text: str) -> str:
    """As long as the text: what is found in it stands there at the same place."""
    return "".join(one if len(one := unicodedata.normalize("NFKC", wide)) == 1 else wide for wide in text)
