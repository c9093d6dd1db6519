"""Files: stored once, sealed, checked by content and size, opened again, taken back, swept up."""

import asyncio
import hashlib
import io
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from itertools import product
from pathlib import Path

import aiohttp
import openpyxl
import pytest
import xlwt
from sqlalchemy import select, text

from api.agreements.models import Agreement
from api.app import create_app
from api.cases.attachments import MAX_FREE, sweep_orphans
from api.cases.files import read_file, store_file
from api.cases.models import Attachment
from api.cases.schemas import MAX_ATTACHMENT_BYTES, AttachmentKind, AttachmentOut
from api.cases.store import AttachmentStore
from api.db import Database
from api.errors import NotFound, Unavailable
from api.privacy import CannotOpen, Vault
from api.settings import Settings
from tests.api.calls import PNG, call, upload
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.serving import serving

CHAT, STRANGER = 700100200, 700100202
ONE_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def agreement(factory: Factory) -> Agreement:
    agreement = await factory.agreement()
    await factory.link(CHAT, agreement)
    return agreement


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.data_dir / "attachments"


@pytest.fixture
def store(settings: Settings) -> AttachmentStore:
    return AttachmentStore(None, settings.data_dir)


def objects(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def opened(database: Database, vault: Vault, store: AttachmentStore, attachment_id: int) -> bytes:
    async with aclosing(read_file(database, vault, store, attachment_id)) as parts:
        return b"".join([part async for part in parts])


async def all_opened(database: Database, vault: Vault, store: AttachmentStore) -> list[bytes]:
    return sorted([await opened(database, vault, store, row.id) for row in await rows(database)])


async def rows(database: Database) -> list[Attachment]:
    async with database.transaction() as session:
        return list((await session.scalars(select(Attachment).order_by(Attachment.id))).all())


def xlsx() -> bytes:
    content = io.BytesIO()
    openpyxl.Workbook().save(content)
    return content.getvalue()


def xls() -> bytes:
    content = io.BytesIO()
    workbook = xlwt.Workbook()
    workbook.add_sheet("1").write(0, 0, "invented")
    workbook.save(content)
    return content.getvalue()


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "invented")
    return content.getvalue()


def lying_zip() -> bytes:
    """A document whose directory holds 6,000 entries more than its end announces."""
    content = zipped(*(str(number) for number in range(6000)), "[Content_Types].xml", "word/document.xml")
    announced = content.rindex(b"PK\5\6") + 8
    return content[:announced] + b"\2\0\2\0" + content[announced + 4 :]


async def store_clear(database: Database, folder: Path, attachment_id: int, clear: bytes) -> None:
    """Make it a file that was stored before files were sealed."""
    async with database.transaction() as session:
        storage_key = await session.scalar(
            text("UPDATE attachments SET key_id = NULL WHERE id = :id RETURNING storage_key"), {"id": attachment_id}
        )
    (folder / storage_key).write_bytes(clear)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.security("Personal data lies sealed")
async def test_stored_and_the_same_upload_again(
    api: aiohttp.ClientSession, database: Database, folder: Path, store: AttachmentStore, vault: Vault
) -> None:
    stored = await upload(api, CHAT)
    assert AttachmentOut.model_validate(stored).model_dump(exclude={"id"}) == {
        "kind": "photo",
        "filename": "photo.png",
        "media_type": "image/png",
        "size": len(PNG),
    }
    assert await upload(api, CHAT, PNG + b"other", 200) == stored
    (row,) = await rows(database)
    assert (row.size, row.sha256.hex()) == (len(PNG), hashlib.sha256(PNG).hexdigest())
    assert row.key_id == vault.active_key_id
    assert await opened(database, vault, store, stored["id"]) == PNG
    (sealed,) = objects(folder)
    assert (folder / row.storage_key).read_bytes() == sealed
    assert sealed.startswith(vault.active_header)
    assert b"PNG" not in sealed
    assert b"invented" not in sealed
    assert b"photo" not in row.filename
    assert folder.stat().st_mode & 0o077 == 0


async def test_the_same_upload_many_times_at_once(api: aiohttp.ClientSession, database: Database, folder: Path) -> None:
    query = {"kind": "photo", "filename": "a.png", "upload_key": "upload-0001"}

    async def stored() -> tuple[int, int]:
        async with api.post(f"/v1/chats/{CHAT}/attachments", params=query, data=PNG) as response:
            return response.status, (await response.json())["id"]

    answers = await asyncio.gather(*(stored() for _ in range(6)))
    assert sorted(status for status, _ in answers) == [200] * 5 + [201]
    assert len({number for _, number in answers}) == 1
    assert len(objects(folder)) == 1


