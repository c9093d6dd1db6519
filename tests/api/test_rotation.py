"""Rotation of keys: everything sealed finds its way to the new key while the system runs, and nothing is lost."""

import asyncio
import base64
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from sqlalchemy import LargeBinary, insert, select, text, update

from api.agreements.models import Agreement
from api.app import create_app
from api.cases.files import read_file
from api.cases.models import Attachment, Case, CaseEvent
from api.cases.store import AttachmentStore
from api.db import Database, sealed_columns
from api.identity.models import AccessRequest, Person, PersonPhone
from api.identity.schemas import AccessRequestKind
from api.messages.models import Delivery
from api.messages.schemas import NoticeKind
from api.privacy import Vault
from api.rotation import FILES, _Resealing, keys_in_use, rotate, sealed_tables, usage
from api.settings import Settings
from api.staff.models import StaffAccount
from api.tables import Base
from tests.api.calls import PNG, call, upload
from tests.conftest import SERVICE_TOKEN, environment_of
from tests.defences import Figure
from tests.factories import Factory
from tests.serving import serving

pytestmark = pytest.mark.security("Keys are changed while the system runs")

CHAT = 700100200
ROOT = Path(__file__).parent.parent.parent
ACTIVE, OLD = "k2", "k1"
NEW_KEY = f"{ACTIVE}:" + base64.urlsafe_b64encode(os.urandom(32)).decode()


