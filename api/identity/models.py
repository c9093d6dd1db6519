"""Tables of people and of how they prove who they are. Names, ID numbers and phones stand here sealed only."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id


class Person(Base):
    """``*_index`` columns are blind indexes. A person without an ID number in the roll is known by
    ``roll_key_index`` instead: the index of agreement number and name."""

    __tablename__ = "people"

    id: Mapped[Id]
    name: Mapped[bytes] = mapped_column(LargeBinary, doc="sealed, person.name")
    name_index: Mapped[bytes] = mapped_column(LargeBinary)
    id_number: Mapped[bytes | None] = mapped_column(LargeBinary, doc="sealed, person.id_number")
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    roll_key_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)


class PersonPhone(Base):
    __tablename__ = "person_phones"
    __table_args__ = (UniqueConstraint("person_id", "phone_index"), Index(None, "phone_index"))

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    phone: Mapped[bytes] = mapped_column(LargeBinary, doc="sealed, person.phone")
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)


class VerificationAttempt(Base):
    """Tries to prove who one is: one row without an agreement for the try itself, and, when it was wrong, one for each
    agreement it was aimed at. The first are counted to lock chats, the others to lock agreements."""

    __tablename__ = "verification_attempts"
    __table_args__ = (Index(None, "chat_id", "attempted_at"), Index(None, "agreement_id", "attempted_at"))

    id: Mapped[Id]
    chat_id: Mapped[int]
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreements.id"))
    succeeded: Mapped[bool]
    attempted_at: Mapped[CreatedAt]


class LinkCode(Base):
    """A one-time code by which staff let a relative or proxy in. Only its keyed hash is stored."""

    __tablename__ = "link_codes"

    id: Mapped[Id]
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    issued_by: Mapped[str]
    issued_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by_chat_id: Mapped[int | None]
