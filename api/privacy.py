"""Sealing of personal data: encryption at rest and the blind index by which it is found again.

Names, ID numbers, phones, addresses and what residents write are stored only as AES-256-GCM ciphertext.
The sealed form is ``length of key id · key id · 12-byte nonce · ciphertext and tag``; the purpose (such as
``person.name``) is authenticated with it, so a ciphertext moved to another column does not open.
"""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed value was made with a key that the ring lacks, for another purpose, or was altered."""


class Vault:
    """Seals, opens and indexes personal data with the deployment's keys."""

    def __init__(self, encryption_keys: str, index_key: str) -> None:
        """
        Args:
            encryption_keys: ``id:base64`` of 32 bytes, comma-separated; the first one seals, all open.
            index_key: keys the blind index; changing it makes every stored index useless.
        """
        self._ciphers: dict[bytes, AESGCM] = {}
        for part in encryption_keys.split(","):
            key_id, _, encoded = part.strip().partition(":")
            self._ciphers[key_id.encode()] = AESGCM(base64.urlsafe_b64decode(encoded))
        self._active = next(iter(self._ciphers))
        self._index_key = index_key.encode()

    def seal(self, purpose: str, text: str) -> bytes:
        """Encrypt ``text`` for one purpose with the active key."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._ciphers[self._active].encrypt(nonce, text.encode(), purpose.encode())
        return bytes([len(self._active)]) + self._active + nonce + ciphertext

    def open(self, purpose: str, sealed: bytes) -> str:
        """Decrypt what :meth:`seal` made for the same purpose.

        Raises:
            CannotOpen: unknown key, other purpose, or altered bytes.
        """
        key_id_end = 1 + sealed[0] if sealed else 0
        cipher = self._ciphers.get(sealed[1:key_id_end])
        if cipher is None:
            raise CannotOpen(purpose)
        nonce_end = key_id_end + _NONCE_BYTES
        try:
            return cipher.decrypt(sealed[key_id_end:nonce_end], sealed[nonce_end:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(purpose) from error

    def seal_json(self, purpose: str, value: Any) -> bytes:
        return self.seal(purpose, json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def open_json(self, purpose: str, sealed: bytes) -> Any:
        return json.loads(self.open(purpose, sealed))

    def index(self, purpose: str, normalised: str) -> bytes:
        """The blind index of a normalised value: HMAC-SHA-256 (32 bytes), different for each purpose."""
        return hmac.digest(self._index_key, f"{purpose}\0{normalised}".encode(), hashlib.sha256)
