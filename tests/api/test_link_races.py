"""Who proves something while what it rests on is being taken away: during an import, or as somebody is shut out.

Each test leaves the other side's transaction open while the API answers, and looks at what stands after both ended.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.chats.granting import end_link
from api.chats.roll_changes import settle_links
from api.db import Database
from api.identity.models import Person
from api.privacy import Vault
from tests.api.calls import agree, by_code, by_phone, call, own, prove
from tests.factories import Factory
from tests.invented import Invented

pytestmark = pytest.mark.security("A right that is taken away stays away, whatever happens at that moment")
HOLDER, CHILD, OTHER = 700100200, 700100201, 700100202
MOMENT = 0.5
"""Long enough for the API to have answered, unless it waits."""


def today() -> Any:
    return datetime.now(UTC).date()


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


async def trying(api: aiohttp.ClientSession, chat_id: int, proof: dict[str, str]) -> asyncio.Task[int]:
    """A proof that is on its way; its status."""
    await agree(api, chat_id)

    async def status() -> int:
        async with api.post(f"/v1/chats/{chat_id}/links", json=proof) as response:
            return response.status

    task = asyncio.create_task(status())
    await asyncio.wait([task], timeout=MOMENT)
    return task


@asynccontextmanager
async def meanwhile(
    api: aiohttp.ClientSession, database: Database, chat_id: int, proof: dict[str, str]
) -> AsyncIterator[AsyncSession]:
    """Somebody tries the proof when the block has done its work, and before that is committed."""
    async with database.transaction() as session:
        yield session
        task = await trying(api, chat_id, proof)
    await task


async def test_an_invitation_tapped_again_during_an_import_gives_nothing_back(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault, home: Home
) -> None:
    """It gave everything, for ever: the link that had just been suspended stood again on nothing at all."""
    until = str(today() + timedelta(days=30))
    code = by_code(await invite(api, home.agreement, scope="progress", valid_until=until))
    await prove(api, CHILD, code)
    buyer = await factory.person()
    async with meanwhile(api, database, CHILD, code) as session:
        await sell(session, home, buyer)
        await settle_links(session, vault, today())
    assert not await sees(api, CHILD)
    async with database.transaction() as session:
        stored = (
            await session.execute(text("SELECT scope, code_id FROM links WHERE chat_id = :c"), {"c": CHILD})
        ).one()
        assert (stored.scope, stored.code_id is None) == ("progress", False)


async def test_an_invitation_tapped_again_changes_nothing_of_what_stands(
    api: aiohttp.ClientSession, database: Database, home: Home
) -> None:
    code = by_code(await invite(api, home.agreement, scope="progress", valid_until=str(today())))
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
        await end_link(session, vault, HOLDER, link["id"], today())
    assert not await sees(api, CHILD)