IMAGES = {
    "image/jpeg": b"\xff\xd8\xff\xe0invented",
    "image/png": PNG,
    "image/gif": b"GIF89a-invented",
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "image/heic": b"\0\0\0\x18ftypheic\0\0\0\0",
}
TEXT = "说明：厨房漏水。\r\n"
DOCUMENTS = [
    ("pdf", b"%PDF-1.7 invented"),
    ("pdf", b"\r\n%PDF-1.4 invented"),
    ("xlsx", xlsx()),
    ("xls", xls()),
    ("docx", zipped("[Content_Types].xml", "word/document.xml")),
    ("doc", OLE + "WordDocument".encode("utf-16-le")),
    ("txt", TEXT.encode()),
    ("txt", TEXT.encode("gb18030") * 70_000),
]
OTHERS = [
    b"",
    b"MZ\x90\0\3\0\0\0",
    b"\x7fELF\2\1\1\0",
    b"\0\0\0\x18ftypisom\0\0\0\0",
    OLE + "PowerPoint Document".encode("utf-16-le"),
    zipped("evil.exe"),
    zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    zipped("[Content_Types].xml", "ppt/presentation.xml"),
    zipped(*(str(number) for number in range(5001)), "[Content_Types].xml", "word/document.xml"),
    lying_zip(),
    b"PK\3\4 cut off",
    b"text with a bell \7",
    b"no character \xff",
]
NAMES = [
    ("../../etc/passwd.png", "passwd.png"),
    ("C:\\Users\\invented\\照片.PNG", "照片.PNG"),
    ("a\0b\n\u202egnp.exe", "abgnp.exe.png"),
    ("", "file.png"),
    (" ..", "file.png"),
    ("字" * 400 + ".png", "字" * 116 + ".png"),
    (".png", "png.png"),
]


async def test_images_are_photos_and_documents(api: aiohttp.ClientSession) -> None:
    for kind, (media_type, data) in product(("photo", "document"), IMAGES.items()):
        stored = await upload(api, CHAT, data, kind=kind, upload_key=f"upload:{kind}:{media_type[6:]}")
        assert (stored["kind"], stored["media_type"]) == (kind, media_type)


async def test_documents(api: aiohttp.ClientSession) -> None:
    for number, (ending, data) in enumerate(DOCUMENTS):
        name = f"材料.{ending.upper()}"
        stored = await upload(api, CHAT, data, kind="document", filename=name, upload_key=f"true-{number:04}")
        assert stored["filename"] == name
        stored = await upload(api, CHAT, data, kind="document", filename="材料.exe", upload_key=f"false-{number:04}")
        assert stored["filename"] == f"材料.exe.{ending}"
        error = await upload(api, CHAT, data, 415, upload_key=f"photo-{number:04}")
        assert error["code"] == "unsupported_type"


async def test_other_types_are_refused_whatever_they_claim(
    api: aiohttp.ClientSession, database: Database, folder: Path
) -> None:
    for kind, data in product(("photo", "document"), OTHERS):
        assert (await upload(api, CHAT, data, 415, kind=kind, filename="a.pdf"))["code"] == "unsupported_type"
    assert await rows(database) == []
    assert objects(folder) == []


async def test_names_fit_to_be_shown(api: aiohttp.ClientSession) -> None:
    for number, (claimed, shown) in enumerate(NAMES):
        stored = await upload(api, CHAT, filename=claimed, upload_key=f"upload-{number:04}")
        assert stored["filename"] == shown


async def test_twenty_megabytes_and_no_more(
    api: aiohttp.ClientSession, database: Database, folder: Path, store: AttachmentStore, vault: Vault
) -> None:
    largest = PNG + bytes(MAX_ATTACHMENT_BYTES - len(PNG))

    async def without_length(data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1 << 18):
            yield data[start : start + (1 << 18)]

    assert (await upload(api, CHAT, largest))["size"] == MAX_ATTACHMENT_BYTES
    query = {"kind": "photo", "filename": "a.png", "upload_key": "upload-0002"}
    path = f"/v1/chats/{CHAT}/attachments"
    for body in (io.BytesIO(largest + b"x"), without_length(largest + b"x")):
        error = await call(api, "POST", path, 413, params=query, data=body)
        assert (error["code"], error["details"]) == ("too_large", {"max_bytes": MAX_ATTACHMENT_BYTES})
    assert await all_opened(database, vault, store) == [largest]
    assert len(objects(folder)) == 1


async def test_an_announced_size_is_refused_before_the_body_comes(api_url: str) -> None:
    host = api_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host[0], int(host[1]))
    writer.write(
        f"POST /v1/chats/{CHAT}/attachments?kind=photo&filename=a&upload_key=upload-0001 HTTP/1.1\r\nHost: api\r\n"
        f"Authorization: Bearer {SERVICE_TOKEN}\r\nContent-Length: {3 * MAX_ATTACHMENT_BYTES}\r\n\r\n".encode()
    )
    status = await asyncio.wait_for(reader.readline(), 30)
    assert status.split()[1] == b"413"
    writer.close()


