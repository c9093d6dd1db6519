"""How many an audience is, as it stands now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, any_, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.broadcasts.audience import (
    SEEN,
    corrected,
    families,
    has_muted,
    is_reachable,
    make_room,
    of_rule,
    pairs,
)
from api.broadcasts.facts import News, news_of
from api.broadcasts.schemas import (
    AudienceCount,
    Body,
    BroadcastIn,
    LanguageCount,
    Missing,
    MissingCount,
    Operation,
    Placeholder,
    Rule,
)
from api.broadcasts.values import lacks
from api.chats.models import Chat, Link
from locales import templates

DELETABLE = timedelta(hours=48)
"""Telegram deletes no message that is older."""
FIRST_NUMBERS = 20


@dataclass(frozen=True)
class Asked:
    """What is counted: a broadcast's content, and what it does to which other one."""

    content: BroadcastIn
    operation: Operation = Operation.SEND
    of_id: int | None = None
    import_id: int | None = None

    @property
    def rule(self) -> Rule | None:
        """Corrections go to whom the other one was sent."""
        return self.content.audience if self.operation is Operation.SEND else None

    def used(self) -> list[Placeholder]:
        """The known placeholders of its bodies, in the order of the contract."""
        if self.operation is Operation.DELETE:
            return []
        names = frozenset[str]().union(*(templates.used(body.text) for body in self.content.bodies.values()))
        return [placeholder for placeholder in Placeholder if placeholder.value in names]

    def complete(self) -> list[Placeholder]:
        """Those without which a reader is left out. What was wrong is corrected for everybody."""
        leaves_out = self.operation is Operation.SEND and self.content.missing is Missing.LEAVE_OUT
        return self.used() if leaves_out else []

    def news(self) -> News:
        return news_of(self.content.audience, self.import_id)


def body_of(locale: str | None, bodies: Mapping[str, Body], fallback: str) -> str | None:
    """Which body a reader of that language gets: of the language, of it without its region, else the fallback."""
    wanted = (locale or "").replace("-", "_")
    for name in (wanted, wanted.partition("_")[0], fallback):
        if name in bodies:
            return name
    return None


def whom(asked: Asked, today: date, now: datetime) -> Select[*tuple[Any, ...]] | None:
    """A row with ``chat_id`` for each pair that gets it; None: nobody was chosen yet."""
    if asked.operation is Operation.SEND:
        if asked.rule is None:
            return None
        complete = asked.complete()
        return pairs(asked.rule, today, asked.content.topic, complete=complete, import_id=asked.import_id)
    if asked.of_id is None:
        return None
    if asked.operation is Operation.DELETE:
        return corrected(asked.of_id, since=now - DELETABLE)
    return _of_a_correction(asked, today)


async def count_chats(session: AsyncSession, asked: Asked, today: date, now: datetime, *, most: int) -> int:
    """Chats that get it; counted no further than ``most``."""
    statement = whom(asked, today, now)
    if statement is None:
        return 0
    await make_room(session)
    chats = select(statement.subquery().c.chat_id).distinct().limit(most).subquery()
    return await session.scalar(select(func.count()).select_from(chats)) or 0


async def count_audience(session: AsyncSession, asked: Asked, today: date, now: datetime) -> AudienceCount:
    """All that is told of an audience. One look at each of the pairs, and one at each of the agreements."""
    await make_room(session)
    meant, unreachable = await _count_families(session, asked, today)
    used = asked.used()
    languages: dict[str | None, int] = {}
    muted, missing = 0, [0] * len(used)
    statement = _by_language(asked, today, now)
    for row in await session.execute(statement) if statement is not None else ():
        if row.chats:
            languages[row.locale] = row.chats
        muted += row.muted
        missing = [total + row._mapping[placeholder.value] for total, placeholder in zip(missing, used, strict=True)]
    return AudienceCount(
        chats=sum(languages.values()),
        agreements=meant,
        unreachable=unreachable,
        muted=muted,
        languages=[
            LanguageCount(
                locale=locale, body=body_of(locale, asked.content.bodies, asked.content.fallback), chats=chats
            )
            for locale, chats in sorted(languages.items(), key=lambda item: (-item[1], item[0] or ""))
        ],
        missing=[
            MissingCount(
                placeholder=placeholder,
                chats=chats,
                agreements=await _first_numbers(session, asked, placeholder, today),
            )
            for placeholder, chats in zip(used, missing, strict=True)
            if chats
        ],
    )


