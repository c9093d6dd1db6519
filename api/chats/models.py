"""Tables of chats and of their links to agreements. Everything a resident may see starts from a live link."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id
from api.identity.schemas import LinkMethod, LinkRole


class Chat(Base):
    """``id`` is Telegram's chat id; ``dialog`` is sealed, since drafts hold what residents write."""

    __tablename__ = "chats"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    locale: Mapped[str | None]
    dialog: Mapped[bytes | None] = mapped_column(LargeBinary, doc="sealed, chat.dialog")
    version: Mapped[int]
    created_at: Mapped[CreatedAt]


class Link(Base):
    """A chat's right to see an agreement. ``person_id`` is who proved it; none for a relative let in by a code."""

    __tablename__ = "links"
    __table_args__ = (
        Index(None, "chat_id", "agreement_id", unique=True, postgresql_where=text("revoked_at IS NULL")),
        Index(None, "agreement_id"),
    )

    id: Mapped[Id]
    chat_id: Mapped[int]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    role: Mapped[LinkRole]
    method: Mapped[LinkMethod]
    linked_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
    revoked_by_chat_id: Mapped[int | None]


class HandoverWatch(Base):
    """A chat's wish to be told when an agreement's handover date changes."""

    __tablename__ = "handover_watches"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True, autoincrement=False)
    created_at: Mapped[CreatedAt]
