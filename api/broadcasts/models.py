"""Tables of broadcasts. Each of their messages is a row of ``deliveries``."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.broadcasts.schemas import BroadcastAction, BroadcastState, Missing, NewsKind, Operation, Topic
from api.db import Base, CreatedAt, Id


class Broadcast(Base):
    """``audience`` is a ``Rule``, ``bodies`` a ``Body`` by language, both as JSON: they name nobody but by agreement
    number. ``revision`` counts changes of what is said, ``version`` every step. ``of_id``: what it corrects or sends
    once more. ``approved_revision``: what the second person saw."""

    __tablename__ = "broadcasts"
    __table_args__ = (
        CheckConstraint("operation = 'send' OR of_id IS NOT NULL", name="corrects_something"),
        Index("ix_broadcasts_running", "urgent", "id", postgresql_where=text("state = 'sending'")),
        Index("ix_broadcasts_due", "starts_at", postgresql_where=text("state = 'approved'")),
        Index(None, "of_id"),
    )

    id: Mapped[Id]
    operation: Mapped[Operation] = mapped_column(server_default=Operation.SEND.value)
    of_id: Mapped[int | None] = mapped_column(ForeignKey("broadcasts.id"))
    topic: Mapped[Topic] = mapped_column(server_default=Topic.NEWS.value)
    urgent: Mapped[bool] = mapped_column(server_default="false")
    audience: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    bodies: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    fallback: Mapped[str]
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    missing: Mapped[Missing] = mapped_column(server_default=Missing.SAY_SO.value)
    state: Mapped[BroadcastState] = mapped_column(server_default=BroadcastState.DRAFT.value)
    version: Mapped[int] = mapped_column(server_default="1")
    revision: Mapped[int] = mapped_column(server_default="1")
    approved_revision: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("staff_accounts.id"), doc="none: a load of a roll made the draft, or the command line"
    )
    import_id: Mapped[int | None] = mapped_column(
        ForeignKey("imports.id"), doc="the load of a roll that made the draft"
    )
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    total: Mapped[int | None] = mapped_column(doc="messages, as the audience was frozen")
    counts: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), doc="of them by outcome, once none waits: the messages themselves are deleted later"
    )


class BroadcastEvent(Base):
    """Each step of a broadcast, and who took it."""

    __tablename__ = "broadcast_events"
    __table_args__ = (Index(None, "broadcast_id"),)

    id: Mapped[Id]
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"))
    action: Mapped[BroadcastAction]
    revision: Mapped[int]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"), doc="none: the system")
    text: Mapped[str] = mapped_column(server_default="")
    happened_at: Mapped[CreatedAt]


class Mute(Base):
    """A chat's wish not to be told of a topic. Legal notices are told in any case."""

    __tablename__ = "mutes"
    __table_args__ = (CheckConstraint("topic <> 'legal'", name="not_legal"),)

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    topic: Mapped[Topic] = mapped_column(primary_key=True)
    created_at: Mapped[CreatedAt]


class ImportChange(Base):
    """What a load of a roll changed for a family that it touched. The facts stand in their own tables; ``fact_id`` is
    the row there (forecast, milestone, ledger entry, registration), ``before_id`` the forecast that it replaced."""

    __tablename__ = "import_changes"
    __table_args__ = (Index(None, "agreement_id"),)

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True, autoincrement=False)
    kind: Mapped[NewsKind] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True, autoincrement=False)
    fact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    before_id: Mapped[int | None]
