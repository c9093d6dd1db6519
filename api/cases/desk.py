"""Working on a case: every step of everybody goes through :func:`perform`.

The row of the case is locked first, so that steps come one after the other; the step, its event, its clocks and its
notices are one transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.audit.actors import ActorKind
from api.audit.service import SYSTEM, Actor, record
from api.cases.attachments import attach
from api.cases.clocks import Policy
from api.cases.collective import find_master
from api.cases.lifecycle_rows import Transition, When
from api.cases.models import Case, CaseEvent, DepartmentMember
from api.cases.news import tell_desk, tell_resident
from api.cases.published_words import pointing_parts
from api.cases.routing import get_department, officers_of, route, still_handling
from api.cases.schemas import (
    Assign,
    CaseAction,
    CaseActor,
    CaseEventKind,
    Extend,
    Join,
    Merge,
    Publish,
    ResidentAction,
    StaffAction,
    has_words,
)
from api.cases.standing import move_clocks, running_clocks, standing_of, who_gave_what_is_reviewed
from api.cases.transitions import apply, find
from api.errors import AnsweredAnew, CaseChanged, InvalidInput, NoRoute, NotAllowed, NotFound, OwnAnswer, SaysWho
from api.privacy import Vault
from api.staff.schemas import StaffRole

ANSWERS = (CaseAction.ANSWER, CaseAction.REVIEW_ANSWER, CaseAction.SECOND_REVIEW_ANSWER)
REASONED = (CaseAction.REFUSE, CaseAction.DIVERT, CaseAction.OBJECT, CaseAction.EXTEND)
"""Somebody reads why, and must learn something from it."""
SUPERVISES = frozenset((StaffRole.ADMIN, StaffRole.APPROVER))
"""Who supervises every case; a department's supervisors do so for its own."""


@dataclass(frozen=True)
class By:
    """Who takes a step, and as whom. ``chat_id``: of whom the files are that come with it."""

    actor: Actor
    acts_as: CaseActor
    chat_id: int | None = None

    @classmethod
    def resident(cls, chat_id: int) -> "By":
        return cls(Actor.chat(chat_id), CaseActor.RESIDENT, chat_id)


BY_SYSTEM = By(SYSTEM, CaseActor.SYSTEM)


@dataclass(frozen=True)
class Done:
    """What became of a step. ``new``: it was taken now, not when it arrived the first time."""

    case: Case
    event: CaseEvent
    new: bool


async def staff_by(
    session: AsyncSession, staff_id: int, roles: Collection[StaffRole], chat_id: int, case: Case
) -> By | None:
    """As whom an account acts on this case; None: it may only look.

    An officer acts for the departments it belongs to and on what no department has; one that belongs to none (the
    petitions office itself) on every case.
    """
    if SUPERVISES & {*roles}:
        return By(Actor.staff(staff_id), CaseActor.SUPERVISOR, chat_id)
    if StaffRole.CASE_OFFICER not in roles:
        return None
    rows = await session.execute(
        select(DepartmentMember.department_id, DepartmentMember.is_supervisor).where(
            DepartmentMember.staff_id == staff_id
        )
    )
    member = {row.department_id: row.is_supervisor for row in rows}
    if member and case.department_id is not None and case.department_id not in member and case.officer_id != staff_id:
        return None
    supervises = case.department_id is not None and member.get(case.department_id, False)
    return By(Actor.staff(staff_id), CaseActor.SUPERVISOR if supervises else CaseActor.OFFICER, chat_id)


async def lock_case(session: AsyncSession, case_id: int) -> Case:
    """The case, after the collective case that it is a member of: what is done with that locks its members.

    Raises:
        NotFound
    """
    member = aliased(Case)
    its_master = select(member.master_id).where(member.id == case_id).scalar_subquery()
    await session.execute(select(Case.id).where(Case.id == its_master).with_for_update(key_share=True))
    # Its key stays, and may be referred to: by the step of a member that just leaves it.
    case = await session.get(Case, case_id, with_for_update={"key_share": True}, populate_existing=True)
    if case is None:
        raise NotFound
    return case


