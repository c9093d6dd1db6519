"""Drafts that a load of a roll makes: one for each kind of news, to exactly the families that it touches.

They are made in the transaction of the load, so that no load is without them and none is told that was taken back. From
then on they are like any other: the office reads and changes them, and they are approved by another person where their
number asks for it. Nothing of a load is sent by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcasts.schemas import Body, BroadcastNew, Missing, NewsKind, Topic, TouchedBy
from api.broadcasts.service import BY_OPERATOR, create
from api.messages.schemas import DraftsWait, WaitingDraft
from api.messages.service import enqueue_notice
from api.privacy import Vault
from api.staff.models import StaffAccount
from api.staff.queries import chats_of
from api.staff.schemas import StaffRole

NewsBodies = Mapping[NewsKind, Mapping[str, Body]]
"""What is said of each kind of news, by language. The words are the caller's: the API has none."""

TOPICS = MappingProxyType(
    {
        NewsKind.FORECAST: Topic.HANDOVER,
        NewsKind.MILESTONE: Topic.PROGRESS,
        NewsKind.PAYMENT: Topic.PAYMENTS,
        NewsKind.REGISTRATION: Topic.REGISTRATION,
    }
)


@dataclass(frozen=True)
class Touched:
    """Whom a load of a roll touches: families by kind of news."""

    import_id: int
    source: str
    as_of: date
    families: Mapping[NewsKind, int]


async def draft_news(session: AsyncSession, vault: Vault, loads: Sequence[Touched], bodies: NewsBodies) -> None:
    """A draft for each kind of news of each load, and word of it to those who publish."""
    drafts = []
    for load in loads:
        for kind, families in load.families.items():
            new = BroadcastNew(
                topic=TOPICS[kind],
                audience=TouchedBy(import_id=load.import_id, kind=kind),
                bodies=dict(bodies[kind]),
                # Who may see the progress alone is told no sums, and what a later load took back nobody.
                missing=Missing.LEAVE_OUT,
            )
            draft, _ = await create(session, BY_OPERATOR, new)
            draft.import_id = load.import_id
            drafts.append(
                WaitingDraft(broadcast_id=draft.id, news=kind, families=families, source=load.source, as_of=load.as_of)
            )
    if drafts:
        publishers = await chats_of(session, StaffAccount.roles.contains([StaffRole.PUBLISHER.value]))
        await enqueue_notice(session, vault, publishers, DraftsWait(drafts=drafts))
