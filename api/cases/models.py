"""Tables of cases. What residents write, and where they stand, is sealed."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, Sequence, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.cases.schemas import AttachmentKind, CaseCategory, CaseEventKind, CaseState
from api.db import Base, CreatedAt, Id, sealed

case_numbers = Sequence("case_numbers", metadata=Base.metadata)


class Case(Base):
    """``idempotency_key`` is the dialog's id: a complaint that arrives twice is one case. ``received_at``,
    ``registered_at`` and ``accepted_at`` are three different dates of the Regulations on Petition Work."""

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("chat_id", "idempotency_key"), Index(None, "agreement_id"))

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    chat_id: Mapped[int]
    idempotency_key: Mapped[str]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    category: Mapped[CaseCategory]
    state: Mapped[CaseState]
    text: Mapped[bytes] = sealed("case.text")
    location: Mapped[bytes | None] = sealed("case.location", doc="JSON")
    received_at: Mapped[CreatedAt]
    registered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    acceptance_notice_last_day: Mapped[date]


class CaseEvent(Base):
    __tablename__ = "case_events"
    __table_args__ = (Index(None, "case_id"),)

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[CaseEventKind]
    happened_at: Mapped[CreatedAt]


class Attachment(Base):
    """A stored file. It belongs to a chat when uploaded and to a case once that is filed; ``upload_key`` makes an
    upload that arrives twice one file. The bytes are in the object store under ``storage_key``, sealed with the key
    ``key_id`` (none: as they came, stored before files were sealed); ``size`` and ``sha256`` are of the clear file."""

    __tablename__ = "attachments"
    __table_args__ = (UniqueConstraint("chat_id", "upload_key"), Index(None, "case_id"))

    id: Mapped[Id]
    chat_id: Mapped[int]
    upload_key: Mapped[str]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[AttachmentKind]
    filename: Mapped[bytes] = sealed("attachment.filename")
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    storage_key: Mapped[str] = mapped_column(unique=True)
    key_id: Mapped[str | None]
    uploaded_at: Mapped[CreatedAt]
