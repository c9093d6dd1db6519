"""One-time codes that let somebody in: of staff for relatives and proxies, of owners for their relatives. Only the
keyed hash of a code is stored."""

import secrets
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Party
from api.agreements.schemas import OWNER_ROLES
from api.audit.service import OPERATOR, Actor, record
from api.chats.access import AGREEMENT_ID, live_links
from api.chats.granting import Grant, adds_to
from api.chats.liveness import is_live_link, is_still_owned
from api.chats.models import Link
from api.errors import InvalidInput, NotFound, TooMany
from api.identity.documents import normalise_text
from api.identity.models import LinkCode
from api.identity.schemas import OWNERS, LinkRole, LinkScope, RelativeCodeIn, RelativeCodeOut
from api.lookups import LookUp, Reading
from api.privacy import Vault
from api.staff.models import StaffAccount
from api.staff.schemas import LETS_IN

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1, which are misread; fit for a Telegram deep link."""
CODE_LENGTH = 10
"""50 bits: out of reach of guessing within the limits on wrong tries."""
RELATIVE_CODE_LIFE = timedelta(hours=24)
MAX_OPEN_CODES = 5
"""Of one agreement's owners together."""
# Advisory locks share one space of 64-bit keys, as told in ``api.identity.limits``.
_AGREEMENT_SPACE = 0x53A << 52


def normalise_code(value: str) -> str:
    """Upper case, half-width, without what people and messengers put between the characters."""
    return "".join(c for c in normalise_text(value).upper() if c.isascii() and c.isalnum())


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("link_code", normalise_code(code))


@dataclass(frozen=True)
class Invitation:
    """What a code gives: as whom, how much, until which day."""

    role: LinkRole = LinkRole.RELATIVE
    scope: LinkScope = LinkScope.EVERYTHING
    valid_until: date | None = None


async def issue_code(
    session: AsyncSession,
    vault: Vault,
    agreement_id: int,
    *,
    issued_by: str,
    valid_for: timedelta,
    gives: Invitation | None = None,
    staff_id: int | None = None,
    actor: Actor = OPERATOR,
) -> tuple[str, datetime]:
    """Make a code of the office's for one agreement; it is shown now and never again. It lets in for those who own the
    agreement now.

    Returns:
        The code, and the moment it ends.
    """
    code, row = await _issue(
        session,
        vault,
        gives or Invitation(),
        valid_for,
        agreement_id=agreement_id,
        issued_by=issued_by,
        issued_by_staff_id=staff_id,
        owner_ids=await _owner_ids(session, agreement_id),
    )
    await record(session, actor, "code.issued", "link_code", [row.id])
    return code, row.expires_at


async def let_in_by_office(
    session: AsyncSession, vault: Vault, agreement_id: int, chat_id: int, gives: Invitation, *, staff_id: int
) -> Grant:
    """What the office gives a chat whose person the roll does not name. It rests on a code that nobody ever sees, used
    from the start: so it is suspended like every code's when those who own the agreement now own it no longer."""
    _, row = await _issue(
        session,
        vault,
        gives,
        timedelta(0),
        agreement_id=agreement_id,
        issued_by=f"staff {staff_id}",
        issued_by_staff_id=staff_id,
        owner_ids=await _owner_ids(session, agreement_id),
        used_at=func.now(),
        used_by_chat_id=chat_id,
    )
    return Grant(agreement_id, None, gives.role, gives.scope, gives.valid_until, code_id=row.id)


async def _owner_ids(session: AsyncSession, agreement_id: int) -> list[int]:
    owners = select(Party.person_id).where(Party.agreement_id == agreement_id, Party.role.in_(OWNER_ROLES))
    return list(await session.scalars(owners))


async def _issue(
    session: AsyncSession, vault: Vault, gives: Invitation, valid_for: timedelta, **values: Any
) -> tuple[str, LinkCode]:
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    row = LinkCode(code_index=_index(vault, code), expires_at=func.now() + valid_for, **asdict(gives), **values)
    session.add(row)
    await session.flush()
    await session.refresh(row, ["expires_at"])
    return code, row


