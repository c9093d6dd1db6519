"""Tables of the outbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id, sealed
from api.messages.schemas import DeliveryState, NoticeKind


class Delivery(Base):
    """One message to one chat. A courier claims it for a while (``lease_id``, ``lease_until``); a report counts only
    under the lease in force. ``dedupe_key``: the same news twice is one message. What is finished keeps no payload.

    ``agreement_id``: it is only for a chat that has a live link to this agreement when it is sent. ``case_id``: the
    case that it tells of, so that a reply to it (``message_id``) finds it. ``attempts``: how often it was tried.
    ``doubts``: how often nobody knows whether it arrived.

    Of a broadcast (``broadcast_id``) there is one for each chat, and it holds no payload: the API adds the facts of
    ``agreement_ids``, those that the chat still sees, when it is claimed. ``target_message_id``: of a correction, the
    message that is edited or deleted. An edit rings nowhere, so it has a second part: once the message is edited
    (``message_id`` of a row that waits) its reader is told so, and only then is the row done.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "ix_deliveries_waiting",
            "priority",
            "not_before",
            "id",
            postgresql_where=text("state = 'waiting' AND broadcast_id IS NULL"),
        ),
        Index(
            "ix_deliveries_broadcast_waiting",
            "broadcast_id",
            "not_before",
            "id",
            postgresql_where=text("state = 'waiting' AND broadcast_id IS NOT NULL"),
        ),
        Index(
            "ix_deliveries_broadcast_done",
            "broadcast_id",
            "state",
            "finished_at",
            postgresql_where=text("state <> 'waiting' AND broadcast_id IS NOT NULL"),
        ),
        UniqueConstraint("broadcast_id", "chat_id"),
        Index(None, "chat_id"),
        Index(None, "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: Mapped[Id]
    chat_id: Mapped[int]
    kind: Mapped[NoticeKind]
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreements.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    # No foreign key: checking it for each message took as long as all the rest of freezing an audience. The transaction
    # that makes them updates their broadcast, and no broadcast is ever deleted.
    broadcast_id: Mapped[int | None]
    agreement_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    target_message_id: Mapped[int | None]
    payload: Mapped[bytes | None] = sealed("delivery.payload", doc="JSON")
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0", doc="0 notices; the lowest goes first")
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    state: Mapped[DeliveryState] = mapped_column(server_default=DeliveryState.WAITING.value)
    created_at: Mapped[CreatedAt]
    not_before: Mapped[CreatedAt]
    lease_id: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    doubts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    message_id: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(doc="a word of the courier's for the last failure")
    finished_at: Mapped[datetime | None]


class SendBucket(Base):
    """The one row from which all couriers take leave to send (design §9). None is given before ``held_until``."""

    __tablename__ = "send_bucket"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    tokens: Mapped[float]
    refilled_at: Mapped[CreatedAt]
    held_until: Mapped[datetime | None]
