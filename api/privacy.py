"""Sealing of personal data: encryption at rest and the blind index by which it is found again.

Names, ID numbers, phones, addresses and what residents write are stored only as AES-256-GCM ciphertext.
The sealed form is ``length of key id · key id · 12-byte nonce · ciphertext and tag``; the purpose (such as
``person.name``) is authenticated with it, so a ciphertext moved to another column does not open.

Files are sealed in pieces of 64 KiB, so that neither sealing nor opening one needs it whole in memory: ``length of key
id · key id · 32-byte salt · pieces``. This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as
age and Tink use it. Each file has a key of its own: HKDF-SHA-256 of the ring's key with the salt and the purpose. The
nonce of a piece is its number and whether it is the last. So no nonce comes twice under one key, and pieces that are
altered, swapped, left out, added or cut off at the end do not open.
"""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_SALT_BYTES = 32
_TAG_BYTES = 16
PIECE_BYTES = 64 * 1024
"""Of a file, before it is sealed."""


class CannotOpen(Exception):
    """A sealed value was made with a key that the ring lacks, for another purpose, or was altered."""


class Sealing:
    """A file that is being sealed: feed it the clear bytes piece by piece, then finish. Made by ``Vault.seal_file``."""

    def __init__(self, cipher: AESGCM, header: bytes) -> None:
        self._cipher = cipher
        self._number = 0
        self._sealed = bytearray(header)
        self._waiting = bytearray()

    def update(self, clear: bytes) -> bytes:
        """Sealed bytes that are ready; often none."""
        self._waiting += clear
        # The last piece is sealed as such: one is held back until more comes or the end.
        while len(self._waiting) > PIECE_BYTES:
            self._seal(bytes(self._waiting[:PIECE_BYTES]), last=False)
            del self._waiting[:PIECE_BYTES]
        return self._ready()

    def finish(self) -> bytes:
        self._seal(bytes(self._waiting), last=True)
        return self._ready()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._sealed += self._cipher.encrypt(_nonce(self._number, last), piece, None)
        self._number += 1

    def _ready(self) -> bytes:
        ready = bytes(self._sealed)
        self._sealed.clear()
        return ready


class Opening:
    """A sealed file that is being opened: feed it the sealed bytes, then finish. Made by ``Vault.open_file``.

    What it has given is authentic, but only :meth:`finish` tells that it was the whole file. Both methods raise
    ``CannotOpen``.
    """

    def __init__(self, vault: "Vault", purpose: str) -> None:
        self._vault = vault
        self._purpose = purpose
        self._cipher: AESGCM | None = None
        self._number = 0
        self._waiting = bytearray()

    def update(self, sealed: bytes) -> bytes:
        """Clear bytes that are ready; often none."""
        self._waiting += sealed
        if self._cipher is None and not self._read_header():
            return b""
        clear = bytearray()
        piece = PIECE_BYTES + _TAG_BYTES
        while len(self._waiting) > piece:
            clear += self._open(bytes(self._waiting[:piece]), last=False)
            del self._waiting[:piece]
        return bytes(clear)

    def finish(self) -> bytes:
        return self._open(bytes(self._waiting), last=True)

    def _read_header(self) -> bool:
        key_id_end = 1 + self._waiting[0] if self._waiting else 1
        end = key_id_end + _SALT_BYTES
        if len(self._waiting) < end:
            return False
        header = bytes(self._waiting[:end])
        self._cipher = self._vault._file_cipher(header[1:key_id_end], header[key_id_end:], self._purpose)
        del self._waiting[:end]
        return True

    def _open(self, piece: bytes, *, last: bool) -> bytes:
        try:
            if self._cipher is None:
                raise CannotOpen(self._purpose)
            clear = self._cipher.decrypt(_nonce(self._number, last), piece, None)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(self._purpose) from error
        self._number += 1
        return clear


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(_NONCE_BYTES - 1) + bytes([last])


class Vault:
    """Seals, opens and indexes personal data with the deployment's keys."""

    def __init__(self, encryption_keys: str, index_key: str) -> None:
        """
        Args:
            encryption_keys: ``id:base64`` of 32 bytes, comma-separated; the first one seals, all open.
            index_key: keys the blind index; changing it makes every stored index useless.
        """
        self._keys: dict[bytes, bytes] = {}
        for part in encryption_keys.split(","):
            key_id, _, encoded = part.strip().partition(":")
            self._keys[key_id.encode()] = base64.urlsafe_b64decode(encoded)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in self._keys.items()}
        self._active = next(iter(self._ciphers))
        self._index_key = index_key.encode()

    @property
    def active_key_id(self) -> str:
        """The key that seals."""
        return self._active.decode()

    @property
    def key_ids(self) -> list[str]:
        """All that open, the one that seals first."""
        return [key_id.decode() for key_id in self._keys]

    @property
    def active_header(self) -> bytes:
        """How everything begins that the active key sealed."""
        return bytes([len(self._active)]) + self._active

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

    def reseal(self, purpose: str, sealed: bytes) -> bytes:
        """The same text under the active key; as it is where that has sealed it.

        Raises:
            CannotOpen: see :meth:`open`.
        """
        if sealed.startswith(self.active_header):
            return sealed
        return self.seal(purpose, self.open(purpose, sealed))

    def seal_file(self, purpose: str) -> Sealing:
        """Encrypt a file with the active key. The purpose should name the very file: sealed files that are swapped
        then do not open."""
        salt = os.urandom(_SALT_BYTES)
        return Sealing(self._file_cipher(self._active, salt, purpose), self.active_header + salt)

    def open_file(self, purpose: str) -> Opening:
        """Decrypt a file that :meth:`seal_file` sealed for the same purpose."""
        return Opening(self, purpose)

    def _file_cipher(self, key_id: bytes, salt: bytes, purpose: str) -> AESGCM:
        key = self._keys.get(key_id)
        if key is None:
            raise CannotOpen(purpose)
        return AESGCM(HKDF(SHA256(), 32, salt, b"file\0" + purpose.encode()).derive(key))

    def index(self, purpose: str, normalised: str) -> bytes:
        """The blind index of a normalised value: HMAC-SHA-256 (32 bytes), different for each purpose."""
        return hmac.digest(self._index_key, f"{purpose}\0{normalised}".encode(), hashlib.sha256)
