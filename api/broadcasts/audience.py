"""Whom a broadcast is for: its rule as one select over the pairs of a chat and an agreement that it sees today.

What a rule asks of an agreement is looked up in lists (``id IN (SELECT …)``): read once each, whatever the rule is made
of. They must fit in memory, else PostgreSQL reads them anew for each pair: see :func:`make_room`.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
    tuple_,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, AgreementUnit, Registration
from api.broadcasts.facts import News, news_of
from api.broadcasts.models import Broadcast, ImportChange, Mute
from api.broadcasts.schemas import (
    AllOf,
    AnyOf,
    AtStage,
    Everybody,
    HandedOver,
    InArrears,
    InBuilding,
    InEntrance,
    InParcel,
    InPhase,
    InProject,
    NewsKind,
    Not,
    Numbered,
    OfKind,
    Operation,
    Placeholder,
    ReachedBy,
    Rule,
    Speaks,
    Topic,
    TouchedBy,
)
from api.broadcasts.values import lacks
from api.chats.liveness import is_live_link
from api.chats.models import Chat, HandoverWatch, Link
from api.estate.models import Building, Phase, Unit
from api.identity.documents import normalise_agreement_number
from api.identity.schemas import LinkScope
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState
from api.money.models import LedgerEntry
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState

Condition = ColumnElement[bool]
SEEN: FromClause = Link.__table__.join(Agreement.__table__, Agreement.id == Link.agreement_id).outerjoin(
    Chat.__table__, Chat.id == Link.chat_id
)
"""What the conditions here look at. A chat that has left nothing yet has no row of its own."""
Language = Callable[[Speaks, bool], Condition]
"""What a rule about languages comes to; the second argument tells whether it stands below an odd number of "not"."""


async def make_room(session: AsyncSession) -> None:
    """Let the lists of a rule fit in memory, for the rest of the transaction: 64 bytes for each of a million families.
    To be called before a statement of this module."""
    await session.execute(text("SET LOCAL work_mem = '64MB'"))


def recipients(
    rule: Rule,
    today: date,
    topic: Topic,
    *,
    complete: Collection[Placeholder] = (),
    import_id: int | None = None,
) -> Select[*tuple[Any, ...]]:
    """``chat_id`` and ``agreement_ids`` (in order) of those who get it: one row a chat. Chats that are gone are left
    out, and those that do not want the topic.

    Args:
        complete: values without which an agreement is left out (``Missing.LEAVE_OUT``).
        import_id: the load of a roll that made the draft.
    """
    found = pairs(rule, today, topic, complete=complete, import_id=import_id).subquery("found")
    return select(
        found.c.chat_id,
        func.array_agg(aggregate_order_by(found.c.agreement_id, found.c.agreement_id)).label("agreement_ids"),
    ).group_by(found.c.chat_id)


def pairs(
    rule: Rule,
    today: date,
    topic: Topic,
    *,
    complete: Collection[Placeholder] = (),
    import_id: int | None = None,
) -> Select[*tuple[Any, ...]]:
    """The same as rows of one ``chat_id`` and one ``agreement_id``."""
    news = news_of(rule, import_id)
    wanted = [is_reachable(today), of_rule(rule), ~has_muted(topic, news)]
    wanted += [~lacks(placeholder, news) for placeholder in sorted(complete)]
    return select(Link.chat_id, Link.agreement_id).select_from(SEEN).where(*wanted)


def corrected(of_id: int, *, since: datetime | None = None) -> Select[*tuple[Any, ...]]:
    """``chat_id``, ``agreement_ids`` and ``message_id`` of what a broadcast has sent, for a correction.

    Args:
        since: only what was sent since then (Telegram deletes nothing that is older than 48 hours).
    """
    sent = (
        select(Delivery.chat_id, Delivery.agreement_ids, Delivery.message_id)
        .outerjoin(Chat, Chat.id == Delivery.chat_id)
        .where(
            Delivery.broadcast_id == of_id,
            Delivery.state == DeliveryState.SENT,
            Delivery.message_id.is_not(None),
            Chat.gone_at.is_(None),
        )
    )
    return sent if since is None else sent.where(Delivery.finished_at >= since)


def is_reachable(today: date) -> Condition:
    """Of a ``Link`` with its ``Chat`` (or none, where it has left nothing yet): it is live, and messages arrive."""
    return and_(is_live_link(today), Chat.gone_at.is_(None))


def has_muted(topic: Topic, news: News) -> Condition:
    """Of a ``Link``. Legal notices cannot be muted. Nor is a handover date of which a chat has asked to be told when it
    changes: the page of the handover promises that, for as long as the wish stands there.

    Args:
        news: what is told of a load of a roll.
    """
    if topic is Topic.LEGAL:
        return false()
    muted = Link.chat_id.in_(select(Mute.chat_id).where(Mute.topic == topic))
    loads = [load for load, kind in news if kind is NewsKind.FORECAST]
    if not loads:
        return muted
    touched = select(ImportChange.agreement_id).where(
        ImportChange.kind == NewsKind.FORECAST, ImportChange.import_id.in_(loads)
    )
    watched = select(HandoverWatch.chat_id, HandoverWatch.agreement_id).where(HandoverWatch.agreement_id.in_(touched))
    return and_(muted, tuple_(Link.chat_id, Link.agreement_id).not_in(watched))


def of_rule(rule: Rule) -> Condition:
    """Of a ``Link`` with its ``Agreement`` and ``Chat``: whether the rule means this pair."""
    is_meant = _condition(rule, lambda asked, _: func.coalesce(Chat.locale.in_(asked.locales), false()), negated=False)
    return and_(_shows_enough(rule), is_meant)


def _shows_enough(rule: Rule) -> Condition:
    """Of a ``Link``: who is written to because of money or registration learns of it by that alone, also where the rule
    says "not". So it is for nobody who sees the progress alone."""
    return Link.scope == LinkScope.EVERYTHING if _tells_more(rule) else true()


def _tells_more(rule: Rule) -> bool:
    match rule:
        case AllOf(of=rules) | AnyOf(of=rules):
            return any(_tells_more(part) for part in rules)
        case Not(of=part):
            return _tells_more(part)
        case TouchedBy(kind=kind):
            return kind not in (NewsKind.FORECAST, NewsKind.MILESTONE)
        case _:
            return isinstance(rule, InArrears | AtStage)


def families(rule: Rule, today: date) -> Select[*tuple[Any, ...]]:
    """``agreement_id`` and ``reachable`` of the agreements that a rule means: those of a pair that it means, and those
    without a chat that can be reached, of which no language is known: each rule about it is taken to be met."""
    possible = _condition(rule, lambda _, negated: false() if negated else true(), negated=False)
    its_chats = Link.__table__.outerjoin(Chat.__table__, Chat.id == Link.chat_id)
    on = and_(Link.agreement_id == Agreement.id, is_reachable(today), _shows_enough(rule))
    reachable = func.count(Link.id) > 0
    return (
        select(Agreement.id.label("agreement_id"), reachable.label("reachable"))
        .select_from(Agreement.__table__.outerjoin(its_chats, on))
        .where(possible)
        .group_by(Agreement.id)
        .having(or_(~reachable, func.bool_or(of_rule(rule))))
    )


def reached(broadcast_id: int, *, or_will_be: bool = False) -> Select[*tuple[Any, ...]]:
    """Agreements of which a chat got a broadcast, or one that sent it once more; ``or_will_be``: or for which it still
    waits to be sent."""
    states = (DeliveryState.SENT, DeliveryState.WAITING) if or_will_be else (DeliveryState.SENT,)
    the_same = union(
        select(Broadcast.id).where(Broadcast.id == broadcast_id),
        select(Broadcast.id).where(Broadcast.of_id == broadcast_id, Broadcast.operation == Operation.SEND),
    )
    return select(func.unnest(Delivery.agreement_ids, type_=BigInteger)).where(
        Delivery.broadcast_id.in_(the_same), Delivery.state.in_(states)
    )


def _condition(rule: Rule, language: Language, *, negated: bool) -> Condition:
    match rule:
        case AllOf(of=rules):
            return and_(*(_condition(part, language, negated=negated) for part in rules))
        case AnyOf(of=rules):
            return or_(*(_condition(part, language, negated=negated) for part in rules))
        case Not(of=part):
            return not_(_condition(part, language, negated=not negated))
        case Speaks():
            return language(rule, negated)
        case _:
            return _of_agreement(rule, negated=negated)


def _of_agreement(rule: Any, *, negated: bool) -> Condition:
    match rule:
        case Everybody():
            return true()
        case InProject(id=project_id):
            return Agreement.project_id == project_id
        case InParcel() | InPhase() | InBuilding() | InEntrance():
            return _in_place(rule)
        case OfKind(kind=kind):
            return Agreement.kind == kind
        case HandedOver(value=value):
            return Agreement.handed_over == value
        case InArrears(value=value):
            owed = select(LedgerEntry.agreement_id).where(
                LedgerEntry.kind == LedgerKind.TRANSITION_FEE,
                LedgerEntry.direction == LedgerDirection.TO_HOUSEHOLD,
                LedgerEntry.state == LedgerState.DUE,
            )
            return _is(Agreement.id.in_(owed), value)
        case AtStage(kind=kind, stages=stages):
            return Agreement.id.in_(
                select(Registration.agreement_id).where(Registration.kind == kind, Registration.stage.in_(stages))
            )
        case Numbered(numbers=numbers):
            keys = literal(sorted({normalise_agreement_number(number) for number in numbers}), ARRAY(Text))
            return Agreement.number_key.in_(select(func.unnest(keys, type_=Text)))
        case ReachedBy(broadcast_id=broadcast_id, value=value):
            # Whom it did not reach, and will not: nobody is told twice.
            return _is(Agreement.id.in_(reached(broadcast_id, or_will_be=value is negated)), value)
        case TouchedBy(import_id=import_id, kind=kind):
            return Agreement.id.in_(
                select(ImportChange.agreement_id).where(ImportChange.import_id == import_id, ImportChange.kind == kind)
            )
    raise TypeError(f"no such rule: {type(rule).__name__}")


def _in_place(rule: InParcel | InPhase | InBuilding | InEntrance) -> Condition:
    """One of its homes is there."""
    homes = select(AgreementUnit.agreement_id).join(Unit, Unit.id == AgreementUnit.unit_id)
    match rule:
        case InBuilding(id=building_id):
            homes = homes.where(Unit.building_id == building_id)
        case InEntrance(building_id=building_id, entrance=entrance):
            homes = homes.where(Unit.building_id == building_id, Unit.entrance == entrance)
        case InPhase(id=phase_id):
            homes = homes.join(Building, Building.id == Unit.building_id).where(Building.phase_id == phase_id)
        case InParcel(id=parcel_id):
            homes = (
                homes.join(Building, Building.id == Unit.building_id)
                .join(Phase, Phase.id == Building.phase_id)
                .where(Phase.parcel_id == parcel_id)
            )
    return Agreement.id.in_(homes)


def _is(condition: Condition, value: bool) -> Condition:
    return condition if value else not_(condition)
