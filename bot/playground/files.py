"""The files of both sides, in memory, the oldest dropped when there are too many bytes."""

import mimetypes
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.images import read_image

DOWNLOAD_LIMIT = 20 * 1024 * 1024
"""Bytes a bot may fetch: getFile refuses anything larger."""
PHOTO_LIMIT = 10 * 1024 * 1024
KEEP = 512 * 1024 * 1024
PHOTO_SIDES = (90, 320, 800, 1280)
"""The longest sides, in pixels, of the sizes that a photo comes in."""


@dataclass(slots=True)
class File:
    """One downloadable file. The sizes of a photo share their bytes: nothing here can scale a picture."""

    file_id: str
    unique_id: str
    path: str
    content_type: str
    data: bytes
    kind: str
    content: Any
    """What a message carries for it: a list of photo sizes, or the object of a document, voice, sticker."""


class FileStore:
    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._bytes = 0
        self._numbers = 0
        self._by_id: dict[str, File] = {}
        self._by_path: dict[str, File] = {}
        self._groups: OrderedDict[str, list[File]] = OrderedDict()

    def add_photo(self, data: bytes) -> File:
        """Several sizes, smallest first, scaled from the real width and height. Returns the largest."""
        image = read_image(data)
        if image is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        if len(data) > PHOTO_LIMIT:
            raise bad_request(
                f"file of size {len(data)} bytes is too big for a photo; the maximum size is {PHOTO_LIMIT} bytes"
            )
        longest = max(image.width, image.height)
        if image.width + image.height > 10000 or longest > 20 * min(image.width, image.height):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        sides = [side for side in PHOTO_SIDES if side < longest]
        sides.append(min(longest, PHOTO_SIDES[-1]))
        sizes: list[dict[str, Any]] = []
        files: list[File] = []
        for side in sorted(set(sides)):
            scale = side / longest
            file = self._make("photos", image.suffix, image.content_type, data, "photo")
            file.content = sizes
            files.append(file)
            sizes.append(
                {
                    "file_id": file.file_id,
                    "file_unique_id": file.unique_id,
                    "width": max(1, round(image.width * scale)),
                    "height": max(1, round(image.height * scale)),
                    "file_size": max(1, round(len(data) * scale * scale)),
                }
            )
        self._store(files)
        return files[-1]

    def add_document(self, name: str, content_type: str, data: bytes) -> File:
        # Only the last part of a path is the name, whatever the client's system writes between.
        name = name.replace("\\", "/").rsplit("/", 1)[-1] or "file"
        if content_type in ("", "application/octet-stream"):
            content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        suffix = name.rsplit(".", 1)[-1] if "." in name else "bin"
        file = self._make("documents", suffix, content_type, data, "document")
        file.content = {
            "file_name": name,
            "mime_type": content_type,
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(data),
        }
        self._store([file])
        return file

    def add_voice(self, duration: int, data: bytes) -> File:
        file = self._make("voice", "oga", "audio/ogg", data, "voice")
        file.content = {
            "duration": duration,
            "mime_type": "audio/ogg",
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(data),
        }
        self._store([file])
        return file

    def add_sticker(self, emoji: str, data: bytes) -> File:
        file = self._make("stickers", "webp", "image/webp", data, "sticker")
        file.content = {
            "width": 512,
            "height": 512,
            "emoji": emoji,
            "set_name": "playground",
            "is_animated": False,
            "is_video": False,
            "type": "regular",
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(data),
        }
        self._store([file])
        return file

    def get(self, file_id: str) -> File | None:
        return self._by_id.get(file_id)

    def at(self, path: str) -> File | None:
        return self._by_path.get(path)

    def describe(self, file_id: str) -> dict[str, Any]:
        """The answer of getFile."""
        file = self._by_id.get(file_id)
        if file is None:
            raise bad_request("invalid file_id")
        if len(file.data) > DOWNLOAD_LIMIT:
            raise ApiError(400, "Bad Request: file is too big")
        return {
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(file.data),
            "file_path": file.path,
        }

    def _make(self, folder: str, suffix: str, content_type: str, data: bytes, kind: str) -> File:
        self._numbers += 1
        suffix = suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else "bin"
        return File(
            file_id=f"PG{secrets.token_urlsafe(36)}",
            unique_id=f"PG{secrets.token_urlsafe(9)}",
            path=f"{folder}/file_{self._numbers}.{suffix.lower()}",
            content_type=content_type,
            data=data,
            kind=kind,
            content=None,
        )

    def _store(self, files: list[File]) -> None:
        for file in files:
            self._by_id[file.file_id] = file
            self._by_path[file.path] = file
        self._groups[files[-1].file_id] = files
        self._bytes += len(files[-1].data)
        while self._bytes > self._keep and len(self._groups) > 1:
            _, dropped = self._groups.popitem(last=False)
            self._bytes -= len(dropped[-1].data)
            for file in dropped:
                del self._by_id[file.file_id], self._by_path[file.path]
