"""Files that people send into a conversation, on their way to the API."""

import hashlib
import mimetypes
import re

from telegram import Document, PhotoSize

from api.cases.schemas import AttachmentKind, AttachmentOut
from bot.context import Context

_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}", re.IGNORECASE | re.ASCII)


async def hand_over(
    ctx: Context, source: Document | PhotoSize, number: int, *, by_staff: bool = False
) -> AttachmentOut:
    """Fetch a file from Telegram and store it.

    Args:
        number: names a photo, which has no name of its own.
        by_staff: whether it is sent for the office.

    Raises:
        TooLarge, UnsupportedType, TooMany: the API does not take it.
        BadRequest: Telegram does not give it.
    """
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - the handlers match in a step only
    file = await ctx.bot.get_file(source.file_id)
    data = bytes(await file.download_as_bytearray())
    guessed = mimetypes.guess_type(file.file_path or "")[0]
    if isinstance(source, Document):
        kind, filename = AttachmentKind.DOCUMENT, source.file_name or "document"
        claimed = source.mime_type or guessed or ""
        # What the sender's app claims of a document may be anything.
        media_type = claimed if _MEDIA_TYPE.fullmatch(claimed) else "application/octet-stream"
    else:
        media_type = guessed or "image/jpeg"
        name = ctx.plain("photo-{number}", number=number)
        kind, filename = AttachmentKind.PHOTO, name + (mimetypes.guess_extension(media_type) or ".jpg")
    attach = ctx.backend.staff_attach if by_staff else ctx.backend.attach
    return await attach(
        ctx.chat_id,
        data,
        kind=kind,
        filename=filename[-120:],
        media_type=media_type,
        upload_key=f"{dialog.id}-{hashlib.sha256(source.file_unique_id.encode()).hexdigest()[:32]}",
    )
