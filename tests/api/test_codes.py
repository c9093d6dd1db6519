"""Codes by which owners let their relatives in."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text, update

from api.agreements.models import Agreement
from api.agreements.schemas import PartyRole
from api.audit.listing import list_events
from api.chats.models import Link
from api.db import Database
from api.identity.codes import issue_code
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, RelativeCodeOut, RelativeCodesOut
from api.privacy import Vault
from tests.api.calls import by_code, call, own, prove
from tests.days import office_day
from tests.factories import Factory

HOLDER, CHILD, STRANGER = 700100200, 700100201, 700100202
pytestmark = pytest.mark.security("A family decides who sees its home")


def path(chat_id: int, agreement: Agreement) -> str:
    return f"/v1/chats/{chat_id}/agreements/{agreement.id}/codes"


async def invite(
    api: aiohttp.ClientSession, agreement: Agreement, status: int = 201, *, chat_id: int = HOLDER, **wanted: Any
) -> Any:
    body = {"scope": "everything"} | wanted
    return await call(api, "POST", path(chat_id, agreement), status, json=body)


async def family(factory: Factory) -> tuple[Agreement, Link]:
    holder = await factory.person()
    agreement = await factory.agreement(people=[holder])
    return agreement, await factory.link(HOLDER, agreement, person=holder)


async def test_a_holder_lets_a_child_see_the_progress(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement, _ = await family(factory)
    until = (datetime.now(UTC) + timedelta(days=30)).date()
    code = RelativeCodeOut.model_validate(await invite(api, agreement, scope="progress", valid_until=str(until)))
    assert timedelta(hours=23) < code.expires_at - datetime.now(UTC) <= timedelta(hours=24)
    opened = RelativeCodesOut.model_validate(await call(api, "GET", path(HOLDER, agreement)))
    assert [(c.id, c.scope, c.valid_until) for c in opened.codes] == [(code.id, "progress", until)]
    (link,) = own(await prove(api, CHILD, by_code(code.code)))
    assert (link["role"], link["scope"], link["valid_until"]) == ("relative", "progress", str(until))
    assert (await call(api, "GET", path(HOLDER, agreement)))["codes"] == []
    seen = [link for link in (await call(api, "GET", f"/v1/chats/{HOLDER}/links"))["links"] if not link["this_chat"]]
    assert [(link["scope"], link["valid_until"]) for link in seen] == [("progress", str(until))]


@pytest.mark.parametrize("role", [LinkRole.RELATIVE, LinkRole.PROXY, LinkRole.HEIR])
async def test_only_owners_let_others_in(api: aiohttp.ClientSession, factory: Factory, role: LinkRole) -> None:
    agreement, _ = await family(factory)
    person = await factory.person()
    if role is not LinkRole.RELATIVE:
        await factory.party(agreement, person, role=PartyRole(role.value))
    await factory.link(CHILD, agreement, person=None if role is LinkRole.RELATIVE else person, role=role)
    code = await invite(api, agreement)
    for chat_id in (CHILD, STRANGER):
        await invite(api, agreement, 404, chat_id=chat_id)
        await call(api, "GET", path(chat_id, agreement), 404)
        await call(api, "DELETE", f"{path(chat_id, agreement)}/{code['id']}", 404)
    assert len((await call(api, "GET", path(HOLDER, agreement)))["codes"]) == 1


async def test_at_most_five_are_open_also_for_those_at_once(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement, _ = await family(factory)
    wife = await factory.person()
    await factory.link(CHILD, agreement, person=wife, role=LinkRole.CO_OWNER)
    await factory.party(agreement, wife, position=1)

    async def status(chat_id: int) -> int:
        async with api.post(path(chat_id, agreement), json={"scope": "progress"}) as response:
            return response.status

    answers = await asyncio.gather(*(status(chat_id) for chat_id in [HOLDER, CHILD] * 4))
    assert sorted(answers) == [201] * 5 + [409] * 3
    error = await invite(api, agreement, 409)
    assert (error["code"], error["details"]) == ("too_many", {"max": 5})
    codes = (await call(api, "GET", path(HOLDER, agreement)))["codes"]
    await call(api, "DELETE", f"{path(CHILD, agreement)}/{codes[0]['id']}", 204)
    await call(api, "DELETE", f"{path(CHILD, agreement)}/{codes[0]['id']}", 404)
    await invite(api, agreement)


async def test_a_cancelled_code_lets_nobody_in(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement, _ = await family(factory)
    code = await invite(api, agreement)
    await call(api, "DELETE", f"{path(HOLDER, agreement)}/{code['id']}", 204)
    await prove(api, CHILD, by_code(code["code"]), 403)


async def test_a_cancelled_code_stays_in_the_record_of_its_agreement(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    """With its row gone, nobody could tell any more whose home it had been for."""
    agreement, _ = await family(factory)
    code = await invite(api, agreement)
    await call(api, "DELETE", f"{path(HOLDER, agreement)}/{code['id']}", 204)
    assert (await call(api, "GET", path(HOLDER, agreement)))["codes"] == []
    async with database.transaction() as session:
        shown = await list_events(session, agreement_ids=[agreement.id], limit=10)
    about_codes = [event for event in shown if event.object_kind == "link_code"]
    assert [(event.action, event.object_id) for event in about_codes] == [
        ("code.cancelled", code["id"]),
        ("code.issued", code["id"]),
    ]
    assert {event.agreement for event in about_codes} == {agreement.number}


async def test_a_used_code_cannot_be_cancelled(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreement, _ = await family(factory)
    code = await invite(api, agreement)
    await prove(api, CHILD, by_code(code["code"]))
    await call(api, "DELETE", f"{path(HOLDER, agreement)}/{code['id']}", 404)


async def test_a_code_ends_after_a_day_and_with_its_issuers_right(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    agreement, link = await family(factory)
    old, orphaned = await invite(api, agreement), await invite(api, agreement)
    async with database.transaction() as session:
        await session.execute(text("UPDATE link_codes SET expires_at = now() WHERE id = :id"), {"id": old["id"]})
    await prove(api, CHILD, by_code(old["code"]), 403)
    await call(api, "DELETE", f"/v1/chats/{HOLDER}/links/{link.id}", 204)
    await prove(api, CHILD, by_code(orphaned["code"]), 403)


async def test_a_code_of_the_office_ends_when_the_home_changes_hands(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    """Ninety days later it showed the new family's home, with their name, to a relative of the one before."""
    seller, buyer = await factory.person(), await factory.person()
    agreement = await factory.agreement(people=[seller])
    async with database.transaction() as session:
        codes = [
            (await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(days=90)))[0]
            for _ in range(2)
        ]
    await factory.party(agreement, buyer, PartyRole.CO_OWNER, position=1)
    await prove(api, CHILD, by_code(codes[0]))
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM parties WHERE person_id = :seller"), {"seller": seller.id})
    await prove(api, STRANGER, by_code(codes[1]), 403)
    assert (await call(api, "GET", f"/v1/chats/{STRANGER}"))["linked"] is False


