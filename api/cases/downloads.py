"""Files of cases on their way back: to the chat that filed the case, and to staff."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.audit.service import Actor, record
from api.cases.files import read_file
from api.cases.models import Attachment, Case
from api.cases.queries import NUMBER, files_of, whole_number
from api.chats.access import CHAT_ID, live_links
from api.errors import NotFound
from api.lookups import LookUp, Reading, Row

ATTACHMENT_ID: Any = bindparam("attachment_id", None, type_=BigInteger())
_COLUMNS = (Attachment.id.label("attachment_id"), Attachment.filename, Attachment.size)


def _mine() -> LookUp:
    mine = live_links()
    return LookUp(
        select(mine.c.agreement_id.label("id"), *_COLUMNS)
        .select_from(mine.join(Case.__table__, Case.agreement_id == mine.c.agreement_id))
        .join(Attachment, files_of(Case.id))
        .where(Case.chat_id == CHAT_ID, Case.number == NUMBER, Attachment.id == ATTACHMENT_ID),
        seen="attachment.seen",
    )


MINE = _mine()
ANY = LookUp(
    select(Case.id.label("case_id"), *_COLUMNS)
    .join(Attachment, files_of(Case.id))
    .where(Case.number == NUMBER, Attachment.id == ATTACHMENT_ID)
)


@dataclass(frozen=True)
class Found:
    """A file that the asker may have. ``filename`` is sealed."""

    id: int
    filename: bytes
    size: int


def _found(rows: list[Row]) -> Found:
    if not rows:
        raise NotFound
    row = rows[0]
    return Found(row["attachment_id"], row["filename"], row["size"])


async def find_for_chat(reading: Reading, chat_id: int, number: str, attachment_id: int) -> Found:
    """
    Raises:
        NotFound: there is no such file, or its case is not this chat's.
    """
    return _found(await reading.rows(MINE, chat_id=chat_id, number=whole_number(number), attachment_id=attachment_id))


async def find_for_staff(session: AsyncSession, actor: Actor, number: str, attachment_id: int) -> Found:
    """
    Raises:
        NotFound
    """
    rows = await ANY.in_transaction(session, number=whole_number(number), attachment_id=attachment_id)
    found = _found(rows)
    await record(session, actor, "attachment.shown", "case", [rows[0]["case_id"]])
    return found


async def send(request: Request, found: Found) -> Response:
    """The file's clear bytes. The first of them is read before the answer begins, so that a file that cannot be had is
    an error and not a broken answer."""
    state = request.app.state
    parts = read_file(state.database, state.vault, state.attachments, found.id)
    first = await anext(parts, b"")
    name = quote(state.vault.open("attachment.filename", found.filename))
    headers = {
        "content-length": str(found.size),
        "content-disposition": f"attachment; filename*=utf-8''{name}",
    }
    # Never as what it says it is: nothing that somebody uploaded is to be run or shown by a browser.
    return StreamingResponse(_after(first, parts), media_type="application/octet-stream", headers=headers)


async def _after(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part
