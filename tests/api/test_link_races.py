"""Who proves something while what it rests on is being taken away: during an import, or as somebody is shut out.

Each test leaves the other side's transaction open while the API answers, and looks at what stands after both ended.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.chats.granting import end_link
from api.chats.models import Link
from api.chats.roll_changes import settle_links
from api.db import Database
from api.identity.models import Person
from api.identity.schemas import LinkMethod, LinkRole
from api.privacy import Vault
from tests.api.calls import agree, by_code, by_phone, call, own, prove
from tests.api.waiting import started
from tests.days import office_day
from tests.factories import Factory
from tests.invented import Invented

pytestmark = pytest.mark.security("A right that is not used or not supported ends")
HOLDER, CHILD, OTHER = 700100200, 700100201, 700100202


async def invite(api: aiohttp.ClientSession, agreement: Agreement, chat_id: int = HOLDER, **wanted: Any) -> str:
    body = {"scope": "everything"} | wanted
    code = await call(api, "POST", f"/v1/chats/{chat_id}/agreements/{agreement.id}/codes", 201, json=body)
    return str(code["code"])


async def sees(api: aiohttp.ClientSession, chat_id: int) -> bool:
    return bool((await call(api, "GET", f"/v1/chats/{chat_id}"))["linked"])


class Home:
    """A family with a home, whose holder is linked by phone."""

    def __init__(self, who: Invented, holder: Person, agreement: Agreement) -> None:
        self.who = who
        self.holder = holder
        self.agreement = agreement

    @property
    def phone(self) -> dict[str, str]:
        return by_phone(self.who.phone, self.who.id_number[-4:])


@pytest.fixture
async def home(api: aiohttp.ClientSession, factory: Factory) -> Home:
    who = factory.invented()
    holder = await factory.person(who)
    home = Home(who, holder, await factory.agreement(people=[holder], units=[await factory.unit()]))
    await prove(api, HOLDER, home.phone)
    return home


async def sell(session: AsyncSession, home: Home, buyer: Person) -> None:
    """What an import writes before it settles the links."""
    values = {"agreement": home.agreement.id, "buyer": buyer.id}
    await session.execute(text("DELETE FROM parties WHERE agreement_id = :agreement"), values)
    await session.execute(
        text("INSERT INTO parties (agreement_id, person_id, role, position) VALUES (:agreement, :buyer, 'holder', 0)"),
        values,
    )


async def trying(
    api: aiohttp.ClientSession, database: Database, chat_id: int, proof: dict[str, str]
) -> asyncio.Task[int]:
    """A proof that is on its way; its status."""
    await agree(api, chat_id)

    async def status() -> int:
        async with api.post(f"/v1/chats/{chat_id}/links", json=proof) as response:
            return response.status

    return await started(database, status())


@asynccontextmanager
async def meanwhile(
    api: aiohttp.ClientSession, database: Database, chat_id: int, proof: dict[str, str]
) -> AsyncIterator[AsyncSession]:
    """Somebody tries the proof when the block has done its work, and before that is committed."""
    async with database.transaction() as session:
        yield session
        task = await trying(api, database, chat_id, proof)
    await task


async def test_an_invitation_tapped_again_during_an_import_gives_nothing_back(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault, home: Home
) -> None:
    """It gave everything, for ever: the link that had just been suspended stood again on nothing at all."""
    until = str(office_day() + timedelta(days=30))
    code = by_code(await invite(api, home.agreement, scope="progress", valid_until=until))
    await prove(api, CHILD, code)
    buyer = await factory.person()
    async with meanwhile(api, database, CHILD, code) as session:
        await sell(session, home, buyer)
        await settle_links(session, vault, office_day())
    assert not await sees(api, CHILD)
    async with database.transaction() as session:
        stored = (
            await session.execute(text("SELECT scope, code_id FROM links WHERE chat_id = :c"), {"c": CHILD})
        ).one()
        assert (stored.scope, stored.code_id is None) == ("progress", False)


async def test_an_invitation_tapped_again_changes_nothing_of_what_stands(
    api: aiohttp.ClientSession, database: Database, home: Home
) -> None:
    code = by_code(await invite(api, home.agreement, scope="progress", valid_until=str(office_day())))
    first = await prove(api, CHILD, code)
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET used_on = CURRENT_DATE - 1 WHERE chat_id = :c"), {"c": CHILD})
    again = await prove(api, CHILD, code)
    assert [link | {"used_on": None} for link in own(again)] == [link | {"used_on": None} for link in own(first)]
    async with database.reading() as reader:
        tries = await reader.execute(
            text("SELECT succeeded FROM verification_attempts WHERE chat_id = :c"), {"c": CHILD}
        )
        assert tries.scalars().all() == [True, True]


async def test_an_invitation_tapped_again_while_its_owner_shuts_somebody_out_gives_nothing_back(
    api: aiohttp.ClientSession, database: Database, vault: Vault, home: Home
) -> None:
    code = by_code(await invite(api, home.agreement))
    (link,) = own(await prove(api, CHILD, code))
    async with meanwhile(api, database, CHILD, code) as session:
        await end_link(session, vault, HOLDER, link["id"], office_day())
    assert not await sees(api, CHILD)


async def test_a_code_used_during_an_import_does_not_outlive_its_owners(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault, home: Home
) -> None:
    code = by_code(await invite(api, home.agreement))
    buyer = await factory.person()
    async with meanwhile(api, database, CHILD, code) as session:
        await sell(session, home, buyer)
        await settle_links(session, vault, office_day())
    assert not await sees(api, CHILD)


async def test_a_code_used_before_an_import_settles_the_links_is_weighed_with_them(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault, home: Home
) -> None:
    code = by_code(await invite(api, home.agreement))
    buyer = await factory.person()
    async with database.transaction() as session:
        await sell(session, home, buyer)
        assert await (await trying(api, database, CHILD, code)) == 201
        assert await settle_links(session, vault, office_day()) == (2, 0)
    assert not await sees(api, CHILD)


async def test_a_phone_shared_as_an_import_removes_it_opens_nothing(
    api: aiohttp.ClientSession, database: Database, vault: Vault, home: Home
) -> None:
    async with meanwhile(api, database, OTHER, home.phone) as session:
        await session.execute(text("DELETE FROM person_phones WHERE person_id = :p"), {"p": home.holder.id})
        await settle_links(session, vault, office_day())
    assert not await sees(api, OTHER)


async def test_who_is_let_in_by_somebody_as_he_is_shut_out_goes_with_him(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault, home: Home
) -> None:
    deceiver: Link = await factory.link(
        CHILD, home.agreement, person=home.holder, role=LinkRole.CO_OWNER, method=LinkMethod.AGREEMENT
    )
    code = by_code(await invite(api, home.agreement, chat_id=CHILD))
    async with meanwhile(api, database, OTHER, code) as session:
        await end_link(session, vault, HOLDER, deceiver.id, office_day())
    assert not await sees(api, OTHER)


async def test_an_import_never_falls_over_somebody_who_waits_for_it(
    api: aiohttp.ClientSession, database: Database, vault: Vault, home: Home
) -> None:
    """The proof waits for a row that the import has changed, the import for the proof: the proof gives way."""
    async with database.transaction() as session:
        # The roll has learnt an ID number: nobody may refer to the person until that is committed.
        await session.execute(text("UPDATE people SET id_number_index = '\\x00' WHERE id = :p"), {"p": home.holder.id})
        task = await trying(api, database, OTHER, home.phone)
        async with asyncio.timeout(60):
            assert await settle_links(session, vault, office_day()) == (0, 0)
        assert await task == 503
    await prove(api, OTHER, home.phone)


async def test_a_stranger_does_not_wait_for_an_import_and_so_stops_nobody(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    """Twenty requests for codes of anybody's agreement took all connections until the import was over."""
    agreement = await factory.agreement()
    async with database.transaction() as session:
        await session.execute(text("UPDATE agreements SET as_of = as_of + 1"))
        path = f"/v1/chats/{{}}/agreements/{agreement.id}/codes"
        async with asyncio.timeout(60):
            for number in range(25):
                await call(api, "POST", path.format(OTHER + number), 404, json={"scope": "everything"})
            await agree(api, OTHER)


async def test_a_holder_makes_a_code_while_an_import_is_under_way(
    api: aiohttp.ClientSession, database: Database, home: Home
) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE agreements SET as_of = as_of + 1"))
        async with asyncio.timeout(60):
            await invite(api, home.agreement)
