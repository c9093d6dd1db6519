"""What is recorded: every look-up before its answer leaves, every change with it, and no values."""

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from sqlalchemy import select, text

import api as api_package
from api.agreements.models import Agreement
from api.app import create_app
from api.audit.actors import Actor
from api.audit.chain import chain_key
from api.audit.models import AuditEvent
from api.audit.sealer import keep_sealing
from api.audit.sightings import Sightings
from api.audit.verifying import verify
from api.broadcasts.models import Broadcast
from api.cases.attachments import sweep_orphans
from api.cases.store import AttachmentStore
from api.db import Database
from api.errors import Unavailable
from api.lookups import LookUp, ReadPool
from api.settings import Settings
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from tests.api.calls import by_phone, call, prove, upload
from tests.defences import Figure
from tests.factories import Factory
from tests.invented import Invented

pytestmark = pytest.mark.security("Every look-up and change is recorded")
CHAT, OFFICER = 700100200, 700100900
Event = tuple[str, int | None, str, str, int | None]


async def events(database: Database) -> list[Event]:
    columns = (AuditEvent.actor_kind, AuditEvent.actor_id, AuditEvent.action, AuditEvent.object_kind)
    async with database.reading() as reader:
        rows = await reader.execute(select(*columns, AuditEvent.object_id).order_by(AuditEvent.id))
    return [(row[0].value, *row[1:]) for row in rows]


async def new_events(database: Database, known: list[Event]) -> list[Event]:
    return (await events(database))[len(known) :]


class Family:
    """Somebody with an agreement, a case and a file, and the officer who may see everything."""

    who: Invented
    agreement: Agreement
    case_number: str
    request_id: int
    attachment_id: int
    broadcast_id: int


@pytest.fixture
async def family(api: aiohttp.ClientSession, factory: Factory) -> Family:
    family = Family()
    family.who = factory.invented()
    unit = await factory.unit()
    family.agreement = await factory.agreement(people=[await factory.person(family.who)], units=[unit])
    await factory.ledger_entry(family.agreement)
    await prove(api, CHAT, by_phone(family.who.phone, family.who.id_number[-4:]))
    family.attachment_id = (await upload(api, CHAT, upload_key="upload-of-the-case"))["id"]
    words = f"{family.who.name}的房子漏水"
    case = {"category": "quality", "agreement_id": family.agreement.id, "text": words}
    case["attachment_ids"] = [family.attachment_id]
    filed = await call(
        api, "POST", f"/v1/chats/{CHAT}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"}
    )
    family.case_number = filed["number"]
    async with factory.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO deliveries (chat_id, case_id, message_id, kind, state) "
                "SELECT chat_id, id, 4711, 'case_updated', 'sent' FROM cases"
            )
        )
    code = {"scope": "progress"}
    await call(api, "POST", f"/v1/chats/{CHAT}/agreements/{family.agreement.id}/codes", 201, json=code)
    request = {"kind": "other", "text": f"{family.who.name}，{family.who.phone}"}
    made = await call(
        api, "POST", f"/v1/chats/{CHAT}/access-requests", 201, json=request, headers={"Idempotency-Key": "dialog-0001"}
    )
    family.request_id = made["id"]
    await factory.add(
        StaffAccount(
            name=factory.vault.seal("staff.name", "Invented Officer"),
            roles=[role.value for role in StaffRole],
            chat_id=OFFICER,
        )
    )
    sent = Broadcast(
        audience={"op": "everybody"},
        bodies={"zh_CN": {"text": "{name} {home}"}},
        fallback="zh_CN",
        state="sent",
        started_at=datetime.now(UTC),
        total=0,
    )
    family.broadcast_id = (await factory.add(sent)).id
    return family


# --- look-ups ---

NOTHING_TO_RECORD = {
    "/v1/chats/{chat_id}": "the conversation's state, which is the chat's own",
    "/v1/chats/{chat_id}/consents": "what the chat itself agreed to",
    "/v1/chats/{chat_id}/mutes": "what the chat itself does not want to be told of",
    "/v1/chats/{chat_id}/access-requests": "what the chat itself asked, without what it wrote",
    "/v1/chats/{chat_id}/erasure": "how many things the chat itself has here",
    "/v1/staff/{chat_id}/me": "one's own account",
}
"""Look-ups that show nothing about a family, and why."""


