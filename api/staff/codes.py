"""One-time codes by which an account's owner links their Telegram. Only the keyed hash of a code is stored."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.errors import NotFound, NotMatched
from api.identity.codes import ALPHABET, normalise_code
from api.identity.limits import begin_try, record_try
from api.identity.schemas import LinkMethod
from api.messages.service import withdraw_from_staff
from api.privacy import Vault
from api.staff.models import StaffAccount, StaffCode

PREFIX = "S-"
"""By this, and by its length, a staff code is told from a family's."""
CODE_LENGTH = 12
"""60 bits: out of reach of guessing within the limits on wrong tries."""
VALID_FOR = timedelta(hours=24)


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("staff_code", normalise_code(code))


async def issue_staff_code(session: AsyncSession, vault: Vault, actor: Actor, account_id: int) -> tuple[str, datetime]:
    """Make a code for an account; it is shown now and never again. Earlier ones of the account end.

    Returns:
        The code, and the moment it ends.

    Raises:
        NotFound: there is no such account, or it is disabled.
    """
    account = await session.get(StaffAccount, account_id, with_for_update=True)
    if account is None or account.disabled_at is not None:
        raise NotFound
    await end_codes(session, account_id)
    code = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    row = StaffCode(staff_id=account_id, code_index=_index(vault, code), expires_at=func.now() + VALID_FOR)
    session.add(row)
    await session.flush()
    await session.refresh(row, ["expires_at"])
    await record(session, actor, "staff.code_issued", "staff_account", [account_id])
    return code, row.expires_at


async def end_codes(session: AsyncSession, account_id: int) -> None:
    """Nobody can link the account with a code that was issued before."""
    await session.execute(
        update(StaffCode)
        .where(StaffCode.staff_id == account_id, StaffCode.used_at.is_(None), StaffCode.expires_at > func.now())
        .values(expires_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def link_account(session: AsyncSession, vault: Vault, chat_id: int, code: str) -> StaffAccount:
    """Let a chat act for the account of this code, from now on instead of any other chat. Wrong tries count together
    with the chat's tries to prove who they are as a resident.

    A code that arrives twice from the same chat succeeds twice.

    Raises:
        Locked: too many wrong tries of this chat; nothing was looked at.
        NotMatched: the code is unknown, used or over, its account is disabled, or the chat acts for another one. The
            try is kept.
    """
    attempt = await begin_try(session, vault, chat_id, LinkMethod.CODE)
    attempt.refuse_if_locked()
    is_usable = StaffCode.used_at.is_(None) & (StaffCode.expires_at > func.clock_timestamp())
    found = (
        await session.execute(
            select(StaffAccount, StaffCode, is_usable)
            .join(StaffCode, StaffCode.staff_id == StaffAccount.id)
            .where(StaffCode.code_index == _index(vault, code))
            .with_for_update()
        )
    ).one_or_none()
    # Asked in any case, so that a known code takes no longer than an unknown one.
    acts_for = await session.scalar(select(StaffAccount.id).where(StaffAccount.chat_id == chat_id))
    if found is not None:
        account, row, usable = found
        is_its_own = acts_for == account.id
        again = is_its_own and row.used_at is not None
        if account.disabled_at is None and (again or (usable and (is_its_own or acts_for is None))):
            if not again:
                row.used_at = func.now()
                if account.chat_id is not None and account.chat_id != chat_id:
                    await withdraw_from_staff(session, account.chat_id)
                account.chat_id, account.linked_at = chat_id, func.now()
                await record(session, Actor.chat(chat_id), "staff.linked", "staff_account", [account.id])
            await record_try(session, attempt, succeeded=True)
            return account
    await record_try(session, attempt, succeeded=False)
    await record(session, Actor.chat(chat_id), "staff.link_failed", "chat", [chat_id])
    raise NotMatched