async def perform(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    by: By,
    case_id: int,
    fields: ResidentAction | StaffAction,
    now: datetime,
    *,
    idempotency_key: str | None = None,
    version: int | None = None,
    follows_id: int | None = None,
) -> Done:
    """Take a step with a case: event, clocks and notices, or nothing of it. Whether the case is this actor's to
    see, the caller has looked.

    Args:
        idempotency_key: the same key of the same actor again is the same step.
        version: of the case as the actor saw it; None: whatever was done meanwhile does not matter.
        follows_id: the step of a collective case that this member follows. Who has the case knows from there.

    Raises:
        NotFound: no such case, department, officer in it, or file.
        CaseChanged: somebody took a step since ``version``.
        NotAllowedNow: not as the case stands.
        NotAllowed: not for this actor.
        OwnAnswer: it reviews what this actor gave.
        AnsweredAnew: it is about an answer in the place of which there is another by now.
        NoRoute: it is to go where the rules send it, and none fits.
        InvalidInput: a field is missing that this step needs of this actor.
        SaysWho: what the building is to read would show whose case it is.
    """
    case = await lock_case(session, case_id)
    if idempotency_key is not None and (before := await taken_before(session, case_id, by.actor, idempotency_key)):
        return Done(case, before, new=False)
    if version is not None and version != case.version:
        raise CaseChanged(**await _last_change(session, case))
    clocks = await running_clocks(session, case_id)
    gave = by.actor.kind is ActorKind.STAFF and by.actor.id in await who_gave_what_is_reviewed(session, case)
    standing = standing_of(case, clocks, policy, now, gave=gave, following=follows_id is not None)
    row = find(standing, fields.action, by.acts_as)
    if getattr(fields, "answered_at", None) not in (None, case.answered_at):
        raise AnsweredAnew
    if by.acts_as not in row.by:
        raise NotAllowed
    if row.by_others and gave:
        raise OwnAnswer
    given = fields.model_dump(exclude={"action", "attachment_ids", "text"})
    department_id, officer_id = await _given_to(session, by, case, fields)
    moved = department_id != case.department_id
    if isinstance(fields, Extend) and by.acts_as is CaseActor.OFFICER and not fields.approved_by:
        raise InvalidInput(fields=[{"at": ["body", "step", "approved_by"], "expected": "Who approved it"}])
    if isinstance(fields, Publish) and (parts := await pointing_parts(session, vault, case, fields.text)):
        raise SaysWho(parts=parts)
    again = bool(row.starts_once) and await _happened_before(session, case_id, row.event)
    text = getattr(fields, "text", "")
    if row.action in REASONED and not has_words(text):
        raise InvalidInput(fields=[{"at": ["body", "step", "text"], "expected": "A reason in words"}])
    step = apply(standing, row, moved=moved, again=again)
    master = await find_master(session, case, fields) if isinstance(fields, Join | Merge) else None
    leaves = row.leaves and follows_id is None
    gives = row.action in (CaseAction.ASSIGN, CaseAction.TRANSFER, CaseAction.CLAIM)
    event = CaseEvent(
        case_id=case.id,
        kind=row.event,
        happened_at=now,
        actor_kind=by.actor.kind,
        actor_id=by.actor.id,
        acted_as=by.acts_as,
        from_state=case.state,
        to_state=step.state,
        text=vault.seal("case_event.text", text) if text else None,
        department_id=department_id if gives else None,
        officer_id=officer_id if gives else None,
        outcome=given.get("outcome"),
        procedure=given.get("procedure"),
        days=given.get("days"),
        approved_by=vault.seal("case_event.approved_by", given["approved_by"]) if given.get("approved_by") else None,
        rating=given.get("rating"),
        solved=given.get("solved"),
        follows_id=follows_id,
        master_id=master.id if master else case.master_id if leaves else None,
        idempotency_key=idempotency_key,
    )
    session.add(event)
    await session.flush()
    await attach(session, by.chat_id, case.id, {*getattr(fields, "attachment_ids", ())}, event_id=event.id)
    await move_clocks(session, case, clocks, step, policy, now, extend_days=given.get("days") or 0)
    case.state = step.state
    case.version += 1
    case.department_id, case.officer_id = department_id, officer_id
    _note(case, row, given, now)
    if master is not None or leaves:
        case.master_id = master.id if master else None
    match row.action:
        case CaseAction.PUBLISH:
            case.published_at, case.published_text = now, vault.seal("case.published_text", text)
        case CaseAction.UNPUBLISH:
            case.published_at = case.published_text = None
    await session.flush()
    told = by.acts_as is not CaseActor.RESIDENT and (row.tells is When.ALWAYS or (row.tells is When.MOVED and moved))
    if told:
        await tell_resident(session, vault, case, event, text if row.shows_text else "", clocks, policy.day(now))
    if follows_id is None:
        await tell_desk(session, vault, case, event, row, by)
    await record(session, by.actor, f"case.{row.event.value}", "case", [case.id])
    return Done(case, event, new=True)


