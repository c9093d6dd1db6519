"""Where every resident's look-up starts: the agreements that a chat may see today.

A look-up that does not start here shows one family another's data. "Not yours" and "does not exist" are both no row.
"""

from typing import Any

from sqlalchemy import CTE, BigInteger, Date, bindparam, select

from api.chats.liveness import is_live_link
from api.chats.models import Link
from api.identity.schemas import LinkScope

CHAT_ID: Any = bindparam("chat_id", None, type_=BigInteger())
AGREEMENT_ID: Any = bindparam("agreement_id", None, type_=BigInteger())
TODAY: Any = bindparam("today", None, type_=Date())
"""The day in the office's time zone; a ``Reading`` fills it in."""


def live_links(scope: LinkScope = LinkScope.EVERYTHING) -> CTE:
    """``id``, ``agreement_id``, ``person_id``, ``role`` and ``scope`` of the live links of the chat that is bound as
    ``chat_id``: one for each agreement.

    Args:
        scope: what is looked up belongs to it: money, complaints and all that does not say otherwise to
            ``EVERYTHING``, so that a link to the progress alone does not find it; the home and its handover to
            ``PROGRESS``.
    """
    shown = () if scope is LinkScope.PROGRESS else (Link.scope == scope,)
    return (
        select(Link.id, Link.agreement_id, Link.person_id, Link.role, Link.scope)
        .where(Link.chat_id == CHAT_ID, is_live_link(TODAY), *shown)
        .cte("mine")
    )
