"""Requests for access as staff see and answer them: the link, the news of it, and the record, or nothing of it."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select, text

from api.agreements.schemas import PartyRole
from api.chats.models import Link
from api.chats.roll_changes import settle_links
from api.db import Database
from api.identity.models import AccessRequest
from api.identity.schemas import AccessRequestsMade, LinkMethod, LinkRole, LinkScope
from api.messages.schemas import AccessDeclined, AccessGranted, NewLink
from api.privacy import Vault
from api.staff.schemas import StaffAccessRequestOut, StaffAccessRequestPage, StaffRole
from tests.api.calls import call, numbers
from tests.api.test_access_requests import WORDS, agree, ask
from tests.api.test_link_life import told
from tests.api.test_staff import ADMIN, OFFICER, OTHER, actions, staff
from tests.days import office_day
from tests.factories import Factory

pytestmark = pytest.mark.security("Who cannot prove who they are is let in by staff, and the family knows")

HEIR, SPOUSE = 700100200, 700100201
QUEUE = f"/v1/staff/{OFFICER}/access-requests"


async def asked(api: aiohttp.ClientSession, factory: Factory, chat_id: int = HEIR, **said: Any) -> int:
    await agree(factory, chat_id)
    return int((await ask(api, chat_id=chat_id, **said))["id"])


async def grant(api: aiohttp.ClientSession, request_id: int, status: int = 204, **wanted: Any) -> Any:
    return await call(api, "POST", f"{QUEUE}/{request_id}/grant", status, json=wanted)


async def decline(api: aiohttp.ClientSession, request_id: int, reason: str, status: int = 204) -> Any:
    return await call(api, "POST", f"{QUEUE}/{request_id}/decline", status, json={"reason": reason})


async def link_of(database: Database, chat_id: int = HEIR) -> Link:
    async with database.transaction() as session:
        return (await session.scalars(select(Link).where(Link.chat_id == chat_id, Link.revoked_at.is_(None)))).one()


# --- the queue ---


async def test_open_ones_come_first_and_pages_miss_nothing(api: aiohttp.ClientSession, factory: Factory) -> None:
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    ids = [await asked(api, factory, HEIR + n, key=f"dialog-{n:04}") for n in range(7)]
    for request_id in (ids[1], ids[4]):
        await decline(api, request_id, "请来工作专班一趟")
    expected = [ids[0], ids[2], ids[3], ids[5], ids[6], ids[4], ids[1]]
    for limit in (1, 2, 3, 5, 7, 50):
        seen: list[int] = []
        cursor = ""
        while True:
            page = StaffAccessRequestPage.model_validate(await call(api, "GET", f"{QUEUE}?limit={limit}{cursor}"))
            assert page.open_count == 5
            assert len(page.requests) <= limit
            seen += [request.id for request in page.requests]
            if page.next_cursor is None:
                break
            cursor = f"&cursor={page.next_cursor}"
        assert seen == expected, limit
    for wrong in ("", "x", "open-", "open--1", "decided-١", "closed-1"):
        await call(api, "GET", f"{QUEUE}?cursor={wrong}", 422)


async def test_what_was_written_is_opened_one_by_one_and_recorded(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    officer = await staff(factory, OFFICER, StaffRole.CASE_OFFICER, name="接访甲")
    request_id = await asked(api, factory)
    async with api.get(QUEUE) as response:
        assert "AZ-2020" not in await response.text()
    one = StaffAccessRequestOut.model_validate(await call(api, "GET", f"{QUEUE}/{request_id}"))
    assert (one.text, one.state, one.handled_by) == (WORDS, "open", None)
    assert ("access_request.read", "staff", officer, request_id) in await actions(database)
    assert str(HEIR) not in one.model_dump_json(), "which chat it is is nobody's business"
    await call(api, "GET", f"{QUEUE}/999999", 404)
    await decline(api, request_id, "  请带户口本来工作专班。\0 ")
    one = StaffAccessRequestOut.model_validate(await call(api, "GET", f"{QUEUE}/{request_id}"))
    assert (one.state, one.reason, one.handled_by) == ("declined", "请带户口本来工作专班。", "接访甲")


# --- yes ---


async def test_a_co_owner_is_let_in_and_everybody_is_told(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    """Whose phone changed, and whom the roll names: the link stands and falls with what the roll says."""
    officer = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    owner, co_owner = await factory.person(), await factory.person()
    agreement = await factory.agreement(people=[owner], units=[await factory.unit()], number="A-1001")
    party = await factory.party(agreement, co_owner, PartyRole.CO_OWNER, position=1)
    await factory.link(SPOUSE, agreement, person=owner)
    request_id = await asked(api, factory, kind="phone_changed")
    await grant(api, request_id, agreement_id=agreement.id, role="co_owner", party_id=party.id)
    assert numbers(await call(api, "GET", f"/v1/chats/{HEIR}/links")) == ["A-1001"]
    link = await link_of(database)
    assert (link.person_id, link.method, link.role) == (co_owner.id, LinkMethod.OFFICE, LinkRole.CO_OWNER)
    answer = AccessGranted.model_validate((await told(database, vault, "access_granted"))[HEIR])
    assert (answer.agreement.number, answer.role, answer.scope) == ("A-1001", "co_owner", "everything")
    news = await told(database, vault)
    assert set(news) == {SPOUSE}
    assert NewLink.model_validate(news[SPOUSE]).method is LinkMethod.OFFICE
    (made,) = AccessRequestsMade.model_validate(await call(api, "GET", f"/v1/chats/{HEIR}/access-requests")).requests
    assert (made.state, made.handled_at is not None, made.reason) == ("granted", True, None)
    found = await actions(database)
    assert ("access_request.granted", "staff", officer, request_id) in found
    assert ("link.created", "staff", officer, link.id) in found
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM parties WHERE id = :id"), {"id": party.id})
        assert await settle_links(session, vault, office_day()) == (1, 0)


async def test_a_proxy_whom_no_roll_names_sees_it_until_the_last_day(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    await staff(factory, OFFICER, StaffRole.ADMIN)
    agreement = await factory.agreement(number="A-1001")
    request_id = await asked(api, factory)
    for wrong in (None, str(office_day() - timedelta(days=3))):
        refused = await grant(api, request_id, 422, agreement_id=agreement.id, role="proxy", valid_until=wrong)
        assert refused["details"]["fields"][0]["at"] == ["body", "valid_until"]
    day = office_day() + timedelta(days=30)
    await grant(api, request_id, agreement_id=agreement.id, role="proxy", valid_until=str(day))
    (link,) = (await call(api, "GET", f"/v1/chats/{HEIR}/links"))["links"]
    assert (link["role"], link["valid_until"]) == ("proxy", str(day))
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET valid_until = CURRENT_DATE - 2"))
    state = await call(api, "GET", f"/v1/chats/{HEIR}")
    assert (state["linked"], state["lapse"]) == (False, "over")


async def test_who_is_let_in_beside_the_roll_does_not_see_the_next_owners_home(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    seller, buyer = await factory.person(), await factory.person()
    agreement = await factory.agreement(people=[seller])
    request_id = await asked(api, factory)
    await grant(api, request_id, agreement_id=agreement.id, role="heir", scope="progress")
    async with database.transaction() as session:
        await session.execute(text("UPDATE parties SET person_id = :buyer"), {"buyer": buyer.id})
        assert await settle_links(session, vault, office_day()) == (1, 0)
    state = await call(api, "GET", f"/v1/chats/{HEIR}")
    assert (state["linked"], state["lapse"]) == (False, "holder_replaced")


async def test_an_heir_sees_everything_once_the_papers_are_seen(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    """First as the roll has it, the progress alone; the office's word takes its place."""
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    heir = await factory.person()
    agreement = await factory.agreement(number="A-1001")
    party = await factory.party(agreement, heir, PartyRole.HEIR, position=1)
    await factory.link(HEIR, agreement, person=heir, role=LinkRole.HEIR, scope=LinkScope.PROGRESS)
    assert await call(api, "GET", f"/v1/chats/{HEIR}/payments") == []
    request_id = await asked(api, factory)
    await grant(api, request_id, agreement_id=agreement.id, role="heir", party_id=party.id)
    assert len(await call(api, "GET", f"/v1/chats/{HEIR}/payments")) == 1
    link = await link_of(database)
    assert (link.scope, link.person_id) == (LinkScope.EVERYTHING, heir.id)


