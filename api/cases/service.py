"""Filing a complaint, and what became of it."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.queries import agreement_ref
from api.audit.service import Actor, record
from api.cases.clocks import ACCEPTANCE_NOTICE, last_day
from api.cases.models import Attachment, Case, CaseEvent, case_numbers
from api.cases.queries import ONE, PAGE, SUBJECT
from api.cases.schemas import CaseEventKind, CaseIn, CaseState
from api.errors import InvalidInput, NotFound
from api.lookups import Reading, Row, fragment
from api.privacy import Vault

_NUMBER = re.compile(r"\d{4}-\d{6,12}", re.ASCII)
_CURSOR = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_NEWEST = 2**63 - 1
_NO_NOTICE_YET = (CaseState.RECEIVED, CaseState.REGISTERED)


async def file_case(
    session: AsyncSession, vault: Vault, chat_id: int, case: CaseIn, idempotency_key: str, now: datetime, zone: ZoneInfo
) -> tuple[dict[str, Any], bool]:
    """File a complaint: a case with a number, its attachments, its first event and its first clock, or nothing.

    Received is not registered and not accepted: those dates are set by the desk.

    Args:
        idempotency_key: the same key of the same chat again is the same case, whatever it says the second time.
        now: the moment of receipt.
        zone: of the office; it tells which day and year that is.

    Returns:
        The :class:`CaseOut`, and whether it was filed now.

    Raises:
        NotFound: an agreement or unit that is not this chat's, an attachment that is not, or not any more, free, or a
            key whose case is about an agreement that is not this chat's any more.
    """
    today = now.astimezone(zone).date()
    filed = {"chat_id": chat_id, "number": None, "idempotency_key": idempotency_key, "today": today}
    actor = Actor.chat(chat_id)
    if rows := await ONE.in_transaction(session, **filed):
        await record(session, actor, "case.seen", "agreement", [rows[0]["id"]])
        return _case_out(vault, rows[0]), False
    if not await SUBJECT.in_transaction(
        session, chat_id=chat_id, agreement_id=case.agreement_id, unit_id=case.unit_id, today=today
    ):
        raise NotFound
    serial = await session.scalar(select(case_numbers.next_value()))
    case_id = await session.scalar(
        insert(Case)
        .values(
            number=f"{today.year}-{serial:06d}",
            chat_id=chat_id,
            idempotency_key=idempotency_key,
            agreement_id=case.agreement_id,
            unit_id=case.unit_id,
            category=case.category,
            state=CaseState.RECEIVED,
            text=vault.seal("case.text", case.text),
            location=vault.seal_json("case.location", case.location.model_dump()) if case.location else None,
            received_at=now,
            acceptance_notice_last_day=last_day(ACCEPTANCE_NOTICE, now, zone),
        )
        .on_conflict_do_nothing(index_elements=["chat_id", "idempotency_key"])
        .returning(Case.id)
    )
    # Without an id, the same complaint was filed between the first look and now.
    if case_id is not None:
        await _attach(session, chat_id, case_id, set(case.attachment_ids))
        session.add(CaseEvent(case_id=case_id, kind=CaseEventKind.RECEIVED, happened_at=now))
        await record(session, actor, "case.filed", "case", [case_id])
    rows = await ONE.in_transaction(session, **filed)
    if not rows:
        # What was filed with this key is about an agreement that the chat does not see any more.
        raise NotFound
    return _case_out(vault, rows[0]), case_id is not None


async def _attach(session: AsyncSession, chat_id: int, case_id: int, attachment_ids: set[int]) -> None:
    """
    Raises:
        NotFound: one is not this chat's, or belongs to a case already.
    """
    if not attachment_ids:
        return
    attached = await session.scalars(
        update(Attachment)
        .where(Attachment.id.in_(attachment_ids), Attachment.chat_id == chat_id, Attachment.case_id.is_(None))
        .values(case_id=case_id)
        .returning(Attachment.id)
        .execution_options(synchronize_session=False)
    )
    if set(attached) != attachment_ids:
        raise NotFound


async def look_up_cases(
    reading: Reading, chat_id: int, *, idempotency_key: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    """``CasePage``, newest first. Cases that come in between two pages shift nothing.

    Raises:
        InvalidInput: the cursor is none that a page gave.
    """
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidInput(fields=[{"at": ["query", "cursor"], "expected": "next_cursor of another page"}])
    before = _NEWEST if cursor is None else int(cursor)
    rows = await reading.rows(PAGE, chat_id=chat_id, idempotency_key=idempotency_key, before=before, limit=limit + 1)
    found = [row for row in rows if row["id"] is not None]
    shown = found[:limit]
    await reading.seen(Actor.chat(chat_id), "cases.seen", [row["agreement_id"] for row in shown])
    return {
        "cases": [{key: row[key] for key in ("number", "state", "category", "received_at")} for row in shown],
        "total_count": rows[0]["total_count"],
        "next_cursor": str(found[limit - 1]["id"]) if len(found) > limit else None,
    }


async def look_up_case(reading: Reading, chat_id: int, number: str) -> dict[str, Any]:
    """``CaseOut``.

    Raises:
        NotFound: there is no such case, or it is not for this chat.
    """
    if not _NUMBER.fullmatch(number):
        raise NotFound
    rows = await reading.rows(ONE, chat_id=chat_id, number=number, idempotency_key=None)
    if not rows:
        raise NotFound
    return _case_out(reading.vault, rows[0])


def _case_out(vault: Vault, row: Row) -> dict[str, Any]:
    attachments = orjson.loads(row["attachments"])
    for attachment in attachments:
        attachment["filename"] = vault.open("attachment.filename", bytes.fromhex(attachment["filename"]))
    clock = {
        "kind": ACCEPTANCE_NOTICE.kind,
        "last_day": row["acceptance_notice_last_day"],
        "article": ACCEPTANCE_NOTICE.article,
    }
    return {
        "number": row["case_number"],
        "state": row["state"],
        "category": row["category"],
        "received_at": row["received_at"],
        "agreement": agreement_ref(vault, row),
        "unit": fragment(row["unit"]),
        "text": vault.open("case.text", row["text"]),
        "attachments": attachments,
        "location": None if row["location"] is None else vault.open_json("case.location", row["location"]),
        "registered_at": row["registered_at"],
        "accepted_at": row["accepted_at"],
        "clocks": [clock] if row["state"] in _NO_NOTICE_YET else [],
        "events": fragment(row["events"]),
    }
