"""What a file is, told by its content: names and declared types are claims."""

import codecs
import mmap
import unicodedata
import zipfile
from typing import BinaryIO

from api.cases.schemas import AttachmentKind

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    "image/heic": (".heic", ".heif"),
    "application/pdf": (".pdf",),
    "application/msword": (".doc", ".wps"),
    "application/vnd.ms-excel": (".xls", ".et"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "text/plain": (".txt", ".csv", ".log", ".md"),
}
"""The types that are accepted as documents; the first extension is given to a file whose name has none of them."""

MAX_NAME_CHARACTERS = 120
_HEAD_BYTES = 1024
_MAX_ZIP_ENTRIES = 5000
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_TEXT_CONTROLS = str.maketrans("", "", "\t\n\r\f\ufeff")


def media_type_of(file: BinaryIO, kind: AttachmentKind) -> str | None:
    """The type of a file, or none where it is not one that is accepted as ``kind``. Blocking: it reads the file.

    Args:
        file: on disk, with a ``fileno``.
    """
    found = _by_head(file)
    if kind is AttachmentKind.PHOTO:
        return found if found is not None and found.startswith("image/") else None
    return found or _by_whole(file)


def _by_head(file: BinaryIO) -> str | None:
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "image/heic"
    # Readers take a PDF with something before its mark; so do scanners make them.
    return "application/pdf" if b"%PDF-" in head else None


def _by_whole(file: BinaryIO) -> str | None:
    file.seek(0)
    head = file.read(8)
    if head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _ole_type(file)
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(file)
    return "text/plain" if head and (_is_text(file, "utf-8") or _is_text(file, "gb18030")) else None


def _ole_type(file: BinaryIO) -> str | None:
    """Word and Excel up to 2003, and WPS: told by the names of their streams."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find("WordDocument".encode("utf-16-le")) >= 0:
            return "application/msword"
        if any(content.find(f"{name}\0".encode("utf-16-le")) >= 0 for name in ("Workbook", "Book")):
            return "application/vnd.ms-excel"
    return None


def _zip_type(file: BinaryIO) -> str | None:
    """Word and Excel since 2007, without macros."""
    if _has_too_many_entries(file):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        # Broken, encrypted in a way that is not known, or made to deceive: no document that anybody could open, and the
        # person is told that files of this type are not taken.
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    if "word/document.xml" in names:
        return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    if "xl/workbook.xml" in names:
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return None


def _has_too_many_entries(file: BinaryIO) -> bool:
    """Counts the marks of entries in the archive's directory, since what its end announces may be a lie: reading half
    a million takes hundreds of megabytes."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = -1
        for _ in range(_MAX_ZIP_ENTRIES + 1):
            place = content.find(b"PK\x01\x02", place + 1)
            if place < 0:
                return False
    return True


def _is_text(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(1 << 16):
            if not _is_readable(decoder.decode(chunk)):
                return False
        return _is_readable(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        return False


def _is_readable(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cc" for character in set(text.translate(_TEXT_CONTROLS)))


def display_name(claimed: str, media_type: str) -> str:
    """A file name fit to be shown: no folders, nothing invisible, not too long, and an extension that is true."""
    name = unicodedata.normalize("NFC", claimed).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, extension = name.rpartition(".")
    known = EXTENSIONS[media_type]
    if dot and f".{extension.lower()}" in known:
        ending = f".{extension}"
    else:
        stem, ending = name, known[0]
    return (stem[: MAX_NAME_CHARACTERS - len(ending)] or "file") + ending
