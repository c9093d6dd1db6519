"""Tables of chats and of their links to agreements. Everything a resident may see starts from a live link."""

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id, sealed
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, LinkSuspension

DISUSE_DAYS = 180


class Chat(Base):
    """``id`` is Telegram's chat id; ``dialog`` is sealed, since drafts hold what residents write. ``gone_at``: since
    when Telegram refuses messages to it (blocked, or deleted); whoever writes again is there again. ``taken``: the
    last updates whose turns were saved, by their numbers, the newest first."""

    __tablename__ = "chats"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    locale: Mapped[str | None]
    dialog: Mapped[bytes | None] = sealed("chat.dialog")
    version: Mapped[int]
    created_at: Mapped[CreatedAt]
    saved_at: Mapped[CreatedAt] = mapped_column(doc="of the last turn that left something behind")
    gone_at: Mapped[datetime | None]
    taken: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))


class Link(Base):
    """A chat's right to see an agreement. ``person_id`` is who proved it; none for a relative let in by a code.
    ``phone_index`` is the blind index of the phone that proved it, ``code_id`` the code that did. ``used_on``, and
    with it ``expires_on``, moves on with each day of use; ``valid_until`` (its last day, if there is one) does not."""

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
    scope: Mapped[LinkScope] = mapped_column(server_default=LinkScope.EVERYTHING.value)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    code_id: Mapped[int | None] = mapped_column(ForeignKey("link_codes.id"))
    linked_at: Mapped[CreatedAt]
    used_on: Mapped[date] = mapped_column(server_default=text("CURRENT_DATE"))
    expires_on: Mapped[date] = mapped_column(
        server_default=text(f"CURRENT_DATE + {DISUSE_DAYS}"), doc="first day on which it is taken for disused"
    )
    valid_until: Mapped[date | None]
    suspended_at: Mapped[datetime | None]
    suspended_because: Mapped[LinkSuspension | None]
    revoked_at: Mapped[datetime | None]
    revoked_by_chat_id: Mapped[int | None]
    revoked_by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))


class HandoverWatch(Base):
    """A chat's wish to be told when an agreement's handover date changes. It counts while the chat's link is live: who
    tells of a change joins the live links."""

    __tablename__ = "handover_watches"

    chat_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True, autoincrement=False)
    created_at: Mapped[CreatedAt]
