"""Collective cases: one case, the master, with which many families' cases, its members, are answered.

Each member stays a case of its own, with its number, its clocks and its history. ``api.cases.together`` lets members
follow the master. Which families they are, only the office sees: to the others they are a number.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import AgreementUnit
from api.audit.service import Actor, record
from api.cases.lifecycle import BEFORE_ANSWER, BEING_WORKED_ON
from api.cases.models import Case, CaseEvent
from api.cases.queries import SUBJECT, UNIT_ID, families_of
from api.cases.schemas import CaseActor, CaseCategory, CaseEventKind, CaseState, Join, Merge, SplitOff, Unmerge
from api.chats.access import AGREEMENT_ID, CHAT_ID, live_links
from api.errors import InvalidInput, NotFound
from api.estate.models import Unit
from api.lookups import LookUp, Reading

MAX_OWN = 5
"""Cases of one's own that are shown before another is filed."""
MAX_OFFERS = 3

GETS_ANSWER = (*BEING_WORKED_ON, CaseState.ANSWERED, CaseState.CLOSED)
"""Of a member: the next answer of its master reaches it, be it the first one or another. Who went on alone since is no
member any more."""
WITH_MASTER = (*BEFORE_ANSWER, CaseState.ANSWERED, CaseState.CLOSED)
"""Of a member: where its master goes, it goes."""

CATEGORY: Any = bindparam("category", None, type_=Case.category.type)


def _its_buildings(of: Any) -> Any:
    """Buildings that a case is about: its unit's, else those of its agreement."""
    held = select(AgreementUnit.unit_id).where(AgreementUnit.agreement_id == of.agreement_id).correlate(of)
    return (
        select(Unit.building_id)
        .where(or_(Unit.id == of.unit_id, and_(of.unit_id.is_(None), Unit.id.in_(held))))
        .correlate(of)
    )


def _is_offered(master: Any, buildings: Any) -> ColumnElement[bool]:
    """Whether the case is offered to who holds something in one of these buildings."""
    its_buildings = _its_buildings(master).where(Unit.building_id.in_(buildings))
    return and_(
        master.published_at.is_not(None),
        master.master_id.is_(None),
        master.state.in_(BEFORE_ANSWER),
        exists(its_buildings.correlate(master)),
    )


def _has_joined(chat_id: Any) -> ColumnElement[bool]:
    """Whether the ``Case`` has a member of this chat's."""
    joined = aliased(Case)
    return exists().where(joined.master_id == Case.id, joined.chat_id == chat_id, joined.state.in_(WITH_MASTER))


def _own() -> LookUp:
    mine = live_links()
    return LookUp(
        select(mine.c.agreement_id.label("id"), Case.number, Case.state, Case.category, Case.received_at)
        .select_from(mine.join(Case.__table__, Case.agreement_id == mine.c.agreement_id))
        .where(
            mine.c.agreement_id == AGREEMENT_ID,
            Case.chat_id == CHAT_ID,
            Case.category == CATEGORY,
            Case.state.in_(BEFORE_ANSWER),
        )
        .order_by(Case.id.desc())
        .limit(MAX_OWN),
        seen="cases.seen",
    )


def _offers() -> LookUp:
    """Not the chat's own, and none that it has joined."""
    mine = live_links()
    buildings = (
        select(Unit.building_id)
        .join(AgreementUnit, AgreementUnit.unit_id == Unit.id)
        .join(mine, mine.c.agreement_id == AgreementUnit.agreement_id)
        .where(mine.c.agreement_id == AGREEMENT_ID, or_(UNIT_ID.is_(None), Unit.id == UNIT_ID))
    )
    return LookUp(
        select(Case.id, Case.published_text, Case.published_at, families_of(Case).label("families"))
        .where(Case.category == CATEGORY, Case.chat_id != CHAT_ID, ~_has_joined(CHAT_ID), _is_offered(Case, buildings))
        .order_by(Case.published_at.desc(), Case.id)
        .limit(MAX_OFFERS)
    )


OWN = _own()
OFFERS = _offers()


