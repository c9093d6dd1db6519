"""Steps with cases that may be collective: what the office does with a master, its members follow.

A member follows as far as its own state allows: one that was withdrawn, is under review or asks for more time by itself
stays where it is. All of it is one transaction: either every family is told, or nobody.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import SYSTEM, record
from api.cases.clocks import Policy
from api.cases.collective import GETS_ANSWER, end_offer, members_of
from api.cases.desk import BY_SYSTEM, By, Done, perform
from api.cases.lifecycle import BEFORE_ACCEPTANCE, BEFORE_ANSWER, BEING_WORKED_ON
from api.cases.models import Attachment, Case, CaseEvent
from api.cases.news import tell_joined, tell_who_has_it
from api.cases.published_words import pointing_parts
from api.cases.routing import officers_of
from api.cases.schemas import (
    Accept,
    Assign,
    CaseAction,
    CaseActor,
    CaseEventKind,
    CaseState,
    Join,
    Merge,
    Register,
    ResidentAction,
    StaffAction,
    Start,
    Unmerge,
    Unpublish,
)
from api.errors import InvalidInput, NotAllowed, NotAllowedNow
from api.messages.schemas import DeskNews
from api.privacy import Vault

FOLLOWED = frozenset(
    (
        CaseAction.REGISTER,
        CaseAction.ACCEPT,
        CaseAction.REFUSE,
        CaseAction.DIVERT,
        CaseAction.ASSIGN,
        CaseAction.CLAIM,
        CaseAction.TRANSFER,
        CaseAction.OBJECT,
        CaseAction.START,
        CaseAction.EXTEND,
        CaseAction.ANSWER,
        CaseAction.CLOSE,
    )
)
"""What members take part in. A question goes to the family it is about alone, and so does a review: it is their right
to ask for one, each for themselves, and whoever does goes on alone."""


async def take_step(
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
) -> Done:
    """:func:`api.cases.desk.perform`, and what follows from it for a collective case.

    Before a case joins or is merged, :func:`api.cases.collective.hold_collectives` must be called.

    Raises:
        What ``perform`` raises.
    """
    done = await perform(
        session, vault, policy, by, case_id, fields, now, idempotency_key=idempotency_key, version=version
    )
    if not done.new:
        return done
    case = done.case
    if isinstance(fields, Join | Merge):
        master = await session.get_one(Case, case.master_id)
        # Whoever is about to answer it must see first that one more family will read that.
        master.version += 1
        for member in await members_of(session, case.id):
            await _repoint(session, member, master.id, now)
            if member.state in BEFORE_ANSWER:
                await _bring_along(session, vault, policy, member, master, now)
        await _bring_along(session, vault, policy, case, master, now)
        await tell_joined(session, vault, master, by, policy.day(now))
        await _look_at_words(session, vault, policy, master, now)
    elif fields.action in FOLLOWED:
        answers = fields.action is CaseAction.ANSWER
        for member in await members_of(session, case.id, *([Case.state.in_(GETS_ANSWER)] if answers else [])):
            if answers and member.state not in BEFORE_ANSWER:
                # The family reads who answers it, and turns there with what it asks next.
                await _bring_along(session, vault, policy, member, case, now)
            await _follow(session, vault, policy, by, member, done, fields, now)
        if case.state not in BEFORE_ANSWER:
            await _let_go(session, vault, policy, case, now)
    elif fields.action in (CaseAction.UNMERGE, CaseAction.SPLIT_OFF) and done.event.master_id is not None:
        await _take_back(session, case, done.event.master_id, now)
    elif fields.action is CaseAction.WITHDRAW:
        await _hand_on(session, case, now)
    if case.published_at is not None and (case.master_id is not None or case.state not in BEFORE_ANSWER):
        # Should it be opened again, the office offers it anew, or does not.
        await end_offer(session, case, SYSTEM, CaseActor.SYSTEM)
    return done


async def _look_at_words(session: AsyncSession, vault: Vault, policy: Policy, master: Case, now: datetime) -> None:
    """What the building reads was written before this family came: it must not show that one either."""
    if master.published_text is None:
        return
    words = vault.open("case.published_text", master.published_text)
    if await pointing_parts(session, vault, master, words):
        await perform(session, vault, policy, BY_SYSTEM, master.id, Unpublish(action=CaseAction.UNPUBLISH), now)


async def _follow(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    by: By,
    member: Case,
    done: Done,
    fields: Any,
    now: datetime,
) -> None:
    if isinstance(fields, Assign):
        # Where the rules sent the master.
        fields = Assign(
            action=CaseAction.ASSIGN,
            department_id=done.case.department_id,
            officer_id=done.case.officer_id,
            text=fields.text,
        )
    elif getattr(fields, "attachment_ids", None):
        # The files are the master's: through ``follows_id`` members have them too.
        fields = fields.model_copy(update={"attachment_ids": []})
    try:
        await perform(
            session, vault, policy, replace(by, chat_id=None), member.id, fields, now, follows_id=done.event.id
        )
    except (NotAllowedNow, NotAllowed, InvalidInput):
        # Raised before anything is written: this one stands elsewhere.
        return


async def _let_go(session: AsyncSession, vault: Vault, policy: Policy, master: Case, now: datetime) -> None:
    """Members that could not follow their master to its end, as one that is further on than it cannot be refused with
    it, go on by themselves, with their own clocks: their families and whoever has them are told."""
    for member in await members_of(session, master.id):
        # One that has just left may have taken this one along.
        if member.state in BEFORE_ANSWER and member.master_id == master.id:
            step = Unmerge(action=CaseAction.UNMERGE)
            left = await perform(session, vault, policy, BY_SYSTEM, member.id, step, now)
            await _take_back(session, member, master.id, now)
            news = DeskNews.UNCLAIMED if member.officer_id is None else DeskNews.GIVEN
            await tell_who_has_it(session, vault, member, news, dedupe_key=f"case_alone:{left.event.id}")


async def _bring_along(
    session: AsyncSession, vault: Vault, policy: Policy, member: Case, master: Case, now: datetime
) -> None:
    """Let a case catch up with the master that it joined: what was done there counts for it too."""
    for wanted, action in _missing(member, master):
        if wanted():
            fields: Any = action
            if action is None:
                fields = await _same_place(session, master)
            follows = await _last(session, master, fields.action)
            await perform(session, vault, policy, BY_SYSTEM, member.id, fields, now, follows_id=follows)


def _missing(member: Case, master: Case) -> Any:
    """Conditions, looked at one after the other, and the step that each asks for (None: to the master's place)."""
    yield (
        lambda: member.state is CaseState.RECEIVED and master.state is not CaseState.RECEIVED,
        Register(action=CaseAction.REGISTER),
    )
    yield (
        lambda: (
            master.department_id is not None
            and (member.department_id, member.officer_id) != (master.department_id, master.officer_id)
            and member.state is not CaseState.RECEIVED
        ),
        None,
    )
    yield (
        lambda: member.state in BEFORE_ACCEPTANCE and master.state in BEING_WORKED_ON,
        Accept(action=CaseAction.ACCEPT),
    )
    yield (
        lambda: member.state is CaseState.ACCEPTED and master.state in (CaseState.IN_PROGRESS, CaseState.EXTENDED),
        Start(action=CaseAction.START),
    )


async def _same_place(session: AsyncSession, master: Case) -> Assign:
    assert master.department_id is not None  # noqa: S101 - asked only then
    there = {officer.id for officer in await officers_of(session, master.department_id)}
    officer_id = master.officer_id if master.officer_id in there else None
    return Assign(action=CaseAction.ASSIGN, department_id=master.department_id, officer_id=officer_id)


async def _last(session: AsyncSession, master: Case, action: CaseAction) -> int | None:
    """The master's own step of that kind; none: it got there another way, and the newest step stands for it."""
    kind = {
        CaseAction.REGISTER: CaseEventKind.REGISTERED,
        CaseAction.ASSIGN: CaseEventKind.ASSIGNED,
        CaseAction.ACCEPT: CaseEventKind.ACCEPTED,
        CaseAction.START: CaseEventKind.STARTED,
    }[action]
    of_kind = select(func.max(CaseEvent.id)).where(CaseEvent.case_id == master.id, CaseEvent.kind == kind)
    # Never a step with files: what a member follows, it shows as its own.
    with_files = exists().where(Attachment.event_id == CaseEvent.id)
    newest = select(func.max(CaseEvent.id)).where(CaseEvent.case_id == master.id, ~with_files)
    return await session.scalar(of_kind) or await session.scalar(newest)


async def _take_back(session: AsyncSession, case: Case, master_id: int, now: datetime) -> None:
    """Those that came along when the case was put together with others leave with it. One that came along itself, or
    was handed to an heir, brought nobody."""
    came = select(func.max(CaseEvent.happened_at)).where(
        CaseEvent.case_id == case.id,
        CaseEvent.kind.in_((CaseEventKind.MERGED, CaseEventKind.JOINED)),
        CaseEvent.acted_as != CaseActor.SYSTEM,
        CaseEvent.master_id == master_id,
    )
    along = exists().where(
        CaseEvent.case_id == Case.id,
        CaseEvent.kind == CaseEventKind.MERGED,
        CaseEvent.acted_as == CaseActor.SYSTEM,
        CaseEvent.master_id == master_id,
        CaseEvent.happened_at == came.scalar_subquery(),
    )
    for member in await members_of(session, master_id, along):
        await _repoint(session, member, case.id, now)


async def _hand_on(session: AsyncSession, case: Case, now: datetime) -> None:
    """A master whose own family withdrew: the oldest open member takes its place. What was published were words about
    the other one's home: the office offers it anew, or does not."""
    members = await members_of(session, case.id)
    heir = next((member for member in members if member.state in BEFORE_ANSWER), None)
    if heir is None:
        return
    await _repoint(session, heir, None, now)
    for member in members:
        if member is not heir:
            await _repoint(session, member, heir.id, now)


async def _repoint(session: AsyncSession, member: Case, master_id: int | None, now: datetime) -> None:
    """The member is with another master from now on (None: it is the master). Its family need not be told: what they
    joined goes on."""
    session.add(
        CaseEvent(
            case_id=member.id,
            kind=CaseEventKind.MERGED if master_id is not None else CaseEventKind.UNMERGED,
            happened_at=now,
            actor_kind=SYSTEM.kind,
            actor_id=SYSTEM.id,
            acted_as=CaseActor.SYSTEM,
            from_state=member.state,
            to_state=member.state,
            master_id=master_id if master_id is not None else member.master_id,
        )
    )
    member.master_id = master_id
    member.version += 1
    await session.flush()
    await record(session, SYSTEM, "case.merged", "case", [member.id])