async def test_an_owners_own_proof_is_not_replaced_by_less(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    owner = await factory.person()
    agreement = await factory.agreement(people=[owner])
    await factory.link(HEIR, agreement, person=owner)
    request_id = await asked(api, factory)
    await grant(api, request_id, agreement_id=agreement.id, role="relative", scope="progress")
    assert (await link_of(database)).role is LinkRole.HOLDER


async def test_only_whom_the_roll_names_becomes_an_owner(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    """No name, somebody of another agreement, another role, an authority that is over: nothing happens."""
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    agreement, other = await factory.agreement(), await factory.agreement()
    over = await factory.party(
        agreement, await factory.person(), PartyRole.PROXY, position=1, valid_until=office_day() - timedelta(days=3)
    )
    async with database.transaction() as session:
        rows = await session.execute(text("SELECT agreement_id, id FROM parties WHERE role = 'holder'"))
        holders = {row.agreement_id: row.id for row in rows}
    request_id = await asked(api, factory)
    soon = str(office_day() + timedelta(days=9))
    wrong: list[dict[str, Any]] = [
        {"role": "holder"},
        {"role": "co_owner"},
        {"role": "holder", "party_id": holders[other.id]},
        {"role": "co_owner", "party_id": holders[agreement.id]},
        {"role": "relative", "party_id": holders[agreement.id]},
        {"role": "proxy", "party_id": over.id, "valid_until": soon},
        {"role": "holder", "party_id": 999_999},
    ]
    for what in wrong:
        refused = await grant(api, request_id, 422, agreement_id=agreement.id, **what)
        assert refused["details"]["fields"][0]["at"] == ["body", "party_id"], what
    await grant(api, request_id, 404, agreement_id=999_999, role="heir")
    async with database.reading() as reader:
        counts = [
            (await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in ("links", "link_codes", "deliveries")
        ]
        assert counts == [0, 0, 0]
        assert (await reader.execute(select(AccessRequest.state))).scalar_one() == "open"


# --- no ---


async def test_a_refusal_tells_why(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    request_id = await asked(api, factory)
    why = "还需要公证处的继承公证书，请带上原件来一趟。"
    await decline(api, request_id, why)
    assert AccessDeclined.model_validate((await told(database, vault, "access_declined"))[HEIR]).reason == why
    (made,) = AccessRequestsMade.model_validate(await call(api, "GET", f"/v1/chats/{HEIR}/access-requests")).requests
    assert (made.state, made.reason) == ("declined", why)
    async with database.reading() as reader:
        whole = (await reader.execute(text("SELECT access_requests::text FROM access_requests"))).scalar_one()
    assert "公证" not in whole
    for empty in ("", "  \0 ", "长" * 501):
        await decline(api, request_id, empty, 422)


# --- who, and how often ---


async def test_of_two_officers_one_decides(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    await staff(factory, OTHER, StaffRole.CASE_OFFICER)
    agreement = await factory.agreement()
    for round_ in range(5):
        request_id = await asked(api, factory, HEIR + round_, key=f"dialog-{round_:04}")

        async def decides(chat_id: int, what: str, body: dict[str, Any], request_id: int = request_id) -> int:
            path = f"/v1/staff/{chat_id}/access-requests/{request_id}/{what}"
            async with api.post(path, json=body) as response:
                if response.status == 409:
                    assert (await response.json())["code"] == "already_handled"
                return response.status

        yes = {"agreement_id": agreement.id, "role": "relative"}
        statuses = await asyncio.gather(
            decides(OFFICER, "grant", yes), decides(OTHER, "decline", {"reason": "不行"}), decides(OTHER, "grant", yes)
        )
        assert sorted(statuses) == [204, 409, 409]
        async with database.reading() as reader:
            answers = await reader.execute(
                text("SELECT count(*) FROM deliveries WHERE chat_id = :chat AND kind LIKE 'access%'"),
                {"chat": HEIR + round_},
            )
            assert answers.scalar_one() == 1


async def test_nobody_decides_about_themselves(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    await staff(factory, OFFICER, *StaffRole)
    agreement = await factory.agreement()
    request_id = await asked(api, factory, OFFICER)
    refused = await grant(api, request_id, 403, agreement_id=agreement.id, role="heir")
    assert refused["code"] == "not_allowed"
    await decline(api, request_id, "不行", 403)
    await staff(factory, ADMIN, StaffRole.ADMIN)
    path = f"/v1/staff/{ADMIN}/access-requests/{request_id}/decline"
    await call(api, "POST", path, 204, json={"reason": "请来一趟"})


async def test_a_disabled_officer_decides_nothing_more(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    account = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    request_id = await asked(api, factory)
    async with database.transaction() as session:
        await session.execute(text("UPDATE staff_accounts SET disabled_at = now() WHERE id = :id"), {"id": account})
    for path in (QUEUE, f"{QUEUE}/{request_id}"):
        assert (await call(api, "GET", path, 403))["code"] == "not_allowed"
    await decline(api, request_id, "不行", 403)
