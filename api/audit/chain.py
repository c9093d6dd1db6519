"""The hash that chains the audit record.

The hash of a seal is HMAC-SHA-256 over its number, the hash of the seal before and the event. Its key is derived from
``SHANGLOU_INDEX_KEY``, which never enters the database: who can do everything there, and nothing else, can damage the
chain but not mend it again.
"""

import hashlib
import hmac
from typing import Any

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

EVENT_COLUMNS = """e.id, (extract(epoch FROM e.happened_at) * 1000000)::bigint AS happened_at_us,
    e.actor_kind, e.actor_id, e.action, e.object_kind, e.object_id"""
"""All of an event ``e``, in the order in which it is hashed."""
NO_HASH = bytes(32)
"""Before the first seal."""


def chain_key(index_key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"shanglou audit chain").derive(index_key.encode())


def hash_text(value: bytes) -> str:
    """As it is noted down: hexadecimal digits in groups of eight, none of which can be taken for a phone number."""
    return value.hex(":", 4)


def seal_hash(key: bytes, number: int, before: bytes, event: tuple[Any, ...]) -> bytes:
    """
    Args:
        number: of the seal.
        before: the hash of the seal before.
        event: the values of ``EVENT_COLUMNS``. As JSON they cannot be read in two ways.
    """
    return hmac.digest(key, number.to_bytes(8) + before + orjson.dumps(event), hashlib.sha256)
