"""Where files lie: room, and leave to write."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote, urlsplit

from api.cases.schemas import MAX_ATTACHMENT_BYTES
from api.cases.store import AttachmentStore
from api.errors import Unavailable
from api.settings import Settings
from bot.cli.doctor.findings import Finding, failed, ok, warning


@dataclass(frozen=True, slots=True)
class Room:
    """How many free bytes are too few, and what to do then."""

    full: int
    """With less it is as good as full."""
    low: int
    when_full: str
    when_low: str


DISK = Room(
    full=512 * 2**20,
    low=5 * 2**30,
    when_full="请马上腾出空间或换更大的磁盘：照片存不下，数据库会停。",
    when_low="请在这几天腾出空间。",
)
TEMPORARY = Room(
    # What residents send (20 MB at most) passes through here, one file as it came and one sealed; whatever else does is
    # smaller. docker-compose.yml gives it 256 MB of memory.
    full=MAX_ATTACHMENT_BYTES,
    low=5 * MAX_ATTACHMENT_BYTES,
    when_full="请马上腾出空间或给它更多：居民发来的照片和文件经过这里，现在收不了。",
    when_low="请腾出空间或给它更多：几个人同时发大文件时会放不下。",
)

FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


async def look_at_disks(settings: Settings, free: FreeBytes) -> list[Finding]:
    """
    Args:
        free: bytes that are free where a folder lies.
    """
    found = [await _attachments(settings, free)]
    if settings.database_url is None:
        # As root, the embedded server belongs to another user, who alone writes there.
        found.append(_folder("disk_database", settings.data_dir / "postgres", "内置数据库的文件夹", free, write=False))
    found.append(_folder("disk_temporary", Path(tempfile.gettempdir()), "临时文件夹（TMPDIR）", free, room=TEMPORARY))
    return found


async def _attachments(settings: Settings, free: FreeBytes) -> Finding:
    url = settings.attachments_url
    if url is not None and not url.startswith("file:"):
        return await _object_store(settings)
    folder = settings.data_dir / "attachments" if url is None else Path(unquote(urlsplit(url).path))
    return await asyncio.to_thread(_folder, "disk_attachments", folder, "附件的文件夹", free)


async def _object_store(settings: Settings) -> Finding:
    store, key = AttachmentStore(settings.attachments_url, settings.data_dir), f"doctor-{token_hex(8)}"
    try:
        await store.put(key, BytesIO(b"shanglou doctor"))
        await store.delete(key)
    except Unavailable:
        return failed(
            "disk_attachments",
            "附件的对象存储写不进去。",
            "请核对 SHANGLOU_ATTACHMENTS_URL 和 AWS_… 的密钥、地区，以及存储桶的权限。",
        )
    return ok("disk_attachments", "附件的对象存储可以写。")


def _folder(check: str, folder: Path, name: str, free: FreeBytes, *, write: bool = True, room: Room = DISK) -> Finding:
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        if write and not folder.is_dir() and (not there.is_dir() or not os.access(there, os.W_OK)):
            raise NotADirectoryError
        if write and folder.is_dir():
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as probe:
                probe.write(b"shanglou doctor")
                probe.flush()
        left = free(there)
    except OSError as error:
        return failed(
            check, f"{name}写不进去（{type(error).__name__}）。", f"请让运行的用户可以写 {folder}，并确认磁盘没有满。"
        )
    told = f"还有 {left / 2**30:.1f} GB" if left >= 2**30 else f"还有 {left // 2**20} MB"
    if left < room.full:
        return failed(check, f"{name}几乎满了，{told}。", room.when_full)
    if left < room.low:
        return warning(check, f"{name}空间不多了，{told}。", room.when_low)
    return ok(check, f"{name}可以写，{told}。" if write else f"{name}{told}。")
