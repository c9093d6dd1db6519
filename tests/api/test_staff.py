"""The office's accounts: who may do what, how a chat comes to act for one, and how it stops."""

import asyncio
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select, text

from api.audit.models import AuditEvent
from api.audit.service import OPERATOR, Actor
from api.broadcasts.schemas import BroadcastAction
from api.db import Database
from api.identity.limits import CHAT
from api.messages.models import Delivery
from api.messages.schemas import AccessDeclined, BroadcastOnDesk, DeliveryState
from api.messages.service import enqueue_notice
from api.privacy import Vault
from api.staff.codes import issue_staff_code, link_account
from api.staff.models import StaffAccount, StaffCode
from api.staff.schemas import StaffAccountOut, StaffCodeOut, StaffMe, StaffRole
from api.staff.service import add_account, change_account
from tests.api.calls import by_code, call, prove
from tests.api.strictly import look_up
from tests.api.waiting import started
from tests.factories import Factory

pytestmark = pytest.mark.security("Roles of staff are checked by every call")

ADMIN, OFFICER, OTHER = 600100200, 600100201, 600100202


async def staff(factory: Factory, chat_id: int | None, *roles: StaffRole, name: str = "编造员") -> int:
    """An account, linked to a chat by a code as people do it."""
    async with factory.database.transaction() as session:
        account = await add_account(session, factory.vault, OPERATOR, name, roles)
        if chat_id is not None:
            code, _ = await issue_staff_code(session, factory.vault, OPERATOR, account.id)
            await link_account(session, factory.vault, chat_id, code)
    return account.id


async def code_for(factory: Factory, account_id: int) -> str:
    async with factory.database.transaction() as session:
        code, _ = await issue_staff_code(session, factory.vault, OPERATOR, account_id)
    return code


async def redeem(api: aiohttp.ClientSession, chat_id: int, code: str, status: int = 200) -> Any:
    return await call(api, "POST", f"/v1/staff/{chat_id}/account", status, json={"code": code})


async def change(api: aiohttp.ClientSession, chat_id: int, account_id: int, status: int = 200, **what: Any) -> Any:
    return await call(api, "PATCH", f"/v1/staff/{chat_id}/accounts/{account_id}", status, json=what)


async def actions(database: Database) -> list[tuple[str, str, int | None, int | None]]:
    async with database.transaction() as session:
        rows = await session.execute(
            select(AuditEvent.action, AuditEvent.actor_kind, AuditEvent.actor_id, AuditEvent.object_id).order_by(
                AuditEvent.id
            )
        )
        return [(row[0], row[1].value, row[2], row[3]) for row in rows]


# --- linking ---


