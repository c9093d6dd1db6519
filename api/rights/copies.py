"""All that is kept about a chat, for its person. Personal Information Protection Law, article 45."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, literal_column, select

from api.agreements.service import look_up_handover, look_up_homes
from api.audit.actors import ActorKind
from api.audit.models import AuditEvent
from api.audit.service import Actor
from api.audit.views import look_up_views
from api.broadcasts.mutes import look_up_mutes
from api.cases.own import look_up_free_files, look_up_own_cases
from api.chats.access import CHAT_ID
from api.chats.links import list_links
from api.chats.own import look_up_chat, look_up_ended_links
from api.errors import TooMany
from api.identity.own import look_up_identity
from api.lookups import LookUp, Reading
from api.messages.own import look_up_notices
from api.money.service import look_up_ledger, look_up_payments
from api.retention import kept_days
from api.rights.schemas import MAX_COPIES, MAX_LEDGER_ENTRIES, KeptDays
from api.settings import Settings
from api.staff.access import ACCOUNT

COPIED = "data.copied"
_LATELY = LookUp(
    select(func.count().label("copies")).where(
        AuditEvent.actor_kind == ActorKind.CHAT,
        AuditEvent.actor_id == CHAT_ID,
        AuditEvent.action == COPIED,
        AuditEvent.happened_at > func.now() - literal_column("interval '24 hours'"),
    )
)


def days_kept(settings: Settings) -> dict[str, int]:
    """As :class:`api.rights.schemas.KeptDays`."""
    return {name: kept_days(settings, name) for name in KeptDays.model_fields}


async def is_staff(reading: Reading, chat_id: int) -> bool:
    return bool(await reading.rows(ACCOUNT, chat_id=chat_id))


async def look_up_everything(reading: Reading, settings: Settings, chat_id: int) -> dict[str, Any]:
    """As :class:`api.rights.schemas.MyDataOut`. What a link does not show, it does not show here either.

    Raises:
        TooMany: ``MAX_COPIES`` were made within 24 hours.
    """
    [lately] = await reading.rows(_LATELY, chat_id=chat_id)
    if lately["copies"] >= MAX_COPIES:
        raise TooMany(max=MAX_COPIES)
    await reading.seen(Actor.chat(chat_id), COPIED, [chat_id], "chat")
    payments = await look_up_payments(reading, chat_id)
    agreement_ids = [entry["agreement"]["id"] for entry in payments]
    return {
        "made_at": datetime.now(UTC),
        "chat": await look_up_chat(reading, chat_id),
        "links": await list_links(reading, chat_id),
        "ended_links": await look_up_ended_links(reading, chat_id),
        "homes": await look_up_homes(reading, chat_id),
        "payments": payments,
        "ledgers": [
            await look_up_ledger(reading, chat_id, agreement_id, None, MAX_LEDGER_ENTRIES)
            for agreement_id in agreement_ids
        ],
        "handover": await look_up_handover(reading, chat_id),
        "cases": await look_up_own_cases(reading, chat_id),
        "files": await look_up_free_files(reading, chat_id),
        **await look_up_identity(reading, chat_id),
        "notices": await look_up_notices(reading, chat_id),
        "muted": await look_up_mutes(reading, chat_id),
        "is_staff": await is_staff(reading, chat_id),
        "views": await look_up_views(reading, chat_id),
        "kept_days": days_kept(settings),
    }
