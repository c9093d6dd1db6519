"""Who sees which links, who may end them, and what a new roll adds."""

from datetime import date

import aiohttp
from sqlalchemy import func, select

from api.agreements.schemas import PartyRole
from api.chats.models import Link
from api.chats.roll_changes import extend_links
from api.db import Database
from api.identity.schemas import LinkMethod, LinkRole, LinksOut
from api.privacy import Vault
from tests.api.calls import by_phone, call, numbers, own, prove
from tests.factories import Factory

HOLDER, RELATIVE, STRANGER = 700100200, 700100201, 700100202
TODAY = date(2026, 11, 23)


async def links_of(api: aiohttp.ClientSession, chat_id: int) -> LinksOut:
    return LinksOut.model_validate(await call(api, "GET", f"/v1/chats/{chat_id}/links"))


async def end(api: aiohttp.ClientSession, chat_id: int, link_id: int, status: int = 204) -> None:
    await call(api, "DELETE", f"/v1/chats/{chat_id}/links/{link_id}", status)


async def test_owners_see_and_end_the_links_of_others(api: aiohttp.ClientSession, factory: Factory) -> None:
    unit = await factory.unit(room="1801")
    agreement = await factory.agreement(units=[unit], number="A-1001")
    holders = await factory.link(HOLDER, agreement)
    relatives = await factory.link(RELATIVE, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await factory.link(STRANGER, await factory.agreement(number="A-1002"))

    seen = (await links_of(api, HOLDER)).links
    assert [(link.id, link.this_chat) for link in seen] == [
        (holders.id, True),
        (relatives.id, False),
    ]
    assert {link.agreement.home for link in seen} == {"A3-一期-2-1-1801"}
    assert [link.id for link in (await links_of(api, RELATIVE)).links] == [relatives.id]

    await end(api, STRANGER, relatives.id, 404)
    await end(api, STRANGER, 999_999, 404)
    await end(api, RELATIVE, holders.id, 404)
    await end(api, HOLDER, relatives.id)
    await end(api, HOLDER, relatives.id, 404)
    assert (await links_of(api, RELATIVE)).links == []
    assert [link.id for link in (await links_of(api, HOLDER)).links] == [holders.id]


async def test_who_was_let_in_may_leave(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    agreement = await factory.agreement()
    await factory.link(HOLDER, agreement)
    relatives = await factory.link(RELATIVE, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await end(api, RELATIVE, relatives.id)
    assert len((await links_of(api, HOLDER)).links) == 1
    async with database.reading() as reader:
        ended = (
            await reader.execute(select(Link.revoked_at, Link.revoked_by_chat_id).filter_by(id=relatives.id))
        ).one()
    assert ended.revoked_at is not None
    assert ended.revoked_by_chat_id == RELATIVE


async def test_an_heir_or_proxy_sees_only_the_own_link(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement = await factory.agreement()
    holders = await factory.link(HOLDER, agreement)
    for chat_id, role in ((RELATIVE, PartyRole.PROXY), (STRANGER, PartyRole.HEIR)):
        person = await factory.person()
        await factory.party(agreement, person, role, position=1)
        await factory.link(chat_id, agreement, person=person, role=LinkRole(role.value))
        assert [link.this_chat for link in (await links_of(api, chat_id)).links] == [True]
        await end(api, chat_id, holders.id, 404)


async def test_a_proxy_sees_nothing_after_the_last_day(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement, proxy = await factory.agreement(), await factory.person()
    await factory.party(agreement, proxy, PartyRole.PROXY, position=1, valid_until=date(2020, 1, 1))
    await factory.link(RELATIVE, agreement, person=proxy, role=LinkRole.PROXY)
    assert (await links_of(api, RELATIVE)).links == []
    assert (await call(api, "GET", f"/v1/chats/{RELATIVE}"))["linked"] is False


async def test_a_new_roll_adds_to_what_was_proved(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    person = await factory.person(who)
    await factory.agreement(people=[person], number="A-1001")
    ended = await factory.agreement(people=[person], number="A-1002")
    links = await prove(api, HOLDER, by_phone(who.phone, who.id_number[-4:]))
    await end(api, HOLDER, next(link["id"] for link in own(links) if link["agreement"]["id"] == ended.id))
    await factory.link(RELATIVE, ended, role=LinkRole.RELATIVE, method=LinkMethod.CODE)

    await factory.agreement(people=[await factory.person(), person], number="A-1003")
    over = await factory.agreement(number="A-1004")
    await factory.party(over, person, PartyRole.PROXY, position=1, valid_until=date(2020, 1, 1))
    for added in (1, 0):
        async with database.transaction() as session:
            assert await extend_links(session, vault, TODAY) == added
    links = await links_of(api, HOLDER)
    assert {link.agreement.number: (link.role, link.method) for link in links.links if link.this_chat} == {
        "A-1001": ("holder", "phone"),
        "A-1003": ("co_owner", "phone"),
    }
    assert numbers(await call(api, "GET", f"/v1/chats/{RELATIVE}/links")) == ["A-1002"]
    # Only a new proof brings back what was ended.
    assert numbers(await prove(api, HOLDER, by_phone(who.phone, who.id_number[-4:]))) == ["A-1001", "A-1002", "A-1003"]
    async with database.reading() as reader:
        live = select(func.count()).select_from(Link).where(Link.chat_id == HOLDER, Link.revoked_at.is_(None))
        assert (await reader.execute(live)).scalar_one() == 3