def _note(case: Case, row: Transition, given: dict[str, Any], now: datetime) -> None:
    """What the case itself tells of the step, besides its state."""
    match row.action:
        case CaseAction.REGISTER:
            case.registered_at = now
        case CaseAction.ACCEPT:
            case.accepted_at = now
        case action if action in ANSWERS:
            # Another answer is rated anew.
            case.answered_at, case.outcome, case.rating, case.solved = now, given["outcome"], None, None
            case.closed_at = None
        case CaseAction.CLOSE:
            case.closed_at = now
        case CaseAction.REOPEN | CaseAction.REQUEST_REVIEW | CaseAction.REQUEST_SECOND_REVIEW:
            case.closed_at = None
        case CaseAction.SUPERVISE:
            case.supervised_at = now
        case CaseAction.UNSUPERVISE:
            case.supervised_at = None
        case CaseAction.RATE:
            case.rating, case.solved = given["rating"], given["solved"]


async def taken_before(session: AsyncSession, case_id: int, actor: Actor, idempotency_key: str) -> CaseEvent | None:
    """The step that this actor took with this key."""
    return (
        await session.scalars(
            select(CaseEvent).where(
                CaseEvent.case_id == case_id,
                CaseEvent.actor_kind == actor.kind,
                CaseEvent.actor_id == actor.id,
                CaseEvent.idempotency_key == idempotency_key,
            )
        )
    ).one_or_none()


async def _happened_before(session: AsyncSession, case_id: int, kind: CaseEventKind) -> bool:
    of_kind = select(CaseEvent.id).where(CaseEvent.case_id == case_id, CaseEvent.kind == kind).limit(1)
    return await session.scalar(of_kind) is not None


async def _last_change(session: AsyncSession, case: Case) -> dict[str, Any]:
    last = (
        await session.scalars(
            select(CaseEvent)
            .where(CaseEvent.case_id == case.id, CaseEvent.kind != CaseEventKind.OVERDUE)
            .order_by(CaseEvent.id.desc())
            .limit(1)
        )
    ).one()
    return {
        "version": case.version,
        "state": case.state,
        "event": last.kind,
        "by": last.acted_as,
        "happened_at": last.happened_at.isoformat(),
    }


async def _given_to(
    session: AsyncSession, by: By, case: Case, fields: ResidentAction | StaffAction
) -> tuple[int | None, int | None]:
    """Department and officer after the step."""
    match fields.action:
        case CaseAction.CLAIM:
            return case.department_id, by.actor.id
        case CaseAction.OBJECT:
            return None, None
        case CaseAction.REQUEST_REVIEW | CaseAction.REQUEST_SECOND_REVIEW:
            # Somebody else is to look at it.
            return case.department_id, None
        case CaseAction.REOPEN:
            return case.department_id, await still_handling(session, case.officer_id)
        case CaseAction.TRANSFER:
            if fields.department_id == case.department_id:
                raise InvalidInput(fields=[{"at": ["body", "step", "department_id"], "expected": "Another department"}])
            return (await get_department(session, fields.department_id)).id, None
    if isinstance(fields, Assign):
        return await _assigned_to(session, case, fields)
    return case.department_id, case.officer_id


async def _assigned_to(session: AsyncSession, case: Case, fields: Assign) -> tuple[int, int | None]:
    department_id = fields.department_id
    if department_id is None and fields.officer_id is None:
        found = await route(session, case)
        if found.department is None:
            raise NoRoute
        return found.department.id, await still_handling(session, found.officer.id) if found.officer else None
    if department_id is None:
        department_id = case.department_id
    if department_id is None:
        raise InvalidInput(fields=[{"at": ["body", "step", "department_id"], "expected": "The officer's department"}])
    department = await get_department(session, department_id)
    if fields.officer_id is not None and fields.officer_id not in {
        officer.id for officer in await officers_of(session, department.id)
    }:
        raise NotFound
    if fields.officer_id in await who_gave_what_is_reviewed(session, case):
        expected = "Somebody else than who gave what is reviewed"
        raise InvalidInput(fields=[{"at": ["body", "step", "officer_id"], "expected": expected}])
    if fields.officer_id not in (None, case.officer_id) and not await still_handling(session, fields.officer_id):
        raise NotFound
    return department.id, fields.officer_id
