"""Conversation state, saved by compare-and-set; and that a chat with links is in use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import asyncpg
import orjson
import structlog
from sqlalchemy import BigInteger, bindparam, exists, func, literal, null, or_, select, true, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.chats.access import CHAT_ID, TODAY
from api.chats.liveness import is_live_link, lapse
from api.chats.models import Chat, Link
from api.chats.schemas import ChatSave, Dialog, Facts
from api.errors import InvalidInput, VersionConflict
from api.lookups import ChatLookUp, LookUp, Reading, Row
from api.privacy import Vault
from api.staff.models import StaffAccount

KEPT_UPDATES = 8
"""Updates that a chat remembers. While one waits to be brought again, others of the chat are saved: Telegram posts its
messages one after the other and the taps in it likewise, but not the ones after the others; who polls gets a batch."""
MAX_DIALOG_BYTES = 160 * 1024
"""As JSON in UTF-8; the longest answer of an officer, begun in the midst of a complaint, takes about half of it, and
all of it only where every character has to be escaped."""

log = structlog.get_logger()

# When the chat's live links were used last (none: it has no live link), and why others show nothing: both from one look
# at each link. Without the offset PostgreSQL would ask twice whether a link is live.
_its_links = (
    select(Link.used_on, is_live_link(TODAY).label("live"), lapse(TODAY).label("lapse"))
    .where(Link.chat_id == CHAT_ID, Link.revoked_at.is_(None))
    .offset(0)
    .subquery("its_links")
    .c
)
_summed = select(
    func.min(_its_links.used_on).filter(_its_links.live).label("used_on"),
    func.min(_its_links.lapse).filter(~_its_links.live).label("lapse"),
).subquery("summed")
_of_its_links = [select(column).scalar_subquery().label(column.name) for column in _summed.c]
_gone = Chat.gone_at.is_not(None).label("gone")
_staff = exists().where(StaffAccount.chat_id == CHAT_ID, StaffAccount.disabled_at.is_(None)).label("staff")
_asked = select(CHAT_ID.label("id")).subquery()
STATE = LookUp(
    select(Chat.locale, Chat.dialog, Chat.version, _gone, Chat.taken, _staff, *_summed.c).select_from(
        _asked.join(_summed, true()).outerjoin(Chat, Chat.id == _asked.c.id)
    )
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
        func.array_remove(array([bindparam("update_id", None, type_=BigInteger())]), null(), type_=Chat.taken.type),
    ).where(there)
    insertion = insert(Chat).from_select(["id", "locale", "dialog", "version", "taken"], values)
    return LookUp(
        insertion.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "locale": insertion.excluded.locale,
                "dialog": insertion.excluded.dialog,
                "version": Chat.version + 1,
                "saved_at": func.now(),
                # Who writes is there again.
                "gone_at": None,
                "taken": (insertion.excluded.taken + Chat.taken)[1:KEPT_UPDATES],
            },
            where=Chat.version == version,
        ).returning(Chat.locale, Chat.dialog, Chat.version, _gone, Chat.taken, _staff, *_of_its_links)
    )


SAVE = _save()
# Those that nobody holds: who waited for a load of a roll would keep a look-up's connection.
_to_note = (
    select(Link.id)
    .where(Link.chat_id == CHAT_ID, Link.used_on < TODAY, is_live_link(TODAY))
    .with_for_update(skip_locked=True)
)
_NOTE_USE = LookUp(
    update(Link)
    .where(Link.id.in_(_to_note))
    .values(used_on=TODAY, expires_on=bindparam("until", None, type_=Link.expires_on.type))
)


@cache
def _with_state(facts: ChatLookUp) -> LookUp:
    return facts.look_up.after(STATE)


def _state(vault: Vault, chat_id: int, row: Row) -> dict[str, Any]:
    dialog = row["dialog"]
    return {
        "chat_id": chat_id,
        "locale": row["locale"],
        "linked": row["used_on"] is not None,
        "lapse": row["lapse"] if row["used_on"] is None else None,
        "staff": row["staff"],
        "dialog": None if dialog is None else vault.open_json("chat.dialog", dialog),
        "version": row["version"] or 0,
        "gone": row["gone"],
        "taken": row["taken"] or [],
    }


@dataclass(frozen=True, slots=True)
class Found:
    """A :class:`ChatState`, and whether today's use of the chat's links is still to be noted."""

    state: dict[str, Any]
    use_to_note: bool


async def get_state(reading: Reading, chat_id: int) -> Found:
    """The state of a chat; of one that never wrote, version 0."""
    (row,) = await reading.rows(STATE, chat_id=chat_id)
    return _found(reading, chat_id, row)


def _found(reading: Reading, chat_id: int, row: Row) -> Found:
    used_on = row["used_on"]
    return Found(_state(reading.vault, chat_id, row), used_on is not None and used_on < reading.today())


async def get_state_with(reading: Reading, chat_id: int, name: Facts, facts: ChatLookUp) -> Found:
    """The state with what another domain looks up for the chat, under its name: both in one round trip."""
    rows = await reading.rows(_with_state(facts), chat_id=chat_id)
    found = _found(reading, chat_id, rows[0])
    found.state[name.value] = facts.tell(reading.vault, [row for row in rows if row["id"] is not None])
    return found


async def note_use(reading: Reading, chat_id: int, disuse_days: int) -> None:
    """The chat's live links were used today and stay for another while. Once a day, after the answer: it never fails,
    since nobody waits for it and tomorrow is another day."""
    try:
        await reading.rows(_NOTE_USE, chat_id=chat_id, until=reading.today() + timedelta(days=disuse_days))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.warning("link_use_not_noted", error=type(error).__name__)


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
        session,
        chat_id=chat_id,
        today=today,
        version=save.version,
        locale=save.locale,
        dialog=dialog,
        update_id=save.update_id,
    )
    if not saved:
        raise VersionConflict
    return _state(vault, chat_id, saved[0])


def _seal_dialog(vault: Vault, dialog: Dialog) -> bytes:
    def refused(expected: str) -> InvalidInput:
        return InvalidInput(fields=[{"at": ["body", "dialog"], "expected": expected}])

    try:
        # By what writes it into answers again: a state that can be saved but not loaded silences its chat for ever.
        text = orjson.dumps(dialog.model_dump(mode="json"))
    except (TypeError, ValueError) as error:
        raise refused("Text in Unicode, numbers of 64 bits, not nested too deep") from error
    if len(text) > MAX_DIALOG_BYTES:
        raise refused(f"At most {MAX_DIALOG_BYTES} bytes of JSON")
    return vault.seal("chat.dialog", text.decode())


async def mark_gone(session: AsyncSession, chat_ids: Collection[int]) -> None:
    """Telegram knows no way to these chats any more; nothing is sent to them until they write again."""
    # In one order, so that two who mark the same chats do not wait for each other.
    there = select(Chat.id).where(Chat.id.in_(chat_ids), Chat.gone_at.is_(None)).order_by(Chat.id).with_for_update()
    await session.execute(
        update(Chat).where(Chat.id.in_(there)).values(gone_at=func.now()).execution_options(synchronize_session=False)
    )
