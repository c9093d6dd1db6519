"""What a deployment's secret must be like. Both halves ask, since both hold the service token: the bot's settings
import this module, which knows nothing else of the API.

Nobody can prove that a value was made at random; but placeholders, patterns and repetitions can be told from it. A
character counts as unforeseen when it is no neighbour of the one before it (``aaaa``, ``1234``) and the pair was not
seen before (``abxyabxy``); known words count for nothing. ``shanglou secrets`` makes values far above the limits: less
than one in a million of 32 random hexadecimal digits falls below them.
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from itertools import pairwise

MIN_LENGTH = 32
_MIN_PAIRS = 12
_MIN_PAIRS_OF_A_PASSWORD = 4
_MIN_CHARACTERS = 8
_MIN_STEPS = 18

_KNOWN = """
administrator admin api asdfghjkl azerty bearer bot change chatbot correct default demo dummy encryption example fixme
foobar here hunter index insert invented key letmein password passphrase passwd placeholder please postgres postgresql
production put qwertyuiop qwerty random replace sample secret service shanglou telegram test the this todo token value
webhook with your zxcvbnm 1qaz 2wsx 3edc
"""
_WORDS = re.compile("|".join(sorted(_KNOWN.split(), key=len, reverse=True)), re.IGNORECASE)

TOO_SHORT = f"must have at least {MIN_LENGTH} characters"
GUESSABLE = "must be made at random: this one is a placeholder or follows a pattern and could be guessed"
TWICE = "the secrets must all differ: one value is used for two of them"


def is_guessable(secret: str) -> bool:
    """Whether a text is a placeholder, a pattern or a repetition rather than something random."""
    return _unforeseen(secret) < _MIN_PAIRS or len(set(secret)) < _MIN_CHARACTERS


def is_placeholder(password: str) -> bool:
    """Whether a short secret, such as a password, is next to nothing but known words and patterns."""
    return _unforeseen(password) < _MIN_PAIRS_OF_A_PASSWORD


def _unforeseen(secret: str) -> int:
    pairs: set[str] = set()
    for piece in _WORDS.split(secret):
        pairs.update(a + b for a, b in pairwise(piece) if abs(ord(a) - ord(b)) > 1)
    return len(pairs)


def is_guessable_key(key: bytes) -> bool:
    """Whether the bytes of a key are a pattern, a repetition or a text: no random 32 bytes are."""
    steps = {(b - a) % 256 for a, b in pairwise(key)}
    return len(steps) < _MIN_STEPS or len(set(key)) < _MIN_STEPS or all(32 <= byte < 127 for byte in key)


def check(secret: str) -> None:
    """
    Raises:
        ValueError: it is too short or guessable; the message never quotes it.
    """
    if len(secret.strip()) < MIN_LENGTH:
        raise ValueError(TOO_SHORT)
    if is_guessable(secret):
        raise ValueError(GUESSABLE)


def check_each(secrets: str) -> None:
    """Each of several, separated by commas: a comma too many would let in who bears an empty token.

    Raises:
        ValueError: one of them is no good.
    """
    for secret in secrets.split(","):
        check(secret)


def check_different(secrets: Iterable[str]) -> None:
    """No two secrets are the same, not even where one of them is the other's Base64.

    Raises:
        ValueError: two are.
    """
    seen: set[bytes] = set()
    for secret in secrets:
        forms = {secret.strip().encode(), _decoded(secret)} - {b""}
        if forms & seen:
            raise ValueError(TWICE)
        seen |= forms


def _decoded(secret: str) -> bytes:
    try:
        return b64decode(secret.strip(), altchars=b"-_", validate=True)
    except ValueError:
        return b""