async def look_up_similar(
    reading: Reading, chat_id: int, agreement_id: int, category: CaseCategory, unit_id: int | None
) -> dict[str, Any]:
    """``SimilarCases``: what the chat has filed already about this, and what other families of the building ask.

    Other chats of the same family are not told of: a complaint may be about a relative.

    Raises:
        NotFound: there is no such agreement or unit, or it is not this chat's.
    """
    if not await reading.rows(SUBJECT, chat_id=chat_id, agreement_id=agreement_id, unit_id=unit_id):
        raise NotFound
    asked = {"chat_id": chat_id, "agreement_id": agreement_id, "category": category}
    own = await reading.rows(OWN, **asked)
    offers = await reading.rows(OFFERS, **asked, unit_id=unit_id)
    return {
        "own": [{name: row[name] for name in ("number", "state", "category", "received_at")} for row in own],
        "collective": [
            {
                "id": row["id"],
                "text": reading.vault.open("case.published_text", row["published_text"]),
                "families": row["families"],
                "published_at": row["published_at"],
            }
            for row in offers
        ],
    }


REGROUPS = (Join, Merge, SplitOff, Unmerge)
"""Steps by which several cases get another master. Whoever takes one must hold them first."""


async def hold_collectives(session: AsyncSession) -> None:
    """For this transaction nobody else puts cases together or apart: two that are merged into each other at the same
    moment come one after the other. Also for who locks many cases: before the first."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('shanglou.collective_cases'))"))


async def find_offer(session: AsyncSession, collective_id: int, agreement_id: int, joins: Case | None = None) -> Case:
    """The collective case that who holds the agreement may join.

    Args:
        joins: the case that is to: it must be about the same, in the same building.

    Raises:
        NotFound: it is not offered to them, or not any more.
    """
    held = select(AgreementUnit.unit_id).where(AgreementUnit.agreement_id == agreement_id)
    about = Unit.id.in_(held) if joins is None or joins.unit_id is None else Unit.id == joins.unit_id
    offered = select(Case).where(Case.id == collective_id, _is_offered(Case, select(Unit.building_id).where(about)))
    if joins is not None:
        offered = offered.where(Case.category == joins.category)
    case = (await session.scalars(offered.execution_options(populate_existing=True))).one_or_none()
    if case is None:
        raise NotFound
    return case


async def has_joined(session: AsyncSession, collective_id: int, chat_id: int) -> bool:
    """Whether a chat is answered with a collective case already."""
    return await session.scalar(select(Case.id).where(Case.id == collective_id, _has_joined(chat_id))) is not None


async def named_master(session: AsyncSession, number: str) -> Case:
    """The case of a number, or the one that it is a member of.

    Raises:
        NotFound
    """
    numbered = (await session.scalars(select(Case).where(Case.number == number))).one_or_none()
    if numbered is None:
        raise NotFound
    return numbered if numbered.master_id is None else await session.get_one(Case, numbered.master_id)


async def find_master(session: AsyncSession, case: Case, fields: Join | Merge) -> Case:
    """What a case is to be answered with, locked until the transaction ends.

    Raises:
        NotFound: no such case, or it is not offered to this family, or not any more.
        InvalidInput: what the office named is the case itself, or answered already.
    """
    if isinstance(fields, Join):
        found = await find_offer(session, fields.collective_id, case.agreement_id, case)
    else:
        found = await named_master(session, fields.master)
    master = await session.get_one(Case, found.id, with_for_update={"key_share": True}, populate_existing=True)
    if master.id == case.id or master.master_id is not None or master.state not in BEFORE_ANSWER:
        if isinstance(fields, Join):
            raise NotFound
        raise InvalidInput(fields=[{"at": ["body", "step", "master"], "expected": "Another case that is open"}])
    return master


async def end_offer(session: AsyncSession, case: Case, actor: Actor, acted_as: CaseActor) -> None:
    """Its building is offered a case no longer, as a part of something else that is told already."""
    unpublished = CaseEvent(
        case_id=case.id,
        kind=CaseEventKind.UNPUBLISHED,
        actor_kind=actor.kind,
        actor_id=actor.id,
        acted_as=acted_as,
        from_state=case.state,
        to_state=case.state,
    )
    session.add(unpublished)
    case.published_at = case.published_text = None
    case.version += 1
    await session.flush()
    await record(session, actor, "case.unpublished", "case", [case.id])


async def members_of(session: AsyncSession, master_id: int, *which: ColumnElement[bool]) -> list[Case]:
    """Members that are open, answered or closed, in the order in which they came, locked."""
    rows = await session.scalars(
        select(Case)
        .where(Case.master_id == master_id, Case.state.in_(WITH_MASTER), *which)
        .order_by(Case.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(rows)