# --- codes that owners give to their relatives ---


async def invite_relative(
    session: AsyncSession, vault: Vault, chat_id: int, agreement_id: int, wanted: RelativeCodeIn, today: date
) -> RelativeCodeOut:
    """A code by which an owner lets a relative in.

    Raises:
        NotFound: the chat does not own such an agreement.
        InvalidInput: the last day is past, or more is asked for than the chat itself has.
        TooMany: so many codes of the family are open.
    """
    own = (
        await session.execute(
            select(Link.person_id, Link.scope, Link.valid_until).where(
                Link.chat_id == chat_id,
                Link.agreement_id == agreement_id,
                Link.role.in_(OWNERS),
                is_live_link(today),
            )
        )
    ).one_or_none()
    if own is None:
        raise NotFound
    if wanted.valid_until is not None and wanted.valid_until < today:
        raise InvalidInput(fields=[{"at": ["body", "valid_until"], "expected": "A day that is not past"}])
    # The office may have let an owner in for the progress alone, or until a day: they give on no more than they have.
    if own.scope is not LinkScope.EVERYTHING and wanted.scope is LinkScope.EVERYTHING:
        raise InvalidInput(fields=[{"at": ["body", "scope"], "expected": own.scope.value}])
    if own.valid_until is not None and (wanted.valid_until is None or wanted.valid_until > own.valid_until):
        raise InvalidInput(fields=[{"at": ["body", "valid_until"], "expected": f"Not after {own.valid_until}"}])
    # One after another for each agreement, so that two at once do not slip past the limit. Only owners get so far, and
    # they wait for nobody but each other: an import keeps the row itself locked until it ends.
    await session.execute(select(func.pg_advisory_xact_lock(_AGREEMENT_SPACE + agreement_id)))
    is_open = select(func.count()).where(LinkCode.agreement_id == agreement_id, _open_to_owners())
    if (await session.scalar(is_open) or 0) >= MAX_OPEN_CODES:
        raise TooMany(max=MAX_OPEN_CODES)
    code, row = await _issue(
        session,
        vault,
        Invitation(scope=wanted.scope, valid_until=wanted.valid_until),
        RELATIVE_CODE_LIFE,
        agreement_id=agreement_id,
        issued_by="owner",
        issued_by_chat_id=chat_id,
        owner_ids=[] if own.person_id is None else [own.person_id],
    )
    await record(session, Actor.chat(chat_id), "code.issued", "link_code", [row.id])
    return RelativeCodeOut(
        id=row.id, code=code, scope=wanted.scope, valid_until=wanted.valid_until, expires_at=row.expires_at
    )


def _open_to_owners() -> ColumnElement[bool]:
    """Codes of the family's own that nobody has used yet."""
    return LinkCode.used_at.is_(None) & (LinkCode.expires_at > func.now()) & LinkCode.issued_by_chat_id.is_not(None)


def _open_codes() -> LookUp:
    """A row for each open code, or one without a code; none where the chat does not own the agreement."""
    mine = live_links()
    of_it = (LinkCode.agreement_id == mine.c.agreement_id) & _open_to_owners()
    return LookUp(
        select(LinkCode.id, LinkCode.scope, LinkCode.valid_until, LinkCode.issued_at, LinkCode.expires_at)
        .select_from(mine.outerjoin(LinkCode.__table__, of_it))
        .where(mine.c.agreement_id == AGREEMENT_ID, mine.c.role.in_(OWNERS))
        .order_by(LinkCode.id)
    )


OPEN_CODES = _open_codes()


async def look_up_codes(reading: Reading, chat_id: int, agreement_id: int) -> dict[str, Any]:
    """As :class:`api.identity.schemas.RelativeCodesOut`.

    Raises:
        NotFound: the chat does not own such an agreement.
    """
    rows = await reading.rows(OPEN_CODES, chat_id=chat_id, agreement_id=agreement_id)
    if not rows:
        raise NotFound
    codes = [dict(row) for row in rows if row["id"] is not None]
    await reading.seen(Actor.chat(chat_id), "codes.seen", [code["id"] for code in codes], "link_code")
    return {"codes": codes, "max_open": MAX_OPEN_CODES}


