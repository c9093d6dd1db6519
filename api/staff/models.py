"""Tables of staff."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id, sealed


class StaffAccount(Base):
    """Somebody of the office. ``roles`` are :class:`api.staff.schemas.StaffRole`; ``chat_id`` is the Telegram chat that
    was linked by a one-time code. A disabled account keeps its past and can do nothing."""

    __tablename__ = "staff_accounts"

    id: Mapped[Id]
    name: Mapped[bytes] = sealed("staff.name")
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    chat_id: Mapped[int | None] = mapped_column(unique=True)
    linked_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class StaffCode(Base):
    """A one-time code by which an account's owner links their Telegram. Only its keyed hash is stored."""

    __tablename__ = "staff_codes"

    id: Mapped[Id]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    issued_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
