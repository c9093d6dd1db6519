"""Files that people send into a conversation, on their way to the API."""

import hashlib
import mimetypes
import re

from telegram import Document, PhotoSize
from telegram.error import BadRequest

from api.cases.schemas import MAX_ATTACHMENT_BYTES, AttachmentKind, AttachmentOut
from bot.backend import TooLarge, TooMany, UnsupportedType
from bot.context import Context
from locales import Html

_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}", re.IGNORECASE | re.ASCII)


class Refused(Exception):
    """A file was not taken; ``words`` tell who sent it why, and what can be done."""

    def __init__(self, words: Html) -> None:
        super().__init__(words)
        self.words = words


async def hand_over(
    ctx: Context, source: Document | PhotoSize, number: int, *, full: Html, by_staff: bool = False
) -> AttachmentOut:
    """Fetch a file from Telegram and store it.

    Args:
        number: names a photo, which has no name of its own.
        full: what to say where the API takes no more of them.
        by_staff: whether it is sent for the office.

    Raises:
        Refused: the API does not take it, or Telegram does not give it.
    """
    too_large = ctx.t("This file is larger than 20 MB, so I could not take it. Please send a smaller one.")
    if (source.file_size or 0) > MAX_ATTACHMENT_BYTES:
        raise Refused(too_large)
    try:
        return await _store(ctx, source, number, by_staff=by_staff)
    except TooLarge as error:
        raise Refused(too_large) from error
    except TooMany as error:
        raise Refused(full) from error
    except UnsupportedType as error:
        words = ctx.t("I cannot take files of this kind. Photos, PDF, Word and Excel files are fine.")
        raise Refused(words) from error
    except BadRequest as error:
        # Else Telegram has it no longer, or not yet.
        again = ctx.t("I could not get this file from Telegram. Please send it once more.")
        raise Refused(too_large if "too big" in error.message.lower() else again) from error


async def _store(ctx: Context, source: Document | PhotoSize, number: int, *, by_staff: bool) -> AttachmentOut:
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
