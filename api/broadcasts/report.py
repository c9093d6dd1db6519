"""What became of a broadcast, and lists for who goes from door to door: agreement numbers and homes, nobody's name.

Families are those that its rule means today, with those to whom a message of it went. Reached are those of which a chat
got it, or got it when it was sent once more; of a message whose arrival nobody knows, the family counts as not reached.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import CTE, Select, func, select, union
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, AgreementUnit
from api.audit.service import record
from api.broadcasts.audience import families, make_room, reached
from api.broadcasts.counting import lacking
from api.broadcasts.models import Broadcast
from api.broadcasts.pages import find_progress
from api.broadcasts.schemas import BroadcastReport, Operation, Placeholder, ReachedOf
from api.broadcasts.service import By, asked_of, get
from api.broadcasts.values import lacks
from api.chats.models import Chat, Link
from api.errors import NotAllowedNow
from api.estate.models import Building, Parcel, Phase, Unit
from api.estate.queries import HOMES_FIRST, PLACES, home_label
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState
from api.spreadsheets import as_xlsx

Rows = Sequence[Sequence[str]]
HEADINGS = ("协议编号", "房子")
WIDTHS = (24, 32)
LACKS = "缺少的内容"
VALUES = {
    Placeholder.NAME: "姓名",
    Placeholder.HOME: "房子",
    Placeholder.NUMBER: "协议编号",
    Placeholder.HANDOVER: "交房时间",
    Placeholder.PAID_UP_TO: "过渡费已发放至",
    Placeholder.MONTHLY_FEE: "每月过渡费",
    Placeholder.NEXT_PAYMENT: "下次发放时间",
    Placeholder.REGISTRATION: "登记办理情况",
    Placeholder.NEWS: "新情况",
}


async def report(session: AsyncSession, by: By, broadcast_id: int, today: date) -> BroadcastReport:
    """
    Raises:
        NotFound
        NotAllowedNow: it has not been started.
    """
    broadcast = await get(session, broadcast_id)
    progress = await find_progress(session, broadcast_id)
    if progress is None:
        raise NotAllowedNow(allowed=[], state=broadcast.state)
    await make_room(session)
    languages = await session.execute(_by_language(broadcast_id))
    buildings = list(await session.execute(_by_building(broadcast, today)))
    await record(session, by.actor, "broadcast.report_shown", "broadcast", [broadcast_id])
    families_meant = sum(row.total for row in buildings)
    return BroadcastReport(
        progress=progress,
        languages=[ReachedOf(name=row.locale, total=row.total, sent=row.sent) for row in languages],
        buildings=[ReachedOf(name=row.building, total=row.total, sent=row.sent) for row in buildings],
        families=families_meant,
        unreached=families_meant - sum(row.sent for row in buildings),
    )


def _by_language(broadcast_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Chat.locale,
            func.count().label("total"),
            func.count().filter(Delivery.state == DeliveryState.SENT).label("sent"),
        )
        .select_from(Delivery)
        .outerjoin(Chat, Chat.id == Delivery.chat_id)
        .where(Delivery.broadcast_id == broadcast_id)
        .group_by(Chat.locale)
        .order_by(func.count().desc(), Chat.locale)
    )


def _meant(broadcast: Broadcast, today: date) -> CTE:
    """``agreement_id`` of each family."""
    told = select(func.unnest(Delivery.agreement_ids).label("agreement_id")).where(
        Delivery.broadcast_id == broadcast.id
    )
    asked = asked_of(broadcast)
    if asked.rule is None:
        return told.distinct().cte("meant")
    meant = families(asked.rule, today).subquery("meant_now")
    return union(select(meant.c.agreement_id), told).cte("meant")


def _reached(broadcast: Broadcast) -> CTE:
    """``id`` of each; of what is sent once more, also those whom the first one reached."""
    first = broadcast.of_id if broadcast.operation is Operation.SEND and broadcast.of_id is not None else broadcast.id
    ids = reached(first).subquery("ids")
    return select(ids.c[0].label("id")).distinct().cte("reached")


def _by_building(broadcast: Broadcast, today: date) -> Select[*tuple[Any, ...]]:
    meant, its_reached = _meant(broadcast, today), _reached(broadcast)
    first_homes = (
        select(
            AgreementUnit.agreement_id,
            Building.id.label("building_id"),
            func.concat_ws("-", Parcel.name, Phase.name, Building.name).label("building"),
        )
        .select_from(PLACES.join(AgreementUnit.__table__, AgreementUnit.unit_id == Unit.id))
        .ext(distinct_on(AgreementUnit.agreement_id))
        .order_by(AgreementUnit.agreement_id, *HOMES_FIRST)
        .subquery("first_homes")
    )
    return (
        select(
            first_homes.c.building,
            func.count().label("total"),
            func.count(its_reached.c.id).label("sent"),
        )
        .select_from(
            meant.outerjoin(first_homes, first_homes.c.agreement_id == meant.c.agreement_id).outerjoin(
                its_reached, its_reached.c.id == meant.c.agreement_id
            )
        )
        .group_by(first_homes.c.building_id, first_homes.c.building)
        .order_by(first_homes.c.building)
    )


# --- lists ---


async def list_unreached(session: AsyncSession, by: By, broadcast_id: int, today: date) -> Rows:
    """Number and home of each family that it did not reach.

    Raises:
        NotFound
        NotAllowedNow: it has not been started.
    """
    broadcast = await get(session, broadcast_id)
    if broadcast.started_at is None:
        raise NotAllowedNow(allowed=[], state=broadcast.state)
    meant, its_reached = _meant(broadcast, today), _reached(broadcast)
    unreached = select(meant.c.agreement_id).where(meant.c.agreement_id.not_in(select(its_reached.c.id)))
    await make_room(session)
    await record(session, by.actor, "broadcast.unreached_exported", "broadcast", [broadcast_id])
    rows = await session.execute(_listed().where(Agreement.id.in_(unreached)))
    return [(row.number, row.home or "") for row in rows]


async def list_missing(session: AsyncSession, by: By, broadcast_id: int, today: date) -> Rows:
    """Number and home of each family that is meant and of which a value is not there for one of its chats, and which
    values these are.

    Raises:
        NotFound
    """
    broadcast = await get(session, broadcast_id)
    asked = asked_of(broadcast)
    used = asked.used()
    found = lacking(asked, today, used) if used else None
    await record(session, by.actor, "broadcast.missing_exported", "broadcast", [broadcast_id])
    if found is None:
        return []
    await make_room(session)
    values = [func.bool_or(lacks(placeholder, asked.news())).label(f"lacks_{placeholder}") for placeholder in used]
    pairs = found.with_only_columns(Link.agreement_id, *values).group_by(Link.agreement_id).cte("lacking")
    statement = _listed().add_columns(*(pairs.c[f"lacks_{placeholder}"] for placeholder in used))
    statement = statement.join(pairs, pairs.c.agreement_id == Agreement.id)
    return [
        (
            row.number,
            row.home or "",
            "、".join(VALUES[placeholder] for placeholder in used if row._mapping[f"lacks_{placeholder}"]),
        )
        for row in await session.execute(statement)
    ]


def _listed() -> Select[*tuple[Any, ...]]:
    home = (
        select(home_label())
        .select_from(PLACES.join(AgreementUnit.__table__, AgreementUnit.unit_id == Unit.id))
        .where(AgreementUnit.agreement_id == Agreement.id)
        .order_by(*HOMES_FIRST)
        .limit(1)
        .correlate(Agreement)
        .scalar_subquery()
        .label("home")
    )
    return select(Agreement.number, home).order_by(home, Agreement.number)


def unreached_xlsx(rows: Rows) -> bytes:
    return as_xlsx("未送达住户", HEADINGS, rows, WIDTHS)


def missing_xlsx(rows: Rows) -> bytes:
    return as_xlsx("缺少内容的住户", (*HEADINGS, LACKS), rows, (*WIDTHS, 40))
