"""Files that residents send with a complaint: taken in, taken back, swept up.

No database transaction stands open while the object store works. The object is put before its row is written and
deleted after its row is gone, so that a row always has its object; objects that a crash leaves without a row are swept
up.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from sqlalchemy import ColumnElement, Text, and_, bindparam, delete, exists, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from api.audit.service import SYSTEM, Actor, record
from api.broadcasts.models import Broadcast
from api.cases.files import store_file
from api.cases.media import display_name, media_type_of
from api.cases.models import Attachment
from api.cases.schemas import MAX_ATTACHMENT_BYTES, AttachmentKind
from api.cases.store import AttachmentStore
from api.chats.access import CHAT_ID, live_links
from api.db import Database
from api.errors import InvalidInput, NotFound, TooLarge, TooMany, UnsupportedType
from api.lookups import LookUp, Reading
from api.privacy import Vault
from api.staff.access import Acting

MAX_FREE = 30
"""Files of a chat that are not (yet) part of a case or a broadcast; simultaneous uploads may go past it by a few."""
_DRAINED_BYTES = MAX_ATTACHMENT_BYTES


@dataclass(frozen=True)
class Upload:
    """What comes with the bytes. The media type that the sender claims is not looked at."""

    kind: AttachmentKind
    filename: str
    upload_key: str


def _before_upload() -> LookUp:
    """One row: ``linked``, ``free``, and the attachment of this upload key where there is one."""
    known = (
        select(Attachment.id, Attachment.kind, Attachment.filename, Attachment.media_type, Attachment.size)
        .where(Attachment.chat_id == CHAT_ID, Attachment.upload_key == bindparam("upload_key", None, type_=Text()))
        .subquery("known")
    )
    chat = select(exists().where(live_links().c.id.is_not(None)).label("linked"), _count_free().label("free")).subquery(
        "chat"
    )
    return LookUp(select(chat, known).select_from(chat.outerjoin(known, true())))


def _count_free() -> Any:
    return (
        select(func.count()).select_from(Attachment).where(Attachment.chat_id == CHAT_ID, is_free()).scalar_subquery()
    )


def is_free() -> ColumnElement[bool]:
    """Of an ``Attachment``: it is part of no case, and no broadcast sends it."""
    sent = exists().where(Broadcast.attachment_id == Attachment.id)
    return and_(Attachment.case_id.is_(None), ~sent)


BEFORE_UPLOAD = _before_upload()


async def take_in(
    database: Database,
    reading: Reading,
    store: AttachmentStore,
    chat_id: int,
    upload: Upload,
    announced_size: int | None,
    body: AsyncIterator[bytes],
) -> tuple[dict[str, Any], bool]:
    """Store a file for a complaint that is being written.

    Args:
        announced_size: of the body, in bytes, where the sender tells it.

    Returns:
        The :class:`AttachmentOut`, and whether it was stored now: the same upload key again is the same file.

    Raises:
        NotFound: the chat has no live link.
        TooMany: the chat has ``MAX_FREE`` files that are part of no case.
        TooLarge: more than ``MAX_ATTACHMENT_BYTES``.
        UnsupportedType: by its content it is not of a type that is accepted as ``upload.kind``.
        Unavailable: the object store failed.
    """
    return await _take_in(database, reading, store, Actor.chat(chat_id), chat_id, upload, announced_size, body)


async def take_in_from_staff(
    database: Database,
    reading: Reading,
    store: AttachmentStore,
    officer: Acting,
    upload: Upload,
    announced_size: int | None,
    body: AsyncIterator[bytes],
) -> tuple[dict[str, Any], bool]:
    """Store a file that an officer sends with an answer; like :func:`take_in` without a link."""
    return await _take_in(database, reading, store, officer.actor, officer.chat_id, upload, announced_size, body)


async def _take_in(
    database: Database,
    reading: Reading,
    store: AttachmentStore,
    actor: Actor,
    chat_id: int,
    upload: Upload,
    announced_size: int | None,
    body: AsyncIterator[bytes],
) -> tuple[dict[str, Any], bool]:
    (before,) = await reading.rows(BEFORE_UPLOAD, chat_id=chat_id, upload_key=upload.upload_key)
    may_not = actor == Actor.chat(chat_id) and not before["linked"]
    if may_not or before["id"] is not None or before["free"] >= MAX_FREE:
        came = await _drain(body, announced_size)
        if may_not:
            raise NotFound
        if not came:
            raise UnsupportedType
        if before["id"] is None:
            raise TooMany(max=MAX_FREE)
        return _attachment_out(reading.vault, before), False
    with tempfile.TemporaryFile() as file:
        try:
            digest = await _receive(body, announced_size, file)
        except ClientDisconnect as error:
            # The answer goes nowhere; this is no failure of ours.
            raise InvalidInput(fields=[{"at": ["body"], "expected": "The whole file"}]) from error
        media_type = await asyncio.to_thread(media_type_of, file, upload.kind) if file.tell() else None
        if media_type is None:
            raise UnsupportedType
        size = file.seek(0, 2)
        storage_key = await store_file(reading.vault, store, file)
    filename = display_name(upload.filename, media_type)
    attachment_id = None
    try:
        async with database.transaction() as session:
            attachment_id = await session.scalar(
                insert(Attachment)
                .values(
                    chat_id=chat_id,
                    upload_key=upload.upload_key,
                    kind=upload.kind,
                    filename=reading.vault.seal("attachment.filename", filename),
                    media_type=media_type,
                    size=size,
                    sha256=digest,
                    storage_key=storage_key,
                    key_id=reading.vault.active_key_id,
                )
                .on_conflict_do_nothing(index_elements=["chat_id", "upload_key"])
                .returning(Attachment.id)
            )
            if attachment_id is not None:
                await record(session, actor, "attachment.stored", "attachment", [attachment_id])
    finally:
        if attachment_id is None:
            await store.delete(storage_key)
    if attachment_id is None:
        # The same upload was stored while this one came in.
        (before,) = await reading.rows(BEFORE_UPLOAD, chat_id=chat_id, upload_key=upload.upload_key)
        if before["id"] is None:
            raise NotFound
        return _attachment_out(reading.vault, before), False
    return {
        "id": attachment_id,
        "kind": upload.kind,
        "filename": filename,
        "media_type": media_type,
        "size": size,
    }, True


async def _receive(body: AsyncIterator[bytes], announced_size: int | None, file: BinaryIO) -> bytes:
    """Write the body to a file; its SHA-256."""
    if announced_size is not None and announced_size > MAX_ATTACHMENT_BYTES:
        await _drain(body, announced_size)
        raise TooLarge(max_bytes=MAX_ATTACHMENT_BYTES)
    digest, size = hashlib.sha256(), 0
    async for chunk in body:
        size += len(chunk)
        if size > MAX_ATTACHMENT_BYTES:
            await _drain(body, None)
            raise TooLarge(max_bytes=MAX_ATTACHMENT_BYTES)
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    return digest.digest()


async def _drain(body: AsyncIterator[bytes], announced_size: int | None) -> bool:
    """Read what still comes of a body that is refused, within reason: a sender that is cut off while it sends never
    reads why.

    Returns:
        Whether anything came.
    """
    if announced_size is not None and announced_size > MAX_ATTACHMENT_BYTES + _DRAINED_BYTES:
        return True
    drained = 0
    async for chunk in body:
        drained += len(chunk)
        if drained > MAX_ATTACHMENT_BYTES + _DRAINED_BYTES:
            break
    return drained > 0


def _attachment_out(vault: Vault, row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "filename": vault.open("attachment.filename", row["filename"]),
        "media_type": row["media_type"],
        "size": row["size"],
    }


async def attach(
    session: AsyncSession, chat_id: int | None, case_id: int, attachment_ids: set[int], *, event_id: int | None = None
) -> None:
    """Make files that a chat has uploaded part of a case, as it is filed or with a later step.

    Raises:
        NotFound: one is not this chat's, or belongs to a case already.
    """
    if not attachment_ids:
        return
    attached = await session.scalars(
        update(Attachment)
        .where(Attachment.id.in_(attachment_ids), Attachment.chat_id == chat_id, is_free())
        .values(case_id=case_id, event_id=event_id)
        .returning(Attachment.id)
        .execution_options(synchronize_session=False)
    )
    if set(attached) != attachment_ids:
        raise NotFound


async def take_back(database: Database, store: AttachmentStore, chat_id: int, attachment_id: int) -> None:
    """Delete a file that is part of no case.

    Raises:
        NotFound: there is none such of this chat.
    """
    async with database.transaction() as session:
        storage_key = await session.scalar(
            delete(Attachment)
            .where(Attachment.id == attachment_id, Attachment.chat_id == chat_id, is_free())
            .returning(Attachment.storage_key)
            .execution_options(synchronize_session=False)
        )
        if storage_key is None:
            raise NotFound
        await record(session, Actor.chat(chat_id), "attachment.taken_back", "attachment", [attachment_id])
    await store.delete(storage_key)


async def sweep_orphans(database: Database, store: AttachmentStore, older_than: timedelta) -> int:
    """Delete files that no complaint came of, and objects without a row, when they are older than that.

    Returns:
        How many objects were deleted.
    """
    moment = datetime.now(UTC) - older_than
    async with database.transaction() as session:
        unfiled = await session.execute(
            delete(Attachment)
            .where(is_free(), Attachment.uploaded_at < moment)
            .returning(Attachment.id, Attachment.storage_key)
            .execution_options(synchronize_session=False)
        )
        rows = unfiled.all()
        await record(session, SYSTEM, "attachment.swept", "attachment", [row.id for row in rows])
        gone = [row.storage_key for row in rows]
    for storage_key in gone:
        await store.delete(storage_key)
    swept = len(gone)
    async for keys in store.keys_before(moment):
        async with database.reading() as reader:
            known = set(
                (await reader.execute(select(Attachment.storage_key).where(Attachment.storage_key.in_(keys)))).scalars()
            )
        for key in set(keys) - known:
            await store.delete(key)
            swept += 1
    return swept
