"""Verification: who proves who they are gets the chat linked to what the roll says is theirs."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Party
from api.chats.liveness import is_live_party
from api.chats.service import Grant, grant_links
from api.errors import Locked, NotMatched
from api.identity.codes import redeem_code
from api.identity.limits import (
    lock_agreements,
    lock_chat,
    locked_agreements,
    record_try,
    seconds_until_chat_may_try,
)
from api.identity.proofs import Finding, find_by_agreement, find_by_phone
from api.identity.schemas import AgreementProof, CodeProof, LinkMethod, LinkRole, PhoneProof
from api.privacy import Vault


async def verify(
    session: AsyncSession, vault: Vault, chat_id: int, proof: PhoneProof | AgreementProof | CodeProof, today: date
) -> None:
    """Link the chat to every agreement of the people whom the proof shows (a code: to its one agreement).

    Five wrong tries in fifteen minutes lock the chat, for right ones too. Ten in an hour lock an agreement for new
    links: what rests on it is answered like any failure. A code from staff passes a locked agreement, since it is the
    way on for a family that somebody else's guessing has locked out.

    Args:
        today: in the office's time zone; a proxy's authority ends on a day.

    Raises:
        Locked: too many wrong tries of this chat; nothing was looked at.
        NotMatched: whatever else was the matter. The try is kept.
    """
    await lock_chat(session, chat_id)
    if seconds := await seconds_until_chat_may_try(session, chat_id):
        raise Locked(retry_after_seconds=seconds)
    if isinstance(proof, CodeProof):
        agreement_id = await redeem_code(session, vault, chat_id, proof.code.get_secret_value(), today)
        finding = Finding()
        grants = [Grant(agreement_id, None, LinkRole.RELATIVE)] if agreement_id is not None else []
    else:
        if isinstance(proof, PhoneProof):
            finding = await find_by_phone(session, vault, proof, today)
        else:
            finding = await find_by_agreement(session, vault, proof, today)
        grants = await _grants(session, finding.people, today)
        concerned = finding.aimed_at | {grant.agreement_id for grant in grants}
        await lock_agreements(session, concerned)
        closed = await locked_agreements(session, concerned)
        if isinstance(proof, AgreementProof) and closed & finding.aimed_at:
            closed = concerned
        if grants and all(grant.agreement_id in closed for grant in grants):
            # A right try does not prolong the lock that it ran into.
            finding.aimed_at.clear()
        grants = [grant for grant in grants if grant.agreement_id not in closed]
    if not grants:
        await record_try(session, chat_id, succeeded=False, wrong_for=finding.aimed_at)
        raise NotMatched
    await record_try(session, chat_id, succeeded=True)
    await grant_links(session, chat_id, LinkMethod(proof.method), grants, today)


async def _grants(session: AsyncSession, people: Collection[int], today: date) -> list[Grant]:
    """Everything that these people hold today."""
    rows = await session.execute(
        select(Party.agreement_id, Party.person_id, Party.role).where(Party.person_id.in_(people), is_live_party(today))
    )
    return [Grant(agreement_id, person_id, LinkRole(role.value)) for agreement_id, person_id, role in rows]
