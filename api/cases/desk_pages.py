"""The page of one case as the office sees it."""

from datetime import date
from typing import Any

import orjson
from sqlalchemy import Text, bindparam, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Agreement
from api.agreements.queries import agreement_ref, ref_columns
from api.audit.service import record
from api.cases.clocks import light
from api.cases.collective import GETS_ANSWER
from api.cases.desk import staff_by
from api.cases.lifecycle import BEFORE_ACCEPTANCE, BEING_WORKED_ON
from api.cases.models import Case, Department
from api.cases.news import clock_out
from api.cases.queries import NUMBER, collective_columns, history_columns, whole_number
from api.cases.schemas import CaseState, ClockKind, StaffCaseOut
from api.cases.standing import who_gave_what_is_reviewed
from api.cases.timeline import event_out, open_attachments
from api.cases.transitions import Standing, allowed
from api.chats.access import TODAY
from api.chats.liveness import is_live_link
from api.chats.models import Chat, Link
from api.errors import NotFound
from api.estate.models import Project, Unit
from api.estate.queries import PLACES, unit_json
from api.identity.schemas import LinkScope
from api.lookups import LookUp, Row
from api.privacy import Vault
from api.staff.access import Acting
from api.staff.models import StaffAccount


def _page() -> LookUp:
    master, member, follower, together = aliased(Case), aliased(Case), aliased(Case), aliased(Case)
    following = (
        select(follower.number)
        .where(
            follower.master_id == Case.id,
            or_(
                follower.state == Case.state,
                *(follower.state.in_(alike) & Case.state.in_(alike) for alike in (BEFORE_ACCEPTANCE, BEING_WORKED_ON)),
            ),
        )
        .order_by(follower.id)
        .correlate(Case)
    )
    answered_with = (
        select(follower.number)
        .where(follower.master_id == Case.id, Case.state.in_(BEING_WORKED_ON), follower.state.in_(GETS_ANSWER))
        .order_by(follower.id)
        .correlate(Case)
    )
    members = select(member.number).where(member.master_id == Case.id).order_by(member.id).correlate(Case)
    reader = exists().where(
        Link.chat_id == together.chat_id,
        Link.agreement_id == together.agreement_id,
        Link.scope == LinkScope.EVERYTHING,
        is_live_link(TODAY),
    )
    is_gone = exists().where(Chat.id == together.chat_id, Chat.gone_at.is_not(None))
    unreached = (
        select(together.number)
        .where(
            or_(together.id == Case.id, together.master_id == Case.id),
            together.state != CaseState.WITHDRAWN,
            or_(~reader, is_gone),
        )
        .order_by(together.id)
        .correlate(Case)
    )
    unit = select(unit_json()).select_from(PLACES).where(Unit.id == Case.unit_id).correlate(Case)
    return LookUp(
        select(
            *ref_columns(),
            Case.id.label("case_id"),
            Case.number.label("case_number"),
            Case.version,
            Case.state,
            Case.category,
            Case.text,
            Case.location,
            Case.received_at,
            Case.registered_at,
            Case.accepted_at,
            Case.department_id,
            Case.officer_id,
            Case.supervised_at.is_not(None).label("supervised"),
            Case.raised_at.is_not(None).label("raised"),
            Case.outcome,
            Case.rating,
            Case.solved,
            Project.name.label("project"),
            Department.name.label("department"),
            StaffAccount.name.label("officer"),
            cast(unit.scalar_subquery(), Text).label("unit"),
            *history_columns(),
            *collective_columns(),
            master.number.label("master"),
            func.array(members.scalar_subquery()).label("members"),
            func.array(following.scalar_subquery()).label("following"),
            func.array(answered_with.scalar_subquery()).label("answered_with"),
            func.array(unreached.scalar_subquery()).label("unreached"),
        )
        .select_from(Case)
        .join(Agreement, Agreement.id == Case.agreement_id)
        .join(Project, Project.id == Agreement.project_id)
        .outerjoin(master, master.id == Case.master_id)
        .outerjoin(Department, Department.id == Case.department_id)
        .outerjoin(StaffAccount, StaffAccount.id == Case.officer_id)
        .where(Case.number == NUMBER)
    )


PAGE = _page()
CASE_ID = LookUp(select(Case.id).where(Case.number == bindparam("number", None, type_=Text())))


async def find_case_id(session: AsyncSession, number: str) -> int:
    """
    Raises:
        NotFound
    """
    rows = await CASE_ID.in_transaction(session, number=whole_number(number))
    if not rows:
        raise NotFound
    case_id: int = rows[0]["id"]
    return case_id


async def show_case(session: AsyncSession, vault: Vault, officer: Acting, number: str, today: date) -> StaffCaseOut:
    """All of a case; that it was looked at is recorded.

    Raises:
        NotFound
    """
    rows = await PAGE.in_transaction(session, number=whole_number(number), today=today)
    if not rows:
        raise NotFound
    await record(session, officer.actor, "case.shown", "case", [rows[0]["case_id"]])
    case = await session.get_one(Case, rows[0]["case_id"])
    by = await staff_by(session, officer.id, officer.roles, officer.chat_id, case)
    out = _page_out(vault, rows[0], today)
    gave = officer.id in await who_gave_what_is_reviewed(session, case)
    standing = Standing(
        CaseState(out["state"]),
        today,
        {clock["kind"]: clock["last_day"] for clock in out["clocks"]},
        taken=case.officer_id is not None,
        supervised=out["supervised"],
        member=case.master_id is not None,
        published=case.published_at is not None,
        gave=gave,
    )
    can = allowed(standing, by.acts_as) if by else []
    return StaffCaseOut.model_validate(out | {"own_answer": gave, "allowed": can})


def _page_out(vault: Vault, row: Row, today: date) -> dict[str, Any]:
    attachments, files_of = open_attachments(vault, row["attachments"])
    same = (
        "version",
        "state",
        "category",
        "received_at",
        "registered_at",
        "accepted_at",
        "project",
        "department_id",
        "department",
        "officer_id",
        "supervised",
        "raised",
        "outcome",
        "rating",
        "solved",
        "master",
        "members",
        "families",
        "following",
        "answered_with",
        "unreached",
    )
    return {name: row[name] for name in same} | {
        "number": row["case_number"],
        "agreement": agreement_ref(vault, row),
        "unit": orjson.loads(row["unit"]) if row["unit"] is not None else None,
        "text": vault.open("case.text", row["text"]),
        "location": None if row["location"] is None else vault.open_json("case.location", row["location"]),
        "officer": vault.open("staff.name", row["officer"]) if row["officer"] is not None else None,
        "attachments": attachments,
        "published_text": vault.open("case.published_text", row["collective_text"]) if row["published"] else None,
        "clocks": [_clock_out(clock, today) for clock in orjson.loads(row["clocks"])],
        "events": [event_out(vault, event, files_of, for_resident=False) for event in orjson.loads(row["events"])],
    }


def _clock_out(clock: dict[str, str], today: date) -> dict[str, Any]:
    started_on, last_day = date.fromisoformat(clock["started_on"]), date.fromisoformat(clock["last_day"])
    shown = clock_out(ClockKind(clock["kind"]), last_day, today)
    return shown.model_dump() | {"started_on": started_on, "light": light(started_on, last_day, today)}