async def test_every_look_up_leaves_an_event(
    api: aiohttp.ClientSession, settings: Settings, database: Database, family: Family, figure: Figure
) -> None:
    """A GET of a chat or of staff that leaves none fails here: let its ``LookUp`` say what is seen (api/lookups.py), or
    write above why it shows nothing personal."""
    paths = create_app(settings, "postgresql://nobody@127.0.0.1:1/none").openapi()["paths"]
    asked = [path for path in paths if "get" in paths[path] and re.match("/v1/(chats|staff)/", path)]
    assert set(NOTHING_TO_RECORD) <= set(asked)
    parts = {
        "agreement_id": family.agreement.id,
        "number": family.case_number,
        "request_id": family.request_id,
        "attachment_id": family.attachment_id,
        "message_id": 4711,
        "broadcast_id": family.broadcast_id,
    }
    queries = {
        "/v1/staff/{chat_id}/agreements": {"number": family.agreement.number},
        "/v1/chats/{chat_id}/agreements/{agreement_id}/similar-cases": {"category": "quality"},
    }
    recorded = 0
    for path in asked:
        chat_id = OFFICER if path.startswith("/v1/staff/") else CHAT
        known = await events(database)
        async with api.get(path.format(chat_id=chat_id, **parts), params=queries.get(path)) as response:
            body = await response.text(errors="replace")
            assert response.status == 200, f"{path}: {response.status} {body}"
        found = await new_events(database, known)
        if path in NOTHING_TO_RECORD:
            assert found == [], f"{path} has an event: take it off the list"
            personal = (family.agreement.number, family.case_number, family.who.name[0], family.who.phone)
            assert not [value for value in personal if value in body], path
        else:
            assert found, f"{path} left no event"
            assert all(kind == ("staff" if chat_id == OFFICER else "chat") for kind, *_ in found), (path, found)
            if chat_id == CHAT:
                assert {(event[1], event[4]) for event in found if event[3] == "agreement"} <= {
                    (CHAT, family.agreement.id)
                }
            recorded += 1
    figure("look-ups of personal data that leave an event", f"{recorded} of {recorded} routes")


SHOWN_BY_THE_SERVICE = {
    "api.agreements.service._REFS": "what a notice names; its delivery is on record",
    "api.cases.desk_pages.PAGE": "show_case records it for the officer who asked",
    "api.chats.links.LAPSED": "list_links records it",
    "api.staff.families.BY_NUMBER": "find_agreements records it for the account",
    "api.staff.families.BY_ID": "look_up_agreement records it for the account",
    "api.staff.families.PARTIES": "look_up_agreement records it for the account",
    "api.staff.families.LINKS": "look_up_agreement records it for the account",
    "api.identity.proofs._BY_PHONE": "compared with a proof, shown to nobody",
    "api.identity.proofs._BY_NUMBER": "compared with a proof, shown to nobody",
}
"""Look-ups that read names or numbers of agreements and do not say by themselves what is seen, and why."""


def test_every_look_up_of_names_says_what_is_seen() -> None:
    silent: dict[int, str] = {}
    for found in pkgutil.walk_packages(api_package.__path__, "api."):
        if found.name.startswith("api.migrations"):
            continue
        module = importlib.import_module(found.name)
        for name, look_up in vars(module).items():
            if not isinstance(look_up, LookUp) or look_up.seen is not None:
                continue
            if re.search(r"\b(agreements\.number|people\.name)\b", look_up.sql):
                silent.setdefault(id(look_up), f"{found.name}.{name}")
    assert set(silent.values()) == set(SHOWN_BY_THE_SERVICE)


async def test_one_event_for_each_agreement(
    api: aiohttp.ClientSession, database: Database, factory: Factory, family: Family
) -> None:
    second = await factory.agreement(units=[await factory.unit(), await factory.unit(await factory.building("9"))])
    await factory.link(CHAT, second)
    known = await events(database)
    await call(api, "GET", f"/v1/chats/{CHAT}/with-handover")
    both = [family.agreement.id, second.id]
    assert await new_events(database, known) == [("chat", CHAT, "handover.seen", "agreement", id_) for id_ in both]