async def test_a_one_time_code_links_a_chat(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    account_id = await staff(factory, None, StaffRole.CASE_OFFICER, name="接访甲")
    code = await code_for(factory, account_id)
    assert code.startswith("S-")
    await call(api, "GET", f"/v1/staff/{OFFICER}/me", 403)
    me = StaffMe.model_validate(await redeem(api, OFFICER, f" {code.lower()} "))
    assert (me.id, me.name, me.roles) == (account_id, "接访甲", [StaffRole.CASE_OFFICER])
    assert await look_up(api, f"/v1/staff/{OFFICER}/me", StaffMe) == me
    # The same message twice; then somebody else with the same code.
    await redeem(api, OFFICER, code)
    refused = await redeem(api, OTHER, code, 403)
    assert refused["code"] == "not_matched"
    async with database.transaction() as session:
        account = await session.get_one(StaffAccount, account_id)
        assert "接访甲".encode() not in account.name
        assert code.encode() not in (await session.scalars(select(StaffCode.code_index))).one()
    # Also who tries to be somebody of the office, and is not.
    assert await actions(database) == [
        ("staff.added", "operator", None, account_id),
        ("staff.code_issued", "operator", None, account_id),
        ("staff.linked", "chat", OFFICER, account_id),
        ("staff.link_failed", "chat", OTHER, OTHER),
    ]


async def test_every_failure_has_one_answer(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    """Unknown, used, over, replaced by a newer one, of a disabled account, for a chat that acts for somebody else, and
    a family's code."""
    used, over, replaced, disabled, others = [
        await code_for(factory, await staff(factory, None, StaffRole.VIEWER)) for _ in range(5)
    ]
    await redeem(api, OTHER, used)
    async with database.transaction() as session:
        ids = list(await session.scalars(select(StaffAccount.id).order_by(StaffAccount.id)))
        await session.execute(
            text("UPDATE staff_codes SET expires_at = now() - interval '1 second' WHERE staff_id = :id"), {"id": ids[1]}
        )
        await issue_staff_code(session, factory.vault, OPERATOR, ids[2])
        await change_account(session, factory.vault, OPERATOR, ids[3], disabled=True)
    answers = []
    for chat_id, code in [
        (700100201, "S-ABCDEFGHJKLM"),
        (700100202, used),
        (700100203, over),
        (700100204, replaced),
        (700100205, disabled),
        (OTHER, others),
        (700100206, "ABCDEFGHJK"),
        (700100207, ""),
        (700100208, "\0"),
    ]:
        answers.append(await redeem(api, chat_id, code, 403))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "not_matched"
    # The account of the chat is the one it was.
    assert (await look_up(api, f"/v1/staff/{OTHER}/me", StaffMe)).id == ids[0]


async def test_wrong_tries_lock_the_chat_also_for_residents(api: aiohttp.ClientSession, factory: Factory) -> None:
    account_id = await staff(factory, None, StaffRole.VIEWER)
    code = await code_for(factory, account_id)
    for _ in range(CHAT.windows[0][0] - 1):
        await redeem(api, OTHER, "S-ABCDEFGHJKLM", 403)
    await prove(api, OTHER, by_code("ABCDEFGHJK"), 403)
    locked = await redeem(api, OTHER, code, 429)
    assert locked["code"] == "locked"
    assert locked["details"]["retry_after_seconds"] > 0
    await prove(api, OTHER, by_code("ABCDEFGHJK"), 429)
    # Nothing was used up.
    await redeem(api, OFFICER, code)


async def test_a_staff_code_lets_nobody_in_as_a_resident(api: aiohttp.ClientSession, factory: Factory) -> None:
    code = await code_for(factory, await staff(factory, None, StaffRole.VIEWER))
    await prove(api, OTHER, by_code(code), 403)
    await redeem(api, OTHER, code)


async def test_a_new_phone_takes_over(api: aiohttp.ClientSession, factory: Factory) -> None:
    account_id = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    await redeem(api, OTHER, await code_for(factory, account_id))
    await call(api, "GET", f"/v1/staff/{OTHER}/me")
    await call(api, "GET", f"/v1/staff/{OFFICER}/me", 403)


async def test_two_chats_with_one_code(api: aiohttp.ClientSession, factory: Factory) -> None:
    """At the same moment: one of them acts for the account."""
    code = await code_for(factory, await staff(factory, None, StaffRole.VIEWER))

    async def tries(chat_id: int) -> int:
        async with api.post(f"/v1/staff/{chat_id}/account", json={"code": code}) as response:
            return response.status

    assert sorted(await asyncio.gather(*(tries(600100300 + n) for n in range(6)))) == [200] + [403] * 5


# --- accounts ---


async def test_an_administrator_keeps_the_accounts(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    admin = await staff(factory, ADMIN, StaffRole.ADMIN, name="管理甲")
    path = f"/v1/staff/{ADMIN}/accounts"
    given = {"name": " 接访甲 ", "roles": ["clerk", "case_officer"]}
    added = StaffAccountOut.model_validate(await call(api, "POST", path, 201, json=given))
    assert (added.name, added.roles) == ("接访甲", [StaffRole.CASE_OFFICER, StaffRole.CLERK])
    assert added.linked_at is added.disabled_at is None
    code = StaffCodeOut.model_validate(await call(api, "POST", f"{path}/{added.id}/codes", 201))
    await redeem(api, OFFICER, code.code)
    assert [account.name for account in await look_up(api, path, list[StaffAccountOut])] == ["管理甲", "接访甲"]

    changed = StaffAccountOut.model_validate(await change(api, ADMIN, added.id, roles=["viewer"]))
    assert (changed.roles, changed.linked_at is not None) == ([StaffRole.VIEWER], True)
    assert (await look_up(api, f"/v1/staff/{OFFICER}/me", StaffMe)).roles == [StaffRole.VIEWER]
    for account_id in (999_999,):
        await change(api, ADMIN, account_id, 404, disabled=True)
        await call(api, "POST", f"{path}/{account_id}/codes", 404)
    assert ("staff.roles_changed", "staff", admin, added.id) in await actions(database)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "roles": ["viewer"]},
        {"name": "   ", "roles": ["viewer"]},
        {"name": "长" * 41, "roles": ["viewer"]},
        {"name": "接访甲", "roles": []},
        {"name": "接访甲", "roles": ["god"]},
        {"name": "接访甲"},
    ],
)
async def test_what_no_account_can_be(api: aiohttp.ClientSession, factory: Factory, body: dict[str, Any]) -> None:
    await staff(factory, ADMIN, StaffRole.ADMIN)
    await call(api, "POST", f"/v1/staff/{ADMIN}/accounts", 422, json=body)


