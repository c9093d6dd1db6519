"""Broadcasts as staff see them: one, and the list. What they say names nobody; readers do: see ``preview``."""

import base64
import binascii
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import record
from api.broadcasts.content import bodies_before, title_of
from api.broadcasts.counting import count_chats
from api.broadcasts.models import Broadcast, BroadcastEvent
from api.broadcasts.problems import find_problems
from api.broadcasts.progress import PROGRESS, progress_of
from api.broadcasts.schemas import (
    BroadcastEventOut,
    BroadcastOut,
    BroadcastPage,
    BroadcastState,
    BroadcastSummary,
    Progress,
)
from api.broadcasts.service import By, Now, asked_of, content_of, get, is_own
from api.broadcasts.states import EDITABLE, allowed
from api.errors import InvalidInput
from api.privacy import Vault
from api.staff.models import StaffAccount


async def show(session: AsyncSession, vault: Vault, by: By, broadcast_id: int, now: Now) -> BroadcastOut:
    """One broadcast, with what is wrong as long as it can be mended. That it was looked at is recorded.

    Raises:
        NotFound
    """
    broadcast = await get(session, broadcast_id)
    asked = asked_of(broadcast)
    problems, chats = [], 0
    if broadcast.state in EDITABLE:
        chats = await count_chats(session, asked, now.today, now.moment, most=now.approval_above + 1)
        problems = await find_problems(session, asked, now.moment, chats=chats)
    events = list(
        await session.scalars(
            select(BroadcastEvent).where(BroadcastEvent.broadcast_id == broadcast_id).order_by(BroadcastEvent.id)
        )
    )
    names = await _names(session, vault, {broadcast.author_id, *(event.staff_id for event in events)})
    before = await bodies_before(session, broadcast)
    await record(session, by.actor, "broadcast.shown", "broadcast", [broadcast_id])
    return BroadcastOut(
        **_summary(broadcast, names),
        content=content_of(broadcast),
        problems=problems,
        # A wrong date that was mended in one language only stays wrong in the others.
        uncorrected=[locale for locale, body in broadcast.bodies.items() if before.get(locale) == body],
        before=before,
        progress=await find_progress(session, broadcast_id),
        events=[
            BroadcastEventOut(
                action=event.action,
                happened_at=event.happened_at,
                by=names.get(event.staff_id),
                text=event.text,
            )
            for event in events
        ],
        allowed=[*allowed(broadcast.state, by.parts, own=await is_own(session, broadcast, by))],
        quiet_hours=now.quiet_hours,
        needs_approval=now.approval_above == 0 or chats > now.approval_above,
    )


async def find_progress(session: AsyncSession, broadcast_id: int) -> Progress | None:
    """None: it has not been started."""
    rows = await PROGRESS.in_transaction(session, broadcast_id=broadcast_id)
    return progress_of(rows[0]) if rows else None


async def list_broadcasts(
    session: AsyncSession,
    vault: Vault,
    by: By,
    *,
    states: Collection[BroadcastState] = (),
    of_id: int | None = None,
    cursor: str | None = None,
    limit: int,
) -> BroadcastPage:
    """A page of them, newest first. That they were looked at is recorded.

    Args:
        states: only those in one of them; none: all.
        of_id: only what corrects this one, or sends it once more.

    Raises:
        InvalidInput: the cursor is none that a page gave.
    """
    chosen = select(Broadcast).order_by(Broadcast.id.desc()).limit(limit + 1)
    if states:
        chosen = chosen.where(Broadcast.state.in_(states))
    if of_id is not None:
        chosen = chosen.where(Broadcast.of_id == of_id)
    if cursor is not None:
        chosen = chosen.where(Broadcast.id < _place(cursor))
    found = list(await session.scalars(chosen))
    shown = found[:limit]
    names = await _names(session, vault, {broadcast.author_id for broadcast in shown})
    await record(session, by.actor, "broadcasts.listed", "broadcast", [broadcast.id for broadcast in shown] or [None])
    following = None
    if len(found) > limit:
        following = base64.urlsafe_b64encode(str(shown[-1].id).encode()).decode()
    return BroadcastPage(
        broadcasts=[BroadcastSummary(**_summary(broadcast, names)) for broadcast in shown], next_cursor=following
    )


def _place(cursor: str) -> int:
    try:
        written = base64.urlsafe_b64decode(cursor)
        if written.isdigit() and 0 < int(written) < 2**63:
            return int(written)
    except (binascii.Error, ValueError):
        pass
    raise InvalidInput(fields=[{"at": ["query", "cursor"], "expected": "next_cursor of another page"}])


def _summary(broadcast: Broadcast, names: dict[int | None, str]) -> dict[str, Any]:
    alike = ("id", "operation", "of_id", "topic", "state", "version", "starts_at", "created_at")
    return {name: getattr(broadcast, name) for name in (*alike, "started_at", "finished_at")} | {
        "title": title_of(broadcast),
        "author": names.get(broadcast.author_id, ""),
    }


async def _names(session: AsyncSession, vault: Vault, ids: Collection[int | None]) -> dict[int | None, str]:
    wanted = [staff_id for staff_id in ids if staff_id is not None]
    if not wanted:
        return {}
    rows = await session.execute(select(StaffAccount.id, StaffAccount.name).where(StaffAccount.id.in_(wanted)))
    return {row.id: vault.open("staff.name", row.name) for row in rows}