async def test_an_upload_that_breaks_off_keeps_nothing(
    api: aiohttp.ClientSession, api_url: str, database: Database, folder: Path
) -> None:
    host = api_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host[0], int(host[1]))
    writer.write(
        f"POST /v1/chats/{CHAT}/attachments?kind=photo&filename=a&upload_key=upload-0001 HTTP/1.1\r\nHost: api\r\n"
        f"Authorization: Bearer {SERVICE_TOKEN}\r\nContent-Length: 1000\r\n\r\n".encode()
        + PNG
    )
    await writer.drain()
    writer.close()
    await upload(api, CHAT, upload_key="upload-0002")
    assert len(await rows(database)) == len(objects(folder)) == 1


async def test_only_for_linked_chats(api: aiohttp.ClientSession, folder: Path) -> None:
    assert (await upload(api, STRANGER, status=404))["code"] == "not_found"
    assert objects(folder) == []


async def test_a_chat_may_leave_only_so_many_files_unfiled(api: aiohttp.ClientSession, agreement: Agreement) -> None:
    stored = [await upload(api, CHAT, upload_key=f"upload-{number:04}") for number in range(MAX_FREE)]
    error = await upload(api, CHAT, status=409, upload_key="upload-more")
    assert (error["code"], error["details"]) == ("too_many", {"max": MAX_FREE})
    assert await upload(api, CHAT, status=200, upload_key="upload-0000") == stored[0]
    case = {"category": "other", "agreement_id": agreement.id, "text": "x", "attachment_ids": [stored[0]["id"]]}
    await call(api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    await upload(api, CHAT, upload_key="upload-more")


async def test_what_an_upload_needs(api: aiohttp.ClientSession) -> None:
    for wrong in ({"kind": "video"}, {"upload_key": "short"}, {"upload_key": "a/../../b"}):
        query = {"kind": "photo", "filename": "a", "upload_key": "upload-0001"} | wrong
        error = await call(api, "POST", f"/v1/chats/{CHAT}/attachments", 422, params=query, data=PNG)
        assert error["code"] == "invalid_input"


async def test_taken_back_unless_filed(
    api: aiohttp.ClientSession, database: Database, folder: Path, agreement: Agreement
) -> None:
    filed, free = [await upload(api, CHAT, upload_key=f"upload-{name}") for name in ("filed", "free")]
    case = {"category": "other", "agreement_id": agreement.id, "text": "x", "attachment_ids": [filed["id"]]}
    await call(api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    path = f"/v1/chats/{CHAT}/attachments"
    await call(api, "DELETE", f"{path}/{filed['id']}", 404)
    await call(api, "DELETE", f"/v1/chats/{STRANGER}/attachments/{free['id']}", 404)
    await call(api, "DELETE", f"{path}/{free['id']}", 204)
    await call(api, "DELETE", f"{path}/{free['id']}", 404)
    assert [row.id for row in await rows(database)] == [filed["id"]]
    assert len(objects(folder)) == 1


async def test_what_nobody_filed_is_swept_up(
    api: aiohttp.ClientSession,
    database: Database,
    folder: Path,
    store: AttachmentStore,
    vault: Vault,
    agreement: Agreement,
) -> None:
    filed, _, young = [
        await upload(api, CHAT, PNG + name.encode(), upload_key=f"upload-{name}") for name in ("filed", "old", "young")
    ]
    case = {"category": "other", "agreement_id": agreement.id, "text": "x", "attachment_ids": [filed["id"]]}
    await call(api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    # As after a crash between the object store and the database.
    await store.put("zz/lost", io.BytesIO(b"lost"))
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE attachments SET uploaded_at = now() - interval '2 days' WHERE id <> :young"),
            {"young": young["id"]},
        )
    assert await sweep_orphans(database, store, ONE_DAY) == 1
    assert await all_opened(database, vault, store) == [PNG + b"filed", PNG + b"young"]
    assert b"lost" in objects(folder)
    assert len(objects(folder)) == 3
    assert await sweep_orphans(database, store, timedelta(seconds=-1)) == 2
    assert len(objects(folder)) == 1
    assert await all_opened(database, vault, store) == [PNG + b"filed"]


@pytest.mark.security("Personal data lies sealed")
async def test_no_other_bytes_open(
    api: aiohttp.ClientSession, database: Database, folder: Path, store: AttachmentStore, vault: Vault
) -> None:
    mine, other = [await upload(api, CHAT, PNG + name, upload_key=f"upload-{name.decode()}") for name in (b"a1", b"b2")]
    first, second = [folder / row.storage_key for row in await rows(database)]
    sealed, swapped = first.read_bytes(), second.read_bytes()
    # Swapped, clear, cut off, none.
    for there in (swapped, PNG + b"a1", sealed[:-1], sealed[:10], b""):
        first.write_bytes(there)
        with pytest.raises(CannotOpen):
            await opened(database, vault, store, mine["id"])
    first.write_bytes(sealed)
    assert await opened(database, vault, store, mine["id"]) == PNG + b"a1"
    # A row that names another's object.
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE attachments SET storage_key = 'zz/none' WHERE id = :id"), {"id": other["id"]}
        )
        await session.execute(
            text("UPDATE attachments SET storage_key = :key WHERE id = :id"),
            {"id": mine["id"], "key": str(second.relative_to(folder))},
        )
    with pytest.raises(CannotOpen):
        await opened(database, vault, store, mine["id"])
    with pytest.raises(Unavailable):
        await opened(database, vault, store, other["id"])
    with pytest.raises(NotFound):
        await opened(database, vault, store, other["id"] + 1)


@pytest.mark.security("Personal data lies sealed")
async def test_files_stored_before_files_were_sealed_open(
    api: aiohttp.ClientSession, database: Database, folder: Path, store: AttachmentStore, vault: Vault
) -> None:
    clear = PNG + bytes(1_000_000)
    stored = await upload(api, CHAT, clear)
    await store_clear(database, folder, stored["id"], clear)
    assert await opened(database, vault, store, stored["id"]) == clear
    (folder / (await rows(database))[0].storage_key).write_bytes(clear[:-1])
    with pytest.raises(CannotOpen):
        await opened(database, vault, store, stored["id"])


async def test_a_file_that_is_deleted_while_it_is_read_comes_whole(
    api: aiohttp.ClientSession, database: Database, store: AttachmentStore, vault: Vault
) -> None:
    clear = PNG + bytes(2_000_000)
    stored = await upload(api, CHAT, clear)
    async with aclosing(read_file(database, vault, store, stored["id"])) as parts:
        read = await anext(parts)
        await store.delete((await rows(database))[0].storage_key)
        async for part in parts:
            read += part
    assert read == clear


async def test_no_file_stands_whole_in_memory(
    database: Database, store: AttachmentStore, vault: Vault, tmp_path: Path, factory: Factory
) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_ATTACHMENT_BYTES)
    digest = hashlib.sha256(bytes(MAX_ATTACHMENT_BYTES)).digest()

    async def stored(number: int) -> int:
        with (tmp_path / "large").open("rb") as file:
            storage_key = await store_file(vault, store, file)
        attachment = Attachment(
            chat_id=CHAT,
            upload_key=f"upload-{number:04}",
            kind=AttachmentKind.DOCUMENT,
            filename=vault.seal("attachment.filename", "large.bin"),
            media_type="text/plain",
            size=MAX_ATTACHMENT_BYTES,
            sha256=digest,
            storage_key=storage_key,
            key_id=vault.active_key_id,
        )
        return (await factory.add(attachment)).id

    async def size(attachment_id: int) -> int:
        return sum([len(part) async for part in read_file(database, vault, store, attachment_id)])

    ids = [await stored(number) for number in range(3)]
    tracemalloc.start()
    try:
        ids += await asyncio.gather(*(stored(number) for number in range(3, 9)))
        assert tracemalloc.get_traced_memory()[1] < MAX_ATTACHMENT_BYTES
        tracemalloc.reset_peak()
        assert await asyncio.gather(*map(size, ids)) == [MAX_ATTACHMENT_BYTES] * len(ids)
        assert tracemalloc.get_traced_memory()[1] < MAX_ATTACHMENT_BYTES
    finally:
        tracemalloc.stop()


async def test_the_store_being_down_keeps_nothing(
    settings: Settings, database: Database, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    broken = settings.model_copy(update={"attachments_url": (tmp_path / "file" / "folder").as_uri()})
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        serving(create_app(broken, database_url)) as url,
        aiohttp.ClientSession(url, headers=headers) as api,
    ):
        assert (await upload(api, CHAT, status=503))["code"] == "unavailable"
    assert await rows(database) == []


async def test_a_folder_of_one_s_own(tmp_path: Path) -> None:
    store = AttachmentStore((tmp_path / "一 folder").as_uri(), tmp_path / "unused")
    await store.put("ab/cd", io.BytesIO(PNG))
    assert (tmp_path / "一 folder" / "ab" / "cd").read_bytes() == PNG
    await store.delete("ab/cd")
    await store.delete("ab/cd")
    with pytest.raises(FileNotFoundError):
        await store.get("ab/cd")
