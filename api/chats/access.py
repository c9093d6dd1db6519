"""Where every resident's look-up starts: the agreements that a chat may see today.

A look-up that does not start here shows one family another's data. "Not yours" and "does not exist" are both no row.
"""

from typing import Any

from sqlalchemy import CTE, BigInteger, Date, bindparam, select

from api.chats.liveness import is_live_link
from api.chats.models import Link

CHAT_ID: Any = bindparam("chat_id", None, type_=BigInteger())
AGREEMENT_ID: Any = bindparam("agreement_id", None, type_=BigInteger())
TODAY: Any = bindparam("today", None, type_=Date())
"""The day in the office's time zone; a ``Reading`` fills it in."""


def live_links() -> CTE:
    """``id``, ``agreement_id``, ``person_id`` and ``role`` of the live links of the chat that is bound as ``chat_id``:
    one for each agreement."""
    return (
        select(Link.id, Link.agreement_id, Link.person_id, Link.role)
        .where(Link.chat_id == CHAT_ID, is_live_link(TODAY))
        .cte("mine")
    )
