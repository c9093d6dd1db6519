"""The bytes of attachments: sealed before they reach the object store, opened for who may read them.

The row tells whether and with which key its object is sealed, and the SHA-256 of the clear file; the object's own
storage key is part of the seal. So an object that was altered, or swapped with another or with a clear one, does not
open.

An object is never written over: sealed anew, it is a new object, to which the row changes by compare-and-set. A reader
who has found the row before and the object no longer finds the row again.
"""

import asyncio
import hashlib
import secrets
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import BinaryIO

from sqlalchemy import Row, Select, func, select, update

from api.cases.models import Attachment
from api.cases.store import AttachmentStore
from api.db import Database
from api.errors import NotFound, Unavailable
from api.privacy import PIECE_BYTES, CannotOpen, Vault

Stored = Row[int, str, str | None, bytes]
"""What opens a file: id, storage key, key id, SHA-256."""
_STORED: Select[int, str, str | None, bytes] = select(
    Attachment.id, Attachment.storage_key, Attachment.key_id, Attachment.sha256
)


async def store_file(vault: Vault, store: AttachmentStore, clear: BinaryIO) -> str:
    """Seal a file into the object store; its storage key.

    Raises:
        Unavailable: the object store failed.
    """
    storage_key = _new_storage_key()
    with tempfile.TemporaryFile() as sealed:
        await asyncio.to_thread(_seal, vault, storage_key, clear, sealed)
        await store.put(storage_key, sealed)
    return storage_key


def _new_storage_key() -> str:
    token = secrets.token_hex(16)
    return f"{token[:2]}/{token}"


def _purpose(storage_key: str) -> str:
    return f"attachment.file:{storage_key}"


def _seal(vault: Vault, storage_key: str, clear: BinaryIO, sealed: BinaryIO) -> None:
    sealing = vault.seal_file(_purpose(storage_key))
    clear.seek(0)
    while part := clear.read(PIECE_BYTES):
        sealed.write(sealing.update(part))
    sealed.write(sealing.finish())


async def read_file(
    database: Database, vault: Vault, store: AttachmentStore, attachment_id: int
) -> AsyncGenerator[bytes]:
    """The clear bytes of an attachment, part by part. Whether the asker may see it, the caller has looked.

    Only a reader who came to the end without an error has the whole file.

    Raises:
        NotFound: there is no such attachment.
        CannotOpen: the stored bytes are not those that were stored, or their key is not in the ring.
        Unavailable: the object store failed, or has lost the file.
    """
    missing = None
    while True:
        async with database.reading() as reader:
            stored = (await reader.execute(_STORED.where(Attachment.id == attachment_id))).one_or_none()
        if stored is None:
            raise NotFound
        if stored.storage_key == missing:
            raise Unavailable(store="get")
        try:
            parts = await store.get(stored.storage_key)
        except FileNotFoundError:
            # It may have been sealed anew since we looked.
            missing = stored.storage_key
            continue
        async with aclosing(_opened(vault, stored, parts)) as clear:
            async for part in clear:
                yield part
        return


async def _opened(vault: Vault, stored: Stored, parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The clear bytes of what the store gives, compared with the row."""
    digest = hashlib.sha256()
    opening = vault.open_file(_purpose(stored.storage_key)) if stored.key_id is not None else None
    async for part in parts:
        clear = opening.update(part) if opening else part
        digest.update(clear)
        if clear:
            yield clear
    if opening:
        last = opening.finish()
        digest.update(last)
        yield last
    if digest.digest() != stored.sha256:
        raise CannotOpen("attachment.file")


async def count_by_key(database: Database) -> dict[str | None, int]:
    """How many files each key has sealed; under ``None`` those that are stored as they came."""
    async with database.reading() as reader:
        found = await reader.execute(select(Attachment.key_id, func.count().label("files")).group_by(Attachment.key_id))
    return {row.key_id: row.files for row in found}


async def files_to_reseal(database: Database, vault: Vault, after: int, limit: int) -> list[Stored]:
    """Files that the active key has not sealed, by id."""
    stale = Attachment.key_id.is_distinct_from(vault.active_key_id)
    async with database.reading() as reader:
        found = await reader.execute(_STORED.where(stale, Attachment.id > after).order_by(Attachment.id).limit(limit))
    return list(found.all())


async def reseal_file(database: Database, vault: Vault, store: AttachmentStore, stored: Stored) -> bool:
    """Seal one file with the active key; its clear bytes touch no disk.

    Returns:
        Whether it was done: not when the file was deleted, or sealed anew by somebody else, meanwhile.

    Raises:
        CannotOpen: the stored bytes are not those that were stored, or their key is not in the ring.
        FileNotFoundError: the object store has lost the file.
        Unavailable: the object store failed.
    """
    new_key = _new_storage_key()
    sealing = vault.seal_file(_purpose(new_key))
    try:
        parts = await store.get(stored.storage_key)
    except FileNotFoundError:
        if await _is_still(database, stored):
            raise
        return False
    with tempfile.TemporaryFile() as sealed:
        async with aclosing(_opened(vault, stored, parts)) as clear:
            async for part in clear:
                sealed.write(sealing.update(part))
        sealed.write(sealing.finish())
        await store.put(new_key, sealed)
    moved = False
    try:
        async with database.transaction() as session:
            moved = bool(
                await session.scalar(
                    update(Attachment)
                    .where(Attachment.id == stored.id, Attachment.storage_key == stored.storage_key)
                    .values(storage_key=new_key, key_id=vault.active_key_id)
                    .returning(Attachment.id)
                )
            )
    finally:
        if not moved:
            await store.delete(new_key)
    if moved:
        await store.delete(stored.storage_key)
    return moved


async def _is_still(database: Database, stored: Stored) -> bool:
    async with database.reading() as reader:
        found = await reader.execute(
            select(Attachment.id).where(Attachment.id == stored.id, Attachment.storage_key == stored.storage_key)
        )
    return found.one_or_none() is not None
