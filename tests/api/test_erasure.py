"""/forget: what is left of a chat that was erased, in every table there is, and why."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import ColumnElement, func, select

from api.agreements.models import Agreement
from api.audit.models import AuditEvent
from api.cases.store import AttachmentStore
from api.chats.models import Chat, Link
from api.db import Database, sealed_columns
from api.identity.codes import issue_code
from api.identity.models import Consent, LinkCode
from api.identity.schemas import LinkRole
from api.messages.models import Delivery
from api.messages.schemas import NoticeKind
from api.rights.erasure import erase
from api.rights.schemas import ErasureOut
from api.settings import Settings
from api.staff.models import StaffAccount
from api.tables import Base
from tests.api.calls import by_agreement, by_code, by_phone, call, own, prove, upload
from tests.api.strictly import look_up
from tests.defences import Figure
from tests.factories import Factory
from tests.invented import Invented

pytestmark = pytest.mark.security("A person sees all that is kept, and can have it erased")

CHAT = 771_904_335
CHILD = 812_640_071
OTHER_OWNER = 655_120_984
TYPED = "蓝色的水壶"
"""Stands in everything that the person writes."""

STAYS = {
    "audit_events.actor_id": "who did what is provable only while nothing is removed from it; no values stand there",
    "audit_events.object_id": "that the chat was erased",
    "cases.chat_id": "a complaint that was filed: the Regulations on Petition Work",
    "cases.text": "likewise",
    "case_events.actor_id": "likewise: who took which step",
    "attachments.chat_id": "its files",
    "attachments.filename": "likewise",
    "consents.chat_id": "withdrawn; the office must show that it was allowed (PIPL, article 69)",
    "verification_attempts.chat_id": "the limits on wrong tries count 30 days back: forgetting is no way around a lock",
    "staff_accounts.chat_id": "the office's own account; the office ends it",
}
"""Table and column → why something of the chat stands there afterwards."""


class Family:
    who: Invented
    agreement: Agreement


async def count(database: Database, model: type[Base], *which: ColumnElement[bool]) -> int:
    async with database.reading() as reader:
        return int((await reader.execute(select(func.count()).select_from(model).where(*which))).scalar_one())


async def found_in(database: Database, factory: Factory, *wanted: str) -> dict[str, int]:
    """Every column of every table in which one of the texts stands, opened where it is sealed; in how many rows."""
    found: dict[str, int] = {}
    async with database.reading() as reader:
        for table in Base.metadata.sorted_tables:
            purposes = sealed_columns(table)
            rows = (await reader.execute(select(table))).mappings().all()
            for row in rows:
                for name, value in row.items():
                    if value is not None and name in purposes:
                        value = factory.vault.open(purposes[name], value)
                    if any(text in str(value) for text in wanted):
                        key = f"{table.name}.{name}"
                        found[key] = found.get(key, 0) + 1
    return found


@pytest.fixture
async def family(api: aiohttp.ClientSession, factory: Factory, database: Database) -> Family:
    """A holder who has used everything there is, a child let in with a code, and a co-owner of the same home."""
    family = Family()
    family.who, wife = factory.invented(), factory.invented()
    people = [await factory.person(family.who), await factory.person(wife)]
    family.agreement = await factory.agreement(people=people, units=[await factory.unit()])
    number = family.agreement.number
    await prove(api, OTHER_OWNER, by_phone(wife.phone, wife.id_number[-4:]))
    await prove(api, CHAT, by_agreement(number, family.who.name, "00000X"), 403)
    await prove(api, CHAT, by_phone(family.who.phone, family.who.id_number[-4:]))
    at = f"/v1/chats/{CHAT}"
    draft = {"id": "dialog-0002", "name": "complaint.text", "data": {"text": TYPED}}
    await call(api, "PUT", at, json={"version": 0, "locale": "zh_CN", "dialog": draft})
    watch = f"{at}/agreements/{family.agreement.id}/handover-watch"
    await call(api, "PUT", watch)
    await call(api, "PUT", f"{at}/mutes", 204, json={"topics": ["progress"]})
    for key in ("upload-0001", "upload-0002"):
        file = await upload(api, CHAT, filename=f"{TYPED}.png", upload_key=key)
    case = {
        "category": "quality",
        "agreement_id": family.agreement.id,
        "text": TYPED,
        "attachment_ids": [file["id"]],
    }
    await call(api, "POST", f"{at}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    request = {"kind": "other", "text": TYPED}
    await call(api, "POST", f"{at}/access-requests", 201, json=request, headers={"Idempotency-Key": "dialog-0003"})
    codes = f"{at}/agreements/{family.agreement.id}/codes"
    for_child = await call(api, "POST", codes, 201, json={"scope": "everything"})
    await call(api, "POST", codes, 201, json={"scope": "progress"})
    await prove(api, CHILD, by_code(for_child["code"]))
    # Another home, seen through a code of the office's.
    other = await factory.agreement()
    async with database.transaction() as session:
        code, _ = await issue_code(session, factory.vault, other.id, issued_by="test", valid_for=timedelta(days=7))
    await prove(api, CHAT, by_code(code))
    await factory.add(StaffAccount(name=factory.vault.seal("staff.name", "Invented"), roles=["viewer"], chat_id=CHAT))
    return family


async def test_nothing_is_left_but_what_is_stated(
    api: aiohttp.ClientSession, factory: Factory, database: Database, family: Family, figure: Figure
) -> None:
    """Walks every column of every table, also of those that come later: what a new one keeps of a chat must go, or be
    stated above with its reason."""
    before = await found_in(database, factory, str(CHAT), TYPED)
    # The person has left something wherever a chat can leave something: a column without is no proof.
    chat_columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "chat_id" in column.name
    }
    assert chat_columns - set(before) <= {"links.revoked_by_chat_id"}
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    after = await found_in(database, factory, str(CHAT), TYPED)
    assert set(after) == set(STAYS), "something is left of a chat, or no longer"
    # Of what was typed, only the complaint stays with its file; of the consents none is in force.
    assert after["cases.text"] == after["attachments.filename"] == 1
    assert await count(database, Consent, Consent.chat_id == CHAT, Consent.withdrawn_at.is_(None)) == 0
    assert await count(database, Link, Link.chat_id == CHAT) == 0
    figure(
        "columns that told of a chat before and after its erasure",
        f"{len(before)} and {len(after)}, each stated with its reason",
    )


async def test_files_that_were_not_filed_leave_the_object_store(
    api: aiohttp.ClientSession, settings: Settings, database: Database, family: Family
) -> None:
    def objects() -> int:
        return sum(path.is_file() for path in (settings.data_dir / "attachments").rglob("*"))

    assert objects() == 2
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    assert objects() == 1


async def test_what_the_confirmation_says_is_what_happens(api: aiohttp.ClientSession, family: Family) -> None:
    told = await look_up(api, f"/v1/chats/{CHAT}/erasure", ErasureOut)
    assert (told.links, told.let_in, told.cases, told.open_cases, told.files) == (2, 1, 1, 1, 1)
    assert (told.requests, told.open_requests, told.draft, told.is_staff) == (1, 1, True, True)
    assert told.kept_days.attempts == 30
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    told = await look_up(api, f"/v1/chats/{CHAT}/erasure", ErasureOut)
    assert (told.links, told.let_in, told.cases, told.files) == (0, 0, 1, 0)
    assert (told.requests, told.draft, told.is_staff) == (0, False, True)


async def test_afterwards_it_is_a_stranger_who_can_begin_anew(api: aiohttp.ClientSession, family: Family) -> None:
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    state = await call(api, "GET", f"/v1/chats/{CHAT}")
    assert (state["version"], state["linked"]) == (0, False)
    assert state["locale"] is state["dialog"] is state["lapse"] is None
    assert await call(api, "GET", f"/v1/chats/{CHAT}/homes") == []
    assert (await call(api, "GET", f"/v1/chats/{CHAT}/consents"))["consents"] == []
    proof = by_phone(family.who.phone, family.who.id_number[-4:])
    refused = await call(api, "POST", f"/v1/chats/{CHAT}/links", 403, json=proof)
    assert refused["code"] == "consent_needed"
    links = await prove(api, CHAT, proof)
    assert len(own(links)) == 1
    # The complaint is still theirs.
    assert (await call(api, "GET", f"/v1/chats/{CHAT}/cases"))["total_count"] == 1


async def test_whom_it_let_in_is_told_and_the_other_owner_stays(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    known = await count(database, Delivery, Delivery.chat_id == CHILD)
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    assert own(await call(api, "GET", f"/v1/chats/{CHILD}/links")) == []
    assert await count(database, Delivery, Delivery.chat_id == CHILD) == known + 1
    ended = Delivery.kind == NoticeKind.LINK_ENDED
    assert await count(database, Delivery, Delivery.chat_id == CHILD, ended) == 1
    assert len(own(await call(api, "GET", f"/v1/chats/{OTHER_OWNER}/links"))) == 1
    assert await count(database, Delivery, Delivery.chat_id == OTHER_OWNER, ended) == 0


async def test_a_code_that_it_made_lets_nobody_in_any_more(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    made = {"scope": "everything"}
    code = await call(api, "POST", f"/v1/chats/{CHAT}/agreements/{family.agreement.id}/codes", 201, json=made)
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    await prove(api, 900_100_200, by_code(code["code"]), 403)
    assert await count(database, LinkCode, LinkCode.used_at.is_(None), LinkCode.issued_by == "owner") == 0


async def test_asked_twice_or_at_once_it_is_done_once(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    await asyncio.gather(*(call(api, "DELETE", f"/v1/chats/{CHAT}", 204) for _ in range(4)))
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    erased = AuditEvent.action == "chat.erased"
    assert await count(database, AuditEvent, erased, AuditEvent.object_id == CHAT, AuditEvent.actor_id == CHAT) == 1
    ended = Delivery.kind == NoticeKind.LINK_ENDED
    assert await count(database, Delivery, Delivery.chat_id == CHILD, ended) == 1


async def test_a_stranger_may_ask_too(api: aiohttp.ClientSession, database: Database) -> None:
    await call(api, "DELETE", "/v1/chats/123456", 204)
    assert await count(database, AuditEvent) == 0


async def test_forgetting_is_no_way_around_a_lock(api: aiohttp.ClientSession, factory: Factory, family: Family) -> None:
    """Nor around the lock of an agreement's number."""
    attacker = 31_337_000
    for _ in range(5):
        await prove(api, attacker, by_agreement(family.agreement.number, family.who.name, "00000X"), 403)
    proof = by_phone(family.who.phone, family.who.id_number[-4:])
    locked = await prove(api, attacker, proof, 429)
    await call(api, "DELETE", f"/v1/chats/{attacker}", 204)
    again = await prove(api, attacker, proof, 429)
    assert again["details"]["retry_after_seconds"] > locked["details"]["retry_after_seconds"] - 30


