"""What is kept about a chat in this domain: for its copy (/mydata), and its erasure (/forget)."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Text, cast, delete, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.agreements.schemas import AgreementKind
from api.agreements.service import former_ref
from api.audit.service import Actor
from api.cases.attachments import is_free
from api.cases.collective import end_offer, hold_collectives
from api.cases.lifecycle import OPEN
from api.cases.models import Attachment, Case, CaseEvent
from api.cases.news import is_shown, tell_who_has_it
from api.cases.schemas import CaseActor, CaseEventKind
from api.cases.transitions import resident_reads
from api.chats.access import CHAT_ID, live_links
from api.chats.models import Chat
from api.identity.schemas import LinkScope
from api.lookups import LookUp, Reading, json_list, json_object
from api.messages.schemas import DeskNews
from api.privacy import Vault


def _files() -> Any:
    # Sealed bytes travel in JSON as hexadecimal digits.
    return json_object(
        kind=Attachment.kind,
        filename=func.encode(Attachment.filename, literal_column("'hex'")),
        media_type=Attachment.media_type,
        size=Attachment.size,
        uploaded_at=Attachment.uploaded_at,
    )


_said = json_object(
    kind=CaseEvent.kind,
    happened_at=CaseEvent.happened_at,
    by=CaseEvent.acted_as,
    text=func.encode(CaseEvent.text, literal_column("'hex'")),
)
_mine = live_links()
_sees = exists().where(_mine.c.agreement_id == Case.agreement_id)
_its_history = select(json_list(_said, CaseEvent.id)).where(CaseEvent.case_id == Case.id).correlate(Case)
_its_files = select(json_list(_files(), Attachment.id)).where(Attachment.case_id == Case.id).correlate(Case)
CASES = LookUp(
    select(
        Agreement.id,
        Agreement.number,
        Agreement.kind,
        Case.number.label("case_number"),
        Case.state,
        Case.category,
        Case.text,
        Case.location,
        Case.received_at,
        Case.registered_at,
        Case.accepted_at,
        cast(_its_files.scalar_subquery(), Text).label("files"),
        cast(_its_history.scalar_subquery(), Text).label("history"),
        _sees.label("sees"),
    )
    .join(Agreement, Agreement.id == Case.agreement_id)
    # Whether or not the chat still sees the agreement: what it wrote is its own. What the office wrote is not.
    .where(Case.chat_id == CHAT_ID)
    .order_by(Case.id),
    seen="cases.seen",
)
FREE_FILES = LookUp(
    select(cast(json_list(_files(), Attachment.id), Text).label("files")).where(
        Attachment.chat_id == CHAT_ID, is_free()
    )
)
COUNTED = LookUp(
    select(
        select(func.count()).select_from(Case).where(Case.chat_id == CHAT_ID).scalar_subquery().label("cases"),
        select(func.count())
        .select_from(Attachment)
        .where(Attachment.chat_id == CHAT_ID, is_free())
        .scalar_subquery()
        .label("files"),
        select(func.count())
        .select_from(Case)
        .where(Case.chat_id == CHAT_ID, Case.state.in_(OPEN))
        .scalar_subquery()
        .label("open_cases"),
    )
)


def _named(vault: Vault, files: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(files)
    for file in found:
        # PostgreSQL's JSON leaves out the zeros at the end of a second's fraction.
        file["uploaded_at"] = datetime.fromisoformat(file["uploaded_at"])
        file["filename"] = vault.open("attachment.filename", bytes.fromhex(file["filename"]))
    return found


def _history(vault: Vault, events: str, *, sees: bool) -> list[dict[str, Any]]:
    """What the resident may read of it (see ``api.cases.timeline``); the office's words only who sees the agreement."""
    shown = [event for event in orjson.loads(events) if is_shown(CaseEventKind(event["kind"]))]
    for event in shown:
        event["happened_at"] = datetime.fromisoformat(event["happened_at"])
        text, reads = event["text"], resident_reads(CaseEventKind(event["kind"]))
        reads = reads and (sees or event["by"] == CaseActor.RESIDENT)
        event["text"] = vault.open("case_event.text", bytes.fromhex(text)) if text is not None and reads else ""
    return shown


async def look_up_own_cases(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``StoredCase`` of each complaint that this chat filed, oldest first."""
    vault = reading.vault
    return [
        {
            "number": row["case_number"],
            "agreement": former_ref(
                row["id"],
                row["number"],
                AgreementKind(row["kind"]),
                LinkScope.EVERYTHING if row["sees"] else LinkScope.PROGRESS,
            ).model_dump(mode="json"),
            "state": row["state"],
            "category": row["category"],
            "text": vault.open("case.text", row["text"]),
            "location": None if row["location"] is None else vault.open_json("case.location", row["location"]),
            "received_at": row["received_at"],
            "registered_at": row["registered_at"],
            "accepted_at": row["accepted_at"],
            "files": _named(vault, row["files"]),
            "history": _history(vault, row["history"], sees=row["sees"]),
        }
        for row in await reading.rows(CASES, chat_id=chat_id)
    ]


async def look_up_free_files(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``StoredFile`` of each that no complaint came of."""
    [row] = await reading.rows(FREE_FILES, chat_id=chat_id)
    return _named(reading.vault, row["files"])


async def count_cases(reading: Reading, chat_id: int) -> dict[str, int]:
    """``cases`` that it filed, of these ``open_cases``, and ``files`` that no complaint came of."""
    [row] = await reading.rows(COUNTED, chat_id=chat_id)
    return dict(row)


async def forget_free_files(session: AsyncSession, chat_id: int) -> list[str]:
    """Delete the files that no complaint came of. Complaints that were filed stay, with theirs: the law on petitions.

    Returns:
        Storage keys of the objects, to be deleted when this is committed.
    """
    deleted = await session.scalars(
        delete(Attachment)
        .where(Attachment.chat_id == chat_id, is_free())
        .returning(Attachment.storage_key)
        .execution_options(synchronize_session=False)
    )
    return list(deleted)


async def leave_cases(session: AsyncSession, vault: Vault, chat_id: int) -> None:
    """Whoever has an open complaint of this chat learns that its family reads nothing here any more; and the building
    is offered none of theirs, since nobody is left who could have that ended."""
    chat = await session.get(Chat, chat_id)
    await hold_collectives(session)
    theirs = await session.scalars(
        select(Case)
        .where(Case.chat_id == chat_id, or_(Case.state.in_(OPEN), Case.published_at.is_not(None)))
        # As every step does: a master before its members.
        .order_by(Case.master_id.is_not(None), Case.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    for case in theirs:
        if case.published_at is not None:
            await end_offer(session, case, Actor.chat(chat_id), CaseActor.RESIDENT)
        if case.state in OPEN and chat is not None:
            # Once for each time that the family was here.
            key = f"case_left:{case.id}:{chat.created_at.timestamp():.0f}"
            await tell_who_has_it(session, vault, case, DeskNews.LEFT, dedupe_key=key)