def silent(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def both(settings: Settings) -> Settings:
    """A new key in front of the old one."""
    ring = f"{NEW_KEY},{settings.encryption_keys.get_secret_value()}"
    return settings.model_copy(update={"encryption_keys": SecretStr(ring)})


@pytest.fixture
def new(settings: Settings) -> Settings:
    return settings.model_copy(update={"encryption_keys": SecretStr(NEW_KEY)})


@pytest.fixture
def store(settings: Settings) -> AttachmentStore:
    return AttachmentStore(None, settings.data_dir)


@asynccontextmanager
async def an_api(settings: Settings, database_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with serving(create_app(settings, database_url)) as url, aiohttp.ClientSession(url, headers=headers) as api:
        yield api


async def sealed_values(database: Database) -> dict[tuple[str, int], bytes]:
    """Every sealed value, by purpose and row."""
    found: dict[tuple[str, int], bytes] = {}
    async with database.reading() as reader:
        for table in sealed_tables():
            for name, purpose in sealed_columns(table).items():
                rows = await reader.execute(select(table.c.id, table.c[name]).where(table.c[name].is_not(None)))
                found |= {(purpose, id_): value for id_, value in rows}
    return found


async def clear_values(database: Database, vault: Vault) -> dict[tuple[str, int], str]:
    return {(purpose, id_): vault.open(purpose, v) for (purpose, id_), v in (await sealed_values(database)).items()}


async def clear_files(database: Database, vault: Vault, store: AttachmentStore) -> dict[int, bytes]:
    async with database.reading() as reader:
        ids = (await reader.execute(select(Attachment.id))).scalars().all()
    return {id_: b"".join([part async for part in read_file(database, vault, store, id_)]) for id_ in ids}


# --- what is sealed ---


def test_every_binary_column_is_sealed_or_an_index() -> None:
    """A new column of bytes must be marked as sealed (``api.db.sealed``), or be called what else it is."""
    for table in Base.metadata.sorted_tables:
        sealed = sealed_columns(table)
        for column in table.columns:
            named = re.search(r"(^|_)(index|indexes|hash|sha256)$", column.name) is not None
            if isinstance(column.type, LargeBinary):
                assert (column.name in sealed) is not named, f"{table.name}.{column.name}"
            else:
                assert column.name not in sealed, f"{table.name}.{column.name}"


def test_every_purpose_belongs_to_one_column() -> None:
    marked = [purpose for table in sealed_tables() for purpose in sealed_columns(table).values()]
    assert len(marked) == len(set(marked))
    code = "".join(path.read_text() for path in (ROOT / "api").rglob("*.py"))
    used = set(re.findall(r"\b(?:seal|open)(?:_json)?\(\s*\"([\w.]+)\"", code))
    assert len(used) > 5
    assert used <= set(marked)


async def a_row_of_each(api: aiohttp.ClientSession, factory: Factory) -> Agreement:
    """Something in every sealed column, and two files, one of them from before files were sealed."""
    vault = factory.vault
    agreement = await factory.agreement(
        units=[await factory.unit()],
        original_address=vault.seal("agreement.original_address", "无名路一巷七号"),
        note=vault.seal("agreement.note", "电话联系其子"),
    )
    await factory.link(CHAT, agreement)
    draft = {"id": "dialog-0002", "name": "complaint.text", "data": {"text": "草稿内容"}}
    await call(api, "PUT", f"/v1/chats/{CHAT}", json={"version": 0, "locale": "zh_CN", "dialog": draft})
    photo = await upload(api, CHAT)
    case = {
        "category": "other",
        "agreement_id": agreement.id,
        "text": "漏水",
        "location": {"latitude": 30.5, "longitude": 114.3},
        "attachment_ids": [photo["id"]],
    }
    await call(api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    async with factory.database.transaction() as session:
        said = {
            "text": vault.seal("case_event.text", "已经上门"),
            "approved_by": vault.seal("case_event.approved_by", "乙"),
        }
        await session.execute(update(CaseEvent).values(said))
        await session.execute(update(Case).values(published_text=vault.seal("case.published_text", "多户漏水")))
    await factory.add(StaffAccount(name=vault.seal("staff.name", "示例甲"), roles=["viewer"]))
    await factory.add(
        AccessRequest(
            chat_id=CHAT,
            idempotency_key="dialog-0003",
            kind=AccessRequestKind.OTHER,
            text=vault.seal("access_request.text", "换了电话"),
            reason=vault.seal("access_request.reason", "请来一趟"),
        )
    )
    await factory.add(
        Delivery(chat_id=CHAT, kind=NoticeKind.NEW_LINK, payload=vault.seal_json("delivery.payload", {"a": 1}))
    )
    return agreement


async def as_it_came(database: Database, settings: Settings, attachment_id: int, clear: bytes) -> Path:
    """Make it a file that was stored before files were sealed."""
    async with database.transaction() as session:
        storage_key = await session.scalar(
            update(Attachment)
            .where(Attachment.id == attachment_id)
            .values(key_id=None)
            .returning(Attachment.storage_key)
        )
    path = settings.data_dir / "attachments" / str(storage_key)
    path.write_bytes(clear)
    return path


async def test_everything_is_sealed_anew(
    settings: Settings,
    both: Settings,
    new: Settings,
    api: aiohttp.ClientSession,
    database: Database,
    factory: Factory,
    store: AttachmentStore,
) -> None:
    await a_row_of_each(api, factory)
    large = PNG + bytes(300_000)
    plain = await upload(api, CHAT, large, upload_key="upload-0002")
    path = await as_it_came(database, settings, plain["id"], large)
    before = await usage(database)
    # Who adds a sealed column adds something of it to a_row_of_each().
    assert {place.place: set(place.by_key) for place in before} == {
        **{place.place: {OLD} for place in before},
        FILES: {OLD, None},
    }
    values, sealed = await clear_values(database, settings.vault()), await sealed_values(database)
    files = await clear_files(database, settings.vault(), store)
    assert files[plain["id"]] == large

    outcome = await rotate(database, both.vault(), store, silent)

    assert outcome.unopenable == []
    rows = {table.name: await rows_of(database, table.name) for table in sealed_tables()}
    assert outcome.resealed == {**rows, "attachments": 2, FILES: 2}
    assert keys_in_use(outcome.usage) == {ACTIVE}
    assert [(p.place, sum(p.by_key.values())) for p in outcome.usage] == [
        (p.place, sum(p.by_key.values())) for p in before
    ]
    assert await clear_values(database, new.vault()) == values
    assert await clear_files(database, new.vault(), store) == files
    objects = [path for path in (settings.data_dir / "attachments").rglob("*") if path.is_file()]
    assert len(objects) == 2
    assert path not in objects
    assert all(path.read_bytes().startswith(new.vault().active_header) for path in objects)
    # Done is done: not one value is written again.
    sealed_anew = await sealed_values(database)
    assert not set(sealed.values()) & set(sealed_anew.values())
    again = await rotate(database, both.vault(), store, silent)
    assert set(again.resealed.values()) == {0}
    assert await sealed_values(database) == sealed_anew


async def rows_of(database: Database, table: str) -> int:
    async with database.reading() as reader:
        return int(await reader.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_what_no_key_opens_stays_and_is_told(
    both: Settings, database: Database, factory: Factory, api: aiohttp.ClientSession, store: AttachmentStore
) -> None:
    lost = Vault("k9:" + base64.urlsafe_b64encode(b"9" * 32).decode(), "x")
    good, bad = await factory.person(), await factory.person()
    garbage = b"", b"\0", b"\x05\xff\xfe", b"\x02k1 garbage", lost.seal("person.name", "王示例")
    people = [await factory.person() for _ in garbage]
    async with database.transaction() as session:
        await session.execute(update(Person).where(Person.id == bad.id).values(name=bad.name[:-1] + b"x"))
        for person, name in zip(people, garbage, strict=True):
            await session.execute(update(Person).where(Person.id == person.id).values(name=name))
    await factory.link(CHAT, await factory.agreement(people=[good]))
    kept, gone = [await upload(api, CHAT, upload_key=f"upload-000{number}") for number in range(2)]
    async with database.reading() as reader:
        storage_key = await reader.scalar(select(Attachment.storage_key).where(Attachment.id == gone["id"]))
    await store.delete(str(storage_key))
    outcome = await rotate(database, both.vault(), store, silent)
    assert outcome.unopenable == [
        *(("people.name", (person.id,)) for person in [bad, *people]),
        (FILES, (gone["id"],)),
    ]
    found = {place.place: place.by_key for place in outcome.usage}
    assert found["people.name"] == {ACTIVE: 1, OLD: 2, "k9": 1, None: 3}
    assert found["people.id_number"] == {ACTIVE: 2 + len(people)}
    assert found[FILES] == {ACTIVE: 1, OLD: 1}
    assert await clear_files_of(database, both.vault(), store, kept["id"]) == PNG


async def clear_files_of(database: Database, vault: Vault, store: AttachmentStore, attachment_id: int) -> bytes:
    return b"".join([part async for part in read_file(database, vault, store, attachment_id)])


# --- beside others ---


async def test_a_newer_value_is_not_overwritten(
    settings: Settings, both: Settings, database: Database, factory: Factory
) -> None:
    people = [await factory.person() for _ in range(3)]
    resealing = _Resealing(both.vault(), Person.__table__)  # type: ignore[arg-type]
    async with database.reading() as reader:
        rows = (await reader.execute(resealing.batch(None))).all()
    changes, failed = resealing.changes(rows)
    assert (len(changes), failed) == (3, set())
    # Meanwhile one is changed by a writer who still seals with the old key, one is deleted.
    newer = settings.vault().seal("person.name", "李示例")
    async with database.transaction() as session:
        await session.execute(update(Person).where(Person.id == people[0].id).values(name=newer))
        await session.execute(text("DELETE FROM person_phones"))
        await session.execute(text("DELETE FROM people WHERE id = :id"), {"id": people[1].id})
    async with database.reading() as writer:
        written = (await writer.execute(resealing.write, resealing.arrays(changes))).all()
    assert [tuple(row) for row in written] == [(people[2].id,)]
    values = await sealed_values(database)
    assert values["person.name", people[0].id] == newer
    assert ("person.name", people[1].id) not in values
    assert values["person.name", people[2].id].startswith(both.vault().active_header)


async def test_it_waits_for_no_lock_and_comes_back(
    both: Settings, database: Database, factory: Factory, store: AttachmentStore
) -> None:
    people = [await factory.person() for _ in range(3)]
    agreement = await factory.agreement(people=[people[0]], note=factory.vault.seal("agreement.note", "示例"))
    resealing = _Resealing(both.vault(), Person.__table__)  # type: ignore[arg-type]
    async with database.reading() as reader:
        changes, _ = resealing.changes((await reader.execute(resealing.batch(None))).all())
    newest = factory.vault.seal("person.name", "李示例")
    async with database.transaction() as session:
        # Holds the row until it commits, and another one as any row does that refers to it.
        await session.execute(update(Person).where(Person.id == people[0].id).values(name=newest))
        await session.execute(insert(PersonPhone).values(person_id=people[1].id, phone=b"", phone_index=b""))
        async with asyncio.timeout(30), database.reading() as writer:
            written = (await writer.execute(resealing.write, resealing.arrays(changes))).all()
        assert sorted(row.id for row in written) == [people[1].id, people[2].id]
        await session.execute(text("DELETE FROM person_phones WHERE phone = ''"))
        rotating = asyncio.create_task(rotate(database, both.vault(), store, silent))
        await asyncio.sleep(1.5)
        assert not rotating.done()
    outcome = await asyncio.wait_for(rotating, 120)
    assert keys_in_use(outcome.usage) == {ACTIVE}
    values = await sealed_values(database)
    assert both.vault().open("person.name", values["person.name", people[0].id]) == "李示例"
    assert both.vault().open("agreement.note", values["agreement.note", agreement.id]) == "示例"


# --- under load, in a process of its own ---


def environment(settings: Settings, database_url: str) -> dict[str, str]:
    return os.environ | environment_of(settings, database_url)


async def start_rotation(settings: Settings, database_url: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "keys", "rotate",
        cwd=ROOT, env=environment(settings, database_url), stdout=pipe, stderr=pipe,
    )  # fmt: skip


async def many_people(factory: Factory, count: int) -> None:
    values = [
        {
            "name": factory.vault.seal("person.name", f"示例{number}"),
            "name_index": b"",
            "id_number": factory.vault.seal("person.id_number", str(number)),
        }
        for number in range(count)
    ]
    async with factory.database.transaction() as session:
        await session.execute(insert(Person), values)


async def left(database: Database) -> int:
    """How many values and files bear the old key."""
    return sum(place.by_key.get(OLD, 0) for place in await usage(database))


@pytest.mark.long
async def test_a_killed_rotation_goes_on(
    settings: Settings, both: Settings, new: Settings, database: Database, database_url: str, factory: Factory,
    api: aiohttp.ClientSession, store: AttachmentStore,
) -> None:  # fmt: skip
    await factory.link(CHAT, await factory.agreement())
    for number in range(25):
        await upload(api, CHAT, PNG + bytes([number]), upload_key=f"upload-{number:04}")
    await many_people(factory, 6_000)
    values, files = await clear_values(database, settings.vault()), await clear_files(database, settings.vault(), store)
    everything = await left(database)
    killed = 0
    # Among the columns, and among the files.
    for until in (everything - 1, 20):
        rotation = await start_rotation(both, database_url)
        while rotation.returncode is None and await left(database) > until:
            await asyncio.sleep(0.01)
        if rotation.returncode is None:
            rotation.send_signal(signal.SIGKILL)
        _, err = await rotation.communicate()
        # It says how far it is at the end of each table: killed there, it has said something.
        assert rotation.returncode in (0, -signal.SIGKILL), err.decode()
        said = err.decode().splitlines()
        assert rotation.returncode == 0 or all("重新加密了" in line for line in said if line.strip()), said
        killed += rotation.returncode == -signal.SIGKILL and 0 < await left(database) < everything
        # Both keys together always open everything, whatever was under way.
        assert await clear_values(database, both.vault()) == values
        assert await clear_files(database, both.vault(), store) == files
    assert killed
    rotation = await start_rotation(both, database_url)
    out, err = await rotation.communicate()
    assert rotation.returncode == 0, err.decode()
    assert f"{OLD} 已经没有数据在用" in out.decode()
    assert await clear_values(database, new.vault()) == values
    assert await clear_files(database, new.vault(), store) == files


class Family:
    """A chat that writes and reads all the while, and remembers what it was told is stored."""

    def __init__(self, chat_id: int, agreement_id: int, holder: str) -> None:
        self.chat_id = chat_id
        self.agreement_id = agreement_id
        self.holder = holder
        self.version = 0
        self.draft = ""
        self.cases: dict[str, str] = {}
        self.files: dict[int, bytes] = {}
        self.turns = 0

    async def turn(self, api: aiohttp.ClientSession) -> None:
        me, number = f"/v1/chats/{self.chat_id}", self.turns
        draft = f"草稿 {self.chat_id} {number}"
        dialog = {"id": f"dialog-{number:04}", "name": "complaint.text", "data": {"text": draft}}
        stored = await call(api, "PUT", me, json={"version": self.version, "locale": "zh_CN", "dialog": dialog})
        self.version, self.draft = stored["version"], draft
        if number % 5 == 0:
            clear = PNG + os.urandom(70_000)
            photo = await upload(api, self.chat_id, clear, upload_key=f"upload-{number:04}")
            self.files[photo["id"]] = clear
            case = {"category": "other", "agreement_id": self.agreement_id, "text": draft}
            case["attachment_ids"] = [photo["id"]]
            headers = {"Idempotency-Key": f"dialog-{number:04}"}
            filed = await call(api, "POST", f"{me}/cases", 201, json=case, headers=headers)
            self.cases[filed["number"]] = draft
        await self.read(api)
        self.turns += 1

    async def read(self, api: aiohttp.ClientSession, *, everything: bool = False) -> None:
        me = f"/v1/chats/{self.chat_id}"
        chat = await call(api, "GET", me)
        assert chat["dialog"]["data"]["text"] == self.draft
        homes = await call(api, "GET", f"{me}/homes")
        assert self.holder in json.dumps(homes, ensure_ascii=False)
        for number in self.cases if everything else list(self.cases)[-1:]:
            case = await call(api, "GET", f"{me}/cases/{number}")
            assert case["text"] == self.cases[number]
            assert case["attachments"][0]["filename"] == "photo.png"


@pytest.mark.long
async def test_nothing_is_lost_under_load(
    settings: Settings, both: Settings, new: Settings, database: Database, database_url: str, factory: Factory,
    store: AttachmentStore, figure: Figure,
) -> None:  # fmt: skip
    """Families go on over two APIs with both keys while the rotation runs in a process of its own."""
    await many_people(factory, 6_000)
    families = []
    for number in range(8):
        agreement = await factory.agreement(people=[await factory.person()], units=[await factory.unit()])
        await factory.link(CHAT + number, agreement)
        async with an_api(settings, database_url) as api:
            homes = await call(api, "GET", f"/v1/chats/{CHAT + number}/homes")
            family = Family(CHAT + number, agreement.id, homes[0]["agreement"]["holder"])
            for _ in range(6):
                await family.turn(api)
        families.append(family)
    before = await left(database)
    async with an_api(both, database_url) as first, an_api(both, database_url) as second:
        rotation = await start_rotation(both, database_url)
        finished = asyncio.create_task(rotation.communicate())

        async def live(family: Family, *apis: aiohttp.ClientSession) -> None:
            while not finished.done():
                await family.turn(apis[family.turns % 2])

        await asyncio.gather(*(live(family, first, second) for family in families))
        out, err = await finished
    assert rotation.returncode == 0, err.decode()
    assert f"{OLD} 已经没有数据在用" in out.decode()
    assert await left(database) == 0
    during = sum(family.turns - 6 for family in families)
    figure("values and files sealed anew under load", f"{before}, beside {during} turns of families; none lost")
    assert during > 20
    async with an_api(new, database_url) as api:
        for family in families:
            await family.read(api, everything=True)
    files = await clear_files(database, new.vault(), store)
    assert files == {id_: clear for family in families for id_, clear in family.files.items()}
    assert await rows_of(database, "cases") == sum(len(family.cases) for family in families)
    people = {v for (purpose, _), v in (await clear_values(database, new.vault())).items() if purpose == "person.name"}
    assert {f"示例{number}" for number in range(6_000)} <= people
