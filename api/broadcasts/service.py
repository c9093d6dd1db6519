"""Writing a broadcast and taking its steps: every change of everybody goes through here.

The row of the broadcast is locked first, so that steps come one after the other; the step, its event and its record are
one transaction.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import OPERATOR, Actor, record
from api.broadcasts.counting import Asked, count_chats
from api.broadcasts.models import Broadcast, BroadcastEvent
from api.broadcasts.problems import find_problems
from api.broadcasts.schemas import (
    AllOf,
    BroadcastAction,
    BroadcastChange,
    BroadcastIn,
    BroadcastNew,
    BroadcastState,
    BroadcastStep,
    FollowUp,
    Operation,
    QuietHours,
    ReachedBy,
)
from api.broadcasts.sending import settle_soon, start_when_due
from api.broadcasts.states import OVER, Part, Transition, find, parts_of
from api.broadcasts.steps import its_own, write_down
from api.cases.models import Attachment
from api.errors import BroadcastChanged, HasProblems, InvalidInput, NotAllowedNow, NotFound
from api.settings import Settings
from api.staff.access import Acting
from api.staff.models import StaffAccount

CONTENT = tuple(BroadcastIn.model_fields)


@dataclass(frozen=True)
class By:
    """Who takes a step, and as whom. ``chat_id``: of whom the files are that are sent."""

    actor: Actor
    parts: frozenset[Part]
    staff_id: int | None = None
    chat_id: int | None = None

    @classmethod
    def staff(cls, account: Acting) -> "By":
        return cls(account.actor, parts_of(account.roles), account.id, account.chat_id)


BY_OPERATOR = By(OPERATOR, frozenset({Part.OPERATOR}))


@dataclass(frozen=True)
class Now:
    """The moment of a step, the office's day, to how many chats a broadcast needs no approval, and when it waits for
    the morning."""

    moment: datetime
    today: date
    approval_above: int
    quiet_hours: QuietHours | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        moment = datetime.now(UTC)
        today = moment.astimezone(settings.timezone).date()
        return cls(moment, today, settings.broadcast_approval_above, settings.quiet_hours)


def asked_of(broadcast: Broadcast) -> Asked:
    return Asked(content_of(broadcast), broadcast.operation, broadcast.of_id, broadcast.import_id)


def content_of(broadcast: Broadcast) -> BroadcastIn:
    return BroadcastIn.model_validate({name: getattr(broadcast, name) for name in CONTENT})


def _columns(content: BroadcastIn) -> dict[str, Any]:
    values = {name: getattr(content, name) for name in CONTENT}
    as_json = content.model_dump(mode="json", include={"audience", "bodies"})
    return values | as_json


async def lock(session: AsyncSession, broadcast_id: int) -> Broadcast:
    """
    Raises:
        NotFound
    """
    broadcast = await session.get(Broadcast, broadcast_id, with_for_update=True, populate_existing=True)
    if broadcast is None:
        raise NotFound
    return broadcast


async def get(session: AsyncSession, broadcast_id: int) -> Broadcast:
    """
    Raises:
        NotFound
    """
    broadcast = await session.get(Broadcast, broadcast_id, populate_existing=True)
    if broadcast is None:
        raise NotFound
    return broadcast


async def create(
    session: AsyncSession,
    by: By,
    new: BroadcastNew,
    *,
    idempotency_key: str | None = None,
    known_file: int | None = None,
) -> tuple[Broadcast, bool]:
    """A draft, and whether it was made now: the same key of the same actor again is the same draft.

    Args:
        known_file: one that may go with it though this account did not upload it; else only that of the broadcast that
            is corrected or sent once more.

    Raises:
        NotFound: no such file of this account, or no such broadcast to be corrected or sent once more.
        NotAllowedNow: the other one has not been sent.
        InvalidInput: a correction that does not say of what.
    """
    if idempotency_key is not None:
        idempotency_key = f"{by.actor.kind}:{by.actor.id or ''}:{idempotency_key}"
        before = await session.scalar(select(Broadcast).where(Broadcast.idempotency_key == idempotency_key))
        if before is not None:
            return before, False
    of = await _get_sent(session, new.of_id) if new.of_id is not None else None
    if of is None and new.operation is not Operation.SEND:
        raise InvalidInput(fields=[{"at": ["body", "of_id"], "expected": "The broadcast that is corrected"}])
    await _check_file(session, by, new.attachment_id, known_file if of is None else known_file or of.attachment_id)
    values = _columns(new) | {
        "operation": new.operation,
        "of_id": new.of_id,
        "author_id": by.staff_id,
        # What {news} tells of, it tells of in a correction too.
        "import_id": None if of is None else of.import_id,
        "idempotency_key": idempotency_key,
    }
    broadcast_id = await session.scalar(
        insert(Broadcast)
        .values(values)
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
        .returning(Broadcast.id)
    )
    if broadcast_id is None:
        # The same came twice at once.
        found = await session.scalars(select(Broadcast).where(Broadcast.idempotency_key == idempotency_key))
        return found.one(), False
    await record(session, by.actor, "broadcast.created", "broadcast", [broadcast_id])
    return await get(session, broadcast_id), True


async def follow_up(
    session: AsyncSession, by: By, of_id: int, asked: FollowUp, *, idempotency_key: str | None = None
) -> tuple[Broadcast, bool]:
    """A draft like that broadcast: to be sent once more to those whom it did not reach, or a correction of it.

    Raises:
        NotFound
        NotAllowedNow: it has not been sent.
        InvalidInput: its audience has as many rules as there may be.
    """
    of = await _get_sent(session, of_id)
    content = content_of(of)
    values = content.model_dump() | {"starts_at": None, "operation": asked.operation, "of_id": of_id}
    if asked.operation is Operation.SEND:
        # Sent a third time, it is still the first one that they did not get.
        first = of if of.of_id is None else await get(session, of.of_id)
        audience = content_of(first).audience
        unreached = ReachedBy(broadcast_id=first.id, value=False)
        parts = [] if audience is None else [audience] if not isinstance(audience, AllOf) else audience.of
        values |= {"of_id": first.id, "audience": AllOf(of=[*parts, unreached]).model_dump()}
    try:
        new = BroadcastNew.model_validate(values)
    except ValueError as error:
        raise InvalidInput(fields=[{"at": ["audience"], "expected": "Fewer rules"}]) from error
    return await create(session, by, new, idempotency_key=idempotency_key, known_file=of.attachment_id)


async def _get_sent(session: AsyncSession, broadcast_id: int) -> Broadcast:
    """One that sends and has begun to.

    Raises:
        NotFound
        NotAllowedNow
    """
    of = await get(session, broadcast_id)
    if of.operation is not Operation.SEND or of.started_at is None or of.state not in OVER:
        raise NotAllowedNow(allowed=[], state=of.state)
    return of


async def _check_file(session: AsyncSession, by: By, attachment_id: int | None, known_id: int | None) -> None:
    """The file is one that this account has uploaded, and part of no case; or it is there already.

    Raises:
        NotFound
    """
    if attachment_id is None or attachment_id == known_id:
        return
    own = exists().where(Attachment.id == attachment_id, Attachment.chat_id == by.chat_id, Attachment.case_id.is_(None))
    if not await session.scalar(select(own)):
        raise NotFound


async def edit(session: AsyncSession, by: By, broadcast_id: int, change: BroadcastChange) -> Broadcast:
    """Say it otherwise. What was submitted or approved is a draft again, and needs to be approved anew.

    Raises:
        NotFound: no such broadcast, or no such file of this account.
        BroadcastChanged: somebody changed it since ``version``.
        NotAllowed, NotAllowedNow
    """
    broadcast = await lock(session, broadcast_id)
    await _check_version(session, broadcast, change.version)
    row = find(broadcast.state, BroadcastAction.EDIT, by.parts, own=False)
    await _check_file(session, by, change.attachment_id, broadcast.attachment_id)
    for name, value in _columns(change).items():
        setattr(broadcast, name, value)
    broadcast.revision += 1
    broadcast.approved_revision = None
    await _move(session, by, broadcast, row, "")
    return broadcast


async def step(session: AsyncSession, by: By, broadcast_id: int, taken: BroadcastStep, now: Now) -> Broadcast:
    """Submit, approve, reject, pause, resume or cancel.

    Raises:
        NotFound
        BroadcastChanged: somebody changed it since ``version``.
        NotAllowed: not for this account.
        NotAllowedNow: not in this state.
        OwnBroadcast: who wrote or submitted it does not approve it.
        HasProblems: something must be mended first.
        InvalidInput: a reason is missing.
    """
    broadcast = await lock(session, broadcast_id)
    await _check_version(session, broadcast, taken.version)
    own = await is_own(session, broadcast, by)
    row = find(broadcast.state, taken.action, by.parts, own=own)
    text = taken.text.strip()
    if row.needs_text and not text:
        raise InvalidInput(fields=[{"at": ["body", "text"], "expected": "Why"}])
    if row.checked:
        chats = await count_chats(session, asked_of(broadcast), now.today, now.moment, most=now.approval_above + 1)
        problems = await find_problems(session, asked_of(broadcast), now.moment, chats=chats)
        if problems:
            raise HasProblems(problems=[problem.model_dump(mode="json") for problem in problems])
        if taken.action is BroadcastAction.SUBMIT:
            needs_approval = chats > now.approval_above
            row = find(broadcast.state, taken.action, by.parts, own=own, needs_approval=needs_approval)
    if taken.action is BroadcastAction.APPROVE:
        broadcast.approved_revision = broadcast.revision
    await _move(session, by, broadcast, row, text)
    if row.target is BroadcastState.APPROVED:
        await start_when_due(session, broadcast)
    elif row.target is BroadcastState.CANCELLED:
        if broadcast.started_at is None:
            broadcast.finished_at = now.moment
        else:
            await settle_soon(session, broadcast_id)
    await session.flush()
    return broadcast


async def is_own(session: AsyncSession, broadcast: Broadcast, by: By) -> bool:
    """Whether they wrote, changed or submitted it, also before it was changed by others."""
    if by.staff_id is None:
        return False
    found = exists().where(StaffAccount.id == by.staff_id, its_own(broadcast))
    return bool(await session.scalar(select(found)))


async def _check_version(session: AsyncSession, broadcast: Broadcast, version: int) -> None:
    if version == broadcast.version:
        return
    last = await session.scalar(
        select(BroadcastEvent)
        .where(BroadcastEvent.broadcast_id == broadcast.id)
        .order_by(BroadcastEvent.id.desc())
        .limit(1)
    )
    raise BroadcastChanged(
        version=broadcast.version,
        state=broadcast.state,
        action=last.action if last else None,
        happened_at=last.happened_at.isoformat() if last else None,
    )


async def _move(session: AsyncSession, by: By, broadcast: Broadcast, row: Transition, text: str) -> None:
    broadcast.state = row.target
    broadcast.version += 1
    await write_down(
        session, by.actor, broadcast.id, row.action, revision=broadcast.revision, staff_id=by.staff_id, text=text
    )
