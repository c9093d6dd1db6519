"""What a new roll does to links: it suspends those that it no longer supports, and links people to what it newly gives
them. A few statements for all households at once."""

from datetime import date

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Party
from api.agreements.service import former_refs
from api.audit.service import SYSTEM, record
from api.chats.granting import NEW, announce, scope_of
from api.chats.liveness import is_live_link, is_live_party, is_still_owned
from api.chats.models import Link
from api.chats.turns import take_away_after_long_work
from api.identity.models import LinkCode, PersonPhone
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, LinkSuspension
from api.messages.schemas import LinkSuspended
from api.messages.service import enqueue_notices
from api.privacy import Vault


async def settle_links(session: AsyncSession, vault: Vault, today: date) -> tuple[int, int]:
    """Suspend every link that the rolls no longer support, and let those stand again that they support once more. Its
    chat is told of the former, everybody else who sees the agreement of the latter.

    A link rests on the person who proved it and, where a phone was the proof, on that phone being theirs; one by a code
    rests on those in whose name the code was issued, and on what its issuer proved: when none of them owns the
    agreement any more, the code's guests do not see the home of the next family. Until the transaction ends, nobody is
    let in.

    Returns:
        How many were suspended, and how many stand again.
    """
    await take_away_after_long_work(session)
    # What the rolls say against each link that nobody ended.
    is_party = exists().where(Party.agreement_id == Link.agreement_id, Party.person_id == Link.person_id)
    replaced = literal(LinkSuspension.HOLDER_REPLACED.value, Text)
    against = case(
        (Link.person_id.is_not(None) & ~is_party, replaced),
        (~is_still_owned(), replaced),
        (_lost_its_phone(Link), literal(LinkSuspension.PHONE_REMOVED.value, Text)),
        (_issuer_lost_their_phone(), literal(LinkSuspension.ISSUER_SUSPENDED.value, Text)),
    )
    in_use = (Link.expires_on > today) & or_(Link.valid_until.is_(None), Link.valid_until >= today)
    told = (
        select(
            Link.id,
            against.label("against"),
            cast(Link.suspended_because, Text).label("before"),
            in_use.label("in_use"),
        )
        .outerjoin(LinkCode, (LinkCode.id == Link.code_id) & Link.person_id.is_(None))
        .where(Link.revoked_at.is_(None))
        .subquery("told")
    )
    changed = (
        await session.execute(
            update(Link)
            .where(Link.id == told.c.id, told.c.against.is_distinct_from(told.c.before))
            .values(
                suspended_at=case((told.c.against.is_(None), None), else_=func.coalesce(Link.suspended_at, func.now())),
                suspended_because=told.c.against,
                # For those who are told of it, one that stands again is as good as new.
                linked_at=case((told.c.against.is_(None), func.now()), else_=Link.linked_at),
            )
            .returning(*NEW, told.c.against, told.c.before, told.c.in_use)
            .execution_options(synchronize_session=False)
        )
    ).all()
    suspended = [link for link in changed if link.before is None]
    restored = [link for link in changed if link.against is None]
    # A link that had lapsed by itself showed nothing to begin with.
    missed = [link for link in suspended if link.in_use]
    refs = await former_refs(session, [(link.agreement_id, link.scope) for link in missed])
    await enqueue_notices(
        session,
        vault,
        [
            (
                link.chat_id,
                LinkSuspended(agreement=refs[link.agreement_id, link.scope], because=LinkSuspension(link.against)),
            )
            for link in missed
        ],
    )
    await announce(session, vault, [link for link in restored if link.in_use], today)
    await record(session, SYSTEM, "link.suspended", "link", [link.id for link in suspended])
    await record(session, SYSTEM, "link.restored", "link", [link.id for link in restored])
    return len(suspended), len(restored)


def _lost_its_phone(link: type[Link]) -> ColumnElement[bool]:
    """The phone that proved it is no longer its person's."""
    is_theirs = exists().where(PersonPhone.person_id == link.person_id, PersonPhone.phone_index == link.phone_index)
    return link.phone_index.is_not(None) & ~is_theirs


def _issuer_lost_their_phone() -> ColumnElement[bool]:
    """Whoever issued the code had proved who they are by a phone that is theirs no longer, and has not done so anew:
    who got in with somebody's old number does not stay through a second account. Also where they have left since."""
    lost, standing = aliased(Link), aliased(Link)
    by_issuer = [
        and_(link.chat_id == LinkCode.issued_by_chat_id, link.agreement_id == LinkCode.agreement_id)
        for link in (lost, standing)
    ]
    return exists().where(by_issuer[0], _lost_its_phone(lost)) & ~exists().where(
        by_issuer[1], standing.revoked_at.is_(None), ~_lost_its_phone(standing)
    )


async def extend_links(session: AsyncSession, vault: Vault, today: date) -> int:
    """Link chats to what the rolls have newly given to the people who proved who they are in them, and tell the others
    who see it.

    A link that was ended stays ended: only a new proof brings it back.

    Args:
        today: in the office's time zone.

    Returns:
        How many links were added.
    """
    present = aliased(Link)
    rank = case({role.value: position for position, role in enumerate(LinkRole)}, value=Party.role)
    heir = cast(Party.role, Text) == LinkRole.HEIR.value
    missing = (
        select(
            Link.chat_id,
            Party.agreement_id,
            Party.person_id,
            Party.role,
            case((heir, scope_of(LinkRole.HEIR).value), else_=LinkScope.EVERYTHING.value),
            Link.method,
            Link.phone_index,
            Link.used_on,
            Link.expires_on,
        )
        .join(Party, Party.person_id == Link.person_id)
        .where(
            is_live_link(today),
            is_live_party(today),
            # Whom the office let in for less than the roll says has that, and no more.
            or_(Link.method != LinkMethod.OFFICE, Link.valid_until.is_(None) & (Link.scope == LinkScope.EVERYTHING)),
            ~exists().where(present.chat_id == Link.chat_id, present.agreement_id == Party.agreement_id),
        )
        .ext(distinct_on(Link.chat_id, Party.agreement_id))
        .order_by(Link.chat_id, Party.agreement_id, rank, Link.id)
    )
    columns = [
        *("chat_id", "agreement_id", "person_id", "role", "scope", "method", "phone_index", "used_on", "expires_on")
    ]
    added = (
        await session.execute(insert(Link).from_select(columns, missing).on_conflict_do_nothing().returning(*NEW))
    ).all()
    await announce(session, vault, added, today)
    await record(session, SYSTEM, "link.created", "link", [link.id for link in added])
    return len(added)