async def test_a_disabled_account_loses_everything_at_once(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    await staff(factory, ADMIN, StaffRole.ADMIN)
    account_id = await staff(factory, OFFICER, *StaffRole)
    code = await code_for(factory, account_id)
    await call(api, "GET", f"/v1/staff/{OFFICER}/accounts")
    disabled = StaffAccountOut.model_validate(await change(api, ADMIN, account_id, disabled=True))
    assert disabled.disabled_at is not None
    assert disabled.linked_at is None
    await call(api, "GET", f"/v1/staff/{OFFICER}/me", 403)
    await redeem(api, OFFICER, code, 403)
    await call(api, "POST", f"/v1/staff/{ADMIN}/accounts/{account_id}/codes", 404)
    # In force again, it needs a new code: the phone may be the reason why it was disabled.
    await change(api, ADMIN, account_id, disabled=False)
    await call(api, "GET", f"/v1/staff/{OFFICER}/me", 403)
    await redeem(api, OFFICER, code, 403)
    await redeem(api, OFFICER, await code_for(factory, account_id))
    # Where the chat is still written beside it, a disabled account can do nothing either.
    async with database.transaction() as session:
        await session.execute(text("UPDATE staff_accounts SET disabled_at = now() WHERE id = :id"), {"id": account_id})
    await call(api, "GET", f"/v1/staff/{OFFICER}/me", 403)
    await redeem(api, OFFICER, code, 403)


async def test_nobody_raises_their_own_roles(api: aiohttp.ClientSession, factory: Factory) -> None:
    mine = await staff(factory, ADMIN, StaffRole.ADMIN, StaffRole.CLERK)
    await staff(factory, OTHER, StaffRole.ADMIN)
    refused = await change(api, ADMIN, mine, 403, roles=["admin", "clerk", "approver"])
    assert refused["code"] == "not_allowed"
    assert (await look_up(api, f"/v1/staff/{ADMIN}/me", StaffMe)).roles == [StaffRole.CLERK, StaffRole.ADMIN]
    await change(api, ADMIN, mine, roles=["clerk"])
    await change(api, ADMIN, mine, 403, roles=["clerk", "admin"])


async def test_the_last_administrator_stays(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    first = await staff(factory, ADMIN, StaffRole.ADMIN, StaffRole.CLERK)
    for what in ({"disabled": True}, {"roles": ["clerk"]}):
        refused = await change(api, ADMIN, first, 409, **what)
        assert refused["code"] == "last_admin"
    second = await staff(factory, OTHER, StaffRole.ADMIN)
    await change(api, OTHER, first, disabled=True)
    await change(api, OTHER, second, 409, disabled=True)
    # The operator, at the machine itself, can: a stolen phone must not stay in force.
    async with database.transaction() as session:
        await change_account(session, factory.vault, OPERATOR, second, disabled=True)
    await call(api, "GET", f"/v1/staff/{OTHER}/me", 403)


async def test_two_administrators_cannot_disable_each_other(api: aiohttp.ClientSession, factory: Factory) -> None:
    first, second = await staff(factory, ADMIN, StaffRole.ADMIN), await staff(factory, OTHER, StaffRole.ADMIN)

    async def disables(chat_id: int, account_id: int) -> int:
        path = f"/v1/staff/{chat_id}/accounts/{account_id}"
        async with api.patch(path, json={"disabled": True}) as response:
            return response.status

    statuses = await asyncio.gather(disables(ADMIN, second), disables(OTHER, first))
    # The second finds itself disabled already.
    assert sorted(statuses) == [200, 403]


async def test_an_administrator_who_is_disabled_already_disables_nobody(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    """Of two who disabled each other at the same moment, a third one left, both were gone: the thief's account took
    that of the colleague along who had noticed it."""
    first, second = await staff(factory, ADMIN, StaffRole.ADMIN), await staff(factory, OTHER, StaffRole.ADMIN)
    await staff(factory, None, StaffRole.ADMIN)
    async with database.transaction() as session:
        await change_account(session, factory.vault, Actor.staff(first), second, disabled=True)
        late = await started(database, change(api, OTHER, first, 403, disabled=True))
    await late
    await call(api, "GET", f"/v1/staff/{ADMIN}/me")


async def test_what_an_account_begins_is_done_before_it_is_disabled_or_not_at_all(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    account_id = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    agreement = await factory.agreement()
    path = f"/v1/staff/{OFFICER}/agreements/{agreement.id}/codes"
    async with database.transaction() as session:
        await change_account(session, factory.vault, OPERATOR, account_id, disabled=True)
        late = await started(database, call(api, "POST", path, 403, json={}))
    await late
    assert "code.issued" not in [what for what, *_ in await actions(database)]


async def test_what_is_on_file_is_sealed(database: Database, vault: Vault, factory: Factory) -> None:
    account_id = await staff(factory, None, StaffRole.VIEWER, name="编造某")
    async with database.transaction() as session:
        account = await session.get_one(StaffAccount, account_id)
    assert vault.open("staff.name", account.name) == "编造某"


async def test_what_waits_for_a_lost_phone_is_not_sent_there(database: Database, factory: Factory) -> None:
    """Neither where the account is disabled, nor where it is linked to a new phone; the family's own news are."""
    lost, moved = await staff(factory, OFFICER, StaffRole.PUBLISHER), await staff(factory, OTHER, StaffRole.PUBLISHER)
    async with database.transaction() as session:
        news = BroadcastOnDesk(broadcast_id=1, title="停水", action=BroadcastAction.REJECT, by="编造员", text="不行")
        await enqueue_notice(session, factory.vault, [OFFICER, OTHER, ADMIN], news)
        await enqueue_notice(session, factory.vault, [OFFICER], AccessDeclined(reason="缺材料"))
        await change_account(session, factory.vault, OPERATOR, lost, disabled=True)
    code = await code_for(factory, moved)
    async with database.transaction() as session:
        await link_account(session, factory.vault, 700100299, code)
        found = await session.execute(select(Delivery.chat_id, Delivery.kind, Delivery.state, Delivery.payload))
        waiting = {(row.chat_id, row.kind.value) for row in found if row.state is DeliveryState.WAITING}
        assert waiting == {(ADMIN, "broadcast_on_desk"), (OFFICER, "access_declined")}
        gone = await session.scalars(select(Delivery.payload).where(Delivery.state == DeliveryState.CANCELLED))
        assert [*gone] == [None, None]
