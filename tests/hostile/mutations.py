"""Makes many hostile bodies of a few: changes a shape's structure, and a body's bytes. The same seed, the same bodies.

Drawing all of them with hypothesis would take ten times as long.
"""

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.hostile.shapes import NASTY_NUMBERS, NASTY_TEXTS

_ODD: tuple[Any, ...] = (None, True, False, *NASTY_NUMBERS, *NASTY_TEXTS, [], {}, [[]], [None], {"id": {}}, "0", "null")
_ODD_BYTES = (
    b"\0",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b'"',
    b"\\",
    b"}",
    b"]",
    b"[" * 50,
    b"-",
    b"e999",
    b"NaN",
)
_NAMES = ("id", "type", "text", "from", "chat", "date", "message", "data", "photo", "message_id", "via_bot", "entities")


def body_of(shape: Any) -> bytes:
    """As Telegram writes it: everything beyond ASCII escaped, lone surrogates too."""
    return json.dumps(shape).encode()


def nested(depth: int, around: Any = "x") -> bytes:
    """Deeper than a recursive reader can go."""
    return b'{"a":[' * depth + body_of(around) + b"]}" * depth


def changed(random: Random, shape: Any, others: Sequence[Any]) -> Any:
    """One to three of its parts removed, doubled, exchanged for odd ones or for parts of other shapes."""
    shape = copy.deepcopy(shape)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = _places(shape)
        if not places:
            return shape
        parent, key = random.choice(places)
        match random.randrange(8):
            case 0 | 1:
                del parent[key]
            case 2 | 3 | 4:
                parent[key] = copy.deepcopy(random.choice(_ODD))
            case 5:
                parent[key] = [parent[key]] * random.randrange(4) if random.random() < 0.5 else {"id": parent[key]}
            case 6:
                their_parent, their_key = random.choice(_places(random.choice(others)) or [(parent, key)])
                parent[key] = copy.deepcopy(their_parent[their_key])
            case 7 if isinstance(parent, dict):
                parent[random.choice((*_NAMES, *NASTY_TEXTS))] = copy.deepcopy(random.choice(_ODD))
    return shape


def _places(shape: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [shape]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        found += [(here, key) for key in keys]
        waiting += [here[key] for key in keys]
    return found


def damaged(random: Random, body: bytes, others: Sequence[bytes]) -> bytes:
    """Some bytes flipped, cut out, put in, doubled, or spliced with another body."""
    damage = bytearray(body)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at = random.randrange(len(damage) + 1)
        match random.randrange(6):
            case 0 if at < len(damage):
                damage[at] ^= 1 << random.randrange(8)
            case 1:
                damage[at:at] = random.choice(_ODD_BYTES)
            case 2:
                del damage[at : at + random.randrange(1, 9)]
            case 3:
                damage[at:at] = damage[at : at + random.randrange(1, 40)]
            case 4:
                other = random.choice(others)
                damage[at:] = other[random.randrange(len(other)) :]
            case 5:
                del damage[at:]
    return bytes(damage)
