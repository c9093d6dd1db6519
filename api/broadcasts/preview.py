"""How a broadcast will look: rendered for a few readers as they are now, or sent to oneself.

The office sees of these readers what it needs to see whether the words fit: no whole name or agreement number, and not
which door it is.
"""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import record
from api.broadcasts.audience import make_room
from api.broadcasts.content import content_of as contents
from api.broadcasts.counting import whom
from api.broadcasts.facts import facts_of, news_of
from api.broadcasts.models import Broadcast
from api.broadcasts.problems import problems_of_words
from api.broadcasts.schemas import BroadcastContent, Operation, PreviewOut, PreviewReader, RecipientFacts
from api.broadcasts.service import By, asked_of, get
from api.chats.models import Chat
from api.errors import HasProblems, InvalidInput, NotAllowedNow
from api.identity.documents import mask_agreement_number
from api.messages.models import Delivery
from api.messages.schemas import NoticeKind
from api.messages.service import PAYLOAD
from api.privacy import Vault

MAX_READERS = 3


class TestPayload(BaseModel):
    """``Claimed.payload`` of a ``broadcast_test``."""

    content: BroadcastContent
    facts: RecipientFacts


async def preview(
    session: AsyncSession, vault: Vault, by: By, broadcast_id: int, today: date, now: datetime
) -> PreviewOut:
    """Up to three of its readers, of as many languages as there are. Whose homes are shown is recorded.

    Raises:
        NotFound
    """
    broadcast = await get(session, broadcast_id)
    chosen = await _readers(session, broadcast, today, now)
    asked = asked_of(broadcast)
    found = await facts_of(
        session,
        vault,
        [(row.chat_id, row.agreement_ids) for row in chosen],
        asked.used(),
        today=today,
        news=news_of(asked.content.audience, asked.import_id),
    )
    seen = {home.agreement_id for facts in found for home in facts.homes}
    await record(session, by.actor, "broadcast.previewed", "broadcast", [broadcast_id])
    await record(session, by.actor, "broadcast.previewed", "agreement", sorted(seen))
    return PreviewOut(
        content=await contents(session, vault, broadcast),
        readers=[
            PreviewReader(locale=row.locale, facts=_masked(facts))
            for row, facts in zip(chosen, found, strict=True)
            if facts.homes
        ],
    )


async def _readers(session: AsyncSession, broadcast: Broadcast, today: date, now: datetime) -> list[Any]:
    """``chat_id``, ``agreement_ids`` and ``locale``: the first of each language, then the second."""
    statement = whom(asked_of(broadcast), today, now)
    if statement is None or broadcast.operation is Operation.DELETE:
        return []
    await make_room(session)
    pairs = statement.subquery("pairs")
    ids = func.array_agg(pairs.c.agreement_id.distinct()).label("agreement_ids")
    readers = select(pairs.c.chat_id, ids).group_by(pairs.c.chat_id).subquery("readers")
    turn = func.row_number().over(partition_by=Chat.locale, order_by=readers.c.chat_id).label("turn")
    ranked = (
        select(readers.c.chat_id, readers.c.agreement_ids, Chat.locale, turn)
        .select_from(readers.outerjoin(Chat.__table__, Chat.id == readers.c.chat_id))
        .subquery("ranked")
    )
    first = select(ranked).order_by(ranked.c.turn, ranked.c.chat_id).limit(MAX_READERS)
    return list(await session.execute(first))


def _masked(facts: RecipientFacts) -> RecipientFacts:
    homes = [
        home.model_copy(update={"number": mask_agreement_number(home.number), "home": _without_room(home.home)})
        for home in facts.homes
    ]
    return facts.model_copy(update={"homes": homes})


def _without_room(label: str | None) -> str | None:
    if label is None:
        return None
    place, dash, _ = label.rpartition("-")
    return f"{place}{dash}**"


async def send_test(
    session: AsyncSession,
    vault: Vault,
    by: By,
    broadcast_id: int,
    locale: str | None,
    today: date,
    now: datetime,
) -> None:
    """Send it to oneself alone, as its first reader would get it.

    Args:
        locale: the body of this language; None: that of one's own language.

    Raises:
        NotFound
        NotAllowedNow: it deletes messages: there is nothing to be seen.
        HasProblems: what it says must be mended first.
        InvalidInput: it has no body of that language.
    """
    broadcast = await get(session, broadcast_id)
    if by.chat_id is None or broadcast.operation is Operation.DELETE:
        raise NotAllowedNow(allowed=[], state=broadcast.state)
    shown = await preview(session, vault, by, broadcast_id, today, now)
    problems = problems_of_words(asked_of(broadcast), captioned=shown.content.media is not None)
    if problems:
        raise HasProblems(problems=[problem.model_dump(mode="json") for problem in problems])
    content = shown.content
    if locale is not None:
        if locale not in content.bodies:
            raise InvalidInput(fields=[{"at": ["body", "locale"], "expected": "A language that has a body"}])
        content = content.model_copy(update={"bodies": {locale: content.bodies[locale]}, "fallback": locale})
    facts = shown.readers[0].facts if shown.readers else RecipientFacts()
    # A correction is shown as a message of its own: there is none of this account's to be edited.
    message = TestPayload(content=content.model_copy(update={"operation": Operation.SEND}), facts=facts)
    session.add(
        Delivery(
            chat_id=by.chat_id,
            kind=NoticeKind.BROADCAST_TEST,
            payload=vault.seal_json(PAYLOAD, message.model_dump(mode="json")),
        )
    )
    await record(session, by.actor, "broadcast.tested", "broadcast", [broadcast_id])