async def cancel_code(session: AsyncSession, chat_id: int, agreement_id: int, code_id: int, today: date) -> None:
    """
    Raises:
        NotFound: there is no such open code of an agreement that the chat owns; it may have been used meanwhile.
    """
    owns = exists().where(
        Link.chat_id == chat_id,
        Link.agreement_id == LinkCode.agreement_id,
        Link.role.in_(OWNERS),
        is_live_link(today),
    )
    cancelled = await session.execute(
        # Not deleted: by its row the record still tells whose home it was for.
        update(LinkCode)
        .where(LinkCode.id == code_id, LinkCode.agreement_id == agreement_id, _open_to_owners(), owns)
        .values(expires_at=func.now())
        .returning(LinkCode.id)
        .execution_options(synchronize_session=False)
    )
    if cancelled.one_or_none() is None:
        raise NotFound
    await record(session, Actor.chat(chat_id), "code.cancelled", "link_code", [code_id])


# --- using a code ---


async def redeem_code(session: AsyncSession, vault: Vault, chat_id: int, code: str, today: date) -> list[Grant] | None:
    """Use a code, at most once ever.

    A chat that sees as much already uses nothing up: a holder who taps the invitation before passing it on leaves it
    good, and a tap that arrives twice succeeds twice. An owner's code is good only while its chat still owns the
    agreement, an officer's while their account is in force, and not for their own chat; any code only while one of
    those owns it in whose name it was issued, and none once its last day is past.

    Returns:
        What the code opens to this chat: nothing new where it sees as much already. None for a code that is unknown,
        used or over.
    """
    index = _index(vault, code)
    linked = exists().where(
        Link.chat_id == chat_id,
        Link.agreement_id == LinkCode.agreement_id,
        is_live_link(today),
        ~adds_to(Link, LinkCode.scope, LinkCode.valid_until),
    )
    issuers = aliased(Link)
    issuer_owns = exists().where(
        issuers.chat_id == LinkCode.issued_by_chat_id,
        issuers.agreement_id == LinkCode.agreement_id,
        issuers.role.in_(OWNERS),
        is_live_link(today, issuers),
    )
    # An officer's phone may be in a thief's hands; and nobody lets themselves in.
    officer_in_force = exists().where(
        StaffAccount.id == LinkCode.issued_by_staff_id,
        StaffAccount.disabled_at.is_(None),
        StaffAccount.roles.overlap([role.value for role in LETS_IN]),
        StaffAccount.chat_id.is_distinct_from(chat_id),
    )
    usable = and_(
        LinkCode.used_at.is_(None),
        # Not the transaction's own time: a code that was cancelled while it waited is over.
        LinkCode.expires_at > func.clock_timestamp(),
        or_(LinkCode.valid_until.is_(None), LinkCode.valid_until >= today),
        or_(LinkCode.issued_by_chat_id.is_(None), issuer_owns),
        or_(LinkCode.issued_by_staff_id.is_(None), officer_in_force),
        is_still_owned(),
    )
    used = (
        await session.execute(
            update(LinkCode)
            .where(LinkCode.code_index == index, usable, ~linked)
            .values(used_at=func.now(), used_by_chat_id=chat_id)
            .returning(LinkCode.id, LinkCode.agreement_id, LinkCode.role, LinkCode.scope, LinkCode.valid_until)
            .execution_options(synchronize_session=False)
        )
    ).one_or_none()
    known = await session.scalar(
        select(LinkCode.agreement_id).where(
            LinkCode.code_index == index, linked, usable | (LinkCode.used_by_chat_id == chat_id)
        )
    )
    if used is not None:
        await record(session, Actor.chat(chat_id), "code.used", "link_code", [used.id])
        return [Grant(used.agreement_id, None, used.role, used.scope, used.valid_until, code_id=used.id)]
    return None if known is None else []
