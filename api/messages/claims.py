"""Handing messages to couriers; ``api.messages.reports`` hears what comes of them.

A claim leases what is due, as many as the bucket has tokens: notices first, the lowest priority number, then the
oldest; then messages of the broadcasts that are being sent (``api.broadcasts.claiming``). A lease that runs out is no
answer: perhaps the message was sent, perhaps not. It is claimed again, a few times, so that nothing is lost when a
courier dies; what was in flight at that moment may arrive twice.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Interval,
    Select,
    Update,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcasts import claiming
from api.broadcasts.schemas import BroadcastContent
from api.broadcasts.sending import finish
from api.chats.access import TODAY
from api.chats.liveness import is_live_link
from api.chats.models import Chat, Link
from api.identity.schemas import LinkScope
from api.lookups import LookUp
from api.messages import bucket
from api.messages.leases import is_due
from api.messages.models import Delivery
from api.messages.schemas import CORRECTED, Claim, Claimed, DeliveryState, NoticeKind
from api.messages.service import PAYLOAD
from api.privacy import CannotOpen, Vault

log = structlog.get_logger()

LAPSES = 3
"""How often a message is claimed again because nobody reported."""
ROUNDS = 8
"""So often a claim looks for more in place of what is not to be sent any more; others wait for the bucket meanwhile."""

_TABLE: Any = Delivery.__table__
_NOW = func.clock_timestamp()
_NOTICE = Delivery.broadcast_id.is_(None)
_NOTICES_FIRST = (Delivery.priority, Delivery.not_before, Delivery.id)


def _first(*conditions: ColumnElement[bool], order: tuple[Any, ...]) -> ColumnElement[bool]:
    """Whether there is one. Asked for the first in an index's order: for any one at all PostgreSQL reads the table from
    its beginning, where there is none that waits."""
    return select(Delivery.id).where(*conditions, is_due()).order_by(*order).limit(1).scalar_subquery().is_not(None)


ANYTHING_DUE = LookUp(
    select(
        or_(
            _first(_NOTICE, order=_NOTICES_FIRST),
            exists().where(
                claiming.is_running(),
                _first(
                    *claiming.IS_OF_IT,
                    claiming.may_ring(),
                    order=(Delivery.not_before, Delivery.id),
                ),
            ),
        ).label("due")
    )
)


@dataclass
class Taken:
    """What a claim got; where it got nothing, for how long there is nothing to be had (not known: None). ``ended``: how
    many messages are not sent any more, by what became of them."""

    messages: list[Claimed] = field(default_factory=list)
    broadcasts: list[BroadcastContent] = field(default_factory=list)
    pause: float | None = None
    ended: Counter[str] = field(default_factory=Counter)


async def claim(
    session: AsyncSession, vault: Vault, asked: Claim, limit: bucket.Limit, today: date, *, quiet: bool = False
) -> Taken:
    """Lease what is due and the bucket allows. The bucket is kept for the rest of the transaction: couriers take
    turns, so that each gets what stands first.

    Args:
        today: in the office's time zone.
        quiet: only urgent broadcasts, and what makes no noise: edits and deletions.
    """
    level = await bucket.refill(session, limit)
    if level.held > 0:
        return Taken(pause=level.seconds_until(min(asked.limit, max(1, limit.burst // 2)), limit))
    one = _Claim(session, vault, asked.lease_seconds, today, quiet)
    taken = one.taken
    if (room := min(asked.limit, _for_notices(level, limit))) > 0:
        await one.notices(room, int(level.tokens - limit.reserve))
        _wait_for_their_time(taken.messages, 1 - level.tokens, limit)
    if one.held_back:
        taken.pause = level.seconds_until(limit.reserve + 1, limit)
    elif taken.pause is None:
        await _take_broadcasts(one, asked, level, limit)
    if room < 1 and not taken.messages and not taken.ended:
        # Not for each single token: who has much to send comes for several.
        several = level.seconds_until(min(asked.limit, max(1, limit.burst // 2)), limit)
        taken.pause = several if taken.pause is None else min(several, taken.pause)
    if taken.messages:
        await bucket.take(session, len(taken.messages))
    return taken


def _for_notices(level: bucket.Level, limit: bucket.Limit) -> int:
    """How many may be taken. Behind broadcasts that were granted ahead of their time one gets the next place."""
    if level.tokens >= 0:
        return int(level.tokens)
    return 1 if level.tokens > -2 * limit.ahead else 0


async def _take_broadcasts(one: "_Claim", asked: Claim, level: bucket.Level, limit: bucket.Limit) -> None:
    taken = one.taken
    left = asked.limit - len(taken.messages)
    there = level.tokens - limit.reserve - len(taken.messages)
    # Not for each single token either.
    least = min(left, max(1, int(limit.ahead / 2)))
    if (room := min(left, int(there + limit.ahead))) < least:
        taken.pause = max(0.0, least - there - limit.ahead) / limit.rate
    elif left > 0:
        before = len(taken.messages)
        await one.broadcasts(room)
        _wait_for_their_time(taken.messages[before:], 1 - there, limit)


def _wait_for_their_time(messages: Sequence[Claimed], missing: float, limit: bucket.Limit) -> None:
    """Tell how long each is to wait, the first for so many tokens that are missing still."""
    for number, message in enumerate(messages):
        message.wait_seconds = max(0.0, (missing + number) / limit.rate)


class _Claim:
    """One claim on its way."""

    def __init__(self, session: AsyncSession, vault: Vault, lease_seconds: int, today: date, quiet: bool) -> None:
        self._session = session
        self._vault = vault
        self._lasts = timedelta(seconds=lease_seconds)
        self._today = today
        self._quiet = quiet
        self._lease = uuid4()
        self.taken = Taken()
        self.held_back = False
        """Less urgent ones stand first, and the tokens that are left are not for them."""

    async def notices(self, room: int, shared: int) -> None:
        for _ in range(ROUNDS):
            if (wanted := room - len(self.taken.messages)) == 0:
                return
            rows = await _NOTICES.in_transaction(self._session, wanted=wanted, today=self._today)
            over: _Over = defaultdict(list)
            leased: list[Claimed] = []
            for row in rows:
                if end := _end(row, wanted=row["wanted"]):
                    over[end].append(row["id"])
                elif row["priority"] > 0 and len(self.taken.messages) + len(leased) >= shared:
                    self.held_back = True
                    break
                elif (payload := _open(self._vault, row)) is None:
                    over[DeliveryState.FAILED, "unreadable"].append(row["id"])
                else:
                    leased.append(self._claimed(row, row["kind"], payload))
            await self._settle(over, leased)
            if self.held_back or len(rows) < wanted:
                return
        # There is more behind all that.
        self.taken.pause = 0.0

    async def broadcasts(self, room: int) -> None:
        end = len(self.taken.messages) + room
        touched: set[int] = set()
        for _ in range(ROUNDS):
            if (wanted := end - len(self.taken.messages)) == 0:
                break
            rows = await claiming.DUE.in_transaction(self._session, wanted=wanted, quiet=self._quiet)
            told = await claiming.tell(self._session, self._vault, rows, self._today, self.taken.broadcasts)
            over: _Over = defaultdict(list)
            leased: list[Claimed] = []
            for row, payload in zip(rows, told, strict=True):
                if settled := _end(row, wanted=payload is not None):
                    over[settled].append(row["id"])
                    touched.add(row["broadcast_id"])
                else:
                    more = {"broadcast_id": row["broadcast_id"], "message_id": row["target_message_id"]}
                    kind = NoticeKind.BROADCAST if row["message_id"] is None else CORRECTED
                    leased.append(self._claimed(row, kind, payload, **more))
            await self._settle(over, leased)
            if len(rows) < wanted:
                break
        else:
            self.taken.pause = 0.0
        if touched:
            await finish(self._session, touched)

    def _claimed(self, row: Any, kind: str, payload: Any, **more: Any) -> Claimed:
        return Claimed(
            id=row["id"],
            lease=self._lease,
            chat_id=row["chat_id"],
            locale=row["locale"],
            kind=kind,
            payload=payload,
            **more,
        )

    async def _settle(self, over: "_Over", leased: Sequence[Claimed]) -> None:
        for (state, error), ids in over.items():
            await self._session.execute(
                update(_TABLE)
                .where(_TABLE.c.id.in_(ids))
                .values(state=state, error=error, payload=None, lease_id=None, lease_until=None, finished_at=_NOW)
            )
            self.taken.ended[state.value] += len(ids)
        if leased:
            ids = [one.id for one in leased]
            await _LEASE.in_transaction(self._session, ids=ids, lease=self._lease, lasts=self._lasts)
            self.taken.messages += leased


_Over = defaultdict[tuple[DeliveryState, str | None], list[int]]


def _notices() -> Select[*tuple[Any, ...]]:
    # First those that stand first, then what is to be known of them: the other way round PostgreSQL prepares the links
    # of all chats.
    first = (
        select(Delivery)
        .where(_NOTICE, is_due())
        .order_by(*_NOTICES_FIRST)
        .limit(bindparam("wanted", None, type_=Integer()))
        .with_for_update(skip_locked=True)
        .subquery("first")
    ).c
    # What the office answers may name sums: it is not for who sees the progress alone.
    shown = or_(first.kind != NoticeKind.CASE_UPDATED, Link.scope == LinkScope.EVERYTHING)
    its_link = and_(Link.chat_id == first.chat_id, Link.agreement_id == first.agreement_id)
    sees = exists().where(its_link, is_live_link(TODAY), shown)
    return (
        select(
            first.id,
            first.chat_id,
            first.kind,
            first.payload,
            first.priority,
            first.doubts,
            first.lease_id,
            Chat.locale,
            Chat.gone_at,
            or_(first.agreement_id.is_(None), sees).label("wanted"),
        )
        .outerjoin(Chat, Chat.id == first.chat_id)
        .order_by(first.priority, first.not_before, first.id)
    )


def _end(row: Any, *, wanted: bool) -> tuple[DeliveryState, str | None] | None:
    """How it ends unsent; None: it is to be sent."""
    if row["gone_at"] is not None:
        return DeliveryState.GONE, None
    if not wanted:
        return DeliveryState.CANCELLED, None
    if row["lease_id"] is not None and row["doubts"] >= LAPSES:
        return DeliveryState.UNKNOWN, "never_reported"
    return None


def _open(vault: Vault, row: Any) -> Any:
    try:
        return vault.open_json(PAYLOAD, row["payload"] or b"")
    except CannotOpen:
        log.error("delivery_unreadable", delivery=row["id"])
        return None


def _lease() -> Update:
    return (
        update(_TABLE)
        .where(_TABLE.c.id == any_(bindparam("ids", None, type_=ARRAY(BigInteger()))))
        .values(
            lease_id=bindparam("lease", None, type_=Uuid()),
            lease_until=_NOW + bindparam("lasts", None, type_=Interval()),
            attempts=_TABLE.c.attempts + 1,
            # Whoever had it before never said what came of it.
            doubts=_TABLE.c.doubts + case((_TABLE.c.lease_id.is_not(None), 1), else_=0),
        )
    )


_NOTICES = LookUp(_notices())
_LEASE = LookUp(_lease())
