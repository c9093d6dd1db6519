"""Look-ups of cases. A chat sees the cases that it filed itself, as long as it is linked to the agreement: another chat
of the family does not see them, since a complaint may be about a relative."""

import re
from typing import Any

from sqlalchemy import (
    BigInteger,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    distinct,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy import (
    case as sql_case,
)
from sqlalchemy.orm import aliased

from api.agreements.models import Agreement, AgreementUnit
from api.agreements.queries import ref_columns
from api.audit.actors import ActorKind
from api.cases.families import family_key
from api.cases.models import Attachment, Case, CaseClock, CaseEvent, Department
from api.cases.schemas import CaseState, ClockKind
from api.chats.access import AGREEMENT_ID, CHAT_ID, live_links
from api.errors import NotFound
from api.estate.models import Unit
from api.estate.queries import PLACES, unit_json
from api.lookups import LookUp, json_list, json_object
from api.messages.models import Delivery
from api.messages.schemas import NoticeKind
from api.staff.models import StaffAccount

UNIT_ID: Any = bindparam("unit_id", None, type_=BigInteger())
NUMBER: Any = bindparam("number", None, type_=Text())
_WHOLE_NUMBER = re.compile(r"\d{4}-\d{6,12}", re.ASCII)
IDEMPOTENCY_KEY: Any = bindparam("idempotency_key", None, type_=Text())


def files_of(case_id: Any) -> SQLColumnExpression[bool]:
    """Which files belong to a case: its own, and those of the collective case's steps that it follows. The steps as an
    array, so that the files are found by their keys, however many there are."""
    followed = select(CaseEvent.follows_id).where(CaseEvent.case_id == case_id, CaseEvent.follows_id.is_not(None))
    steps = func.array(followed.correlate(Case).scalar_subquery())
    return or_(Attachment.case_id == case_id, Attachment.event_id == any_(steps))


def is_asked(case_id: Any) -> SQLColumnExpression[bool]:
    """Whether a question to the resident is open. Counted, where EXISTS would do: for that PostgreSQL reads the
    questions of all cases before the first row."""
    questions = (
        select(func.count())
        .select_from(CaseClock)
        .where(
            CaseClock.case_id == case_id,
            CaseClock.stopped_at.is_(None),
            CaseClock.kind == ClockKind.RESIDENT_ANSWER,
        )
        .correlate_except(CaseClock)
    )
    return questions.scalar_subquery() > 0


def families_of(master: Any) -> SQLColumnExpression[int]:
    """How many families a collective case and its members are about."""
    one = aliased(Case)
    return (
        select(func.count(distinct(family_key(one.agreement_id))))
        .where(or_(one.id == master.id, one.master_id == master.id), one.state != CaseState.WITHDRAWN)
        .correlate(master)
        .scalar_subquery()
    )


def collective_columns() -> tuple[SQLColumnExpression[Any], ...]:
    """``member``, ``published``, ``families`` (of the collective case that the ``Case`` is or belongs to) and
    ``collective_text``, sealed."""
    master = aliased(Case)
    of_master = select(families_of(master)).where(master.id == Case.master_id).correlate(Case).scalar_subquery()
    text_of_master = select(master.published_text).where(master.id == Case.master_id).correlate(Case).scalar_subquery()
    return (
        Case.master_id.is_not(None).label("member"),
        Case.published_at.is_not(None).label("published"),
        sql_case((Case.master_id.is_not(None), of_master), else_=families_of(Case)).label("families"),
        func.coalesce(Case.published_text, text_of_master).label("collective_text"),
    )


def history_columns() -> tuple[SQLColumnExpression[Any], ...]:
    """``attachments``, ``events`` and ``clocks`` (those that run) of the ``Case`` that the statement selects from, as
    JSON text for ``api.cases.timeline``. Sealed bytes travel in JSON as hexadecimal digits."""
    hex_: Any = literal_column("'hex'")
    attachment = json_object(
        id=Attachment.id,
        event_id=Attachment.event_id,
        kind=Attachment.kind,
        filename=func.encode(Attachment.filename, hex_),
        media_type=Attachment.media_type,
        size=Attachment.size,
    )
    attachments = select(json_list(attachment, Attachment.id)).where(files_of(Case.id)).correlate(Case)
    given_to, actor, officer, master = aliased(Department), aliased(StaffAccount), aliased(StaffAccount), aliased(Case)
    event = json_object(
        id=CaseEvent.id,
        kind=CaseEvent.kind,
        happened_at=CaseEvent.happened_at,
        by=CaseEvent.acted_as,
        text=func.encode(CaseEvent.text, hex_),
        department=given_to.name,
        outcome=CaseEvent.outcome,
        procedure=CaseEvent.procedure,
        days=CaseEvent.days,
        rating=CaseEvent.rating,
        solved=CaseEvent.solved,
        follows_id=CaseEvent.follows_id,
        master=master.number,
        approved_by=func.encode(CaseEvent.approved_by, hex_),
        actor=func.encode(actor.name, hex_),
        officer=func.encode(officer.name, hex_),
    )
    events = (
        select(json_list(event, CaseEvent.id))
        .select_from(CaseEvent)
        .outerjoin(given_to, given_to.id == CaseEvent.department_id)
        .outerjoin(actor, and_(actor.id == CaseEvent.actor_id, CaseEvent.actor_kind == ActorKind.STAFF))
        .outerjoin(officer, officer.id == CaseEvent.officer_id)
        .outerjoin(master, master.id == CaseEvent.master_id)
        .where(CaseEvent.case_id == Case.id)
        .correlate(Case)
    )
    clock = json_object(kind=CaseClock.kind, started_on=CaseClock.started_on, last_day=CaseClock.last_day)
    clocks = (
        select(json_list(clock, CaseClock.last_day, CaseClock.id))
        .where(CaseClock.case_id == Case.id, CaseClock.stopped_at.is_(None))
        .correlate(Case)
    )
    return (
        cast(attachments.scalar_subquery(), Text).label("attachments"),
        cast(events.scalar_subquery(), Text).label("events"),
        cast(clocks.scalar_subquery(), Text).label("clocks"),
    )


def _one() -> LookUp:
    """By number, or by idempotency key; the other is NULL."""
    mine = live_links()
    unit = select(unit_json()).select_from(PLACES).where(Unit.id == Case.unit_id).correlate(Case)
    return LookUp(
        select(
            *ref_columns(),
            Case.id.label("case_id"),
            Case.number.label("case_number"),
            Case.state,
            Case.category,
            Case.text,
            Case.location,
            Case.received_at,
            Case.registered_at,
            Case.accepted_at,
            Case.outcome,
            Case.rating,
            Case.solved,
            Case.officer_id.is_not(None).label("taken"),
            Case.supervised_at.is_not(None).label("supervised"),
            Department.name.label("department"),
            # As text: on a session's connection SQLAlchemy would have JSON read.
            cast(unit.scalar_subquery(), Text).label("unit"),
            *history_columns(),
            *collective_columns(),
        )
        .select_from(
            mine.join(Case.__table__, Case.agreement_id == mine.c.agreement_id)
            .join(Agreement.__table__, Agreement.id == Case.agreement_id)
            .outerjoin(Department.__table__, Department.id == Case.department_id)
        )
        .where(Case.chat_id == CHAT_ID, or_(Case.number == NUMBER, Case.idempotency_key == IDEMPOTENCY_KEY)),
        seen="case.seen",
    )


def _page() -> LookUp:
    """Always a row: ``total_count``, and of each case on the page, newest first, one more than fits. So the service
    says which of them were seen."""
    mine = live_links()
    visible = (
        select(Case.id, Case.agreement_id, Case.number, Case.state, Case.category, Case.received_at, Case.due_on)
        .select_from(mine.join(Case.__table__, Case.agreement_id == mine.c.agreement_id))
        .where(
            Case.chat_id == CHAT_ID,
            or_(IDEMPOTENCY_KEY.is_(None), Case.idempotency_key == IDEMPOTENCY_KEY),
        )
        .cte("visible")
    )
    page = (
        select(visible)
        .where(visible.c.id < bindparam("before", None, type_=BigInteger()))
        .order_by(visible.c.id.desc())
        .limit(bindparam("limit", None, type_=BigInteger()))
        .subquery("page")
    )
    total = select(func.count().label("total_count")).select_from(visible).subquery("total")
    return LookUp(
        select(total.c.total_count, page, is_asked(page.c.id).label("asked"))
        .select_from(total.outerjoin(page, true()))
        .order_by(page.c.id.desc())
    )


def _subject() -> LookUp:
    """A row where the agreement is the chat's and the unit (if one is given) is the agreement's."""
    mine = live_links()
    its_unit = exists().where(AgreementUnit.agreement_id == mine.c.agreement_id, AgreementUnit.unit_id == UNIT_ID)
    return LookUp(
        select(mine.c.agreement_id).where(mine.c.agreement_id == AGREEMENT_ID, or_(UNIT_ID.is_(None), its_unit))
    )


def _told_by() -> LookUp:
    """The case that a message told this chat of."""
    mine = live_links()
    return LookUp(
        select(mine.c.agreement_id.label("id"), Case.number.label("case_number"))
        .select_from(mine.join(Case.__table__, Case.agreement_id == mine.c.agreement_id))
        .join(Delivery, Delivery.case_id == Case.id)
        .where(
            Case.chat_id == CHAT_ID,
            Delivery.chat_id == CHAT_ID,
            Delivery.kind == NoticeKind.CASE_UPDATED,
            Delivery.message_id == bindparam("message_id", None, type_=BigInteger()),
        ),
        seen="case.found",
    )


ONE = _one()
PAGE = _page()
SUBJECT = _subject()
TOLD_BY = _told_by()


def whole_number(given: str) -> str:
    """A case's number as a path brought it.

    Raises:
        NotFound: no case can have it.
    """
    if not _WHOLE_NUMBER.fullmatch(given):
        raise NotFound
    return given
