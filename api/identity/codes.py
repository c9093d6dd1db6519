"""One-time codes by which staff let a relative or a proxy in. Only the keyed hash of a code is stored."""

import secrets
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.chats.liveness import is_live_link
from api.chats.models import Link
from api.identity.documents import normalise_text
from api.identity.models import LinkCode
from api.privacy import Vault

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1, which are misread; fit for a Telegram deep link."""
CODE_LENGTH = 10
"""50 bits: out of reach of guessing within the limits on wrong tries."""


def normalise_code(value: str) -> str:
    """Upper case, half-width, without what people and messengers put between the characters."""
    return "".join(c for c in normalise_text(value).upper() if c.isascii() and c.isalnum())


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("link_code", normalise_code(code))


async def issue_code(
    session: AsyncSession, vault: Vault, agreement_id: int, *, issued_by: str, valid_for: timedelta
) -> tuple[str, datetime]:
    """Make a code for one agreement; it is shown now and never again.

    Returns:
        The code, and the moment it ends.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    row = LinkCode(
        code_index=_index(vault, code),
        agreement_id=agreement_id,
        issued_by=issued_by,
        expires_at=func.now() + valid_for,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row, ["expires_at"])
    return code, row.expires_at


async def redeem_code(session: AsyncSession, vault: Vault, chat_id: int, code: str, today: date) -> int | None:
    """Use a code, at most once ever.

    A chat that is linked to the agreement already uses nothing up: a holder who taps the invitation before passing it
    on leaves it good, and a tap that arrives twice succeeds twice.

    Returns:
        The agreement that the code opens to this chat; none for a code that is unknown, used or over.
    """
    index = _index(vault, code)
    linked = (
        select(Link.id)
        .where(Link.chat_id == chat_id, Link.agreement_id == LinkCode.agreement_id, is_live_link(today))
        .exists()
    )
    usable = LinkCode.used_at.is_(None) & (LinkCode.expires_at > func.now())
    used = await session.execute(
        update(LinkCode)
        .where(LinkCode.code_index == index, usable, ~linked)
        .values(used_at=func.now(), used_by_chat_id=chat_id)
        .returning(LinkCode.agreement_id)
        .execution_options(synchronize_session=False)
    )
    known = await session.execute(
        select(LinkCode.agreement_id).where(
            LinkCode.code_index == index, linked, usable | (LinkCode.used_by_chat_id == chat_id)
        )
    )
    opened: int | None = used.scalar_one_or_none()
    standing: int | None = known.scalar_one_or_none()
    return opened if opened is not None else standing
