"""Tables of people and of how they prove who they are. Names, ID numbers and phones stand here sealed only."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id, sealed
from api.identity.schemas import AccessRequestKind, AccessRequestState, ConsentKind, LinkMethod, LinkRole, LinkScope


class Person(Base):
    """``*_index`` columns are blind indexes. A person without an ID number in the roll is known by
    ``roll_key_index`` instead: the index of agreement number and name."""

    __tablename__ = "people"

    id: Mapped[Id]
    name: Mapped[bytes] = sealed("person.name")
    name_index: Mapped[bytes] = mapped_column(LargeBinary)
    id_number: Mapped[bytes | None] = sealed("person.id_number")
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    roll_key_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)


class PersonPhone(Base):
    __tablename__ = "person_phones"
    __table_args__ = (UniqueConstraint("person_id", "phone_index"), Index(None, "phone_index"))

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    phone: Mapped[bytes] = sealed("person.phone")
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)


class VerificationAttempt(Base):
    """Tries to prove who one is. ``source_index`` is the blind index of where the try came from beyond its chat.
    ``number_index`` is that of the agreement's number which wrong papers gave, whether there is such an agreement or
    not; none where it was closed already. No foreign key: checking one would take time for those that exist only."""

    __tablename__ = "verification_attempts"
    __table_args__ = (
        Index(None, "chat_id", "attempted_at"),
        Index(None, "source_index", "attempted_at"),
        Index(None, "number_index", "attempted_at"),
        Index(None, "attempted_at"),
        Index(
            "ix_verification_attempts_wrong_papers",
            "attempted_at",
            postgresql_where=text("method = 'agreement' AND NOT succeeded"),
        ),
    )

    id: Mapped[Id]
    chat_id: Mapped[int]
    method: Mapped[LinkMethod] = mapped_column(server_default=LinkMethod.AGREEMENT.value)
    source_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    number_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    succeeded: Mapped[bool]
    attempted_at: Mapped[CreatedAt]


class LinkCode(Base):
    """A one-time code that lets a relative or proxy in, issued by staff or by a holder. Only its keyed hash is stored.
    ``role``, ``scope`` and ``valid_until`` become those of the link; ``issued_by_chat_id`` is the holder's chat.
    ``owner_ids``: the people in whose name it lets somebody in; once none of them owns the agreement any more, the new
    owners' home is nothing for whom it let in."""

    __tablename__ = "link_codes"

    id: Mapped[Id]
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    role: Mapped[LinkRole] = mapped_column(server_default=LinkRole.RELATIVE.value)
    scope: Mapped[LinkScope] = mapped_column(server_default=LinkScope.EVERYTHING.value)
    valid_until: Mapped[date | None] = mapped_column(doc="last day of what the code gives")
    issued_by: Mapped[str]
    issued_by_chat_id: Mapped[int | None]
    issued_by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
    owner_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    issued_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by_chat_id: Mapped[int | None]


class Consent(Base):
    """What a chat agreed to, in which version of the words. Withdrawn, it stays as a record; given anew, it is a new
    row."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "chat_id", "kind", unique=True, postgresql_where=text("withdrawn_at IS NULL")),)

    id: Mapped[Id]
    chat_id: Mapped[int]
    kind: Mapped[ConsentKind]
    version: Mapped[str]
    given_at: Mapped[CreatedAt]
    withdrawn_at: Mapped[datetime | None]


class AccessRequest(Base):
    """Somebody who cannot prove who they are with what is on file (the holder died, the flat was sold, a name or phone
    changed) asks the office to look at their papers. ``idempotency_key`` is the dialog's id; ``reason`` is what they
    are told when it is declined."""

    __tablename__ = "access_requests"
    __table_args__ = (
        UniqueConstraint("chat_id", "idempotency_key"),
        Index(None, "id", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[Id]
    chat_id: Mapped[int]
    idempotency_key: Mapped[str]
    kind: Mapped[AccessRequestKind]
    text: Mapped[bytes] = sealed("access_request.text")
    state: Mapped[AccessRequestState] = mapped_column(server_default=AccessRequestState.OPEN.value)
    created_at: Mapped[CreatedAt]
    reason: Mapped[bytes | None] = sealed("access_request.reason")
    handled_at: Mapped[datetime | None]
    handled_by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
