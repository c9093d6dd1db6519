"""The queue of requests for access (``api.identity.requests``), and staff's answers to them.

An answer, the link that it gives and the news of both are one transaction. Two who answer at once come one after the
other, and the second finds it answered.
"""

import re
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.agreements.service import find_refs
from api.audit.service import record
from api.chats.granting import Grant, grant_links
from api.chats.turns import let_in
from api.errors import AlreadyHandled, InvalidInput, NotAllowed, NotFound
from api.identity.codes import Invitation, let_in_by_office
from api.identity.models import AccessRequest
from api.identity.schemas import OWNERS, AccessRequestState, LinkMethod, LinkScope
from api.lookups import Reading
from api.messages.schemas import AccessDeclined, AccessGranted
from api.messages.service import enqueue_notice
from api.privacy import Vault
from api.staff.access import Acting
from api.staff.families import check_last_day
from api.staff.queries import DECIDED_REQUESTS, OPEN_COUNT, OPEN_REQUESTS, REQUEST
from api.staff.schemas import AccessGrantIn

_CURSOR = re.compile(r"(open|decided)-(\d{1,18})", re.ASCII)
_NEWEST = 2**63 - 1
TEXT, REASON = "access_request.text", "access_request.reason"


async def look_up_queue(reading: Reading, officer: Acting, cursor: str | None, limit: int) -> dict[str, Any]:
    """``StaffAccessRequestPage``. One that is answered between two pages is missing from neither part.

    Raises:
        InvalidInput: the cursor is none that a page gave.
    """
    place = _CURSOR.fullmatch("open-0" if cursor is None else cursor)
    if place is None:
        raise InvalidInput(fields=[{"at": ["query", "cursor"], "expected": "next_cursor of another page"}])
    part, after = place[1], int(place[2])
    wanted = limit + 1
    found = await reading.rows(OPEN_REQUESTS, after=after, limit=wanted) if part == "open" else []
    if len(found) < wanted:
        before = _NEWEST if part == "open" else after
        found += await reading.rows(DECIDED_REQUESTS, before=before, limit=wanted - len(found))
    (count,) = await reading.rows(OPEN_COUNT)
    shown = found[:limit]
    await reading.seen(officer.actor, "access_requests.listed", [row["id"] for row in shown], "access_request")
    return {
        "requests": [dict(row) for row in shown],
        "open_count": count["open_count"],
        "next_cursor": _cursor_at(shown[-1]) if len(found) > limit else None,
    }


def _cursor_at(row: Any) -> str:
    return f"{'open' if row['state'] == AccessRequestState.OPEN else 'decided'}-{row['id']}"


async def look_up_request(reading: Reading, officer: Acting, request_id: int) -> dict[str, Any]:
    """``StaffAccessRequestOut``: what somebody wrote is opened.

    Raises:
        NotFound: there is no such request.
    """
    rows = await reading.rows(REQUEST, request_id=request_id)
    if not rows:
        raise NotFound
    await reading.seen(officer.actor, "access_request.read", [request_id], "access_request")
    row, vault = rows[0], reading.vault
    return {
        **row,
        "text": vault.open(TEXT, row["text"]),
        "reason": None if row["reason"] is None else vault.open(REASON, row["reason"]),
        "handled_by": None if row["handled_by"] is None else vault.open("staff.name", row["handled_by"]),
    }


async def grant_request(
    session: AsyncSession,
    vault: Vault,
    officer: Acting,
    request_id: int,
    wanted: AccessGrantIn,
    today: date,
    *,
    disuse_days: int,
) -> None:
    """Let the chat in that asked. It is told, and so is everybody who sees the agreement, as of every new link.

    Raises:
        NotFound: there is no such request, or no such agreement.
        NotAllowed: it is the officer's own.
        AlreadyHandled: it is answered.
        InvalidInput: an owner whom the roll does not name, a proxy without a last day, a day that is past.
    """
    request = await _open_request(session, officer, request_id)
    check_last_day(wanted.role, wanted.valid_until, today)
    await let_in(session)
    if await session.scalar(select(Agreement.id).where(Agreement.id == wanted.agreement_id)) is None:
        raise NotFound
    grant = await _grant(session, vault, officer, request.chat_id, wanted, today)
    await grant_links(
        session,
        vault,
        request.chat_id,
        LinkMethod.OFFICE,
        [grant],
        today,
        disuse_days=disuse_days,
        actor=officer.actor,
    )
    await _settle(session, officer, request, AccessRequestState.GRANTED)
    progress_only = wanted.scope is LinkScope.PROGRESS
    refs = await find_refs(session, vault, [wanted.agreement_id], progress_only=progress_only)
    granted = AccessGranted(
        agreement=refs[wanted.agreement_id], role=wanted.role, scope=wanted.scope, valid_until=wanted.valid_until
    )
    await enqueue_notice(session, vault, [request.chat_id], granted)


async def _grant(
    session: AsyncSession, vault: Vault, officer: Acting, chat_id: int, wanted: AccessGrantIn, today: date
) -> Grant:
    if wanted.party_id is None and wanted.role not in OWNERS:
        gives = Invitation(wanted.role, wanted.scope, wanted.valid_until)
        return await let_in_by_office(session, vault, wanted.agreement_id, chat_id, gives, staff_id=officer.id)
    party = None if wanted.party_id is None else await session.get(Party, wanted.party_id)
    if (
        party is None
        or (party.agreement_id, party.role.value) != (wanted.agreement_id, wanted.role.value)
        or (party.valid_until is not None and party.valid_until < today)
    ):
        expected = "Somebody whom the agreement's roll names in this role today"
        raise InvalidInput(fields=[{"at": ["body", "party_id"], "expected": expected}])
    return Grant(wanted.agreement_id, party.person_id, wanted.role, wanted.scope, wanted.valid_until)


async def decline_request(session: AsyncSession, vault: Vault, officer: Acting, request_id: int, reason: str) -> None:
    """Tell the chat that asked why it is not let in.

    Raises:
        NotFound: there is no such request.
        NotAllowed: it is the officer's own.
        AlreadyHandled: it is answered.
    """
    request = await _open_request(session, officer, request_id)
    request.reason = vault.seal(REASON, reason)
    await _settle(session, officer, request, AccessRequestState.DECLINED)
    await enqueue_notice(session, vault, [request.chat_id], AccessDeclined(reason=reason))


async def _open_request(session: AsyncSession, officer: Acting, request_id: int) -> AccessRequest:
    request = await session.get(AccessRequest, request_id, with_for_update=True)
    if request is None:
        raise NotFound
    if request.chat_id == officer.chat_id:
        raise NotAllowed
    if request.state is not AccessRequestState.OPEN:
        raise AlreadyHandled
    return request


async def _settle(session: AsyncSession, officer: Acting, request: AccessRequest, state: AccessRequestState) -> None:
    request.state = state
    request.handled_at = func.now()
    request.handled_by_staff_id = officer.id
    await record(session, officer.actor, f"access_request.{state}", "access_request", [request.id])
