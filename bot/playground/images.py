"""Reads an image's width and height from its header: JPEG, PNG, GIF, WebP, BMP."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    width: int
    height: int
    content_type: str
    suffix: str


def read_image(data: bytes) -> Image | None:
    """None when the bytes are no image that Telegram would take as a photo."""
    try:
        return _png(data) or _jpeg(data) or _gif(data) or _webp(data) or _bmp(data)
    except (struct.error, IndexError):
        return None


def _png(data: bytes) -> Image | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return _image(width, height, "image/png", "png")


def _jpeg(data: bytes) -> Image | None:
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        # Frame headers carry the size; C4, C8 and CC in their range are other tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return _image(width, height, "image/jpeg", "jpg")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _gif(data: bytes) -> Image | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return _image(width, height, "image/gif", "gif")


def _webp(data: bytes) -> Image | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    form = data[12:16]
    if form == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif form == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        return None
    return _image(width, height, "image/webp", "webp")


def _bmp(data: bytes) -> Image | None:
    if not data.startswith(b"BM") or len(data) < 26:
        return None
    width, height = struct.unpack_from("<ii", data, 18)
    return _image(width, abs(height), "image/bmp", "bmp")


def _image(width: int, height: int, content_type: str, suffix: str) -> Image | None:
    return Image(width, height, content_type, suffix) if width > 0 and height > 0 else None
