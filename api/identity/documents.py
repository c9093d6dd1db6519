"""How names, ID numbers and phones are written, compared and masked.

The resident identity card number and its check digit follow GB 11643-1999 (ISO 7064 MOD 11-2).
"""

import re
import unicodedata
from datetime import date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_ID_NUMBER = re.compile(r"[1-9]\d{16}[\dX]")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")


def normalise_text(value: str) -> str:
    """Full-width to half-width (NFKC), without spaces or invisible characters."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", value))


def normalise_name(value: str) -> str:
    """A name for comparison; the dots inside names of minorities are written in several ways."""
    return re.sub(r"[·•‧・.．∙]", "·", normalise_text(value)).casefold()


def normalise_id_number(value: str) -> str:
    return normalise_text(value).upper()


def normalise_agreement_number(value: str) -> str:
    """An agreement number for comparison: upper case, every dash alike."""
    return re.sub(r"[‐-―−－—_]", "-", normalise_text(value)).upper()


def as_digits(value: str) -> str:
    """Numerals as people write or dictate them: 一, 壹 and 幺 are 1, 〇 and 零 are 0."""
    numerals = ((one, unicodedata.numeric(one, -1)) for one in value)
    return "".join(str(int(number)) if number in range(10) else one for one, number in numerals)


def normalise_phone(value: str) -> str:
    """A number as people on the mainland write it: digits only, and +86 138… equals 138…. One from abroad, which they
    write with + or 00, keeps + and its country code."""
    written = normalise_text(value)
    digits = re.sub(r"\D", "", written)
    if written.startswith("+") or digits.startswith("00"):
        return shared_phone(digits)
    return _mainland_mobile(digits) or digits


def shared_phone(value: str) -> str:
    """The same number as Telegram shares it, which is always with its country code, often without the +. So eleven
    digits that begin with 1 are North America's, though 138… looks like that on the mainland."""
    digits = re.sub(r"\D", "", normalise_text(value)).removeprefix("00")
    return _mainland_mobile(digits) or f"+{digits}"


def _mainland_mobile(digits: str) -> str | None:
    """Without its country code; none where it is no mainland mobile number with one."""
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else None


def id_check_character(first17: str) -> str:
    """The 18th character for the first 17 digits (GB 11643)."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def is_valid_id_number(value: str) -> bool:
    """Whether a normalised 18-character number has a real birth date and the right check character."""
    if not _ID_NUMBER.fullmatch(value):
        return False
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return id_check_character(value[:17]) == value[17]


def mask_name(name: str) -> str:
    """张三 → 张*, 欧阳晓明 → 欧***: the first character stays."""
    return name[:1] + "*" * max(1, len(name) - 1)


def mask_id_number(value: str) -> str:
    """Only the last four characters stay."""
    return "*" * max(0, len(value) - 4) + value[-4:] if len(value) > 8 else "*" * len(value)


def mask_agreement_number(value: str) -> str:
    """Only the last two characters stay: enough to tell one's agreements apart, too few to prove anything with."""
    return "***" + value[-2:] if len(value) > 4 else "***"


def mask_phone(value: str) -> str:
    """138****5678."""
    return f"{value[:3]}****{value[-4:]}" if len(value) >= 11 else "*" * len(value)
