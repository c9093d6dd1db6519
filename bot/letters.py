"""How what a courier brings goes to Telegram: as text, below a photo or document, in place of an older text; or how an
older one is taken back.

The bytes of a broadcast's file come from the API once for each process and go to Telegram once; whoever comes after the
first is sent it by the name that Telegram has for it (``file_id``).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from telegram import InputFile
from telegram.error import BadRequest
from telegram.ext import ExtBot

from api.broadcasts.schemas import Media
from api.cases.schemas import AttachmentKind
from bot.transport import call_once, upload_once
from bot.ui import Letter, wire

Go = Callable[[float], Awaitable[int | None]]
"""Sends it, if that can be done until then (of the loop's clock); gives Telegram's id of the message. Raises
``TelegramError``, ``NotYet``, ``BackendUnavailable`` or a ``BackendError``."""

READ_SECONDS, WRITE_SECONDS = 15.0, 25.0
UPLOAD_SECONDS = READ_SECONDS + WRITE_SECONDS + 10.0
"""Likewise of a call with a file."""
MOST_FILES = 64
"""Names of files that are kept; the oldest goes."""
_NO_PREVIEW = {"is_disabled": True}
_METHODS = {AttachmentKind.PHOTO: ("sendPhoto", "photo"), AttachmentKind.DOCUMENT: ("sendDocument", "document")}


class NotYet(Exception):
    """The file is still on its way to Telegram, or came too late for this lease. Nothing was sent."""

    SECONDS: ClassVar[float] = 1.0


class Letters:
    """Of one courier; keeps the names of files."""

    def __init__(self, bot: ExtBot[Any], read_file: Callable[[int], Awaitable[bytes]]) -> None:
        """
        Args:
            read_file: gives the file of a broadcast.
        """
        self._bot = bot
        self._read_file = read_file
        self._names: dict[int, str] = {}
        self._bytes: dict[int, bytes] = {}
        self._uploading: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def letter(self, chat_id: int, letter: Letter, *, reply_to: int | None = None) -> Go:
        """
        Args:
            reply_to: the message that it speaks of; where that is gone, it is not sent.
        """

        async def go(_: float) -> int:
            text: dict[str, Any] = {"text": letter.text, "link_preview_options": _NO_PREVIEW}
            if reply_to is not None:
                text["reply_parameters"] = {"message_id": reply_to}
            sent = await call_once(self._bot, "sendMessage", _new(chat_id, letter) | text)
            return int(sent["message_id"])

        return go

    def edit(self, chat_id: int, message_id: int, letter: Letter, *, has_media: bool) -> Go:
        method, name = ("editMessageCaption", "caption") if has_media else ("editMessageText", "text")
        preview = None if has_media else _NO_PREVIEW

        async def go(_: float) -> int:
            words = {"message_id": message_id, name: letter.text, "link_preview_options": preview}
            await call_once(self._bot, method, _words(chat_id, letter) | words)
            return message_id

        return go

    def deletion(self, chat_id: int, message_id: int) -> Go:
        async def go(_: float) -> int:
            await call_once(self._bot, "deleteMessage", {"chat_id": chat_id, "message_id": message_id})
            return message_id

        return go

    def with_media(self, chat_id: int, letter: Letter, broadcast_id: int, media: Media) -> Go:
        parameters = _new(chat_id, letter) | {"caption": letter.text}

        async def go(until: float) -> int:
            if media.attachment_id not in self._names:
                return await self._first(parameters, broadcast_id, media, until)
            try:
                return await self._again(parameters, media)
            except BadRequest as error:
                if "file identifier" not in error.message.lower():
                    raise
                # Telegram knows it no more. It was not sent.
                self._names.pop(media.attachment_id, None)
                return await self._first(parameters, broadcast_id, media, until)

        return go

    async def _first(self, parameters: dict[str, Any], broadcast_id: int, media: Media, until: float) -> int:
        """With the bytes, unless somebody was quicker."""
        lock = self._uploading[media.attachment_id]
        if lock.locked():
            # What would wait for it here would go out at once with all that waited, past the pace.
            raise NotYet
        async with lock:
            if media.attachment_id not in self._names:
                return await self._upload(parameters, broadcast_id, media, until)
        return await self._again(parameters, media)

    async def _upload(self, parameters: dict[str, Any], broadcast_id: int, media: Media, until: float) -> int:
        if media.attachment_id not in self._bytes:
            self._bytes[media.attachment_id] = await self._read_file(broadcast_id)
        if until - asyncio.get_running_loop().time() < UPLOAD_SECONDS:
            raise NotYet
        method, name = _METHODS[media.kind]
        file = InputFile(self._bytes[media.attachment_id], media.filename)
        sent = await upload_once(self._bot, method, parameters | {name: file}, read=READ_SECONDS, write=WRITE_SECONDS)
        if file_id := _file_id(sent):
            while len(self._names) >= MOST_FILES:
                del self._names[next(iter(self._names))]
            self._names[media.attachment_id] = file_id
            del self._bytes[media.attachment_id]
        return int(sent["message_id"])

    async def _again(self, parameters: dict[str, Any], media: Media) -> int:
        method, name = _METHODS[media.kind]
        sent = await call_once(self._bot, method, parameters | {name: self._names[media.attachment_id]})
        return int(sent["message_id"])


def _words(chat_id: int, letter: Letter) -> dict[str, Any]:
    return {"chat_id": chat_id, "parse_mode": "HTML", "reply_markup": wire(letter.keyboard)}


def _new(chat_id: int, letter: Letter) -> dict[str, Any]:
    return _words(chat_id, letter) | {"protect_content": True}


def _file_id(sent: dict[str, Any]) -> str | None:
    """What Telegram made of it, which may be something else than it was sent as (a moving picture)."""
    if sizes := sent.get("photo"):
        return str(sizes[-1]["file_id"])
    for kind in ("document", "animation", "video", "audio"):
        if file := sent.get(kind):
            return str(file["file_id"])
    return None
