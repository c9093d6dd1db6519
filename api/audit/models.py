"""Tables of the audit record. The database itself refuses to change or remove their rows."""

from sqlalchemy import Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from api.audit.actors import ActorKind
from api.db import Base, CreatedAt, Id


class AuditEvent(Base):
    """Who (``actor_*``) did what (``action``) to which object, when. No values, names or numbers stand here."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "object_kind", "object_id"), Index(None, "actor_kind", "actor_id"))

    id: Mapped[Id]
    happened_at: Mapped[CreatedAt] = mapped_column(server_default=func.clock_timestamp())
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[int | None]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[int | None]


class AuditSeal(Base):
    """A link of the chain: the hash of an event together with the seal before. Written soon after the event's own
    transaction, so that transactions need not wait for each other.

    Seals are numbered without a gap, so that one that is missing is seen, and two sealers cannot both write the same
    one. No foreign key: it would lock every event's row once more to say what the chain says anyhow.
    """

    __tablename__ = "audit_seals"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
