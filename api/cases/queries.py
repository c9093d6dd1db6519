"""Look-ups of cases. A chat sees the cases that it filed itself, as long as it is linked to the agreement: another chat
of the family does not see them, since a complaint may be about a relative."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, cast, exists, func, literal_column, or_, select, true

from api.agreements.models import Agreement, AgreementUnit
from api.agreements.queries import ref_columns
from api.cases.models import Attachment, Case, CaseEvent
from api.chats.access import AGREEMENT_ID, CHAT_ID, live_links
from api.estate.models import Unit
from api.estate.queries import PLACES, unit_json
from api.lookups import LookUp, json_list, json_object

UNIT_ID: Any = bindparam("unit_id", None, type_=BigInteger())
NUMBER: Any = bindparam("number", None, type_=Text())
IDEMPOTENCY_KEY: Any = bindparam("idempotency_key", None, type_=Text())


def _one() -> LookUp:
    """By number, or by idempotency key; the other is NULL."""
    mine = live_links()
    unit = select(unit_json()).select_from(PLACES).where(Unit.id == Case.unit_id).correlate(Case)
    # Sealed bytes travel in JSON as hexadecimal digits.
    attachment = json_object(
        id=Attachment.id,
        kind=Attachment.kind,
        filename=func.encode(Attachment.filename, literal_column("'hex'")),
        media_type=Attachment.media_type,
        size=Attachment.size,
    )
    attachments = select(json_list(attachment, Attachment.id)).where(Attachment.case_id == Case.id).correlate(Case)
    event = json_object(kind=CaseEvent.kind, happened_at=CaseEvent.happened_at)
    events = select(json_list(event, CaseEvent.id)).where(CaseEvent.case_id == Case.id).correlate(Case)
    return LookUp(
        select(
            *ref_columns(),
            Case.number.label("case_number"),
            Case.state,
            Case.category,
            Case.text,
            Case.location,
            Case.received_at,
            Case.registered_at,
            Case.accepted_at,
            Case.acceptance_notice_last_day,
            # As text: on a session's connection SQLAlchemy would have JSON read.
            cast(unit.scalar_subquery(), Text).label("unit"),
            cast(attachments.scalar_subquery(), Text).label("attachments"),
            cast(events.scalar_subquery(), Text).label("events"),
        )
        .select_from(
            mine.join(Case.__table__, Case.agreement_id == mine.c.agreement_id).join(
                Agreement.__table__, Agreement.id == Case.agreement_id
            )
        )
        .where(Case.chat_id == CHAT_ID, or_(Case.number == NUMBER, Case.idempotency_key == IDEMPOTENCY_KEY)),
        seen="case.seen",
    )


def _page() -> LookUp:
    """Always a row: ``total_count``, and of each case on the page, newest first, one more than fits. So the service
    says which of them were seen."""
    mine = live_links()
    visible = (
        select(Case.id, Case.agreement_id, Case.number, Case.state, Case.category, Case.received_at)
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
        select(total.c.total_count, page).select_from(total.outerjoin(page, true())).order_by(page.c.id.desc())
    )


def _subject() -> LookUp:
    """A row where the agreement is the chat's and the unit (if one is given) is the agreement's."""
    mine = live_links()
    its_unit = exists().where(AgreementUnit.agreement_id == mine.c.agreement_id, AgreementUnit.unit_id == UNIT_ID)
    return LookUp(
        select(mine.c.agreement_id).where(mine.c.agreement_id == AGREEMENT_ID, or_(UNIT_ID.is_(None), its_unit))
    )


ONE = _one()
PAGE = _page()
SUBJECT = _subject()
