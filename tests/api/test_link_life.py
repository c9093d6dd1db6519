"""The life of a link: who is told of it, what it shows, when it ends by itself and how it stands again."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select, text

from api.agreements.schemas import PartyRole
from api.chats.granting import Grant, grant_links, revoke_link_by_staff
from api.chats.models import Link
from api.chats.roll_changes import extend_links
from api.db import Database
from api.errors import NotFound
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, LinkSuspension
from api.messages.schemas import NewLink
from api.privacy import Vault
from api.settings import Settings
from api.staff.models import StaffAccount
from tests.api.calls import by_agreement, by_phone, call, numbers, own, prove, upload
from tests.days import office_day
from tests.factories import Factory

HOLDER, CHILD, STRANGER, NEW, DISUSED = 700100200, 700100201, 700100202, 700100203, 700100204
FAMILY_KNOWS = pytest.mark.security("The family knows who sees its home")
SCOPED = pytest.mark.security("Who may see the progress alone sees no money and no complaints")
ENDS = pytest.mark.security("A right that is not used or not supported ends")


async def told(database: Database, vault: Vault, kind: str = "new_link") -> dict[int, Any]:
    async with database.reading() as reader:
        rows = await reader.execute(
            text("SELECT chat_id, payload FROM deliveries WHERE kind = :kind ORDER BY id"), {"kind": kind}
        )
        return {row.chat_id: vault.open_json("delivery.payload", row.payload) for row in rows}


async def count(database: Database, what: str) -> int:
    async with database.reading() as reader:
        return int((await reader.execute(text(f"SELECT count(*) FROM {what}"))).scalar_one())


# --- the family knows ---


@FAMILY_KNOWS
async def test_every_chat_that_sees_the_home_is_told_of_a_new_one(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(
        people=[await factory.person(), await factory.person(who)], units=[await factory.unit()], number="A-1001"
    )
    await factory.link(HOLDER, agreement)
    await factory.link(CHILD, agreement, role=LinkRole.RELATIVE, scope=LinkScope.PROGRESS)
    await factory.link(STRANGER, await factory.agreement())
    await factory.link(STRANGER + 10, agreement, revoked=True)
    await factory.link(DISUSED, agreement, expires_on=office_day() - timedelta(days=1))
    await factory.link(STRANGER + 11, agreement, valid_until=office_day() - timedelta(days=2))
    await factory.link(STRANGER + 12, agreement, suspended_at=datetime.now(UTC))
    proof = by_phone(who.phone, who.id_number[-4:])
    (link,) = own(await prove(api, NEW, proof))
    news = await told(database, vault)
    assert set(news) == {HOLDER, CHILD, DISUSED}
    to_holder, to_child, to_disused = (NewLink.model_validate(news[chat_id]) for chat_id in (HOLDER, CHILD, DISUSED))
    assert (to_holder.link_id, to_holder.role, to_holder.method) == (link["id"], "co_owner", "phone")
    assert (to_holder.can_end, to_holder.agreement.number) == (True, "A-1001")
    assert (to_child.can_end, to_child.agreement.number) == (False, "***01")
    # Whoever was long away may be the holder: told too, but shown and let do nothing.
    assert (to_disused.can_end, to_disused.agreement.number) == (False, "A-1001")
    assert (to_disused.agreement.holder, to_disused.agreement.home) == ("", None)
    async with database.reading() as reader:
        only_if_seen = await reader.execute(text("SELECT chat_id FROM deliveries WHERE agreement_id IS NOT NULL"))
        assert {*only_if_seen.scalars()} == {HOLDER, CHILD}
    # A proof of what stands is no news.
    await prove(api, NEW, proof)
    assert await count(database, "deliveries") == 3
    # What the notice names is enough to end it; who is not an owner cannot.
    await call(api, "DELETE", f"/v1/chats/{CHILD}/links/{to_child.link_id}", 404)
    await call(api, "DELETE", f"/v1/chats/{HOLDER}/links/{to_holder.link_id}", 204)
    assert await lapse_of(api, NEW) == (False, None)


@FAMILY_KNOWS
async def test_what_a_roll_newly_gives_is_told_too(database: Database, factory: Factory, vault: Vault) -> None:
    person = await factory.person()
    await factory.link(NEW, await factory.agreement(people=[person]), person=person)
    shared = await factory.agreement(people=[await factory.person(), person])
    await factory.link(HOLDER, shared)
    async with database.transaction() as session:
        assert await extend_links(session, vault, office_day()) == 1
    news = await told(database, vault)
    assert set(news) == {HOLDER}
    assert news[HOLDER]["role"] == "co_owner"


@FAMILY_KNOWS
async def test_nothing_is_told_of_what_did_not_happen(database: Database, factory: Factory, vault: Vault) -> None:
    agreement = await factory.agreement()
    await factory.link(HOLDER, agreement)

    async def fail_after_granting() -> None:
        async with database.transaction() as session:
            grant = Grant(agreement.id, None, LinkRole.RELATIVE)
            await grant_links(session, vault, NEW, LinkMethod.CODE, [grant], office_day())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_granting()
    assert await count(database, "deliveries") == 0
    assert await count(database, "audit_events") == 0


@FAMILY_KNOWS
async def test_staff_end_a_link_and_its_chat_is_told(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    agreement = await factory.agreement(number="A-1001", units=[await factory.unit()])
    link = await factory.link(CHILD, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    staff = await factory.add(StaffAccount(name=vault.seal("staff.name", "x"), roles=["case_officer"]))
    async with database.transaction() as session:
        await revoke_link_by_staff(session, vault, staff.id, link.id)
    assert numbers(await call(api, "GET", f"/v1/chats/{CHILD}/links")) == []
    news = (await told(database, vault, "link_ended"))[CHILD]
    assert (news["by"], news["agreement"]["number"]) == ("staff", "A-1001")
    assert (news["agreement"]["holder"], news["agreement"]["home"]) == ("", None)
    async with database.transaction() as session:
        (event,) = await session.execute(text("SELECT actor_kind, actor_id, action, object_id FROM audit_events"))
        assert tuple(event) == ("staff", staff.id, "link.ended", link.id)
        with pytest.raises(NotFound):
            await revoke_link_by_staff(session, vault, staff.id, link.id)


# --- what a link shows ---


@SCOPED
async def test_the_progress_alone(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement = await factory.agreement(number="A-1001", units=[await factory.unit()], resettlement_area_m2=120)
    await factory.registration(agreement)
    await factory.ledger_entry(agreement)
    await factory.link(CHILD, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE, scope=LinkScope.PROGRESS)
    chat = f"/v1/chats/{CHILD}"
    (home,) = await call(api, "GET", f"{chat}/homes")
    assert home["agreement"] | {"id": 0, "holder": "", "home": None} == {
        "id": 0,
        "number": "***01",
        "kind": "relocation",
        "holder": "",
        "home": None,
        "progress_only": True,
    }
    assert home["units"]
    assert (home["registrations"], home["resettlement_area_m2"]) == ([], None)
    (handover,) = await call(api, "GET", f"{chat}/handover")
    assert handover["agreement"]["number"] == "***01"
    watch = f"{chat}/agreements/{agreement.id}/handover-watch"
    assert (await call(api, "PUT", watch))["watching"] is True
    # As for a stranger.
    assert await call(api, "GET", f"{chat}/payments") == []
    assert (await call(api, "GET", f"{chat}/with-payments"))["payments"] == []
    await call(api, "GET", f"{chat}/agreements/{agreement.id}/ledger", 404)
    case = {"category": "handover", "agreement_id": agreement.id, "text": "x"}
    headers = {"Idempotency-Key": "complaint-0001"}
    await call(api, "POST", f"{chat}/cases", 404, json=case, headers=headers)
    assert (await call(api, "GET", f"{chat}/cases"))["cases"] == []
    await upload(api, CHILD, status=404)
    (link,) = own(await call(api, "GET", f"{chat}/links"))
    assert (link["scope"], link["agreement"]["number"]) == ("progress", "***01")


@SCOPED
async def test_a_case_of_before_is_not_shown_to_who_sees_the_progress_alone_now(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    agreement = await factory.agreement()
    await factory.link(CHILD, agreement, role=LinkRole.RELATIVE)
    case = {"category": "handover", "agreement_id": agreement.id, "text": "x"}
    headers = {"Idempotency-Key": "complaint-0001"}
    filed = await call(api, "POST", f"/v1/chats/{CHILD}/cases", 201, json=case, headers=headers)
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET scope = 'progress'"))
    await call(api, "GET", f"/v1/chats/{CHILD}/cases/{filed['number']}", 404)
    assert (await call(api, "GET", f"/v1/chats/{CHILD}/cases"))["total_count"] == 0


@SCOPED
async def test_an_heir_sees_the_progress_until_staff_confirm(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    heir, agreement = await factory.person(who), await factory.agreement()
    await factory.party(agreement, heir, PartyRole.HEIR, position=1)
    proof = by_phone(who.phone, who.id_number[-4:])
    (link,) = own(await prove(api, CHILD, proof))
    assert (link["role"], link["scope"]) == ("heir", "progress")
    assert await call(api, "GET", f"/v1/chats/{CHILD}/payments") == []
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET scope = 'everything'"))
    assert len(await call(api, "GET", f"/v1/chats/{CHILD}/payments")) == 1
    # Proving it anew, also after disuse, takes nothing back.
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET expires_on = CURRENT_DATE - 1"))
    assert [link["scope"] for link in own(await prove(api, CHILD, proof))] == ["everything"]


@SCOPED
@pytest.mark.parametrize("role", [PartyRole.HEIR, PartyRole.PROXY])
async def test_who_has_become_the_holder_in_the_roll_proves_it_and_is_one(
    api: aiohttp.ClientSession, database: Database, factory: Factory, role: PartyRole
) -> None:
    who = factory.invented()
    person, agreement = await factory.person(who), await factory.agreement()
    party = await factory.party(agreement, person, role, position=1)
    proof = by_phone(who.phone, who.id_number[-4:])
    assert [link["role"] for link in own(await prove(api, CHILD, proof))] == [role]
    async with database.transaction() as session:
        await session.execute(text("UPDATE parties SET role = 'holder' WHERE id = :i"), {"i": party.id})
    (link,) = own(await prove(api, CHILD, proof))
    assert (link["role"], link["scope"]) == ("holder", "everything")


@SCOPED
async def test_a_proof_takes_nothing_from_who_sees_more_by_a_code(api: aiohttp.ClientSession, factory: Factory) -> None:
    who = factory.invented()
    agreement = await factory.agreement()
    await factory.party(agreement, await factory.person(who), PartyRole.HEIR, position=1)
    await factory.link(CHILD, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    (link,) = own(await prove(api, CHILD, by_phone(who.phone, who.id_number[-4:])))
    assert (link["role"], link["scope"]) == ("relative", "everything")


# --- when it ends by itself ---


async def lapse_of(api: aiohttp.ClientSession, chat_id: int) -> tuple[bool, str | None]:
    state = await call(api, "GET", f"/v1/chats/{chat_id}")
    return state["linked"], state["lapse"]


@ENDS
async def test_disuse_asks_for_proof_again(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)], number="A-1001")
    proof = by_agreement("A-1001", who.name, who.id_number[-6:])
    (link,) = own(await prove(api, HOLDER, proof))
    await factory.link(CHILD, agreement, role=LinkRole.RELATIVE)
    assert await lapse_of(api, HOLDER) == (True, None)
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE links SET used_on = :d, expires_on = :d WHERE chat_id = :c"),
            {"d": office_day() - timedelta(days=1), "c": HOLDER},
        )
    assert await lapse_of(api, HOLDER) == (False, "disused")
    for path in ("homes", "payments", "handover"):
        assert await call(api, "GET", f"/v1/chats/{HOLDER}/{path}") == []
    links = await call(api, "GET", f"/v1/chats/{HOLDER}/links")
    assert links["links"] == []
    assert [(lapsed["because"], lapsed["agreement"]["holder"]) for lapsed in links["lapsed"]] == [("disused", "")]
    (again,) = own(await prove(api, HOLDER, proof))
    assert again["id"] == link["id"]
    assert await lapse_of(api, HOLDER) == (True, None)
    assert set(await told(database, vault)) == {CHILD}


@ENDS
async def test_each_day_of_use_moves_the_end_once(
    api: aiohttp.ClientSession, database: Database, factory: Factory, settings: Settings
) -> None:
    link = await factory.link(HOLDER, await factory.agreement())
    other = await factory.link(HOLDER, await factory.agreement(), suspended_at=datetime.now(UTC))
    old = {"used_on": date(2020, 1, 1), "expires_on": office_day() + timedelta(days=2)}
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET used_on = :used_on, expires_on = :expires_on"), old)

    async def dates(link_id: int) -> tuple[date, date]:
        async with database.reading() as reader:
            row = (await reader.execute(select(Link.used_on, Link.expires_on).where(Link.id == link_id))).one()
            return row.used_on, row.expires_on

    await call(api, "GET", f"/v1/chats/{HOLDER}")
    async with asyncio.timeout(30):
        while (await dates(link.id))[0] == old["used_on"]:
            await asyncio.sleep(0.01)
    now = datetime.now(settings.timezone).date()
    assert await dates(link.id) == (now, now + timedelta(days=settings.link_disuse_days))
    assert await dates(other.id) == (old["used_on"], old["expires_on"])
    async with database.reading() as reader:
        before = (await reader.execute(text("SELECT xmin::text FROM links WHERE id = :i"), {"i": link.id})).scalar_one()
    for _ in range(3):
        await call(api, "GET", f"/v1/chats/{HOLDER}/with-homes")
    await asyncio.sleep(0.1)
    async with database.reading() as reader:
        after = (await reader.execute(text("SELECT xmin::text FROM links WHERE id = :i"), {"i": link.id})).scalar_one()
    assert before == after, "a second use on the same day writes nothing"


@ENDS
async def test_a_proxys_authority_ends_on_its_day(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    agreement, proxy = await factory.agreement(), await factory.person()
    party = await factory.party(
        agreement, proxy, PartyRole.PROXY, position=1, valid_until=office_day() + timedelta(days=5)
    )
    await factory.link(CHILD, agreement, person=proxy, role=LinkRole.PROXY)
    (link,) = own(await call(api, "GET", f"/v1/chats/{CHILD}/links"))
    assert link["valid_until"] == str(office_day() + timedelta(days=5))
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE parties SET valid_until = :d WHERE id = :i"),
            {"d": office_day() - timedelta(days=2), "i": party.id},
        )
    assert await lapse_of(api, CHILD) == (False, "over")


@ENDS
@pytest.mark.parametrize("because", list(LinkSuspension))
async def test_a_suspended_link_shows_nothing_but_why(
    api: aiohttp.ClientSession, database: Database, factory: Factory, because: LinkSuspension
) -> None:
    agreement = await factory.agreement(number="A-1001", units=[await factory.unit()])
    link = await factory.link(HOLDER, agreement, suspended_at=datetime.now(UTC), suspended_because=because)
    assert await lapse_of(api, HOLDER) == (False, because)
    links = await call(api, "GET", f"/v1/chats/{HOLDER}/links")
    (lapsed,) = links["lapsed"]
    assert (lapsed["because"], lapsed["agreement"]["number"]) == (because, "A-1001")
    assert (lapsed["agreement"]["holder"], lapsed["agreement"]["home"]) == ("", None)
    assert await call(api, "GET", f"/v1/chats/{HOLDER}/homes") == []
    # Whoever no longer cares lets it go.
    await call(api, "DELETE", f"/v1/chats/{HOLDER}/links/{link.id}", 204)
    assert await lapse_of(api, HOLDER) == (False, None)
