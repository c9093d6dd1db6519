"""Where files lie: room, and leave to write."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote, urlsplit

from api.cases.store import AttachmentStore
from api.errors import Unavailable
from api.settings import Settings
from bot.cli.doctor.findings import Finding, failed, ok, warning

FULL = 512 * 2**20
"""Bytes; with less a disk is as good as full."""
LOW = 5 * 2**30

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
    found.append(_folder("disk_temporary", Path(tempfile.gettempdir()), "临时文件夹（TMPDIR）", free, full=FULL // 4))
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


def _folder(check: str, folder: Path, name: str, free: FreeBytes, *, write: bool = True, full: int = FULL) -> Finding:
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
    room = f"还有 {left / 2**30:.1f} GB"
    if left < full:
        return failed(check, f"{name}几乎满了，{room}。", "请马上腾出空间或换更大的磁盘：照片存不下，数据库会停。")
    if left < min(LOW, full * 10):
        return warning(check, f"{name}空间不多了，{room}。", "请在这几天腾出空间。")
    return ok(check, f"{name}可以写，{room}。" if write else f"{name}{room}。")
