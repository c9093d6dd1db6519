"""What all messages of a broadcast have in common: its bodies, what they ask for, and its file."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import Body, BroadcastContent, Media, Operation, Placeholder
from api.cases.models import Attachment
from api.errors import NotFound
from api.privacy import Vault
from locales import templates

MAX_TITLE = 60
MAX_CHANGE = 200
"""Characters told of what a correction changes."""


def placeholders(bodies: Mapping[str, Body]) -> frozenset[Placeholder]:
    """Those that any of the bodies has."""
    named = {name for body in bodies.values() for name in templates.used(body.text)}
    return frozenset(placeholder for placeholder in Placeholder if placeholder.value in named)


async def sent_by(session: AsyncSession, broadcast: Broadcast) -> Broadcast:
    """The broadcast that sent its messages: itself, or the one that it corrects, perhaps not as the first."""
    while broadcast.operation is not Operation.SEND:
        broadcast = await session.get_one(Broadcast, broadcast.of_id)
    return broadcast


async def bodies_before(session: AsyncSession, broadcast: Broadcast) -> dict[str, Any]:
    """Of a correction: the bodies of what it corrects, as JSON; of anything else none."""
    if broadcast.operation is not Operation.EDIT:
        return {}
    return (await session.get_one(Broadcast, broadcast.of_id)).bodies


async def content_of(session: AsyncSession, vault: Vault, broadcast: Broadcast) -> BroadcastContent:
    """What all its messages have in common. A correction leaves the file as it is."""
    file = await _file_of(session, broadcast)
    media = None
    if file is not None:
        media = Media(
            attachment_id=file.id,
            kind=file.kind,
            filename=vault.open("attachment.filename", file.filename),
            media_type=file.media_type,
        )
    return BroadcastContent(
        id=broadcast.id,
        revision=broadcast.revision,
        operation=broadcast.operation,
        topic=broadcast.topic,
        bodies={locale: Body.model_validate(body) for locale, body in broadcast.bodies.items()},
        fallback=broadcast.fallback,
        media=media,
    )


async def find_file(session: AsyncSession, broadcast_id: int) -> Attachment:
    """
    Raises:
        NotFound: there is no such broadcast, or it has no file.
    """
    broadcast = await session.get(Broadcast, broadcast_id)
    file = None if broadcast is None else await _file_of(session, broadcast)
    if file is None:
        raise NotFound
    return file


async def _file_of(session: AsyncSession, broadcast: Broadcast) -> Attachment | None:
    attachment_id = (await sent_by(session, broadcast)).attachment_id
    return None if attachment_id is None else await session.get_one(Attachment, attachment_id)


def title_of(broadcast: Broadcast) -> str:
    """How its fallback text begins, without markup."""
    bodies = broadcast.bodies
    body = bodies.get(broadcast.fallback) or next(iter(bodies.values()), None)
    lines = templates.plain(body["text"]).splitlines() if body else []
    title = lines[0].strip() if lines else ""
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"


async def change_of(session: AsyncSession, broadcast: Broadcast) -> tuple[str, str]:
    """What a correction changes: the old words and the new ones, in the fallback language or the first that differs.
    Empty: nothing, or it is none."""
    before, after = await bodies_before(session, broadcast), broadcast.bodies
    for locale in sorted(after, key=lambda locale: locale != broadcast.fallback):
        old, new = templates.parted(before.get(locale, {}).get("text", ""), after[locale]["text"])
        if locale in before and old != new:
            return old[:MAX_CHANGE], new[:MAX_CHANGE]
    return "", ""
