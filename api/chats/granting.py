"""Links, which say what a chat may see: granted with a proof, ended by their chat, by an owner or by staff.

Nobody is let in unnoticed: every other chat that sees the agreement, or would if it were used, is told in the same
transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, any_, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.schemas import AgreementRef
from api.agreements.service import find_refs, former_refs
from api.audit.service import SYSTEM, Actor, record
from api.chats.liveness import is_live_link, is_rightful_link, is_still_owned
from api.chats.models import DISUSE_DAYS, Link
from api.chats.turns import take_away
from api.errors import NotFound
from api.identity.models import LinkCode
from api.identity.office_codes import end_office_codes
from api.identity.schemas import OWNERS, LinkMethod, LinkRole, LinkScope, LinkSuspension
from api.messages.schemas import EndedBy, LinkEnded, NewLink
from api.messages.service import enqueue_notices
from api.privacy import Vault

_STRENGTH = list(LinkRole)
NEW = (Link.id, Link.chat_id, Link.agreement_id, Link.role, Link.method, Link.scope, Link.linked_at)
"""What others are told of a link: see :func:`announce`."""
STANDS_AGAIN: dict[str, Any] = {"linked_at": func.now(), "suspended_at": None, "suspended_because": None}
"""For those who are told, it is as good as new."""


@dataclass(frozen=True)
class Grant:
    """What a proof gives a chat: an agreement, as whom, and by whose right (none: let in by a code, or by staff).

    ``valid_until``: its last day. ``phone_index``, ``code_id``: of the phone or the code that proved it; the link
    stands and falls with it.
    """

    agreement_id: int
    person_id: int | None
    role: LinkRole
    scope: LinkScope = LinkScope.EVERYTHING
    valid_until: date | None = None
    phone_index: bytes | None = None
    code_id: int | None = None


def scope_of(role: LinkRole) -> LinkScope:
    """What somebody whom the roll names as such may see. An heir is pending until staff have seen the papers and grant
    everything."""
    return LinkScope.PROGRESS if role is LinkRole.HEIR else LinkScope.EVERYTHING


def _shows_as_much(link: type[Link], scope: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(scope == LinkScope.EVERYTHING, link.scope == LinkScope.PROGRESS)


def adds_to(link: type[Link], scope: Any, valid_until: Any) -> ColumnElement[bool]:
    """Whether a code that gives this (columns) shows the link's chat more, or as much for longer. An owner needs none,
    and somebody whom the roll names needs one only to see more."""
    shows_more = and_(scope == LinkScope.EVERYTHING, link.scope == LinkScope.PROGRESS)
    lasts_longer = and_(link.valid_until.is_not(None), or_(valid_until.is_(None), valid_until > link.valid_until))
    as_much_for_longer = and_(_shows_as_much(link, scope), link.person_id.is_(None), lasts_longer)
    return and_(link.role.not_in(OWNERS), or_(shows_more, as_much_for_longer))


def _strength(role: Any) -> ColumnElement[int]:
    """The lower, the stronger."""
    return case({each.value: place for place, each in enumerate(_STRENGTH)}, value=role)


async def grant_links(
    session: AsyncSession,
    vault: Vault,
    chat_id: int,
    method: LinkMethod,
    grants: Sequence[Grant],
    today: date,
    *,
    disuse_days: int = DISUSE_DAYS,
    actor: Actor | None = None,
) -> list[int]:
    """Link the chat to what was granted, and tell the others who see it.

    A link that stands stays as it is, unless it rests on less: a relative or heir who proves to be an owner becomes
    one, and a code may show more; nothing takes away what is shown. What staff grant takes the place of all but an
    owner's. One that lapsed (suspended, disused, over) stands again.

    Args:
        actor: who grants it, where it is not the chat itself by its proof.

    Returns:
        Ids of the links that are new, or stand again, or rest on more now.
    """
    strongest: dict[int, Grant] = {}
    for grant in sorted(grants, key=lambda grant: _STRENGTH.index(grant.role)):
        strongest.setdefault(grant.agreement_id, grant)
    dates = {"used_on": today, "expires_on": today + timedelta(days=disuse_days)}
    insertion = insert(Link).values(
        [{"chat_id": chat_id, "method": method} | dates | asdict(grant) for grant in strongest.values()]
    )
    new = insertion.excluded
    confirmed_heir = and_(Link.person_id == new.person_id, Link.role == new.role, Link.scope == LinkScope.EVERYTHING)
    changes: dict[str, Any] = {
        name: new[name]
        for name in ("person_id", "role", "method", "valid_until", "phone_index", "code_id", "used_on", "expires_on")
    }
    changes["scope"] = new.scope if actor is not None else case((confirmed_heir, Link.scope), else_=new.scope)
    changes |= STANDS_AGAIN
    stronger = _strength(new.role) < _strength(Link.role)
    by_proof = and_(new.person_id.is_not(None), _shows_as_much(Link, new.scope), Link.person_id.is_(None) | stronger)
    by_code = and_(new.code_id.is_not(None), adds_to(Link, new.scope, new.valid_until))
    by_staff = or_(Link.person_id.is_(None), Link.role.not_in(OWNERS), stronger)
    granted = (
        await session.execute(
            insertion.on_conflict_do_update(
                index_elements=["chat_id", "agreement_id"],
                index_where=Link.revoked_at.is_(None),
                set_=changes,
                where=or_(or_(by_proof, by_code) if actor is None else by_staff, ~is_live_link(today)),
            ).returning(*NEW)
        )
    ).all()
    guests = await _bring_back_guests(session, chat_id, [link.agreement_id for link in granted if link.role in OWNERS])
    await announce(session, vault, [*granted, *guests], today)
    ids = [link.id for link in granted]
    await record(session, actor or Actor.chat(chat_id), "link.created", "link", ids)
    await record(session, SYSTEM, "link.restored", "link", [link.id for link in guests])
    return ids


async def _bring_back_guests(session: AsyncSession, chat_id: int, agreement_ids: Sequence[int]) -> Sequence[Any]:
    """Whom the chat, an owner's, let in with codes, and who fell with the phone by which it had proved who it is, stand
    again now that it has done so anew."""
    codes = select(LinkCode.id).where(LinkCode.issued_by_chat_id == chat_id, is_still_owned())
    restored = await session.execute(
        update(Link)
        .where(
            Link.suspended_because == LinkSuspension.ISSUER_SUSPENDED,
            Link.revoked_at.is_(None),
            Link.agreement_id.in_(agreement_ids),
            Link.code_id.in_(codes),
        )
        .values(**STANDS_AGAIN)
        .returning(*NEW)
        .execution_options(synchronize_session=False)
    )
    return restored.all()


async def announce(session: AsyncSession, vault: Vault, links: Sequence[Any], today: date) -> None:
    """Tell every other chat that sees their agreements of new links (rows of ``NEW``). Whose own link is only disused
    is told too, though nothing that they could not see: it may be the holder whose home somebody takes over."""
    if not links:
        return
    watching: defaultdict[int, list[Any]] = defaultdict(list)
    wanted = literal(list({link.agreement_id for link in links}), ARRAY(BigInteger))
    for other in await session.execute(
        select(Link.chat_id, Link.agreement_id, Link.role, Link.scope, is_live_link(today).label("sees")).where(
            Link.agreement_id == any_(wanted), is_rightful_link(today)
        )
    ):
        watching[other.agreement_id].append(other)
    pairs = [(link, other) for link in links for other in watching[link.agreement_id] if other.chat_id != link.chat_id]
    seeing = [(link, other) for link, other in pairs if other.sees]
    away = [(link, other) for link, other in pairs if not other.sees]
    refs = {
        scope: await find_refs(
            session, vault, {other.agreement_id for _, other in seeing}, progress_only=scope is LinkScope.PROGRESS
        )
        for scope in {other.scope for _, other in seeing}
    }
    await enqueue_notices(
        session,
        vault,
        [
            (other.chat_id, _news(link, refs[other.scope][link.agreement_id], can_end=other.role in OWNERS))
            for link, other in seeing
        ],
    )
    former = await former_refs(session, [(other.agreement_id, other.scope) for _, other in away])
    await enqueue_notices(
        session,
        vault,
        [(other.chat_id, _news(link, former[link.agreement_id, other.scope], can_end=False)) for link, other in away],
        even_if_lapsed=True,
    )


def _news(link: Any, agreement: AgreementRef, *, can_end: bool) -> NewLink:
    return NewLink(
        agreement=agreement,
        link_id=link.id,
        role=link.role,
        method=link.method,
        scope=link.scope,
        linked_at=link.linked_at,
        can_end=can_end,
    )


async def end_link(session: AsyncSession, vault: Vault, chat_id: int, link_id: int, today: date) -> None:
    """End one's own link, or, as an owner, another chat's link to one's agreement.

    Whom that other chat let in with a code goes with it: somebody who got in by deceit does not stay through a second
    account.

    Raises:
        NotFound: there is no such link, or it is not for this chat to end.
    """
    mine = aliased(Link)
    owns = exists().where(
        mine.chat_id == chat_id,
        mine.agreement_id == Link.agreement_id,
        mine.role.in_(OWNERS),
        is_live_link(today, mine),
    )
    by_chat: dict[str, Any] = {"revoked_by_chat_id": chat_id}
    ended = await _end(session, Link.id == link_id, or_(Link.chat_id == chat_id, owns), **by_chat)
    if not ended:
        raise NotFound
    if ended[0].chat_id != chat_id:
        ended += await _end(session, *_let_in_by(ended[0]), Link.chat_id != chat_id, **by_chat)
    others = [link for link in ended if link.chat_id != chat_id]
    await _tell_ended(session, vault, others, EndedBy.OWNER)
    await record(session, Actor.chat(chat_id), "link.ended", "link", [link.id for link in ended])


async def end_all_links(session: AsyncSession, vault: Vault, chat_id: int) -> int:
    """End every link of a chat that is to be forgotten, and, as when an owner shuts it out, those of whom it let in
    with codes: when it is gone, nobody could tell any more by whose leave they see the home. They are told.

    Returns:
        How many links ended.
    """
    by_chat: dict[str, Any] = {"revoked_by_chat_id": chat_id}
    ended = await _end(session, Link.chat_id == chat_id, **by_chat)
    codes = select(LinkCode.id).where(LinkCode.issued_by_chat_id == chat_id)
    let_in = await _end(session, Link.code_id.in_(codes), Link.chat_id != chat_id, **by_chat)
    await _tell_ended(session, vault, let_in, EndedBy.OWNER)
    ended += let_in
    await record(session, Actor.chat(chat_id), "link.ended", "link", [link.id for link in ended])
    return len(ended)


async def revoke_link_by_staff(session: AsyncSession, vault: Vault, staff_id: int, link_id: int) -> None:
    """End a link, and those that its chat let in with codes; each of the chats is told. Codes of the office for this
    agreement that nobody has used end with it. Whoever holds the papers can prove anew who they are.

    Raises:
        NotFound: there is no such link, or it is ended already.
    """
    by_staff: dict[str, Any] = {"revoked_by_staff_id": staff_id}
    ended = await _end(session, Link.id == link_id, **by_staff)
    if not ended:
        raise NotFound
    ended += await _end(session, *_let_in_by(ended[0]), **by_staff)
    # Who was shut out may have another of the office's codes.
    await end_office_codes(session, Actor.staff(staff_id), LinkCode.agreement_id == ended[0].agreement_id)
    await _tell_ended(session, vault, ended, EndedBy.STAFF)
    await record(session, Actor.staff(staff_id), "link.ended", "link", [link.id for link in ended])


async def _end(session: AsyncSession, *which: ColumnElement[bool], **by: Any) -> list[Any]:
    await take_away(session)
    ended = await session.execute(
        update(Link)
        .where(Link.revoked_at.is_(None), *which)
        .values(revoked_at=func.now(), **by)
        .returning(Link.id, Link.chat_id, Link.agreement_id, Link.scope)
        .execution_options(synchronize_session=False)
    )
    return list(ended.all())


def _let_in_by(link: Any) -> tuple[ColumnElement[bool], ...]:
    codes = select(LinkCode.id).where(LinkCode.issued_by_chat_id == link.chat_id)
    return Link.agreement_id == link.agreement_id, Link.code_id.in_(codes)


async def _tell_ended(session: AsyncSession, vault: Vault, links: Iterable[Any], by: EndedBy) -> None:
    ended = list(links)
    refs = await former_refs(session, [(link.agreement_id, link.scope) for link in ended])
    await enqueue_notices(
        session,
        vault,
        [(link.chat_id, LinkEnded(agreement=refs[link.agreement_id, link.scope], by=by)) for link in ended],
    )
