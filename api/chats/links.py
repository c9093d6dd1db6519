"""The links that a chat may know of."""

from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.agreements.queries import ref_columns, seen_by
from api.agreements.schemas import AgreementKind
from api.agreements.service import former_ref
from api.audit.service import Actor, record
from api.chats.access import CHAT_ID, TODAY, live_links
from api.chats.liveness import is_live_link, lapse
from api.chats.models import Link
from api.identity.documents import mask_name, mask_phone
from api.identity.models import Person, PersonPhone
from api.identity.schemas import OWNERS, LinkScope
from api.lookups import LookUp, Reading, Row
from api.privacy import Vault

# Of the person whom the link names; the holder's name comes with the agreement.
_who = Person.__table__.alias("who")


def _links() -> LookUp:
    mine = live_links(LinkScope.PROGRESS)
    return LookUp(
        select(
            *ref_columns(),
            mine.c.scope,
            Link.id.label("link_id"),
            Link.chat_id,
            Link.role,
            Link.scope.label("link_scope"),
            Link.method,
            Link.linked_at,
            Link.used_on,
            func.least(Link.valid_until, Party.valid_until).label("valid_until"),
            _who.c.name.label("name"),
            PersonPhone.phone,
        )
        .select_from(
            mine.join(Link.__table__, Link.agreement_id == mine.c.agreement_id)
            .join(Agreement.__table__, Agreement.id == Link.agreement_id)
            .outerjoin(Party.__table__, (Party.agreement_id == Link.agreement_id) & (Party.person_id == Link.person_id))
            .outerjoin(_who, _who.c.id == Link.person_id)
            .outerjoin(
                PersonPhone.__table__,
                (PersonPhone.person_id == Link.person_id) & (PersonPhone.phone_index == Link.phone_index),
            )
        )
        .where(is_live_link(TODAY), or_(Link.chat_id == CHAT_ID, mine.c.role.in_(OWNERS)))
        .order_by(Link.chat_id != CHAT_ID, Link.agreement_id, Link.id),
        seen="links.seen",
    )


def _lapsed() -> LookUp:
    """The chat's own links that nobody ended and that show nothing. Not from the live links: it is these that are
    missing there, and all that is shown of them is which agreement it was."""
    return LookUp(
        select(Link.id, Link.agreement_id, Link.scope, Agreement.number, Agreement.kind, lapse(TODAY).label("because"))
        .join(Agreement, Agreement.id == Link.agreement_id)
        .where(Link.chat_id == CHAT_ID, Link.revoked_at.is_(None), ~is_live_link(TODAY))
        .order_by(Link.id)
    )


LINKS = _links()
LAPSED = _lapsed()


def _known_by(vault: Vault, chat_id: int, row: Row) -> dict[str, str | None]:
    """What tells one account from another, as far as the roll has it, masked."""
    name, phone = (row["name"], row["phone"]) if row["chat_id"] != chat_id else (None, None)
    return {
        "name": None if name is None else mask_name(vault.open("person.name", name)),
        "phone": None if phone is None else mask_phone(vault.open("person.phone", phone)),
    }


def _links_out(vault: Vault, chat_id: int, rows: list[Row], lapsed: list[Row]) -> dict[str, Any]:
    return {
        "links": [
            {
                "id": row["link_id"],
                "agreement": seen_by(vault, row),
                "role": row["role"],
                "scope": row["link_scope"],
                "method": row["method"],
                "linked_at": row["linked_at"],
                "used_on": row["used_on"],
                "valid_until": row["valid_until"],
                "this_chat": row["chat_id"] == chat_id,
                **_known_by(vault, chat_id, row),
            }
            for row in rows
        ],
        "lapsed": [
            {
                "id": row["id"],
                "agreement": former_ref(
                    row["agreement_id"], row["number"], AgreementKind(row["kind"]), LinkScope(row["scope"])
                ).model_dump(mode="json"),
                "because": row["because"],
            }
            for row in lapsed
        ],
    }


async def list_links(reading: Reading, chat_id: int) -> dict[str, Any]:
    """The chat's own live links and, of agreements that it owns, those of other chats; own ones first. As
    :class:`api.identity.schemas.LinksOut`."""
    rows = await reading.rows(LINKS, chat_id=chat_id)
    lapsed = await reading.rows(LAPSED, chat_id=chat_id)
    await reading.seen(Actor.chat(chat_id), "links.seen", [row["agreement_id"] for row in lapsed])
    return _links_out(reading.vault, chat_id, rows, lapsed)


async def list_links_within(session: AsyncSession, vault: Vault, chat_id: int, today: date) -> dict[str, Any]:
    """The same within a transaction that has begun."""
    rows = await LINKS.in_transaction(session, chat_id=chat_id, today=today)
    lapsed = await LAPSED.in_transaction(session, chat_id=chat_id, today=today)
    seen = dict.fromkeys([*(row["id"] for row in rows), *(row["agreement_id"] for row in lapsed)])
    await record(session, Actor.chat(chat_id), "links.seen", "agreement", seen)
    return _links_out(vault, chat_id, rows, lapsed)