def lacking(asked: Asked, today: date, placeholders: Collection[Placeholder]) -> Select[*tuple[Any, ...]] | None:
    """Pairs that are meant and lack one of these values: ``agreement_id``; None: nobody was chosen yet."""
    base = _pairs(asked, today)
    if base is None:
        return None
    return base.where(or_(*(lacks(placeholder, asked.news()) for placeholder in placeholders)))


def _pairs(asked: Asked, today: date) -> Select[*tuple[Any, ...]] | None:
    """Those that are meant, whether or not a value is missing; without those that muted the topic."""
    if asked.operation is Operation.SEND:
        return None if asked.rule is None else pairs(asked.rule, today, asked.content.topic)
    return None if asked.of_id is None else _of_a_correction(asked, today)


def _of_a_correction(asked: Asked, today: date) -> Select[*tuple[Any, ...]]:
    sent = corrected(asked.of_id or 0).subquery("sent")
    its_pair = and_(sent.c.chat_id == Link.chat_id, Link.agreement_id == any_(sent.c.agreement_ids))
    return select(Link.chat_id, Link.agreement_id).select_from(SEEN.join(sent, its_pair)).where(is_reachable(today))


def _by_language(asked: Asked, today: date, now: datetime) -> Select[*tuple[Any, ...]] | None:
    """A row for each language: chats that get it, those that muted the topic, and for each placeholder those that lack
    its value."""
    if asked.operation is Operation.DELETE:
        found = whom(asked, today, now)
        if found is None:
            return None
        sent = found.subquery("sent")
        return (
            select(Chat.locale, func.count().label("chats"), literal(0).label("muted"))
            .select_from(sent.outerjoin(Chat.__table__, Chat.id == sent.c.chat_id))
            .group_by(Chat.locale)
        )
    values = {placeholder: lacks(placeholder, asked.news()) for placeholder in asked.used()}
    whole = and_(true(), *(~values[placeholder] for placeholder in asked.complete()))
    if asked.operation is Operation.SEND:
        if asked.rule is None:
            return None
        meant = select(Link.chat_id).select_from(SEEN).where(is_reachable(today), of_rule(asked.rule))
        muted: ColumnElement[bool] = has_muted(asked.content.topic, asked.news())
    else:
        meant = _of_a_correction(asked, today).with_only_columns(Link.chat_id)
        muted = ~true()
    found_pairs = meant.add_columns(
        Chat.locale,
        muted.label("muted"),
        whole.label("whole"),
        *(condition.label(placeholder.value) for placeholder, condition in values.items()),
    ).subquery("found")
    columns = found_pairs.c
    told = ~columns.muted
    chats = (
        select(
            func.min(columns.locale).label("locale"),
            func.bool_or(told & columns.whole).label("told"),
            func.bool_and(columns.muted).label("muted"),
            *(func.bool_or(told & columns[placeholder.value]).label(placeholder.value) for placeholder in values),
        )
        .group_by(columns.chat_id)
        .subquery("chats")
    )
    return select(
        chats.c.locale,
        func.count().filter(chats.c.told).label("chats"),
        func.count().filter(chats.c.muted).label("muted"),
        *(func.count().filter(chats.c[placeholder.value]).label(placeholder.value) for placeholder in values),
    ).group_by(chats.c.locale)


async def _count_families(session: AsyncSession, asked: Asked, today: date) -> tuple[int, int]:
    """Those that are meant, and of them those that no chat reaches. Of a correction all were reached."""
    if asked.operation is not Operation.SEND:
        sent = corrected(asked.of_id or 0).subquery("sent")
        ids = select(func.unnest(sent.c.agreement_ids).label("id")).distinct().subquery("ids")
        return await session.scalar(select(func.count()).select_from(ids)) or 0, 0
    if asked.rule is None:
        return 0, 0
    meant = families(asked.rule, today).subquery("meant")
    row = (
        await session.execute(select(func.count(), func.count().filter(~meant.c.reachable)).select_from(meant))
    ).one()
    return row[0], row[1]


async def _first_numbers(session: AsyncSession, asked: Asked, placeholder: Placeholder, today: date) -> list[str]:
    found = lacking(asked, today, [placeholder])
    if found is None:
        return []
    # In an order in which the first are found without looking at all of them.
    first = found.with_only_columns(Agreement.number).group_by(Agreement.id).order_by(Agreement.id)
    return list(await session.scalars(first.limit(FIRST_NUMBERS)))
