"""Conversation state, saved by compare-and-set, and the links that say what a chat may see."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Party
from api.chats.access import CHAT_ID, TODAY
from api.chats.liveness import is_live_link, is_live_party
from api.chats.models import Chat, Link
from api.chats.schemas import ChatSave, Dialog, Facts
from api.errors import InvalidInput, NotFound, VersionConflict
from api.identity.schemas import LinkMethod, LinkRole
from api.lookups import LookUp, Reading, Row
from api.privacy import Vault

MAX_DIALOG_BYTES = 32 * 1024
"""As JSON in UTF-8; the longest complaint takes about a third of it."""
OWNERS = (LinkRole.HOLDER, LinkRole.CO_OWNER)
"""Who sees, and may end, the other chats' links to their agreement."""


# --- conversation state ---


_linked = exists().where(Link.chat_id == CHAT_ID, is_live_link(TODAY)).label("linked")
_asked = select(CHAT_ID.label("id")).subquery()
STATE = LookUp(
    select(Chat.locale, Chat.dialog, Chat.version, _linked).select_from(_asked.outerjoin(Chat, Chat.id == _asked.c.id))
)


def _save() -> LookUp:
    """Compare-and-set in one statement. A chat that is not there can be saved from version 0 only."""
    version: Any = bindparam("version", None, type_=Chat.version.type)
    there = or_(version == 0, exists().where(Chat.id == CHAT_ID))
    values = select(
        CHAT_ID,
        bindparam("locale", None, type_=Chat.locale.type),
        bindparam("dialog", None, type_=Chat.dialog.type),
        literal(1),
    ).where(there)
    insertion = insert(Chat).from_select(["id", "locale", "dialog", "version"], values)
    return LookUp(
        insertion.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "locale": insertion.excluded.locale,
                "dialog": insertion.excluded.dialog,
                "version": Chat.version + 1,
            },
            where=Chat.version == version,
        ).returning(Chat.locale, Chat.dialog, Chat.version, _linked)
    )


SAVE = _save()


def _state(vault: Vault, chat_id: int, row: Row) -> dict[str, Any]:
    dialog = row["dialog"]
    return {
        "chat_id": chat_id,
        "locale": row["locale"],
        "linked": row["linked"],
        "dialog": None if dialog is None else vault.open_json("chat.dialog", dialog),
        "version": row["version"] or 0,
    }


async def get_state(reading: Reading, chat_id: int) -> dict[str, Any]:
    """The state of a chat, as :class:`ChatState`; of one that never wrote, version 0."""
    (row,) = await reading.rows(STATE, chat_id=chat_id)
    return _state(reading.vault, chat_id, row)


async def get_state_with(
    reading: Reading, chat_id: int, name: Facts, look_up: Callable[[Reading, int], Awaitable[Any]]
) -> dict[str, Any]:
    """The state with what another domain looks up for the chat, under its name."""
    state = await get_state(reading, chat_id)
    return {**state, name.value: await look_up(reading, chat_id) if state["linked"] else []}


async def save_state(session: AsyncSession, vault: Vault, chat_id: int, save: ChatSave, today: date) -> dict[str, Any]:
    """Compare-and-set; the first save of a chat has version 0.

    Returns:
        The new :class:`ChatState`.

    Raises:
        VersionConflict: another turn has saved since ``save.version``.
        InvalidInput: the dialog is larger than ``MAX_DIALOG_BYTES``.
    """
    dialog = None if save.dialog is None else _seal_dialog(vault, save.dialog)
    saved = await SAVE.in_transaction(
        session, chat_id=chat_id, today=today, version=save.version, locale=save.locale, dialog=dialog
    )
    if not saved:
        raise VersionConflict
    return _state(vault, chat_id, saved[0])


def _seal_dialog(vault: Vault, dialog: Dialog) -> bytes:
    def refused(expected: str) -> InvalidInput:
        return InvalidInput(fields=[{"at": ["body", "dialog"], "expected": expected}])

    text = json.dumps(dialog.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise refused("Text in Unicode") from error
    if size > MAX_DIALOG_BYTES:
        raise refused(f"At most {MAX_DIALOG_BYTES} bytes of JSON")
    return vault.seal("chat.dialog", text)


# --- links ---


@dataclass(frozen=True)
class Grant:
    """What a proof gives a chat: an agreement, as whom, and by whose right (none: let in by a code)."""

    agreement_id: int
    person_id: int | None
    role: LinkRole


async def grant_links(
    session: AsyncSession, chat_id: int, method: LinkMethod, grants: Sequence[Grant], today: date
) -> None:
    """Link the chat to what was granted. A link that stands stays as it is, unless it rests on less: a relative who
    proves to be an owner becomes one, and a proxy whose authority is over may come back with a code."""
    strongest: dict[int, Grant] = {}
    for grant in sorted(grants, key=lambda grant: list(LinkRole).index(grant.role)):
        strongest.setdefault(grant.agreement_id, grant)
    insertion = insert(Link).values([{"chat_id": chat_id, "method": method} | asdict(g) for g in strongest.values()])
    new = insertion.excluded
    await session.execute(
        insertion.on_conflict_do_update(
            index_elements=["chat_id", "agreement_id"],
            index_where=Link.revoked_at.is_(None),
            set_={"person_id": new.person_id, "role": new.role, "method": new.method, "linked_at": func.now()},
            where=or_(and_(Link.person_id.is_(None), new.person_id.is_not(None)), ~is_live_link(today)),
        )
    )


async def end_link(session: AsyncSession, chat_id: int, link_id: int, today: date) -> None:
    """End one's own link, or, as an owner, another chat's link to one's agreement.

    Raises:
        NotFound: there is no such live link, or it is not for this chat to end.
    """
    mine = aliased(Link)
    owns = exists().where(
        mine.chat_id == chat_id,
        mine.agreement_id == Link.agreement_id,
        mine.role.in_(OWNERS),
        is_live_link(today, mine),
    )
    ended = await session.execute(
        update(Link)
        .where(Link.id == link_id, Link.revoked_at.is_(None), or_(Link.chat_id == chat_id, owns))
        .values(revoked_at=func.now(), revoked_by_chat_id=chat_id)
        .returning(Link.id)
        .execution_options(synchronize_session=False)
    )
    if ended.one_or_none() is None:
        raise NotFound


async def extend_links(session: AsyncSession, today: date) -> int:
    """Link chats to what the rolls have newly given to the people who proved who they are in them. For the importer,
    in its own transaction, after people and parties are written.

    A link that was ended stays ended: only a new proof brings it back.

    Args:
        today: in the office's time zone.

    Returns:
        How many links were added.
    """
    present = aliased(Link)
    rank = case({role.value: position for position, role in enumerate(LinkRole)}, value=Party.role)
    missing = (
        select(Link.chat_id, Party.agreement_id, Party.person_id, Party.role, Link.method)
        .join(Party, Party.person_id == Link.person_id)
        .where(
            is_live_link(today),
            is_live_party(today),
            ~exists().where(present.chat_id == Link.chat_id, present.agreement_id == Party.agreement_id),
        )
        .ext(distinct_on(Link.chat_id, Party.agreement_id))
        .order_by(Link.chat_id, Party.agreement_id, rank, Link.id)
    )
    added = await session.execute(
        insert(Link)
        .from_select(["chat_id", "agreement_id", "person_id", "role", "method"], missing)
        .on_conflict_do_nothing()
        .returning(Link.id)
    )
    return len(added.all())