async def test_what_shows_nothing_leaves_nothing(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    known = await events(database)
    stranger = CHAT + 1
    for path in ("homes", "with-payments", "links", "cases"):
        await call(api, "GET", f"/v1/chats/{stranger}/{path}")
    for path in (f"agreements/{family.agreement.id}/ledger", f"cases/{family.case_number}"):
        await call(api, "GET", f"/v1/chats/{stranger}/{path}", 404)
    assert await new_events(database, known) == []


async def test_what_cannot_be_recorded_is_not_shown(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    owner = await database.connect()
    await owner.execute("ALTER TABLE audit_events ADD CONSTRAINT full_up CHECK (action <> 'homes.seen') NOT VALID")
    for path in ("homes", "with-homes"):
        refused = await call(api, "GET", f"/v1/chats/{CHAT}/{path}", 503)
        assert refused["code"] == "unavailable"
        assert set(refused["details"]) == {"request_id"}
    await call(api, "GET", f"/v1/chats/{CHAT}/payments")
    await owner.execute("ALTER TABLE audit_events DROP CONSTRAINT full_up")
    assert len(await call(api, "GET", f"/v1/chats/{CHAT}/homes")) == 1
    await owner.close()


# --- many look-ups, few commits ---


class Counting:
    """A pool that counts its statements, and fails or waits where it is told to."""

    def __init__(self, pool: ReadPool) -> None:
        self.pool, self.statements, self.failing = pool, 0, False
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        self.statements += 1
        await self.go_on.wait()
        if self.failing:
            raise asyncpg.DiskFullError
        return await self.pool.fetch(sql, *values)


async def test_look_ups_that_come_together_share_a_write(database: Database) -> None:
    counting: Any = Counting(database.pool)
    sightings = Sightings(counting)
    await asyncio.gather(*(sightings.add(Actor.chat(number), "homes.seen", "agreement", [1]) for number in range(200)))
    assert counting.statements <= 2
    counting.go_on.clear()
    first = [asyncio.create_task(sightings.add(Actor.chat(1000), "homes.seen", "agreement", [1]))]
    await asyncio.sleep(0.05)
    later = [asyncio.create_task(sightings.add(Actor.chat(n), "homes.seen", "agreement", [1, 2])) for n in range(50)]
    await asyncio.sleep(0.05)
    later[7].cancel()
    counting.go_on.set()
    await asyncio.gather(*first, *later, return_exceptions=True)
    assert counting.statements <= 4
    found = await events(database)
    # Also for the one that went away: it may have been about to be shown.
    assert len(found) == 200 + 1 + 100
    await sightings.finish()


async def test_who_shares_a_failed_write_is_refused_and_nobody_else(database: Database) -> None:
    counting: Any = Counting(database.pool)
    sightings = Sightings(counting)
    counting.failing = True
    refused = [sightings.add(Actor.chat(n), "homes.seen", "agreement", [1]) for n in range(3)]
    for outcome in await asyncio.gather(*refused, return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    counting.failing = False
    await sightings.add(Actor.chat(9), "homes.seen", "agreement", [1])
    assert [event[1] for event in await events(database)] == [9]


async def test_a_sealer_outlives_the_database(database: Database, settings: Settings) -> None:
    """In the API it runs for ever; one that the server cut off goes on with a new connection."""
    connections: list[Any] = []

    async def connect(**values: Any) -> Any:
        connections.append(await database.connect(**values))
        return connections[-1]

    key = chain_key(settings.index_key.get_secret_value())
    sealing = asyncio.create_task(keep_sealing(connect, key, interval=0.01, retry=0.01))
    owner = await database.connect()
    try:
        for count in (1, 2, 3):
            await database.sightings.add(Actor.chat(count), "homes.seen", "agreement", [1])
            async with asyncio.timeout(60):
                while await owner.fetchval("SELECT count(*) FROM audit_seals") < count:
                    await asyncio.sleep(0.01)
            await owner.execute("SELECT pg_terminate_backend($1, 5000)", connections[-1].get_server_pid())
    finally:
        sealing.cancel()
        await asyncio.wait([sealing])
    assert len(connections) >= 3
    assert (await verify(owner, key, print)).findings == 0
    await owner.close()


# --- changes ---


async def test_changes_are_recorded(
    api: aiohttp.ClientSession, database: Database, settings: Settings, family: Family
) -> None:
    at = f"/v1/chats/{CHAT}"
    agreement_id = family.agreement.id
    headers = {"Idempotency-Key": "dialog-0002"}
    case = {"category": "quality", "agreement_id": agreement_id, "text": "漏水"}

    async def taken_back() -> None:
        attachment = await upload(api, CHAT, upload_key="upload-0001")
        await call(api, "DELETE", f"{at}/attachments/{attachment['id']}", 204)

    async def swept() -> None:
        await upload(api, CHAT, upload_key="upload-0002")
        store = AttachmentStore(settings.attachments_url, settings.data_dir)
        async with database.transaction() as session:
            await session.execute(text("UPDATE attachments SET uploaded_at = now() - interval '2 days'"))
        await sweep_orphans(database, store, timedelta(days=1))

    steps: list[tuple[Callable[[], Awaitable[Any]], list[tuple[str, str]]]] = [
        (
            lambda: call(api, "PUT", f"{at}/agreements/{agreement_id}/handover-watch"),
            [("handover.watched", "agreement")],
        ),
        (
            lambda: call(api, "DELETE", f"{at}/agreements/{agreement_id}/handover-watch"),
            [("handover.unwatched", "agreement")],
        ),
        (lambda: call(api, "PUT", f"{at}/mutes", 204, json={"topics": ["news"]}), [("mutes.changed", "chat")]),
        (lambda: call(api, "PUT", f"{at}/mutes", 204, json={"topics": ["news"]}), []),
        (lambda: call(api, "POST", f"{at}/cases", 201, json=case, headers=headers), [("case.filed", "case")]),
        (lambda: call(api, "POST", f"{at}/cases", 200, json=case, headers=headers), [("case.seen", "agreement")]),
        (taken_back, [("attachment.stored", "attachment"), ("attachment.taken_back", "attachment")]),
        (swept, [("attachment.stored", "attachment"), ("attachment.swept", "attachment")]),
    ]
    for act, expected in steps:
        known = await events(database)
        await act()
        assert [(event[2], event[3]) for event in await new_events(database, known)] == expected


async def test_a_failed_proof_leaves_who_and_no_more(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    known = await events(database)
    await prove(api, CHAT + 1, by_phone(family.who.phone, "0000"), 403)
    found = [event for event in await new_events(database, known) if not event[2].startswith("consent.")]
    assert found == [("chat", CHAT + 1, "verification.failed", "chat", CHAT + 1)]


async def test_no_values_in_the_record(
    api: aiohttp.ClientSession, database: Database, factory: Factory, family: Family
) -> None:
    await prove(api, CHAT + 1, by_phone(family.who.phone, "0000"), 403)
    for path in ("homes", "payments", "handover", "links", "cases", f"cases/{family.case_number}"):
        await call(api, "GET", f"/v1/chats/{CHAT}/{path}")
    owner = await database.connect()
    kinds = "SELECT string_agg(data_type, ' ') FROM information_schema.columns WHERE table_name = 'audit_events'"
    assert "json" not in await owner.fetchval(kinds)
    rows = [str(dict(row)) for row in await owner.fetch("SELECT actor_kind, action, object_kind FROM audit_events")]
    everything = "\n".join(rows)
    who = family.who
    for value in (who.name, who.phone, who.id_number, who.id_number[-4:], family.agreement.number, "漏水"):
        assert value not in everything
    # And no place where one could stand: words of ours, and numbers of rows and chats.
    assert all(re.fullmatch(r"\{('\w+': '[a-z_.]+'(, )?){3}\}", row) for row in rows)
    known = {CHAT, CHAT + 1, OFFICER}
    actors = {row[0] for row in await owner.fetch("SELECT actor_id FROM audit_events WHERE actor_kind = 'chat'")}
    assert actors <= known
    await owner.close()


async def test_a_proof_that_shows_links_again_is_recorded(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    """It makes no new link, and shows the ones that stand."""
    known = await events(database)
    await prove(api, CHAT, by_phone(family.who.phone, family.who.id_number[-4:]))
    assert ("chat", CHAT, "links.seen", "agreement", family.agreement.id) in await new_events(database, known)
