"""What couriers are given of broadcasts: the next messages of those that are being sent, each with its reader's facts.

One that is paused or cancelled costs nothing, however many of its messages wait: only the rows of those that are being
sent are looked at, each broadcast's in its own range of the index.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Boolean, ColumnElement, Integer, Select, and_, bindparam, not_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcasts.content import content_of, placeholders
from api.broadcasts.facts import news_of, plain_facts
from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import BroadcastContent, BroadcastState, Missing, Operation, Placeholder, Rule
from api.chats.models import Chat
from api.lookups import LookUp
from api.messages.leases import is_due
from api.messages.models import Delivery
from api.privacy import Vault

_RULE: TypeAdapter[Rule | None] = TypeAdapter(Rule | None)
IS_OF_IT: tuple[ColumnElement[bool], ...] = (Delivery.broadcast_id == Broadcast.id, Delivery.broadcast_id.is_not(None))
"""The second tells PostgreSQL which index to take."""


def is_running() -> ColumnElement[bool]:
    """Of a ``Broadcast``: messages of it may go out now. In quiet hours (``quiet``) only urgent ones do, and edits and
    deletions: they make no noise."""
    loud = not_(Broadcast.urgent) & (Broadcast.operation == Operation.SEND)
    return and_(Broadcast.state == BroadcastState.SENDING, or_(not_(_quiet()), not_(loud)))


def may_ring(urgent: ColumnElement[bool] = Broadcast.urgent.expression) -> ColumnElement[bool]:
    """Of a ``Delivery`` of one that is running: in quiet hours no reader is told that a message was edited, unless it
    is urgent."""
    return or_(not_(_quiet()), urgent, Delivery.message_id.is_(None))


def _quiet() -> Any:
    return bindparam("quiet", None, type_=Boolean())


def _due() -> Select[*tuple[Any, ...]]:
    wanted: Any = bindparam("wanted", None, type_=Integer())
    running = select(Broadcast.id, Broadcast.urgent).where(is_running()).subquery("running")
    of_each = (
        select(
            Delivery.id,
            Delivery.chat_id,
            Delivery.broadcast_id,
            Delivery.agreement_ids,
            Delivery.target_message_id,
            Delivery.message_id,
            Delivery.doubts,
            Delivery.lease_id,
            Delivery.not_before,
        )
        .where(
            Delivery.broadcast_id == running.c.id,
            Delivery.broadcast_id.is_not(None),
            is_due(),
            may_ring(running.c.urgent),
        )
        .order_by(Delivery.not_before, Delivery.id)
        .limit(wanted)
        .with_for_update(skip_locked=True)
        .lateral("next")
    )
    return (
        select(*of_each.c, Chat.locale, Chat.gone_at)
        .select_from(running)
        .join(of_each, true())
        .outerjoin(Chat, Chat.id == of_each.c.chat_id)
        .order_by(running.c.urgent.desc(), running.c.id, of_each.c.not_before, of_each.c.id)
        .limit(wanted)
    )


DUE = LookUp(_due())
"""The next messages, so many as are ``wanted``, locked: of urgent broadcasts first, then of the oldest."""


async def tell(
    session: AsyncSession, vault: Vault, rows: Sequence[Any], today: date, contents: list[BroadcastContent]
) -> list[dict[str, Any] | None]:
    """What each of these messages tells (a ``RecipientFacts``); None: its reader sees none of its homes any more.

    Args:
        contents: of the broadcasts; those that are missing are added.
    """
    # That a message was edited is told whoever has it, and with no facts.
    told: dict[int, dict[str, Any] | None] = {row["id"]: {} for row in rows if row["message_id"] is not None}
    known = {content.id for content in contents}
    for broadcast_id in dict.fromkeys(row["broadcast_id"] for row in rows if row["id"] not in told):
        broadcast = await session.get_one(Broadcast, broadcast_id)
        content = await content_of(session, vault, broadcast)
        if broadcast_id not in known:
            contents.append(content)
        its = [row for row in rows if row["broadcast_id"] == broadcast_id and row["id"] not in told]
        if content.operation is Operation.DELETE:
            # Whatever its reader sees today.
            told |= {row["id"]: {} for row in its}
            continue
        news = news_of(_RULE.validate_python(broadcast.audience), broadcast.import_id)
        asked = [(row["chat_id"], row["agreement_ids"] or ()) for row in its]
        used = placeholders(content.bodies)
        found = await plain_facts(session, vault, asked, used, today=today, news=news)
        # Left out beforehand are those without news; meanwhile a load may have taken it back from others.
        only_news = broadcast.missing is Missing.LEAVE_OUT and Placeholder.NEWS in used
        for row, facts in zip(its, found, strict=True):
            if only_news and content.operation is Operation.SEND:
                facts["homes"] = [home for home in facts["homes"] if home["news"]]
            told[row["id"]] = facts if facts["homes"] else None
    return [told[row["id"]] for row in rows]