async def test_the_last_day_of_what_a_code_gives(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    agreement, _ = await family(factory)
    today = office_day()
    await invite(api, agreement, 422, valid_until=str(today - timedelta(days=2)))
    code = await invite(api, agreement, valid_until=str(today + timedelta(days=3)))
    assert own(await prove(api, CHILD, by_code(code["code"])))
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET valid_until = :day WHERE chat_id = :chat"), _yesterday(today))
    state = await call(api, "GET", f"/v1/chats/{CHILD}")
    assert (state["linked"], state["lapse"]) == (False, "over")
    assert await call(api, "GET", f"/v1/chats/{CHILD}/homes") == []


def _yesterday(today: date) -> dict[str, Any]:
    return {"day": today - timedelta(days=2), "chat": CHILD}


async def test_a_code_that_shows_more_is_used_one_that_shows_no_more_is_not(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    agreement, _ = await family(factory)
    codes = [await invite(api, agreement, scope=scope) for scope in ("progress", "everything", "progress")]
    progress, everything, spare = codes
    assert [link["scope"] for link in own(await prove(api, CHILD, by_code(progress["code"])))] == ["progress"]
    assert [link["scope"] for link in own(await prove(api, CHILD, by_code(everything["code"])))] == ["everything"]
    assert [link["scope"] for link in own(await prove(api, CHILD, by_code(spare["code"])))] == ["everything"]
    # The holder who tries it leaves it good.
    assert [link["role"] for link in own(await prove(api, HOLDER, by_code(spare["code"])))] == ["holder"]
    assert [link["scope"] for link in own(await prove(api, STRANGER, by_code(spare["code"])))] == ["progress"]


async def test_a_second_code_takes_nothing_away(api: aiohttp.ClientSession, factory: Factory) -> None:
    """The progress without an end took the place of everything for a year."""
    agreement, _ = await family(factory)
    until = str(office_day() + timedelta(days=300))
    everything = await invite(api, agreement, valid_until=until)
    progress = await invite(api, agreement, scope="progress")
    await prove(api, CHILD, by_code(everything["code"]))
    (link,) = own(await prove(api, CHILD, by_code(progress["code"])))
    assert (link["scope"], link["valid_until"]) == ("everything", until)
    # Nothing was used up.
    await prove(api, STRANGER, by_code(progress["code"]))
    # One that lasts longer and shows as much is used.
    longer = await invite(api, agreement)
    (link,) = own(await prove(api, CHILD, by_code(longer["code"])))
    assert (link["scope"], link["valid_until"]) == ("everything", None)


async def test_a_pending_heir_sees_what_a_code_shows(api: aiohttp.ClientSession, factory: Factory) -> None:
    """The bot said thank you, the code was used up, and nothing was shown."""
    agreement, _ = await family(factory)
    heir = await factory.person()
    await factory.party(agreement, heir, role=PartyRole.HEIR, position=1)
    await factory.link(CHILD, agreement, person=heir, role=LinkRole.HEIR, scope=LinkScope.PROGRESS)
    progress, everything = await invite(api, agreement, scope="progress"), await invite(api, agreement)
    (link,) = own(await prove(api, CHILD, by_code(progress["code"])))
    assert (link["role"], link["scope"]) == ("heir", "progress")
    (link,) = own(await prove(api, CHILD, by_code(everything["code"])))
    assert link["scope"] == "everything"
    assert len(await call(api, "GET", f"/v1/chats/{CHILD}/payments")) == 1
    await prove(api, STRANGER, by_code(progress["code"]))


async def test_who_is_shut_out_takes_along_whom_they_let_in(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    """Else somebody who got in by deceit would stay through a second account."""
    agreement, _ = await family(factory)
    deceiver = await factory.link(CHILD, agreement, role=LinkRole.CO_OWNER, method=LinkMethod.AGREEMENT)
    code, waiting = await invite(api, agreement, chat_id=CHILD), await invite(api, agreement, chat_id=CHILD)
    await prove(api, STRANGER, by_code(code["code"]))
    await call(api, "DELETE", f"/v1/chats/{HOLDER}/links/{deceiver.id}", 204)
    for chat_id in (CHILD, STRANGER):
        assert (await call(api, "GET", f"/v1/chats/{chat_id}"))["linked"] is False
    await prove(api, STRANGER, by_code(waiting["code"]), 403)
    async with database.reading() as reader:
        told = (
            await reader.execute(text("SELECT chat_id, payload FROM deliveries WHERE kind = 'link_ended' ORDER BY 1"))
        ).all()
    assert [row.chat_id for row in told] == [CHILD, STRANGER]
    assert {vault.open_json("delivery.payload", row.payload)["by"] for row in told} == {"owner"}


async def test_codes_stand_in_the_record_without_their_text(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    agreement, _ = await family(factory)
    used, cancelled = await invite(api, agreement), await invite(api, agreement)
    await prove(api, CHILD, by_code(used["code"]))
    await call(api, "DELETE", f"{path(HOLDER, agreement)}/{cancelled['id']}", 204)
    async with database.reading() as reader:
        events = (
            await reader.execute(
                text("SELECT actor_id, action, object_id FROM audit_events WHERE object_kind = 'link_code' ORDER BY id")
            )
        ).all()
        stored = (await reader.execute(text("SELECT link_codes::text FROM link_codes"))).scalars().all()
    assert [tuple(event) for event in events] == [
        (HOLDER, "code.issued", used["id"]),
        (HOLDER, "code.issued", cancelled["id"]),
        (CHILD, "code.used", used["id"]),
        (HOLDER, "code.cancelled", cancelled["id"]),
    ]
    assert not any(used["code"] in row for row in stored)


async def test_nobody_gives_on_more_than_they_have(api: aiohttp.ClientSession, factory: Factory) -> None:
    """The office let an owner in for the progress alone, and until a day."""
    agreement, link = await family(factory)
    last = office_day() + timedelta(days=3)
    async with factory.database.transaction() as session:
        await session.execute(update(Link).where(Link.id == link.id).values(scope=LinkScope.PROGRESS, valid_until=last))
    await invite(api, agreement, 422, scope="everything", valid_until=str(last))
    await invite(api, agreement, 422, scope="progress")
    await invite(api, agreement, 422, scope="progress", valid_until=str(last + timedelta(days=1)))
    await invite(api, agreement, scope="progress", valid_until=str(last))