async def test_a_turn_that_was_under_way_brings_nothing_back(api: aiohttp.ClientSession, family: Family) -> None:
    state = await call(api, "GET", f"/v1/chats/{CHAT}")
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    late = {"version": state["version"], "locale": "zh_CN", "dialog": state["dialog"]}
    refused = await call(api, "PUT", f"/v1/chats/{CHAT}", 409, json=late)
    assert refused["code"] == "version_conflict"


async def test_a_link_that_it_ended_of_another_stays_ended_and_names_it_no_more(
    api: aiohttp.ClientSession, database: Database, family: Family
) -> None:
    links = (await call(api, "GET", f"/v1/chats/{CHAT}/links"))["links"]
    [of_child] = [link for link in links if link["role"] == LinkRole.RELATIVE and not link["this_chat"]]
    await call(api, "DELETE", f"/v1/chats/{CHAT}/links/{of_child['id']}", 204)
    assert await count(database, Link, Link.revoked_by_chat_id == CHAT) == 1
    await call(api, "DELETE", f"/v1/chats/{CHAT}", 204)
    assert await count(database, Link, Link.revoked_by_chat_id == CHAT) == 0
    assert await count(database, Link, Link.id == of_child["id"], Link.revoked_at.is_not(None)) == 1


async def test_an_object_store_that_is_away_does_not_stop_it(
    settings: Settings, database: Database, factory: Factory, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = AttachmentStore("s3://nowhere/none", settings.data_dir)
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "none")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    await erase(database, factory.vault, nowhere, CHAT)
    assert await count(database, Chat, Chat.id == CHAT) == 0
