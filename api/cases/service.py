"""Filing a complaint, and what became of it."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.queries import agreement_ref
from api.audit.service import Actor, record
from api.cases.attachments import attach
from api.cases.clocks import ACCEPTANCE_NOTICE, CLOCKS, Owed, Policy
from api.cases.collective import REGROUPS, find_offer, has_joined, hold_collectives
from api.cases.desk import By
from api.cases.models import Case, CaseClock, CaseEvent, case_numbers
from api.cases.news import INTERNAL_CLOCKS, clock_out
from api.cases.office_days import load_calendar
from api.cases.queries import ONE, PAGE, SUBJECT, TOLD_BY, whole_number
from api.cases.schemas import (
    CaseAction,
    CaseActor,
    CaseEventKind,
    CaseIn,
    CaseState,
    ClockKind,
    Join,
    JoinIn,
    ResidentAction,
)
from api.cases.timeline import collective_out, event_out, open_attachments, shown_to_resident
from api.cases.together import take_step
from api.cases.transitions import Standing, allowed
from api.errors import InvalidInput, NotFound
from api.lookups import Reading, Row, fragment
from api.privacy import Vault

_CURSOR = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_NEWEST = 2**63 - 1


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
        return _case_out(vault, rows[0], today), False
    if not await SUBJECT.in_transaction(
        session, chat_id=chat_id, agreement_id=case.agreement_id, unit_id=case.unit_id, today=today
    ):
        raise NotFound
    calendar = await load_calendar(session)
    due_on = calendar.last_day(ACCEPTANCE_NOTICE, today)
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
            acceptance_notice_last_day=due_on,
            due_on=due_on,
        )
        .on_conflict_do_nothing(index_elements=["chat_id", "idempotency_key"])
        .returning(Case.id)
    )
    # Without an id, the same complaint was filed between the first look and now.
    if case_id is not None:
        await attach(session, chat_id, case_id, set(case.attachment_ids))
        session.add_all(
            [
                CaseEvent(
                    case_id=case_id,
                    kind=CaseEventKind.RECEIVED,
                    happened_at=now,
                    actor_kind=actor.kind,
                    actor_id=actor.id,
                    acted_as=CaseActor.RESIDENT,
                    to_state=CaseState.RECEIVED,
                ),
                CaseClock(
                    case_id=case_id,
                    kind=ACCEPTANCE_NOTICE.kind,
                    started_on=today,
                    days=ACCEPTANCE_NOTICE.days,
                    last_day=due_on,
                ),
            ]
        )
        await record(session, actor, "case.filed", "case", [case_id])
    rows = await ONE.in_transaction(session, **filed)
    if not rows:
        # What was filed with this key is about an agreement that the chat does not see any more.
        raise NotFound
    return _case_out(vault, rows[0], today), case_id is not None


async def file_joining(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    chat_id: int,
    collective_id: int,
    joining: JoinIn,
    idempotency_key: str,
    now: datetime,
) -> tuple[dict[str, Any], bool]:
    """File a complaint that is a member of a collective case from the start.

    Raises:
        NotFound: see :func:`file_case`; or the collective case is not offered to this family, or not any more, or its
            chat has joined it.
    """
    today = policy.day(now)
    filed = {"chat_id": chat_id, "number": None, "idempotency_key": idempotency_key, "today": today}
    if rows := await ONE.in_transaction(session, **filed):
        await record(session, Actor.chat(chat_id), "case.seen", "agreement", [rows[0]["id"]])
        return _case_out(vault, rows[0], today), False
    await hold_collectives(session)
    offer = await find_offer(session, collective_id, joining.agreement_id)
    complaint = CaseIn(
        category=offer.category,
        agreement_id=joining.agreement_id,
        unit_id=joining.unit_id,
        text=joining.text or vault.open("case.published_text", offer.published_text or b""),
        attachment_ids=joining.attachment_ids,
    )
    out, made = await file_case(session, vault, chat_id, complaint, idempotency_key, now, policy.zone)
    if not made:
        return out, False
    if await has_joined(session, collective_id, chat_id):
        raise NotFound
    step = Join(action=CaseAction.JOIN, collective_id=collective_id)
    return await act(session, vault, policy, chat_id, out["number"], step, idempotency_key, now), True


async def act(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    chat_id: int,
    number: str,
    step: ResidentAction,
    idempotency_key: str,
    now: datetime,
) -> dict[str, Any]:
    """Take a resident's step with a complaint of their own; the ``CaseOut`` after it.

    Raises:
        NotFound: there is no such case, or it is not for this chat, or a file is not.
        NotAllowedNow: not as the case stands.
    """
    today = policy.day(now)
    filed = {"chat_id": chat_id, "number": number, "idempotency_key": None, "today": today}
    if isinstance(step, REGROUPS):
        await hold_collectives(session)
    rows = await ONE.in_transaction(session, **filed)
    if not rows:
        raise NotFound
    await record(session, Actor.chat(chat_id), "case.seen", "agreement", [rows[0]["id"]])
    await take_step(
        session,
        vault,
        policy,
        By.resident(chat_id),
        rows[0]["case_id"],
        step,
        now,
        idempotency_key=idempotency_key,
    )
    (after,) = await ONE.in_transaction(session, **filed)
    return _case_out(vault, after, today)


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
        "cases": [_listed(row, reading.today()) for row in shown],
        "total_count": rows[0]["total_count"],
        "next_cursor": str(found[limit - 1]["id"]) if len(found) > limit else None,
    }


def _listed(row: Row, today: date) -> dict[str, Any]:
    told = {key: row[key] for key in ("number", "state", "category", "received_at", "due_on", "asked")}
    return told | {"overdue": row["due_on"] is not None and row["due_on"] < today}


async def look_up_case(reading: Reading, chat_id: int, number: str) -> dict[str, Any]:
    """``CaseOut``.

    Raises:
        NotFound: there is no such case, or it is not for this chat.
    """
    rows = await reading.rows(ONE, chat_id=chat_id, number=whole_number(number), idempotency_key=None)
    if not rows:
        raise NotFound
    return _case_out(reading.vault, rows[0], reading.today())


async def look_up_case_of_message(reading: Reading, chat_id: int, message_id: int) -> dict[str, Any]:
    """``CaseOfMessage``.

    Raises:
        NotFound: no message of that number told this chat of a case that it (still) sees.
    """
    rows = await reading.rows(TOLD_BY, chat_id=chat_id, message_id=message_id)
    if not rows:
        raise NotFound
    return {"number": rows[0]["case_number"]}


def _case_out(vault: Vault, row: Row, today: date) -> dict[str, Any]:
    attachments, files_of = open_attachments(vault, row["attachments"])
    clocks = orjson.loads(row["clocks"])
    standing = Standing(
        CaseState(row["state"]),
        today,
        {ClockKind(clock["kind"]): date.fromisoformat(clock["last_day"]) for clock in clocks},
        taken=row["taken"],
        supervised=row["supervised"],
        member=row["member"],
        published=row["published"],
    )
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
        "clocks": [
            clock_out(kind, last_day, today).model_dump()
            for kind, last_day in standing.clocks.items()
            if kind not in INTERNAL_CLOCKS and (CLOCKS[kind].owed is Owed.BY_OFFICE or last_day >= today)
        ],
        "events": [
            event_out(vault, event, files_of, for_resident=True)
            for event in shown_to_resident(orjson.loads(row["events"]))
        ],
        "department": row["department"],
        "supervised": row["supervised"],
        "outcome": row["outcome"],
        "rating": row["rating"],
        "solved": row["solved"],
        "collective": collective_out(vault, row),
        "allowed": allowed(standing, CaseActor.RESIDENT),
    }
