"""Verification: who proves who they are gets the chat linked to what the roll says is theirs."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import BigInteger, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.audit.service import Actor, record
from api.chats.access import TODAY
from api.chats.granting import Grant, grant_links, scope_of
from api.chats.liveness import is_live_party
from api.chats.models import DISUSE_DAYS
from api.chats.turns import let_in
from api.errors import Locked, NotMatched, WayClosed
from api.identity.codes import redeem_code
from api.identity.limits import (
    Try,
    agreement_closed_until,
    begin_try,
    closed_numbers,
    lock_number,
    record_try,
    wrong_tries_at,
)
from api.identity.proofs import find_by_agreement, find_by_phone, number_index, number_key, phone_index
from api.identity.schemas import AgreementProof, CodeProof, LinkMethod, LinkRole, PhoneProof
from api.identity.surge import Surge
from api.lookups import LookUp
from api.privacy import Vault


async def verify(
    session: AsyncSession,
    vault: Vault,
    surge: Surge,
    chat_id: int,
    proof: PhoneProof | AgreementProof | CodeProof,
    today: date,
    now: datetime | None = None,
    *,
    disuse_days: int = DISUSE_DAYS,
) -> None:
    """Link the chat to every agreement of the people whom the proof shows (a code: to its one agreement).

    Wrong tries lock the chat, and where it comes from, for right ones too: those at codes for codes, all others for
    phone and papers (see ``limits``). A surge in the whole deployment closes ways in, whomever a try is aimed at (see
    ``surge``). Wrong papers close an agreement to papers: then they are answered like any failure, with the same work.
    A phone and a code pass, else strangers' guessing would lock a family out.

    Args:
        today: in the office's time zone; a proxy's authority ends on a day.
        now: the moment of the try; by default the database's.
        disuse_days: after so many without use the link asks for proof again.

    Raises:
        WayClosed: this way in is closed to everybody; nothing was looked up.
        Locked: too many wrong tries of this chat, or of where it comes from; nothing was looked up.
        NotMatched: whatever else was the matter. The try is kept.
    """
    method = LinkMethod(proof.method)
    tries = surge.metrics.tries
    phone = phone_index(vault, proof) if isinstance(proof, PhoneProof) else None
    attempt = await begin_try(session, vault, chat_id, method, phone=phone, now=now)
    ways = surge.open_ways(attempt)
    if method not in ways:
        tries.labels(method.value, "way_closed").inc()
        raise WayClosed(open=[way.value for way in ways])
    try:
        attempt.refuse_if_locked()
    except Locked:
        tries.labels(method.value, "locked").inc()
        raise
    await let_in(session)
    number = None
    grants: list[Grant] | None
    if isinstance(proof, CodeProof):
        grants = await redeem_code(session, vault, chat_id, proof.code.get_secret_value(), today)
    elif isinstance(proof, PhoneProof):
        people = await find_by_phone(session, vault, proof, today)
        grants = [replace(grant, phone_index=phone) for grant in await _grants(session, people, today)] or None
    else:
        number, found = await _by_papers(session, vault, proof, today, attempt.now, surge)
        grants = found or None
    if grants is None:
        await record_try(session, attempt, succeeded=False, number=number)
        await record(session, Actor.chat(chat_id), "verification.failed", "chat", [chat_id])
        _count_wrong(surge, attempt)
        raise NotMatched
    await record_try(session, attempt, succeeded=True)
    if grants:
        await grant_links(session, vault, chat_id, method, grants, today, disuse_days=disuse_days)
    tries.labels(method.value, "linked").inc()


async def _by_papers(
    session: AsyncSession, vault: Vault, proof: AgreementProof, today: date, now: datetime, surge: Surge
) -> tuple[bytes | None, list[Grant]]:
    """What the papers grant, and the number that a wrong try counts for: none when it is closed already, so that
    running into that does not prolong it."""
    number = number_index(vault, number_key(proof))
    await lock_number(session, number)
    wrong = await wrong_tries_at(session, number, now)
    until = agreement_closed_until(wrong)
    closed = until is not None and until > now
    # Also for a closed one: what follows must not tell that it is, nor whether the papers were right.
    people = await find_by_agreement(session, vault, proof, today)
    grants = await _grants(session, set() if closed else people, today)
    if grants:
        return None, await _without_closed(session, vault, grants, now)
    if closed:
        return None, []
    after = agreement_closed_until([*wrong, now])
    if after is not None and after > now:
        surge.metrics.lockouts.labels("agreement").inc()
    return number, []


_HELD = LookUp(
    select(Party.agreement_id, Party.person_id, Party.role).where(
        Party.person_id == any_(bindparam("people", None, type_=ARRAY(BigInteger))), is_live_party(TODAY)
    )
)


async def _grants(session: AsyncSession, people: Collection[int], today: date) -> list[Grant]:
    """Everything that these people hold today."""
    rows = await _HELD.in_transaction(session, people=list(people), today=today)
    return [
        Grant(agreement_id, person_id, LinkRole(role), scope_of(LinkRole(role)))
        for agreement_id, person_id, role in rows
    ]


async def _without_closed(session: AsyncSession, vault: Vault, grants: list[Grant], now: datetime) -> list[Grant]:
    """Papers that are right for one agreement open no other that is closed to papers."""
    rows = await session.execute(
        select(Agreement.id, Agreement.number_key).where(Agreement.id.in_([grant.agreement_id for grant in grants]))
    )
    numbers = {agreement_id: number_index(vault, key) for agreement_id, key in rows}
    closed = await closed_numbers(session, set(numbers.values()), now)
    return [grant for grant in grants if numbers[grant.agreement_id] not in closed]


def _count_wrong(surge: Surge, attempt: Try) -> None:
    surge.metrics.tries.labels(attempt.method.value, "not_matched").inc()
    for kind in attempt.locks_if_wrong():
        surge.metrics.lockouts.labels(kind).inc()
    surge.look(attempt, more=attempt.method is LinkMethod.AGREEMENT)
