"""Tables of cases. What residents and officers write, and where people stand, is sealed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    Sequence,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from api.agreements.schemas import AgreementKind
from api.audit.actors import ActorKind
from api.cases.schemas import (
    AttachmentKind,
    CaseActor,
    CaseCategory,
    CaseEventKind,
    CaseState,
    ClockKind,
    Outcome,
    Procedure,
)
from api.db import Base, CreatedAt, Id, sealed

case_numbers = Sequence("case_numbers", metadata=Base.metadata)

_OPEN = text("due_on IS NOT NULL")


def _state(name: str) -> Enum:
    return Enum(
        CaseState,
        native_enum=False,
        length=40,
        create_constraint=True,
        name=name,
        values_callable=lambda states: [state.value for state in states],
    )


class Case(Base):
    """``idempotency_key`` is the dialog's id: a complaint that arrives twice is one case. ``received_at``,
    ``registered_at`` and ``accepted_at`` are three different dates of the Regulations on Petition Work.

    ``version`` counts the steps taken with it. ``due_on`` is the last day of the office's clock that ends first: a case
    on which the office still owes something has one, and no other has. ``raised_at``: since when it is on the
    supervisor's list. ``master_id``: the collective case that it is a member of; ``published_text``: what a collective
    case says of itself to families that have not joined it.
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("chat_id", "idempotency_key"),
        Index(None, "agreement_id"),
        # The pages of the queue, each in its order.
        Index("ix_cases_open", "due_on", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_received", "received_at", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_officer", "officer_id", "due_on", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_department", "department_id", "due_on", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_officer_state", "officer_id", "state", "due_on", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_department_state", "department_id", "state", "due_on", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_officer_received", "officer_id", "received_at", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_department_received", "department_id", "received_at", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_category", "category", "due_on", "id", postgresql_where=_OPEN),
        Index("ix_cases_open_state", "state", "due_on", "id", postgresql_where=_OPEN),
        Index(
            "ix_cases_open_unassigned",
            "due_on",
            "id",
            postgresql_where=text("due_on IS NOT NULL AND officer_id IS NULL"),
        ),
        Index(
            "ix_cases_open_supervised",
            "due_on",
            "id",
            postgresql_where=text("due_on IS NOT NULL AND supervised_at IS NOT NULL"),
        ),
        Index(
            "ix_cases_open_raised",
            "due_on",
            "id",
            postgresql_where=text("due_on IS NOT NULL AND raised_at IS NOT NULL"),
        ),
        Index("ix_cases_state_received", "state", "received_at", "id"),
        Index(
            "ix_cases_answered_officer",
            "officer_id",
            "received_at",
            "id",
            postgresql_where=text("state = 'answered'"),
        ),
        Index(None, "received_at"),
        Index("ix_cases_master", "master_id", postgresql_where=text("master_id IS NOT NULL")),
        Index("ix_cases_published", "category", postgresql_where=text("published_at IS NOT NULL")),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    chat_id: Mapped[int]
    idempotency_key: Mapped[str]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    category: Mapped[CaseCategory]
    state: Mapped[CaseState]
    version: Mapped[int] = mapped_column(server_default="1")
    text: Mapped[bytes] = sealed("case.text")
    location: Mapped[bytes | None] = sealed("case.location", doc="JSON")
    received_at: Mapped[CreatedAt]
    registered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    acceptance_notice_last_day: Mapped[date] = mapped_column(doc="as the receipt told the resident; it stays")
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
    supervised_at: Mapped[datetime | None]
    raised_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None]
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    solved: Mapped[bool | None] = mapped_column(doc="in the resident's own eyes")
    master_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    published_at: Mapped[datetime | None]
    published_text: Mapped[bytes | None] = sealed("case.published_text")


