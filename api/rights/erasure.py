"""Forgetting a chat. Personal Information Protection Law, articles 15 (withdrawal) and 47 (erasure)."""

from typing import Any

import structlog

from api.audit.service import Actor, record
from api.broadcasts.mutes import forget_mutes
from api.cases.own import count_cases, forget_free_files, leave_cases
from api.cases.store import AttachmentStore
from api.chats.granting import end_all_links
from api.chats.own import count_links, forget_chat, look_up_chat
from api.db import Database
from api.errors import Unavailable
from api.identity.own import count_requests, forget_identity, forget_requests
from api.lookups import Reading
from api.messages.own import forget_deliveries
from api.privacy import Vault
from api.rights.copies import days_kept, is_staff
from api.settings import Settings

log = structlog.get_logger()


async def look_up_erasure(reading: Reading, settings: Settings, chat_id: int) -> dict[str, Any]:
    """What would end, and what stays, as :class:`api.rights.schemas.ErasureOut`."""
    chat = await look_up_chat(reading, chat_id)
    links, let_in = await count_links(reading, chat_id)
    return {
        "links": links,
        "let_in": let_in,
        **await count_requests(reading, chat_id),
        "draft": chat is not None and chat["dialog"] is not None,
        **await count_cases(reading, chat_id),
        "is_staff": await is_staff(reading, chat_id),
        "kept_days": days_kept(settings),
    }


async def erase(database: Database, vault: Vault, store: AttachmentStore, chat_id: int) -> None:
    """End and delete all that need not be kept. Asked twice, it is done once.

    What stays is what the law wants kept or what protects others: filed complaints, withdrawn consents, tries to prove
    who one is, the audit record, and the office's own: its rolls and its staff's accounts.
    """
    async with database.transaction() as session:
        await leave_cases(session, vault, chat_id)
        told = await forget_requests(session, chat_id)
        told += await end_all_links(session, vault, chat_id)
        told += await forget_chat(session, chat_id)
        told += await forget_identity(session, chat_id)
        told += await forget_deliveries(session, chat_id)
        told += await forget_mutes(session, chat_id)
        objects = await forget_free_files(session, chat_id)
        if told + len(objects):
            await record(session, Actor.chat(chat_id), "chat.erased", "chat", [chat_id])
    for storage_key in objects:
        try:
            await store.delete(storage_key)
        except Unavailable:
            # Without its row nobody finds it, and the nightly job deletes what has none.
            log.warning("object_left_behind")