class CaseEvent(Base):
    """A step of a case, never changed. ``actor_kind`` and ``actor_id`` are as in the audit record; ``acted_as`` is by
    what right. ``idempotency_key``: the same step of the same actor that arrives twice is one. ``department_id`` and
    ``officer_id`` are to whom the case was given. ``master_id`` is the collective case that was joined or left;
    ``follows_id`` the step of it that this one follows: the files that came with that belong to it as well."""

    __tablename__ = "case_events"
    __table_args__ = (
        Index(None, "case_id"),
        Index("ix_case_events_follows", "follows_id", postgresql_where=text("follows_id IS NOT NULL")),
        # Events come in the order of time, and figures ask for a stretch of it: a few pages say where it lies.
        Index(None, "happened_at", postgresql_using="brin"),
        UniqueConstraint("case_id", "actor_kind", "actor_id", "idempotency_key"),
        CheckConstraint("actor_kind IN ('operator', 'system') OR actor_id IS NOT NULL", name="has_an_actor"),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[CaseEventKind]
    happened_at: Mapped[CreatedAt]
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[int | None]
    acted_as: Mapped[CaseActor]
    # Two columns of one type: their checks need names of their own.
    from_state: Mapped[CaseState | None] = mapped_column(_state("from_state"))
    to_state: Mapped[CaseState] = mapped_column(_state("to_state"))
    text: Mapped[bytes | None] = sealed("case_event.text")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
    outcome: Mapped[Outcome | None]
    procedure: Mapped[Procedure | None]
    days: Mapped[int | None] = mapped_column(SmallInteger)
    approved_by: Mapped[bytes | None] = sealed("case_event.approved_by")
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    solved: Mapped[bool | None]
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("case_events.id"))
    master_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    idempotency_key: Mapped[str | None]


class CaseClock(Base):
    """A time limit of a case. It runs until ``stopped_at``; of each kind at most one runs. ``days`` and
    ``extended_days`` are what its last day was counted from. ``warned_at``, ``overdue_at``: when a sweep told its
    officer that it is near its end, and past it."""

    __tablename__ = "case_clocks"
    __table_args__ = (
        Index("ix_case_clocks_running", "case_id", "kind", unique=True, postgresql_where=text("stopped_at IS NULL")),
        Index("ix_case_clocks_case_id", "case_id"),
        Index(
            "ix_case_clocks_to_warn",
            "last_day",
            postgresql_where=text("stopped_at IS NULL AND warned_at IS NULL AND overdue_at IS NULL"),
        ),
        Index(
            "ix_case_clocks_to_raise", "last_day", postgresql_where=text("stopped_at IS NULL AND overdue_at IS NULL")
        ),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[ClockKind]
    started_on: Mapped[date]
    days: Mapped[int] = mapped_column(SmallInteger)
    extended_days: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    last_day: Mapped[date]
    stopped_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]


class OfficeDay(Base):
    """A day on which the office works, or does not, whatever the calendar says."""

    __tablename__ = "office_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    is_working: Mapped[bool]
    note: Mapped[str | None]


class Department(Base):
    """Who handles cases (责任单位): a bureau, a street office, the developer's service desk."""

    __tablename__ = "departments"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class DepartmentMember(Base):
    """An account of staff in a department. ``most_open``: no more open cases are routed to it (none: no limit); 0: none
    are, as long as somebody is away."""

    __tablename__ = "department_members"
    __table_args__ = (Index(None, "staff_id"),)

    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True)
    is_supervisor: Mapped[bool] = mapped_column(server_default=text("false"))
    most_open: Mapped[int | None]


class RoutingRule(Base):
    """Cases of this category, project and household go to this department; what is NULL fits all. Of the rules that
    fit, the highest ``priority`` counts, then the one that says most, then the oldest."""

    __tablename__ = "routing_rules"

    id: Mapped[Id]
    category: Mapped[CaseCategory | None]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    household: Mapped[AgreementKind | None]
    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"))
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    @classmethod
    def in_order(cls) -> tuple[ColumnElement[Any], ...]:
        """The order in which rules are tried."""
        says = func.num_nonnulls(cls.category, cls.project_id, cls.household)
        return cls.priority.desc(), says.desc(), cls.id.asc()


class Attachment(Base):
    """A stored file. It belongs to a chat when uploaded and to a case once that is filed; ``upload_key`` makes an
    upload that arrives twice one file; ``event_id`` is the step that it came with later (none: the filing itself). The
    bytes are in the object store under ``storage_key``, sealed with the key ``key_id`` (none: as they came, stored
    before files were sealed); ``size`` and ``sha256`` are of the clear file."""

    __tablename__ = "attachments"
    __table_args__ = (UniqueConstraint("chat_id", "upload_key"), Index(None, "case_id"), Index(None, "event_id"))

    id: Mapped[Id]
    chat_id: Mapped[int]
    upload_key: Mapped[str]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("case_events.id"))
    kind: Mapped[AttachmentKind]
    filename: Mapped[bytes] = sealed("attachment.filename")
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    storage_key: Mapped[str] = mapped_column(unique=True)
    key_id: Mapped[str | None]
    uploaded_at: Mapped[CreatedAt]
